"""What ``make grafana-check`` asks, tried on a double over a real influxd with the month."""

import copy
import json

import pytest
import yaml
from tests.dashboards import real_grafana
from tests.dashboards.grafana_double import TOKEN, Double, running

from amont_dashboards import remote
from amont_dashboards.boards import ALL
from amont_dashboards.render import dashboard_files
from amont_dashboards.sources import ALL as SOURCES

pytestmark = pytest.mark.servers
INFLUX = {
    "AMONT_INFLUX_URL": "http://influxdb:8086",
    "AMONT_INFLUX_DATABASE": "month",
    "AMONT_INFLUX_USER": "reader",
}


@pytest.fixture(scope="module")
def filled(month):
    """A double that holds all that is built, over the databases of the month."""
    with running(Double()) as double:
        double.ask = month.server.query
        api = remote.connect(double.url, TOKEN)
        remote.push_sources(api, INFLUX, dry=False)
        remote.push(api, dashboard_files(), ("fr", "en"), dry=False)
        remote.push_alerts(api, "en", dry=False)
        double.provisioned |= set(double.dashboards)
        yield double, api
        api.client.s.close()


@pytest.fixture
def grafana(filled):
    double, api = filled
    before = copy.deepcopy((double.dashboards, double.sources, double.groups)), double.ask
    yield double, api
    (double.dashboards, double.sources, double.groups), double.ask = before
    double.failing, double.provisioned = {}, set(double.dashboards)


@pytest.fixture
def short(monkeypatch):
    """The overview alone: enough to see each fault."""
    monkeypatch.setattr(real_grafana, "ALL", [one for one in ALL if one.level == 0])
    monkeypatch.setattr(real_grafana, "LANGUAGES", ("en",))


def test_nothing_is_missing_where_all_is_there(grafana, short):
    _, api = grafana
    assert real_grafana.faults(api) == []


def test_a_panel_without_values_is_named(grafana, short):
    double, api = grafana
    ask = double.ask
    double.ask = lambda text, name: [] if '"siren_state"' in text else ask(text, name)
    found = real_grafana.faults(api)
    assert "Duty overview: Sirens A: empty" in found
    assert all("iren" in line for line in found)


def test_a_source_that_does_not_answer_is_named(grafana, short, monkeypatch):
    double, api = grafana
    double.ask = None
    monkeypatch.setattr(real_grafana, "ALL", [])
    assert real_grafana.faults(api) == [
        f"data source {source.name}: error reading InfluxDB" for source in SOURCES
    ]


def test_what_is_not_from_the_files_is_named(grafana, short):
    double, api = grafana
    made, _ = double.dashboards["amont-duty-en"]
    gone = made["panels"][0]
    made["panels"] = made["panels"][1:]
    double.provisioned.discard("amont-duty-en")
    assert real_grafana.faults(api) == [
        "Duty overview: does not come from the file",
        f"Duty overview: {gone['title']} is not there",
    ]


def test_an_alert_rule_that_fails_or_is_missing_is_named(grafana, short):
    double, api = grafana
    first, *_ = double.groups.values()
    lost = first["rules"].pop()
    fails = first["rules"][0]
    double.failing[fails["uid"]] = "no such field"
    assert real_grafana.faults(api) == [
        f"alert rule {lost['uid']} is not there",
        f"alert rule {fails['title']}: no such field",
    ]


def test_the_compose_file_gives_grafana_what_the_provisioning_files_ask_for():
    made = yaml.safe_load((real_grafana.HERE / "compose.yaml").read_text())
    given = made["services"]["grafana"]["environment"]
    root = real_grafana.HERE.parents[2] / "dashboards/grafana"
    texts = [path.read_text() for path in (root / "provisioning").rglob("*.yaml")]
    texts += [path.read_text() for path in (root / "alerting/en").glob("*.yaml")]
    assert len(texts) >= 7
    asked = {name for text in texts for name in real_grafana.asked_of_environment(text)}
    assert asked <= set(given)
    for line in made["services"]["grafana"]["volumes"]:
        source = line.split(":")[0].replace("${AMONT_CHECK_LANGUAGE", "en")
        assert (real_grafana.HERE / source).is_dir(), source


def test_the_grafana_that_is_checked_is_the_one_whose_types_are_held(monkeypatch):
    monkeypatch.delenv("GRAFANA", raising=False)
    lock = json.loads((real_grafana.HERE / "package-lock.json").read_text())
    assert real_grafana.versions() == lock["packages"]["node_modules/@grafana/schema"]["version"]
    monkeypatch.setenv("GRAFANA", "11.6.16")
    assert real_grafana.versions() == "11.6.16"
