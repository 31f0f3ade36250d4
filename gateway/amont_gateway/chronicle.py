"""Remember what happened and tell it: records, witness, incidents, limits tried on the past."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from amont_gateway import incidents
from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.dry_run import DryRuns
from amont_gateway.events import Events
from amont_gateway.incident_report import report
from amont_gateway.places import Places
from amont_gateway.records import Records
from amont_gateway.seen import Seen
from amont_gateway.story import tell
from amont_gateway.view import DryRun, Forecast, IncidentLine, Thresholds
from amont_gateway.witness import Witness
from amont_gateway.worker import Crew


class Chronicle:
    """Everything that outlives the moment, but for the readings themselves."""

    def __init__(
        self, places: Places, data: Path, counters: Counters, events: Events, clock: Clock
    ) -> None:
        self._places, self._data, self._clock = places, data, clock
        self.records = Records(data, counters, events.note)
        self._witness = Witness(data, events.note, time.monotonic)
        # one of the link's reader thread, one of the watching thread
        self._seen, self._watched = (Seen(self.records.take, clock.wall_ms) for _ in range(2))
        self._incidents = incidents.Incidents(self.records.path)
        self._dry_runs = DryRuns(places, data / "journal.db", clock)

    def start(self, crew: Crew, stopping: threading.Event) -> None:
        """Start the threads that write."""
        crew.start("records", lambda: self.records.run(stopping))
        crew.start("witness", lambda: self._witness.run(stopping))

    def state(self, state: Mapping[str, Any]) -> None:
        """Take the guard's state, on the link's reader thread."""
        self._seen.state(state)
        self._witness.take(state)

    def audit(self, record: dict[str, Any]) -> None:
        """Take one of the guard's records, on the link's reader thread."""
        self.records.take(record)
        if record.get("kind") == "siren":
            self._witness.siren_event()

    def link(self, up: bool) -> None:
        """Take whether the guard is heard, on the watching thread."""
        self._watched.link(up)

    def forecasts(self, forecasts: Iterable[tuple[str, Forecast]]) -> None:
        """Take the present forecasts, on the watching thread."""
        self._watched.forecasts(forecasts)

    def zones(self, zones: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Take what is said of the zones' leaks, on the watching thread."""
        self._watched.zones(zones)

    def saw(self, record: dict[str, Any]) -> None:
        """Keep which models were served or what they advised, from any thread."""
        self.records.take({"at_ms": self._clock.wall_ms(), **record})

    def dry_run(self, station: str, limits_mm: list[int], present: Thresholds) -> DryRun:
        """Try four limits on the past beside those in force; takes seconds.

        Raise KeyError for an unknown station, ValueError unless four limits rise,
        sqlite3.Error if the journal cannot be read.
        """
        top_mm = present.alarm_plus_mm or present.alarm_mm + 1
        in_force = [present.watch_mm, present.warning_mm, present.alarm_mm, top_mm]
        return self._dry_runs.run(station, limits_mm, in_force)

    def incidents(self) -> list[IncidentLine]:
        """Return the incidents on record, newest first; raise sqlite3.Error."""
        names = self._places.names
        return [incidents.line(found, names) for found in reversed(self._incidents.all())]

    def incident(self, number: int, lang: str, training: bool = False) -> str | None:
        """Return an incident's report as HTML, None if there is no such incident.

        Raise sqlite3.Error or OSError if the records cannot be read.
        """
        found = {x.number: x for x in self._incidents.all()}.get(number)
        if found is None:
            return None
        now_ms = self._clock.wall_ms()
        story = tell(self._places, self._data, found, now_ms)
        return report(story, self._places, lang, now_ms, training)
