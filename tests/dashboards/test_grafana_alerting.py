"""The emulation of Grafana's alerting behaves as its sources say, case by case."""

import math

import pytest
from tests.dashboards.grafana_alerting import (
    NO_LABELS,
    Alerts,
    Number,
    Result,
    calculate,
    evaluate,
    seconds,
)


def labels(**named):
    return frozenset(named.items())


def numbers(*pairs):
    return [Number(labels(**named), value) for named, value in pairs]


def rule(sign="gt", limit=0.5, reducer="last", **rest):
    queries = ["Q1", *rest.pop("more", [])]
    source = [
        {"refId": name, "datasourceUid": "amont-history",
         "relativeTimeRange": {"from": 600, "to": 60},
         "model": {"query": f"{name} $timeFilter", "resultFormat": "time_series"}}
        for name in queries
    ]  # fmt: skip
    model = {"type": "reduce", "expression": "Q1", "reducer": reducer}
    reduced = {"refId": "V1", "datasourceUid": "__expr__",
               "model": {**model, "settings": {"mode": "dropNN"}}}  # fmt: skip
    evaluator = {"type": sign, "params": [limit]}
    condition = {"refId": "C", "datasourceUid": "__expr__",
                 "model": {"type": "threshold", "expression": "V1",
                           "conditions": [{"evaluator": evaluator}]}}  # fmt: skip
    made = {"uid": "r", "condition": "C", "data": [*source, reduced, condition], "for": "0s",
            "noDataState": "KeepLast", "execErrState": "KeepLast"}  # fmt: skip
    return {**made, **rest}


def answer(*series):
    return [
        {"tags": tags, "columns": ["time", "v"], "values": [[0, v] for v in values]}
        for tags, values in series
    ]


def test_the_time_range_is_that_of_the_query():
    asked = []
    evaluate(rule(), lambda uid, q: asked.append((uid, q)) or [], 1_000_000)
    assert asked == [("amont-history", "Q1 time >= 400000ms and time <= 940000ms")]


@pytest.mark.parametrize(
    ("reducer", "values", "fires"),
    [
        ("last", [1, None], True),  # what is no number is dropped
        ("last", [1, 0], False),
        ("min", [1, 0.4], False),
        ("max", [0.4, 1], True),
        ("mean", [0, 1.2], True),
        ("sum", [0.2, 0.4], True),
        ("count", [0, None], True),
    ],
)
def test_a_series_is_reduced(reducer, values, fires):
    (result,) = evaluate(rule(reducer=reducer), lambda uid, q: answer(({"a": "b"}, values)), 0)
    assert result == Result(labels(a="b"), "Alerting" if fires else "Normal")


def test_a_series_of_nulls_alone_has_no_data_under_its_labels():
    found = evaluate(rule(), lambda uid, q: answer(({"a": "1"}, [None]), ({"a": "2"}, [1])), 0)
    assert found == [Result(labels(a="1"), "NoData"), Result(labels(a="2"), "Alerting")]


def test_two_series_with_the_same_labels_are_an_error():
    (result,) = evaluate(rule(), lambda uid, q: answer(({}, [1]), ({}, [2])), 0)
    assert result.state == "Error"


def test_a_query_that_finds_nothing_stops_the_rule_though_nothing_needs_it():
    asked = lambda uid, q: [] if q.startswith("Q2") else answer(({}, [1]))  # noqa: E731
    assert evaluate(rule(), asked, 0) == [Result(NO_LABELS, "Alerting")]
    assert evaluate(rule(more=["Q2"]), asked, 0) == [Result(NO_LABELS, "NoData")]


def test_numbers_meet_where_one_has_all_labels_of_the_other():
    found = {
        "V1": numbers(({"zone": "a"}, 2.0), ({"zone": "b"}, 9.0)),
        "V2": numbers(({"zone": "a", "sensor": "p"}, 1.0), ({"zone": "c", "sensor": "q"}, 0.0)),
    }
    assert calculate("$V1 > $V2", found) == numbers(({"zone": "a", "sensor": "p"}, 1.0))


def test_one_number_on_each_side_meets_without_labels():
    found = {"V1": numbers(({"a": "1"}, 2.0)), "V2": numbers(({"b": "2"}, 1.0))}
    assert calculate("$V1 - $V2", found) == [Number(NO_LABELS, 1.0)]


def test_arithmetic_binds_as_in_grafana():
    found = {"V1": numbers(({}, 6.0)), "V2": numbers(({}, 2.0))}
    cases = {
        "$V1 + $V2 * 2": 10, "($V1 > 3) && ($V2 >= 3)": 0, "($V1 > 9) || ($V2 == 2)": 1,
        "$V1 / $V2 - 1": 2, "$V1 != $V2": 1, "$V1 <= 6": 1, "$V1 < 6": 0,
    }  # fmt: skip
    for expression, value in cases.items():
        assert calculate(expression, found)[0].value == value, expression


def test_what_is_not_a_number_is_neither_above_nor_below():
    found = {"V1": numbers(({}, math.nan)), "V2": numbers(({}, 0.0))}
    assert math.isnan(calculate("$V1 > 1", found)[0].value)
    assert calculate("$V2 && $V1", found)[0].value == 0
    assert math.isinf(calculate("1 / $V2", found)[0].value)
    assert math.isnan(calculate("$V2 / $V2", found)[0].value)
    assert calculate("$V1 > 1", {"V1": numbers(({}, None))})[0].value is None


def test_pending_becomes_alerting_when_it_has_lasted():
    alerts = Alerts(rule(**{"for": "2m"}), 60)
    here = labels(a="b")
    for minute, state, fires in (
        (0, "Alerting", False), (1, "Alerting", False), (2, "Alerting", True),
        (3, "Normal", False), (4, "Alerting", False), (5, "Normal", False),
    ):  # fmt: skip
        alerts.step([Result(here, state)], 60_000 * minute)
        assert (here in alerts.firing()) == fires, minute


def test_no_data_from_the_start_is_normal_where_the_last_is_kept():
    alerts = Alerts(rule(), 60)
    alerts.step([Result(NO_LABELS, "NoData")], 0)
    alerts.step([Result(NO_LABELS, "NoData")], 60_000)
    assert alerts.firing() == set()


def test_durations_are_read():
    assert [seconds(x) for x in ("0s", "5m", "6h", "7d")] == [0, 300, 21_600, 604_800]
