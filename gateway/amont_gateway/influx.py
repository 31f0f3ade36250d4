"""Write lines to InfluxDB 1.x, 2.x or 3 synchronously, whichever answers.

Importing it costs 23 MiB, most of it influxdb-client: only a gateway with a database does.
``/ping`` tells the version: from 1.8 on lines go to ``/api/v2/write``, before to ``/write``.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, cast

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService
from urllib3.exceptions import HTTPError

from amont_gateway.database import Away, BadLines, Denied, Influx

_TIMEOUT_MS = 10_000
_FIRST_V2 = (1, 8)
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


class _V1WriteService(WriteService):
    """Post the same body to ``/write``, which InfluxDB before 1.8 has alone."""

    def post_write(self, org: str, bucket: str, body: Any, **options: Any) -> None:
        del org
        self.api_client.call_api(
            "/write",
            "POST",
            {},
            [("db", bucket), ("precision", options.get("precision", "ms"))],
            {"Content-Type": "text/plain; charset=utf-8"},
            body=body,
            post_params=[],
            files={},
            response_type=None,
            auth_settings=[],
            _return_http_data_only=True,
        )


class InfluxWriter:
    """One synchronous connection, made at the first write and again after each failure."""

    def __init__(self, target: Influx) -> None:
        if "/" in target.database:
            raise ValueError(f"database name {target.database!r}: no '/' allowed")
        self._target = target
        # Any: influxdb-client has no types that could be checked
        self._client: Any = None
        self._service: Any = None
        self.version = ""

    def write(self, lines: Sequence[str]) -> None:
        """Write lines (times in ms); raise Away, Denied or BadLines."""
        try:
            service = self._service or self._connect()
            body = "\n".join(lines).encode()
            service.post_write(self._target.org, self._target.database, body=body, precision="ms")
        except ApiException as error:
            self._raise(error)
        except (HTTPError, OSError) as error:
            self.close()
            raise Away(_short(error)) from error

    def probe(self) -> None:
        """Connect and learn the version, without writing; raise Away or Denied."""
        try:
            self._connect()
        except ApiException as error:
            self._raise(error)
        except (HTTPError, OSError) as error:
            self.close()
            raise Away(_short(error)) from error

    def close(self) -> None:
        """Forget the connection."""
        client, self._client, self._service = self._client, None, None
        if client is not None:
            client.close()

    def _connect(self) -> Any:
        target = self._target
        make: Any = InfluxDBClient
        v1, v2 = cast("Any", _V1WriteService), cast("Any", WriteService)
        token = target.token or None
        self._client = make(url=target.url, token=token, org=target.org, timeout=_TIMEOUT_MS)
        api = self._client.api_client
        _, _, headers = api.call_api("/ping", "GET", _return_http_data_only=False)
        self.version = str(headers.get("X-Influxdb-Version", ""))
        found = _VERSION.match(self.version)
        version = (int(found[1]), int(found[2])) if found else _FIRST_V2
        if version < (2, 0):
            self._prepare_v1(api)
        self._service = (v1 if version < _FIRST_V2 else v2)(api)
        return self._service

    def _prepare_v1(self, api: Any) -> None:
        if self._target.token:
            user, _, password = self._target.token.partition(":")
            api.default_headers["Authorization"] = _basic(user, password)
        if self._target.create:
            statement = f'CREATE DATABASE "{self._target.database}"'
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            api.call_api("/query", "POST", {}, [], form, post_params=[("q", statement)])

    def _raise(self, error: ApiException) -> None:
        status, reason = error.status or 0, _short(error)
        if status in (400, 422):
            raise BadLines(reason) from error
        self.close()
        if status in (401, 403, 404):
            raise Denied(reason) from error
        raise Away(reason) from error


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _short(error: Exception) -> str:
    body = getattr(error, "body", None) or getattr(error, "message", None) or str(error)
    return " ".join(str(body).split())[:200]
