"""Take a line of InfluxDB's protocol apart and hold it against the declared series."""

from __future__ import annotations

import re

from amont_gateway import series
from amont_gateway.series import Measurement

# key or value of a tag, key of a field: any byte but a bare comma, space or equals sign
_WORD = r"(?:\\.|[^\\, =\n])+"
_FIELD = rf'{_WORD}=(?:"(?:\\.|[^"\\\n])*"|[^", \n]+)'
_LINE = re.compile(
    rf"(?P<name>(?:\\.|[^\\, \n])+)(?P<tags>(?:,{_WORD}={_WORD})*)"
    rf" (?P<fields>{_FIELD}(?:,{_FIELD})*) (?P<at>-?\d{{1,19}})"
)
_PAIR = re.compile(rf'({_WORD})=("(?:\\.|[^"\\])*"|(?:\\.|[^\\,"])+)')
_FORMS = {
    "float": re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?"),
    "int": re.compile(r"-?\d+i"),
    "text": re.compile(r'".*"'),
}


def problem(line: str, store: str = "") -> str:
    """Return what is wrong with a line for one of the stores, "" if nothing is."""
    found = _LINE.fullmatch(line)
    if found is None:
        return "not a line: measurement,tag=value field=value time"
    measurement = _declared(found["name"], store)
    if measurement is None:
        return f"measurement {found['name']!r} is not declared for {store or 'readings'}"
    tags = dict(_PAIR.findall(found["tags"]))
    wanted = {"site", *measurement.tags}
    if set(tags) != wanted:
        return f"tags {sorted(tags)}, declared are {sorted(wanted)}"
    return _fields_problem(measurement, _PAIR.findall(found["fields"]))


def _declared(name: str, store: str) -> Measurement | None:
    for measurement in series.MEASUREMENTS:
        is_reading = any(measurement is reading for reading, _ in series.QUANTITY.values())
        if measurement.name == name and (measurement.store == store or is_reading):
            return series.by(store, measurement) if store and is_reading else measurement
    return None


def _fields_problem(measurement: Measurement, fields: list[tuple[str, str]]) -> str:
    types = {field.name: field.type for field in measurement.fields}
    for name, value in fields:
        if name not in types:
            return f"field {name} is not declared for {measurement.name}"
        if not _FORMS[types[name]].fullmatch(value):
            return f"field {name}: {value} is not of type {types[name]}"
    return ""
