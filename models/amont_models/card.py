"""Write the models' cards from metrics.json, in English and in French."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from amont_models import cost, int8_text, river_report, river_worth, zone_report
from amont_models.card_words import RULES
from amont_models.recipe import RECIPES_DIR

Metrics = dict[str, Any]
NAMES = ("river", "leak")
LEAK_CHALLENGERS = ("own_thresholds", "holidays", "weather", "neighbours")
DECIMAL = re.compile(r"(?<=\d)\.(?=\d)")
HOURLY_H = (1, 3, 6)  # horizons of an hourly record
ELSEWHERE_H = (0.5, 1, 2, 3, 6)
RIVER_RULES = ("p95", "p75", "p50", "linear", "p98 mark", "persistence")


def write(metrics: Metrics, folder: Path) -> list[Path]:
    """Write ``river.en.md``, ``river.fr.md``, ``leak.en.md`` and ``leak.fr.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for model in NAMES:
        for language in ("en", "fr"):
            path = folder / f"{model}.{language}.md"
            path.write_text(render(metrics, model, language), encoding="utf-8")
            paths.append(path)
    return paths


def text(metrics: Metrics) -> str:
    """Return both cards in English."""
    return "\n".join(render(metrics, model, "en") for model in NAMES)


def render(metrics: Metrics, model: str, language: str) -> str:
    """Return one card as Markdown; a metric that is absent raises KeyError."""
    words = RULES[language]
    tables = {"river": _river_tables, "leak": _leak_tables}[model](metrics[model], language)
    spent = cost.facts(cost.read(), model)
    tables |= {**spent, "cost": words["cost"].format(**spent)}
    facts = {"bytes": metrics[model]["bytes"], "sha": metrics[model]["sha256"][:16]}
    facts |= {name: localised(told, language) for name, told in tables.items()}
    facts["from_date"] = metrics[model]["validate_from"]
    if model == "river":
        facts["rivers"] = _rivers(language)
        facts["rule"] = localised(river_report.rule(metrics[model], language), language)
    template = (RECIPES_DIR / f"{model}.card.{language}.md").read_text(encoding="utf-8")
    return template.format(**facts)


def _rivers(language: str) -> str:
    """Return what `amont-models rivers` measured; nothing before it was run."""
    if not river_report.METRICS.is_file():
        return ""
    return localised(river_report.render(river_report.read(), language), language)


def localised(told: str, language: str) -> str:
    """Return numbers as a language writes them: in French with a comma."""
    return DECIMAL.sub(",", told) if language == "fr" else told


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for people; what is not known is a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def _at_least(value: float | None, bound: float) -> str:
    """Return a number, or that it lies below a bound: how far is of no use to anybody."""
    return number(value) if value is None or value >= bound else f"< {bound:.0f}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _river_tables(metrics: Metrics, language: str) -> dict[str, str]:
    words = RULES[language]
    skill, plain = metrics["skill"], metrics["float_skill"]
    rows = [
        [
            f"+{hours} h",
            number(skill[f"pi_{hours}h"]),
            number(plain[f"pi_{hours}h"]),
            number(skill[f"pi_linear_{hours}h"]),
            number(skill[f"coverage_{hours}h"]),
        ]
        for hours in HOURLY_H
    ]
    warned = [
        [
            words[name],
            number(row["pod"]),
            number(row["far"]),
            number(row["csi"]),
            number(row["lead_h"], 1),
        ]
        for name, row in ((name, metrics["early_warning"][name]) for name in RIVER_RULES)
    ]
    stations = [
        [name, *(number(row[f"pi_{hours}h"]) for hours in HOURLY_H)]
        for name, row in sorted(metrics["by_station"].items())
    ]
    elsewhere = [
        [
            f"{name} ({round(row['stations'])})",
            *(number(row[f"pi_{hours}h"]) for hours in ELSEWHERE_H),
            _at_least(row["pi_ridge_3h"], -1.0),
            str(round(row["events"])),
            *(number(row[f"warning_{what}"], 2) for what in ("pod", "far", "lead_h")),
            *(number(row[f"mark_{what}"], 2) for what in ("pod", "far", "lead_h")),
            number(row["inside_3h"]),
        ]
        for name, row in sorted(metrics.get("elsewhere", {}).items())
    ]
    events = metrics["early_warning"]["p95"]["events"]
    return {
        "elsewhere": table(words["elsewhere_head"].split("|"), elsewhere),
        "skill": table(words["skill_head"].split("|"), rows),
        "stations": table(words["station_head"].split("|"), stations),
        "warning": table(words["warning_head"].split("|"), warned),
        "events": str(round(events)),
        "worth": _worth(metrics.get("worth", {}), words),
        "int8": int8_text.river(metrics.get("int8"), language),
    }


