"""Describe a dashboard once, for both languages: panels, variables, annotations and links.

Plain values; ``render`` turns them into what Grafana reads.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A board needs one import: the model is told with these too.
from amont_dashboards.query import Column as Column
from amont_dashboards.query import Query as Query
from amont_dashboards.query import Step as Step
from amont_dashboards.query import Text as Text
from amont_gateway.series import Measurement

LANGUAGES = ("fr", "en")
COLUMNS = 24  # of Grafana's grid

# Okabe and Ito's palette: told apart with every kind of colour vision.
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, RED, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#999999"

# Grafana's types; "row" is a heading, "text" says something, the others ask.
SILENT_KINDS = ("row", "text")
TABLES = ("table", "geomap", "barchart")  # read rows with all their columns at once
KINDS = (
    "stat", "gauge", "bargauge", "timeseries", "state-timeline", "status-history", "table",
    "geomap", "barchart", "histogram", *SILENT_KINDS,
)  # fmt: skip


@dataclass(frozen=True)
class Opens:
    """A link on what a panel shows: ``uid`` opened with its ``variable`` set to the tag's value.

    ``uid`` is a dashboard's without the language; the time range and the variables go along.
    """

    uid: str
    variable: str = ""
    tag: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel; ``kind`` is Grafana's type, ``size`` columns and rows of the grid."""

    kind: str
    title: Text
    description: Text
    queries: tuple[Query, ...]
    size: tuple[int, int]
    key: str = ""  # what its id is made of; empty: the English title
    source: str = ""  # a data source's uid for all queries; empty: by what each asks
    unit: str = ""  # Grafana's id; empty: from the first column, or words where it is a code
    decimals: int | None = None
    low: float | None = None  # ends of the axis or of the gauge
    high: float | None = None
    steps: tuple[Step, ...] = ()  # colours by value, from the lowest up
    marked: bool = False  # draw the steps as dashed lines
    gap_ms: int = 0  # longer gaps than this are drawn as gaps
    bars: bool = False
    stacked: bool = False
    points: bool = False
    band: tuple[int, int] | None = None  # fill between two queries: numbers of lower and upper
    time_from: str = ""  # a range of its own, as "60d"
    time_shift: str = ""
    interval: str = ""  # the smallest step of $__interval
    repeat: str = ""  # once for each value of this variable
    transformations: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    text: Text = ("", "")  # of a text panel, in Markdown
    empty: Text = ("", "")  # shown where a query finds nothing
    opens: tuple[Opens, ...] = ()
    with_time: bool = False  # a table that shows the time
    options: Mapping[str, Any] = field(default_factory=dict)  # over the usual ones of its kind

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.title[1]}: no kind of panel: {self.kind}")
        if bool(self.queries) == (self.kind in SILENT_KINDS):
            raise ValueError(f"{self.title[1]}: {self.kind} with {len(self.queries)} queries")

    @property
    def id(self) -> int:
        """Return the panel's id: the same in both languages and wherever the panel stands."""
        return zlib.crc32((self.key or self.title[1]).encode()) % 1_000_000 + 1

    def asks(self, query: Query) -> str:
        """Return the uid of the data source that one of its queries asks."""
        return self.source or query.asks


@dataclass(frozen=True)
class Variable:
    """A choice at the top: the values of one tag of one measurement, or ``choices``.

    ``within`` are tags and the variables that choose them, as ``Query.where``.
    """

    name: str
    title: Text
    measurement: Measurement
    tag: str
    several: bool = True
    within: tuple[tuple[str, str], ...] = ()
    choices: tuple[tuple[str, Text], ...] = ()  # instead of what the database holds


@dataclass(frozen=True)
class Annotation:
    """Marks in the charts: events of ``kinds`` (of ``series.EVENTS``), each with its text."""

    title: Text
    kinds: tuple[str, ...]
    colour: str
    shown: bool = True
    place: str = ""  # a variable that chooses the places


@dataclass(frozen=True)
class Dashboard:
    """One dashboard in both languages; ``level`` 0 is the overview, 2 the single thing."""

    uid: str
    title: Text
    description: Text
    panels: Sequence[Panel]
    variables: Sequence[Variable] = ()
    refresh: str = "1m"
    hours: int = 48
    level: int = 1
    below: tuple[str, ...] = ()  # uids of the dashboards that this one leads to
    annotations: Sequence[Annotation] = ()
    detail: str = ""  # the store that is chosen at first: "", series.HOURS or series.DAYS
    ahead: str = "+6h"  # how far the range goes past now


def joined(tag: str) -> tuple[str, Mapping[str, Any]]:
    """Return the transformation that puts several queries' rows side by side by one tag."""
    return "joinByField", {"byField": tag, "mode": "outer"}


def sorted_by(column: str, descending: bool = True) -> tuple[str, Mapping[str, Any]]:
    """Return the transformation that sorts a table by the column of that name."""
    return "sortBy", {"fields": {}, "sort": [{"field": column, "desc": descending}]}


def first_rows(count: int) -> tuple[str, Mapping[str, Any]]:
    """Return the transformation that keeps a table's first rows."""
    return "limit", {"limitField": str(count)}
