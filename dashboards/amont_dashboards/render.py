"""Turn the model into the files that Grafana reads: dashboards (JSON) and provisioning (YAML)."""

from __future__ import annotations

import json
from typing import Any

from amont_dashboards.duty import ALL
from amont_dashboards.model import COLUMNS, LANGUAGES, Dashboard, Panel, Query, Variable
from amont_dashboards.words import words

Json = dict[str, Any]
DATASOURCE = {"type": "influxdb", "uid": "amont-history"}
FOLDERS = {"fr": "Eau", "en": "Water"}
_SCHEMA_VERSION = 39  # Grafana 11; later versions migrate it on load


def dashboard(source: Dashboard, language: str) -> Json:
    """Return one dashboard in one language."""
    at = LANGUAGES.index(language)
    other = LANGUAGES[1 - at]
    return {
        "uid": f"{source.uid}-{language}",
        "title": source.title[at],
        "description": source.description[at],
        "tags": ["amont", language],
        "schemaVersion": _SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": source.refresh,
        "time": {"from": f"now-{source.hours}h", "to": "now+6h"},
        "timezone": "browser",
        "links": [
            {
                "title": source.title[1 - at],
                "type": "link",
                "url": f"/d/{source.uid}-{other}",
                "keepTime": True,
                "includeVars": True,
            }
        ],
        "templating": {"list": [_variable(v, at) for v in source.variables]},
        "annotations": {"list": []},
        "panels": _panels(source, at),
    }


def files() -> dict[str, str]:
    """Return every generated file: path below ``dashboards/grafana`` and content."""
    made = {
        f"dashboards/{language}/{source.uid}.json": json.dumps(
            dashboard(source, language), ensure_ascii=False, indent=1
        )
        + "\n"
        for source in ALL
        for language in LANGUAGES
    }
    return made | {
        "provisioning/datasources/amont.yaml": _DATASOURCES,
        "provisioning/dashboards/amont.yaml": _PROVIDERS,
    }


def _panels(source: Dashboard, at: int) -> list[Json]:
    """Place panels from left to right; a panel that does not fit begins a new row."""
    placed, x, y, height = [], 0, 0, 0
    for number, panel in enumerate(source.panels, 1):
        columns, rows = panel.size
        if x + columns > COLUMNS:
            x, y, height = 0, y + height, 0
        grid = {"x": x, "y": y, "w": columns, "h": rows}
        placed.append({"id": number, "gridPos": grid, **_panel(panel, at)})
        x, height = x + columns, max(height, rows)
    return placed


def _panel(panel: Panel, at: int) -> Json:
    return {
        "type": panel.kind,
        "title": panel.title[at],
        "description": panel.description[at],
        "datasource": DATASOURCE,
        "targets": [_target(q, panel, n, at) for n, q in enumerate(panel.queries)],
        "fieldConfig": {
            "defaults": _defaults(panel, at),
            "overrides": _overrides(panel, at),
        },
        "options": _options(panel),
    }


def _target(query: Query, panel: Panel, number: int, at: int) -> Json:
    return {
        "refId": chr(ord("A") + number),
        "datasource": DATASOURCE,
        "rawQuery": True,
        "query": query.influxql(),
        "resultFormat": "table" if panel.kind == "table" else "time_series",
        "alias": query.label[at],
    }


def _defaults(panel: Panel, at: int) -> Json:
    defaults: Json = {"color": {"mode": "palette-classic-by-name"}, "mappings": []}
    if panel.unit:
        defaults["unit"] = panel.unit
    if panel.kind in ("stat", "state-timeline"):
        query = panel.queries[0]
        defaults["color"] = {"mode": "thresholds"}
        defaults["mappings"] = _mappings(query, query.columns[0].field, at)
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "bars" if panel.bars else "line",
            "fillOpacity": 60 if panel.bars else 0,
            "lineWidth": 2,
            "showPoints": "never",
            "spanNulls": panel.gap_ms or False,
        }
    if panel.kind == "state-timeline":
        defaults["custom"] = {"fillOpacity": 80, "lineWidth": 0, "spanNulls": panel.gap_ms}
    return defaults


