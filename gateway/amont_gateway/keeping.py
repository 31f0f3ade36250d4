"""Hold together all that goes to the database: readings, states, summaries, indicators.

Each part is a consumer of its own, with a cursor or another answer to the question what it does
when it starts again. History has a thread; what is worked out from time to time shares another.
Without a database there is no part, and what is offered is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from amont_gateway.all_doubts import AllDoubts
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.database import Influx
from amont_gateway.delivery import Delivery, LineWriter
from amont_gateway.doubts import FILE as DOUBTS
from amont_gateway.doubts import Doubts
from amont_gateway.event_lines import EventFeed
from amont_gateway.events import Events
from amont_gateway.forecast_check import ForecastCheck
from amont_gateway.history import History
from amont_gateway.indicators.consumer import Indicators
from amont_gateway.journal import Journal
from amont_gateway.machine_state import MachineState
from amont_gateway.place_points import place_points
from amont_gateway.places import Places
from amont_gateway.quarantine import FILE, Quarantine
from amont_gateway.records import FILE as RECORDS
from amont_gateway.rounds import Due, Rounds
from amont_gateway.screens import Doubt
from amont_gateway.summaries.consumer import Summaries
from amont_gateway.view import View
from amont_gateway.vitals import Point, Vitals, points, written
from amont_gateway.windows import Windows
from amont_gateway.worker import Crew

VITALS_S = 15.0  # domain time between looks at the states
_VITALS_REAL_S = 1.0  # and at most so often in real time
EVENTS_S = 5.0  # and of events
SUMMARIES_S = 600.0  # domain time between rounds of hours and days
FORECASTS_S = 600.0
INDICATORS_S = 600.0


class Keeping:
    """The parts that write to the database; made by the gateway, and by whoever fills one."""

    def __init__(
        self,
        places: Places,
        data: Path,
        journal: Journal,
        windows: Windows,
        target: Influx | None,
        counters: Counters,
        events: Events,
        clock: Clock,
        make_writer: Callable[[Influx], LineWriter] | None = None,
    ) -> None:
        """Build the parts; ``target`` None means that the site has no database."""
        self._places, self._data, self._journal, self._windows = places, data, journal, windows
        self._counters, self._events, self._clock = counters, events, clock
        self._make_writer = make_writer or _influx_writer
        self._target = target
        self._doubted = AllDoubts(windows, Doubts(data / DOUBTS))
        self._vitals, self._machine = Vitals(), MachineState(data)
        self._looked_s, self._looked_real_s = -VITALS_S, -_VITALS_REAL_S
        self.history = self._make_history(target) if target else None
        self.summaries = self._make_summaries(target) if target else None
        self.indicators = self._make_indicators(target) if _has_water(places) else None
        self.parts = self._parts()
        self._rounds = Rounds(self.parts, counters, events, clock)

    @property
    def state(self) -> str:
        """Return how the database is, one of ``series.DATABASE``."""
        return self.history.state if self.history else "none"

    def start(self, crew: Crew) -> None:
        """Start a thread for each part."""
        stopping = crew.stopping
        self._machine.begin()
        if self.history is not None:
            history = self.history
            crew.start("history", lambda: history.run(stopping))
        if self.parts:
            crew.start("rounds", lambda: self._rounds.run(stopping))

    def watch(self, view: Callable[[], View]) -> None:
        """Look at the view when it is time to; called often, by one thread."""
        if self.history is None and self.indicators is None:
            return
        now_s, real_s = self._clock.monotonic_s(), time.monotonic()
        if now_s - self._looked_s < VITALS_S or real_s - self._looked_real_s < _VITALS_REAL_S:
            return
        self._looked_s, self._looked_real_s = now_s, real_s
        now = view()
        if self.indicators is not None:
            self.indicators.look(now)
        if self.history is not None:
            due = self._vitals.due(self.states(now), now_s)
            self.history.offer(written(due, now.site))

    def doubts(self, doubts: Iterable[Doubt]) -> None:
        """Take readings whose doubts have changed, of which some are in the database already."""
        found = list(doubts)
        if self.indicators is not None:
            for doubt in found:
                self.indicators.touch(doubt.sensor.id, doubt.t_ms)
        if self.history is None or self.summaries is None:
            return
        self.history.doubted((d.sensor.id, d.t_ms, d.code) for d in found)
        for doubt in found:
            self.summaries.touch(doubt.sensor.id, doubt.t_ms)

    def states(self, view: View) -> list[Point]:
        """Return a point for each thing in the view that has a state, and for this machine."""
        found = points(view, self._machine.fields())
        return found + place_points(view, self._places.spots)

    def _parts(self) -> list[Due]:
        """Return what is worked out from time to time."""
        parts = []
        if self.summaries is not None and self._target is not None:
            parts.append(Due("events", self._make_events(self._target), EVENTS_S))
            parts.append(Due("summaries", self.summaries, SUMMARIES_S))
            parts.append(Due("forecasts", self._make_check(self._target), FORECASTS_S))
        if self.indicators is not None:  # without a database too: the yearly report reads them
            parts.append(Due("indicators", self.indicators, INDICATORS_S))
        return parts

    def _make_events(self, target: Influx) -> EventFeed:
        return EventFeed(self._places, self._data / RECORDS, self._outlet("events", target))

    def _make_check(self, target: Influx) -> ForecastCheck:
        records, outlet = self._data / RECORDS, self._outlet("forecasts", target)
        return ForecastCheck(self._places, records, self._windows, outlet, self._clock)

    def _outlet(self, name: str, target: Influx) -> Delivery:
        writer, quarantine = self._make_writer(target), Quarantine(self._data / FILE)
        now_ms = self._clock.wall_ms
        return Delivery(name, writer, quarantine, self._counters, self._events, now_ms)

    def _make_summaries(self, target: Influx) -> Summaries:
        return Summaries(
            self._places,
            self._journal,
            self._outlet("summaries", target),
            self._doubted,
            self._counters,
            self._events,
            self._clock,
        )

    def _make_indicators(self, target: Influx | None) -> Indicators:
        return Indicators(
            self._places,
            self._data,
            self._journal,
            self._outlet("indicators", target) if target else None,
            self._doubted,
            self._counters,
            self._events,
            self._clock,
        )

    def _make_history(self, target: Influx) -> History:
        return History(
            self._places.site,
            self._places.tags(),
            self._journal,
            self._make_writer(target),
            self._counters,
            self._events,
            self._clock,
            self._windows.doubt,
        )


def _has_water(places: Places) -> bool:
    return bool(places.zones or places.networks or places.service)


def _influx_writer(target: Influx) -> LineWriter:
    from amont_gateway.influx import InfluxWriter  # large: see there

    return InfluxWriter(target)
