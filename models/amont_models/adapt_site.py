"""Adapt the models to the stations and zones of a running site, from its gateway's journal.

The journal is read, never written. What is kept goes into ``adapted.json`` in the gateway's data
folder, put there whole; the one before lies beside it until it is wanted back.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from amont_gateway.records import FILE as RECORDS
from amont_gateway.records import RecordReader
from amont_gateway.scoring import river_adapted, zone_adapted
from amont_gateway.scoring.adapted_file import FILE, FORMAT, read_whole
from amont_gateway.scoring.holiday_dates import LONG_S, HolidayError, public_holidays
from amont_gateway.scoring.river_features import Told
from amont_gateway.scoring.timeline import HOUR_MS, NO_SERIES, Series, good_series
from amont_gateway.scoring.zone_verdict import inflow_of
from amont_gateway.windows import Windows
from amont_models.adapt import LEAST_DAYS, Outcome, adapt
from amont_models.adapt_trials import ZonePast
from amont_models.adapt_zone import ZoneOutcome, adapt_zone
from amont_models.records.table import DataError, Site, channel
from amont_models.river_chain import Chain, Sight, past_of, screened
from amont_models.river_truth import Constants, Water, cleaned, constants
from amont_models.site_past import WHOLE, SitePast
from amont_models.zone_chain import LeakModel, whole_hours

BEFORE = FILE + ".before"
NOTHING = b"{}\n"  # lies there as the one before where there was none
REPAIR = "note repair"
UNSURE = (
    "short",
    "still",
    "few",
)  # reasons: nothing to judge by, so nothing against what was kept


@dataclass(frozen=True)
class Adapting:
    """A site's stations, what its past tells of each, and the model that they are adapted to."""

    past: SitePast
    windows: Windows
    chain: Chain
    until_ms: int

    @classmethod
    def at(cls, past: SitePast, chain: Chain, until_ms: int) -> Adapting:
        """Read the whole journal as it was known at ``until_ms``."""
        return cls(past, past.windows(until_ms, most=WHOLE), chain, until_ms)

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        """Yield each station's outcome."""
        for station in self.past.site.stations:
            yield station.id, self._adapt(station)

    def zone_outcomes(self, leak: LeakModel) -> Iterator[tuple[str, ZoneOutcome]]:
        """Yield each zone's outcome."""
        for zone in self.past.site.zones:
            hourly = inflow_of(zone.inflow, self.windows, 0, self.until_ms)
            told = ZonePast(
                whole_hours(zone.id, hourly),
                self.past.site.time_zone,
                _holidays(zone.holidays),
                self._repairs(zone.id),
            )
            yield zone.id, adapt_zone(told, leak.settings, leak.predict)

    def _repairs(self, zone: str) -> tuple[int, ...]:
        """Return when people noted that something was mended there."""
        path = self.past.journal.with_name(RECORDS)
        if not path.exists():
            return ()
        try:
            with closing(RecordReader(path)) as reader:
                notes = [said for _, said in reader.of_kinds((REPAIR,))]
        except sqlite3.Error as error:
            raise DataError(f"{path}: {error}") from error
        return tuple(int(said["at_ms"]) for said in notes if said.get("place") == zone)

    def _adapt(self, station: Any) -> Outcome:
        told = self._fullest(station.sensors)
        try:
            seen, known = self._known(station.id, told)
        except DataError:
            return Outcome(None, "short", {"days": round(_days(told), 1), "least": LEAST_DAYS})
        seen = replace(
            seen,
            rain=self._rain(station),
            upstream=tuple(self._upstream(station.upstream)),
        )
        sure = seen.checked.settled == 0
        truth = channel(station.id, "stage", told.t_ms[sure], told.value[sure])
        water = Water(cleaned(truth), known.mark_mm)
        return adapt(past_of(seen, water, known, self.chain.model), self.chain.rule)

    def _known(self, name: str, told: Series) -> tuple[Sight, Constants]:
        """Return what is left of a station's readings, and what they say of it."""
        if _days(told) < LEAST_DAYS:
            raise DataError(f"{name}: {_days(told):.0f} days, at least {LEAST_DAYS:.0f}")
        seen = screened(told, NO_SERIES)
        site = Site(name, train_until_ms=self.until_ms + 1)
        return seen, constants(site, channel(name, "stage", *seen.stage))

    def _rain(self, station: Any) -> Series:
        gauges = self.past.site.rain_gauges
        wanted = [g.sensor for g in gauges if station.rain is None or g.id in station.rain]
        return self._fullest(wanted)

    def _upstream(self, names: Sequence[str]) -> Iterator[tuple[Told, float]]:
        known = {station.id: station for station in self.past.site.stations}
        for name in names:
            told = self._fullest(known[name].sensors)
            try:
                seen, about = self._known(name, told)
            except DataError:
                continue
            yield Told(*told, seen.checked), about.spread_mm

    def _fullest(self, sensors: Sequence[str]) -> Series:
        every = [good_series(*self.windows.told(sensor)) for sensor in sensors]
        return max(every, key=lambda one: len(one.t_ms), default=NO_SERIES)


