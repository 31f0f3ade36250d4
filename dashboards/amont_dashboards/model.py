"""Describe a dashboard once, for both languages: panels, queries and the words for codes.

Plain values; ``render`` turns them into what Grafana reads. A query can only name measurements,
fields and tags that ``amont_gateway.series`` declares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from amont_gateway.series import Field, Measurement

Text = tuple[str, str]  # French, English
LANGUAGES = ("fr", "en")
COLUMNS = 24  # of Grafana's grid

# Okabe and Ito's palette: told apart with every kind of colour vision.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, RED, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#999999"

FILLS = ("null", "none", "previous")


@dataclass(frozen=True)
class Column:
    """One column of a query: an aggregate of a field, multiplied by ``scale``."""

    aggregate: str
    field: str
    scale: float = 1.0
    name: str = ""


@dataclass(frozen=True)
class Query:
    """One InfluxQL query; raise ValueError for what ``measurement`` does not declare.

    ``group`` and the keys of ``where`` are tags; the values of ``where`` are names of the
    dashboard's variables. With ``fill`` the query is grouped by time as well.
    """

    measurement: Measurement
    columns: tuple[Column, ...]
    group: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    fill: str = ""
    label: Text = ("", "")
    colour: str = ""
    dashed: bool = False

    def __post_init__(self) -> None:
        fields = {declared.name for declared in self.measurement.fields}
        tags = {"site", *self.measurement.tags}
        wrong = {column.field for column in self.columns} - fields
        wrong |= ({*self.group} | {tag for tag, _ in self.where}) - tags
        if wrong or (self.fill and self.fill not in FILLS):
            raise ValueError(
                f"{self.measurement.name}: not declared: {sorted(wrong) or self.fill}"
            )

    def influxql(self) -> str:
        """Return the query with Grafana's macros in it."""
        select = ", ".join(_column(column) for column in self.columns)
        where = ["$timeFilter", *(f'"{tag}" =~ /^${{{name}:regex}}$/' for tag, name in self.where)]
        groups = ["time($__interval)"] if self.fill else []
        groups += [f'"{tag}"' for tag in self.group]
        query = f'SELECT {select} FROM "{self.measurement.name}" WHERE {" AND ".join(where)}'
        if groups:
            query += f" GROUP BY {', '.join(groups)}"
        return query + (f" fill({self.fill})" if self.fill else "")

    def declared(self, name: str) -> Field:
        """Return the declared field of that name."""
        return next(found for found in self.measurement.fields if found.name == name)


@dataclass(frozen=True)
class Panel:
    """One panel; ``kind`` is Grafana's type, ``size`` columns and rows of the grid."""

    kind: str  # "stat" | "timeseries" | "state-timeline" | "table"
    title: Text
    description: Text
    queries: tuple[Query, ...]
    size: tuple[int, int]
    unit: str = ""  # Grafana's id; empty where codes are mapped to words
    gap_ms: int = 0  # longer gaps than this are drawn as gaps
    bars: bool = False
    units: tuple[tuple[str, str], ...] = ()  # of a table's columns


@dataclass(frozen=True)
class Variable:
    """A choice at the top: the values of one tag of one measurement."""

    name: str
    title: Text
    measurement: Measurement
    tag: str
    several: bool = True


@dataclass(frozen=True)
class Dashboard:
    """One dashboard in both languages."""

    uid: str
    title: Text
    description: Text
    panels: Sequence[Panel]
    variables: Sequence[Variable] = field(default=())
    refresh: str = "1m"
    hours: int = 48


def _column(column: Column) -> str:
    scaled = f'{column.aggregate}("{column.field}")'
    if column.scale != 1:
        scaled += f" * {column.scale:g}"
    return f'{scaled} AS "{column.name or column.field}"'
