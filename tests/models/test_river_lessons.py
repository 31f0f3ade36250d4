"""What the river network learns from, and what it must never have seen."""

import numpy as np
import pytest
from tests.models import made_river

from amont_gateway.scoring.river_features import (
    FORECAST,
    FURTHER,
    HORIZONS_H,
    RAIN,
    RAIN_SPANS_H,
    RIVER_FEATURES,
    STAGE,
    STAGE_LAGS_H,
    UPSTREAM,
    VALUES,
    compress,
)
from amont_gateway.scoring.timeline import HOUR_MS
from amont_models import recipe, river_lessons, river_station
from amont_models.records import catalogue
from amont_models.records.table import Record, Site
from amont_models.river_lessons import FINE, Lesson

RIVER = recipe.load("river")


@pytest.fixture
def station():
    made = made_river.record(step_min=15)
    return river_station.prepare(made, made.sites[0])


def test_without_records_beside_the_checkout_the_packaged_rivers_teach(monkeypatch):
    monkeypatch.delenv("AMONT_DATA", raising=False)
    found = list(river_lessons.lessons(RIVER))
    assert [one.station.site.name for one in found] == RIVER["data"]["stations"]
    assert {one.until_ms for one in found} == {1_483_228_800_000}
    assert river_lessons.sources(RIVER) == {}
    assert not river_lessons.has_records()


def test_records_teach_by_their_first_part_or_by_whole_stations(tmp_path, monkeypatch):
    first = made_river.record(days=30)
    names = ("O1a", "Y0b", "Y1c", "Y2short")
    channels = [made_river.stage(days=30 if k < 3 else 1, name=n) for k, n in enumerate(names)]
    until = int(channels[0].t_ms[300])
    sites = tuple(Site(name, train_until_ms=until) for name in names)
    months = Record("river_occitanie_2020", "river", first.source, tuple(channels), sites)
    loaders = {name: lambda: first for name in RIVER["recorded"]["first_part"]}
    loaders |= {"river_occitanie_2020": lambda: months}
    monkeypatch.setattr(catalogue, "LOADERS", {**catalogue.LOADERS, **loaders})
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    (tmp_path / "river_occitanie_2020").mkdir()
    (tmp_path / "river_occitanie_2020" / "x.csv.gz").write_bytes(b"x")
    found = list(river_lessons.lessons(RIVER))[3:]
    parts, whole = found[: len(loaders) - 1], found[len(loaders) - 1 :]
    assert all(one.until_ms == one.station.constants.train_until_ms for one in parts)
    assert [one.station.site.name for one in whole] == ["O1a", "Y1c"]
    assert all(one.until_ms > one.station.clean.t_ms[-1] for one in whole)
    assert [site.name for site in river_lessons.held_back(RIVER, months).sites] == [
        "Y0b", "Y2short",
    ]  # fmt: skip
    assert river_lessons.held_back(RIVER, first) is first
    assert list(river_lessons.sources(RIVER)) == ["river_occitanie_2020/x.csv.gz"]


def test_what_is_held_back_never_teaches():
    recorded = RIVER["recorded"]
    teaching = {*recorded["first_part"], *recorded["stations"]}
    assert not teaching & set(recorded["held_back"])
    assert set(river_lessons.judged_records(RIVER)) == teaching | set(recorded["held_back"])
    assert set(river_lessons.judged_records(RIVER)) <= set(catalogue.LOADERS)


def test_a_lesson_ends_before_what_it_must_not_see(station):
    until = int(station.clean.t_ms[2000])
    rng = np.random.default_rng(1)
    settings = {**RIVER, "weights": {**RIVER["weights"], "calm_share": 1.0}}
    table, units, weight = river_lessons.rows(Lesson(station, until, 0.25), settings, rng)
    last = int(np.searchsorted(station.clean.t_ms, until - HORIZONS_H[-1] * HOUR_MS))
    assert 1500 < len(table) <= last
    assert table.shape[1] == RIVER_FEATURES
    assert units.shape == (len(table), len(HORIZONS_H))
    assert weight.sum() == pytest.approx(0.25)


