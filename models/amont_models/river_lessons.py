"""What the river network learns from: which records, which part of each, and how it is varied.

The packaged rivers are always there. Records beside the checkout (``AMONT_DATA``) come on top
where they are: of long ones the training part, of months with one flood whole stations, chosen by
the beginning of their names, so that the other rivers of the region stay unseen.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from amont_gateway.scoring import river_features
from amont_gateway.scoring.river_features import (
    FINE_LAGS_H,
    FINE_STEP_MS,
    FORECAST,
    FURTHER,
    HORIZONS_H,
    RAIN,
    RAIN_FINE_H,
    RAIN_SPANS_H,
    RISE_GAIN,
    STAGE,
    STAGE_LAGS_H,
    STAGES,
    UPSTREAM,
    UPSTREAM_LAGS_H,
    VALUES,
)
from amont_gateway.scoring.timeline import HOUR_MS, NO_SERIES, Series
from amont_models import river_chain, river_station
from amont_models.records import DataError, Record, catalogue, data_folder
from amont_models.records.folder import VARIABLE
from amont_models.river_station import Station
from amont_models.river_truth import Flags, Floats

PACKAGED = "pyfloodrisk"
FINE = len(FINE_LAGS_H)
HOURS_6 = FINE + 6  # stage differences that reach back 6 h or less
ABOVE = slice(UPSTREAM.start, FURTHER.stop)  # both stations upstream
RAIN_FINE = slice(RAIN.stop - len(RAIN_FINE_H), RAIN.stop)
# How far back each value reaches, hours; foretold rain reaches back nowhere.
RAIN_REACH_H = tuple(end for _, end in (*RAIN_SPANS_H, *RAIN_FINE_H))
REACH_H = np.zeros(VALUES)
REACH_H[: FORECAST.start] = (*STAGE_LAGS_H, *RAIN_REACH_H, *UPSTREAM_LAGS_H, *UPSTREAM_LAGS_H)
YOUNG_H = (0.5, 72.0)  # how long ago everything began to measure: as many rows at each order
WET_12 = 7  # rain sums that reach back 12 h or less
# How wrong foretold rain is here: guesses, as no record holds a forecast.
FORETOLD_BLOCK_MS = 12 * HOUR_MS
FORETOLD_SPREAD, FORETOLD_MISSED, FORETOLD_INVENTED = 0.7, 0.15, 0.15
Random = np.random.Generator


@dataclass(frozen=True)
class Lesson:
    """A station, until when it teaches, and how much it weighs."""

    station: Station
    until_ms: int
    weight: float


def has_records() -> bool:
    """Say whether records beside the checkout are named."""
    return bool(os.environ.get(VARIABLE))


def lessons(recipe: dict[str, Any]) -> Iterator[Lesson]:
    """Yield what teaches: the recipe's packaged rivers, and the recorded ones where they are."""
    until = datetime.fromisoformat(recipe["data"]["train_until"]).replace(tzinfo=UTC)
    for station in _stations(_packaged(recipe)):
        yield Lesson(station, int(until.timestamp()) * 1000, 1.0)
    if not has_records():
        return
    recorded = recipe["recorded"]
    for name in recorded["first_part"]:
        for station in _stations(catalogue.load(name)):
            yield Lesson(station, station.constants.train_until_ms, 1.0)
    for name, beginnings in recorded["stations"].items():
        for station in _stations(catalogue.load(name)):
            if station.site.name.startswith(tuple(beginnings)):
                end = int(station.clean.t_ms[-1]) + 1
                yield Lesson(station, end, recorded["station_weight"])


def _packaged(recipe: dict[str, Any]) -> Record:
    """Return the packaged rivers that the recipe names."""
    record = catalogue.load(PACKAGED)
    sites = tuple(site for site in record.sites if site.name in recipe["data"]["stations"])
    return replace(record, sites=sites)


def _stations(record: Record) -> Iterator[Station]:
    for site in record.sites:
        try:
            yield river_station.prepare(record, site)
        except DataError:
            continue  # too short to say anything of itself


def held_back(recipe: dict[str, Any], record: Record) -> Record:
    """Return the record with only the sites that never taught, to be judged on them."""
    beginnings = tuple(recipe["recorded"]["stations"].get(record.name, ()))
    if not beginnings:
        return record
    sites = tuple(site for site in record.sites if not site.name.startswith(beginnings))
    return replace(record, sites=sites)


