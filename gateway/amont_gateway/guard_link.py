"""Speak to the guard over its Unix socket: one reader thread, one writer thread.

What is to be sent waits in bounded queues; what does not fit is dropped and counted, which costs
a node a retransmission and nothing else. Confirmations go before new frames.
"""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from amont_gateway import texts
from amont_gateway.backoff import Backoff
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.guard_words import word_result
from amont_gateway.view import Action, Result
from amont_guard import messages

MAX_RAW = 20_000  # frames waiting for the guard: 1 MB
MAX_COMMITTED = 20_000
MAX_CHUNKS = 4_000  # of updates; a node asks again for what is dropped
CHUNK_BATCH = 512
RAW_BATCH = 256
COMMITTED_BATCH = 1_000
_T = TypeVar("_T")
_ROUND_S = 0.5  # how often a blocked thread looks whether it should stop


class GuardListener(Protocol):
    """Who takes what the guard says; called on the reader thread and must not wait."""

    def opened(self, frames: list[messages.Opened]) -> None:
        """Take authentic frames."""

    def rejected(self, items: list[tuple[int, int, int]]) -> None:
        """Take refusals: (handle, node, index into messages.REASONS)."""

    def downlinks(self, items: list[tuple[int, bytes]]) -> None:
        """Take sealed downlinks to carry: (node, frame)."""

    def state(self, state: dict[str, Any]) -> None:
        """Take a STATE message."""

    def audit(self, record: dict[str, Any]) -> None:
        """Take one audit record."""


