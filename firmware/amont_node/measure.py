# Measuring honestly, what every probe needs: a value with its quality, its calibration, and how
# long a reading may take. Pure; integers only. drivers/burst.py makes many pings to one value.

from amont_wire.const import FAULT, GOOD

_UNBOUND_MS = 1 << 31

# Called while a driver waits, at least every 250 ms: the shell feeds its watchdog here.
on_wait = None

_left_ms = _UNBOUND_MS  # how long the reading that is under way may still wait


# Nothing was measured. The text says what did not answer, and how.
class ProbeError(Exception):
    pass


# Let the reading that begins wait so long in all; returns what was left of the one around it.
def allow(wait_ms: int) -> int:
    global _left_ms
    left_ms, _left_ms = _left_ms, wait_ms
    return left_ms


# A driver has waited. ProbeError: too long in all, for the watchdog is fed meanwhile.
def waited(wait_ms: int) -> None:
    global _left_ms
    if on_wait is not None:
        on_wait()
    if _left_ms != _UNBOUND_MS:
        _left_ms -= wait_ms
        if _left_ms < 0:
            raise ProbeError("it took too long")


# One value in wire units; None: missing.
class Reading:
    def __init__(self, value: int | None, quality: int, why: str = "") -> None:
        self.value = value
        self.quality = quality
        self.why = why  # it is not good, or what else a technician should know

    # The value for the node's own marks. A broken sensor's is no reason to hurry; a doubtful one
    # is, for the guard judges it, and only what arrives can be judged.
    def telling(self) -> int | None:
        return None if self.quality >= FAULT else self.value


# One reading. probe: `read(clock_s) -> (raw, quality)` or an integer, and `sense(clock_s)` where a
# cheaper look is possible. ProbeError and whatever else the probe raises passes through.
def take(probe, clock_s: int, calibration, is_look: bool) -> Reading:  # type: ignore[no-untyped-def]
    found = probe.sense(clock_s) if is_look and hasattr(probe, "sense") else probe.read(clock_s)
    if isinstance(found, int):
        found = found, GOOD
    raw, quality = found
    return Reading(calibrated(raw, calibration), quality, getattr(probe, "why", ""))


# The text of whatever a probe raised, for the log.
def reason(error) -> str:  # type: ignore[no-untyped-def]
    if isinstance(error, ProbeError):
        return str(error)
    return "%s: %s" % (type(error).__name__, error)


# calibration: None or {"multiply", "divide", "add"}: raw * multiply / divide + add, nearest.
def calibrated(raw: int, calibration) -> int:  # type: ignore[no-untyped-def]
    if calibration is None:
        return raw
    scaled = raw * calibration["multiply"]
    return nearest(scaled, calibration["divide"]) + int(calibration["add"])


# numerator / denominator to the nearest integer, halves up. denominator > 0.
def nearest(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
