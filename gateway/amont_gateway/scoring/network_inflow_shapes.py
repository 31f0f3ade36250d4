"""List the shapes that a leak may have: new ones, those near a known one, and quite others."""

from __future__ import annotations

from amont_gateway.scoring.network_inflow_fit import Shape, ended
from amont_gateway.scoring.network_slopes import DAY_H

RAMP_DAYS = (4, 6, 8, 11, 15, 20, 26, 34, 44, 56, 70, 85)
MOVES = (-360, -180, -90, -48, -24, -12, -6, -3, -1, 1, 3, 6, 12, 24, 48, 90, 180, 360)


def births(now: int, first: int) -> list[Shape]:
    """Return the shapes of leaks that may have begun lately; ``now`` and ``first`` are hours."""
    ages = [*range(1, 48, 2), *range(48, 97, 6), *range(108, 241, 12), *range(264, 481, 24)]
    steps = [Shape(now + 1 - age, now + 1 - age) for age in ages]
    ramps = [Shape(now - DAY_H * days, None) for days in RAMP_DAYS]
    return [s for s in [*steps, *ramps] if s.start > first + 2 * DAY_H]


def neighbours(shape: Shape, now: int, first: int) -> list[Shape]:
    """Return a leak's shape, then others that may explain it better."""
    start, peak, end = shape.start, shape.peak, shape.end
    ends = [now - age for age in (*range(5, 72, 3), *range(72, 241, 12))]
    out = [ended(shape, one) for one in ends]
    if end is not None:
        lasting = Shape(start, None if peak == end else peak)
        out += [lasting, Shape(start, peak)]
        out += [ended(shape, end + by) for by in MOVES if abs(by) <= 48]
    if shape.is_step:
        out += [Shape(start + by, start + by, end) for by in MOVES if abs(by) <= 90]
        for back in (480, 240, 120, 48, 0):
            out += [Shape(start - back, start + on, end) for on in (48, 144, 360)]
            out.append(ended(Shape(start - back, None), end))
    else:
        top = peak or now
        out += [Shape(start + by, peak, end) for by in MOVES]
        out += [Shape(start, top + by, end) for by in MOVES]
        out += [
            Shape(start + by, top + on, end)
            for by in (-180, -48, 48, 180)
            for on in (-180, -48, 48, 180)
        ]
        out.append(ended(Shape(start, None), end))
        step = max(6, (top - start) // 24)
        out += [Shape(at, at, end) for at in range(start + step, top + 48, step)]
    return [shape, *(s for s in dict.fromkeys(out) if s != shape and is_fit(s, now, first))]


def anywhere(shape: Shape, told: int, now: int, first: int) -> list[Shape]:
    """Return quite other shapes that a leak may have that was told at an hour."""
    ends = [shape.end, None, *(now - back for back in (6, 24, 72))]
    steps = [told - back for back in (*range(9, 49, 3), *range(60, 253, 24))]
    out = [Shape(at, at, end) for at in steps for end in ends]
    for days in RAMP_DAYS:
        at = told - days * DAY_H
        for end in ends:
            until = now if end is None else min(end, now)
            out.append(ended(Shape(at, None), end))
            out += [Shape(at, at + int(f * (until - at)), end) for f in (0.35, 0.6, 0.8)]
    return [s for s in dict.fromkeys(out) if s != shape and is_fit(s, now, first)]


def later(shape: Shape, after: int, now: int) -> list[Shape]:
    """Return a shape that lasts, then the same repaired some time after an hour."""
    ends = [*range(now - 5, now - 72, -3), *range(now - 72, now - 481, -12)]
    return [shape, *(ended(shape, one) for one in ends if one > after)]


def is_fit(shape: Shape, now: int, first: int) -> bool:
    """Tell whether a shape can be: long enough, and not older than memory."""
    end = now + 1 if shape.end is None else shape.end
    peak = end if shape.peak is None else shape.peak
    grows = shape.is_step or shape.start + DAY_H <= peak <= end
    return grows and first + 2 * DAY_H < shape.start < min(end, now) - 6 and end <= now + 1
