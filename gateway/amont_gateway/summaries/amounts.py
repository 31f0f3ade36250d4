"""Sum up a sensor's good readings of an hour or a day as a point of ``series.by``."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from amont_gateway import series
from amont_gateway.lines import line
from amont_gateway.places import Sensor
from amont_gateway.readings import SUSPECT
from amont_gateway.summaries.day_readings import Readings

SUMMED = ("rain_um",)  # each reading is what fell since the one before
_FORMS = {
    (store, quantity): (series.by(store, measurement), unit)
    for quantity, (measurement, unit) in series.QUANTITY.items()
    for store in (series.HOURS, series.DAYS)
}


def doubted_as_suspect(readings: Readings, doubted: NDArray[np.bool_]) -> Readings:
    """Return the readings with the good ones that are doubted as suspect."""
    suspect = (readings.quality == 0) & doubted
    return readings._replace(
        quality=np.where(suspect, np.uint8(SUSPECT), readings.quality).astype(np.uint8)
    )


def summary_lines(
    site: str, sensor: Sensor, store: str, readings: Readings, spans: Iterable[tuple[int, int]]
) -> list[str]:
    """Return a line for each span [begin, end) in Unix ms, at its beginning.

    A span without a good reading says that there are none; what it said before of its values
    stays, for a point cannot take a field back.
    """
    measurement, unit = _FORMS[store, sensor.quantity]
    good = readings.quality == 0
    t_ms, value = readings.t_ms[good], readings.value[good]
    tags = {tag: sensor.id if tag == "sensor" else sensor.place for tag in measurement.tags}
    lines = []
    for begin_ms, end_ms in spans:
        first, last = np.searchsorted(t_ms, (begin_ms, end_ms)).tolist()
        fields = _fields(measurement, sensor.quantity, value[first:last], unit)
        written = line(measurement, site, tags, fields, begin_ms)
        if written is not None:
            lines.append(written)
    return lines


def _fields(
    measurement: series.Measurement, quantity: str, value: NDArray[np.int64], unit: float
) -> dict[str, float | int | str | None]:
    count = len(value)
    fields: dict[str, float | int | str | None] = {"readings": count}
    if count:
        own = value.sum() if quantity in SUMMED else value.mean()
        name, low, high = (field.name for field in measurement.fields[:3])
        for field, number in ((name, own), (low, value.min()), (high, value.max())):
            fields[field] = round(float(number) * unit, 6)
    return fields
