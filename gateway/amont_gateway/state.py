"""Build the snapshot that people see from everything that the gateway knows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from amont_gateway import guard_view
from amont_gateway import places as p
from amont_gateway import view as v
from amont_gateway.clock import Clock
from amont_gateway.confirmations import Confirmations
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.foreign_advice import watches
from amont_gateway.nodes import Nodes, NodeState
from amont_gateway.readings import OUT_OF_RANGE
from amont_gateway.scoring.screening import cause_names
from amont_gateway.windows import Last, Windows

GUARD_SILENT_S = 3.5  # it speaks each second; real time
SILENT_INTERVALS = 3  # a node is silent after so many missed frames
SERIES_MS = 3 * 86_400_000
SERIES_POINTS = 600
_TREND_MS = 3_600_000
_MIN_TREND_MS = 300_000
_CACHE_S = 0.05
_KNOWN_LEVELS = ("normal", "watch", "warning", "alarm", "alarm_plus")


class Judge(Protocol):
    """What models say; ``advise.Advisor`` is one."""

    def forecast(self, station: str) -> v.Forecast:
        """Return a station's forecast."""

    def zone(self, zone: str) -> dict[str, Any]:
        """Return the model's fields of ``view.Zone``."""


class Links(Protocol):
    """How the gateway's links are; ``app.Gateway`` is one."""

    def states(self) -> dict[str, str]:
        """Return the states of "database", "broker" and "journal"."""

    def history(self) -> v.HistoryState | None:
        """Return how the database is and what waits for it, None without one."""

    def lorawan(self) -> v.LorawanState | None:
        """Return how LoRaWAN is, None without it."""


class GuardState:
    """The guard's last STATE message, and how old it is in real and in domain time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {}
        self._real_s: float | None = None
        self._domain_s = 0.0
        self._confirmations = Confirmations()
        self.version = 0

    def take(self, state: dict[str, Any]) -> None:
        """Take a new STATE message."""
        self._confirmations.state(state)
        with self._lock:
            self._state = state
            self._real_s = time.monotonic()
            self._domain_s = self._clock.monotonic_s()
            self.version += 1

    def audit(self, record: dict[str, Any]) -> None:
        """Take one of the guard's records."""
        self._confirmations.audit(record)

    def confirm_ms(self, siren: str) -> int | None:
        """Return how long a siren's contact took to follow the last command."""
        return self._confirmations.took_ms(siren)

    def now(self) -> tuple[dict[str, Any], float | None, float]:
        """Return the state, its age in real seconds (None: never), and in domain seconds."""
        with self._lock:
            if self._real_s is None:
                return {}, None, 0.0
            aged_s = max(0.0, self._clock.monotonic_s() - self._domain_s)
            return self._state, time.monotonic() - self._real_s, aged_s


