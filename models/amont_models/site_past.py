"""Read a site's own past as its gateway knew it: the site's file and the journal, read-only.

The journal is read over a connection of its own while the gateway runs, put into the gateway's own
windows and screened by its own code, so that what is explained or adapted is what was served.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from amont_gateway.past import begins_ms, windows_at
from amont_gateway.places import from_site
from amont_gateway.scoring.live_windows import good_until
from amont_gateway.scoring.timeline import Series
from amont_gateway.windows import MAX_POINTS, Windows
from amont_models.records import DataError
from amont_site import load

JOURNAL = "journal.db"
WHOLE = 2_000_000  # readings of one sensor: more than a journal holds


class SitePast:
    """One site's past; nothing is written."""

    def __init__(self, site_file: Path, state: Path) -> None:
        """Take the site's YAML and the gateway's data folder; SiteError or DataError says why."""
        self.site = load(site_file)
        self.places = from_site(self.site)
        self.journal = state / JOURNAL
        if not self.journal.is_file():
            raise DataError(f"{self.journal}: no journal there")

    def windows(self, until_ms: int, since_ms: int = 0, most: int = MAX_POINTS) -> Windows:
        """Return the windows as they were at ``until_ms``: by arrival, doubted as it was then.

        By default as long as the gateway's; ``most=WHOLE`` for the whole journal.
        """
        try:
            return windows_at(self.journal, self.places, until_ms, since_ms, most)
        except sqlite3.Error as error:
            raise DataError(f"{self.journal}: {error}") from error

    def begins_ms(self) -> int:
        """Return the time of the journal's first reading; 0 if there is none."""
        try:
            return begins_ms(self.journal)
        except sqlite3.Error as error:
            raise DataError(f"{self.journal}: {error}") from error

    def series(
        self, sensor: str, until_ms: int, since_ms: int = 0, most: int = MAX_POINTS
    ) -> Series:
        """Return one sensor's good readings as they were known at ``until_ms``."""
        return good_until(self.windows(until_ms, since_ms, most), sensor, since_ms, until_ms)
