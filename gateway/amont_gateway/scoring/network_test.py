"""Find leaks in a network of flow meters and pressure sensors, hour by hour.

Each pressure is expected from the flows (``network_slopes``). What is left is kept in blocks of
6 h for four months and explained by leaks, repairs and growth (``network_fit``); what is not
explained yet is searched for the next change (``network_search``), whose meaning follows from
where it points, what the inflow did and which leaks are open (``network_kind``). Everything is
computed forward, from what was known at the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from amont_gateway.scoring import network_flow
from amont_gateway.scoring.network_fit import BLOCK_H, Fit, Leak, Noise, Term
from amont_gateway.scoring.network_kind import KindRule, Meaning, is_one_sensor, meaning
from amont_gateway.scoring.network_search import Change, Search
from amont_gateway.scoring.network_slopes import DAY_H, Drivers, Slopes, mean_of, shift
from amont_gateway.scoring.timeline import HOUR_MS, Floats, Times

DAY_BLOCKS = DAY_H // BLOCK_H
OUT_M = (-10.0, 1000.0)  # no pressure lies outside
FIRST_BLOCKS = 28  # a week, before anything is judged
MEASURE_BLOCKS = 12  # after a leak was found, its size is measured again


# Of the alarms in the years that chose the settings, the share that found a leak not yet found.
SLOW_SHARE = 0.88
ABRUPT_SHARE = 0.95


@dataclass(frozen=True)
class NetworkRule:
    """Settings, chosen on simulated years; a spread is a sensor's own in a block of 6 h."""

    learn_h: int = 168
    keep_blocks: int = 480
    forget: float = 0.98  # a day
    alarm: float = 7.0  # normal score of a change among all sensors
    gradual: float = 15.0  # gain by which an old step beats growth
    wander: float = 0.08  # what a change over any time may be off, in spreads
    noise_ridge: float = 20.0  # blocks' worth of sensors that know nothing of each other
    flow_share: float = 0.4  # by which a leak's vector may change with the flow
    floor_m: float = 0.003
    confirm_age: int = 4  # blocks; a younger step waits for one block more
    places: int = 3
    kind: KindRule = field(default_factory=KindRule)


@dataclass(frozen=True)
class Hour:
    """One hour of a network: pressures in m, flows in l/h, levels in mm; gaps are NaN."""

    end_ms: int
    pressure_m: Floats
    inflow_l_h: Floats
    inner_l_h: Floats
    level_mm: Floats


@dataclass(frozen=True)
class Finding:
    """A leak: when it was said, since when, how large, nearest sensors first."""

    at_ms: int
    since_ms: int
    size_l_h: float
    sensors: tuple[int, ...]
    number: int = 0  # the same as long as it is open
    probability: float = math.nan
    score: float = math.nan  # normal score of the change that showed it
    is_abrupt: bool = True


