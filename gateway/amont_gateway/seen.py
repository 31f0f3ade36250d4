"""Turn what the gateway sees into records, beside those that the guard makes of its decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from amont_gateway.view import Forecast

FORECAST_MS = 1_800_000  # a forecast is kept at most so often, unless it reaches another level

ZONE_SAID = ("verdict", "leak_l_h", "leak_probability", "since_ms", "night_flow_l_h")

Record = dict[str, Any]


class Seen:
    """Notice what changed; every method is called from one thread of its own."""

    def __init__(self, take: Callable[[Record], None], wall_ms: Callable[[], int]) -> None:
        self._take = take
        self._wall_ms = wall_ms
        self._known: dict[tuple[str, str], object] = {}
        self._forecasts: dict[str, Forecast] = {}

    def state(self, state: Mapping[str, Any]) -> None:
        """Compare the guard's state with the one before: outputs, limits, and calm."""
        sirens, stations = _things(state, "sirens"), _things(state, "stations")
        for name, siren in sirens.items():
            output = {"commanded": siren.get("commanded"), "confirmed": siren.get("confirmed")}
            self._changed("seen output", "siren", name, output)
        for name, station in stations.items():
            if station.get("limits_mm"):
                limits = {"limits_mm": station["limits_mm"]}
                self._changed("seen limits", "station", name, limits)
        calm = all(s.get("state") == "idle" and s.get("mode") == "armed" for s in sirens.values())
        calm = calm and all(s.get("level") in ("normal", "unknown") for s in stations.values())
        self._changed("seen calm", "site", "", {"calm": calm})

    def link(self, up: bool) -> None:
        """Take whether the guard is heard."""
        self._changed("seen link", "site", "", {"up": up})

    def forecasts(self, forecasts: Iterable[tuple[str, Forecast]]) -> None:
        """Keep the forecasts that are new enough, or that reach another level."""
        for station, new in forecasts:
            old = self._forecasts.get(station)
            if new.status != "ok" or new.issued_ms is None:
                continue
            soon = old is not None and new.issued_ms < (old.issued_ms or 0) + FORECAST_MS
            if soon and old is not None and old.reaches == new.reaches:
                continue
            self._forecasts[station] = new
            self._note("seen forecast", station=station, **_plain(new))

    def zones(self, zones: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Keep what is said of each zone's leak when the verdict is another one."""
        for zone, said in zones:
            verdict = str(said.get("verdict"))
            if verdict != "unknown" and self._known.get(("seen zone", zone)) != verdict:
                self._known["seen zone", zone] = verdict
                found = {name: said.get(name) for name in ZONE_SAID}
                self._note("seen zone", zone=zone, **found)

    def _changed(self, kind: str, what: str, name: str, content: Record) -> None:
        if self._known.get((kind, name)) != content:
            self._known[kind, name] = content
            self._note(kind, **{what: name}, **content)

    def _note(self, kind: str, **content: Any) -> None:
        self._take({"at_ms": self._wall_ms(), "kind": kind, **content})


def _plain(forecast: Forecast) -> Record:
    return {
        "issued_ms": forecast.issued_ms,
        "model": forecast.model,
        "inputs": forecast.inputs,
        "reaches": forecast.reaches,
        "steps": [[s.horizon_h, s.p05_mm, s.p50_mm, s.p95_mm] for s in forecast.steps],
    }


def _things(state: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    found = [x for x in state.get(kind) or () if isinstance(x, dict)]
    return {str(x.get("id")): x for x in found}
