"""Turn a network's flows into what each block of 6 h says of losses: balances and their split.

A balance (what enters a part of the network, less what its tank keeps) follows a weekly course
times a slow season, and each day is larger or smaller as a whole: people use more or less. A leak
adds the same in every hour, so the covariance of a day's hours tells the two apart, and the nights
count most. How the inlets share a flow follows that flow; a leak moves it towards one of them.
Every day the whole memory is looked at again; nothing is kept from an older look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.network_slopes import DAY_H, HEAD_LOSS, mean_of
from amont_gateway.scoring.timeline import Floats, Times

BLOCK_H = 6
A_DAY = DAY_H // BLOCK_H
WEEK = 7
CLIP = 3.0  # spreads beyond which an hour teaches no more noise
SHRINK_DAYS = 40.0  # days' worth of the plain covariance
SEASON_DAYS, SEASON_WAVES = 30, 3  # one more slow wave of the season for so many days
TINY = 1e-9
UNKNOWN = 1e12  # variance of a block without a reading, (m3/h)2
JUMP_H = 6  # over which a pump's jump shows in a tank
DRY = 0.1  # of its highest level: a tank near its bottom gives what it has


@dataclass(frozen=True)
class Memory:
    """The hours that are remembered, whole days (d, 24, ...): m3/h and m; gaps are NaN."""

    first_day: int
    inflow: Floats
    inner: Floats
    level: Floats

    @property
    def days(self) -> Times:
        """Return the number of each day."""
        return self.first_day + np.arange(len(self.inflow), dtype=np.int64)


@dataclass(frozen=True)
class Part:
    """One component of the flows by the hour (d, 24), and what it is."""

    value: Floats
    is_balance: bool
    is_stored: bool = False  # a tank's level is in it


class Ways:
    """How tanks fill and how inlets share a flow, learnt from days of hours."""

    def __init__(self, memory: Memory) -> None:
        """Learn the tanks' areas and each inlet's share from what is remembered."""
        self._has_inner = bool(memory.inner.shape[2])
        self._has_level = bool(memory.level.shape[2])
        self._area: Floats = np.empty(0)
        if self._has_level:
            self._full = np.nan_to_num(memory.level).max(axis=(0, 1))  # (t,)
            self._area = _area(*self._stored(memory), self._has_inner)
        net = self._net(memory)
        known = np.isfinite(net)
        self._scale = max(float(net[known].mean()) if known.any() else 1.0, TINY)
        rows = self._rows(memory)
        self._slopes = [_slope(rows, share) for share in _shares(memory.inflow)]

    def parts(self, memory: Memory) -> list[Part]:
        """Return the balances of what the flows separate, then each inlet's share but one's."""
        found = []
        net = self._net(memory)
        if self._has_level:
            flow, rise = self._stored(memory)
            kept = np.asarray(flow - rise @ self._area)
            found = [Part(net, True)] if self._has_inner else []
            found.append(Part(kept, True, True))
        else:
            found = [Part(memory.inflow.sum(axis=2), True)]
        rows = self._rows(memory)
        for share, slope in zip(_shares(memory.inflow), self._slopes, strict=True):
            found.append(Part(np.asarray(share - rows @ slope), False))
        return found

    def _net(self, memory: Memory) -> Floats:
        return np.asarray(memory.inflow.sum(axis=2) - memory.inner.sum(axis=2))

    def _stored(self, memory: Memory) -> tuple[Floats, Floats]:
        """Return what flowed towards the tanks (d, 24) and by how much each rose (d, 24, t).

        A day on which a tank ran dry says nothing: people took what the pumps brought.
        """
        if self._has_inner:  # between the middles of two hours, as levels are their means
            inner = memory.inner.sum(axis=2)
            flow = np.asarray((inner + _before(inner)) / 2.0)
        else:
            flow = np.asarray(memory.inflow.sum(axis=2))
        dry = (memory.level <= DRY * self._full).any(axis=1, keepdims=True)
        level = np.where(dry, np.nan, memory.level)
        return flow, level - _before(level)

    def _rows(self, memory: Memory) -> Floats:
        """Return what an inlet's share may follow (d, 24, c)."""
        unit = np.maximum(self._net(memory), 0.0) / self._scale
        columns = [unit, unit**HEAD_LOSS, unit**3]
        for k in range(memory.inner.shape[2]):
            one = memory.inner[:, :, k] / self._scale
            columns += [one, one * np.abs(one), one * unit]
        return np.stack(columns, 2)


