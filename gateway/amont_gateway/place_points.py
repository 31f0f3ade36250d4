"""Say in one word how each place is, for a map and the table beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from amont_gateway import series
from amont_gateway.places import Spot
from amont_gateway.view import Siren, Station, View, Zone
from amont_gateway.vitals import Point

_Thing = TypeVar("_Thing", Station, Zone, Siren)
_LEVELS = {"watch": "watch", "warning": "warning", "alarm": "alarm", "alarm_plus": "alarm"}
_VERDICTS = {"watch": "watch", "leak": "warning"}
_HEALTH = {"degraded": "watch", "fault": "warning"}


def place_points(view: View, spots: Iterable[Spot]) -> list[Point]:
    """Return a point for each place that the view knows, with its coordinates if it has any."""
    found = []
    fresh = {s.id for s in view.sensors if s.freshness not in ("stale", "unknown")}
    for spot in spots:
        state = _state(view, spot, fresh)
        if state:
            fields: dict[str, float | int | str | None] = {
                "latitude": spot.latitude,
                "longitude": spot.longitude,
                "state": series.PLACE_STATES.index(state),
            }
            tags = {"place": spot.id, "kind": spot.kind}
            found.append(Point(series.PLACE, tags, fields, view.now_ms))
    return found


def _state(view: View, spot: Spot, fresh: set[str]) -> str:
    """Return one of ``series.PLACE_STATES``, "" if the view does not know the place."""
    heard = bool(fresh & set(spot.sensors))
    if spot.kind == "gauge":
        return "good" if heard else "silent"
    if spot.kind == "siren":
        return _of(view.sirens, spot.id, _siren)
    if spot.kind == "zone":
        return _of(view.zones, spot.id, lambda zone: _zone(zone, heard))
    return _of(view.stations, spot.id, _station)


def _of(things: list[_Thing], name: str, state: Callable[[_Thing], str]) -> str:
    return next((state(thing) for thing in things if thing.id == name), "")


def _station(station: Station) -> str:
    return "silent" if station.level == "unknown" else _LEVELS.get(station.level, "good")


def _zone(zone: Zone, heard: bool) -> str:
    return _VERDICTS.get(zone.verdict) or ("good" if heard else "silent")


def _siren(siren: Siren) -> str:
    if siren.state == "unknown":
        return "silent"
    return "alarm" if siren.state == "sound" else _HEALTH.get(siren.health, "good")
