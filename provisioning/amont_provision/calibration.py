"""Find how a probe's raw value becomes the channel's unit, and refuse what cannot be true.

Three ways: ``offset`` (a level below a fixed sensor, or a value that is merely shifted), ``line``
(least squares through two points or more) and ``factor`` (pulses: through the origin). The fit is
exact arithmetic; what is judged is the integer transform that the node will compute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median_low

from amont_provision.texts import Refused

OFFSET, LINE, FACTOR = "offset", "line", "factor"
METHODS = (OFFSET, LINE, FACTOR)

PARTS_MAX = 1_000_000  # of multiply and divide: raw * multiply stays below 2^45 on the node
DIVIDE_FIT_MAX = 10_000  # a slope's error is then below 1e-8, far under any probe's
ADD_MAX = 1 << 24  # as the marks of the node's configuration
RAW_MAX = 1 << 24
GOOD_READINGS_MIN = 5  # fewer have no median worth the name
POINTS_MAX = 32

# Raw unit: how far single readings of one point may lie apart. Ripples on a river are a few
# centimetres; a loop's noise is far under 0.5 % of 16 mA; stirred water stays in 0.3 °C.
SPREAD_MAX = {"range_mm": 60, "current_ua": 80, "temp_cc": 30, "mv": 30, "pulses": RAW_MAX}
SPREAD_OTHER = 60
SPREAD_FORCED = 5  # times as much: 30 cm of waves; the median still is within a few centimetres

# Quantity: (least error that is refused, per mille of the points' span). Staff gauges are read to
# the centimetre; a meter is sold for 2 %.
RESIDUAL_MAX = {
    "stage_mm": (25, 10),
    "level_mm": (25, 10),
    "range_mm": (25, 10),
    "pressure_pa10": (200, 10),
    "water_temp_cc": (50, 10),
    "air_temp_cc": (50, 10),
    "battery_mv": (50, 20),
}
RESIDUAL_OTHER = (1, 20)

LOOP_LOW_UA, LOOP_HIGH_UA = 3_800, 20_500  # NAMUR NE 43: outside these a loop tells a failure
JUMP_STAGE_MM = 1_000  # "metres off": a moved bracket is centimetres
JUMP_PERMILLE = 250  # of the channel's range, for what is no stage


@dataclass(frozen=True)
class Transform:
    """What the node computes: value = raw * multiply / divide + add, rounded to nearest."""

    multiply: int = 1
    divide: int = 1
    add: int = 0

    def value(self, raw: int) -> int:
        """Return the channel's value for a raw one, as the node does."""
        return (2 * raw * self.multiply + self.divide) // (2 * self.divide) + self.add

    def formula(self, raw: str) -> str:
        """Return it as people write it; ``raw`` is the word for the raw value."""
        scaled = raw if abs(self.multiply) == 1 else f"{abs(self.multiply)} × {raw}"
        scaled = scaled if self.divide == 1 else f"{scaled} / {self.divide}"
        if self.multiply < 0:
            return f"{self.add} − {scaled}"
        return scaled + (f" {'+' if self.add > 0 else '−'} {abs(self.add)}" if self.add else "")

    def json(self) -> dict[str, int]:
        """Return it as the node's configuration holds it."""
        return {"multiply": self.multiply, "divide": self.divide, "add": self.add}


@dataclass(frozen=True)
class Point:
    """What a person read as true, and what the probe gave meanwhile: its median and spread."""

    true: int
    raw: int
    spread: int = 0
    readings: tuple[int, ...] = ()  # none: typed in by a person

    @property
    def typed(self) -> bool:
        """Tell whether a person gave the raw value, too."""
        return not self.readings


@dataclass(frozen=True)
class Fit:
    """A transform with what is left over at each of its points, in the channel's unit."""

    method: str
    transform: Transform
    points: tuple[Point, ...]

    @property
    def residuals(self) -> tuple[int, ...]:
        """Return transform minus truth, point by point."""
        return tuple(self.transform.value(point.raw) - point.true for point in self.points)


def measured(
    true: int, readings: Sequence[tuple[int, int] | None], unit: str, forced: bool = False
) -> Point:
    """Return the point that repeated readings (raw value, quality) make; raise Refused.

    Only readings of good quality count; None is one that failed. forced: somebody has a reason
    for a wider spread, a river that is never calm.
    """
    good = [reading[0] for reading in readings if reading is not None and reading[1] == 0]
    if len(good) < GOOD_READINGS_MIN or 2 * len(good) < len(readings):
        raise Refused("readings-few", good=len(good), asked=len(readings))
    spread = max(good) - min(good)
    most = SPREAD_MAX.get(unit, SPREAD_OTHER) * (SPREAD_FORCED if forced else 1)
    if spread > most:
        raise Refused("spread", spread=spread, most=most, low=min(good), high=max(good))
    return Point(true, median_low(good), spread, tuple(good))


