"""Serve one gateway on a Unix socket without ever waiting for it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path

from .messages import MAX_MESSAGE

_QUEUE = 64  # messages that wait for a busy gateway; then new ones are dropped
_RETRY_S = 2.0
_NO_DISK = (errno.EROFS, errno.ENOSPC)
_CREDENTIALS = struct.Struct("3i")


class SocketError(RuntimeError):
    """The socket cannot be opened; the message says why."""


class GatewaySocket:
    """A SOCK_SEQPACKET server for one peer at a time, its credentials checked."""

    def __init__(self, path: Path, uids: Iterable[int], counters: Counter[str]) -> None:
        """Bind ``path`` with mode 0660; peers must run as this user or as one of ``uids``.

        On a full or read-only disk there is no gateway, only sirens, until it can be written.
        """
        self._path, self._counters = path, counters
        self._uids = {os.getuid(), *uids}
        self._peer: socket.socket | None = None
        self._queue: deque[bytes] = deque()
        self._retry_at = 0.0
        self._listener = self._bind()

    def _bind(self) -> socket.socket | None:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.setblocking(False)
        mask = os.umask(0o117)
        try:
            # The state folder's lock says that no other guard lives.
            self._path.unlink(missing_ok=True)
            listener.bind(str(self._path))
            listener.listen(4)
        except OSError as error:
            listener.close()
            self._retry_at = time.monotonic() + _RETRY_S
            if error.errno not in _NO_DISK:
                raise SocketError(f"{self._path}: {error.strerror or error}") from None
            return None
        finally:
            os.umask(mask)
        return listener

    @property
    def connected(self) -> bool:
        """Tell whether a gateway is there."""
        return self._peer is not None

    def sources(self) -> list[socket.socket]:
        """Return what to select on for reading."""
        return [end for end in (self._listener, self._peer) if end is not None]

    def accept(self) -> None:
        """Let a new peer in, or refuse it."""
        if self._listener is None:
            if time.monotonic() >= self._retry_at:
                with contextlib.suppress(SocketError):
                    self._listener = self._bind()
            return
        try:
            peer, _ = self._listener.accept()
        except OSError:
            return
        packed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        uid = _CREDENTIALS.unpack(packed)[1]
        if self._peer is not None or uid not in self._uids:
            self._counters["gateway refused"] += 1
            peer.close()
            return
        peer.setblocking(False)
        self._peer = peer
        self._counters["gateway connected"] += 1

    def receive(self) -> bytes | None:
        """Return one message, None if there is none (any more)."""
        if self._peer is None:
            return None
        try:
            message = self._peer.recv(MAX_MESSAGE + 1)
        except BlockingIOError:
            return None
        except OSError:
            message = b""
        if not message:
            self._drop_peer()
        elif len(message) > MAX_MESSAGE:
            self._counters["message too long"] += 1
            return None
        return message or None

    def send(self, message: bytes) -> None:
        """Send, or queue, or drop and count; never wait."""
        if self._peer is None:
            return
        if len(self._queue) >= _QUEUE:
            self._counters["dropped to gateway"] += 1
            return
        self._queue.append(message)
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the peer takes it."""
        while self._queue and self._peer is not None:
            try:
                self._peer.send(self._queue[0])
            except BlockingIOError:
                return
            except OSError:
                self._drop_peer()
                return
            self._queue.popleft()

    def close(self) -> None:
        """Hang up and remove the socket file."""
        self._drop_peer()
        if self._listener is not None:
            self._listener.close()
            with contextlib.suppress(OSError):  # the next start removes it
                self._path.unlink()

    def _drop_peer(self) -> None:
        if self._peer is not None:
            self._peer.close()
            self._peer = None
            self._queue.clear()
