"""Turn fresh samples into levels, and levels into what the sirens do. Pure: ``now_s`` comes in.

The rules are ``amont_watch``'s; here they meet the site: which channel is which sensor, which
sensors a station has, which stations a siren. Every call returns what happened; the caller
drives the relays first, then writes the audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from amont_watch import siren as alarm
from amont_watch import vote as voting
from amont_watch.hazard import Hazard
from amont_watch.machine import step
from amont_watch.quality import SensorQuality, flag_names
from amont_watch.siren import ALARM_TONE, OFF, Action, Event, Limits, State, state_from_dict
from amont_watch.texts import RULES
from amont_wire.samples import Samples

from .config import Channel, Config, Siren, Station
from .freshness import Age

ADVICE_LEVELS = {"none": voting.NORMAL, "watch": voting.WATCH, "warning": voting.WARNING}
ADVICE_MAX_S = 6 * 3600
_RATE_NORMAL, _RATE_FAST, _RATE_SIREN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Decision:
    """What happened, as the audit records it; ``actions`` if a siren's state machine acted."""

    record: dict[str, Any]
    siren: str = ""
    actions: tuple[Action, ...] = ()


@dataclass(slots=True)
class SensorWatch:
    """One sensor of a station: where it comes from, and what was judged last."""

    node: int
    channel: Channel
    quality: SensorQuality
    states: list[voting.SensorState]  # one for each station that it belongs to
    judged: tuple[int, int] = (-1, -1)  # epoch, seq


@dataclass(slots=True)
class StationWatch:
    """One station: its sensors, its level, the vote it rests on, what a model advises."""

    config: Station
    rules: voting.StationConfig
    sensors: list[voting.SensorState]
    hazard: Hazard
    vote: voting.Vote = field(default_factory=lambda: voting.Vote(0, 0, [], 0, "no data", []))
    rule: str = "no data"  # what brought the level that stands
    advice: tuple[int, float] = (voting.NORMAL, 0.0)  # level, until when

    def advised(self, now_s: float) -> int:
        """Return the level that a model advises now."""
        return self.advice[0] if now_s < self.advice[1] else voting.NORMAL


@dataclass(slots=True)
class SirenWatch:
    """One siren: its state, and why it is so."""

    config: Siren
    limits: Limits
    state: State
    since_s: float = 0.0  # of the annunciation that stands
    reason: dict[str, str] = field(default_factory=dict)