class StateBuilder:
    """Make views; one younger than 50 ms is handed out again unless something new came."""

    def __init__(
        self,
        places: p.Places,
        guard: GuardState,
        windows: Windows,
        nodes: Nodes,
        judge: Judge,
        links: Links,
        counters: Counters,
        events: Events,
        clock: Clock,
        demo: Callable[[], v.Demo | None] = lambda: None,
        training: Callable[[], v.Training | None] = lambda: None,
        network: Callable[[str], dict[str, Any]] = lambda _id: {},
        foreign: Callable[[], list[v.ForeignSource]] = list,
    ) -> None:
        self._places = places
        self._guard = guard
        self._windows = windows
        self._nodes = nodes
        self._judge = judge
        self._links = links
        self._counters = counters
        self._events = events
        self._clock = clock
        self._demo = demo
        self._training = training
        self._judged = network
        self._foreign = foreign
        self._lock = threading.Lock()
        self._made_s = -1.0
        self._made_of = -1  # version
        self._view: v.View | None = None

    @property
    def version(self) -> int:
        """Return a number that grows whenever the view has changed."""
        return self._windows.version + self._guard.version + self._events.version

    def view(self) -> v.View:
        """Return the present snapshot; it must not be changed."""
        with self._lock:
            now_s, version = time.monotonic(), self.version
            fresh = version == self._made_of and now_s - self._made_s <= _CACHE_S
            if self._view is None or not fresh:
                self._view = self._build()
                self._made_s, self._made_of = now_s, version
            return self._view

    def _build(self) -> v.View:
        state, real_age_s, aged_s = self._guard.now()
        alive = real_age_s is not None and real_age_s <= GUARD_SILENT_S
        moment = _Moment(self._clock.wall_ms(), self._clock.monotonic_s(), state, aged_s, alive)
        links, (lines, head) = self._links.states(), guard_view.audit(state)
        return v.View(
            site=self._places.site,
            name=self._places.name,
            now_ms=moment.now_ms,
            guard_alive=alive,
            guard_age_s=None if real_age_s is None else round(real_age_s, 1),
            stations=[self._station(s, moment) for s in self._places.stations],
            zones=[self._zone(z, moment) for z in self._places.zones],
            networks=[self._network(n, moment) for n in self._places.networks],
            sirens=[self._siren(s, moment) for s in self._places.sirens],
            sensors=[self._sensor(s, moment) for s in self._places.sensors],
            nodes=[self._node(n, moment) for n in self._places.nodes],
            bridges=guard_view.bridges(state, alive),
            foreign=self._foreign(),
            events=self._events.latest(),
            people=list(self._places.people),
            counters={**self._counters.snapshot(), **_guard_counters(state)},
            audit_lines=lines,
            audit_head=head,
            demo=self._demo(),
            training=self._training(),
            database=links["database"],
            history=self._links.history(),
            broker=links["broker"],
            lorawan=self._links.lorawan(),
            journal=links["journal"],
        )

    def _station(self, place: p.Station, moment: _Moment) -> v.Station:
        judged = moment.of("stations", place.id)
        sensor, last = self._shown(place.sensors)
        level = judged.get("level") if moment.alive else None
        # what the guard judges by comes first; a reading too old to judge by is still shown
        stage_mm = judged.get("stage_mm") if moment.alive else None
        return v.Station(
            id=place.id,
            name=place.name,
            river=place.river,
            level=level if level in _KNOWN_LEVELS else "unknown",
            advice=str(judged.get("advice") or "none"),
            stage_mm=stage_mm if stage_mm is not None else last and last.value,
            at_ms=last and last.t_ms,
            age_s=moment.age_s(last),
            trend_mm_h=self._trend(sensor, last),
            thresholds=guard_view.limits(judged, place.thresholds),
            bounds_mm=guard_view.bounds(judged),
            proposed=guard_view.change(judged.get("proposed")),
            agreed=guard_view.change(judged.get("agreed")),
            previous=guard_view.change(judged.get("previous")),
            sensors=list(place.sensors),
            voting=str(judged.get("voting") or ""),
            series=self._points(sensor, moment),
            history_until_ms=self._windows.late_until_ms(sensor),
            forecast=self._judge.forecast(place.id),
            foreign_watch=watches([place], self._places, self._windows, moment.now_ms).get(
                place.id, ""
            ),
        )

    def _siren(self, place: p.Siren, moment: _Moment) -> v.Siren:
        said = moment.of("sirens", place.id)
        siren = guard_view.siren(place, said, moment.alive, self._places.names)
        siren.confirm_ms = self._guard.confirm_ms(place.id)
        return siren

    def _zone(self, place: p.Zone, moment: _Moment) -> v.Zone:
        last, points = self._inflow(place.inflow, moment)
        fields = {"verdict": "unknown", **self._judge.zone(place.id)}
        return v.Zone(
            id=place.id,
            name=place.name,
            inflow_l_h=last and last.value,
            at_ms=last and last.t_ms,
            age_s=moment.age_s(last),
            series=points,
            **fields,
        )

    def _network(self, place: p.Network, moment: _Moment) -> v.Network:
        last, points = self._inflow(place.inflow, moment)
        fields = {"verdict": "unknown", **self._judged(place.id)}
        return v.Network(
            id=place.id,
            name=place.name,
            inflow_l_h=last and last.value,
            at_ms=last and last.t_ms,
            age_s=moment.age_s(last),
            pressures=len(place.pressures),
            meters=len(place.inflow) + len(place.beside),
            series=points,
            **fields,
        )

    def _inflow(
        self, meters: tuple[str, ...], moment: _Moment
    ) -> tuple[Last | None, list[v.Point]]:
        """Sum inflows at the times of the first, each at its newest value until then."""
        columns = [self._points(sensor, moment) for sensor in meters]
        points = columns[0] if columns else []
        for column in columns[1:]:
            points = _plus(points, column)
        return (Last(*points[-1]) if points else None), points

    def _sensor(self, place: p.Sensor, moment: _Moment) -> v.Sensor:
        judged = moment.of("sensors", place.id)
        last = self._windows.last(place.id)
        age_s = moment.age_s(last)
        # a foreign reading's time is what its message says, and nothing proves it
        usual = "assumed" if place.source and last else "unknown"
        freshness = str(judged.get("freshness") or usual)
        alive = moment.alive or bool(place.source)
        if not alive or (age_s is not None and age_s > place.validity_s):
            freshness = "stale" if last else "unknown"
        return v.Sensor(
            id=place.id,
            name=place.name,
            node=place.node,
            place=place.place,
            quantity=place.quantity,
            value=last and last.value,
            at_ms=last and last.t_ms,
            age_s=age_s,
            flags=_flags(judged, self._windows.doubt(place.id, last.t_ms) if last else 0)
            + _told(place, last),
            freshness=freshness,
            promise=self._places.promise(place),
            votes=moment.alive and judged.get("votes") is True,
            source=place.source,
            interval_s=place.interval_s,
        )

    def _node(self, place: p.Node, moment: _Moment) -> v.Node:
        known = self._nodes.of(place.id)
        age_s = int(moment.now_s - known.heard_s) if known.heard_ms else None
        return v.Node(
            id=place.id,
            name=place.name,
            carrier=place.carrier,
            last_seen_ms=known.heard_ms or None,
            age_s=age_s,
            silent=age_s is None or age_s > SILENT_INTERVALS * place.interval_s,
            interval_s=place.interval_s,
            battery_days=self._nodes.trends.battery_days(place.id),
            repeated_pct=self._nodes.trends.repeated_pct(place.id, moment.now_s),
            **_reported(known, moment.of("nodes", place.id)),
        )

    def _shown(self, sensors: tuple[str, ...]) -> tuple[str, Last | None]:
        """Choose whose readings a station shows: the first sensor, unless it has gone silent."""
        best, best_last = (sensors[0] if sensors else ""), None
        for sensor in sensors:
            last = self._windows.last(sensor)
            late_ms = self._places.by_sensor[sensor].validity_s * 1000
            if last and (best_last is None or last.t_ms > best_last.t_ms + late_ms):
                best, best_last = sensor, last
        return best, best_last

    def _trend(self, sensor: str, last: Last | None) -> int | None:
        if last is None:
            return None
        hour = self._windows.points(sensor, last.t_ms - _TREND_MS, SERIES_POINTS)
        elapsed_ms = last.t_ms - hour[0][0]
        if elapsed_ms < _MIN_TREND_MS:
            return None
        return round((last.value - hour[0][1]) * _TREND_MS / elapsed_ms)

    def _points(self, sensor: str, moment: _Moment) -> list[v.Point]:
        return self._windows.points(sensor, moment.now_ms - SERIES_MS, SERIES_POINTS)


