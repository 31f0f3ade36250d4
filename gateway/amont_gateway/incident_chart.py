"""Draw an incident's curve for print: stages, limits, numbered events, and the siren below."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from amont_gateway.page.formatting import Format
from amont_gateway.view import Point

WIDTH, HEIGHT = 720, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 92, 22, 62
_FLOOR = HEIGHT - _BOTTOM
_EDGE = WIDTH - _RIGHT
_BREAK_MS = 3_600_000  # a longer gap between two readings is no line
_TICKS = 7
_STEPS_H = (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96, 192)
_STYLES = (("#0072b2", "none"), ("#000000", "7 4"), ("#009e73", "2 4"))
_LIMITS = {
    "watch": ("#8a7a00", "2 6"),
    "warning": ("#b36a00", "10 5"),
    "alarm": ("#c0392b", "none"),
    "alarm_plus": ("#7b1fa2", "none"),
}
_DRAWN = (0, 1, 5, 6)  # qualities that carry a value

Span = tuple[int, int]


@dataclass
class Drawing:
    """What is to be drawn; names are in the reader's language already."""

    from_ms: int
    until_ms: int
    curves: list[tuple[str, Sequence[Point]]]
    limits: list[tuple[str, str, int]]  # level, its name, mm
    marks: list[tuple[int, int]]  # number, at_ms
    bars: list[tuple[str, str, list[Span]]] = field(default_factory=list)  # name, colour, spans


def draw(drawing: Drawing, f: Format) -> Markup:
    """Return the inline SVG."""
    plane = _Plane(drawing)
    parts = [
        Markup(
            '<svg viewBox="0 0 {w} {h}" role="img" xmlns="http://www.w3.org/2000/svg" '
            'font-family="sans-serif" font-size="13">'
        ).format(w=WIDTH, h=HEIGHT),
        *_axes(plane, f),
        *_limits(plane, drawing),
        *_curves(plane, drawing),
        *_marks(plane, drawing),
        *_bars(plane, drawing),
        Markup("</svg>"),
    ]
    return Markup("\n").join(parts)


