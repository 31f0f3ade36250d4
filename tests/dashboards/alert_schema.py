"""What Grafana's alerting provisioner reads, as a JSON schema: its own types, written again.

From `pkg/services/provisioning/alerting/*_types.go` and the documentation of file provisioning.
Stricter than Grafana where Grafana silently ignores: an unknown key is a mistake.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string", "minLength": 1}
_DURATION: Schema = {"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d|w|y)$"}
_CLOCK: Schema = {"type": "string", "pattern": "^([01][0-9]|2[0-4]):[0-5][0-9]$"}


def _object(required: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: Schema, least: int = 1) -> Schema:
    return {"type": "array", "items": items, "minItems": least}


_SOURCE = _object("type uid", type=_TEXT, uid=_TEXT)
_RANGE = _object("from to", **{"from": {"type": "integer"}, "to": {"type": "integer"}})
_ASKED = _object(
    "refId datasource rawQuery query resultFormat intervalMs maxDataPoints",
    refId=_TEXT,
    datasource=_SOURCE,
    rawQuery={"const": True},
    query=_TEXT,
    resultFormat={"const": "time_series"},
    intervalMs={"type": "integer", "minimum": 1},
    maxDataPoints={"type": "integer", "minimum": 1},
)
_NUMBERS = {"type": "array", "items": {"type": "number"}}
_EVALUATOR: Schema = {
    "oneOf": [
        _object(
            "type params",
            type={"enum": ["gt", "lt"]},
            params={**_NUMBERS, "minItems": 1, "maxItems": 1},
        ),
        _object(
            "type params",
            type={"enum": ["within_range", "outside_range"]},
            params={**_NUMBERS, "minItems": 2, "maxItems": 2},
        ),
    ]
}
_REDUCE = _object(
    "refId datasource type expression reducer settings",
    refId=_TEXT,
    datasource=_SOURCE,
    type={"const": "reduce"},
    expression=_TEXT,
    reducer={"enum": ["sum", "mean", "min", "max", "count", "last"]},
    settings=_object("mode", mode={"enum": ["", "dropNN"]}),
)
_MATH = _object(
    "refId datasource type expression",
    refId=_TEXT,
    datasource=_SOURCE,
    type={"const": "math"},
    expression=_TEXT,
)
_THRESHOLD = _object(
    "refId datasource type expression conditions",
    refId=_TEXT,
    datasource=_SOURCE,
    type={"const": "threshold"},
    expression=_TEXT,
    conditions={**_list(_object("evaluator", evaluator=_EVALUATOR)), "maxItems": 1},
)
_PART: Schema = {
    "oneOf": [
        _object(
            "refId datasourceUid relativeTimeRange model",
            refId=_TEXT,
            datasourceUid={"type": "string", "not": {"const": "__expr__"}},
            relativeTimeRange=_RANGE,
            model=_ASKED,
        ),
        _object(
            "refId datasourceUid model",
            refId=_TEXT,
            datasourceUid={"const": "__expr__"},
            model={"oneOf": [_REDUCE, _MATH, _THRESHOLD]},
        ),
    ]
}
_WORDS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_RULE = _object(
    "uid title condition data noDataState execErrState for labels annotations",
    uid={"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
    title={**_TEXT, "maxLength": 190},
    condition=_TEXT,
    data=_list(_PART),
    dashboardUid=_TEXT,
    panelId={"type": "integer", "minimum": 1},
    noDataState={"enum": ["Alerting", "NoData", "OK", "KeepLast"]},
    execErrState={"enum": ["Alerting", "Error", "OK", "KeepLast"]},
    **{"for": _DURATION},
    labels=_WORDS,
    annotations=_WORDS,
    isPaused={"type": "boolean"},
    notification_settings=_object(
        "receiver",
        receiver=_TEXT,
        group_wait=_DURATION,
        group_interval=_DURATION,
        repeat_interval=_DURATION,
    ),
)
_RULE["dependentRequired"] = {"dashboardUid": ["panelId"], "panelId": ["dashboardUid"]}
_GROUP = _object(
    "orgId name folder interval rules",
    orgId={"type": "integer"},
    name=_TEXT,
    folder={"type": "string", "pattern": "^[^/]+$"},  # a slash would nest folders
    interval=_DURATION,
    rules=_list(_RULE),
)
_MAIL = _object(
    "addresses", addresses=_TEXT, singleEmail={"type": "boolean"}, subject=_TEXT, message=_TEXT
)
_HOOK = _object("url", url=_TEXT, httpMethod={"enum": ["POST", "PUT"]})
_KEPT: dict[str, Schema] = {"uid": _TEXT, "disableResolveMessage": {"type": "boolean"}}
_RECEIVER: Schema = {
    "oneOf": [
        _object("uid type settings", type={"const": "email"}, settings=_MAIL, **_KEPT),
        _object("uid type settings", type={"const": "webhook"}, settings=_HOOK, **_KEPT),
    ]
}
_MATCHER: Schema = {
    "type": "array",
    "prefixItems": [_TEXT, {"enum": ["=", "!=", "=~", "!~"]}, {"type": "string"}],
    "minItems": 3,
    "maxItems": 3,
}
_TIMES: dict[str, Schema] = {
    "receiver": _TEXT,
    "group_by": _list(_TEXT),
    "group_wait": _DURATION,
    "group_interval": _DURATION,
    "repeat_interval": _DURATION,
}
_ROUTE = _object(
    "receiver object_matchers",
    object_matchers=_list(_MATCHER),
    mute_time_intervals=_list(_TEXT),
    **_TIMES,
)
_POLICY = _object("orgId receiver", orgId={"type": "integer"}, routes=_list(_ROUTE), **_TIMES)
_DAYS = "(sun|mon|tues|wednes|thurs|fri|satur)day"
_INTERVAL = _object(
    "",
    times=_list(_object("start_time end_time", start_time=_CLOCK, end_time=_CLOCK)),
    weekdays=_list({"type": "string", "pattern": f"^{_DAYS}(:{_DAYS})?$"}),
    location={"type": "string", "pattern": "^[A-Z][a-z]+/[A-Z][A-Za-z_]+$"},
)
_ORG: dict[str, Schema] = {"orgId": {"type": "integer"}, "name": _TEXT}

FILE = _object(
    "apiVersion",
    apiVersion={"const": 1},
    groups=_list(_GROUP),
    contactPoints=_list(_object("orgId name receivers", receivers=_list(_RECEIVER), **_ORG)),
    policies={**_list(_POLICY), "maxItems": 1},
    muteTimes=_list(_object("orgId name time_intervals", time_intervals=_list(_INTERVAL), **_ORG)),
    templates=_list(_object("orgId name template", template=_TEXT, **_ORG)),
)
