"""Write the state of sirens, stations, zones, networks, sensors and nodes as history lines.

Not each time that it is looked at: when a code, a limit or a forecast has changed, else every five
minutes, so that a year of fifty stations stays small and what happens is still there at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from amont_gateway import series
from amont_gateway.lines import line
from amont_gateway.view import Forecast, Node, Station, View, Zone

EVERY_S = 300.0  # domain time between lines of a thing whose state stays
LONGEST_S = 172_800.0  # until the next limit: further ahead a trend says nothing
RISING_MM_H = 5  # slower is not rising
OLD_INFLOW_S = 7_200  # meters report hourly at the slowest; an older flow is not compared
_HOUR_MS = 3_600_000
_DAY_MS = 86_400_000
_WRITERS = ("summaries_lines", "events_lines", "indicators_lines")  # beside history's own
_LIMITS = ("watch_mm", "warning_mm", "alarm_mm")

Fields = dict[str, float | int | str | None]


class Point(NamedTuple):
    """One point, before it is written."""

    measurement: series.Measurement
    tags: dict[str, str]
    fields: Fields
    at_ms: int

    def line(self, site: str) -> str | None:
        """Write it; None if nothing of it is known."""
        return line(self.measurement, site, self.tags, self.fields, self.at_ms)


class Vitals:
    """Choose the points that are worth a line; for one thread."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, ...], tuple[float, int, tuple[object, ...]]] = {}

    def due(self, points: Iterable[Point], now_s: float) -> list[Point]:
        """Return the points whose state has changed, or that were not told for long."""
        found = []
        for point in points:
            key = (point.measurement.name, *point.tags.values())
            state = _state(point)
            told_s, at_ms, before = self._told.get(key, (-EVERY_S, -1, ()))
            is_same_point = point.at_ms == at_ms and state == before
            if is_same_point or (state == before and now_s - told_s < EVERY_S):
                continue
            self._told[key] = now_s, point.at_ms, state
            found.append(point)
        return found


def _state(point: Point) -> tuple[object, ...]:
    """Return what of a point is a state: codes and limits, not ages and amounts."""
    coded = {field.name for field in point.measurement.fields if field.codes}
    return tuple(v for k, v in point.fields.items() if k in coded or k in _LIMITS)


def vital_lines(view: View, machine: Mapping[str, float | int | None] | None = None) -> list[str]:
    """Return a line for each thing in the view that has a state, however it was before."""
    return written(points(view, machine), view.site)


def written(of: Iterable[Point], site: str) -> list[str]:
    """Return the lines of points."""
    return [found for point in of if (found := point.line(site)) is not None]


def points(view: View, machine: Mapping[str, float | int | None] | None = None) -> list[Point]:
    """Return a point for each thing that has a state; ``machine`` tells how the machine is."""
    known = machine or {}
    up_s = known.get("uptime_s")
    return [
        *_stations(view, up_s), *_zones(view), *_networks(view), *_sirens(view, up_s),
        *_sensors(view, up_s), *_nodes(view, up_s), _gateway(view, known),
    ]  # fmt: skip


def _stations(view: View, up_s: float | None) -> Iterable[Point]:
    nodes = {n.id: n for n in view.nodes}
    node_of = {s.id: nodes.get(s.node) for s in view.sensors}
    for s in view.stations:
        limits = s.thresholds
        intervals = [n.interval_s for x in s.sensors if (n := node_of.get(x)) and n.interval_s]
        fields: Fields = {
            "level": _code(series.LEVELS, s.level),
            "advice": _code(series.ADVICE, s.advice),
            "rung": _code(series.RUNGS, s.forecast.inputs),
            "watch_mm": limits.watch_mm,
            "warning_mm": limits.warning_mm,
            "alarm_mm": limits.alarm_mm,
            "age_s": s.age_s,
            "late_x": _late_x(s.age_s, min(intervals, default=0), up_s),
            "stage_mm": s.stage_mm,
            "trend_mm_h": s.trend_mm_h,
            "next_limit_s": next_limit_s(s),
            "forecast_reaches": _reaches(s.forecast),
        }
        yield Point(series.STATION_STATE, {"station": s.id}, fields, view.now_ms)
        yield from _forecast(s, s.forecast)


