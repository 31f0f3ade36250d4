"""A guard for unit tests: opens, passes on, and acknowledges what is committed; judges nothing."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

from amont_guard import messages
from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.errors import WireError
from amont_wire.frame import Opener, Sealer, peek
from amont_wire.messages import Ack


class FakeGuard:
    def __init__(self, path: Path, secrets: dict[int, bytes]) -> None:
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.bind(str(path))
        self._server.listen(1)
        self._openers = {n: Opener(s, n, 1, const.UPLINK) for n, s in secrets.items()}
        self._sealers = {
            n: Sealer(s, n, 1, const.DOWNLINK, ReservedCounter(0, lambda _limit: None))
            for n, s in secrets.items()
        }
        self.committed: list[messages.Committed] = []
        self.advice: list[dict] = []
        self.peer: socket.socket | None = None
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, message: bytes) -> None:
        assert self.peer is not None
        self.peer.sendall(message)

    def hang_up(self) -> None:
        if self.peer is not None:
            self.peer.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._stop = True
        self.hang_up()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop:
            try:
                self.peer, _ = self._server.accept()
            except OSError:
                return
            while message := self._receive():
                self._take(message)
            self.peer.close()
            self.peer = None

    def _receive(self) -> bytes:
        try:
            return self.peer.recv(messages.MAX_MESSAGE + 1)
        except OSError:
            return b""

    def _take(self, message: bytes) -> None:
        kind = message[0]
        if kind == messages.RAW:
            self._open(list(messages.decode_raw(message)))
        elif kind == messages.COMMITTED:
            items = list(messages.decode_committed(message))
            self.committed += items
            acks = [(c.node, self._ack(c)) for c in items]
            self._reply(messages.encode_downlinks(acks))
        elif kind == messages.ADVICE:
            self.advice.append(messages.decode_json(message))
        elif kind == messages.ACTION:
            asked = messages.decode_json(message)
            answer = {"id": asked["id"], "ok": asked["pin"] == "1234", "code": "pin"}
            answer["text"] = {"fr": "fait", "en": "done"}
            self._reply(messages.encode_json(messages.RESULT, answer))
        elif kind == messages.HELLO:
            state = {"at_ms": 0, "site": "test", "stations": [], "sirens": [], "sensors": []}
            self._reply(messages.encode_json(messages.STATE, state))

    def _reply(self, message: bytes) -> None:
        try:
            self.send(message)
        except OSError:
            return

    def _open(self, frames: list[tuple[int, bytes]]) -> None:
        opened, rejected = [], []
        now_ms = time.time_ns() // 1_000_000
        for handle, frame in frames:
            try:
                node = peek(frame).node
                header, body = self._openers[node].open(frame)
            except (WireError, KeyError) as error:
                reason = 4 if isinstance(error, KeyError) else 5
                rejected.append((handle, int.from_bytes(frame[1:3], "little"), reason))
                continue
            life = body[0] << 4 | body[1] >> 4
            fields = (header.counter, header.type, 0, 0, now_ms, 0, 0, body)
            opened.append(messages.Opened(handle, node, 1 << 12 | life, *fields))
        if opened:
            self._reply(messages.encode_opened(opened))
        if rejected:
            self._reply(messages.encode_rejected(rejected))

    def _ack(self, item: messages.Committed) -> bytes:
        ack = Ack(
            answers=item.counter,
            nonce=1,
            life=item.epoch & 0xFFF,
            through=item.through,
            bits=item.bits,
            nbits=item.bits.bit_length(),
            rate=item.rate,
        )
        return self._sealers[item.node].seal(const.ACK, ack.encode())[1]
