# JSN-SR04T, waterproof ultrasonic module, in the mode of the HC-SR04 (no resistor on its mode
# pads): a trigger pulse of at least 10 us, then the echo pin is high for as long as the sound was
# under way, or for 60 ms where none came back. Document: the module's user manual, mode 1; blind
# below 250 mm, to 4500 mm. Boards of version 2.0 need 20 us, and some begin 15 ms late.

from amont_node.drivers.air import Air
from amont_node.drivers.burst import burst_of
from amont_node.drivers.sound import echo_mm
from amont_node.measure import ProbeError

_TRIGGER_US = 20
_PAUSE_MS = 60  # the echo of the ping before is gone by then, and so is the pin that waited for it
_LEAST_US = 100  # no sound is back so soon: a module that did not understand the trigger
_NEAR_MM = 250
_FAR_MM = 4500

NEVER_BEGAN = -2  # as machine.time_pulse_us tells it
NEVER_ENDED = -1
STUCK = -3


# One ping's time to mm; None: no echo. ProbeError: not a module that works.
def decode(echo_us: int, temp_cc: int) -> int | None:
    if echo_us == NEVER_BEGAN:
        raise ProbeError("the echo pin stays low: not wired, or no supply")
    if echo_us == STUCK:
        raise ProbeError("the echo pin stays high: stuck or shorted")
    if echo_us < _LEAST_US:  # NEVER_ENDED is, too
        return None
    return echo_mm(echo_us, temp_cc)


class JsnSr04t:
    def __init__(self, config, bus) -> None:  # type: ignore[no-untyped-def]
        self._bus = bus
        self._burst = burst_of(config, 7, 150, 500, _NEAR_MM, _FAR_MM)
        self.air = Air(config, None)
        self._temp_cc: int | None = None  # of the last reading
        self.why = ""

    def read(self, clock_s: int) -> tuple[int, int]:
        self._temp_cc, is_known = self.air.read(clock_s)
        value, quality = self._burst.read(self._ping, clock_s)
        self.why = self._burst.why
        if not is_known:
            quality = self.air.doubt(value, quality, self._temp_cc)
            self.why = self.why or self.air.why
        return value, quality

    # With the temperature of the last reading.
    def sense(self, clock_s: int) -> tuple[int, int]:
        if self._temp_cc is None:
            self._temp_cc, _ = self.air.read(clock_s)
        value, quality = self._burst.sense(self._ping)
        self.why = self._burst.why
        return value, quality

    def _ping(self) -> int | None:
        echo_us = self._bus.ping(_TRIGGER_US)
        self._bus.pause_ms(_PAUSE_MS)
        return decode(echo_us, self._temp_cc or 0)
