"""Find leaks in a network of flow meters and pressure sensors, hour by hour.

Each pressure is expected from the flows (``network_slopes``); what is left is compared, over 6 h
to a week, with what was usual since the last change. A change is a repair if it undoes a leak that
is known or the inflow falls with it, growth if it points where a known leak points, else a new
leak, near the sensors that fell most. What is usual is taken anew after each change and then
frozen, so that slow growth is not learnt as normal. Everything is computed forward, from what was
known at the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from amont_gateway.scoring.network_slopes import DAY_H, Drivers, Slopes, mean_of, shift
from amont_gateway.scoring.timeline import HOUR_MS, Floats

WEEK_H = 168
BUFFER_H = 960  # two weeks for what an hour's inflow was before, and 25 days of them
NOISE_H = 600


@dataclass(frozen=True)
class NetworkRule:
    """Settings, chosen on simulated years; spreads are a sensor's own hourly ones."""

    learn_h: int = 168
    alarm: float = 7.0  # standard errors of the sensor that shows it most
    windows_h: tuple[int, ...] = (6, 24, 72, 168)
    wander: float = 0.15  # what a mean over any time may be off, in hourly spreads
    wander_young: float = 0.5  # so soon after a change that the day's course is not in it
    wander_share: float = 0.3  # of the change just seen, as long as it is young
    young_h: int = 48
    confirm_h: int = 6  # from the first sign to the verdict
    settle_h: int = 24
    base_h: int = 168  # after a change, what is usual is learnt for so long, then frozen
    forget: float = 0.98  # a day
    spread_min_m: float = 0.006
    inflow_sign: float = 1.5  # errors of the inflow's step that say leak or repair
    faint: float = 4.0  # spreads below which a step without inflow is no leak
    grow_cosine: float = 0.7
    same_cosine: float = 0.75
    undo_cosine: float = 0.6
    places: int = 3


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
    """A new leak: when it was said, since when, how large, nearest sensors first."""

    at_ms: int
    since_ms: int
    size_l_h: float
    sensors: tuple[int, ...]


@dataclass
class _Leak:
    change: Floats  # of what is left, in spreads, since before it began


@dataclass(frozen=True)
class _Change:
    """What has changed: since which hour, how each sensor moved, what the inflow did."""

    age_h: int
    moved: Floats  # in spreads
    abrupt: bool
    step_l_h: float
    step_score: float  # in errors; NaN where the inflow is not known


