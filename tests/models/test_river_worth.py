"""What the river network's inputs are worth."""

import numpy as np
import pytest
from tests.models import made_river

from amont_gateway.scoring.river_features import HORIZONS_H, QUANTILES, RAIN, STAGE, VALUES
from amont_gateway.scoring.timeline import NO_SERIES
from amont_models import recipe, river_station, river_worth
from amont_models.records import catalogue

RIVER = recipe.load("river")


@pytest.fixture(scope="module")
def station():
    made = made_river.record(days=40, step_min=15)
    return river_station.prepare(made, made.sites[0])


@pytest.fixture(scope="module")
def steps(station):
    return river_worth.steps_of(station, NO_SERIES)


def test_only_rising_steps_of_the_judged_part_count(station, steps):
    judged = (station.clean.t_ms >= station.constants.train_until_ms).sum()
    assert 50 < len(steps.rows) == len(steps.rises) < judged
    hour = STAGE.start + 3  # after the lags within the hour
    assert (steps.rows[:, hour] > 0.0).all()


def test_a_part_that_is_taken_away_is_as_if_never_measured(steps):
    dry = river_worth.without(steps, RAIN)
    assert (dry.rows[:, RAIN] == 0.0).all()
    assert (dry.rows[:, VALUES:][:, RAIN] == 0.0).all()
    assert (steps.rows[:, VALUES:][:, RAIN] == 1.0).any()
    assert np.array_equal(dry.rows[:, STAGE], steps.rows[:, STAGE])


def test_history_begins_with_the_first_reading(steps):
    young = river_worth.after(steps, 6).rows[:, VALUES:]
    assert young[:, STAGE].sum(axis=1).max() == 3 + 6  # within the hour, and six hours
    assert young[:, RAIN].sum(axis=1).max() == 5 + 3  # spans up to six hours, and within the hour
    assert np.array_equal(river_worth.after(steps, 72).rows, steps.rows)


def test_every_case_is_judged_and_knowing_helps(monkeypatch):
    made = made_river.record(days=40, step_min=15)
    monkeypatch.setattr(catalogue, "load", lambda name: made)
    asked = {"recorded": {**RIVER["recorded"], "worth": ["made"]}}

    def carries_on(rows):
        """Forecast that the last hour's rise goes on for an hour; nothing on the first days."""
        units = np.repeat(rows[:, 3:4], len(HORIZONS_H) * len(QUANTILES), axis=1)
        return units * rows[:, VALUES + STAGE.stop - 1 : VALUES + STAGE.stop]

    found = river_worth.measure(asked, carries_on)["made"]
    assert list(found)[:4] == ["all", "foretold", "observed", "no rain"]
    assert "no upstream" not in found
    assert found["all"][0] > 0.2
    assert found["48 h"] == [0.0, 0.0, 0.0]
