"""Many stations in one run, each from what it really has: its rung, and no other's mistakes."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.models import scene

from amont_gateway.scoring import river_inputs
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.timeline import NO_SERIES
from amont_models import data
from amont_models.recipe import ARTIFACTS_DIR, DEMO_RIVER, HOUR_MS

NOW = 1_519_804_800_000 - 2 * HOUR_MS  # the demonstration's river rises
STEP_MS = 900_000


def station(name, **more):
    usual = {
        "watch_mm": 1500, "warning_mm": 2000, "alarm_mm": 2500, "alarm_plus_mm": 4000,
        "upstream": [], "rain": None,
    }  # fmt: skip
    return SimpleNamespace(id=name, sensors=[f"{name}-a"], **{**usual, **more})


def town(*stations, gauges=("col",)):
    site = scene.site()
    site.stations = list(stations)
    site.rain_gauges = [SimpleNamespace(id=name, sensor=f"{name}-rain") for name in gauges]
    return site


def flood(windows, sensor, shift_h=0, scale=1.0, until_ms=NOW):
    """Put the demonstration's flood, four readings an hour, ``shift_h`` hours earlier."""
    record = data.river(DEMO_RIVER.record)
    t_ms = np.arange(NOW - 90 * HOUR_MS, until_ms + 1, STEP_MS)
    stage = np.interp(t_ms + shift_h * HOUR_MS, record.t_ms, record.stage_mm)
    windows.put(sensor, t_ms, np.round(scale * stage))


def rain(windows, gauge, until_ms=NOW):
    t_ms = np.arange(NOW - 90 * HOUR_MS, until_ms + 1, STEP_MS)
    windows.put(gauge, t_ms, np.where(t_ms > NOW - 9 * HOUR_MS, 2500, 0))


class Counting:
    """A session that counts its runs and fails for rows it is told to."""

    def __init__(self, session, bad=None):
        self.session, self.runs, self.bad = session, [], bad

    def run(self, names, feeds):
        self.runs.append(len(feeds["rows"]))
        (out,) = self.session.run(names, feeds)
        if self.bad is not None:
            out = np.where(self.bad(feeds["rows"])[:, None], np.nan, out)
        return [out]


@pytest.fixture
def many():
    names = [f"s{n}" for n in range(9)]
    windows = scene.Windows()
    for n, name in enumerate(names):
        flood(windows, f"{name}-a", shift_h=n % 4, scale=0.6 + 0.1 * n)
    rain(windows, "col-rain")
    return names, windows


def test_all_stations_go_through_the_session_in_one_run(many):
    names, windows = many
    scoring = Scoring(ARTIFACTS_DIR, town(*map(station, names)))
    counting = scoring._models["river"]._session = Counting(scoring._models["river"]._session)
    together = {advice.station: advice.level for advice in scoring.update(windows, NOW)}
    (rows,) = counting.runs  # the steps that the rule remembers come with the newest
    assert rows % len(names) == 0
    assert len(set(together.values())) > 1, "all alike: nothing to mix up"
    for name in names:
        alone = Scoring(ARTIFACTS_DIR, town(station(name)))
        assert {a.station: a.level for a in alone.update(windows, NOW)}.items() <= together.items()
        assert alone.forecast(name) == scoring.forecast(name)


def test_one_bad_row_takes_no_other_station_with_it(many):
    names, windows = many
    scoring = Scoring(ARTIFACTS_DIR, town(*map(station, names)))
    scoring.update(windows, NOW)
    before = {name: scoring.forecast(name) for name in names}
    bad = river_inputs.see(scoring._rivers._site_rivers["s4"], {}, windows, NOW).row.astype(
        np.float32
    )
    model = scoring._models["river"]
    model._session = Counting(model._session, lambda rows: (rows == bad).all(axis=1))
    scoring.update(windows, NOW)
    assert scoring.forecast("s4").status == "fault"
    assert "finite" in scoring.status["river"]
    for name in set(names) - {"s4"}:
        assert scoring.forecast(name) == before[name]


