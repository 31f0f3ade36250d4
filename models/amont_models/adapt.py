"""Adapt the river model to a station from its own past, and refuse what would make it worse.

What is learnt from the older part is judged on the station's last weeks, which it never saw,
beside the network as it came and by the scorer of ``amont-models score``. Only what is no worse
there is kept, and then learnt again from the whole past.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from amont_gateway.scoring.river_adapted import Adapted
from amont_gateway.scoring.river_decision import Rule
from amont_gateway.scoring.river_features import MEDIAN
from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS, Series, last_at
from amont_models.adapt_fit import AHEAD_MS, Past, days, fit, levels, pinball
from amont_models.river_truth import Flags, Floats, Warned, warned

LEAST_DAYS = 45.0  # of past: fewer hold no floods to learn from and no weeks to judge on
HELD_SHARE, HELD_MOST_DAYS, HELD_LEAST_DAYS = 0.25, 365.0, 14.0
MIN_RISING = 24  # steps on rising limbs in the held-back weeks: fewer judge nothing
RISING = 0.01  # of the spread within an hour, as in the tables
PI_LESS = 0.1
EVENTS_SHARE = 0.5  # of the held-back events: so many warnings worse, at least one, are chance
HOLD_MS = 90 * 60_000


@dataclass(frozen=True)
class Outcome:
    """What came of it: ``adapted`` if it is kept, else ``reason``; the figures that decided."""

    adapted: Adapted | None
    reason: str  # "" | "short" | "still" | "worse"
    figures: dict[str, Any]

    def about(self) -> dict[str, Any]:
        """Return what tables say of it: why it was refused, or "", and the figures."""
        return {"refused": self.reason, **self.figures}


def adapt(past: Past, rule: Rule) -> Outcome:
    """Learn from a station's past what serves it better on its own last weeks."""
    span = days(past)
    if span < LEAST_DAYS:
        return Outcome(None, "short", {"days": round(span, 1), "least": LEAST_DAYS})
    held_days = min(max(HELD_SHARE * span, HELD_LEAST_DAYS), HELD_MOST_DAYS)
    since_ms = int(past.t_ms[-1]) - round(held_days * DAY_MS)
    older, held = cut(past, since_ms), past.part(past.t_ms >= since_ms)
    tried = fit(older, rule)
    limb = rising(held) & np.isfinite(held.true_mm[:, past.horizons]).all(axis=1)
    figures: dict[str, Any] = {"days": round(span, 1), "held_back_days": round(held_days, 1)}
    if tried is None or limb.sum() < MIN_RISING:
        return Outcome(None, "still", figures)
    first, then = (figures_of(held, rule, one, limb, since_ms) for one in (None, tried))
    figures |= {"first": first, "adapted": then}
    if is_worse(first, then):
        return Outcome(None, "worse", figures)
    return Outcome(fit(past, rule), "", figures)


def cut(past: Past, until_ms: int) -> Past:
    """Return what was known of a past at ``until_ms``: no step tells of anything later."""
    part = past.part(past.t_ms < until_ms - AHEAD_MS)
    return replace(part, water=past.water.until(until_ms))


def rising(past: Past) -> Flags:
    """Return the steps seen as rising, as the tables do."""
    before = last_at(Series(past.t_ms, past.stage_mm), past.t_ms - HOUR_MS, HOLD_MS)
    return np.asarray(past.stage_mm - before > RISING * past.spread_mm)


def figures_of(
    held: Past, rule: Rule, adapted: Adapted | None, limb: Flags, since_ms: int
) -> dict[str, float]:
    """Return what a model does on the held-back weeks, with or without what was learnt."""
    bands, warn = levels(held, rule, adapted)
    counts: Warned = warned(held.water, since_ms, held.t_ms, warn)
    return {
        "loss": pinball(held, bands, limb),
        "pi": persistence_index(held, bands, limb),
        "events": counts.events,
        "warned": counts.warned,
        "false": counts.false,
    }


def persistence_index(past: Past, bands: Floats, keep: Flags) -> float:
    """Return 1 - squared error / squared error of "it stays", over all horizons."""
    true = past.true_mm[keep][:, past.horizons]
    error = true - bands[keep][:, past.horizons, MEDIAN]
    floor = float((true**2).sum())
    return 1.0 - float((error**2).sum()) / floor if floor > 0.0 else float("nan")


def is_worse(first: dict[str, float], then: dict[str, float]) -> bool:
    """Say whether what was learnt does worse: its band, its median, or its warnings by far.

    The band's loss decides. Squares rest on the highest crest, warnings on a few events, so
    these only refuse what is clearly worse.
    """
    gained = (then["warned"] - first["warned"]) - (then["false"] - first["false"])
    bearable = max(1.0, EVENTS_SHARE * first["events"])
    kept = then["loss"] <= first["loss"] and then["pi"] >= first["pi"] - PI_LESS
    return bool(not (kept and gained >= -bearable))