class GuardLink:
    """The gateway's end of the socket."""

    def __init__(self, path: Path, counters: Counters, events: Events) -> None:
        self._path = path
        self._counters = counters
        self._events = events
        self._listener: GuardListener | None = None
        self._socket: socket.socket | None = None
        self._wake = threading.Condition()
        self._raw: deque[tuple[int, bytes]] = deque()
        self._committed: deque[messages.Committed] = deque()
        self._json: deque[bytes] = deque(maxlen=100)
        self._chunks: deque[messages.Chunk] = deque(maxlen=MAX_CHUNKS)
        self._handles = itertools.count(1)
        self._waiting: dict[str, tuple[threading.Event, list[dict[str, Any]]]] = {}
        self._backoff = Backoff(0.02, 0.5)  # it is on the same machine
        self._boot = int(time.time() * 1000)

    @property
    def connected(self) -> bool:
        """Tell whether the guard is there."""
        return self._socket is not None

    def listen(self, listener: GuardListener) -> None:
        """Name who takes the messages; before ``run_reader``."""
        self._listener = listener

    def send_raw(self, frame: bytes) -> bool:
        """Queue a sealed frame for the guard; False if there is no room or no guard."""
        with self._wake:
            if self._socket is None or len(self._raw) >= MAX_RAW:
                self._counters.add("frames_not_taken")
                return False
            self._raw.append((next(self._handles) & 0xFFFFFFFF, frame))
            if len(self._raw) == 1:
                self._wake.notify()
        return True

    def send_committed(self, items: list[messages.Committed]) -> None:
        """Queue what became durable; the oldest are dropped if the guard does not read."""
        with self._wake:
            room = MAX_COMMITTED - len(self._committed)
            if self._socket is None or room < len(items):
                self._counters.add("confirmations_dropped", len(items))
                return
            self._committed.extend(items)
            self._wake.notify()

    def send_update(self, chunks: list[messages.Chunk]) -> None:
        """Queue parts of an update, behind everything else."""
        with self._wake:
            if self._socket is not None:
                self._chunks.extend(chunks)
                self._wake.notify()

    def send_advice(self, advice: dict[str, Any]) -> None:
        """Queue a model's advice."""
        self._send_json(messages.ADVICE, advice)

    def act(self, action: Action, issued_ms: int, timeout_s: float = 5.0) -> Result:
        """Ask the guard to do what a person wants and wait for its answer."""
        name = f"{self._boot:x}-{next(self._handles)}"
        answered, answers = threading.Event(), list[dict[str, Any]]()
        self._waiting[name] = (answered, answers)
        try:
            request = {**msgspec.to_builtins(action), "id": name, "issued_ms": issued_ms}
            if not self._send_json(messages.ACTION, request):
                return Result(ok=False, code="guard-away", text=texts.RESULTS["guard-away"])
            if not answered.wait(timeout_s):
                return Result(ok=False, code="timeout", text=texts.RESULTS["timeout"])
        finally:
            del self._waiting[name]
        return _result(answers[0], action.kind)

    def run_reader(self, stopping: threading.Event) -> None:
        """Connect, read, and connect again until told to stop."""
        while not stopping.is_set():
            link = self._connect()
            if link is None:
                stopping.wait(self._backoff.next_s())
                continue
            began = time.monotonic()
            reason = self._read(link, stopping)
            self._backoff.lasted(time.monotonic() - began)
            self._hang_up(link)
            if not stopping.is_set():
                self._events.note("guard_away", reason)
                stopping.wait(self._backoff.next_s())

    def run_writer(self, stopping: threading.Event) -> None:
        """Send what is queued until told to stop."""
        while not stopping.is_set():
            with self._wake:
                if not (self._committed or self._raw or self._json or self._chunks):
                    self._wake.wait(_ROUND_S)
                link, message = self._socket, self._next_message()
            if link is not None and message is not None:
                self._send(link, message, stopping)

    def _connect(self) -> socket.socket | None:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            link.settimeout(_ROUND_S)
            link.connect(str(self._path))
            link.send(messages.encode_json(messages.HELLO, {"format": 1}))
        except OSError as error:
            link.close()
            self._events.note("guard_away", str(error))
            return None
        with self._wake:
            self._socket = link
        self._events.note("guard_ok")
        return link

    def _hang_up(self, link: socket.socket) -> None:
        with self._wake:
            self._socket = None
            dropped = len(self._raw) + len(self._committed)
            self._raw.clear()
            self._committed.clear()
            self._json.clear()
            self._chunks.clear()
        self._counters.add("frames_not_taken", dropped)
        link.close()

    def _read(self, link: socket.socket, stopping: threading.Event) -> str:
        """Read until the link fails; return why it did."""
        while not stopping.is_set():
            try:
                message = link.recv(messages.MAX_MESSAGE + 1)
            except TimeoutError:
                continue
            except OSError as error:
                return str(error)
            if not message:
                return "closed by the guard"
            try:
                self._dispatch(message)
            except messages.MessageError as error:
                self._events.note("guard_message", str(error))
        return ""

    def _dispatch(self, message: bytes) -> None:
        kind, listener = message[0], self._listener
        assert listener is not None
        if kind == messages.OPENED:
            listener.opened(list(messages.decode_opened(message)))
        elif kind == messages.REJECTED:
            listener.rejected(list(messages.decode_rejected(message)))
        elif kind == messages.DOWNLINK:
            listener.downlinks(list(messages.decode_downlinks(message)))
        elif kind == messages.STATE:
            listener.state(messages.decode_json(message))
        elif kind == messages.EVENT:
            listener.audit(messages.decode_json(message))
        elif kind == messages.RESULT:
            self._answer(messages.decode_json(message))
        else:
            raise messages.MessageError(f"unknown kind {kind}")

    def _answer(self, result: dict[str, Any]) -> None:
        waiting = self._waiting.get(str(result.get("id")))
        if waiting is not None:
            waiting[1].append(result)
            waiting[0].set()

    def _send_json(self, kind: int, value: dict[str, Any]) -> bool:
        message = messages.encode_json(kind, value)
        with self._wake:
            if self._socket is None:
                return False
            self._json.append(message)
            self._wake.notify()
        return True

    def _next_message(self) -> bytes | None:
        """Take the most important waiting message; the caller holds the lock."""
        if self._json:
            return self._json.popleft()
        if self._committed:
            return messages.encode_committed(_take(self._committed, COMMITTED_BATCH))
        if self._raw:
            return messages.encode_raw(_take(self._raw, RAW_BATCH))
        if self._chunks:
            return messages.encode_update(_take(self._chunks, CHUNK_BATCH))
        return None

    def _send(self, link: socket.socket, message: bytes, stopping: threading.Event) -> None:
        while not stopping.is_set() and link is self._socket:
            try:
                link.send(message)
                return
            except TimeoutError:
                continue  # the guard is slow; the queues fill and count
            except OSError:
                return  # the reader notices and connects again


def _take(queue: deque[_T], most: int) -> list[_T]:
    return [queue.popleft() for _ in range(min(most, len(queue)))]


def _result(answer: dict[str, Any], kind: str) -> Result:
    code = str(answer.get("code", ""))
    return Result(ok=answer.get("ok") is True, code=code, text=word_result(code, kind))