def next_limit_s(station: Station) -> float | None:
    """Return how long until the next limit if the stage went on rising; None: it does not."""
    stage_mm, trend_mm_h = station.stage_mm, station.trend_mm_h
    if stage_mm is None or trend_mm_h is None or trend_mm_h < RISING_MM_H:
        return None
    limits = station.thresholds
    marks = (limits.watch_mm, limits.warning_mm, limits.alarm_mm, limits.alarm_plus_mm)
    above = [mark - stage_mm for mark in marks if mark is not None and mark > stage_mm]
    seconds = 3_600.0 * min(above) / trend_mm_h if above else LONGEST_S
    return round(seconds, 1) if seconds < LONGEST_S else None


def _reaches(forecast: Forecast) -> int | None:
    if forecast.status != "ok":
        return None
    return _code(("none", "watch", "warning", "alarm"), forecast.reaches)


def _forecast(station: Station, forecast: Forecast) -> Iterable[Point]:
    if forecast.status != "ok" or forecast.issued_ms is None:
        return
    for step in forecast.steps:
        horizon = f"{step.horizon_h:g}"
        tags = {"station": station.id, "model": forecast.model, "horizon": horizon}
        fields: Fields = {"p05_mm": step.p05_mm, "p50_mm": step.p50_mm, "p95_mm": step.p95_mm}
        end_ms = forecast.issued_ms + int(step.horizon_h * _HOUR_MS)
        yield Point(series.FORECAST, tags, fields, end_ms)


def _zones(view: View) -> Iterable[Point]:
    for z in view.zones:
        fields: Fields = {
            "verdict": _code(series.VERDICTS, z.verdict),
            "model_status": _code(series.MODEL, z.model_status),
            "night_flow_l_h": z.night_flow_l_h,
            "night_flow_usual_l_h": z.night_flow_usual_l_h,
            "leak_l_h": z.leak_l_h,
            "leak_probability": z.leak_probability,
            "expected_l_h": _expected_now(z, view.now_ms),
            "inflow_l_h": z.inflow_l_h if (z.age_s or 0) <= OLD_INFLOW_S else None,
        }
        yield Point(series.ZONE_STATE, {"zone": z.id}, fields, view.now_ms)


def _networks(view: View) -> Iterable[Point]:
    for n in view.networks:
        sizes = [leak.size_l_h for leak in n.leaks if leak.size_l_h is not None]
        chances = [leak.probability for leak in n.leaks if leak.probability is not None]
        fields: Fields = {
            "verdict": _code(series.VERDICTS, n.verdict),
            "model_status": _code(series.MODEL, n.model_status),
            "inflow_l_h": n.inflow_l_h,
            "leaks": len(n.leaks),
            "leak_l_h": sum(sizes) if sizes else None,
            "leak_probability": max(chances, default=None),
            "pressures_heard": n.heard if n.pressures else None,
        }
        yield Point(series.NETWORK_STATE, {"network": n.id}, fields, view.now_ms)


def _expected_now(zone: Zone, now_ms: int) -> int | None:
    past = [value for t_ms, value, _ in zone.expected if t_ms <= now_ms]
    return past[-1] if past else None


