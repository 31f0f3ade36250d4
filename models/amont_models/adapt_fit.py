"""Learn from a station's own past what the network does not know of it, in closed form.

A ridge regression of what the network's medians were off by, shrunken by what it brings on parts
of the past that it did not see; how wide the band must be in the hours of events, and what margin
floods out of nothing ask for; how readily to warn. Numpy alone, seconds on a Pi; the network stays
as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from amont_gateway.scoring.river_adapted import (
    DESIGN,
    PARTS,
    Adapted,
    calibrated,
    design,
    shifted_bands,
    shown,
)
from amont_gateway.scoring.river_decision import (
    WARNING,
    Rule,
    Steps,
    backed,
    decide,
    shifted,
    widened,
)
from amont_gateway.scoring.river_features import HORIZONS_H, MEDIAN, QUANTILES, known_parts
from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS
from amont_models.river_truth import Flags, Floats, Times, Water, warned

AHEAD_MS = round(HORIZONS_H[-1] * HOUR_MS)
BLOCKS = 5  # of the past, each judged by what the others teach
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # of the weight of all steps
STILL_WEIGHT = 0.03  # of a step at which nothing moves, where movement weighs
MOST_STEPS = 40_000
MIN_STEPS = 300
BEYOND = 1.5  # times the largest correction of the past: the next flood may be higher
RAIN_SHARE = 0.5  # of the steps: a gauge that was known as often belongs to what was learnt
EVENT_MS = 6 * HOUR_MS
POOLED_EVENTS = 10.0  # what the pooled widths weigh, beside a station's own events
MIN_WIDTH_STEPS = 20
MIN_EVENTS = 4  # fewer say nothing of a width or of a warning
# Hours of events are known by what came after them: some hours ahead, no width that still says
# anything holds them all (docs/models/river).
WIDTHS_MOST = 3.5
CARRIES = (0.0, 0.5, 1.0)
SHIFTS = (-0.5, -0.25, 0.0, 0.25, 0.5)
SHIFT_EVENTS = 4  # fewer say nothing of how readily to warn
# What may be added to the upper end, in spreads: the least that holds the share, or nearly.
MARGINS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
MARGIN_SHARE, MARGIN_LEAST = 0.945, 0.93  # of the hours of events, under the upper end
MARGIN_NEAR = 0.01  # of what the largest margin holds, where that is less
FALSE_COST = 0.43  # of an event warned: what a share of false alarms of 0.3 comes to
FAR_MOST = 0.3  # no station warns sooner than this, or than it does without a shift
SHIFT_COST = 2.0  # of an event warned, for each normal deviate away from the pooled rule


@dataclass(frozen=True)
class Past:
    """Steps of a station with what came after them: rows, the network's bands, true rises.

    ``rises_mm`` (n, horizons, quantiles) as the network gave them with ``spread_mm``;
    ``true_mm`` (n, horizons), NaN where nobody knows.
    """

    t_ms: Times
    stage_mm: Floats
    rows: Floats
    rises_mm: Floats
    true_mm: Floats
    water: Water
    spread_mm: float
    median_mm: float
    mark_mm: float
    is_fine: bool

    def part(self, keep: Flags) -> Past:
        """Return some of the steps."""
        return replace(
            self,
            t_ms=self.t_ms[keep],
            stage_mm=self.stage_mm[keep],
            rows=self.rows[keep],
            rises_mm=self.rises_mm[keep],
            true_mm=self.true_mm[keep],
        )

    @property
    def horizons(self) -> list[int]:
        """Return the places of the horizons that this station tells of."""
        return [k for k, hours in enumerate(HORIZONS_H) if self.is_fine or hours >= 1.0]

    @property
    def moves(self) -> Floats:
        """Return how much the stage changed or will change about each step, in spreads."""
        width = self.rises_mm[:, -1, -1] - self.rises_mm[:, -1, 0]
        return np.asarray(np.minimum(np.abs(width) / self.spread_mm, 1.0))


def fit(past: Past, rule: Rule, parts: Sequence[str] = PARTS) -> Adapted | None:
    """Return what a past teaches, ``parts`` of it; None if it is too short to teach anything."""
    known = np.isfinite(past.true_mm[:, past.horizons]).all(axis=1)
    known = np.asarray(known & np.isfinite(past.rows).all(axis=1))
    if known.sum() < MIN_STEPS:
        return None
    steps = _thinned(past.part(known))
    made, held_mm = plain(past, rule), np.zeros(steps.true_mm.shape)
    if "line" in parts:
        made, held_mm = _with_line(made, steps)
    carry, widths = _band(steps, held_mm, rule, "widths" in parts)
    unseen = widened(shifted_bands(steps.rises_mm, held_mm, carry), widths)
    made = replace(made, carry=carry, widths=widths)
    if "margins" in parts:
        made = replace(made, margins=margins(steps, unseen, made))
    if "shift" in parts:
        made = replace(made, shift=_shift(steps, unseen, rule))
    return replace(made, parts=tuple(part for part in PARTS if part in parts))


def plain(past: Past, rule: Rule) -> Adapted:
    """Return an adaptation that changes nothing."""
    horizons = len(HORIZONS_H)
    tables = (np.zeros((DESIGN, horizons)), np.zeros(horizons), rule.width_table())
    return Adapted(past.spread_mm, past.median_mm, *tables)


def _with_line(made: Adapted, steps: Past) -> tuple[Adapted, Floats]:
    """Return an adaptation with a line, and what the line gives for steps it did not see, mm."""
    table = design(steps.rows, steps.rises_mm, steps.stage_mm, steps.median_mm, steps.spread_mm)
    off = (steps.true_mm - steps.rises_mm[:, :, MEDIAN]) / steps.spread_mm
    slopes, held_out = _line(table, off[:, steps.horizons], _blocks(steps.t_ms), steps.moves)
    wide = np.zeros((DESIGN, len(HORIZONS_H)))
    wide[:, steps.horizons] = slopes
    if not steps.is_fine:
        wide[:, 0] = wide[:, 1]  # what is not told of moves with its neighbour
    most = BEYOND * np.abs(table @ wide).max(axis=0)
    known = known_parts(steps.rows)
    needs = tuple(name for name, here in known.items() if here.mean() > RAIN_SHARE)
    held_mm = np.zeros_like(off)
    held_mm[:, steps.horizons] = held_out * steps.spread_mm
    return replace(made, slopes=wide, most=most, needs=needs), held_mm


def _thinned(past: Past) -> Past:
    """Return some MOST_STEPS steps: event hours, those at which most moves, some of the rest."""
    count = len(past.t_ms)
    if count <= MOST_STEPS:
        return past
    order = np.argsort(-past.moves, kind="stable")[: MOST_STEPS // 2]
    keep = np.zeros(count, dtype=bool)
    keep[order] = True
    keep[:: -(-2 * count // MOST_STEPS)] = True
    for _, inside in event_hours(past.t_ms, past.water):
        keep |= inside  # all of them: those in which nothing moves yet count as much
    return past.part(keep)


def _blocks(t_ms: Times) -> Times:
    """Return the block of each step: spans of equal length."""
    edges = np.linspace(t_ms[0], t_ms[-1] + 1, BLOCKS + 1)[1:-1]
    return np.searchsorted(edges, t_ms, side="right").astype(np.int64)


# --- the line ---


@dataclass(frozen=True)
class _Sums:
    """Weighted sums of products of one block, from which any line follows."""

    square: Floats
    cross: Floats
    weight: float

    def __add__(self, other: _Sums) -> _Sums:
        return _Sums(
            self.square + other.square, self.cross + other.cross, self.weight + other.weight
        )

    def line(self, penalty: float) -> Floats:
        """Return the slopes; what hardly ever varied has none."""
        size = np.sqrt(np.diag(self.square) / self.weight)
        scale = np.where(size > 1e-3, size, np.inf)
        square = self.square / scale[:, None] / scale[None, :]
        own = np.full(len(scale), penalty * self.weight)
        own[-1] *= 1e-2  # an offset costs little
        slopes = np.linalg.solve(square + np.diag(own), self.cross / scale[:, None])
        return np.asarray(slopes / scale[:, None])


def _line(table: Floats, off: Floats, blocks: Times, moves: Floats) -> tuple[Floats, Floats]:
    """Return the slopes, and what they give for each step without that step's block.

    Penalty and weights are those that leave least squares on blocks that were not learnt from;
    the share of the correction that is kept is what serves each horizon best there.
    """
    best: tuple[float, Floats, Floats] | None = None
    for weight in (np.ones(len(moves)), STILL_WEIGHT + moves):
        sums = list(_sums(table, off, blocks, weight))
        whole = sums[0]
        for one in sums[1:]:
            whole = whole + one
        for penalty in PENALTIES:
            given = np.zeros_like(off)
            for block, own in enumerate(sums):
                inside = blocks == block
                others = _Sums(
                    whole.square - own.square,
                    whole.cross - own.cross,
                    max(whole.weight - own.weight, 1e-9),
                )
                given[inside] = table[inside] @ others.line(penalty)
            share = np.clip((given * off).sum(0) / np.maximum((given**2).sum(0), 1e-12), 0, 1)
            left = float(((off - share * given) ** 2).sum())
            if best is None or left < best[0]:
                best = (left, share * whole.line(penalty), share * given)
    assert best is not None
    return best[1], best[2]


def _sums(table: Floats, off: Floats, blocks: Times, weight: Floats) -> Iterator[_Sums]:
    for block in range(BLOCKS):
        inside = blocks == block
        part = table[inside] * weight[inside][:, None]
        yield _Sums(part.T @ table[inside], part.T @ off[inside], float(weight[inside].sum()))


# --- the band ---


def event_hours(t_ms: Times, water: Water) -> list[tuple[int, Flags]]:
    """Return each event with its steps: from 6 h before its crossing to 6 h after."""
    out = []
    for event in water.events_ms.tolist():
        inside = (t_ms >= event - EVENT_MS) & (t_ms < event + EVENT_MS)
        if inside.any():
            out.append((event, inside))
    return out


def needed_widths(rises_mm: Floats, true_mm: Floats, inside: Flags) -> Floats:
    """Return the widths (horizons, quantiles) with which the outermost quantiles hold some steps.

    Each end of the band then lies so far from the median that its share of truths is beyond it.
    It is never narrowed; the quantiles between stay what they are, for decisions rest on them.
    """
    out = np.ones((len(HORIZONS_H), len(QUANTILES)))
    for k, place in product(range(len(HORIZONS_H)), (0, len(QUANTILES) - 1)):
        side = rises_mm[inside, k, place] - rises_mm[inside, k, MEDIAN]
        off = true_mm[inside, k] - rises_mm[inside, k, MEDIAN]
        known = np.isfinite(off) & (np.abs(side) > 1e-6)
        if known.sum() >= MIN_WIDTH_STEPS:
            share = max(QUANTILES[place], 1.0 - QUANTILES[place])
            needed = float(np.quantile(off[known] / side[known], share))
            out[k, place] = min(max(needed, 1.0), WIDTHS_MOST)
    return out


def _band(past: Past, off_mm: Floats, rule: Rule, own: bool) -> tuple[float, Floats]:
    """Return how much of a correction the band follows, and how wide it must then be.

    Without ``own`` it is as wide as the rule has it.
    """
    found = []
    for carry in CARRIES:
        moved = shifted_bands(past.rises_mm, off_mm, carry)
        widths = _widths(past, moved, rule) if own else rule.width_table()
        found.append((pinball(past, widened(moved, widths)), carry, widths))
    _, carry, widths = min(found, key=lambda one: one[0])
    return carry, widths


def pinball(past: Past, bands: Floats, keep: Flags | slice = slice(None)) -> float:
    """Return the mean pinball loss of all horizons and quantiles, in spreads."""
    own = np.array(QUANTILES)
    error = past.true_mm[keep][:, past.horizons, None] - bands[keep][:, past.horizons]
    loss = np.maximum(own * error, (own - 1.0) * error)
    return float(loss.mean()) / past.spread_mm


def _widths(past: Past, moved_mm: Floats, rule: Rule) -> Floats:
    """Return the station's own widths, as far as its own events outweigh the pooled ones."""
    events = event_hours(past.t_ms, past.water)
    pooled = rule.width_table()
    if len(events) < MIN_EVENTS:
        return pooled
    inside = np.any([one for _, one in events], axis=0)
    share = len(events) / (len(events) + POOLED_EVENTS)
    return share * needed_widths(moved_mm, past.true_mm, inside) + (1.0 - share) * pooled


