"""Judge the network test on simulated years and on L-Town's 2018, and write its card."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from amont_models import cost, ltown_years, metrics_file, network_curve, score_network
from amont_models.card import localised, number, table
from amont_models.leak_events import Label, leak_label
from amont_models.pipeline import plain
from amont_models.recipe import MODELS_DIR, RECIPES_DIR
from amont_models.records import catalogue
from amont_models.records.ltown import PUMP
from amont_models.records.table import Record
from amont_models.records.table import channel as make_channel

METRICS = RECIPES_DIR / "network.metrics.json"
YEARS = MODELS_DIR.parent / "build" / "ltown"
TOWN = "pipe_ltown_sim"
SHIPPED = score_network.SHIPPED
Metrics = dict[str, Any]
Say = Callable[[str], None]


def recipe() -> Metrics:
    """Return recipes/network.toml."""
    return tomllib.loads((RECIPES_DIR / "network.toml").read_text(encoding="utf-8"))


def without(record: Record, *names: str) -> Record:
    """Return a record that some sensors never told."""
    kept = tuple(one for one in record.channels if one.name not in names)
    return replace(record, channels=kept)


def pump_as_inlet(record: Record) -> Record:
    """Return a record whose pump is taken for an inlet: a mistake that sites make."""
    channels = tuple(
        make_channel(one.name, "inflow", one.t_ms, one.value, one.quality)
        if one.name == PUMP
        else one
        for one in record.channels
    )
    return replace(record, channels=channels)


# What a site may not know: each is judged as what ships would be there.
LESS: dict[str, Callable[[Record], Record]] = {
    "pump as inlet": pump_as_inlet,
    "no pump": lambda record: without(record, PUMP),
    "neither pump nor tank": lambda record: replace(
        without(record, PUMP),
        channels=tuple(x for x in without(record, PUMP).channels if x.quantity != "level"),
    ),
}


def judge(records: Iterable[Record], only: str | None = None) -> dict[str, Any]:
    """Return each rule's row over some records of one network; with ``only`` one rule's."""
    rows: dict[str, Any] = events(list(records), only)["table"]
    return rows


def events(records: Sequence[Record], only: str | None = None) -> dict[str, Any]:
    """Return the event table of some records, and ``told``: what was told as likely and came."""
    rules = score_network.rules(records[0].time_zone)
    if only is not None:
        rules = {only: rules[only]}
    networks, labels = _known(records)
    found = score_network.score_networks(networks, labels, rules)
    said = [found["alarms"][one.name] for one in networks]
    return {**found, "told": network_curve.reliability(said, labels)}


def _known(
    records: Sequence[Record],
) -> tuple[list[score_network.Network], list[list[Label]]]:
    labels = [[leak_label(each) for each in record.labels] for record in records]
    return [score_network.network(record) for record in records], labels


def measure(say: Say) -> Metrics:
    """Judge on everything; DataError if a record or a package is not here."""
    years = recipe()["years"]
    say(f"network: simulated years {years['judged']}")
    judged = [ltown_years.year(seed, YEARS) for seed in years["judged"]]
    found = events(judged)
    out: Metrics = {"years": years, "judged": found["table"], "less": {}}
    say("network: the years of the settings")
    chosen = [ltown_years.year(seed, YEARS) for seed in years["settings"]]
    past = events(chosen, SHIPPED)
    out |= {"settings": past["table"], "told": [past["told"], found["told"]]}
    out["curve"] = network_curve.curve(*_known(chosen), past["table"][SHIPPED])
    say(f"network: {TOWN}")
    town = catalogue.load(TOWN)
    out["town"] = judge([town])
    for name, change in LESS.items():
        say(f"network: {name}")
        out["less"][name] = judge((change(one) for one in judged), SHIPPED)[SHIPPED]
    content: Metrics = plain(out)
    return content


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
        "judged": _rules(metrics["judged"], words),
        "town": _rules(metrics["town"], words),
        "less": _less(metrics, words),
        "curve": network_curve.curve_table(metrics["curve"], words["curve_head"]),
        "told": network_curve.reliability_table(past, judged, words["told_head"]),
        "settings_f1": number(metrics["settings"][SHIPPED]["strict_f1"]),
        "f1": with_ends(ours, "strict_f1"),
        "false": with_ends(ours, "false_per_year"),
        "abrupt_h": number(ours["abrupt_h"], 0),
        "incipient_days": number(_days(ours["incipient_h"]), 0),
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
    return template.format(**facts, **years)


def with_ends(row: Mapping[str, Any], key: str) -> str:
    """Return a figure with its interval, where there is one."""
    low, high = row.get(f"{key}_95", (None, None))
    value = number(row[key])
    return value if low is None else f"{value} ({number(low)}–{number(high)})"


def _days(hours: float | None) -> float | None:
    return None if hours is None else hours / 24.0


def _rules(rows: Mapping[str, Mapping[str, Any]], words: Mapping[str, str]) -> str:
    names = [SHIPPED, *(name for name in rows if name != SHIPPED)]
    lines = [
        [
            words.get(name, name),
            f"{number(rows[name]['strict'], 0)}/{number(rows[name]['leaks'], 0)}",
            with_ends(rows[name], "strict_f1"),
            with_ends(rows[name], "false_per_year"),
            number(rows[name]["repeats"], 0),
            number(rows[name]["abrupt_h"], 0),
        ]
        for name in names
    ]
    return table(words["head"].split("|"), lines)


def _less(metrics: Metrics, words: Mapping[str, str]) -> str:
    rows = {SHIPPED: metrics["judged"][SHIPPED], **metrics["less"]}
    lines = [
        [words.get(name, name), with_ends(row, "strict_f1"), with_ends(row, "false_per_year")]
        for name, row in rows.items()
    ]
    return table(words["less_head"].split("|"), lines)


def write_cards(metrics: Metrics, folder: Path) -> list[Path]:
    """Write ``network.en.md`` and ``network.fr.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for language in WORDS:
        path = folder / f"network.{language}.md"
        path.write_text(render(metrics, language), encoding="utf-8")
        paths.append(path)
    return paths