class NetworkTest:
    """The test; ``step`` takes the hours in order, absent ones as NaN."""

    def __init__(self, rule: NetworkRule, sensors: int, drivers: Drivers) -> None:
        self._rule, self._drivers = rule, drivers
        self._slopes = Slopes(drivers.width, sensors, rule.forget)
        self._slope: Floats = np.zeros((drivers.width, sensors))
        self._rows = np.full((DAY_H, drivers.width), np.nan)
        self._pressure = np.full((DAY_H, sensors), np.nan)
        self._net = np.full(DAY_H, np.nan)
        self._left = np.full((rule.keep_blocks, sensors), np.nan)
        self._drive = np.zeros((rule.keep_blocks, drivers.width))
        self._inflow = np.full(rule.keep_blocks, np.nan)
        self._hours = self._block = self._count = 0
        self._ready = self._pending = False
        self._skip: set[int] = set()
        self._terms: list[Term] = []
        self._leaks: list[Leak] = []
        self._noise: Noise | None = None

    @property
    def open_leaks(self) -> int:
        """Return how many leaks are believed to be open."""
        return sum(not leak.is_fault for leak in self._leaks)

    @property
    def ready(self) -> bool:
        """Return whether enough is learnt to judge."""
        return self._ready and self._noise is not None

    @property
    def suspects(self) -> bool:
        """Return whether a change has shown itself that is not confirmed yet."""
        return self._pending

    def findings(self) -> tuple[Finding, ...]:
        """Return the leaks believed to be open, newest first, with their size as of now."""
        return tuple(self._told(leak) for leak in reversed(self._leaks) if not leak.is_fault)

    def step(self, hour: Hour) -> Finding | None:
        """Take one more hour; return a leak when it is first believed."""
        low, high = OUT_M
        inside = (hour.pressure_m > low) & (hour.pressure_m < high)
        shift(self._rows, self._drivers.row(hour.inflow_l_h, hour.inner_l_h, hour.level_mm))
        shift(self._pressure, np.where(inside, hour.pressure_m, np.nan))
        shift(self._net, np.asarray(hour.inflow_l_h.sum() - hour.inner_l_h.sum()))
        self._hours += 1
        if self._hours % BLOCK_H:
            return None
        self._add_block()
        if self._hours % DAY_H == 0:
            self._learn()
        return self._judge(hour.end_ms) if self._ready else None

    # --- what is left of the pressures ---

    def _add_block(self) -> None:
        rows, pressure = self._rows[-BLOCK_H:], self._pressure[-BLOCK_H:]
        known = np.isfinite(rows).all(axis=1)
        left = np.where(known[:, None], pressure - np.nan_to_num(rows) @ self._slope, np.nan)
        enough = 2 * np.isfinite(left).sum(axis=0) >= BLOCK_H
        self._block += 1
        shift(self._left, np.where(enough, mean_of(left), np.nan))
        shift(self._drive, np.nan_to_num(mean_of(rows[known])))
        net = self._net[-BLOCK_H:]
        whole = np.isfinite(net).sum() >= BLOCK_H - 1
        shift(self._inflow, np.asarray(mean_of(net[:, None])[0] if whole else np.nan))

    def _learn(self) -> None:
        self._slopes.learn(self._rows, self._pressure)
        found = self._slopes.solve() if self._hours >= self._rule.learn_h else None
        if found is None:
            return
        slope = found[0]
        self._left += self._drive @ (self._slope - slope)
        self._slope, self._ready = slope, True

    def _numbers(self) -> Times:
        first = self._block - self._rule.keep_blocks + 1
        return np.arange(first, self._block + 1, dtype=np.int64)

    def _fit(self, terms: list[Term]) -> Fit | None:
        """Explain the blocks that are known by ``terms``; None if the newest is not."""
        when = self._numbers()
        known = (2 * np.isfinite(self._left).sum(axis=1) > self._left.shape[1]) & (when > 0)
        known &= ~np.isin(when, sorted(self._skip))
        if known.sum() < FIRST_BLOCKS or not known[-1]:
            return None
        flow = self._drive[known, : self._drivers.inlets].sum(axis=1)
        return Fit(when[known], self._left[known], flow, terms, self._rule.flow_share)

    # --- what has changed ---

    def _judge(self, at_ms: int) -> Finding | None:
        fit = self._explain()
        if fit is None:
            return None
        if self._noise is None or self._block % DAY_BLOCKS == 0:
            self._noise = Noise(fit.left, self._rule.noise_ridge, self._rule.floor_m)
        search = Search(fit, self._noise, self._rule.wander)
        rule = self._rule
        change = search.find(rule.alarm, rule.gradual, rule.kind.fresh)
        if change is None:
            self._pending = False
            return None
        age = self._block - change.start + 1
        if not change.is_ramp and age < rule.confirm_age and not self._pending:
            self._pending = True
            return None
        self._pending = False
        return self._believe(change, at_ms)

    def _explain(self) -> Fit | None:
        """Fit all terms; those from before the first block kept are part of what is usual."""
        first = self._block - min(self._block, self._rule.keep_blocks) + 1
        for term in [t for t in self._terms if t.settled_at() <= first + 2 * DAY_BLOCKS]:
            self._terms.remove(term)
            if term.owner is not None:
                term.owner.faded = term.owner.faded + term.change
                term.owner.faded_l_h += term.size_l_h
        fit = self._fit(self._terms)
        if fit is not None:
            self._update()
        return fit

    def _update(self) -> None:
        for term in self._terms:
            if self._noise is not None:
                term.power = float((self._noise.white(term.change) ** 2).sum())
        for leak in self._leaks:
            own = [term.change for term in self._terms if term.owner is leak]
            leak.change = leak.faded + sum(own, np.zeros_like(leak.faded))
        if self._block % DAY_BLOCKS == 0:
            self._measure()

    def _measure(self) -> None:
        found = network_flow.sizes(self._numbers(), self._inflow, self._terms)
        if found is None:
            return
        for term, size in zip(self._terms, found[0].tolist(), strict=True):
            term.size_l_h = size
        for leak in self._leaks:
            if self._block - leak.found < MEASURE_BLOCKS:
                continue
            own = sum(term.size_l_h for term in self._terms if term.owner is leak)
            leak.size_l_h = max(0.0, leak.faded_l_h + own)

    # --- what it means ---

    def _believe(self, change: Change, at_ms: int) -> Finding | None:
        assert self._noise is not None, "a change was found without a measure of noise"
        size, score = self._outflow(change)
        said = meaning(change, self._noise, self._leaks, score, self._block, self._rule.kind)
        if said.kind == "wait":
            return None
        owner, found = said.owner, None
        if said.kind in ("leak", "fault"):
            owner = self._open(change, said, at_ms)
        elif said.kind == "repair":
            self._close(owner, change.start)
            owner = None
        power = float((self._noise.white(change.vector) ** 2).sum())
        end = self._block if change.is_ramp else None
        term = Term(change.start, end, change.is_ramp, owner, change.vector, power)
        self._terms.append(term)
        if not change.is_ramp:
            self._skip = {b for b in self._skip if b > self._block - self._rule.keep_blocks}
            self._skip.add(change.start - 1)
        if owner is not None and said.kind == "leak":
            found = self._tell(owner, at_ms, size)
        elif owner is not None and owner.is_fault and not self._is_astray(owner, change):
            owner.is_fault = False
            found = self._tell(owner, at_ms, size)
        return found

    def _tell(self, leak: Leak, at_ms: int, size_l_h: float) -> Finding:
        leak.at_ms, leak.size_l_h = at_ms, max(0.0, size_l_h)
        return self._told(leak)

    def _is_astray(self, leak: Leak, change: Change) -> bool:
        """Return whether a sensor that went astray still does so alone, after a change more."""
        assert self._noise is not None, "a change was found without a measure of noise"
        total, rule = leak.change + change.vector, self._rule.kind
        return is_one_sensor(total, self._noise, DAY_BLOCKS, rule)

    def _outflow(self, change: Change) -> tuple[float, float]:
        """Return by how much the inflow has changed with a change: l/h, and in errors."""
        if not change.is_ramp:
            return network_flow.step(self._inflow, self._block - change.start + 1)
        new = Term(change.start, self._block, True, None, change.vector, 0.0)
        found = network_flow.sizes(self._numbers(), self._inflow, [*self._terms, new])
        return (
            (math.nan, math.nan) if found is None else (float(found[0][-1]), float(found[1][-1]))
        )

    def _open(self, change: Change, said: Meaning, at_ms: int) -> Leak:
        self._count += 1
        nothing = np.zeros_like(change.vector)
        leak = Leak(
            number=self._count,
            start=change.start,
            found=self._block,
            at_ms=at_ms,
            since_ms=at_ms - (self._block - change.start + 1) * BLOCK_H * HOUR_MS,
            score=change.score,
            abrupt=said.is_abrupt,
            sensors=said.order[: self._rule.places],
            is_fault=said.kind == "fault",
            change=nothing,
            faded=nothing,
        )
        self._leaks.append(leak)
        return leak

    def _close(self, leak: Leak | None, start: int) -> None:
        """Close a leak that was repaired; its terms stay, as part of the past."""
        self._leaks = [one for one in self._leaks if one is not leak]
        for term in self._terms:
            if leak is not None and term.owner is leak:
                term.owner = None
                if term.is_ramp and term.end is None:
                    term.end = max(start - 2, term.start + DAY_BLOCKS)

    def _told(self, leak: Leak) -> Finding:
        return Finding(
            at_ms=leak.at_ms,
            since_ms=leak.since_ms,
            size_l_h=leak.size_l_h,
            sensors=leak.sensors,
            number=leak.number,
            probability=ABRUPT_SHARE if leak.abrupt else SLOW_SHARE,
            score=leak.score,
            is_abrupt=leak.abrupt,
        )
