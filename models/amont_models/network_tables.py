"""Write the tables of the network's card: rules beside each other, and less knowledge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amont_models.card import number, table
from amont_models.score_network import SHIPPED

Row = Mapping[str, Any]
Words = Mapping[str, str]


def with_ends(row: Row, key: str) -> str:
    """Return a figure with its interval, where there is one."""
    low, high = row.get(f"{key}_95", (None, None))
    value = number(row[key])
    return value if low is None else f"{value} ({number(low)}–{number(high)})"


def days(hours: float | None) -> str:
    """Return hours as whole days."""
    return number(None if hours is None else hours / 24.0, 0)


def rules_table(rows: Mapping[str, Row], words: Words) -> str:
    """Return one line for each rule, what ships first."""
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


def less_table(ours: Row, less: Mapping[str, Row], words: Words) -> str:
    """Return what ships where a site knows less, beside what it is where all is known."""
    lines = [
        [words.get(name, name), with_ends(row, "strict_f1"), with_ends(row, "false_per_year")]
        for name, row in {SHIPPED: ours, **less}.items()
    ]
    return table(words["less_head"].split("|"), lines)


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
        "told_as": "What it tells as likely, and what came (a repeat finds nothing):",
        "told_none": "It tells no probability.",
        "pump as inlet": "the pump is taken for an inlet",
        "no pump": "the pump is not measured",
        "neither pump nor tank": "neither pump nor tank",
        "cost": (
            "An hour of 33 sensors takes {ms} ms in the middle, one in a hundred more than "
            "{p99_ms} ms, on one\n  core of an {machine} (`amont-models cost`); on a Raspberry "
            "Pi 4, were it {pi_slower} times slower and {pi_watts} W thirstier\n  when busy "
            "(assumed; no Pi was at hand), {pi_mj} mJ"
        ),
        "flows_cost": (
            "Every 6 h it takes {ms} ms in the middle, one time in a hundred more than {p99_ms} "
            "ms, on one core of an {machine}\n(`amont-models cost`). "
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
        "told_as": (
            "La probabilité annoncée, et ce qui est venu (une répétition ne trouve rien) :"
        ),
        "told_none": "Il n'annonce pas de probabilité.",
        "pump as inlet": "la pompe prise pour une entrée",
        "no pump": "la pompe n'est pas mesurée",
        "neither pump nor tank": "ni pompe ni réservoir",
        "cost": (
            "Une heure de 33 capteurs prend {ms} ms en médiane, une fois sur cent plus de "
            "{p99_ms} ms, sur un cœur\n  d'un {machine} (`amont-models cost`) ; sur un Raspberry "
            "Pi 4, s'il est {pi_slower} fois plus lent et prend {pi_watts} W\n  de plus au "
            "travail (supposé : aucun Pi sous la main), {pi_mj} mJ"
        ),
        "flows_cost": (
            "Toutes les 6 h il prend {ms} ms en médiane, une fois sur cent plus de {p99_ms} ms, "
            "sur un cœur d'un {machine}\n(`amont-models cost`). "
        ),
    },
}
