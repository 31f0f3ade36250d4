"""Judge the network tests on simulated years and on L-Town's 2018, and write their card."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from amont_gateway.scoring.network_inflow import InflowRule
from amont_gateway.scoring.network_test import NetworkRule
from amont_models import (
    cost,
    ltown_years,
    metrics_file,
    network_curve,
    network_flows,
    network_judging,
)
from amont_models.card import localised, number
from amont_models.network_judging import LESS
from amont_models.network_tables import WORDS, days, less_table, rules_table, with_ends
from amont_models.pipeline import plain
from amont_models.recipe import MODELS_DIR, RECIPES_DIR
from amont_models.records import catalogue
from amont_models.records.table import Record
from amont_models.score_network import SHIPPED

METRICS = RECIPES_DIR / "network.metrics.json"
YEARS = MODELS_DIR.parent / "build" / "ltown"
TOWN = "pipe_ltown_sim"
PARTS = ("pressures", "flows")
Metrics = dict[str, Any]
Say = Callable[[str], None]


def recipe() -> Metrics:
    """Return recipes/network.toml."""
    return tomllib.loads((RECIPES_DIR / "network.toml").read_text(encoding="utf-8"))


def measure(say: Say, only: str | None = None) -> Metrics:
    """Judge on everything; DataError if a record or a package is not here.

    With ``only`` one of ``PARTS`` is judged, and the other is what was measured last.
    """
    settings = recipe()
    years = settings["years"]
    say(f"network: simulated years {years['judged']} and {years['settings']}")
    judged = [ltown_years.year(seed, YEARS) for seed in years["judged"]]
    chosen = [ltown_years.year(seed, YEARS) for seed in years["settings"]]
    town = catalogue.load(TOWN)
    out: Metrics = read() if only is not None else {}
    out |= {"years": years, "budget": settings["budget"]}
    # Of what was judged; with the outcome under "settings", as a manifest has it for weights.
    ships = {"pressures": asdict(NetworkRule()), "flows": asdict(InflowRule())}
    parts = PARTS if only is None else (only,)
    out["rules"] = out.get("rules", {}) | {part: ships[part] for part in parts}
    if only in (None, "pressures"):
        out |= _with_pressures(chosen, judged, town, say)
    if only in (None, "flows"):
        out["flows"] = network_flows.measure(chosen, judged, town, say)
    content: Metrics = plain(out)
    return content


def _with_pressures(
    chosen: Sequence[Record], judged: Sequence[Record], town: Record, say: Say
) -> Metrics:
    say("network: simulated years that judge")
    found = network_judging.events(judged)
    out: Metrics = {"judged": found["table"], "less": {}}
    say("network: the years of the settings")
    past = network_judging.events(chosen, SHIPPED)
    out |= {"settings": past["table"], "told": [past["told"], found["told"]]}
    networks, labels = network_judging.known(chosen)
    alarm, ships = network_curve.SHIPS, past["table"][SHIPPED]
    out["curve"] = network_curve.curve(networks, labels, network_curve.settings(), alarm, ships)
    say(f"network: {TOWN}")
    out["town"] = network_judging.judge([town])
    for name, change in LESS.items():
        say(f"network: {name}")
        less = [change(one) for one in judged]
        out["less"][name] = network_judging.judge(less, SHIPPED)[SHIPPED]
    return out


def write(metrics: Metrics, path: Path = METRICS) -> None:
    """Write the metrics file."""
    metrics_file.write(metrics, path)


def read(path: Path = METRICS) -> Metrics:
    """Return the metrics file; DataError if there is none."""
    return metrics_file.read(path, "amont-models network")


def render(metrics: Metrics, language: str) -> str:
    """Return the card in a language; every figure comes from ``metrics`` and the cost's file."""
    words = WORDS[language]
    ours, town = metrics["judged"][SHIPPED], metrics["town"][SHIPPED]
    past, judged = metrics["told"]
    told = {
        "judged": rules_table(metrics["judged"], words),
        "town": rules_table(metrics["town"], words),
        "less": less_table(ours, metrics["less"], words),
        "curve": network_curve.curve_table(metrics["curve"], words["curve_head"]),
        "told": network_curve.reliability_table(past, judged, words["told_head"]),
        "settings_f1": number(metrics["settings"][SHIPPED]["strict_f1"]),
        "settings_false": number(metrics["settings"][SHIPPED]["false_per_year"]),
        "budget": number(recipe()["budget"]["false_per_year"], 0),
        "f1": with_ends(ours, "strict_f1"),
        "false": with_ends(ours, "false_per_year"),
        "abrupt_h": number(ours["abrupt_h"], 0),
        "incipient_days": days(ours["incipient_h"]),
        "town_f1": with_ends(town, "strict_f1"),
        "placed": f"{ours['placed']}/{ours['found']}",
        "size_m3h": number(ours["size_error_m3h"], 1),
        "found": f"{ours['found']}/{ours['leaks']}",
    }
    spent = cost.facts(cost.read(), "network")
    told |= {**spent, "cost": words["cost"].format(**spent)}
    facts = {name: localised(text, language) for name, text in told.items()}
    years = {f"{name}_years": len(seeds) for name, seeds in metrics["years"].items()}
    template = (RECIPES_DIR / f"network.card.{language}.md").read_text(encoding="utf-8")
    flows = network_flows.section(metrics.get("flows"), language)
    return template.format(**facts, **years, flows=flows)


def write_cards(metrics: Metrics, folder: Path) -> list[Path]:
    """Write ``network.en.md`` and ``network.fr.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for language in WORDS:
        path = folder / f"network.{language}.md"
        path.write_text(render(metrics, language), encoding="utf-8")
        paths.append(path)
    return paths
