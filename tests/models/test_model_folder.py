"""Models replaced while the gateway runs: whole or not at all, by the same key or not at all."""

import json
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.models import scene

from amont_gateway import cli, doctor
from amont_gateway.scoring import model_folder
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.model_files import ModelError
from amont_gateway.scoring.model_folder import (
    LOOK_S,
    REST_S,
    ModelFolder,
    accept,
    keep,
    load_set,
    trusted_key,
)
from amont_models import release
from amont_models.recipe import ARTIFACTS_DIR

OURS, THEIRS = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def make(folder, version="1", key=OURS):
    """Write the shipped models as ``version``, signed by a key of the test's own."""
    folder.mkdir(exist_ok=True)
    manifest = json.loads((ARTIFACTS_DIR / "manifest.json").read_text())
    for entry in manifest["models"].values():
        shutil.copy(ARTIFACTS_DIR / entry["file"], folder / entry["file"])
        entry["version"] = version
    release.write_signed(folder, manifest, key)
    return folder


def replace(folder, other, names=None):
    for path in sorted(other.iterdir()):
        if names is None or path.name in names:
            shutil.copy(path, folder / path.name)


class Site:
    """A gateway's two folders, and real time as the test passes it."""

    def __init__(self, root):
        self.folder, self.data, self.now_s = make(root / "models"), root / "data", 0.0
        self.data.mkdir()
        self.start()

    def start(self):
        self.served = ModelFolder(self.folder, self.data, lambda: self.now_s)
        self.first = self.served.first()
        return self.first

    def wait(self, seconds):
        """Look every second; return what was swapped in."""
        found = None
        for _ in range(int(seconds)):
            self.now_s += LOOK_S
            found = self.served.renewed() or found
        return found

    def versions(self, found):
        return {model.name.split()[1] for model in found.models.values()}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_new_models_are_swapped_in_whole_and_old_ones_again(site, tmp_path):
    assert site.wait(3 * REST_S) is None, "nothing had changed"
    for version in ("2", "1"):
        assert not site.served.stirs()
        replace(site.folder, make(tmp_path / version, version))
        site.now_s += LOOK_S
        assert site.served.stirs()
        assert site.versions(site.wait(2 * REST_S)) == {version}
        assert site.served.refused == ""
        assert site.wait(3 * REST_S) is None, "swapped twice"


def test_files_that_come_one_after_another_are_taken_once_they_are_all_there(site, tmp_path):
    new = make(tmp_path / "new", "2")
    for path in sorted(new.iterdir()):
        replace(site.folder, new, {path.name})
        assert site.wait(REST_S - 2) is None
        assert site.served.refused == ""
    assert site.versions(site.wait(2 * REST_S)) == {"2"}


def test_a_folder_left_half_written_is_said_and_the_old_go_on_also_after_a_restart(site, tmp_path):
    new = make(tmp_path / "new", "2")
    replace(site.folder, new, {"manifest.json", "leak.int8.onnx"})
    assert site.wait(2 * REST_S) is None
    assert "signature" in site.served.refused
    restarted = site.start()
    assert site.versions(restarted) == {"1"}
    assert restarted.faults == {}
    assert "signature" in site.served.refused
    replace(site.folder, new)
    assert site.versions(site.wait(2 * REST_S)) == {"2"}
    assert site.served.refused == ""
    assert site.versions(site.start()) == {"2"}


@pytest.mark.parametrize("name", ["river.int8.onnx", "manifest.json", "manifest.sig"])
def test_damaged_models_are_refused_and_the_old_go_on(site, tmp_path, name):
    new = make(tmp_path / "new", "2")
    whole = (new / name).read_bytes()
    (new / name).write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    replace(site.folder, new)
    assert site.wait(2 * REST_S) is None
    assert name.removesuffix(".sig").removesuffix(".json") in site.served.refused
    assert site.versions(site.start()) == {"1"}


def test_one_bad_model_keeps_the_other_new_one_out_too(site, tmp_path):
    new = make(tmp_path / "new", "2")
    (new / "leak.int8.onnx").write_bytes(b"x")
    replace(site.folder, new)
    assert site.wait(2 * REST_S) is None
    assert "leak" in site.served.refused
    assert site.versions(site.start()) == {"1"}


def test_another_key_is_refused_until_a_person_accepts_it(site, tmp_path):
    replace(site.folder, make(tmp_path / "theirs", "2", THEIRS))
    assert site.wait(2 * REST_S) is None
    assert "another key" in site.served.refused
    assert site.versions(site.start()) == {"1"}, "a restart believed the key in the folder"
    key = accept(site.folder, site.data)
    assert trusted_key(site.data) == key
    assert site.versions(site.wait(2 * REST_S)) == {"2"}
    assert site.served.refused == ""
    replace(site.folder, make(tmp_path / "ours", "3"))
    assert site.wait(2 * REST_S) is None
    assert "another key" in site.served.refused


def test_no_one_accepts_a_folder_that_is_not_sound(site):
    (site.folder / "river.int8.onnx").write_bytes(b"x")
    before = trusted_key(site.data)
    with pytest.raises(ModelError, match="river"):
        accept(site.folder, site.data)
    assert trusted_key(site.data) == before


