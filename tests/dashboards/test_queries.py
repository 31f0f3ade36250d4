"""Run every query of every dashboard on a real influxd that the gateway filled with a month."""

import pytest
from tests.dashboards import asking
from tests.dashboards.month_script import END_MS, HOUR_MS

from amont_dashboards import sources
from amont_dashboards.boards import ALL
from amont_dashboards.render import dashboard

MONTH_MS = 30 * 24 * HOUR_MS
EACH = pytest.mark.parametrize("source", ALL, ids=lambda source: source.uid)
LANGUAGE = pytest.mark.parametrize("language", ["fr", "en"])

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def ask(month):
    """Send a query once, however many panels ask it."""
    known = {}

    def answer(store, query):
        if (store, query) not in known:
            known[store, query] = month.query(query, store)
        return known[store, query]

    return answer


@pytest.fixture(scope="module")
def values(ask):
    def listed(store, query):
        return [row[1] for found in ask(store, query) for row in found["values"]]

    return listed


def says_something(found):
    return any(v is not None for one in found for row in one["values"] for v in row[1:])


@LANGUAGE
@EACH
def test_no_panel_is_empty(ask, values, source, language):
    """With any value of a variable that takes one: a sensor measures one quantity."""
    empty = [
        forms[0]
        for forms in asking.panels(source, language, END_MS, values)
        if not any(says_something(ask(form.store, form.query)) for form in forms)
    ]
    assert [(x.title, x.store, x.query) for x in empty] == []


@EACH
def test_readings_answer_in_every_detail(ask, values, source):
    """Readings, hours or days: the same query finds the same measurement, tags and field."""
    chosen = [
        target
        for panel in dashboard(source, "en")["panels"]
        for target in panel.get("targets", ())
        if target["datasource"]["uid"] == sources.CHOSEN
    ]
    stores = [s.store for s in sources.ALL] if chosen else []
    for store in stores:
        found = asking.panels(source, "en", END_MS, values, detail=store, range_ms=MONTH_MS)
        empty = [
            forms[0].title
            for forms in found
            if not any(says_something(ask(form.store, form.query)) for form in forms)
        ]
        assert empty == [], store


@LANGUAGE
@EACH
def test_variables_list_what_is_there(ask, values, source, language):
    for asked in asking.variables(source, language, values):
        assert says_something(ask(asked.store, asked.query)), asked


@LANGUAGE
@EACH
def test_marks_are_found_with_their_words(ask, values, source, language):
    for asked in asking.annotations(source, language, END_MS, values, MONTH_MS):
        found = ask(asked.store, asked.query)
        assert says_something(found), asked
        columns = found[0]["columns"]
        text = columns.index("text")
        assert all(row[text] for one in found for row in one["values"]), asked
