"""Show the demonstration in the terminal: the river, the siren, and where to look."""

from __future__ import annotations

import contextlib
import datetime as dt
import select
import sys
import termios
import tty
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_ZONE = ZoneInfo("Europe/Paris")
_LEVELS = {
    "normal": ("green", "normal"),
    "watch": ("yellow", "WATCH"),
    "warning": ("dark_orange", "WARNING"),
    "alarm": ("bold red", "ALARM"),
    "alarm_plus": ("bold red", "ALARM+"),
}
_SIRENS = {
    "idle": ("green", "silent"),
    "sound": ("bold white on red", " SOUNDING "),
    "muted": ("bold black on yellow", " MUTED "),
    "latch": ("yellow", "silent, waiting for a person to reset it"),
}


def progress_line(view: dict[str, Any]) -> str:
    """Return one line for logs and terminals without colour."""
    station, siren = view["stations"][0], view["sirens"][0]
    zone = view["zones"][0] if view["zones"] else {}
    return (
        f"{_clock(view['now_ms'])}  river {_metres(station['stage_mm'])} {station['level']}"
        f" (model advises {station['advice']})  siren {siren['state']}"
        f"  zone {zone.get('verdict', '-')}"
    )


def screen(view: dict[str, Any] | None, address: str, phase: str, notes: list[str]) -> Panel:
    """Return the terminal's picture of one snapshot of the page's ``/view.json``."""
    head = Text(phase, style="bold")
    if view is None:
        return Panel(Group(head, *map(Text, notes)), title="Amont", border_style="cyan")
    table = Table.grid(padding=(0, 2))
    table.add_row("time", _clock(view["now_ms"]) + _speed(view))
    for station in view["stations"]:
        table.add_row("river", _station(station))
    for siren in view["sirens"]:
        table.add_row("siren", _siren(siren))
    for zone in view["zones"]:
        table.add_row("pipes", _zone(zone))
    table.add_row("nodes", _nodes(view["nodes"]))
    table.add_row("readings", f"{view['counters'].get('samples_committed', 0):,} in the journal")
    link = Text(f"Page: {address}", style="bold underline")
    keys = Text("Keys: + faster, - slower, Ctrl-C ends everything.", style="dim")
    return Panel(
        Group(head, table, link, keys, *(Text(n, style="dim") for n in notes)),
        title=f"Amont: {view['name'].get('en', view['site'])}",
        border_style="red" if any(s["state"] == "sound" for s in view["sirens"]) else "cyan",
    )


@contextlib.contextmanager
def live(console: Console) -> Iterator[Live]:
    """Keep a live region on a terminal and always give the terminal back as it was."""
    with Live(console=console, auto_refresh=False, transient=False) as region:
        yield region


@contextlib.contextmanager
def keyboard() -> Iterator[None]:
    """Read single keys without echo; a no-op where standard input is not a terminal."""
    if not sys.stdin.isatty():
        yield
        return
    saved = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)


def pressed() -> str:
    """Return a key that was pressed, or an empty string; never waits."""
    if sys.stdin.isatty() and select.select([sys.stdin], [], [], 0)[0]:
        return sys.stdin.read(1)
    return ""


def _clock(now_ms: int) -> str:
    return dt.datetime.fromtimestamp(now_ms / 1000, _ZONE).strftime("%a %d %b %H:%M")


def _speed(view: dict[str, Any]) -> str:
    demo = view.get("demo")
    return f"   ({demo['speed']:g} times faster than life)" if demo else ""


def _metres(stage_mm: int | None) -> str:
    return "--" if stage_mm is None else f"{stage_mm / 1000:.2f} m"


def _station(station: dict[str, Any]) -> Text:
    style, word = _LEVELS.get(station["level"], ("magenta", station["level"]))
    text = Text(f"{_metres(station['stage_mm'])}  ").append(word, style)
    alarm_mm = station["thresholds"]["alarm_mm"]
    text.append(f"   alarm at {_metres(alarm_mm)}", "dim")
    steps = station["forecast"]["steps"]
    if steps:
        text.append(f"   forecast +{steps[-1]['horizon_h']:g} h: {_band(steps[-1])}", "cyan")
    return text


def _band(step: dict[str, Any]) -> str:
    return f"{_metres(step['p05_mm'])} to {_metres(step['p95_mm'])}"


def _siren(siren: dict[str, Any]) -> Text:
    style, word = _SIRENS.get(siren["state"], ("magenta", siren["state"]))
    text = Text(word, style)
    if siren["confirmed"] is not None:
        text.append("   relay reads back " + ("closed" if siren["confirmed"] else "open"), "dim")
    return text


def _zone(zone: dict[str, Any]) -> Text:
    flow = zone["inflow_l_h"]
    text = Text("--  " if flow is None else f"{flow / 1000:.1f} m³/h  ")
    text.append(zone["verdict"], "bold red" if zone["verdict"] == "leak" else "green")
    if zone["leak_l_h"]:
        text.append(f"   about {zone['leak_l_h'] / 1000:.1f} m³/h lost")
    return text


def _nodes(nodes: list[dict[str, Any]]) -> str:
    heard = sum(not node["silent"] for node in nodes)
    waiting = sum(node["backlog"] for node in nodes)
    return f"{heard} of {len(nodes)} heard" + (
        f", {waiting} readings on their way" if waiting else ""
    )
