"""Tables and sentences of the siren's card, in both languages; no figure is from here."""

from __future__ import annotations

from typing import Any

from amont_models import poisson, screen_report

NAMES = {
    "guard, each minute": (
        "**the guard, one sensor, a sample a minute from watch on**",
        "**le gardien, un capteur, une mesure par minute dès la vigilance**",
    ),
    "guard": (
        "the guard, one sensor, the record's own steps",
        "le gardien, un capteur, au pas de l'enregistrement",
    ),
    "guard, 1": ("**the guard, one sensor**", "**le gardien, un capteur**"),
    "guard, 2": ("**the guard, two sensors**", "**le gardien, deux capteurs**"),
    "guard, 3": ("**the guard, three sensors**", "**le gardien, trois capteurs**"),
    "threshold": ("plain threshold", "simple seuil"),
    "median of three": ("median of three readings", "médiane de trois mesures"),
    "warning": (
        "the river model's warning (advice, no siren)",
        "l'avertissement du modèle de rivière (un avis, pas de sirène)",
    ),
}
WORDS = {
    "en": {
        "head": "rule|crossings|met in time|false|CSI|false a station-year|95 %, by the count",
        "stations_95": "95 %, by stations",
        "stations_head": "station|station-years|false with one / two / three sensors",
        "curve_head": "a leap is more than|readings that must stand|waits, s at most"
        "|met in time (of)|false a station-year, one / two / three sensors",
        "no rule": "no rule",
        "others": "all others",
        "shown": "shown to be below {goal} with {who}",
        "missed": "not reached with {who}",
        "open": "neither shown nor refuted with {who}",
        "sensors": "one sensor|two sensors|three sensors",
        "and": " and ",
    },
    "fr": {
        "head": "règle|franchissements|à temps|fausses|CSI|fausses par station et par an"
        "|95 %, par le compte",
        "stations_95": "95 %, par stations",
        "stations_head": "station|années de station|fausses avec un / deux / trois capteurs",
        "curve_head": "un bond est de plus de|mesures qui doivent tenir|attend, s au plus"
        "|à temps (sur)|fausses par station et par an, un / deux / trois capteurs",
        "no rule": "pas de règle",
        "others": "toutes les autres",
        "shown": "montré sous {goal} avec {who}",
        "missed": "non atteint avec {who}",
        "open": "ni montré ni réfuté avec {who}",
        "sensors": "un capteur|deux capteurs|trois capteurs",
        "and": " et ",
    },
}
Rows = dict[str, dict[str, Any]]


def facts(
    metrics: dict[str, Any], curve: dict[str, Any], language: str, goal: float
) -> dict[str, str]:
    """Return what the card's template names; ``goal`` is of false sirens a station-year."""
    faults, words = metrics["faults"], WORDS[language]
    guard = faults["guard, 1"]
    return {
        **{name: _table(metrics[name], language) for name in ("raw_1000", "raw_2000")},
        "faults": _table(faults, language),
        "stations": _stations(metrics["stations"], words),
        "verdict": _verdict(faults, words, goal),
        "draws": str(metrics["draws"]),
        "years": f"{guard['years']:.0f}",
        "water_years": f"{guard['years'] / metrics['draws']:.1f}",
        "goal": f"{goal:g}",
        "needed": f"{poisson.bounds(0)[1] / goal:.0f}",
        "curve": _curve(curve, words),
        "curve_years": f"{curve['years']:.0f}",
        "curve_crossings": str(curve["crossings"]),
    }


def _table(rows: Rows, language: str) -> str:
    words = WORDS[language]
    by_stations = any("stations_95" in found for found in rows.values())
    cells = [[*words["head"].split("|"), *([words["stations_95"]] if by_stations else [])]]
    for rule in (rule for rule in NAMES if rule in rows):
        found = rows[rule]
        csi = "–" if found["csi"] is None else f"{found['csi']:.3f}"
        cells.append(
            [
                NAMES[rule][list(WORDS).index(language)],
                f"{found['events']:.0f}",
                f"{found['met']:.0f}",
                f"{found['false']:.0f}",
                csi,
                f"{found['false_a_year']:.3f}",
                _span(found["counts_95"]),
                *([_span(found["stations_95"])] if by_stations else []),
            ]
        )
    return screen_report.lines(cells)


def _span(bounds: list[float] | None) -> str:
    return "–" if bounds is None else f"{bounds[0]:.3f}–{bounds[1]:.3f}"


def _stations(stations: dict[str, dict[str, Any]], words: dict[str, str]) -> str:
    cells = [words["stations_head"].split("|")]
    loud = {name: one for name, one in stations.items() if any(one["false"])}
    for name, one in sorted(loud.items(), key=lambda item: -sum(item[1]["false"])):
        cells.append([name, f"{one['years']:.1f}", " / ".join(map(str, one["false"]))])
    rest = sum(one["years"] for name, one in stations.items() if name not in loud)
    cells.append([words["others"], f"{rest:.1f}", "0 / 0 / 0"])
    return screen_report.lines(cells)


def _verdict(faults: Rows, words: dict[str, str], goal: float) -> str:
    groups: dict[str, list[str]] = {"shown": [], "open": [], "missed": []}
    for sensors, who in enumerate(words["sensors"].split("|"), 1):
        low, high = faults[f"guard, {sensors}"]["counts_95"]
        groups["shown" if high <= goal else "missed" if low > goal else "open"].append(who)
    said = [
        words[kind].format(who=_listed(who, words), goal=f"{goal:g}")
        for kind, who in groups.items()
        if who
    ]
    return "; ".join(said)


def _listed(names: list[str], words: dict[str, str]) -> str:
    return words["and"].join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _curve(found: dict[str, Any], words: dict[str, str]) -> str:
    cells = [words["curve_head"].split("|")]
    for one in found["settings"]:
        rule = [f"{one['leap_mm']} mm", str(one["readings"])]
        if one["readings"] == 1:
            rule = [words["no rule"], "1"]
        elif one["ships"]:
            rule = [f"**{cell}**" for cell in rule]
        met = " / ".join(map(str, one["met"])) + f" ({found['crossings']})"
        false = " / ".join(f"{count / found['years']:.2f}" for count in one["false"])
        cells.append([*rule, str(one["waits_s"]), met, false])
    return screen_report.lines(cells)
