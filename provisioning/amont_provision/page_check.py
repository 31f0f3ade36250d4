"""Ask the gateway's page whether it shows what the node says it measured."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, build_opener

from amont_provision.texts import Refused
from amont_provision.verification import FAILED, OK, Step

FETCH_S = 5.0
VIEW_BYTES_MAX = 16 << 20
PAUSE_S = 1.0
Json = dict[str, Any]


class _NoRedirect(HTTPRedirectHandler):
    """A page on the local net that sends us elsewhere is not the gateway."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def checked(url: str) -> str:
    """Return a gateway's address without its last slash; raise Refused if it is none."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username or parts.query or len(url) > 200 or not url.isprintable():
        raise Refused("gateway-url")
    return url.rstrip("/")


def page_step(
    base: str,
    values: Mapping[str, set[int]],
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Step:
    """Wait until the page shows, for each sensor, a value that the node measured; say what came.

    values: of each sensor, what was seen on the console.
    """
    began_s = clock()
    while True:
        step = _once(base, values)
        step.seconds = clock() - began_s
        if step.state == OK or step.seconds + PAUSE_S >= timeout_s:
            return step
        sleep(PAUSE_S)


def _once(base: str, values: Mapping[str, set[int]]) -> Step:
    view = _view(base)
    if view is None:
        return Step("page", FAILED, "verify-page-silent", {"url": base})
    listed = view.get("sensors")
    rows = [s for s in listed if isinstance(s, dict)] if isinstance(listed, list) else []
    shown = {str(row.get("id")): row for row in rows}
    for sensor, seen in values.items():
        one = shown.get(sensor)
        if one is None:
            return Step("page", FAILED, "verify-page-unknown", {"sensor": sensor, "url": base})
        if one.get("value") not in list(seen):  # a list, for it may be anything
            told = {"sensor": sensor, "page": str(one.get("value"))[:12]}
            told["node"] = ", ".join(map(str, sorted(seen))) or "-"
            return Step("page", FAILED, "verify-page-other", told)
    proved = all(shown[sensor].get("freshness") == "proved" for sensor in values)
    return Step("page", OK, "verify-page" if proved else "verify-page-unproved", {"url": base})


def _view(base: str) -> Json | None:
    opener: OpenerDirector = build_opener(_NoRedirect)
    try:
        with opener.open(f"{base}/view.json", timeout=FETCH_S) as answer:
            value = json.loads(answer.read(VIEW_BYTES_MAX))
    except (OSError, HTTPException, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
