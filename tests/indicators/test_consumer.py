"""From the journal to the lines: days, nights, months, late data, doubts, cuts, no database."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.indicators.waterside import (
    DAY_MS,
    HOUR_MS,
    MARCH_MS,
    PLACES,
    STEP_MS,
    Rig,
    bourg,
    counter,
    hameau,
    pressure,
    steps,
)

from amont_gateway.database import Away
from amont_gateway.events import Events
from amont_gateway.indicators.store import FILE, open_to_read
from amont_gateway.keeping import Keeping
from amont_gateway.readings import Sample, checksum
from amont_gateway.windows import Windows

NOON_MS = MARCH_MS + 10 * DAY_MS + 12 * HOUR_MS  # ten whole days and half of another


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path, NOON_MS)
    times = steps(MARCH_MS - HOUR_MS, NOON_MS)
    made.read(31, times, bourg, pressure)
    made.read(32, times, hameau)
    made.read(33, times, counter)
    return made


# A day of the village: 22 h * 3 m3 + 2 h * 0.6 m3 in, 22 h * 0.5 + 2 h * 0.1 on to the hamlet.
BOURG_M3, HAMEAU_M3 = 67.2 - 11.2, 11.2


def test_days_and_nights_of_zones(rig: Rig) -> None:
    rig.run()
    day = rig.outlet.of("zone_day", MARCH_MS + 9 * DAY_MS, zone="bourg")
    assert day["inflow_m3"] == pytest.approx(BOURG_M3, abs=1e-6)
    assert day["estimated_pct"] == 0
    assert day["night_flow_l_h"] == pytest.approx(500)  # 600 in, 100 on
    assert day["night_pressure_kpa"] == pytest.approx(520, abs=10)
    assert (day["night_flow_usual_l_h"], day["night_flow_spread_l_h"]) == (500, 10)
    other = rig.outlet.of("zone_day", MARCH_MS + 9 * DAY_MS, zone="hameau")
    assert other["inflow_m3"] == pytest.approx(HAMEAU_M3, abs=1e-6)
    assert "night_pressure_kpa" not in other
    assert "night_flow_usual_l_h" not in rig.outlet.of("zone_day", MARCH_MS, zone="bourg")


def test_of_today_there_is_the_night_and_no_volume(rig: Rig) -> None:
    rig.run()
    today = rig.outlet.of("zone_day", MARCH_MS + 10 * DAY_MS, zone="bourg")
    assert today["night_flow_l_h"] == pytest.approx(500)
    assert "inflow_m3" not in today


def test_a_night_is_told_when_it_is_over(rig: Rig) -> None:
    at_ms = MARCH_MS + 11 * DAY_MS
    rig.run()
    rig.read(31, steps(NOON_MS, at_ms + 3 * HOUR_MS), bourg, pressure)
    rig.read(32, steps(NOON_MS, at_ms + 3 * HOUR_MS), hameau)
    rig.run(at_ms + 3 * HOUR_MS)
    assert "night_flow_l_h" not in rig.outlet.of("zone_day", at_ms, zone="bourg")
    rig.read(31, steps(at_ms + 3 * HOUR_MS, at_ms + 5 * HOUR_MS), bourg, pressure)
    rig.read(32, steps(at_ms + 3 * HOUR_MS, at_ms + 5 * HOUR_MS), hameau)
    rig.run(at_ms + 5 * HOUR_MS)
    assert rig.outlet.of("zone_day", at_ms, zone="bourg")["night_flow_l_h"] == pytest.approx(500)


def test_the_month_so_far(rig: Rig) -> None:
    rig.run()
    month = rig.outlet.of("zone_month", MARCH_MS, zone="bourg")
    assert month == {"inflow_m3": pytest.approx(10 * BOURG_M3, abs=1e-5), "estimated_pct": 0}
    produced = rig.outlet.of("volume_month", MARCH_MS, kind="produced")
    assert produced == {"volume_m3": pytest.approx(10 * 96.0, abs=1e-6), "estimated_pct": 0}
    year = rig.outlet.of("yield_year", MARCH_MS)
    assert year["supplied_m3"] == pytest.approx(11 * 96)  # the first day is mostly estimated
    assert (year["missing_days"], year["reached"], "yield_pct" in year) == (354, 2, False)


def test_what_comes_late_makes_its_day_anew(tmp_path: Path) -> None:
    rig = Rig(tmp_path, NOON_MS)
    gap = (MARCH_MS + 5 * DAY_MS + 6 * HOUR_MS, MARCH_MS + 5 * DAY_MS + 12 * HOUR_MS)
    times = steps(MARCH_MS - HOUR_MS, NOON_MS)
    rig.read(31, times, bourg, pressure)
    rig.read(33, times, counter)
    rig.read(32, [t for t in times if not gap[0] < t <= gap[1]], hameau)
    rig.run()
    at_ms = MARCH_MS + 5 * DAY_MS
    day = rig.outlet.of("zone_day", at_ms, zone="hameau")
    assert day["estimated_pct"] == 25
    assert day["inflow_m3"] == pytest.approx(HAMEAU_M3)  # as usual at these hours
    month = rig.outlet.of("zone_month", MARCH_MS, zone="hameau")
    assert month["estimated_pct"] == pytest.approx(100 * 6 * 0.5 / (10 * HAMEAU_M3), abs=1e-5)
    rig.read(32, steps(*gap), lambda _at: 900)
    rig.run(NOON_MS + HOUR_MS)
    late = rig.outlet.of("zone_day", at_ms, zone="hameau")
    assert late["estimated_pct"] == 0
    assert late["inflow_m3"] == pytest.approx(HAMEAU_M3 + 6 * 0.4)
    assert rig.outlet.of("zone_month", MARCH_MS, zone="hameau")["inflow_m3"] == pytest.approx(
        10 * HAMEAU_M3 + 6 * 0.4
    )


def test_a_doubt_takes_a_reading_out_and_its_end_brings_it_back(rig: Rig) -> None:
    rig.run()
    at_ms, wrong = MARCH_MS + 3 * DAY_MS, MARCH_MS + 3 * DAY_MS + 2 * STEP_MS
    rig.doubtful = {("hameau-debit", wrong + k * STEP_MS) for k in range(3)}
    rig.indicators.touch("hameau-debit", wrong)
    rig.run()
    day = rig.outlet.of("zone_day", at_ms, zone="hameau")
    assert day["estimated_pct"] == pytest.approx(100 * 0.75 / 24)
    rig.doubtful = set()
    rig.indicators.touch("hameau-debit", wrong)
    rig.indicators.touch("unknown", wrong)
    rig.run()
    assert rig.outlet.of("zone_day", at_ms, zone="hameau")["estimated_pct"] == 0


def test_a_database_that_was_away_gets_everything(rig: Rig) -> None:
    rig.outlet.error = Away("gone")
    for _ in range(3):
        with pytest.raises(Away):
            rig.run()
    rig.outlet.error = None
    rig.run()
    assert len(rig.outlet.times("zone_day", zone="bourg")) == 12  # with the day before March
    assert rig.outlet.of("volume_month", MARCH_MS, kind="produced")


def test_after_a_restart_all_is_told_again_and_nothing_measured_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.run()
    told = dict(rig.outlet.points)
    rig.outlet.points.clear()
    rig.restart()
    calls: list[int] = []
    monkeypatch.setattr(
        "amont_gateway.indicators.consumer.read_day", lambda *_a: calls.append(1) or {}
    )
    rig.run()
    assert rig.outlet.points == told
    assert calls == []


@pytest.mark.parametrize("cut", ["save", "confirm", "write"])
def test_a_round_that_is_cut_anywhere_is_made_again(
    rig: Rig, cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: object, **_keywords: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        target = {
            "save": "amont_gateway.indicators.consumer.Store.save",
            "confirm": "amont_gateway.indicators.consumer.Tail.confirm",
            "write": "tests.indicators.waterside.Outlet.write",
        }[cut]
        patched.setattr(target, die)
        with pytest.raises(KeyboardInterrupt):
            rig.run()
    rig.restart()
    rig.run()
    assert len(rig.outlet.times("zone_day", zone="bourg")) == 12
    day = rig.outlet.of("zone_day", MARCH_MS + 9 * DAY_MS, zone="bourg")
    assert day["inflow_m3"] == pytest.approx(BOURG_M3, abs=1e-6)


def test_a_file_that_is_lost_or_damaged_is_made_again(rig: Rig) -> None:
    rig.run()
    told = dict(rig.outlet.points)
    for content in (None, b"no database at all" * 100):
        rig.restart()
        for suffix in ("", "-wal", "-shm"):
            (rig.folder / (FILE + suffix)).unlink(missing_ok=True)
        if content is not None:
            (rig.folder / FILE).write_bytes(content)
        rig.outlet.points.clear()
        rig.run()
        assert rig.outlet.points == told


def test_without_a_database_days_are_kept_all_the_same(rig: Rig) -> None:
    rig.indicators._outlet = None
    rig.run()
    kept = open_to_read(rig.folder)
    first = kept.first_day()
    assert first is not None
    assert len(kept.meter_days("forage", first, first + 99)) == 12
    kept.close()


def test_days_from_the_future_are_passed_over(rig: Rig) -> None:
    rig.read(32, [NOON_MS + 30 * DAY_MS], hameau)
    rig.run()
    assert max(rig.outlet.times("zone_day", zone="hameau")) == MARCH_MS + 10 * DAY_MS
    assert rig.counters.snapshot()["indicators_skipped_days"] >= 1


def test_what_the_journal_forgot_is_kept_as_it_was(rig: Rig) -> None:
    rig.run()
    before = rig.outlet.of("zone_day", MARCH_MS + 2 * DAY_MS, zone="hameau")
    rows = rig.journal._connection
    assert rows is not None
    rows.execute("DELETE FROM sample WHERE at_ms < ?", (MARCH_MS + 5 * DAY_MS,))
    rows.execute("UPDATE sample SET received_ms = at_ms")
    samples = [tuple(row) for row in rows.execute("SELECT * FROM sample")]
    for row in samples:
        rows.execute("UPDATE sample SET crc=? WHERE id=?", (checksum(Sample(*row[1:9])), row[0]))
    rig.read(32, [MARCH_MS + 2 * DAY_MS + HOUR_MS + 1], lambda _at: 9_000)
    rig.run()
    assert rig.outlet.of("zone_day", MARCH_MS + 2 * DAY_MS, zone="hameau") == before


def test_a_journal_that_was_replaced_takes_nothing_away(rig: Rig) -> None:
    rig.run()
    before = rig.outlet.of("zone_day", MARCH_MS + 9 * DAY_MS, zone="hameau")
    rig.indicators.close()
    rig.journal.close()
    for file in rig.folder.glob("journal.db*"):
        file.unlink()
    rig.start()
    at_ms = MARCH_MS + 9 * DAY_MS + HOUR_MS
    rig.read(32, [at_ms], lambda _at: 9_000)  # of a day whose other rows are lost
    rig.read(32, steps(NOON_MS, MARCH_MS + 11 * DAY_MS), hameau)
    rig.read(31, steps(NOON_MS, MARCH_MS + 11 * DAY_MS), bourg, pressure)
    rig.run(MARCH_MS + 12 * DAY_MS)
    assert rig.outlet.of("zone_day", MARCH_MS + 9 * DAY_MS, zone="hameau") == before
    # of the day on which it was lost: the morning from what was kept, the rest from the rows
    day = rig.outlet.of("zone_day", MARCH_MS + 10 * DAY_MS, zone="hameau")
    assert day["inflow_m3"] == pytest.approx(HAMEAU_M3)
    assert day["estimated_pct"] == 0
    assert day["night_flow_l_h"] == pytest.approx(100)


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), cuts=st.integers(1, 6))
def test_in_whatever_order_readings_come_the_end_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cuts: int
) -> None:
    """Three days of two nodes, shuffled and in lumps with rounds between, as a bad link brings."""
    dice = random.Random(seed)
    end_ms = MARCH_MS + 3 * DAY_MS
    times = [t for t in steps(MARCH_MS, end_ms) if dice.random() > 0.1]
    whole = Rig(tmp_path_factory.mktemp("whole"), end_ms + HOUR_MS)
    late = Rig(tmp_path_factory.mktemp("late"), end_ms + HOUR_MS)
    for node, value in ((32, hameau), (33, counter)):
        whole.read(node, times, value)
    whole.run()
    shuffled = [(node, t) for node in (32, 33) for t in times]
    dice.shuffle(shuffled)
    size = len(shuffled) // cuts + 1
    for lump in (shuffled[k : k + size] for k in range(0, len(shuffled), size)):
        for node, value in ((32, hameau), (33, counter)):
            late.read(node, [t for n, t in lump if n == node], value)
        late.run()
    assert late.outlet.points == whole.outlet.points
    for made in (whole, late):
        made.indicators.close()
        made.journal.close()


def test_a_site_without_a_database_has_its_indicators_in_the_gateway(tmp_path: Path) -> None:
    rig = Rig(tmp_path, NOON_MS)
    rig.read(32, steps(MARCH_MS, NOON_MS), hameau)
    windows, events = Windows(PLACES.window_keys()), Events(rig.counters, rig.clock.wall_ms)
    keeping = Keeping(
        PLACES, tmp_path, rig.journal, windows, None, rig.counters, events, rig.clock
    )  # fmt: skip
    assert [due.name for due in keeping.parts] == ["indicators"]
    for due in keeping.parts:
        while due.part.step():
            pass
        due.part.close()
    kept = open_to_read(tmp_path)
    assert len(kept.meter_days("hameau-debit", 0, 10**6)) == 11
    kept.close()
    dry = replace(PLACES, zones=(), service=None)
    nothing = Keeping(dry, tmp_path, rig.journal, windows, None, rig.counters, events, rig.clock)
    assert nothing.parts == []
