"""Say where the database is and how writing to it can fail; ``influx`` does the writing."""

from __future__ import annotations

from dataclasses import dataclass


class Away(Exception):
    """The database does not answer, or is too busy; try again later."""


class Denied(Exception):
    """The database refuses us: credentials, or what answers is not set up for us."""


class Missing(Denied):
    """What we ask for does not exist there, as a rule the database."""


class BadLines(Exception):
    """The database refuses at least one of the lines."""


class Expired(BadLines):
    """Some lines are older than what the database keeps; it has written the others."""


class TooLarge(Exception):
    """The database, or a proxy before it, does not take that much at once."""


@dataclass(frozen=True)
class Influx:
    """Where the database is. ``token`` is "user:password" for 1.x, empty for none.

    ``database`` is the name of the first of three: its hours and days have it with a suffix.
    """

    url: str
    database: str = "amont"
    token: str = ""
    org: str = ""  # of 2.x; empty: the only one that the token can see
    create: bool = True  # make what does not exist yet, where the server lets us
    keep_days: int = 0  # of readings and states, when we make their database; 0: for ever
    compress: bool | None = None  # None: if the server is another machine
