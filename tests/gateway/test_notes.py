"""What people note: durable, of a place that the site knows, and readable by everybody else."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.gateway.conftest import eventually, make_places

from amont_gateway import notes, places
from amont_gateway.cli import main
from amont_gateway.counters import Counters
from amont_gateway.indicators import store as indicators
from amont_gateway.indicators.leaks import DAY_MS, Leak
from amont_gateway.indicators.store import Store
from amont_gateway.notes import Note
from amont_gateway.records import FILE, RecordReader, Records, append

NOW_MS = 1_800_000_000_000
SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
REPAIR = Note("repair", "centre", NOW_MS - 1000, "Anne", "vanne 12 changée", leak=3)


def told(tmp_path: Path) -> list[Note]:
    return [note for _, note in notes.read(tmp_path / FILE)]


def test_a_note_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert told(tmp_path) == []
    first = notes.write(tmp_path, REPAIR, NOW_MS)
    other = Note("calibration", "pont", NOW_MS - 5, "Luc", "+12 mm", sensor="pont-a")
    second = notes.write(tmp_path, other, NOW_MS)
    read = list(notes.read(tmp_path / FILE))
    assert [number for number, _ in read] == [first, second]
    assert read[0][1] == Note(**{**REPAIR.__dict__, "written_ms": NOW_MS})
    assert (read[1][1].sensor, read[1][1].leak) == ("pont-a", None)
    assert [n for n, _ in notes.read(tmp_path / FILE, first)] == [second]
    reader = RecordReader(tmp_path / FILE)
    assert [r["kind"] for _, r in reader.between(0, NOW_MS)] == ["note repair", "note calibration"]
    reader.close()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "rumour"}, "none of repair"),
        ({"place": ""}, "some place"),
        ({"by": " "}, "--by"),
        ({"text": "two\nlines"}, "the text"),
        ({"text": "x" * 401}, "1 to 400"),
        ({"at_ms": NOW_MS + 3_600_000}, "has not come"),
        ({"kind": "note"}, "only of a repair"),
        ({"leak": 0}, "only of a repair"),
    ],
)
def test_what_no_note_can_be_is_said_and_nothing_is_written(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        notes.write(tmp_path, Note(**{**REPAIR.__dict__, **change}), NOW_MS)  # type: ignore[arg-type]
    assert not (tmp_path / FILE).exists()


def test_a_word_means_a_place_a_node_or_a_sensor_of_one() -> None:
    places = make_places()
    assert notes.place_of(places, "centre") == ("centre", "")
    assert notes.place_of(places, "jauge") == ("jauge", "")
    assert notes.place_of(places, "31") == ("31", "")
    assert notes.place_of(places, "pont-a") == ("pont", "pont-a")
    with pytest.raises(ValueError, match="the site has no 'ponts': say a sensor"):
        notes.place_of(places, "ponts")


def test_a_record_that_is_no_note_is_passed_over() -> None:
    assert notes.from_record({"kind": "seen calm", "at_ms": 1}) is None
    assert notes.from_record({"kind": "note repair", "at_ms": "soon"}) is None
    odd = notes.from_record({"kind": "note note", "at_ms": 5, "leak": "x"})
    assert odd == Note("note", "", 5, "", "")


def test_notes_go_beside_what_the_running_gateway_records(tmp_path: Path) -> None:
    records = Records(tmp_path, Counters(), lambda _kind, _detail: None)
    stopping = threading.Event()
    thread = threading.Thread(target=lambda: records.run(stopping))
    thread.start()
    for k in range(20):
        records.take({"kind": "seen calm", "at_ms": k + 1})
        notes.write(tmp_path, REPAIR, NOW_MS)
    reader = RecordReader(tmp_path / FILE)
    eventually(lambda: reader.last_id() == 40)
    reader.close()
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    assert len(told(tmp_path)) == 20


def test_a_note_outlives_a_kill_right_after_it(tmp_path: Path) -> None:
    code = (
        "import os, sys; from amont_gateway.cli import main; main(sys.argv[1:]);"
        "sys.stdout.flush(); os.kill(os.getpid(), 9)"
    )
    asked = ["note", "repair", "bourg", "vanne 12", "--by", "Anne", "--site", str(SITE)]
    command = [sys.executable, "-c", code, *asked, "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "noté" in done.stdout) == (-9, True), done.stderr
    assert [(n.kind, n.place, n.by) for n in told(tmp_path)] == [("repair", "bourg", "Anne")]


def asked_of(tmp_path: Path, *words: str) -> list[str]:
    return ["note", *words, "--site", str(SITE), "--data", str(tmp_path)]


def test_the_command_notes_and_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asked_of(tmp_path, "list")) == 0
    assert "rien n'a été noté" in capsys.readouterr().out
    repair = ("repair", "bourg", "vanne 12", "--by", "Anne", "--leak", "2")
    assert main(asked_of(tmp_path, *repair, "--at", "2026-03-02T14:30")) == 0
    said = capsys.readouterr().out
    assert [line.partition(" ;")[0] for line in said.splitlines()] == [
        "noté : 2026-03-02 14:30  réparation  bourg, fuite 2  Anne  vanne 12",
        "aucune fuite de bourg n'est connue ici",
    ]
    assert main(asked_of(tmp_path, "calibration", "pont-neuf-b", "+3 mm", "--by", "Luc")) == 0
    capsys.readouterr()
    assert main(asked_of(tmp_path, "list", "pont-neuf-b", "--lang", "en")) == 0
    assert "calibration  pont-neuf-b  Luc  +3 mm" in capsys.readouterr().out
    assert main(asked_of(tmp_path, "list", "bourg", "--json")) == 0
    (plain,) = json.loads(capsys.readouterr().out)
    assert (plain["place"], plain["leak"], plain["at_ms"]) == ("bourg", 2, 1_772_458_200_000)


def leaks_of(tmp_path: Path, now_ms: int) -> None:
    """Keep leak 1 of bourg, open, leak 2, gone, and leak 9 of somewhere else."""
    leaks = [
        Leak(place, number, now_ms - 20 * DAY_MS, seen_ms, shown, True)
        for place, number, seen_ms, shown in (
            ("bourg", 1, now_ms, True), ("bourg", 2, now_ms - 15 * DAY_MS, False),
            ("hameau", 9, now_ms, True),
        )
    ]  # fmt: skip
    store = Store(tmp_path)
    store.save({}, {}, leaks)
    store.close()


def test_a_repair_is_of_a_leak_that_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leaks_of(tmp_path, time.time_ns() // 1_000_000)
    for number in ("9", "99"):
        repair = ("repair", "bourg", "x", "--by", "Anne", "--leak", number)
        assert main(asked_of(tmp_path, *repair, "--lang", "en")) == 2
        said = capsys.readouterr().err
        assert f"bourg has no leak {number}; open there: 1\n" in said
    assert told(tmp_path) == []
    for number in ("2", "1"):
        assert main(asked_of(tmp_path, *repair[:-1], number)) == 0
        assert "connue" not in capsys.readouterr().out
    assert main(asked_of(tmp_path, *repair)) == 2
    assert "bourg n'a pas de fuite 99 ; ouvertes là : aucune\n" in capsys.readouterr().err
    (tmp_path / indicators.FILE).write_bytes(b"junk" * 2000)
    assert main(asked_of(tmp_path, *repair)) == 0
    assert [note.leak for note in told(tmp_path)] == [2, 1, 99]


def test_place_and_text_may_come_after_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(asked_of(tmp_path, "repair", "bourg", "--by", "Anne", "--leak", "2", "v 12")) == 0
    assert main(asked_of(tmp_path, "repair", "--by", "Anne", "bourg", "v 13")) == 0
    said = [x for x in capsys.readouterr().out.splitlines() if x.startswith("noté")]
    assert [line.split("  ", 1)[1] for line in said] == [
        "réparation  bourg, fuite 2  Anne  v 12",
        "réparation  bourg  Anne  v 13",
    ]
    with pytest.raises(SystemExit):
        main(asked_of(tmp_path, "repair", "bourg", "--by", "Anne", "two", "words"))
    assert "unrecognized arguments: words" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("note", "nowhere", "x", "--by", "Anne"), 2, "the site has no 'nowhere'"),
        (("note", "bourg", "x", "--by", "Anne", "--at", "noon"), 2, "--at noon: write a local"),
        (("note", "bourg", "x", "--by", "Anne", "--at", "2099-01-01"), 2, "has not come"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    assert main(asked_of(tmp_path, *words)) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_without_a_site_it_is_the_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Path("/etc/amont/site.yaml") == places.SITE_FILE
    site = tmp_path / "site.yaml"
    for module in ("note_cli", "leaks_cli", "incident_cli", "history_cli", "quarantine_cli"):
        monkeypatch.setattr(f"amont_gateway.{module}.SITE_FILE", site)
    history = (["replay", "--since", "start"], ["selftest"], ["quarantine", "resend"])
    words = [["note", "list"], ["leaks"], ["incident"], *(["history", *more] for more in history)]
    for asked in words:
        assert main(asked) == 2
        assert f"{site}: error: cannot be read" in capsys.readouterr().err


def test_damaged_records_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILE).write_bytes(b"junk" * 2000)
    assert main(asked_of(tmp_path, "list")) == 1
    assert f"{tmp_path}: file is not a database" in capsys.readouterr().err


def test_without_a_data_folder_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = asked_of(tmp_path / "none", "note", "bourg", "x", "--by", "Anne")
    assert main(words) == 1
    assert "no data folder at" in capsys.readouterr().err


@pytest.mark.parametrize(("user", "owned"), [(0, True), (1000, False)])
def test_what_root_makes_belongs_to_the_folder_s_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, owned: bool
) -> None:
    given: list[tuple[str, int, int]] = []
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr("os.chown", lambda path, uid, gid: given.append((path.name, uid, gid)))
    notes.write(tmp_path, REPAIR, NOW_MS)
    notes.write(tmp_path, REPAIR, NOW_MS)
    folder = tmp_path.stat()
    assert given == ([(FILE, folder.st_uid, folder.st_gid)] if owned else [])


def test_two_that_make_the_file_at_once_both_get_their_record_in(tmp_path: Path) -> None:
    for k in range(30):
        path, failed = tmp_path / f"{k}.db", []

        def write(path: Path = path, failed: list[Exception] = failed) -> None:
            try:
                append(path, {"kind": "note note", "at_ms": 1})
            except sqlite3.Error as error:
                failed.append(error)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not failed
        reader = RecordReader(path)
        assert reader.last_id() == 4
        reader.close()
