"""Tell leak by leak what a rule made of it, and which of its alarms were false."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from amont_gateway.scoring.timeline import HOUR_MS, Floats, Times
from amont_models.leak_events import Alarm, Label, counted, match, named, strict_call_ms


class Place(NamedTuple):
    """A zone or network as the table sees it: hours' ends and what came in, NaN for gaps."""

    name: str
    t_ms: Times
    inflow_l_h: Floats

    @property
    def mean_l_h(self) -> float:
        """Return the mean of what came in; 0 where nothing is known."""
        known = self.inflow_l_h[np.isfinite(self.inflow_l_h)]
        return float(known.mean()) if len(known) else 0.0

    @property
    def span_ms(self) -> tuple[int, int]:
        """Return when its first hour began and its last one ended; nothing for no hour."""
        return (int(self.t_ms[0]) - HOUR_MS, int(self.t_ms[-1])) if len(self.t_ms) else (0, 0)


def tell(
    places: Sequence[Place],
    labels: Sequence[Sequence[Label]],
    alarms: Sequence[Sequence[Alarm]],
) -> dict[str, Any]:
    """Return by place its ``leaks``, its ``false_alarms``, and the leaks ``outside`` its span."""
    leaks, false, outside = {}, {}, {}
    for place, known, said in zip(places, labels, alarms, strict=True):
        inside, heard = counted(known, said, *place.span_ms)
        heard.sort(key=lambda alarm: alarm.at_ms)
        finds = match(heard, inside)
        leaks[place.name] = [
            _leak(one, heard[finds.index(k)] if k in finds else None, place.mean_l_h)
            for k, one in enumerate(inside)
        ]
        false[place.name] = [
            plain(alarm) for alarm, found in zip(heard, finds, strict=True) if found is None
        ]
        outside[place.name] = [
            {"start_ms": one.start_ms, "end_ms": one.end_ms} for one in known if one not in inside
        ]
    return {"leaks": leaks, "false_alarms": false, "outside": outside}


def _leak(label: Label, found_by: Alarm | None, mean_l_h: float) -> dict[str, Any]:
    at_ms = None if found_by is None else found_by.at_ms
    return {
        "start_ms": label.start_ms,
        "end_ms": label.end_ms,
        "kind": "abrupt" if label.abrupt else "incipient",
        "size_m3h": _m3h(label.size_l_h),
        "found": found_by is not None,
        "at_ms": at_ms,
        "delay_h": None if at_ms is None else round((at_ms - label.start_ms) / HOUR_MS, 2),
        "strict": at_ms is not None and at_ms <= strict_call_ms(label, mean_l_h),
        "placed": found_by is not None and named(found_by, label),
    }


def plain(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as JSON holds it."""
    return {
        "at_ms": alarm.at_ms,
        "since_ms": alarm.since_ms,
        "size_m3h": _m3h(alarm.size_l_h),
        "probability": None if math.isnan(alarm.probability) else round(alarm.probability, 3),
        "places": list(alarm.places),
    }


def _m3h(flow_l_h: float) -> float | None:
    return None if math.isnan(flow_l_h) else round(flow_l_h / 1000.0, 3)
