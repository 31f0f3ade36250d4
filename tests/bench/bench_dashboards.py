"""Measure every dashboard's queries and a round of alerts over a year of 50 stations, on influxd.

``FULL=1`` keeps the states of the whole year, too; else those of five weeks.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import dashboard_year
from tests.bench.dashboard_year import DAY_MS, END_MS, YEAR_DAYS
from tests.dashboards import asking
from tests.dashboards.grafana_alerting import evaluate
from tests.gateway.servers import influxd

from amont_dashboards import sources
from amont_dashboards.alerts import render as alerts
from amont_dashboards.boards import ALL
from amont_dashboards.model import Dashboard
from amont_gateway import series

NAMES = (
    "dashboard.queries.slowest_s",
    "dashboard.queries.slowest_own_s",
    "dashboard.queries.duty_s",
    "dashboard.queries.asked",
    "dashboard.queries.empty",
    "dashboard.queries.points",
    "dashboard.alerts.round_s",
)
QUERY_GOAL_S, DUTY_GOAL_S = 1.0, 2.0
ALERTS_GOAL_S = 2.0  # of the minute after which Grafana evaluates all rules again
FEW_DAYS = 35
_TRIES = 3


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures; every query is asked three times and its median counts."""
    with tempfile.TemporaryDirectory() as folder:
        server = influxd(Path(folder) / "influxd")
        server.start()
        try:
            url = f"http://127.0.0.1:{server.port}"
            points = dashboard_year.fill(url, YEAR_DAYS if full else FEW_DAYS)
            yield {"name": "dashboard.queries.points", "value": points, "unit": "points"}
            yield from _measured(Asker(url))
            yield _alerts(Asker(url))
        finally:
            server.stop()


class Asker:
    """Ask the database and time it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.empty: set[str] = set()  # titles of what found nothing: it is no measure of speed

    def values(self, store: str, query: str) -> list[str]:
        """Return what a variable may be."""
        return [row[1] for found in self.ask(store, query) for row in found["values"]]

    def ask(self, store: str, query: str) -> list[dict[str, Any]]:
        """Return the series of an answer; raise AssertionError for an error."""
        form = urllib.parse.urlencode({"q": query, "db": f"amont{store}", "epoch": "ms"})
        with urllib.request.urlopen(f"{self._url}/query", form.encode(), timeout=120) as answer:
            (result,) = json.load(answer)["results"]
        assert "error" not in result, f"{result} for {query}"
        found: list[dict[str, Any]] = result.get("series", [])
        return found

    def seconds(self, asked: asking.Asked) -> float:
        """Return how long an answer takes, the median of three."""
        taken = []
        for _ in range(_TRIES):
            began_s = time.perf_counter()
            found = self.ask(asked.store, asked.query)
            taken.append(time.perf_counter() - began_s)
            if not found:
                self.empty.add(asked.title)
        return statistics.median(taken)


def _measured(asker: Asker) -> Iterator[dict[str, Any]]:
    year = [x for source in ALL for x in _asked(asker, source, YEAR_DAYS * DAY_MS, series.DAYS)]
    own = [x for source in ALL for x in _asked(asker, source, 0, source.detail)]
    slowest_s, slowest = max((asker.seconds(asked), asked.title) for asked in year)
    own_s, own_slowest = max((asker.seconds(asked), asked.title) for asked in own)
    print(f"slowest over a year: {slowest}; over each dashboard's own range: {own_slowest}")
    yield _figure("slowest_s", slowest_s, QUERY_GOAL_S)
    yield _figure("slowest_own_s", own_s, QUERY_GOAL_S)
    duty = _asked(asker, ALL[0], YEAR_DAYS * DAY_MS, series.DAYS)
    yield _figure("duty_s", sum(asker.seconds(asked) for asked in duty), DUTY_GOAL_S)
    asked = {(x.store, x.query) for x in (*year, *own)}
    yield {"name": "dashboard.queries.asked", "value": len(asked), "unit": "queries"}
    # The sheet of one sensor asks for every quantity, and finds one.
    others = [title for title in asker.empty if "amont-sensor" not in title]
    print(f"found nothing: {len(asker.empty)}, of other sheets {sorted(others)}")
    yield {
        "name": "dashboard.queries.empty",
        "value": len(others),
        "unit": "queries",
        "goal": "0",
        "met": not others,
    }


def _alerts(asker: Asker) -> dict[str, Any]:
    """Evaluate every alert rule once, the median of three rounds."""
    stores = {source.uid: source.store for source in sources.ALL}
    evaluated = [rule for group in alerts.groups("fr") for rule in group["rules"]]
    taken = []
    for _ in range(_TRIES):
        began_s = time.perf_counter()
        for rule in evaluated:
            evaluate(rule, lambda uid, query: asker.ask(stores[uid], query), END_MS)
        taken.append(time.perf_counter() - began_s)
    value_s = statistics.median(taken)
    return {
        "name": "dashboard.alerts.round_s",
        "value": round(value_s, 4),
        "unit": "s",
        "goal": f"<= {ALERTS_GOAL_S:g}",
        "met": value_s <= ALERTS_GOAL_S,
    }


def _asked(asker: Asker, source: Dashboard, range_ms: int, detail: str) -> list[asking.Asked]:
    """Return all that a dashboard asks over a range (0: its own), variables and marks, too."""
    found = asking.panels(
        source, "fr", END_MS, asker.values, detail=detail, range_ms=range_ms, first=True
    )
    return [
        *(form for forms in found for form in forms),
        *asking.variables(source, "fr", asker.values),
        *asking.annotations(source, "fr", END_MS, asker.values, range_ms),
    ]


def _figure(name: str, value_s: float, goal_s: float) -> dict[str, Any]:
    return {
        "name": f"dashboard.queries.{name}",
        "value": round(value_s, 4),
        "unit": "s",
        "goal": f"<= {goal_s:g}",
        "met": value_s <= goal_s,
    }
