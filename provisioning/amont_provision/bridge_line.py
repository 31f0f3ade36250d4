"""Speak to a bridge over its cable as the guard does: who it is, how its radio is.

A bridge's cable carries frames and no prompt. Whoever wants the prompt asks for it on the line,
and the board restarts once without its program.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from amont_provision.repl import Line
from amont_provision.serial_port import SerialLine, looks_serial
from amont_provision.texts import Refused
from amont_provision.virtual import VirtualBoard
from amont_wire import link
from amont_wire.errors import WireError

ASK_S = 0.5  # between two questions
ANSWER_S = 1.2  # a bridge that runs answers at once
SLICE_S = 0.1
PROMPT_S = 12.0  # a board with its own USB is away for so long when it restarts
RADIO_S = 3.0  # until a chip that does not answer has been noticed
SERVICE = b'"service"'  # what the loader prints before its prompt
TRIED = link.Settings(link.ROLE_LISTEN, [868100], [9])
Kind = TypeVar("Kind", bound=link.Line)


@dataclass(frozen=True)
class Seen:
    """A bridge that answered."""

    unique: str
    version: int
    role: int
    radio: int
    release: int
    fault: str = ""  # of its radio


def opened(text: str) -> SerialLine:
    """Open the line of a port's name, starting a simulated board; raise Refused."""
    kind, _, rest = text.partition(":")
    if kind == "virtual" and Path(rest).is_dir():
        board = VirtualBoard(Path(rest))
        board.start()
        return SerialLine(board.terminal(), text)
    if not looks_serial(text):
        raise Refused("port-unknown", port=text)
    return SerialLine(text, text)


def ask(line: Line, limit_s: float) -> Seen | None:
    """Return who is at the other end, None if no bridge answers in time."""
    told = _answer(line, link.Ask(), link.Identity, limit_s)
    if told is None:
        return None
    return Seen(told.unique.hex(), told.version, told.role, told.radio, told.release)


def prove(line: Line, limit_s: float) -> Seen | None:
    """Return a bridge with its radio tried: it listens for a moment, and sends nothing."""
    if ask(line, limit_s) is None:
        return None
    status = _answer(line, TRIED, link.Status, RADIO_S, lambda one: bool(_fault(one)))
    seen = ask(line, ANSWER_S)
    return seen and replace(seen, fault=_fault(status) if status else "")


def _fault(status: link.Status) -> str:
    return status.radio.fault if status.radio else ""


def to_prompt(text: str, limit_s: float = ANSWER_S) -> bool:
    """Bring a running bridge to its prompt; False if there is none. Raises Refused."""
    with closing(opened(text)) as line:
        if ask(line, limit_s) is None:
            return False
        line.give(link.Service().pack())
        line.may_leave()
        said, until_s = b"", time.monotonic() + PROMPT_S
        while SERVICE not in said and time.monotonic() < until_s:
            said = said[-len(SERVICE) :] + line.take(SLICE_S)
        return True


def _answer(
    line: Line, question: link.Line, kind: type[Kind], limit_s: float,
    good: Callable[[Kind], bool] = lambda _: True,
) -> Kind | None:  # fmt: skip
    deframer, until_s, asked_s = link.Deframer(), time.monotonic() + limit_s, 0.0
    while (now_s := time.monotonic()) < until_s:
        if now_s >= asked_s:
            line.give(b"\x00" + question.pack())
            asked_s = now_s + ASK_S
        for payload in deframer.feed(line.take(SLICE_S)):
            try:
                told = link.unpack(payload)
            except WireError:
                continue
            if isinstance(told, kind) and good(told):
                return told
    return None
