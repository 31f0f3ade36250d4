"""Turn the model into the files that Grafana reads: dashboards (JSON) and provisioning (YAML)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from amont_dashboards import provisioning, sources
from amont_dashboards.alerts import render as alerts
from amont_dashboards.boards import ALL
from amont_dashboards.links import dashboard_links
from amont_dashboards.model import COLUMNS, LANGUAGES, Annotation, Dashboard, Variable
from amont_dashboards.panels import panel_json
from amont_gateway import series

Json = dict[str, Any]
_SCHEMA_VERSION = 39  # Grafana 11; later versions migrate it on load
_DETAIL_TITLE = ("Détail", "Detail")


def dashboard(source: Dashboard, language: str, every: Sequence[Dashboard] = ALL) -> Json:
    """Return one dashboard in one language; ``every`` are those that it may link to."""
    at = LANGUAGES.index(language)
    return {
        "uid": f"{source.uid}-{language}",
        "title": source.title[at],
        "description": source.description[at],
        "tags": ["amont", language, f"L{source.level}"],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": source.refresh,
        "time": {"from": f"now-{source.hours}h", "to": f"now{source.ahead}"},
        "timepicker": {},
        "timezone": "browser",
        "links": dashboard_links(source, every, at),
        "templating": {"list": _variables(source, at)},
        "annotations": {"list": [_annotation(a, at) for a in source.annotations]},
        "panels": _panels(source, at),
    }


def dashboard_files() -> dict[str, str]:
    """Return every dashboard in both languages: path and content."""
    return {
        f"dashboards/{language}/{source.uid}.json": json.dumps(
            dashboard(source, language), ensure_ascii=False, indent=1
        )
        + "\n"
        for source in ALL
        for language in LANGUAGES
    }


def files() -> dict[str, str]:
    """Return every generated file: path below ``dashboards/grafana`` and content."""
    return dashboard_files() | provisioning.files() | alerts.files()


def has_detail(source: Dashboard) -> bool:
    """Return whether a reader may choose readings, hours or days here."""
    return any(p.asks(q) == sources.CHOSEN for p in source.panels for q in p.queries)


def variable_names(source: Dashboard) -> tuple[str, ...]:
    """Return the dashboard's variables in the order in which they stand."""
    chosen = (sources.DETAIL,) if has_detail(source) else ()
    return (*chosen, *(variable.name for variable in source.variables))


def _panels(source: Dashboard, at: int) -> list[Json]:
    """Place panels from left to right; a panel that does not fit begins a new row."""
    placed, x, y, height = [], 0, 0, 0
    names = variable_names(source)
    for panel in source.panels:
        columns, rows = panel.size
        if x + columns > COLUMNS:
            x, y, height = 0, y + height, 0
        grid = {"x": x, "y": y, "w": columns, "h": rows}
        placed.append({"id": panel.id, "gridPos": grid, **panel_json(panel, at, names)})
        x, height = x + columns, max(height, rows)
    return placed


def _variables(source: Dashboard, at: int) -> list[Json]:
    own = [_variable(variable, at) for variable in source.variables]
    return [_detail(source, at), *own] if has_detail(source) else own


def _detail(source: Dashboard, at: int) -> Json:
    first = next(found for found in sources.ALL if found.store == source.detail)
    return {
        "name": sources.DETAIL,
        "label": _DETAIL_TITLE[at],
        "type": "datasource",
        "query": "influxdb",
        "regex": "/^Amont( · 1 [hd])?$/",
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "current": {"selected": True, "text": first.name, "value": first.uid},
        "options": [],
        "hide": 0,
    }


def _variable(variable: Variable, at: int) -> Json:
    shared: Json = {
        "name": variable.name,
        "label": variable.title[at],
        "multi": variable.several,
        "includeAll": variable.several,
        "hide": 0,
    }
    if variable.several:
        shared["current"] = {"text": ["All"], "value": ["$__all"]}
    if variable.choices:
        return shared | _choices(variable, at)
    return shared | {
        "type": "query",
        "datasource": sources.reference(variable_source(variable)),
        "query": variable_query(variable),
        "refresh": 1,  # when the dashboard is opened
        "regex": "",
        "sort": 3,  # numbers in order
        "options": [],
    }


def _choices(variable: Variable, at: int) -> Json:
    options = [
        {"text": text[at], "value": value, "selected": number == 0 and not variable.several}
        for number, (value, text) in enumerate(variable.choices)
    ]
    made: Json = {
        "type": "custom",
        "query": ", ".join(f"{text[at]} : {value}" for value, text in variable.choices),
        "options": options,
    }
    return made if variable.several else made | {"current": options[0]}


def variable_source(variable: Variable) -> str:
    """Return the uid of the data source that holds the variable's values."""
    return next(s.uid for s in sources.ALL if s.store == variable.measurement.store)


def variable_query(variable: Variable) -> str:
    """Return the InfluxQL that lists a variable's values."""
    query = f'SHOW TAG VALUES FROM "{variable.measurement.name}" WITH KEY = "{variable.tag}"'
    where = [f'"{tag}" =~ /^${{{name}:regex}}$/' for tag, name in variable.within]
    return query + (f" WHERE {' AND '.join(where)}" if where else "")


def annotation_query(annotation: Annotation, at: int) -> str:
    """Return the InfluxQL of the marks; ``text`` is what Grafana looks for, place the title.

    Grafana takes any column whose name contains the wanted one: so no "en" beside "event".
    """
    where = ["$timeFilter", f'"kind" =~ /^({"|".join(annotation.kinds)})$/']
    if annotation.place:
        where.append(f'"place" =~ /^${{{annotation.place}:regex}}$/')
    columns = f'"{LANGUAGES[at]}" AS "text", "place"'
    return f'SELECT {columns} FROM "{series.EVENT.name}" WHERE {" AND ".join(where)}'


def _annotation(annotation: Annotation, at: int) -> Json:
    source = sources.reference(sources.DAYS.uid)
    return {
        "name": annotation.title[at],
        "datasource": source,
        "enable": annotation.shown,
        "hide": False,
        "iconColor": annotation.colour,
        "target": {
            "refId": "Anno",
            "datasource": source,
            "rawQuery": True,
            "query": annotation_query(annotation, at),
            "fromAnnotations": True,
            "textColumn": "text",
            "titleColumn": "place",
            "tagsColumn": "",
            "timeEndColumn": "",
        },
    }
