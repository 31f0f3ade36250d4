"""Name, order and shape the columns of panels that read rows: tables, maps and bar charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from amont_dashboards.model import LANGUAGES, Panel, joined
from amont_dashboards.query import Column, Query, Step
from amont_dashboards.units import unit_of
from amont_dashboards.words import TAG_VALUES, head

Json = dict[str, Any]
Mappings = Callable[[Query, str, int], list[Json]]
Thresholds = Callable[[tuple[Step, ...]], Json]
_CELLS = {
    "colour": {"type": "color-background", "mode": "basic"},  # the text stays legible on it
    "gauge": {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
}
_NOTHING = {
    "type": "special",
    "options": {
        "match": "null+nan",
        "result": {"index": 99, "text": "–", "color": "transparent"},
    },
}
_TIME_PX, _NARROW_PX = 170, 130
_QUERIES_MAX = 6  # queries side by side in one table


def transformations(panel: Panel, at: int = 0) -> list[Json]:
    """Return the panel's own transformations, for a table with its rows joined and ordered."""
    found = [*panel.transformations]
    if panel.kind == "table":
        shown = [query for query in panel.queries if not query.hidden]
        if len(shown) > 1 and "joinByField" not in dict(found):
            found.insert(0, joined(shown[0].group[0]))
        found.append(("organize", _order(panel, at)))
    return [{"id": name, "options": dict(options)} for name, options in found]


def _order(panel: Panel, at: int) -> Json:
    """Grafana gets tags in no fixed order, and the time of an aggregate says nothing.

    A text that is there in each language is shown in the reader's.
    """
    tags = [tag for query in panel.queries for tag in query.group]
    columns = [column.shown for query in panel.queries for column in query.columns]
    names = [*(["Time"] if panel.with_time else []), *dict.fromkeys(tags), *columns]
    hidden = [] if panel.with_time else ["Time"]
    if len(panel.queries) > 1:
        hidden += [f"Time {number}" for number in range(1, _QUERIES_MAX + 1)]
    hidden += [name for name in columns if name in LANGUAGES and name != LANGUAGES[at]]
    return {
        "indexByName": {name: number for number, name in enumerate(names)},
        "excludeByName": {name: True for name in hidden},
        "renameByName": {},
    }


def overrides(panel: Panel, at: int, mapped: Mappings, stepped: Thresholds) -> list[Json]:
    """Return heads, units, words and cells of every column."""
    tags = dict.fromkeys(tag for query in panel.queries for tag in query.group)
    names = [*(["Time"] if panel.with_time else []), *tags]
    found = [
        _named(name, [_property("displayName", head(name)[at]), *_tag_words(name, at)])
        for name in names
    ]
    for query in panel.queries:
        for column in query.columns:
            properties = [_property("displayName", (column.title[at] or head(column.shown)[at]))]
            properties += _value(query, column, at, mapped)
            properties += _stepped(column, stepped)
            properties += _cell(query, column) if panel.kind == "table" else []
            found.append(_named(column.shown, properties))
    return found + (_widths(panel, tags) if panel.kind == "table" else [])


def _widths(panel: Panel, tags: Iterable[str]) -> list[Json]:
    """Keep other columns narrow beside a sentence, which has what is left."""
    columns = [column.shown for query in panel.queries for column in query.columns]
    narrow = {"Time": _TIME_PX} if panel.with_time else {}
    if not {*columns}.isdisjoint(LANGUAGES):
        narrow |= {name: _NARROW_PX for name in (*tags, *columns) if name not in LANGUAGES}
    return [_named(name, [_property("custom.width", px)]) for name, px in narrow.items()]


def _tag_words(tag: str, at: int) -> list[Json]:
    """Return the words of a tag whose values are ours."""
    values = TAG_VALUES.get(tag, {}).items()
    options = {
        value: {"index": number, "text": text[at]} for number, (value, text) in enumerate(values)
    }
    return [_property("mappings", [{"type": "value", "options": options}])] if options else []


def link_overrides(panel: Panel, links: list[tuple[str, Json]]) -> list[Json]:
    """Return the links of a table's or a map's column, the first tag's where none is named."""
    first = next((tag for query in panel.queries for tag in query.group), "")
    by_tag: dict[str, list[Json]] = {}
    for tag, link in links:
        by_tag.setdefault(tag or first, []).append(link)
    return [_named(tag, [_property("links", found)]) for tag, found in by_tag.items()]


def _value(query: Query, column: Column, at: int, mapped: Mappings) -> list[Json]:
    """A cell that knows nothing has no colour: the lowest step's would be a lie."""
    if _coded(query, column):
        return [_property("mappings", [*mapped(query, column.field, at), _NOTHING])]
    unit = _property("unit", unit_of(query, column))
    return [unit, _property("mappings", [_NOTHING])] if column.steps else [unit]


def _coded(query: Query, column: Column) -> bool:
    return bool(query.declared(column.field).codes) and not column.unit


def _stepped(column: Column, stepped: Thresholds) -> list[Json]:
    ends = {"decimals": column.decimals, "min": column.low, "max": column.high}
    found = [_property(name, value) for name, value in ends.items() if value is not None]
    if column.steps:
        found.append(_property("thresholds", stepped(column.steps)))
        found.append(_property("color", {"mode": "thresholds"}))
    return found


def _cell(query: Query, column: Column) -> list[Json]:
    cell = "colour" if _coded(query, column) else column.cell
    return [_property("custom.cellOptions", _CELLS[cell])] if cell in _CELLS else []


def _property(name: str, value: object) -> Json:
    return {"id": name, "value": value}


def _named(name: str, properties: list[Json]) -> Json:
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}
