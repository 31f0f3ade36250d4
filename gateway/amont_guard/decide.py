"""Turn fresh samples into levels, and levels into what the sirens do. Pure: ``now_s`` comes in.

The rules are ``amont_watch``'s; here they meet the site: which channel is which sensor, which
sensors a station has, which stations a siren. Every call returns what happened; the caller
drives the relays first, then writes the audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from amont_watch import siren as alarm
from amont_watch import vote as voting
from amont_watch.hazard import Hazard
from amont_watch.machine import step
from amont_watch.quality import SensorQuality, flag_names
from amont_watch.siren import Action, Event, Limits, State, state_from_dict
from amont_wire.samples import Samples

from .config import Channel, Config, Siren, Station
from .freshness import Age

ADVICE_LEVELS = {"none": voting.NORMAL, "watch": voting.WATCH, "warning": voting.WARNING}
ADVICE_MAX_S = 6 * 3600
_LOST_SAMPLES = 5  # fast ones in a row that do not come: more than a radio loses by chance
_RATE_NORMAL, _RATE_FAST, _RATE_SIREN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Decision:
    """What happened, as the audit records it; ``actions`` if a siren's state machine acted."""

    record: dict[str, Any]
    siren: str = ""
    actions: tuple[Action, ...] = ()

    def code(self) -> str:
        """Return what whoever asked for it is told: done, second or why not."""
        said = {action.kind: action.rule for action in self.actions}
        asked = any(action.rule == "asked" for action in self.actions)
        usual = said.get(alarm.REFUSED, "second" if asked else "done")
        return str(self.record.get("code", usual))


@dataclass(slots=True)
class SensorWatch:
    """One sensor of a node: where it comes from, and what was judged last."""

    node: int
    channel: Channel
    quality: SensorQuality
    seats: list[tuple[StationWatch, voting.SensorState]] = field(default_factory=list)
    judged: tuple[int, int] = (-1, -1)  # epoch, seq

    @property
    def state(self) -> voting.SensorState | None:
        """Return what was read last, None if the sensor belongs to no station."""
        return self.seats[0][1] if self.seats else None


@dataclass(slots=True, eq=False)
class StationWatch:
    """One station: its sensors, its level, the vote it rests on, what a model advises."""

    config: Station
    rules: voting.StationConfig
    hazard: Hazard
    sensors: list[voting.SensorState] = field(default_factory=list)
    vote: voting.Vote = field(default_factory=lambda: voting.Vote(0, 0, [], 0, "no data", []))
    rule: str = "no data"  # what brought the level that stands
    advice: tuple[int, float] = (voting.NORMAL, 0.0)  # level, until when

    def advised(self, now_s: float) -> int:
        """Return the level that a model advises now."""
        return self.advice[0] if now_s < self.advice[1] else voting.NORMAL

    def reason(self) -> dict[str, Any]:
        """Say why the level stands, in codes and numbers."""
        level, values = self.hazard.level, [s.value for s in self.sensors if s.value is not None]
        return {
            "station": self.config.id, "level": voting.LEVEL_NAMES[level], "rule": self.rule,
            "stage_mm": max(values, default=None), "sensors": self.vote.evidence,
            "limit_mm": self.rules.limits[max(level, voting.WATCH)],
        }  # fmt: skip


@dataclass(slots=True)
class SirenWatch:
    """One siren: its state, and why it is so."""

    config: Siren
    limits: Limits
    stations: list[StationWatch]
    state: State = field(default_factory=State)
    since_s: float = 0.0  # of the annunciation that stands
    reason: dict[str, Any] = field(default_factory=dict)


