from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from amont_site import (
    Site,
    canonical,
    check,
    cli,
    compile_guard,
    hash_pin,
    load,
    schema,
    write_guard,
)  # fmt: skip
from amont_site.model import DEFAULTS, Output, Siren, Text

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "site.yaml"


@pytest.fixture(scope="module")
def site() -> Site:
    return load(EXAMPLE)


def _contract() -> dict[str, Any]:
    """The guard.json that docs/architecture.md shows."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = re.search(r'```json\n(\{"format": 1, "site".*?)\n```', text, re.DOTALL)
    assert shown is not None
    found: dict[str, Any] = json.loads(shown[1])
    return found


def _shape(value: Any) -> Any:
    """Keys and types, of lists the first item."""
    if isinstance(value, dict):
        return {key: _shape(inner) for key, inner in value.items()}
    return [_shape(v) for v in value[:1]] if isinstance(value, list) else type(value)


def test_the_compiled_file_has_the_shape_of_the_contract(site: Site) -> None:
    assert _shape(compile_guard(site)) == _shape(_contract())


def test_defaults_are_the_contract_s(site: Site) -> None:
    shown = _contract()["nodes"][0]["channels"][0]
    assert compile_guard(site)["nodes"][0]["channels"][0] == shown | {"sensor": "pont-neuf-a"}
    limits = ("watch_mm", "warning_mm", "alarm_mm", "hysteresis_mm", "clear_s", "rise_support_s")
    for key in limits:
        assert compile_guard(site)["stations"][0][key] == _contract()["stations"][0][key]


def test_every_node_of_every_carrier_is_known_to_the_guard(site: Site) -> None:
    nodes = compile_guard(site)["nodes"]
    assert [(n["id"], n["carrier"]) for n in nodes] == [
        (11, "bridge"), (12, "bridge"), (21, "mqtt"), (31, "mqtt"),
    ]  # fmt: skip
    rain = nodes[2]["channels"][0]
    assert (rain["max"], rain["flat_samples"]) == (DEFAULTS["rain_um"].max, 0)


def test_the_hash_covers_all_but_itself(site: Site) -> None:
    guard = compile_guard(site)
    claimed = guard.pop("sha256")
    assert hashlib.sha256(canonical(guard)).hexdigest() == claimed
    guard["sirens"][0]["max_on_s"] += 1
    assert hashlib.sha256(canonical(guard)).hexdigest() != claimed


def test_a_gpio_pin_reaches_the_guard(site: Site) -> None:
    text = Text(fr="Mairie", en="Town hall")
    siren = Siren(id="s", name=text, stations=["pont-neuf"], output=Output(kind="gpio", pin=17))
    other = Site(**{f: getattr(site, f) for f in site.__struct_fields__} | {"sirens": [siren]})
    assert compile_guard(other)["sirens"][0]["output"] == {
        "kind": "gpio", "pin": 17, "active_high": True, "readback_pin": None,
        "isolate_pin": None, "isolate_readback_pin": None,
    }  # fmt: skip


def test_the_file_is_canonical_private_and_replaced_whole(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "guard.json"
    path.write_text("old")
    write_guard(site, path)
    data = path.read_bytes()
    assert json.loads(data) == compile_guard(site)
    assert data == canonical(json.loads(data)) + b"\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["guard.json"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failing_disk_leaves_the_old_file(
    broken: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "guard.json"
    path.write_text("old")

    def fail(*_arguments: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(OSError, match="Input/output"):
        write_guard(site, path)
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["guard.json"]


def test_data_and_folder_are_synced_around_the_rename(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, replace = os.fsync, os.replace

    def noting_fsync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        done.append("sync folder" if folder else "sync file")
        sync(descriptor)

    def noting_replace(source: Path, target: Path) -> None:
        done.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    write_guard(site, tmp_path / "guard.json")
    assert done == ["sync file", "rename", "sync folder"]


def test_pins_are_hashed_with_a_salt() -> None:
    hashed = hash_pin("246810")
    name, cost, block, lanes, salt, found = hashed.split("$")
    assert (name, cost, block, lanes) == ("scrypt", "8192", "8", "2")
    again = hashlib.scrypt(
        b"246810", salt=bytes.fromhex(salt), n=int(cost), r=int(block), p=int(lanes), dklen=32
    )
    assert again.hex() == found
    assert hash_pin("246810") != hashed
    assert hash_pin("246810", bytes.fromhex(salt)) == hashed


@pytest.mark.parametrize("pin", ["", "12345", "1234567890123", "1234a6", "١٢٣٤٥٦", "123 56"])
def test_other_than_digits_is_no_pin(pin: str) -> None:
    with pytest.raises(ValueError, match="6 to 12 digits"):
        hash_pin(pin)


def test_the_schema_in_the_documents_is_current() -> None:
    stored = json.loads((ROOT / "docs" / "site.schema.json").read_text(encoding="utf-8"))
    assert stored == schema(), "python -m amont_site schema > docs/site.schema.json"


def test_check_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--lang", "fr", "check", str(EXAMPLE)]) == 0
    assert capsys.readouterr().out.endswith("bon (4 nœuds, 1 stations, 1 zones)\n")
    bad = tmp_path / "site.yaml"
    bad.write_text(EXAMPLE.read_text(encoding="utf-8").replace("tls: true", "tls: yes"))
    assert cli.main(["--lang", "en", "check", str(bad)]) == 1
    problem = check(bad)[1][0]
    assert capsys.readouterr().out == problem.line_text("en") + "\n"


def test_schema_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_the_language_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "Vérifier" in capsys.readouterr().out


@pytest.mark.parametrize(("typed", "code"), [("246810\n", 0), ("letters\n", 1)])
def test_hash_pin_from_a_pipe(typed: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "amont_site", "hash-pin"],
        input=typed, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert bool(
        re.fullmatch(r"scrypt\$8192\$8\$2\$[0-9a-f]{32}\$[0-9a-f]{64}\n", done.stdout)
    ) == (code == 0)
    assert typed.strip() not in done.stdout + done.stderr


def test_a_wrong_pin_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("12\n"))
    assert cli.main(["hash-pin"]) == 1
    assert capsys.readouterr() == ("", "a PIN has 6 to 12 digits\n")


def test_hash_pin_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(cli.getpass, "getpass", lambda _prompt: "246810")
    assert cli.main(["hash-pin"]) == 0
    assert capsys.readouterr().out.startswith("scrypt$")
