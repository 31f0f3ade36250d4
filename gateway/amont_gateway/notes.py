"""Keep what people say of the installation: repairs, calibrations, maintenance, plain notes.

Each is a record of kind ``note <kind>`` beside the guard's and the gateway's own in
``records.db``, durable when ``write`` returns, written by a command while the gateway runs. A
repair tells the indicators when a leak ended; the rest is marked in the charts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amont_gateway.places import Places
from amont_gateway.records import FILE, Record, RecordReader, append

KINDS = ("repair", "calibration", "maintenance", "note")
RECORD_KINDS = tuple(f"note {kind}" for kind in KINDS)
MAX_TEXT, MAX_NAME = 400, 80
AHEAD_MS = 300_000  # two clocks may differ a little; nobody notes what has not happened


@dataclass(frozen=True)
class Note:
    """What somebody said: of which place, since when it counts, of which leak there if any.

    ``place`` is a station, zone, network, siren or rain gauge, or a node's number; ``sensor``
    says which sensor was meant, ``leak`` a leak's number (``series.LEAK_DAY``), None for all
    that were open.
    """

    kind: str
    place: str
    at_ms: int
    by: str
    text: str
    leak: int | None = None
    sensor: str = ""
    written_ms: int = 0

    def record(self) -> Record:
        """Return the note as ``records.db`` keeps it."""
        plain: Record = {"kind": f"note {self.kind}", "at_ms": self.at_ms, "place": self.place}
        plain |= {"by": self.by, "text": self.text, "written_ms": self.written_ms}
        if self.leak is not None:
            plain["leak"] = self.leak
        if self.sensor:
            plain["sensor"] = self.sensor
        return plain


def write(folder: Path, note: Note, now_ms: int) -> int:
    """Append a note durably and return its id; ``note.written_ms`` is set to ``now_ms``.

    Raise ValueError for what no note can be, sqlite3.Error or OSError if it cannot be kept.
    """
    check(note, now_ms)
    if not folder.is_dir():
        raise FileNotFoundError(f"no data folder at {folder}")
    return append(folder / FILE, {**note.record(), "written_ms": now_ms})


def read(path: Path, after_id: int = 0) -> Iterator[tuple[int, Note]]:
    """Yield (id, note) above an id, as they were written; nothing if there are no records.

    Raise sqlite3.Error if they cannot be read.
    """
    if not path.exists():
        return
    reader = RecordReader(path)
    try:
        for record_id, record in reader.of_kinds(RECORD_KINDS, after_id):
            note = from_record(record)
            if note is not None:
                yield record_id, note
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):  # the gateway is just making the file
            raise
    finally:
        reader.close()


def from_record(record: Record) -> Note | None:
    """Return the note that a record holds, None if it holds none."""
    leak, kind = record.get("leak"), str(record.get("kind")).removeprefix("note ")
    at_ms = record.get("at_ms")
    if kind not in KINDS or type(at_ms) is not int:
        return None
    return Note(
        kind,
        str(record.get("place") or ""),
        at_ms,
        str(record.get("by") or ""),
        str(record.get("text") or ""),
        leak if type(leak) is int else None,
        str(record.get("sensor") or ""),
        int(record.get("written_ms") or 0),
    )


def place_of(places: Places, said: str) -> tuple[str, str]:
    """Return the place that a word means, and the sensor if the word was one's name.

    Raise ValueError for a word that the site does not know.
    """
    named = {s.id for s in places.stations} | {z.id for z in places.zones}
    named |= {n.id for n in places.networks} | {s.id for s in places.sirens}
    if said in named | {s.place for s in places.sensors if s.place}:
        return said, ""
    if said.isdecimal() and int(said) in places.by_node:
        return str(int(said)), ""
    sensor = places.by_sensor.get(said)
    if sensor is not None:
        return sensor.place or str(sensor.node), sensor.id
    known = ", ".join(sorted(named))
    raise ValueError(f"the site has no {said!r}: say a sensor, a node's number, or one of {known}")


def check(note: Note, now_ms: int) -> None:
    """Raise ValueError for what no note can be."""
    if note.kind not in KINDS:
        raise ValueError(f"{note.kind!r} is none of {', '.join(KINDS)}")
    if not note.place:
        raise ValueError("a note is of some place")
    for what, said, most in (("--by", note.by, MAX_NAME), ("the text", note.text, MAX_TEXT)):
        if not said.strip() or len(said) > most or not said.isprintable():
            raise ValueError(f"{what}: one line of 1 to {most} characters")
    if not 0 < note.at_ms <= now_ms + AHEAD_MS:
        raise ValueError("--at: what is noted has happened; this time has not come")
    if note.leak is not None and (note.kind != "repair" or not 1 <= note.leak < 10**6):
        raise ValueError("--leak: the number of a leak, and only of a repair")
