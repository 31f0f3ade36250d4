"""What people see: built from the guard's words, the windows and the models' advice."""

import math

import pytest
from tests.gateway.conftest import FakeClock

from amont_gateway import state
from amont_gateway.advise import Advisor
from amont_gateway.gateway import Gateway, Options
from amont_gateway.guard_events import word_audit
from amont_gateway.readings import BACKLOG, BAD_TIME, Sample, pack_channels
from amont_gateway.texts import EVENTS, REJECTION_KINDS, word
from amont_gateway.view import Forecast, ForecastStep
from amont_gateway.vitals import vital_lines
from amont_guard.messages import REASONS, Opened


def sample(node, quantity, value, at_ms, seq=0, flags=0):
    channels = pack_channels([(0, quantity, 0, value)])
    return Sample(node, 4097, seq, at_ms, 0, at_ms, flags, channels)


class Scorer:
    """A model that does as the test says."""

    def __init__(self):
        self.status, self.serves, self.notes = {"river": "ok"}, {}, {}
        self.advice, self.zone_fields, self.error = [], {"verdict": "normal"}, None

    def stirs(self):
        return False

    def renew(self):
        return False

    def update(self, windows, now_ms):
        del windows, now_ms
        if self.error:
            raise self.error
        return self.advice

    def forecast(self, station_id):
        del station_id
        step = ForecastStep(horizon_h=3, p05_mm=900, p50_mm=1000, p95_mm=1900)
        return Forecast(status="ok", model="m", issued_ms=1_800_000_000_000, steps=[step])

    def zone(self, zone_id):
        del zone_id
        return dict(self.zone_fields)


@pytest.fixture
def scorer():
    return Scorer()


@pytest.fixture
def gateway(places, tmp_path, clock, scorer):
    options = Options(mark_bytes=0, ballast_bytes=0)
    return Gateway(
        places,
        tmp_path,
        tmp_path / "guard.sock",
        options,
        clock=clock,
        load_models=lambda: scorer,
    )


def score(gateway, scorer):
    return gateway.advisor._round(scorer)


def guard_says(clock, **siren):
    return {
        "at_ms": clock.wall_ms(),
        "sirens": [{"id": "mairie", "state": "idle", "mode": "armed", "health": "ok", **siren}],
        "stations": [{"id": "pont", "level": "watch", "stage_mm": 1300, "voting": "one of two"}],
        "sensors": [
            {"id": "pont-a", "freshness": "proved", "votes": True, "flags": ["spike"]},
        ],
        "counters": {"opened": 5, "seen again": 1},
        "faults": [{"kind": "bridge", "about": "", "detail": "gone", "level": 1}],
    }


def test_without_a_guard_nothing_looks_normal(gateway, clock):
    gateway.windows.add([sample(17, 1, 900, clock.wall_ms())])
    view = gateway.view()
    assert (view.guard_alive, view.guard_age_s) == (False, None)
    assert (view.stations[0].level, view.stations[0].stage_mm) == ("unknown", 900)
    assert (view.sirens[0].state, view.sirens[0].health) == ("unknown", "fault")
    assert all(node.silent for node in view.nodes)


def test_bridges_and_the_best_of_several_signals_are_shown(gateway, clock):
    told = guard_says(clock) | {
        "bridges": [{"port": "usb:2e8a:0005", "connected": True, "role": "transmit"}],
        "nodes": [{"id": 17, "rssi_dbm": -80, "snr_db4": 40, "receivers": 2}],
    }
    gateway.state(told)
    view = gateway.view()
    assert [(b.port, b.connected, b.role) for b in view.bridges] == [
        ("usb:2e8a:0005", True, "transmit")
    ]
    assert {n.id: n.rssi_dbm for n in view.nodes}[17] == -80
    assert {n.rssi_dbm for n in view.nodes if n.id != 17} == {None}


