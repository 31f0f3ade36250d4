"""What the site makes of the rules: channels, stations, sirens, advice, snapshots."""

import json
import socket

import pytest
from tests.guard.rig import RISING, Rig, site

from amont_guard import messages
from amont_guard.app import _notify
from amont_guard.config import digest, parse
from amont_guard.decide import ADVICE_MAX_S, Judge
from amont_guard.freshness import Age
from amont_watch.siren import RECORD, REFUSED
from amont_wire.samples import Channel, Samples

YOUNG = Age(0.0, 1.0, messages.PROVED)


def judge(**changes):
    body = {**site(), **changes}
    body.pop("sha256")
    return Judge(parse(json.dumps({**body, "sha256": digest(body)}).encode()))


def sample(value, tick_s=1000, seq=10, index=0, fast=False):
    return Samples(1, tick_s, seq, 0, 0, 0, fast, [Channel(index, 1, 1, [value])])


def test_channels_of_no_sensor_are_left_out():
    made = judge()
    assert made.samples(17, 1, sample(900, index=3), YOUNG, 100.0, []) == []
    assert made.samples(999, 1, sample(900), YOUNG, 100.0, []) == []
    assert made.sensors["pont-a"].state.value is None


def test_each_seq_is_judged_once_and_lives_follow_each_other():
    made = judge()
    state = made.sensors["pont-a"].state
    made.samples(17, 1, sample(900), YOUNG, 100.0, [])
    made.samples(17, 1, sample(901), YOUNG, 200.0, [])  # the same seq again
    assert state.value == 900
    made.samples(17, 2, sample(902, tick_s=3, seq=0), YOUNG, 300.0, [])
    made.samples(17, 1, sample(903, seq=99), YOUNG, 400.0, [])  # a life before
    assert state.value == 902


def test_what_may_be_old_is_not_judged_however_young_it_seems():
    made = judge()
    withheld = Age(0.0, 2700.0, messages.PROVED)
    assert made.samples(17, 1, sample(2600), withheld, 100.0, []) == []
    assert made.sensors["pont-a"].state.value is None
    made.samples(17, 1, sample(900, seq=11), Age(0.0, 2699.0, messages.PROVED), 100.0, [])
    assert made.sensors["pont-a"].state.value == 900


@pytest.mark.parametrize("fast", [False, True])
def test_only_a_node_that_says_it_samples_fast_is_lost_within_fast_intervals(fast):
    # it may not know that the water is high: other marks of its own, no downlink from anyone
    made = judge()
    made.samples(17, 1, sample(2600, fast=fast), YOUNG, 100.0, [])
    made.samples(18, 1, sample(2600, fast=fast), YOUNG, 550.0, [])
    assert made.sounding("mairie") is not fast


def test_a_vote_that_does_not_sound_yet_asks_for_more_readings_soon():
    made = judge()
    assert made.rate(17, 0.0) == 0
    made.samples(17, 1, sample(2600, seq=10), YOUNG, 100.0, [])
    assert not made.sounding("mairie")
    assert (made.rate(17, 100.0), made.rate(18, 100.0), made.rate(31, 100.0)) == (2, 2, 0)
    made.samples(17, 1, sample(1300, seq=11, tick_s=1060), YOUNG, 160.0, [])
    assert made.rate(17, 160.0) == 1


@pytest.mark.parametrize(("carrier", "sounds"), [("bridge", True), ("mqtt", False)])
def test_only_what_the_own_bridge_brought_can_be_lost_while_rising(carrier, sounds):
    # a gateway that stops, is updated or withholds frames is no flood
    made = judge(nodes=[{**node, "carrier": carrier} for node in site()["nodes"]])
    for at, value in enumerate((900, 1000, 1100, 1200, 1250, 1300)):
        for number in (17, 18):
            now_s = 60.0 * at
            made.samples(number, 1, sample(value, seq=at, fast=True), YOUNG, now_s, [])
    assert not made.sounding("mairie")
    for second in range(400):
        made.tick(300.0 + second)
    assert made.sounding("mairie") is sounds


