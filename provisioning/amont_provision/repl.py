"""Talk to MicroPython's raw REPL over a line of bytes: enter it, run code, leave it.

The board may be doing anything when we come: running a program, booting, standing in a REPL that
a killed client left. So entering knocks (Ctrl-C and Ctrl-B in turn) until the friendly prompt
shows, and only then asks for the raw one. Every wait ends at a deadline.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from amont_provision.texts import Refused

INTERRUPT, FRIENDLY, RAW, END = b"\x03", b"\x02", b"\x01", b"\x04"
RAW_PASTE = b"\x05A\x01"
RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
PROMPT = b">>> "
TRACE = b"Traceback (most recent call last)"
ENTER_S = 15.0  # an ESP32 that opening the port has reset needs up to 3 s until it listens
KNOCK_S = 0.3
RESTLESS_S = 0.04
ANSWER_S = 3.0  # until the board has taken what we sent, and compiled it
PIECE_BYTES = 32  # plain raw mode has no flow control, and a micro:bit's buffer holds 64
PIECE_PAUSE_S = 0.01
PIECE_PAUSE_MAX_S = 0.16
SETTLE_S = 0.01
REPLY_LIMIT = 1 << 20
TAIL_BYTES = 4096
BOOT_SIGNS = (b"soft reboot", b'Type "help()"')
BOOTED = b"information.\r\n>>> "  # the end of the banner: no answer will come any more


class Line(Protocol):
    """Bytes to and from a board; raises Refused when it is gone."""

    def take(self, wait_s: float) -> bytes:
        """Return what has come, waiting at most so long for the first byte."""

    def give(self, data: bytes) -> None:
        """Send all of it."""


class Garbled(Refused):
    """An answer that makes no sense; asking again may help."""


class BoardError(Refused):
    """The board's own exception; ``traceback`` has all of it."""

    def __init__(self, port: str, traceback: str) -> None:
        self.traceback = traceback
        lines = traceback.strip().splitlines()
        super().__init__("board-raised", port=port, why=lines[-1] if lines else "?")

    def says(self, signs: Iterable[str]) -> bool:
        """Tell whether one of these words is in it."""
        return any(sign in self.traceback for sign in signs)


