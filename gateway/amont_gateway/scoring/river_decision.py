"""Decide what a forecast is worth: nothing, a watch or a warning; the live gateway and the score.

Each horizon has its own quantile: what is about to happen is known better than what may come in
6 h. Where readings come often, a warning must not rest on one that nothing else supports: an
earlier step must have had the mark in its own band, or rain or a station upstream must speak for
it; else it is a watch. An hourly gauge has no time for a second witness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.model_files import Model, ModelError
from amont_gateway.scoring.river_features import (
    HORIZONS_H,
    MEDIAN,
    QUANTILES,
    RAIN,
    RISE_GAIN,
    UPSTREAM,
)
from amont_gateway.scoring.timeline import Floats, Times

Flags = NDArray[np.bool_]
Levels = NDArray[np.int8]

LEVELS = ("none", "watch", "warning")
NONE, WATCH, WARNING = range(3)
WET_SPANS = 5  # rain sums that reach back 6 h or less
UPSTREAM_MOVES = 7  # differences upstream that reach back 6 h or less
_SHAPE = (len(HORIZONS_H), len(QUANTILES))
_NORMAL = NormalDist()
_ONES = tuple(1.0 for _ in range(len(HORIZONS_H) * len(QUANTILES)))


class RuleError(ValueError):
    """Settings that cannot be used; the message says which."""


@dataclass(frozen=True)
class Rule:
    """Settings of the decision, chosen on training parts and held in the signed manifest.

    ``watch`` and ``warning``: the quantile of each horizon that must reach the mark; 0 where a
    horizon has no say. ``support``: the quantile that an earlier step, at most ``support_min``
    minutes back, must have brought to the mark; 0 asks for none. ``hold_min``: how long a level
    stays after the last step that gave it. ``widths``: how much wider each quantile is than the
    network says, seen from its median, horizon by horizon.
    """

    watch: tuple[float, ...] = tuple(0.95 for _ in HORIZONS_H)
    warning: tuple[float, ...] = tuple(0.5 for _ in HORIZONS_H)
    support: float = 0.95
    support_min: float = 75.0
    support_rain_mm: float = 0.5
    support_upstream: float = 0.05  # of the upstream station's spread, within 6 h
    hold_min: float = 0.0
    widths: tuple[float, ...] = _ONES

    def __post_init__(self) -> None:
        """Hold what the rest relies on; RuleError says what is wrong."""
        if not len(self.watch) == len(self.warning) == len(HORIZONS_H):
            raise RuleError(f"the river's rule needs {len(HORIZONS_H)} quantiles a level")
        if len(self.widths) != len(_ONES):
            raise RuleError(f"the river's rule needs {len(_ONES)} widths")
        for quantile in (*self.watch, *self.warning, self.support):
            if not 0.0 <= quantile < 1.0:
                raise RuleError(f"the river's rule has the quantile {quantile}")
        sizes = (self.support_min, self.support_rain_mm, self.support_upstream, self.hold_min)
        for size in (*sizes, *self.widths):
            if not 0.0 <= size < 1e6:
                raise RuleError(f"the river's rule has the size {size}")

    @classmethod
    def from_manifest(cls, said: Mapping[str, float]) -> Rule:
        """Read the flat settings of a manifest; what it does not say is as without it."""
        plain = cls()
        known: dict[str, Any] = {name: float(said[name]) for name in SCALARS if name in said}
        for level in ("watch", "warning"):
            own = getattr(plain, level)
            known[level] = tuple(
                float(said.get(f"{level}_{hours:g}h", quantile))
                for hours, quantile in zip(HORIZONS_H, own, strict=True)
            )
        known["widths"] = tuple(float(said.get(name, 1.0)) for name in _width_names())
        return cls(**known)

    def to_manifest(self) -> dict[str, float]:
        """Return the settings, flat, as ``from_manifest`` reads them."""
        flat = {name: float(getattr(self, name)) for name in SCALARS}
        for level in ("watch", "warning"):
            for hours, quantile in zip(HORIZONS_H, getattr(self, level), strict=True):
                flat[f"{level}_{hours:g}h"] = quantile
        return flat | dict(zip(_width_names(), self.widths, strict=True))

    def for_step(self, is_fine: bool) -> Rule:
        """Return the rule for a station that tells, or does not tell, of its next half hour.

        One that does not comes an hour late with every second witness: it needs none.
        """
        if is_fine:
            return self
        own = {
            level: tuple(
                0.0 if hours < 1.0 else quantile
                for hours, quantile in zip(HORIZONS_H, getattr(self, level), strict=True)
            )
            for level in ("watch", "warning")
        }
        return replace(self, watch=own["watch"], warning=own["warning"], support=0.0)

    def width_table(self) -> Floats:
        """Return the widths, shape (horizons, quantiles)."""
        return np.asarray(self.widths, dtype=np.float64).reshape(_SHAPE)


def rule_of(model: Model) -> Rule:
    """Return the rule that the manifest states for a model; ModelError if it cannot be used."""
    try:
        return Rule.from_manifest(model.rule)
    except RuleError as error:
        raise ModelError(f"{model.name}: {error}") from error


SCALARS = ("support", "support_min", "support_rain_mm", "support_upstream", "hold_min")


def _width_names() -> list[str]:
    return [f"width_{hours:g}h_q{round(100 * q):02d}" for hours in HORIZONS_H for q in QUANTILES]


class Steps(NamedTuple):
    """Steps of one station, oldest first: what was forecast at each, and what else speaks for it.

    ``rises_mm`` is (n, horizons, quantiles) above ``stage_mm``.
    """

    t_ms: Times
    stage_mm: Floats
    rises_mm: Floats
    backed: Flags

    def part(self, keep: Flags | slice) -> Steps:
        """Return some of the steps."""
        return Steps(self.t_ms[keep], self.stage_mm[keep], self.rises_mm[keep], self.backed[keep])


def decide(steps: Steps, watch_mm: float, warning_mm: float, rule: Rule) -> Levels:
    """Return the level at each step, from that step and those before it."""
    warning = reaches(steps, rule.warning, warning_mm)
    given = np.where(reaches(steps, rule.watch, watch_mm), WATCH, NONE).astype(np.int8)
    given[warning] = WATCH
    if rule.support > 0.0:
        warning &= steps.backed | supported(steps, warning_mm, rule)
    given[warning] = WARNING
    return _held(steps.t_ms, given, rule.hold_min)


def reaches(steps: Steps, quantiles: tuple[float, ...], mark_mm: float) -> Flags:
    """Return the steps at which some horizon's quantile reaches the mark; NaN reaches it."""
    out = np.zeros(len(steps.t_ms), dtype=bool)
    for k, quantile in enumerate(quantiles):
        if quantile > 0.0:
            # Whole millimetres, as the forecast that people see holds them.
            height = np.round(steps.stage_mm + at_quantile(steps.rises_mm[:, k], quantile))
            out |= ~(height < mark_mm)
    return out


