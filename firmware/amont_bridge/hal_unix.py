# The bridge's two sides on a Unix process: a serial port, and datagrams in place of the radio.
#
# Datagram, both ways: rssi_dbm i16, snr_db4 i8 (little endian), sealed frame.

import errno
import select
import socket
import struct
import sys
import time

_HEAD = "<hb"
_HEAD_BYTES = 3
_NODES_MAX = 64  # addresses remembered; the oldest goes first
_READ_BYTES = 512
_MICROPYTHON = sys.implementation.name == "micropython"


def tick_ms() -> int:
    if _MICROPYTHON:
        return time.ticks_ms()  # type: ignore[attr-defined,no-any-return]
    return time.monotonic_ns() // 1000000


# A terminal in raw mode, unbuffered: by its path, or by the number of a file that is open already
# (the master side of a pseudo-terminal has no path; it should not block).
# OSError from read or write: the other side is gone.
class SerialPort:
    def __init__(self, path: str | int) -> None:
        if _MICROPYTHON:
            import termios

            self._file = open(path, "r+b")
            termios.setraw(self._file.fileno())  # type: ignore[attr-defined]
        else:
            import tty

            self._file = open(path, "r+b", buffering=0)  # type: ignore[assignment]
            tty.setraw(self._file.fileno())
        self.pollable = self._file
        self._poll_out = select.poll()
        self._poll_out.register(self._file, select.POLLOUT)
        self._torn = False  # a line was left half written

    # What is there; one read(2), for MicroPython's read(n) would wait for all n bytes.
    def read(self) -> bytes:
        buffer = bytearray(_READ_BYTES)
        count = self._file.readinto(buffer)
        if count is None:
            return b""
        if count == 0:
            raise OSError("serial port closed")
        return bytes(buffer[:count])

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
    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_DGRAM)[0][-1])
        self._socket.setblocking(False)
        self._addresses: list[tuple[int, tuple[str, int]]] = []  # (node, address), oldest first
        self.pollable = self._socket

    # (frame, rssi_dbm, snr_db4), or None when nothing is there.
    def receive(self) -> tuple[bytes, int, int] | None:
        try:
            data, address = self._socket.recvfrom(256)
        except OSError:
            return None
        if len(data) < _HEAD_BYTES + _HEAD_BYTES:
            return b"", 0, 0
        rssi_dbm, snr_db4 = struct.unpack_from(_HEAD, data)
        frame = data[_HEAD_BYTES:]
        node = _node_of(frame)
        others = [entry for entry in self._addresses if entry[0] != node]
        self._addresses = others[1 - _NODES_MAX :] + [(node, address)]
        return frame, rssi_dbm, snr_db4

    # A node that was never heard is out of reach; the air does not tell.
    def transmit(self, frame: bytes) -> None:
        node = _node_of(frame)
        for known, address in self._addresses:
            if known == node:
                try:
                    self._socket.sendto(struct.pack(_HEAD, -80, 36) + frame, address)
                except OSError:
                    pass  # lost on the air


def _node_of(frame: bytes) -> int:
    return frame[1] | frame[2] << 8
