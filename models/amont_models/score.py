"""Score what ships on a folder of records in the tidy form, by what kind of place it holds."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from amont_models import leak_text, river_text, score_network, score_river, score_zone, tidy
from amont_models.records.table import DataError, Record

Result = dict[str, Any]
# Kind of record: how it is judged, and how its tables are told.
SCORERS: dict[str, tuple[Callable[[Record, Path], Result], Callable[[Result], str]]] = {
    "river": (score_river.score, river_text.render),
    "zone": (score_zone.score, leak_text.render),
    "network": (score_network.score, leak_text.render),
}


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
    result = {**judge(record, artifacts), "raw": record.raw, "missing": missing()}
    return result, tell(result) + "".join(f"\n{line}\n" for line in result["missing"])


def missing() -> list[str]:
    """Return one line for each row that the tables lack for want of a package."""
    return [
        f"no row {row}: the package {package} is not installed (requirements/train.txt has it)"
        for package, row in ROWS.items()
        if find_spec(package) is None
    ]
