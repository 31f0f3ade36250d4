"""Ask a database as Grafana does for a dashboard: sources, ranges, macros and variables."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from amont_dashboards import sources
from amont_dashboards.model import Dashboard
from amont_dashboards.render import dashboard

Json = dict[str, Any]
HOUR_MS = 3_600_000
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": HOUR_MS, "d": 24 * HOUR_MS, "y": 365 * 24 * HOUR_MS}
_SPAN = re.compile(r"(\d+)([smhdy])")
_PIXELS = 1_000  # about as wide as a panel is
_ROUND_S = (
    1, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600,
    43_200, 86_400, 604_800, 2_592_000, 31_536_000,
)  # fmt: skip


class Asked(NamedTuple):
    """One query as it is sent: ``store`` ends the database's name."""

    title: str
    store: str
    query: str
    of: str = ""  # "panel" | "variable" | "annotation"


Values = Callable[[str, str], list[str]]  # the values of (store, variable's query)


def span_ms(text: str) -> int:
    """Return a range like "60d" in ms."""
    found = _SPAN.fullmatch(text)
    assert found, text
    return int(found[1]) * _UNITS_MS[found[2]]


def store_of(uid: str, detail: str) -> str:
    """Return the suffix of the database that a source asks; ``detail`` is what was chosen."""
    by_uid = {source.uid: source.store for source in sources.ALL}
    return detail if uid == sources.CHOSEN else by_uid[uid]


def interval_s(range_ms: int, least: str) -> int:
    """Return Grafana's interval: the range over the width, rounded, not below the least."""
    wanted = max(range_ms / _PIXELS, span_ms(least)) / 1000
    return next((s for s in _ROUND_S if s >= wanted), _ROUND_S[-1])


def expand(query: str, from_ms: int, until_ms: int, step_s: int, chosen: dict[str, str]) -> str:
    """Fill in Grafana's macros, and each variable as the regular expression of its value."""
    query = query.replace("$timeFilter", f"time >= {from_ms}ms and time <= {until_ms}ms")
    query = query.replace("$__interval", f"{step_s}s")
    for name, value in chosen.items():
        query = query.replace(f"${{{name}:regex}}", value)
    assert "$" not in query.replace("$/", ""), f"a macro is left: {query}"
    return query


def panels(
    source: Dashboard,
    language: str,
    end_ms: int,
    values: Values,
    *,
    detail: str | None = None,
    range_ms: int = 0,
    first: bool = False,
) -> Iterator[list[Asked]]:
    """Yield for each query of each panel the forms in which it may be sent.

    One for each value of a variable that takes only one, or the ``first`` alone; ``range_ms``
    instead of the dashboard's own where a panel has none.
    """
    made = dashboard(source, language)
    store = source.detail if detail is None else detail
    chosen = list(itertools.islice(_choices(made, values), 1 if first else None))
    for panel in made["panels"]:
        own = panel.get("timeFrom")
        span = span_ms(own) if own else range_ms or source.hours * HOUR_MS
        for target in panel.get("targets", ()):
            at = store_of(target["datasource"]["uid"], store)
            least = next(s.step for s in sources.ALL if s.store == at)
            least = max(least, panel.get("interval") or least, key=span_ms)
            step_s = interval_s(span, least)
            ends = end_ms - span, end_ms + (6 * HOUR_MS if source.ahead else 0)
            forms = (expand(target["query"], *ends, step_s, choice) for choice in chosen)
            title = f"{source.uid}: {panel['title']} {target['refId']}"
            yield [Asked(title, at, form, "panel") for form in dict.fromkeys(forms)]


def variables(source: Dashboard, language: str, values: Values) -> Iterator[Asked]:
    """Yield what fills each variable, with those chosen before it."""
    made = dashboard(source, language)
    chosen = next(iter(_choices(made, values)))
    for variable in made["templating"]["list"]:
        if variable["type"] == "query":
            query = expand(variable["query"], 0, 0, 60, chosen)
            at = store_of(variable["datasource"]["uid"], source.detail)
            yield Asked(f"{source.uid}: {variable['name']}", at, query, "variable")


def annotations(
    source: Dashboard, language: str, end_ms: int, values: Values, range_ms: int = 0
) -> Iterator[Asked]:
    """Yield what marks the charts."""
    made = dashboard(source, language)
    chosen = next(iter(_choices(made, values)))
    from_ms = end_ms - (range_ms or source.hours * HOUR_MS)
    for found in made["annotations"]["list"]:
        at = store_of(found["datasource"]["uid"], source.detail)
        query = expand(found["target"]["query"], from_ms, end_ms, 60, chosen)
        yield Asked(f"{source.uid}: {found['name']}", at, query, "annotation")


def _choices(made: Json, values: Values) -> Iterator[dict[str, str]]:
    """Yield every choice: all values of what takes several, each value of what takes one."""
    named: dict[str, list[str]] = {}
    for variable in made["templating"]["list"]:
        if variable["type"] == "datasource":
            continue
        found = _options(variable, values, {name: each[0] for name, each in named.items()})
        named[variable["name"]] = (
            ["(" + "|".join(found) + ")"] if variable["multi"] else [f"({v})" for v in found]
        )
    for choice in itertools.product(*named.values()):
        yield dict(zip(named, choice, strict=True))


def _options(variable: Json, values: Values, before: dict[str, str]) -> list[str]:
    if variable["type"] == "custom":
        return [option["value"] for option in variable["options"]]
    query = expand(variable["query"], 0, 0, 60, before)
    found = values(store_of(variable["datasource"]["uid"], ""), query)
    assert found, f"nothing to choose from: {query}"
    return found