def test_the_guard_judges_and_the_gateway_shows(gateway, clock):
    now_ms = clock.wall_ms()
    gateway.windows.add([sample(17, 1, 1100 + i, now_ms - 600_000 * (6 - i)) for i in range(7)])
    reason = {"station": "pont", "level": "watch", "rule": "level", "stage_mm": 1300,
              "limit_mm": 1200, "sensors": ["pont-a"]}  # fmt: skip
    gateway.state(guard_says(clock, state="sound", commanded=True, reason=reason))
    view = gateway.view()
    station, siren = view.stations[0], view.sirens[0]
    assert (station.level, station.stage_mm, station.voting) == ("watch", 1300, "one of two")
    assert station.trend_mm_h == 6
    assert [p[1] for p in station.series] == list(range(1100, 1107))
    assert (siren.state, siren.commanded, siren.confirmed) == ("sound", True, None)
    assert siren.reason["en"] == "Pont: 1.30\xa0m (≥ 1.20\xa0m), measured level"
    sensor = view.sensors[0]
    assert (sensor.promise, sensor.votes, sensor.flags) == ("full", True, ["spike"])
    assert view.sensors[3].promise == "weaker"
    assert view.counters["guard_seen_again"] == 1
    assert view.events[0].text == {
        "fr": "Gardien : Pont radio : gone", "en": "Guard: Radio bridge: gone",
    }  # fmt: skip


def test_supervision_practice_and_limits_are_shown(gateway, clock):
    now_ms = clock.wall_ms()
    said = guard_says(
        clock,
        asked=[{"kind": "mute", "person": "Anne", "until_ms": now_ms + 1}, {"kind": "drill"}],
        findings=[{"code": "line_open", "level": 2}, {"code": "new", "level": 1}],
        measured={"battery_mv": 12_400, "odd": "x"}, output="modbus", mute_left_s=600,
        silent_test={"last_ms": now_ms - 5, "ok": True, "next_ms": now_ms + 5}, drill=None,
    )  # fmt: skip
    change = {"limits_mm": [1, 2, 3, 4], "people": ["Anne"], "at_ms": now_ms}
    said["stations"][0] |= {
        "limits_mm": [1000, 1500, 2000, 3000], "bounds_mm": [-500, 8000],
        "proposed": change, "agreed": None, "previous": {"limits_mm": [1, 2]},
    }  # fmt: skip
    said["audit"] = {"lines": 41, "head": "ab" * 32}
    gateway.state(said)
    view = gateway.view()
    siren, station = view.sirens[0], view.stations[0]
    assert [(a.kind, a.person) for a in siren.asked] == [("mute", "Anne")]
    assert [(f.code, f.level) for f in siren.findings] == [
        ("line_open", "fault"), ("new", "degraded"),
    ]  # fmt: skip
    assert siren.findings[0].text["fr"].startswith("Ligne de la sirène coupée")
    assert (siren.measured, siren.output) == ({"battery_mv": 12_400}, "modbus")
    assert (siren.silent_test.ok, siren.drill.last_ms, siren.mute_left_s) == (True, None, 600)
    assert (station.thresholds.alarm_mm, station.bounds_mm) == (2000, [-500, 8000])
    assert station.proposed is not None
    assert station.proposed.people == ["Anne"]
    assert (station.agreed, station.previous) == (None, None)
    assert (view.audit_lines, view.audit_head) == (41, "ab" * 32)


@pytest.mark.parametrize("odd", [None, 7, "x", [], [7], {"id": 1}])
def test_a_guard_of_another_version_ends_no_view(gateway, clock, odd):
    said = guard_says(clock)
    for field in ("reason", "asked", "findings", "measured", "silent_test", "since_ms"):
        said["sirens"][0][field] = odd
    for field in ("limits_mm", "bounds_mm", "proposed", "agreed"):
        said["stations"][0][field] = odd
    said["audit"] = odd
    gateway.state(said)
    assert gateway.view().sirens[0].state == "idle"
    assert gateway.view().stations[0].thresholds.alarm_mm == 2500


