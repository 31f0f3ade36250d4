"""Training: real guard, real page, real frames, people who act; nothing real is touched."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.gateway.rivers import flood as river
from tests.gateway.rivers import write_past
from tests.site.test_water import GOOD

from amont_demo import debrief, training_site
from amont_demo.director import SLOW, Director, Pace
from amont_demo.flood import BadFlood, from_csv, from_journal, invented, probe_lines
from amont_demo.training import Course, Options, TrainingError
from amont_site import load

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs/examples/site.yaml"


class Trainee:
    """Somebody with a browser."""

    def __init__(self, address: str, person: str, pin: str) -> None:
        self.person, self.pin = person, pin
        self.http = httpx.Client(base_url=address, timeout=10)
        self.origin = {"Origin": address.rstrip("/"), "Accept": "application/json"}

    def asks(self, kind: str, pin: str = "", **fields: str) -> dict[str, object]:
        html = self.http.get("/?lang=en").text
        token = re.search(r'name="csrf" value="([^"]+)"', html)
        assert token is not None, html[:2000]
        form = {
            "kind": kind, "person": self.person, "pin": pin or self.pin, "lang": "en",
            "csrf": token[1], "id": f"{kind}-{time.monotonic()}", **fields,
        }  # fmt: skip
        answer = self.http.post("/act", data=form, headers=self.origin)
        return {"status": answer.status_code, **answer.json()}

    def awaits_past(self) -> None:
        """Wait for the day before the flood, which the nodes send first."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            counters = self.http.get("/view.json").json()["counters"]
            if counters.get("samples_committed", 0) > 20:
                return
            time.sleep(0.1)
        raise AssertionError("the nodes' past never came")

    def close(self) -> None:
        self.http.close()


