"""Speak HTTP with one InfluxDB and tell its refusals apart.

Generations differ in how they know us and in how they word a refusal; both are settled here.
2.x and 3 Core are written to by their documentation and were not run here.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import HTTPError

from amont_gateway.database import Away, BadLines, Denied, Expired, Influx, Missing, TooLarge

_TIMEOUT_S = 10.0
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_UNKNOWN = (2, 0)  # a server that tells no version speaks the second generation's language
# As 1.x and 2.x say it of points that are older than what they keep; 3 takes them in silence.
_EXPIRED = re.compile("beyond retention policy|outside retention policy")
_TAGS = re.compile("<[^<>]*>")  # of a proxy's page
_LOCAL = ("localhost", "127.0.0.1", "::1")


class InfluxLink:
    """One synchronous connection, made when it is needed and again after each failure."""

    def __init__(self, target: Influx) -> None:
        self.target = target
        self.version = ""
        self._known = False
        self._pool: PoolManager | None = None

    @property
    def generation(self) -> tuple[int, int]:
        """Return the version's first two numbers."""
        found = _VERSION.match(self.version)
        return (int(found[1]), int(found[2])) if found else _UNKNOWN

    @property
    def is_local(self) -> bool:
        """Tell whether the server is this machine."""
        return (urlsplit(self.target.url).hostname or "") in _LOCAL

    def connect(self) -> None:
        """Learn which server this is, once; raise Away or Denied."""
        if self._known:
            return
        answer = self._request("GET", "/ping")
        self.version = answer.headers.get("X-Influxdb-Version", "")
        if answer.status in (401, 403) and self.version:  # of 1.x that wants Basic even here
            answer = self._request("GET", "/ping")
        self._require_good(answer)
        if not self.version and answer.status != 204:
            raise Denied(f"{self.target.url} answers, but not as InfluxDB does")
        self._known = True

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> BaseHTTPResponse:
        """Return the answer if it is a good one; raise what ``database`` declares."""
        answer = self._request(method, path, body, headers)
        self._require_good(answer)
        return answer

    def close(self) -> None:
        """Forget the connection and what answered."""
        pool, self._pool, self._known = self._pool, None, False
        if pool is not None:
            pool.clear()

    def _request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> BaseHTTPResponse:
        self._pool = self._pool or PoolManager(1, maxsize=1, retries=False, timeout=_TIMEOUT_S)
        try:
            return self._pool.request(
                method,
                self.target.url.rstrip("/") + path,
                body=body or None,
                headers={**(headers or {}), **self._authorization()},
                redirect=False,
            )
        except (HTTPError, OSError) as error:
            self.close()
            raise Away(_short(str(error))) from error

    def _require_good(self, answer: BaseHTTPResponse) -> None:
        if 200 <= answer.status < 300:
            return
        error = refusal(answer.status, answer.data, answer.headers.get("Location", ""))
        if not isinstance(error, (BadLines, TooLarge)):
            self.close()
        raise error

    def _authorization(self) -> dict[str, str]:
        """Return the header of a token; 1.x takes "user:password" as a name and a password."""
        token, generation = self.target.token, self.generation[0]
        if not token:
            return {}
        if generation < _UNKNOWN[0]:
            return {"Authorization": f"Basic {b64encode(token.encode()).decode()}"}
        return {"Authorization": f"{'Token' if generation == _UNKNOWN[0] else 'Bearer'} {token}"}


def refusal(status: int, data: bytes, location: str = "") -> Exception:
    """Return what an answer other than 2xx means.

    Lines are only bad when InfluxDB itself says so, as a JSON object: a proxy's 400 must not
    send a whole journal into quarantine.
    """
    said = _said(data)
    reason = _short(said or data.decode("utf-8", "replace")) or f"HTTP {status}"
    if status in (400, 422) and said:
        return Expired(reason) if _EXPIRED.search(said) else BadLines(reason)
    if 300 <= status < 400:
        return Denied(f"moved to {location}: that belongs into the site's file")
    if status == 413:
        return TooLarge(reason)
    if status == 404:
        return Missing(reason)
    if 400 <= status < 500 and status not in (408, 425, 429):
        return Denied(f"{reason} (HTTP {status})")
    return Away(reason)


def _said(data: bytes) -> str:
    """Return the reason in an answer of InfluxDB's, "" if it is not one."""
    try:
        answer: Any = json.loads(data)
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    reason = str(answer.get("error") or answer.get("message") or "")
    details = answer.get("data")  # of 3: a list of the lines that it refuses
    if isinstance(details, list) and details and isinstance(details[0], dict):
        reason += f": {details[0].get('error_message', '')}"
    return reason


def _short(text: str) -> str:
    return " ".join(_TAGS.sub(" ", text).split())[:200]
