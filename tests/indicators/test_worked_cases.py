"""Cases worked by hand from the text that defines each figure, exact to 0.1.

P104.3, P105.3, P106.3: arrêté du 2 mai 2007, annexe I, as amended on 2 December 2013. The yield
to reach: code de l'environnement, art. D. 213-48-14-1 (décret 2012-97). Night flow, estimates and
what leaks lose have no legal text: docs/yearly says how they are worked out here.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pytest

from amont_gateway.indicators.curve import HOUR_MS, Curve, counter_curve, flow_curve
from amont_gateway.indicators.fill import filled_day
from amont_gateway.indicators.meter_day import (
    Ends,
    MeterDay,
    filled,
    meter_day,
    unpacked,
    usual_hours,
)
from amont_gateway.indicators.months import (
    carried_on,
    measured_entries,
    volumes_between,
    year_until,
)
from amont_gateway.indicators.night import mean_pressure, night_flow, usual_night
from amont_gateway.yearly.balance import Network, rounded
from amont_gateway.yearly.volumes import Entry

DAY_MS, QUARTER_MS = 24 * HOUR_MS, HOUR_MS // 4


class Case(NamedTuple):
    """A year of a service, in m³, and what the law makes of it."""

    text: str
    volumes: dict[str, str]
    length_km: str
    scarce: bool
    wanted: dict[str, str]
    reached: bool


# « le rapport entre, d'une part le volume consommé autorisé augmenté des volumes vendus en gros à
#   d'autres services publics d'eau potable et, d'autre part le volume produit augmenté des volumes
#   achetés en gros à d'autres services publics d'eau potable » (P104.3)
# « inférieur à 85 ou, lorsque cette valeur n'est pas atteinte, au résultat de la somme d'un terme
#   fixe égal à 65 et du cinquième de la valeur de l'indice linéaire de consommation » (art.
#   D. 213-48-14-1); 70 in place of 65 where scarce water is shared out
# P105.3: what was put into distribution and not metered, by day and km of mains without service
# pipes. P106.3: what was put into distribution and not consumed with leave, likewise.
CASES = [
    Case(
        "a village that buys and sells: (60000 + 4000 + 1000 + 800 + 6000) / (80000 + 10000) ="
        " 71800 / 90000 = 79.78 %; ILC = 71800 / 365 / 25 = 7.87, 65 + 7.87 / 5 = 66.57;"
        " (84000 - 64000) / 9125 = 2.19; (84000 - 65800) / 9125 = 1.99",
        {"produced": "80000", "imported": "10000", "exported": "6000", "metered_domestic": "60000",
         "metered_other": "4000", "unmetered": "1000", "service": "800"},
        "25", False,
        {"yield": "79.8", "asked": "66.6", "P105.3": "2.2", "P106.3": "2.0"}, True,
    ),
    Case(
        "long pipes in the hills, scarce water: 21000 / 34000 = 61.76 %; ILC = 21000 / 365 / 61 ="
        " 0.943, 70 + 0.19 = 70.19; (34000 - 20500) / 22265 = 0.61; 13000 / 22265 = 0.58",
        {"produced": "34000", "metered_domestic": "20500", "unmetered": "200", "service": "300"},
        "61", True,
        {"yield": "61.8", "asked": "70.2", "P105.3": "0.6", "P106.3": "0.6"}, False,
    ),
    Case(
        "a town: 850 / 1000 = 85 %, and 85 is enough however dense; ILC = 850000 / 365 / 20 ="
        " 116.4; 150000 / 7300 = 20.55",
        {"produced": "1000000", "metered_domestic": "850000"},
        "20", False,
        {"yield": "85.0", "asked": "85.0", "P105.3": "20.5", "P106.3": "20.5"}, True,
    ),
]  # fmt: skip


def year_2025(kind: str, volume: str, meter: str = "table", estimated: bool = False) -> Entry:
    span = (dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    return Entry(kind, meter, *span, Decimal(volume), estimated, "a.csv:1")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text.split(":")[0])
def test_the_law_s_indicators_over_twelve_months(case: Case) -> None:
    rows = [year_2025(kind, volume) for kind, volume in case.volumes.items()]
    network = Network(Decimal(case.length_km), case.scarce)
    year = year_until(network, rows, [], {}, dt.date(2025, 12, 31))
    made = year.balance
    assert made is not None
    found = {
        "yield": made.yield_percent,
        "asked": made.asked_percent,
        "P105.3": made.uncounted_m3_km_day,
        "P106.3": made.losses_m3_km_day,
    }
    assert {name: str(rounded(value)) for name, value in found.items()} == case.wanted
    assert (year.reached, year.missing_days) == (case.reached, 0)


def test_measured_and_imported_volumes_make_one_year() -> None:
    """A counter measured 73 m³ a day but for ten days, which the table holds: 26000 + 800 m³."""
    days = {dt.date(2025, 1, 1).toordinal() + n: whole_day(73_000 / 24) for n in range(355)}
    measured = measured_entries({"produced": ["forage"]}, {"forage": days})
    last = Entry("produced", "forage", dt.date(2025, 12, 22), dt.date(2025, 12, 31), Decimal(800),
                 False, "b.csv:1")  # fmt: skip
    rows = [last, year_2025("metered_domestic", "21372")]
    meters = {"produced": ["forage"]}
    network = Network(Decimal(10))
    year = year_until(network, rows, measured, meters, dt.date(2025, 12, 31))
    assert year.balance is not None
    assert year.balance.volume_m3["produced"] == 355 * 73 + 800 == 26_715
    assert str(rounded(year.balance.yield_percent)) == "80.0"  # 21372 / 26715
    without = year_until(network, rows[1:], measured, meters, dt.date(2025, 12, 31))
    assert (without.missing_days, without.balance, without.reached) == (10, None, None)


def whole_day(flow_l_h: float) -> object:
    return filled(MeterDay((flow_l_h,) * 24, (3600,) * 24), np.full(24, np.nan))


# --- a table outranks meters, on its days


@pytest.mark.parametrize(
    ("meter", "wanted"),
    [
        ("forage", 7 + 10 + 11 * 20),  # that meter's ten days, its eleventh, all of the other's
        ("relevé du syndicat", 7 + 10 + 20),  # ten days of both, and their eleventh
    ],
)
def test_a_row_replaces_the_meter_it_names_or_all_of_its_kind(meter: str, wanted: int) -> None:
    begin = dt.date(2025, 3, 1)
    number = begin.toordinal()
    measured = {
        "forage": {number + n: whole_day(10_000 / 24) for n in range(11)},
        "source": {number + n: whole_day(20_000 / 24) for n in range(11)},
    }
    meters = {"produced": ["forage", "source"]}
    entries = measured_entries(meters, measured)
    row = Entry("produced", meter, begin, begin + dt.timedelta(days=9), Decimal(7), False, "x:1")
    window = volumes_between([row], entries, meters, begin, begin + dt.timedelta(days=10))
    assert window.gaps == ()
    assert window.volume_m3["produced"] == wanted


def test_what_is_billed_once_a_year_is_carried_on_as_an_estimate() -> None:
    billed = Entry("metered_domestic", "rôle", dt.date(2024, 10, 1), dt.date(2025, 9, 30),
                   Decimal(3650), False, "r.csv:1")  # fmt: skip
    (more,) = carried_on([billed], dt.date(2025, 10, 31))
    assert (more.first, more.last) == (dt.date(2025, 10, 1), dt.date(2025, 10, 31))
    assert (more.volume_m3, more.estimated) == (310, True)
    assert carried_on([billed], dt.date(2025, 9, 30)) == []
    (most,) = carried_on([billed], dt.date(2029, 1, 1))
    assert (most.last - most.first).days == 365
    rows = [billed, Entry("produced", "x", dt.date(2024, 1, 1), dt.date(2026, 12, 31),
                          Decimal(10_960), False, "p:1")]  # fmt: skip
    soon = year_until(Network(Decimal(1)), rows, [], {}, dt.date(2025, 10, 31))
    late = year_until(Network(Decimal(1)), rows, [], {}, dt.date(2026, 6, 30))
    assert (soon.carried_days, soon.reached) == (31, True)
    assert (late.carried_days, late.reached) == (273, None)  # three quarters of it: nobody knows
    assert late.balance is not None
    assert str(rounded(late.balance.yield_percent)) == "100.0"


# --- curves


def flow(values: list[float], first_ms: int = QUARTER_MS, step_ms: int = QUARTER_MS) -> Curve:
    times = first_ms + step_ms * np.arange(len(values), dtype=np.int64)
    return flow_curve(times, np.array(values), QUARTER_MS)


def test_a_reading_stands_for_the_time_since_the_one_before() -> None:
    # 1 h at 1000, then 2000 read after half an hour (one was lost), then 3000 after 10 minutes
    t_ms = np.array([1, 2, 3, 4, 6], np.int64) * QUARTER_MS
    t_ms = np.append(t_ms, t_ms[-1] + 600_000)
    curve = flow_curve(t_ms, np.array([1000, 1000, 1000, 1000, 2000, 3000.0]), QUARTER_MS)
    litres, known_ms = curve.between(np.array([0, HOUR_MS, t_ms[-1]]))
    assert litres.tolist() == pytest.approx([1000, 1000 + 500])
    assert known_ms.tolist() == [HOUR_MS, 2_400_000]


def test_after_a_gap_a_reading_stands_for_one_interval() -> None:
    curve = flow_curve(
        np.array([QUARTER_MS, DAY_MS], np.int64), np.array([400.0, 400]), QUARTER_MS
    )
    litres, known_ms = curve.between(np.array([0, DAY_MS]))
    assert (litres[0], known_ms[0]) == (200, 2 * QUARTER_MS)
    nothing = flow_curve(np.empty(0, np.int64), np.empty(0), QUARTER_MS)
    assert nothing.between(np.array([0, DAY_MS]))[0].tolist() == [0]


def test_a_counter_tells_what_passed_that_day_however_seldom_it_was_read() -> None:
    t_ms = np.array([0, 10, 23], np.int64) * HOUR_MS
    curve = counter_curve(t_ms, np.array([100.0, 400, 1000]), QUARTER_MS, (0, DAY_MS))
    litres, known_ms = curve.between(np.array([0, DAY_MS]))
    assert (litres[0], known_ms[0]) == (900, 23 * HOUR_MS)
    split = counter_curve(t_ms, np.array([100.0, 400, 1000]), QUARTER_MS, (12 * HOUR_MS, DAY_MS))
    assert split.between(np.array([0, DAY_MS]))[0][0] == 0  # over midnight: left to the estimate


def test_a_counter_that_fell_says_nothing_of_that_time() -> None:
    t_ms = np.array([0, 1, 2, 3], np.int64) * QUARTER_MS
    curve = counter_curve(t_ms, np.array([500.0, 600, 10, 60]), QUARTER_MS, (0, DAY_MS))
    litres, known_ms = curve.between(np.array([0, DAY_MS]))
    assert (litres[0], known_ms[0]) == (150, 2 * QUARTER_MS)


# --- what is estimated


def test_a_gap_is_filled_with_what_is_usual_at_that_hour() -> None:
    """Usually 100 l/h until noon and 300 after; six hours are open: 3 * 100 + 3 * 300."""
    usual = MeterDay((100.0,) * 12 + (300.0,) * 12, (3600,) * 24)
    open_hours = range(9, 15)
    litres = tuple(0.0 if h in open_hours else usual.litres[h] for h in range(24))
    known_s = tuple(0 if h in open_hours else 3600 for h in range(24))
    days = {n: usual for n in range(100, 110)} | {110: MeterDay(litres, known_s)}
    made = filled_day(days, 110, 110 * DAY_MS)
    assert (made.measured_l, made.estimated_l) == (4800 - 1200, 1200)
    assert (sum(made.estimated_s), sum(made.unknown_s), made.volume_l) == (6 * 3600, 0, 4800)


def test_the_days_after_help_where_there_are_none_before() -> None:
    day = MeterDay((240.0,) * 24, (3600,) * 24)
    half = MeterDay((0.0,) * 12 + (240.0,) * 12, (0,) * 12 + (3600,) * 12)
    made = filled_day({1: half} | {n: day for n in range(2, 6)}, 1, DAY_MS)
    assert (made.measured_l, made.estimated_l) == (2880, 2880)


def test_without_days_around_a_gap_is_unknown_and_there_is_no_volume() -> None:
    half = MeterDay((0.0,) * 12 + (240.0,) * 12, (0,) * 12 + (3600,) * 12)
    made = filled_day({1: half}, 1, DAY_MS)
    assert (made.volume_l, sum(made.unknown_s), sum(made.estimated_s)) == (None, 12 * 3600, 0)
    nothing = filled_day({}, 7, 7 * DAY_MS, 23)
    assert (nothing.volume_l, len(nothing.unknown_s)) == (None, 23)


def test_a_counter_s_gap_over_days_holds_what_its_next_reading_says() -> None:
    """Read 10 m³ at noon of day 1, 82 m³ at noon of day 4: 1 m³/h between, 24 m³ a whole day."""
    before = MeterDay((500.0,) * 12 + (0.0,) * 12, (3600,) * 12 + (0,) * 12, Ends(
        DAY_MS, 4_000, DAY_MS + 12 * HOUR_MS, 10_000))  # fmt: skip
    after = MeterDay((0.0,) * 12 + (500.0,) * 12, (0,) * 12 + (3600,) * 12, Ends(
        4 * DAY_MS + 12 * HOUR_MS, 82_000, 5 * DAY_MS - 1, 88_000))  # fmt: skip
    days = {1: before, 4: after}
    volumes = [filled_day(days, n, n * DAY_MS).volume_l for n in range(1, 5)]
    assert volumes == pytest.approx([6_000 + 12_000, 24_000, 24_000, 12_000 + 6_000])
    made = filled_day(days, 2, 2 * DAY_MS)
    assert (made.counted_l, made.estimated_l, sum(made.estimated_s)) == (24_000, 0, 0)
    fallen = after._replace(ends=Ends(4 * DAY_MS + 12 * HOUR_MS, 500, 5 * DAY_MS - 1, 6_500))
    assert filled_day({1: before, 4: fallen}, 2, 2 * DAY_MS).volume_l is None


@pytest.mark.parametrize(("hours", "missing"), [(23, 2), (24, None), (25, None)])
def test_days_of_the_clock_s_change_have_their_own_hours(hours: int, missing: int | None) -> None:
    day = MeterDay((1.0,) * hours, (3600,) * hours)
    shown = day.clock_hours()
    assert (len(shown), missing in shown) == (hours, False)
    assert (shown[0], shown[-1]) == (0, 23)
    assert shown.count(2) == {23: 0, 24: 1, 25: 2}[hours]
    assert unpacked(day.packed()) == day
    assert usual_hours([day]).shape == (24,)


def test_a_day_outlives_its_packing_and_garbage_is_named() -> None:
    day = MeterDay(tuple(float(k) / 3 for k in range(24)), tuple(range(24)), Ends(5, 6, 7, 8))
    assert unpacked(day.packed()) == day
    with pytest.raises(ValueError, match="no day of a meter"):
        unpacked(b"x" * 17)


# --- nights


def test_the_lowest_hour_of_the_net_inflow_in_the_night() -> None:
    """In 2 to 4 h 1200 l/h, 900 from 2:30 to 3:30; 200 flow on: 700 is the lowest hour."""
    inflow = flow([1200] * 2 + [900] * 4 + [1200] * 2 + [5000] * 8)
    outflow = flow([200] * 16)
    begin_ms, end_ms = 0, 2 * HOUR_MS
    assert night_flow([inflow], [outflow], begin_ms, end_ms) == pytest.approx(700)
    assert night_flow([inflow, inflow], [], begin_ms, end_ms) == pytest.approx(1800)
    assert night_flow([inflow], [flow([])], begin_ms, end_ms) is None


def test_a_night_of_which_half_is_missing_tells_nothing() -> None:
    whole, first_quarters = flow([600] * 8), flow([600] * 5)
    assert night_flow([whole], [], 0, 2 * HOUR_MS) == pytest.approx(600)
    assert night_flow([first_quarters], [], 0, 2 * HOUR_MS) is None
    assert night_flow([flow([600] * 7)], [], 0, 2 * HOUR_MS) == pytest.approx(600)
    assert night_flow([flow([600] * 2)], [], 0, HOUR_MS // 2) == pytest.approx(600)  # short night


def test_pressure_is_the_mean_of_the_sensors() -> None:
    values = [np.array([300.0, 302.0]), np.array([401.0]), np.empty(0)]
    assert mean_pressure(values) == pytest.approx(351)
    assert mean_pressure([np.empty(0)]) is None


def test_what_is_usual_leaves_out_the_last_nights_and_those_of_leaks() -> None:
    nights = {day: 500.0 + (day % 5) * 10 for day in range(60)} | {58: 9e9, 59: 9e9}
    usual = usual_night(nights, 60, ())
    assert usual == pytest.approx((520.0, 1.4826 * 10.0))
    leaking = {day: (2000.0 if 30 <= day < 60 else 500.0) for day in range(60)}
    assert usual_night(leaking, 60, range(30, 60)) == (500.0, 10.0)  # no less than 2 %
    assert usual_night(leaking, 7, ()) is None
    assert usual_night({day: 5.0 for day in range(10)}, 200, ()) is None  # too long ago


def test_a_day_s_hours_are_those_of_its_curve() -> None:
    curve = flow([1000.0] * 96)
    day = meter_day(curve, 0, DAY_MS)
    assert day.hours == 24
    assert sum(day.litres) == pytest.approx(24_000)
    assert day.known_s == (3600,) * 24
