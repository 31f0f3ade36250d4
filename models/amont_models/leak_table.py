"""Put the alarms of several rules over several places into one table, random alarms beside."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from amont_gateway.scoring.timeline import Floats
from amont_models import bootstrap, leak_list
from amont_models.leak_events import DAY_MS, Alarm, Label, Tally, by_block, counted
from amont_models.leak_floors import random_like
from amont_models.leak_list import Place

RANDOM_SEEDS = 20
BLOCK_DAYS = 28  # a stretch that is drawn again, where there are too few places to draw
PLACES_LEAST = 5
YEAR_H = 8766.0
UNJUDGED = ("alarms", "alarms_per_year", "years")  # what can be said without labels


def make(
    places: Sequence[Place],
    labels: Sequence[Sequence[Label]] | None,
    alarms: Mapping[str, Sequence[Sequence[Alarm]]],
) -> dict[str, Any]:
    """Return each rule's counts; ``labels`` and alarms by place, labels None if nobody knows.

    Random alarms, as many as the first rule gave, are drawn 20 times. That rule's alarms are told,
    and with labels what it made of each leak.
    """
    first = next(iter(alarms.values()))
    table: dict[str, dict[str, Any]] = {}
    for name, said in alarms.items():
        units = _units(places, labels, said)
        table[name] = {**_sum(units).summary(), **(intervals(units) if labels is not None else {})}
    table["random"] = _random(places, labels, first)
    if labels is None:
        table = {name: _unjudged(row) for name, row in table.items()}
    return {
        "labelled": labels is not None,
        "places": [place.name for place in places],
        "drawn": _drawn(places),
        "table": table,
        "alarms": {
            place.name: [leak_list.plain(alarm) for alarm in said]
            for place, said in zip(places, first, strict=True)
        },
        **({} if labels is None else leak_list.tell(places, labels, first)),
    }


def _unjudged(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of counts where nobody knows what was a leak."""
    return {name: value if name in UNJUDGED else None for name, value in row.items()}


def _drawn(places: Sequence[Place]) -> str:
    """Return what the intervals draw again: whole places, or stretches of the few there are."""
    return "places" if len(places) >= PLACES_LEAST else f"stretches of {BLOCK_DAYS} days"


def _units(
    places: Sequence[Place],
    labels: Sequence[Sequence[Label]] | None,
    alarms: Sequence[Sequence[Alarm]],
) -> list[Tally]:
    """Return the counts of what is drawn again."""
    units: list[Tally] = []
    for index, (place, said) in enumerate(zip(places, alarms, strict=True)):
        if not len(place.t_ms):
            continue
        known = labels[index] if labels is not None else ()
        truth, heard = counted(known, said, *place.span_ms)
        span_ms = int(place.t_ms[0]), int(place.t_ms[-1])
        days = (span_ms[1] - span_ms[0]) / DAY_MS
        count = 1 if len(places) >= PLACES_LEAST else max(1, round(days / BLOCK_DAYS))
        blocks = by_block(heard, truth, place.mean_l_h, span_ms, count)
        for block in blocks:
            block.years = len(place.t_ms) / YEAR_H / count
        units += blocks
    return units


def _sum(units: Sequence[Tally]) -> Tally:
    total = Tally()
    for unit in units:
        total += unit
    return total


def intervals(units: Sequence[Tally]) -> dict[str, list[float]]:
    """Return [low, high] of 95 % for each figure that a goal names; NaN for too few units."""
    counts = [
        (u.large_found, u.large, u.strict, u.leaks, u.strict_false, u.false, u.years)
        for u in units
    ]

    def f1(sums: Floats) -> Floats:
        return bootstrap.ratio(2.0 * sums[:, 2], sums[:, 2] + sums[:, 3] + sums[:, 4])

    rows = {
        "found_15": bootstrap.share([row[:2] for row in counts]),
        "strict_f1": bootstrap.of_sums(counts, f1),
        "false_per_year": bootstrap.share([row[5:] for row in counts]),
        "abrupt": bootstrap.interval([u.abrupt_h for u in units], _middle_delay),
    }
    return {f"{name}_95": values[1:] for name, values in rows.items()}


def _middle_delay(delays: Sequence[Sequence[float]]) -> float:
    every = [delay for unit in delays for delay in unit]
    return statistics.median(every) if every else math.nan


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
        draws.append(_sum(_units(places, labels, said)).summary())
    return {key: _mean([draw[key] for draw in draws]) for key in draws[0]}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 3) if known else None