def _days(told: Series) -> float:
    return float(told.t_ms[-1] - told.t_ms[0]) / (24 * HOUR_MS) if len(told.t_ms) else 0.0


def _holidays(country: str) -> frozenset[int]:
    try:
        return public_holidays(country, LONG_S)
    except HolidayError:
        return frozenset()  # as the gateway judges then, and says


def content(
    made: Mapping[str, Outcome],
    sha256: str,
    until_ms: int,
    zones: Mapping[str, ZoneOutcome] | None = None,
    made_for: str = "",
) -> dict[str, Any]:
    """Return what ``adapted.json`` holds: the stations and zones that are kept, and why."""
    when = datetime.fromtimestamp(until_ms / 1000, UTC).isoformat(timespec="seconds")
    return {
        "format": FORMAT,
        "model_sha256": sha256,
        "made_utc": when,
        "stations": _kept(made),
        "zones": {"made_for": made_for, "zones": _kept(zones or {})},
    }


def _kept(made: Mapping[str, Outcome] | Mapping[str, ZoneOutcome]) -> dict[str, Any]:
    return {
        name: {**one.adapted.to_json(), "judged": one.figures}
        for name, one in made.items()
        if one.adapted is not None
    }


@dataclass(frozen=True)
class Earlier:
    """What an adaptation finds in its place: what stays, and what goes because it was refused."""

    stays: tuple[str, ...] = ()
    goes: tuple[str, ...] = ()


def carry(
    folder: Path,
    said: dict[str, Any],
    made: Mapping[str, Outcome],
    zones: Mapping[str, ZoneOutcome],
) -> Earlier:
    """Put into ``said`` what the file there holds of places that could not be judged now.

    Only of the same models: the gateway believes no other. ModelError if the file is damaged.
    """
    old = read_whole(folder / FILE)
    if old is None:
        return Earlier()
    stays: list[str] = []
    goes: list[str] = []
    parts: list[tuple[str, str, Any, Any, Mapping[str, Outcome] | Mapping[str, ZoneOutcome]]] = [
        ("stations", "model_sha256", old, said, made),
        ("zones", "made_for", old.get("zones", {}), said["zones"], zones),
    ]
    for what, key, before, now, outcomes in parts:
        if before.get(key) != now[key]:
            continue
        for place, entry in before.get(what, {}).items():
            one = outcomes.get(place)
            if one is None or one.adapted is not None:
                continue
            if one.reason in UNSURE:
                now[what][place] = entry
                stays.append(place)
            else:
                goes.append(place)
    return Earlier(tuple(stays), tuple(goes))


def write(folder: Path, said: dict[str, Any]) -> Path:
    """Put ``adapted.json`` into a folder, whole or not at all; keep the one before."""
    path = folder / FILE
    _put(folder / BEFORE, path.read_bytes() if path.exists() else NOTHING)
    _put(path, (json.dumps(said, indent=1, sort_keys=True) + "\n").encode())
    # As the gateway will: an error is better known here.
    river_adapted.read(path, str(said["model_sha256"]))
    zone_adapted.read(path, str(said["zones"]["made_for"]))
    return path


def undo(folder: Path) -> bool:
    """Put the ``adapted.json`` before back; return whether there is one now.

    DataError if nothing was adapted since.
    """
    before, path = folder / BEFORE, folder / FILE
    if not before.exists():
        raise DataError(f"{before}: nothing to undo")
    if before.read_bytes() == NOTHING:
        path.unlink(missing_ok=True)
        before.unlink()
    else:
        before.replace(path)
    return path.exists()


def _put(path: Path, whole: bytes) -> None:
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        file.write(whole)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