def test_a_trusted_key_that_cannot_be_read_lets_no_other_in(site, tmp_path):
    (kept,) = [path for path in (site.data / "models").iterdir() if path.is_dir()]
    (kept / "release.pub").write_text("zz")
    replace(site.folder, make(tmp_path / "theirs", "2", THEIRS))
    found = site.start()
    assert set(found.faults) == {"river", "leak"}
    assert "trusted key" in found.faults["river"]


def test_the_same_models_written_again_are_no_news(site, tmp_path):
    replace(site.folder, make(tmp_path / "same"))
    assert site.wait(3 * REST_S) is None
    assert site.served.refused == ""


def test_a_full_disk_costs_the_copy_and_not_the_models(site, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_folder, "_write", full)
    replace(site.folder, make(tmp_path / "new", "2"))
    assert site.versions(site.wait(2 * REST_S)) == {"2"}
    assert "No space" in site.served.unkept


def test_without_a_folder_of_its_own_nothing_is_kept(tmp_path):
    served = ModelFolder(make(tmp_path / "models"))
    assert served.first().faults == {}
    assert (served.refused, served.unkept) == ("", "")


def test_a_copy_is_one_of_those_that_were_there_whole(site, tmp_path):
    """Keep two versions in turn and kill -9 in between: what stands is always one of them."""
    new = make(tmp_path / "new", "2")
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from amont_gateway.scoring.model_folder import keep, load_set\n"
        "one, two, kept = map(Path, sys.argv[1:])\n"
        "shas = [load_set(one).sha256, load_set(two).sha256]\nprint('go', flush=True)\n"
        "while True:\n"
        "    for folder, sha in zip((one, two), shas):\n        keep(folder, kept, sha)\n"
    )
    kept = site.data / "models"
    seen = set()
    for turn in range(3):
        arguments = [sys.executable, "-c", script, str(site.folder), str(new), str(kept)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(0.02 * (turn + 1))
            process.send_signal(signal.SIGKILL)
        found = load_set(model_folder._current(kept))
        assert found.faults == {}
        seen |= site.versions(found)
    assert seen <= {"1", "2"}
    keep(new, kept, load_set(new).sha256)
    assert len([path for path in kept.iterdir() if path.is_dir()]) == 1, "leavings of the killed"


def test_forecasts_go_on_while_models_change(tmp_path):
    now_s = [0.0]
    folder, data = make(tmp_path / "models"), tmp_path / "data"
    data.mkdir()
    scoring = Scoring(folder, scene.site(), data)
    scoring._folder = ModelFolder(folder, data, lambda: now_s[0])
    scoring._serve(scoring._folder.first())
    at_ms = 1_519_804_800_000 - 2 * scene.HOUR_MS
    windows, names = scene.river_windows(at_ms), []
    new = make(tmp_path / "new", "2")
    steps = sorted(path.name for path in new.iterdir())
    for turn in range(20):
        if turn < len(steps):
            replace(folder, new, {steps[turn]})
        now_s[0] += LOOK_S
        scoring.renew()
        scoring.update(windows, at_ms)
        forecast = scoring.forecast("pont-neuf")
        assert (forecast.status, scoring.status) == ("ok", {"river": "ok", "leak": "ok"})
        names.append(forecast.model)
        assert scoring.serves[forecast.model] == scoring._models["river"].sha256
    assert names == sorted(names)
    assert {name.split()[1] for name in names} == {"1", "2"}
    assert scoring.notes == {}


def test_a_person_sees_what_is_refused_and_accepts_it(site, tmp_path, capsys):
    asked = ["models", "--artifacts", str(site.folder), "--data", str(site.data)]
    plan = SimpleNamespace(artifacts=site.folder, data=site.data)
    assert cli.main(asked) == 0
    assert {finding.verdict for finding in doctor._models(plan)} == {doctor.GOOD}
    replace(site.folder, make(tmp_path / "theirs", "2", THEIRS))
    capsys.readouterr()
    assert cli.main([*asked, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["key"] != found["trusted"] == trusted_key(site.data)
    assert found["models"] == {}
    (why, advice) = (finding.text for finding in doctor._models(plan))
    assert "another key" in why
    assert "--accept" in advice
    assert cli.main([*asked, "--accept"]) == 0
    assert trusted_key(site.data) == found["key"]
    shown = capsys.readouterr().out
    assert f"key trusted here: {found['key']}" in shown
    (site.folder / "leak.int8.onnx").write_bytes(b"x")
    assert cli.main([*asked, "--accept"]) == 1
    assert "leak.int8.onnx" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "rule"),
    [("river", {"watch_6h": 7.0}), ("leak", {"drift": "x"}), ("leak", {"odd": 1})],
)
def test_settings_that_cannot_be_used_are_refused_before_they_serve(site, name, rule):
    manifest = json.loads((site.folder / "manifest.json").read_text())
    manifest["models"][name]["rule"] = {**manifest["models"][name].get("rule", {}), **rule}
    release.write_signed(site.folder, manifest, OURS)
    assert site.wait(2 * REST_S) is None
    assert site.served.refused.startswith(name)
    assert site.versions(site.start()) == {"1"}
