"""What a station's own past has taught: read its part of ``adapted.json``, and correct bands.

A correction is a straight line from the station's own features, at most half as large again as its
past asked for; it makes no NaN, keeps the order of quantiles and horizons, and never takes a
quantile that says "no lower than now" below now. A margin for floods that come out of nothing
stands on top of what people see, ends below the mark, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from amont_gateway.scoring.adapted_file import FILE, read_whole
from amont_gateway.scoring.model_files import ModelError
from amont_gateway.scoring.river_decision import Rule, widened
from amont_gateway.scoring.river_features import (
    HORIZONS_H,
    MEDIAN,
    QUANTILES,
    RISE_GAIN,
    RISE_MAX,
    RIVER_FEATURES,
    STAGE,
    STAGES,
    known_parts,
)
from amont_gateway.scoring.timeline import Floats

PARTS = ("line", "widths", "margins", "shift")  # each learnt, judged and kept by itself
CEILING = 0.95  # of the way from the median to the mark: no margin goes further
# Rows, plain stage differences, the network's medians, the level and its square, and one.
DESIGN = RIVER_FEATURES + STAGES + len(HORIZONS_H) + 3
PLAIN_MOST = 5.0  # spreads
_SHAPE = (len(HORIZONS_H), len(QUANTILES))


@dataclass(frozen=True)
class Adapted:
    """What one station's past has taught; lengths in mm, corrections in spreads.

    ``slopes`` (DESIGN, horizons), ``most`` (horizons,) the largest correction, ``widths``
    (horizons, quantiles) in place of the rule's. ``needs`` names the inputs without which no
    correction holds. ``carry`` is how much of a median's correction the other quantiles follow.
    ``shift`` moves the rule's quantiles, in normal deviates. ``margins`` (horizons,) are added to
    the band's upper end for people, in spreads. ``parts`` names what of all this is its own.
    """

    spread_mm: float
    median_mm: float
    slopes: Floats
    most: Floats
    widths: Floats
    needs: tuple[str, ...] = ()
    carry: float = 1.0
    shift: float = 0.0
    margins: tuple[float, ...] = (0.0,) * len(HORIZONS_H)
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Hold what the rest relies on; ModelError says what is wrong."""
        shapes = (self.slopes.shape, self.most.shape, self.widths.shape)
        if shapes != ((DESIGN, len(HORIZONS_H)), (len(HORIZONS_H),), _SHAPE):
            raise ModelError(f"{FILE}: tables of shapes {shapes}")
        numbers = [self.spread_mm, self.median_mm, self.carry, self.shift, *self.margins]
        if not all(np.isfinite(part).all() for part in (*shapes_of(self), numbers)):
            raise ModelError(f"{FILE}: a number is not finite")
        if not (self.spread_mm > 0.0 and (self.most >= 0.0).all() and (self.widths >= 0.0).all()):
            raise ModelError(f"{FILE}: a size below zero")
        if not (abs(self.shift) <= 3.0 and 0.0 <= self.carry <= 1.0):
            raise ModelError(f"{FILE}: a shift of {self.shift}, a carry of {self.carry}")
        if len(self.margins) != len(HORIZONS_H) or not all(0.0 <= m <= 1.0 for m in self.margins):
            raise ModelError(f"{FILE}: margins of {self.margins}")
        if not set(self.parts) <= set(PARTS):
            raise ModelError(f"{FILE}: parts {self.parts}")

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON holds them."""
        return {
            "spread_mm": self.spread_mm,
            "median_mm": self.median_mm,
            "slopes": [[float(f"{one:.6g}") for one in row] for row in self.slopes.tolist()],
            "most": self.most.tolist(),
            "widths": self.widths.tolist(),
            "needs": list(self.needs),
            "carry": self.carry,
            "shift": self.shift,
            "margins": list(self.margins),
            "parts": list(self.parts),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Adapted:
        """Read the numbers; ModelError on anything that is not what it should be."""
        try:
            return cls(
                float(said["spread_mm"]),
                float(said["median_mm"]),
                np.asarray(said["slopes"], dtype=np.float64),
                np.asarray(said["most"], dtype=np.float64),
                np.asarray(said["widths"], dtype=np.float64),
                tuple(str(name) for name in said["needs"]),
                float(said["carry"]),
                float(said["shift"]),
                tuple(float(one) for one in said.get("margins", (0.0,) * len(HORIZONS_H))),
                tuple(str(name) for name in said.get("parts", ("line", "widths", "shift"))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{FILE}: {type(error).__name__}: {error}"[:200]) from error

    def correction(self, rows: Floats, rises_mm: Floats, stage_mm: Floats) -> Floats:
        """Return what the medians (n, horizons) are off by, in mm; 0 where nothing holds."""
        table = design(rows, rises_mm, stage_mm, self.median_mm, self.spread_mm)
        with np.errstate(all="ignore"):
            off = np.clip(table @ self.slopes, -self.most, self.most)
        parts = known_parts(rows)
        holds = np.asarray(np.isfinite(off).all(axis=1))
        for name in self.needs:
            holds &= parts[name]
        return np.where(holds[:, None], off, 0.0) * self.spread_mm


def shapes_of(adapted: Adapted) -> tuple[Floats, Floats, Floats]:
    """Return the tables of numbers of an adaptation."""
    return adapted.slopes, adapted.most, adapted.widths


def design(
    rows: Floats, rises_mm: Floats, stage_mm: Floats, median_mm: float, spread_mm: float
) -> Floats:
    """Return what a correction is a line of, (n, DESIGN): all that the network saw and said."""
    plain = np.clip(np.sinh(rows[:, STAGE]) / RISE_GAIN, -PLAIN_MOST, PLAIN_MOST)
    said = np.clip(rises_mm[:, :, MEDIAN] / spread_mm, -PLAIN_MOST, PLAIN_MOST)
    level = np.clip((stage_mm[:, None] - median_mm) / spread_mm, -PLAIN_MOST, PLAIN_MOST)
    return np.concatenate((rows, plain, said, level, level**2, np.ones((len(rows), 1))), axis=1)


def calibrated(
    rows: Floats, rises_mm: Floats, stage_mm: Floats, rule: Rule, adapted: Adapted | None = None
) -> Floats:
    """Return the bands that decide and that people see, from the network's (n, h, q) in mm."""
    if adapted is None:
        return _in_order(widened(rises_mm, rule.width_table()))
    off = adapted.correction(rows, rises_mm, stage_mm)
    moved = widened(shifted_bands(rises_mm, off, adapted.carry), adapted.widths)
    # What says "no lower than now" goes on saying so: the correction is a line, the river is not.
    upper = moved[:, :, MEDIAN:]
    moved[:, :, MEDIAN:] = np.maximum(upper, np.minimum(rises_mm[:, :, MEDIAN:], 0.0))
    most = RISE_MAX * adapted.spread_mm
    return _in_order(np.clip(moved, -most, np.maximum(most, rises_mm)))


