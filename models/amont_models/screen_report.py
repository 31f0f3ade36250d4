"""Judge the screening on every record that is here, and write what came out for people."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from amont_gateway.scoring.crosscheck import Around, screen
from amont_gateway.scoring.screening import CAUSES
from amont_models import metrics_file, screen_cases
from amont_models import screen as scorer
from amont_models.pipeline import plain
from amont_models.recipe import RECIPES_DIR
from amont_models.records import rivers
from amont_models.records.table import GOOD, Record
from amont_models.screen import Case, Rule

METRICS = RECIPES_DIR / "screening.metrics.json"
Recipe = dict[str, Any]
RECORDS = ("synthetic", "plateaus", "logan", "trout", "trout_clear", "floodnet")
RULES = ("ours", "arrival", "spike", "flat_line", "both", "watch")
CAUTIONS = (0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0)
RISE_MM = 200.0  # in the next hour over the last one: a rise that nobody may hide
RIVERS: dict[str, Callable[[], Record]] = {
    "river_garonne_floods": rivers.garonne,
    "river_nova_friburgo_15min": rivers.nova_friburgo,
    "river_occitanie_2020": rivers.occitanie,
    "river_usgs_smallurban_5min": rivers.usgs_urban,
}


def recipe() -> Recipe:
    """Return recipes/screening.toml."""
    return tomllib.loads((RECIPES_DIR / "screening.toml").read_text(encoding="utf-8"))


def cases(name: str, settings: Recipe, part: str) -> list[Case]:
    """Return the cases of one of ``RECORDS``."""
    if name == "trout_clear":
        return screen_cases.trout(settings, part, clear=True)
    make: dict[str, Callable[[Recipe, str], list[Case]]] = {
        "synthetic": screen_cases.synthetic,
        "plateaus": screen_cases.plateaus,
        "logan": screen_cases.logan,
        "trout": screen_cases.trout,
        "floodnet": screen_cases.floodnet,
    }
    return make[name](settings, part)


def judge(name: str, settings: Recipe, draws: int) -> dict[str, Any]:
    """Return what each rule reaches on the judged part of a record."""
    rules: dict[str, Rule] = {
        "ours": scorer.ours,
        "arrival": scorer.arrival,
        **scorer.plain_rules(cases(name, settings, "tune"), settings["good_share"]),
        "watch": scorer.watch,
    }
    return scorer.judge(cases(name, settings, "judge"), rules, settings, draws)


def curve(name: str, settings: Recipe) -> list[dict[str, float]]:
    """Return found against doubted in vain, for margins from narrow to wide."""
    chosen = cases(name, settings, "judge")
    points = []
    for caution in CAUTIONS:
        rule = functools.partial(scorer.ours, caution=caution)
        tally = scorer.count(chosen, rule, settings["isolated_readings"])
        found, good = (np.array(units).sum(axis=0) for units in (tally.isolated, tally.good))
        points.append(
            {"caution": caution, "isolated": found[0] / found[1], "good": good[0] / good[1]}
        )
    return points


def rises(name: str) -> dict[str, float]:
    """Count the readings of real rises in a record, and those doubted for good or on arrival."""
    counts = np.zeros(3)
    for one in RIVERS[name]().of("stage"):
        seen = one.known()
        keep = seen.quality == GOOD
        t_ms, value = seen.t_ms[keep], np.round(seen.value[keep])
        if len(t_ms) < 48:
            continue
        step_ms = max(1, int(np.median(np.diff(t_ms))))
        steps = max(1, 3_600_000 // step_ms)
        rising = np.zeros(len(value), bool)
        table = np.lib.stride_tricks.sliding_window_view(value, steps)
        middle = np.median(table, axis=1)  # of the hour that begins at each reading
        rising[steps : len(middle)] = middle[steps:] - middle[:-steps] > RISE_MM
        code = screen("stage_mm", t_ms, value, Around()).code
        counts += (
            rising.sum(),
            (rising & (code[:, -1] != 0)).sum(),
            (rising & (code[:, 0] != 0)).sum(),
        )
    return dict(zip(("readings", "doubted", "on_arrival"), counts.tolist(), strict=True))


def measure(say: Callable[[str], None]) -> dict[str, Any]:
    """Judge on everything; DataError if a record is not here."""
    settings = recipe()
    draws = settings["bootstrap"]
    out: dict[str, Any] = {"causes": list(CAUSES), "records": {}, "curves": {}, "rises": {}}
    for name in RECORDS:
        say(f"screening: {name}")
        out["records"][name] = judge(name, settings, draws)
    for name in ("logan", "trout", "trout_clear", "floodnet"):
        out["curves"][name] = curve(name, settings)
    for name in RIVERS:
        say(f"screening: rises of {name}")
        out["rises"][name] = rises(name)
    content: dict[str, Any] = plain(out)
    return content


def write(metrics: dict[str, Any], path: Path = METRICS) -> None:
    """Write the metrics file."""
    metrics_file.write(metrics, path)


def read(path: Path = METRICS) -> dict[str, Any]:
    """Return the metrics file; DataError if there is none."""
    return metrics_file.read(path, "amont-models screen")


def render(metrics: dict[str, Any], language: str) -> str:
    """Return the card in a language; every figure comes from ``metrics``."""
    words = WORDS[language]
    facts = {name: _table(rows, words) for name, rows in metrics["records"].items()}
    for name, points in metrics["curves"].items():
        cells = [
            [_number(p["caution"], 2), _percent(p["isolated"]), _percent(p["good"], 2)]
            for p in points
        ]
        facts[f"curve_{name}"] = lines([words["curve_head"].split("|"), *cells])
    rows = [
        [name, *(str(round(row[key])) for key in ("readings", "doubted", "on_arrival"))]
        for name, row in sorted(metrics["rises"].items())
    ]
    facts["rises"] = lines([words["rises_head"].split("|"), *rows])
    template = (RECIPES_DIR / f"screening.card.{language}.md").read_text(encoding="utf-8")
    return template.format(**facts)


def write_cards(metrics: dict[str, Any], folder: Path) -> list[Path]:
    """Write ``screening.en.md`` and ``screening.fr.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for language in ("en", "fr"):
        path = folder / f"screening.{language}.md"
        path.write_text(render(metrics, language), encoding="utf-8")
        paths.append(path)
    return paths


