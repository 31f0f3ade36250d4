"""Say how far a rate may lie from a count: the exact interval of a Poisson mean.

Garwood, F. (1936). Fiducial limits for the Poisson distribution. Biometrika 28.
"""

from __future__ import annotations

import math
from collections.abc import Callable

TAIL = 0.025  # on each side: a 95 % interval


def bounds(count: int) -> tuple[float, float]:
    """Return the exact 95 % bounds of the mean of what was counted; (0, 3.69) for none."""
    low = _mean_with(lambda mean: 1.0 - _up_to(count - 1, mean), TAIL) if count else 0.0
    return low, _mean_with(lambda mean: 1.0 - _up_to(count, mean), 1.0 - TAIL)


def _up_to(count: int, mean: float) -> float:
    return sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))


def _mean_with(rising: Callable[[float], float], wanted: float) -> float:
    low, high = 1e-9, 1e5
    while high / low > 1.000001:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return low
