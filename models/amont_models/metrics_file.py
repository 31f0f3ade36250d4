"""Keep what was measured for a card: JSON, sorted, so that a change of a figure is a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from amont_models.records.table import DataError

Metrics = dict[str, Any]


def write(metrics: Metrics, path: Path) -> None:
    """Write the file."""
    path.write_text(json.dumps(metrics, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read(path: Path, command: str) -> Metrics:
    """Return the file's content; DataError says which ``command`` makes it if there is none."""
    if not path.is_file():
        raise DataError(f"{path.name}: not there; run `{command}`")
    metrics: Metrics = json.loads(path.read_text(encoding="utf-8"))
    return metrics