class _Moment:
    """One instant: what the guard said, and the time now."""

    def __init__(
        self, now_ms: int, now_s: float, state: dict[str, Any], aged_s: float, alive: bool
    ) -> None:
        self.now_ms = now_ms
        self.now_s = now_s
        self.alive = alive
        self.aged_s = aged_s
        self._state = state

    def of(self, kind: str, name: str | int) -> dict[str, Any]:
        """Return what the guard says of one thing, empty if nothing."""
        for item in self._state.get(kind) or ():
            if isinstance(item, dict) and item.get("id") == name:
                return item
        return {}

    def age_s(self, last: Last | None) -> int | None:
        """Return a reading's age; one from slightly ahead of us is new."""
        return None if last is None else max(0, (self.now_ms - last.t_ms) // 1000)


def _reported(known: NodeState, best: dict[str, Any]) -> dict[str, Any]:
    return {
        "battery_mv": known.battery_mv,
        "rssi_dbm": guard_view.signal_dbm(best, known.rssi_dbm),
        "outbox": known.outbox,
        "boots": known.boots,
        "backlog": known.backlog,
        "faults": known.faults,
        "config_version": known.config_version,
        "firmware": known.firmware,
    }


def _guard_counters(state: dict[str, Any]) -> dict[str, int]:
    counters = state.get("counters")
    if not isinstance(counters, dict):
        return {}
    return {
        f"guard_{str(k).replace(' ', '_')}": v for k, v in counters.items() if isinstance(v, int)
    }


def _flags(judged: dict[str, Any], doubt: int) -> list[str]:
    """Return what the guard flags, then what the screening doubts about the newest reading."""
    flags = [str(flag) for flag in judged.get("flags") or ()]
    return flags + [name for name in cause_names(doubt) if name not in flags]


def _told(place: p.Sensor, last: Last | None) -> list[str]:
    """Return the flag of a foreign reading; a node's readings are flagged by the guard."""
    out = place.source and last and last.quality == OUT_OF_RANGE
    return ["range"] if out else []


def _plus(points: list[v.Point], others: list[v.Point]) -> list[v.Point]:
    """Add to each point the newest of the others until its time; drop points before them."""
    summed, at = [], 0
    for t_ms, value, quality in points:
        while at < len(others) and others[at][0] <= t_ms:
            at += 1
        if at:
            summed.append((t_ms, value + others[at - 1][1], max(quality, others[at - 1][2])))
    return summed
