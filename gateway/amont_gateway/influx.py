"""Write lines to InfluxDB 1.x, 2.x or 3 synchronously, whichever answers.

``/ping`` tells the version: from 1.8 on lines go to ``/api/v2/write``, before to ``/write``. These
are two requests, so they are made here: a client library for them costs 16 MiB of a small machine.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import HTTPError

from amont_gateway.database import Away, BadLines, Denied, Influx

_TIMEOUT_S = 10.0
_FIRST_V2_WRITE, _FIRST_V2 = (1, 8), (2, 0)
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_LINES = {"Content-Type": "text/plain; charset=utf-8"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class InfluxWriter:
    """One synchronous connection, made at the first write and again after each failure."""

    def __init__(self, target: Influx) -> None:
        if "/" in target.database:
            raise ValueError(f"database name {target.database!r}: no '/' allowed")
        self._target = target
        self._pool: PoolManager | None = None
        self._path = ""  # where lines go; "" before the server has answered
        self.version = ""

    def write(self, lines: Sequence[str]) -> None:
        """Write lines (times in ms); raise Away, Denied or BadLines."""
        if not self._path:
            self._connect()
        self._ask("POST", self._path, "\n".join(lines).encode(), _LINES)

    def probe(self) -> None:
        """Connect and learn the version, without writing; raise Away or Denied."""
        self._connect()

    def close(self) -> None:
        """Forget the connection."""
        pool, self._pool, self._path = self._pool, None, ""
        if pool is not None:
            pool.clear()

    def _connect(self) -> None:
        target = self._target
        self.version = self._ask("GET", "/ping").headers.get("X-Influxdb-Version", "")
        found = _VERSION.match(self.version)
        version = (int(found[1]), int(found[2])) if found else _FIRST_V2
        if version < _FIRST_V2 and target.create:
            statement = f'CREATE DATABASE "{target.database}"'
            self._ask("POST", "/query", urlencode({"q": statement}).encode(), _FORM)
        v1 = {"db": target.database, "precision": "ms"}
        v2 = {"org": target.org, "bucket": target.database, "precision": "ms"}
        first = version < _FIRST_V2_WRITE
        self._path = f"/write?{urlencode(v1)}" if first else f"/api/v2/write?{urlencode(v2)}"

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> BaseHTTPResponse:
        """Return the answer if it is a good one; raise Away, Denied or BadLines."""
        self._pool = self._pool or PoolManager(1, maxsize=1, retries=False, timeout=_TIMEOUT_S)
        try:
            answer = self._pool.request(
                method,
                self._target.url.rstrip("/") + path,
                body=body or None,
                headers={**(headers or {}), **self._authorization()},
                redirect=False,
            )
        except (HTTPError, OSError) as error:
            self.close()
            raise Away(_short(str(error))) from error
        if 200 <= answer.status < 300:
            return answer
        reason = _short(answer.data.decode("utf-8", "replace")) or f"HTTP {answer.status}"
        if answer.status in (400, 422):
            raise BadLines(reason)
        self.close()
        raise Denied(reason) if answer.status in (401, 403, 404) else Away(reason)

    def _authorization(self) -> dict[str, str]:
        """Return the header of a token; 1.x takes "user:password" as a name and a password."""
        token, found = self._target.token, _VERSION.match(self.version)
        if not token:
            return {}
        if found and int(found[1]) < _FIRST_V2[0]:
            return {"Authorization": f"Basic {b64encode(token.encode()).decode()}"}
        return {"Authorization": f"Token {token}"}


def _short(text: str) -> str:
    return " ".join(text.split())[:200]
