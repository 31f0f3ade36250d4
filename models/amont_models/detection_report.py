"""Measure the siren's decision on recorded water, and write what came out for people."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from amont_models import (
    bootstrap,
    detection,
    detection_curve,
    detection_faults,
    detection_text,
    metrics_file,
    poisson,
    river_report,
)
from amont_models.detection import Found
from amont_models.recipe import ARTIFACTS_DIR, MODELS_DIR, RECIPES_DIR
from amont_models.records import catalogue
from amont_models.records.table import Record
from amont_models.river_chain import shipped
from amont_models.score_tally import SEED

METRICS = RECIPES_DIR / "detection.metrics.json"
CURVE = RECIPES_DIR / "detection.curve.json"  # other settings of the leap rule, on training parts
CARDS_DIR = MODELS_DIR.parent / "docs" / "models"
DRAWS = 14  # of faults over the same water: a hundred station-years
GOAL = 0.02  # false sirens a station-year
FLOOD = "@2022"  # of the Garonne's floods: the others were not recorded every 5 to 15 min
GUARDS = tuple(f"guard, {sensors}" for sensors in detection_faults.SENSORS)
LANGUAGES = ("en", "fr")


def raw_records() -> list[Record]:
    """Return the raw French telemetry: every station of Occitanie, the Garonne's flood of 2022."""
    first, second = (catalogue.load(name) for name in river_report.SETS["french"])
    sites = tuple(site for site in second.sites if site.name.endswith(FLOOD))
    return [first, replace(second, sites=sites)]


def measure() -> dict[str, Any]:
    """Return both tables; DataError if a record is not here."""
    raw = detection.raw_table(raw_records(), shipped(ARTIFACTS_DIR))
    rows = {
        f"raw_{up}": {rule: row(found) for rule, found in table.items()}
        for up, table in raw.items()
    }
    return {**rows, **faults_part(detection_faults.by_station(long_records(), SEED, DRAWS), DRAWS)}


def long_records() -> Iterator[Record]:
    """Yield the records of a year and more."""
    return (catalogue.load(name) for name in river_report.SETS["long"])


def faults_part(table: dict[str, dict[str, Found]], draws: int) -> dict[str, Any]:
    """Return what the metrics file holds of made faults: the table, each station, the draws."""
    total = detection_faults.added(table)
    faults = {}
    for rule, found in total.items():
        units = [(counts[rule].false, counts[rule].years) for counts in table.values()]
        _, low, high = bootstrap.of_sums(
            units, lambda sums: bootstrap.ratio(sums[:, 0], sums[:, 1])
        )
        faults[rule] = {**row(found), "stations_95": _rounded(low, high)}
    stations = {
        name: {
            "years": round(counts[GUARDS[0]].years, 2),
            "false": [counts[rule].false for rule in GUARDS],
        }
        for name, counts in table.items()
    }
    return {"faults": faults, "stations": stations, "draws": draws}


def row(found: Found) -> dict[str, Any]:
    """Return a rule's figures; None where there is nothing to divide by."""
    csi, years = found.csi, found.years
    low, high = poisson.bounds(found.false)
    return {
        "events": found.events,
        "met": found.met,
        "false": found.false,
        "csi": round(csi, 4) if csi == csi else None,
        "years": round(years, 2),
        "false_a_year": round(found.false / years, 3) if years else None,
        "counts_95": _rounded(low / years, high / years) if years else None,
    }


def _rounded(low: float, high: float) -> list[float] | None:
    return None if low != low else [round(low, 3), round(high, 3)]


def read(path: Path = METRICS) -> dict[str, Any]:
    """Return the metrics file; DataError if there is none."""
    return metrics_file.read(path, "amont-models detect")


def render(metrics: dict[str, Any], language: str, curve: dict[str, Any] | None = None) -> str:
    """Return the card in a language; every figure comes from ``metrics`` and the curve's file."""
    curve = curve or metrics_file.read(CURVE, "amont-models detect --curve")
    template = (RECIPES_DIR / f"detection.card.{language}.md").read_text(encoding="utf-8")
    return template.format(**detection_text.facts(metrics, curve, language, GOAL))


def write(metrics: dict[str, Any], folder: Path = CARDS_DIR, path: Path = METRICS) -> list[Path]:
    """Write the metrics and both cards; return their paths."""
    metrics_file.write(metrics, path)
    return [path, *write_cards(metrics, folder)]


def write_cards(metrics: dict[str, Any], folder: Path = CARDS_DIR) -> list[Path]:
    """Write both cards; return their paths."""
    cards = [folder / f"detection.{language}.md" for language in LANGUAGES]
    for card, language in zip(cards, LANGUAGES, strict=True):
        card.write_text(render(metrics, language), encoding="utf-8")
    return cards


def add_commands(commands: Any) -> None:
    """Add ``amont-models detect``."""
    about = "judge the siren's decision on the known records, and write its card"
    command = commands.add_parser("detect", help=about, description=about)
    command.add_argument(
        "--curve",
        action="store_true",
        help="measure other settings of the rule for leaps on training parts instead",
    )
    command.set_defaults(run=_run)


def _run(asked: argparse.Namespace) -> int:
    if asked.curve:
        metrics_file.write(detection_curve.curve(long_records(), SEED), CURVE)
        paths = [CURVE, *write_cards(read())]
    else:
        paths = write(measure())
    for path in paths:
        sys.stderr.write(f"written: {path.name}\n")
    return 0
