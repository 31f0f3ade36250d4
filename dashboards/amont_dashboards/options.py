"""Say how each kind of panel shows its values: Grafana's ``options``, in every language alike.

Sizes and shapes are Grafana's own defaults: its types ask for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amont_dashboards.model import GREY, Panel

Json = dict[str, Any]

# Okabe and Ito's colours, which Grafana has since 13.2; an older one knows the other alone.
PALETTE, OLDER_PALETTE = "palette-colorblind", "palette-classic-by-name"

# Nothing from the internet: tiles from Grafana's own public folder, or a blank ground.
TILES = "public/amont/tiles/{z}/{x}/{y}.png"
_MARKER_PX = 8
_LINE_PX = 16


def _reduced() -> Json:
    return {"calcs": ["lastNotNull"], "fields": "", "values": False}


def _legend(shown: bool = True) -> Json:
    return {"showLegend": shown, "displayMode": "list", "placement": "bottom", "calcs": []}


def _tooltip() -> Json:
    return {"mode": "multi", "sort": "none"}


def _stat(panel: Panel) -> Json:
    query = panel.queries[0]
    coded = bool(query.declared(query.columns[0].field).codes) and not panel.unit
    named = any(q.outer_group if q.outer else q.group for q in panel.queries)
    return {
        "colorMode": "background" if coded or panel.steps else "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "showPercentChange": False,
        "wideLayout": True,
        "textMode": "value_and_name" if named or len(panel.queries) > 1 else "auto",
        "reduceOptions": _reduced(),
    }


def _gauge(_panel: Panel) -> Json:
    return {
        "barShape": "flat",
        "barWidthFactor": 0.5,
        "effects": {},
        "minVizHeight": 75,
        "minVizWidth": 75,
        "orientation": "auto",
        "segmentCount": 1,
        "segmentSpacing": 0.3,
        "shape": "gauge",
        "sizing": "auto",
        "sparkline": False,
        "showThresholdLabels": True,
        "showThresholdMarkers": True,
        "reduceOptions": _reduced(),
    }


def _bargauge(_panel: Panel) -> Json:
    return {
        "displayMode": "basic",
        "orientation": "horizontal",
        "showUnfilled": True,
        "valueMode": "color",
        "namePlacement": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
        "sizing": "auto",
        "legend": _legend(False),
        "reduceOptions": _reduced(),
    }


def _timeseries(_panel: Panel) -> Json:
    return {"legend": _legend(), "tooltip": _tooltip()}


def _timeline(_panel: Panel) -> Json:
    return {
        "legend": _legend(),
        "tooltip": _tooltip(),
        "showValue": "auto",
        "mergeValues": True,
        "rowHeight": 0.9,
    }


def _history(_panel: Panel) -> Json:
    return {
        "legend": _legend(False),
        "tooltip": _tooltip(),
        "showValue": "auto",
        "colWidth": 0.9,
        "rowHeight": 0.9,
    }


def _table(_panel: Panel) -> Json:
    return {"showHeader": True, "cellHeight": "sm", "frameIndex": 0}


def _barchart(panel: Panel) -> Json:
    query = panel.queries[0]
    return {
        "xField": query.group[0] if query.group and not panel.with_time else "Time",
        "orientation": "auto",
        "barWidth": 0.9,
        "groupWidth": 0.7,
        "fullHighlight": False,
        "showValue": "auto",
        "stacking": "normal" if panel.stacked else "none",
        "xTickLabelRotation": 0,
        "xTickLabelMaxLength": 0,
        "legend": _legend(),
        "tooltip": _tooltip(),
    }


def _histogram(_panel: Panel) -> Json:
    return {"combine": False, "legend": _legend(), "tooltip": _tooltip()}


def _geomap(panel: Panel) -> Json:
    """Draw each place once, with its name above and its state in words below."""
    query = panel.queries[0]
    coded = next(c.shown for c in query.columns if query.declared(c.field).codes)
    return {
        "view": {"id": "fit", "lat": 0, "lon": 0, "zoom": 15, "allLayers": True},
        "controls": {
            "showZoom": True,
            "mouseWheelZoom": True,
            "showAttribution": False,
            "showScale": True,
            "showMeasure": False,
            "showDebug": False,
        },
        "basemap": {"type": "xyz", "name": "basemap", "config": {"url": TILES, "attribution": ""}},
        "layers": [
            _markers("states", coded, coded, _LINE_PX),
            _markers("names", coded, query.group[0], -_LINE_PX),
        ],
        "tooltip": {"mode": "details"},
    }


def _markers(name: str, colour: str, text: str, below_px: int) -> Json:
    style = {
        "color": {"field": colour, "fixed": GREY},
        "opacity": 0.9,
        "rotation": {"fixed": 0, "min": -360, "max": 360, "mode": "mod"},
        "size": {"fixed": _MARKER_PX, "min": 2, "max": 15},
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
        "symbolAlign": {"horizontal": "center", "vertical": "center"},
        "text": {"mode": "field", "field": text, "fixed": ""},
        "textConfig": {
            "fontSize": 12,
            "offsetX": 0,
            "offsetY": below_px,
            "textAlign": "center",
            "textBaseline": "middle",
        },
    }
    location = {"mode": "coords", "latitude": "latitude", "longitude": "longitude"}
    return {
        "type": "markers",
        "name": name,
        "config": {"showLegend": False, "style": style},
        "location": location,
        "tooltip": True,
    }


OPTIONS: dict[str, Callable[[Panel], Json]] = {
    "stat": _stat,
    "gauge": _gauge,
    "bargauge": _bargauge,
    "timeseries": _timeseries,
    "state-timeline": _timeline,
    "status-history": _history,
    "table": _table,
    "geomap": _geomap,
    "barchart": _barchart,
    "histogram": _histogram,
}
