from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from amont_gateway.scoring import river_features, timeline, zone_features
from amont_gateway.scoring.river_features import (
    FINE_LAGS_H,
    FORECAST,
    FURTHER,
    HORIZONS_H,
    QUANTILES,
    RAIN,
    RAIN_SPANS_H,
    STAGES,
    UPSTREAM,
    UPSTREAM_LAGS_H,
    VALUES,
    RiverInputs,
)
from amont_gateway.scoring.timeline import HOUR_MS, Series

START = 1_600_000_000_000 // HOUR_MS * HOUR_MS
FINE, HOURS = len(FINE_LAGS_H), len(RAIN_SPANS_H)
ROME = ZoneInfo("Europe/Rome")


def hourly(values):
    t_ms = START + HOUR_MS * np.arange(len(values), dtype=np.int64)
    return Series(t_ms, np.asarray(values, dtype=np.float64))


def quarterly(values):
    t_ms = START + HOUR_MS // 4 * np.arange(len(values), dtype=np.int64)
    return Series(t_ms, np.asarray(values, dtype=np.float64))


def rows(stage, rain, at):
    now = np.array([START + at * HOUR_MS])
    return river_features.river_rows(RiverInputs(stage, rain), now, 1000.0)[0]


def test_a_row_holds_compressed_differences_rain_and_masks():
    stage = quarterly(np.arange(400) * 2.5)
    rain = hourly(np.full(100, 1000.0))
    row = rows(stage, rain, 90)
    assert row.shape == (river_features.RIVER_FEATURES,)
    assert row[:FINE] == pytest.approx(np.arcsinh([0.05, 0.1, 0.15]))
    assert row[FINE : FINE + 2] == pytest.approx(np.arcsinh([0.2, 0.4]))
    assert row[RAIN][0] == pytest.approx(np.log1p(1.0))
    assert row[RAIN][HOURS - 1] == pytest.approx(np.log1p(24.0))
    masks = row[VALUES:]
    assert (masks[: RAIN.start + HOURS] == 1.0).all()
    assert (masks[RAIN.start + HOURS :] == 0.0).all()  # an hourly gauge tells no quarter


def test_rain_within_the_hour_is_known_where_a_gauge_tells_it():
    stage, rain = quarterly(np.arange(400.0)), quarterly(np.full(400, 500.0))
    row = rows(stage, rain, 90)
    assert row[RAIN][HOURS:] == pytest.approx(np.log1p([0.5, 0.5, 1.0]))
    assert (row[VALUES:][RAIN] == 1.0).all()


def test_the_first_known_station_upstream_is_seen_in_shares_of_its_own_spread():
    stage, above = quarterly(np.arange(400.0)), quarterly(np.arange(400.0) * 5.0)
    old = Series(above.t_ms[:200], 7.0 * above.value[:200])
    now = np.array([START + 99 * HOUR_MS])
    inputs = RiverInputs(stage, upstream=((old, 50.0), (above, 500.0), (stage, 100.0), (old, 1.0)))
    row = river_features.river_rows(inputs, now, 1000.0)[0]
    rise = 20.0 * np.array(UPSTREAM_LAGS_H)
    assert row[UPSTREAM] == pytest.approx(np.arcsinh(20.0 * rise / 500.0))
    assert row[FURTHER] == pytest.approx(np.arcsinh(20.0 * rise / 500.0))
    assert (row[VALUES:][UPSTREAM.start : FURTHER.stop] == 1.0).all()
    assert river_features.known_parts(row[None])["upstream"].all()
    alone = river_features.river_rows(RiverInputs(stage, upstream=((old, 50.0),)), now, 1000.0)[0]
    assert (alone[VALUES:][UPSTREAM.start : FURTHER.stop] == 0.0).all()


def test_foretold_rain_is_summed_over_what_lies_ahead():
    stage = quarterly(np.arange(400.0))
    foretold = hourly(1000.0 * np.arange(100.0))
    now = np.array([START + 90 * HOUR_MS])
    row = river_features.river_rows(RiverInputs(stage, rain_forecast=foretold), now, 1000.0)[0]
    assert row[FORECAST] == pytest.approx(np.log1p([91.0, 92.0, 93.0, 94.0 + 95.0 + 96.0]))
    known = river_features.known_parts(row[None])
    assert known["rain forecast"].all()
    assert not known["rain"].any()