WORDS: dict[str, dict[str, str]] = {
    "en": {
        SHIPPED: "**what ships**",
        "night CUSUM": "night flow, CUSUM",
        "LightGBM + CUSUM": "LightGBM's expected inflow, CUSUM",
        "PCA residual": "PCA residual of the pressures",
        "PCA Hotelling": "PCA, Hotelling",
        "random": "random, as many alarms",
        "head": (
            "rule|found strictly|F1, strict (95 %)|false a year (95 %)|repeats|abrupt: median, h"
        ),
        "less_head": "what the site knows|F1, strict (95 %)|false a year (95 %)",
        "curve_head": "alarm from a score of|F1, strict|false a year|repeats",
        "told_head": "probability told|found a leak: years of the settings|years that judge",
        "pump as inlet": "the pump is taken for an inlet",
        "no pump": "the pump is not measured",
        "neither pump nor tank": "neither pump nor tank",
        "cost": (
            "An hour of 33 sensors takes {ms} ms in the middle, one in a hundred more than "
            "{p99_ms} ms, on one\n  core of an {machine} (`amont-models cost`); on a Raspberry "
            "Pi 4, were it {pi_slower} times slower and {pi_watts} W thirstier\n  when busy "
            "(assumed; no Pi was at hand), {pi_mj} mJ"
        ),
    },
    "fr": {
        SHIPPED: "**ce qui est livré**",
        "night flow 15 %": "débit nocturne 15 %",
        "night flow 20 %": "débit nocturne 20 %",
        "night flow 30 %": "débit nocturne 30 %",
        "night flow 40 %": "débit nocturne 40 %",
        "night CUSUM": "débit nocturne, CUSUM",
        "step test": "test de saut",
        "LightGBM + CUSUM": "débit attendu par LightGBM, CUSUM",
        "PCA residual": "résidu de l'ACP des pressions",
        "PCA Hotelling": "ACP, Hotelling",
        "random": "hasard, autant d'alertes",
        "head": (
            "règle|trouvées strictement|F1, strict (95 %)|fausses par an (95 %)|répétitions|"
            "soudaines : médiane, h"
        ),
        "less_head": "ce que le site connaît|F1, strict (95 %)|fausses par an (95 %)",
        "curve_head": "alerte dès un score de|F1, strict|fausses par an|répétitions",
        "told_head": (
            "probabilité annoncée|ont trouvé une fuite : années des réglages|années qui jugent"
        ),
        "pump as inlet": "la pompe prise pour une entrée",
        "no pump": "la pompe n'est pas mesurée",
        "neither pump nor tank": "ni pompe ni réservoir",
        "cost": (
            "Une heure de 33 capteurs prend {ms} ms en médiane, une fois sur cent plus de "
            "{p99_ms} ms, sur un cœur\n  d'un {machine} (`amont-models cost`) ; sur un Raspberry "
            "Pi 4, s'il est {pi_slower} fois plus lent et prend {pi_watts} W\n  de plus au "
            "travail (supposé : aucun Pi sous la main), {pi_mj} mJ"
        ),
    },
}