def _before(hours: Floats) -> Floats:
    """Return the hour before each, (d, 24, ...)."""
    flat = hours.reshape(-1, *hours.shape[2:])
    return np.concatenate((np.full_like(flat[:1], np.nan), flat[:-1])).reshape(hours.shape)


def _shares(inflow: Floats) -> list[Floats]:
    """Return by how much each inlet but the last differs from the mean of the others."""
    count = inflow.shape[2]
    total = inflow.sum(axis=2)
    return [
        np.asarray(inflow[:, :, k] - (total - inflow[:, :, k]) / (count - 1))
        for k in range(count - 1)
    ]


def _area(flow: Floats, rise: Floats, is_driven: bool) -> Floats:
    """Return the tanks' areas in m2 (t,), from how they rise faster when more flows to them.

    What people use moves a rise too, and both differ in time by minutes: so least squares tell
    areas too small. Where pumps drive the flow, their jumps over hours put that right: of those
    the flow is the cause, and the rise alone is blurred.
    """
    x, y = rise.reshape(-1, rise.shape[2]), flow.reshape(-1)
    x, y = x[JUMP_H:] - x[:-JUMP_H], y[JUMP_H:] - y[:-JUMP_H]
    known = np.isfinite(x).all(axis=1) & np.isfinite(y)
    hour = np.eye(DAY_H)[np.arange(len(y)) % DAY_H]
    table = np.concatenate((x, hour), 1)[known]
    gram = table.T @ table + 1e-6 * np.eye(table.shape[1])
    tanks = x.shape[1]
    found = np.linalg.solve(gram, table.T @ y[known])
    usual = np.linalg.solve(gram[tanks:, tanks:], table[:, tanks:].T @ y[known])
    jumps = y[known] - table[:, tanks:] @ usual
    told = table @ found - table[:, tanks:] @ usual
    more = float(jumps @ jumps) / max(float(told @ jumps), TINY) if is_driven else 1.0
    return np.asarray(np.maximum(found[:tanks] * min(max(more, 1.0), 1.5), 0.0))


def _slope(rows: Floats, share: Floats) -> Floats:
    """Return how a share follows the flows (c,), learnt within each day alone."""
    known = np.isfinite(rows).all(axis=2) & np.isfinite(share)
    rows, share = np.where(known[:, :, None], rows, np.nan), np.where(known, share, np.nan)
    x = np.nan_to_num(rows - mean_of(np.swapaxes(rows, 0, 1))[:, None])
    y = np.nan_to_num(share - mean_of(share.T)[:, None])
    x = x.reshape(-1, x.shape[2])
    return np.asarray(np.linalg.solve(x.T @ x + 1e-3 * np.eye(x.shape[1]), x.T @ y.reshape(-1)))


