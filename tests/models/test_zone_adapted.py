"""What a zone's past has taught, its holidays: believed only if whole, the same after a start."""

import json
from datetime import date

import numpy as np
import pytest
from tests.models import scene

from amont_gateway.scoring import zone_verdict
from amont_gateway.scoring.adapted_file import FILE, FORMAT
from amont_gateway.scoring.holiday_dates import HolidayError, public_holidays
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.model_files import ModelError, read_manifest
from amont_gateway.scoring.zone_adapted import AS_IT_CAME, ZoneAdapted, made_for, read
from amont_gateway.scoring.zone_test import LeakRule
from amont_models.recipe import ARTIFACTS_DIR, HOUR_MS

ZONE = "bourg"
OWN = ZoneAdapted(0.5, 2.0, 1)
START = 1_640_995_200_000  # 1 January 2022


def entry():
    """Return the leak model's part of the manifest."""
    return read_manifest(ARTIFACTS_DIR)["models"]["leak"]


def served():
    """Return what an adaptation must be made for."""
    return made_for(entry()["sha256"], LeakRule.from_manifest(entry()["rule"]))


def put(folder, own=OWN, wanted=None, **more):
    """Write a file that adapts the zone, and no station."""
    part = {"made_for": wanted or served(), "zones": {ZONE: own if own is None else own.to_json()}}
    said = {"format": FORMAT, "model_sha256": "a" * 64, "stations": {}, "zones": part} | more
    (folder / FILE).write_text(json.dumps(said), encoding="utf-8")
    return folder / FILE


def windows(leak_l_h=0.0, days=50):
    """Return the windows of a zone that leaks for its last two weeks, and the time now."""
    t_ms, l_h = scene.zone_hours(days, leak_l_h=leak_l_h, after_days=days - 14)
    held = scene.Windows()
    held.put("meter", t_ms, np.round(l_h))
    return held, int(t_ms[-1])


def test_what_is_written_is_read(tmp_path):
    assert read(tmp_path / FILE, served()) == {}
    assert read(put(tmp_path), served()) == {ZONE: OWN}


def test_a_file_without_zones_adapts_none(tmp_path):
    (tmp_path / FILE).write_text(json.dumps({"format": 1, "model_sha256": "b", "stations": {}}))
    assert read(tmp_path / FILE, served()) == {}
    none = {"made_for": "whatever", "zones": {}}
    assert read(put(tmp_path, zones=none), served()) == {}


def test_it_is_bound_to_the_network_and_to_the_rule(tmp_path):
    other = made_for(entry()["sha256"], LeakRule())
    assert len({served(), other, made_for("b" * 64, LeakRule())}) == 3
    with pytest.raises(ModelError, match="zones: made for another model"):
        read(put(tmp_path), other)


