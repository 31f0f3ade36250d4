"""What a forecast is worth: quantiles, support, holding, and settings that cannot be used."""

import math

import numpy as np
import pytest

from amont_gateway.scoring.river_decision import (
    NONE,
    WARNING,
    WATCH,
    Rule,
    RuleError,
    Steps,
    at_quantile,
    backed,
    decide,
    memory_ms,
    reaches,
    shifted,
    widened,
)
from amont_gateway.scoring.river_features import (
    HORIZONS_H,
    MEDIAN,
    QUANTILES,
    RAIN,
    RIVER_FEATURES,
    UPSTREAM,
)

MINUTE_MS = 60_000
HORIZONS, LEVELS = len(HORIZONS_H), len(QUANTILES)
ALONE = Rule(support=0.0)


def steps(medians, width=100.0, every_min=15, backs=None):
    """Return steps at stage 0 whose bands are the median ± width, the same at each horizon."""
    deviates = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    rises = np.asarray(medians, dtype=float)[:, None, None] + width * deviates
    rises = np.repeat(rises, HORIZONS, axis=1)
    count = len(rises)
    t_ms = MINUTE_MS * every_min * np.arange(count, dtype=np.int64)
    told = np.zeros(count, dtype=bool) if backs is None else np.asarray(backs)
    return Steps(t_ms, np.zeros(count), rises, told)


def test_the_median_warns_and_the_upper_end_watches():
    said = decide(steps([0, 600, 480, 700]), 550, 650, ALONE)
    assert said.tolist() == [NONE, WATCH, WATCH, WARNING]


def test_each_horizon_has_its_own_quantile():
    one = steps([500])
    one.rises_mm[:, :-1] = -1000.0
    last_only = Rule(watch=(0.0,) * HORIZONS, warning=(0.5, 0.5, 0.5, 0.0), support=0.0)
    assert decide(one, 450, 450, last_only).tolist() == [NONE]
    asked = Rule(watch=(0.0,) * HORIZONS, warning=(0.0, 0.0, 0.0, 0.5), support=0.0)
    assert decide(one, 450, 450, asked).tolist() == [WARNING]


def test_quantiles_between_are_normal_and_end_at_the_outermost():
    band = np.array([[-1.6449, -0.6745, 0.0, 0.6745, 1.6449]])
    for quantile, deviate in ((0.5, 0.0), (0.6, 0.2533), (0.9, 1.2816), (0.25, -0.6745)):
        assert at_quantile(band, quantile)[0] == pytest.approx(deviate, abs=1e-3)
    assert at_quantile(band, 0.99)[0] == pytest.approx(1.6449)
    assert at_quantile(band, 0.01)[0] == pytest.approx(-1.6449)


def test_one_reading_that_nothing_supports_is_a_watch():
    rule = Rule(support=0.95, support_min=75.0)
    assert decide(steps([0, 700, 720]), 650, 650, rule).tolist() == [NONE, WATCH, WARNING]
    near = decide(steps([560, 700]), 650, 650, rule)  # its upper end was at the mark before
    assert near.tolist() == [WATCH, WARNING]
    long_ago = decide(steps([700, 700], every_min=80), 650, 650, rule)
    assert long_ago.tolist() == [WATCH, WATCH]
    rained = decide(steps([0, 700], backs=[False, True]), 650, 650, rule)
    assert rained.tolist() == [NONE, WARNING]


def test_rain_and_the_station_upstream_speak_for_a_rise():
    rows = np.zeros((4, RIVER_FEATURES))
    rows[1, RAIN.start] = np.log1p(0.6)
    rows[2, RAIN.stop - 1] = np.log1p(30.0)  # days ago
    rows[3, UPSTREAM.start + 1] = np.arcsinh(20.0 * 0.06)
    assert backed(rows, Rule()).tolist() == [False, True, False, True]


def test_a_level_may_be_held():
    rule = Rule(support=0.0, hold_min=30.0)
    said = decide(steps([700, 0, 0, 0, 0]), 650, 650, rule)
    assert said.tolist() == [WARNING, WARNING, WARNING, NONE, NONE]
    assert memory_ms(Rule(support_min=75.0, hold_min=30.0)) == 105 * MINUTE_MS


def test_what_is_no_number_is_no_calm():
    one = steps([0])
    one.rises_mm[:] = math.nan
    assert reaches(one, ALONE.warning, 650).all()


def test_later_steps_change_nothing():
    rng = np.random.default_rng(3)
    whole = steps(rng.uniform(0, 900, 200), backs=rng.random(200) < 0.1)
    rule = Rule(hold_min=40.0)
    said = decide(whole, 600, 650, rule)
    for count in (1, 50, 133):
        part = whole.part(np.arange(200) < count)
        assert decide(part, 600, 650, rule).tolist() == said[:count].tolist()


def test_a_station_that_tells_no_half_hour_is_not_judged_by_it():
    one = steps([0])
    one.rises_mm[:, 0] = 700.0
    assert decide(one, 650, 650, ALONE).tolist() == [WARNING]
    assert decide(one, 650, 650, ALONE.for_step(False)).tolist() == [NONE]
    assert ALONE.for_step(True) is ALONE
    assert Rule(support=0.9).for_step(False).support == 0.0, "an hour late with a second witness"


def test_a_rule_can_be_shifted_and_a_band_widened():
    sooner = shifted(Rule(warning=(0.0, 0.5, 0.5, 0.5)), 0.5)
    assert sooner.warning[0] == 0.0
    assert sooner.warning[1] == pytest.approx(0.6915, abs=1e-3)
    wide = widened(steps([10]).rises_mm, np.full((HORIZONS, LEVELS), 2.0))
    assert wide[0, 0].tolist() == [-190.0, -90.0, 10.0, 110.0, 210.0]
    assert wide[0, 0, MEDIAN] == 10.0


def test_the_manifest_holds_a_rule():
    rule = Rule(
        watch=(0.0, 0.8, 0.7, 0.6), warning=(0.75, 0.6, 0.5, 0.0), support=0.9, hold_min=15.0,
        widths=tuple(1.0 + k / 10.0 for k in range(HORIZONS * LEVELS)),
    )  # fmt: skip
    assert Rule.from_manifest(rule.to_manifest()) == rule
    assert Rule.from_manifest({}) == Rule()


@pytest.mark.parametrize(
    "said",
    [
        {"warning_1h": 1.0},
        {"warning_1h": -0.1},
        {"watch_6h": math.nan},
        {"support_min": math.inf},
        {"hold_min": -1.0},
        {"width_1h_q95": math.nan},
    ],
)
def test_a_rule_that_cannot_be_is_refused(said):
    with pytest.raises(RuleError):
        Rule.from_manifest(said)
