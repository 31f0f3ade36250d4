"""Write the state of sirens, stations, zones, networks, sensors and nodes as history lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from amont_gateway import series
from amont_gateway.lines import line
from amont_gateway.view import Forecast, Station, View, Zone

_HOUR_MS = 3_600_000


def vital_lines(view: View) -> list[str]:
    """Return one line for each thing in the view that has a state."""
    makers: tuple[Callable[[View], Iterable[str | None]], ...] = (
        _stations, _zones, _networks, _sirens, _sensors, _nodes, _gateway,
    )  # fmt: skip
    return [written for make in makers for written in make(view) if written is not None]


def _stations(view: View) -> Iterable[str | None]:
    for s in view.stations:
        limits = s.thresholds
        fields = {
            "level": _code(series.LEVELS, s.level),
            "advice": _code(series.ADVICE, s.advice),
            "rung": _code(series.RUNGS, s.forecast.inputs),
            "watch_mm": limits.watch_mm,
            "warning_mm": limits.warning_mm,
            "alarm_mm": limits.alarm_mm,
            "age_s": s.age_s,
        }
        tags = {"station": s.id}
        yield line(series.STATION_STATE, view.site, tags, fields, view.now_ms)
        yield from _forecast(view, s, s.forecast)


def _forecast(view: View, station: Station, forecast: Forecast) -> Iterable[str | None]:
    if forecast.status != "ok" or forecast.issued_ms is None:
        return
    for step in forecast.steps:
        tags = {
            "station": station.id,
            "model": forecast.model,
            "horizon": f"{step.horizon_h:g}",
        }
        fields = {"p05_mm": step.p05_mm, "p50_mm": step.p50_mm, "p95_mm": step.p95_mm}
        end_ms = forecast.issued_ms + int(step.horizon_h * _HOUR_MS)
        yield line(series.FORECAST, view.site, tags, fields, end_ms)


def _zones(view: View) -> Iterable[str | None]:
    for z in view.zones:
        fields = {
            "verdict": _code(series.VERDICTS, z.verdict),
            "model_status": _code(series.MODEL, z.model_status),
            "night_flow_l_h": z.night_flow_l_h,
            "night_flow_usual_l_h": z.night_flow_usual_l_h,
            "leak_l_h": z.leak_l_h,
            "leak_probability": z.leak_probability,
            "expected_l_h": _expected_now(z, view.now_ms),
            "inflow_l_h": z.inflow_l_h,
        }
        yield line(series.ZONE_STATE, view.site, {"zone": z.id}, fields, view.now_ms)


def _networks(view: View) -> Iterable[str | None]:
    for n in view.networks:
        sizes = [leak.size_l_h for leak in n.leaks if leak.size_l_h is not None]
        chances = [leak.probability for leak in n.leaks if leak.probability is not None]
        fields = {
            "verdict": _code(series.VERDICTS, n.verdict),
            "model_status": _code(series.MODEL, n.model_status),
            "inflow_l_h": n.inflow_l_h,
            "leaks": len(n.leaks),
            "leak_l_h": sum(sizes) if sizes else None,
            "leak_probability": max(chances, default=None),
            "pressures_heard": n.heard,
        }
        yield line(series.NETWORK_STATE, view.site, {"network": n.id}, fields, view.now_ms)


def _expected_now(zone: Zone, now_ms: int) -> int | None:
    past = [value for t_ms, value, _ in zone.expected if t_ms <= now_ms]
    return past[-1] if past else None


def _sirens(view: View) -> Iterable[str | None]:
    for s in view.sirens:
        fields = {
            "state": _code(series.SIREN_STATES, s.state),
            "mode": _code(series.SIREN_MODES, s.mode),
            "health": _code(series.HEALTH, s.health),
            "commanded": int(s.commanded),
            "confirmed": 2 if s.confirmed is None else int(s.confirmed),
        }
        yield line(series.SIREN_STATE, view.site, {"siren": s.id}, fields, view.now_ms)


def _sensors(view: View) -> Iterable[str | None]:
    for s in view.sensors:
        fields = {
            "age_s": s.age_s,
            "flags": len(s.flags),
            "freshness": _code(series.FRESHNESS, s.freshness),
            "full_promise": int(s.promise == "full"),
            "votes": int(s.votes),
        }
        yield line(series.SENSOR_HEALTH, view.site, {"sensor": s.id}, fields, view.now_ms)


def _nodes(view: View) -> Iterable[str | None]:
    for n in view.nodes:
        fields = {
            "age_s": n.age_s,
            "battery_mv": n.battery_mv,
            "rssi_dbm": n.rssi_dbm,
            "outbox": n.outbox,
            "backlog": n.backlog,
            "boots": n.boots,
            "silent": int(n.silent),
        }
        yield line(series.NODE_HEALTH, view.site, {"node": str(n.id)}, fields, view.now_ms)


def _gateway(view: View) -> Iterable[str | None]:
    counts = ("samples_committed", "samples_repeated", "frames_opened", "frames_rejected")
    fields = {
        "guard_alive": int(view.guard_alive),
        "journal": _code(series.JOURNAL, view.journal),
        **{name: view.counters.get(name, 0) for name in counts},
    }
    yield line(series.GATEWAY, view.site, {}, fields, view.now_ms)


def _code(names: tuple[str, ...], name: str) -> int | None:
    return names.index(name) if name in names else None
