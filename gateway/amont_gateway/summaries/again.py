"""Write the hours and days of a span of time once more, from the journal: a database lost them."""

from __future__ import annotations

from collections.abc import Callable

from amont_gateway.calendar_days import CalendarDays
from amont_gateway.journal_reader import JournalReader
from amont_gateway.places import Places
from amont_gateway.rounds import Outlet
from amont_gateway.summaries.day_lines import Day, DayLines, Doubted, whole_from_ms


def write_again(
    reader: JournalReader,
    places: Places,
    doubted: Doubted,
    outlet: Outlet,
    since_ms: int,
    until_ms: int,
    now_ms: int,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> int:
    """Write the days that a span touches; return how many. Days of which rows are gone stay.

    ``tell`` hears after each day how many of how many are done. Raise Away, Denied or
    sqlite3.Error; it can be made again from the start.
    """
    first_ms, last_ms = reader.reach_ms()
    from_ms, to_ms = max(since_ms, first_ms), min(until_ms, last_ms)
    if from_ms > to_ms:
        return 0
    days, lines = CalendarDays(places.time_zone), DayLines(places, doubted)
    whole_ms, until_id = whole_from_ms(reader), reader.last_id()
    begins = [b for b in days.between(from_ms, to_ms) if days.next_ms(b) > whole_ms]
    for done, begin_ms in enumerate(begins, 1):
        day = Day(begin_ms, days.next_ms(begin_ms), max(now_ms, last_ms), whole_ms)
        lines.write(reader, until_id, day, outlet)
        tell(done, len(begins))
    return len(begins)
