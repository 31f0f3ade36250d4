"""Draw charts as inline SVG on the server: no script, no chart library.

Each chart exists in two sizes, one for phones and one for wider screens, so that text is never
scaled below 16 CSS pixels. Colours are Okabe and Ito's; each also differs by dash or hatch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from amont_gateway.page.formatting import Format
from amont_gateway.page.sentences import limits
from amont_gateway.page.texts import Words
from amont_gateway.view import Point, Station, Zone

HOUR_MS = 3_600_000
DRAWN = (0, 1, 5, 6)  # good, suspect, held, test; other qualities carry no value to draw
LONGEST_STEP_MS = 3_600_000  # between two readings of a healthy node
LABEL_GAP_PX = 21  # text of 17 px needs this much between two baselines
CHARACTER_PX = 11  # one character of an axis label, with its share of the space between two
LIMIT_STYLE = {  # level -> (colour, dash)
    "watch": ("#f0e442", "2 7"),
    "warning": ("#e69f00", "12 6"),
    "alarm": ("#d55e00", "none"),
    "alarm_plus": ("#d55e00", "none"),
}


@dataclass(frozen=True, slots=True)
class Size:
    """One rendering of a chart, in SVG units; ``name`` is its CSS class."""

    name: str
    width: int
    height: int
    font: int
    history_h: float  # hours shown before now
    columns: int  # points kept


PHONE = Size("phone", 330, 290, 17, 12, 110)
DESK = Size("desk", 620, 330, 17, 24, 220)
PHONE_ZONE = Size("phone", 330, 230, 17, 48, 110)
DESK_ZONE = Size("desk", 620, 250, 17, 96, 220)


@dataclass(frozen=True, slots=True)
class Plane:
    """Map times (ms) and values to SVG units inside the plot's margins."""

    size: Size
    t0: int
    t1: int
    low: float
    high: float
    left: int = 46
    right: int = 8
    top: int = 26
    bottom: int = 28

    @property
    def floor(self) -> float:
        """Return the y of the horizontal axis."""
        return self.size.height - self.bottom

    @property
    def edge(self) -> float:
        """Return the x of the right edge."""
        return self.size.width - self.right

    def x(self, at_ms: float) -> float:
        """Return the x of a time, kept inside the plot."""
        share = (at_ms - self.t0) / max(1, self.t1 - self.t0)
        return self.left + min(1.0, max(0.0, share)) * (self.edge - self.left)

    def y(self, value: float) -> float:
        """Return the y of a value, kept inside the plot."""
        share = (value - self.low) / max(1e-9, self.high - self.low)
        return self.floor - min(1.0, max(0.0, share)) * (self.floor - self.top)


