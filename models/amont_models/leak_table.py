"""Put the alarms of several rules over several places into one table, random alarms beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from amont_gateway.scoring.timeline import Floats, Times
from amont_models.leak_events import Alarm, Label, Tally, tally
from amont_models.leak_floors import random_like

RANDOM_SEEDS = 20
YEAR_H = 8766.0


class Place(NamedTuple):
    """A zone or network as the table sees it: hours and what came in, NaN for gaps."""

    name: str
    t_ms: Times
    inflow_l_h: Floats


def make(
    places: Sequence[Place],
    labels: Sequence[Sequence[Label]] | None,
    alarms: Mapping[str, Sequence[Sequence[Alarm]]],
) -> dict[str, Any]:
    """Return each rule's counts; ``labels`` and alarms by place, labels None if nobody knows.

    Random alarms, as many as the first rule gave, are drawn 20 times. That rule's alarms are told.
    """
    first = next(iter(alarms.values()))
    table = {name: _total(places, labels, said).summary() for name, said in alarms.items()}
    table["random"] = _random(places, labels, first)
    return {
        "labelled": labels is not None,
        "places": [place.name for place in places],
        "table": table,
        "alarms": {
            place.name: [_plain(alarm) for alarm in said]
            for place, said in zip(places, first, strict=True)
        },
    }


def _total(
    places: Sequence[Place],
    labels: Sequence[Sequence[Label]] | None,
    alarms: Sequence[Sequence[Alarm]],
) -> Tally:
    total = Tally()
    for index, (place, said) in enumerate(zip(places, alarms, strict=True)):
        known = place.inflow_l_h[np.isfinite(place.inflow_l_h)]
        mean = float(known.mean()) if len(known) else 0.0
        truth = labels[index] if labels is not None else ()
        total += tally(said, truth, mean, len(place.t_ms) / YEAR_H)
    return total


def _random(
    places: Sequence[Place],
    labels: Sequence[Sequence[Label]] | None,
    like: Sequence[Sequence[Alarm]],
) -> dict[str, float | None]:
    draws = []
    for seed in range(RANDOM_SEEDS):
        said = [
            random_like(alarms, place.t_ms, 1000 * seed + index)
            for index, (place, alarms) in enumerate(zip(places, like, strict=True))
        ]
        draws.append(_total(places, labels, said).summary())
    return {key: _mean([draw[key] for draw in draws]) for key in draws[0]}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 3) if known else None


def _plain(alarm: Alarm) -> dict[str, Any]:
    return {
        "at_ms": alarm.at_ms,
        "since_ms": alarm.since_ms,
        "size_m3h": None if np.isnan(alarm.size_l_h) else round(alarm.size_l_h / 1000.0, 3),
        "probability": None if np.isnan(alarm.probability) else round(alarm.probability, 3),
        "places": list(alarm.places),
    }
