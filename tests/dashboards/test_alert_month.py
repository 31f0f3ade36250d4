"""On the scripted month the right rules fire at the right times, and no other."""

import pytest
from tests.dashboards import month_script as story
from tests.dashboards.grafana_alerting import Alerts, QueryFailed, evaluate, seconds
from tests.dashboards.month import SITE
from tests.dashboards.month_script import BEGIN_MS, DAY_MS, END_MS, HOUR_MS, STEP_MS, at
from tests.dashboards.month_views import forecast, machine, network_leaks, view

from amont_dashboards import sources
from amont_dashboards.alerts import render, rules
from amont_gateway.places import from_site
from amont_gateway.vitals import next_limit_s
from amont_site import load

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]  # ten seconds fill the month
STORES = {source.uid: source.store for source in sources.ALL}
HERE = from_site(load(SITE))
SENSORS = {sensor.id for sensor in HERE.sensors}
MIDNIGHT = 16  # hours of the script's day until the next day begins in Paris


def flood(level):
    least = story.LEVELS.index(level)
    return lambda t: {
        s.id
        for s in HERE.stations
        if not dead(s.sensors, t) and story.LEVELS.index(story.level(s.id, t)) >= least
    }


def dead(sensors, t):
    return all(t >= story.DEAD.get(HERE.by_sensor[s].node, END_MS + 1) for s in sensors)


def late(t, sensor, intervals):
    node = HERE.by_node[HERE.by_sensor[sensor].node]
    return t - story.heard_ms(node.id, t) > 1000 * intervals * node.interval_s


def forecast_reaches(t):
    return {
        s.id
        for s in HERE.stations
        if not dead(s.sensors, t) and forecast(s.id, t).reaches in ("warning", "alarm")
    }


def rising(t):
    left = {s.id: next_limit_s(s) for s in view(HERE, t).stations}
    return {name for name, seconds in left.items() if seconds is not None and seconds < 3_600}


def incomplete(t):
    """Yesterday, in Paris, was the day on which the month began, or the mill had died."""
    first = SENSORS if at(0, MIDNIGHT) <= t < at(1, MIDNIGHT) else set()
    gone = {s for s in SENSORS if HERE.by_sensor[s].node in story.DEAD}
    return first | (gone if t >= at(22, MIDNIGHT) else set())


# rule -> the places at which it should fire at a time, by the script alone
TRUTH = {
    "amont-flood-watch": flood("watch"),
    "amont-flood-warning": flood("warning"),
    "amont-flood-alarm": flood("alarm"),
    "amont-flood-forecast": forecast_reaches,
    "amont-flood-rising": rising,
    "amont-station-silent": lambda t: {
        s.id for s in HERE.stations if all(late(t, x, 3) for x in s.sensors)
    },
    "amont-sensor-silent": lambda t: {s for s in SENSORS if late(t, s, 4)},
    "amont-leak-zone": lambda t: {z.id for z in view(HERE, t).zones if z.verdict == "leak"},
    "amont-leak-network": lambda t: {"vallee"} if network_leaks(t) else set(),
    # in the village the leak was there before the nights that would be usual were known
    "amont-night-flow": lambda t: {"hameau"} if t >= at(28, MIDNIGHT) else set(),
    "amont-quality-low": incomplete,
    "amont-battery-low": lambda t: {
        str(n.id)
        for n in view(HERE, t).nodes
        if n.battery_days is not None and n.battery_days < 60
    },
    "amont-battery-empty": lambda t: {
        str(n.id)
        for n in view(HERE, t).nodes
        if n.battery_days is not None and n.battery_days < 14
    },
    "amont-link-weak": lambda t: {
        str(n.id) for n in view(HERE, t).nodes if (n.repeated_pct or 0) > 30
    },
    "amont-under-voltage": lambda t: {HERE.site} if machine(t)["under_voltage"] else set(),
    "amont-gateway-silent": lambda t: {HERE.site} if away(t) else set(),
    "amont-heartbeat": lambda t: set() if away(t) else {HERE.site},
}


def away(t):
    return story.OUTAGE_FROM_MS <= t < story.OUTAGE_UNTIL_MS


def place(labels):
    """What an alert is about: its one label besides the site, or the site."""
    told = dict(labels)
    return next((v for k, v in told.items() if k != "site" and k != "zone"), None) or told.get(
        "zone", told.get("site")
    )


def play(ask, rule, times):
    """Evaluate a rule at each of some times; yield where it fires."""
    alerts = Alerts(rule, (times[1] - times[0]) // 1000)
    for now_ms in times:
        alerts.step(evaluate(rule, lambda uid, q, t=now_ms: ask(uid, q, t), now_ms), now_ms)
        yield now_ms, {place(labels) for labels in alerts.firing()}


@pytest.fixture(scope="module")
def ask(month):
    """Ask as Grafana would have then: while the database was away, nothing answered."""

    def query(uid, influxql, now_ms):
        if away(now_ms):
            raise QueryFailed
        return month.query(influxql, STORES[uid])

    return query


def expected(uid, now_ms, step_ms):
    """Return where a rule must fire and where it may, given how rarely we look."""
    truth = TRUTH.get(uid, lambda t: set())
    fine_ms = max(STEP_MS, step_ms // 8)
    around = range(now_ms - step_ms - HOUR_MS, now_ms + fine_ms + 1, fine_ms)
    held = [truth(t) for t in range(now_ms - step_ms, now_ms + 1, fine_ms)]
    return set.intersection(*held), set().union(*(truth(t) for t in around))


ALL = {
    r["uid"]: r
    for name, document in render.documents().items()
    if name.startswith("alerting/fr/")
    for group in document.get("groups", ())
    for r in group["rules"]
}
TIMES = {
    "month": range(BEGIN_MS + DAY_MS // 4, END_MS + 1, DAY_MS // 4),
    "flood": range(at(11, 16), at(13), HOUR_MS // 2),
}


@pytest.mark.parametrize("span", TIMES)
@pytest.mark.parametrize("uid", [*(rule.uid for rule in rules.RULES), rules.HEARTBEAT.uid])
def test_it_fires_when_it_should_and_where(ask, uid, span):
    times = TIMES[span]
    sure_ms = times[1] + 1000 * seconds(ALL[uid]["for"])
    for now_ms, fires in play(ask, ALL[uid], times):
        must, may = expected(uid, now_ms, times.step)
        when = f"day {(now_ms - BEGIN_MS) / DAY_MS:.2f}"
        if now_ms > sure_ms:
            assert must <= fires, f"{when}: silent at {must - fires}"
        assert fires <= may, f"{when}: fires at {fires - may}"


def test_the_month_holds_what_most_rules_are_for(ask):
    """Rules that the script never calls for are tried in `test_alert_rules.py` alone."""
    fired = set()
    for uid in TRUTH:
        if any(fires for _, fires in play(ask, ALL[uid], TIMES["month"])):
            fired.add(uid)
    short = {"amont-flood-alarm", "amont-flood-rising", "amont-under-voltage"}  # than a step
    assert {*TRUTH} - fired <= {*short, "amont-battery-empty"}
