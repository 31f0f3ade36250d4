"""The site's file reaches the guard: checked, compared, whole, and read when the guard starts."""

import json
import stat

import pytest
import yaml
from tests.provisioning.desk import SITE

from amont_guard.config import parse
from amont_provision import cli
from amont_site import canonical, compile_guard, load


@pytest.fixture
def guard(tmp_path):
    path = tmp_path / "guard"
    path.mkdir(mode=0o700)
    return path


def give(guard, *more, site=SITE):
    return cli.main(
        ["--lang", "en", "site", "--site", str(site), "--guard", str(guard), *map(str, more)]
    )


@pytest.fixture
def changed(tmp_path):
    plain = yaml.safe_load(SITE.read_text())
    plain["stations"][0]["watch_mm"] -= 100
    plain["people"][0]["pin"] = plain["people"][1]["pin"]
    path = tmp_path / "changed.yaml"
    path.write_text(json.dumps(plain))
    return path


def test_the_guard_reads_what_was_written(guard, capsys):
    assert give(guard) == 0
    path = guard / "guard.json"
    assert path.read_bytes() == canonical(compile_guard(load(SITE))) + b"\n"
    assert parse(path.read_bytes()).site == load(SITE).id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "restart the guard" in capsys.readouterr().out
    assert give(guard, "--json") == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False


def test_what_changes_is_shown_first(guard, changed, capsys):
    give(guard)
    before = (guard / "guard.json").read_bytes()
    capsys.readouterr()
    assert give(guard, "--dry-run", site=changed) == 0
    assert (guard / "guard.json").read_bytes() == before
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("dry run, nothing written")
    station = load(SITE).stations[0]
    assert f"- stations.{station.id}.watch_mm: {station.watch_mm}" in lines
    assert f"+ stations.{station.id}.watch_mm: {station.watch_mm - 100}" in lines
    pins = [line for line in lines if ".pin" in line]
    assert pins
    assert all(line.endswith(": …") for line in pins)
    assert give(guard, site=changed) == 0
    assert (guard / "guard.json").read_bytes() != before


@pytest.mark.parametrize("content", ["{", "[]", "[" * 50_000])
def test_a_damaged_file_of_the_guard_is_replaced(guard, content):
    (guard / "guard.json").write_text(content)
    assert give(guard) == 0
    parse((guard / "guard.json").read_bytes())


def test_a_site_with_errors_and_a_missing_folder_change_nothing(guard, tmp_path, capsys):
    give(guard)
    before = (guard / "guard.json").read_bytes()
    bad = tmp_path / "bad.yaml"
    bad.write_text(SITE.read_text().replace("carrier: bridge", "carrier: pigeon"))
    capsys.readouterr()
    assert give(guard, site=bad) == cli.REFUSED
    assert "bad.yaml:" in capsys.readouterr().err
    assert (guard / "guard.json").read_bytes() == before
    assert give(tmp_path / "nowhere") == cli.REFUSED
    assert "mkdir -m 700" in capsys.readouterr().err
