"""Fill a real influxd with a year of 50 stations, as the gateway would have, in bulk.

Every form of line is made by the gateway's own ``lines.line``; only its time is then repeated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from amont_gateway import series
from amont_gateway.database import Influx
from amont_gateway.influx import InfluxWriter
from amont_gateway.lines import line
from amont_gateway.series import Field, Measurement
from amont_gateway.yearly.balance import KINDS

SITE = "sainte-amonette"
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
END_MS = 1_794_985_200_000
YEAR_DAYS = 365
STATIONS, ZONES, GAUGES, SIRENS = 50, 10, 5, 4
HORIZONS = ("1", "3", "6")
_READING_MS, _STATE_MS = 900_000, 300_000
_BATCH = 20_000
_FORMS = 8  # different values of a series, one after the other


class Kept(NamedTuple):
    """One measurement of the year: each of its series, how often, how far back."""

    measurement: Measurement
    things: list[dict[str, str]]
    step_ms: int
    days: int


def year(states_days: int) -> Iterator[Kept]:
    """Yield what is kept; states, which no summary makes small, of the last days only."""
    for reading, things in _readings():
        yield Kept(reading, things, _READING_MS, YEAR_DAYS)
        for store, step_ms in ((series.HOURS, HOUR_MS), (series.DAYS, DAY_MS)):
            yield Kept(series.by(store, reading), things, step_ms, YEAR_DAYS)
    for measurement, things in _states():
        yield Kept(measurement, things, _STATE_MS, states_days)
    for measurement, things in _days():
        yield Kept(measurement, things, DAY_MS, YEAR_DAYS)
    months = (series.ZONE_MONTH, series.YIELD_YEAR, series.VOLUME_MONTH)
    for measurement in months:
        yield Kept(measurement, _things(measurement), 30 * DAY_MS, 2 * YEAR_DAYS)


def fill(url: str, states_days: int) -> int:
    """Write the year; return the number of points."""
    writer = InfluxWriter(Influx(url))
    written = 0
    for kept in year(states_days):
        for batch in _batches(_lines(kept)):
            writer.write(batch, kept.measurement.store)
            written += len(batch)
    writer.close()
    return written


def _readings() -> list[tuple[Measurement, list[dict[str, str]]]]:
    stations = [{"station": f"s{n}", "sensor": f"s{n}-a"} for n in range(STATIONS)]
    gauges = [{"gauge": f"g{n}", "sensor": f"g{n}-pluie"} for n in range(GAUGES)]
    return [
        (series.STAGE, stations),
        (series.RAIN, gauges),
        (series.FLOW, [{"zone": f"z{n}", "sensor": f"z{n}-debit"} for n in range(ZONES)]),
        (series.PRESSURE, [{"zone": f"z{n}", "sensor": f"z{n}-pression"} for n in range(ZONES)]),
        (series.TANK, [{"zone": "z0", "sensor": "z0-tank"}]),
    ]


def _sensors() -> list[str]:
    return [tags["sensor"] for _, things in _readings() for tags in things]


def _states() -> list[tuple[Measurement, list[dict[str, str]]]]:
    forecasts = [
        {"station": f"s{n}", "model": "river-1", "horizon": h}
        for n in range(STATIONS)
        for h in HORIZONS
    ]
    found = [
        series.STATION_STATE, series.ZONE_STATE, series.NETWORK_STATE, series.SIREN_STATE,
        series.SENSOR_HEALTH, series.NODE_HEALTH, series.GATEWAY, series.PLACE,
    ]  # fmt: skip
    return [
        *((measurement, _things(measurement)) for measurement in found),
        (series.FORECAST, forecasts),
        (series.FORECAST_ERROR, forecasts),
    ]


def _days() -> list[tuple[Measurement, list[dict[str, str]]]]:
    leaks = [{"place": f"z{n % ZONES}", "leak": str(n)} for n in range(30)]
    events = [
        {"kind": kind, "place": f"s{n}"} for kind in series.EVENTS for n in range(STATIONS // 5)
    ]
    return [
        (series.QUALITY_DAY, _things(series.QUALITY_DAY)),
        (series.ZONE_DAY, _things(series.ZONE_DAY)),
        (series.LEAK_DAY, leaks),
        (series.EVENT, events),
    ]


def _things(measurement: Measurement) -> list[dict[str, str]]:
    """Return the tags of each series of a measurement with one tag, or with none."""
    named = {
        "station": [f"s{n}" for n in range(STATIONS)],
        "zone": [f"z{n}" for n in range(ZONES)],
        "network": ["vallee"],
        "siren": [f"siren-{n}" for n in range(SIRENS)],
        "sensor": _sensors(),
        "node": [str(n + 1) for n in range(STATIONS + ZONES + GAUGES)],
        "place": [f"s{n}" for n in range(STATIONS)],
        "kind": list(KINDS),
    }
    if not measurement.tags:
        return [{}]
    first, *rest = measurement.tags
    return [{first: value, **{tag: "station" for tag in rest}} for value in named[first]]


def _lines(kept: Kept) -> Iterator[str]:
    """Yield the lines in the order of time, as they would come."""
    forms = [_forms(kept.measurement, tags, n) for n, tags in enumerate(kept.things)]
    begin_ms = END_MS - kept.days * DAY_MS
    for number, at_ms in enumerate(range(begin_ms, END_MS + 1, kept.step_ms)):
        for variants in forms:
            yield f"{variants[number % _FORMS]}{at_ms}"


def _forms(measurement: Measurement, tags: dict[str, str], number: int) -> list[str]:
    made = []
    for form in range(_FORMS):
        fields = {f.name: _value(f, number + form) for f in measurement.fields}
        written = line(measurement, SITE, tags, fields, 0)
        assert written is not None
        made.append(written.removesuffix("0"))
    return made


def _value(field: Field, number: int) -> float | int | str:
    if field.type == "text":
        return f"événement {number}"
    if field.name == "missing_days":
        return 0
    if field.codes:
        return number % len(field.codes) if field.name in ("state", "silent") else 0
    if field.unit == "%":
        return round(75 + 25 * math.sin(number), 1)
    wave = 1_000 + 300 * math.sin(number)
    return round(wave, 1) if field.type == "float" else round(wave)


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(lines)
    while batch := list(islice(rest, _BATCH)):
        yield batch
