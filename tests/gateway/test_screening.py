"""The screening: what it doubts, what it must not, and that it never looks ahead."""

import numpy as np
import pytest

from amont_gateway.lines import quality_lines, sample_lines
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.scoring import river_features, timeline
from amont_gateway.scoring.crosscheck import (
    Around,
    agrees,
    apart,
    flow_pulses,
    frozen,
    rain_pulses,
    soaked,
    still,
)
from amont_gateway.scoring.crosscheck import screen as screen_beside
from amont_gateway.scoring.screening import (
    APART,
    DROP,
    FLAT,
    FROZEN,
    JUMP,
    LOOKS,
    MEMORY,
    PULSES,
    SETTLING,
    SPIKE,
    cause_names,
    check,
    flat,
    margins,
)
from amont_gateway.scoring.timeline import Series
from amont_gateway.screens import Screens
from amont_gateway.windows import Windows

STEP_MS = 900_000
HOUR_MS = 3_600_000
START_MS = 1_700_000_000_000 // (24 * HOUR_MS) * 24 * HOUR_MS


def times(count, step_ms=STEP_MS):
    return START_MS + step_ms * np.arange(count, dtype=np.int64)


def calm(count=600, noise_mm=1.0, seed=1):
    rng = np.random.default_rng(seed)
    return 400.0 + np.round(noise_mm * rng.standard_normal(count), 1)


