"""Remember what was forecast of each station lately, as decisions look back over some steps.

Nothing of it is kept over a restart: what is missing is computed again from the windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from amont_gateway.scoring.live_windows import Windows
from amont_gateway.scoring.river_decision import Steps
from amont_gateway.scoring.river_inputs import River, Seen, see
from amont_gateway.scoring.timeline import Floats, Series

MOST_STEPS = 32  # of one station that are computed again at once: two hours of readings


@dataclass(frozen=True)
class Step:
    """One step as it was decided on: rises in mm (horizons, quantiles) above the stage."""

    t_ms: int
    stage_mm: float
    rises_mm: Floats
    backed: bool


class Memory:
    """The last steps of every station, oldest first."""

    def __init__(self, span_ms: int) -> None:
        """Take how far back decisions look."""
        self._span_ms = span_ms
        self._steps: dict[str, list[Step]] = {}

    def missing(
        self, seen: Seen, rivers: Mapping[str, River], windows: Windows, rain_forecast: Series
    ) -> list[Seen]:
        """Return what the model saw at the readings before the newest that are not known yet."""
        known = [s for s in self._steps.get(seen.river.id, []) if s.t_ms < seen.issued_ms]
        after_ms = max([seen.issued_ms - self._span_ms - 1, *(step.t_ms for step in known)])
        t_ms = seen.inputs.stage.t_ms
        wanted = t_ms[(t_ms > after_ms) & (t_ms < seen.issued_ms)][-MOST_STEPS:]
        found = [see(seen.river, rivers, windows, now, rain_forecast) for now in wanted.tolist()]
        return [one for one in found if one is not None]

    def add(self, station: str, steps: Sequence[Step]) -> Steps:
        """Take new steps of a station, the newest last; return all that count up to it."""
        known = {step.t_ms: step for step in (*self._steps.get(station, []), *steps)}
        newest = steps[-1].t_ms
        kept = [known[t_ms] for t_ms in sorted(known) if 0 <= newest - t_ms <= self._span_ms]
        self._steps[station] = kept
        return Steps(
            np.array([step.t_ms for step in kept], dtype=np.int64),
            np.array([step.stage_mm for step in kept]),
            np.stack([step.rises_mm for step in kept]),
            np.array([step.backed for step in kept], dtype=bool),
        )
