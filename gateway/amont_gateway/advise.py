"""Run the models beside everything else: they advise, and nothing waits for them.

Each round runs on a thread that may be given up: a model that hangs, raises or computes NaN shows
as a fault while readings, alarms and the page go on. After a round that never came back, the next
begins with sessions of its own; what the old one says when it wakes up is not listened to.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import structlog

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.foreign_advice import HOLD_S, WATCH, capped, watches
from amont_gateway.guard_link import GuardLink
from amont_gateway.places import Places
from amont_gateway.view import Forecast
from amont_gateway.windows import Windows

EVERY_S = 5.0  # domain time between rounds
IDLE_S = 60.0  # domain time after which there is a round without anything new: readings grow old
PAUSE_S = 0.2  # real time between rounds, however fast the domain's clock runs
HUNG_S = 30.0  # real time after which a round counts as hung
MOST_HUNG = 3  # threads given up that may still be there; then only what wakes up is waited for
THRESHOLDS_ONLY, WATCH_LOST = "thresholds only", "watch lost"
_USABLE = 1  # quality codes up to suspect: the guard listens to such a stage
RATE_NORMAL, RATE_FAST = 0, 1
ADVISABLE = ("none", "watch", "warning")

_log = structlog.get_logger("amont.gateway")


class Scorer(Protocol):
    """The models at run time; ``scoring.Scoring`` is one."""

    status: dict[str, str]  # per model "ok", or why it is a fault

    @property
    def serves(self) -> dict[str, str]:
        """Return the SHA-256 of each model's file that is served, by the model's name."""

    @property
    def notes(self) -> dict[str, str]:
        """Return what people should know of the models' files, by its kind of event."""

    def stirs(self) -> bool:
        """Tell whether the models' folder has changed, so that a round is due; cheap."""

    def renew(self) -> bool:
        """Look for new models in the folder; return whether anything changed."""

    def update(self, windows: Windows, now_ms: int) -> list[Any]:
        """Compute from the windows; return advice with station, level, until_s, model."""

    def forecast(self, station_id: str) -> Forecast:
        """Return the last forecast of a station."""

    def zone(self, zone_id: str) -> dict[str, Any]:
        """Return the model's fields of ``view.Zone``."""


@dataclass(frozen=True)
class _Round:
    """What one round of the models gave, or why it failed."""

    scorer: Scorer | None = None
    advice: tuple[Any, ...] = ()
    forecasts: dict[str, Forecast] = field(default_factory=dict)
    zones: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: str = ""


