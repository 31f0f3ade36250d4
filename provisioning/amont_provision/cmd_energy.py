"""Say how long a station lasts on its cells, by part and profile, from the command line."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from amont_provision import energy, energy_trace
from amont_provision.energy import Board, Budget, Profile
from amont_provision.output import Output

HELP = "say how long a station lasts on its cells, and compare a recorded current"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument(
        "--profile", choices=energy.PROFILES, default="slow-river", help="how it samples"
    )
    parser.add_argument(
        "--board", choices=energy.BOARDS, default=energy.RECOMMENDED, help="how it sleeps"
    )
    parser.add_argument("--sensor", choices=energy.SENSORS, help="not the profile's usual one")
    parser.add_argument("--carrier", choices=energy.CARRIERS, default="lora", help="how it sends")
    parser.add_argument("--sf", type=int, choices=range(7, 13), default=9, help="of LoRa")
    parser.add_argument("--interval-s", type=_seconds, help="seconds between samples")
    parser.add_argument("--frame-samples", type=_count, help="new samples a frame")
    parser.add_argument(
        "--converter", type=_factor, default=1.0,
        help="what a converter costs all behind it: 1.47 for 3.3 V from 2.5 V at 90 %%",
    )  # fmt: skip
    parser.add_argument("--trace", type=Path, help="recorded CSV: time_s,current_ma")


def run(asked: argparse.Namespace, out: Output) -> int:
    """Print a day of the station, by part; return 0 or raise Refused for a bad trace."""
    profile, board = _profile(asked), energy.BOARDS[asked.board]
    board = replace(board, converter=asked.converter)
    budget = energy.budget(profile, board, asked.sf, asked.carrier)
    compared = []
    if asked.trace is not None:
        least_s = profile.interval_s * profile.frame_samples
        compared = energy_trace.compare(asked.trace, budget, least_s)
    answer = _answer(asked, profile, budget)
    if asked.trace is not None:
        answer["trace"] = [asdict(one) | {"ratio": one.ratio} for one in compared]
    lines = _parts(budget, out) + [_compared(one, out) for one in compared] + _sources(board, out)
    out.result(answer, "energy-head", lines)
    return 0


def _profile(asked: argparse.Namespace) -> Profile:
    profile = energy.PROFILES[asked.profile]
    return replace(
        profile,
        sensor=asked.sensor or profile.sensor,
        interval_s=asked.interval_s or profile.interval_s,
        frame_samples=asked.frame_samples or profile.frame_samples,
    )


def _answer(asked: argparse.Namespace, profile: Profile, budget: Budget) -> dict[str, Any]:
    return {
        "profile": asked.profile,
        "board": asked.board,
        "carrier": asked.carrier if asked.carrier == "wifi" else f"LoRa SF{asked.sf}",
        "interval_s": profile.interval_s,
        "frames_day": round(budget.frames, 2),
        "mah_day": round(budget.mah_day, 3),
        "years": round(budget.years, 2),
        "parts": {part: round(mah, 4) for part, mah in budget.parts.items()},
        "figures": {name: asdict(figure) for name, figure in energy.FIGURES.items()},
    }


def _parts(budget: Budget, out: Output) -> list[str]:
    own = energy.CELLS_MAH * energy.SELF_DISCHARGE_YEAR / 365.25
    shown = {**budget.parts, "cells": own}
    return [
        out.text("energy-row", label=out.text(f"energy-part-{part}"), mah=mah)
        for part, mah in shown.items()
    ]


def _compared(one: energy_trace.Compared, out: Output) -> str:
    ratio = "" if one.ratio is None else out.text("energy-trace-ratio", ratio=one.ratio)
    label = out.text(f"energy-state-{one.state}")
    return out.text("energy-trace", label=label, **(asdict(one) | {"ratio": ratio}))


def _sources(board: Board, out: Output) -> list[str]:
    others = {of.sleep for of in energy.BOARDS.values()} | {
        of.awake for of in energy.BOARDS.values()
    }
    lines = [out.text("energy-sources")]
    for name, figure in energy.FIGURES.items():
        if name not in others - {board.sleep, board.awake}:
            assumed = out.text("energy-assumed") if figure.assumed else ""
            values = asdict(figure) | {"assumed": assumed}
            lines.append(out.text("energy-source", name=name, **values))
    return lines


def _seconds(text: str) -> int:
    return _within(text, 1, energy.DAY_S)


def _count(text: str) -> int:
    return _within(text, 1, 64)


def _within(text: str, low: int, high: int) -> int:
    if not text.isdigit() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not within {low} and {high}")
    return int(text)


def _factor(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1.0 <= value <= 4.0:
        raise argparse.ArgumentTypeError(f"{text!r} is not within 1 and 4")
    return value
