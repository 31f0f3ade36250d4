"""Read days and periods as people write them; what could mean two things is refused."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

_MONTHS = (
    ("janvier", "janv", "january", "jan"), ("fevrier", "fevr", "fev", "february", "feb"),
    ("mars", "march", "mar"), ("avril", "avr", "april", "apr"), ("mai", "may"),
    ("juin", "june", "jun"), ("juillet", "juil", "july", "jul"), ("aout", "august", "aug"),
    ("septembre", "sept", "september", "sep"), ("octobre", "oct", "october"),
    ("novembre", "nov", "november"), ("decembre", "dec", "december"),
)  # fmt: skip
_MONTH_OF = {word: number for number, words in enumerate(_MONTHS, 1) for word in words}
_PARTS = {"s": 6, "semestre": 6, "half": 6, "h": 6, "t": 3, "trimestre": 3, "quarter": 3, "q": 3}
_FIRST, _LAST = 1990, 2100


class BadCell(ValueError):
    """A cell that cannot be read: why (a key of the texts), and what it said."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(reason)
        self.reason, self.said = reason, said


def plain_word(text: str) -> str:
    """Return text without accents, capitals and odd spaces, as tables of words hold it."""
    bare = unicodedata.normalize("NFKD", text.strip().lower())
    bare = "".join(c for c in bare if not unicodedata.combining(c))
    return re.sub(r"[\s_]+", " ", bare).strip()


def day(said: str) -> date:
    """Return a day: 2025-03-31, 31/03/2025 with strokes, points or dashes, 31 mars 2025.

    Raise BadCell for anything else.
    """
    plain = re.sub(r"[ t]00:00(:00)?$", "", plain_word(said))  # of a spreadsheet
    iso = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", plain)
    french = re.fullmatch(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", plain)
    worded = re.fullmatch(r"(\d{1,2})(?:er|st|nd|rd|th)? ([a-z]+)\.? (\d{4})", plain)
    if iso:
        parts = (int(iso.group(1)), int(iso.group(2)), int(iso.group(3)))
    elif french:
        parts = (int(french.group(4)), int(french.group(3)), int(french.group(1)))
    elif worded and worded.group(2) in _MONTH_OF:
        parts = (int(worded.group(3)), _MONTH_OF[worded.group(2)], int(worded.group(1)))
    else:
        raise BadCell("date", said)
    try:
        return date(_year(parts[0], said), parts[1], parts[2])
    except ValueError:
        raise BadCell("date", said) from None


def named_period(said: str) -> tuple[date, date]:
    """Return the days of a year, half, quarter or month.

    2025, S1 2025, 1er semestre 2025, 2025-T3, mars 2025, 2025-03, 03/2025; raise BadCell for
    anything else.
    """
    plain = plain_word(said)
    if re.fullmatch(r"\d{4}", plain):
        return _months(_year(int(plain), said), 1, 12)
    numbered = re.fullmatch(r"(\d{4})-(\d{2})|(\d{1,2})/(\d{4})", plain)
    if numbered:
        year = int(numbered.group(1) or numbered.group(4))
        month = int(numbered.group(2) or numbered.group(3))
        if not 1 <= month <= 12:
            raise BadCell("date", said)
        return _months(_year(year, said), month, 1)
    worded = re.fullmatch(r"([a-z]+)\.? (\d{4})", plain)
    if worded and worded.group(1) in _MONTH_OF:
        return _months(_year(int(worded.group(2)), said), _MONTH_OF[worded.group(1)], 1)
    return _part(plain, said)


def _part(plain: str, said: str) -> tuple[date, date]:
    """Return the days of a half or a quarter of a year."""
    for pattern, order in (
        (r"([a-z]+) ?(\d)[ -/](\d{4})", (1, 2, 3)),  # S1 2025, semestre 1 2025
        (r"(\d)(?:er|e|eme|st|nd|rd|th)? ([a-z]+) (\d{4})", (2, 1, 3)),  # 1er semestre 2025
        (r"(\d{4})[ -]([a-z]+) ?(\d)", (2, 3, 1)),  # 2025-S1
    ):
        found = re.fullmatch(pattern, plain)
        months = _PARTS.get(found.group(order[0]), 0) if found else 0
        if found and months and 1 <= int(found.group(order[1])) <= 12 // months:
            year, which = _year(int(found.group(order[2])), said), int(found.group(order[1]))
            return _months(year, (which - 1) * months + 1, months)
    raise BadCell("date", said)


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    after = month + count
    end = date(year + (after - 1) // 12, (after - 1) % 12 + 1, 1) - timedelta(days=1)
    return date(year, month, 1), end


def _year(year: int, said: str) -> int:
    if not _FIRST <= year <= _LAST:
        raise BadCell("date", said)
    return year