def test_what_is_new_does_not_wait_for_the_last_view_to_age(gateway, clock, monkeypatch):
    monkeypatch.setattr(state, "_CACHE_S", 3600.0)
    gateway.state(guard_says(clock))
    before, version = gateway.view(), gateway.version()
    assert gateway.view() is before
    gateway.state(guard_says(clock, state="sound"))
    assert gateway.version() > version
    assert [v.sirens[0].state for v in (before, gateway.view())] == ["idle", "sound"]


def test_old_readings_are_stale_and_backlog_is_marked(gateway, clock):
    now_ms = clock.wall_ms()
    old = sample(17, 1, 900, now_ms - 5_000_000, flags=BACKLOG)
    wrong = sample(17, 1, 5, now_ms + 10**11, seq=1, flags=BAD_TIME)
    gateway.windows.add([old, wrong])
    gateway.state(guard_says(clock))
    view = gateway.view()
    assert view.sensors[0].freshness == "stale"
    assert view.stations[0].history_until_ms == now_ms - 5_000_000
    assert len(view.stations[0].series) == 1


def test_the_same_fault_is_told_once_until_it_is_over(gateway, clock):
    for _ in range(3):
        gateway.state(guard_says(clock))
    assert gateway.counters.snapshot()["event_guard_fault"] == 1
    gateway.state({**guard_says(clock), "faults": []})
    gateway.state(guard_says(clock))
    assert gateway.counters.snapshot()["event_guard_fault"] == 2


def test_models_fill_forecast_and_verdict(gateway, scorer):
    scorer.zone_fields = {"verdict": "leak", "leak_l_h": 900, "model_status": "ok"}
    score(gateway, scorer)
    view = gateway.view()
    assert view.stations[0].forecast.steps[0].p95_mm == 1900
    assert (view.zones[0].verdict, view.zones[0].leak_l_h) == ("leak", 900)


@pytest.mark.parametrize("broken", ["raises", "nan", "advice"])
def test_a_model_fault_is_shown_and_passes(gateway, scorer, broken):
    class Odd:
        station, level, until_s, model = "pont", "warning", math.nan, "m"

    scorer.error = ValueError("boom") if broken == "raises" else None
    scorer.zone_fields = {"leak_probability": math.nan} if broken == "nan" else {}
    scorer.advice = [Odd()] if broken == "advice" else []
    assert score(gateway, scorer) is None
    view = gateway.view()
    assert view.stations[0].forecast.status == "fault"
    assert view.zones[0].model_status == "fault"
    assert any(e.kind == "model_fault" for e in view.events)
    good = Scorer()
    assert score(gateway, good) is good
    assert any(e.kind == "model_ok" for e in gateway.events.latest())
    assert gateway.advisor.forecast("pont").status == "ok"


def test_a_single_faulty_model_is_named(gateway, scorer):
    scorer.status = {"river": "ok", "leak": "leak.onnx: damaged"}
    score(gateway, scorer)
    score(gateway, scorer)
    (event,) = [e for e in gateway.events.latest() if e.kind == "model_fault"]
    assert event.count == 1
    assert "leak.onnx: damaged" in event.text["en"]


def test_advice_asks_the_stations_nodes_to_sample_faster(gateway, scorer, clock):
    class Advice:
        station, level, until_s, model = "pont", "watch", 600.0, "m"

    scorer.advice = [Advice()]
    score(gateway, scorer)
    assert [gateway.advisor.rate_of(n) for n in (17, 18, 30)] == [1, 1, 0]
    clock.now_s += 601
    assert gateway.advisor.rate_of(17) == 0


def test_no_models_is_no_data(gateway, places):
    parts = (places, gateway.windows, gateway.link, gateway.counters, gateway.events)
    advisor = Advisor(None, *parts, FakeClock())
    assert advisor.forecast("pont").status == "no data"
    assert advisor.zone("centre")["verdict"] == "unknown"


