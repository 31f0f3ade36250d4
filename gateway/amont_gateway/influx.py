"""Write lines to InfluxDB 1.6 to 1.12, 2.x or 3 Core, whichever answers.

``/ping`` tells the version: from 1.8 on lines go to ``/api/v2/write``, before to ``/write``;
InfluxQL goes to ``/query`` everywhere. These are few requests, so they are made here: a client
library for them costs 16 MiB of a small machine.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from amont_gateway import influx_setup
from amont_gateway.database import Away, BadLines, Expired, Influx, Missing, TooLarge
from amont_gateway.influx_link import InfluxLink

_FIRST_V2_WRITE, _FIRST_V2 = (1, 8), (2, 0)
_LINES = {"Content-Type": "text/plain; charset=utf-8"}
_GZIP_FROM = 1_000  # bytes: below, a packet is a packet
_GZIP_LEVEL = 1  # lines repeat themselves: higher levels gain little and cost the Pi's time


class InfluxWriter:
    """One synchronous connection for one thread."""

    def __init__(self, target: Influx) -> None:
        if "/" in target.database:
            raise ValueError(f"database name {target.database!r}: no '/' allowed")
        self._link = InfluxLink(target)
        self._target = target
        self._ready: set[str] = set()  # stores that were made, or found, since the last connect
        self._org = target.org  # "" before it was asked for
        self._most: int | None = None  # lines at once, when the server was seen to take no more
        self.made = 0  # databases that were not there, or no more
        self.expired = 0  # lines that came in batches with some too old for what is kept

    @property
    def version(self) -> str:
        """Return what the server calls its version, "" if it did not say."""
        return self._link.version

    @property
    def is_run_here(self) -> bool:
        """Tell whether this project's tests run such a server, or one like it."""
        return bool(self.version) and self._link.generation < _FIRST_V2

    @property
    def is_local(self) -> bool:
        """Tell whether the server is this machine."""
        return self._link.is_local

    @property
    def most_at_once(self) -> int | None:
        """Return how many lines the server takes at once, None if it never refused any."""
        return self._most

    def write(
        self,
        lines: Sequence[str],
        store: str = "",
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Write lines (times in ms) to the database or, with a suffix, to one beside it.

        Raise Away, Denied or BadLines. Lines older than what the database keeps are no error.
        ``meanwhile`` is called once while the server works; what it raises is raised.
        """
        self._link.connect()
        self._link.meanwhile = meanwhile
        most = self._most or len(lines)
        try:
            for start in range(0, len(lines), max(most, 1)):
                self._write(lines[start : start + most], store)
        finally:
            self._link.meanwhile = None

    def query(self, influxql: str, store: str = "") -> list[dict[str, Any]]:
        """Return the series that a statement of InfluxQL finds, times in ms.

        Raise Away or Denied; Missing without such a database; BadLines for a bad statement.
        """
        self._link.connect()
        return influx_setup.query(self._link, influxql, self._target.database + store)

    def kept_days(self, store: str = "") -> float | None:
        """Return how long a store is kept: 0 for ever, None if the server does not tell.

        Raise Away or Denied; Missing without such a database.
        """
        self._link.connect()
        return influx_setup.kept_days(self._link, self._target, store)

    def probe(self) -> None:
        """Connect and learn the version, without writing; raise Away or Denied."""
        self._link.connect()

    def close(self) -> None:
        """Forget the connection."""
        self._link.close()
        self._ready.clear()
        self._org = self._target.org

    def _write(self, lines: Sequence[str], store: str) -> None:
        """Write what the server takes at once, in halves if that is too much."""
        try:
            self._post("\n".join(lines).encode(), store)
        except Expired:
            self.expired += len(lines)
        except TooLarge as error:
            if len(lines) == 1:
                raise BadLines(str(error)) from error
            self._most = len(lines) // 2
            self._write(lines[: self._most], store)
            self._write(lines[len(lines) // 2 :], store)

    def _post(self, body: bytes, store: str) -> None:
        if store not in self._ready and self._target.create:
            influx_setup.before_the_first_write(self._link, self._target, store)
        try:
            self._send(body, store)
        except Missing:
            if not self._target.create:
                raise
            self._link.connect()
            influx_setup.make(self._link, self._target, store)
            self.made += 1
            self._send(body, store)
        self._ready.add(store)

    def _send(self, body: bytes, store: str) -> None:
        target, headers = self._target, _LINES
        if len(body) >= _GZIP_FROM and self._compresses():
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers = {**_LINES, "Content-Encoding": "gzip"}
        if self._link.generation < _FIRST_V2_WRITE:
            path = "/write?" + urlencode({"db": target.database + store, "precision": "ms"})
        else:
            self._org = self._org or influx_setup.only_org(self._link)
            named = {"org": self._org or "-", "bucket": target.database + store, "precision": "ms"}
            path = "/api/v2/write?" + urlencode(named)
        answer = self._link.ask("POST", path, body, headers)
        if answer.status != 204:  # a login page says 200 to everything
            self.close()
            raise Away(f"HTTP {answer.status} to a write, which InfluxDB answers with 204")

    def _compresses(self) -> bool:
        wanted = self._target.compress
        return not self._link.is_local if wanted is None else wanted
