"""Run the gateway's network tests over records they have never seen, beside every simple rule.

The same as ``score_zone``, for flows and pressures, or flows alone: hour by hour, with what was
known at the time alone. Rules that know only the inflow see the sum of the inlets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from amont_gateway.scoring import network_rung, zone_features
from amont_gateway.scoring.network_rung import FLOWS, LEAST, Rules, Rung, Width
from amont_gateway.scoring.network_test import Hour
from amont_gateway.scoring.timeline import HOUR_MS, Floats, Series, Times
from amont_models import leak_table
from amont_models.leak_events import Alarm, Label, leak_label
from amont_models.leak_floors import Rule, zone_rules
from amont_models.leak_list import Place
from amont_models.records.table import GOOD, Channel, DataError, Record

SHIPPED = "what ships"
KPA_PER_M = 9.80665
PCA_LEARN_H = 28 * 24
PCA_SHARE = 0.95  # of the variance that the components hold
PCA_RUN_H = 12
PCA_BOUND = 3.0  # times the 99th percentile of the learning weeks
PCA_QUIET_H = 14 * 24


@dataclass(frozen=True)
class Network:
    """A network by the hour: ``end_ms`` (n,), pressures in m, flows in l/h, levels in mm.

    Without pressures, ``sensors`` are none.
    """

    name: str
    sensors: tuple[str, ...]
    end_ms: Times
    pressure_m: Floats
    inflow_l_h: Floats
    inner_l_h: Floats
    level_mm: Floats

    @property
    def rung(self) -> Rung:
        """Return by which test the gateway judges it, all its sensors speaking."""
        flows = (self.inflow_l_h, self.inner_l_h, self.level_mm)
        inflow, inner, levels = (part.shape[1] for part in flows)
        return network_rung.whole(Width(inflow, inner, levels, len(self.sensors)))

    @property
    def total_l_h(self) -> Floats:
        """Return what comes in, all inlets together; NaN where one is unknown."""
        return np.asarray(self.inflow_l_h.sum(axis=1))


NetworkAlarms = Callable[[Network], list[Alarm]]


def network(record: Record) -> Network:
    """Return a record's good readings by the hour; DataError if it is no network.

    One pressure alone has nothing to be compared with: it counts as none.
    """
    inlets, pressures = record.of("inflow"), record.of("pressure")
    if not inlets:
        raise DataError(f"{record.name}: a network has inflows")
    pressures = pressures if len(pressures) >= LEAST else ()
    starts = [one.t_ms[0] for one in (*inlets, *pressures)]
    ends = [one.t_ms[-1] for one in (*inlets, *pressures)]
    end_ms = HOUR_MS * np.arange(min(starts) // HOUR_MS + 1, max(ends) // HOUR_MS + 1)
    if not len(end_ms):
        raise DataError(f"{record.name}: not one whole hour of readings")

    def table(channels: Sequence[Channel], scale: float = 1.0) -> Floats:
        columns = [scale * hours(one, end_ms) for one in channels]
        return np.stack(columns, axis=1) if columns else np.empty((len(end_ms), 0))

    return Network(
        record.name,
        tuple(one.name for one in pressures),
        end_ms,
        table(pressures, 1.0 / KPA_PER_M),
        table(inlets),
        table(record.of("flow")),
        table(record.of("level")),
    )


def hours(channel: Channel, end_ms: Times) -> Floats:
    """Return the mean of a channel's good readings in each hour; NaN where there is none."""
    good = (channel.quality == GOOD) & np.isfinite(channel.value)
    place = -(-channel.t_ms[good] // HOUR_MS) - end_ms[0] // HOUR_MS
    inside = (place >= 0) & (place < len(end_ms))
    place, value = place[inside], channel.value[good][inside]
    count = np.bincount(place, minlength=len(end_ms))
    total = np.bincount(place, weights=value, minlength=len(end_ms))
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def shipped(settings: Rules | None = None) -> NetworkAlarms:
    """Return the gateway's own tests as a rule."""

    def alarms(one: Network) -> list[Alarm]:
        test = one.rung.judge(settings or Rules())
        rows = zip(*_since_inlets(one), strict=True)
        found = (test.step(Hour(*row)) for row in rows)
        return [
            Alarm(
                each.at_ms,
                each.since_ms,
                each.size_l_h,
                each.probability,
                places=tuple(one.sensors[sensor] for sensor in each.sensors),
            )
            for each in found
            if each is not None
        ]

    return alarms


def _since_inlets(one: Network) -> tuple[list[int], Floats, Floats, Floats, Floats]:
    """Return the columns of ``Hour`` as the gateway feeds them: whole days, in UTC.

    The first is that in which all inlets speak first; nothing is known of it before.
    """
    known = np.flatnonzero(np.isfinite(one.inflow_l_h).all(axis=1))
    first = int(known[0]) if len(known) else len(one.end_ms)
    before = (int(one.end_ms[0]) // HOUR_MS + first - 1) % 24

    def fed(part: Floats) -> Floats:
        return np.concatenate((np.full((before, part.shape[1]), np.nan), part[first:]))

    hour = np.arange(first - before, len(one.end_ms))
    end_ms = (one.end_ms[0] + HOUR_MS * hour).tolist()
    parts = (one.pressure_m, one.inflow_l_h, one.inner_l_h, one.level_mm)
    pressure, inflow, inner, level = (fed(part) for part in parts)
    return end_ms, pressure, inflow, inner, level


def on_inflow(rule: Rule, timezone: str) -> NetworkAlarms:
    """Return a rule for one inflow as a rule for the sum of a network's inlets."""

    def alarms(one: Network) -> list[Alarm]:
        known = np.isfinite(one.total_l_h)
        hourly = Series(one.end_ms[known], one.total_l_h[known])
        return rule(zone_features.by_day(hourly, ZoneInfo(timezone)))

    return alarms


def principal(use_spe: bool) -> NetworkAlarms:
    """Return: PCA of the pressures' first four weeks; the residual (SPE) or Hotelling's T2.

    Twelve hours above three times the 99th percentile of those weeks; then two weeks quiet.
    """

    def alarms(one: Network) -> list[Alarm]:
        past = one.pressure_m[:PCA_LEARN_H]
        past = past[np.isfinite(past).all(axis=1)]
        if len(past) < PCA_LEARN_H // 2:
            return []
        middle, spread = past.mean(axis=0), np.maximum(past.std(axis=0), 1e-6)
        _, values, ways = np.linalg.svd((past - middle) / spread, full_matrices=False)
        if not values.any():
            return []  # nothing ever moved: no sensor can leave the others
        share = np.cumsum(values**2) / float((values**2).sum())
        kept = int(np.searchsorted(share, PCA_SHARE)) + 1
        unit = (one.pressure_m - middle) / spread
        inside = unit @ ways[:kept].T
        outside = unit - inside @ ways[:kept]
        size = values[:kept] / np.sqrt(len(past))
        score = (outside**2).sum(axis=1) if use_spe else ((inside / size) ** 2).sum(axis=1)
        learnt = score[:PCA_LEARN_H]
        bound = PCA_BOUND * float(np.quantile(learnt[np.isfinite(learnt)], 0.99))
        drop = np.argsort(outside if use_spe else unit, axis=1)[:, :3]
        return _runs(one, score > bound, drop)

    return alarms


def _runs(one: Network, above: Any, drop: Any) -> list[Alarm]:
    alarms, count, quiet_until = [], 0, PCA_LEARN_H
    for index in range(PCA_LEARN_H, len(above)):
        count = count + 1 if above[index] else 0
        if count >= PCA_RUN_H and index >= quiet_until:
            places = tuple(one.sensors[k] for k in drop[index])
            since = int(one.end_ms[index - count + 1])
            alarms.append(Alarm(int(one.end_ms[index]), since, places=places))
            quiet_until, count = index + PCA_QUIET_H, 0
    return alarms


def rules(timezone: str, with_pressures: bool = True) -> dict[str, NetworkAlarms]:
    """Return what ships and every floor, what ships first; some floors need pressures."""
    floors = {name: on_inflow(rule, timezone) for name, rule in zone_rules().items()}
    pressures = {"PCA residual": principal(True), "PCA Hotelling": principal(False)}
    return {SHIPPED: shipped(), **floors, **(pressures if with_pressures else {})}


def score_networks(
    networks: Sequence[Network],
    labels: Sequence[Sequence[Label]] | None,
    chosen: Mapping[str, NetworkAlarms],
    since_ms: int = 0,
) -> dict[str, Any]:
    """Return the event table: every rule's counts over all networks, and each one's alarms.

    Judged is what comes from ``since_ms`` on; what was before may be learnt from. Where no network
    has pressures nothing names a place, and ``placed`` is None.
    """
    alarms = {
        name: [[alarm for alarm in rule(one) if alarm.at_ms >= since_ms] for one in networks]
        for name, rule in chosen.items()
    }
    later = [one.end_ms >= since_ms for one in networks]
    places = [
        Place(one.name, one.end_ms[kept], one.total_l_h[kept])
        for one, kept in zip(networks, later, strict=True)
    ]
    made = leak_table.make(places, labels, alarms)
    if not any(one.sensors for one in networks):
        made["table"] = {name: {**row, "placed": None} for name, row in made["table"].items()}
    return made


def score(record: Record, folder: Path) -> dict[str, Any]:
    """Return the event table of a network's record; without labels its alarms are listed.

    ``flows_only`` tells that it was judged without pressures. The network tests have no file of
    weights: ``folder`` is there for the other scorers' sake.
    """
    del folder
    one = network(record)
    since_ms = record.sites[0].train_until_ms or 0
    if since_ms > one.end_ms[-1]:
        raise DataError(f"{record.name}: no reading after its training part")
    labels = None
    if record.labels or record.nothing_happened:
        labels = [[leak_label(each, sensors=one.sensors) for each in record.labels]]
    chosen = rules(record.time_zone, with_pressures=bool(one.sensors))
    made = score_networks([one], labels, chosen, since_ms)
    return {**made, "flows_only": one.rung.model == FLOWS}
