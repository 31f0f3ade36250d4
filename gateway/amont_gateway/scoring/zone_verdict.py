"""Judge each zone from its live meters: verdict, size and since when, as people read it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from amont_gateway.scoring.adapted_file import Learnt
from amont_gateway.scoring.holiday_dates import HolidayError, public_holidays
from amont_gateway.scoring.live_windows import Windows, good_until
from amont_gateway.scoring.model_files import Model, ModelError
from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS, NO_SERIES, Series
from amont_gateway.scoring.zone_adapted import AS_IT_CAME, ZoneAdapted, made_for, read
from amont_gateway.scoring.zone_features import Days, by_day, hourly_mean
from amont_gateway.scoring.zone_test import LeakRule, Night, ZoneTest
from amont_gateway.view import Point

FLOW_FRESH_MS = 36 * HOUR_MS  # a verdict is by night: yesterday's still stands
ZONE_REACH_MS = 150 * DAY_MS
# The window of a zone starts at whole steps, so that judged days stay where they are.
ZONE_STEP_MS = 30 * DAY_MS
HOLIDAY_TRIES = 5


@dataclass
class _ZoneState:
    """What was judged before: only a new hour costs anything, and then only its own day."""

    hours: tuple[int, int] = (-1, 0)  # newest hour, number of hours
    settled: Days | None = None
    test: ZoneTest | None = None
    result: dict[str, Any] = field(default_factory=dict)
    nights: list[Night] = field(default_factory=list)  # that the result rests on

    def judge(self, days: Days, fresh: ZoneTest) -> list[Night]:
        """Return the nights of ``days``; go on from the settled ones if they are the same."""
        old = self.settled
        if self.test is None or old is None or not _begins_with(days, old):
            self.test = fresh
        # The last two days may still change: the running one, and one whose readings come late.
        keep = max(0, len(days.ordinal) - 2)
        self.settled = days.until(keep)
        self.test.run(self.settled)
        return self.test.fork().run(days)


class _Zone(NamedTuple):
    """A zone of the site's file: its meters, and whose public holidays are its own."""

    meters: tuple[str, ...]
    country: str


class ZoneVerdicts:
    """The zones of one site and their last verdicts."""

    def __init__(self, site: Any, adapted_file: Path | None = None) -> None:
        """Take a checked ``amont_site`` Site and where its own past may have taught something."""
        self._zones = {zone.id: _Zone(tuple(zone.inflow), zone.holidays) for zone in site.zones}
        self._time_zone = _time_zone(site.time_zone)
        self._states: dict[str, _ZoneState] = {}
        self._adaptations: Learnt[ZoneAdapted] = Learnt(adapted_file, read)
        self._calendars: dict[str, frozenset[int]] = {}
        self._tries: dict[str, int] = {}
        self.no_holidays: str | None = None  # why a country's holidays are not known

    @property
    def adapted_fault(self) -> str | None:
        """Say why what the site's past has taught is not used; None if it is, or there is none."""
        return self._adaptations.fault

    def adapted(self, zone_id: str) -> ZoneAdapted:
        """Return what a zone's own past has taught, as it is used."""
        return self._adaptations.places.get(zone_id, AS_IT_CAME)

    def is_adapted(self, zone_id: str) -> bool:
        """Tell whether a zone's own past has taught anything that is used."""
        return zone_id in self._adaptations.places

    def holidays(self, zone_id: str) -> frozenset[int]:
        """Return the public holidays of a zone (``date.toordinal``) as far as they are known."""
        return self._calendars.get(self._zones[zone_id].country, frozenset())

    def _ask_holidays(self) -> None:
        """Ask for what is not known yet; a machine that just starts may need another try.

        What was judged without is judged again.
        """
        wanted = {zone.country for zone in self._zones.values()} - set(self._calendars)
        for country in sorted(wanted):
            if self._tries.get(country, 0) >= HOLIDAY_TRIES:
                continue
            try:
                self._calendars[country] = public_holidays(country)
                self.no_holidays = None
                self._states.clear()
            except HolidayError as error:
                self._tries[country] = self._tries.get(country, 0) + 1
                self.no_holidays = str(error)
                return  # it may have taken long: zones are judged first

    def update(
        self, model: Model | None, rule: LeakRule, windows: Windows, now_ms: int
    ) -> str | None:
        """Judge every zone; return why the model failed, if it did."""
        fault: str | None = None
        self._ask_holidays()
        if model is not None and self._adaptations.renewed(made_for(model.sha256, rule)):
            self._states.clear()  # what was judged rests on the old thresholds
        for zone in self._zones:
            state = self._states.setdefault(zone, _ZoneState())
            if model is None:
                state.result = {"verdict": "unknown", "model_status": "fault"}
                continue
            try:
                state.result = self._zone(model, rule, zone, windows, now_ms)
            except ModelError as error:
                fault = str(error)
                state.hours = (-1, 0)
                state.result = {"verdict": "unknown", "model_status": "fault", "model": model.name}
        return fault

    def verdict(self, zone_id: str) -> dict[str, Any] | None:
        """Return the model's fields of ``view.Zone`` for a zone; None before its first verdict."""
        state = self._states.get(zone_id)
        return dict(state.result) if state is not None and state.result else None

    def nights(self, zone_id: str) -> list[Night]:
        """Return the nights that a zone's last verdict rests on, oldest first."""
        state = self._states.get(zone_id)
        return [] if state is None else state.nights

    def _zone(
        self,
        model: Model,
        rule: LeakRule,
        zone: str,
        windows: Windows,
        now_ms: int,
    ) -> dict[str, Any]:
        state, own = self._states[zone], self.adapted(zone)
        since_ms = (now_ms - ZONE_REACH_MS) // ZONE_STEP_MS * ZONE_STEP_MS
        hourly = inflow_of(self._zones[zone].meters, windows, since_ms, now_ms)
        if not len(hourly.t_ms) or now_ms - int(hourly.t_ms[-1]) > FLOW_FRESH_MS:
            state.hours = (-1, 0)
            return {"verdict": "unknown", "model_status": "no data", "model": model.name}
        hours = (int(hourly.t_ms[-1]), len(hourly.t_ms))
        if hours == state.hours and state.result:
            return state.result
        days = by_day(hourly, self._time_zone, self.holidays(zone), own.holiday)
        rule = own.rule(rule)
        nights = state.judge(days, ZoneTest(rule, lambda rows: model(rows)[:, 0]))
        state.nights, state.hours = nights, hours
        return _zone_fields(nights, days, rule, model.name)


