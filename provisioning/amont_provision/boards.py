"""Look at what a board can do before a node's configuration is written to it.

Each board is a file in ``firmware/boards``: which pins it has, which are taken by what is on it,
which can only be read or can end deep sleep, how it sleeps, how far its watchdog counts.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amont_provision.texts import Refused
from amont_site.hardware import Board, pins
from amont_site.model import Node

BESIDE, FOLDER = "amont_node", "boards"
FILES = {"unix": "simulated"}  # a board's name in the site's file: its file's name, if another one
DRIVEN = ("gate", "led", "trigger", "tx", "de", "clear", "scl", "sda", "power")
Wire = tuple[str, int, bool]  # where it stands, its number, whether the board drives it


def folder() -> Path:
    """Return where the boards' files are, beside the node's package."""
    spec = importlib.util.find_spec(BESIDE)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]).parent / FOLDER


def known(name: str, unknown: str = "board-unknown") -> dict[str, Any]:
    """Return what a board's file says; raise Refused if there is none, or none that is good.

    ``unknown`` is the code of that refusal: where a person names the board.
    """
    path = folder() / f"{FILES.get(name, name)}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Refused(unknown, board=name, known=", ".join(_names(path.parent))) from None
    if not isinstance(found, dict) or not isinstance(found.get("sleeps"), list):
        raise Refused(unknown, board=name, known=", ".join(_names(path.parent)))
    return found


def modem(node: Node) -> dict[str, Any]:
    """Return the serial line on which a board has its LoRaWAN module; raise Refused."""
    if not folder().is_dir():
        raise Refused("no-boards", folder=folder())
    able = known("unix" if node.board is None else node.board.name)
    found: dict[str, Any] = able["pins"]["modem"]
    return found


def radio(node: Node) -> dict[str, Any]:
    """Return the chip and pins of a board's LoRa radio; {} for a simulated board."""
    if node.board is None or node.board.name in FILES:
        return {}
    if not folder().is_dir():
        raise Refused("no-boards", folder=folder())
    wired = dict(known(node.board.name)["pins"]["radio"])
    chip = wired.pop("chip")
    asked = None if node.radio is None else node.radio.chip
    if asked == "rak3172":
        return {"chip": asked, "uart": modem(node)}
    return {"chip": asked or chip, "pins": wired}


def check(node: Node) -> None:
    """Raise Refused with the first thing that a node's board cannot do."""
    board = node.board
    if board is None or not folder().is_dir():  # where only the packages are installed
        return
    able = known(board.name)
    sleep = board.sleep or "light"
    if sleep not in able["sleeps"]:
        choices = ", ".join(able["sleeps"])
        raise Refused("board-sleep", board=board.name, sleep=sleep, choices=choices)
    most_s = able.get("watchdog_s_max")
    if most_s is not None and board.watchdog_s is not None and board.watchdog_s > most_s:
        raise Refused("board-watchdog", board=board.name, value=board.watchdog_s, most=most_s)
    for wire in _wires(node, board):
        _check_pin(board.name, able, wire)
    _check_float(board, able)
    if node.carrier == "lorawan" or (node.radio is not None and node.radio.chip == "rak3172"):
        _check_modem(node, board, modem(node))
    elif node.carrier == "bridge" and board.name not in FILES:
        _check_radio(node, board)


def _check_radio(node: Node, board: Board) -> None:
    """Raise Refused if a sensor is on a pin of the radio to the bridge."""
    wired = radio(node)
    if "uart" in wired:
        _check_modem(node, board, wired["uart"])
        return
    pins = wired["pins"]
    named = ("cs", "busy", "reset", "dio1", "rxen", "txen")
    taken = {pins.get(name) for name in named} | {pins["spi"][n] for n in ("sck", "mosi", "miso")}
    for place, pin, _ in _wires(node, board):
        if pin in taken:
            raise Refused("pin-modem", board=board.name, pin=pin, place=place)


def _check_modem(node: Node, board: Board, line: dict[str, Any]) -> None:
    """Raise Refused if a sensor is on the serial line or a pin of the radio module."""
    for place, pin, _ in _wires(node, board):
        if pin in (line.get("tx"), line.get("rx")):
            raise Refused("pin-modem", board=board.name, pin=pin, place=place)
    for channel in node.channels:
        uart = getattr(channel.probe, "uart", None)
        if uart is not None and uart.id == line.get("id"):
            place = f"{channel.sensor}.uart.id"
            raise Refused("uart-modem", board=board.name, id=uart.id, place=place)


def _check_pin(name: str, able: dict[str, Any], wire: Wire) -> None:
    place, pin, driven = wire
    if pin in able.get("taken", ()):
        raise Refused("pin-taken", board=name, pin=pin, place=place)
    if pin > able.get("last", pin):
        raise Refused("pin-none", board=name, pin=pin, place=place, last=able["last"])
    if driven and pin in able.get("inputs", ()):
        raise Refused("pin-input", board=name, pin=pin, place=place)


def _check_float(board: Board, able: dict[str, Any]) -> None:
    switch = board.float
    if board.sleep != "deep" or switch is None or switch.wakes is False:
        return
    if switch.pin not in able.get("wakes", (switch.pin,)):
        choices = ", ".join(str(pin) for pin in able["wakes"])
        raise Refused("pin-wakes", board=board.name, pin=switch.pin, choices=choices)


def _wires(node: Node, board: Board) -> Iterator[Wire]:
    for path, pin, _ in pins(board):
        yield ".".join(("board", *path)), pin, _is_driven(path)
    for channel in node.channels:
        for path, pin, _ in pins(channel.probe) if channel.probe else ():
            yield ".".join((channel.sensor, *path)), pin, _is_driven(path)


def _is_driven(path: tuple[str, ...]) -> bool:
    return any(word in DRIVEN for word in path)


def _names(folder: Path) -> list[str]:
    names = {file: name for name, file in FILES.items()}
    return sorted(names.get(path.stem, path.stem) for path in folder.glob("*.json"))
