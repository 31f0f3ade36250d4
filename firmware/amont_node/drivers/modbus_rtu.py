# Modbus RTU over RS-485: radar level sensors and whatever else has registers.
# Documents: MODBUS Application Protocol V1.1b3 (6.3 Read Holding Registers, 6.4 Read Input
# Registers, 7 Exception Responses); MODBUS over Serial Line V1.02 (2.5.1 RTU, 6.2.2 CRC).

from amont_node.drivers.burst import burst_of
from amont_node.drivers.crc import crc16
from amont_node.drivers.fields import ANY, choice, nothing, whole
from amont_node.drivers.number import float32
from amont_node.measure import ProbeError

_ANSWER_MS = 500
_TRIES = 3
_SILENCE_BITS = 39  # three and a half characters between frames
_CRC_BEGIN = 0xFFFF
_EXCEPTIONS = ("", "illegal function", "illegal data address", "illegal data value", "failure")
TYPES = (
    "u16", "s16", "u32", "s32", "f32", "u32_swapped", "s32_swapped", "f32_swapped",
)  # fmt: skip
_PARITIES = ("none", "even", "odd")


def request(address: int, function: int, register: int, count: int) -> bytes:
    body = bytes((address, function, register >> 8, register & 0xFF, 0, count))
    crc = crc16(body, _CRC_BEGIN)
    return body + bytes((crc & 0xFF, crc >> 8))


# The answer's data: 2 * count bytes. ProbeError: it is not the answer to that request.
def decode(data: bytes, address: int, function: int, count: int) -> bytes:
    if not data:
        raise ProbeError("address %d: no answer" % address)
    if len(data) < 5 or crc16(data, _CRC_BEGIN):  # over its own CRC, too, it is zero
        raise ProbeError("address %d: damaged answer: %s" % (address, data.hex()))
    if data[0] != address:
        raise ProbeError("address %d: answer from %d" % (address, data[0]))
    if data[1] == function | 0x80 and len(data) == 5:
        code = data[2]
        text = _EXCEPTIONS[code] if code < len(_EXCEPTIONS) else "exception"
        raise ProbeError("address %d refuses: %s (%d)" % (address, text, code))
    if data[1] != function or data[2] != 2 * count or len(data) != 5 + 2 * count:
        raise ProbeError("address %d: another answer: %s" % (address, data.hex()))
    return data[3:-2]


# Registers to an integer; None: a float that is no number.
def value_of(data: bytes, kind: str, decimals: int) -> int | None:
    if kind.endswith("_swapped"):
        data = data[2:4] + data[:2]
    number = int.from_bytes(data, "big")
    if kind[0] == "f":
        return float32(number, decimals)
    if kind[0] == "s" and data[0] & 0x80:
        number -= 1 << 8 * len(data)
    return number


class ModbusRtu:
    def __init__(self, config, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus
        self._baud = whole(config, "baud", 9600, 300, 115200)
        self._parity = (None, 0, 1)[_PARITIES.index(choice(config, "parity", _PARITIES))]
        self._kind = choice(config, "type", TYPES)
        self._decimals = whole(config, "decimals", 0, 0, 6)
        self._no_echo = nothing(config)
        self._address = whole(config, "address", 1, 1, 247)
        self._function = whole(config, "function", 3, 3, 4)
        self._count = 1 if "16" in self._kind else 2
        register = whole(config, "register", None, 0, 65535)
        self._request = request(self._address, self._function, register, self._count)
        self._burst = burst_of(config, 3, 150, 500, -ANY, ANY)
        self.why = ""

    def read(self, clock_s: int) -> tuple[int, int]:
        found = self._burst.read(self._ping, clock_s)
        self.why = self._burst.why
        return found

    def sense(self, clock_s: int) -> tuple[int, int]:  # noqa: ARG002
        found = self._burst.sense(self._ping)
        self.why = self._burst.why
        return found

    def _ping(self) -> int | None:
        for left in range(_TRIES - 1, -1, -1):
            try:
                value = value_of(self._ask(), self._kind, self._decimals)
                return None if value in self._no_echo else value
            except ProbeError:
                if not left:
                    raise
        return None

    def _ask(self) -> bytes:
        self._bus.line(self._baud, 8, self._parity)
        self._bus.pause_ms(2 + _SILENCE_BITS * 1000 // self._baud)
        self._bus.clear()
        self._bus.write(self._request)
        data = self._bus.read(5, _ANSWER_MS)
        if data == self._request[:5]:  # a line that echoes, or an answer that begins alike
            data += self._bus.read(3, _ANSWER_MS)
            if data == self._request:
                data = self._bus.read(5, _ANSWER_MS)
        # Zeros in front: the line fell as the driver let go of it. No address is 0.
        lost = len(data) - len(data.lstrip(b"\0"))
        data = data[lost:] + self._bus.read(lost, _ANSWER_MS)
        if len(data) >= 5 and not data[1] & 0x80:
            data += self._bus.read(5 + 2 * self._count - len(data), _ANSWER_MS)
        return decode(data, self._address, self._function, self._count)
