# A02YYUW, ultrasonic level sensor with a serial line: 9600 baud 8N1, a frame each 100 to 500 ms.
# Document: DFRobot SEN0311 (DYP-A02YYUW), "Communication Protocol", UART output:
#   FF  distance high  distance low  sum     mm; sum = low byte of the three before it
# Range 30 to 4500 mm; 30 and less is its blind zone.

from amont_node.drivers.burst import burst_of
from amont_node.drivers.fields import whole
from amont_node.drivers.sound import corrected_mm
from amont_node.measure import ProbeError

MYPY = False
if MYPY:  # pragma: no cover - loaded where a thermometer is wired
    from amont_node.drivers.air import Air

_HEAD = 0xFF
_FRAME = 4
_BLIND_MM = 30
_MOST_MM = 4500
_CODES_MM = 0xFFF0  # from here on later makers' codes lie, such as FFFD: nothing seen
_WAIT_MS = 600  # over the slowest frame
_KEPT = 64  # bytes: a line of noise must not fill the heap


# Bytes to distances, whatever comes between. Noise costs itself and at most the frame it hits.
class Frames:
    def __init__(self) -> None:
        self._data = b""
        self.bad = 0  # heads without a right sum behind them

    # The distances in mm that are complete now.
    def feed(self, data: bytes) -> list[int]:
        data = self._data + data
        found = []
        at = data.find(b"\xff")
        while at >= 0 and len(data) - at >= _FRAME:
            mm = data[at + 1] << 8 | data[at + 2]
            # 511 mm read from its last byte on, FF FF 01 FF, has a right sum, too.
            is_one = mm <= 2 * _MOST_MM or mm >= _CODES_MM
            if is_one and sum(data[at : at + 3]) & 0xFF == data[at + 3]:
                found.append(mm)
                at += _FRAME
            else:
                self.bad += 1
                at += 1
            at = data.find(b"\xff", at)
        self._data = data[at:] if at >= 0 else b""
        return found


class A02yyuw:
    def __init__(self, config, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus
        self._burst = burst_of(config, 7, 150, 500, _BLIND_MM + 1, _MOST_MM)
        self._assumed_cc: int | None = None  # the air that the sensor reckons with
        if "assumed_cc" in config:
            self._assumed_cc = whole(config, "assumed_cc", None, -5000, 7000)
        self.air: "Air | None" = None  # set where a thermometer is wired
        self._temp_cc: int | None = None  # of the last reading
        self._frames = Frames()
        self._has_heard = False  # a byte, in this burst
        self.why = ""

    def read(self, clock_s: int) -> tuple[int, int]:
        is_known = self._take_air(clock_s)
        self._begin()
        value, quality = self._burst.read(self._ping, clock_s)
        self.why = self._burst.why
        if not is_known:
            quality = self.air.doubt(value, quality, self._temp_cc)  # type: ignore[union-attr,arg-type]
            self.why = self.why or self.air.why  # type: ignore[union-attr]
        return self._corrected(value), quality

    # With the temperature of the last reading.
    def sense(self, clock_s: int) -> tuple[int, int]:
        if self._temp_cc is None:
            self._take_air(clock_s)
        self._begin()
        value, quality = self._burst.sense(self._ping)
        self.why = self._burst.why
        return self._corrected(value), quality

    # False: the thermometer that is there does not tell.
    def _take_air(self, clock_s: int) -> bool:
        if self.air is None or self._assumed_cc is None:
            return True
        self._temp_cc, is_known = self.air.read(clock_s)
        return is_known

    def _corrected(self, range_mm: int) -> int:
        if self._temp_cc is None or self._assumed_cc is None:
            return range_mm
        return corrected_mm(range_mm, self._temp_cc, self._assumed_cc)

    def _begin(self) -> None:
        self._bus.line(9600)
        self._bus.clear()  # what waited there is old
        self._frames = Frames()
        self._has_heard = False

    # The next frame. A line that is silent from the start is no reason to wait for six more.
    def _ping(self) -> int | None:
        seen = 0
        while seen < _KEPT:
            data = self._bus.read(_FRAME, _WAIT_MS)
            if not data:
                break
            seen += len(data)
            found = self._frames.feed(data)
            if found:
                self._has_heard = True
                # 0 is no water at the sensor's face: it says so with nothing before it.
                return found[-1] if 0 < found[-1] < _CODES_MM else None
        self._has_heard = self._has_heard or seen > 0
        if not self._has_heard:
            raise ProbeError("nothing on the line for %d ms: not wired, or no supply" % _WAIT_MS)
        if seen >= _KEPT:
            raise ProbeError("%d bytes without a frame: wrong sensor, or a line stuck" % seen)
        return None