def counted(true: int, before: tuple[int, int] | None, after: tuple[int, int] | None) -> Point:
    """Return the point of the pulses that came while a known amount flowed; raise Refused."""
    if before is None or after is None or before[1] or after[1]:
        raise Refused("readings-few", good=0, asked=2)
    pulses = after[0] - before[0]
    return Point(true, pulses, 0, (pulses,))


def fit(
    method: str, points: Sequence[Point], unit: str, quantity: str, slope: Fraction | None
) -> Fit:
    """Return the best transform through the points; raise Refused if they cannot be true.

    slope: what ``offset`` keeps; the other two find their own.
    """
    _check_points(points, unit)
    if method == OFFSET:
        transform = _shifted(points, Fraction(1) if slope is None else slope)
    elif method == LINE:
        transform = _line(points, unit)
    else:
        transform = _through_origin(points)
    found = Fit(method, transform, tuple(points))
    _check_residuals(found, quantity)
    return found


def check_range(truths: Sequence[int], low: int, high: int) -> None:
    """Refuse a truth that the site's file says this channel cannot have."""
    for true in truths:
        if not low <= true <= high:
            raise Refused("truth-range", true=true, low=low, high=high)


def jump(before: Transform, after: Transform, points: Sequence[Point]) -> int:
    """Return by how much the new transform moves the value, where that is most."""
    return max((after.value(p.raw) - before.value(p.raw) for p in points), key=abs)


def jump_max(quantity: str, low: int, high: int) -> int:
    """Return from which move on a person has to give a reason."""
    if quantity == "stage_mm":
        return JUMP_STAGE_MM
    return max(1, (high - low) * JUMP_PERMILLE // 1_000)


def _check_points(points: Sequence[Point], unit: str) -> None:
    if not 1 <= len(points) <= POINTS_MAX:
        raise Refused("points-count", least=1, most=POINTS_MAX, given=len(points))
    for point in points:
        if abs(point.raw) > RAW_MAX or abs(point.true) > ADD_MAX:
            raise Refused("point-size", true=point.true, raw=point.raw)
        if unit == "current_ua" and not LOOP_LOW_UA <= point.raw <= LOOP_HIGH_UA:
            raise Refused("loop", raw_ma=f"{point.raw / 1000:.2f}")


def _shifted(points: Sequence[Point], slope: Fraction) -> Transform:
    over = sum((point.true - slope * point.raw for point in points), Fraction(0))
    return _transform(slope, over / len(points))


def _line(points: Sequence[Point], unit: str) -> Transform:
    if len(points) < 2:
        raise Refused("points-one")
    count = len(points)
    mean_raw = Fraction(sum(point.raw for point in points), count)
    mean_true = Fraction(sum(point.true for point in points), count)
    square = sum((p.raw - mean_raw) ** 2 for p in points)
    apart = max(p.raw for p in points) - min(p.raw for p in points)
    if not square or apart <= 2 * max(p.spread for p in points):
        raise Refused("points-equal", low=min(p.raw for p in points), apart=apart)
    if len({p.true for p in points}) == 1:
        raise Refused("points-same-truth", true=points[0].true)
    slope = sum((p.raw - mean_raw) * (p.true - mean_true) for p in points) / square
    if unit == "current_ua" and slope <= 0:
        raise Refused("slope-negative")
    if not slope:
        raise Refused("slope-zero")
    return _transform(slope, mean_true - slope * mean_raw)


def _through_origin(points: Sequence[Point]) -> Transform:
    if any(point.raw <= 0 or point.true <= 0 for point in points):
        raise Refused("factor-sign", raw=points[0].raw, true=points[0].true)
    square = sum(point.raw**2 for point in points)
    return _transform(Fraction(sum(p.raw * p.true for p in points), square), Fraction(0))


def _transform(slope: Fraction, shift: Fraction) -> Transform:
    near = slope.limit_denominator(DIVIDE_FIT_MAX)
    add = round(shift)
    if not near or abs(near.numerator) > PARTS_MAX or abs(add) > ADD_MAX:
        raise Refused("transform-size", slope=f"{float(slope):.3g}", add=add)
    return Transform(near.numerator, near.denominator, add)


def _check_residuals(found: Fit, quantity: str) -> None:
    floor, permille = RESIDUAL_MAX.get(quantity, RESIDUAL_OTHER)
    truths = [point.true for point in found.points]
    low = 0 if found.method == FACTOR else min(truths)
    most = max(floor, (max(truths) - low) * permille // 1_000)
    worst = max(range(len(truths)), key=lambda index: abs(found.residuals[index]))
    if abs(found.residuals[worst]) > most:
        raise Refused(
            "residual", point=worst + 1, true=truths[worst], off=found.residuals[worst], most=most
        )
