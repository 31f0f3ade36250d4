"""See panels as Grafana's own code for data shapes and names them (npm ``@grafana/data``).

The frames are made as the backend of Grafana's InfluxDB data source makes them from an answer:
lines one a column and a group, tables one for all with the tags in no fixed order.
"""

import json
import re
import shutil
import subprocess

from tests.dashboards import asking
from tests.dashboards.shapes import INSTALLED, NODE, SOURCE

from amont_dashboards.render import dashboard


def panels(source, language, end_ms, ask, values):
    """Yield every panel with its frames, each query with the first choice that has an answer."""
    asked = asking.panels(source, language, end_ms, values)
    for panel in dashboard(source, language)["panels"]:
        frames = []
        for target in panel.get("targets", ()):
            answers = (ask(form.store, form.query) for form in next(asked))
            frames += frames_of(target, next((found for found in answers if found), []))
        if panel.get("targets"):
            yield {"panel": panel, "frames": frames}


def frames_of(target, series):
    """Return an answer's frames as Grafana's backend makes them."""
    if not series:
        return []
    if target["resultFormat"] == "table":
        return [_table(target, series)]
    return [
        _frame(target, [_time(one), _line(target, one, number)])
        for one in series
        for number in range(1, len(one["columns"]))
    ]


def _frame(target, fields):
    return {"refId": target["refId"], "fields": fields}


def _table(target, series):
    rows = [(one, row) for one in series for row in one["values"]]
    tags = sorted(series[0].get("tags", {}), reverse=True)
    fields = [{"name": "Time", "type": "time", "values": [row[0] for _, row in rows]}]
    fields += [_column(tag, [one["tags"][tag] for one, _ in rows]) for tag in tags]
    for number, name in enumerate(series[0]["columns"][1:], 1):
        fields.append(_column(name, [row[number] for _, row in rows]))
    return _frame(target, fields)


def _column(name, values):
    text = any(isinstance(value, str) for value in values)
    config = {"displayNameFromDS": name}
    return {"name": name, "type": "string" if text else "number", "values": values,
            "config": config}  # fmt: skip


def _time(one):
    return {"name": "Time", "type": "time", "values": [row[0] for row in one["values"]]}


def _line(target, one, number):
    tags = one.get("tags", {})
    name = re.sub(r"\$tag_(\w+)", lambda found: tags.get(found[1], found[0]), target["alias"])
    name = name or f"{one['name']}.{one['columns'][number]} {tags or ''}"
    field = _column("Value", [row[number] for row in one["values"]])
    return field | {"labels": tags, "config": {"displayNameFromDS": name}}


def shown(asked, folder):
    """Return what a reader would see of each panel, by Grafana's own code."""
    return json.loads(_run(folder, json.dumps(asked)))


def known(folder):
    """Return the units and the transformations that Grafana has."""
    return json.loads(_run(folder, "", "known"))


def _run(folder, given, *arguments):
    assert INSTALLED.is_dir(), f"{INSTALLED} is missing: run make test once, it installs it"
    shutil.copy(SOURCE / "show.cjs", folder)
    (folder / "node_modules").symlink_to(INSTALLED)
    command = [str(NODE), "show.cjs", *arguments]
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
