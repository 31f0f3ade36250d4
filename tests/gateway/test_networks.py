"""Networks live: what is judged from windows and journal, after gaps, late readings, restarts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.gateway import waterworks as w

from amont_gateway.counters import Counters
from amont_gateway.journal import Journal
from amont_gateway.places import Places, from_site
from amont_gateway.readings import Sample
from amont_gateway.scoring.network_hours import Hours, JournalPast, means
from amont_gateway.scoring.network_live import RETAKE_MS, NetworkVerdicts
from amont_gateway.scoring.timeline import HOUR_MS
from amont_gateway.windows import Windows
from amont_site import Site

BEGIN_MS = 1_772_323_200_000  # a day of March 2026, at midnight
DAY_MS = 24 * HOUR_MS
LEAK = (1, 8.0, 30.3, 99.0)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return w.site_of(tmp_path)


def filled(site: Site, samples: list[Sample], most: int = 15_000) -> Windows:
    windows = Windows(from_site(site).window_keys(), most)
    windows.add(samples)
    return windows


def said(verdicts: NetworkVerdicts, windows: Windows, now_ms: int) -> dict:
    verdicts.update(windows, now_ms)
    while verdicts.behind:
        verdicts.update(windows, now_ms)
    return verdicts.network("vallee") or {}


def judged(site: Site, samples: list[Sample], days: float) -> dict:
    verdicts = NetworkVerdicts(site)
    return said(verdicts, filled(site, samples), BEGIN_MS + round(days * DAY_MS))


def test_a_calm_network_is_normal_once_it_was_learnt(site: Site) -> None:
    samples = w.samples(*w.made(30), BEGIN_MS)
    learning = judged(site, [s for s in samples if s.at_ms < BEGIN_MS + 5 * DAY_MS], 5)
    assert (learning["verdict"], learning["model_status"]) == ("unknown", "no data")
    assert learning["learning"]
    calm = judged(site, samples, 30)
    assert (calm["verdict"], calm["model_status"], calm["leaks"]) == ("normal", "ok", [])
    assert (calm["heard"], calm["learning"]) == (w.SENSORS, False)


def test_a_leak_is_found_with_its_start_its_size_and_its_place(site: Site) -> None:
    found = judged(site, w.samples(*w.made(36, (LEAK,)), BEGIN_MS), 36)
    assert found["verdict"] == "leak"
    (leak,) = found["leaks"]
    began_ms = BEGIN_MS + round(30.3 * DAY_MS)
    assert abs(leak.since_ms - began_ms) < 6 * HOUR_MS
    assert began_ms < leak.found_ms < began_ms + 2 * DAY_MS
    assert leak.sensors[0] == "p1"
    assert leak.size_l_h == pytest.approx(8_000, abs=3_000)
    assert leak.inflow_after_l_h - leak.inflow_before_l_h == pytest.approx(8_000, abs=4_000)
    assert leak.after_kpa[0] < leak.before_kpa[0]


def test_hour_by_hour_it_says_what_it_says_at_once(site: Site) -> None:
    samples = w.samples(*w.made(36, (LEAK,)), BEGIN_MS)
    windows = filled(site, [s for s in samples if s.at_ms < BEGIN_MS + 31 * DAY_MS])
    verdicts = NetworkVerdicts(site)
    for hour in range(31 * 24, 33 * 24 + 1):
        now_ms = BEGIN_MS + hour * HOUR_MS
        windows.add([s for s in samples if now_ms - HOUR_MS <= s.at_ms < now_ms])
        last = said(verdicts, windows, now_ms)
    assert last == judged(site, [s for s in samples if s.at_ms < now_ms], 33)
    assert last["verdict"] == "leak"


@pytest.mark.parametrize("metres_a_day", [0.005, 0.02])
@pytest.mark.parametrize("sensor", [0, 3, 5])
def test_a_sensor_that_drifts_alone_is_no_leak(
    site: Site, sensor: int, metres_a_day: float
) -> None:
    pressure, flow = w.made(60)
    days = np.clip(np.arange(len(flow)) / 24.0 - 25.0, 0.0, 30.0)
    pressure[:, sensor] -= metres_a_day * days
    found = judged(site, w.samples(pressure, flow, BEGIN_MS), 60)
    assert found["verdict"] in ("normal", "watch")
    assert [leak for leak in found["leaks"] if leak.is_sure] == []


def test_a_sensor_that_was_replaced_is_no_leak(site: Site) -> None:
    pressure, flow = w.made(50)
    pressure[30 * 24 :, 2] -= 0.9  # the new one reads lower
    found = judged(site, w.samples(pressure, flow, BEGIN_MS), 50)
    assert (found["verdict"], found["leaks"]) == ("normal", [])


def test_a_repaired_leak_is_no_leak_any_more(site: Site) -> None:
    samples = w.samples(*w.made(50, ((1, 12.0, 30.3, 40.3),)), BEGIN_MS)
    open_leak = judged(site, [s for s in samples if s.at_ms < BEGIN_MS + 36 * DAY_MS], 36)
    assert open_leak["verdict"] == "leak"
    assert judged(site, samples, 50)["verdict"] == "normal"


def test_two_leaks_have_numbers_of_their_own(site: Site) -> None:
    leaks = ((1, 12.0, 30.3, 99.0), (4, 12.0, 36.7, 99.0))
    found = judged(site, w.samples(*w.made(50, leaks), BEGIN_MS), 50)
    assert [leak.sensors[0] for leak in found["leaks"]] == ["p4", "p1"]
    assert len({leak.number for leak in found["leaks"]}) == 2


def test_readings_of_seconds_and_of_an_hour_say_the_same(site: Site) -> None:
    pressure, flow = w.made(34, (LEAK,))
    often = []
    for sample in w.samples(pressure, flow, BEGIN_MS):
        for minutes in (-20, 0, 20):
            at_ms = sample.at_ms + minutes * 60_000
            often.append(sample._replace(seq=3 * sample.seq + minutes // 20, at_ms=at_ms))
    one = judged(site, w.samples(pressure, flow, BEGIN_MS), 34)
    assert one["verdict"] == "leak"
    assert judged(site, often, 34) == one


def test_two_networks_may_share_a_meter_and_one_leaks(site: Site) -> None:
    (both,) = site.networks
    upper = msgspec.structs.replace(both, pressures=both.pressures[:3])
    lower = msgspec.structs.replace(both, id="bas", levels=[], pressures=both.pressures[3:])
    site = msgspec.structs.replace(site, networks=[upper, lower])
    pressure, flow = w.made(36, ((1, 12.0, 30.3, 99.0),))
    pressure[:, 3:] = w.made(36)[0][:, 3:]
    windows, verdicts = filled(site, w.samples(pressure, flow, BEGIN_MS)), NetworkVerdicts(site)
    found = said(verdicts, windows, BEGIN_MS + 36 * DAY_MS)
    assert [leak.sensors[0] for leak in found["leaks"]] == ["p1"]
    other = verdicts.network("bas") or {}
    assert (other["model_status"], other["heard"]) == ("ok", 3)
    assert all(leak.sensors[0] in lower.pressures for leak in other["leaks"])


def test_what_comes_late_counts_as_if_it_had_been_there(site: Site) -> None:
    samples = w.samples(*w.made(36, (LEAK,)), BEGIN_MS)
    gap = range(BEGIN_MS + 20 * DAY_MS, BEGIN_MS + 24 * DAY_MS)
    late = [s for s in samples if s.at_ms in gap and s.node == w.METER]
    windows = filled(site, [s for s in samples if s not in late])
    verdicts, now_ms = NetworkVerdicts(site), BEGIN_MS + 36 * DAY_MS
    said(verdicts, windows, now_ms - HOUR_MS)
    windows.add(late)
    assert said(verdicts, windows, now_ms) == judged(site, samples, 36)


@pytest.mark.parametrize("day", [2, 33])
def test_a_reading_of_any_day_that_comes_late_finds_its_place(site: Site, day: int) -> None:
    samples = w.samples(*w.made(36, (LEAK,)), BEGIN_MS)
    late = [s for s in samples if s.at_ms // DAY_MS == BEGIN_MS // DAY_MS + day and s.node == 11]
    verdicts, now_ms = NetworkVerdicts(site), BEGIN_MS + 36 * DAY_MS
    windows = filled(site, [s for s in samples if s not in late])
    said(verdicts, windows, now_ms)
    for at in range(0, len(late), 8):
        windows.add(late[at : at + 8])
        now_ms += RETAKE_MS
        last = said(verdicts, windows, now_ms)
    assert last == judged(site, samples, 36)


def test_silence_is_unknown_and_a_dead_sensor_is_not(site: Site) -> None:
    pressure, flow = w.made(30)
    pressure[20 * 24 :, 5] = np.nan
    samples = w.samples(pressure, flow, BEGIN_MS)
    one = judged(site, samples, 30)
    assert (one["verdict"], one["heard"]) == ("normal", w.SENSORS - 1)
    silent = judged(site, samples, 32)
    assert (silent["verdict"], silent["model_status"]) == ("unknown", "no data")
    flow[28 * 24 :] = np.nan
    assert judged(site, w.samples(pressure, flow, BEGIN_MS), 30)["verdict"] == "unknown"


def journal_of(folder: Path, samples: list[Sample]) -> Path:
    path = folder / "journal.db"
    journal = Journal(path, ballast_bytes=0, mark_bytes=0)
    journal.open()
    for at in range(0, len(samples), 2_000):
        journal.append(samples[at : at + 2_000])
    journal.close()
    return path


def test_after_a_restart_the_journal_gives_what_the_windows_forgot(
    site: Site, tmp_path: Path
) -> None:
    samples = w.samples(*w.made(40, (LEAK,)), BEGIN_MS)
    places: Places = from_site(site)
    past = JournalPast(journal_of(tmp_path, samples), places.window_keys())
    short = filled(site, samples, most=24)  # trimmed to some days, long after the leak began
    assert len(short.series("p1").t_ms) < 2_000
    now_ms = BEGIN_MS + 40 * DAY_MS
    whole = judged(site, samples, 40)
    assert whole["verdict"] == "leak"
    assert said(NetworkVerdicts(site, past), short, now_ms) == whole


def test_nothing_is_judged_before_the_windows_are_filled(site: Site) -> None:
    samples = w.samples(*w.made(30), BEGIN_MS)
    windows, verdicts = filled(site, samples), NetworkVerdicts(site)
    windows.whole = False
    verdicts.update(windows, BEGIN_MS + 30 * DAY_MS)
    assert verdicts.network("vallee") is None
    windows.filled()
    assert said(verdicts, windows, BEGIN_MS + 30 * DAY_MS)["verdict"] == "normal"


def test_hours_hold_means_and_gaps() -> None:
    hour = HOUR_MS
    t_ms = np.array([hour // 2, hour, hour + 1, 3 * hour + 5])
    found = means(t_ms, np.array([1.0, 3.0, 7.0, 9.0]), hour, 4 * hour)
    np.testing.assert_array_equal(found, [2.0, 7.0, np.nan, 9.0])
    hours = Hours(("a", "b"))
    hours.reach(hour, 4 * hour)
    hours.put(1, hour, found)
    hours.reach(2 * hour, 5 * hour)
    np.testing.assert_array_equal(hours.mean[:, 1], [7.0, np.nan, 9.0, np.nan])
    np.testing.assert_array_equal(hours.end_ms, hour * np.arange(2, 6))


def test_a_journal_that_is_not_there_is_no_past(tmp_path: Path) -> None:
    hours = Hours(("a",))
    assert JournalPast(tmp_path / "journal.db", {}).read(hours, BEGIN_MS, 1.0)
    assert len(hours.mean) == 0
    assert Counters().snapshot() == {}
