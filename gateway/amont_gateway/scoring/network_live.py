"""Judge each network hour by hour from its live readings: leaks, since when, near which sensors.

What is said rests on the readings alone. Readings may come late, so copies of the test are kept at
some of the hours behind it; a change makes it go back to the last one before, or begin again. So a
restart, which begins again, says the same.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

from amont_gateway.scoring import live_windows, network_rung
from amont_gateway.scoring.network_hours import (
    Hours,
    NoPast,
    Past,
    hour_end,
    means,
    reach_ms,
)
from amont_gateway.scoring.network_rung import FLOWS, PRESSURES, Judge, Rules, Rung, Width
from amont_gateway.scoring.network_slopes import DAY_H, mean_of
from amont_gateway.scoring.network_test import Finding
from amont_gateway.scoring.timeline import GOOD, HOUR_MS, Floats
from amont_gateway.view_network import NetworkLeak

READ_S = 0.5  # real time a round may spend on the past, and on judging
# How often a copy of the test is kept, and how far back: readings come late by hours, or by days.
MARKS_H = ((6, 12), (DAY_H, 3 * DAY_H), (7 * DAY_H, 28 * DAY_H))
RETAKE_MS = 60_000  # readings that come within an hour are looked at together so often
WAIT_H = 3  # so long for an hour that most sensors have not told of yet
FRESH_H = 36
BESIDE_H = 7 * DAY_H  # of readings since a leak began that are shown beside those before
SURE = 0.5  # a finding less probable than that is watched
SHOWN = 0.02  # and one of a smaller share of the inflow: one sensor that drifts looks like that
KPA = 0.01  # in one wire unit of pressure
METRES = KPA / 9.80665  # of water


class Windows(live_windows.Windows, Protocol):
    """The live windows, and whether they have been filled from the journal."""

    whole: bool

    def changes(self) -> dict[str, int]:
        """Return how often each sensor's readings have changed."""