def test_a_silent_station_has_no_row_and_the_others_go_on(many):
    names, windows = many
    flood(windows, "s2-a", until_ms=NOW - 5 * HOUR_MS)
    scoring = Scoring(ARTIFACTS_DIR, town(*map(station, names)))
    counting = scoring._models["river"]._session = Counting(scoring._models["river"]._session)
    scoring.update(windows, NOW)
    (rows,) = counting.runs
    assert rows % (len(names) - 1) == 0
    assert scoring.forecast("s2").status == "no data"
    assert {scoring.forecast(name).status for name in set(names) - {"s2"}} == {"ok"}


@pytest.mark.parametrize(
    ("has_rain", "has_upstream", "rung"),
    [
        (True, True, "full"),
        (False, True, "no rain"),
        (True, False, "no upstream"),
        (False, False, "local only"),
    ],
)
def test_the_rung_is_what_the_site_names_and_the_row_holds(has_rain, has_upstream, rung):
    windows = scene.Windows()
    flood(windows, "low-a")
    flood(windows, "high-a", shift_h=2, until_ms=NOW if has_upstream else NOW - 4 * HOUR_MS)
    rain(windows, "col-rain", until_ms=NOW if has_rain else NOW - 5 * HOUR_MS)
    scoring = Scoring(ARTIFACTS_DIR, town(station("low", upstream=["high"]), station("high")))
    scoring.update(windows, NOW)
    assert scoring.forecast("low").status == "ok"
    assert scoring.forecast("low").inputs == rung


def test_a_station_with_nothing_beside_it_is_forecast_from_itself_alone():
    windows = scene.Windows()
    flood(windows, "low-a")
    scoring = Scoring(ARTIFACTS_DIR, town(station("low"), gauges=()))
    scoring.update(windows, NOW)
    assert scoring.forecast("low").inputs == "local only"


def test_a_river_listens_to_its_own_gauges_only():
    windows = scene.Windows()
    flood(windows, "low-a")
    rain(windows, "far-rain")
    own = town(station("low", rain=["col"]), gauges=("col", "far"))
    every = town(station("low"), gauges=("col", "far"))
    rungs = []
    for site in (own, every):
        scoring = Scoring(ARTIFACTS_DIR, site)
        scoring.update(windows, NOW)
        rungs.append(scoring.forecast("low").inputs)
    assert rungs == ["no rain", "full"]


def test_upstream_rising_first_raises_the_forecast():
    windows, calm = scene.Windows(), scene.Windows()
    for each in (windows, calm):
        flood(each, "low-a", shift_h=-7)
    flood(windows, "high-a")
    flood(calm, "high-a", shift_h=-30)
    upper = []
    for each in (windows, calm):
        scoring = Scoring(ARTIFACTS_DIR, town(station("low", upstream=["high"]), station("high")))
        scoring.update(each, NOW)
        upper.append(scoring.forecast("low").steps[-1].p95_mm)
    assert upper[0] > upper[1]


def test_a_coarse_station_says_nothing_of_its_next_half_hour():
    windows = scene.Windows()
    flood(windows, "low-a")
    scoring = Scoring(ARTIFACTS_DIR, town(station("low")))
    scoring.update(windows, NOW)
    assert [step.horizon_h for step in scoring.forecast("low").steps] == [0.5, 1, 3, 6]
    t_ms, value, quality = windows.sensors["low-a"]
    windows.sensors["low-a"] = (t_ms[::-4][::-1], value[::-4][::-1], quality[::-4][::-1])
    scoring.update(windows, NOW)
    assert [step.horizon_h for step in scoring.forecast("low").steps] == [1, 3, 6]


def test_without_a_rain_forecast_there_is_none():
    windows = scene.Windows()
    flood(windows, "low-a")
    known = river_inputs.rivers(town(station("low")))
    seen = river_inputs.see(known["low"], known, windows, NOW)
    assert seen.inputs.rain_forecast is NO_SERIES
    assert river_inputs.see(known["low"], known, windows, NOW + 3 * HOUR_MS) is None
