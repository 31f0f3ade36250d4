"""Score what ships on rivers that it has never seen, beside every simple rule.

One table for clean readings, one for each fault put into them: events, false alarms, leads, skill
on the rising limb and coverage. Each with the same steps, split and scorer for all rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from amont_gateway.scoring.river_adapted import Adapted
from amont_gateway.scoring.river_features import HORIZONS_H, QUANTILES
from amont_gateway.scoring.timeline import DAY_MS, HOUR_MS
from amont_models import faults, river_floors, river_lessons, score_siren
from amont_models.adapt import LEAST_DAYS, Outcome, adapt
from amont_models.records import catalogue
from amont_models.records.table import DataError, Record
from amont_models.river_chain import Chain, Decisions, Sight, past_of, shipped, sight
from amont_models.river_station import Station, prepare
from amont_models.river_truth import (
    Flags,
    Floats,
    Times,
    Warned,
    first_warnings,
    warned,
)
from amont_models.score_tables import tables
from amont_models.score_tally import CURVE, FORECASTS, JUDGED_H, SEED, Event, Skill, Tally

DRAWS = 20  # of the random rule
NORMAL = (-1.6449, -0.6745, 0.0, 0.6745, 1.6449)  # of the network's quantiles
EVENT_MS = 6 * HOUR_MS  # an event's hours: from 6 h before its crossing to 6 h after
FAULT_KINDS = ("all", *faults.KINDS)


def judge(
    station: Station,
    chain: Chain,
    seen: Sight,
    learnt: river_floors.Learnt | None,
    adapted: Adapted | None = None,
) -> Tally:
    """Judge every rule on what it saw; without what floors have ``learnt`` only what ships."""
    truth = _Truth(station, seen)
    tally = _ours(truth, chain.decide(seen, station.constants, adapted))
    if learnt is not None:
        rules = river_floors.decisions(seen, station.constants, learnt)
        _judge_rules(tally, truth, rules)
        tally.warned["random"] = _random(truth, tally.warned["warning"])
    return tally


def ours(station: Station, seen: Sight, made: dict[str, Decisions]) -> Tally:
    """Judge what a chain ``made`` of what it saw, and nothing beside it."""
    return _ours(_Truth(station, seen), made)


def _ours(truth: _Truth, made: dict[str, Decisions]) -> Tally:
    tally = Tally()
    _judge_rules(tally, truth, iter(made.items()))
    _coverage(tally, truth, made["warning"])
    _curve(tally, truth, made["warning"].rises_mm)
    return tally


class _Truth:
    """What is true at the steps of the judged part."""

    def __init__(self, station: Station, seen: Sight) -> None:
        self.water, self.constants = station.water, station.constants
        self.since_ms = station.constants.train_until_ms
        self.first = int(np.searchsorted(seen.t_ms, self.since_ms))
        self.t_ms: Times = seen.t_ms[self.first :]
        self.now: Floats = seen.stage.value[self.first :]
        self.limb: Flags = river_floors.rising(seen, station.constants)[self.first :]
        spread = station.constants.spread_mm
        self.rises = {
            hours: (station.water.highest(self.t_ms, round(hours * HOUR_MS)) - self.now) / spread
            for hours in JUDGED_H
        }

    def band(self, made: Decisions, hours: float) -> Floats:
        """Return a rule's band for one horizon, in spreads; between its own ones a mean."""
        rises = made.rises_mm[self.first :] / self.constants.spread_mm
        if hours in HORIZONS_H:
            return np.asarray(rises[:, HORIZONS_H.index(hours)])
        above = next(k for k, own in enumerate(HORIZONS_H) if own > hours)
        low, high = HORIZONS_H[above - 1], HORIZONS_H[above]
        share = (hours - low) / (high - low)
        return np.asarray((1.0 - share) * rises[:, above - 1] + share * rises[:, above])


def _judge_rules(tally: Tally, truth: _Truth, rules: Iterator[tuple[str, Decisions]]) -> None:
    names = {rule: shown for shown, rule in FORECASTS.items()}
    for rule, made in rules:
        warn = made.warn[truth.first :]
        tally.warned[rule] = warned(truth.water, truth.since_ms, truth.t_ms, warn)
        if rule == "warning":
            tally.events = _events(truth, warn)
        if rule in names:
            for hours in JUDGED_H:
                tally.skill[names[rule], hours] = _skill(truth, made, hours)


