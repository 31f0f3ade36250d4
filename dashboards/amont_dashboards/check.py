"""Check generated dashboards by rules: what a reader needs and what every InfluxDB understands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from amont_dashboards.model import COLUMNS, LANGUAGES, SILENT_KINDS, TABLES
from amont_dashboards.sources import MIXED, UIDS
from amont_dashboards.units import known

Json = dict[str, Any]

# In InfluxDB 1.x, and not in InfluxQL of 3 Core; or slow and unbounded everywhere.
_NOT_PORTABLE = re.compile(
    r"\b(SLIMIT|SOFFSET|SAMPLE|HOLT_WINTERS\w*|CHANDE\w*|KAUFMANS\w*|TRIPLE_EXP\w*"
    r"|RELATIVE_STRENGTH\w*|EXPONENTIAL_MOVING\w*|SHOW SERIES|CARDINALITY|INTO|DELETE|DROP)\b",
    re.IGNORECASE,
)
_MACROS = frozenset({"timeFilter", "__interval", "__interval_ms"})
_MACRO = re.compile(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}")
_TAG_IN_NAME = re.compile(r"\$tag_(\w+)")
_CHOSEN = re.compile(r'"(\w+)" =~ /\^\$\{(\w+):regex\}\$/')
_UID = re.compile(r"[a-z0-9-]{1,40}")  # Grafana takes no more
# Of Grafana's own; a misspelt one does nothing and says nothing.
TRANSFORMATIONS = frozenset(
    {"calculateField", "concatenate", "convertFieldType", "filterByRefId",
     "filterByValue", "filterFieldsByName", "groupBy", "groupingToMatrix", "histogram",
     "joinByField", "labelsToFields", "limit", "merge", "organize", "reduce", "renameByRegex",
     "seriesToRows", "sortBy", "transpose"}
)  # fmt: skip
_REFRESH = re.compile(r"(30s|\d+[mh])")  # a small computer answers; the sirens' board may ask 30 s

# What only words differ in: everything else is the same in both languages.
_WORDS = frozenset(
    {"title", "description", "alias", "text", "label", "name", "noValue", "content", "query",
     "definition", "tooltip", "tags", "url", "uid", "excludeByName"}
)  # fmt: skip
_WORD_PROPERTIES = frozenset({"displayName", "custom.fillBelowTo"})


def faults(dashboard: Json) -> list[str]:
    """Return what is wrong with one dashboard, one line each."""
    panels = dashboard["panels"]
    names = {v["name"] for v in _variables(dashboard)}
    single = {v["name"] for v in _variables(dashboard) if not v["multi"]}
    found = [f"{p.get('title')}: {text}" for p in panels for text in _of(p, names, single)]
    ids = [panel["id"] for panel in panels]
    if len(set(ids)) != len(ids):
        found.append("two panels have the same id")
    if not _UID.fullmatch(dashboard["uid"]):
        found.append(f"{dashboard['uid']}: Grafana wants at most 40 letters, digits and dashes")
    if dashboard.get("editable"):
        found.append("must not be editable: it is generated")
    if not dashboard.get("description"):
        found.append("no description")
    if not _REFRESH.fullmatch(str(dashboard.get("refresh"))):
        found.append(f"asks again every {dashboard.get('refresh')}: 30s, or minutes")
    found += _of_links(dashboard["links"])
    found += [f"variable {v['name']}: {t}" for v in _variables(dashboard) for t in _of_variable(v)]
    found += _of_annotations(dashboard)
    if "L2" in dashboard["tags"]:
        found += [f"{p.get('title')}: {text}" for p in panels for text in _of_choice(p, single)]
    return found + list(_overlaps(panels))


def differences(first: Json, second: Json) -> list[str]:
    """Return where two languages of one dashboard differ in anything but words."""
    others = {panel["id"]: panel for panel in second["panels"]}
    found = []
    for panel in first["panels"]:
        if panel["id"] not in others:
            found.append(f"{panel['title']}: not in the other language")
            continue
        other = others.pop(panel["id"])
        where = f"{panel['title']} / {other['title']}: "
        found += [f"{where}{path} differs" for path in _differ(panel, other, "")]
        found += [f"{where}queries differ"] if _queries(panel) != _queries(other) else []
    found += [f"{panel['title']}: not in the other language" for panel in others.values()]
    for part in ("templating", "annotations", "time", "refresh"):
        wrong = _differ(first[part], second[part], "")
        found += [f"{f'{part}.{path}'.rstrip('.')} differs" for path in wrong]
    return found


def broken_links(dashboards: Sequence[Json]) -> list[str]:
    """Return links that lead nowhere or set what is not there, and dashboards none leads to."""
    variables = {d["uid"]: {v["name"] for v in _variables(d)} for d in dashboards}
    found, reached = [], set()
    for dashboard in dashboards:
        for url in _urls(dashboard):
            uid, _, asked = url.removeprefix("/d/").partition("?")
            if uid not in variables:
                found.append(f"{dashboard['title']}: leads to {uid}, which is not there")
                continue
            reached |= {uid} if uid[:-3] != dashboard["uid"][:-3] else set()
            for name in re.findall(r"var-(\w+)=", asked):
                if name not in variables[uid]:
                    found.append(f"{dashboard['title']}: sets {name}, which {uid} does not have")
    alone = [d for d in dashboards if d["uid"] not in reached and "L0" not in d["tags"]]
    return found + [f"{dashboard['title']}: no other dashboard leads here" for dashboard in alone]


def _queries(panel: Json) -> list[str]:
    return [target["query"] for target in panel.get("targets", ())]


def _differ(first: object, second: object, path: str) -> Iterator[str]:
    """Name each place where two values differ, words left out."""
    if isinstance(first, dict) and isinstance(second, dict):
        said = _WORDS | ({"value"} if first.get("id") in _WORD_PROPERTIES else set())
        for key in sorted({*first, *second} - said):
            yield from _differ(first.get(key), second.get(key), f"{path}.{key}")
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, (one, other) in enumerate(zip(first, second, strict=True)):
            yield from _differ(one, other, f"{path}[{number}]")
    elif first != second and not (first in LANGUAGES and second in LANGUAGES):
        yield path.lstrip(".")


def _of(panel: Json, variables: set[str], single: set[str]) -> Iterator[str]:
    if not panel.get("title"):
        yield "no title"
    if panel["type"] != "row" and not panel.get("description"):
        yield "no description"
    if panel.get("repeat", next(iter(variables), "")) not in variables | {""}:
        yield f"repeated for {panel['repeat']}, which is no variable"
    if panel["type"] in SILENT_KINDS:
        return
    if not panel["targets"]:
        yield "no query"
    yield from _of_source(panel)
    yield from _of_values(panel)
    yield from _of_band(panel)
    for transformation in panel.get("transformations", ()):
        if transformation["id"] not in TRANSFORMATIONS:
            yield f"Grafana has no transformation {transformation['id']}"
    for target in panel["targets"]:
        yield from query_faults(target["query"], variables)
        if panel["type"] not in TABLES:
            yield from _of_name(target, single | {panel.get("repeat", "")})


def _of_source(panel: Json) -> Iterator[str]:
    own = panel.get("datasource", {}).get("uid")
    asked = {target.get("datasource", {}).get("uid") for target in panel["targets"]}
    if {own, *asked} - UIDS - {MIXED}:
        yield "another data source"
    elif panel["targets"] and own != MIXED and asked != {own}:
        yield "a query asks another data source than its panel"


def _of_values(panel: Json) -> Iterator[str]:
    """A number has a unit, a code has words, and a colour never stands alone."""
    defaults = panel["fieldConfig"]["defaults"]
    units = [defaults["unit"]] if "unit" in defaults else []
    properties = [p for o in panel["fieldConfig"]["overrides"] for p in o["properties"]]
    units += [p["value"] for p in properties if p["id"] == "unit"]
    mapped = [defaults.get("mappings") or []]
    mapped += [p["value"] for p in properties if p["id"] == "mappings"]
    if panel["type"] not in TABLES and not units and not any(mapped):
        yield "neither a unit nor words for codes"
    for unit in units:
        if not known(unit):
            yield f"Grafana has no unit {unit}"
    if "color" not in defaults:
        yield "no colour mode"
    for mapping in (m for found in mapped for m in found):
        found = mapping["options"]
        results = [found["result"]] if mapping["type"] == "special" else found.values()
        if any(not str(word.get("text", "")).strip() for word in results):
            yield "a colour without words"


def _of_band(panel: Json) -> Iterator[str]:
    aliases = [target.get("alias") for target in panel["targets"] if not target.get("hide")]
    for override in panel["fieldConfig"]["overrides"]:
        for prop in override["properties"]:
            if prop["id"] == "custom.fillBelowTo" and prop["value"] not in aliases:
                yield f"fills down to {prop['value']}, which no query is called"
            elif prop["id"] == "custom.fillBelowTo" and "$" in prop["value"]:
                yield f"fills down to {prop['value']}: Grafana needs one name, without $"


def _of_name(target: Json, single: set[str]) -> Iterator[str]:
    """Several lines have a name each, and a name holds only what the query groups by.

    ``single`` are the variables that have one value here: what they choose needs no name.
    """
    query = target["query"]
    outer = re.sub(r"FROM \(.*\)", "", query)
    grouped = set(re.findall(r'"(\w+)"', outer.partition("GROUP BY")[2]))
    chosen = {tag for tag, name in _CHOSEN.findall(query) if name in single}
    tags = set(_TAG_IN_NAME.findall(str(target.get("alias"))))
    for tag in sorted(tags - grouped):
        yield f"named by {tag}, which the query does not group by: {query}"
    for tag in sorted(grouped - tags - chosen):
        yield f"lines that {tag} tells apart have one name: {query}"


def _of_choice(panel: Json, single: set[str]) -> Iterator[str]:
    """On the page of one thing, what is told apart by that thing is the chosen one's alone."""
    for target in panel.get("targets", ()):
        query = target["query"]
        grouped = set(re.findall(r'"(\w+)"', query.rpartition("GROUP BY")[2]))
        chosen = {tag for tag, _ in _CHOSEN.findall(query)}
        for tag in sorted(grouped & single - chosen):
            yield f"shows every {tag}, not the one that is chosen: {query}"


