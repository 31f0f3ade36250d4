"""A guard in miniature for trying nodes: opens frames, remembers, acknowledges. No alarm logic."""

import os
import select
import socket
import time
from collections.abc import Callable

from amont_wire import const, link
from amont_wire.counters import ReservedCounter
from amont_wire.errors import WireError
from amont_wire.frame import Opener, Sealer
from amont_wire.messages import Ack, Config, Health, Hello, Progress, Resend, Samples, decode

SECRET = bytes(range(16))
NODE = 17
NONCE = 0xC0FFEE


class TinyGuard:
    """What a node needs to believe that its readings are safe."""

    def __init__(self) -> None:
        self._opener = Opener(SECRET, NODE, 1, const.UPLINK)
        self._sealer = Sealer(SECRET, NODE, 1, const.DOWNLINK, ReservedCounter(0, lambda _: None))
        self.readings: dict[tuple[int, int], int] = {}  # (life, seq): value of channel 0
        self.ticks: dict[tuple[int, int], int] = {}
        self.frames: dict[int, bytes] = {}  # by counter
        self.types: set[int] = set()
        self.refused = 0
        self.echoes = 0
        self._floor: dict[int, int] = {}  # per life
        self.answering = True
        # Messages to send instead of the next acknowledgements, made from the counter answered.
        self.orders: list[Callable[[int], Config | Resend]] = []

    def take(self, frame: bytes) -> bytes | None:
        """Take a frame as it comes; return the sealed answer, if there is one."""
        try:
            header, body = self._opener.open(frame)
        except WireError:
            self.refused += 1
            return None
        assert self.frames.setdefault(header.counter, frame) == frame, "counter used twice"
        message = decode(header.type, body)
        assert isinstance(message, Samples | Health | Hello | Progress)
        self.types.add(header.type)
        self.echoes += message.echo is not None and message.echo[0] == NONCE
        if isinstance(message, Samples):
            self._commit(message)
        if not self.answering:
            return None
        if self.orders:
            order = self.orders.pop(0)(header.counter)
            return self._sealer.seal(order.TYPE, order.encode())[1]
        through = self._floor.get(message.life, 0) - 1
        while (message.life, through + 1) in self.readings:
            through += 1
        bits = sum(1 << i for i in range(60) if (message.life, through + 1 + i) in self.readings)
        ack = Ack(header.counter, NONCE, message.life, through, bits, bits.bit_length(), 0)
        return self._sealer.seal(const.ACK, ack.encode())[1]

    def _commit(self, message: Samples) -> None:
        for seq, tick_s, channels in message.rows():
            key = (message.life, seq)
            value = channels[0][2]
            assert self.readings.setdefault(key, value) == value, f"{key} changed its value"
            assert self.ticks.setdefault(key, tick_s) == tick_s
        floor = message.seq - message.backlog
        self._floor[message.life] = max(self._floor.get(message.life, 0), floor)


class BridgeLine:
    """The guard's end of a bridge's serial port."""

    def __init__(self, port: str, guard: TinyGuard) -> None:
        self._handle = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._deframer = link.Deframer()
        self._guard = guard
        self._sends = 0
        self.statuses: list[link.Status] = []
        self.results: list[int] = []

    def pump(self, seconds: float) -> None:
        """Serve what comes for some time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._handle], [], [], left)[0]:
                for payload in self._deframer.feed(os.read(self._handle, 4096)):
                    self._take(link.unpack(payload))

    def _take(self, message: object) -> None:
        if isinstance(message, link.Received):
            answer = self._guard.take(message.frame)
            if answer is not None:
                self._sends = (self._sends + 1) & 0xFFFF
                self.write(link.Send(self._sends, answer).pack())
        elif isinstance(message, link.Sent):
            self.results.append(message.result)
        elif isinstance(message, link.Status):
            self.statuses.append(message)

    def write(self, data: bytes) -> None:
        """Write raw bytes to the bridge."""
        os.write(self._handle, data)

    def close(self) -> None:
        """Close the port."""
        os.close(self._handle)


class AirLine:
    """The guard's end of the simulated radio, without a bridge between."""

    _HEAD_BYTES = 3  # RSSI and SNR before each frame

    def __init__(self, guard: TinyGuard) -> None:
        self._guard = guard
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])

    def pump(self, seconds: float) -> None:
        """Serve what comes for some time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self._socket], [], [], left)[0]:
                datagram, sender = self._socket.recvfrom(256)
                answer = self._guard.take(datagram[self._HEAD_BYTES :])
                if answer is not None:
                    self._socket.sendto(datagram[: self._HEAD_BYTES] + answer, sender)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def until(pump: Callable[[float], None], reached: Callable[[], bool], seconds: float = 30) -> None:
    """Pump until a condition holds; fail after a hard limit."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "not reached in time"
        pump(0.05)
