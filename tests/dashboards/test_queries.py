"""Run every query of every dashboard on a real influxd, with Grafana's macros expanded."""

import pytest

from amont_dashboards.boards import ALL
from amont_dashboards.render import dashboard, variable_query

END_MS, RANGE_MS = 1_795_000_000_000, 8 * 3_600_000
VARIABLES = {"station": "pont-neuf", "horizon": "3"}
CASES = [
    pytest.param(panel["title"], target, id=f"{language}-{panel['id']}{target['refId']}")
    for source in ALL
    for language in ("fr", "en")
    for panel in dashboard(source, language)["panels"]
    for target in panel["targets"]
]

pytestmark = pytest.mark.servers


def expand(query, start_ms=END_MS - RANGE_MS, end_ms=END_MS + 6 * 3_600_000, interval="60s"):
    """As Grafana's InfluxDB data source does it."""
    query = query.replace("$timeFilter", f"time >= {start_ms}ms and time <= {end_ms}ms")
    query = query.replace("$__interval", interval)
    for name, value in VARIABLES.items():
        query = query.replace(f"${{{name}:regex}}", f"({value})")
    assert "$" not in query.replace("$/", ""), f"a macro is left: {query}"
    return query


@pytest.mark.parametrize(("title", "target"), CASES)
def test_query_answers_with_values(history, title, target):
    series = history.query(expand(target["query"]))
    values = [row[1:] for one in series for row in one["values"]]
    assert any(value is not None for row in values for value in row), (
        f"{title} {target['refId']}: empty"
    )


@pytest.mark.parametrize("variable", ALL[0].variables, ids=lambda v: v.name)
def test_variables_list_what_is_there(history, variable):
    (series,) = history.query(variable_query(variable))
    assert [row[1] for row in series["values"]] == [VARIABLES[variable.name]]


def test_values_arrive_in_the_panels_units(history):
    panels = {p["title"]: p for p in dashboard(ALL[0], "en")["panels"]}
    stage = panels["Stage, thresholds and forecast"]["targets"][0]["query"]
    (series,) = history.query(expand(stage))
    highest = max(value for _, value in series["values"] if value is not None)
    assert series["tags"] == {"sensor": "pont-neuf-a"}
    assert highest == pytest.approx(0.8 + 0.08 * 23)  # metres


def test_the_siren_that_sounds_reads_so(history):
    panel = next(p for p in dashboard(ALL[0], "fr")["panels"] if p["title"] == "Sirènes")
    (series,) = history.query(expand(panel["targets"][0]["query"]))
    code = str(series["values"][-1][1])
    words = panel["fieldConfig"]["defaults"]["mappings"][0]["options"][code]["text"]
    assert words == "▲▲ SONNE"
