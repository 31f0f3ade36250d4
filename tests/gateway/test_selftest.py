"""The test of a pilot site's server, on good servers and on each kind of bad one."""

import json
import re
import time
from pathlib import Path

import pytest
from tests.gateway import servers
from tests.gateway.influx_double import Answer, running

from amont_gateway import selftest, series
from amont_gateway.database import Denied, Influx
from amont_gateway.influx import InfluxWriter

pytestmark = pytest.mark.usefixtures("links")
ROOT, FORMS = Path(__file__).parents[2], (".json", ".yaml")
LOOKS = [
    "server", "database amont", "database amont_h", "database amont_d", "types", "wrong type",
    "replay", "expired", "limits", "limits", "statements", "span", "span", "span", "tidy",
]  # fmt: skip


def url(server):
    return f"http://127.0.0.1:{server.port}"


def bad(findings):
    return {f.part: f.text for f in findings if f.verdict == "bad"}


@pytest.mark.servers
def test_a_good_server_is_good_in_everything_and_left_as_it_was(database):
    target = Influx(url(database), keep_days=400)
    now_ms = time.time_ns() // 1_000_000
    for _ in range(2):  # a second time too
        found = selftest.run(target, now_ms)
        assert [f.part for f in found] == LOOKS
        assert {f.verdict for f in found} == {"good"}, found
    writer = InfluxWriter(target)
    for store in series.STORES:
        assert writer.query("SHOW MEASUREMENTS", store) == []


@pytest.mark.servers
def test_other_retention_is_named(database):
    InfluxWriter(Influx(url(database), keep_days=90)).write(["a b=1"])
    found = selftest.run(Influx(url(database), keep_days=400))
    assert [f.part for f in found if f.verdict == "weak"] == ["database amont"]
    assert "keeps 90 days, wanted is 400 days" in found[1].text


@pytest.mark.servers
def test_a_proxy_that_lets_little_through_is_named(database, tmp_path):
    proxy = servers.nginx_v2(tmp_path / "nginx", database.port, "client_max_body_size 9k;")
    proxy.start()
    try:
        found = selftest.run(Influx(url(proxy), keep_days=400))
    finally:
        proxy.stop()
    weak = {f.part: f.text for f in found if f.verdict == "weak"}
    assert "lines at once" in weak["limits"]
    assert "statement is too long" in bad(found)["limits"]
    assert found[0].text == "InfluxDB 1.8.10 answers"


@pytest.mark.servers
def test_what_takes_lines_but_knows_no_influxql_is_no_place_for_history(tmp_path):
    server = servers.victoria(tmp_path / "victoria")
    server.start()
    try:
        found = bad(selftest.run(Influx(url(server))))
    finally:
        server.stop()
    assert {"database amont", "types", "wrong type", "replay"} <= set(found)


def test_a_server_that_is_gone_is_one_finding():
    (found,) = selftest.run(Influx("http://127.0.0.1:1"))
    assert (found.part, found.verdict) == ("server", "bad")
    assert found.text.startswith("http://127.0.0.1:1: ")


def test_2_x_that_refuses_the_token_says_so_for_each_database_and_no_more():
    refused = Answer(401, b'{"code":"unauthorized","message":"unauthorized access"}')
    with running("v2.7.1", lambda _asked: refused) as server:
        found = selftest.run(Influx(server.url, token="t", org="mairie"))
    assert "the proof" in found[0].text
    texts = bad(found)
    for name in ("amont", "amont_h", "amont_d"):
        assert texts[f"database {name}"] == "unauthorized access (HTTP 401)"
    assert texts.pop("rest") == f"not tried: {server.url} refuses us"
    assert len(texts) == 3


def test_a_server_that_changes_numbers_is_found_out():
    row = [0, 0.3, 7, "vanne"]
    answer = json.dumps({"results": [{"series": [{"name": "selftest", "values": [row]}]}]})

    def careless(asked):
        return Answer(200, answer.encode()) if "query" in asked.path else Answer(204)

    with running("1.8.10", careless) as server:
        found = bad(selftest.run(Influx(server.url)))
    assert "found [[0.3, 7, 'vanne']]" in found["types"]
    assert "not refused" in found["wrong type"]


@pytest.mark.servers
@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_the_page_says_to_set_up_is_enough(tmp_path, language):
    """Run the page's own statements where passwords are wanted, then the test as that user."""
    page = ROOT / "docs" / f"history.{language}.md"
    block = (
        page.read_text().partition("### InfluxDB 1.x")[2].partition("```")[2].partition("```")[0]
    )
    first, rest = re.findall(r'-execute "([^"]+)"', block)
    server = servers.influxd(tmp_path / "influxd", "auth-enabled = true\n")
    server.start()
    try:
        one = InfluxWriter(Influx(url(server), token="root:…"))
        for statement in [first, *rest.split(";")]:
            one.query(statement)
        found = selftest.run(Influx(url(server), token="amont:…", keep_days=400))
        with pytest.raises(Denied, match="not authorized to write"):
            InfluxWriter(Influx(url(server), token="grafana:…")).write(["a b=1"])
    finally:
        server.stop()
    assert [(f.part, f.text) for f in found if f.verdict != "good"] == []


def test_every_function_that_the_dashboards_ask_for_is_tried():
    files = [path for path in (ROOT / "dashboards" / "grafana").rglob("*") if path.suffix in FORMS]
    asked = [text for path in files for text in re.findall(r"SELECT .*", path.read_text())]
    used = {name for text in asked for name in re.findall(r"\b([a-z_]+)\(", text)}
    tried = {name for text in selftest.STATEMENTS for name in re.findall(r"\b([a-z_]+)\(", text)}
    assert len(used) > 5
    assert used - tried == set()
