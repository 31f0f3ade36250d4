"""Check generated dashboards by rules: what a reader needs and what every InfluxDB understands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from amont_dashboards.model import COLUMNS

Json = dict[str, Any]

# In InfluxDB 1.x, and not in InfluxQL of 3 Core; or slow and unbounded everywhere.
_NOT_PORTABLE = re.compile(
    r"\b(SLIMIT|SOFFSET|SAMPLE|HOLT_WINTERS\w*|CHANDE\w*|KAUFMANS\w*|TRIPLE_EXP\w*"
    r"|RELATIVE_STRENGTH\w*|INTO|DELETE|DROP)\b",
    re.IGNORECASE,
)


def faults(dashboard: Json) -> list[str]:
    """Return what is wrong with one dashboard, one line each."""
    found = [
        f"{panel.get('title')}: {text}" for panel in dashboard["panels"] for text in _of(panel)
    ]
    ids = [panel["id"] for panel in dashboard["panels"]]
    if len(set(ids)) != len(ids):
        found.append("two panels have the same id")
    if dashboard.get("editable"):
        found.append("must not be editable: it is generated")
    return found + list(_overlaps(dashboard["panels"]))


def differences(first: Json, second: Json) -> list[str]:
    """Return where two languages of one dashboard differ in anything but words."""
    pairs = zip(first["panels"], second["panels"], strict=False)
    found = [
        f"{a['title']} / {b['title']}: {key} differs"
        for a, b in pairs
        for key in ("id", "type", "gridPos")
        if a[key] != b[key]
    ]
    found += [
        f"{a['title']} / {b['title']}: queries differ"
        for a, b in zip(first["panels"], second["panels"], strict=False)
        if [t["query"] for t in a["targets"]] != [t["query"] for t in b["targets"]]
    ]
    if len(first["panels"]) != len(second["panels"]):
        found.append("different numbers of panels")
    return found


def _of(panel: Json) -> Iterator[str]:
    for key in ("title", "description"):
        if not panel.get(key):
            yield f"no {key}"
    if not panel["targets"]:
        yield "no query"
    if panel.get("datasource", {}).get("uid") != "amont-history":
        yield "another data source"
    defaults = panel["fieldConfig"]["defaults"]
    if not defaults.get("unit") and not defaults.get("mappings") and panel["type"] != "table":
        yield "neither a unit nor words for codes"
    if "color" not in defaults:
        yield "no colour mode"
    for target in panel["targets"]:
        yield from _of_query(target["query"])


def _of_query(query: str) -> Iterator[str]:
    if "*" in query.partition(" FROM ")[0].replace(") * ", ""):
        yield f"selects everything: {query}"
    if "$timeFilter" not in query:
        yield f"no time filter: {query}"
    if "time($__interval)" in query and "fill(" not in query:
        yield f"grouped by time without fill: {query}"
    if found := _NOT_PORTABLE.search(query):
        yield f"{found[0]} is not understood by every InfluxDB: {query}"


def _overlaps(panels: list[Json]) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        grid = panel["gridPos"]
        if grid["x"] + grid["w"] > COLUMNS:
            yield f"{panel['title']}: wider than {COLUMNS} columns"
        cells = [
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        ]
        hidden = {taken[cell] for cell in cells if cell in taken}
        if hidden:
            yield f"{panel['title']}: lies over {', '.join(sorted(hidden))}"
        taken.update((cell, panel["title"]) for cell in cells)
