"""Know what a unit is worth in ours, exactly: rational numbers, and nothing is guessed."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Unit(NamedTuple):
    """A value times ``factor`` plus ``offset`` is in the dimension's first unit."""

    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)


def _same(dimension: str, factor: int | str, *names: str) -> dict[str, Unit]:
    return {name: Unit(dimension, Fraction(factor)) for name in names}


_POUND_N = Fraction("0.45359237") * Fraction("9.80665")
_FAHRENHEIT = Unit("temperature", Fraction(5, 9), Fraction(-160, 9))

UNITS: dict[str, Unit] = (
    _same("length", 1, "m")
    | _same("length", "1/10", "dm")
    | _same("length", "1/100", "cm")
    | _same("length", "1/1000", "mm")
    | _same("length", "1/1000000", "um", "\u00b5m", "\u03bcm")
    | _same("length", "0.0254", "in")
    | _same("length", "0.3048", "ft")
    | _same("pressure", 1, "Pa")
    | _same("pressure", 100, "hPa", "mbar")
    | _same("pressure", 1_000, "kPa")
    | _same("pressure", 100_000, "bar")
    | _same("pressure", 1_000_000, "MPa")
    | {"psi": Unit("pressure", _POUND_N / Fraction("0.0254") ** 2)}
    | _same("pressure", "9806.65", "mH2O")
    | _same("pressure", "98.0665", "cmH2O")
    | _same("flow", 1, "l/h", "L/h")
    | _same("flow", 60, "l/min", "L/min")
    | _same("flow", 3_600, "l/s", "L/s")
    | _same("flow", 1_000, "m3/h", "m\u00b3/h")
    | _same("flow", 60_000, "m3/min", "m\u00b3/min")
    | _same("flow", 3_600_000, "m3/s", "m\u00b3/s")
    | _same("flow", "1000/24", "m3/d", "m\u00b3/d")
    | _same("volume", 1, "l", "L", "dm3", "dm\u00b3")
    | _same("volume", "1/1000", "ml", "mL")
    | _same("volume", 100, "hl", "hL")
    | _same("volume", 1_000, "m3", "m\u00b3")
    | _same("temperature", 1, "\u00b0C", "C", "Cel", "degC")
    | {"K": Unit("temperature", Fraction(1), Fraction("-273.15"))}
    | {name: _FAHRENHEIT for name in ("\u00b0F", "F", "degF")}
    | _same("voltage", 1, "V")
    | _same("voltage", "1/1000", "mV")
)

# quantity: its dimension, and how many of it make the dimension's first unit
QUANTITIES: dict[str, tuple[str, int | Fraction]] = {
    "stage_mm": ("length", 1_000),
    "level_mm": ("length", 1_000),
    "range_mm": ("length", 1_000),
    "rain_um": ("length", 1_000_000),
    "flow_l_h": ("flow", 1),
    "pressure_pa10": ("pressure", Fraction(1, 10)),
    "volume_l": ("volume", 1),
    "water_temp_cc": ("temperature", 100),
    "air_temp_cc": ("temperature", 100),
    "battery_mv": ("voltage", 1_000),
}


def fitting(quantity: str) -> list[str]:
    """Return the units that a quantity may be told in."""
    dimension = QUANTITIES[quantity][0]
    return [name for name, unit in UNITS.items() if unit.dimension == dimension]


def converted(value: Fraction, unit: str, quantity: str) -> Fraction:
    """Return a value in our unit of the quantity; raise KeyError if the unit is none of it."""
    dimension, per_first = QUANTITIES[quantity]
    known = UNITS[unit]
    if known.dimension != dimension:
        raise KeyError(unit)
    return (value * known.factor + known.offset) * per_first
