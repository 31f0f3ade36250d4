"""Judge what ships on rivers and parts of them that never taught it, in full, for the card.

``amont-models score`` on each record, added up over the stations of a set: with intervals, with
faults put in, and once more for each rung of the ladder that a record can be put on.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from amont_gateway.scoring.river_adapted import PARTS
from amont_gateway.scoring.river_features import HORIZONS_H
from amont_models import metrics_file, recipe, river_lessons, score_river
from amont_models.pipeline import plain
from amont_models.records import catalogue
from amont_models.records.table import DataError, Record
from amont_models.river_chain import Chain, shipped
from amont_models.river_station import prepare
from amont_models.river_text import MARK, OURS, events_missed, extra_a_year
from amont_models.score_tables import tables
from amont_models.score_tally import Tally

METRICS = recipe.RECIPES_DIR / "river.metrics.json"
WORDS = recipe.RECIPES_DIR / "river.words.toml"
SETS: dict[str, tuple[str, ...]] = {
    "packaged": ("pyfloodrisk",),
    "long": (
        "river_cance_hourly",
        "river_nova_friburgo_15min",
        "river_puhinui_hourly",
        "river_usgs_hourly_rain",
        "river_usgs_smallurban_5min",
        "river_wye_plynlimon_hourly",
    ),
    "french": ("river_occitanie_2020", "river_garonne_floods"),
}
RULES = (
    *("warning", "first day", "watch"),
    *("persistence", "threshold", "p98 mark", "linear", "ridge", "ridge + 1 sd", "LightGBM"),
    "random",
)
FORECASTS = ("model", "first day", "linear", "ridge", "trees")
HORIZONS = ("0.5h", "1h", "2h", "3h", "6h")
NEED_UPSTREAM = ("no upstream", "stage alone")  # else as "full" and "no rain"
Metrics = dict[str, Any]
Say = Callable[[str], None]


def no_rain(record: Record) -> Record:
    """Return a record without its rain gauges."""
    sites = tuple(replace(site, rain=()) for site in record.sites)
    return replace(record, sites=sites)


def alone(record: Record) -> Record:
    """Return a record in which each station knows its own stage alone."""
    sites = tuple(replace(site, rain=(), upstream=()) for site in record.sites)
    return replace(record, sites=sites)


def no_upstream(record: Record) -> Record:
    """Return a record without its links between stations."""
    return replace(record, sites=tuple(replace(site, upstream=()) for site in record.sites))


RUNGS: dict[str, Callable[[Record], Record]] = {
    "full": lambda record: record,
    "no upstream": no_upstream,
    "no rain": no_rain,
    "stage alone": alone,
}


def measure(artifacts: Path, say: Say) -> Metrics:
    """Judge every set that is here; DataError without AMONT_DATA."""
    if not river_lessons.has_records():
        raise DataError("AMONT_DATA is not set: nothing but the packaged rivers is here")
    chain, settings = shipped(artifacts), recipe.load("river")
    out: Metrics = {"model_sha256": chain.sha256, "sets": {}, "ladder": {}}
    for name, records in SETS.items():
        unseen = []
        for one in records:
            say(f"river: {one}")
            unseen.append(river_lessons.held_back(settings, catalogue.load(one)))
        out["sets"][name] = _set(unseen, chain)
        out["ladder"][name] = _ladder(unseen, chain)
    content: Metrics = plain(out)
    return content


def _set(records: Sequence[Record], chain: Chain) -> Metrics:
    found = [score_river.collect(one, chain, ("all",)) for one in records]
    clean = tables([tally for one in found for tally in one.clean])
    faulted = tables([tally for one in found for tally in one.faulted["all"]])
    rows, worse = clean["warnings"], faulted["warnings"]
    made = [one.adapted for each in found for one in each.adapted if one.adapted is not None]
    return {
        "stations": sum(len(one.stations) for one in found),
        "adapted": len(made),
        "parts": {part: sum(part in one.parts for one in made) for part in PARTS},
        "warnings": {name: rows[name] for name in RULES if name in rows},
        "curve": clean["curve"],
        "skill": clean["skill"],
        "coverage": clean["coverage"],
        "faults": {
            rule: {
                "extra_a_year": extra_a_year(rows[rule], worse[rule]),
                "missed": events_missed(rows[rule], worse[rule]),
                "warned": rows[rule]["warned"],
                "pi_1h": faulted["skill"]["model_1h"]["pi"],
            }
            for rule in (OURS, MARK)
        },
    }


def _ladder(records: Sequence[Record], chain: Chain) -> Metrics:
    """Return what the network gives on each rung, first day, where a station has rain or more."""
    out: Metrics = {}
    linked = any(site.upstream for record in records for site in record.sites)
    for name, change in RUNGS.items():
        if not linked and name in NEED_UPSTREAM:
            continue
        told = [tally for record in records for tally in _rung(record, change, chain)]
        if told:
            found = tables(told)
            skill = {hours: found["skill"][f"model_{hours}"]["pi"] for hours in HORIZONS}
            out[name] = {"stations": len(told), "warning": found["warnings"][OURS], "pi": skill}
    return out


def _rung(record: Record, change: Callable[[Record], Record], chain: Chain) -> Iterator[Tally]:
    lower = change(record)
    for site, changed in zip(record.sites, lower.sites, strict=True):
        if site.rain or site.upstream:
            with suppress(DataError):  # a station too short to judge, as everywhere
                station = prepare(lower, changed)
                yield score_river.judge(station, chain, station.clean, None)


def write(metrics: Metrics, path: Path = METRICS) -> None:
    """Write the metrics file."""
    metrics_file.write(metrics, path)


def read(path: Path = METRICS) -> Metrics:
    """Return the metrics file; DataError if there is none."""
    return metrics_file.read(path, "amont-models rivers")


# --- the card's part ---


def render(metrics: Metrics, language: str) -> str:
    """Return the river card's part on other rivers, in a language."""
    words = _words(language)
    parts = [words["intro"]]
    for name, found in metrics["sets"].items():
        facts = {"stations": str(found["stations"]), "adapted": str(found["adapted"])}
        parts += ["### " + words[name].format(**facts), *_kept(found, words)]
        parts.append(_warnings(found, words))
        parts += [_skill(found, words), _sentence(found, words)]
    if all("curve" in found for found in metrics["sets"].values()):
        parts += [words["curve_intro"], _curve(metrics["sets"], words)]
    parts += [words["ladder_intro"], _ladder_table(metrics["ladder"], words)]
    return "\n\n".join(parts)


