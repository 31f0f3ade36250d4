"""Run a village in a terminal until it is ended: ``amont-demo village FOLDER``."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from amont_demo.village import PAGE_PORT, ROUND_S, Village, running

HELP = "guard, gateway and a simulated bridge, to try amont-provision on simulated boards"

TEXTS = {
    "fr": (
        "Le village fonctionne ; Ctrl-C le termine.",
        ("site", "clés du gardien", "page", "radio simulée", "cartes simulées"),
        "Une station, par exemple :",
    ),
    "en": (
        "The village runs; Ctrl-C ends it.",
        ("site", "the guard's keys", "page", "simulated radio", "simulated boards"),
        "A station, for example:",
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
    """Return where everything is, and a first command."""
    ready, names, for_example = TEXTS[lang]
    node = village.site.nodes[0].id
    board = village.boards / str(node)
    places = (
        village.site_path, village.keys, village.page, village.radio,
        f"virtual:{village.boards}/NODE",
    )  # fmt: skip
    words = ("amont-provision", "enrol", "--port", f"virtual:{board}", "--site",
             village.site_path, "--node", node, "--keys", village.keys,
             "--radio", village.radio)  # fmt: skip
    width = max(map(len, names))
    return [
        ready,
        *(f"  {name:<{width}}  {place}" for name, place in zip(names, places, strict=True)),
        for_example,
        "  " + shlex.join(map(str, words)),
    ]
