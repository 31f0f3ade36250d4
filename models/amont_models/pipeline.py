"""Train, quantise, judge and sign: what ``amont-models train`` does, step by step."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from amont_gateway.scoring import river_features
from amont_gateway.scoring.model_files import Model, read_manifest
from amont_gateway.scoring.river_decision import rule_of
from amont_gateway.scoring.zone_test import LeakRule
from amont_models import (
    data,
    int8_check,
    leak,
    leak_challengers,
    leak_probability,
    leak_simple,
    release,
    river,
    river_lessons,
    river_rule,
    river_worth,
    score_river,
)
from amont_models.data import Floats
from amont_models.export import write_int8
from amont_models.network import Network
from amont_models.recipe import DEMO_RIVER, DEMO_ZONE, load, recipe_sha256
from amont_models.river_chain import Chain

Say = Callable[[str], None]
Predict = Callable[[Floats], Floats]
FILES = {"river": "river.int8.onnx", "leak": "leak.int8.onnx"}
LEAK_INPUTS = ("InflowData.xlsx", "WeatherData.xlsx")
STEP_SHARES = (0.15, 0.2, 0.3, 0.4, 0.5)


def train(folder: Path, say: Say, only: str | None = None) -> dict[str, Any]:
    """Train the models, judge and sign them, put them into ``folder``; return the metrics.

    With ``only`` one is made; the other's file, entry and metrics stay as they are signed there.
    Files are replaced at the end, so a run that fails leaves the folder as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if only is not None:
        read_manifest(folder)  # an unsigned rest is found before the hours, not after them
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".training-") as place:
        work = Path(place)
        results = _train_into(work, folder, tuple(FILES) if only is None else (only,), say)
        for path in sorted(work.iterdir()):
            path.replace(folder / path.name)
    return results


def _train_into(work: Path, folder: Path, names: tuple[str, ...], say: Say) -> dict[str, Any]:
    """Make ``names`` in ``work``; what is not made is taken as it lies signed in ``folder``."""
    if "river" in names and not river_lessons.has_records():
        say("river: AMONT_DATA is not set, so the packaged rivers alone teach")
    key = release.release_key()
    made = {name: _make(name, work, say) for name in names}
    # Read at the end: somebody may have made the other one meanwhile.
    kept = len(names) < len(FILES)
    manifest: dict[str, Any] = {"models": {}, "recipes": {}, "seeds": {}}
    results: dict[str, Any] = {"format": 1}
    if kept:
        manifest, results = read_manifest(folder), read_metrics(folder)
    inputs = manifest.get("inputs", {})
    for name, (recipe, entry, judged) in made.items():
        manifest["models"][name] = entry
        manifest["recipes"][name] = recipe_sha256(name)
        manifest["seeds"][name] = recipe["seed"]
        results[name] = judged
        others = {file: sha for file, sha in inputs.items() if _reader(file) != name}
        inputs = {**others, **_inputs(name, recipe)}
    results["inputs"] = inputs
    write_metrics(work, results)
    packages = ("numpy", "onnx", "onnxruntime")
    manifest |= {
        "format": 1,
        "inputs": inputs,
        "packages": {name: importlib.metadata.version(name) for name in packages},
        "metrics_sha256": hashlib.sha256((work / "metrics.json").read_bytes()).hexdigest(),
    }
    release.write_signed(work, manifest, key)
    return results


