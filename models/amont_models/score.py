"""Score what ships on a folder of records in the tidy form, by what kind of place it holds."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from amont_models import leak_text, river_text, score_network, score_river, score_zone, tidy
from amont_models.records.table import GOOD, DataError, Record

Result = dict[str, Any]
# Kind of record: how it is judged, and how its tables are told.
SCORERS: dict[str, tuple[Callable[[Record, Path], Result], Callable[[Result], str]]] = {
    "river": (score_river.score, river_text.render),
    "zone": (score_zone.score, leak_text.render),
    "network": (score_network.score, leak_text.render),
}


# Quantities that are below zero only where a sensor or an export errs, or water runs backwards.
NEVER_NEGATIVE = ("rain", "rain_forecast", "inflow")
# Packages of training, and the row that a table lacks without each.
ROWS = {"lightgbm": "LightGBM"}


def score(folder: Path, artifacts: Path) -> tuple[Result, str]:
    """Return the tables of a folder, as values and as text; DataError on what is not the form."""
    return score_record(tidy.read(folder), artifacts)


def score_record(record: Record, artifacts: Path) -> tuple[Result, str]:
    """Return the tables of a record, as values and as text."""
    if record.kind not in SCORERS:
        raise DataError(f"{record.name}: nothing here judges records of kind {record.kind}")
    judge, tell = SCORERS[record.kind]
    made = {"raw": record.raw, "notes": notes(record), "missing": missing()}
    result = {**judge(record, artifacts), **made}
    lines = [*result["notes"], *result["missing"]]
    return result, tell(result) + "".join(f"\n{line}\n" for line in lines)


def notes(record: Record) -> list[str]:
    """Return one line for each channel whose good readings hold what seldom is true."""
    out = []
    for one in record.channels:
        below = int(((one.quality == GOOD) & (one.value < 0.0)).sum())
        if one.quantity in NEVER_NEGATIVE and below:
            out.append(f"{one.name}, {one.quantity}: {below} readings below 0, taken as they are")
    return out


def missing() -> list[str]:
    """Return one line for each row that the tables lack for want of a package."""
    return [
        f"no row {row}: the package {package} is not installed (requirements/train.txt has it)"
        for package, row in ROWS.items()
        if find_spec(package) is None
    ]