WORDS = {
    "en": {
        "head": "rule|isolated bad found|good doubted|of long bad runs|long runs half found",
        "ours": "**the gateway, last look**",
        "arrival": "the gateway, on arrival",
        "spike": "plain spike test",
        "flat_line": "plain flat line",
        "both": "both plain rules",
        "watch": "the guard's cheap flags",
        "curve_head": "margins × |isolated bad found|good doubted",
        "rises_head": "record|readings of rises|doubted for good|doubted on arrival",
    },
    "fr": {
        "head": "règle|mauvaises isolées trouvées|bonnes mises en doute"
        "|des longues suites|longues suites trouvées à moitié",
        "ours": "**la passerelle, dernier regard**",
        "arrival": "la passerelle, à l'arrivée",
        "spike": "simple test de pic",
        "flat_line": "simple test de palier",
        "both": "les deux règles simples",
        "watch": "les marques simples du gardien",
        "curve_head": "marges × |mauvaises isolées trouvées|bonnes mises en doute",
        "rises_head": "enregistrement|mesures de montées|en doute pour de bon|à l'arrivée",
    },
}


def _table(rows: dict[str, Any], words: dict[str, str]) -> str:
    cells = [
        [
            words[name],
            _interval(rows[name]["isolated"], 1),
            _interval(rows[name]["good"], 2),
            _interval(rows[name]["long"], 1),
            _interval(rows[name]["long_runs"], 1),
        ]
        for name in RULES
    ]
    counts = [
        "",
        *(
            f"n = {round(rows['ours'][k]['of'])}"
            for k in ("isolated", "good", "long", "long_runs")
        ),
    ]
    return lines([words["head"].split("|"), *cells, counts])


def lines(rows: list[list[str]]) -> str:
    """Return rows of cells as a table, the first one its head."""
    ruled = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in ruled)


def _interval(share: dict[str, float | None], digits: int) -> str:
    if share["value"] is None:
        return "–"
    low, high = (_number(100.0 * (share[key] or 0.0), digits) for key in ("low", "high"))
    return f"{_percent(share['value'], digits)} ({low}–{high})"


def _percent(value: float, digits: int = 1) -> str:
    return f"{_number(100.0 * value, digits)} %"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}"
