"""Turn another maker's message into readings, by what the site's file says of its source.

Pure, and whatever the message holds, nothing is raised: what cannot be used is refused by a code
of ``REFUSALS``, each with what was seen. A reading out of its bounds is kept as such.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from amont_gateway import senml
from amont_gateway.foreign_fields import MAX_BYTES, MISSING, Malformed, decoded, exact, found
from amont_gateway.foreign_fields import moment_ms as read_moment_ms
from amont_gateway.foreign_reasons import WHY
from amont_gateway.readings import QUANTITIES
from amont_site.foreign import DEVICE, ForeignSensor, ForeignSource, levels, steps
from amont_site.model import foreign_limits
from amont_site.units import converted

AHEAD_MS = 300_000  # another machine's clock
# As long as the journal surely keeps what it has: a reading that comes again is known again.
OLDEST_MS = 90 * 86_400_000
MOST = 500  # readings of one message
GOOD, OUT_OF_RANGE = 0, 2  # quality codes
_LARGEST = 1 << 53
REFUSALS = tuple(WHY)
_CODES = {name: code for code, name in QUANTITIES.items()}


class Reading(NamedTuple):
    """One foreign sensor's value, in our unit."""

    sensor: str
    number: int  # the sensor's, in the journal
    quantity: int  # as docs/wire-format.md codes it, as the next
    quality: int
    value: int  # of a total what is read, in the unit of ``ForeignSensor.read_as``
    at_ms: int
    total: bool = False


class Refusal(NamedTuple):
    """Something of a message that cannot be used, or is out of bounds."""

    why: str  # one of REFUSALS
    sensor: str = ""  # empty: the message as a whole
    seen: str = ""


class Mapped(NamedTuple):
    """What one message gave."""

    readings: list[Reading]
    refused: list[Refusal]


class Mapping:
    """One source's mapping."""

    def __init__(self, source: ForeignSource, time_zone: str) -> None:
        """Take a checked source, and the site's time zone for wall clocks without one."""
        self.source = source
        self._zone = ZoneInfo(time_zone)
        self._levels = levels(source.topic)
        self._device = steps(source.device) if source.device else None
        self._time = steps(source.time.at) if source.time else None
        self._sensors = [_Sensor(source, sensor) for sensor in source.sensors]

    def matches(self, topic: str) -> bool:
        """Tell whether a message of this topic is the source's."""
        return self._named(topic) is not None

    def map(self, topic: str, payload: bytes, now_ms: int, retained: bool = False) -> Mapped:
        """Return the readings of a message whose topic matches, and what is wrong with it.

        ``retained``: the broker had kept it, so without a time of its own nobody knows its age.
        """
        if len(payload) > MAX_BYTES:
            return _refused("oversize", f"{len(payload)} bytes, at most {MAX_BYTES}")
        if retained and not self.source.dated:
            return _refused("retained")
        try:
            if self.source.form == "senml":
                return self._of_senml(topic, decoded(payload), now_ms)
            plain = self.source.form == "plain"
            content = payload.decode("ascii", "replace") if plain else decoded(payload)
        except Malformed as error:
            return _refused("malformed", str(error))
        return self._of_content(topic, content, now_ms)

    def _named(self, topic: str) -> str | None:
        """Return the device that a topic names, "" for none; None if it does not match."""
        device, given = "", topic.split("/")
        for at, level in enumerate(self._levels):
            if level == "#":
                return device
            if at >= len(given):
                return None
            if level == DEVICE:
                device = given[at]
            elif level not in ("+", given[at]):
                return None
        below = len(given) - len(self._levels)
        return device if below == 0 else None

    def _of_content(self, topic: str, content: Any, now_ms: int) -> Mapped:
        device: Any = self._named(topic)
        if self._device is not None:
            device = found(content, self._device)
        here = self._of_device(device)
        if isinstance(here, Refusal):
            return Mapped([], [here])
        at_ms = self._at_ms(content, now_ms)
        if isinstance(at_ms, Refusal):
            return Mapped([], [at_ms])
        mapped = Mapped([], [])
        for sensor in here:
            _add(mapped, sensor, sensor.read(content), at_ms)
        return mapped

    def _of_senml(self, topic: str, pack: Any, now_ms: int) -> Mapped:
        here = self._of_device(self._named(topic))
        if isinstance(here, Refusal):
            return Mapped([], [here])
        mapped, waiting = Mapped([], []), {sensor.plain.value: sensor for sensor in here}
        met: set[str] = set()
        for record in senml.records(pack, now_ms):
            sensor = waiting.get(record.name)
            if sensor is None:
                continue
            met.add(record.name)
            if len(mapped.readings) + len(mapped.refused) >= MOST:
                mapped.refused.append(Refusal("many", "", f"more than {MOST} readings"))
                break
            at_ms = _plausible(record.at_ms, "", now_ms)
            if isinstance(at_ms, Refusal):
                mapped.refused.append(at_ms._replace(sensor=sensor.plain.sensor))
            else:
                _add(mapped, sensor, sensor.of_record(record), at_ms)
        for name, sensor in waiting.items():
            if name not in met:
                mapped.refused.append(Refusal("path", sensor.plain.sensor, str(name)))
        return mapped

    def _of_device(self, device: Any) -> list[_Sensor] | Refusal:
        """Return the sensors whose readings a device's message holds."""
        if isinstance(device, int) and not isinstance(device, bool):
            device = str(device)
        if not isinstance(device, str):
            return Refusal("device", "", "-" if device is MISSING else _shown(device))
        here = [s for s in self._sensors if s.plain.device in (None, device)]
        return here or Refusal("device", "", device[:80])

    def _at_ms(self, content: Any, now_ms: int) -> int | Refusal:
        moment = self.source.time
        if moment is None or self._time is None:
            return now_ms
        told = found(content, self._time)
        if told is MISSING:
            return Refusal("time", "", f"{moment.at}: -")
        at_ms = read_moment_ms(told, moment.form, self._zone, now_ms)
        return _plausible(at_ms, f"{moment.at}: {_shown(told)}", now_ms)