def shown(
    rises_mm: Floats, stage_mm: Floats, mark_mm: float, adapted: Adapted | None = None
) -> Floats:
    """Return the bands that people see of those that decide, with a station's own margins.

    A margin stops short of ``mark_mm``: it makes no band reach the mark.
    """
    if adapted is None or not any(adapted.margins):
        return rises_mm
    top = adapted.median_mm + CEILING * (mark_mm - adapted.median_mm) - stage_mm
    upper = rises_mm[:, :, -1]
    higher = upper + np.array(adapted.margins) * adapted.spread_mm
    out = rises_mm.copy()
    out[:, :, -1] = np.maximum(upper, np.minimum(higher, top[:, None]))
    return _in_order(out)


def shifted_bands(rises_mm: Floats, off_mm: Floats, carry: float) -> Floats:
    """Return bands whose medians moved by ``off_mm`` (n, horizons), the others by a share.

    A median that passes another quantile takes it along.
    """
    share = np.full(len(QUANTILES), carry)
    share[MEDIAN] = 1.0
    moved = rises_mm + share * off_mm[:, :, None]
    upper, lower = moved[:, :, MEDIAN:], moved[:, :, MEDIAN::-1]
    moved[:, :, MEDIAN:] = np.maximum.accumulate(upper, axis=2)
    moved[:, :, MEDIAN::-1] = np.minimum.accumulate(lower, axis=2)
    return np.asarray(moved)


def _in_order(rises_mm: Floats) -> Floats:
    """Return bands whose quantiles rise, and none of which falls with the horizon.

    As in ``river_bands``, the half hour gives way to the hour.
    """
    ordered = np.sort(rises_mm, axis=2)
    ordered[:, 1:] = np.maximum.accumulate(ordered[:, 1:], axis=1)
    ordered[:, 0] = np.minimum(ordered[:, 0], ordered[:, 1])
    return np.asarray(ordered)


def read(path: Path, sha256: str) -> dict[str, Adapted]:
    """Return each adapted station of a file; none if there is no file.

    ModelError if it is damaged or was made for another model.
    """
    said = read_whole(path)
    if said is None or said.get("stations") == {}:
        return {}  # zones alone may be adapted
    if said.get("model_sha256") != sha256:
        raise ModelError(f"{FILE}: made for another model; run amont-models adapt again")
    try:
        return {str(name): Adapted.from_json(one) for name, one in said["stations"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{FILE}: {type(error).__name__}: {error}"[:200]) from error
