"""An incident from the records to the sheet of paper: found, told, honest, harmless."""

import contextlib
import json
import re
import sqlite3
import threading
from pathlib import Path

import pytest
from tests.gateway.rivers import flood, write_past

from amont_gateway import cli, incidents
from amont_gateway.counters import Counters
from amont_gateway.incident_report import report
from amont_gateway.records import FILE, RecordReader, Records
from amont_gateway.story import tell
from amont_site import load

SITE = Path(__file__).parents[2] / "docs/examples/site.yaml"
HOUR_MS = 3_600_000
T0 = 1_800_000_000_000


def level(at_ms, name, rule="two votes", limit=2500, stage=2540):
    return {
        "at_ms": at_ms, "kind": "level", "station": "pont", "level": name, "before": "normal",
        "limit_mm": limit, "rule": rule, "sensors": ["pont-a", "pont-b"], "frame": [17, 4097, 3],
        "readings": {"pont-a": [stage, 20, [], 0], "pont-b": [stage - 30, 35, ["suspect"], 1]},
    }  # fmt: skip


def siren(at_ms, state, *actions, **more):
    done = [{"kind": kind, "rule": rule, "value": 1, "person": ""} for kind, rule in actions]
    return {"at_ms": at_ms, "kind": "siren", "siren": "mairie", "state": state, "mode": "armed",
            "actions": done, **more}  # fmt: skip


def output(at_ms, commanded, confirmed):
    return {"at_ms": at_ms, "kind": "seen output", "siren": "mairie", "commanded": commanded,
            "confirmed": confirmed}  # fmt: skip


FLOOD = [
    {"at_ms": T0 - 9 * HOUR_MS, "kind": "seen limits", "station": "pont",
     "limits_mm": [1100, 1700, 2400, 3100]},
    {"at_ms": T0 - HOUR_MS, "kind": "seen forecast", "station": "pont", "reaches": "warning",
     "issued_ms": T0 - HOUR_MS, "steps": [[3, 1500, 1900, 2600], [6, 1600, 2200, 3300]]},
    level(T0, "watch", "level", 1200, 1210),
    level(T0 + HOUR_MS, "alarm"),
    siren(T0 + HOUR_MS + 100, "sound", ("relay on", "relay"), ("record", "alarm"), station="pont"),
    output(T0 + HOUR_MS + 900, True, True),
    {"at_ms": T0 + HOUR_MS + 30_000, "kind": "wrong pin", "person": "Anne", "asked": "mute"},
    siren(T0 + HOUR_MS + 60_000, "sound", ("record", "acknowledged"), asked="acknowledge",
          person="Anne"),
    siren(T0 + HOUR_MS + 90_000, "muted", ("relay off", "relay"), ("record", "muted"),
          asked="mute", person="<b>Luc</b>"),
    output(T0 + HOUR_MS + 91_000, False, False),
    {"at_ms": T0 + HOUR_MS + 100_000, "kind": "fault", "name": "silent pont-b"},
    {"at_ms": T0 + 2 * HOUR_MS, "kind": "seen link", "up": False, "site": ""},
    {"at_ms": T0 + 2 * HOUR_MS + 60_000, "kind": "seen link", "up": True, "site": ""},
    level(T0 + 5 * HOUR_MS, "normal", "cleared", 0, 900),
    siren(T0 + 5 * HOUR_MS, "latch", ("record", "hazard over")),
    siren(T0 + 6 * HOUR_MS, "idle", ("record", "reset"), asked="reset", person="Anne"),
]  # fmt: skip


def keep(folder, records):
    store = Records(folder, Counters(), lambda *_: None)
    for record in records:
        store.take(record)
    stopping = threading.Event()
    stopping.set()
    store.run(stopping)
    return folder / FILE


@pytest.fixture
def told(tmp_path, places):
    path = keep(tmp_path, FLOOD)
    peak_s = T0 // 1000 + 2 * 3600
    write_past(
        tmp_path, flood(2900, peak_s), from_s=peak_s - 20_000, until_s=peak_s + 20_000,
        skip=lambda node, s: node == 18 and s > peak_s,
    )  # fmt: skip
    (incident,) = incidents.read(path)
    return tell(places, tmp_path, incident, T0 + 24 * HOUR_MS)


def test_an_incident_lasts_from_the_first_level_to_calm(tmp_path, places):
    quiet = [level(T0 - 90 * HOUR_MS, "watch"), level(T0 - 89 * HOUR_MS, "normal")]
    path = keep(tmp_path, quiet + FLOOD)
    (line,) = [incidents.line(x, places.names) for x in incidents.read(path)]
    assert (line.from_ms, line.until_ms) == (T0, T0 + 6 * HOUR_MS)
    assert (line.station, line.highest, line.sounded, line.drill) == ("pont", "alarm", True, False)
    assert line.text == {
        "fr": "Pont : alarme, la sirène a sonné", "en": "Pont: alarm, the siren sounded",
    }  # fmt: skip


