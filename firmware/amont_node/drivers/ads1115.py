# ADS1115, 16-bit converter on I2C, reading a 4-20 mA loop over a shunt.
# Documents: TI ADS1115 datasheet (SBAS444), register map: config register (01h) and conversion
# register (00h); NAMUR NE 43 for what a current means.
#
# 150 ohm: 4 to 20 mA are 0.6 to 3.0 V, 22 mA are 3.3 V, the chip's supply.

from amont_node.drivers.burst import burst_of
from amont_node.drivers.fields import ANY, whole
from amont_node.measure import ProbeError, nearest
from amont_wire.const import FAULT, GOOD, SUSPECT

_CONVERSION = 0
_CONFIG = 1

# Config register, high byte: OS (80h: begin; reads 1 when done), MUX (4xh: input against ground),
# PGA (02h: +-4.096 V), MODE (01h: one conversion). Low byte: DR (80h: 128 a second), COMP_QUE
# (03h: no comparator).
_BEGIN = 0x8303
_CHANNEL_SHIFT = 12
_AGAINST_GROUND = 4
_RATE_128 = 0x0080
_DONE = 0x8000
_STEP_UV = 125  # at +-4.096 V
_FULL = 0x7FFF
_CONVERT_MS = 8
_POLLS = 5  # of 2 ms, after the 8 that it takes

# NAMUR NE 43, in microamperes: a measurement from 3.8 to 20.5 mA, a failure at 3.6 mA and below
# or at 21 mA and above.
_FAILURE_LOW_UA = 3600
_MEASURED_LOW_UA = 3800
_MEASURED_HIGH_UA = 20500
_FAILURE_HIGH_UA = 21000
_OPEN_UA = 100  # below even a failed sensor's own supply current: nothing is in the loop


# The config word for one conversion of an input against ground.
def config_word(channel: int) -> int:
    return _BEGIN | _RATE_128 | (_AGAINST_GROUND + channel) << _CHANNEL_SHIFT


# Two bytes of the conversion register, to microamperes through the shunt.
def decode(data: bytes, shunt_mohm: int) -> int:
    count = data[0] << 8 | data[1]
    if count & 0x8000:
        count -= 0x10000
    return nearest(count * _STEP_UV * 1000, shunt_mohm)


# What NE 43 says of a current: (quality, why).
# Between measurement and failure the sensor is at its stop: the water is at least there, and a
# guard that hears nothing of it would be worse off.
def judge(current_ua: int) -> tuple[int, str]:
    if current_ua < _OPEN_UA:
        return FAULT, "%d uA: the loop is open, a wire broken or the supply off" % current_ua
    if current_ua <= _FAILURE_LOW_UA:
        return FAULT, "%d uA: broken wire, or the sensor says failure (NE 43)" % current_ua
    if current_ua >= _FAILURE_HIGH_UA:
        return FAULT, "%d uA: shorted, or the sensor says failure (NE 43)" % current_ua
    if current_ua < _MEASURED_LOW_UA:
        return SUSPECT, "%d uA: under the measuring range" % current_ua
    if current_ua > _MEASURED_HIGH_UA:
        return SUSPECT, "%d uA: over the measuring range" % current_ua
    return GOOD, ""


class CurrentLoop:
    def __init__(self, config, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus
        self._address = whole(config, "address", 0x48, 0x48, 0x4B)
        self._word = config_word(whole(config, "input", 0, 0, 3))
        self._shunt_mohm = whole(config, "shunt_mohm", 150000, 1000, 1000000)
        # 1600 uA a minute are 500 mm of a sensor for 5 m; config.py knows of which it is
        self._burst = burst_of(config, 8, 100, 1600, -ANY, ANY)
        self.why = ""

    def read(self, clock_s: int) -> tuple[int, int]:
        return self._judged(self._burst.read(self._ping, clock_s))

    def sense(self, clock_s: int) -> tuple[int, int]:  # noqa: ARG002
        return self._judged(self._burst.sense(self._ping))

    def _judged(self, found: tuple[int, int]) -> tuple[int, int]:
        current_ua, quality = found
        level, why = judge(current_ua)
        self.why = why or self._burst.why
        return current_ua, max(quality, level)

    def _ping(self) -> int:
        word = self._word
        self._idle()  # while it converts for somebody else, it takes no order
        self._bus.write(self._address, _CONFIG, bytes((word >> 8, word & 0xFF)))
        self._bus.pause_ms(_CONVERT_MS)
        found = self._idle()
        if (found ^ word) & ~_DONE:
            raise ProbeError("chip 0x%02x says 0x%04x: no ADS1115" % (self._address, found))
        return decode(self._bus.read(self._address, _CONVERSION, 2), self._shunt_mohm)

    # The config register, once no conversion is under way.
    def _idle(self) -> int:
        for _ in range(_POLLS):
            data = self._bus.read(self._address, _CONFIG, 2)
            found: int = data[0] << 8 | data[1]
            if found & _DONE:
                return found
            self._bus.pause_ms(2)
        raise ProbeError("chip 0x%02x: no conversion ends" % self._address)
