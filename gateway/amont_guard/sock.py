"""Serve one gateway on a Unix socket, and whoever only looks on another; wait for nobody."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path

from .messages import MAX_MESSAGE

LOOKERS = 2  # are shown a state; whoever comes after them waits for the next
_QUEUE = 64  # messages that wait for a busy gateway; then new ones are dropped
_RETRY_S = 2.0
_CREDENTIALS = struct.Struct("3i")


class GatewaySocket:
    """A SOCK_SEQPACKET server for one gateway at a time, its credentials checked.

    Beside it lies ``status.sock``: who connects there is sent the next STATE, and hung up on.
    Nothing is ever read from him, so he can change nothing, and he waits in the kernel, not here.
    """

    def __init__(self, path: Path, uids: Iterable[int], counters: Counter[str]) -> None:
        """Bind ``path`` with mode 0660; peers must run as this user or as one of ``uids``.

        Where it cannot be bound (a full or read-only disk) there are only sirens, until it can.
        """
        self._paths, self._counters = (path, path.with_name("status.sock")), counters
        self._uids = {os.getuid(), *uids}
        self._doors: list[socket.socket] = []  # for the gateway, for lookers
        self._peer: socket.socket | None = None
        self._queue: deque[bytes] = deque()
        self._bind()

    @property
    def connected(self) -> bool:
        """Tell whether a gateway is there."""
        return self._peer is not None

    def sources(self) -> list[socket.socket]:
        """Return what to select on for reading."""
        return [*self._doors[:1], *([self._peer] if self._peer else [])]

    def accept(self) -> None:
        """Let a new gateway in, or refuse it."""
        if not self._doors and time.monotonic() >= self._retry_at:
            self._bind()
        peer = self._admit(0)
        if peer is not None and self._peer is None:
            self._peer = peer
            self._counters["gateway connected"] += 1
        elif peer is not None:
            self._counters["gateway refused"] += 1
            peer.close()

    def receive(self) -> bytes | None:
        """Return one message, None if there is none (any more)."""
        try:
            message = self._peer.recv(MAX_MESSAGE + 1) if self._peer else None
        except BlockingIOError:
            return None
        except OSError:
            message = b""
        if message == b"":
            self._hang_up()
        elif message and len(message) > MAX_MESSAGE:
            self._counters["message too long"] += 1
            return None
        return message or None

    def show(self, state: bytes) -> None:
        """Send a STATE to the gateway and to those who wait to look."""
        self.send(state)
        for _ in range(LOOKERS):
            looker = self._admit(1)
            if looker is not None:
                with looker, contextlib.suppress(OSError):
                    looker.send(state)

    def send(self, message: bytes) -> None:
        """Send to the gateway, or queue, or drop and count; never wait."""
        if len(self._queue) >= _QUEUE:
            self._counters["dropped to gateway"] += 1
        elif self._peer is not None:
            self._queue.append(message)
            self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the gateway takes it."""
        try:
            while self._queue and self._peer is not None:
                self._peer.send(self._queue[0])
                self._queue.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._hang_up()

    def close(self) -> None:
        """Hang up and remove the socket files."""
        self._hang_up()
        self._close_doors()
        for path in self._paths:
            with contextlib.suppress(OSError):  # the next start removes it
                path.unlink()

    def _bind(self) -> None:
        self._retry_at = time.monotonic() + _RETRY_S
        mask = os.umask(0o117)
        try:
            for path in self._paths:
                self._doors.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
                self._doors[-1].setblocking(False)
                path.unlink(missing_ok=True)  # the state folder is locked: no other guard lives
                self._doors[-1].bind(str(path))
                self._doors[-1].listen(LOOKERS)
        except OSError as error:
            self._counters[f"socket: {error.strerror or error}"] += 1
            self._close_doors()
        finally:
            os.umask(mask)

    def _admit(self, door: int) -> socket.socket | None:
        try:
            peer, _ = self._doors[door].accept()
        except (IndexError, OSError):
            return None
        packed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(packed)[1] in self._uids:
            peer.setblocking(False)
            return peer
        self._counters["gateway refused"] += 1
        peer.close()
        return None

    def _hang_up(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._peer = None
        self._queue.clear()

    def _close_doors(self) -> None:
        while self._doors:
            self._doors.pop().close()
