"""Weigh the frames that a node and its bridge exchange: made by the wire's own encoders."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from amont_wire.const import QUANTITY_CODES, READINGS_MAX
from amont_wire.messages import Ack, Channel, Health, Samples

HEADER_AND_TAG = 15
OVERLAP = 60  # older readings in a frame while nothing is acknowledged, as a node has it
VALUES_MOST = 64  # of all channels
SEQ, TICK_S = 5000, 20_000_000  # of a node that has run for months: numbers grow

# What a series does from reading to reading: where it stands, a slope a reading, how it trembles.
_SERIES = {
    "stage_mm": (400, 0.75, 1), "rain_um": (0, 0.0, 200), "flow_l_h": (12_000, 0.0, 300),
    "pressure_pa10": (35_000, 0.0, 120), "volume_l": (200_000, 3_000.0, 400),
    "water_temp_cc": (1_200, 0.2, 6), "air_temp_cc": (1_500, 2.0, 20),
    "battery_mv": (2_900, 0.0, 4), "level_mm": (2_500, 1.0, 5), "range_mm": (1_600, 0.75, 1),
}  # fmt: skip
FLOOD_MM = 20.0  # a minute, of a river in flood


class Frame(NamedTuple):
    """A frame's bytes on the wire, and how many readings of a channel it holds."""

    size: int
    readings: int


@cache
def samples(
    quantities: tuple[str, ...], readings: int, interval_s: int = 900, flood: bool = False
) -> Frame:
    """Return a frame with so many readings of each channel, or as many as it bears."""
    readings = max(1, min(readings, READINGS_MAX, VALUES_MOST // len(quantities)))
    rise = FLOOD_MM * interval_s / 60 if flood else None
    channels = [
        Channel(index, QUANTITY_CODES[quantity], 1, _values(quantity, readings, rise))
        for index, quantity in enumerate(quantities)
    ]
    spaced_s = interval_s if readings > 1 else 0
    message = Samples(0, TICK_S, SEQ, 3, spaced_s, 3, flood, channels, None)
    body, carried = message.encode_trimmed()
    return Frame(len(body) + HEADER_AND_TAG, carried)


def full(quantities: tuple[str, ...], fresh: int, interval_s: int = 900) -> Frame:
    """Return the longest usual frame: new readings, and the older ones that nobody answered."""
    return samples(quantities, fresh + OVERLAP, interval_s)


def health_size() -> int:
    """Return the bytes of a health frame."""
    message = Health(0, TICK_S, 2900, 12, 5, 900, 4, 0, 0, -95, 20, 400, 3, 7, 0, None)
    return len(message.encode()) + HEADER_AND_TAG


def ack_size() -> int:
    """Return the bytes of an acknowledgement without gaps."""
    return len(Ack(1 << 20, 1 << 31, 3, SEQ, 0, 0, 0).encode()) + HEADER_AND_TAG


def _values(quantity: str, readings: int, rise: float | None) -> list[int]:
    start, slope, tremble = _SERIES[quantity]
    if rise is not None and quantity in ("stage_mm", "range_mm", "level_mm"):
        slope = rise
    # A fixed tremble between -1 and 1 that repeats after 13 readings.
    return [start + round(slope * i + tremble * (i * 5 % 13 - 6) / 6) for i in range(readings)]
