"""Check, filter and print the figures that ``bench_*.py`` modules yield.

A module ``bench_wire.py`` defines ``NAMES``, the names of the figures that it can give (all start
with an area such as ``wire.``), and ``figures(full, seed)``, which yields one dict a figure.
``name``, ``value`` and ``unit`` must be there; ``anchor``, ``goal``, ``met`` and ``ratio`` where
they make sense, and ``trials`` with ``failures`` for what goes into the ledger; ``seconds`` and
``seed`` are filled in. A figure that was not measured is named below its module's rows.
"""

from __future__ import annotations

import importlib
import json
import math
import re
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

KEYS = (
    "name", "value", "unit", "anchor", "ratio", "goal", "met", "trials", "failures", "seconds",
    "seed",
)  # fmt: skip
# What lacks it was run without: a record, a package, FULL=1.
NOT_MEASURED = "not measured here"
Figure = dict[str, Any]


class FigureError(ValueError):
    """A module yielded something that is not a figure."""


def complete(raw: Figure, names: tuple[str, ...], seconds: float, seed: int) -> Figure:
    """Return the figure with every key in order; raise FigureError for anything else."""
    unknown = sorted(set(raw) - set(KEYS))
    if unknown:
        raise FigureError(f"unknown keys {unknown} in {raw}")
    if raw.get("name") not in names:
        raise FigureError(f"{raw.get('name')!r} is not in NAMES")
    value, anchor = raw.get("value"), raw.get("anchor")
    if not _finite(value) or not isinstance(raw.get("unit"), str):
        raise FigureError(f"{raw['name']}: needs a finite value and a unit, got {raw}")
    figure: Figure = {
        "ratio": None,
        "met": None,
        "seconds": round(seconds, 2),
        "seed": seed,
        **raw,
    }
    if figure["ratio"] is None and _finite(anchor) and anchor != 0:
        figure["ratio"] = round(value / anchor, 4)
    return {key: figure.get(key) for key in KEYS}


def measure(module: ModuleType, only: str, full: bool, seed: int) -> Iterator[Figure]:
    """Yield the completed figures of one module whose names match the regular expression."""
    start = time.monotonic()
    for raw in module.figures(full=full, seed=seed):
        figure = complete(raw, tuple(module.NAMES), time.monotonic() - start, seed)
        start = time.monotonic()
        if re.search(only, figure["name"]):
            yield figure


def modules(folder: Path, only: str, failed: list[str]) -> Iterator[ModuleType]:
    """Yield the bench modules that can give a wanted figure; note the broken ones."""
    for path in sorted(folder.glob("bench_*.py")):
        try:
            module = importlib.import_module(f"{__package__}.{path.stem}")
            wanted = any(re.search(only, name) for name in module.NAMES)
        except Exception:  # one broken module must not hide the figures of the others
            _report(path.stem, failed)
            continue
        if wanted:
            yield module


def run(folder: Path, target: Path, only: str, full: bool, seed: int) -> list[str]:
    """Measure, print and write one JSON object a figure; return the modules that failed."""
    failed: list[str] = []
    target.parent.mkdir(parents=True, exist_ok=True)
    _print_row("figure", "value", "unit", "anchor", "ratio", "goal", "met", "s")
    with target.open("w", encoding="utf-8") as out:
        for module in modules(folder, only, failed):
            left = [name for name in module.NAMES if re.search(only, name)]
            try:
                for figure in measure(module, only, full, seed):
                    out.write(json.dumps(figure, ensure_ascii=False) + "\n")
                    out.flush()
                    _print_figure(figure)
                    left = [name for name in left if name != figure["name"]]
            except Exception:  # as above
                _report(module.__name__, failed)
            if left:
                print(f"{NOT_MEASURED}: {', '.join(left)}", flush=True)
    return failed


def _report(name: str, failed: list[str]) -> None:
    failed.append(name.rpartition(".")[2])
    print(f"{failed[-1]}: failed; its remaining figures are absent", file=sys.stderr)
    traceback.print_exc()


def _print_figure(figure: Figure) -> None:
    met = {True: "yes", False: "NO"}.get(figure["met"], "-")
    cells = [_text(figure[key]) for key in ("name", "value", "unit", "anchor", "ratio", "goal")]
    _print_row(*cells, met, _text(figure["seconds"]))


def _print_row(*cells: str) -> None:
    widths = (44, 12, 18, 14, 9, 14, 4, 7)
    print("  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip(), flush=True)


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
