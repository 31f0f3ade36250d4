"""Find incidents in the records: from the first level above normal to calm again.

An incident is worth a report when a station reached warning, or a siren sounded, or people held a
drill. Its number is the number of its first record and never changes.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from amont_gateway.guard_words import LEVELS, Names, named
from amont_gateway.records import RecordReader
from amont_gateway.view import IncidentLine, Text

KINDS = ("level", "siren", "seen calm")
MOST = 200  # the newest
_ORDER = ("normal", "watch", "warning", "alarm", "alarm_plus")
_DRILL: Text = {"fr": "sirène essayée, aucune alarme", "en": "siren tried, no alarm"}
_SOUNDED: Text = {"fr": "la sirène a sonné", "en": "the siren sounded"}
_SILENT: Text = {"fr": "la sirène n’a pas sonné", "en": "the siren did not sound"}


@dataclass
class Incident:
    """One incident; ``until_ms`` is None while it lasts."""

    number: int
    from_ms: int
    until_ms: int | None = None
    station: str = ""
    highest: str = "normal"
    sounded: bool = False
    drill: bool = False
    stations: list[str] = field(default_factory=list)
    sirens: list[str] = field(default_factory=list)

    @property
    def worth(self) -> bool:
        """Tell whether it is worth a report."""
        return self.sounded or self.drill or _rank(self.highest) >= _rank("warning")


class Incidents:
    """The incidents of a file of records; each look reads on where the last one ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._last_id, self._walk = 0, _Walk()
        self._done: list[Incident] = []

    def all(self) -> list[Incident]:
        """Return those that are worth a report, oldest first; raise sqlite3.Error."""
        if not self._path.exists():
            return []
        with self._lock:
            reader = RecordReader(self._path)
            try:
                if reader.last_id() < self._last_id:  # another file took its place
                    self._last_id, self._walk, self._done = 0, _Walk(), []
                for number, record in reader.of_kinds(KINDS, self._last_id):
                    self._take(number, record)
            finally:
                reader.close()
            standing = [] if self._walk.now is None else [replace(self._walk.now)]
            return [x for x in [*self._done, *standing] if x.worth]

    def _take(self, number: int, record: dict[str, Any]) -> None:
        self._last_id = number
        done = self._walk.take(number, record)
        if done is not None and done.worth:
            self._done = [*self._done, done][-MOST:]


def read(path: Path) -> list[Incident]:
    """Return the incidents of a file of records; raise sqlite3.Error if it cannot be read."""
    return Incidents(path).all()


def merged(several: list[Incident], from_ms: int, until_ms: int) -> Incident:
    """Return one incident that spans several, for a report of a length of time."""
    highest = max(several, key=lambda x: _rank(x.highest))
    return Incident(
        several[0].number,
        from_ms,
        until_ms,
        highest.station,
        highest.highest,
        any(x.sounded for x in several),
        any(x.drill for x in several),
        list(dict.fromkeys(name for x in several for name in x.stations)),
        list(dict.fromkeys(name for x in several for name in x.sirens)),
    )


def line(incident: Incident, names: Names) -> IncidentLine:
    """Return one incident as the page lists it."""
    return IncidentLine(
        number=incident.number,
        from_ms=incident.from_ms,
        until_ms=incident.until_ms,
        station=incident.station,
        highest=incident.highest,
        sounded=incident.sounded,
        drill=incident.drill,
        text=_text(incident, names),
    )


def _text(incident: Incident, names: Names) -> Text:
    if incident.drill and not incident.sounded:
        return _DRILL
    siren = _SOUNDED if incident.sounded else _SILENT
    place, level = named(incident.station, names), LEVELS[incident.highest]
    return {
        "fr": f"{place['fr']} : {level['fr']}, {siren['fr']}",
        "en": f"{place['en']}: {level['en']}, {siren['en']}",
    }


class _Walk:
    """Follow levels and sirens from record to record."""

    def __init__(self) -> None:
        self.now: Incident | None = None
        self._levels: dict[str, str] = {}
        self._sirens: dict[str, bool] = {}  # whether it is quiet

    def take(self, number: int, record: dict[str, Any]) -> Incident | None:
        """Take a record; return the incident that it ends."""
        at_ms = int(record.get("at_ms") or 0)
        if record.get("kind") == "seen calm":  # what was not heard of its end is over too
            if record.get("calm") is True:
                self._levels, self._sirens = {}, {}
        elif record.get("kind") == "level":
            self._level(number, at_ms, record)
        else:
            self._siren(number, at_ms, record)
        calm = all(x == "normal" for x in self._levels.values()) and all(self._sirens.values())
        if not calm or self.now is None:
            return None
        done, self.now = self.now, None
        done.until_ms = at_ms
        return done

    def _level(self, number: int, at_ms: int, record: dict[str, Any]) -> None:
        station, level = str(record.get("station")), str(record.get("level"))
        self._levels[station] = level
        if _rank(level) == 0:
            return
        incident = self._incident(number, at_ms)
        if station not in incident.stations:
            incident.stations.append(station)
        if _rank(level) > _rank(incident.highest):
            incident.highest, incident.station = level, station

    def _siren(self, number: int, at_ms: int, record: dict[str, Any]) -> None:
        siren, state = str(record.get("siren")), record.get("state")
        drill = record.get("mode") == "drill"
        quiet = state == "idle" and not drill
        self._sirens[siren] = quiet
        if quiet:
            return
        incident = self._incident(number, at_ms)
        incident.sounded |= state == "sound"
        incident.drill |= drill
        if siren not in incident.sirens:
            incident.sirens.append(siren)

    def _incident(self, number: int, at_ms: int) -> Incident:
        if self.now is None:
            self.now = Incident(number, at_ms)
        return self.now


def _rank(level: str) -> int:
    return _ORDER.index(level) if level in _ORDER else 0
