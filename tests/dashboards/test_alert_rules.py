"""Each alert rule fires on its own planted situation and on no other, on a real influxd."""

import functools
from collections import defaultdict

import pytest
from tests.dashboards import alert_sites as sites
from tests.dashboards.grafana_alerting import (
    NO_LABELS,
    Alerts,
    QueryFailed,
    Result,
    evaluate,
    seconds,
)

from amont_dashboards import sources
from amont_dashboards.alerts import render, rules
from amont_gateway.database import Influx
from amont_gateway.influx import InfluxWriter

pytestmark = pytest.mark.servers
STORES = {source.uid: source.store for source in sources.ALL}
INTERVAL_S = render.EVALUATED_S


def provisioned():
    """Every rule as the files have it, the sign of life among them."""
    made = render.documents()
    found = {}
    for name in ("amont-rules", "outside/amont-heartbeat"):
        for group in made[f"alerting/fr/{name}.yaml"]["groups"]:
            assert seconds(group["interval"]) == INTERVAL_S
            found |= {rule["uid"]: rule for rule in group["rules"]}
    return found


RULES = provisioned()
CASES = [pytest.param(one, id=one.id) for one in sites.SITES]


def asker(server, name):
    return lambda uid, influxql: server.query(influxql, f"{name}{STORES[uid]}")


def watch(rule, ask, now_ms=sites.NOW_MS):
    """Evaluate a rule twice, as far apart as it wants to be sure; return its states."""
    alerts = Alerts(rule, INTERVAL_S)
    for at_ms in (now_ms - 1000 * seconds(rule["for"]), now_ms):
        alerts.step(evaluate(rule, ask, at_ms), at_ms)
    return alerts


@pytest.fixture(scope="module")
def planted(influxd):
    """All sites in one database; ask it as Grafana's data sources do."""
    batches = defaultdict(list)
    for one in sites.SITES:
        for store, text in sites.lines(one):
            batches[store].append(text)
    writer = InfluxWriter(Influx(influxd.url, "planted"))
    for store, texts in batches.items():
        for start in range(0, len(texts), 5_000):
            writer.write(texts[start : start + 5_000], store)
    writer.close()
    return asker(influxd, "planted")


@pytest.fixture(scope="module")
def told(planted):
    """Which rules fire at which site, all of them in one database."""
    found = defaultdict(set)
    for uid, rule in RULES.items():
        for labels in watch(rule, planted).firing():
            found[dict(labels)["site"]].add(uid)
    return found


@pytest.fixture(scope="module")
def alone(planted):
    """Return a function that asks as if one site were alone in its database."""
    answers = functools.cache(planted)

    def ask_of(site):
        def ask(uid, influxql):
            return [one for one in answers(uid, influxql) if one["tags"]["site"] == site]

        return ask

    return ask_of


@pytest.mark.parametrize("one", CASES)
def test_the_right_rules_fire_and_no_other(told, one):
    assert told[one.id] - {rules.HEARTBEAT.uid} == one.fires


@pytest.mark.parametrize("one", CASES)
def test_a_site_that_is_alone_in_its_database_fires_the_same(alone, one):
    """A query that finds nothing anywhere stops its whole rule: more is empty with one site."""
    ask = alone(one.id)
    fired = {uid for uid, rule in RULES.items() if watch(rule, ask).firing()}
    assert fired - {rules.HEARTBEAT.uid} == one.fires


def test_every_rule_has_a_situation_of_its_own():
    made_for = {f"amont-{one.id}": one.fires for one in sites.PLANTED}
    uids = {rule.uid for rule in rules.RULES}
    assert set(made_for) >= uids
    assert all(set(rule.implies) <= uids for rule in rules.RULES)
    for rule in rules.RULES:
        beside = made_for[rule.uid] - {rule.uid}
        assert beside <= set(rule.implies), f"{rule.uid} does not say that it implies {beside}"


def test_the_sign_of_life_ceases_where_a_gateway_is_silent(told):
    alive = {one.id for one in sites.SITES if rules.HEARTBEAT.uid in told[one.id]}
    assert {one.id for one in sites.SITES} - alive == {"gateway-silent"}


def test_nothing_fires_before_it_has_lasted(planted):
    for uid, rule in RULES.items():
        if seconds(rule["for"]) == 0:
            continue
        alerts = Alerts(rule, INTERVAL_S)
        for at_ms in (sites.NOW_MS - 1000 * (seconds(rule["for"]) - 1), sites.NOW_MS):
            alerts.step(evaluate(rule, planted, at_ms), at_ms)
        assert not alerts.firing(), uid


def test_an_empty_database_fires_one_rule(influxd):
    writer = InfluxWriter(Influx(influxd.url, "empty"))
    for store in STORES.values():
        writer.write(["gateway,site=x guard_alive=1i 1000"], store)  # in 1970
    writer.close()
    told = {uid for uid, rule in RULES.items() if watch(rule, asker(influxd, "empty")).firing()}
    assert told == {"amont-gateway-silent"}


def test_a_database_that_does_not_answer_fires_one_rule():
    def refuse(_uid, _influxql):
        raise QueryFailed

    told = {uid for uid, rule in RULES.items() if watch(rule, refuse).firing()}
    assert told == {"amont-gateway-silent"}


@pytest.mark.parametrize("state", ["NoData", "Error"])
def test_what_fires_is_not_called_off_because_nothing_comes(state):
    labels = frozenset({("site", "a"), ("station", "b")})
    kept = set()
    for uid, rule in RULES.items():
        alerts = Alerts(rule, INTERVAL_S)
        now_ms = 0
        for _ in range(2):
            alerts.step([Result(labels, "Alerting")], now_ms)
            now_ms += 1000 * seconds(rule["for"])
        assert alerts.firing() == {labels}
        alerts.step([Result(NO_LABELS, state)], now_ms)
        kept |= {uid for _ in alerts.firing()}
    critical = {rule.uid for rule in rules.RULES if rule.severity == "critical"}
    resting = {"amont-flood-rising", "amont-burst"} if state == "NoData" else set()
    assert critical - kept == resting, "absent because it is over: no rise, no draw"


def test_a_series_that_is_gone_is_resolved_after_two_evaluations():
    rule = RULES["amont-flood-alarm"]
    alerts = Alerts(rule, INTERVAL_S)
    gone, there = frozenset({("station", "a")}), frozenset({("station", "b")})
    alerts.step([Result(gone, "Alerting"), Result(there, "Normal")], 0)
    alerts.step([Result(there, "Normal")], 60_000)
    assert alerts.firing() == {gone}
    alerts.step([Result(there, "Normal")], 120_000)
    assert alerts.firing() == set()
