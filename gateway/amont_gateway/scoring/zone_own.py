"""Take a zone's own thresholds from its own daily maxima, drawn to the signed ones.

A conformal threshold for one false alarm a year asks for years of days. So the zone's own past
says where the highest tenth of its daily maxima begins, and the signed settings how far above that
one day in a year lies. With few days the signed threshold counts for more. Two bounds hold
whatever the past was: no zone becomes deaf without a word, none nervous.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

REACH_DAYS = 150  # the live windows always hold as many
LAG_DAYS = 2  # yesterday may already hold the leak
LEAST_DAYS = 10
UPPER_TENTH = 0.9


def factor(
    maxima: Sequence[float], tail: float, signed_days: int, bounds: tuple[float, float]
) -> float:
    """Return by what a zone's signed threshold is multiplied.

    ``maxima`` are the days' highest scores, those of open leaks and suspicions left out, NaN
    unknown; ``tail`` times where their highest tenth begins is the factor that they ask for;
    ``signed_days`` is how many days the signed threshold (factor 1) counts as.
    """
    known = [value for value in maxima if math.isfinite(value)]
    if len(known) < LEAST_DAYS:
        return 1.0
    asked = tail * float(np.quantile(known, UPPER_TENTH))
    drawn = (len(known) * asked + signed_days) / (len(known) + signed_days)
    return min(max(drawn, bounds[0]), bounds[1])
