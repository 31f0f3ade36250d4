"""Say where the database is and how writing to it can fail; ``influx`` does the writing."""

from __future__ import annotations

from dataclasses import dataclass


class Away(Exception):
    """The database does not answer, or is too busy; try again later."""


class Denied(Exception):
    """The database refuses us: credentials, or a database that does not exist."""


class BadLines(Exception):
    """The database refuses at least one of the lines."""


@dataclass(frozen=True)
class Influx:
    """Where the database is. ``token`` is "user:password" for 1.x, empty for none."""

    url: str
    database: str = "amont"
    token: str = ""
    org: str = "-"
    create: bool = True  # ask a 1.x server to create the database
