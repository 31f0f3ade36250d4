# A node with its sensors and a broker by TLS, from .mpy files, in a Pico's heap. Run in its
# folder; `pins` stands for what is wired. Argument: "beside" or "within". Prints a line a moment:
#   heap <what> <bytes free after a collection> <largest piece of them>
# what: node (made), up (connected), sent (samples were acknowledged).
#
# On a board TLS lives in this heap as well (ports/rp2/mbedtls: m_tracked_calloc), on this port
# beside it. "within": what was counted of it here, by every malloc of a session with ECDSA
# certificates, is taken from the heap for as long as a board would.

import gc
import sys

import pins  # noqa: F401 - what the drivers find instead of a board

from amont_node import mqtt, stream
from amont_node.node import Node

CONTEXT = (1000, 1000, 900)  # bytes: the authority's certificate, its own one and its key
SESSION = (16728, 4456, 1932)  # what comes in, one whole record; what goes out; the rest of it
HANDSHAKE = (1600, 1600, 1600, 1600)  # gone once it is up
SAMPLES = 12


def taken(sizes):
    return [bytearray(size) for size in sizes]


class Stream(stream.Stream):
    context = None

    def wrap(self, wrapper) -> None:
        if Stream.context is None:
            Stream.context = taken(CONTEXT)
        self.session = taken(SESSION)
        self.handshake = taken(HANDSHAKE)
        stream.Stream.wrap(self, wrapper)

    def read(self) -> bytes:
        data = stream.Stream.read(self)
        if data:
            self.handshake = None
        return data


def largest() -> int:
    low, high = 0, gc.mem_free()
    while high - low > 64:
        middle = (low + high) // 2
        try:
            bytearray(middle)
            low = middle
        except MemoryError:
            high = middle
        gc.collect()
    return low


def tell(what: str) -> None:
    gc.collect()
    print("heap %s %d %d" % (what, gc.mem_free(), largest()))


def main(arguments) -> None:
    if arguments[0] == "within":
        mqtt.Stream = Stream
    node = Node(".", "flash.img", "clock")
    tell("node")
    told = False
    acked = 0
    while acked < SAMPLES:
        before = node.outbox.waiting()
        node.wake()
        acked += max(0, before - node.outbox.waiting())
        if node.carrier.ready() and not told:
            told = True
            tell("up")
    tell("sent")


if __name__ == "__main__":
    main(sys.argv[1:])
