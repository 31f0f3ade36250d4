"""Train, judge and describe the models, and read the records they are judged on."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amont_gateway.scoring.model_files import ModelError
from amont_models import (
    adapt_cli,
    card,
    cost,
    detection_report,
    explain,
    network_report,
    pipeline,
    river_report,
    rung_costs,
    score,
    screen_report,
    tidy_write,
    zone_report,
)
from amont_models.recipe import ARTIFACTS_DIR, MODELS_DIR
from amont_models.records import DataError, catalogue

USER_ERROR = 2
Run = Callable[[argparse.Namespace], int]
CARDS_DIR = MODELS_DIR.parent / "docs" / "models"
# Modules with commands of their own, one a line: their ``add_commands(subparsers)`` adds parsers
# whose default ``run`` takes the parsed arguments and returns the exit code.
MODULES: tuple[Any, ...] = (explain, adapt_cli, detection_report)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; 2 is the user's mistake, in one line."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.run(asked))
    except (DataError, ModelError, OSError, ValueError) as error:
        print(f"amont-models {asked.command}: {error}", file=sys.stderr)
        return USER_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="amont-models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    artifacts, cards = _options(), _options()
    artifacts.add_argument("--artifacts", type=Path, default=ARTIFACTS_DIR, help="models' folder")
    cards.add_argument("--cards", type=Path, default=CARDS_DIR, help="cards' folder")
    as_json = {what: _options() for what in ("metrics", "tables", "list")}
    for what, option in as_json.items():
        option.add_argument("--json", action="store_true", help=f"print the {what} as JSON")
    metrics = as_json["metrics"]

    def add(name: str, run: Run, about: str, *shared: argparse.ArgumentParser) -> Any:
        made = commands.add_parser(name, help=about, description=about, parents=shared)
        made.set_defaults(run=run)
        return made

    about = "train the models from their recipes, judge, quantise and sign them"
    training = add("train", _train, about, artifacts, cards, metrics)
    about = "train this one; the other stays as it is signed"
    training.add_argument("--only", choices=tuple(pipeline.FILES), help=about)
    about = "judge the signed models again on the validation part"
    add("evaluate", _evaluate, about, artifacts, cards, metrics)
    add("card", _card, "write the models' cards from metrics.json", artifacts, cards, metrics)
    about = "judge what ships on a folder of records in the tidy form (docs/models/form.en.md)"
    judging = add("score", _score, about, artifacts, as_json["tables"])
    judging.add_argument("folder", type=Path, help="the records' folder")
    about = "judge the screening on the known records, and write its metrics and its card"
    add("screen", _screen, about, cards, metrics)
    about = "judge the network tests on simulated years, and write its metrics and its card"
    networks = add("network", _network, about, cards, metrics)
    about = "judge with pressures, or by flows alone; the other stays as it was measured"
    networks.add_argument("--only", choices=network_report.PARTS, help=about)
    about = "judge what ships on rivers that never taught it, in full, for the river's card"
    add("rivers", _rivers, about, artifacts, cards, metrics)
    about = "adapt the areas that taught the leak rule, and judge that, for the leak's card"
    add("zones", _zones, about, artifacts, cards, metrics)
    about = "time one inference of each kind on this machine, for the cards"
    timing = add("cost", _cost, about, artifacts)
    timing.add_argument("--write", type=Path, default=cost.PATH, help="the file for the cards")
    about = "list the known records: what is here, span, step, gaps, licence"
    add("records", _records, about, as_json["list"])
    writing = add("tidy", _tidy, "write a known record in the tidy form")
    writing.add_argument("record", help="its name, as `amont-models records` lists it")
    writing.add_argument("folder", type=Path, help="a new folder")
    for module in MODULES:
        module.add_commands(commands)
    return parser


def _options() -> argparse.ArgumentParser:
    """Return a holder of options that several commands share."""
    return argparse.ArgumentParser(add_help=False)


def _train(asked: argparse.Namespace) -> int:
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", file=sys.stderr)

    pipeline.train(asked.artifacts, say, asked.only)
    say(f"written: {asked.artifacts}")
    return _card(asked)


def _evaluate(asked: argparse.Namespace) -> int:
    results = pipeline.evaluate(asked.artifacts)
    print(json.dumps(results, indent=1, sort_keys=True) if asked.json else card.text(results))
    return 0


def _card(asked: argparse.Namespace) -> int:
    results = pipeline.read_metrics(asked.artifacts)
    for path in card.write(results, asked.cards):
        print(f"written: {path.name}", file=sys.stderr)
    if asked.json:
        print(json.dumps(results, indent=1, sort_keys=True))
    return 0


def _score(asked: argparse.Namespace) -> int:
    began = time.monotonic()
    result, text = score.score(asked.folder, asked.artifacts)
    print(f"judged in {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(json.dumps(pipeline.plain(result), indent=1) if asked.json else text, end="")
    return 0


def _screen(asked: argparse.Namespace) -> int:
    metrics = screen_report.measure(lambda line: print(line, file=sys.stderr))
    screen_report.write(metrics)
    for path in screen_report.write_cards(metrics, asked.cards):
        print(f"written: {path.name}", file=sys.stderr)
    if asked.json:
        print(json.dumps(metrics, indent=1, sort_keys=True))
    return 0


def _network(asked: argparse.Namespace) -> int:
    metrics = network_report.measure(lambda line: print(line, file=sys.stderr), asked.only)
    network_report.write(metrics)
    metrics = network_report.read()  # rules in the file's order, as the card has them
    for path in network_report.write_cards(metrics, asked.cards):
        print(f"written: {path.name}", file=sys.stderr)
    if asked.json:
        print(json.dumps(metrics, indent=1, sort_keys=True))
    return 0


def _rivers(asked: argparse.Namespace) -> int:
    metrics = river_report.measure(asked.artifacts, lambda line: print(line, file=sys.stderr))
    river_report.write(metrics)
    rung_costs.write(metrics)
    if asked.json:
        print(json.dumps(metrics, indent=1, sort_keys=True))
        return 0
    return _card(asked)


def _zones(asked: argparse.Namespace) -> int:
    metrics = zone_report.measure(asked.artifacts, lambda line: print(line, file=sys.stderr))
    zone_report.write(metrics)
    if asked.json:
        print(json.dumps(metrics, indent=1, sort_keys=True))
        return 0
    return _card(asked)


def _cost(asked: argparse.Namespace) -> int:
    measured = cost.measure(asked.artifacts)
    cost.write(measured, asked.write)
    print(json.dumps(measured, indent=1, sort_keys=True))
    return 0


def _records(asked: argparse.Namespace) -> int:
    found = list(catalogue.summaries())
    print(json.dumps(found, indent=1) if asked.json else catalogue.text(found), end="")
    return 0


def _tidy(asked: argparse.Namespace) -> int:
    for path in tidy_write.write(catalogue.load(asked.record), asked.folder):
        print(f"written: {path}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
