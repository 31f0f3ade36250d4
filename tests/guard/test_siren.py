"""A flood that happens sounds the siren; a flood that is only replayed never does."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from tests.guard.rig import ALARM_MM, RISING, FakeClock, Rig, SimNode, ask, audit, change_limits

from amont_guard import messages
from amont_guard.decide import Judge
from amont_guard.freshness import Age, Freshness
from amont_guard.relay import Output
from amont_guard.sock import GatewaySocket
from amont_guard.status import Status
from amont_guard.thresholds import Thresholds
from amont_watch.quality import flag_names

MONTH_S = 30 * 86400


def capture(rig, values=RISING, gap_s=60):
    """Frames of a flood that nobody delivers yet: (when made, frame)."""
    made = []
    for value in values:
        rig.clock.pass_s(gap_s)
        made += [(rig.clock.now_s, rig.a.frame(value)), (rig.clock.now_s, rig.b.frame(value))]
    return made


def deliver(rig, made, pace=False):
    begin = made[0][0]
    offset = rig.clock.now_s - begin
    for at, frame in made:
        if pace:
            rig.clock.pass_s(max(0.0, at + offset - rig.clock.now_s))
        rig.line.put(frame)
        rig.turn()


def test_live_flood_sounds_at_the_deciding_frame(rig):
    rig.prove()
    rig.live(*RISING[:-2])
    rig.clock.pass_s(60)
    rig.line.put(rig.a.frame(2600))
    rig.turn()
    assert rig.sounded() == [rig.clock.now_s]  # one vote, and the other sensor at watch
    state = rig.state()
    siren, station = state["sirens"][0], state["stations"][0]
    assert (siren["state"], siren["commanded"], siren["confirmed"]) == ("sound", True, True)
    assert siren["reason"] == {
        "station": "pont", "level": "alarm", "rule": "vote and support",
        "stage_mm": 2600, "limit_mm": ALARM_MM, "sensors": ["pont-a", "pont-b"],
    }  # fmt: skip
    assert (station["level"], station["stage_mm"], station["voting"]) == ("alarm", 2600, "two")
    record = next(r for r in audit(rig) if r["kind"] == "siren" and r["state"] == "sound")
    assert record["frame"] == [rig.a.number, rig.a.epoch, rig.a.last]
    assert (record["rule"], record["limit_mm"]) == ("vote and support", ALARM_MM)
    assert record["readings"]["pont-a"][0] == 2600
    assert (record["boot"], record["at_ms"]) == (state["boot"], rig.clock.wall)
    assert (record["mono_s"], record["n"]) == (rig.clock.now_s, len(audit(rig)))
    assert record["actions"][0]["kind"] == "relay on"


def test_the_relay_is_driven_before_anything_is_recorded(rig, monkeypatch):
    rig.prove()
    found = []
    monkeypatch.setattr(
        rig.guard.writer, "record", lambda r: found.append((r.get("state"), bool(rig.sounded())))
    )
    rig.live(*RISING)
    assert ("sound", True) in found
    assert ("sound", False) not in found


def test_flood_from_far_nodes_sounds_over_the_socket(rig):
    for sim in (rig.a, rig.b):
        rig.gateway.raw(sim.frame(300))
        rig.turn()
        rig.flush()
        rig.gateway.commit(sim, sim.seq)
        rig.turn()
        for number, downlink in messages.decode_downlinks(rig.take(messages.DOWNLINK)[0]):
            assert number == sim.number
            sim.hear(downlink)
    for value in RISING:
        rig.clock.pass_s(60)
        rig.gateway.raw(rig.a.frame(value), rig.b.frame(value))
        rig.turn()
    assert len(rig.sounded()) == 1
    assert {s["promise"] for s in rig.state()["sensors"]} == {"weaker"}


@pytest.mark.parametrize("pace", [False, True])
def test_month_old_backlog_is_silent(rig, pace):
    made = capture(rig)
    rig.clock.pass_s(MONTH_S)
    rig.prove()
    deliver(rig, made, pace)
    assert rig.sounded() == []
    assert all(not f.flags & messages.SEEN for f in rig.opened())


def test_backlog_in_one_frame_of_a_proved_node_is_silent(rig):
    rig.prove()
    for sim in (rig.a, rig.b):
        rig.line.put(sim.frame(*[2600] * 20, lag_s=3000))
        rig.turn()
    assert rig.sounded() == []


def test_only_the_young_end_of_a_frame_is_judged(rig):
    rig.prove()
    rig.clock.pass_s(7200)
    for sim in (rig.a, rig.b):
        rig.line.put(sim.frame(*[2600] * 10, interval_s=900))
        rig.turn()
    states = [sensor.state for sensor in rig.guard.judge.sensors.values() if sensor.state]
    assert [state.votes for state in states] == [[3, 0], [3, 0]]  # of ages 0, 900 and 1800 s


@pytest.mark.parametrize("pace", [False, True])
@pytest.mark.parametrize("proved_again", [False, True])
@pytest.mark.parametrize("run", ["one boot", "another boot"])
def test_withheld_capture_after_restart_is_silent(rig, proved_again, pace, run):
    rig.prove()
    made = capture(rig)
    rig.clock.pass_s(3600)
    rig.clock.run = run
    rig.restart()
    if proved_again:
        rig.prove()
    deliver(rig, made, pace)
    assert rig.sounded() == []


@pytest.mark.parametrize("pace", [False, True])
@pytest.mark.parametrize("memory", [False, True])
def test_recorded_flood_is_silent_after_restart(rig, pace, memory):
    rig.prove()
    made = capture(rig)
    deliver(rig, [(rig.clock.now_s, frame) for _, frame in made])
    before = len(rig.sounded())
    rig.clock.pass_s(7200)
    rig.stop()
    for name in ("state.json",) if memory else ("windows.json", "state.json"):
        (rig.folder / name).unlink()
    rig.start()
    deliver(rig, made, pace)
    assert len(rig.sounded()) == before
    assert any(f.flags & messages.SEEN for f in rig.opened()) is memory


def test_harness_sees_a_guard_without_freshness(rig, monkeypatch):
    def young(*_):
        return Age(0.0, 0.0, messages.PROVED), ""

    made = capture(rig)
    rig.clock.pass_s(MONTH_S)
    monkeypatch.setattr(Freshness, "observe", young)
    deliver(rig, made, pace=True)
    assert len(rig.sounded()) == 1


def test_unproved_flood_warns_but_does_not_sound(rig):
    rig.live(*RISING)
    state = rig.state()
    assert rig.sounded() == []
    assert state["stations"][0]["level"] == "warning"
    assert {f["kind"] for f in state["faults"]} == {"unproved"}


def test_pattern_pauses_and_latches_until_a_person_resets(rig):
    rig.prove()
    rig.live(*RISING)
    began = rig.sounded()[0]
    for _ in range(12):
        rig.live(2700, gap_s=30)
    assert rig.changes[1][1] is False
    assert 180 <= rig.changes[1][0] - began <= 210
    assert rig.changes[2][1] is True
    for _ in range(14):
        rig.live(1000)
    state = rig.state()
    assert state["sirens"][0]["state"] == "latch"
    assert state["sirens"][0]["commanded"] is False
    rig.gateway.act("reset", "Anne", issued_ms=rig.clock.wall)
    assert rig.results()[0]["code"] == "not acknowledged"
    rig.gateway.act("acknowledge", "Anne", issued_ms=rig.clock.wall)
    assert rig.results()[0]["ok"]
    rig.gateway.act("reset", "Bruno", issued_ms=rig.clock.wall)
    assert rig.results()[0]["ok"]
    assert rig.state()["sirens"][0]["state"] == "idle"


def test_a_spike_right_after_a_restart_is_still_one(rig):
    rig.prove()
    rig.live(700, 1000, 1300)
    rig.restart()
    rig.clock.pass_s(60)
    rig.line.put(rig.a.frame(4200), rig.b.frame(1350))
    rig.turn()
    assert rig.sounded() == []
    assert next(s for s in rig.state()["sensors"] if s["id"] == "pont-a")["flags"]
    rig.live(*RISING[5:])
    assert len(rig.sounded()) == 1


def test_restart_goes_on_sounding_and_records_the_relay_it_found(rig, monkeypatch):
    rig.prove()
    rig.live(*RISING)
    rig.flush()
    monkeypatch.setattr(Output, "drive", lambda *_: None)  # as a kill leaves it: still on
    rig.stop()
    monkeypatch.undo()
    rig.changes.clear()
    rig.start()
    assert rig.state()["sirens"][0]["state"] == "sound"
    assert rig.state()["sirens"][0]["commanded"] is True
    start = [r for r in audit(rig) if r["kind"] == "start"][-1]
    assert start["relays_found"] == {"mairie": True}
    rig.live(2700)
    assert [on for _, on in rig.changes] == []  # it never paused


def test_clean_stop_leaves_the_relay_off_and_a_start_from_idle_stays_off(rig):
    rig.prove()
    rig.restart()
    assert rig.changes == []
    rig.live(*RISING)
    rig.stop()
    assert [on for _, on in rig.changes] == [True, False]
    rig.start()


def test_reboot_restores_the_level_and_forgets_the_readings(rig):
    rig.prove()
    rig.live(*RISING)
    rig.stop()
    saved = json.loads((rig.folder / "state.json").read_text())
    (rig.folder / "state.json").write_text(json.dumps({**saved, "boot": "another"}))
    rig.start()
    assert rig.state()["sirens"][0]["state"] == "sound"
    assert [s["value"] for s in rig.state()["sensors"]] == [None, None, None]


def reboot(rig):
    """Stop; begin again on a machine whose clock begins anew."""
    rig.stop()
    back_s = rig.clock.now_s - 20.0
    rig.clock.now_s, rig.clock.run = 20.0, "another boot"
    for sim in (rig.a, rig.b):
        sim.base_s -= back_s
    rig.start()


def test_after_a_reboot_nothing_is_proved_and_delays_begin_anew(rig):
    rig.prove()
    assert change_limits(rig) == "agreed"
    rig.clock.pass_s(500)
    reboot(rig)
    agreed = rig.state()["stations"][0]["agreed"]
    assert 0 < agreed["at_ms"] - rig.clock.wall <= 600_000
    rig.live(300)
    assert [s["freshness"] for s in rig.state()["sensors"]] == ["assumed", "assumed", "unknown"]
    rig.live(*RISING)
    assert rig.sounded() == []
    rig.prove()
    rig.live(*RISING)
    assert len(rig.sounded()) == 1


def test_new_life_of_a_node_is_unproved_until_it_echoes(rig):
    rig.prove()
    rig.a = SimNode(rig.a.number, rig.clock, tick0=3, life=2, counter=1000)
    rig.live(300)
    sensors = {s["id"]: s["freshness"] for s in rig.state()["sensors"]}
    assert sensors == {"pont-a": "assumed", "pont-b": "proved", "pluie": "unknown"}
    rig.gateway.commit(rig.a, rig.a.seq)
    rig.turn()
    for downlink in rig.line.sent():
        rig.a.hear(downlink)
    rig.live(300)
    assert rig.state()["sensors"][0]["freshness"] == "proved"


def test_bad_sensor_is_flagged_and_does_not_vote(rig):
    rig.prove()
    rig.clock.pass_s(60)
    rig.line.put(rig.a.frame(9000))
    rig.turn()
    rig.clock.pass_s(60)
    rig.line.put(rig.b.frame(301))
    rig.turn()
    sensor = rig.state()["sensors"][0]
    assert (sensor["flags"], sensor["votes"]) == (["range"], False)
    assert flag_names(1) == ["range"]
    assert rig.sounded() == []


def test_two_guards_do_not_share_a_folder(rig):
    with pytest.raises(Exception, match="another guard works here"):
        Rig.start(rig)


@pytest.mark.parametrize("away_s", [60, 900, 7200])
def test_a_long_stop_neither_ends_an_alarm_nor_begins_one(rig, away_s):
    rig.prove()
    rig.live(600, 900, 1200, 1500, 1700)
    rig.stop()
    rig.clock.pass_s(away_s)
    rig.start()
    rig.turn(3)
    rig.restart()  # and what was not heard then is not lost now
    rig.turn(3)
    assert not rig.sounded()  # nobody listened: that is not lost while rising
    rig.prove()
    rig.live(*RISING)
    rig.stop()
    rig.clock.pass_s(away_s)
    rig.start()
    rig.turn(3)
    assert rig.guard.judge.sounding("mairie")


# --- people, key, schedule and supervision reach the siren by the same loop

KEY = {"key": {"mute_no": 1, "mute_nc": 2, "bypass": 3}, "output": {
    "kind": "gpio", "pin": 17, "active_high": True, "readback_pin": 27, "isolate_pin": 22,
    "isolate_readback_pin": 23,
}}  # fmt: skip
LEFT_ALONE = {"mute_no": 0, "mute_nc": 1, "bypass": 0}


@pytest.fixture
def boxed(tmp_path):
    rig = Rig(tmp_path / "state", siren=KEY)
    rig.contacts.around = dict(LEFT_ALONE)
    rig.pass_s(5)
    yield rig
    rig.close()


def test_the_key_at_the_box_mutes_alone_and_bypasses(boxed):
    boxed.prove()
    boxed.live(*RISING)
    assert boxed.state()["sirens"][0]["commanded"] is True
    boxed.contacts.around.update(mute_no=1, mute_nc=0)
    boxed.pass_s(4)
    siren = boxed.state()["sirens"][0]
    assert (siren["state"], siren["commanded"], siren["mute_left_s"]) == ("muted", False, 600)
    assert siren["muted_until_ms"] > boxed.clock.wall + 590_000
    boxed.contacts.around = {**LEFT_ALONE, "bypass": 1}
    boxed.pass_s(4)
    siren = boxed.state()["sirens"][0]
    assert (siren["mode"], siren["mode_until_ms"] > boxed.clock.wall) == ("bypass", True)
    boxed.contacts.around["bypass"] = 0
    boxed.pass_s(8)
    assert boxed.state()["sirens"][0]["mode"] == "armed"


def test_the_key_mutes_though_the_schedule_has_a_mistake(boxed, monkeypatch):
    boxed.prove()
    boxed.live(*RISING)
    boxed.mistakes = 4
    monkeypatch.setattr(boxed.guard.practice, "look", lambda *_: 1 // 0)
    boxed.contacts.around.update(mute_no=1, mute_nc=0)
    boxed.pass_s(4)
    assert not boxed.guard.judge.sounding("mairie")


def test_the_budget_of_mutes_survives_a_restart_the_mute_does_not(rig):
    rig.prove()
    rig.live(*RISING)
    assert ask(rig, "mute", "Anne") == "second"
    asked = rig.state()["sirens"][0]["asked"]
    assert [(a["kind"], a["person"]) for a in asked] == [("mute", "Anne")]
    assert asked[0]["until_ms"] == rig.clock.wall + 60_000
    assert ask(rig, "mute", "Bruno") == "done"
    assert rig.state()["sirens"][0]["mute_left_s"] == 600
    rig.restart()
    siren = rig.state()["sirens"][0]
    assert (siren["state"], siren["muted_until_ms"]) == ("sound", None)
    assert siren["mute_left_s"] < 1200


def test_a_silent_test_is_silent_passes_and_is_remembered(rig):
    rig.prove()
    assert ask(rig, "test", "Anne") == "done"
    before = list(rig.changes)
    rig.pass_s(70)
    assert rig.changes == before
    siren = rig.state()["sirens"][0]
    assert (siren["mode"], siren["silent_test"]["ok"]) == ("armed", True)
    (record,) = [r for r in audit(rig) if r["kind"] == "tried"]
    assert (record["tried"], record["ok"], record["findings"]) == ("test", True, {})
    rig.restart()
    assert rig.state()["sirens"][0]["silent_test"] == siren["silent_test"]


@pytest.mark.parametrize(("contact", "found"), [(1, "contact_welded"), (0, "contact_open")])
def test_a_silent_test_finds_a_contact_that_does_not_move(rig, contact, found):
    rig.prove()
    rig.contacts.around = {"contact": contact}
    assert ask(rig, "test", "Anne") == "done"
    rig.pass_s(70)
    state = rig.state()
    assert state["sirens"][0]["silent_test"]["ok"] is False
    assert {"code": found, "level": 2} in state["sirens"][0]["findings"]
    assert ("relay", "mairie", found, 2) in [tuple(f.values()) for f in state["faults"]]
    assert state["sirens"][0]["health"] == "fault"
    rig.contacts.around = {}
    rig.restart()
    assert {"code": found, "level": 2} in rig.state()["sirens"][0]["findings"]
    assert ask(rig, "test", "Anne") == "done"
    rig.pass_s(70)
    assert rig.state()["sirens"][0]["findings"] == []


def test_a_flood_in_a_silent_test_sounds_at_once_and_the_test_is_none(rig):
    rig.prove()
    assert ask(rig, "test", "Anne") == "done"
    rig.pass_s(9)
    rig.live(600, 900, 1200, gap_s=1)
    assert rig.state()["sirens"][0]["mode"] == "armed"
    rig.live(*RISING)
    assert len(rig.sounded()) == 1
    assert rig.state()["sirens"][0]["silent_test"]["ok"] is None


def test_a_test_nobody_asks_for_comes_after_a_day(rig):
    rig.prove()
    rig.clock.pass_s(86_400)
    rig.pass_s(70)
    assert rig.state()["sirens"][0]["silent_test"]["ok"] is True
    assert [r["person"] for r in audit(rig) if r.get("asked") == "test"] == ["schedule"]


def test_a_drill_on_schedule_sounds_for_its_seconds(tmp_path):
    at = datetime(2027, 1, 14, 11, 0, tzinfo=ZoneInfo("Europe/Paris"))
    drill = {"weekday": 3, "nth": 2, "hour": 11, "minute": 0, "seconds": 30}
    drill["agreed_by"] = ["Anne", "Bruno"]
    practice = {"silent_test": {"hour": 10, "minute": 0}, "drill": drill}
    clock = FakeClock()
    clock.wall = int(at.timestamp() * 1000) - 1_000_000
    rig = Rig(tmp_path / "state", clock=clock, siren={"practice": practice})
    for _ in range(110):
        rig.clock.pass_s(10)
        rig.guard._next.clear()  # the state is stored, and with it the date
        rig.turn(1)
        rig.flush()
    assert [on for _, on in rig.changes] == [True, False]
    (begin, _), (end, _) = rig.changes
    assert 0 <= clock.wall - (clock.now_s - begin) * 1000 - at.timestamp() * 1000 < 20_000
    assert 30 <= end - begin <= 40
    siren = rig.state()["sirens"][0]
    assert (siren["drill"]["ok"], siren["mode"]) == (True, "armed")
    rig.close()


@pytest.mark.parametrize(
    ("what", "name"), [(Status, "message"), (Thresholds, "due"), (GatewaySocket, "receive")]
)
def test_a_mistake_in_what_serves_people_costs_no_siren(rig, monkeypatch, what, name):
    def mistaken(*_):
        raise ZeroDivisionError("ours")

    rig.prove()
    monkeypatch.setattr(what, name, mistaken)
    rig.guard._next.clear()
    rig.live(*RISING)
    assert len(rig.sounded()) == 1
    monkeypatch.undo()
    (told,) = [f for f in rig.state()["faults"] if f["kind"] == "internal"]
    assert (told["detail"], told["level"]) == ("ZeroDivisionError('ours')", 2)
    assert [r["name"] for r in audit(rig) if "internal" in r.get("name", "")] == [
        "internal ZeroDivisionError('ours')"
    ]
    rig.mistakes = rig.guard.counters["own mistakes"]


def test_a_mistake_with_a_later_frame_costs_no_siren_and_no_record(rig, monkeypatch):
    rig.prove()
    rig.live(*RISING[:-2])
    rig.clock.pass_s(60)
    real, last = rig.guard.intake.take, rig.b.frame(2700)

    def take(batch, handle, frame, *more):
        assert frame != last, "a mistake of ours"
        real(batch, handle, frame, *more)

    monkeypatch.setattr(rig.guard.intake, "take", take)
    rig.mistakes = 1
    rig.gateway.raw(rig.a.frame(2700), rig.b.frame(2650), last)
    rig.turn(1)
    assert len(rig.sounded()) == 1
    assert "alarm" in [a["rule"] for r in audit(rig) for a in r.get("actions", ())]


def test_a_mistake_on_the_way_to_the_siren_ends_the_process(rig, monkeypatch):
    def mistaken(*_):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Judge, "tick", mistaken)
    rig.clock.pass_s(1)
    with pytest.raises(ZeroDivisionError):
        rig.guard.turn(0)