class Repl:
    """One board's interpreter.

    line: where its bytes come and go. shown: its port as a person knows it. clock: seconds that
    never go back; tests pass their own.
    """

    def __init__(
        self, line: Line, shown: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.shown = shown
        self.interrupted = False  # a program was stopped and not started again
        self._line = line
        self._clock = clock
        self._seen = bytearray()  # came, not yet looked at
        self._tail = bytearray()  # the newest bytes, for telling what the board was doing
        self._in_step = False  # at the raw prompt, nothing outstanding
        self._asked = False  # code was sent, its answer is awaited
        self._other = ""  # what it said to be instead of MicroPython
        self._pastes: bool | None = None  # whether the board knows raw paste; None: not asked
        self._pause_s = PIECE_PAUSE_S  # between pieces for a board that does not

    def enter(self, timeout_s: float = ENTER_S) -> None:
        """Stop whatever runs and reach the raw prompt; raise Refused."""
        if self._in_step:
            return
        deadline = self._clock() + timeout_s
        self._tail.clear()
        knocks = 0
        while self._clock() < deadline:
            self._line.give(FRIENDLY if knocks % 2 else b"\r" + INTERRUPT)
            knocks += 1
            if self._prompt_comes() and self._raw_prompt_comes() and self._echoes():
                return
        raise self._no_prompt()

    def exec(self, code: str, timeout_s: float) -> bytes:
        """Run code and return what it printed; raise BoardError, Garbled or another Refused.

        When time is up the code is interrupted, so that the board is left usable.
        """
        self.enter()
        deadline = self._clock() + timeout_s
        with self._asking():
            return self._answer(code, deadline, timeout_s)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        self._in_step, self._asked = False, True
        self._tail.clear()
        try:
            yield
        finally:
            self._asked = False

    def _answer(self, code: str, deadline: float, timeout_s: float) -> bytes:
        self._submit(code.encode())
        try:
            printed = self._until(END, deadline)
            error = self._until(END, deadline)
            if self._exactly(1, deadline) != b">":
                raise self._garbled("no prompt after the answer")
        except TimeoutError:
            raise self._late(timeout_s) from None
        self._in_step = True
        if error:
            raise BoardError(self.shown, error.decode(errors="replace"))
        return printed

    def slow_down(self) -> None:
        """Give a board without flow control more time for each piece from now on."""
        self._pause_s = min(2 * self._pause_s, PIECE_PAUSE_MAX_S)

    def send_last(self, code: str) -> None:
        """Run code of which no answer will come, such as a reset."""
        self.enter()
        with self._asking():
            self._submit(code.encode())

    def soft_reset(self, timeout_s: float = ENTER_S) -> None:
        """Give the interpreter a clean heap, without starting the board's program."""
        self.enter()
        self._in_step = False
        self._line.give(END)
        try:
            self._until(RAW_PROMPT, self._clock() + timeout_s)
        except TimeoutError:
            raise self._late(timeout_s) from None
        self._in_step = True

    def start(self) -> None:
        """Start the board's program again, as after power-on but for the hardware's state."""
        self.enter()
        self._in_step = False
        self._line.give(FRIENDLY)
        try:
            self._until(PROMPT, self._clock() + ANSWER_S)
        except TimeoutError:
            raise self._late(ANSWER_S) from None
        self._line.give(END)
        self.restarted()

    def restarted(self) -> None:
        """Know that the board was restarted: nothing that was said before counts."""
        self.interrupted = False
        self._in_step = False
        self._seen.clear()

    def lines(self, timeout_s: float) -> Iterator[str]:
        """Yield the lines that the running program prints until time is up."""
        deadline = self._clock() + timeout_s
        while True:
            try:
                line = self._until(b"\n", deadline)
            except TimeoutError:
                return
            # The end of the answer to a reset may still come before the first line.
            yield line.strip(b"\r\0" + END).decode(errors="replace")

    # --- entering

    def _prompt_comes(self) -> bool:
        self._seen.clear()
        until = self._clock() + KNOCK_S
        while (now := self._clock()) < until:
            restless = TRACE in self._tail
            try:
                self._until(PROMPT, min(until, now + RESTLESS_S) if restless else until)
            except TimeoutError:
                # A program that fails at once and starts again has to be caught while it runs.
                if restless:
                    self._line.give(INTERRUPT)
                continue
            self.interrupted = True
            return True
        return False

    def _raw_prompt_comes(self) -> bool:
        self._settle()
        self._line.give(RAW)
        try:
            self._until(RAW_PROMPT, self._clock() + ANSWER_S)
        except TimeoutError:
            return False
        self._settle()
        self._in_step = True
        return True

    # One exchange that can only be answered by an interpreter that is in step.
    def _echoes(self) -> bool:
        token = f"amont{int(self._clock() * 1e6) & 0xFFFFFF}"
        try:
            said = self.exec(f"import sys\nprint('{token}',sys.implementation[0])", ANSWER_S)
        except Refused as error:
            if error.code.startswith("port-"):
                raise
            return False
        words = said.decode(errors="replace").split()
        if words == [token, "micropython"]:
            return True
        self._in_step = False
        other = " ".join(words[1:])
        if words[:1] == [token] and other == self._other:  # twice the same is no noise
            raise Refused("repl-foreign", port=self.shown, why=other)
        self._other = other
        return False

    # Let late answers to earlier knocks pass.
    def _settle(self) -> None:
        until = self._clock() + ANSWER_S
        while self._line_had(SETTLE_S) and self._clock() < until:
            pass
        self._seen.clear()

    def _no_prompt(self) -> Refused:
        heard = bytes(self._tail)
        shown = heard.decode("ascii", errors="replace")
        if not heard.strip(b"\r\n\0"):
            return Refused("repl-silent", port=self.shown)
        if TRACE in heard or b"KeyboardInterrupt" in heard:
            return Refused("repl-restless", port=self.shown)
        if b"amont {" in heard:  # a line of the node's console
            return Refused("repl-locked", port=self.shown)
        last = next((line.strip() for line in reversed(shown.splitlines()) if line.strip()), "")
        why = "".join(c if c.isprintable() else "?" for c in last)[:60]
        return Refused("repl-foreign", port=self.shown, why=why)

    # --- sending code

    def _submit(self, code: bytes) -> None:
        try:
            if self._pastes is False or not self._pasted(code):
                self._typed(code)
        except TimeoutError:
            raise self._garbled("code not taken") from None

    def _typed(self, code: bytes) -> None:
        for start in range(0, len(code), PIECE_BYTES):
            self._line.give(code[start : start + PIECE_BYTES])
            self._line_had(self._pause_s)
        self._line.give(END)
        if self._exactly(2, self._soon()) != b"OK":
            raise self._garbled("code not taken")

    # False: this board does not know raw paste; nothing of the code was sent.
    def _pasted(self, code: bytes) -> bool:
        self._line.give(RAW_PASTE)
        answer = self._exactly(2, self._soon())
        if answer == b"R\x01":
            self._pastes = True
            self._paste(code)
            return True
        if self._pastes or answer not in (b"R\x00", b"ra"):
            raise self._garbled("raw paste refused")
        if answer == b"ra":  # an old board took the last byte for "raw REPL, please"
            self._until(RAW_PROMPT[2:], self._soon())
        self._pastes = False
        return False

    def _paste(self, code: bytes) -> None:
        window = int.from_bytes(self._exactly(2, self._soon()), "little")
        room = window
        while code:
            while room <= 0 or self._seen or self._line_had(0):
                asked = self._exactly(1, self._soon())
                if asked == END:  # the board has seen enough: a syntax error
                    self._line.give(END)
                    return
                if asked != RAW:
                    raise self._garbled("flow control lost")
                room += window
            self._line.give(code[:room])
            code, room = code[room:], room - len(code[:room])
        self._line.give(END)
        if self._until(END, self._soon()).strip(RAW):
            raise self._garbled("code not taken")

    def _soon(self) -> float:
        return self._clock() + ANSWER_S

    # --- reading

    def _until(self, mark: bytes, deadline: float) -> bytes:
        """Return what comes before a mark; raise TimeoutError."""
        looked = 0
        while (at := self._seen.find(mark, max(0, looked - len(mark)))) < 0:
            looked = len(self._seen)
            self._fill(deadline)
        before = bytes(self._seen[:at])
        del self._seen[: at + len(mark)]
        return before

    def _exactly(self, count: int, deadline: float) -> bytes:
        while len(self._seen) < count:
            self._fill(deadline)
        first = bytes(self._seen[:count])
        del self._seen[:count]
        return first

    def _fill(self, deadline: float) -> None:
        left_s = deadline - self._clock()
        if left_s <= 0 or not self._line_had(left_s):
            raise TimeoutError
        if self._asked and BOOTED in self._seen:
            raise Refused("repl-restarted", port=self.shown)
        if len(self._seen) > REPLY_LIMIT:
            raise Refused("repl-flood", port=self.shown, limit=REPLY_LIMIT)

    def _line_had(self, wait_s: float) -> bool:
        data = self._line.take(wait_s)
        self._seen += data
        self._tail += data
        del self._tail[:-TAIL_BYTES]
        return bool(data)

    # --- what went wrong

    def _garbled(self, why: str) -> Refused:
        if self._has_booted():
            return Refused("repl-restarted", port=self.shown)
        return Garbled("repl-garbled", port=self.shown, why=why)

    def _has_booted(self) -> bool:
        return any(sign in self._tail for sign in BOOT_SIGNS)

    def _late(self, seconds: float) -> Refused:
        if self._has_booted():
            return Refused("repl-restarted", port=self.shown)
        self._line.give(b"\r" + INTERRUPT + INTERRUPT)
        return Refused("repl-timeout", port=self.shown, seconds=f"{seconds:g}")