def at_quantile(band: Floats, quantile: float) -> Floats:
    """Return a quantile of bands (n, quantiles): normal between the network's own ones.

    Beyond the outermost of these it is the outermost.
    """
    deviates = [_NORMAL.inv_cdf(own) for own in QUANTILES]
    wanted = float(np.clip(_NORMAL.inv_cdf(quantile), deviates[0], deviates[-1]))
    above = max(1, int(np.searchsorted(deviates, wanted)))
    low, high = deviates[above - 1], deviates[above]
    share = (wanted - low) / (high - low)
    return np.asarray((1.0 - share) * band[:, above - 1] + share * band[:, above])


def backed(rows: Floats, rule: Rule) -> Flags:
    """Return the rows (n, features) whose rain or whose station upstream speaks for a rise."""
    rain_mm = np.expm1(rows[:, RAIN][:, :WET_SPANS]).sum(axis=1)
    upstream = np.sinh(rows[:, UPSTREAM][:, :UPSTREAM_MOVES].max(axis=1)) / RISE_GAIN
    return np.asarray((rain_mm >= rule.support_rain_mm) | (upstream >= rule.support_upstream))


def supported(steps: Steps, mark_mm: float, rule: Rule) -> Flags:
    """Return the steps before which, lately, the mark lay in the band already."""
    t_ms = steps.t_ms
    reached = t_ms[reaches(steps, tuple(rule.support for _ in HORIZONS_H), mark_mm)]
    if not len(reached):
        return np.zeros(len(t_ms), dtype=bool)
    before = np.searchsorted(reached, t_ms) - 1
    ago_ms = t_ms - reached[np.maximum(before, 0)]
    return np.asarray((before >= 0) & (ago_ms <= rule.support_min * 60_000.0))


def _held(t_ms: Times, given: Levels, hold_min: float) -> Levels:
    """Return the highest level given within the last ``hold_min`` minutes at each step."""
    out = given.copy()
    for level in (WATCH, WARNING):
        times = t_ms[given >= level]
        if not len(times) or hold_min <= 0.0:
            continue
        before = np.searchsorted(times, t_ms, side="right") - 1
        near = t_ms - times[np.maximum(before, 0)] <= hold_min * 60_000.0
        out[(before >= 0) & near] = np.maximum(out[(before >= 0) & near], level)
    return out


def shifted(rule: Rule, deviates: float) -> Rule:
    """Return the rule with its quantiles moved by normal deviates; above 0 it warns sooner."""

    def moved(quantile: float) -> float:
        return _NORMAL.cdf(_NORMAL.inv_cdf(quantile) + deviates) if quantile > 0.0 else 0.0

    return replace(
        rule,
        watch=tuple(moved(one) for one in rule.watch),
        warning=tuple(moved(one) for one in rule.warning),
    )


def memory_ms(rule: Rule) -> int:
    """Return how far back a decision looks."""
    return round(60_000.0 * (rule.support_min + rule.hold_min))


def widened(rises_mm: Floats, widths: Floats) -> Floats:
    """Return bands whose quantiles lie ``widths`` (horizons, quantiles) times as far from the
    median."""
    middle = rises_mm[:, :, MEDIAN : MEDIAN + 1]
    return np.asarray(middle + widths * (rises_mm - middle))