@pytest.fixture
def course(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    flood = tmp_path / "flood.csv"
    flood.write_text("time,stage_mm\n0,900\n600,900\n2400,2900\n3600,2700\n5400,900\n7200,800\n")
    words = [
        "training", "--lang", "en", "--speed", "600", "--calm", "60", "--patience", "60",
        "--flood", str(flood),
        "--page-port", str(port), "--json", str(tmp_path / "done.json"),
        "--report", str(tmp_path / "report.html"),
    ]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "amont_demo.cli", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    yield process, f"http://127.0.0.1:{port}/", tmp_path
    process.terminate()
    process.wait(20)
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.close()
    process.stdin.close()


def read_until(process: subprocess.Popen[str], start: str) -> str:
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(start):
            return line
    raise AssertionError(f"never said {start!r}: {seen}")


LIMITS = {
    "watch_mm": "1400", "warning_mm": "1900", "alarm_mm": "2400", "alarm_plus_mm": "3900",
}  # fmt: skip


def test_people_practise_from_calm_to_the_all_clear(course):
    process, address, folder = course
    pins = dict(re.findall(r"(\w+) (\d{6})", read_until(process, "Training PINs")))
    people = [Trainee(address, name, pins[name]) for name in ("Anne", "Luc")]
    anne, luc = people
    read_until(process, "Calm")
    assert "TRAINING" in anne.http.get("/?lang=en").text
    asked = {"watch": "1.40", "warning": "1.90", "alarm": "2.40", "alarm_plus": "3.90"}
    anne.awaits_past()
    trial = anne.http.get("/station/pont-neuf/limits", params={"lang": "en", **asked}).text
    assert "readings tried" in trial
    station = {"station": "pont-neuf", **LIMITS}
    assert anne.asks("limits", **station)["code"] == "second"
    assert luc.asks("limits", **station)["code"] == "agreed"
    assert luc.asks("keep", station="pont-neuf")["code"] == "done"
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    read_until(process, "The siren sounds")
    siren = {"siren": "mairie"}
    assert (
        luc.asks("mute", "000000" if luc.pin != "000000" else "111111", minutes="5", **siren)[
            "code"
        ]
        == "pin"
    )
    assert anne.asks("acknowledge", **siren)["code"] == "done"
    assert anne.asks("mute", minutes="5", **siren)["code"] == "second"
    assert luc.asks("mute", minutes="5", **siren)["code"] == "done"
    read_until(process, "The alarm stands")
    read_until(process, "The water has fallen")
    assert "the siren sounded" in anne.http.get("/incidents?lang=en").text.lower()
    assert luc.asks("reset", **siren)["code"] == "done"
    read_until(process, "The training is over")
    assert process.stdout is not None
    said = process.stdout.read()
    assert process.wait(30) == 0
    for person in people:
        person.close()
    for sentence in (
        "The siren sounded.", "Anne saw the alarm after", "Silence granted, confirmed by Luc",
        "Luc cleared the alarm", "Limits, Anne: Proposed. A second", "Wrong PINs: 1 (Luc).",
    ):  # fmt: skip
        assert sentence in said
    done = json.loads((folder / "done.json").read_text())
    sounded = next(r for r in done["records"] if "alarm" in debrief.steps_of(r))
    seen = next(r for r in done["records"] if "acknowledged" in debrief.steps_of(r))
    passed = debrief.real_s(seen["at_ms"], done["marks"]) - debrief.real_s(
        sounded["at_ms"], done["marks"]
    )
    assert 0 <= passed < 40
    sheet = (folder / "report.html").read_text()
    assert "TRAINING – this flood did not happen" in sheet
    assert "The guard’s file was verified" in sheet


def test_a_real_site_is_practised_without_anything_real(tmp_path):
    site = load(SITE)
    made, pins = training_site.write(site, tmp_path / "site.yaml", "/dev/pts/9")
    assert {s.output.kind for s in made.sirens} == {"simulated"}
    assert {n.carrier for n in made.nodes} == {"bridge"}
    assert (made.broker, made.history, made.zones) == (None, None, [])
    assert [s.id for s in made.stations] == [s.id for s in site.stations]
    assert [s.alarm_mm for s in made.stations] == [s.alarm_mm for s in site.stations]
    assert {p.name for p in made.people} == set(pins) >= {p.name for p in site.people}
    real = {p.pin for p in site.people}
    assert not real & {p.pin for p in made.people}
    assert all(re.fullmatch(r"\d{6}", pin) for pin in pins.values())


def test_what_stands_beside_the_rivers_is_left_at_home(tmp_path):
    (tmp_path / "real.yaml").write_text(GOOD, encoding="utf-8")
    site = load(tmp_path / "real.yaml")
    assert site.networks
    assert site.stations[1].rain == ["col"]
    made, _ = training_site.write(site, tmp_path / "site.yaml", "/dev/pts/9")
    assert (made.networks, made.rain_forecast, made.rain_gauges) == ([], None, [])
    assert (made.zones, made.service) == ([], None)
    assert made.stations[1].upstream == ["vieux-pont"]


def test_training_needs_nothing_that_a_pi_may_lack():
    """What comes with the demonstration alone: its terminal, its broker, its models' records."""
    lacking = "rich", "amqtt", "openpyxl", "onnx", "onnxruntime", "amont_models"
    code = (
        f"import sys; sys.modules |= dict.fromkeys({lacking!r});"  # importing them now fails
        "import amont_demo.cli, amont_demo.training_gateway, amont_demo.guard_main"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)


def test_a_folder_that_holds_something_is_never_worked_in(tmp_path):
    (tmp_path / "guard.json").write_text("{}")
    site = load(SITE)
    course = Course(tmp_path, site, invented(site), Options())
    with pytest.raises(TrainingError, match="not empty"):
        course.start()
    assert [p.name for p in tmp_path.iterdir()] == ["guard.json"]


def test_the_invented_flood_passes_each_alarm_and_stays_below_the_next():
    site = load(SITE)
    flood = invented(site)
    for station in site.stations:
        for sensor in station.sensors:
            values = [mm for _, mm in flood.curves[sensor]]
            assert values[0] < station.watch_mm
            assert station.alarm_mm < max(values) < station.alarm_plus_mm


def test_a_recorded_flood_is_read_as_it_was(tmp_path):
    path = tmp_path / "flood.csv"
    path.write_text("time,stage_mm\n2024-10-17T06:00,800\n2024-10-17T07:00:00+00:00,2000\n")
    site = load(SITE)
    curve = from_csv(site, path).curves[site.stations[0].sensors[0]]
    assert (curve[0], curve[30], curve[-1]) == ((0, 800), (1800, 1400), (3600, 2000))
    first, *_, last = probe_lines(curve, 10_000, 1).splitlines()
    assert abs(int(first.split()[1]) - 800) <= 4
    assert int(last.split()[0]) > 10_000 + 3600 + 80_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("zeit,stage_mm\n1,2\n", "must name the columns"),
        ("time,stage_mm\n1,2\nnoon,3\n", "line 3"),
        ("time,stage_mm\n5,2\n4,3\n", "times must rise"),
        ("time,stage_mm\n1,2\n", "at least two"),
        ("time,stage_mm\n1,2\n2,nan\n", "line 3"),
        ("time,stage_mm\n1,2\n2,99999999\n", "is none"),
        ("time,stage_mm\n1,2\n9999999,5\n", "longer than"),
        ("", "must name the columns"),
    ],
)
def test_a_bad_recording_says_what_and_where(tmp_path, text, says):
    path = tmp_path / "flood.csv"
    path.write_text(text)
    with pytest.raises(BadFlood, match=says):
        from_csv(load(SITE), path)


