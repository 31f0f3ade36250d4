"""Every panel of the month through Grafana's own code: names, words, units, columns, links."""

import functools
import re

import pytest
from tests.dashboards import showing
from tests.dashboards.month_script import END_MS

from amont_dashboards import words
from amont_dashboards.boards import ALL
from amont_dashboards.model import LANGUAGES, TABLES

pytestmark = pytest.mark.servers
LANGUAGE = pytest.mark.parametrize("language", LANGUAGES)
LINES = ("timeseries", "state-timeline", "status-history", "stat", "gauge", "bargauge")
ALONE = ("stat", "gauge", "bargauge")  # one value needs no name: the panel's title is its name


@pytest.fixture(scope="module")
def seen(month, tmp_path_factory):
    """What each language shows: (dashboard, panel of the model, panel as seen)."""

    @functools.cache  # both languages ask the same
    def ask(store, query):
        return month.query(query, store)

    def values(store, query):
        return [row[1] for found in ask(store, query) for row in found["values"]]

    known = {}
    for language in LANGUAGES:
        asked = [list(showing.panels(one, language, END_MS, ask, values)) for one in ALL]
        folder = tmp_path_factory.mktemp(language)
        told = iter(showing.shown([panel for board in asked for panel in board], folder))
        known[language] = [
            (board, panel, next(told)) for board in ALL for panel in board.panels if panel.queries
        ]
    return known


def fields(panel):
    return [field for frame in panel["frames"] for field in frame if field["type"] != "time"]


@LANGUAGE
def test_every_override_finds_its_field(seen, language):
    missed = [
        (board.uid, panel["title"], name)
        for board, _, panel in seen[language]
        for name in panel["unmatched"]
        if name not in LANGUAGES  # the text in the other language is hidden
    ]
    assert missed == []


@LANGUAGE
def test_lines_have_names_that_tell_them_apart(seen, language):
    wrong = []
    for board, _, panel in seen[language]:
        if panel["kind"] in LINES:
            names = [field["title"] for field in fields(panel)]
            assert names, (board.uid, panel["title"])
            if len(names) == 1 and panel["kind"] in ALONE:
                continue
            doubled = {name for name in names if names.count(name) > 1 or "$" in name}
            raw = {name for name in names if re.search(r"\.\w+_\w+|\{", name)}
            wrong += [(board.uid, panel["title"], name) for name in doubled | raw]
    assert wrong == []


@LANGUAGE
def test_tables_show_the_columns_asked_for_in_their_order(seen, language):
    at = LANGUAGES.index(language)
    for board, model, panel in seen[language]:
        if panel["kind"] != "table":
            continue
        (frame,) = panel["frames"]
        tags = dict.fromkeys(tag for query in model.queries for tag in query.group)
        columns = [column for query in model.queries for column in query.columns]
        wanted = [words.head("Time")[at]] if model.with_time else []
        wanted += [words.head(tag)[at] for tag in tags]
        wanted += [
            column.title[at] or words.head(column.shown)[at]
            for column in columns
            if column.shown not in LANGUAGES or column.shown == language
        ]
        assert [field["title"] for field in frame] == wanted, (board.uid, panel["title"])


@LANGUAGE
def test_a_code_reads_as_words_with_a_sign_and_a_number_has_its_unit(seen, language):
    wrong, codes = [], 0
    for board, _, panel in seen[language]:
        for field in fields(panel):
            text = field["text"]
            if text is None or field["type"] != "number":
                continue
            codes += field["mapped"]
            bare = field["mapped"] and re.fullmatch(r"\d+", text)
            odd = re.search(r"(length|suffix|pressure|percent|litre|none)", text)
            wrong += [(board.uid, panel["title"], field["title"], text)] if bare or odd else []
    assert codes
    assert wrong == []


@LANGUAGE
def test_a_band_is_filled_down_to_a_line_that_is_there(seen, language):
    bands = 0
    for board, _, panel in seen[language]:
        names = {field["title"] for field in fields(panel)}
        for field in fields(panel):
            if below := field["custom"].get("fillBelowTo"):
                bands += 1
                assert below in names, (board.uid, panel["title"], names)
    assert bands


@LANGUAGE
def test_links_take_their_value_from_what_is_there(seen, language):
    followed = 0
    for board, _, panel in seen[language]:
        for field in fields(panel):
            for url in field["links"]:
                followed += 1
                labels = set(re.findall(r"__field\.labels\.(\w+)", url))
                assert labels <= set(field["labels"]), (board.uid, panel["title"], url)
    assert followed


@LANGUAGE
def test_maps_find_their_coordinates(seen, language):
    maps = [panel for _, _, panel in seen[language] if panel["kind"] == "geomap"]
    assert maps
    for panel in maps:
        names = {field["name"] for field in fields(panel)}
        assert {"latitude", "longitude", "state", "place"} <= names


def test_every_kind_of_panel_is_seen(seen):
    kinds = {panel["kind"] for _, _, panel in seen["en"]}
    assert kinds >= {*LINES} - {"bargauge", "gauge"} | {"table", "geomap"}
    assert kinds <= {*LINES, *TABLES, "histogram"}
