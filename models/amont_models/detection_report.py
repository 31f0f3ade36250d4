"""Measure the siren's decision on recorded water, and write what came out for people."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from amont_models import detection, metrics_file, river_report, screen_report
from amont_models.detection import Found
from amont_models.recipe import ARTIFACTS_DIR, MODELS_DIR, RECIPES_DIR
from amont_models.records import catalogue
from amont_models.records.table import Record
from amont_models.river_chain import shipped
from amont_models.score_tally import SEED

METRICS = RECIPES_DIR / "detection.metrics.json"
CURVE = RECIPES_DIR / "detection.curve.json"  # the rules that were tried, on training parts
CARDS_DIR = MODELS_DIR.parent / "docs" / "models"
FLOOD = "@2022"  # of the Garonne's floods: the others were not recorded every 5 to 15 min
RULES = (
    "guard, each minute",
    "guard",
    "guard, 1",
    "guard, 2",
    "guard, 3",
    "threshold",
    "median of three",
    "warning",
)


def raw_records() -> list[Record]:
    """Return the raw French telemetry: every station of Occitanie, the Garonne's flood of 2022."""
    first, second = (catalogue.load(name) for name in river_report.SETS["french"])
    sites = tuple(site for site in second.sites if site.name.endswith(FLOOD))
    return [first, replace(second, sites=sites)]


def measure() -> dict[str, Any]:
    """Return both tables; DataError if a record is not here."""
    raw = detection.raw_table(raw_records(), shipped(ARTIFACTS_DIR))
    faulty = detection.fault_table(
        (catalogue.load(name) for name in river_report.SETS["long"]), SEED
    )
    tables = {**{f"raw_{up}": table for up, table in raw.items()}, "faults": faulty}
    return {
        name: {rule: row(found) for rule, found in table.items()} for name, table in tables.items()
    }


def row(found: Found) -> dict[str, float | None]:
    """Return a rule's figures; None where there is nothing to divide by."""
    csi = found.csi
    return {
        "events": found.events,
        "met": found.met,
        "false": found.false,
        "csi": round(csi, 4) if csi == csi else None,
        "years": round(found.years, 2),
        "false_a_year": round(found.false / found.years, 3) if found.years else None,
    }


def read(path: Path = METRICS) -> dict[str, Any]:
    """Return the metrics file; DataError if there is none."""
    return metrics_file.read(path, "amont-models detect")


def render(metrics: dict[str, Any], language: str) -> str:
    """Return the card in a language; every figure comes from ``metrics``."""
    words = WORDS[language]
    facts = {name: _table(rows, words) for name, rows in metrics.items()}
    template = (RECIPES_DIR / f"detection.card.{language}.md").read_text(encoding="utf-8")
    return template.format(**facts, curve=_curve(metrics_file.read(CURVE, "git"), language))


def _curve(found: dict[str, Any], language: str) -> str:
    cells = [WORDS[language]["curve_head"].split("|")]
    for rule in found["rules"]:
        met = " / ".join(str(count) for count in rule["met"]) + f" ({found['crossings']})"
        false = " / ".join(f"{rate:.2f}" for rate in rule["false_a_year"])
        cells.append([rule[language], str(rule["delay_s"]), met, false])
    return screen_report.lines(cells)


def _table(rows: dict[str, dict[str, float | None]], words: dict[str, str]) -> str:
    cells = [words["head"].split("|")]
    for rule in (rule for rule in RULES if rule in rows):
        found = rows[rule]
        csi = "–" if found["csi"] is None else f"{found['csi']:.3f}"
        cells.append(
            [
                words[rule],
                f"{found['events']:.0f}",
                f"{found['met']:.0f}",
                f"{found['false']:.0f}",
                csi,
                f"{found['false_a_year']:.2f}",
            ]
        )
    return screen_report.lines(cells)


def write(metrics: dict[str, Any], folder: Path = CARDS_DIR, path: Path = METRICS) -> list[Path]:
    """Write the metrics and both cards; return their paths."""
    metrics_file.write(metrics, path)
    cards = []
    for language in WORDS:
        card = folder / f"detection.{language}.md"
        card.write_text(render(metrics, language), encoding="utf-8")
        cards.append(card)
    return [path, *cards]


def add_commands(commands: Any) -> None:
    """Add ``amont-models detect``."""
    about = "judge the siren's decision on the known records, and write its card"
    command = commands.add_parser("detect", help=about, description=about)
    command.set_defaults(run=_run)


def _run(_asked: argparse.Namespace) -> int:
    for path in write(measure()):
        sys.stderr.write(f"written: {path.name}\n")
    return 0


WORDS = {
    "en": {
        "head": "rule|crossings|met in time|false|CSI|false a station-year",
        "curve_head": "one / two / three sensors|waits, s at most|met in time (of)"
        "|false a station-year",
        "guard, each minute": "**the guard, one sensor, a sample a minute from watch on**",
        "guard": "the guard, one sensor, the record's own steps",
        "guard, 1": "**the guard, one sensor**",
        "guard, 2": "**the guard, two sensors**",
        "guard, 3": "**the guard, three sensors**",
        "threshold": "plain threshold",
        "median of three": "median of three readings",
        "warning": "the river model's warning (advice, no siren)",
    },
    "fr": {
        "head": "règle|franchissements|à temps|fausses|CSI|fausses par station et par an",
        "curve_head": "un / deux / trois capteurs|attend, s au plus|à temps (sur)"
        "|fausses par station et par an",
        "guard, each minute": "**le gardien, un capteur, une mesure par minute dès la vigilance**",
        "guard": "le gardien, un capteur, au pas de l'enregistrement",
        "guard, 1": "**le gardien, un capteur**",
        "guard, 2": "**le gardien, deux capteurs**",
        "guard, 3": "**le gardien, trois capteurs**",
        "threshold": "simple seuil",
        "median of three": "médiane de trois mesures",
        "warning": "l'avertissement du modèle de rivière (un avis, pas de sirène)",
    },
}