def faulty(count, seed):
    """A river that moves, with spikes, drops, gaps in its calm and a flood."""
    rng = np.random.default_rng(seed)
    value = calm(count, 3.0, seed) + 40.0 * np.sin(np.arange(count) / 60.0)
    value[count // 2 : count // 2 + 40] += np.linspace(0.0, 1200.0, 40)
    value[count // 2 + 40 :] += 1200.0 * np.exp(-np.arange(count - count // 2 - 40) / 30.0)
    at = rng.choice(count, count // 25, replace=False)
    value[at] += rng.choice([-1.0, 1.0], len(at)) * rng.uniform(20.0, 600.0, len(at))
    gaps = rng.integers(1, 4, count) * STEP_MS * (rng.random(count) < 0.05)
    return times(count) + np.cumsum(gaps).astype(np.int64), np.round(value)


def test_a_sensor_out_of_the_water_is_doubted_at_once_and_so_is_its_first_reading_back():
    value = calm()
    value[300:302] -= 350.0
    code = check(times(600), value).code
    assert (code[300:302, 0] == DROP).all()
    assert code[302, 0] == SETTLING
    assert not code[303:].any()
    assert not code[:300].any()


def test_a_spike_upwards_is_doubted_once_it_has_come_back():
    value = calm()
    value[300] += 200.0
    code = check(times(600), value).code
    assert code[300].tolist() == [0, *[SPIKE] * 4]
    assert np.count_nonzero(code) == 4


def test_two_wrong_readings_in_a_row_are_found_by_the_second_look():
    value = calm()
    value[300:302] += 200.0
    code = check(times(600), value).code
    assert code[300].tolist() == [0, 0, *[SPIKE] * 3]
    assert code[301].tolist() == [0, *[SPIKE] * 4]


def test_a_sensor_whose_jumps_come_back_is_doubted_on_arrival():
    value = calm(2000, seed=4)
    value[100:1900:50] += 200.0
    code = check(times(2000), value).code
    assert code[100, 0] == 0
    assert (code[1000:1900:50, 0] == JUMP).all()


def test_a_rise_on_such_a_sensor_costs_one_reading_and_is_taken_back():
    value = calm(2000, seed=4)
    value[100:1900:50] += 200.0
    value[1930:] += np.minimum(150.0 * np.arange(1, 71), 2200.0)
    code = check(times(2000), value).code[1930:]
    assert code[0].tolist() == [JUMP, JUMP, 0, 0, 0]
    assert not code[1:].any()


@pytest.mark.parametrize("rise_mm", [20.0, 150.0, 600.0])
def test_a_flood_that_rises_is_never_doubted_for_good(rise_mm):
    value = calm()
    value[300:] += np.minimum(rise_mm * np.arange(1, 301), 2500.0)
    fall = np.arange(200) / 60.0
    value[400:] -= 2000.0 * fall**2 / (1.0 + fall**2)
    doubted = check(times(600), value).settled
    assert not doubted[:400].any()
    assert np.count_nonzero(doubted) <= 2  # where it begins to fall


def test_an_unexplained_rise_waits_for_its_second_reading():
    value = calm()
    value[300:] += 150.0
    dry = np.ones(600, bool)
    assert check(times(600), value, still=dry).code[300].tolist() == [JUMP, JUMP, 0, 0, 0]
    assert not check(times(600), value).code.any()


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_jump_out_of_the_blue_is_held_until_it_comes_back(length):
    value = calm()
    value[300 : 300 + length] += 900.0
    code = check(times(600), value).code
    assert (code[300 : 300 + length] & JUMP == JUMP).all()
    assert not np.delete(code, range(300, 300 + length), axis=0).any()


def test_a_flood_that_jumps_costs_one_reading_and_is_believed_whole():
    value = calm()
    value[300:] += np.minimum(2200.0 * np.arange(1, 301), 2600.0)
    assert check(times(600), value).code[300].tolist() == [JUMP, 0, 0, 0, 0]
    assert not check(times(600), value).code[301:].any()


def test_the_last_look_finds_lone_readings_of_a_coarse_sensor_and_no_others():
    at = np.arange(500, 1900, 50)
    value = np.round(calm(2000, noise_mm=25.0, seed=6), -1)
    value[at] = [np.median(value[k - 12 : k + 13]) - 95.0 for k in at]
    code = check(times(2000), value).code != 0
    assert 0.1 * len(at) < np.count_nonzero(code[at, 3]) < 0.8 * len(at)
    assert code[at, 4].all()
    assert np.delete(code, at, axis=0).mean() < 0.005
    value[at[0] : at[0] + 4] = value[at[0]]  # four in a row are no lone ones
    assert not check(times(2000), value).code[at[0], 4] & SPIKE


def test_a_level_that_jumps_and_stays_is_believed_after_three_readings():
    value = calm()
    value[300:] += 400.0
    code = check(times(600), value).code
    assert (code[300:304] == JUMP).sum(axis=1).tolist() == [3, 2, 1, 0]
    assert not code[304:].any()


def test_a_jump_that_something_explains_is_not_held():
    value = calm()
    value[297:300] += 100.0, 200.0, 300.0  # the water was rising before
    value[300:] += 600.0
    assert not check(times(600), value).code[300:].any()
    value = calm()
    value[300] += 900.0
    t_ms, rain = times(600), np.zeros(600)
    rain[285:297] = 1000.0
    assert soaked(t_ms, [(t_ms, rain)])[300]
    assert not soaked(t_ms, [(t_ms, rain), (t_ms, rain)])[330:].any()
    assert check(t_ms, value).code[300, 0] == JUMP
    assert screen_beside("stage_mm", t_ms, value, Around(((t_ms, rain),))).code[300, 0] == 0
    assert not check(t_ms, value, agrees=agrees(t_ms, value, [(t_ms, value)])).code.any()


def test_what_a_neighbour_saw_as_well_is_no_fault():
    value = calm()
    value[300] -= 350.0
    beside = calm(seed=9)
    beside[300] -= 300.0
    other = (times(600), beside)
    assert check(times(600), value).code[300, 0] == DROP
    assert not check(times(600), value, agrees=agrees(times(600), value, [other])).code[300].any()
    late = (times(600) + 2 * STEP_MS, beside)
    assert not agrees(times(600), value, [late])[300]


def test_a_datum_that_shifts_is_believed_again():
    value = calm()
    value[300:] -= 250.0
    code = check(times(600), value).settled
    assert code[300] & DROP
    assert not code[300 + 9 :].any()


def test_before_a_dozen_readings_nothing_is_doubted_on_arrival():
    value = calm(10)
    value[8] -= 300.0
    assert not check(times(10), value).code[:, 0].any()
    assert check(times(1), value[:1]).code.tolist() == [[0] * LOOKS]
    assert check(times(0), value[:0]).code.shape == (0, LOOKS)


def test_behind_a_gap_the_water_may_have_moved():
    value = calm()
    value[300] -= 60.0
    late = times(600)
    late[300:] += 12 * STEP_MS
    assert check(times(600), value).code[300, 0] == DROP
    assert not check(late, value).code[300, 0]


@pytest.mark.parametrize("seed", range(4))
def test_changing_the_future_changes_no_past_doubt(seed):
    t_ms, value = faulty(700, seed)
    whole = check(t_ms, value)
    assert whole.ever.any()
    for now in range(100, 690, 37):
        cut = check(t_ms[: now + 1], value[: now + 1])
        assert np.array_equal(whole.as_of(int(t_ms[now])), cut.as_of(int(t_ms[now])))


def test_doubts_rest_on_a_bounded_past():
    t_ms, value = faulty(MEMORY + 2500, 7)
    whole, part = check(t_ms, value), check(t_ms[1500:], value[1500:])
    assert np.array_equal(whole.code[1500 + MEMORY :], part.code[MEMORY:])
    assert whole.code[1500 + MEMORY :].any()


def test_inputs_stay_as_they_are():
    t_ms, value = faulty(300, 3)
    value.setflags(write=False)
    t_ms.setflags(write=False)
    assert np.array_equal(check(t_ms, value).code, check(t_ms.copy(), value.copy()).code)


def test_standing_still_is_doubted_only_where_the_sensor_is_restless():
    restless = calm(1200)
    restless[1000:1100] = restless[999]
    found = flat(restless)
    assert not found[:1011].any()
    assert found[1012:1100].all()
    assert not found[1100:].any()
    assert check(times(1200), restless).settled[1050] == FLAT
    coarse = np.round(calm(1200), -1)
    assert not flat(coarse).any()


def test_margins_follow_the_noise_and_the_smallest_step():
    quiet, loud = (margins(times(600), calm(noise_mm=mm))[-1] for mm in (0.5, 20.0))
    assert 8.0 < quiet < 12.0
    assert 40.0 < loud < 70.0
    coarse = np.round(calm(noise_mm=25.0), -1)
    assert margins(times(600), coarse)[-1] == pytest.approx(82.5)


def test_causes_have_names():
    assert cause_names(0) == []
    assert cause_names(SPIKE | FROZEN) == ["spike", "frozen"]


# --- beside others ---


def test_ice_needs_freezing_water_and_a_level_that_has_left():
    t_ms, value = times(400), calm(400)
    water = np.full(400, 2.0)
    water[200:300] = 0.0
    value[210:305] += 60.0
    found = frozen(t_ms, value, margins(t_ms, value), (t_ms, water))
    assert not found[:210].any()
    assert found[210:300].all()
    assert not found[310:].any()
    cold = frozen(t_ms, calm(400), margins(t_ms, calm(400)), (t_ms, water))
    assert not cold.any()
    code = screen_beside("stage_mm", t_ms, value, Around(water_c=(t_ms, water))).settled
    assert code[250] & FROZEN
    assert not frozen(t_ms, value, margins(t_ms, value), (t_ms[:1], water[:1])).any()


def test_ice_is_not_foreseen():
    t_ms, value = times(400), calm(400)
    water = np.where(np.arange(400) >= 200, 0.0, 2.0)
    value[240:] += 60.0
    whole = frozen(t_ms, value, margins(t_ms, value), (t_ms, water))
    for now in (210, 239, 240, 300):
        part = slice(None, now + 1)
        margin = margins(t_ms[part], value[part])
        cut = frozen(t_ms[part], value[part], margin, (t_ms[part], water[part]))
        assert np.array_equal(cut, whole[part])


def test_one_of_three_that_drifts_is_found_and_the_two_are_not():
    count = 96 * 20
    t_ms = times(count)
    level = [calm(count, seed=seed) for seed in (1, 2, 3)]
    level[0] += np.linspace(0.0, 300.0, count) * (np.arange(count) > count // 2)
    others = [(t_ms, one) for one in level]
    assert apart(t_ms, level[0], others[1:])[-1]
    assert not apart(t_ms, level[0], others[1:])[: count // 2].any()
    assert not apart(t_ms, level[1], [others[0], others[2]]).any()
    assert not apart(t_ms, level[0], others[1:2]).any()
    found = screen_beside("stage_mm", t_ms, level[0], Around(neighbours=tuple(others[1:])))
    assert found.settled[-1] & APART


def test_dry_means_that_every_gauge_was_heard_for_a_day():
    t_ms = times(400)
    dry, wet = np.zeros(400), np.zeros(400)
    wet[200] = 3000.0
    assert still(t_ms, [(t_ms, dry)])[120:].all()
    assert not still(t_ms, [(t_ms, dry)])[:90].any()
    assert not still(t_ms, [(t_ms, dry), (t_ms, wet)])[200:290].any()
    assert not still(t_ms, []).any()


def test_a_meter_that_never_stood_still_and_says_nothing_is_broken():
    t_ms = times(96 * 20)
    flow = 3000.0 + 500.0 * np.sin(np.arange(len(t_ms)) / 15.0)
    flow[1500:1600] = 0.0
    flow[1700] = 60_000.0
    flow[1800:] += 2500.0  # a burst
    found = flow_pulses(t_ms, flow)
    assert found[1510:1600].all()
    assert found[1700]
    assert not np.delete(found, [*range(1500, 1600), 1700]).any()
    assert (screen_beside("flow_l_h", t_ms, flow, Around()).settled[1510:1600] == PULSES).all()
    assert not flow_pulses(t_ms[:0], flow[:0]).any()


def test_a_pump_that_rests_each_night_is_not_broken():
    t_ms = times(96 * 20)
    flow = np.where(np.arange(len(t_ms)) % 96 < 30, 0.0, 4000.0)
    assert not flow_pulses(t_ms, flow).any()


def test_rain_that_no_cloud_gives():
    t_ms = times(500)
    rain = np.zeros(500)
    rain[100:103] = 8000.0, 12_000.0, 6000.0  # a storm
    rain[200] = 150_000.0
    rain[300:312] = 400.0
    found = rain_pulses(t_ms, rain, [])
    assert np.flatnonzero(found).tolist() == [200, *range(305, 312)]
    storm = np.where((np.arange(500) > 350) & (np.arange(500) < 380), 900.0, 0.0)
    beside = [(t_ms, storm), (t_ms, storm + 1.0)]
    blocked = np.zeros(500)
    assert rain_pulses(t_ms, blocked, beside)[375]
    assert not rain_pulses(t_ms, storm, beside)[:355].any()
    code = screen_beside("rain_um", t_ms, rain, Around()).settled
    assert code[200] == PULSES
    assert not rain_pulses(t_ms[:1], rain[:1], []).any()


def test_a_distance_falls_where_the_water_rises():
    value = calm()
    value[300] += 350.0
    code = screen_beside("range_mm", times(600), value, Around()).code
    assert code[300, 0] == DROP
    assert not screen_beside("battery_mv", times(600), value, Around()).code.any()


# --- what the models see ---


@pytest.mark.parametrize("seed", range(3))
def test_rows_of_a_record_are_those_of_each_moment(seed):
    t_ms, value = faulty(500, seed)
    rain = Series(t_ms, np.full(500, 100.0))
    checked = check(t_ms, value)
    stage = river_features.Told(t_ms, value, checked)
    steps, rows = river_features.screened_rows(stage, 800.0, rain)
    assert len(steps) == np.count_nonzero(checked.code[:, 0] == 0)
    for place in range(0, len(steps), 7):
        now = int(steps[place])
        until = int(np.searchsorted(t_ms, now, side="right"))
        keep = check(t_ms[:until], value[:until]).as_of(now) == 0
        then = Series(t_ms[:until][keep], value[:until][keep])
        inputs = river_features.RiverInputs(then, rain)
        alone = river_features.river_rows(inputs, np.array([now]), 800.0)[0]
        assert np.array_equal(rows[place], alone, equal_nan=True)


# --- the live windows ---

SENSORS = {(17, 0, "stage_mm"): "pont-a", (30, 0, "rain_um"): "pluie"}


def sample(node, t_ms, value, quality=0):
    code = {17: 1, 30: 2}[node]
    t_ms = int(t_ms)
    channels = pack_channels([(0, code, quality, round(value))])
    return Sample(node, 4097, t_ms // STEP_MS % 2**24, t_ms, 0, t_ms, 0, channels)


def filled(value, quality=()):
    windows = Windows(SENSORS)
    told = {**dict.fromkeys(range(len(value)), 0), **dict(quality)}
    t_ms = times(len(value))
    windows.add(
        [sample(17, t, v, told[i]) for i, (t, v) in enumerate(zip(t_ms, value, strict=True))]
    )
    return windows


def test_a_doubt_reads_as_suspect_and_what_the_node_told_stays(places):
    value = calm()
    value[300] -= 350.0
    value[301:] += 30.0
    windows = filled(value, {10: 2}.items())
    doubts = Screens(places, windows).update()
    assert [(d.sensor.id, d.t_ms, d.code) for d in doubts] == [
        ("pont-a", int(times(600)[300]), DROP | SPIKE),
        ("pont-a", int(times(600)[301]), SETTLING),
    ]
    seen, told = windows.series("pont-a"), windows.told("pont-a")
    assert seen.quality[[10, 299, 300, 301, 302]].tolist() == [2, 0, 1, 1, 0]
    assert told.quality[[10, 300]].tolist() == [2, 0]
    assert np.array_equal(seen.value, told.value)
    assert windows.doubt("pont-a", int(times(600)[300])) == DROP | SPIKE
    assert windows.doubt("pont-a", 5) == windows.doubt("nobody", 5) == 0
    assert [q for _, _, q in windows.points("pont-a", int(times(600)[299]), 9999)][:3] == [0, 1, 1]


def test_a_reading_that_comes_again_is_screened_again(places):
    value = calm()
    value[-1] -= 350.0
    windows = filled(value)
    screens = Screens(places, windows)
    (doubt,) = screens.update()
    assert windows.last("pont-a").quality == 1
    assert screens.update() == []
    windows.add([sample(17, doubt.t_ms, 400.0)])
    assert windows.last("pont-a").quality == 0
    assert screens.update() == []
    windows.add([sample(17, doubt.t_ms, value[-1])])
    assert [d.code for d in screens.update()] == [DROP]


def test_a_rise_that_was_doubted_is_cleared_in_the_windows(places):
    value = calm()
    value[300:] += 150.0
    whole = filled(value)
    whole.add([sample(30, t, 0) for t in times(600)])
    part = filled(value[:301])
    part.add([sample(30, t, 0) for t in times(301)])
    screens = Screens(places, part)
    assert [d.code for d in screens.update()] == [JUMP]
    part.add([sample(17, t, v) for t, v in zip(times(303)[301:], value[301:303], strict=True)])
    assert [(d.t_ms, d.code) for d in screens.update()] == [(int(times(301)[300]), 0)]
    Screens(places, whole).update()
    assert not whole.series("pont-a").quality.any()


def test_after_a_restart_the_doubts_are_what_they_were(places):
    t_ms, value = faulty(900, 5)
    live, again = Windows(SENSORS), Windows(SENSORS)
    screens = Screens(places, live)
    for first in range(0, 900, 45):
        part = slice(first, first + 45)
        live.add([sample(17, t, v) for t, v in zip(t_ms[part], value[part], strict=True)])
        screens.update()
    again.add([sample(17, t, v) for t, v in zip(t_ms, value, strict=True)])
    Screens(places, again).update()
    assert np.array_equal(live.series("pont-a").quality, again.series("pont-a").quality)
    assert (live.series("pont-a").quality == 1).any()


def test_a_round_that_takes_long_leaves_the_rest_to_the_next(places, monkeypatch):
    value = calm()
    value[300] -= 350.0
    windows = filled(value)
    rain = np.zeros(600)
    rain[200] = 150_000.0
    windows.add([sample(30, t, v) for t, v in zip(times(600), rain, strict=True)])
    monkeypatch.setattr("amont_gateway.screens.ROUND_S", -1.0)
    screens = Screens(places, windows)
    found = [{d.sensor.id for d in screens.update()} for _ in range(3)]
    assert sorted(found, key=str) == [set(), {"pluie"}, {"pont-a"}]


def test_history_learns_of_a_doubt(places):
    value = calm()
    value[300] -= 350.0
    windows = filled(value)
    found = [(0, d.sensor.id, d.t_ms, d.code) for d in Screens(places, windows).update()]
    lines = quality_lines("essai", places.tags(), found)
    when = int(times(600)[300])
    assert lines[0] == f"stage,sensor=pont-a,site=essai,station=pont quality=1i {when}"
    again = sample_lines("essai", places.tags(), [sample(17, when, value[300])], windows.doubt)
    assert again[0].endswith(f"quality=1i {when}")
    (plain,) = sample_lines("essai", places.tags(), [sample(17, when, value[300])])
    assert plain.endswith(f"quality=0i {when}")


def test_the_models_are_not_shown_what_is_doubted(places):
    value = calm()
    value[-1] -= 350.0
    windows = filled(value)
    Screens(places, windows).update()
    t_ms, seen, quality = windows.series("pont-a")
    assert timeline.good_series(t_ms, seen, quality).t_ms[-1] == times(600)[-2]
