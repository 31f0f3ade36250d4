"""Write InfluxQL from what ``amont_gateway.series`` declares; nothing else can be asked."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cached_property

from amont_dashboards.sources import source_of
from amont_gateway.series import Field, Measurement

Text = tuple[str, str]  # French, English
Step = tuple[float | None, str]  # from which value on (None: the lowest), colour

FILLS = ("null", "none", "previous", "linear", "0")
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Column:
    """One column: an aggregate of a field, multiplied by ``scale``.

    ``aggregate`` is a function's name, empty for the value as it is stored, or a form with ``{}``
    for the field and ``{other}`` for others: ``derivative(mean({}), 1h)``. The rest says how a
    table shows the column; ``cell`` is "text", "colour" or "gauge".
    """

    aggregate: str
    field: str
    scale: float = 1.0
    name: str = ""
    title: Text = ("", "")  # empty: the usual words for the field
    unit: str = ""  # Grafana's id; empty: from the field's declared unit and the scale
    cell: str = "text"
    steps: tuple[Step, ...] = ()
    low: float | None = None
    high: float | None = None
    decimals: int | None = None

    @property
    def shown(self) -> str:
        """Return the name under which the column arrives."""
        return self.name or self.field

    @property
    def fields(self) -> set[str]:
        """Return every field that the column reads."""
        names = {name for _, name, _, _ in string.Formatter().parse(self._form) if name}
        return {self.field, *names}

    def influxql(self) -> str:
        """Return the column as SELECT has it."""
        others = {name: f'"{name}"' for name in self.fields}
        scaled = self._form.format(f'"{self.field}"', **others)
        if self.scale != 1:
            scaled += f" * {self.scale:g}"
        return f'{scaled} AS "{self.shown}"'

    @property
    def _form(self) -> str:
        if "{" in self.aggregate:
            return self.aggregate
        return f"{self.aggregate}({{}})" if self.aggregate else "{}"


@dataclass(frozen=True)
class Query:
    """One InfluxQL query; raise ValueError for what ``measurement`` does not declare.

    ``group`` and the keys of ``where`` and ``tags`` are tags; the values of ``where`` are names
    of the dashboard's variables, those of ``tags`` the values to keep. ``only`` keeps what
    compares so: ``("severity", ">=", 2)``. With ``fill`` the query is grouped by time as well.
    With ``outer`` (an aggregate) or ``having`` (as ``only``, on columns) the query is asked of
    the result of itself, grouped by ``outer_group``.
    """

    measurement: Measurement
    columns: tuple[Column, ...]
    group: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    fill: str = ""
    label: Text = ("", "")
    colour: str = ""
    dashed: bool = False
    tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    only: tuple[tuple[str, str, float], ...] = ()
    outer: str = ""
    having: tuple[tuple[str, str, float], ...] = ()
    outer_group: tuple[str, ...] = ()
    every: str = "$__interval"  # with fill: the step
    newest_first: bool = False
    limit: int = 0  # of each group
    source: str = ""  # a uid; empty: by what is asked
    hidden: bool = False  # asked for others' sake, not shown itself
    unit: str = ""  # for this query alone, on an axis of its own

    def __post_init__(self) -> None:
        fields = {declared.name for declared in self.measurement.fields}
        tags = {"site", *self.measurement.tags}
        wrong = self._fields - fields
        wrong |= {*self.group, *self.outer_group, *dict(self.where), *dict(self.tags)} - tags
        wrong |= {name for name, _, _ in self.having} - {c.shown for c in self.columns}
        wrong |= {sign for _, sign, _ in (*self.only, *self.having)} - {*COMPARISONS}
        if self.fill and self.fill not in FILLS:
            wrong.add(self.fill)
        if wrong:
            raise ValueError(f"{self.measurement.name}: not declared: {sorted(wrong)}")

    @cached_property
    def asks(self) -> str:
        """Return the uid of the data source that is asked."""
        return self.source or source_of(self.measurement, self._fields)

    @property
    def _fields(self) -> set[str]:
        read = {name for column in self.columns for name in column.fields}
        return read | {name for name, _, _ in self.only}

    def influxql(self) -> str:
        """Return the query with Grafana's macros in it."""
        inner = self._select(", ".join(column.influxql() for column in self.columns))
        if not (self.outer or self.having):
            return inner + self._ending()
        compared = {name for name, _, _ in self.having} if self.outer else set()
        names = [column.shown for column in self.columns if column.shown not in compared]
        outer = [f'{self.outer}("{n}") AS "{n}"' if self.outer else f'"{n}"' for n in names]
        inner += " fill(none)" if self.fill else ""
        # Without a time of its own, an outer GROUP BY time begins in 1970.
        where = ["$timeFilter"] if self.fill else []
        where += map(_compared, self.having)
        query = f"SELECT {', '.join(outer)} FROM ({inner})"
        query += f" WHERE {' AND '.join(where)}" if where else ""
        groups = [f'"{tag}"' for tag in self.outer_group]
        if self.fill and self.outer:
            groups.insert(0, f"time({self.every})")
        query += f" GROUP BY {', '.join(groups)}" if groups else ""
        return query + self._ending()

    def _select(self, columns: str) -> str:
        where = ["$timeFilter", *(f'"{tag}" =~ /^${{{name}:regex}}$/' for tag, name in self.where)]
        where += [f'"{tag}" =~ /^({"|".join(values)})$/' for tag, values in self.tags]
        where += map(_compared, self.only)
        groups = [f"time({self.every})"] if self.fill else []
        groups += [f'"{tag}"' for tag in self.group]
        query = f'SELECT {columns} FROM "{self.measurement.name}" WHERE {" AND ".join(where)}'
        return query + (f" GROUP BY {', '.join(groups)}" if groups else "")

    def _ending(self) -> str:
        ending = f" fill({self.fill})" if self.fill else ""
        ending += " ORDER BY time DESC" if self.newest_first else ""
        return ending + (f" LIMIT {self.limit}" if self.limit else "")

    def declared(self, name: str) -> Field:
        """Return the declared field of that name."""
        return next(found for found in self.measurement.fields if found.name == name)


def _compared(condition: tuple[str, str, float]) -> str:
    name, sign, value = condition
    return f'"{name}" {sign} {value:g}'
