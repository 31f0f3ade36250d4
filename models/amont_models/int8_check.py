"""Set each int8 file beside the float network that it was made from, on decisions.

Rising water: the signed rule (quantiles, widths, second witness) at every step of parts that never
taught, as on a station's first day. Leaks: the test with the network asked, on records with leaks
opened and as they are. F1 is of what was found, missed and falsely called, the same way for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from amont_gateway.scoring.river_decision import Rule, memory_ms
from amont_gateway.scoring.timeline import Series
from amont_gateway.scoring.zone_test import LeakRule, ZoneTest
from amont_models import leak, score_river, zone_chain
from amont_models.data import Zone
from amont_models.inject import Leak
from amont_models.leak_events import Alarm
from amont_models.metrics import f1
from amont_models.river_chain import Chain, Predict, Sight
from amont_models.river_station import Station
from amont_models.score_tables import tables
from amont_models.score_tally import JUDGED_H, Tally

LEVELS = ("warning", "watch")
FILES = ("int8", "float")
Pair = tuple[Predict, Predict]


def rivers(stations: Iterable[Station], networks: Pair, rule: Rule) -> dict[str, Any]:
    """Return how near int8 (first of ``networks``) is to float on the judged parts.

    ``steps`` are those at which a warning counts, ``differ`` how many of them have another level.
    """
    chains = [Chain(network, rule=rule) for network in networks]
    tallies: tuple[list[Tally], list[Tally]] = ([], [])
    same, steps = 0, 0
    for station in stations:
        seen = _judged(station, rule)
        said = [chain.decide(seen, station.constants) for chain in chains]
        for kept, made in zip(tallies, said, strict=True):
            kept.append(score_river.ours(station, seen, made))
        counts = station.water.eligible(seen.t_ms)
        counts &= seen.t_ms >= station.constants.train_until_ms
        alike = np.logical_and.reduce([said[0][k].warn == said[1][k].warn for k in LEVELS])
        same, steps = same + int(alike[counts].sum()), steps + int(counts.sum())
    told = dict(zip(FILES, (tables(each) for each in tallies), strict=True))
    levels = {
        level: _beside({name: _warned(told[name], level) for name in FILES}) for level in LEVELS
    }
    index = {f"{hours}h": _index(told, f"model_{hours}h") for hours in JUDGED_H}
    return {
        "stations": len(tallies[0]),
        "steps": steps,
        "differ": steps - same,
        "levels": levels,
        "df1": max(one["df1"] for one in levels.values()),
        "pi": index,
        "dpi": float(np.nanmax([abs(one["int8"] - one["float"]) for one in index.values()])),
    }


def _judged(station: Station, rule: Rule) -> Sight:
    """Return a station's sight with the steps of its judged part and those that they look to."""
    stage = station.clean.stage
    since = station.constants.train_until_ms - memory_ms(rule)
    first = int(np.searchsorted(stage.t_ms, since))
    return replace(station.clean, stage=Series(stage.t_ms[first:], stage.value[first:]))


def _warned(told: Mapping[str, Any], level: str) -> dict[str, float]:
    row = told["warnings"][level]
    found, false = row["warned"], row["false"]
    index = f1(found, row["events"] - found, false)
    return {"of": row["events"], "found": found, "false": false, "f1": index}


def _beside(rows: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {**rows, "df1": abs(rows["int8"]["f1"] - rows["float"]["f1"])}


def _index(told: Mapping[str, Any], name: str) -> dict[str, float]:
    return {file: told[file]["skill"][name]["pi"][0] for file in FILES}


class Listener:
    """The gateway's leak test as an alarm rule, which keeps what was said each night."""

    def __init__(self, predict: leak.Predict, rule: LeakRule, timezone: str) -> None:
        """Ask ``predict`` by ``rule``; days are those of ``timezone``."""
        self.predict, self.rule, self.timezone = predict, rule, timezone
        self.said: list[
            tuple[str, int | None]
        ] = []  # verdict and hour of the call, night by night

    def __call__(self, zone: Zone) -> list[Alarm]:
        """Return the alarms over a zone."""
        nights = ZoneTest(self.rule, self.predict).run(leak.days_of(zone, self.timezone))
        since = nights[0].ordinal + leak.WARM_UP_DAYS if nights else 0
        self.said += [(one.verdict, one.call_ms) for one in nights if one.ordinal >= since]
        return zone_chain.called(nights, self.rule)


Records = tuple[Sequence[Zone], Sequence[tuple[Zone, list[Leak]]]]


def leaks(
    records: Records, networks: tuple[leak.Predict, leak.Predict], rule: LeakRule, timezone: str
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """Return how near int8 is to float over ``records``, and the whole row of each, by file.

    ``df1`` is of the test with the network; ``df1_shipped`` of the rule, 0 if that asks none.
    """
    asked = replace(rule, network=rule.network or 1.0)
    heard = [Listener(network, asked, timezone) for network in networks]
    found = [leak.count(each, list(records[0]), list(records[1])) for each in heard]
    both = zip(heard[0].said, heard[1].said, strict=True)
    pairs = [(one, other) for one, other in both if not one[0] == other[0] == "unknown"]
    near = _beside(dict(zip(FILES, (_opened(one) for one in found), strict=True)))
    is_asked = rule.network > 0.0
    return {
        **near,
        "asked": is_asked,
        "df1_shipped": near["df1"] if is_asked else 0.0,
        "nights": len(pairs),
        "differ": sum(one != other for one, other in pairs),
    }, {file: one.summary() for file, one in zip(FILES, found, strict=True)}


def _opened(one: leak.Found) -> dict[str, float]:
    total = one.total
    index = f1(total.found, total.leaks - total.found, total.false)
    return {"of": total.leaks, "found": total.found, "false": total.false, "f1": index}
