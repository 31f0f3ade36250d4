"""Turn one panel of the model into Grafana's JSON, in one language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amont_dashboards import sources, tables
from amont_dashboards.links import data_links
from amont_dashboards.model import BLUE, SILENT_KINDS, TABLES, Panel
from amont_dashboards.options import OPTIONS, PALETTE
from amont_dashboards.query import Query, Step
from amont_dashboards.units import unit_of
from amont_dashboards.words import words

Json = dict[str, Any]

# Panels whose colour says what the value means, not which series it belongs to.
_BY_VALUE = ("stat", "gauge", "bargauge", "state-timeline", "status-history")


def panel_json(panel: Panel, at: int, variables: tuple[str, ...] = ()) -> Json:
    """Return the panel without its place; ``at`` is the language's place, ``variables`` names."""
    if panel.kind in SILENT_KINDS:
        return _silent(panel, at)
    asked = {panel.asks(query) for query in panel.queries}
    links = data_links(panel.opens, at, variables, panel.kind in TABLES)
    made: Json = {
        "type": panel.kind,
        "title": panel.title[at],
        "description": panel.description[at],
        "datasource": sources.reference(asked.pop() if len(asked) == 1 else sources.MIXED),
        "targets": [_target(q, panel, n, at) for n, q in enumerate(panel.queries)],
        "fieldConfig": {
            "defaults": _defaults(panel, at),
            "overrides": _overrides(panel, at, links),
        },
        "options": {**OPTIONS[panel.kind](panel), **panel.options},
        "transformations": tables.transformations(panel, at),
    }
    return made | _times(panel) | _repeated(panel)


def ref(number: int) -> str:
    """Return the letter by which Grafana knows a panel's query."""
    return chr(ord("A") + number)


def _repeated(panel: Panel) -> Json:
    if not panel.repeat:
        return {}
    return {"repeat": panel.repeat, "repeatDirection": "h", "maxPerRow": 3}


def _silent(panel: Panel, at: int) -> Json:
    made: Json = {"type": panel.kind, "title": panel.title[at]}
    if panel.kind == "row":
        again = {"repeat": panel.repeat} if panel.repeat else {}
        return made | {"collapsed": False, "panels": []} | again
    options = {"mode": "markdown", "content": panel.text[at]}
    return made | {"description": panel.description[at], "options": options}


def _times(panel: Panel) -> Json:
    times = {
        "timeFrom": panel.time_from,
        "timeShift": panel.time_shift,
        "interval": panel.interval,
    }
    return {key: value for key, value in times.items() if value}


def _target(query: Query, panel: Panel, number: int, at: int) -> Json:
    target: Json = {
        "refId": ref(number),
        "datasource": sources.reference(panel.asks(query)),
        "rawQuery": True,
        "query": query.influxql(),
        "resultFormat": "table" if panel.kind in TABLES else "time_series",
        "alias": query.label[at],
    }
    return target | ({"hide": True} if query.hidden else {})


def _defaults(panel: Panel, at: int) -> Json:
    query = panel.queries[0]
    column = query.columns[0]
    coded = bool(query.declared(column.field).codes) and not column.unit
    defaults: Json = {"color": {"mode": PALETTE}, "mappings": []}
    if panel.kind not in ("table", "geomap"):
        if coded and not panel.unit:
            defaults["mappings"] = mappings(query, column.field, at)
        else:
            defaults["unit"] = panel.unit or unit_of(query, column)
    if panel.kind in _BY_VALUE:
        # Without steps a number has no good or bad: one colour, and the words of a code its own.
        defaults["color"] = {"mode": "thresholds"}
    if panel.kind in _BY_VALUE or panel.steps or panel.kind == "geomap":
        defaults["thresholds"] = thresholds(panel.steps)
    optional = {"decimals": panel.decimals, "min": panel.low, "max": panel.high}
    defaults |= {key: value for key, value in optional.items() if value is not None}
    if panel.empty[at]:
        defaults["noValue"] = panel.empty[at]
    if custom := _CUSTOM.get(panel.kind):
        defaults["custom"] = custom(panel)
    return defaults


def thresholds(steps: tuple[Step, ...]) -> Json:
    """Return colours by value, from the lowest up."""
    shown = steps or ((None, BLUE),)
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": colour} for value, colour in shown],
    }


def _timeseries(panel: Panel) -> Json:
    return {
        "drawStyle": "bars" if panel.bars else "line",
        "fillOpacity": 60 if panel.bars else 0,
        "lineWidth": 2,
        "showPoints": "always" if panel.points else "never",
        "spanNulls": panel.gap_ms or False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if panel.marked else "off"},
    }


def _timeline(panel: Panel) -> Json:
    return {"fillOpacity": 80, "lineWidth": 0, "spanNulls": panel.gap_ms or False}


def _history(_panel: Panel) -> Json:
    return {"fillOpacity": 80, "lineWidth": 1}


def _filled(_panel: Panel) -> Json:
    return {"fillOpacity": 80, "lineWidth": 1}


_CUSTOM: dict[str, Callable[[Panel], Json]] = {
    "timeseries": _timeseries,
    "state-timeline": _timeline,
    "status-history": _history,
    "barchart": _filled,
    "histogram": _filled,
}


def mappings(query: Query, name: str, at: int) -> list[Json]:
    """Return the words and colours of a coded field."""
    options = {
        str(code): {"index": code, "text": text[at], "color": colour}
        for code, (text, colour) in enumerate(words(query.declared(name)))
    }
    return [{"type": "value", "options": options}]


def _overrides(panel: Panel, at: int, links: list[tuple[str, Json]]) -> list[Json]:
    if panel.kind in TABLES:
        shown = tables.overrides(panel, at, mappings, thresholds)
        return shown + tables.link_overrides(panel, links)
    found = []
    for number, query in enumerate(panel.queries):
        properties = _series(panel, query, number, at)
        # A line leads only where its own tags say which one is meant.
        if followed := [link for tag, link in links if not tag or tag in query.group]:
            properties.append({"id": "links", "value": followed})
        if properties:
            matcher = {"id": "byFrameRefID", "options": ref(number)}
            found.append({"matcher": matcher, "properties": properties})
    return found


def _series(panel: Panel, query: Query, number: int, at: int) -> list[Json]:
    """Return what one query's lines have that the panel's other lines have not."""
    properties: dict[str, Any] = {}
    if query.colour:
        properties["color"] = {"mode": "fixed", "fixedColor": query.colour}
    if query.dashed:
        properties["custom.lineStyle"] = {"fill": "dash", "dash": [10, 6]}
    if query.unit:
        properties |= {"unit": query.unit, "custom.axisPlacement": "right"}
    if panel.band and number in panel.band:
        properties["custom.lineWidth"] = 1
    if panel.band and number == panel.band[1]:
        # Filled down to the series of exactly this name.
        properties["custom.fillBelowTo"] = panel.queries[panel.band[0]].label[at]
        properties["custom.fillOpacity"] = 25
    return [{"id": name, "value": value} for name, value in properties.items()]
