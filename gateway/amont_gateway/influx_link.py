"""Speak HTTP with one InfluxDB and tell its refusals apart.

Generations differ in how they know us and in how they word a refusal; both are settled here.
2.x and 3 Core are written to by their documentation and were not run here.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from amont_gateway.database import Away, BadLines, Denied, Expired, Influx, Missing, TooLarge

_TIMEOUT_S = 10.0
_MOST_BYTES = 8 << 20  # of an answer; no question of ours has a longer one
_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_UNKNOWN = (2, 0)  # a server that tells no version speaks the second generation's language
# As 1.x and 2.x say it of points that are older than what they keep; 3 takes them in silence.
_EXPIRED = re.compile("beyond retention policy|outside retention policy")
# As 3 says with 400 and 422 of the database that lines would go to; no line is at fault.
_DATABASE = re.compile("db name|database name|database or rp name|limit of .* databases|'db'")
_TAGS = re.compile("<[^<>]*>")  # of a proxy's page
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Answer(NamedTuple):
    """What came back, read whole."""

    status: int
    headers: Message
    data: bytes


class InfluxLink:
    """One synchronous connection, made when it is needed and again after each failure."""

    def __init__(self, target: Influx) -> None:
        self.target = target
        self.version = ""
        # Called once, while the server works on the next request that has a body.
        self.meanwhile: Callable[[], None] | None = None
        self._known = False
        self._prefix = ""  # of all paths, behind a proxy
        self._connection: HTTPConnection | None = None

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
        self.version = answer.headers.get("X-Influxdb-Version", "") or _version(answer.data)
        if answer.status in (401, 403) and self.version:  # of 1.x that wants Basic even here
            answer = self._request("GET", "/ping")
        self._require_good(answer)
        if not self.version and answer.status != 204:
            raise Denied(f"{self.target.url} answers, but not as InfluxDB does")
        self._known = True

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Return the answer if it is a good one; raise what ``database`` declares."""
        answer = self._request(method, path, body, headers)
        self._require_good(answer)
        return answer

    def close(self) -> None:
        """Forget the connection and what answered."""
        self._disconnect()
        self._known = False

    def _request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask, and once more if a connection that had rested turns out to be closed."""
        rested = self._connection is not None
        whole = {**(headers or {}), **self._authorization()}
        try:
            try:
                return self._exchange(method, path, body, whole)
            except ConnectionError:
                if not rested:
                    raise
                return self._exchange(method, path, body, whole)
        except (HTTPException, OSError) as error:
            self.close()
            named = type(error).__name__
            kind = Denied if named == "SSLCertVerificationError" else Away
            raise kind(_short(f"{named}: {error}")) from error

    def _exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        connection = self._connection = self._connection or self._connected()
        try:
            connection.request(method, self._prefix + path, body or None, headers)
            if body and self.meanwhile is not None:
                do, self.meanwhile = self.meanwhile, None
                do()
            answer = connection.getresponse()
            data = answer.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise HTTPException(f"an answer of more than {_MOST_BYTES >> 20} MiB")
            return Answer(answer.status, answer.headers, data)
        except BaseException:
            self._disconnect()
            raise

    def _connected(self) -> HTTPConnection:
        url = urlsplit(self.target.url)
        self._prefix = url.path.rstrip("/")
        if url.scheme == "https":
            import ssl  # large, and most databases are on this machine

            context = ssl.create_default_context()
            return HTTPSConnection(url.netloc, timeout=_TIMEOUT_S, context=context)
        return HTTPConnection(url.netloc, timeout=_TIMEOUT_S)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _require_good(self, answer: Answer) -> None:
        if 200 <= answer.status < 300:
            return
        error = refusal(answer.status, answer.data, answer.headers.get("Location", ""))
        if not isinstance(error, (BadLines, TooLarge)):
            self.close()
        raise error

    def _authorization(self) -> dict[str, str]:
        """Return the header of a token; 1.x takes "user:password" as a name and a password."""
        token, generation = self.target.token.strip(), self.generation[0]
        if not token:
            return {}
        if generation < _UNKNOWN[0]:
            return {"Authorization": f"Basic {b64encode(token.encode()).decode()}"}
        scheme = "Token" if generation == _UNKNOWN[0] else "Bearer"
        if not token.isprintable():
            raise Denied("the token holds a line break or another unprintable character")
        # A header holds bytes, of which http.client makes one for each character.
        return {"Authorization": f"{scheme} {token}".encode().decode("latin-1")}


def refusal(status: int, data: bytes, location: str = "") -> Exception:
    """Return what an answer other than 2xx means.

    Lines are only bad when InfluxDB itself says so, as a JSON object: a proxy's 400 must not
    send a whole journal into quarantine.
    """
    said = _said(data)
    reason = _short(said or data.decode("utf-8", "replace")) or f"HTTP {status}"
    if status in (400, 422) and said and not _DATABASE.search(said):
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


def _version(data: bytes) -> str:
    """Return the version that 3 also tells in the body, where a proxy has dropped its header."""
    told = _object(data).get("version")
    return told if isinstance(told, str) else ""


def _object(data: bytes) -> dict[str, Any]:
    try:
        answer: Any = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _said(data: bytes) -> str:
    """Return the reason in an answer of InfluxDB's, "" if it is not one."""
    answer = _object(data)
    reason = str(answer.get("error") or answer.get("message") or "")
    details = answer.get("data")  # of 3: one line that it refuses, or a list of them
    first = details[0] if isinstance(details, list) and details else details
    if isinstance(first, dict):
        reason += f": {first.get('error_message', '')}"
    return reason


def _short(text: str) -> str:
    return " ".join(_TAGS.sub(" ", text).split())[:200]
