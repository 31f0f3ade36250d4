"""Floods to practise on: a made-up one, a recorded one (CSV), or one of the site's own journal.

A flood gives each sensor of the stations a stage at seconds from the beginning, and says in a
sentence where it comes from.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from amont_gateway.past import read_past
from amont_gateway.places import from_site
from amont_site import Site

HOUR_S = 3600
MINUTE_S = 60
MAX_S = 14 * 86_400
_NOISE_MM = 4  # a probe that never trembles is taken for a dead one
_SHAPE = (  # hours, share of the way from base to peak: an hour of calm, then a quick flood
    (0.0, 0.0), (1.0, 0.0), (1.5, 0.15), (2.0, 0.5), (2.5, 0.85), (3.0, 1.0), (3.5, 0.98),
    (4.0, 0.85), (5.0, 0.5), (6.0, 0.25), (7.0, 0.1), (8.0, 0.02), (10.0, 0.0),
)  # fmt: skip

Curve = list[tuple[int, int]]  # seconds from the beginning, mm


class BadFlood(ValueError):
    """A recorded flood cannot be used; the message says what and where."""


@dataclass(frozen=True)
class Flood:
    """What each sensor will read, and where it comes from."""

    curves: dict[str, Curve]
    told: dict[str, str]  # {"fr": …, "en": …}

    @property
    def length_s(self) -> int:
        """Return how long it lasts."""
        return max(curve[-1][0] for curve in self.curves.values())


def invented(site: Site) -> Flood:
    """Return a flood that passes each station's alarm and stays below alarm+."""
    curves: dict[str, Curve] = {}
    for station in site.stations:
        base = station.watch_mm - (station.alarm_mm - station.watch_mm) // 2
        peak = station.alarm_mm + (station.alarm_plus_mm - station.alarm_mm) // 2
        shape = [(int(h * HOUR_S), base + round((peak - base) * share)) for h, share in _SHAPE]
        curves |= {sensor: _by_minutes(shape) for sensor in station.sensors}
    told = {
        "fr": "crue inventée pour l’exercice, réglée sur les seuils de chaque station",
        "en": "a flood made up for training, fitted to each station’s limits",
    }
    return Flood(curves, told)


def from_csv(site: Site, path: Path) -> Flood:
    """Return a recorded flood, the same at every station; columns time (ISO or s), stage_mm.

    Raise BadFlood, or OSError if the file cannot be read.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not {"time", "stage_mm"} <= set(rows.fieldnames or ()):
            raise BadFlood(f"{path}: the first line must name the columns time and stage_mm")
        points = [_point(path, rows.line_num, row) for row in rows]
    _check(str(path), points)
    curve = _by_minutes([(s - points[0][0], mm) for s, mm in points])
    sensors = [sensor for station in site.stations for sensor in station.sensors]
    told = {"fr": f"crue enregistrée ({path.name})", "en": f"recorded flood ({path.name})"}
    return Flood(dict.fromkeys(sensors, curve), told)


def from_journal(site: Site, journal: Path, from_ms: int, until_ms: int) -> Flood:
    """Return what the site's own sensors read between two times; raise BadFlood, sqlite3.Error."""
    if not journal.exists():
        raise BadFlood(f"no journal at {journal}")
    places = from_site(site)
    names = [sensor for station in places.stations for sensor in station.sensors]
    curves: dict[str, Curve] = {name: [] for name in names}
    for r in read_past(journal, [places.by_sensor[n] for n in names], from_ms, until_ms):
        if r.quality == 0:
            curves[names[r.sensor]].append(((r.at_ms - from_ms) // 1000, r.value))
    known = {name: curve for name, curve in curves.items() if len(curve) > 1}
    for name, curve in known.items():
        _check(name, curve)
    if not known:
        raise BadFlood("the journal has no readings of a station's sensors in that time")
    day = dt.datetime.fromtimestamp(from_ms / 1000, dt.UTC).date().isoformat()
    told = {
        "fr": f"ce que vos capteurs ont mesuré à partir du {day}",
        "en": f"what your own sensors read from {day} on",
    }
    return Flood(known, told)


def _point(path: Path, line: int, row: dict[str, str]) -> tuple[int, int]:
    try:
        text = row["time"].strip()
        seconds = int(text) if text.isdigit() else _iso_s(text)
        return seconds, round(float(row["stage_mm"]))
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise BadFlood(f"{path}, line {line}: not a time and a stage in mm: {row}") from None


def _iso_s(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())


def _check(what: str, points: Sequence[tuple[int, int]]) -> None:
    if len(points) < 2:
        raise BadFlood(f"{what}: at least two readings are needed")
    for (before_s, _), (after_s, mm) in pairwise(points):
        if after_s <= before_s:
            raise BadFlood(f"{what}: times must rise ({before_s} s, then {after_s} s)")
        if not -20_000 <= mm <= 50_000:
            raise BadFlood(f"{what}: a stage of {mm} mm is none")
    if points[-1][0] - points[0][0] > MAX_S:
        raise BadFlood(f"{what}: longer than {MAX_S // 86_400} days")


def _by_minutes(shape: Sequence[tuple[int, int]]) -> Curve:
    """Return straight lines between points as readings a minute apart."""
    curve, at = [], 0
    for second in range(shape[0][0], shape[-1][0] + 1, MINUTE_S):
        while shape[at + 1][0] < second:
            at += 1
        (s0, mm0), (s1, mm1) = shape[at], shape[at + 1]
        curve.append((second, mm0 + (mm1 - mm0) * (second - s0) // (s1 - s0)))
    return curve


def probe_lines(curve: Curve, begin_s: int, seed: int) -> str:
    """Return a replay probe's file; the first stage holds an hour before, the last a day after."""
    end_s = curve[-1][0]
    after = [(end_s + m * MINUTE_S, curve[-1][1]) for m in range(1, 24 * 60)]
    lines = []
    for i, (second, mm) in enumerate([(-HOUR_S, curve[0][1]), *curve, *after]):
        tremble = (i * 7919 + seed * 104_729) % (2 * _NOISE_MM + 1) - _NOISE_MM
        lines.append(f"{begin_s + second} {mm + tremble}\n")
    return "".join(lines)


def history_lines(curves: Sequence[Curve], begin_s: int, interval_s: int) -> str:
    """Return a day of calm before the flood as the history of a node with these channels."""
    lines = []
    for i, tick in enumerate(range(begin_s - 24 * HOUR_S, begin_s, interval_s)):
        values = [str(curve[0][1] + (i * 31) % 7 - 3) for curve in curves]
        lines.append(f"{tick} {' '.join(values)}\n")
    return "".join(lines)
