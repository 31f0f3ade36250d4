"""Say what the guard knows, in codes and numbers: the STATE message, and the faults behind it."""

from __future__ import annotations

from typing import Any, NamedTuple

from amont_watch import siren as alarm
from amont_watch.quality import flag_names
from amont_watch.vote import FRESHNESS_NAMES, LEVEL_NAMES, PROVED

from .config import Config
from .decide import Judge, SensorWatch, SirenWatch, StationWatch
from .freshness import Freshness
from .intake import Heard
from .sirens import Sirens
from .thresholds import Thresholds

_SHOWN = 32  # faults of one message: more would not be read, and might not fit
_DETAIL = 200  # characters of one: an error may quote a whole file
_VOTING = ("none", "one", "two", "three")

Fault = dict[str, Any]


def fault(kind: str, about: str = "", detail: str = "", level: int = alarm.DEGRADED) -> Fault:
    """Return one fault; ``about`` is a siren, station or sensor, ``detail`` for the technician."""
    return {"kind": kind, "about": about, "detail": detail[:_DETAIL], "level": level}


def fault_name(fault: Fault) -> str:
    """Name a fault for the audit and the health of sirens."""
    return f"{fault['kind']} {fault['about']} {fault['detail']}".replace("  ", " ").strip()[:60]


class Moment(NamedTuple):
    """Now by both clocks."""

    now_s: float
    wall_ms: int

    def ms(self, at_s: float) -> int:
        """Return the wall time of a domain time."""
        return self.wall_ms + int((at_s - self.now_s) * 1000)


class Status:
    """Look at what the guard's loop works on, between its turns."""

    def __init__(
        self, config: Config, judge: Judge, freshness: Freshness, sirens: Sirens,
        thresholds: Thresholds, heard: dict[int, Heard],
    ) -> None:  # fmt: skip
        """Share what is shown."""
        self._config, self._judge, self._freshness = config, judge, freshness
        self._sirens, self._thresholds, self._heard = sirens, thresholds, heard

    def faults(self, now_s: float, wall_ms: int) -> list[Fault]:
        """Name what is wrong with sirens, and sensors that are silent or that cannot sound."""
        found = [
            fault("relay", name, code, level)
            for name in self._sirens.outputs
            for code, level in self._sirens.findings(name, now_s, wall_ms).items()
        ]
        for name, sensor in self._judge.sensors.items():
            if sensor.state and not sensor.state.usable(int(now_s)):
                found.append(fault("silent", name, level=_loss(sensor, int(now_s))))
            elif sensor.state and self._fresh(sensor, now_s) != FRESHNESS_NAMES[PROVED]:
                found.append(fault("unproved", name))
            elif sensor.state and sensor.state.drifting:
                found.append(fault("drift", name))
        return found

    def message(self, faults: list[Fault], now_s: float, wall_ms: int) -> dict[str, Any]:
        """Return the places of the STATE message of docs/architecture.md."""
        judge, at = self._judge, Moment(now_s, wall_ms)
        return {
            "at_ms": wall_ms, "site": self._config.site,
            "sirens": [self._siren(s, at) for s in judge.sirens.values()],
            "stations": [self._station(s, at) for s in judge.stations.values()],
            "sensors": [self._sensor(s, now_s) for s in judge.sensors.values()],
            "faults": faults[:_SHOWN],
        }  # fmt: skip

    def _sensor(self, sensor: SensorWatch, now_s: float) -> dict[str, Any]:
        node, state = self._heard.get(sensor.node), sensor.state
        bridge = node.by_bridge if node else self._config.nodes[sensor.node].carrier == "bridge"
        known = state is not None and state.value is not None
        return {
            "id": sensor.channel.sensor, "node": sensor.node,
            "value": state.value if state else None,
            "age_s": state.age_s(int(now_s)) if state and known else None,
            "flags": flag_names(state.flags) if state else [],
            "freshness": self._fresh(sensor, now_s),
            "promise": "full" if bridge else "weaker",
            "votes": bool(state and state.valid(int(now_s)) and state.freshness == PROVED),
        }  # fmt: skip

    def _fresh(self, sensor: SensorWatch, now_s: float) -> str:
        node = self._heard.get(sensor.node)
        if node is None:
            return "unknown"
        if sensor.state is not None and not sensor.state.usable(int(now_s)):
            return "stale"
        return FRESHNESS_NAMES[self._freshness.quality(sensor.node, node.epoch)]

    def _siren(self, siren: SirenWatch, at: Moment) -> dict[str, Any]:
        state, name = siren.state, siren.config.id
        output = self._sirens.outputs[name]
        return {
            "id": name,
            "state": alarm.ANNUNCIATION_NAMES[state.annunciation],
            "mode": alarm.MODE_NAMES[state.mode],
            "health": alarm.HEALTH_NAMES[state.health],
            "commanded": output.commanded, "confirmed": output.confirmed(),
            "since_ms": at.ms(siren.since_s),
            "muted_until_ms": _while(state.annunciation == alarm.MUTED, at.ms(state.mute_until_s)),
            "mode_until_ms": _while(state.mode != alarm.ARMED, at.ms(state.mode_until_s)),
            "mute_left_s": state.mute_left_s(siren.limits),
            "asked": [
                {"kind": kind, "person": person, "until_ms": at.ms(until_s)}
                for kind, person, until_s, _ in state.pending(int(at.now_s))
            ],
            "station": state.station, "reason": siren.reason,
            "acknowledged_by": state.acknowledged,
            "simulated": output.relay.simulated, "output": siren.config.output["kind"],
            "findings": [
                {"code": code, "level": level}
                for code, level in self._sirens.findings(name, *at).items()
            ],
            "measured": output.measured(),
            **self._sirens.practice.show(name, *at),
        }  # fmt: skip

    def _station(self, station: StationWatch, at: Moment) -> dict[str, Any]:
        now, name = int(at.now_s), station.config.id
        usable = [s.value for s in station.sensors if s.usable(now) and s.value is not None]
        total, valid = len(station.sensors), station.vote.valid
        some, known = _VOTING[valid], usable or station.hazard.level
        changes = self._thresholds.show(name, now)
        return {
            "id": name,
            "level": LEVEL_NAMES[station.hazard.level] if known else "unknown",
            "stage_mm": max(usable, default=None),
            "advice": LEVEL_NAMES[station.advised(at.now_s)].replace("normal", "none"),
            "voting": some if valid in (0, total) else f"{some} of {_VOTING[total]}",
            "limits_mm": station.rules.limits[1:], "bounds_mm": station.config.bounds_mm,
            **{
                kind: change and {
                    "limits_mm": change["limits_mm"], "people": change["people"],
                    "at_ms": at.ms(change["at_s"]),
                }
                for kind, change in changes.items()
            },
        }  # fmt: skip


def _loss(sensor: SensorWatch, now: int) -> int:
    """Return how bad its silence is: a fault where nobody watches any more, or one of three."""
    left = [(sum(s.usable(now) for s in w.sensors), len(w.sensors)) for w, _ in sensor.seats]
    few = any(usable == 0 or (usable, all_of) == (1, 3) for usable, all_of in left)
    return alarm.FAULT if few else alarm.DEGRADED


def _while(holds: bool, value: int) -> int | None:
    return value if holds else None