class NetworkTest:
    """The test; ``step`` takes the hours in order, absent ones as NaN."""

    def __init__(self, rule: NetworkRule, sensors: int, drivers: Drivers) -> None:
        self._rule, self._drivers = rule, drivers
        self._slopes = Slopes(drivers.width, sensors, rule.forget)
        self._pressure = np.full((BUFFER_H, sensors), np.nan)
        self._rows = np.full((BUFFER_H, drivers.width), np.nan)
        self._net = np.full(BUFFER_H, np.nan)
        self._left = np.full((BUFFER_H, sensors), np.nan)
        self._slope: Floats | None = None
        self._spread = np.full(sensors, np.inf)
        self._usual = np.zeros(sensors)
        self._last = np.zeros(sensors)  # size of the last change, in spreads
        self._hours = 0
        self._regime_h = 0  # hours since what is usual began
        self._leaks: list[_Leak] = []
        self._fired: tuple[int, int] | None = None  # window, hours since it fired
        self._settle: tuple[int, _Leak | None] | None = None  # hours to go, whose change it is

    @property
    def open_leaks(self) -> int:
        """Return how many leaks are believed to be open."""
        return len(self._leaks)

    def step(self, hour: Hour) -> Finding | None:
        """Take one more hour; return a leak when it is first believed."""
        row = self._drivers.row(hour.inflow_l_h, hour.inner_l_h, hour.level_mm)
        shift(self._pressure, hour.pressure_m)
        shift(self._rows, row)
        shift(self._net, np.asarray(hour.inflow_l_h.sum() - hour.inner_l_h.sum()))
        self._hours += 1
        if self._slope is not None:
            shift(self._left, hour.pressure_m - row @ self._slope)
            self._regime_h += 1
        if self._hours % DAY_H == 0:
            self._learn()
        if self._slope is None or self._settled():
            return None
        return self._judge(hour.end_ms)

    # --- what is usual ---

    def _learn(self) -> None:
        self._slopes.learn(self._rows[-DAY_H:], self._pressure[-DAY_H:])
        found = self._slopes.solve() if self._hours >= self._rule.learn_h else None
        if found is None:
            return
        before = self._slope
        self._slope, spread = found
        self._spread = np.maximum(spread, self._rule.spread_min_m)
        self._left = self._pressure - self._rows @ self._slope
        if before is None:
            self._regime_h = min(self._hours, self._rule.learn_h)
            self._usual = mean_of(self._left[-self._regime_h :])
        else:
            # Steeper slopes must not move what is usual at the flows of these days.
            middle = np.nan_to_num(mean_of(self._rows[-WEEK_H:]))
            self._usual = self._usual + (before - self._slope).T @ middle
        self._usual = np.nan_to_num(self._usual)

    def _settled(self) -> bool:
        """Return whether a change is being waited out; at the end of it, learn what is usual."""
        if self._settle is None:
            return False
        hours, leak = self._settle
        self._settle = (hours - 1, leak)
        if hours > 1:
            return True
        self._settle = None
        rule = self._rule
        new = mean_of(self._left[-rule.settle_h :])
        new = np.where(np.isfinite(new), new, self._usual)
        change = (new - self._usual) / self._spread
        if leak is not None:
            leak.change = leak.change + change
        self._usual, self._last, self._regime_h = new, np.abs(change), rule.settle_h
        return True

    def _refine(self) -> None:
        """Learn what is usual from the first days after a change; yesterday may hold another."""
        if 2 * DAY_H <= self._regime_h < self._rule.base_h and self._hours % DAY_H == 1:
            found = mean_of(self._left[-self._regime_h : -DAY_H])
            self._usual = np.where(np.isfinite(found), found, self._usual)

    # --- what has changed ---

    def _judge(self, at_ms: int) -> Finding | None:
        if self._fired is None:
            self._refine()
            window = self._sign()
            if window is None:
                return None
            self._fired = (window, 0)
        window, waited = self._fired
        if waited < self._rule.confirm_h:
            self._fired = (window, waited + 1)
            return None
        self._fired = None
        change = self._change(window)
        return self._believe(change, window, at_ms)

    def _moved(self, hours: int) -> Floats:
        """Return by how many spreads each sensor has moved, by its last ``hours`` (s,)."""
        recent = self._left[-hours:]
        enough = np.isfinite(recent).sum(axis=0) >= max(3.0, 0.5 * hours)
        moved = (mean_of(recent) - self._usual) / self._spread
        return np.asarray(np.where(enough & np.isfinite(moved), moved, 0.0))

    def _sign(self) -> int | None:
        """Return the window in which a sensor has moved most, if that is more than chance."""
        rule = self._rule
        young = self._regime_h < rule.young_h
        usual = np.maximum(rule.wander_young, rule.wander_share * self._last)
        wander = usual if young else np.full_like(usual, rule.wander)
        best, chosen = rule.alarm, None
        for window in rule.windows_h:
            if window > self._regime_h:
                continue
            base = max(float(DAY_H), min(rule.base_h, self._regime_h - window))
            error = np.sqrt(1.0 / window + wander**2 + 1.0 / base)
            score = float(np.abs(self._moved(window) / error).max())
            if score >= best:
                best, chosen = score, window
        return chosen

    def _change(self, window: int) -> _Change:
        reach = min(self._regime_h, window + self._rule.confirm_h)
        way = self._moved(reach)
        way = way / max(float(np.linalg.norm(way)), 1e-9)
        span = min(self._regime_h, WEEK_H)
        course = np.nan_to_num((self._left[-span:] - self._usual) / self._spread) @ way
        # The step that explains most of the course: where the sum after it is largest.
        after = np.cumsum(course[::-1])[::-1]
        length = np.arange(len(course), 0, -1)
        gain = after**2 / length
        gain[-2:] = -np.inf
        start = int(np.argmax(gain[1:-2])) + 1 if len(course) > 4 else 0
        age = len(course) - start
        step, score = self._inflow_step(age)
        level = float(course[start:].mean())
        before = course[max(0, start - 12) : start]
        abrupt = start < 6 or (
            float(course[start : start + 6].mean()) > 0.6 * level
            and float(before.mean()) < 0.35 * level
        )
        moved = (mean_of(self._left[-age:]) - self._usual) / self._spread
        moved = np.where(np.isfinite(moved), moved, 0.0)
        return _Change(age, moved, abrupt, step, score)

    def _inflow_step(self, age: int) -> tuple[float, float]:
        """Return by how much the inflow stepped ``age`` hours ago, in l/h and in errors."""
        lags = np.stack((self._net[WEEK_H:-WEEK_H], self._net[: -2 * WEEK_H]))
        over = self._net[2 * WEEK_H :] - mean_of(lags)
        width = max(6, min(DAY_H, age))
        first = len(over) - age
        after = over[first + 1 : first + 1 + width] if age > 6 else over[first:]
        before = over[max(0, first - width) : first]
        step = float(mean_of(after[:, None])[0] - mean_of(before[:, None])[0])
        past = over[-NOISE_H:-DAY_H]
        past = past[np.isfinite(past)]
        if len(past) < 2 * width + 20:
            return step, math.nan
        total = np.concatenate(([0.0], np.cumsum(past)))
        means = (total[width:] - total[:-width]) / width
        error = 1.4826 * float(np.median(np.abs(means[width:] - means[:-width])))
        return step, step / max(error, 1e-3 * abs(float(np.nanmedian(self._net))), 1e-9)

    # --- what it means ---

    def _believe(self, change: _Change, window: int, at_ms: int) -> Finding | None:
        kind, leak = self._kind(change, window)
        found = None
        if kind == "leak":
            leak = _Leak(np.zeros_like(change.moved))
            self._leaks.append(leak)
            found = self._finding(change, at_ms)
        elif kind == "repair":
            self._leaks = [one for one in self._leaks if one is not leak]
            leak = None
        self._settle = (max(1, self._rule.settle_h - change.age_h + 1), leak)
        return found

    def _kind(self, change: _Change, window: int) -> tuple[str, _Leak | None]:
        rule, score = self._rule, change.step_score
        like, most = self._nearest(change.moved, 1.0)
        unlike, undone = self._nearest(change.moved, -1.0)
        weak = window >= DAY_H or not score >= rule.inflow_sign
        if weak and like > max(rule.same_cosine, unlike):
            return "growth", most
        if not change.abrupt or (window >= DAY_H and abs(score) < rule.inflow_sign):
            if like > rule.grow_cosine and like >= unlike:
                return "growth", most
            return ("repair", undone) if unlike > 0.8 else ("leak", None)
        if score < -rule.inflow_sign:
            return "repair", undone if unlike > 0.5 else None
        if score < rule.inflow_sign and unlike > max(rule.undo_cosine, like):
            return "repair", undone
        rises = max(float(change.moved.max()), 0.0) > 1.5 * max(-float(change.moved.min()), 0.0)
        if score < 0.5 and rises:
            return "repair", None
        faint = window < DAY_H and score < 1.0 and np.abs(change.moved).max() < rule.faint
        return ("other", None) if faint else ("leak", None)

    def _nearest(self, moved: Floats, sign: float) -> tuple[float, _Leak | None]:
        best: tuple[float, _Leak | None] = (-1.0, None)
        size = max(float(np.linalg.norm(moved)), 1e-9)
        for leak in self._leaks:
            own = max(float(np.linalg.norm(leak.change)), 1e-9)
            cosine = sign * float(moved @ leak.change) / (size * own)
            if cosine > best[0]:
                best = (cosine, leak)
        return best

    def _finding(self, change: _Change, at_ms: int) -> Finding:
        order = np.argsort(change.moved)[: self._rule.places]
        size = max(0.0, change.step_l_h) if math.isfinite(change.step_l_h) else math.nan
        return Finding(
            at_ms=at_ms,
            since_ms=at_ms - (change.age_h - 1) * HOUR_MS,
            size_l_h=size,
            sensors=tuple(int(sensor) for sensor in order),
        )