def _sirens(view: View, up_s: float | None) -> Iterable[Point]:
    for s in view.sirens:
        fields: Fields = {
            "state": _code(series.SIREN_STATES, s.state),
            "mode": _code(series.SIREN_MODES, s.mode),
            "health": _code(series.HEALTH, s.health),
            "commanded": int(s.commanded),
            "confirmed": 2 if s.confirmed is None else int(s.confirmed),
            "confirm_ms": s.confirm_ms,
            "test_age_d": _age_d(s.silent_test.last_ms, view.now_ms, up_s),
            "drill_age_d": _age_d(s.drill.last_ms, view.now_ms),
            "drill_planned": int(s.drill.next_ms is not None),
            "battery_mv": s.measured.get("battery_mv"),
        }
        yield Point(series.SIREN_STATE, {"siren": s.id}, fields, view.now_ms)


def _sensors(view: View, up_s: float | None) -> Iterable[Point]:
    nodes = {n.id: n for n in view.nodes}
    for s in view.sensors:
        node = nodes.get(s.node)
        fields: Fields = {
            "age_s": s.age_s,
            "late_x": _late_x(s.age_s, node.interval_s if node else s.interval_s, up_s),
            "flags": len(s.flags),
            "freshness": _code(series.FRESHNESS, s.freshness),
            "full_promise": int(s.promise == "full"),
            "sealed": int(s.promise != "unsealed"),
            "votes": int(s.votes),
            "battery_mv": node.battery_mv if node else None,
            "rssi_dbm": node.rssi_dbm if node else None,
        }
        yield Point(series.SENSOR_HEALTH, {"sensor": s.id}, fields, view.now_ms)


def _nodes(view: View, up_s: float | None) -> Iterable[Point]:
    for n in view.nodes:
        yield Point(series.NODE_HEALTH, {"node": str(n.id)}, _node_fields(n, up_s), view.now_ms)


def _node_fields(n: Node, up_s: float | None) -> Fields:
    return {
        "age_s": n.age_s,
        "battery_mv": n.battery_mv,
        "rssi_dbm": n.rssi_dbm,
        "outbox": n.outbox,
        "backlog": n.backlog,
        "boots": n.boots,
        "silent": int(n.silent),
        "late_x": _late_x(n.age_s, n.interval_s, up_s),
        "battery_days": n.battery_days,
        "repeated_pct": n.repeated_pct,
    }


def _gateway(view: View, machine: Mapping[str, float | int | None]) -> Point:
    counts = ("samples_committed", "samples_repeated", "frames_opened", "frames_rejected")
    fields: Fields = {
        "guard_alive": int(view.guard_alive),
        "journal": _code(series.JOURNAL, view.journal),
        **{name: view.counters.get(name, 0) for name in counts},
        "database": _code(series.DATABASE, view.database),
        "broker": _code(series.BROKER, view.broker),
        **_history(view),
        **machine,
    }
    return Point(series.GATEWAY, {}, fields, view.now_ms)


def _history(view: View) -> Fields:
    history = view.history
    if history is None:
        return {}
    since_ms = history.waiting_since_ms if history.waiting else None
    return {
        "waiting": history.waiting,
        "waiting_s": 0.0 if since_ms is None else max(0, view.now_ms - since_ms) / 1000,
        "quarantined": history.quarantined,
        "lines_written": history.written + sum(view.counters.get(x, 0) for x in _WRITERS),
    }


def _late_x(age_s: float | None, interval_s: int, up_s: float | None) -> float | None:
    """Return the age in intervals; what was never heard is as late as the gateway is up.

    A field that is not written is no sign of silence: nobody is told of what is not there.
    """
    silent_s = up_s if age_s is None else age_s
    return None if silent_s is None or not interval_s else round(silent_s / interval_s, 2)


def _age_d(at_ms: int | None, now_ms: int, up_s: float | None = None) -> float | None:
    """Return an age in days; of what never was, how long the gateway is up, if that is given."""
    if at_ms is None:
        return None if up_s is None else round(up_s * 1000 / _DAY_MS, 2)
    return round(max(0, now_ms - at_ms) / _DAY_MS, 2)


def _code(names: tuple[str, ...], name: str) -> int | None:
    return names.index(name) if name in names else None
