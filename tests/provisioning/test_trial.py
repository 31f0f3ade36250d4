"""A release is tried on a copy that can harm nobody, and says what fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.provisioning.desk import SITE

from amont_guard.config import parse
from amont_provision import backup
from amont_provision.backup import Places
from amont_provision.install import trial
from amont_site import load, write_guard

SECRET = "0123456789abcdef" * 2


@pytest.fixture
def places(tmp_path):
    """The example, with a siren on real pins and keys that nobody else may have."""
    made = Places(*(tmp_path / part for part in Places._fields))
    for folder in made:
        folder.mkdir(mode=0o700)
    plain = yaml.safe_load(SITE.read_text())
    plain["sirens"][0]["output"] = {"kind": "gpio", "pin": 17}
    (made.etc / "site.yaml").write_text(json.dumps(plain))
    (made.etc / "broker").mkdir()
    (made.etc / "broker" / "ca.key").write_text("root alone\n")
    (made.etc / "gateway.env").write_text("AMONT_MQTT_PASSWORD=secret\n")
    write_guard(load(made.etc / "site.yaml"), made.guard / "guard.json")
    old = {"generation": 1, "secret": SECRET}
    keys = {"11": {"generation": 2, "secret": SECRET, "previous": old}}
    (made.guard / "keys.json").write_text(json.dumps({"format": 1, "nodes": keys}))
    return made


FOREIGN = {
    "id": "sondes", "name": {"fr": "Sondes", "en": "Probes"}, "topic": "a/b", "form": "plain",
    "interval_s": 900, "broker": {"host": "mqtt.example"},
    "sensors": [{"sensor": "radar", "number": 1, "unit": "cm", "quantity": "stage_mm"}],
}  # fmt: skip


def arguments(places, work):
    work.mkdir(exist_ok=True)
    folders = [word for part in Places._fields for word in (f"--{part}", getattr(places, part))]
    return [*map(str, folders), "--work", str(work)]


def answers(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_all_parts_work_and_nothing_is_left(places, tmp_path, capsys):
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    work = tmp_path / "work"
    assert trial.main(arguments(places, work)) == 0
    assert answers(capsys) == [{"part": part, "ok": True} for part in trial.PARTS]
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert list(work.iterdir()) == []


def test_no_broker_and_no_bridge_of_the_copy_is_real(places, tmp_path):
    plain = yaml.safe_load((SITE.parent / "lorawan.yaml").read_text())
    plain["lorawan"]["broker"] = {"host": "eu1.example"}
    plain["bridge"] = {"port": "usb:2e8a:0005:A", "listeners": ["usb:2e8a:0005:B"]}
    plain["foreign_sources"] = [FOREIGN]
    (places.etc / "site.yaml").write_text(json.dumps(plain))
    made = backup.make(places, tmp_path / "work").path
    trial.tame(load(places.etc / "site.yaml"), made)
    site = load(made / "etc" / "site.yaml")
    brokers = [site.lorawan.broker, site.foreign_sources[0].broker]
    brokers += [site.broker] if site.broker else []
    assert {(broker.host, broker.port) for broker in brokers} == {("127.0.0.1", 9)}
    bridge = parse((made / "guard" / "guard.json").read_bytes()).bridge
    assert (bridge.port, bridge.listeners) == ("/nonexistent/bridge", [])


def test_the_copy_has_nothing_real(places, tmp_path):
    made = backup.make(places, tmp_path / "work").path
    trial.tame(load(places.etc / "site.yaml"), made)
    guard = parse((made / "guard" / "guard.json").read_bytes())
    assert {siren.output["kind"] for siren in guard.sirens.values()} == {"simulated"}
    assert (guard.bridge.port, guard.bridge.listeners) == ("/nonexistent/bridge", [])
    site = load(made / "etc" / "site.yaml")
    assert site.history is None
    assert (site.broker.host, site.broker.port) == ("127.0.0.1", 9)
    keys = (made / "guard" / "keys.json").read_text()
    assert SECRET not in keys
    entry = json.loads(keys)["nodes"]["11"]
    assert len(entry["secret"]) == len(entry["previous"]["secret"]) == len(SECRET)
    assert [p.name for p in (made / "etc").iterdir()] == ["site.yaml"]


@pytest.mark.parametrize(
    ("part", "why"),
    [("site", "pigeon"), ("copy", "guard"), ("guard", "planted"), ("gateway", "planted")],
)
def test_what_fails_is_named(places, tmp_path, capsys, monkeypatch, part, why):
    if part == "site":
        site = places.etc / "site.yaml"
        site.write_text(site.read_text().replace('"bridge"', '"pigeon"'))
    elif part == "copy":
        (places.guard / "guard.json").unlink()
    else:
        programs = tmp_path / "bin"
        programs.mkdir()
        for name in ("amont-guard", "amont-gateway"):
            broken = name == f"amont-{part}"
            does = "echo planted; exit 3" if broken else f'exec {trial._BIN}/{name} "$@"'
            (programs / name).write_text(f"#!/bin/sh\n{does}\n")
            (programs / name).chmod(0o755)
        monkeypatch.setattr(trial, "_BIN", programs)
    assert trial.main(arguments(places, tmp_path / "work")) == 1
    last = answers(capsys)[-1]
    assert (last["part"], last["ok"]) == (part, False)
    assert why in last["why"]


def test_one_that_hangs_is_not_waited_for(places, tmp_path, capsys, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "amont-guard").write_text("#!/bin/sh\necho asleep; exec sleep 100\n")
    (programs / "amont-guard").chmod(0o755)
    monkeypatch.setattr(trial, "_BIN", programs)
    monkeypatch.setattr(trial, "_UP_S", 0.3)
    assert trial.main(arguments(places, tmp_path / "work")) == 1
    assert "not well after 0.3 s: asleep" in answers(capsys)[-1]["why"]


def test_a_damaged_journal_is_found(places, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        trial, "_program", lambda *_: subprocess.CompletedProcess([], 1, "row 3", "")
    )
    monkeypatch.setattr(trial, "_start", lambda *_: iter(()))
    assert trial.main(arguments(places, tmp_path / "work")) == 1
    assert answers(capsys)[-1] == {"part": "journal", "ok": False, "why": "row 3"}


def test_the_programs_are_those_of_the_python_that_runs_it():
    assert Path(sys.prefix) / "bin" == trial._BIN
    assert (trial._BIN / "amont-guard").exists()
