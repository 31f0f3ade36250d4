# A name's address without waiting: what a port's own getaddrinfo does can take longer than any
# watchdog allows. RFC 1035, one question of type A; names in .local by RFC 6762, 6.7.

import socket
import struct

_PORT = 53
_LOCAL = ("224.0.0.251", 5353)
_HEAD = ">HHHHHH"
_HEAD_BYTES = 12
_AGAIN_MS = 1000  # a datagram may be lost
_ANSWER_BYTES_MAX = 512


# Whether it is an address already.
def is_address(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and all([part.isdigit() for part in parts])


# OSError: no such name can be.
def question(name: str, number: int) -> bytes:
    for part in name.split("."):
        if not 0 < len(part.encode()) < 64:
            raise OSError("%s is no name" % name)
    labels = b"".join([bytes([len(part)]) + part.encode() for part in name.split(".")])
    return struct.pack(_HEAD, number, 0x0100, 1, 0, 0, 0) + labels + b"\x00\x00\x01\x00\x01"


# Where what follows a name begins; IndexError where the data ends before.
def _after_name(data: bytes, at: int) -> int:
    while data[at]:
        if data[at] >= 0xC0:  # the rest of it stands elsewhere
            return at + 2
        at += data[at] + 1
    return at + 1


# The first address in an answer; None: there is none, or it answers something else.
def address_in(data: bytes, number: int) -> str | None:
    if len(data) < _HEAD_BYTES:
        return None
    found, flags, questions, answers = struct.unpack_from(">HHHH", data)
    try:
        if found != number or not flags & 0x8000:
            return None
        at = _HEAD_BYTES
        for _ in range(questions):
            at = _after_name(data, at) + 4
        for _ in range(answers):
            at = _after_name(data, at)
            if len(data) < at + 10:
                return None
            kind, _, _, length = struct.unpack_from(">HHIH", data, at)
            at += 10
            if kind == 1 and length == 4 and len(data) >= at + 4:
                return ".".join([str(part) for part in data[at : at + 4]])
            at += length
    except IndexError:  # cut off in a name
        pass
    return None


class Lookup:
    # server: the name server's address. number: any, by which the answer is known.
    def __init__(self, name: str, server: str, number: int) -> None:
        self._number = number & 0xFFFF
        self._question = question(name, self._number)
        self._to = _LOCAL if name.endswith(".local") else (server, _PORT)
        self._sent_ms: int | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    # The address, once it is known. Raises OSError where nothing can be sent.
    def step(self, link_ms: int) -> str | None:
        if self._sent_ms is None or link_ms - self._sent_ms >= _AGAIN_MS:
            self._sent_ms = link_ms
            where = socket.getaddrinfo(self._to[0], self._to[1])[0][-1]  # an address: no waiting
            self._socket.sendto(self._question, where)
        try:
            return address_in(self._socket.recv(_ANSWER_BYTES_MAX), self._number)
        except OSError:
            return None

    def close(self) -> None:
        self._socket.close()
