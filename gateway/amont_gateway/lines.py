"""Write the declared series as InfluxDB line protocol, refusing what was not declared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from amont_gateway import series
from amont_gateway.readings import (
    BAD_TIME,
    MISSING,
    QUANTITIES,
    SUSPECT,
    Sample,
    unpack_channels,
)
from amont_gateway.series import Measurement

# How a sensor is tagged: (sensor id, place id, quantity name), by (node, channel)
SensorTags = Mapping[tuple[int, int], tuple[str, str, str]]

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
    lines = []
    for sample in samples:
        if sample.flags & BAD_TIME:
            continue
        for channel, code, quality, value in unpack_channels(sample.channels):
            sensor, place, quantity = tags.get((sample.node, channel), ("", "", ""))
            if QUANTITIES.get(code) != quantity or quality == MISSING:
                continue
            measurement, unit = series.QUANTITY[quantity]
            quality = quality or (SUSPECT if doubt(sensor, sample.at_ms) else quality)
            named = {tag: sensor if tag == "sensor" else place for tag in measurement.tags}
            fields = {measurement.fields[0].name: value * unit, "quality": quality}
            written = line(measurement, site, named, fields, sample.at_ms)
            if written is not None:
                lines.append(written)
    return lines


def _tag(value: str) -> str:
    return value.translate(_ESCAPES) or "-"