class Course:
    """What is usual of one part, and how a day's hours differ together."""

    def __init__(self, part: Part, loss: Floats, days: Times) -> None:
        """Learn from all days but the last, less the ``loss`` (d, 24) that is believed so far."""
        self.weekday = days % WEEK
        self._is_balance, self._is_stored = part.is_balance, part.is_stored
        past = (part.value - loss)[:-1]
        self.season = np.ones(len(days))
        self._learn(past)
        if part.is_balance:
            self.season = self._season(past)
            self._learn(past)
        # The season itself stays in what is left: the fit has its waves, beside the leaks.
        self.usual = float(self.season.mean()) * self.week[self.weekday]
        self.over = part.value - self.usual
        self.noise = self._noise(self.over[:-1] - loss[:-1])

    def _learn(self, past: Floats) -> None:
        unit = past / self.season[:-1, None]
        weekday = self.weekday[:-1]
        every = mean_of(unit)
        self.every = np.where(np.isfinite(every), every, np.nan_to_num(mean_of(every[:, None])))
        week = np.stack([mean_of(unit[weekday == k]) for k in range(WEEK)])
        self.week = np.where(np.isfinite(week), week, self.every)
        count = [np.isfinite(unit[weekday == k]).all(axis=1).sum() for k in range(WEEK)]
        self.weeks = max(1.0, float(np.median(count)))

    def _season(self, past: Floats) -> Floats:
        usual = np.where(np.isfinite(past), self.week[self.weekday[:-1]], 0.0)
        square = (usual**2).sum(axis=1)
        size = (usual * np.nan_to_num(past)).sum(axis=1) / np.maximum(square, TINY)
        table = waves(len(past) + 1)
        known = square > 0.5 * float((self.every**2).sum())
        if known.sum() <= 2 * table.shape[1]:
            return np.ones(len(past) + 1)
        found = np.linalg.lstsq(table[:-1][known], size[known], rcond=None)[0]
        return np.asarray(np.maximum(table @ found, 0.1))

    def _noise(self, over: Floats) -> Floats:
        """Return the covariance (24, 24) of a new day's hours, from how days differ."""
        near = mean_of(np.stack((over[:-2], over[2:])))
        moved = (over[1:-1] - near) / math.sqrt(1.5)
        moved = moved[np.isfinite(moved).all(axis=1)]
        shape = np.maximum(np.abs(self.every), TINY) if self._is_balance else np.ones(DAY_H)
        unit = moved / shape if len(moved) else np.full((1, DAY_H), 0.05)
        if not self._is_stored:  # how a tank fills has hours far off by nature
            limit = CLIP * (1.4826 * np.median(np.abs(unit), axis=0) + TINY)
            unit = np.clip(unit, -limit, limit)
        day = unit.mean(axis=1)
        alike = max(float((day**2).mean()), 1e-6)
        alone = max(float(((unit - day[:, None]) ** 2).mean()), 1e-6)
        plain = alike * np.ones((DAY_H, DAY_H)) + alone * np.eye(DAY_H)
        cov = (unit.T @ unit + SHRINK_DAYS * plain) / (len(unit) + SHRINK_DAYS)
        more = self.weeks / max(self.weeks - 1.0, 1.0) * (1.0 + 1.0 / self.weeks)
        return np.asarray(more * cov * np.outer(shape, shape))

    def renew(self, hours: Floats) -> None:
        """Take the hours of the newest day (24,) again."""
        self.over[-1] = hours - self.usual[-1]

    def weekday_blocks(self) -> Times:
        """Return the number of each block in its week, (d * 4,)."""
        return np.asarray(self.weekday[:, None] * A_DAY + np.arange(A_DAY)).ravel()


def waves(days: int) -> Floats:
    """Return slow waves of the season (d, w), the first constant."""
    count = min(SEASON_WAVES, 1 + days // SEASON_DAYS)
    at = np.pi * np.arange(days) / max(days - 1, 1)
    return np.stack([np.cos(k * at) for k in range(count + 1)], 1)


class Said:
    """What each block of each day says of a loss.

    ``value`` (d, 4) is a block's mean in m3/h, of hours that count by how sure they are;
    ``season`` (d, 4) what people's use says by mistake when it grows by its own size; ``error``
    (d, 4, 4) the covariance of a day's blocks; ``late`` (d, 24) the share that a block says of a
    loss that begins in an hour of it.
    """

    def __init__(self, course: Course) -> None:
        self._noise = course.noise
        days = len(course.over)
        self.value, self.season = np.zeros((days, A_DAY)), np.zeros((days, A_DAY))
        self.error, self.late = np.zeros((days, A_DAY, A_DAY)), np.zeros((days, DAY_H))
        known = np.isfinite(course.over)
        for pattern in np.unique(known, axis=0):
            self._look(np.flatnonzero((known == pattern).all(axis=1)), pattern, course)

    def renew(self, course: Course) -> None:
        """Look at the newest day again."""
        last = len(course.over) - 1
        self._look(np.array([last]), np.isfinite(course.over[last]), course)

    def _look(self, days: Times, known: NDArray[np.bool_], course: Course) -> None:
        sure = (known / np.diag(self._noise)).reshape(A_DAY, BLOCK_H)
        total = sure.sum(axis=1)
        hours = sure / np.maximum(total, TINY)[:, None]
        mean = np.zeros((A_DAY, DAY_H))
        for block in range(A_DAY):
            mean[block, BLOCK_H * block : BLOCK_H * (block + 1)] = hours[block]
        self.value[days] = np.nan_to_num(course.over[days]) @ mean.T
        self.season[days] = course.week[course.weekday[days]] @ mean.T
        unknown = np.where(total > 0.0, 0.0, UNKNOWN)
        self.error[days] = mean @ self._noise @ mean.T + np.diag(unknown)
        self.late[days] = np.cumsum(hours[:, ::-1], axis=1)[:, ::-1].ravel()
