"""The power goes while a node takes a release: the old one boots or the new one, never neither."""

from pathlib import Path

import pytest
from tests.firmware import slot_rig

pytestmark = pytest.mark.micropython
STRIDE = {"serial": 7, "serial-over": 7, "chunks": 13, "chunks-over": 13, "back": 7}


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return slot_rig.make_way(tmp_path_factory.mktemp("releases"))


@pytest.mark.parametrize("way", slot_rig.WAYS)
def test_old_or_new_boots_after_every_cut(releases: Path, way: str) -> None:
    cuts, broken, first = slot_rig.cut(way, releases, STRIDE[way])
    assert cuts >= 20
    assert not broken, first


@pytest.mark.parametrize(
    ("fault", "finds"),
    [
        ("no-sync", "boots, not one of"),
        ("early-json", "b/probe/"),
        ("in-place", "damaged: a/"),
        ("torn-rename", ": "),
    ],
)
def test_planted_faults_are_found(releases: Path, fault: str, finds: str) -> None:
    _, broken, first = slot_rig.cut("serial", releases, 2, fault)
    assert broken
    assert finds in first
