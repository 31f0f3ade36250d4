"""Give figures the bounds of their 95 % interval as figures too: ``_low95`` and ``_high95``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

BOUNDS = ("_low95", "_high95")
Figure = dict[str, Any]


def names(figures: Iterable[str]) -> Iterator[str]:
    """Yield each name, then those of its bounds."""
    for name in figures:
        yield from (name, *(name + bound for bound in BOUNDS))


def with_bounds(figure: Figure, low: float | None, high: float | None) -> Iterator[Figure]:
    """Yield a figure, then its bounds; too few units to draw again leave these unknown: none."""
    yield figure
    for bound, value in zip(BOUNDS, (low, high), strict=True):
        if value is not None and math.isfinite(value):
            yield {"name": figure["name"] + bound, "value": value, "unit": figure["unit"]}
