"""The trees' floor with a stand-in for LightGBM, which only training's environment has."""

import types

import numpy as np
import pytest

from amont_gateway.scoring.river_features import HORIZONS_H, MEDIAN, QUANTILES
from amont_gateway.scoring.timeline import HOUR_MS, NO_SERIES, Series
from amont_models import river_floors, river_trees
from amont_models.river_chain import screened
from amont_models.river_trees import Past, Trees, between
from amont_models.river_truth import Constants

STATION = Constants(
    train_until_ms=0, median_mm=100.0, low_mark_mm=800.0, mark_mm=1000, alarm_mm=1500
)
HERE = len(HORIZONS_H)


class Model:
    """Say the quantile of what was learnt, whatever the row."""

    def __init__(self, params, data, rounds):
        self.value = float(np.quantile(data.target, params["alpha"]))

    def predict(self, table):
        return np.full(len(table), self.value)


@pytest.fixture
def package(monkeypatch):
    def dataset(table, target, params, free_raw_data):
        return types.SimpleNamespace(target=target)

    made = types.SimpleNamespace(Dataset=dataset, train=Model)
    monkeypatch.setattr(river_trees, "import_module", lambda name: made)
    monkeypatch.setattr(river_trees, "is_here", lambda: True)


def past(rises):
    return Past(np.zeros((len(rises), 2)), rises, np.ones(len(rises), bool))


def test_the_band_lies_between_its_ends_and_its_median():
    band = between(np.array([-1.0]), np.array([0.0]), np.array([2.0]))[0]
    assert band.tolist() == sorted(band.tolist())
    assert (band[0], band[MEDIAN], band[-1]) == (-1.0, 0.0, 2.0)


@pytest.mark.usefixtures("package")
def test_each_horizon_learns_its_own_quantiles():
    rng = np.random.default_rng(1)
    rises = rng.normal(np.arange(HERE), 0.1, (5000, HERE))
    out = Trees(past(rises))(np.zeros((3, 2)))
    assert out.shape == (3, HERE, len(QUANTILES))
    assert np.allclose(out[0], np.quantile(rises, QUANTILES, axis=0).T, atol=0.02)


@pytest.mark.usefixtures("package")
def test_a_horizon_that_a_coarse_gauge_does_not_tell_is_no_rise():
    rises = np.random.default_rng(1).normal(0.5, 0.1, (300, HERE))
    rises[:, 0] = 0.0
    assert not Trees(past(rises))(np.zeros((2, 2)))[:, 0].any()


@pytest.mark.usefixtures("package")
def test_it_warns_where_its_median_reaches_the_mark():
    rises = np.full((300, HERE), 0.3) + np.linspace(0.0, 1e-6, 300)[:, None]
    stage = STATION.mark_mm - STATION.spread_mm * np.array([0.31, 0.29])
    seen = screened(Series(HOUR_MS * np.arange(2), stage), NO_SERIES)
    width = river_floors._design(seen, slice(0, 2), STATION.spread_mm).shape[1]
    part = Past(np.ones((300, width)), rises, np.ones(300, bool))
    learnt = river_floors.Learnt(river_floors._Line(*part), river_trees.fit(part))
    made = dict(river_floors.decisions(seen, STATION, learnt))
    assert made[river_trees.NAME].warn.tolist() == [False, True]
    silent = dict(river_floors.decisions(seen, STATION, river_floors.Learnt(None, None)))
    assert not silent[river_trees.NAME].warn.any()
    assert np.isnan(silent[river_trees.NAME].rises_mm).all()


def test_without_the_package_there_is_no_such_row(monkeypatch):
    monkeypatch.setattr(river_trees, "is_here", lambda: False)
    assert river_trees.fit(past(np.zeros((300, HERE)))) is None
    seen = screened(Series(HOUR_MS * np.arange(2), np.zeros(2)), NO_SERIES)
    made = dict(river_floors.decisions(seen, STATION, river_floors.Learnt(None, None)))
    assert "ridge" in made
    assert river_trees.NAME not in made