class _Plane:
    def __init__(self, drawing: Drawing) -> None:
        values = [v for _, points in drawing.curves for _, v, q in points if q in _DRAWN]
        marks = [mm for level, _, mm in drawing.limits if level != "alarm_plus" or not values]
        known = [*values, *marks] or [0, 1000]
        margin = max(50, (max(known) - min(known)) // 12)
        self.low, self.high = min(known) - margin, max(known) + margin
        self.t0, self.t1 = drawing.from_ms, max(drawing.until_ms, drawing.from_ms + 1)

    def x(self, at_ms: float) -> float:
        share = (at_ms - self.t0) / (self.t1 - self.t0)
        return round(_LEFT + min(1.0, max(0.0, share)) * (_EDGE - _LEFT), 1)

    def y(self, value: float) -> float:
        return round(_FLOOR - (value - self.low) / (self.high - self.low) * (_FLOOR - _TOP), 1)


def _axes(plane: _Plane, f: Format) -> Iterator[Markup]:
    yield Markup(
        '<path d="M{l},{t} V{f} H{e}" fill="none" stroke="#555" stroke-width="1"/>'
    ).format(l=_LEFT, t=_TOP, f=_FLOOR, e=_EDGE)
    step = next(
        (s for s in (100, 200, 250, 500, 1000, 2000) if plane.high - plane.low < 7 * s), 5000
    )
    for value in range(-(-plane.low // step) * step, plane.high, step):
        yield Markup('<text x="{x}" y="{y}" text-anchor="end" fill="#333">{t}</text>').format(
            x=_LEFT - 6, y=plane.y(value) + 4, t=f.number(value / 1000, 1)
        )
    yield Markup('<text x="{x}" y="14" text-anchor="end" fill="#333">m</text>').format(x=_LEFT - 6)
    days: set[dt.date] = set()
    for at_ms in _hours(plane, f):
        x = plane.x(at_ms)
        yield Markup('<path d="M{x},{f} v5" stroke="#555"/>').format(x=x, f=_FLOOR)
        yield Markup('<text x="{x}" y="{y}" text-anchor="middle" fill="#333">{t}</text>').format(
            x=x, y=_FLOOR + 18, t=_tick(at_ms, f, days)
        )


def _hours(plane: _Plane, f: Format) -> Iterator[int]:
    hours = (plane.t1 - plane.t0) / 3_600_000
    step_h = next((s for s in _STEPS_H if hours / s <= _TICKS), _STEPS_H[-1])
    step_ms = int(step_h * 3_600_000)
    offset = f.local(plane.t0).utcoffset() or dt.timedelta()
    shift_ms = int(offset.total_seconds() * 1000)
    first = -(-(plane.t0 + shift_ms) // step_ms) * step_ms - shift_ms
    yield from range(first, plane.t1, step_ms)


def _tick(at_ms: int, f: Format, days: set[dt.date]) -> str:
    """Return an axis' label; the first of each day names the day."""
    then = f.local(at_ms)
    clock = f.hour(at_ms) if then.minute == 0 else f.clock(at_ms)
    if then.date() in days:
        return clock
    days.add(then.date())
    return f"{f.weekday(at_ms)}, {clock}"


def _limits(plane: _Plane, drawing: Drawing) -> Iterator[Markup]:
    for level, name, mm in drawing.limits:
        if not plane.low <= mm <= plane.high:
            continue
        colour, dash = _LIMITS[level]
        y = plane.y(mm)
        yield Markup(
            '<path d="M{l},{y} H{e}" stroke="{c}" stroke-width="1.5" stroke-dasharray="{d}"/>'
            '<text x="{x}" y="{ty}" fill="{c}">{n}</text>'
        ).format(l=_LEFT, y=y, e=_EDGE, c=colour, d=dash, x=_EDGE + 4, ty=y + 4, n=name)


def _curves(plane: _Plane, drawing: Drawing) -> Iterator[Markup]:
    for i, (name, points) in enumerate(drawing.curves):
        colour, dash = _STYLES[i % len(_STYLES)]
        path = _path(plane, points)
        if path:
            yield Markup(
                '<path d="{p}" fill="none" stroke="{c}" stroke-width="2" stroke-dasharray="{d}"/>'
            ).format(p=path, c=colour, d=dash)
        x = _LEFT + 8 + 220 * i
        yield Markup(
            '<path d="M{x},12 h26" stroke="{c}" stroke-width="2" stroke-dasharray="{d}"/>'
            '<text x="{tx}" y="16" fill="#111">{n}</text>'
        ).format(x=x, c=colour, d=dash, tx=x + 32, n=name)


def _path(plane: _Plane, points: Sequence[Point]) -> str:
    found, before_ms = [], None
    for at_ms, value, quality in points:
        if quality not in _DRAWN:
            continue
        joined = before_ms is not None and at_ms - before_ms <= _BREAK_MS
        found.append(f"{'L' if joined else 'M'}{plane.x(at_ms)},{plane.y(value)}")
        before_ms = at_ms
    return " ".join(found)


def _marks(plane: _Plane, drawing: Drawing) -> Iterator[Markup]:
    free_x = -100.0
    for number, at_ms in drawing.marks:
        x = plane.x(at_ms)
        yield Markup('<path d="M{x},{t} V{f}" stroke="#999" stroke-width="0.8"/>').format(
            x=x, t=_TOP, f=_FLOOR
        )
        if x - free_x >= 0:  # numbers that would cover each other are in the table
            yield Markup('<text x="{x}" y="{y}" font-size="11" fill="#333">{n}</text>').format(
                x=x + 2, y=_TOP + 10, n=number
            )
            free_x = x + 16


def _bars(plane: _Plane, drawing: Drawing) -> Iterator[Markup]:
    y = _FLOOR + 27
    for name, colour, spans in drawing.bars:
        for start, end in spans:
            x = plane.x(start)
            yield Markup('<rect x="{x}" y="{y}" width="{w}" height="9" fill="{c}"/>').format(
                x=x, y=y, w=max(1.5, round(plane.x(end) - x, 1)), c=colour
            )
        yield Markup('<text x="{x}" y="{y}" font-size="12" fill="#111">{n}</text>').format(
            x=_EDGE + 4, y=y + 9, n=name
        )
        y += 15
