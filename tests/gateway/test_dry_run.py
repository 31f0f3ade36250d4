"""Limits tried on the past: the same rules, the same moments, honest about what is not there."""

import pytest
from tests.gateway.rivers import DAY_S, flood, write_past

from amont_gateway.dry_run import BACK_S, DryRuns
from amont_watch import vote
from amont_watch.hazard import Hazard
from amont_watch.quality import SensorQuality

FORCE = [1200, 1800, 2500, 3200]


def runs(places, folder, clock):
    return DryRuns(places, folder / "journal.db", clock)


def by_seconds(places, stage, limits_mm, from_s, until_s, skip=lambda _node, _s: False):
    """The rules asked each second, as the guard does: (second, level) at each change."""
    place = places.stations[0]
    sensors = [places.by_sensor[name] for name in place.sensors]
    names = ("watch_mm", "warning_mm", "alarm_mm", "alarm_plus_mm")
    rules = vote.StationConfig({
        "id": "pont", "sensors": list(place.sensors), **dict(zip(names, limits_mm, strict=True)),
        "hysteresis_mm": 100, "clear_s": 600, "rise_support_mm": 100, "rise_support_s": 900,
    })  # fmt: skip
    states = [vote.SensorState(s.id, s.validity_s) for s in sensors]
    judges = [SensorQuality(*s.quality) for s in sensors]
    hazard, changes = Hazard(600), []
    for s in range(from_s, until_s):
        for i, sensor in enumerate(sensors):
            if (s - from_s) % 300 == 0 and not skip(sensor.node, s):
                value = stage(s) + sensor.node % 2
                flags = judges[i].judge(s, value, 0)
                vote.observe(rules, states[i], s, value, flags, vote.PROVED)
        if hazard.take(vote.decide(rules, states, s), s):
            changes.append((s, hazard.level))
    return changes


@pytest.mark.parametrize("lost", [False, True], ids=["both sensors", "both lost while rising"])
def test_levels_come_when_the_guard_would_have_raised_them(places, tmp_path, clock, lost):
    now_s = int(clock.now_s)
    from_s, peak_s = now_s - DAY_S // 2, now_s - DAY_S // 3
    stage = flood(2900, peak_s)

    def skip(_node, s):
        return lost and peak_s - 4_000 < s < peak_s + 20_000

    write_past(tmp_path, stage, from_s=from_s, until_s=now_s, skip=skip)
    found = runs(places, tmp_path, clock).run("pont", FORCE, FORCE)
    changes = by_seconds(places, stage, FORCE, from_s, now_s, skip)
    for level, tried in enumerate(found.tried, 1):
        ups = [s for s, now in changes if now >= level]
        downs = [s for s, now in changes if ups and s > ups[0] and now < level]
        assert tried.times == (1 if ups else 0)
        if ups:
            (reach,) = tried.newest
            assert reach.from_ms == ups[0] * 1000
            assert 0 <= reach.until_ms - downs[0] * 1000 <= 60_000
    assert found.tried[2].times == 1
    assert (found.gaps_s > 0) == lost


def test_lower_limits_are_shown_beside_those_in_force(places, tmp_path, clock):
    now_s = int(clock.now_s)
    stage = flood(2300, now_s - 5 * DAY_S)
    write_past(tmp_path, stage, from_s=now_s - 9 * DAY_S, until_s=now_s)
    found = runs(places, tmp_path, clock).run("pont", [1000, 1500, 2000, 3200], FORCE)
    assert [x.times for x in found.tried] == [1, 1, 1, 0]
    assert [x.times for x in found.in_force] == [1, 1, 0, 0]
    assert found.tried[2].newest[0].highest_mm in range(2295, 2305)
    assert [x.limit_mm for x in found.in_force] == FORCE
    assert (found.until_ms - found.from_ms) // 1000 == 9 * DAY_S < found.wanted_s == BACK_S


def test_a_level_that_stands_at_the_end_says_so_and_only_ten_are_listed(places, tmp_path, clock):
    now_s = int(clock.now_s)

    def stage(s):  # twelve floods, the last one now
        return 600 + (1500 if s % 7_200 > 4_000 or s > now_s - 1_000 else 0) + s // 300 % 3

    write_past(tmp_path, stage, from_s=now_s - DAY_S, until_s=now_s)
    watch = runs(places, tmp_path, clock).run("pont", FORCE, FORCE).in_force[0]
    assert watch.times >= 12
    assert len(watch.newest) == 10
    assert [r.ongoing for r in watch.newest] == [True] + [False] * 9
    assert watch.newest[0].from_ms > watch.newest[1].from_ms


def test_no_journal_is_no_past(places, tmp_path, clock):
    found = runs(places, tmp_path, clock).run("pont", FORCE, FORCE)
    assert (found.from_ms, found.readings) == (None, 0)
    assert [x.times for x in found.tried] == [0] * 4


@pytest.mark.parametrize("four", [[1, 2, 3], [1, 2, 2, 3], [4, 3, 2, 1]])
def test_limits_that_do_not_rise_are_refused(places, tmp_path, clock, four):
    with pytest.raises(ValueError, match="must rise"):
        runs(places, tmp_path, clock).run("pont", four, FORCE)
    with pytest.raises(KeyError):
        runs(places, tmp_path, clock).run("nowhere", FORCE, FORCE)
