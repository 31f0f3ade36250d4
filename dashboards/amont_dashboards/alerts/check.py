"""Check the generated alert files by rules: what makes an alert late, wrong, silent or noisy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from amont_dashboards.alerts.model import ALERT, SEVERITIES
from amont_dashboards.alerts.policies import DUTY, VARIABLES
from amont_dashboards.check import query_faults
from amont_dashboards.sources import ALL as SOURCES

Json = dict[str, Any]
_UID = re.compile(r"[a-z][a-z0-9-]{1,39}")  # Grafana allows forty characters
_LABEL = re.compile(r"\.Labels\.(\w+)")
_REFERENCE = re.compile(r"\$(\w+)")
_CRITICAL_S = 600  # what is critical may not wait longer than that to be sure
_SENDS = {"email", "webhook"}  # what tells people, or an outside watcher; nothing that acts
_SAID = frozenset(
    {"title", "name", "folder", "annotations", "dashboardUid", "settings", "template"}
)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def faults(documents: Mapping[str, Json]) -> list[str]:
    """Return what is wrong with the alert files of all languages, one line each."""
    found: list[str] = []
    languages: dict[str, Json] = {}
    for name, document in documents.items():
        language, _, short = name.removeprefix("alerting/").partition("/")
        languages.setdefault(language, {})[short] = document
        found += [f"{name}: {fault}" for fault in _of_variables(document)]
    for language, parts in languages.items():
        found += [f"{language}: {fault}" for fault in _of_language(parts)]
    first, *others = languages.values()
    for other in others:
        found += [f"languages: {path} differs" for path in _differ(first, other, "")]
    return found


def _of_language(documents: Json) -> Iterator[str]:
    everything: Json = {}
    for document in documents.values():
        for key, value in document.items():
            if isinstance(value, list):
                everything.setdefault(key, []).extend(value)
    rules = [rule for group in everything["groups"] for rule in group["rules"]]
    for key in ("uid", "title"):
        values = [rule[key] for rule in rules]
        yield from (f"two rules have the {key} {v}" for v in {*values} if values.count(v) > 1)
    for rule in rules:
        yield from (f"{rule['uid']}: {fault}" for fault in _of_rule(rule))
    watching = [
        rule["uid"] for rule in rules if ALERT in (rule["noDataState"], rule["execErrState"])
    ]
    if len(watching) != 1:
        yield f"one rule says that nothing comes any more, not {watching}"
    yield from _of_routes(everything)


def _of_rule(rule: Json) -> Iterator[str]:
    if not _UID.fullmatch(rule["uid"]):
        yield "no uid for Grafana"
    if rule["labels"].get("severity") not in SEVERITIES:
        yield "no severity"
    elif rule["labels"]["severity"] == "critical" and _seconds(rule["for"]) > _CRITICAL_S:
        yield f"critical, and waits {rule['for']}"
    for state in ("noDataState", "execErrState"):
        if rule[state] not in ("KeepLast", "OK", ALERT):
            yield f"{state} {rule[state]} tells people of the database, once for each rule"
    if "dashboardUid" not in rule or "panelId" not in rule:
        yield "opens no panel"
    yield from _of_parts(rule)
    yield from _of_words(rule)


def _of_parts(rule: Json) -> Iterator[str]:
    known: set[str] = set()
    for part in rule["data"]:
        model = part["model"]
        if part["datasourceUid"] == "__expr__":
            expression = str(model["expression"])
            asked = set(_REFERENCE.findall(expression)) or {expression}
            yield from (
                f"{part['refId']} asks {name}, which is not before it" for name in asked - known
            )
        else:
            yield from query_faults(model["query"], set())
            if part["datasourceUid"] not in {source.uid for source in SOURCES}:
                yield f"no data source {part['datasourceUid']}"
            if '"site"' not in model["query"].partition(" GROUP BY ")[2]:
                yield "does not tell one site from another"
            back = part["relativeTimeRange"]
            if not back["from"] > back["to"] >= 0:
                yield f"looks at no time: {back}"
        known.add(part["refId"])
    if rule["data"][-1]["model"].get("type") != "threshold" or rule["condition"] not in known:
        yield "does not end in a threshold"  # a number that is not one (NaN) would alert


def _of_words(rule: Json) -> Iterator[str]:
    queries = "".join(part["model"].get("query", "") for part in rule["data"])
    for key in ("summary", "description", "first"):
        text = rule["annotations"].get(key, "")
        if not text:
            yield f"no {key}"
        if "${" in text:
            yield f"{key}: Grafana would put its environment in"
        for tag in _LABEL.findall(text):
            if f'"{tag}"' not in queries.partition(" GROUP BY ")[2]:
                yield f"{key} names {tag}, which the rule does not group by"


def _of_variables(document: Json) -> Iterator[str]:
    """Yield what Grafana would replace by an environment that nobody has set."""
    named = {name for text in _texts(document) for name in re.findall(r"\$\{?(\w+)", text)}
    yield from (f"${name} is not documented" for name in sorted(named - set(VARIABLES)))


def _texts(value: object) -> Iterator[str]:
    """Yield every text in which Grafana looks for "$": not queries, not annotations."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key in value.keys() - {"annotations", "data"}:
            yield from _texts(value[key])
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _of_routes(everything: Json) -> Iterator[str]:
    contacts = {contact["name"]: contact for contact in everything["contactPoints"]}
    for contact in contacts.values():
        for receiver in contact["receivers"]:
            if receiver["type"] not in _SENDS:
                yield f"{contact['name']}: {receiver['type']} is not for people"
    mutes = {timing["name"] for timing in everything["muteTimes"]}
    (policy,) = everything["policies"]
    for route in (policy, *policy["routes"]):
        if route["receiver"] not in contacts:
            yield f"nobody is {route['receiver']}"
        named = set(route.get("mute_time_intervals", ()))
        yield from (f"no mute timing {name}" for name in named - mutes)
        if _seconds(route["repeat_interval"]) < _seconds(route["group_interval"]):
            yield f"{route['receiver']}: repeats before it looks again"
    critical = [
        r for r in policy["routes"] if ["severity", "=", "critical"] in r["object_matchers"]
    ]
    if [r["receiver"] for r in critical] != [DUTY] or "mute_time_intervals" in critical[0]:
        yield "what is critical does not reach who is on duty at any hour"


def _seconds(text: str) -> int:
    return int(text[:-1]) * _SECONDS[text[-1]]


def _differ(first: object, second: object, path: str) -> Iterator[str]:
    """Name each place where two languages differ, words left out."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted({*first, *second} - _SAID):
            yield from _differ(first.get(key), second.get(key), f"{path}.{key}")
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from _differ(one, other, f"{path}[{number}]")
    elif first != second:
        yield path.lstrip(".")
