# The sealed frame: 7 bytes of header in clear (associated data), AES-128-CCM over the body, 8
# bytes of tag.

from struct import pack

from amont_wire.aes import Ccm
from amont_wire.const import (
    DIRECTIONS,
    DOWNLINK,
    HEADER,
    MAX_BODY,
    MAX_FRAME,
    MIN_FRAME,
    NODE_MAX,
    UPLINK,
    VERSION,
)
from amont_wire.errors import Malformed, OtherVersion, UnknownType
from amont_wire.keys import DOWNLINK_LABEL, UPLINK_LABEL, derive

_ZEROS = bytes(4)


class Header:
    __slots__ = ("counter", "node", "type", "version")

    def __init__(self, version: int, type: int, node: int, counter: int) -> None:
        self.version = version
        self.type = type
        self.node = node
        self.counter = counter

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Header)
            and (self.version, self.type) == (other.version, other.type)
            and (self.node, self.counter) == (other.node, other.counter)
        )

    def __hash__(self) -> int:
        return hash((self.version, self.type, self.node, self.counter))

    def __repr__(self) -> str:
        return "Header(version=%d, type=%d, node=%d, counter=%d)" % (
            self.version,
            self.type,
            self.node,
            self.counter,
        )


# Read the clear header. Nothing of it is proved until the frame has been opened.
def peek(frame: bytes) -> Header:
    if not MIN_FRAME <= len(frame) <= MAX_FRAME:
        raise Malformed("frame of %d bytes" % len(frame))
    first = frame[0]
    if first >> 4 != VERSION:
        raise OtherVersion("format version %d" % (first >> 4))
    kind = first & 15
    if kind not in DIRECTIONS:
        raise UnknownType("message type %d" % kind)
    node = frame[1] | frame[2] << 8
    if not 1 <= node <= NODE_MAX:
        raise Malformed("node id %d" % node)
    counter = frame[3] | frame[4] << 8 | frame[5] << 16 | frame[6] << 24
    if counter == 0:
        raise Malformed("counter 0")
    return Header(VERSION, kind, node, counter)


def _ccm(secret: bytes, node: int, generation: int, direction: int) -> Ccm:
    if direction not in (UPLINK, DOWNLINK):
        raise Malformed("unknown direction")
    label = UPLINK_LABEL if direction == UPLINK else DOWNLINK_LABEL
    return Ccm(derive(secret, node, generation, label))


# Seals bodies of one node in one direction. Each frame takes a new counter from `counter.next()`.
class Sealer:
    def __init__(  # type: ignore[no-untyped-def]
        self, secret: bytes, node: int, generation: int, direction: int, counter
    ) -> None:
        self._ccm = _ccm(secret, node, generation, direction)
        self._prefix = pack("<BHH", direction, generation, node)
        self._node = node
        self._direction = direction
        self._counter = counter

    # The counter used, and the frame. A refusal of the counter's store passes through: nothing was
    # sealed.
    def seal(self, type: int, body: bytes) -> tuple[int, bytes]:
        if DIRECTIONS.get(type) != self._direction:
            raise UnknownType("message type %d in this direction" % type)
        if not 1 <= len(body) <= MAX_BODY:
            raise Malformed("body of %d bytes" % len(body))
        counter = self._counter.next()
        header = pack("<BHI", VERSION << 4 | type, self._node, counter)
        nonce = self._prefix + header[3:] + _ZEROS
        return counter, header + self._ccm.seal(nonce, header, body)


# Opens frames of one node in one direction. Replays are not its business: see
# counters.ReplayWindow.
class Opener:
    def __init__(self, secret: bytes, node: int, generation: int, direction: int) -> None:
        self._ccm = _ccm(secret, node, generation, direction)
        self._prefix = pack("<BHH", direction, generation, node)
        self._node = node
        self._direction = direction

    def open(self, frame: bytes) -> tuple[Header, bytes]:
        header = peek(frame)
        if header.node != self._node:
            raise Malformed("frame of node %d" % header.node)
        if DIRECTIONS[header.type] != self._direction:
            raise UnknownType("message type %d in this direction" % header.type)
        nonce = self._prefix + frame[3:HEADER] + _ZEROS
        return header, self._ccm.open(nonce, frame[:HEADER], frame[HEADER:])