def query_faults(query: str, variables: set[str]) -> Iterator[str]:
    """Yield what is wrong with one query, given the names of the variables it may use."""
    if re.search(r"(SELECT|,)\s*\*", query):
        yield f"selects everything: {query}"
    if "$timeFilter" not in query:
        yield f"no time filter: {query}"
    if re.search(r"GROUP BY time\(", query) and "fill(" not in query:
        yield f"grouped by time without fill: {query}"
    if found := _NOT_PORTABLE.search(query):
        yield f"{found[0]} is not understood by every InfluxDB: {query}"
    names = {short or long for short, long in _MACRO.findall(query)}
    for name in sorted(names - _MACROS - variables):
        yield f"{name} is no variable here: {query}"


def _of_links(links: list[Json]) -> Iterator[str]:
    for link in links:
        if not (link.get("keepTime") and link.get("includeVars")):
            yield f"{link['title']}: a link that loses the time or the choices"


def _of_variable(variable: Json) -> Iterator[str]:
    if not variable.get("label"):
        yield "no label"
    if variable["type"] == "query":
        if variable.get("datasource", {}).get("uid") not in UIDS:
            yield "another data source"
        if found := _NOT_PORTABLE.search(variable["query"]):
            yield f"{found[0]} is not understood by every InfluxDB"


def _of_annotations(dashboard: Json) -> Iterator[str]:
    names = {variable["name"] for variable in _variables(dashboard)}
    for annotation in dashboard["annotations"]["list"]:
        where = f"annotation {annotation['name']}: "
        if annotation.get("datasource", {}).get("uid") not in UIDS:
            yield f"{where}another data source"
        for text in query_faults(annotation["target"]["query"], names):
            yield where + text


def _variables(dashboard: Json) -> list[Json]:
    found: list[Json] = dashboard["templating"]["list"]
    return found


def _urls(dashboard: Json) -> Iterator[str]:
    yield from (link["url"] for link in dashboard["links"])
    for panel in dashboard["panels"]:
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        properties = [p for o in config["overrides"] for p in o["properties"]]
        lists = [config["defaults"].get("links", [])]
        lists += [p["value"] for p in properties if p["id"] == "links"]
        yield from (link["url"] for links in lists for link in links)


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