def test_a_sensor_may_belong_to_two_stations_and_a_siren_follow_both():
    first = site()["stations"][0]
    second = {**first, "id": "moulin", "watch_mm": 500, "sensors": ["pont-a"]}
    siren = {**site()["sirens"][0], "stations": ["pont", "moulin"]}
    other = {**siren, "id": "ecole", "stations": ["pont"]}
    far = {**first, "id": "etang", "sensors": ["pluie"]}
    apart = {**siren, "id": "gare", "stations": ["etang"]}
    made = judge(stations=[first, second, far], sirens=[siren, other, apart])
    decisions = made.samples(17, 1, sample(600), YOUNG, 100.0, [17, 1, 1])
    assert [d.record["station"] for d in decisions] == ["moulin"]
    assert made.sirens["mairie"].state.station == "moulin"
    assert made.sirens["ecole"].state.level == 0
    assert made.sirens["gare"].state.station == ""  # nothing was decided about its station
    assert made.rate(17, 100.0) == 1
    assert made.rate(18, 100.0) == 0
    made.tick(101.0)
    reason = made.sirens["mairie"].reason
    assert (reason["station"], reason["stage_mm"], reason["limit_mm"]) == ("moulin", 600, 500)


def test_a_sensor_of_no_station_is_known_but_does_not_vote():
    made = judge()
    assert not made.votes(30)
    assert made.votes(17)


def test_advice_is_bounded_in_time_and_level():
    made = judge()
    made.advise("pont", "warning", 1e12, 0.0)
    assert made.stations["pont"].advised(ADVICE_MAX_S - 1.0) == 2
    assert made.stations["pont"].advised(ADVICE_MAX_S + 1.0) == 0
    for station, level in (("x", "watch"), ("pont", "alarm")):
        with pytest.raises(KeyError):
            made.advise(station, level, 60, 0.0)
    made.advise("pont", "watch", -5, 0.0)
    assert made.stations["pont"].advised(0.0) == 0


def test_a_request_always_leaves_a_record():
    made = judge()
    for kind in ("acknowledge", "mute", "reset", "test", "test", "drill", "drill"):
        decision = made.ask("mairie", kind, "Anne", 0, 100.0)
        assert decision.record["person"] == "Anne"
        assert {action.kind for action in decision.actions} & {RECORD, REFUSED}


def test_faults_reach_the_health_region_and_leave_it():
    made = judge()
    assert made.report_faults("mairie", {"disk": 1}, 1.0)[0].record["fault"] == "disk"
    assert made.report_faults("mairie", {"disk": 1}, 2.0) == []
    assert made.sirens["mairie"].state.health == 1
    made.report_faults("mairie", {"disk": 1, "relay": 2}, 3.0)
    assert made.sirens["mairie"].state.health == 2
    made.report_faults("mairie", {}, 4.0)
    assert made.sirens["mairie"].state.health == 0


def test_snapshot_goes_round_and_leaves_out_what_the_site_no_longer_has():
    made = judge()
    made.samples(17, 1, sample(1300), YOUNG, 100.0, [])
    saved = json.loads(json.dumps(made.snapshot(100.0)))
    saved["stations"]["gone"] = saved["stations"]["pont"]
    saved["sirens"]["gone"] = saved["sirens"]["mairie"]
    saved["judged"]["gone"] = [1, 2]
    again = judge()
    again.restore(saved, 160.0, 160.0, True)
    assert again.stations["pont"].hazard.level == 1
    assert again.sensors["pont-a"].state.value == 1300
    assert again.sensors["pont-a"].judged == (1, 10)
    forgetful = judge()
    forgetful.restore(saved, 160.0, 160.0, False)
    assert forgetful.sensors["pont-a"].state.value is None


def test_a_restart_forgets_neither_votes_nor_why_nor_how_long_it_has_been_clearing():
    made = judge()
    for number in (17, 18):
        made.samples(number, 1, sample(1300), YOUNG, 100.0, [])
    for number in (17, 18):
        made.samples(number, 1, sample(2600, seq=11, tick_s=1300), YOUNG, 400.0, [])
    assert made.sounding("mairie")
    for number in (17, 18):
        made.samples(number, 1, sample(400, seq=12, tick_s=1900), YOUNG, 1000.0, [])
    saved = json.loads(json.dumps(made.snapshot(1300.0)))
    again = judge()
    again.restore(saved, 1300.0, 50.0, False)  # the whole machine: its clock begins again
    again.restart(50.0)
    assert again.sirens["mairie"].reason == made.sirens["mairie"].reason
    assert again.stations["pont"].rule == "two votes"
    for number in (17, 18):
        again.samples(number, 1, sample(400, seq=13, tick_s=2200), YOUNG, 100.0, [])
    again.tick(399.0)
    assert again.sounding("mairie")
    again.tick(400.0)
    assert not again.sounding("mairie")