def test_changing_what_comes_after_a_lesson_changes_nothing_of_it():
    made = made_river.record(step_min=15)
    stage, until = made.channels[0], int(made.channels[0].t_ms[3000])
    later = np.where(stage.t_ms >= until, stage.value + 700.0, stage.value)
    changed = made_river.channel("bridge", "stage", stage.t_ms, later)
    site = Site("bridge", ("bridge",), train_until_ms=until)
    parts = []
    for one in (stage, changed):
        record = Record("made", "river", made.source, (one, made.channels[1]), (site,))
        lesson = Lesson(river_station.prepare(record, site), until, 1.0)
        parts.append(river_lessons.rows(lesson, RIVER, np.random.default_rng(1)))
    for ours, theirs in zip(*parts, strict=True):
        assert np.array_equal(ours, theirs, equal_nan=True)


def test_no_station_has_more_rows_than_allowed(station):
    weights = {**RIVER["weights"], "most_rows": 50}
    lesson = Lesson(station, int(station.clean.t_ms[-1]), 1.0)
    table, _, weight = river_lessons.rows(
        lesson, {**RIVER, "weights": weights}, np.random.default_rng(1)
    )
    assert len(table) <= 50
    assert weight.max() <= 30 * weight.min()


def test_copies_vary_only_what_a_new_gauge_does_not_know():
    rng = np.random.default_rng(2)
    count = 4000
    table = np.ones((count, 2 * VALUES))
    for part in (STAGE, UPSTREAM, FURTHER):
        width = part.stop - part.start
        table[:, part] = compress(rng.normal(0.0, 100.0, (count, width)), 1000.0)
    target = compress(rng.normal(0.0, 100.0, (count, len(HORIZONS_H))), 1000.0)
    kept = table.copy(), target.copy()
    settings = RIVER["augment"]
    made, rises = river_lessons.augment(table, target, settings, rng)
    assert np.array_equal(table, kept[0])
    assert np.array_equal(target, kept[1])
    masks = made[:, VALUES:] == 0.0
    varied = 1.0 - settings["as_it_is"]
    for part, share in ((RAIN, "no_rain"), (UPSTREAM, "no_upstream"), (FORECAST, "no_forecast")):
        lost = settings[share] * (1.0 if part is FORECAST else varied)
        assert masks[:, part].all(axis=1).mean() == pytest.approx(lost, abs=0.03)
    further = 1.0 - (1.0 - settings["no_upstream"]) * (1.0 - settings["nearest_lost"])
    assert masks[:, FURTHER].all(axis=1).mean() == pytest.approx(varied * further, abs=0.03)
    coarse = masks[:, :FINE].all(axis=1)
    assert coarse.mean() == pytest.approx(varied * settings["coarse"], abs=0.03)
    assert (made[:, :VALUES][masks] == 0.0).all()
    factor = np.sinh(rises[:, 0]) / np.sinh(target[:, 0])
    assert 1.0 / settings["spread_factor"] <= factor.min() < 0.5
    assert 2.0 < factor.max() <= settings["spread_factor"] + 1e-9
    hour = ~masks[:, FINE]
    assert np.sinh(made[hour, FINE]) == pytest.approx((np.sinh(table[:, FINE]) * factor)[hour])


def test_some_copies_are_of_a_station_where_everything_began_a_short_while_ago():
    settings = {**RIVER["augment"], "as_it_is": 1.0, "young": 1.0, "no_forecast": 0.0}
    table, target = np.ones((4000, 2 * VALUES)), np.ones((4000, len(HORIZONS_H)))
    made, rises = river_lessons.augment(table, target, settings, np.random.default_rng(3))
    known = made[:, VALUES:] == 1.0
    assert np.array_equal(made[:, :VALUES], made[:, VALUES:])
    assert rises == pytest.approx(target)
    assert known[:, FORECAST].all()
    # What reaches back twice as far is known by fewer rows, in every part by the same ones.
    shares = known.mean(axis=0)
    for hours, share in ((0.5, 1.0), (1.0, 0.861), (6.0, 0.5), (12.0, 0.361), (48.0, 0.082)):
        own = shares[hours == river_lessons.REACH_H]
        assert own == pytest.approx(np.full(len(own), share), abs=0.03)
    day, rain_day = STAGE_LAGS_H.index(24), RAIN_SPANS_H.index((12, 24))
    assert np.array_equal(known[:, STAGE][:, day], known[:, RAIN][:, rain_day])
