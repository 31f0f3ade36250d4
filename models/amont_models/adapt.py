"""Adapt the river model to a station from its own past, and refuse what would make it worse.

What is learnt from the older part is judged on the station's last weeks, which it never saw,
beside what it would replace and by the scorer of ``amont-models score``. The line, the widths, the
margins and the shift are judged one after the other: each is kept or refused by itself. What is
kept is learnt again from the whole past.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from amont_gateway.scoring.river_adapted import PARTS, Adapted, shown
from amont_gateway.scoring.river_decision import Rule
from amont_gateway.scoring.river_features import MEDIAN, QUANTILES
from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS, Series, last_at
from amont_models.adapt_fit import (
    AHEAD_MS,
    FALSE_COST,
    Past,
    days,
    event_hours,
    fit,
    levels,
    pinball,
    plain,
)
from amont_models.river_truth import Flags, Floats, Warned, warned

LEAST_DAYS = 45.0  # of past: fewer hold no floods to learn from and no weeks to judge on
HELD_SHARE, HELD_MOST_DAYS, HELD_LEAST_DAYS = 0.25, 365.0, 14.0
MIN_RISING = 24  # steps on rising limbs in the held-back weeks: fewer judge nothing
RISING = 0.01  # of the spread within an hour, as in the tables
NOMINAL = QUANTILES[-1] - QUANTILES[0]
HOLD_MS = 90 * 60_000
Figures = dict[str, float | None]


@dataclass(frozen=True)
class Outcome:
    """What came of it: ``adapted`` if any part is kept, else ``reason``; what decided.

    ``figures`` holds what the network gave as it came ("first"), what it gives with what is kept
    ("adapted") and, where there is any, what was refused ("left").
    """

    adapted: Adapted | None
    reason: str  # "" | "short" | "still" | "worse"
    figures: dict[str, Any]

    def about(self) -> dict[str, Any]:
        """Return what tables say of it: the parts kept, why it was refused, or "", the figures."""
        parts = [] if self.adapted is None else list(self.adapted.parts)
        return {"refused": self.reason, "parts": parts, **self.figures}


def adapt(past: Past, rule: Rule) -> Outcome:
    """Learn from a station's past what serves it better on its own last weeks."""
    span = days(past)
    if span < LEAST_DAYS:
        return Outcome(None, "short", {"days": round(span, 1), "least": LEAST_DAYS})
    held_days = min(max(HELD_SHARE * span, HELD_LEAST_DAYS), HELD_MOST_DAYS)
    since_ms = int(past.t_ms[-1]) - round(held_days * DAY_MS)
    older, held = cut(past, since_ms), past.part(past.t_ms >= since_ms)
    limb = rising(held) & np.isfinite(held.true_mm[:, past.horizons]).all(axis=1)
    figures: dict[str, Any] = {"days": round(span, 1), "held_back_days": round(held_days, 1)}
    if fit(older, rule, ()) is None or limb.sum() < MIN_RISING:
        return Outcome(None, "still", figures)
    kept: list[str] = []
    now = first = figures_of(held, rule, plain(older, rule), limb, since_ms)
    refused: dict[str, Figures] = {}
    for part in PARTS:
        tried = fit(older, rule, (*kept, part))
        if tried is None or not has_learnt(tried, part, rule):
            continue
        then = figures_of(held, rule, tried, limb, since_ms)
        if is_worse(part, now, then):
            refused[part] = then
        else:
            kept, now = [*kept, part], then
    figures |= {"first": first, "adapted": now, "left": refused}
    if not kept:
        return Outcome(None, "worse" if refused else "still", figures)
    return Outcome(fit(past, rule, kept), "", figures)


def has_learnt(adapted: Adapted, part: str, rule: Rule) -> bool:
    """Say whether a part of an adaptation differs from having none."""
    differs = {
        "line": bool(adapted.slopes.any()),
        "widths": not np.array_equal(adapted.widths, rule.width_table()),
        "margins": any(adapted.margins),
        "shift": adapted.shift != 0.0,
    }
    return differs[part]


def cut(past: Past, until_ms: int) -> Past:
    """Return what was known of a past at ``until_ms``: no step tells of anything later."""
    part = past.part(past.t_ms < until_ms - AHEAD_MS)
    return replace(part, water=past.water.until(until_ms))


def rising(past: Past) -> Flags:
    """Return the steps seen as rising, as the tables do."""
    before = last_at(Series(past.t_ms, past.stage_mm), past.t_ms - HOUR_MS, HOLD_MS)
    return np.asarray(past.stage_mm - before > RISING * past.spread_mm)


def figures_of(held: Past, rule: Rule, adapted: Adapted, limb: Flags, since_ms: int) -> Figures:
    """Return what a model does on the held-back weeks with what was learnt."""
    bands, warn = levels(held, rule, adapted)
    counts: Warned = warned(held.water, since_ms, held.t_ms, warn)
    seen = shown(bands, held.stage_mm, held.mark_mm, adapted)
    return {
        "loss": pinball(held, bands, limb),
        "pi": persistence_index(held, bands, limb),
        "inside": inside(held, seen),
        "events": counts.events,
        "warned": counts.warned,
        "false": counts.false,
    }


def inside(past: Past, bands: Floats) -> float | None:
    """Return the share of event hours inside the band, over all horizons; None without events."""
    hours = [flags for _, flags in event_hours(past.t_ms, past.water)]
    if not hours:
        return None
    keep = np.any(hours, axis=0)
    true, band = past.true_mm[keep][:, past.horizons], bands[keep][:, past.horizons]
    known = np.isfinite(true)
    held = (true >= band[:, :, 0]) & (true <= band[:, :, -1])
    return float(held[known].mean()) if known.any() else None


def persistence_index(past: Past, bands: Floats, keep: Flags) -> float:
    """Return 1 - squared error / squared error of "it stays", over all horizons."""
    true = past.true_mm[keep][:, past.horizons]
    error = true - bands[keep][:, past.horizons, MEDIAN]
    floor = float((true**2).sum())
    return 1.0 - float((error**2).sum()) / floor if floor > 0.0 else float("nan")


def is_worse(part: str, now: Figures, then: Figures) -> bool:
    """Say whether a part does worse than what is there, in what it is for.

    The line: the band's loss, the median, or the warnings, were it one event fewer. Widths and
    margins: how near the band is to holding its share of event hours. The shift: the warnings.
    """
    hits, false = (_count(then, name) - _count(now, name) for name in ("warned", "false"))
    if part == "shift":
        return hits - FALSE_COST * false < 0.0
    if part == "line":
        loss, pi = (_count(then, name) - _count(now, name) for name in ("loss", "pi"))
        return not (loss <= 0.0 and pi >= 0.0 and hits >= 0.0 and hits - false >= 0.0)
    before, after = now["inside"], then["inside"]
    if before is None or after is None:
        return False  # no event to judge by: they rest on those before
    return abs(after - NOMINAL) > abs(before - NOMINAL)


def _count(figures: Figures, name: str) -> float:
    value = figures[name]
    return float("nan") if value is None else value
