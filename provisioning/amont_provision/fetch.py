"""Read a file from a web address or from this machine, bounded in size and time."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path

from amont_provision.texts import Flaw, Refused

TIMEOUT_S = 30.0
BYTES_MAX = 16_000_000  # the largest MicroPython image has 4 MB
WEB = ("http://", "https://")


def fetched(address: str, most: int = BYTES_MAX) -> bytes:
    """Return what an http(s) address or a path holds; raise Refused."""
    try:
        if address.startswith(WEB):
            with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
                content: bytes = answer.read(most + 1)
                _check_length(answer.headers.get("Content-Length"), len(content), most)
        else:
            with Path(address).open("rb") as file:
                content = file.read(most + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = error.reason if isinstance(error, urllib.error.URLError) else error
        raise Refused("not-fetched", address=address, why=why) from None
    if len(content) > most:
        raise Refused("not-fetched", address=address, why=Flaw("flaw-large", most=most))
    return content


def _check_length(told: str | None, came: int, most: int) -> None:
    """Raise Flaw if a server announced more than came: http.client does not."""
    if told is not None and told.isdigit() and came < min(int(told), most + 1):
        raise Flaw("flaw-cut-download", came=came, told=told)
