"""Find short runs that jumped away at one reading and came back at one; numpy only.

A branch before the sensor or a wrong mount does so, and water hardly ever: a flood falls slower
than it rose. What is found is known when the reading that came back is there, not before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.timeline import Floats

Bools = NDArray[np.bool_]

LONGEST = 6  # readings; a longer one is believed
BEFORE = 3  # readings that tell where it came from
MARGINS = 1.5  # that it jumps, at least
OUT = 0.6  # of the jump, that the whole run stays away,
ON = 1.25  # and no reading of it goes further: water that rises on does
IN = 0.8  # of the jump, that one reading takes back
HOME = 0.25  # of the jump, by which the readings before it, and the one behind it, may differ


def returned(value: Floats, margin: Floats, alone: Bools, looks: Sequence[int]) -> Bools:
    """Return bool[n, looks]: which readings stood in such a run, as known at each look.

    ``margin``: mm, what each reading may differ without a doubt; ``alone``: no neighbour made
    the same move; ``looks``: how many readings have come since, at each look.
    """
    out = np.zeros((len(value), len(looks)), bool)
    step = np.diff(value, prepend=value[0])
    ages = np.array(looks)
    for first in np.flatnonzero(alone & (np.abs(step) > MARGINS * margin)):
        behind = _behind(value, int(first))
        for place in range(int(first), behind):
            out[place] |= place + ages >= behind
    return out


def _behind(value: Floats, first: int) -> int:
    """Return the reading at which a run that began with a jump had come back; else ``first``."""
    before = value[max(0, first - BEFORE) : first]
    if len(before) < BEFORE:
        return first
    jump = value[first] - value[first - 1]
    off = (value[first : first + LONGEST + 1] - before[-1]) / jump  # 1 where it jumped to
    inside = np.flatnonzero(off < OUT)
    if not len(inside) or np.ptp(before) > HOME * abs(jump):
        return first
    length = int(inside[0])
    came_back = off[length - 1] - off[length] >= IN and abs(off[length]) <= HOME
    return first + length if came_back and off[:length].max() <= ON else first
