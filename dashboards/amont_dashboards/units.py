"""Give a declared unit, times a scale, the unit that Grafana writes beside the value."""

from __future__ import annotations

from amont_dashboards.query import Column, Query

# (unit of the field, scale of the column) -> Grafana's id; "suffix:" writes what follows. Metres
# so, since Grafana's own would write 750 mm and 1.25 m on one axis.
_UNITS = {
    ("mm", 1.0): "suffix:mm",
    ("mm", 0.001): "suffix:m",
    ("µm", 0.001): "suffix:mm",
    ("mm/h", 1.0): "suffix:mm/h",
    ("mm/h", 0.001): "suffix:m/h",
    ("l/h", 1.0): "litreh",
    ("l/h", 0.001): "suffix:m³/h",
    ("l", 0.001): "suffix:m³",
    ("l", 1.0): "litre",
    ("m³", 1.0): "suffix:m³",
    ("m³/km/d", 1.0): "suffix:m³/km/d",
    ("kPa", 1.0): "pressurekpa",
    ("kPa", 0.01): "pressurebar",
    ("s", 1.0): "s",
    ("ms", 1.0): "ms",
    ("d", 1.0): "d",
    ("mV", 1.0): "mvolt",
    ("mV", 0.001): "volt",
    ("V", 1.0): "volt",
    ("dBm", 1.0): "dBm",
    ("%", 1.0): "percent",
    ("°C", 1.0): "celsius",
    ("°", 1.0): "degree",
    ("", 1.0): "none",
    ("", 100.0): "percent",  # a share or a probability
}
KNOWN = frozenset(_UNITS.values()) | {"dateTimeAsIso", "dateTimeAsLocal", "dtdhms", "string"}


def known(unit: str) -> bool:
    """Return whether Grafana writes the unit as we mean it, and not its id."""
    return unit in KNOWN or unit.startswith("suffix:")


def unit_of(query: Query, column: Column) -> str:
    """Return Grafana's unit of a column; empty for a code; raise ValueError where none fits."""
    declared = query.declared(column.field)
    if column.unit or declared.codes:
        return column.unit
    if declared.type == "text":
        return "string"
    try:
        return _UNITS[declared.unit, column.scale]
    except KeyError:
        raise ValueError(
            f"{query.measurement.name}.{column.field}: no unit for {declared.unit or 'a number'}"
            f" times {column.scale:g}; name one in the column"
        ) from None
