# PCF8583 as a counter of events: it counts while the node sleeps or has no power at all.
# Document: NXP PCF8583 datasheet, "Counter function modes" (event counter: pulses at OSCI, OSCO
# left open, six digits in 01h to 03h, the lowest in 01h), "Control and status register" (00h: bits
# 5 and 4 = 10 event counter, bit 7 stops it), 10h to FFh free RAM. All counters are latched when
# a read of one begins, so a carry on the way does no harm.
#
# What was last told is kept in the chip's own RAM, beside the count: no flash wears out, and both
# are lost together when its supply fails.

from amont_node.drivers.digits import byte_of, digits
from amont_node.drivers.fields import whole
from amont_node.measure import ProbeError

_CONTROL = 0x00
_COUNT = 0x01
_RAM = 0x10
_EVENTS = 0x20
_STOPPED = 0xA0
_MODE_BITS = 0xB0  # function mode and "stop counting"; the flags of the timer do not matter


# Three bytes from 01h to the count. ProbeError: not six digits.
def decode(data: bytes) -> int:
    if len(data) != 3:
        raise ProbeError("pcf8583: %d bytes of 3" % len(data))
    low, middle, high = [digits(byte, 0, 99) for byte in data]
    return high * 10000 + middle * 100 + low


def encode(count: int) -> bytes:
    return bytes([byte_of(count // scale % 100) for scale in (1, 100, 10000)])


class Pcf8583:
    MODULUS = 1000000
    KNOWS_ZERO = False

    def __init__(self, config, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus
        self._address = whole(config, "address", 0x50, 0x50, 0x51)

    # The pulses so far, modulo MODULUS; None: it was not counting, and does from now on.
    def count(self) -> int | None:
        mode = self._bus.read(self._address, _CONTROL, 1)[0] & _MODE_BITS
        if mode != _EVENTS:
            self._begin()
            return None
        return decode(self._bus.read(self._address, _COUNT, 3))

    # `size` bytes that were stored before, or whatever is there.
    def recall(self, at: int, size: int) -> bytes:
        return bytes(self._bus.read(self._address, _RAM + at, size))

    def remember(self, at: int, data: bytes) -> None:
        self._bus.write(self._address, _RAM + at, data)

    def _begin(self) -> None:
        self._bus.write(self._address, _CONTROL, bytes((_STOPPED,)))
        self._bus.write(self._address, _COUNT, encode(0))
        self._bus.write(self._address, _CONTROL, bytes((_EVENTS,)))