def test_changing_the_future_changes_no_past_row():
    rng = np.random.default_rng(3)
    stage, rain = hourly(rng.integers(0, 900, 200)), hourly(rng.integers(0, 900, 200))
    now = START + HOUR_MS * np.arange(100, 120)
    before = river_features.river_rows(RiverInputs(stage, rain), now, 500.0)
    later = stage.t_ms > now[-1]
    changed = [Series(s.t_ms, np.where(later, 9e5, s.value)) for s in (stage, rain)]
    after = river_features.river_rows(RiverInputs(*changed), now, 500.0)
    assert np.array_equal(before, after, equal_nan=True)


def test_inputs_are_not_changed():
    stage, rain = hourly(np.arange(80.0)), hourly(np.zeros(80))
    copies = stage.value.copy(), rain.value.copy()
    stage.value.setflags(write=False)
    rows(stage, rain, 79)
    assert np.array_equal(stage.value, copies[0])
    assert np.array_equal(rain.value, copies[1])


def test_without_rain_only_the_rain_part_is_masked():
    row = rows(quarterly(np.arange(400.0)), timeline.NO_SERIES, 99)
    assert (row[STAGES:VALUES] == 0.0).all()
    assert (row[VALUES + STAGES :] == 0.0).all()
    assert (row[VALUES : VALUES + STAGES] == 1.0).all()


def test_a_young_gauge_masks_what_it_has_not_seen():
    row = rows(quarterly(np.arange(17.0)), timeline.NO_SERIES, 4)
    known = FINE + 4
    masks = row[VALUES : VALUES + STAGES]
    assert masks.tolist() == [1.0] * known + [0.0] * (STAGES - known)


def without(stage, first_h, last_h):
    """Return a series without the readings of some hours."""
    hours = (stage.t_ms - START) / HOUR_MS
    keep = (hours < first_h) | (hours > last_h)
    return Series(stage.t_ms[keep], stage.value[keep])


def test_a_gap_that_is_over_is_bridged_by_a_straight_line():
    whole, rain = hourly(np.arange(120) * 10.0), hourly(np.full(120, 1000.0))
    lost = without(whole, 95, 99)
    told = rows(lost, rain, 100)
    assert told == pytest.approx(rows(whole, rain, 100))
    unknown = slice(VALUES + FINE, VALUES + FINE + 5)
    assert (told[unknown] == 1.0).all()
    now = np.array([START + 100 * HOUR_MS])
    plain = river_features.river_rows(RiverInputs(lost, rain), now, 1000.0, bridged=False)[0]
    assert plain[unknown].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]  # a reading holds for 90 min


def test_too_long_a_gap_and_one_that_lasts_stay_unknown():
    whole, rain = hourly(np.arange(160) * 10.0), hourly(np.full(160, 1000.0))
    hours = slice(VALUES + FINE, VALUES + FINE + 3)
    for last, known in ((123, 1.0), (125, 0.0)):
        told = rows(without(whole, 101, last), rain, last + 1)
        assert (told[hours] == known).all()
    lasts = without(whole, 101, 108)
    ahead = rows(lasts, rain, 101)  # the reading of 100 h still stands; the next one is to come
    assert ahead == pytest.approx(rows(without(whole, 101, 160), rain, 101))


@pytest.mark.parametrize(
    ("step_min", "late_s", "known"),
    [(5, 0, 3), (10, 0, 3), (15, 0, 3), (15, 50, 3), (15, -50, 3), (30, 0, 1), (60, 0, 0)],
)
def test_within_the_hour_only_what_was_measured_there_is_known(step_min, late_s, known):
    """A reading some seconds beside its quarter still counts; an hourly gauge says nothing."""
    count = 100 * 60 // step_min
    t_ms = START + step_min * 60_000 * np.arange(count, dtype=np.int64)
    t_ms[:-1] += 1000 * late_s
    stage = Series(t_ms, np.arange(float(count)))
    row = river_features.river_rows(RiverInputs(stage), t_ms[-1:], 1000.0)[0]
    masks = row[VALUES : VALUES + FINE]
    assert masks.sum() == known
    assert ((row[:FINE] != 0.0) == (masks == 1.0)).all()


def test_no_stage_now_is_nan_and_not_calm():
    stage = hourly(np.arange(50.0))
    assert np.isnan(rows(stage, timeline.NO_SERIES, 60)).all()


