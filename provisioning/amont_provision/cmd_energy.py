"""Say how long a station lasts on its cells, by part and profile, from the command line."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from amont_provision import board, energy, energy_site, energy_trace, enrol
from amont_provision.energy import Budget
from amont_provision.energy_site import Advice, Station
from amont_provision.output import Output
from amont_provision.port import open_port
from amont_provision.texts import Refused
from amont_site import load
from amont_site.model import Node

CARRIERS = {"wifi": "wifi", "lora": "LoRa SF{}", "lorawan": "LoRaWAN SF{}"}
HELP = "say how long a station lasts on its cells, and compare a recorded current"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("site", nargs="?", type=Path, help="the site's file: a node of it")
    parser.add_argument("--node", type=int, help="its number: as enrol would write it")
    parser.add_argument("--port", help="as this board holds it: /dev/ttyACM0 or virtual:FOLDER")
    parser.add_argument("--profile", choices=energy.PROFILES, help="how it samples (slow-river)")
    parser.add_argument(
        "--board", choices=energy.BOARDS, help=f"how it sleeps ({energy.RECOMMENDED})"
    )
    parser.add_argument("--sensor", choices=energy.SENSORS, help="not the profile's usual one")
    parser.add_argument("--carrier", choices=energy.CARRIERS, help="how it sends (lora)")
    parser.add_argument("--sf", type=int, choices=range(7, 13), help="of LoRa (9)")
    parser.add_argument("--interval-s", type=_seconds, help="seconds between samples")
    parser.add_argument("--frame-samples", type=_count, help="new samples a frame")
    parser.add_argument(
        "--converter", type=_factor, default=1.0,
        help="what a converter costs all behind it: 1.47 for 3.3 V from 2.5 V at 90 %%",
    )  # fmt: skip
    parser.add_argument("--trace", type=Path, help="recorded CSV: time_s,current_ma")


def run(asked: argparse.Namespace, out: Output) -> int:
    """Print a day of the station, by part; return 0 or raise Refused for a bad trace."""
    node, enrolled = _enrolled(asked)
    station = _asked_for(asked, enrolled)
    budget = station.budget()
    compared = []
    if asked.trace is not None:
        least_s = station.profile.interval_s * station.profile.frame_samples
        compared = energy_trace.compare(asked.trace, budget, least_s)
    advised = None if node is None else energy_site.advice(node, station)
    answer = _answer(asked, station, budget, advised)
    if asked.trace is not None:
        answer["trace"] = [asdict(one) | {"ratio": one.ratio} for one in compared]
    lines = _parts(budget, out) + [_compared(one, out) for one in compared]
    lines += _sources(station, out) + [out.text(code) for code in station.guesses]
    if advised is not None:
        lines.append(out.text(advised.code, **advised.values))
    out.result(answer, "energy-head", lines)
    return 0


def _enrolled(asked: argparse.Namespace) -> tuple[Node | None, Station]:
    """Return the node that is asked about and what it holds; the best one if none is."""
    if asked.site is None and asked.node is None and asked.port is None:
        return None, Station(energy.PROFILES["slow-river"], energy.BOARDS[energy.RECOMMENDED])
    if asked.site is None or asked.node is None:
        raise Refused("energy-which")
    site = load(asked.site)
    node = enrol.node_of(site, asked.node)
    if asked.port is not None:
        with closing(open_port(asked.port)) as port:
            config = board.held(port).config
        if config.get("id") != node.id:
            raise Refused("energy-other", node=node.id, found=config.get("id", 0))
        return node, energy_site.station(config)
    return node, energy_site.of_site(site, node)


def _asked_for(asked: argparse.Namespace, enrolled: Station) -> Station:
    """Return the station with what the options change."""
    profile = enrolled.profile
    if asked.profile is not None:
        profile = energy.PROFILES[asked.profile]
    changes = {"interval_s": asked.interval_s, "frame_samples": asked.frame_samples,
               "sensor": asked.sensor}  # fmt: skip
    profile = replace(profile, **{name: value for name, value in changes.items() if value})
    supply = enrolled.board if asked.board is None else energy.BOARDS[asked.board]
    return replace(
        enrolled,
        profile=profile,
        board=replace(supply, converter=asked.converter),
        carrier=asked.carrier or enrolled.carrier,
        sf=asked.sf or enrolled.sf,
    )


def _answer(
    asked: argparse.Namespace, station: Station, budget: Budget, advised: Advice | None
) -> dict[str, Any]:
    profile = station.profile
    used = energy.used(profile, station.board, station.carrier)
    answer = {
        "profile": profile.name,
        "board": station.board.name,
        "carrier": CARRIERS[station.carrier].format(station.sf),
        "interval_s": profile.interval_s,
        "frame_samples": profile.frame_samples,
        "frames_day": round(budget.frames, 2),
        "mah_day": round(budget.mah_day, 3),
        "years": round(budget.years, 2),
        "parts": {part: round(mah, 4) for part, mah in budget.parts.items()},
        "figures": {name: asdict(energy.FIGURES[name]) for name in used},
        "assumed": [name for name in used if energy.FIGURES[name].assumed],
    }
    if asked.node is not None:
        answer |= {"node": asked.node, "guesses": list(station.guesses)}
        answer["advice"] = None if advised is None else asdict(advised)
    return answer


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


def _sources(station: Station, out: Output) -> list[str]:
    names = energy.used(station.profile, station.board, station.carrier)
    lines = [out.text("energy-sources")]
    for name in names:
        figure = energy.FIGURES[name]
        said = out.text("energy-assumed") if figure.assumed else ""
        lines.append(out.text("energy-source", name=name, **asdict(figure) | {"assumed": said}))
    assumed = [name for name in names if energy.FIGURES[name].assumed]
    return [*lines, out.text("energy-measure", names=", ".join(assumed))]


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
