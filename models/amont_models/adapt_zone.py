"""Adapt the leak test to a zone from its own past, and refuse what would make it worse.

Thresholds are tried on the zone's own past (``adapt_trials``). What the older part chooses is
judged on the zone's last weeks, which it never saw, beside the test as it came. Only what is no
worse there is kept, and then chosen again from the whole past, if that leaves no more false alarms
to be expected than the budget, or than there were. Numpy alone, some minutes on a Pi.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amont_gateway.scoring.timeline import DAY_MS
from amont_gateway.scoring.zone_adapted import AS_IT_CAME, ZoneAdapted
from amont_gateway.scoring.zone_test import LeakRule, Predict
from amont_models.adapt_trials import BUDGET, Figures, Trials, ZonePast

LEAST_DAYS = 270.0  # the live windows hold 150 to 180: not much more teaches nothing new
HELD_SHARE, HELD_MOST_DAYS = 0.25, 365.0
LEAST_LEAKS = 3  # of 15 % of the night flow, opened in the held-back weeks: fewer judge nothing
FOUND_LESS = 0.2  # of the larger leaks: a share that no fewer false alarms make up for


@dataclass(frozen=True)
class ZoneOutcome:
    """What came of it: ``adapted`` if it is kept, else ``reason``; the figures that decided."""

    adapted: ZoneAdapted | None
    reason: str  # "" | "short" | "few" | "worse" | "loose"
    figures: dict[str, Any]

    def about(self) -> dict[str, Any]:
        """Return what tables say of it: why it was refused, or "", and the figures."""
        return {"refused": self.reason, **self.figures}


def adapt_zone(past: ZonePast, rule: LeakRule, predict: Predict) -> ZoneOutcome:
    """Learn from a zone's past what serves it better on its own last weeks."""
    span = past.days
    if span < LEAST_DAYS:
        return ZoneOutcome(None, "short", {"days": round(span, 1), "least": LEAST_DAYS})
    held_days = min(HELD_SHARE * span, HELD_MOST_DAYS)
    first_ms, end_ms = int(past.inflow.t_ms[0]), int(past.inflow.t_ms[-1])
    since_ms = end_ms - round(held_days * DAY_MS)
    trials = Trials(past, rule, predict)
    tried = trials.best(first_ms, since_ms)
    first, then = (trials.figures(one, since_ms, end_ms) for one in (AS_IT_CAME, tried))
    figures: dict[str, Any] = {
        "days": round(span, 1), "held_back_days": round(held_days, 1),
        "first": first.to_json(), "adapted": then.to_json(),
    }  # fmt: skip
    if first.large < LEAST_LEAKS:
        return ZoneOutcome(None, "few", figures)
    if is_worse(first, then):
        return ZoneOutcome(None, "worse", figures)
    own = trials.best(first_ms, end_ms)
    before, after = (trials.figures(one, first_ms, end_ms) for one in (AS_IT_CAME, own))
    figures["whole"] = {"first": before.to_json(), "adapted": after.to_json()}
    if after.expected > max(BUDGET, before.expected):
        return ZoneOutcome(None, "loose", figures)
    return ZoneOutcome(own, "", figures)


def is_worse(first: Figures, then: Figures) -> bool:
    """Say whether what was learnt does worse: what it spares, less what is false.

    Fewer false alarms make up for a few leaks that are not found, never for many. A budget of one
    a year allows one in a few weeks, too: these count as a year.
    """
    fewer = first.large_found - then.large_found > FOUND_LESS * first.large
    before, after = (one.worth(one.false / max(one.years, 1.0 / BUDGET)) for one in (first, then))
    return bool(fewer or not after >= before)
