"""Run the models beside everything else: they advise, and nothing waits for them.

Results are copied after each round, so a model that hangs, raises or computes NaN shows as a
fault while readings, alarms and the page go on.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.guard_link import GuardLink
from amont_gateway.places import Places
from amont_gateway.view import Forecast
from amont_gateway.windows import Windows

EVERY_S = 5.0  # domain time between rounds
PAUSE_S = 0.2  # real time between rounds, however fast the domain's clock runs
HUNG_S = 30.0  # real time after which a round counts as hung
RATE_NORMAL, RATE_FAST = 0, 1

_log = structlog.get_logger("amont.gateway")


class Scorer(Protocol):
    """The models at run time; ``scoring.Scoring`` is one."""

    status: dict[str, str]  # per model "ok", or why it is a fault

    def update(self, windows: Windows, now_ms: int) -> list[Any]:
        """Compute from the windows; return advice with station, level, until_s, model."""

    def forecast(self, station_id: str) -> Forecast:
        """Return the last forecast of a station."""

    def zone(self, zone_id: str) -> dict[str, Any]:
        """Return the model's fields of ``view.Zone``."""


class Advisor:
    """One thread that scores, and the last sound results."""

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
    ) -> None:
        """Take how to load the models; None means that this site has none.

        ``screen`` doubts what the windows hold, before the models look.
        """
        self._screen = screen
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
        self._began_s: float | None = None
        self._status: dict[str, str] = {}
        self.state = "no data"  # "ok" | "fault" | "no data"

    def forecast(self, station: str) -> Forecast:
        """Return a station's last forecast, or why there is none."""
        with self._lock:
            if self._is_faulty():
                return Forecast(status="fault")
            return self._forecasts.get(station) or Forecast(status="no data")

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
            if self._windows.version == seen or now_s - scored_s < EVERY_S:
                continue
            seen, scored_s = self._windows.version, now_s
            self._screened()
            if self._load is not None:
                scorer = self._round(scorer)

    def watch(self) -> None:
        """Notice a hung round; called from another thread."""
        began_s = self._began_s
        if began_s is not None and time.monotonic() - began_s > HUNG_S:
            self._fault("no answer")

    def _screened(self) -> None:
        """Screen; without it the models go on with what the nodes say of their readings."""
        try:
            self._screen()
        except Exception as error:  # as below
            _log.error("screening_failed", exc_info=True)
            self._counters.add("screening_failures")
            said = f"screening: {type(error).__name__}: {error}"[:200]
            self._events.note("model_fault", said, key="screening")

    def _round(self, scorer: Scorer | None) -> Scorer | None:
        """Load if needed, score once, keep the results; any failure is a fault of the models."""
        assert self._load is not None
        self._began_s = time.monotonic()
        try:
            scorer = scorer or self._load()
            advice = scorer.update(self._windows, self._clock.wall_ms())
            forecasts = {s.id: scorer.forecast(s.id) for s in self._places.stations}
            zones = {z.id: _finite(scorer.zone(z.id)) for z in self._places.zones}
            for item in advice:
                self._advise(item)
            self._note_status(dict(scorer.status))
        except Exception as error:  # the models' code must never take readings with it
            _log.error("model_round_failed", exc_info=True)
            self._fault(f"{type(error).__name__}: {error}"[:200])
            return None  # load again: the file may have been replaced
        finally:
            self._began_s = None
        self._counters.add("model_rounds")
        with self._lock:
            self._forecasts, self._zones = forecasts, zones
            recovered, self.state = self.state == "fault", "ok"
        if recovered:
            self._events.note("model_ok")
        return scorer

    def _note_status(self, status: dict[str, str]) -> None:
        """Word what became of single models; the others go on."""
        for name, said in status.items():
            if said != self._status.get(name, "ok"):
                self._events.note("model_ok" if said == "ok" else "model_fault", said, key=name)
        self._status = status

    def _advise(self, advice: Any) -> None:
        until_s = float(advice.until_s)
        if not math.isfinite(until_s) or advice.level not in ("none", "watch", "warning"):
            raise ValueError(f"advice {advice!r}")
        message = {
            "station": advice.station,
            "level": advice.level,
            "until_s": until_s,
            "model": advice.model,
        }
        self._link.send_advice(message)
        self._counters.add("advice_sent")
        if advice.level != "none":
            for node in self._places.nodes_of(advice.station):
                self._fast_until_s[node] = self._clock.monotonic_s() + until_s

    def _is_faulty(self) -> bool:
        return self.state == "fault"

    def _fault(self, reason: str) -> None:
        with self._lock:
            self.state = "fault"
        self._counters.add("model_faults")
        self._events.note("model_fault", reason)


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
    return fields
