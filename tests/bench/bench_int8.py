"""Set the int8 files beside the float networks that they were made from, on decisions.

``amont-models train`` measures both when it makes them (``int8_check``), float being gone after
that; its figures lie in ``metrics.json``. ``river`` is the signed rule on all parts that never
taught; ``leak`` what ships, which may not ask its network, ``leak_asked`` the test with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amont_models import pipeline
from amont_models.int8_text import F1_MOST, PI_MOST, SAME_LEAST
from amont_models.recipe import ARTIFACTS_DIR

NAMES = (
    "int8.dpi",
    "int8.df1_river",
    "int8.same_decision",
    "int8.df1_leak",
    "int8.df1_leak_asked",
    "int8.same_decision_leak_asked",
)
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield what training measured; nothing is drawn."""
    del full, seed
    yield from told(pipeline.read_metrics(ARTIFACTS_DIR))


def told(metrics: dict[str, Any]) -> Iterator[Figure]:
    """Yield the figures that the metrics hold."""
    river, leak = (metrics[name].get("int8") for name in ("river", "leak"))
    if river:
        events = river["levels"]["warning"]["int8"]["of"]
        yield _most("dpi", river["dpi"], "|ΔPI|, worst horizon", PI_MOST)
        yield _most("df1_river", river["df1"], f"|ΔF1|, {events:.0f} events", F1_MOST)
        yield _same("same_decision", river["differ"], river["steps"], "steps")
    if leak:
        yield _most("df1_leak", leak["df1_shipped"], "|ΔF1|, what ships", F1_MOST)
        unit = f"|ΔF1|, {leak['int8']['of']} leaks"
        yield _most("df1_leak_asked", leak["df1"], unit, F1_MOST)
        yield _same("same_decision_leak_asked", leak["differ"], leak["nights"], "nights")


def _most(name: str, value: float, unit: str, most: float) -> Figure:
    figure = {"name": f"int8.{name}", "value": value, "unit": unit}
    return {**figure, "goal": f"<= {most:g}", "met": value <= most}


def _same(name: str, differ: int, count: int, what: str) -> Figure:
    value = 1.0 - differ / count
    figure = {"name": f"int8.{name}", "value": value, "unit": f"of {count} {what}"}
    return {**figure, "goal": f">= {SAME_LEAST:g}", "met": value >= SAME_LEAST}
