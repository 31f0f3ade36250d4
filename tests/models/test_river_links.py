"""Stations upstream and foretold rain, from a folder of records to what the network sees."""

from dataclasses import replace

import numpy as np
import pytest
from tests.models import made_river

from amont_gateway.scoring.river_features import FORECAST, FURTHER, UPSTREAM, VALUES
from amont_models import river_chain, river_lessons, river_station, tidy, tidy_write
from amont_models.records.table import Record, Site, channel

HOUR_MS = 3_600_000


def linked(stage_above=None):
    """Return a record: a bridge with rain that is foretold, and two gauges upstream of it."""
    bridge = made_river.stage(days=30, step_min=15)
    above = made_river.stage(days=30, step_min=15, seed=2, name="mill")
    far = made_river.stage(days=30, step_min=15, seed=3, name="spring")
    rain = made_river.rain(bridge)
    foretold = channel("bridge", "rain_forecast", rain.t_ms, np.round(rain.value / 2.0))
    sites = (
        Site("bridge", ("bridge",), ("mill", "spring"), int(bridge.t_ms[960])),
        Site("mill", train_until_ms=int(bridge.t_ms[960])),
    )
    channels = (bridge, stage_above or above, far, rain, foretold)
    return Record("made", "river", made_river.NOBODY, channels, sites)


def rows(record):
    station = river_station.prepare(record, record.sites[0])
    table = [
        river_chain.rows(station.clean, part, station.constants.spread_mm)
        for part in river_chain.batches(len(station.clean.t_ms))
    ]
    return station, np.concatenate(table)


def test_links_and_foretold_rain_come_back_from_the_tidy_form(tmp_path):
    record = linked()
    tidy_write.write(record, tmp_path / "made")
    read = tidy.read(tmp_path / "made")
    assert read.sites[0].upstream == ("mill", "spring")
    (_, ours), (station, theirs) = rows(record), rows(read)
    assert np.array_equal(ours, theirs, equal_nan=True)
    masks = theirs[len(theirs) // 2, VALUES:]
    assert masks[UPSTREAM.start : FURTHER.stop].all()
    assert masks[FORECAST].all()
    assert len(station.clean.upstream) == 2


def test_the_future_of_a_station_upstream_changes_no_past_row():
    above = made_river.stage(days=30, step_min=15, seed=2, name="mill")
    now = int(above.t_ms[1500])
    later = np.where(above.t_ms > now, above.value + 900.0, above.value)
    changed = replace(above, value=later)
    (station, ours), (_, theirs) = rows(linked()), rows(linked(changed))
    until = int(np.searchsorted(station.clean.t_ms, now, side="right"))
    assert np.array_equal(ours[:until], theirs[:until], equal_nan=True)
    assert not np.array_equal(ours[until:], theirs[until:], equal_nan=True)


def test_a_doubted_reading_upstream_is_not_seen():
    above = made_river.stage(days=30, step_min=15, seed=2, name="mill")
    value = above.value.copy()
    value[1500] += 4000.0
    station, table = rows(linked(replace(above, value=value)))
    told, _ = station.clean.upstream[0]
    assert told.checked.code[np.searchsorted(told.t_ms, above.t_ms[1500])].any()
    after = np.searchsorted(station.clean.t_ms, above.t_ms[1500] + HOUR_MS)
    assert np.abs(table[after, UPSTREAM]).max() < 5.0


@pytest.mark.parametrize("seed", range(3))
def test_rain_foretold_for_training_is_rain_that_is_not_what_fell(seed):
    _, _, _, rain, _ = linked().channels
    fell = river_station.prepare(linked(), linked().sites[0]).clean.rain
    until = int(rain.t_ms[2000])
    told = river_lessons.foretold(fell, until, np.random.default_rng(seed))
    assert told.t_ms[-1] < until
    assert (told.value >= 0.0).all()
    assert not np.array_equal(told.value, fell.value[: len(told.value)])
    assert 0.2 < told.value.sum() / fell.value[: len(told.value)].sum() < 3.0