def margins(past: Past, unseen: Floats, made: Adapted) -> tuple[float, ...]:
    """Return what the upper end wants for floods out of nothing, horizon by horizon, in spreads.

    As little as holds its share of the station's own event hours, by bands that did not see them;
    none where no margin below the mark does, for then it would only make calm days look wild.
    """
    events = event_hours(past.t_ms, past.water)
    if len(events) < MIN_EVENTS:
        return made.margins
    inside = np.any([one for _, one in events], axis=0)
    true, stage, bands = past.true_mm[inside], past.stage_mm[inside], unseen[inside]
    out = list(made.margins)
    for k in past.horizons:
        held = []
        for margin in MARGINS:
            alone = replace(made, margins=tuple(margin * (j == k) for j in range(len(out))))
            top = shown(bands, stage, past.mark_mm, alone)[:, k, -1]
            held.append(float((true[:, k] <= top).mean()))
        if held[-1] >= MARGIN_LEAST:
            wanted = min(MARGIN_SHARE, held[-1] - MARGIN_NEAR)
            out[k] = next(one for one, share in zip(MARGINS, held, strict=True) if share >= wanted)
    return tuple(out)


# --- the warning ---


def levels(past: Past, rule: Rule, adapted: Adapted | None) -> tuple[Floats, Flags]:
    """Return the bands that decide, and the steps that warn, with or without what was learnt."""
    bands = calibrated(past.rows, past.rises_mm, past.stage_mm, rule, adapted)
    return bands, _warns(past, bands, rule, 0.0 if adapted is None else adapted.shift)