def test_votes_in_a_row_go_on_after_a_restart_of_the_guard_alone():
    only = {**site()["stations"][0], "sensors": ["pont-a"]}
    made = judge(stations=[only])
    for i, value in enumerate((2300, 2600, 2600)):
        at_s = 100 + 60 * i
        made.samples(17, 1, sample(value, seq=10 + i, tick_s=at_s), YOUNG, at_s, [])
    assert not made.sounding("mairie")
    saved = json.loads(json.dumps(made.snapshot(220.0)))
    for same_run in (True, False):
        again = judge(stations=[only])
        again.restore(saved, 220.0, 230.0, same_run)
        again.samples(17, 1, sample(2600, seq=13, tick_s=280), YOUNG, 280.0, [])
        assert again.sounding("mairie") is same_run


def damaged(part, name, value):
    saved = judge().snapshot(0.0)
    saved[part] = {name: value}
    return saved


@pytest.mark.parametrize(
    "saved",
    [{}, damaged("sirens", "mairie", {}), damaged("stations", "pont", {"level": 9}),
     damaged("judged", "pont-a", 5)],
)  # fmt: skip
def test_a_damaged_state_file_is_a_fault_and_the_guard_begins_anew(tmp_path, saved):
    rig = Rig(tmp_path / "state")
    rig.stop()
    text = json.dumps({"format": 1, "boot": "one boot", "at_s": 1.0, "alarms": saved})
    (rig.folder / "state.json").write_text(text)
    rig.start()
    assert any("state.json" in fault["detail"] for fault in rig.state()["faults"])
    rig.prove()
    rig.live(*RISING)
    assert len(rig.sounded()) == 1
    rig.close()


def test_a_state_that_does_not_fit_one_message_leaves_out_the_sensors(rig, monkeypatch):
    whole = len(messages.encode_json(messages.STATE, rig.state()))
    monkeypatch.setattr(messages, "MAX_MESSAGE", whole - 100)
    state = rig.state()
    assert state["sensors"] == []
    assert state["sirens"][0]["state"] == "idle"
    assert rig.guard.counters["state too long"] > 0


def test_unknown_messages_are_counted(rig):
    rig.gateway.send(b"\x63")
    rig.turn()
    assert rig.guard.counters["unknown message"] == 1


def test_records_are_logged_off_the_loop(tmp_path):
    logged = []
    rig = Rig(tmp_path / "state")
    rig.guard._log = logged.append
    rig.prove()
    rig.live(*RISING)
    while not any(record.get("state") == "sound" for record in logged):
        rig.turn()
    rig.close()


def test_a_missing_gateway_is_a_fault(rig):
    rig.gateway.close()
    rig.gateway = None
    rig.turn()
    rig.clock.pass_s(1)
    rig.turn()
    assert "gateway" in rig.guard.faults


def test_systemd_is_told_by_path_by_name_or_not_at_all(monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind("")  # the kernel chooses a name
        heard.setblocking(False)
        name = heard.getsockname()[1:].decode()
        for address in (f"@{name}", "@nobody-listens-here", ""):
            monkeypatch.setenv("NOTIFY_SOCKET", address)
            _notify("WATCHDOG=1")
        assert heard.recv(100) == b"WATCHDOG=1"
        with pytest.raises(BlockingIOError):
            heard.recv(100)


def test_guard_runs_until_it_is_told_to_stop(rig):
    rig.gateway.close()
    rig.gateway = None
    rig.guard.stop()
    rig.guard.run()
    assert not (rig.folder / "guard.sock").exists()
    rig.start()


def test_a_restored_level_hides_no_alarm_of_another_station():
    first = {**site()["stations"][0], "sensors": ["pont-a"]}
    second = {**first, "id": "moulin", "sensors": ["pont-b"]}
    siren = {**site()["sirens"][0], "stations": ["pont", "moulin"]}
    made = judge(stations=[first, second], sirens=[siren])
    saved = made.snapshot(0.0)
    saved["stations"]["pont"]["level"] = 4
    saved["sirens"] = {}  # the siren is new in the site
    made.restore(saved, 0.0, 0.0, False)
    made.restart(0.0)
    made.tick(1.0)
    assert not made.sounding("mairie")
    for at in range(3):
        message = sample(2600, tick_s=1000 + 60 * at, seq=10 + at)
        made.samples(18, 1, message, YOUNG, 10.0 + 60 * at, [])
    assert made.sounding("mairie")
