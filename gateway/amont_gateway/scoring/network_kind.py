"""Tell what a change of a network's pressures means: a leak, its growth, a repair, a sensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from amont_gateway.scoring.network_fit import Leak, Noise, normal_score
from amont_gateway.scoring.network_search import Change
from amont_gateway.scoring.timeline import Floats

Kind = Literal["leak", "growth", "repair", "fault", "other", "wait"]


@dataclass(frozen=True)
class KindRule:
    """Where one meaning ends and the next begins; scores are in errors, angles cosines."""

    same: float = 0.8  # from which a change points where an open leak points
    same_slow: float = 0.9
    undone: float = 0.6  # against which a rise points at a leak that it repairs
    part: float = 0.5  # from which a step so soon after a leak may be part of it
    whole: float = 0.5  # of a leak, from which its undoing is its repair
    fresh: int = 8  # blocks within which a step counts as abrupt
    sharp: float = 25.0  # gain by which an abrupt step beats growth
    sharper: float = 1.15  # and how many times
    beside: float = 0.4  # cosine from which what the same sensor shows most is growth
    explained: float = 3.5  # own score up to which open leaks explain a slow change
    unclear: float = 5.5  # and from which they do not
    young: int = 28  # blocks in which a leak's step still shows in parts
    inflow: float = 4.0  # the most that the inflow's step may say
    lean: float = 2.0  # what the sensor says that shows it most
    rise_slow: float = -1.2  # slow changes are leaks unless this is not reached
    second: float = 2.0  # score that the other sensors need
    inflow_alone: float = 2.0  # or the inflow
    grown: float = 4.0  # score of the other sensors that makes a sensor's drift a leak
    others: float = 0.06  # of the square of a leak's size that they show at least
    least_sensors: int = 3


@dataclass(frozen=True)
class Meaning:
    """What a change is, whose it is, and which sensors show it most, the surest first."""

    kind: Kind
    owner: Leak | None
    order: tuple[int, ...]
    is_abrupt: bool


def meaning(
    change: Change, noise: Noise, leaks: Sequence[Leak], inflow_score: float, now: int,
    rule: KindRule,
) -> Meaning:  # fmt: skip
    """Return what a change means beside the leaks that are open."""
    alone = noise.inverse @ change.vector / noise.alone  # of each sensor, the others known
    order = tuple(int(k) for k in np.argsort(alone))
    abrupt = (
        not change.is_ramp
        and now - change.start <= rule.fresh
        and change.gain > max(change.rival + rule.sharp, rule.sharper * change.rival)
    )
    top = int(np.argmax(np.abs(alone)))
    length = max(float(np.linalg.norm(noise.white(change.vector))), 1e-9)
    said = inflow_score if math.isfinite(inflow_score) else 0.0
    lead = said if abrupt else 0.0
    falls = max(-rule.inflow, min(rule.inflow, lead)) - rule.lean * float(alone[top]) / length
    leak = falls > (0.0 if abrupt else rule.rise_slow)
    known = _known(change, noise, leaks, abrupt, leak, now, rule)
    if known is not None:
        return Meaning(known[0], known[1], order, abrupt)
    same = [one for one in leaks if one.sensors[0] == top]
    if _one_sensor(change, float(alone[top]) / length, said, len(alone), rule):
        first = (top, *(k for k in order if k != top))
        return Meaning("growth" if same else "fault", same[-1] if same else None, first, abrupt)
    if not abrupt and leak:
        way = noise.white(change.vector)
        near = [x for x in same if _cosine(way, noise.white(x.change)) > rule.beside]
        if near:
            return Meaning("growth", near[-1], order, abrupt)
    return Meaning("leak" if leak else "other", None, order, abrupt)


def _known(
    change: Change, noise: Noise, leaks: Sequence[Leak], abrupt: bool, falls: bool, now: int,
    rule: KindRule,
) -> tuple[Kind, Leak | None] | None:  # fmt: skip
    """Return what a change means if it is of a leak that is open; None if it is not."""
    if not leaks:
        return None
    way = noise.white(change.vector)
    known = [noise.white(leak.change) for leak in leaks]
    cosines = [_cosine(way, one) for one in known]
    like, unlike = int(np.argmax(cosines)), int(np.argmin(cosines))
    undone = _share(way, known[unlike])
    if undone > rule.whole and cosines[unlike] < (-rule.same if falls else -rule.undone):
        return "repair", leaks[unlike]
    if cosines[unlike] < -rule.same:
        return "growth", leaks[unlike]
    if abrupt:
        young = [k for k, leak in enumerate(leaks) if now - leak.start < rule.young]
        own = _own_score(change, way, [known[k] for k in young])
        if young and own < rule.unclear and cosines[like] > rule.part:
            return "growth", leaks[like]
        return None
    grows = [k for k, leak in enumerate(leaks) if not leak.abrupt or cosines[k] > rule.same]
    own = _own_score(change, way, [known[k] for k in grows])
    if own < rule.explained or cosines[like] > rule.same_slow:
        return "growth", leaks[like]
    return ("wait", None) if own < rule.unclear else None


def _own_score(change: Change, way: Floats, known: Sequence[Floats]) -> float:
    """Return the score of what up to two open leaks, by growing, leave of a change."""
    rest, taken = way, 0
    for _ in range(2):
        along = [float(rest @ one) / max(float(np.linalg.norm(one)), 1e-9) for one in known]
        best = int(np.argmax(along)) if along else 0
        if not along or along[best] <= 0.0:
            break
        unit = known[best] / max(float(np.linalg.norm(known[best])), 1e-9)
        rest, taken = rest - along[best] * unit, taken + 1
    gain = change.gain * float(rest @ rest) / max(float(way @ way), 1e-12)
    return normal_score(gain, max(1, len(way) - taken))


def _one_sensor(
    change: Change, share: float, inflow_score: float, sensors: int, rule: KindRule
) -> bool:
    """Return whether one sensor shows the change and neither another nor the inflow does."""
    if sensors < rule.least_sensors or inflow_score >= rule.inflow_alone:
        return False
    rest = change.gain * max(0.0, 1.0 - share**2)
    return normal_score(rest, sensors - 1) < rule.second


def is_one_sensor(total: Floats, noise: Noise, blocks: int, rule: KindRule) -> bool:
    """Return whether a change that rests on ``blocks`` is still shown by one sensor alone."""
    alone = np.abs(noise.inverse @ total / noise.alone)
    power = float((noise.white(total) ** 2).sum())
    rest = power - float(alone.max()) ** 2
    sure = normal_score(rest * blocks, max(1, len(total) - 1)) >= rule.grown
    return not sure or rest < rule.others * power


def _cosine(one: Floats, two: Floats) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / max(size, 1e-9)


def _share(one: Floats, whole: Floats) -> float:
    return float(np.linalg.norm(one)) / max(float(np.linalg.norm(whole)), 1e-9)
