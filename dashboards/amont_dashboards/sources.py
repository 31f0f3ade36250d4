"""Name Grafana's three data sources: one for each time that history is kept (see ``series``)."""

from __future__ import annotations

from dataclasses import dataclass

from amont_gateway import series

Json = dict[str, str]


@dataclass(frozen=True)
class Source:
    """One data source: ``store`` ends the database's name, ``step`` is its points' distance."""

    uid: str
    name: str
    store: str
    step: str


HISTORY = Source("amont-history", "Amont", "", "60s")
HOURS = Source("amont-hours", "Amont · 1 h", series.HOURS, "1h")
DAYS = Source("amont-days", "Amont · 1 d", series.DAYS, "1d")
ALL = (HISTORY, HOURS, DAYS)

# A variable at the top of a dashboard chooses among the three.
DETAIL = "detail"
CHOSEN = f"${{{DETAIL}}}"
MIXED = "-- Mixed --"  # Grafana's own word: each query names its source
UIDS = frozenset({*(source.uid for source in ALL), CHOSEN})

_BY_STORE = {source.store: source for source in ALL}
_READINGS = {measurement.name for measurement, _ in series.QUANTITY.values()}


def reference(uid: str) -> Json:
    """Return how a panel, a query or a variable names its data source."""
    return {"type": "datasource" if uid == MIXED else "influxdb", "uid": uid}


def source_of(measurement: series.Measurement, fields: set[str]) -> str:
    """Return the uid that a query of these fields asks.

    What a reading is worth is in all three, so the reader chooses; all else is in one of them.
    """
    if measurement.name in _READINGS and not measurement.store:
        value = measurement.fields[0].name
        if fields <= {value}:
            return CHOSEN
    return _BY_STORE[measurement.store].uid