def _events(truth: _Truth, warn: Flags) -> list[Event]:
    events, first_ms = first_warnings(truth.water, truth.since_ms, truth.t_ms, warn)
    return [
        Event(event, None if first > event else first)
        for event, first in zip(events.tolist(), first_ms.tolist(), strict=True)
    ]


def _curve(tally: Tally, truth: _Truth, rises_mm: Floats) -> None:
    """Count the warnings that other quantiles of the same forecasts would have given."""
    rises = rises_mm[truth.first :]
    for name, normal in CURVE.items():
        above = min(int(np.searchsorted(NORMAL, normal)), len(NORMAL) - 1)
        low, high = max(above - 1, 0), above
        share = (normal - NORMAL[low]) / max(NORMAL[high] - NORMAL[low], 1e-9)
        between = (1.0 - share) * rises[:, :, low] + share * rises[:, :, high]
        reached = truth.now + between.max(axis=1)
        warn = np.asarray(np.round(reached) >= truth.constants.mark_mm)
        tally.warned[name] = warned(truth.water, truth.since_ms, truth.t_ms, warn)


def _skill(truth: _Truth, made: Decisions, hours: float) -> Skill:
    rise, band = truth.rises[hours], truth.band(made, hours)
    known = truth.limb & np.isfinite(rise) & np.isfinite(band).all(axis=1)
    rise, band = rise[known], band[known]
    error = rise[:, None] - band
    levels = np.array(QUANTILES)
    pinball = np.maximum(levels * error, (levels - 1.0) * error).mean(axis=1)
    middle = QUANTILES.index(0.5)
    return Skill(
        float((error[:, middle] ** 2).sum()),
        float((rise**2).sum()),
        float(pinball.sum()),
        float(0.5 * np.abs(rise).sum()),  # the same loss of "it stays", whatever the quantile
        int(known.sum()),
    )


def _coverage(tally: Tally, truth: _Truth, made: Decisions) -> None:
    events = truth.water.events_ms
    for hours in HORIZONS_H:
        rise, band = truth.rises[hours], truth.band(made, hours)
        known = np.isfinite(rise) & np.isfinite(band).all(axis=1)
        inside = known & (rise >= band[:, 0]) & (rise <= band[:, -1])
        found = tally.inside.setdefault(hours, [])
        for event in events[events >= truth.since_ms]:
            part = slice(*np.searchsorted(truth.t_ms, (event - EVENT_MS, event + EVENT_MS)))
            if known[part].any():
                found.append((int(inside[part].sum()), int(known[part].sum())))


def _random(truth: _Truth, model: Warned) -> Warned:
    """Return what as many warnings as the model's give when they come at random, on average."""
    rng = np.random.default_rng(SEED)
    open_steps = np.flatnonzero(truth.water.eligible(truth.t_ms))
    count = min(int(model.groups), len(open_steps))
    hits, groups, false = 0.0, 0.0, 0.0
    leads: list[float] = []
    for _ in range(DRAWS):
        warn = np.zeros(len(truth.t_ms), dtype=bool)
        warn[rng.choice(open_steps, count, replace=False)] = True
        one = warned(truth.water, truth.since_ms, truth.t_ms, warn)
        hits, groups, false = hits + one.warned, groups + one.groups, false + one.false
        leads += one.leads_h
    shares = (hits / DRAWS, groups / DRAWS, false / DRAWS)
    return Warned(model.events, *shares, model.months, tuple(leads))


@dataclass
class Collected:
    """What the stations of a record gave: on clean readings, and with each kind of fault."""

    stations: list[Station]
    left_out: dict[str, str]
    clean: list[Tally]
    faulted: dict[str, list[Tally]]
    adapted: list[Outcome] = field(default_factory=list)


def adapt_to(station: Station, chain: Chain) -> Outcome:
    """Return what a station's training part teaches, kept or refused as on a site."""
    known, seen = station.constants, station.clean
    if not len(seen.t_ms) or known.train_until_ms - int(seen.t_ms[0]) < LEAST_DAYS * DAY_MS:
        return Outcome(None, "short", {})
    return adapt(past_of(seen, station.water, known, chain.model), chain.rule)