def _overrides(panel: Panel, at: int) -> list[Json]:
    if panel.kind == "table":
        return [_table_override(panel, column.field, at) for column in panel.queries[0].columns]
    found = []
    for number, query in enumerate(panel.queries):
        properties: list[Json] = []
        if query.colour:
            fixed = {"mode": "fixed", "fixedColor": query.colour}
            properties.append({"id": "color", "value": fixed})
        if query.dashed:
            style = {"fill": "dash", "dash": [10, 6]}
            properties.append({"id": "custom.lineStyle", "value": style})
        if properties:
            matcher = {"id": "byFrameRefID", "options": chr(ord("A") + number)}
            found.append({"matcher": matcher, "properties": properties})
    return found


def _table_override(panel: Panel, name: str, at: int) -> Json:
    query, units = panel.queries[0], dict(panel.units)
    properties: list[Json] = [{"id": "displayName", "value": _HEADS[name][at]}]
    if name in units:
        properties.append({"id": "unit", "value": units[name]})
    if query.declared(name).codes:
        properties.append({"id": "mappings", "value": _mappings(query, name, at)})
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def _mappings(query: Query, name: str, at: int) -> list[Json]:
    options = {
        str(code): {"index": code, "text": text[at], "color": colour}
        for code, (text, colour) in enumerate(words(query.declared(name)))
    }
    return [{"type": "value", "options": options}]


def _options(panel: Panel) -> Json:
    if panel.kind == "stat":
        return {
            "colorMode": "background",
            "graphMode": "none",
            "textMode": "value_and_name",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        }
    if panel.kind == "table":
        return {"showHeader": True, "cellHeight": "sm"}
    legend = {"showLegend": True, "displayMode": "list", "placement": "bottom"}
    options: Json = {"legend": legend, "tooltip": {"mode": "multi", "sort": "none"}}
    return options | ({"showValue": "auto"} if panel.kind == "state-timeline" else {})


def _variable(variable: Variable, at: int) -> Json:
    return {
        "name": variable.name,
        "label": variable.title[at],
        "type": "query",
        "datasource": DATASOURCE,
        "query": variable_query(variable),
        "definition": variable_query(variable),
        "refresh": 2,  # when the time range changes
        "sort": 3,  # numbers in order
        "multi": variable.several,
        "includeAll": variable.several,
        "current": {"text": "All", "value": "$__all"} if variable.several else {},
    }


def variable_query(variable: Variable) -> str:
    """Return the InfluxQL that lists a variable's values."""
    return f'SHOW TAG VALUES FROM "{variable.measurement.name}" WITH KEY = "{variable.tag}"'


_HEADS = {
    "age_s": ("Âge", "Age"),
    "freshness": ("Fraîcheur", "Freshness"),
    "full_promise": ("Promesse pleine", "Full promise"),
    "votes": ("Vote", "Votes"),
    "flags": ("Anomalies", "Flags"),
    "silent": ("Muet", "Silent"),
    "battery_mv": ("Pile", "Battery"),
    "rssi_dbm": ("Signal", "Signal"),
    "outbox": ("En file", "Outbox"),
    "backlog": ("Arriéré", "Backlog"),
}

_DATASOURCES = """\
# Generated by amont-dashboards build. Grafana fills in the variables from its environment.
apiVersion: 1
datasources:
  - name: Amont
    uid: amont-history
    type: influxdb
    access: proxy
    url: ${AMONT_INFLUX_URL}
    user: ${AMONT_INFLUX_USER}
    jsonData:
      dbName: ${AMONT_INFLUX_DATABASE}
      httpMode: POST
      minTimeInterval: 60s
    secureJsonData:
      password: ${AMONT_INFLUX_PASSWORD}
    editable: false
"""

_PROVIDERS = "# Generated by amont-dashboards build.\napiVersion: 1\nproviders:\n" + "".join(
    f"""\
  - name: amont-{language}
    folder: {folder}
    folderUid: amont-{language}
    type: file
    disableDeletion: true
    allowUiUpdates: false
    options:
      path: ${{AMONT_GRAFANA_DASHBOARDS}}/{language}
"""
    for language, folder in FOLDERS.items()
)
