"""Evaluate provisioned alert rules as Grafana does it, on what a real database answers.

Follows Grafana's sources: `pkg/tsdb/influxdb` (macros, one frame for each series and column),
`pkg/expr` (reduce, math with its union of labels, threshold), `pkg/services/ngalert/eval` (what a
number means) and `pkg/services/ngalert/state` (pending, keeping the last state, series that go
missing). No Grafana ran here; this is its logic written again.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Labels = frozenset[tuple[str, str]]
Ask = Callable[[str, str], list[dict[str, Any]]]  # data source's uid, InfluxQL -> series
NO_LABELS: Labels = frozenset()
MISSING_EVALUATIONS = 2  # then a series that is gone counts as resolved
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


class QueryFailed(Exception):
    """The data source answered with an error, or not at all."""


@dataclass(frozen=True)
class Number:
    """One number with its labels; None is null. ``no_data`` is Grafana's value of that name."""

    labels: Labels
    value: float | None
    no_data: bool = False


@dataclass(frozen=True)
class Series:
    """One series of one column."""

    labels: Labels
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Result:
    """What one evaluation says of one set of labels."""

    labels: Labels
    state: str  # "Normal" | "Alerting" | "NoData" | "Error"


_NOTHING = Number(NO_LABELS, None, no_data=True)


def seconds(text: str) -> int:
    """Read a duration as the files have it."""
    return int(text[:-1]) * _UNITS_S[text[-1]]


def evaluate(rule: dict[str, Any], ask: Ask, now_ms: int) -> list[Result]:
    """Run one rule's queries and expressions at one time."""
    found: dict[str, list[Any]] = {}
    try:
        for part in rule["data"]:
            found[part["refId"]] = _part(part, found, ask, now_ms)
    except QueryFailed:
        return [Result(NO_LABELS, "Error")]
    # one query that finds nothing is enough, even if the condition does not need it
    if any(value is _NOTHING for name in _asked(rule) for value in found[name]):
        return [Result(NO_LABELS, "NoData")]
    numbers = found[rule["condition"]]
    if all(number.no_data for number in numbers):  # also where there is none
        return [Result(NO_LABELS, "NoData")]
    labels = [number.labels for number in numbers]
    if len(set(labels)) != len(labels):  # "frame cannot uniquely be identified by its labels"
        return [Result(NO_LABELS, "Error")]
    return [Result(number.labels, _meaning(number.value)) for number in numbers]


def _asked(rule: dict[str, Any]) -> list[str]:
    return [part["refId"] for part in rule["data"] if part["datasourceUid"] != "__expr__"]


def _meaning(value: float | None) -> str:
    if value is None:
        return "NoData"
    return "Normal" if value == 0 else "Alerting"  # NaN alerts


def _part(part: dict[str, Any], found: dict[str, list[Any]], ask: Ask, now_ms: int) -> list[Any]:
    model = part["model"]
    if part["datasourceUid"] != "__expr__":
        return _query(part, ask, now_ms)
    if model["type"] == "reduce":
        assert model["settings"]["mode"] == "dropNN"
        return [_reduce(value, model["reducer"]) for value in found[model["expression"]]]
    if model["type"] == "math":
        return calculate(model["expression"], found)
    assert model["type"] == "threshold"
    (condition,) = model["conditions"]
    return [_compare(value, condition["evaluator"]) for value in found[model["expression"]]]


def _query(part: dict[str, Any], ask: Ask, now_ms: int) -> list[Any]:
    assert part["model"]["resultFormat"] == "time_series"
    back = part["relativeTimeRange"]
    start_ms, end_ms = now_ms - 1000 * back["from"], now_ms - 1000 * back["to"]
    influxql = part["model"]["query"].replace(
        "$timeFilter", f"time >= {start_ms}ms and time <= {end_ms}ms"
    )
    assert "$" not in influxql, f"a macro is left: {influxql}"
    frames = [
        Series(frozenset(one.get("tags", {}).items()), tuple(row[column] for row in one["values"]))
        for one in ask(part["datasourceUid"], influxql)
        for column in range(1, len(one["columns"]))
    ]
    assert not any(isinstance(v, str) for frame in frames for v in frame.values), influxql
    return frames or [_NOTHING]


def _reduce(series: Series | Number, reducer: str) -> Number:
    if isinstance(series, Number):
        return _NOTHING
    values = [v for v in series.values if v is not None and math.isfinite(v)]
    if reducer == "count":
        return Number(series.labels, float(len(values)))
    if not values:
        return Number(series.labels, 0.0 if reducer == "sum" else None)
    reduced = {
        "last": values[-1],
        "min": min(values),
        "max": max(values),
        "sum": sum(values),
        "mean": sum(values) / len(values),
    }[reducer]
    return Number(series.labels, float(reduced))


def _compare(number: Number, evaluator: dict[str, Any]) -> Number:
    if number.no_data or number.value is None:
        return number
    value, params = number.value, evaluator["params"]
    true = {
        "gt": lambda: value > params[0],
        "lt": lambda: value < params[0],
        "outside_range": lambda: value < params[0] or value > params[1],
    }[evaluator["type"]]()
    return Number(number.labels, float(true))