class Judge:
    """All stations and sirens of the site."""

    def __init__(self, config: Config) -> None:
        """Build the watches that the configuration names."""
        self._by_node = {
            node.id: [SensorWatch(node.id, c, _quality(c)) for c in node.channels]
            for node in config.nodes.values()
        }
        self.sensors = {s.channel.sensor: s for mine in self._by_node.values() for s in mine}
        self.stations = {s.id: self._station(s, config) for s in config.stations.values()}
        self.sirens = {
            s.id: SirenWatch(
                s, Limits(max_on_s=s.max_on_s, pause_s=s.pause_s),
                [self.stations[station] for station in s.stations],
            )
            for s in config.sirens.values()
        }  # fmt: skip

    def votes(self, node: int) -> bool:
        """Tell whether any sensor of the node belongs to a station."""
        return any(sensor.seats for sensor in self._by_node.get(node, ()))

    def samples(
        self, node: int, epoch: int, message: Samples, age: Age, now_s: float, frame: list[int]
    ) -> list[Decision]:
        """Judge what is new and young enough in a frame; ``frame`` names it in the audit."""
        touched = {
            station.config.id: station
            for sensor in self._by_node.get(node, ())
            for row in self._new_rows(sensor, epoch, message)
            if self._observe(sensor, message, row, age, now_s)
            for station, _ in sensor.seats
        }
        return list(self._decide(touched.values(), now_s, frame))

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
        """Tell a siren's health region what kinds of fault there are; they never move it."""
        known = self.sirens[siren].state.faults
        events = [
            Event(alarm.RAISE_FAULT, name=kind, level=level)
            for kind, level in faults.items()
            if known.get(kind) != level
        ] + [Event(alarm.CLEAR_FAULT, name=kind) for kind in known if kind not in faults]
        return [
            decision
            for event in events
            for decision in self._step(siren, event, now_s, {"fault": event.name})
        ]

    def advise(self, station: str, level: str, until_s: float, now_s: float) -> None:
        """Take a model's advice; raise KeyError for an unknown station or level."""
        hold_s = min(max(float(until_s), 0.0), ADVICE_MAX_S)
        self.stations[station].advice = (ADVICE_LEVELS[level], now_s + hold_s)

    def set_limits(self, station: str, limits_mm: list[int]) -> None:
        """Judge by other limits from now on; a level that stands still falls as slowly as ever."""
        watch = self.stations[station]
        watch.rules.limits = [0, *limits_mm]
        for sensor in watch.sensors:  # what was a vote may be none now
            for i, limit in enumerate(limits_mm[2:]):
                if sensor.value is None or sensor.value < limit:
                    sensor.votes[i] = 0

    def calm(self, station: str) -> bool:
        """Tell whether a station is at normal."""
        return self.stations[station].hazard.level == voting.NORMAL

    def at_rest(self, siren: str) -> bool:
        """Tell whether a siren is armed and silent, and its stations are calm."""
        state = self.sirens[siren].state
        return (state.mode, state.annunciation, state.level) == (
            alarm.ARMED, alarm.IDLE, voting.NORMAL,
        )  # fmt: skip

    def rate(self, node: int, now_s: float) -> int:
        """Return how fast a node should sample: normal, fast, or as while a siren sounds."""
        mine = [s for sensor in self._by_node.get(node, ()) for s, _ in sensor.seats]
        sounding = [x for x in self.sirens.values() if x.state.annunciation == alarm.SOUND]
        undecided = any(s.vote.voters and s.hazard.level < voting.ALARM for s in mine)
        if undecided or any(s in siren.stations for siren in sounding for s in mine):
            return _RATE_SIREN  # more readings, soon: votes in a row decide
        high = any(max(s.hazard.level, s.advised(now_s)) >= voting.WATCH for s in mine)
        return _RATE_FAST if high else _RATE_NORMAL

    def snapshot(self, now_s: float) -> dict[str, Any]:
        """Return what must survive a restart."""
        now = int(now_s)
        return {
            "sirens": {name: siren.state.as_dict(now) for name, siren in self.sirens.items()},
            "stations": {
                name: {
                    **s.hazard.as_dict(now),
                    "rule": s.rule,
                    "sensors": {x.id: x.as_dict(now) for x in s.sensors},
                }
                for name, s in self.stations.items()
            },
            "reasons": {name: siren.reason for name, siren in self.sirens.items()},
            "judged": {n: [*s.judged, *s.quality.memory()] for n, s in self.sensors.items()},
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
        for name in self.stations.keys() & saved["stations"].keys():
            station, was = self.stations[name], saved["stations"][name]
            station.hazard.restore(was, now)
            station.rule = str(was.get("rule", station.rule))
            for sensor in station.sensors if sensors_too else ():
                if sensor.id in was["sensors"]:
                    sensor.restore(was["sensors"][sensor.id], then, now - then)
        for name in self.sensors.keys() & saved["judged"].keys():
            epoch, seq, *memory = map(int, saved["judged"][name])
            self.sensors[name].judged = (epoch, seq)
            self.sensors[name].quality.remember(memory)
        for name in self.sirens.keys() & states.keys():
            self.sirens[name].state = states[name]
            self.sirens[name].reason = dict(saved.get("reasons", {}).get(name, {}))

    def restart(self, now_s: float) -> list[Decision]:
        """Begin: a sounding alarm goes on, a mute does not, nothing starts from idle."""
        return [d for s in self.sirens for d in self._step(s, Event(alarm.RESTART), now_s, {})]

    def sounding(self, siren: str) -> bool:
        """Tell whether the siren's relay is to be on now."""
        return self.sirens[siren].state.relay != alarm.OFF

    def _station(self, place: Station, config: Config) -> StationWatch:
        rules = voting.StationConfig(vars(place))
        station = StationWatch(place, rules, Hazard(place.clear_s))
        for name in place.sensors:
            sensor = self.sensors[name]
            fast_s = _LOST_SAMPLES * config.nodes[sensor.node].fast_interval_s
            state = voting.SensorState(name, sensor.channel.validity_s, fast_s)
            # a broker or a gateway that stops, or lies, must not look like a flood
            state.loss_tells = config.nodes[sensor.node].carrier == "bridge"
            station.sensors.append(state)
            sensor.seats.append((station, state))
        return station

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
        self, sensor: SensorWatch, message: Samples, row: tuple[int, int, int], age: Age,
        now_s: float,
    ) -> bool:  # fmt: skip
        # False: too old to be judged, for the journal alone
        behind_s = message.tick_s - row[0]
        if age.upper_s + behind_s >= sensor.channel.validity_s:
            return False
        at_s, flags = int(now_s - age.estimate_s - behind_s), sensor.quality.judge(*row)
        for station, state in sensor.seats:
            state.fast = message.fast
            voting.observe(station.rules, state, at_s, row[1], flags, age.quality)
        return True

    def _decide(
        self, stations: Iterable[StationWatch], now_s: float, frame: list[int]
    ) -> Iterator[Decision]:
        now, judged = int(now_s), list(stations)
        for station in judged:
            before = station.hazard.level
            station.vote = voting.decide(station.rules, station.sensors, now)
            rule = station.hazard.take(station.vote, now)
            if station.hazard.level != before:
                station.rule = rule
                yield Decision(_evidence(station, before, now, frame))
        for name, siren in self.sirens.items():
            if any(station in siren.stations for station in judged):
                yield from self._hazard(name, now_s, frame)

    def _hazard(self, name: str, now_s: float, frame: list[int]) -> list[Decision]:
        siren = self.sirens[name]
        top = max(siren.stations, key=lambda s: (s.hazard.level, not s.hazard.awaiting))
        # a restored level hides no alarm of another station
        fresh = any(
            s.hazard.level >= voting.ALARM and not s.hazard.awaiting for s in siren.stations
        )
        calm = siren.state.annunciation == alarm.IDLE  # else keep saying why it sounded
        if top.hazard.level > siren.state.level or calm:
            siren.reason = top.reason()
        voters = tuple(sensor for station in siren.stations for sensor in station.vote.voters)
        event = Event(
            alarm.HAZARD, level=top.hazard.level, name=top.config.id, fresh=fresh, voters=voters
        )
        evidence = _evidence(top, siren.state.level, int(now_s), frame)
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
            "tone": "alarm" if siren.state.relay == alarm.ALARM_TONE else "",
            "actions": [action.as_dict() for action in actions],
        }  # fmt: skip
        return [Decision(record, name, tuple(actions))]


def _quality(c: Channel) -> SensorQuality:
    return SensorQuality(c.min, c.max, c.step_per_min, c.flat_samples)


def _evidence(station: StationWatch, before: int, now: int, frame: list[int]) -> dict[str, Any]:
    return {
        **station.reason(), "kind": "level", "before": voting.LEVEL_NAMES[before], "frame": frame,
        "readings": {
            s.id: [s.value, s.age_s(now), flag_names(s.flags), s.freshness]
            for s in station.sensors
        },
    }  # fmt: skip