def collect(record: Record, chain: Chain, kinds: Sequence[str] = FAULT_KINDS) -> Collected:
    """Judge every station of a record, clean and with ``kinds`` of faults put in."""
    out = Collected([], {}, [], {kind: [] for kind in kinds})
    for site in record.sites:
        try:
            station = prepare(record, site)
        except DataError as error:
            out.left_out[site.name] = str(error)
            continue
        out.stations.append(station)
        learnt = river_floors.learn(station.constants, station.clean, station.water)
        made = adapt_to(station, chain)
        out.adapted.append(made)
        out.clean.append(judge(station, chain, station.clean, learnt, made.adapted))
        for kind in kinds:
            since = station.constants.train_until_ms
            faulty = faults.faulty(station.stage, kind, since, SEED)
            seen = sight(record, site, faulty, station.split)
            floors = learnt if kind == "all" else None
            out.faulted[kind].append(judge(station, chain, seen, floors, made.adapted))
    return out


def score(record: Record, artifacts: Path) -> dict[str, Any]:
    """Return every table of a record of rivers; DataError if no station can be judged."""
    chain = shipped(artifacts)
    found = collect(record, chain)
    if not found.stations:
        reasons = "; ".join(found.left_out.values()) or "it names none"
        raise DataError(f"{record.name}: no station can be judged: {reasons}")
    return {
        "record": record.name,
        "kind": record.kind,
        "model_sha256": chain.sha256,
        "rule": chain.rule.to_manifest(),
        "stations": [
            {
                **about(station),
                "adapted": made.about(),
                "event_list": [event.to_json() for event in tally.events],
            }
            for station, made, tally in zip(
                found.stations, found.adapted, found.clean, strict=True
            )
        ],
        "left_out": found.left_out,
        "clean": tables(found.clean),
        "faults": {kind: tables(tallies) for kind, tallies in found.faulted.items()},
        "sirens": score_siren.table(found.stations, record.raw),
    }


def elsewhere(recipe: dict[str, Any], chain: Chain) -> dict[str, dict[str, float]]:
    """Return in a few figures what ships does on each recorded river that never taught it."""
    out = {}
    for name in river_lessons.judged_records(recipe):
        found = collect(river_lessons.held_back(recipe, catalogue.load(name)), chain, ())
        if found.clean:
            out[name] = short(tables(found.clean), len(found.stations))
            out[name]["adapted"] = sum(made.adapted is not None for made in found.adapted)
    return out


def short(table: dict[str, Any], stations: int) -> dict[str, float]:
    """Return the figures of a table that a card shows."""
    rows, skill = table["warnings"], table["skill"]
    out: dict[str, float] = {"stations": stations, "events": rows["warning"]["events"]}
    shown = (("warning", "warning"), ("first day", "first"), ("watch", "watch"))
    for rule, name in (*shown, ("p98 mark", "mark")):
        for what in ("pod", "far", "lead_h"):
            out[f"{name}_{what}"] = rows[rule][what][0]
    for hours in JUDGED_H:
        out[f"pi_{hours}h"] = skill[f"model_{hours}h"]["pi"][0]
        out[f"pi_first_{hours}h"] = skill[f"first day_{hours}h"]["pi"][0]
        out[f"pi_ridge_{hours}h"] = skill[f"ridge_{hours}h"]["pi"][0]
    for hours in HORIZONS_H:
        out[f"inside_{hours}h"] = table["coverage"][f"{hours}h"]["share"][0]
    return out


def about(station: Station) -> dict[str, Any]:
    """Return what a station was judged with."""
    known = station.constants
    events = station.water.events_ms
    return {
        "name": station.site.name,
        "stage": "rated from discharge" if station.rated else "measured",
        "rain": station.site.rain[0] if station.site.rain else None,
        "step_s": station.stage.step_ms // 1000,
        "train_until_ms": known.train_until_ms,
        "mark_mm": known.mark_mm,
        "low_mark_mm": round(known.low_mark_mm),
        "spread_mm": known.spread_mm,
        "months": round(station.water.months(known.train_until_ms), 2),
        "events": int((events >= known.train_until_ms).sum()),
    }