def test_the_sites_own_journal_is_replayed(tmp_path):
    site = load(SITE)
    nodes = [n.id for n in site.nodes if n.channels[0].sensor in site.stations[0].sensors]
    write_past(tmp_path, river(2700, 50_000), from_s=40_000, until_s=60_000, nodes=tuple(nodes))
    flood = from_journal(site, tmp_path / "journal.db", 45_000_000, 58_000_000)
    assert set(flood.curves) <= set(site.stations[0].sensors)
    assert max(mm for curve in flood.curves.values() for _, mm in curve) >= 2690
    with pytest.raises(BadFlood, match="no readings"):
        from_journal(site, tmp_path / "journal.db", 0, 1000)
    with pytest.raises(BadFlood, match="no journal"):
        from_journal(site, tmp_path / "nothing.db", 0, 1000)


def siren(state, seen=()):
    level = "warning" if state == "sound" else "watch"
    return {
        "sirens": [{"state": state, "acknowledged_by": list(seen)}],
        "stations": [{"level": level}],
    }


def test_time_runs_at_peoples_own_pace_whenever_they_have_to_act():
    director = Director(Pace(fast=60, calm_s=10, patience_s=30))
    script = [
        (0, "idle", (), False, "calm"), (11, "idle", (), False, "rise"),
        (20, "sound", (), False, "act"), (25, "sound", ("Anne",), False, "act"),
        (30, "muted", ("Anne",), False, "fall"), (31, "sound", ("Anne",), False, "fall"),
        (40, "latch", ("Anne",), True, "clear"), (45, "idle", (), True, "end"),
        (50, "sound", (), True, "end"),
    ]  # fmt: skip
    for real_s, state, seen, over, phase in script:
        director.look(siren(state, seen), real_s, over)
        assert director.phase == phase
        assert (director.speed == SLOW) == (phase in ("calm", "act", "clear", "end"))


@pytest.mark.parametrize("phase", ["act", "clear"])
def test_nobody_acts_and_the_training_still_ends(phase):
    director = Director(Pace(calm_s=0, patience_s=30))
    states = {"act": ["sound"], "clear": ["sound", "muted", "latch"]}[phase]
    director.look(siren("idle"), 0, False)
    for at, state in enumerate(states):
        director.look(siren(state, ("A",)), 1 + at, False)
    assert director.phase == phase
    director.look(siren(states[-1]), 100, True)
    assert director.phase == {"act": "fall", "clear": "end"}[phase]


def test_time_waits_at_the_latch_only_once_the_alarm_may_be_cleared():
    director = Director(Pace(calm_s=0))
    for at, state in enumerate(("idle", "sound", "muted")):
        director.look(siren(state, ("A",)), at, False)
    high = {**siren("latch", ("A",)), "stations": [{"level": "warning"}]}
    director.look(high, 5, False)
    assert director.phase == "fall"
    director.look(siren("latch", ("A",)), 6, False)
    assert director.phase == "clear"


def test_a_flood_without_an_alarm_ends_and_a_key_goes_on():
    director = Director(Pace(calm_s=1000))
    director.look(siren("idle"), 0, False)
    director.go_on(1)
    assert director.phase == "rise"
    director.look(siren("idle"), 2, True)
    assert director.phase == "end"
    assert "did not sound" in debrief.summary([], [(0.0, 0)], "en")[0]


def test_replayed_time_is_turned_back_into_peoples_own():
    marks = [(100.0, 1_000_000), (110.0, 1_600_000), (130.0, 1_620_000)]
    assert debrief.real_s(1_300_000, marks) == 105
    assert debrief.real_s(1_610_000, marks) == 120
    assert debrief.real_s(1_625_000, marks) == 135
