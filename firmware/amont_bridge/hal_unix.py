# The bridge's two sides on a Unix process: a serial port, and datagrams in place of the radio.
#
# Datagram, both ways: rssi_dbm i16, snr_db4 i8 (little endian), sealed frame.

import binascii
import errno
import os
import select
import socket
import struct
import sys
import time

from amont_bridge.schedule import Transmission
from amont_bridge.waiting import node_of

_HEAD = "<hb"
_HEAD_BYTES = 3
_NODES_MAX = 64  # addresses remembered; the oldest goes first
_READ_BYTES = 512
_VMIN = 6  # its place among a terminal's control characters on Linux
_MICROPYTHON = sys.implementation.name == "micropython"


# Milliseconds that never wrap. (MicroPython's own do, and count to 2^30 on some ports.)
class Ticks:
    def __init__(self) -> None:
        self._last_ms = self._now_ms()
        self._ms = 0

    def __call__(self) -> int:
        now_ms = self._now_ms()
        if _MICROPYTHON:
            self._ms += time.ticks_diff(now_ms, self._last_ms)  # type: ignore[attr-defined]
        else:
            self._ms += now_ms - self._last_ms
        self._last_ms = now_ms
        return self._ms

    def _now_ms(self) -> int:
        if _MICROPYTHON:
            return time.ticks_ms()  # type: ignore[attr-defined,no-any-return]
        return time.monotonic_ns() // 1000000


# The number of a simulated board, in hexadecimal digits; zeros: it has none.
def unique_id() -> bytes:
    digits = os.getenv("AMONT_UNIQUE_ID") or ""
    return (binascii.unhexlify(digits) + bytes(8))[:8]


# It was reset, and what it sent before is forgotten; after a loss of power it was silent before.
def forgot() -> bool:
    return False


# A terminal in raw mode, unbuffered: by its path, or by the number of a file that is open already
# (the master side of a pseudo-terminal has no path; it should not block).
# OSError from read or write: the other side is gone.
class SerialPort:
    def __init__(self, path: str | int) -> None:
        if _MICROPYTHON:
            import termios

            self._file = open(path, "r+b")
            termios.setraw(self._file.fileno())  # type: ignore[attr-defined]
            if isinstance(path, str) or path == 0:
                # Its readinto() reads until all is full or nothing comes: then nothing may block.
                modes = termios.tcgetattr(self._file.fileno())
                modes[6][_VMIN] = 0
                termios.tcsetattr(self._file.fileno(), termios.TCSANOW, modes)
        else:
            import tty

            self._file = open(path, "r+b", buffering=0)  # type: ignore[assignment]
            tty.setraw(self._file.fileno())
        self.pollable = self._file
        self._poll_in = select.poll()
        self._poll_in.register(self._file, select.POLLIN)
        self._poll_out = select.poll()
        self._poll_out.register(self._file, select.POLLOUT)
        self._torn = False  # a line was left half written

    # What is there; MicroPython's read(n) would wait for all n bytes.
    def read(self) -> bytes:
        if not self.wait(0):
            return b""
        buffer = bytearray(_READ_BYTES)
        count = self._file.readinto(buffer)
        if count is None:
            return b""
        if count == 0:
            raise OSError("serial port closed")
        return bytes(buffer[:count])

    # Whether something comes within wait_ms.
    def wait(self, wait_ms: int) -> bool:
        return bool(self._poll_in.poll(wait_ms))

    # False: nobody takes it, each piece within wait_ms; the rest of the line is dropped.
    def write(self, line: bytes, wait_ms: int) -> bool:
        if self._torn:
            line = b"\x00" + line  # so that the half line costs only itself
        left = line
        while left:
            if not self._poll_out.poll(wait_ms):
                self._torn = self._torn or left is not line
                return False
            written = self._try_write(left)
            if not written:
                self._torn = self._torn or left is not line
                return False
            left = left[written:]
        self._torn = False
        return True

    def _try_write(self, data: bytes) -> int:
        try:
            return self._file.write(data) or 0
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return 0
            raise


# Where each node was last heard from is where an answer goes.
class RadioAir:
    fault = ""
    crc_errors = 0

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_DGRAM)[0][-1])
        self._socket.setblocking(False)
        self._addresses: list[tuple[int, tuple[str, int]]] = []  # (node, address), oldest first
        self.pollable = self._socket

    # It hears all there is, whatever the guard's settings say.
    def configure(self, settings: object, places: object) -> None:
        pass

    def hears(self) -> bool:
        return False

    # (frame, rssi_dbm, snr_db4, 0), or None when nothing is there. It never waits: poll it.
    def receive(self, wait_ms: int) -> tuple[bytes, int, int, int] | None:  # noqa: ARG002
        try:
            data, address = self._socket.recvfrom(256)
        except OSError:
            return None
        if len(data) < _HEAD_BYTES + _HEAD_BYTES:
            return b"", 0, 0, 0
        rssi_dbm, snr_db4 = struct.unpack_from(_HEAD, data)
        frame = data[_HEAD_BYTES:]
        node = node_of(frame)
        others = [entry for entry in self._addresses if entry[0] != node]
        self._addresses = others[1 - _NODES_MAX :] + [(node, address)]
        return frame, rssi_dbm, snr_db4, 0

    # A node that was never heard is out of reach; the air does not tell.
    def send(self, sending: Transmission) -> bool:
        frame = sending.frame
        node = node_of(frame)
        for known, address in self._addresses:
            if known == node:
                try:
                    self._socket.sendto(struct.pack(_HEAD, -80, 36) + frame, address)
                except OSError:
                    pass  # lost on the air
        return True