def test_impossible_times_are_kept_counted_and_not_shown(gateway, clock):
    from amont_wire.messages import Channel, Samples

    for n, at_ms in enumerate((0, clock.wall_ms() + 10**12)):  # 1970, and beyond 2050
        body = Samples(1, 1000, n, 0, 60, 0, False, [Channel(0, 3, 1, [5])]).encode()
        opened = Opened(0, 31, 4097, n + 1, 1, 0, 2, at_ms, 0, 0, body)
        gateway.storer.store([opened])
    counts = gateway.counters.snapshot()
    assert (counts["samples_committed"], counts["event_time_implausible"]) == (2, 2)
    assert gateway.view().zones[0].inflow_l_h is None
    gateway.journal.close()


def test_a_malformed_body_stops_nothing(gateway, clock):
    bad = Opened(0, 31, 4097, 1, 1, 0, 0, clock.wall_ms(), 0, 0, b"\xff" * 20)
    gateway.storer.store([bad])
    assert gateway.counters.snapshot()["frames_malformed"] == 1
    assert gateway.events.latest()[0].kind == "frame_body"


def test_every_refusal_and_every_event_is_worded_in_both_languages():
    assert len(REJECTION_KINDS) == len(REASONS)
    for kind in {*EVENTS, *REJECTION_KINDS}:
        severity, text = word(kind, 17, "x")
        assert severity in ("info", "notice", "fault", "alarm")
        assert text["fr"]
        assert text["en"]


RECORD, REFUSED = "record", "refused"


def siren(state, *actions, **more):
    done = [{"kind": kind, "rule": rule} for kind, rule in actions]
    return {"kind": "siren", "siren": "mairie", "state": state, "actions": done, **more}


@pytest.mark.parametrize(
    ("record", "kind", "english"),
    [
        (siren("sound", (RECORD, "alarm")), "siren_sounds", "Mairie: alarm: the siren sounds"),
        (siren("sound", ("relay on", "relay")), "siren_sounds", "Mairie: SOUNDS"),
        (
            siren("muted", (RECORD, "muted"), asked="mute", person="Anne"),
            "siren_changes",
            "Anne: asks for silence (Mairie) – muted",
        ),
        (
            siren("sound", (REFUSED, "mute budget used"), asked="mute", person="local key"),
            "siren_changes",
            "the key at the box: asks for silence (Mairie) – refused: no silence left for this",
        ),
        (
            {"kind": "level", "station": "pont", "level": "alarm", "rule": "two votes",
             "limit_mm": 2500},
            "station_level",
            "Pont: alarm (≥ 2.50\xa0m), two sensors agree",
        ),
        (
            {"kind": "wrong pin", "person": "A", "asked": "mute"},
            "person_pin",
            "A: asks for silence",
        ),
        ({"kind": "start"}, "guard_start", "start"),
        ({"kind": "new thing"}, "guard_audit", "new thing"),
        ({"kind": "lost", "count": 7}, "guard_lost", "7"),
    ],
)  # fmt: skip
def test_audit_records_are_worded(places, record, kind, english):
    found, detail, _ = word_audit(record, places.names)
    assert found == kind
    assert detail["en"].startswith(english)
    assert found in EVENTS


def test_every_state_becomes_a_history_line(gateway, scorer, clock):
    score(gateway, scorer)
    gateway.state(guard_says(clock))
    lines = vital_lines(gateway.view())
    names = {line.split(",")[0] for line in lines}
    assert names == {
        "station_state",
        "forecast",
        "zone_state",
        "siren_state",
        "sensor_health",
        "node_health",
        "gateway",
    }
    (band,) = [line for line in lines if line.startswith("forecast")]
    assert band.endswith(f"p95_mm=1900.0 {1_800_000_000_000 + 3 * 3_600_000}")
