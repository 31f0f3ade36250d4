"""Make the tables of events: what happened, in the reader's language, newest first."""

from __future__ import annotations

from amont_dashboards.model import Column, Panel, Query, Text, sorted_by
from amont_gateway import series

ROWS = 200


def told(
    title: Text, description: Text, kinds: tuple[str, ...], size: tuple[int, int], range_: str = ""
) -> Panel:
    """Return a table of the events of some kinds (of ``series.EVENTS``; none: of all)."""
    columns = tuple(Column("", name) for name in ("severity", "fr", "en", "who"))
    tags = (("kind", kinds),) if kinds else ()
    query = Query(series.EVENT, columns, ("place",), tags=tags, newest_first=True, limit=ROWS)
    return Panel(
        "table",
        title,
        description,
        (query,),
        size,
        with_time=True,
        time_from=range_,
        transformations=(sorted_by("Time"),),
    )
