"""Run a village in a terminal until it is ended: ``amont-demo village FOLDER``."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from amont_demo.village import BRIDGE_CARRIER, PAGE_PORT, ROUND_S, Village, running
from amont_provision.enrol import RADIO

HELP = "guard, gateway and a simulated bridge, to try amont-provision on simulated boards"

TEXTS = {
    "fr": (
        "Le village fonctionne ; Ctrl-C le termine.",
        ("site", "clés du gardien", "page", "radio simulée", "cartes simulées"),
        "Une station, dans un autre terminal :",
    ),
    "en": (
        "The village runs; Ctrl-C ends it.",
        ("site", "the guard's keys", "page", "simulated radio", "simulated boards"),
        "A station, in another terminal:",
    ),
}


def add(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("folder", type=Path, help="everything is kept there")
    parser.add_argument("--site", type=Path, help="your site's file; none: a small example")
    parser.add_argument("--page-port", type=int, default=PAGE_PORT)
    parser.add_argument("--seconds", type=float, default=0, help="end by itself after so long")
    parser.add_argument("--lang", choices=("fr", "en"), default="fr")


def run(asked: argparse.Namespace, say: Callable[[str], None]) -> None:
    """Run until told to stop; raise VillageError, SiteError or OSError."""
    with running(Village(asked.folder, asked.site, asked.page_port)) as village:
        for line in told(village, asked.lang):
            say(line)
        end = time.monotonic() + asked.seconds
        while not asked.seconds or time.monotonic() < end:
            village.check()
            time.sleep(ROUND_S)


def told(village: Village, lang: str) -> list[str]:
    """Return where everything is, and the commands that make a station."""
    ready, names, for_example = TEXTS[lang]
    places = (
        village.site_path, village.keys, village.page, village.radio,
        f"virtual:{village.boards}/NODE",
    )  # fmt: skip
    width = max(map(len, names))
    return [
        ready,
        *(f"  {name:<{width}}  {place}" for name, place in zip(names, places, strict=True)),
        for_example,
        *(f"  {line}" for line in steps(village)),
    ]


def steps(village: Village) -> list[str]:
    """Return the commands from a bare board to a verified station, for the ports of this village.

    They are the README's, with ``--radio`` where that port was taken when the village was made.
    """
    node = village.site.nodes[0]
    radio = f"--radio {village.radio}"
    needed = node.carrier == BRIDGE_CARRIER and village.ports.radio != RADIO[1]
    board = f"--port virtual:boards/{node.id}"
    site = "--site site.yaml"
    level = node.channels[0].quantity == "stage_mm"
    lines = (
        "build 0.1.0 --release 1",
        f"enrol {board} {site} --node {node.id} --keys guard/keys.json {radio if needed else ''}",
        f"deploy {board} --release 0.1.0.amont",
        f"calibrate {board} {site} --by Luc --staff 870" if level else "",
        f"verify {board} {site} --by Luc --gateway {village.page.removesuffix('/')}",
        f"label {site} --node {node.id}",
        f"report {board} {site} --by Luc",
    )
    return [
        f"cd {shlex.quote(str(village.folder))}",
        *(f"amont-provision {line}".rstrip() for line in lines if line),
    ]
