"""Say what the guard knows: the STATE message, and the faults behind it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from amont_watch.quality import flag_names
from amont_watch.siren import (
    ANNUNCIATION_NAMES,
    DEGRADED,
    FAULT,
    HEALTH_NAMES,
    MODE_NAMES,
    MUTED,
)
from amont_watch.vote import FRESHNESS_NAMES, LEVEL_NAMES, SensorState

from .config import Config
from .decide import Judge, SensorWatch, SirenWatch, StationWatch
from .freshness import Freshness
from .intake import Heard
from .relay import Output

_SHOWN = 32  # faults of one message: more would not be read, and might not fit
_DETAIL = 200  # characters of one: an error may quote a whole file
_VOTING = ("none", "one", "two", "three")

# What people read of each fault; {} is the detail, which stays as the machine says it.
_TEXTS = {
    "config": (
        "Configuration illisible, la dernière bonne copie sert : {}",
        "Configuration unreadable, the last good copy is in force: {}",
    ),
    "copy": (
        "Pas de copie de secours de la configuration : {}",
        "No spare copy of the configuration: {}",
    ),
    "keys": ("Clés : {}", "Keys: {}"),
    "state": ("État enregistré illisible : {}", "Stored state unreadable: {}"),
    "audit": ("Journal d’audit altéré à la ligne {}", "Audit record altered at line {}"),
    "disk": ("Disque : {}", "Disk: {}"),
    "bridge": ("Pont radio : {}", "Radio bridge: {}"),
    "gateway": ("La passerelle ne répond pas", "The gateway does not answer"),
    "relay": ("Sirène {}", "Siren {}"),
    "silent": ("Le capteur {} n’est plus reçu", "Sensor {} is no longer heard"),
    "unproved": (
        "L’âge des mesures de {} n’est pas prouvé : elles ne déclenchent pas la sirène",
        "The age of readings of {} is not proved: they do not sound the siren",
    ),
}
_FAULTS = ("keys", "relay")  # the others leave the siren able to do its work


def fault(kind: str, detail: str = "") -> tuple[str, dict[str, Any]]:
    """Return a fault's name and what people read of it."""
    french, english = _TEXTS[kind]
    detail = detail[:_DETAIL]
    name = f"{kind} {detail}"[:60].strip()
    level = FAULT if kind in _FAULTS else DEGRADED
    texts = {"fr": french.format(detail), "en": english.format(detail)}
    return name, {"level": level, **texts}


def sensor_faults(
    judge: Judge, freshness: Freshness, heard: dict[int, Heard], now_s: float
) -> list[tuple[str, dict[str, Any]]]:
    """Name the sensors of stations that are silent or whose readings cannot sound."""
    found = []
    for name, sensor in judge.sensors.items():
        if not sensor.states:
            continue
        if not sensor.states[0].usable(int(now_s)):
            found.append(fault("silent", name))
        elif freshness.quality(sensor.node, heard[sensor.node].epoch) != 0:
            found.append(fault("unproved", name))
    return found


class Status:
    """Puts the STATE message together."""

    def __init__(self, config: Config, judge: Judge, freshness: Freshness, boot: str) -> None:
        """Look at what the guard's loop works on; it is read only between its turns."""
        self._config, self._judge = config, judge
        self._freshness, self.boot = freshness, boot

    def message(
        self, outputs: dict[str, Output], heard: dict[int, Heard], counters: Counter[str],
        faults: dict[str, dict[str, Any]], now_s: float, wall_ms: int,
    ) -> dict[str, Any]:  # fmt: skip
        """Return the STATE message of docs/architecture.md."""
        judge = self._judge
        return {
            "at_ms": wall_ms, "boot": self.boot, "site": self._config.site,
            "sirens": [
                _siren(s, outputs[name], now_s, wall_ms) for name, s in judge.sirens.items()
            ],
            "stations": [_station(s, now_s) for s in judge.stations.values()],
            "sensors": [
                self._sensor(name, s, heard, now_s) for name, s in judge.sensors.items()
            ],
            "nodes": [
                {
                    "id": node, "age_s": int(now_s - h.at_s), "epoch": h.epoch,
                    "carrier": "bridge" if h.by_bridge else self._carrier(node),
                }
                for node, h in heard.items()
            ],
            "counters": dict(counters),
            "faults": [{"name": name, **text} for name, text in list(faults.items())[:_SHOWN]],
        }  # fmt: skip

    def _carrier(self, node: int) -> str:
        known = self._config.nodes.get(node)
        return "mqtt" if known is None or known.carrier == "bridge" else known.carrier

    def _sensor(
        self, name: str, sensor: SensorWatch, heard: dict[int, Heard], now_s: float
    ) -> dict[str, Any]:
        node = heard.get(sensor.node)
        state = sensor.states[0] if sensor.states else None
        bridge = node.by_bridge if node else self._config.nodes[sensor.node].carrier == "bridge"
        return {
            "id": name, "node": sensor.node,
            "value": state.value if state else None,
            "age_s": _age_s(state, now_s),
            "flags": flag_names(state.flags) if state else [],
            "freshness": self._fresh(sensor, state, node, now_s),
            "promise": "full" if bridge else "weaker",
            "votes": bool(state and state.valid(int(now_s)) and state.freshness == 0),
        }  # fmt: skip

    def _fresh(
        self, sensor: SensorWatch, state: SensorState | None, node: Heard | None, now_s: float
    ) -> str:
        if node is None:
            return "unknown"
        if state is not None and not state.usable(int(now_s)):
            return "stale"
        return FRESHNESS_NAMES[self._freshness.quality(sensor.node, node.epoch)]


def _age_s(state: SensorState | None, now_s: float) -> int | None:
    return None if state is None or state.value is None else state.age_s(int(now_s))


def _siren(siren: SirenWatch, output: Output, now_s: float, wall_ms: int) -> dict[str, Any]:
    state = siren.state
    muted_ms = wall_ms + int((state.mute_until_s - now_s) * 1000)
    return {
        "id": siren.config.id,
        "state": ANNUNCIATION_NAMES[state.annunciation],
        "mode": MODE_NAMES[state.mode],
        "health": HEALTH_NAMES[state.health],
        "commanded": output.commanded,
        "confirmed": output.confirmed(),
        "since_ms": wall_ms - int((now_s - siren.since_s) * 1000),
        "muted_until_ms": muted_ms if state.annunciation == MUTED else None,
        "station": state.station, "reason": siren.reason,
        "acknowledged_by": state.acknowledged,
        "simulated": output.relay.simulated,
    }  # fmt: skip


def _station(station: StationWatch, now_s: float) -> dict[str, Any]:
    now = int(now_s)
    usable = [s.value for s in station.sensors if s.usable(now) and s.value is not None]
    total, valid = len(station.sensors), station.vote.valid
    some = _VOTING[min(valid, 3)]
    known = usable or station.hazard.level
    return {
        "id": station.config.id,
        "level": LEVEL_NAMES[station.hazard.level] if known else "unknown",
        "stage_mm": max(usable) if usable else None,
        "advice": LEVEL_NAMES[station.advised(now_s)].replace("normal", "none"),
        "voting": some if valid in (0, total) else f"{some} of {_VOTING[min(total, 3)]}",
        "sensors_valid": valid,
    }  # fmt: skip