BAD = {
    "step": 0.0, "night": float("nan"), "holiday": 3,
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_number_that_cannot_be_is_refused(tmp_path, name):
    whole = {"made_for": served(), "zones": {ZONE: OWN.to_json() | {name: BAD[name]}}}
    with pytest.raises(ModelError, match=f"{FILE}: {name}"):
        read(put(tmp_path, zones=whole), served())


@pytest.mark.parametrize("part", [[], 7, {}, {"made_for": None}, {"zones": {}}])
def test_a_part_of_another_shape_is_refused(tmp_path, part):
    with pytest.raises(ModelError, match=FILE):
        read(put(tmp_path, zones=part), served())


@pytest.mark.parametrize("gone", ["step", "night", "holiday"])
def test_what_lacks_is_refused(tmp_path, gone):
    said = OWN.to_json()
    del said[gone]
    part = {"made_for": served(), "zones": {ZONE: said}}
    with pytest.raises(ModelError, match=gone):
        read(put(tmp_path, zones=part), served())


def test_thresholds_are_scaled_and_an_alarm_stays_as_probable():
    rule = LeakRule()
    own = OWN.rule(rule)
    assert (own.step, own.alarm) == (0.5 * rule.step, 2.0 * rule.alarm)
    assert (own.drift, own.watch) == (2.0 * rule.drift, 2.0 * rule.watch)
    assert own.probability(own.alarm) == pytest.approx(rule.probability(rule.alarm), abs=0.02)
    assert AS_IT_CAME.rule(rule) == rule


def test_a_zone_is_judged_by_its_own_thresholds_at_once_and_no_longer(tmp_path):
    held, now = windows(leak_l_h=1500.0)
    scoring = Scoring(ARTIFACTS_DIR, scene.site(), tmp_path)
    scoring.update(held, now)
    before = scoring.zone(ZONE)
    assert before["verdict"] == "leak"
    assert scoring.adapted_zone(ZONE) is None
    path = put(tmp_path, ZoneAdapted(4.0, 4.0))
    scoring.update(held, now)
    assert scoring.adapted_zone(ZONE) == ZoneAdapted(4.0, 4.0)
    own = scoring.zone(ZONE)
    assert own != before
    assert own["leak_probability"] < before["leak_probability"]
    fresh = Scoring(ARTIFACTS_DIR, scene.site(), tmp_path)
    fresh.update(held, now)
    assert fresh.zone(ZONE) == own, "a restart says the same"
    path.unlink()
    scoring.update(held, now)
    assert scoring.zone(ZONE) == before


def test_a_damaged_part_is_said_and_left_aside(tmp_path):
    held, now = windows(leak_l_h=1500.0)
    plain = Scoring(ARTIFACTS_DIR, scene.site())
    own = Scoring(ARTIFACTS_DIR, scene.site(), tmp_path)
    put(tmp_path, wanted="of another")
    plain.update(held, now)
    own.update(held, now)
    assert own.zone(ZONE) == plain.zone(ZONE)
    assert "another model" in own.notes["unlearnt"]
    assert own.status["adapted"] == own.notes["unlearnt"]


# --- holidays ---


def weeks_of_a_holiday(level_l_h, days=60, until=date(2022, 1, 6)):
    """Return windows until Epiphany of a zone that draws more on Sundays and on that day."""
    end = until.toordinal() + 1
    t_ms = scene_days(end - days, end)
    ordinal = np.repeat(np.arange(end - days, end), 24)
    free = ((ordinal - 1) % 7 == 6) | (ordinal == until.toordinal())
    noise = np.random.default_rng(3).normal(0.0, 50.0, len(t_ms))
    held = scene.Windows()
    held.put("meter", t_ms, np.round(5000.0 + level_l_h * free + noise))
    return held, int(t_ms[-1])


def scene_days(first, end):
    """Return the ends of all hours of some days of winter in Rome."""
    start = (first - date(1970, 1, 1).toordinal()) * 24 * HOUR_MS - HOUR_MS
    return start + HOUR_MS * np.arange(1, 24 * (end - first) + 1)


def expected(scoring, held, now):
    """Return what the test expected of the last day."""
    scoring.update(held, now)
    return scoring.nights(ZONE)[-1].expected_l_h


def test_a_holiday_is_expected_to_be_like_a_sunday():
    held, now = weeks_of_a_holiday(2000.0)
    scoring = Scoring(ARTIFACTS_DIR, scene.site())
    assert expected(scoring, held, now) == pytest.approx(np.full(24, 7000.0), abs=150.0)
    assert date(2022, 1, 6).toordinal() in scoring.holidays(ZONE)
    assert scoring.notes == {}


def test_a_zone_of_which_holidays_are_working_days_says_so(tmp_path):
    put(tmp_path, ZoneAdapted(holiday=0))
    held, now = weeks_of_a_holiday(2000.0)
    scoring = Scoring(ARTIFACTS_DIR, scene.site(), tmp_path)
    assert expected(scoring, held, now) == pytest.approx(np.full(24, 5000.0), abs=150.0)


def test_unknown_holidays_are_said_tried_again_and_then_let_be(monkeypatch):
    tries = []

    def slow(country):
        tries.append(country)
        if len(tries) == 2:
            return public_holidays(country)
        raise HolidayError(f"holidays of {country}: TimeoutExpired")

    monkeypatch.setattr(zone_verdict, "public_holidays", slow)
    held, now = weeks_of_a_holiday(2000.0)
    scoring = Scoring(ARTIFACTS_DIR, scene.site())
    assert expected(scoring, held, now) == pytest.approx(np.full(24, 5000.0), abs=150.0)
    assert "TimeoutExpired" in scoring.notes["workdays"]
    assert expected(scoring, held, now) == pytest.approx(np.full(24, 7000.0), abs=150.0)
    assert scoring.notes == {}
    assert expected(scoring, held, now).min() > 6500.0
    assert tries == ["IT", "IT"]


def test_a_country_that_nobody_knows_is_not_asked_for_ever(monkeypatch):
    tries = []

    def never(country):
        tries.append(country)
        raise HolidayError(f"holidays of {country}: not available")

    monkeypatch.setattr(zone_verdict, "public_holidays", never)
    scoring = Scoring(ARTIFACTS_DIR, scene.site())
    held, now = windows()
    for _ in range(5):
        scoring.update(held, now)
    assert tries == ["IT"] * zone_verdict.HOLIDAY_TRIES
    assert scoring.zone(ZONE)["verdict"] == "normal"