def thin(points: Sequence[Point], columns: int) -> list[Point]:
    """Keep about ``columns`` points: the lowest and the highest of each stretch, in order."""
    if len(points) <= columns:
        return list(points)
    kept: list[Point] = []
    step = len(points) * 2 / columns
    for index in range(columns // 2):
        part = points[int(index * step) : int((index + 1) * step)]
        low, high = min(part, key=_value), max(part, key=_value)
        kept += sorted({low, high})
    return kept


def pieces(points: Sequence[Point]) -> list[list[Point]]:
    """Split a series where readings are missing, so that no line is drawn across a gap.

    A node samples fast while the river rises, so a step is a gap when it is long beside both its
    neighbours and the usual step, or longer than any node's interval.
    """
    good = [p for p in points if p[2] in DRAWN]
    if len(good) < 3:
        return [good] if good else []
    steps = [b[0] - a[0] for a, b in pairwise(good)]
    usual_ms = max(sorted(steps)[len(steps) // 2], 20_000)
    parts = [[good[0]]]
    for before_ms, step_ms, after_ms, point in zip(
        [0, *steps], steps, [*steps[1:], 0], good[1:], strict=False
    ):
        beside_ms = min(max(before_ms, after_ms), LONGEST_STEP_MS)
        if step_ms > 3 * max(usual_ms, beside_ms):
            parts.append([])
        parts[-1].append(point)
    return parts


def spread(wanted: Sequence[float], gap: float, top: float) -> list[float]:
    """Push label heights (y, from the bottom up) apart by ``gap``, none above ``top``."""
    placed: list[float] = []
    for y in wanted:
        placed.append(min(y, placed[-1] - gap) if placed else y)
    limit = top
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = max(placed[index], limit)
        limit = placed[index] + gap
    return placed


def nice_step(span: float, count: int) -> float:
    """Return a round step (1, 2 or 5 times a power of ten) that cuts ``span`` in <= ``count``."""
    step = 1.0
    while step * count > span and step > 1e-6:
        step /= 10
    while True:
        for factor in (1, 2, 5):
            if step * factor * count >= span:
                return step * factor
        step *= 10


def station_chart(
    station: Station, now_ms: int, words: tuple[str, Words, Format], size: Size
) -> Markup:
    """Draw a station's stage, thresholds and forecast band; ``words`` starts with the title."""
    title, t, f = words
    first_ms = now_ms - int(size.history_h * HOUR_MS)
    points = [p for p in station.series if first_ms <= p[0] <= now_ms and p[2] in DRAWN]
    named = limits(station)
    plane = _station_plane(station, points, named, (first_ms, now_ms), size)
    parts = [
        _history(plane, station.history_until_ms),
        _grid(plane, lambda mm: _short(f, mm) + "\u00a0m", least=500),
        _times(plane, f, 6 if size.name == "desk" else 3),
        _band(plane, station, now_ms, size),
        _limit_lines(plane, named),
        _now(plane, now_ms, t),
        _line(plane, points, "stage"),
        _last(plane, points),
        _limit_labels(plane, named, t, f),
    ]
    return _svg(size, title, parts, points, t)


def zone_chart(zone: Zone, now_ms: int, words: tuple[str, Words, Format], size: Size) -> Markup:
    """Draw a zone's inflow beside the expected one; ``words`` starts with the title."""
    title, t, f = words
    t0 = now_ms - int(size.history_h * HOUR_MS)
    points = [p for p in zone.series if t0 <= p[0] <= now_ms and p[2] in DRAWN]
    expected = [p for p in zone.expected if t0 <= p[0] <= now_ms]
    values = [p[1] for p in points + expected] or [1000]
    plane = Plane(size, t0, now_ms, 0, max(values) * 1.12)
    parts = [
        _grid(plane, lambda l_h: _short(f, l_h), least=0),
        _times(plane, f, 24),
        _text(4, 16, "start", "m³/h"),
        _since(plane, zone.since_ms),
        _line(plane, expected, "expected"),
        _line(plane, points, "inflow"),
        _last(plane, points),
    ]
    return _svg(size, title, parts, points, t)


def _station_plane(
    station: Station,
    points: Sequence[Point],
    named: Sequence[tuple[str, int]],
    span_ms: tuple[int, int],
    size: Size,
) -> Plane:
    """Return the plot that holds the readings, all thresholds and the forecast band."""
    first_ms, now_ms = span_ms
    steps = station.forecast.steps if station.forecast.status == "ok" else []
    values = [p[1] for p in points] + [mm for _, mm in named]
    values += [v for s in steps for v in (s.p05_mm, s.p95_mm)]
    low, high = min(values), max(values)
    room = max(1, high - low)
    ahead_h = max([0.6, *(s.horizon_h + 0.3 for s in steps)])
    last_ms = now_ms + int(ahead_h * HOUR_MS)
    return Plane(size, first_ms, last_ms, low - room * 0.06, high + room * 0.1)


def _short(f: Format, thousandths: float) -> str:
    return f.number(thousandths / 1000, 0 if thousandths % 1000 == 0 else 1)


def _value(point: Point) -> int:
    return point[1]


def _svg(
    size: Size, title: str, parts: Iterable[Markup], points: Sequence[Point], t: Words
) -> Markup:
    empty = Markup("")
    if not points:
        empty = _text(size.width / 2, size.height / 2, "middle", t("chart.no_data"), "label")
    return Markup(
        '<svg class="chart {}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>'
    ).format(size.name, size.width, size.height, title, Markup("").join(parts), empty)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(plane: Plane, points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{_n(plane.x(t))},{_n(plane.y(v))}" for t, v in points)


def _grid(plane: Plane, label: Callable[[float], str], least: float) -> Markup:
    step = max(nice_step(plane.high - plane.low, 5), least)
    value, parts = -(-plane.low // step) * step, []
    while value <= plane.high:
        y = plane.y(value)
        if y > plane.top + 8:
            parts.append(_rule("grid", plane.left, plane.edge, y, y))
            parts.append(_text(plane.left - 5, y + 6, "end", label(value)))
        value += step
    return Markup("").join(parts)


def _times(plane: Plane, f: Format, every_h: int) -> Markup:
    """Draw the time axis: a tick each ``every_h`` local hours, or each local midnight for 24."""
    daily = every_h == 24
    margin = 34 if daily else 14
    parts, last_x = [], -1e9
    for at_ms in range(_first_hour(plane, f), plane.t1, HOUR_MS):
        x = plane.x(at_ms)
        text = f.weekday(at_ms) if daily else f.hour(at_ms)
        room = len(text) * CHARACTER_PX
        fits = plane.left + margin < x < plane.edge - margin and x - last_x >= room
        if fits and f.local(at_ms).hour % every_h == 0:
            parts.append(_rule("tick", x, x, plane.floor, plane.floor + 6))
            parts.append(_text(x, plane.size.height - 6, "middle", text))
            last_x = x
    return Markup("").join(parts)


def _first_hour(plane: Plane, f: Format) -> int:
    """Return the first full local hour of the plot (ms)."""
    local = f.local(plane.t0)
    into_hour_ms = (local.minute * 60 + local.second) * 1000 + local.microsecond // 1000
    return plane.t0 - into_hour_ms + HOUR_MS


def _rule(name: str, x1: float, x2: float, y1: float, y2: float, style: str = "") -> Markup:
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"{}/>').format(
        name, _n(x1), _n(x2), _n(y1), _n(y2), Markup(style)
    )


def _text(x: float, y: float, anchor: str, text: str, name: str = "") -> Markup:
    return Markup('<text{} x="{}" y="{}" text-anchor="{}">{}</text>').format(
        Markup(f' class="{name}"') if name else "", _n(x), _n(y), anchor, text
    )


def _history(plane: Plane, until_ms: int | None) -> Markup:
    if until_ms is None or until_ms <= plane.t0:
        return Markup("")
    width = plane.x(until_ms) - plane.left
    return Markup('<rect class="history" x="{}" y="{}" width="{}" height="{}"/>').format(
        plane.left, plane.top, _n(width), _n(plane.floor - plane.top)
    )


def _band(plane: Plane, station: Station, now_ms: int, size: Size) -> Markup:
    forecast = station.forecast
    if forecast.status != "ok" or not forecast.steps:
        return Markup("")
    steps = sorted(forecast.steps, key=lambda s: s.horizon_h)
    issued = forecast.issued_ms or now_ms
    times = [issued + s.horizon_h * HOUR_MS for s in steps]
    start = [(issued, station.stage_mm)] if station.stage_mm is not None else []
    upper = start + [(at, s.p95_mm) for at, s in zip(times, steps, strict=True)]
    lower = start + [(at, s.p05_mm) for at, s in zip(times, steps, strict=True)]
    middle = start + [(at, s.p50_mm) for at, s in zip(times, steps, strict=True)]
    pattern = f"hatch-{size.name}"
    area = _path(plane, upper + lower[::-1])
    return Markup(
        f'<defs><pattern id="{pattern}" width="8" height="8" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line class="hatch" x1="0" x2="0" y1="0" y2="8"/>'
        f'</pattern></defs><polygon class="band" points="{area}"/>'
        f'<polygon fill="url(#{pattern})" points="{area}"/>'
        f'<polyline class="bound" points="{_path(plane, upper)}"/>'
        f'<polyline class="bound" points="{_path(plane, lower)}"/>'
        f'<polyline class="middle" points="{_path(plane, middle)}"/>'
    )


def _limit_lines(plane: Plane, named: Sequence[tuple[str, int]]) -> Markup:
    parts = []
    for level, limit_mm in named:
        colour, dash = LIMIT_STYLE[level]
        y, dashes = plane.y(limit_mm), f' stroke-dasharray="{dash}"'
        parts.append(_rule("casing", plane.left, plane.edge, y, y, dashes))
        parts.append(_rule("limit", plane.left, plane.edge, y, y, f'{dashes} stroke="{colour}"'))
    return Markup("").join(parts)


def _limit_labels(plane: Plane, named: Sequence[tuple[str, int]], t: Words, f: Format) -> Markup:
    heights = spread([plane.y(mm) - 6 for _, mm in named], LABEL_GAP_PX, plane.top + 14)
    return Markup("").join(
        _text(plane.left + 5, y, "start", f"{t(f'chart.{level}')} {f.metres(mm)}", "label")
        for (level, mm), y in zip(named, heights, strict=True)
    )


def _now(plane: Plane, now_ms: int, t: Words) -> Markup:
    x = plane.x(now_ms)
    anchor = "end" if x > plane.edge - 50 else "middle"
    line = _rule("now", x, x, plane.top - 4, plane.floor)
    return line + _text(x, 17, anchor, t("chart.now"), "label")


def _since(plane: Plane, since_ms: int | None) -> Markup:
    if since_ms is None or not plane.t0 < since_ms < plane.t1:
        return Markup("")
    x = plane.x(since_ms)
    return _rule("since", x, x, plane.top, plane.floor)


def _line(plane: Plane, points: Sequence[Point], name: str) -> Markup:
    lines = []
    for piece in pieces(points):
        share = max(2, plane.size.columns * len(piece) // len(points))
        path = _path(plane, [(p[0], p[1]) for p in thin(piece, share)])
        lines.append(f'<polyline class="{name}" points="{path}"/>')
    return Markup("".join(lines))


def _last(plane: Plane, points: Sequence[Point]) -> Markup:
    if not points:
        return Markup("")
    x, y = plane.x(points[-1][0]), plane.y(points[-1][1])
    return Markup(f'<circle class="last" cx="{_n(x)}" cy="{_n(y)}" r="6"/>')