class _Sensor:
    """One sensor of a source, with its paths and factors made ready."""

    def __init__(self, source: ForeignSource, sensor: ForeignSensor) -> None:
        self.plain = sensor
        by_path = source.form == "json"
        self._value = steps(sensor.value) if by_path and sensor.value else ()
        self._unit = steps(sensor.unit_at) if sensor.unit_at else None
        self._factor, self._offset = Fraction(sensor.factor), Fraction(sensor.offset)
        limits = foreign_limits(source, sensor)
        self._least, self._most = limits["min"], limits["max"]

    def read(self, content: Any) -> Refusal | tuple[int, int]:
        """Return the value in our unit and its quality."""
        told = found(content, self._value)
        if told is MISSING:
            return self._refusal("path", self.plain.value or "")
        unit = self.plain.unit
        if self._unit is not None:
            said = found(content, self._unit)
            unit = said if isinstance(said, str) else None
            if unit is None:
                return self._refusal("unit", "-" if said is MISSING else _shown(said))
        number = exact(told)
        if number is None:
            return self._refusal("number", _shown(told))
        return self._measured(number, unit or "")

    def of_record(self, record: senml.Record) -> Refusal | tuple[int, int]:
        """Return the same of a SenML record; its own unit must be the one in the site's file."""
        wanted = self.plain.unit
        if wanted is not None and record.unit not in (None, wanted):
            return self._refusal("unit", str(record.unit))
        if record.value is None:
            return self._refusal("number", record.name)
        return self._measured(record.value, wanted or record.unit or "-")

    def _measured(self, number: Fraction, unit: str) -> Refusal | tuple[int, int]:
        told = number * self._factor + self._offset
        try:
            value = round(converted(told, unit, self.plain.read_as))
        except KeyError:
            return self._refusal("unit", unit)
        if abs(value) >= _LARGEST:
            return self._refusal("bounds", "beyond all measure")
        if self.plain.total:  # its bounds are those of what came since
            return value, GOOD
        return value, GOOD if self._least <= value <= self._most else OUT_OF_RANGE

    def bounds(self) -> str:
        """Return the bounds in words of numbers alone."""
        return f"{self._least} … {self._most}"

    def _refusal(self, why: str, seen: str) -> Refusal:
        return Refusal(why, self.plain.sensor, seen[:120])


def _add(mapped: Mapped, sensor: _Sensor, read: Refusal | tuple[int, int], at_ms: int) -> None:
    if isinstance(read, Refusal):
        mapped.refused.append(read)
        return
    value, quality = read
    plain = sensor.plain
    code = _CODES[plain.quantity]
    mapped.readings.append(
        Reading(plain.sensor, plain.number, code, quality, value, at_ms, plain.total)
    )
    if quality != GOOD:
        seen = f"{value}, {sensor.bounds()}"
        mapped.refused.append(Refusal("bounds", plain.sensor, seen))


def _plausible(at_ms: int | None, seen: str, now_ms: int) -> int | Refusal:
    if at_ms is None:
        return Refusal("time", "", seen)
    if at_ms > now_ms + AHEAD_MS:
        return Refusal("future", "", seen or str(at_ms))
    if at_ms < now_ms - OLDEST_MS or at_ms < 0:
        return Refusal("old", "", seen or str(at_ms))
    return at_ms


def _refused(why: str, seen: str = "") -> Mapped:
    return Mapped([], [Refusal(why, "", seen)])


def _shown(value: Any) -> str:
    """Return what was seen, short enough for a line and without what cannot be printed."""
    if isinstance(value, dict | list):
        return f"{type(value).__name__} of {len(value)}"
    text = value if isinstance(value, str) else str(value)
    return "".join(c if c.isprintable() else "?" for c in text[:60])