def _make(
    name: str, work: Path, say: Say
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Train, quantise and judge one model; return its recipe, manifest entry and metrics."""
    recipe = load(name)
    say(f"{name}: training")
    if name == "river":
        table = river.training_table(recipe)
        network, rows = river.fit(recipe, table), river.calibration_rows(recipe, table)
    else:
        network, rows = leak.fit(recipe), calibration_rows(recipe)
    write_int8(network, rows, work / FILES[name])
    entry = _entry(name, work, rows)
    model = Model(work, entry)
    if name == "leak":
        say("leak: choosing the rule on the training part")
        predict = _first_column(model)
        rule, chosen = leak.choose_rule(recipe, predict)
        fitted = asdict(leak_probability.fit(recipe, predict, rule))
        entry |= {"rule": fitted, "rule_chosen": chosen}
    else:
        say("river: choosing the rule on the training parts")
        river_settings, chosen = river_rule.choose(recipe, model)
        entry |= {"rule": river_settings.to_manifest(), "rule_chosen": chosen}
        model = Model(work, entry)
    say(f"{name}: judging on the validation part")
    return recipe, entry, judge(name, recipe, network, model, entry)


def _reader(file: str) -> str:
    """Return which model learns from an input file."""
    return "leak" if file in LEAK_INPUTS else "river"


def _inputs(name: str, recipe: dict[str, Any]) -> dict[str, str]:
    """Return the SHA-256 of every file that a model is made from, by file name."""
    packaged = {file: sha for file, sha in data.sources().items() if _reader(file) == name}
    return packaged | (river_lessons.sources(recipe) if name == "river" else {})


def _first_column(model: Predict) -> Predict:
    return lambda rows: model(rows)[:, 0]


def calibration_rows(recipe: dict[str, Any]) -> Floats:
    """Return the rows that the leak network's 8-bit scales are calibrated on; the peaks first."""
    rows, target, _ = leak.training_table(recipe)
    peaks = np.argsort(np.abs(target[:, 0]))[::-1][:2000]
    rest = np.random.default_rng(recipe["seed"] + 1).choice(len(rows), 2000, replace=False)
    return np.asarray(rows[np.concatenate((peaks, rest))])


def _entry(name: str, folder: Path, rows: Floats) -> dict[str, Any]:
    """Return the manifest's entry, its golden vector computed by the int8 file itself."""
    spread = rows[np.linspace(0, len(rows) - 1, release.GOLDEN_ROWS).astype(int)]
    path = folder / FILES[name]
    width = (
        len(river_features.HORIZONS_H) * len(river_features.QUANTILES) if name == "river" else 1
    )
    blank = release.entry(name, "1", path, spread, np.zeros((len(spread), width)))
    blank["golden"]["tolerance"] = math.inf
    return release.entry(name, "1", path, spread, Model(folder, blank)(spread))


def judge(
    name: str, recipe: dict[str, Any], network: Network | None, model: Model, entry: dict[str, Any]
) -> dict[str, Any]:
    """Return the metrics of one model on the validation part."""
    about = {"seed": recipe["seed"], "bytes": entry["bytes"], "sha256": entry["sha256"]}
    about |= {"rule": entry.get("rule", {}), "rule_chosen": entry.get("rule_chosen", {})}
    if name == "river":
        return {**about, **judge_river(recipe, network, model)}
    rule = LeakRule.from_manifest(entry["rule"])
    return {**about, **judge_leak(recipe, network, model, rule)}


def judge_river(recipe: dict[str, Any], network: Network | None, model: Model) -> dict[str, Any]:
    """Return skill, coverage and early warning of the int8 file, and how near it is to float."""
    start, end = river.date_ms(recipe["data"]["tune_until"]), 1 << 60
    stations = river.stations(recipe)
    judged = [river.judge(station, model, start, end) for station in stations]
    out: dict[str, Any] = {
        "validate_from": recipe["data"]["tune_until"],
        "skill": river.skill(judged),
        "by_station": {one.station.record.name: river.skill([one]) for one in judged},
        "early_warning": river.early_warning(judged),
    }
    if river_lessons.has_records():
        out["elsewhere"] = score_river.elsewhere(recipe, Chain(model, rule=rule_of(model)))
        out["worth"] = river_worth.measure(recipe, model)
    if network is not None:
        out["taught_by_records"] = river_lessons.has_records()
        plain = [river.judge(station, network, start, end) for station in stations]
        out["float_skill"] = river.skill(plain)
        unseen = river_lessons.judged_stations(recipe)
        out["int8"] = int8_check.rivers(unseen, (model, network), rule_of(model))
    return out


def judge_leak(
    recipe: dict[str, Any], network: Network | None, model: Predict, rule: LeakRule
) -> dict[str, Any]:
    """Return leaks found and false alarms of the int8 file, without a network, and the floors."""
    timezone, predict = recipe["data"]["timezone"], _first_column(model)
    clean, opened = leak.zones(recipe, "validate"), leak.injected(recipe, "validate")

    def found(alarms: leak.Alarms) -> dict[str, float]:
        return leak.count(alarms, clean, opened).summary()

    asked, alone = replace(rule, network=rule.network or 1.0), replace(rule, network=0.0)
    out: dict[str, Any] = {
        "validate_from": recipe["data"]["train_until"],
        "no_network": found(leak.sequential(leak.nothing, alone, timezone)),
    }
    if network is None:
        out["network"] = found(leak.sequential(predict, asked, timezone))
    else:
        both = (predict, _first_column(network))
        out["int8"], rows = int8_check.leaks((clean, opened), both, rule, timezone)
        out |= {"network": rows["int8"], "float": rows["float"]}
    out["shipped"] = out["network" if rule.network > 0.0 else "no_network"]
    others = leak_challengers.variants(recipe, "validate", rule, predict)
    out |= {name: found(alarms) for name, alarms in others.items()}
    out["reliability"] = leak_probability.reliability(recipe, predict, rule)
    out["curve"] = [
        {**settings, **found(leak.sequential(predict, other, timezone))}
        for settings, other in leak.other_rules(recipe, rule)
    ]
    for share in STEP_SHARES:
        step = leak.night_step(share, timezone)
        out[f"night_step_{round(100 * share)}"] = found(step)
    ships = leak.sequential(predict, rule, timezone)
    out["floors"] = leak_simple.rows(clean, opened, timezone, ships)
    return out


def demo_windows() -> dict[str, Any]:
    """Return the periods that the demonstration replays, as the card names them."""
    return {"river": asdict(DEMO_RIVER), "zone": asdict(DEMO_ZONE)}


def write_metrics(folder: Path, results: dict[str, Any]) -> None:
    """Write metrics.json, numbers to four digits; NaN becomes null."""
    content = {**results, "demo": demo_windows()}
    text = json.dumps(plain(content), indent=1, sort_keys=True)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """Return what JSON can hold: numbers to four digits, None for NaN and infinity."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return metrics.json of a folder of models."""
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics


def evaluate(folder: Path) -> dict[str, Any]:
    """Judge the signed models of a folder again; what the float network gave stays as it was."""
    manifest = read_manifest(folder)
    results = read_metrics(folder)
    for name, entry in manifest["models"].items():
        again = judge(name, load(name), None, Model(folder, entry), entry)
        results[name] = {**results[name], **plain(again)}
    return results