def _begins_with(days: Days, old: Days) -> bool:
    count = len(old.ordinal)
    begin = days.until(count)
    same_days = np.array_equal(begin.ordinal, old.ordinal) and np.array_equal(begin.kind, old.kind)
    return same_days and np.array_equal(begin.l_h, old.l_h, equal_nan=True)


def _time_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def inflow_of(meters: Sequence[str], windows: Windows, since_ms: int, now_ms: int) -> Series:
    """Return the hourly sum of a zone's meters, in the hours that all of them know."""
    total: Series | None = None
    for meter in meters:
        hourly = hourly_mean(good_until(windows, meter, since_ms, now_ms))
        whole = hourly.t_ms <= now_ms  # the running hour is not over
        hourly = Series(hourly.t_ms[whole], hourly.value[whole])
        if total is None:
            total = hourly
            continue
        shared, one, other = np.intersect1d(total.t_ms, hourly.t_ms, return_indices=True)
        total = Series(shared, total.value[one] + hourly.value[other])
    return NO_SERIES if total is None else total


def _whole(value: float) -> int | None:
    return round(value) if math.isfinite(value) else None


def _zone_fields(nights: list[Night], days: Days, rule: LeakRule, model: str) -> dict[str, Any]:
    judged = [night for night in nights if math.isfinite(night.flow_l_h)]
    if not judged or nights[-1].verdict == "unknown":
        return {"verdict": "unknown", "model_status": "no data", "model": model}
    last = judged[-1]
    expected: list[Point] = []
    for index in range(max(0, len(nights) - 8), len(nights)):
        for end_ms, value in zip(
            days.end_ms[index].tolist(), nights[index].expected_l_h.tolist(), strict=True
        ):
            if end_ms > 0 and math.isfinite(value):
                expected.append((end_ms, round(value), 0))
    return {
        "verdict": nights[-1].verdict,
        "night_flow_l_h": _whole(last.flow_l_h),
        "night_flow_usual_l_h": _whole(last.usual_l_h),
        "leak_l_h": _whole(nights[-1].leak_l_h) if nights[-1].verdict != "normal" else None,
        "leak_probability": round(rule.probability(nights[-1].evidence), 3),
        "since_ms": nights[-1].since_ms,
        "model": model,
        "model_status": "ok",
        "expected": expected,
    }