def judged_records(recipe: dict[str, Any]) -> list[str]:
    """Return the names of the records beside the checkout that the recipe judges on."""
    recorded = recipe["recorded"]
    return [*recorded["first_part"], *recorded["stations"], *recorded["held_back"]]


def judged_stations(recipe: dict[str, Any]) -> Iterator[Station]:
    """Yield every station that is judged: the packaged ones, and the recorded where they are."""
    yield from _stations(_packaged(recipe))
    for name in judged_records(recipe) if has_records() else ():
        yield from _stations(held_back(recipe, catalogue.load(name)))


def sources(recipe: dict[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of every recorded file that training reads, by its path."""
    if not has_records():
        return {}
    folder = data_folder()
    recorded = recipe["recorded"]
    names = [*recorded["first_part"], *recorded["stations"]]
    paths = sorted(path for name in names for path in (folder / name).rglob("*.csv.gz"))
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }


# --- rows ---


def rows(lesson: Lesson, recipe: dict[str, Any], rng: Random) -> tuple[Floats, Floats, Floats]:
    """Return a lesson's rows, rises in model units (n, horizons), and weights (n,)."""
    station, settings = lesson.station, recipe["weights"]
    spread = station.constants.spread_mm
    seen = replace(station.clean, rain_forecast=foretold(station.clean.rain, lesson.until_ms, rng))
    # What is ahead of the last step must be over by the end, too.
    count = int(np.searchsorted(seen.t_ms, lesson.until_ms - HORIZONS_H[-1] * HOUR_MS))
    kept_rows, kept_steps = [np.empty((0, river_features.RIVER_FEATURES))], [np.empty(0, np.int64)]
    for part in river_chain.batches(count):
        steps_here = slice(part.start, min(part.stop, count))
        # What the network is to learn of missing values it would not learn from bridged ones.
        table = river_chain.rows(seen, steps_here, spread, bridged=False)
        known = np.isfinite(table).all(axis=1)
        chance = rng.random(len(table)) < settings["calm_share"]
        keep = np.flatnonzero(known & (_active(table, settings) | chance))
        kept_rows.append(table[keep])
        kept_steps.append(part.start + keep)
    table, steps = np.concatenate(kept_rows), np.concatenate(kept_steps)
    if len(steps) > settings["most_rows"]:
        pick = np.sort(rng.choice(len(steps), settings["most_rows"], replace=False))
        table, steps = table[pick], steps[pick]
    ahead = [station.water.highest(seen.t_ms[steps], round(h * HOUR_MS)) for h in HORIZONS_H]
    rises = np.stack(ahead, axis=1) - seen.stage.value[steps][:, None]
    if station.stage.known().step_ms > FINE_STEP_MS:
        rises[:, np.array(HORIZONS_H) < 1] = np.nan
    units = river_features.compress(rises, spread)
    known = np.isfinite(units[:, np.array(HORIZONS_H) >= 1]).all(axis=1)
    table, units = table[known], units[known]
    weight = settings["still_weight"] + np.minimum(_activity(table), settings["most_activity"])
    # Each station weighs the same, whatever the number of its rows.
    return table, units, lesson.weight * weight / max(weight.sum(), 1e-9)


def _moves(table: Floats) -> Floats:
    """Return the largest change of stage within 6 h, in spreads."""
    return np.asarray(np.sinh(np.abs(table[:, :HOURS_6]).max(axis=1)) / RISE_GAIN)


def _rain_mm(table: Floats) -> Floats:
    """Return the rain of 12 h, mm."""
    return np.asarray(np.expm1(table[:, RAIN][:, :WET_12]).sum(axis=1))


def _active(table: Floats, settings: dict[str, float]) -> Floats:
    moving = _moves(table) > settings["active_rise"]
    return np.asarray(moving | (_rain_mm(table) > settings["active_rain_mm"]))


def _activity(table: Floats) -> Floats:
    """Return how much is going on: what weighs more, by inputs alone, is learnt more exactly."""
    return np.asarray(_moves(table) + _rain_mm(table) / 40.0)


def foretold(rain: Series, until_ms: int, rng: Random) -> Series:
    """Return the rain until ``until_ms`` as a forecast might have told it: not as it fell.

    No record holds a forecast. Block by block of half a day the rain that fell comes too much or
    too little, up to three hours early or late; of some blocks nothing was foretold, for others
    rain that never came (what fell in another one).
    """
    count = int(np.searchsorted(rain.t_ms, until_ms))
    if not count:
        return NO_SERIES
    t_ms, value = rain.t_ms[:count], rain.value[:count]
    block = (t_ms - t_ms[0]) // FORETOLD_BLOCK_MS
    blocks = int(block[-1]) + 1
    factor = np.exp(rng.normal(-0.5 * FORETOLD_SPREAD**2, FORETOLD_SPREAD, blocks))
    factor[rng.random(blocks) < FORETOLD_MISSED] = 0.0
    shift_ms = rng.integers(-3, 4, blocks) * HOUR_MS
    invented = rng.random(blocks) < FORETOLD_INVENTED
    shift_ms[invented] += rng.integers(-30, 31, blocks)[invented] * 24 * HOUR_MS
    total = np.concatenate(([0.0], np.cumsum(value)))
    before = np.concatenate((t_ms[:1] - 1, t_ms[:-1]))
    ends = [np.searchsorted(t_ms, at + shift_ms[block], side="right") for at in (before, t_ms)]
    return Series(t_ms, np.round((total[ends[1]] - total[ends[0]]) * factor[block]))


def augment(
    table: Floats, target: Floats, settings: dict[str, Any], rng: Random
) -> tuple[Floats, Floats]:
    """Return a copy with other spreads, in which rows lose what a station may not have.

    That is rain, stations upstream, foretold rain, readings within the hour, the history of the
    stage, and that of all together, as where everything began to measure a short while ago. Some
    rows keep their spread and, but for the last two, all that they have.
    """
    table, target = table.copy(), target.copy()
    count = len(table)
    varied = rng.random(count) >= settings["as_it_is"]
    own, above = (_factors(settings["spread_factor"], varied, rng) for _ in range(2))
    target = np.arcsinh(np.sinh(target) * own)
    for part, factor in ((STAGE, own), (UPSTREAM, above), (FURTHER, above)):
        table[:, part] = np.arcsinh(np.sinh(table[:, part]) * factor)
    _move_up(table, varied & (rng.random(count) < settings["nearest_lost"]))
    lost = np.zeros((count, VALUES), dtype=bool)
    for part, share in ((RAIN, "no_rain"), (ABOVE, "no_upstream")):
        lost[:, part] |= (varied & (rng.random(count) < settings[share]))[:, None]
    lost[:, FORECAST] |= (rng.random(count) < settings["no_forecast"])[:, None]
    short = varied & (rng.random(count) < settings["short_history"])
    reach = np.where(short, rng.integers(FINE + 1, STAGES, count), STAGES)
    lost[:, STAGE] |= np.arange(STAGES)[None, :] >= reach[:, None]
    coarse = varied & (rng.random(count) < settings["coarse"])
    lost[:, :FINE] |= coarse[:, None]
    lost[:, RAIN_FINE] |= coarse[:, None]
    lost |= _too_young(count, settings["young"], rng)
    table[:, :VALUES][lost] = 0.0
    table[:, VALUES:][lost] = 0.0
    return table, target


def _too_young(count: int, share: float, rng: Random) -> Flags:
    """Return the values (count, VALUES) that reach back before all of a young station began."""
    young = rng.random(count) < share
    soonest, latest = np.log(YOUNG_H)
    began_h = np.exp(rng.uniform(soonest, latest, count))
    return np.asarray(young[:, None] & (REACH_H[None, :] > began_h[:, None]))


def _move_up(table: Floats, lost: Flags) -> None:
    """Let rows lose the nearest station upstream: the second one, if known, takes its place."""
    for start in (0, VALUES):
        near = slice(start + UPSTREAM.start, start + UPSTREAM.stop)
        far = slice(start + FURTHER.start, start + FURTHER.stop)
        table[lost, near] = table[lost, far]
        table[lost, far] = 0.0


def _factors(most: float, varied: Flags, rng: Random) -> Floats:
    """Return factors (n, 1) up to ``most`` either way, 1 for rows that are not varied."""
    limit = np.log(most)
    drawn = np.exp(rng.uniform(-limit, limit, len(varied)))
    return np.asarray(np.where(varied, drawn, 1.0))[:, None]
