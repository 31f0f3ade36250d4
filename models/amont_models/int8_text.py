"""Say in the cards how near each int8 file is to float, beside the goal, as it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amont_models.river_report import number, table

F1_MOST, PI_MOST, SAME_LEAST = 0.005, 0.01, 0.999
DIGITS = 4  # what is compared is smaller than two digits show
Near = Mapping[str, Any]
Words = Mapping[str, str]


def river(near: Near | None, language: str) -> str:
    """Return what ``int8_check.rivers`` measured; "" before it was."""
    if not near:
        return ""
    words = WORDS[language]
    rows = []
    for level, one in near["levels"].items():
        label = words[level].format(of=round(one["int8"]["of"]))
        rows.append(_row(label, one["int8"]["f1"], one["float"]["f1"], F1_MOST, words))
    for hours, one in near["pi"].items():
        if one["int8"] is not None:
            shown = hours.replace("0.5h", "30 min").replace("h", " h")
            label = words["pi"].format(hours=shown)
            rows.append(_row(label, one["int8"], one["float"], PI_MOST, words))
    intro = words["river"].format(stations=near["stations"])
    return _shown(intro, rows, near["differ"], near["steps"], words)


def leak(near: Near | None, language: str) -> str:
    """Return what ``int8_check.leaks`` measured; "" before it was."""
    if not near:
        return ""
    words, ours, other = WORDS[language], near["int8"], near["float"]
    label = words["leaks"].format(of=round(ours["of"]))
    rows = [_row(label, ours["f1"], other["f1"], F1_MOST, words)]
    intro = words["asked" if near["asked"] else "not asked"]
    return _shown(intro, rows, near["differ"], near["nights"], words)


def _row(name: str, ours: float, other: float, most: float, words: Words) -> list[str]:
    off = abs(ours - other)
    goal = f"≤ {most:g}, {words['met' if off <= most else 'missed']}"
    return [name, *(number(one, DIGITS) for one in (ours, other, off)), goal]


def _shown(intro: str, rows: list[list[str]], differ: int, count: int, words: Words) -> str:
    same = 1.0 - differ / count if count else 0.0
    met = words["met" if same >= SAME_LEAST else "missed"]
    goal = f"≥ {100.0 * SAME_LEAST:g} %, {met}"
    label = words["same"].format(differ=differ, count=count)
    rows = [*rows, [label, "", "", f"{100.0 * same:.3f} %", goal]]
    return intro + "\n\n" + table(words["head"].split("|"), rows)


WORDS: dict[str, dict[str, str]] = {
    "en": {
        "head": "int8 beside float|int8|float|they differ by|goal",
        "river": (
            "How near the int8 file is to the float network that it was made from, both under the "
            "signed rule as on a\nstation's first day, on all the parts above that never taught "
            "({stations} stations). F1 counts events warned of, events\nmissed and false alarms:"
        ),
        "warning": "F1 of the warning, {of} events",
        "watch": "F1 of the watch, {of} events",
        "pi": "PI on the rising limb, +{hours}",
        "same": "the same decision; {differ} of {count} differ",
        "leaks": "F1 of the test with the network, {of} leaks",
        "asked": (
            "How near the int8 file is to the float network that it was made from, both under the "
            "rule that ships; F1 counts leaks\nfound, leaks missed and false alarms beside them, "
            "decisions are nights with the same verdict and the same call:"
        ),
        "not asked": (
            "What ships does not ask the network, so its decisions and its F1 are the same with "
            "int8 and with float: the difference\nis 0 by that. Were it asked, int8 beside float "
            "would be as follows; F1 counts leaks found, leaks missed and false\nalarms beside "
            "them, decisions are nights with the same verdict and the same call:"
        ),
        "met": "met",
        "missed": "**missed**",
    },
    "fr": {
        "head": "int8 à côté du flottant|int8|flottant|écart|but",
        "river": (
            "De combien le fichier int8 s'écarte du réseau flottant dont il vient, tous deux sous "
            "la règle signée comme au premier\njour d'une station, sur toutes les parties "
            "ci-dessus jamais apprises ({stations} stations). F1 compte les événements\nannoncés, "
            "les événements manqués et les fausses alertes :"
        ),
        "warning": "F1 de l'alerte, {of} événements",
        "watch": "F1 de la vigilance, {of} événements",
        "pi": "PI à la montée, +{hours}",
        "same": "la même décision ; {differ} sur {count} diffèrent",
        "leaks": "F1 du test avec le réseau, {of} fuites",
        "asked": (
            "De combien le fichier int8 s'écarte du réseau flottant dont il vient, tous deux sous "
            "la règle livrée ; F1 compte les\nfuites trouvées, les fuites manquées et les fausses "
            "alertes à côté, une décision est une nuit de même verdict et de\nmême annonce :"
        ),
        "not asked": (
            "La règle livrée n'interroge pas le réseau : ses décisions et son F1 sont les mêmes "
            "en int8 et en flottant, l'écart est\ndonc de 0. S'il était interrogé, l'int8 à côté "
            "du flottant serait comme suit ; F1 compte les fuites trouvées, les fuites\nmanquées "
            "et les fausses alertes à côté, une décision est une nuit de même verdict et de même "
            "annonce :"
        ),
        "met": "atteint",
        "missed": "**manqué**",
    },
}
