# The air's temperature beside an ultrasonic sensor, for the speed of sound.

from amont_node.drivers.fields import whole
from amont_node.drivers.sound import sound_mm_s
from amont_node.measure import ProbeError
from amont_wire.const import OUT_OF_RANGE, SUSPECT

_USUAL_CC = 1000
_AWAY_CC = 2000  # a summer's or a winter's day is so far from the usual temperature
_ERROR_MM = 100  # less does not matter beside waves: no reason to doubt the water


class Air:
    def __init__(self, config, thermometer) -> None:  # type: ignore[no-untyped-def]
        self._usual_cc = whole(config, "temp_cc", _USUAL_CC, -5000, 7000)
        self._thermometer = thermometer  # None: the usual temperature has to do
        self.why = ""

    # (temperature, False if the thermometer that is there does not tell it)
    def read(self, clock_s: int) -> tuple[int, bool]:
        self.why = ""
        if self._thermometer is None:
            return self._usual_cc, True
        try:
            temp_cc, quality = self._thermometer.read(clock_s)
            if quality < OUT_OF_RANGE:
                return temp_cc, True
            self.why = "air temperature: %s" % getattr(self._thermometer, "why", "")
        except ProbeError as error:
            self.why = "air temperature: %s" % error
        return self._usual_cc, False

    # The quality of a range that was taken at the usual temperature. A thermometer that fails
    # makes it doubtful only where that can be far off: near, as in a flood, it cannot.
    def doubt(self, range_mm: int, quality: int, temp_cc: int) -> int:
        return max(quality, SUSPECT) if unknown_mm(range_mm, temp_cc) > _ERROR_MM else quality


# How far off a range is when the air is 20 K warmer or colder than was taken.
def unknown_mm(range_mm: int, temp_cc: int) -> int:
    taken = sound_mm_s(temp_cc)
    return abs(range_mm) * (sound_mm_s(temp_cc + _AWAY_CC) - taken) // taken
