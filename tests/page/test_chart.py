"""Charts drawn on the server: nothing invented across gaps, nothing outside the plot."""

import itertools
import re
from zoneinfo import ZoneInfo

import pytest
from tests.page.sample_views import HOSTILE, HOUR_MS, MINUTE_MS, NOW_MS, VIEWS

from amont_gateway.page import chart
from amont_gateway.page.formatting import Format
from amont_gateway.page.texts import Words

WORDS = ("title", Words("fr"), Format("fr", ZoneInfo("Europe/Paris")))
NUMBERS = re.compile(r'(?:x|y|x1|x2|y1|y2|cx|cy|points)="([-\d., ]+)"')


def station_svg(change=lambda station: None, size=chart.PHONE, words=WORDS):
    station = VIEWS["rising"](NOW_MS).stations[0]
    change(station)
    return str(chart.station_chart(station, NOW_MS, words, size))


def test_a_gap_is_not_drawn_across():
    points = [(i * MINUTE_MS, 100, 0) for i in range(30)]
    points += [(i * MINUTE_MS, 900, 0) for i in range(90, 120)]
    assert [len(piece) for piece in chart.pieces(points)] == [30, 30]
    assert chart.pieces([]) == []
    assert chart.pieces([(0, 1, 4), (1, 2, 2), (2, 3, 3)]) == []  # missing, out of range, fault


def test_a_slow_past_before_a_fast_present_is_no_gap() -> None:
    slow = [(i * 1_800_000, 5, 0) for i in range(20)]
    fast = [(slow[-1][0] + i * 60_000, 6, 0) for i in range(1, 200)]
    assert [len(piece) for piece in chart.pieces(slow + fast)] == [219]
    assert [len(piece) for piece in chart.pieces(slow[:8] + slow[15:] + fast)] == [8, 204]


def test_thinning_keeps_the_peak_and_the_order():
    points = [(i, (i * 7919) % 100, 0) for i in range(5000)]
    points[3333] = (3333, 5000, 0)
    kept = chart.thin(points, 120)
    assert len(kept) <= 121
    assert (3333, 5000, 0) in kept
    assert kept == sorted(kept)
    assert chart.thin(points[:50], 120) == points[:50]


@pytest.mark.parametrize("wanted", [[200, 199, 198, 197], [30, 28, 27, 26], [250, 120, 119, 40]])
def test_labels_never_overlap_nor_leave_the_plot(wanted):
    placed = chart.spread(wanted, 21, 40)
    assert min(placed) >= 40
    assert all(lower - upper >= 21 for lower, upper in itertools.pairwise(placed))


@pytest.mark.parametrize(
    ("span", "step"), [(0.9, 0.2), (3, 1), (11, 5), (2800, 1000), (14_000, 5000), (1e-5, 2e-6)]
)
def test_steps_are_round(span, step):
    assert chart.nice_step(span, 5) == pytest.approx(step)


def test_thresholds_are_named_on_the_chart():
    svg = station_svg().replace("\u00a0", " ")
    for text in ("vigilance 1,20 m", "alerte 1,80 m", "ALARME 2,50 m", "ALARME GRAVE 3,20 m"):
        assert f">{text}</text>" in svg
    assert svg.count("<polygon") == 2  # the band, shaded and hatched
    assert ">maintenant</text>" in svg


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("size", [chart.PHONE, chart.DESK])
def test_nothing_lies_outside_the_plot(name, size):
    view = VIEWS[name](NOW_MS)
    view.stations[0].series[-3] = (NOW_MS - HOUR_MS, 2_000_000_000, 1)
    svgs = [
        (chart.station_chart(view.stations[0], NOW_MS, WORDS, size), size),
        (chart.zone_chart(view.zones[0], NOW_MS, WORDS, size), size),
    ]
    for svg, frame in svgs:
        numbers = [float(n) for found in NUMBERS.findall(svg) for n in re.split("[ ,]", found)]
        assert numbers
        assert -1 <= min(numbers) <= max(numbers) <= max(frame.width, frame.height)


def empty(station):
    station.series, station.stage_mm = [], None


def no_forecast(station):
    station.forecast.status = "fault"


def one_reading(station):
    station.series = station.series[-1:]


def flat(station):
    station.series = [(at, 1200, 0) for at, _, _ in station.series]
    limits = station.thresholds
    limits.watch_mm = limits.warning_mm = limits.alarm_mm = limits.alarm_plus_mm = 1200
    station.forecast.steps = []


@pytest.mark.parametrize("change", [empty, no_forecast, one_reading, flat])
def test_poor_data_still_draws(change):
    svg = station_svg(change)
    assert svg.startswith("<svg")
    assert not re.search(r'[", ](nan|inf)', svg)
    assert ("aucun relevé" in svg) == (change is empty)


def test_names_are_text():
    svg = station_svg(words=(HOSTILE, *WORDS[1:]))
    assert "<script" not in svg
    assert "<img" not in svg
    assert "&lt;script&gt;" in svg
