"""Write the declared series as InfluxDB line protocol, refusing what was not declared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from amont_gateway import series
from amont_gateway.journal_holes import Row
from amont_gateway.readings import (
    BAD_TIME,
    CHANNEL_BYTES,
    MISSING,
    QUANTITIES,
    SUSPECT,
    Sample,
    iter_channels,
    unpack_channel,
)
from amont_gateway.series import Measurement

# How a sensor is tagged: (sensor id, place id, quantity name), by (node, channel)
SensorTags = Mapping[tuple[int, int], tuple[str, str, str]]

_PLAIN = 10**15  # whole numbers below it are written as floats by their digits and ".0"
_CODES = {name: code for code, name in QUANTITIES.items()}
_ESCAPES = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": r"\ ", "\\": "/"})


def line(
    measurement: Measurement,
    site: str,
    tags: Mapping[str, str],
    fields: Mapping[str, float | int | str | None],
    at_ms: int,
) -> str | None:
    """Write one point; unknown or not finite values are left out, None if none is left.

    Raise ValueError if tags or fields are not the declared ones.
    """
    if tuple(tags) != measurement.tags:
        raise ValueError(f"{measurement.name}: tags {tuple(tags)}, declared {measurement.tags}")
    types = {field.name: field.type for field in measurement.fields}
    parts = []
    for name, value in fields.items():
        if name not in types:
            raise ValueError(f"{measurement.name}: field {name} is not declared")
        if (written := _field(types[name], value)) is not None:
            parts.append(f"{name}={written}")
    if not parts:
        return None
    head = "".join(f",{k}={_tag(v)}" for k, v in sorted([("site", site), *tags.items()]))
    return f"{measurement.name}{head} {','.join(parts)} {at_ms}"


def _field(type_: str, value: float | int | str | None) -> str | None:
    if isinstance(value, str):
        return _quoted(value) if type_ == "text" and value else None
    if type_ == "text" or value is None or not math.isfinite(value):
        return None
    return f"{float(value)!r}" if type_ == "float" else f"{value:d}i"


def _quoted(text: str) -> str:
    escaped = text.translate({ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): " "})
    return f'"{escaped}"'


def never_doubted(_sensor: str, _at_ms: int) -> int:
    """Say that no reading is doubted."""
    return 0


def sample_lines(
    site: str,
    tags: SensorTags,
    samples: Iterable[Sample],
    doubt: Callable[[str, int], int] = never_doubted,
) -> list[str]:
    """Write the readings of known sensors; impossible times and repeated values are left out.

    A good reading that ``doubt(sensor, at_ms)`` has something against is written as suspect.
    """
    return row_lines(site, tags, [(0, *sample, 0) for sample in samples], doubt)


def row_lines(
    site: str,
    tags: SensorTags,
    rows: Iterable[Row],
    doubt: Callable[[str, int], int] = never_doubted,
) -> list[str]:
    """Write the same of the journal's rows: (id, a sample's eight fields, checksum)."""
    heads: dict[int, _Head] = {}
    lines = []
    doubts = doubt is not never_doubted
    for _, node, _, _, at_ms, _, _, flags, packed, _ in rows:
        if flags & BAD_TIME:
            continue
        # nearly all have one channel, and to unpack that is half of the work
        one = len(packed) == CHANNEL_BYTES
        for channel, code, quality, value in (
            (unpack_channel(packed),) if one else iter_channels(packed)
        ):
            key = node << 8 | channel
            if key not in heads:
                heads[key] = _head(site, tags.get((node, channel)))
            text, sensor, known_code, unit = heads[key]
            if known_code != code or quality == MISSING:
                continue
            if doubts and not quality and doubt(sensor, at_ms):
                quality = SUSPECT
            if unit == 1.0 and -_PLAIN < value < _PLAIN:
                lines.append(f"{text}{value}.0,quality={quality}i {at_ms}")
            else:
                lines.append(f"{text}{value * unit!r},quality={quality}i {at_ms}")
    return lines


class _Head(NamedTuple):
    """What all lines of one sensor begin with, made once: ``line`` takes five times as long."""

    text: str
    sensor: str
    code: int  # of the quantity; -1, which no reading has, where nothing is to be written
    unit: float


def _head(site: str, known: tuple[str, str, str] | None) -> _Head:
    sensor, place, quantity = known or ("", "", "")
    if quantity not in _CODES:
        return _Head("", "", -1, 0.0)
    measurement, unit = series.QUANTITY[quantity]
    named = {tag: sensor if tag == "sensor" else place for tag in measurement.tags}
    field = measurement.fields[0].name
    whole = line(measurement, site, named, {field: 0.0, "quality": 0}, 0)
    return _Head(str(whole).removesuffix("0.0,quality=0i 0"), sensor, _CODES[quantity], unit)


def quality_lines(
    site: str, tags: SensorTags, doubts: Iterable[tuple[int, str, int, int]]
) -> list[str]:
    """Write changed qualities of good readings over their points; values stay.

    A doubt is (anything, sensor, time, code); 0 is none.
    """
    known = {sensor: (place, quantity) for sensor, place, quantity in tags.values()}
    lines = []
    for _, sensor, t_ms, code in doubts:
        if sensor not in known:  # of a sensor that is gone
            continue
        place, quantity = known[sensor]
        measurement, _unit = series.QUANTITY[quantity]
        named = {tag: sensor if tag == "sensor" else place for tag in measurement.tags}
        fields = {"quality": SUSPECT if code else 0}
        lines.append(str(line(measurement, site, named, fields, t_ms)))
    return lines


def _tag(value: str) -> str:
    return value.translate(_ESCAPES) or "-"