def calculate(expression: str, found: dict[str, list[Any]]) -> list[Number]:
    """Work out a math expression over named results."""
    text = re.sub(r"\$(\w+)", r"\1", expression).replace("&&", " and ").replace("||", " or ")
    return _walk(ast.parse(text, mode="eval").body, found)


_OPERATORS: dict[type, str] = {
    ast.Gt: ">", ast.Lt: "<", ast.GtE: ">=", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.And: "&&", ast.Or: "||",
}  # fmt: skip


def _walk(node: ast.expr, found: dict[str, list[Any]]) -> list[Number]:
    if isinstance(node, ast.Constant):
        return [Number(NO_LABELS, float(node.value))]
    if isinstance(node, ast.Name):
        return found[node.id]
    if isinstance(node, ast.BoolOp):
        result = _walk(node.values[0], found)
        for other in node.values[1:]:
            result = _binary(_OPERATORS[type(node.op)], result, _walk(other, found))
        return result
    if isinstance(node, ast.Compare):
        (operator,), (right,) = node.ops, node.comparators
        return _binary(_OPERATORS[type(operator)], _walk(node.left, found), _walk(right, found))
    assert isinstance(node, ast.BinOp), ast.dump(node)
    return _binary(_OPERATORS[type(node.op)], _walk(node.left, found), _walk(node.right, found))


def _binary(operator: str, left: list[Number], right: list[Number]) -> list[Number]:
    made = []
    for labels, a, b in _union(left, right):
        if a.no_data or b.no_data:
            made.append(_NOTHING)
        elif a.value is None or b.value is None:
            made.append(Number(labels, None))
        else:
            made.append(Number(labels, _operate(operator, a.value, b.value)))
    return made


def _union(left: list[Number], right: list[Number]) -> list[tuple[Labels, Number, Number]]:
    if not left or not right:
        return []
    if (len(left) == 1 or len(right) == 1) and (left[0].no_data or right[0].no_data):
        return [(NO_LABELS, left[0], right[0])]
    pairs = [
        (a.labels | b.labels, a, b)
        for a in left
        for b in right
        if a.labels <= b.labels or b.labels <= a.labels
    ]
    if not pairs and len(left) == len(right) == 1:
        return [(NO_LABELS, left[0], right[0])]
    return pairs


def _operate(operator: str, a: float, b: float) -> float:
    if operator == "||" and a != 0:
        return 1.0
    if operator == "&&" and a == 0:
        return 0.0
    if math.isnan(a) or math.isnan(b):
        return math.nan
    if operator == "/":
        return a / b if b else math.copysign(math.inf, a) if a else math.nan
    return float(
        {
            "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b,
            ">": lambda: a > b, "<": lambda: a < b, ">=": lambda: a >= b, "<=": lambda: a <= b,
            "==": lambda: a == b, "!=": lambda: a != b,
            "&&": lambda: b != 0, "||": lambda: b != 0,
        }[operator]()
    )  # fmt: skip


@dataclass
class Instance:
    """The state of one set of labels of one rule."""

    state: str = "Normal"
    since_ms: int = 0
    seen_ms: int = 0


@dataclass
class Alerts:
    """The states of one rule over time: what Grafana's state manager keeps."""

    rule: dict[str, Any]
    interval_s: int
    instances: dict[Labels, Instance] = field(default_factory=dict)

    def step(self, results: list[Result], now_ms: int) -> None:
        """Take the results of one evaluation."""
        states = {result.state for result in results}
        whole = states <= {"NoData"} or states <= {"Error"}
        if whole and self.instances:  # it is said of every one that is known
            results = [Result(labels, next(iter(states))) for labels in self.instances]
        for result in results:
            instance = self.instances.setdefault(result.labels, Instance(since_ms=now_ms))
            self._take(instance, result.state, now_ms)
            instance.seen_ms = now_ms
        for labels, instance in list(self.instances.items()):
            missing_ms = now_ms - instance.seen_ms
            if missing_ms >= MISSING_EVALUATIONS * 1000 * self.interval_s:
                del self.instances[labels]

    def firing(self) -> set[Labels]:
        """Return what people are told of."""
        return {labels for labels, one in self.instances.items() if one.state == "Alerting"}

    def _take(self, instance: Instance, state: str, now_ms: int) -> None:
        rests = {"NoData": self.rule["noDataState"], "Error": self.rule["execErrState"]}
        wanted = rests.get(state, state)
        if wanted == "KeepLast":
            wanted = "Normal" if instance.state == "Normal" else "Alerting"
        if wanted in ("Normal", "OK"):
            self._become(instance, "Normal", now_ms)
            return
        assert wanted == "Alerting", f"{self.rule['uid']}: {wanted}"
        lasts_ms = 1000 * seconds(self.rule["for"])
        if instance.state == "Normal":
            self._become(instance, "Pending" if lasts_ms else "Alerting", now_ms)
        elif instance.state == "Pending" and now_ms - instance.since_ms >= lasts_ms:
            self._become(instance, "Alerting", now_ms)

    @staticmethod
    def _become(instance: Instance, state: str, now_ms: int) -> None:
        if instance.state != state:
            instance.state, instance.since_ms = state, now_ms
