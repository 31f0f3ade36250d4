"""Judge the simple rules for one inflow beside the leak test: same areas, leaks and scorer.

Each sees the whole record of its area up to the hour, from before the judged part on, with the
leaks that were opened since. Random alarms are as many as what ships gives on each record.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amont_gateway.scoring.timeline import DAY_MS
from amont_models import data, leak, leak_floors
from amont_models.data import Zone
from amont_models.inject import Leak
from amont_models.leak_events import Alarm

RANDOM_SEEDS = 20
RANDOM = "random"


def rows(
    clean: Sequence[Zone],
    opened: Sequence[tuple[Zone, list[Leak]]],
    timezone: str,
    ships: leak.Alarms,
) -> dict[str, dict[str, float]]:
    """Return the summary of every floor that is no plain night step, and of random alarms."""
    out = {}
    for name, rule in leak_floors.zone_rules().items():
        if not name.startswith("night flow"):  # those have rows of their own, of more shares
            alarms = over_all(rule, timezone)
            out[name] = leak.count(alarms, list(clean), list(opened)).summary()
    out[RANDOM] = _random(clean, opened, ships)
    return out


def over_all(rule: leak_floors.Rule, timezone: str) -> leak.Alarms:
    """Return a rule for part of an area, as if it had run since the record began."""

    def alarms(zone: Zone) -> list[Alarm]:
        before = data.zone(int(zone.name)).between(0, int(zone.t_ms[0]))
        t_ms = np.concatenate((before.t_ms, zone.t_ms))
        inflow = np.concatenate((before.inflow_l_h, zone.inflow_l_h))
        return rule(leak.days_of(Zone(zone.name, t_ms, inflow), timezone))

    return alarms


def _random(
    clean: Sequence[Zone], opened: Sequence[tuple[Zone, list[Leak]]], ships: leak.Alarms
) -> dict[str, float]:
    zones = [*clean, *(zone for zone, _ in opened)]
    said = {id(zone): _judged(zone, ships(zone)) for zone in zones}
    draws = []
    for seed in range(RANDOM_SEEDS):
        seeds = {id(zone): 1000 * seed + place for place, zone in enumerate(zones)}

        def alarms(zone: Zone, seeds: dict[int, int] = seeds) -> list[Alarm]:
            times = zone.t_ms[zone.t_ms >= _since_ms(zone)]
            return leak_floors.random_like(said[id(zone)], times, seeds[id(zone)])

        draws.append(leak.count(alarms, list(clean), list(opened)).summary())
    return {name: _mean([draw[name] for draw in draws]) for name in draws[0]}


def _since_ms(zone: Zone) -> int:
    return int(zone.t_ms[0]) + leak.WARM_UP_DAYS * DAY_MS


def _judged(zone: Zone, alarms: Sequence[Alarm]) -> list[Alarm]:
    return [alarm for alarm in alarms if alarm.at_ms >= _since_ms(zone)]


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