def _worth(records: Metrics, words: dict[str, str]) -> str:
    """Return PI at +1, +3 and +6 h of each record, with some inputs taken away."""
    names: list[str] = sorted(records)
    rows: list[list[str]] = []
    for case in river_worth.CASES:
        cells = (" / ".join(number(value) for value in records[n].get(case, [])) for n in names)
        label = words.get(f"worth {case}") or words["worth history"].format(case=case)
        rows.append([label, *(cell or "–" for cell in cells)])
    return table([words["worth head"], *names], rows)


def _leak_tables(metrics: Metrics, language: str) -> dict[str, str]:
    words = RULES[language]
    names = ["shipped", "network", "float", "no_network"]
    names += [name for name in LEAK_CHALLENGERS if name in metrics]
    names += sorted(name for name in metrics if name.startswith("night_step_"))
    rows = []
    for name in names:
        row = metrics[name]
        label = words.get(name) or words["night_step"].format(share=name.rpartition("_")[2])
        rows.append([label, *_found(row)])
    curve = []
    for row in metrics["curve"]:
        marks = {name: number(row[name], 1) for name in ("step", "drift", "alarm")}
        curve.append([words["setting"].format(**marks), *_found(row)])
    floors = metrics.get("floors", {})
    rows += [[words[name], *_found(row)] for name, row in floors.items()]
    head = words["leak_head"].split("|")
    return {
        "found": table(head, rows) + ("\n\n" + words["floors"] if floors else ""),
        "rule": _leak_rule(metrics.get("rule_chosen"), words),
        "int8": int8_text.leak(metrics.get("int8"), language),
        "curve": table(head, curve),
        "adapted": _adapted(metrics, words),
        "reliability": _reliability(metrics.get("reliability", []), words),
    }


def _leak_rule(chosen: Metrics | None, words: dict[str, str]) -> str:
    """Return within what budget the rule was chosen, and what it gave there; "" if nobody said."""
    if not chosen:
        return ""
    alone, asked = chosen["without_network"], chosen["with_network"]
    return words["rule"].format(
        budget=number(chosen["budget_false_per_zone_year"], 0),
        most_h=number(chosen["delay_h_most"], 0),
        of=round(alone["leaks_15"]),
        found=round(alone["found_15"]),
        false=number(alone["false_per_zone_year"]),
        asked=round(asked["found_15"]),
        asked_false=number(asked["false_per_zone_year"]),
    )


def _reliability(classes: list[Metrics], words: dict[str, str]) -> str:
    """Return how often what was told with some probability was true."""
    rows = [
        [
            f"{number(row['from'])}–{number(row['to'])}",
            str(round(row["nights"])),
            number(row["told"]),
            number(row["open"]),
        ]
        for row in classes
    ]
    return table(words["reliability_head"].split("|"), rows)


def _adapted(metrics: Metrics, words: dict[str, str]) -> str:
    """Return what `amont-models zones` measured; nothing before it was run."""
    if not zone_report.METRICS.is_file():
        return ""
    found = zone_report.read()
    areas = found["areas"].values()
    is_old = found["rule"] != metrics["rule"]
    text = words["adapted"].format(
        when=words["adapted_when"] if is_old else "",
        kept=sum(not area["refused"] for area in areas),
        areas=len(areas),
    )
    rows = (("as_it_comes", "first"), ("with_own", "adapted"))
    told = [[words[label], *_found(found[name])] for label, name in rows]
    return text + "\n\n" + table(words["leak_head"].split("|"), told)


def _found(row: Metrics) -> list[str]:
    return [
        f"{round(row['found_15'])}/{round(row['leaks_15'])} "
        f"({number(row['found_15_share_low'], 2)}–{number(row['found_15_share_high'], 2)})",
        f"{round(row['found'])}/{round(row['leaks'])}",
        f"{number(row['false_per_zone_year'])} "
        f"({number(row['false_low'], 1)}–{number(row['false_high'], 1)})",
        number(row["delay_h"], 0),
    ]
