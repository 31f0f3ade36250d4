"""Gather what is known of one incident: records, readings, limits, forecast, and the gaps.

Records come from the gateway's own copy, or from the guard's audit where that may be read.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from amont_gateway import incidents
from amont_gateway.past import read_past
from amont_gateway.places import Places, Station
from amont_gateway.records import FILE, Record, RecordReader
from amont_gateway.view import Point
from amont_gateway.witness import FILE as WITNESS

BEFORE_MS, AFTER_MS = 3 * 3_600_000, 3_600_000
MOST_RECORDS = 2_000  # of a report; a longer story is told by its beginning and its end
MOST_POINTS = 1_500  # of a curve
_VERIFY_S = 120.0
_DEAF_MS = 5_000  # a shorter silence of the guard is not worth a line
_AUDITED = ("level", "siren", "asked", "wrong pin", "fault", "fault over", "start", "stop", "lost")


@dataclass
class Audit:
    """What is known of the guard's audit file."""

    verified: bool | None = None  # None: not looked at
    said: str = ""  # by ``amont-guard verify``
    lines: int | None = None
    head: str = ""


@dataclass
class Story:
    """Everything that a report tells; times are Unix ms."""

    incident: incidents.Incident
    from_ms: int
    until_ms: int
    stations: list[Station]
    records: list[Record]  # by time
    from_audit: bool  # the guard's own file, else the gateway's copy
    cut: int = 0  # records left out of the middle
    limits: dict[str, list[int]] = field(default_factory=dict)  # recorded ones
    curves: dict[str, list[Point]] = field(default_factory=dict)  # by sensor
    forecast: Record | None = None  # the newest before the incident
    deaf: list[tuple[int, int | None]] = field(default_factory=list)  # guard not heard
    silent: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # by sensor
    journal_fault: str = ""
    audit: Audit = field(default_factory=Audit)


def tell(
    places: Places,
    data: Path,
    incident: incidents.Incident,
    now_ms: int,
    guard: Path | None = None,
) -> Story:
    """Gather a story; raise sqlite3.Error or OSError if the records cannot be read."""
    end_ms = now_ms if incident.until_ms is None else incident.until_ms
    from_ms, until_ms = incident.from_ms - BEFORE_MS, min(end_ms + AFTER_MS, max(now_ms, end_ms))
    stations = [s for s in places.stations if s.id in incident.stations] or list(places.stations)
    reader = RecordReader(data / FILE)
    try:
        seen = [r for _, r in reader.between(from_ms, until_ms)]
        limits = _limits(reader, from_ms, seen)
        forecast = _forecast(reader, incident, [s.id for s in stations])
    finally:
        reader.close()
    own = None if guard is None else _audit_records(guard, from_ms, until_ms)
    records = seen if own is None else own + [r for r in seen if r.get("kind") not in _AUDITED]
    records.sort(key=lambda r: int(r.get("at_ms") or 0))
    middle = MOST_RECORDS // 2
    cut = max(0, len(records) - MOST_RECORDS)
    story = Story(
        incident,
        from_ms,
        until_ms,
        stations,
        records[:middle] + records[middle + cut :],
        own is not None,
        cut,
        limits,
        forecast=forecast,
        deaf=list(_deaf(records)),
        audit=verified(data, guard),
    )
    _add_curves(story, places, data / "journal.db")
    return story


def verified(data: Path, guard: Path | None) -> Audit:
    """Return the newest witnessed head, and what ``amont-guard verify`` says of the file."""
    audit = Audit()
    try:
        newest = json.loads((data / WITNESS).read_bytes().splitlines()[-1])
        audit.lines, audit.head = int(newest["n"]), str(newest["head"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        pass
    if guard is None:
        return audit
    beside = Path(sys.executable).with_name("amont-guard")
    command = [str(beside) if beside.exists() else shutil.which("amont-guard") or "amont-guard"]
    command += ["verify", "--state", str(guard)]
    if (data / WITNESS).exists():
        command += ["--witness", str(data / WITNESS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_VERIFY_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        audit.said = str(error)
        return audit
    audit.verified, audit.said = done.returncode == 0, (done.stdout or done.stderr).strip()
    return audit


def _audit_records(guard: Path, from_ms: int, until_ms: int) -> list[Record] | None:
    """Return the guard's own records of a span; None if its folder may not be read."""
    found: list[Record] = []
    try:
        paths = sorted(guard.glob("audit*.jsonl"))
        if not paths:
            return None
        for path in paths:
            with path.open("rb") as file:
                found += [r for r in _parsed(file) if from_ms <= _at_ms(r) <= until_ms]
    except OSError:
        return None
    return found


def _parsed(lines: Iterator[bytes] | Any) -> Iterator[Record]:
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue  # verify names it
        if isinstance(record, dict):
            yield record


def _at_ms(record: Record) -> int:
    value = record.get("at_ms")
    return value if isinstance(value, int) else 0


def _limits(reader: RecordReader, from_ms: int, seen: Sequence[Record]) -> dict[str, list[int]]:
    """Return the limits that were in force as the incident began."""
    within = [r for r in seen if r.get("kind") == "seen limits"]
    limits: dict[str, list[int]] = {}
    for record in [*reader.last_before("seen limits", from_ms), *within]:
        four = record.get("limits_mm")
        if isinstance(four, list) and len(four) == 4:
            limits.setdefault(str(record.get("station")), [int(x) for x in four])
    return limits


def _forecast(
    reader: RecordReader, incident: incidents.Incident, stations: Sequence[str]
) -> Record | None:
    wanted = incident.station or (stations[0] if stations else "")
    found = reader.last_before("seen forecast", incident.from_ms)
    return next((r for r in found if r.get("station") == wanted), None)


def _deaf(records: Sequence[Record]) -> Iterator[tuple[int, int | None]]:
    """Yield when the gateway did not hear the guard."""
    since: int | None = None
    for record in records:
        if record.get("kind") != "seen link":
            continue
        at_ms = _at_ms(record)
        if record.get("up") is False:
            since = at_ms if since is None else since
        elif since is not None:
            if at_ms - since >= _DEAF_MS:
                yield since, at_ms
            since = None
    if since is not None:
        yield since, None


def _add_curves(story: Story, places: Places, journal: Path) -> None:
    sensors = [places.by_sensor[name] for s in story.stations for name in s.sensors]
    story.curves = {s.id: [] for s in sensors}
    if not journal.exists():
        story.journal_fault = "no journal"
        return
    try:
        past = read_past(journal, sensors, story.from_ms, story.until_ms)
    except sqlite3.Error as error:
        story.journal_fault = str(error)
        return
    for reading in past:
        point = (reading.at_ms, reading.value, reading.quality)
        story.curves[sensors[reading.sensor].id].append(point)
    for sensor in sensors:
        points = story.curves[sensor.id]
        story.silent[sensor.id] = _silences(points, story, sensor.validity_s * 1000)
        step = -(-len(points) // MOST_POINTS) or 1
        story.curves[sensor.id] = points[::-1][::step][::-1]


def _silences(points: Sequence[Point], story: Story, valid_ms: int) -> list[tuple[int, int]]:
    """Return the spans in which a sensor had no valid reading in the journal."""
    times = [story.from_ms, *(p[0] for p in points), story.until_ms]
    return [(a + valid_ms, b) for a, b in pairwise(times) if b - a > valid_ms]