class Judge:
    """All stations and sirens of the site."""

    def __init__(self, config: Config) -> None:
        """Build the watches that the configuration names."""
        self.sensors: dict[str, SensorWatch] = {}
        self._by_node: dict[int, list[SensorWatch]] = {}
        for node in config.nodes.values():
            for c in node.channels:
                quality = SensorQuality(c.min, c.max, c.step_per_min, c.flat_samples)
                watch = self.sensors[c.sensor] = SensorWatch(node.id, c, quality, [])
                self._by_node.setdefault(node.id, []).append(watch)
        self.stations = {s.id: self._station(s) for s in config.stations.values()}
        self.sirens = {
            s.id: SirenWatch(s, Limits(max_on_s=s.max_on_s, pause_s=s.pause_s), State())
            for s in config.sirens.values()
        }

    def votes(self, node: int) -> bool:
        """Tell whether any sensor of the node belongs to a station."""
        return any(sensor.states for sensor in self._by_node.get(node, ()))

    def samples(
        self, node: int, epoch: int, message: Samples, age: Age, now_s: float, frame: list[int]
    ) -> list[Decision]:
        """Judge what is new and young enough in a frame; ``frame`` names it in the audit."""
        touched: set[str] = set()
        for sensor in self._by_node.get(node, ()):
            for row in self._new_rows(sensor, epoch, message):
                if self._observe(sensor, message.tick_s, row, age, now_s):
                    touched.add(sensor.channel.sensor)
        stations = [s for s in self.stations.values() if touched & set(s.config.sensors)]
        return list(self._decide(stations, now_s, frame)) if stations else []

    def tick(self, now_s: float) -> list[Decision]:
        """Let a second pass: readings grow old, mutes and bursts end."""
        decisions = list(self._decide(self.stations.values(), now_s, []))
        for name in self.sirens:
            decisions += self._step(name, Event(alarm.TICK), now_s, {})
        return decisions

    def ask(self, siren: str, kind: str, person: str, seconds: int, now_s: float) -> Decision:
        """Put a proved person's request to the state machine; it always leaves a record."""
        event = Event(kind, person=person, seconds=seconds)
        asked = {"kind": "asked", "siren": siren, "asked": kind, "person": person}
        return (self._step(siren, event, now_s, asked) or [Decision(asked)])[0]

    def report_faults(self, siren: str, faults: dict[str, int], now_s: float) -> list[Decision]:
        """Tell a siren's health region what is wrong now; faults never move the siren."""
        known, faults = self.sirens[siren].state.faults, _worst(faults)
        events = [
            Event(alarm.RAISE_FAULT, name=name, level=level)
            for name, level in faults.items()
            if known.get(name) != level
        ] + [Event(alarm.CLEAR_FAULT, name=name) for name in known if name not in faults]
        return [
            decision
            for event in events
            for decision in self._step(siren, event, now_s, {"fault": event.name})
        ]

    def advise(self, station: str, level: str, until_s: float, now_s: float) -> None:
        """Take a model's advice; raise KeyError for an unknown station or level."""
        hold_s = min(max(float(until_s), 0.0), ADVICE_MAX_S)
        self.stations[station].advice = (ADVICE_LEVELS[level], now_s + hold_s)

    def rate(self, node: int, now_s: float) -> int:
        """Return how fast a node should sample: normal, fast, or as while a siren sounds."""
        mine = [s for s in self.stations.values() if self._has(s, node)]
        names = {station.config.id for station in mine}
        if any(
            siren.state.annunciation == alarm.SOUND and names & set(siren.config.stations)
            for siren in self.sirens.values()
        ):
            return _RATE_SIREN
        high = any(max(s.hazard.level, s.advised(now_s)) >= voting.WATCH for s in mine)
        return _RATE_FAST if high else _RATE_NORMAL

    def snapshot(self, now_s: float) -> dict[str, Any]:
        """Return what must survive a restart."""
        now = int(now_s)
        return {
            "sirens": {name: siren.state.as_dict(now) for name, siren in self.sirens.items()},
            "stations": {
                name: {**s.hazard.as_dict(), "sensors": {x.id: x.as_dict(now) for x in s.sensors}}
                for name, s in self.stations.items()
            },
            "judged": {name: sensor.judged for name, sensor in self.sensors.items()},
        }

    def restore(
        self, saved: dict[str, Any], then_s: float, now_s: float, sensors_too: bool
    ) -> None:
        """Take a snapshot back as made at ``then_s``; raise KeyError, ValueError or TypeError.

        A standing level is held from ``now_s`` on, however long nobody listened; and what was not
        heard meanwhile is not lost.

        Without ``sensors_too`` the levels come back, but not what each sensor read: how long ago
        that was is not known.
        """
        then, now = int(then_s), int(now_s)
        states = {name: state_from_dict(s, then) for name, s in saved["sirens"].items()}
        for name, station in saved["stations"].items():
            if name in self.stations:
                self.stations[name].hazard.restore(station, now)
                for sensor in self.stations[name].sensors:
                    if sensors_too and sensor.id in station["sensors"]:
                        sensor.restore(station["sensors"][sensor.id], then, now - then)
        for name, (epoch, seq) in saved["judged"].items():
            if name in self.sensors:
                self.sensors[name].judged = (int(epoch), int(seq))
        for name in self.sirens.keys() & states.keys():
            self.sirens[name].state = states[name]

    def restart(self, now_s: float) -> list[Decision]:
        """Begin: a sounding alarm goes on, a mute does not, nothing starts from idle."""
        return [d for s in self.sirens for d in self._step(s, Event(alarm.RESTART), now_s, {})]

    def sounding(self, siren: str) -> bool:
        """Tell whether the siren's relay is to be on now."""
        return self.sirens[siren].state.relay != OFF

    def _station(self, config: Station) -> StationWatch:
        sensors = []
        for name in config.sensors:
            sensors.append(voting.SensorState(name, self.sensors[name].channel.validity_s))
            self.sensors[name].states.append(sensors[-1])
        rules = voting.StationConfig({**asdict(config), "sensors": list(config.sensors)})
        return StationWatch(config, rules, sensors, Hazard(config.clear_s))

    def _has(self, station: StationWatch, node: int) -> bool:
        return any(self.sensors[name].node == node for name in station.config.sensors)

    def _new_rows(
        self, sensor: SensorWatch, epoch: int, message: Samples
    ) -> Iterator[tuple[int, int, int]]:
        # (tick_s, value, quality), oldest first, of samples that were not judged before
        if epoch > sensor.judged[0]:
            sensor.quality.restart()
            sensor.judged = (epoch, -1)
        for seq, tick_s, channels in message.rows():
            for index, _quantity, value, quality in channels:
                if index == sensor.channel.index and (epoch, seq) > sensor.judged:
                    sensor.judged = (epoch, seq)
                    yield tick_s, value, quality

    def _observe(
        self, sensor: SensorWatch, frame_tick_s: int, row: tuple[int, int, int], age: Age,
        now_s: float,
    ) -> bool:  # fmt: skip
        tick_s, value, quality = row
        behind_s = frame_tick_s - tick_s
        if age.upper_s + behind_s >= sensor.channel.validity_s:
            return False  # for the journal alone
        at_s = int(now_s - age.estimate_s - behind_s)
        flags = sensor.quality.judge(tick_s, value, quality)
        for state in sensor.states:
            rules = next(s.rules for s in self.stations.values() if state in s.sensors)
            voting.observe(rules, state, at_s, value, flags, age.quality)
        return bool(sensor.states)

    def _decide(
        self, stations: Iterable[StationWatch], now_s: float, frame: list[int]
    ) -> Iterator[Decision]:
        now, changed = int(now_s), set()
        for station in stations:
            before = station.hazard.level
            station.vote = voting.decide(station.rules, station.sensors, now)
            rule = station.hazard.take(station.vote, now)
            changed.add(station.config.id)
            if station.hazard.level != before:
                station.rule = rule
                yield Decision(self._evidence(station, before, now, frame))
        for name, siren in self.sirens.items():
            if changed & set(siren.config.stations):
                yield from self._hazard(name, now_s, frame)

    def _hazard(self, name: str, now_s: float, frame: list[int]) -> list[Decision]:
        siren = self.sirens[name]
        mine = [self.stations[station] for station in siren.config.stations]
        top = max(mine, key=lambda s: (s.hazard.level, not s.hazard.awaiting))
        # a restored level hides no alarm of another station
        fresh = any(s.hazard.level >= voting.ALARM and not s.hazard.awaiting for s in mine)
        calm = siren.state.annunciation == alarm.IDLE  # else keep saying why it sounded
        if top.hazard.level > siren.state.level or calm:
            siren.reason = self._reason(top)
        voters = tuple(sensor for station in mine for sensor in station.vote.voters)
        event = Event(
            alarm.HAZARD, level=top.hazard.level, name=top.config.id, fresh=fresh, voters=voters
        )
        evidence = self._evidence(top, siren.state.level, int(now_s), frame)
        return self._step(name, event, now_s, evidence)

    def _step(
        self, name: str, event: Event, now_s: float, evidence: dict[str, Any]
    ) -> list[Decision]:
        siren, before = self.sirens[name], self.sirens[name].state
        siren.state, actions = step(before, event, int(now_s), siren.limits)
        if siren.state.annunciation != before.annunciation:
            siren.since_s = now_s
        if not actions:
            return []
        record = {
            **evidence, "kind": "siren", "siren": name,
            "state": alarm.ANNUNCIATION_NAMES[siren.state.annunciation],
            "mode": alarm.MODE_NAMES[siren.state.mode],
            "tone": "alarm" if siren.state.relay == ALARM_TONE else "",
            "actions": [action.as_dict() for action in actions],
        }  # fmt: skip
        return [Decision(record, name, tuple(actions))]

    def _evidence(
        self, station: StationWatch, before: int, now: int, frame: list[int]
    ) -> dict[str, Any]:
        level = station.hazard.level
        return {
            "kind": "level", "station": station.config.id,
            "level": voting.LEVEL_NAMES[level], "before": voting.LEVEL_NAMES[before],
            "limit_mm": station.rules.limits[level], "rule": station.rule,
            "sensors": station.vote.evidence, "frame": frame,
            "readings": {
                s.id: [s.value, s.age_s(now), flag_names(s.flags), s.freshness]
                for s in station.sensors
            },
        }  # fmt: skip

    def _reason(self, station: StationWatch) -> dict[str, str]:
        values = [s.value for s in station.sensors if s.value is not None]
        stage = f"{max(values)} mm" if values else "–"
        limit = station.rules.limits[station.hazard.level]
        rule = RULES.get(station.rule, {"fr": station.rule, "en": station.rule})
        sign = "≥" if station.hazard.level else "<"
        limit = limit or station.rules.limits[1]
        return {
            language: f"{station.config.name[language]}{colon} {stage} ({sign} {limit} mm), "
            + rule[language]
            for language, colon in (("fr", " :"), ("en", ":"))
        }


def _worst(faults: dict[str, int]) -> dict[str, int]:
    # As many as a siren's state holds, the worst by name; the others count together.
    names = sorted(faults, key=lambda name: (-faults[name], name))
    if len(names) <= alarm.MAX_FAULTS:
        return faults
    kept, rest = names[: alarm.MAX_FAULTS - 1], names[alarm.MAX_FAULTS - 1 :]
    return {**{name: faults[name] for name in kept}, alarm.MORE_FAULTS: faults[rest[0]]}
