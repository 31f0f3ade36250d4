# A probe on pins: its supply is on for the reading and off after it, whatever happens, and all the
# waits of a reading together have an end.

from amont_node import measure

_WAIT_MOST_MS = 20000  # far over what any of them takes when it works


class Wired:
    # switch: None where the sensor always has its supply.
    def __init__(self, probe, switch) -> None:  # type: ignore[no-untyped-def]
        self._probe = probe
        self._switch = switch
        self._wait_most_ms = getattr(probe, "wait_most_ms", _WAIT_MOST_MS)
        if switch is not None:
            self._wait_most_ms += switch.warm_ms

    @property
    def why(self) -> str:
        return str(self._probe.why)

    def read(self, clock_s: int) -> tuple[int, int]:
        return self._with(self._probe.read, clock_s)

    def sense(self, clock_s: int) -> tuple[int, int]:
        return self._with(getattr(self._probe, "sense", self._probe.read), clock_s)

    def kept(self) -> None:
        if hasattr(self._probe, "kept"):
            self._probe.kept()

    def _with(self, read, clock_s: int) -> tuple[int, int]:  # type: ignore[no-untyped-def]
        before_ms = measure.allow(self._wait_most_ms)  # of the probe that this one serves
        try:
            if self._switch is not None:
                self._switch.on()
            return read(clock_s)  # type: ignore[no-any-return]
        finally:
            measure.allow(before_ms)
            if self._switch is not None:
                self._switch.off()
