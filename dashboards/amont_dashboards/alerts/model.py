"""Describe an alert rule once, for both languages: what it asks, when it fires, what to do.

Plain values; ``render`` turns them into Grafana's provisioning files. A rule never drives a
siren: the guard does that alone, and nothing here can reach it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from amont_dashboards.query import Query, Text

__all__ = ["Query", "Text"]

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
# States are told on change and at least each five minutes; three of them may be lost.
STATE_BACK_S = 20 * MINUTE_S
# How long the last thing known of a river or a pipe holds while nothing newer is known.
KNOWN_BACK_S = 6 * HOUR_S

DOMAINS = ("floods", "network", "sirens", "fleet", "gateway")
SEVERITIES = ("critical", "warning", "info")
REDUCERS = ("last", "min", "max", "mean", "sum", "count")
SIGNS = ("gt", "lt", "outside_range")
# What a rule says while its query finds nothing, or fails. Keeping what it said last never calls
# off an alert because the database is away; one rule of its own tells that it is.
KEEP, NORMAL, ALERT = "KeepLast", "OK", "Alerting"


@dataclass(frozen=True)
class Look:
    """One query of a rule, from ``back_s`` ago until ``until_s`` ago, reduced to one number.

    With ``shown``, the number is told as well: "{}" stands for it, with so many ``decimals``.
    """

    query: Query
    back_s: int
    until_s: int = 0
    reducer: str = "last"
    shown: Text = ("", "")
    decimals: int = 0


@dataclass(frozen=True)
class Rule:
    """One alert rule; ``fires`` compares its look, or ``math`` over V1, V2, … if it has several.

    Grafana takes a rule for without data as soon as one of its queries finds nothing, whether the
    condition needs it or not: so every look is one that the condition needs. ``says`` names tags
    in braces: "{station}". ``implies`` are rules that fire as well whenever this one does, by
    what they mean.
    """

    uid: str
    domain: str
    severity: str
    title: Text
    says: Text
    means: Text
    first: Text  # what to do first
    looks: tuple[Look, ...]
    fires: tuple[str, float] | tuple[str, float, float]
    board: str  # uid of the dashboard to open, without the language
    panel: str  # English title of the panel there
    lasts_s: int = 0  # how long it must hold before people are told
    math: str = ""
    absent: str = KEEP
    failing: str = KEEP
    implies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = [
            name
            for name, value, known in (
                ("domain", self.domain, DOMAINS),
                ("severity", self.severity, SEVERITIES),
                ("fires", self.fires[0], SIGNS),
                ("absent", self.absent, (KEEP, NORMAL, ALERT)),
                ("failing", self.failing, (KEEP, NORMAL, ALERT)),
                *(("reducer", look.reducer, REDUCERS) for look in self.looks),
            )
            if value not in known
        ]
        needed = {f"V{n}" for n, _ in enumerate(self.looks, 1)}
        if needed != (set(re.findall(r"\bV\d+", self.math)) if self.math else {"V1"}):
            wrong.append("looks")
        if wrong:
            raise ValueError(f"{self.uid}: not possible: {', '.join(wrong)}")
