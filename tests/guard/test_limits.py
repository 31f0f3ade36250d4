"""Limits that people change, in the whole guard: what counts when, and after which restart."""

import json

import pytest
from tests.guard.rig import ALARM_MM, NEW_MM, RISING, audit, change_limits, site

from amont_guard.config import digest


def test_new_limits_count_after_two_people_and_the_delay_and_survive_a_restart(rig):
    assert change_limits(rig) == "agreed"
    station = rig.state()["stations"][0]
    assert station["limits_mm"] == [1200, 1800, ALARM_MM, 3200]
    assert station["agreed"]["at_ms"] == rig.clock.wall + 600_000
    rig.clock.pass_s(300)
    rig.restart()
    rig.prove()
    assert rig.state()["stations"][0]["agreed"]["people"] == ["Anne", "Bruno"]
    rig.clock.pass_s(300)
    rig.turn()
    for _ in range(2):
        station = rig.state()["stations"][0]
        assert (station["limits_mm"], station["agreed"]) == (NEW_MM, None)
        assert station["previous"]["limits_mm"] == [1200, 1800, ALARM_MM, 3200]
        rig.restart()
    rig.prove()
    rig.live(600, 900, 1200, 1500, 1800, 2100, 2390)
    assert rig.sounded() == []
    rig.live(2400)
    assert rig.sounded() == [rig.clock.now_s]
    codes = [r["code"] for r in audit(rig) if r["kind"] == "limits"]
    assert codes == ["second", "agreed", "in force"]


def test_higher_limits_end_no_flood(rig):
    rig.prove()
    assert change_limits(rig, [2700, 2800, 2900, 3300]) == "agreed"
    rig.live(*RISING)
    assert rig.sounded()
    for _ in range(20):
        rig.live(2700)
    assert rig.state()["stations"][0]["level"] == "alarm"
    assert rig.state()["stations"][0]["limits_mm"][2] == ALARM_MM  # agreed on, but not now


def test_limits_that_rise_take_back_the_votes_that_were_cast_by_the_old_ones(rig):
    rig.prove()
    rig.live(300, 2600, 300)  # a spike: nobody is above anything now
    judge = rig.guard.judge
    for sensor in judge.stations["pont"].sensors:
        sensor.value, sensor.votes = 2600, [1, 0]
    judge.set_limits("pont", [2550, 2590, 2600, 3000])
    assert [s.votes for s in judge.stations["pont"].sensors] == [[1, 0], [1, 0]]
    judge.set_limits("pont", [2550, 2600, 2601, 3000])
    assert [s.votes for s in judge.stations["pont"].sensors] == [[0, 0], [0, 0]]


def test_a_lost_state_leaves_the_limits_of_the_file_and_a_fault(rig):
    assert change_limits(rig) == "agreed"
    rig.clock.pass_s(600)
    rig.turn()
    assert rig.state()["stations"][0]["limits_mm"] == NEW_MM
    rig.stop()
    (rig.folder / "state.json").unlink()
    rig.start()
    state = rig.state()
    assert state["stations"][0]["limits_mm"] == [1200, 1800, ALARM_MM, 3200]
    assert any("state.json" in f["detail"] for f in state["faults"] if f["kind"] == "state")


def test_a_file_with_other_limits_wins_over_those_that_people_agreed_on(rig):
    assert change_limits(rig) == "agreed"
    rig.clock.pass_s(600)
    rig.turn()
    rig.stop()
    body = {k: v for k, v in site(rig.line.name).items() if k != "sha256"}
    body["stations"][0]["watch_mm"] = 1000
    (rig.folder / "guard.json").write_text(json.dumps({**body, "sha256": digest(body)}))
    rig.start()
    state = rig.state()
    assert state["stations"][0]["limits_mm"] == [1000, 1800, ALARM_MM, 3200]
    assert ("limits", "pont") in [(f["kind"], f["about"]) for f in state["faults"]]


def test_a_damaged_part_of_the_state_costs_no_other(rig):
    rig.prove()
    rig.live(*RISING)
    assert change_limits(rig) == "agreed"
    rig.stop()
    saved = json.loads((rig.folder / "state.json").read_text())
    (rig.folder / "state.json").write_text(json.dumps({**saved, "practice": 7}))
    rig.start()
    assert rig.guard.judge.sounding("mairie")
    assert rig.state()["stations"][0]["agreed"]["limits_mm"] == NEW_MM


@pytest.mark.parametrize(
    ("name", "part", "was", "now"),
    [
        ("state.json", "limits", "2400, 3100]", "6400, 7100]"),
        ("state.json", "alarms", '"judged": {"pont-a": [4097, ', '"judged": {"pont-a": [8097, '),
        ("windows.json", "freshness", '"high": ', '"high": null, "low": '),
        ("windows.json", "windows", '"17/1": [', '"17/1": [9'),
    ],
)  # fmt: skip
def test_a_damaged_digit_is_a_fault_and_costs_its_part_alone(rig, name, part, was, now):
    rig.prove()
    assert change_limits(rig) == "agreed"
    rig.pass_s(1)
    rig.stop()
    text = (rig.folder / name).read_text()
    assert text.count(was) >= 1
    (rig.folder / name).write_text(text.replace(was, now))
    rig.start()
    state = rig.state()
    assert [
        f["detail"][: len(name + part) + 2] for f in state["faults"] if f["kind"] == "state"
    ] == [f"{name}: {part}"]
    rig.prove()
    rig.live(*RISING)
    assert len(rig.sounded()) == 1
