"""What one station gives to the tables: counts and sums that add up over stations."""

from __future__ import annotations

from dataclasses import dataclass, field

from amont_gateway.scoring.timeline import HOUR_MS
from amont_models.river_truth import Warned

SEED = 20260103  # of faults, random warnings and the bootstrap
JUDGED_H = (0.5, 1, 2, 3, 6)  # +2 h lies between the network's own horizons
# Quantiles of the network at which a warning could be given instead: normal between its own ones.
CURVE = {"q25": -0.6745, "q50": 0.0, "q60": 0.2533, "q70": 0.5244, "q80": 0.8416, "q90": 1.2816}
# Forecasts that are judged as such, and the rule that each one stands behind.
FORECASTS = {
    "model": "warning",
    "first day": "first day",
    "linear": "linear",
    "ridge": "ridge",
    "trees": "LightGBM",
}


@dataclass
class Skill:
    """Sums over the rising limb, in spreads of the station: squared error and pinball loss."""

    squared: float = 0.0
    squared_still: float = 0.0
    pinball: float = 0.0
    pinball_still: float = 0.0
    steps: int = 0

    def add(self, other: Skill) -> None:
        """Add the sums of another station."""
        self.squared += other.squared
        self.squared_still += other.squared_still
        self.pinball += other.pinball
        self.pinball_still += other.pinball_still
        self.steps += other.steps


@dataclass(frozen=True)
class Event:
    """A crossing of the mark, and the first warning of it, Unix ms; None where none came."""

    crossing_ms: int
    warned_ms: int | None

    def to_json(self) -> dict[str, int | float | bool | None]:
        """Return the event as the tables hold it."""
        lead_ms = None if self.warned_ms is None else self.crossing_ms - self.warned_ms
        return {
            "crossing_ms": self.crossing_ms,
            "warned": self.warned_ms is not None,
            "warned_ms": self.warned_ms,
            "lead_h": None if lead_ms is None else round(lead_ms / HOUR_MS, 3),
        }


@dataclass
class Tally:
    """What one station gave in one table."""

    warned: dict[str, Warned] = field(default_factory=dict)
    skill: dict[tuple[str, float], Skill] = field(default_factory=dict)
    # Per horizon, for each event: steps inside the band, steps.
    inside: dict[float, list[tuple[int, int]]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)  # and what the warning made of each