class _State:
    """One network: its test at the newest hour and at some before, and what it says now."""

    def __init__(self, network: Any, columns: dict[str, int], rules: Rules) -> None:
        parts = (network.inflow, network.inner, network.levels, network.pressures)
        self._sensors = [sensor for part in parts for sensor in part]
        self._columns = [columns[sensor] for sensor in self._sensors]
        self._width = Width(*(len(part) for part in parts))
        self._units = np.repeat((1.0, METRES), (self._width.drivers, self._width.pressures))
        self._rules = rules
        self._begin(0, network_rung.whole(self._width))
        self.result: dict[str, Any] = {}

    def _begin(self, begin_ms: int, rung: Rung) -> None:
        self._begin_ms, self._rung = begin_ms, rung
        self._marks: list[tuple[int, Judge]] = []
        self._fed: Floats = np.empty((0, len(self._columns)))

    def judge(self, hours: Hours, for_s: float) -> bool:
        """Judge until the last hour; False if that takes longer, and goes on next time."""
        rows, begin_ms = self._rows(hours)
        heard = np.asarray(np.isfinite(hours.mean[-FRESH_H:, self._columns]).any(axis=0))
        rung = network_rung.rung(self._width, heard)
        if (begin_ms, rung) != (self._begin_ms, self._rung):
            self._begin(begin_ms, rung)
        test = self._judged(rows, _until(rows), for_s)
        if test is None:
            return False
        self.result = self._said(test, rows, heard.tolist())
        return True

    def _rows(self, hours: Hours) -> tuple[Floats, int]:
        """Return this network's hours since all inlets speak, and when the first ends.

        Whole days, in UTC: the test looks at days and parts of them, and a first reading an hour
        later moves none.
        """
        rows = hours.mean[:, self._columns]
        known = np.flatnonzero(np.isfinite(rows[:, : self._width.inflow]).all(axis=1))
        first = int(known[0]) if len(known) else len(rows)
        before = (hours.begin_ms // HOUR_MS + first - 1) % DAY_H
        begin_ms = int(hours.begin_ms + (first - before) * HOUR_MS)
        nothing = np.full((before, rows.shape[1]), np.nan)
        return np.concatenate((nothing, rows[first:])), begin_ms

    def _judged(self, rows: Floats, until: int, for_s: float) -> Judge | None:
        """Return the test after ``until`` hours, from the last copy before anything changed."""
        same = _same(rows[:until], self._fed)
        self._marks = [mark for mark in self._marks if mark[0] <= same]
        at, test = self._marks[-1] if self._marks else (0, self._rung.judge(self._rules))
        test, began_s = copy.deepcopy(test), time.monotonic()
        while at < until:
            test.step(self._rung.hour(self._units * rows[at], self._begin_ms + at * HOUR_MS))
            at += 1
            if _is_mark(at, until):
                self._marks.append((at, copy.deepcopy(test)))
            if time.monotonic() - began_s >= for_s:
                break  # an hour at least, however short the time
        self._marks = [mark for mark in self._marks if _is_mark(mark[0], until)]
        self._fed = rows[:at].copy()
        if at == until:
            return test
        self._marks.append((at, test))
        return None

    def _said(self, test: Judge, rows: Floats, heard: list[bool]) -> dict[str, Any]:
        width = self._width
        leaks = [self._leak(one, rows) for one in test.findings()]
        told = {
            "leaks": leaks,
            "heard": sum(heard[width.drivers :]),
            "meters_heard": sum(heard[: width.drivers]),
            "rung": network_rung.name(self._rung, self._width),
            "left_out": self._left_out(),
            "learning": not test.ready,
            "model": self._rung.model,
        }
        if told["learning"] or not all(heard[: width.inflow]):
            return {"verdict": "unknown", "model_status": "no data", **told}
        sure = any(leak.is_sure for leak in leaks)
        verdict = "leak" if sure else "watch" if leaks or test.suspects else "normal"
        return {"verdict": verdict, "model_status": "ok", **told}

    def _left_out(self) -> list[str]:
        """Return the inner flows and levels that are judged without, for they are silent."""
        drivers = range(self._width.drivers)
        return [self._sensors[k] for k in drivers if k not in self._rung.columns]

    def _is_sure(self, found: Finding, rows: Floats) -> bool:
        """Tell whether a leak is probable, and shown by the inflow as far as that can tell."""
        inflow = float(mean_of(rows[-BESIDE_H:, : self._width.inflow]).sum())
        silent = found.size_l_h < SHOWN * inflow  # not so if either is unknown
        return not (found.probability < SURE or silent)

    def _leak(self, found: Finding, rows: Floats) -> NetworkLeak:
        first = (found.since_ms - self._begin_ms) // HOUR_MS + 1
        before, after = _beside(rows, first, first + BESIDE_H)
        near = [self._width.drivers + sensor for sensor in found.sensors]
        flow = [float(side[: self._width.inflow].sum()) for side in (before, after)]
        rules = self._rules
        rule = rules.flows if self._rung.model == FLOWS else rules.pressures
        return NetworkLeak(
            number=found.number,
            found_ms=found.at_ms,
            since_ms=found.since_ms,
            size_l_h=_whole(found.size_l_h),
            is_sure=self._is_sure(found, rows),
            probability=round(found.probability, 2) if found.probability >= 0.0 else None,
            score=round(found.score, 1) if math.isfinite(found.score) else None,
            alarm=rule.alarm,
            sensors=[self._sensors[column] for column in near],
            before_kpa=[_whole(KPA * float(before[column])) for column in near],
            after_kpa=[_whole(KPA * float(after[column])) for column in near],
            inflow_before_l_h=_whole(flow[0]),
            inflow_after_l_h=_whole(flow[1]),
        )


class NetworkVerdicts:
    """The networks of one site and what was last said of them."""

    def __init__(self, site: Any, past: Past | None = None, rules: Rules | None = None) -> None:
        sensors = {
            name: None
            for network in site.networks
            for part in (network.inflow, network.inner, network.levels, network.pressures)
            for name in part
        }
        self._hours = Hours(tuple(sensors))
        rules = rules or Rules()
        both = {PRESSURES: asdict(rules.pressures), FLOWS: asdict(rules.flows)}
        self.rules: Mapping[str, dict[str, Any]] = {
            model: {"name": model, **rule} for model, rule in both.items()
        }
        columns = {name: index for index, name in enumerate(sensors)}
        self._states = {n.id: _State(n, columns, rules) for n in site.networks}
        self._past: Past | None = past or NoPast()
        self._taken_ms, self._known = 0, dict[str, int]()
        self.behind = False

    def update(self, windows: Windows, now_ms: int) -> None:
        """Judge every network up to the last whole hour; raise sqlite3.Error for the journal."""
        if not self._states or not windows.whole:
            return
        if not self._read(now_ms):
            self.behind = True
            return
        if self._is_due(windows, now_ms):
            self._take(windows, now_ms // HOUR_MS * HOUR_MS)
        elif not self.behind:
            return
        self.behind = not all([s.judge(self._hours, READ_S) for s in self._states.values()])

    def network(self, network_id: str) -> dict[str, Any] | None:
        """Return the fields of ``view.Network`` for a network; None before its first verdict."""
        state = self._states.get(network_id)
        return dict(state.result) if state is not None and state.result else None

    def _read(self, now_ms: int) -> bool:
        if self._past is not None and self._past.read(self._hours, now_ms, READ_S):
            self._past = None
        return self._past is None

    def _is_due(self, windows: Windows, now_ms: int) -> bool:
        """Tell whether an hour has passed, or readings have come; those wait for each other."""
        changes = windows.changes()
        known = {sensor: changes.get(sensor, 0) for sensor in self._hours.sensors}
        hour = now_ms // HOUR_MS != self._taken_ms // HOUR_MS
        late = known != self._known and now_ms - self._taken_ms >= RETAKE_MS
        if hour or late:
            self._taken_ms, self._known = now_ms, known
        return hour or late

    def _take(self, windows: Windows, until_ms: int) -> None:
        """Take the hours that the windows hold; what they forgot stays as it was."""
        found = [windows.series(sensor) for sensor in self._hours.sensors]
        firsts = [int(hour_end(t_ms[0])) for t_ms, _, _ in found if len(t_ms)]
        known = [self._hours.begin_ms] if len(self._hours.mean) else []
        begin_ms = max(reach_ms(until_ms), min([*firsts, *known], default=until_ms))
        self._hours.reach(begin_ms, until_ms)
        for sensor, (t_ms, value, quality) in enumerate(found):
            if len(t_ms):
                first_ms = max(begin_ms, int(hour_end(t_ms[0])))
                good = np.asarray(quality) == GOOD
                column = means(t_ms[good], np.asarray(value, float)[good], first_ms, until_ms)
                self._hours.put(sensor, first_ms, column)


def _same(rows: Floats, fed: Floats) -> int:
    """Return how many hours at the beginning are what was fed."""
    shared = min(len(rows), len(fed))
    one, other = rows[:shared], fed[:shared]
    same = ((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=1)
    return shared if same.all() else int(np.argmin(same))


def _is_mark(at: int, until: int) -> bool:
    """Tell whether a copy of the test after ``at`` hours is kept while ``until`` are judged."""
    return any(at % every == 0 and until - at <= back for every, back in MARKS_H)


def _until(rows: Floats) -> int:
    """Return how many hours to judge: the newest wait until most of what speaks has spoken."""
    usual = np.isfinite(rows[-DAY_H:]).any(axis=0).sum()
    last = len(rows)
    while last > max(0, len(rows) - WAIT_H) and 2 * np.isfinite(rows[last - 1]).sum() <= usual:
        last -= 1
    return last


def _beside(rows: Floats, first: int, until: int) -> tuple[Floats, Floats]:
    """Return the means of a span of hours, and of the same hours of day in the week before it."""
    after, spans = rows[max(0, first) : until], []
    for back in range(DAY_H, 8 * DAY_H, DAY_H):
        if first - back >= 0:
            spans.append(rows[first - back : first][: len(after)])
    before = np.concatenate(spans) if spans else rows[:0]
    return mean_of(before), mean_of(after)


def _whole(value: float) -> int | None:
    return round(value) if math.isfinite(value) else None