def test_a_drill_is_told_as_a_drill(tmp_path, places):
    path = keep(tmp_path, [
        siren(T0, "idle", ("relay on", "relay"), ("record", "drill"), mode="drill", person="Anne"),
        siren(T0 + 60_000, "idle", ("relay off", "relay"), ("record", "drill over")),
    ])  # fmt: skip
    (incident,) = incidents.read(path)
    assert (incident.drill, incident.sounded, incident.until_ms) == (True, False, T0 + 60_000)
    html = report(tell(places, tmp_path, incident, T0 + HOUR_MS), places, "en", T0 + HOUR_MS)
    assert "Drill report" in html
    assert "there was no flood" in html


@pytest.mark.parametrize(
    ("lang", "wanted"), [("fr", "16 janvier, 0 h 12 min 00 s"), ("en", "16 January, 0:12:00")]
)
def test_a_report_is_read_another_day(tmp_path, places, lang, wanted):
    """No "tomorrow", and no bare time of the next day: the flood goes on past midnight."""
    night = T0 + 15 * HOUR_MS
    path = keep(tmp_path, [level(night - 600_000, "warning"), level(night + 720_000, "normal")])
    (incident,) = incidents.read(path)
    html = report(tell(places, tmp_path, incident, night), places, lang, night)
    plain = html.replace("\xa0", " ")
    assert plain.count(wanted) == 2  # what decided, and the sequence
    assert "demain" not in plain
    assert "tomorrow" not in plain


def test_an_end_that_was_not_heard_is_closed_by_calm_and_numbers_stay(tmp_path, places):
    calm = {"at_ms": T0 + 9 * HOUR_MS, "kind": "seen calm", "site": "", "calm": True}
    path = keep(tmp_path, [*FLOOD[:6], calm])
    (first,) = incidents.read(path)
    assert first.until_ms == T0 + 9 * HOUR_MS
    keep(tmp_path, [level(T0 + 30 * HOUR_MS, "warning")])
    again, second = incidents.read(path)
    assert again.number == first.number == 3
    assert second.until_ms is None


def test_a_damaged_row_hides_no_other(tmp_path, places):
    path = keep(tmp_path, [{"kind": "level", "level": "alarm"}, level(2**62, "alarm"), *FLOOD])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        row = "INSERT INTO record(at_ms, kind, content) VALUES (?, 'level', ?)"
        file.executemany(row, [(T0, "{cut"), (T0, "[1]"), (T0, b"\xff")])
    (incident,) = incidents.read(path)
    assert incident.until_ms == T0 + 6 * HOUR_MS
    told = tell(places, tmp_path, incident, T0 + 24 * HOUR_MS)
    assert "two sensors agree" in report(told, places, "en", T0 + 24 * HOUR_MS)


def test_a_second_look_reads_on_and_another_file_is_read_anew(tmp_path):
    path = keep(tmp_path, FLOOD[:6])
    kept = incidents.Incidents(path)
    assert [x.until_ms for x in kept.all()] == [None]
    assert kept.all() == kept.all()
    keep(tmp_path, FLOOD[6:])
    assert [x.until_ms for x in kept.all()] == [T0 + 6 * HOUR_MS]
    for leftover in tmp_path.glob(FILE + "*"):
        leftover.unlink()
    assert kept.all() == []
    keep(tmp_path, FLOOD[3:5])
    assert [(x.number, x.until_ms) for x in kept.all()] == [(1, None)]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_report_says_what_people_ask(told, places, lang):
    html = report(told, places, lang, T0 + 24 * HOUR_MS)
    wanted = {
        "fr": [
            "2,54 m mesurés, seuil 2,50 m (deux capteurs d’accord)",
            "confirmé par son contact",
            "Ont agi : Anne",
            "médiane 1,90",
            "Seuils en vigueur au début",
            "n’entendait pas le gardien",
            "pont b : pas de mesure valable",
            "Mairie est simulée",
        ],
        "en": [
            "2.54 m measured, limit 2.50 m (two sensors agree)",
            "confirmed by its contact",
            "People who acted: Anne",
            "median 1.90",
            "Limits in force as",
            "did not hear the guard",
            "age assumed",
            "no valid reading from",
            "is simulated",
        ],
    }[lang]
    plain = html.replace("\xa0", " ")
    assert [text for text in wanted if text not in plain] == []
    assert html.count("<svg") == 1
    assert "Luc" in html


