"""Train, judge and describe the models, and read the records they are judged on."""

from __future__ import annotations

import argparse
import json
import sys
import time
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
    score,
    screen_report,
    tidy_write,
)
from amont_models.recipe import ARTIFACTS_DIR, MODELS_DIR
from amont_models.records import DataError, catalogue

USER_ERROR = 2
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
    for name, run, about in (
        ("train", _train, "train the models from their recipes, judge, quantise and sign them"),
        ("evaluate", _evaluate, "judge the signed models again on the validation part"),
        ("card", _card, "write the models' cards from metrics.json"),
    ):
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument(
            "--artifacts", type=Path, default=ARTIFACTS_DIR, help="models' folder"
        )
        command.add_argument("--cards", type=Path, default=CARDS_DIR, help="cards' folder")
        command.add_argument("--json", action="store_true", help="print the metrics as JSON")
        command.set_defaults(run=run)
        if name == "train":
            about = "train this one; the other stays as it is signed"
            command.add_argument("--only", choices=tuple(pipeline.FILES), help=about)
    _record_commands(commands)
    for module in MODULES:
        module.add_commands(commands)
    return parser


def _record_commands(commands: Any) -> None:
    about = "judge what ships on a folder of records in the tidy form (docs/models/form.en.md)"
    command = commands.add_parser("score", help=about, description=about)
    command.add_argument("folder", type=Path, help="the records' folder")
    command.add_argument("--artifacts", type=Path, default=ARTIFACTS_DIR, help="models' folder")
    command.add_argument("--json", action="store_true", help="print the tables as JSON")
    command.set_defaults(run=_score)
    about = "judge the screening on the known records, and write its metrics and its card"
    command = commands.add_parser("screen", help=about, description=about)
    command.add_argument("--cards", type=Path, default=CARDS_DIR, help="cards' folder")
    command.add_argument("--json", action="store_true", help="print the metrics as JSON")
    command.set_defaults(run=_screen)
    about = "judge the network test on simulated years, and write its metrics and its card"
    command = commands.add_parser("network", help=about, description=about)
    command.add_argument("--cards", type=Path, default=CARDS_DIR, help="cards' folder")
    command.add_argument("--json", action="store_true", help="print the metrics as JSON")
    command.set_defaults(run=_network)
    about = "judge what ships on rivers that never taught it, in full, for the river's card"
    command = commands.add_parser("rivers", help=about, description=about)
    command.add_argument("--artifacts", type=Path, default=ARTIFACTS_DIR, help="models' folder")
    command.add_argument("--cards", type=Path, default=CARDS_DIR, help="cards' folder")
    command.add_argument("--json", action="store_true", help="print the metrics as JSON")
    command.set_defaults(run=_rivers)
    about = "time one inference of each kind on this machine, for the cards"
    command = commands.add_parser("cost", help=about, description=about)
    command.add_argument("--artifacts", type=Path, default=ARTIFACTS_DIR, help="models' folder")
    command.add_argument("--write", type=Path, default=cost.PATH, help="the file for the cards")
    command.set_defaults(run=_cost)
    about = "list the known records: what is here, span, step, gaps, licence"
    command = commands.add_parser("records", help=about, description=about)
    command.add_argument("--json", action="store_true", help="print the list as JSON")
    command.set_defaults(run=_records)
    about = "write a known record in the tidy form"
    command = commands.add_parser("tidy", help=about, description=about)
    command.add_argument("record", help="its name, as `amont-models records` lists it")
    command.add_argument("folder", type=Path, help="a new folder")
    command.set_defaults(run=_tidy)


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
    metrics = network_report.measure(lambda line: print(line, file=sys.stderr))
    network_report.write(metrics)
    for path in network_report.write_cards(metrics, asked.cards):
        print(f"written: {path.name}", file=sys.stderr)
    if asked.json:
        print(json.dumps(metrics, indent=1, sort_keys=True))
    return 0


def _rivers(asked: argparse.Namespace) -> int:
    metrics = river_report.measure(asked.artifacts, lambda line: print(line, file=sys.stderr))
    river_report.write(metrics)
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
