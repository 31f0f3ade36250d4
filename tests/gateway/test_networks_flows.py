"""Networks judged by their flows alone: without pressures, or while these are silent."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.gateway import waterworks as w
from tests.gateway.test_networks import (
    BEGIN_MS,
    DAY_MS,
    filled,
    journal_of,
    judged,
    said,
)

from amont_gateway.places import from_site
from amont_gateway.readings import Sample
from amont_gateway.scoring import network_live
from amont_gateway.scoring.network_hours import JournalPast
from amont_gateway.scoring.network_live import RETAKE_MS, NetworkVerdicts
from amont_gateway.scoring.timeline import HOUR_MS
from amont_site import Site

LEAK = (1, 12.0, 20.3, 99.0)
DAYS = 24


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A network with one inlet and a tank."""
    return w.site_of(tmp_path, pressures=0)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return w.samples(*w.made(DAYS, (LEAK,)), BEGIN_MS)


@pytest.fixture(scope="module")
def at_once(samples: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> dict:
    return judged(w.site_of(tmp_path_factory.mktemp("site"), pressures=0), samples, DAYS)


def test_a_leak_is_found_with_its_start_and_size_and_no_place(at_once: dict) -> None:
    assert (at_once["verdict"], at_once["model"]) == ("leak", "network-inflow")
    assert (at_once["heard"], at_once["meters_heard"], at_once["rung"]) == (0, 2, "full")
    (leak,) = at_once["leaks"]
    assert abs(leak.since_ms - BEGIN_MS - 20.3 * DAY_MS) < DAY_MS
    assert leak.size_l_h == pytest.approx(12_000, abs=5_000)
    assert (leak.sensors, leak.before_kpa, leak.after_kpa) == ([], [], [])
    assert leak.inflow_after_l_h - leak.inflow_before_l_h == pytest.approx(12_000, abs=5_000)


def test_two_weeks_teach_and_then_a_calm_network_is_normal(site: Site) -> None:
    samples = w.samples(*w.made(18), BEGIN_MS)
    learning = judged(site, [s for s in samples if s.at_ms < BEGIN_MS + 10 * DAY_MS], 10)
    assert (learning["verdict"], learning["learning"]) == ("unknown", True)
    calm = judged(site, samples, 18)
    assert (calm["verdict"], calm["leaks"], calm["learning"]) == ("normal", [], False)


def test_hour_by_hour_and_with_late_readings_it_says_what_it_says_at_once(
    site: Site, samples: list[Sample], at_once: dict
) -> None:
    begin_ms, now_ms = BEGIN_MS + 21 * DAY_MS, BEGIN_MS + DAYS * DAY_MS
    late = [s for s in samples if s.node == w.METER and 480 <= s.seq < 492]
    windows = filled(site, [s for s in samples if s.at_ms < begin_ms and s not in late])
    verdicts = NetworkVerdicts(site)
    for at_ms in range(begin_ms, now_ms, HOUR_MS):
        windows.add([s for s in samples if at_ms <= s.at_ms < at_ms + HOUR_MS])
        last = said(verdicts, windows, at_ms + HOUR_MS)
    assert last != at_once
    windows.add(late)
    assert said(verdicts, windows, now_ms + RETAKE_MS) == at_once


def test_a_round_that_is_cut_short_goes_on_and_says_the_same(
    site: Site, samples: list[Sample], at_once: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_live, "READ_S", 1e-9)  # one hour a round
    windows, verdicts = filled(site, samples), NetworkVerdicts(site)
    verdicts.update(windows, BEGIN_MS + DAYS * DAY_MS)
    assert verdicts.behind
    assert verdicts.network("vallee") is None
    assert said(verdicts, windows, BEGIN_MS + DAYS * DAY_MS) == at_once


def test_after_a_restart_the_journal_gives_what_the_windows_forgot(
    site: Site, samples: list[Sample], at_once: dict, tmp_path: Path
) -> None:
    places = from_site(site)
    past = JournalPast(journal_of(tmp_path, samples), places.window_keys())
    short = filled(site, samples, most=24)
    assert said(NetworkVerdicts(site, past), short, BEGIN_MS + DAYS * DAY_MS) == at_once


def test_silent_inflow_is_unknown_and_a_silent_tank_is_left_out(site: Site) -> None:
    pressure, flow = w.made(DAYS, (LEAK,))
    made = w.samples(pressure, flow, BEGIN_MS)
    dry = [s for s in made if s.node != w.TANK or s.at_ms < BEGIN_MS + 18 * DAY_MS]
    found = judged(site, dry, DAYS)
    assert (found["verdict"], found["rung"], found["left_out"]) == ("leak", "less", ["cuve"])
    assert found["meters_heard"] == 1
    flow[22 * 24 :] = np.nan
    silent = judged(site, w.samples(pressure, flow, BEGIN_MS), DAYS)
    assert (silent["verdict"], silent["model_status"]) == ("unknown", "no data")


def test_days_before_the_inlets_speak_teach_nothing(site: Site) -> None:
    pressure, flow = w.made(DAYS)
    flow[: 12 * 24] = np.nan  # the tank alone
    found = judged(site, w.samples(pressure, flow, BEGIN_MS), DAYS)
    assert (found["verdict"], found["learning"], found["meters_heard"]) == ("unknown", True, 2)
    flow[:] = np.nan
    never = judged(site, w.samples(pressure, flow, BEGIN_MS), DAYS)
    assert (never["verdict"], never["leaks"], never["meters_heard"]) == ("unknown", [], 1)


def test_while_most_pressures_are_silent_the_flows_judge(tmp_path: Path) -> None:
    site = w.site_of(tmp_path)
    pressure, flow = w.made(DAYS + 2, (LEAK,))
    pressure[17 * 24 : DAYS * 24, 2:] = np.nan  # two of six still speak
    samples = w.samples(pressure, flow, BEGIN_MS)
    windows = filled(site, [s for s in samples if s.at_ms < BEGIN_MS + DAYS * DAY_MS])
    verdicts = NetworkVerdicts(site)
    fallen = said(verdicts, windows, BEGIN_MS + DAYS * DAY_MS)
    assert (fallen["verdict"], fallen["rung"], fallen["heard"]) == ("leak", "flows only", 2)
    assert [leak.sensors for leak in fallen["leaks"]] == [[]]
    only = msgspec.structs.replace(site, networks=[
        msgspec.structs.replace(site.networks[0], pressures=[])
    ])  # fmt: skip
    assert (
        judged(only, [s for s in samples if s.seq < DAYS * 24], DAYS)["leaks"] == (fallen["leaks"])
    )
    windows.add([s for s in samples if s.at_ms >= BEGIN_MS + DAYS * DAY_MS])
    back = said(verdicts, windows, BEGIN_MS + (DAYS + 2) * DAY_MS)
    assert (back["rung"], back["model"], back["heard"]) == ("full", "network-test", w.SENSORS)
    assert back == judged(site, samples, DAYS + 2)