def test_only_good_and_finite_readings_count():
    series = timeline.good_series(
        np.array([1, 2, 3, 4]), np.array([10.0, np.nan, 30.0, 40.0]), np.array([0, 0, 1, 0])
    )
    assert series.t_ms.tolist() == [1, 4]


def test_bands_are_ordered_in_quantile_and_horizon():
    raw = np.random.default_rng(1).standard_normal((50, len(HORIZONS_H) * len(QUANTILES)))
    bands = river_features.river_bands(raw, 800.0)
    assert (np.diff(bands, axis=2) >= 0).all()
    assert (np.diff(bands, axis=1) >= 0).all()


def test_expand_undoes_compress():
    rise = np.array([-300.0, 0.0, 5.0, 4000.0])
    assert river_features.expand(river_features.compress(rise, 700.0), 700.0) == pytest.approx(
        rise
    )


def test_hours_are_means_up_to_their_end():
    late = zone_features.LATE_MS
    times = [late + 1, HOUR_MS // 2, HOUR_MS + late, HOUR_MS + late + 1]
    hours = zone_features.hourly_mean(Series(START + np.array(times), np.arange(4.0)))
    assert hours.t_ms.tolist() == [START + HOUR_MS, START + 2 * HOUR_MS]
    assert hours.value.tolist() == [1.0, 3.0]


def test_an_hourly_reading_that_is_a_moment_late_keeps_its_hour():
    series = Series(START + HOUR_MS * np.arange(1, 5) + 85, np.arange(4.0))
    assert zone_features.hourly_mean(series).t_ms.tolist() == (series.t_ms - 85).tolist()


def test_the_day_with_25_hours_keeps_24():
    # 31 October 2021, the clocks go back in Rome.
    start = 1_635_631_200_000
    hours = Series(start + HOUR_MS * np.arange(1, 26), np.arange(25.0))
    days = zone_features.by_day(hours, ROME)
    assert days.l_h.shape == (1, 24)
    assert np.isfinite(days.l_h).all()
    assert days.l_h[0, 2] == 3.0  # the later of the two hours that are both called two o'clock


@pytest.mark.parametrize("seed", range(5))
def test_medians_are_nanmedians(seed):
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((7 + seed, 24))
    table[rng.random(table.shape) < 0.3] = np.nan
    table[0] = 1.0
    assert zone_features.medians(table) == pytest.approx(np.nanmedian(table, axis=0))
    table[:, 3] = np.nan
    assert np.isnan(zone_features.medians(table)[3])


def test_a_steady_leak_leaves_the_swing_as_it_is():
    day = np.random.default_rng(2).uniform(1, 5, (1, 24))
    assert zone_features.swings(day + 2.5) == pytest.approx(zone_features.swings(day))
    day[0, :8] = np.nan
    assert np.isnan(zone_features.swings(day)).all()


def test_monday_to_sunday():
    week = date(2022, 1, 3).toordinal() + np.arange(7)
    assert zone_features.day_types(week).tolist() == [0, 0, 0, 0, 0, 1, 2]
    free = {int(week[2]), int(week[5])}
    assert zone_features.day_types(week, free).tolist() == [0, 0, 2, 0, 0, 2, 2]
    assert zone_features.day_types(week, free, 0).tolist() == [0, 0, 0, 0, 0, 0, 2]


def test_a_holiday_is_of_the_type_that_it_is_told_to_be():
    start = 1_641_164_400_000  # 3 January 2022 in Rome, a Monday
    hours = Series(start + HOUR_MS * np.arange(1, 73), np.arange(72.0))
    thursday_and_tuesday = {date(2022, 1, 6).toordinal(), date(2022, 1, 4).toordinal()}
    assert zone_features.by_day(hours, ROME).kind.tolist() == [0, 0, 0]
    assert zone_features.by_day(hours, ROME, thursday_and_tuesday).kind.tolist() == [0, 2, 0]
    assert zone_features.by_day(hours, ROME, thursday_and_tuesday, 1).kind.tolist() == [0, 1, 0]


def test_a_reference_needs_ten_days():
    kinds = zone_features.day_types(np.arange(738_156, 738_166))
    assert zone_features.make_reference(kinds[:9], np.ones((9, 24))) is None
    assert zone_features.make_reference(kinds, np.zeros((10, 24))) is None
    reference = zone_features.make_reference(
        kinds, np.tile(np.r_[5.0, 1, 1, 1, 1, np.full(19, 5.0)], (10, 1))
    )
    assert reference.quiet.tolist() == [1, 2, 3, 4]
