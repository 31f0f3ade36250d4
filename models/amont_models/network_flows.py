"""Judge the test of flows alone on the network's years, and write its section of the card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from amont_gateway.scoring.network_inflow import InflowRule
from amont_gateway.scoring.network_rung import Rules
from amont_models import cost, network_curve, network_judging
from amont_models.card import localised, number
from amont_models.network_judging import LESS, without_pressures
from amont_models.network_tables import WORDS, days, less_table, rules_table, with_ends
from amont_models.recipe import RECIPES_DIR
from amont_models.records.table import Record
from amont_models.score_network import SHIPPED

Metrics = dict[str, Any]
Say = Callable[[str], None]
GOAL = 0.85  # strict F1 on the years that judge
STEPS = (-2.0, 3.0)  # nats by which the alarm is set lower and higher, beside what ships


def settings() -> dict[float, Rules]:
    """Return the alarm settings of the curve, what ships among them."""
    ships = InflowRule()
    return {
        alarm: Rules(flows=replace(ships, alarm=alarm))
        for alarm in sorted((ships.alarm, *(ships.alarm + step for step in STEPS)))
    }


def measure(chosen: Sequence[Record], judged: Sequence[Record], town: Record, say: Say) -> Metrics:
    """Judge on the years of the settings, on those that judge, and on 2018."""
    say("network: flows only, simulated years that judge")
    found = network_judging.events([without_pressures(one) for one in judged])
    out: Metrics = {"judged": found["table"], "less": {}}
    say("network: flows only, the years of the settings")
    flows = [without_pressures(one) for one in chosen]
    past = network_judging.events(flows, SHIPPED)
    out |= {"settings": past["table"], "told": [past["told"], found["told"]]}
    say("network: flows only, the alarm's setting")
    networks, labels = network_judging.known(flows)
    ships = past["table"][SHIPPED]
    out["curve"] = network_curve.curve(networks, labels, settings(), InflowRule().alarm, ships)
    say("network: flows only, 2018")
    out["town"] = network_judging.judge([without_pressures(town)])
    for name, change in LESS.items():
        say(f"network: flows only, {name}")
        less = [change(without_pressures(one)) for one in judged]
        out["less"][name] = network_judging.judge(less, SHIPPED)[SHIPPED]
    return out


def section(metrics: Metrics | None, language: str) -> str:
    """Return the card's section; nothing before it was measured."""
    if metrics is None:
        return ""
    words = WORDS[language]
    ours, town = metrics["judged"][SHIPPED], metrics["town"][SHIPPED]
    facts = {
        "judged": rules_table(metrics["judged"], words),
        "town": rules_table(metrics["town"], words),
        "less": less_table(ours, metrics["less"], words),
        "curve": network_curve.curve_table(metrics["curve"], words["curve_head"]),
        "told": _told(metrics["told"], words),
        "settings_f1": number(metrics["settings"][SHIPPED]["strict_f1"]),
        "goal": number(GOAL),
        "f1": with_ends(ours, "strict_f1"),
        "false": with_ends(ours, "false_per_year"),
        "found": f"{ours['found']}/{ours['leaks']}",
        "abrupt_h": number(ours["abrupt_h"], 0),
        "incipient_days": days(ours["incipient_h"]),
        "size_m3h": number(ours["size_error_m3h"], 1),
        "town_f1": with_ends(town, "strict_f1"),
        "cost": _cost(words),
        "first_days": str(InflowRule().first_days),
        "keep_days": str(InflowRule().keep_days),
    }
    template = (RECIPES_DIR / f"network.flows.{language}.md").read_text(encoding="utf-8")
    return template.format(**{name: localised(text, language) for name, text in facts.items()})


def _cost(words: dict[str, str]) -> str:
    """Return what six hours take; nothing before it was measured."""
    spent = cost.read()
    return words["flows_cost"].format(**cost.facts(spent, "flows")) if "flows" in spent else ""


def _told(told: Sequence[Sequence[Metrics]], words: dict[str, str]) -> str:
    past, judged = told
    if not past and not judged:
        return words["told_none"]
    table = network_curve.reliability_table(past, judged, words["told_head"])
    return f"{words['told_as']}\n\n{table}"