class Advisor:
    """One thread that has rounds computed, and the last sound results."""

    def __init__(
        self,
        load: Callable[[], Scorer] | None,
        places: Places,
        windows: Windows,
        link: GuardLink,
        counters: Counters,
        events: Events,
        clock: Clock,
        screen: Callable[[], None] = lambda: None,
        record: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        """Take how to load the models; None means that this site has none.

        ``screen`` doubts what the windows hold, before the models look. ``record`` keeps which
        models were served and what they advised.
        """
        self._screen = screen
        self._record = record
        self._load = load
        self._places = places
        self._windows = windows
        self._link = link
        self._counters = counters
        self._events = events
        self._clock = clock
        self._lock = threading.Lock()
        self._forecasts: dict[str, Forecast] = {}
        self._zones: dict[str, dict[str, Any]] = {}
        self._fast_until_s: dict[int, float] = {}
        self._stage_of = {s.id: s.sensors for s in places.stations}
        self._watch_at_most = {s.id for s in places.stations if s.watch_at_most}
        self._foreign: dict[str, str] = {}  # stations that a foreign sensor sees at watch
        self._told_of: set[str] = set()  # stations advised on in this round
        self._advised: dict[str, tuple[str, str]] = {}
        self._hung: list[threading.Thread] = []
        self._status: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self.serves: dict[str, str] = {}  # SHA-256 by the name of each model that is served
        self.state = "no data"  # "ok" | "fault" | "no data"

    def forecast(self, station: str) -> Forecast:
        """Return a station's last forecast, or why there is none, and the rung it stands on."""
        with self._lock:
            found = self._forecasts.get(station) or Forecast(status="no data")
            if self._is_faulty():
                found = Forecast(status="fault")
        rung = self._rung(station, found)
        cost = found.cost if rung == found.inputs else None
        return msgspec.structs.replace(found, inputs=rung, cost=cost)

    def _rung(self, station: str, forecast: Forecast) -> str:
        """Return the rung of the ladder: without a fresh stage the thresholds see nothing."""
        now_ms = self._clock.wall_ms()
        for sensor in self._stage_of.get(station, ()):
            last = self._windows.last(sensor)
            valid_ms = self._places.by_sensor[sensor].validity_s * 1000
            if last and last.quality <= _USABLE and now_ms - last.t_ms <= valid_ms:
                return forecast.inputs if forecast.status == "ok" else THRESHOLDS_ONLY
        return WATCH_LOST

    def zone(self, zone: str) -> dict[str, Any]:
        """Return a zone's last verdict, or why there is none."""
        with self._lock:
            if self._is_faulty():
                return {"verdict": "unknown", "model_status": "fault"}
            return dict(self._zones.get(zone) or {"verdict": "unknown", "model_status": "no data"})

    def rate_of(self, node: int) -> int:
        """Return how fast a node should sample."""
        fast = self._clock.monotonic_s() < self._fast_until_s.get(node, 0.0)
        return RATE_FAST if fast else RATE_NORMAL

    def run(self, stopping: threading.Event) -> None:
        """Score whenever there is something new, until told to stop."""
        scorer: Scorer | None = None
        seen, scored_s = -1, -math.inf
        while not stopping.wait(PAUSE_S):
            now_s = self._clock.monotonic_s()
            if now_s - scored_s < EVERY_S:
                continue
            news = self._windows.version != seen or now_s - scored_s >= IDLE_S
            if not news and not (scorer is not None and scorer.stirs()):
                continue
            seen, scored_s = self._windows.version, now_s
            self._screened()
            stations, now_ms = self._places.stations, self._clock.wall_ms()
            self._foreign = watches(stations, self._places, self._windows, now_ms)
            self._told_of = set()
            if self._load is not None:
                scorer = self._round(scorer, stopping)
            self._advise_watches()

    def _screened(self) -> None:
        """Screen; without it the models go on with what the nodes say of their readings."""
        try:
            self._screen()
        except Exception as error:  # as below
            _log.error("screening_failed", exc_info=True)
            self._counters.add("screening_failures")
            said = f"screening: {type(error).__name__}: {error}"[:200]
            self._events.note("model_fault", said, key="screening")

    def _round(
        self, scorer: Scorer | None, stopping: threading.Event | None = None
    ) -> Scorer | None:
        """Have one round computed and take its results; return who goes on with the next."""
        self._hung = [thread for thread in self._hung if thread.is_alive()]
        if len(self._hung) >= MOST_HUNG:
            return None
        done: list[_Round] = []
        worker = threading.Thread(
            target=lambda: done.append(self._computed(scorer)), name="models", daemon=True
        )
        worker.start()
        deadline_s = time.monotonic() + HUNG_S
        while worker.is_alive() and time.monotonic() < deadline_s:
            worker.join(PAUSE_S)
            if stopping is not None and stopping.is_set():
                return None
        if not done:
            self._hung.append(worker)
            self._fault("no answer")
            return None
        return self._take(done[0])

    def _computed(self, scorer: Scorer | None) -> _Round:
        """Load if needed and score once, on the worker's thread; any failure is the models'."""
        assert self._load is not None
        try:
            if scorer is None:
                scorer = self._load()
            else:
                scorer.renew()
            advice = tuple(scorer.update(self._windows, self._clock.wall_ms()))
            for item in advice:
                _check(item)
            forecasts = {s.id: scorer.forecast(s.id) for s in self._places.stations}
            zones = {z.id: _finite(scorer.zone(z.id)) for z in self._places.zones}
            return _Round(scorer, advice, forecasts, zones)
        except Exception as error:  # the models' code must never take readings with it
            _log.error("model_round_failed", exc_info=True)
            return _Round(failed=f"{type(error).__name__}: {error}"[:200])

    def _take(self, done: _Round) -> Scorer | None:
        """Publish a round's results; None if it failed, so that the models are loaded again."""
        if done.scorer is None:
            self._fault(done.failed)
            return None
        self._note_models(done.scorer)
        for item in done.advice:
            self._advise(item)
        self._counters.add("model_rounds")
        with self._lock:
            self._forecasts, self._zones = done.forecasts, done.zones
            recovered, self.state = self.state == "fault", "ok"
        if recovered:
            self._events.note("model_ok")
        return done.scorer

    def _note_models(self, scorer: Scorer) -> None:
        """Word which models are served, what became of single ones, and of the folder."""
        self._note_status(dict(scorer.status))
        serves, notes = dict(scorer.serves), dict(scorer.notes)
        if serves != self.serves and serves:
            self._events.note("model_new", ", ".join(serves), key=" ".join(serves))
            self._record({"kind": "seen models", "models": serves})
        for kind, said in notes.items():
            if self._notes.get(kind) != said:
                self._events.note(f"model_{kind}", said, key=said)
        self.serves, self._notes = serves, notes

    def _note_status(self, status: dict[str, str]) -> None:
        """Word what became of single models; the others go on."""
        for name, said in status.items():
            if said != self._status.get(name, "ok"):
                self._events.note("model_ok" if said == "ok" else "model_fault", said, key=name)
        self._status = status

    def _advise(self, advice: Any) -> None:
        until_s, station = float(advice.until_s), advice.station
        level = capped(advice.level, station in self._watch_at_most)
        if level == "none" and station in self._foreign:
            self._send(station, WATCH, HOLD_S, f"foreign {self._foreign[station]}")
        else:
            self._send(station, level, until_s, advice.model)
        if advice.level != "none":
            for node in self._places.nodes_of(advice.station):
                self._fast_until_s[node] = self._clock.monotonic_s() + until_s

    def _advise_watches(self) -> None:
        """Advise a watch where no model spoke; no node samples faster for what is not sealed."""
        for station, sensor in self._foreign.items():
            if station not in self._told_of:
                self._send(station, WATCH, HOLD_S, f"foreign {sensor}")

    def _send(self, station: str, level: str, until_s: float, model: str) -> None:
        message = {"station": station, "level": level, "until_s": until_s, "model": model}
        self._told_of.add(station)
        self._link.send_advice(message)
        self._counters.add("advice_sent")
        if self._advised.get(station) != (level, model):
            self._advised[station] = level, model
            self._record({"kind": "seen advice", **message})

    def _is_faulty(self) -> bool:
        return self.state == "fault"

    def _fault(self, reason: str) -> None:
        with self._lock:
            self.state = "fault"
        self._counters.add("model_faults")
        self._events.note("model_fault", reason)


def _check(advice: Any) -> None:
    if not math.isfinite(float(advice.until_s)) or advice.level not in ADVISABLE:
        raise ValueError(f"advice {advice!r}")


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
    return fields
