"""The models on live windows: what people would see through the demonstration's flood and leak."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.models import scene

from amont_gateway import view
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.model_files import ModelError
from amont_models import data
from amont_models.recipe import ARTIFACTS_DIR, DEMO_ZONE, HOUR_MS

CREST = 1_519_804_800_000  # 28 February 2018, 08:00 UTC: the river stands at 5.1 m
RISING = CREST - 2 * HOUR_MS
CALM = CREST - 20 * HOUR_MS  # 1.2 m, falling, no rain
STATION, ZONE = "pont-neuf", "bourg"


@pytest.fixture
def scoring():
    return Scoring(ARTIFACTS_DIR, scene.site())


def leaking(hours, days=35, **made):
    t_ms, l_h = scene.zone_hours(days, **made)
    windows = scene.Windows()
    windows.put("meter", t_ms[: 24 * days + hours], np.round(l_h[: 24 * days + hours]))
    return windows, int(t_ms[24 * days + hours - 1])


def test_a_calm_river_gives_a_band_and_no_advice(scoring):
    assert scoring.update(scene.river_windows(CALM), CALM) == []
    forecast = scoring.forecast(STATION)
    assert (forecast.status, forecast.inputs) == ("ok", "full")
    assert forecast.reaches in ("none", "watch")  # days after a flood, in one case of twenty
    assert [step.horizon_h for step in forecast.steps] == [1, 3, 6]
    assert all(step.p05_mm <= step.p50_mm <= step.p95_mm for step in forecast.steps)
    assert forecast.model.startswith("river ")


def test_a_rising_river_gives_advice_and_takes_it_back(scoring):
    advice = scoring.update(scene.river_windows(RISING), RISING)
    assert [(item.station, item.level) for item in advice] == [(STATION, "warning")]
    assert advice[0].until_s > 0
    assert scoring.forecast(STATION).reaches == "alarm"
    back = scoring.update(scene.river_windows(CALM), CALM)
    assert [(item.level, item.until_s) for item in back] == [("none", 0.0)]
    assert scoring.update(scene.river_windows(CALM), CALM) == []


def test_without_rain_it_says_so_and_goes_on(scoring):
    scoring.update(scene.river_windows(RISING, rain=False), RISING)
    forecast = scoring.forecast(STATION)
    assert (forecast.status, forecast.inputs) == ("ok", "no rain")


def test_the_first_hour_of_a_gauge_already_gives_a_forecast(scoring):
    windows = scene.Windows()
    windows.put("stage-b", [RISING], [1400])
    scoring.update(windows, RISING)
    assert scoring.forecast(STATION).status == "ok"


def test_old_bad_or_absent_readings_are_no_data(scoring):
    windows = scene.Windows()
    for quality, age_h in ((0, 3), (3, 0), (4, 0)):
        windows.put("stage-a", [RISING - age_h * HOUR_MS], [1400], [quality])
        assert scoring.update(windows, RISING) == []
        assert scoring.forecast(STATION).status == "no data"
    assert Scoring(ARTIFACTS_DIR, scene.site()).forecast(STATION).status == "no data"


def test_readings_from_the_future_are_not_used(scoring):
    late = scene.river_windows(CREST)
    scoring.update(late, CALM)
    used = scoring.forecast(STATION)
    scoring.update(scene.river_windows(CALM), CALM)
    assert used == scoring.forecast(STATION)


def test_windows_are_not_changed(scoring):
    windows = scene.river_windows(RISING)
    copies = {name: [c.copy() for c in columns] for name, columns in windows.sensors.items()}
    scoring.update(windows, RISING)
    for name, columns in windows.sensors.items():
        for column, copy in zip(columns, copies[name], strict=True):
            assert np.array_equal(column, copy)


def asks_the_network(scoring):
    """Let the leak test ask its network, whatever the rule that ships says."""
    scoring._rule = replace(scoring._rule, network=1.0)


class Strange:
    """A session that computes something else."""

    def __init__(self, answer):
        self.answer = answer

    def run(self, _names, feeds):
        return [self.answer(len(feeds["rows"]))]


@pytest.mark.parametrize(
    "answer",
    [
        lambda n: np.full((n, 9), np.nan),
        lambda n: np.full((n, 9), np.inf),
        lambda n: np.full((n, 9), 1e30),
        lambda n: np.zeros((n, 2)),
        lambda n: np.zeros((0, 9)),
    ],
)
def test_numbers_that_are_none_are_a_fault(scoring, answer):
    scoring._models["river"]._session = Strange(answer)
    assert scoring.update(scene.river_windows(RISING), RISING) == []
    assert scoring.forecast(STATION).status == "fault"
    assert scoring.status["river"] != "ok"


def test_a_leak_model_that_computes_nan_is_a_fault(scoring):
    windows, now = leaking(0)
    asks_the_network(scoring)
    scoring._models["leak"]._session = Strange(lambda n: np.full((n, 1), np.nan))
    scoring.update(windows, now)
    assert scoring.zone(ZONE)["model_status"] == "fault"
    assert scoring.zone(ZONE)["verdict"] == "unknown"


def test_after_a_fault_the_next_sound_round_counts(scoring):
    windows, now = leaking(0)
    asks_the_network(scoring)
    sound = scoring._models["leak"]._session
    scoring._models["leak"]._session = Strange(lambda n: np.full((n, 1), np.nan))
    scoring.update(windows, now)
    scoring._models["leak"]._session = sound
    scoring.update(windows, now)
    assert scoring.zone(ZONE)["model_status"] == "ok"
    assert scoring.status["leak"] == "ok"


def test_inputs_that_are_not_finite_are_refused(scoring):
    for model in scoring._models.values():
        with pytest.raises(ModelError, match="finite"):
            model(np.full((1, model._inputs), np.nan))
        with pytest.raises(ModelError, match="shape"):
            model(np.zeros((1, model._inputs + 1)))


def test_a_zone_on_its_first_days_is_no_data(scoring):
    for days in (1, 6, 11):
        windows, now = leaking(0, days=days)
        scoring.update(windows, now)
        zone = scoring.zone(ZONE)
        assert (zone["verdict"], zone["model_status"]) == ("unknown", "no data")
    assert Scoring(ARTIFACTS_DIR, scene.site()).zone(ZONE)["model_status"] == "no data"


def test_a_calm_zone_shows_what_was_expected(scoring):
    windows, now = leaking(0, leak_l_h=0.0)
    scoring.update(windows, now)
    zone = scoring.zone(ZONE)
    assert (zone["verdict"], zone["model_status"], zone["leak_l_h"]) == ("normal", "ok", None)
    assert zone["night_flow_l_h"] == pytest.approx(4000, rel=0.05)
    assert zone["night_flow_usual_l_h"] == pytest.approx(4000, rel=0.1)
    assert view.Zone(id=ZONE, name={}, inflow_l_h=1, at_ms=now, series=[], **zone).model
    times = [at for at, _, _ in zone["expected"]]
    assert times == sorted(set(times))


def test_the_same_verdict_hour_by_hour_and_after_a_restart(scoring):
    windows, now = leaking(0, leak_l_h=1800.0)
    whole = windows.sensors["meter"]
    for hours in range(20 * 24, len(whole[0]), 5):
        windows.sensors["meter"] = tuple(column[:hours] for column in whole)
        scoring.update(windows, int(whole[0][hours - 1]))
    windows.sensors["meter"] = whole
    scoring.update(windows, now)
    fresh = Scoring(ARTIFACTS_DIR, scene.site())
    fresh.update(windows, now)
    assert scoring.zone(ZONE) == fresh.zone(ZONE)
    assert scoring.zone(ZONE)["verdict"] == "leak"


def test_readings_that_come_late_are_judged_again(scoring):
    windows, now = leaking(0, leak_l_h=1800.0)
    whole = windows.sensors["meter"]
    early = np.r_[np.arange(400), np.arange(600, len(whole[0]))]
    windows.sensors["meter"] = tuple(column[early] for column in whole)
    scoring.update(windows, now)
    windows.sensors["meter"] = whole
    scoring.update(windows, now)
    fresh = Scoring(ARTIFACTS_DIR, scene.site())
    fresh.update(windows, now)
    assert scoring.zone(ZONE) == fresh.zone(ZONE)


def test_a_silent_meter_is_no_data_and_not_calm(scoring):
    windows, now = leaking(0)
    scoring.update(windows, now + 3 * scene.DAY_MS)
    assert scoring.zone(ZONE)["model_status"] == "no data"


def test_the_demonstrations_leak_is_found_within_two_nights(scoring):
    record = data.zone(int(DEMO_ZONE.record)).between(DEMO_ZONE.start_ms, DEMO_ZONE.end_ms)
    opened = datetime(2022, 12, 14, 12, tzinfo=ZoneInfo("Europe/Rome")).timestamp() * 1000
    size = 0.25 * float(np.nanmean(record.inflow_l_h))
    flow = record.inflow_l_h + np.where(record.t_ms > opened, size, 0.0)
    windows, verdicts = scene.Windows(), {}
    for hours in (-24, 0, 18, 42):
        until = int(opened) + hours * HOUR_MS
        known = (record.t_ms <= until) & np.isfinite(flow)
        windows.put("meter", record.t_ms[known], np.round(flow[known]))
        scoring.update(windows, until)
        verdicts[hours] = scoring.zone(ZONE)
    assert [verdicts[h]["verdict"] for h in (-24, 0)] == ["normal", "normal"]
    assert verdicts[18]["verdict"] in ("watch", "leak")
    assert verdicts[42]["verdict"] == "leak"
    assert verdicts[42]["leak_l_h"] == pytest.approx(size, rel=0.25)
    assert abs(verdicts[42]["since_ms"] - opened) < 1.5 * scene.DAY_MS
    assert verdicts[42]["leak_probability"] > verdicts[0]["leak_probability"]


def test_two_meters_are_added_in_the_hours_that_both_know():
    places = scene.site()
    places.zones[0].inflow = ["meter", "other"]
    scoring = Scoring(ARTIFACTS_DIR, places)
    windows, now = leaking(0)
    t_ms, value, _ = windows.sensors["meter"]
    windows.put("other", t_ms[:-2], value[:-2] * 0 + 1000)
    scoring.update(windows, now)
    assert scoring.zone(ZONE)["night_flow_l_h"] == pytest.approx(5000, rel=0.05)
    windows.sensors.pop("other")
    scoring.update(windows, now)
    assert scoring.zone(ZONE)["model_status"] == "no data"