def _warns(past: Past, bands: Floats, rule: Rule, shift: float) -> Flags:
    own = shifted(rule.for_step(past.is_fine), shift)
    steps = Steps(past.t_ms, past.stage_mm, bands, backed(past.rows, own))
    return np.asarray(decide(steps, past.mark_mm, past.mark_mm, own) == WARNING)


def _shift(past: Past, unseen: Floats, rule: Rule) -> float:
    """Return how much sooner or later this station should warn than the pooled rule does.

    By bands that did not see what they are judged on; 0 unless its own events say so clearly.
    """
    if len(past.water.events_ms) < SHIFT_EVENTS:
        return 0.0
    worth, share = {}, {}
    for shift in SHIFTS:
        one = warned(past.water, int(past.t_ms[0]), past.t_ms, _warns(past, unseen, rule, shift))
        worth[shift] = one.warned - FALSE_COST * one.false - SHIFT_COST * abs(shift)
        share[shift] = one.false / one.groups if one.groups else 0.0
    most = max(FAR_MOST, share[0.0])
    within = [shift for shift in SHIFTS if share[shift] <= most]
    return max(within, key=lambda shift: worth[shift])


def days(past: Past) -> float:
    """Return the span of a past in days."""
    return float(past.t_ms[-1] - past.t_ms[0]) / DAY_MS if len(past.t_ms) else 0.0