def test_nothing_in_the_records_can_become_markup(told, places):
    html = report(told, places, "fr", T0 + 24 * HOUR_MS)
    assert "&lt;b&gt;Luc" in html
    assert "<b>Luc" not in html
    assert not re.search(r"<script|https?://(?!www\.w3\.org/2000/svg)|url\(", html)


def test_limits_of_that_day_are_drawn_not_those_of_today(told, places):
    html = report(told, places, "en", T0 + 24 * HOUR_MS)
    assert told.limits == {"pont": [1100, 1700, 2400, 3100]}
    told.limits = {}
    assert "Limits of today" in report(told, places, "en", T0 + 24 * HOUR_MS)
    assert "Limits of today" not in html


def test_the_guards_own_file_is_used_and_verified_where_it_may_be_read(tmp_path, places):
    path = keep(tmp_path, FLOOD[:8])
    guard = tmp_path / "guard"
    guard.mkdir()
    with (guard / "audit.jsonl").open("w") as file:
        for record in FLOOD:
            file.write(json.dumps({**record, "n": 1, "h": "0" * 64}) + "\n")
    (incident,) = incidents.read(path)
    story = tell(places, tmp_path, incident, T0 + 24 * HOUR_MS, guard)
    assert story.from_audit
    assert [r["kind"] for r in story.records].count("level") == 3
    assert story.audit.verified is False  # these hashes are none
    html = report(story, places, "en", T0 + 24 * HOUR_MS)
    assert "IS NOT INTACT" in html
    assert "rests on the gateway" not in html


def test_records_are_bounded_and_survive_a_damaged_file(tmp_path, monkeypatch):
    monkeypatch.setattr("amont_gateway.records.MAX_RECORDS", 20)
    path = keep(tmp_path, [level(T0 + i, "watch") for i in range(15)])
    keep(tmp_path, [level(T0 + i, "watch") for i in range(15, 30)])
    reader = RecordReader(path)
    kept = [number for number, _ in reader.between(0, T0 + HOUR_MS)]
    reader.close()
    assert kept == list(range(11, 31))
    path.write_bytes(b"not a database at all" * 100)
    for leftover in ("-wal", "-shm"):
        path.with_name(FILE + leftover).unlink(missing_ok=True)
    notes = []
    store = Records(tmp_path, Counters(), lambda *note: notes.append(note[0]))
    store.take(level(T0, "alarm"))
    stopping = threading.Event()
    stopping.set()
    store.run(stopping)
    store.run(stopping)
    assert notes == ["records_fault"]
    assert [x.highest for x in incidents.read(path)] == ["alarm"]
    assert list(tmp_path.glob("records.db.damaged-*"))


def command(*words):
    return cli.main(["incident", "--site", str(SITE), "--lang", "en", *map(str, words)])


@pytest.fixture
def example(tmp_path):
    """Records that name the places of the example's site."""
    site = load(SITE)
    station, siren_id = site.stations[0].id, site.sirens[0].id
    told = json.dumps(FLOOD).replace('"pont"', f'"{station}"').replace('"mairie"', f'"{siren_id}"')
    keep(tmp_path, json.loads(told))
    return tmp_path


def test_the_command_lists_and_writes(example, capsys):
    assert command("--data", example) == 0
    (line,) = capsys.readouterr().out.splitlines()
    number = line.split()[0]
    assert "alarm, the siren sounded" in line
    assert command("--data", example, "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["number"] == int(number)
    out = example / "report.html"
    assert command("--data", example, "--out", out, number) == 0
    assert "Incident report" in out.read_text()
    day = {"--from": "2027-01-15T00:00", "--to": "2027-01-16T00:00"}
    assert command("--data", example, *[x for pair in day.items() for x in pair]) == 0
    assert "What happened" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["77"], 3, "no incident 77"),
        (["--from", "2020-01-01", "--to", "2020-02-01"], 3, "no incident in that time"),
        (["--from", "yesterday"], 2, "yesterday"),
        (["--data", "/nowhere/at/all"], 3, "no records"),
    ],
)
def test_what_there_is_not_is_said_in_a_line(example, capsys, words, code, says):
    data = [] if "--data" in words else ["--data", example]
    assert command(*data, *words) == code
    said = capsys.readouterr().err
    assert says in said
    assert len(said.splitlines()) == 1


def test_a_damaged_file_of_records_is_one_line(example, capsys):
    for leftover in ("-wal", "-shm"):
        (example / (FILE + leftover)).unlink(missing_ok=True)
    (example / FILE).write_bytes(b"rubbish" * 1000)
    assert command("--data", example) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