def _kept(found: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[str]:
    """Yield at how many stations each part of an adaptation was kept, where any was."""
    if found["adapted"] and "parts" in found:
        yield words["kept"].format(**found["parts"])


def _words(language: str) -> dict[str, str]:
    words: dict[str, str] = tomllib.loads(WORDS.read_text(encoding="utf-8"))[language]
    return words


def rule(metrics: Mapping[str, Any], language: str) -> str:
    """Return how the rule was chosen, and within what budget; "" where none was."""
    chosen, settings = metrics.get("rule_chosen"), metrics.get("rule", {})
    if not chosen:
        return ""

    def told(level: str) -> str:
        quantiles = ((hours, settings[f"{level}_{hours:g}h"]) for hours in HORIZONS_H)
        return ", ".join(f"{100.0 * share:.0f} % at +{h:g} h" for h, share in quantiles if share)

    budget, found = chosen["budget_false_per_station_month"], chosen["warning"]
    text = _words(language)["rule"].format(
        warning=told("warning"),
        watch=told("watch"),
        warning_budget=number(budget["warning"]),
        watch_budget=number(budget["watch"]),
        far_most=number(chosen["far_most"]),
        pod=number(found["pod"]),
        far=number(found["far"]),
        lead_h=number(found["lead_h"], 1),
        events=f"{found['events']:.0f}",
        width=number(max(size for name, size in settings.items() if name.startswith("width")), 1),
    )
    return text.replace(" % at +", " % à +") if language == "fr" else text


def _warnings(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    rows = [
        [
            words.get(name, name),
            ends(row["pod"]),
            ends(row["far"]),
            ends(row["lead_h"], 1),
            number(row["false_per_station_month"]),
        ]
        for name, row in ((name, found["warnings"].get(name)) for name in RULES)
        if row is not None
    ]
    events = f"{found['warnings'][OURS]['events']:.0f}"
    return table(words["warning_head"].format(events=events).split("|"), rows)


def _skill(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    skill, cover = found["skill"], found["coverage"]
    rows = []
    for hours in HORIZONS:
        if not skill[f"model_{hours}"]["steps"]:
            continue
        inside = ends(cover[hours]["share"]) if hours in cover else "–"
        every = (skill.get(f"{name}_{hours}") for name in FORECASTS)
        indexes = [ends(row["pi"]) if k < 2 and row else low(row) for k, row in enumerate(every)]
        rows.append([f"+{hours.replace('0.5h', '30 min').replace('h', ' h')}", *indexes, inside])
    return table(words["skill_head"].split("|"), rows)


def low(row: Mapping[str, Any] | None) -> str:
    """Return a floor's PI, or that it is below -1: how far is of no use to anybody."""
    if row is None:
        return "–"
    value = row["pi"][0]
    return "< -1" if value is not None and value < -1.0 else number(value)


def _sentence(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    ours, mark = found["faults"][OURS], found["faults"][MARK]
    return words["faults"].format(
        more=number(ours["extra_a_year"]),
        mark=number(mark["extra_a_year"]),
        missed=f"{ours['missed']:.0f}",
        warned=f"{ours['warned']:.0f}",
    )


def _curve(sets: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Return what each quantile would have given alone, a set beside the other, ours below."""
    head = [words["curve_head"], *(words[f"{name} set"] for name in sets)]
    curves = [found["curve"] for found in sets.values()]
    ships = [
        {key: row[key][0] for key in ("pod", "far", "lead_h")}
        for row in (found["warnings"][OURS] for found in sets.values())
    ]
    rows = [
        [f"{name.removeprefix('q')} %", *(_point(curve[name]) for curve in curves)]
        for name in curves[0]
    ]
    return table(head, [*rows, [words[OURS], *(_point(row) for row in ships)]])


def _point(row: Mapping[str, Any]) -> str:
    """Return a point of a curve: POD, FAR, lead."""
    return f"{number(row['pod'])}, {number(row['far'])}, {number(row['lead_h'], 1)}"


def _ladder_table(ladder: Mapping[str, Any], words: Mapping[str, str]) -> str:
    rows = [
        [
            f"{words[name + ' set']} ({rung['stations']})",
            words[step],
            *(number(rung["pi"][hours][0]) for hours in ("1h", "3h", "6h")),
            number(rung["warning"]["pod"][0]),
            number(rung["warning"]["far"][0]),
            number(rung["warning"]["lead_h"][0], 1),
        ]
        for name, rungs in ladder.items()
        for step, rung in rungs.items()
    ]
    return table(words["ladder_head"].split("|"), rows)


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for people; what is not known is a dash."""
    return "–" if value is None else f"{value:.{digits}f}"


def ends(values: Sequence[float | None], digits: int = 2) -> str:
    """Return a value with its interval, where there is one."""
    value, lowest, highest = values
    if value is None or lowest is None:
        return number(value, digits)
    return f"{number(value, digits)} ({number(lowest, digits)} … {number(highest, digits)})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
