"""Write what people will read, print or send on: nothing in a document is secret."""

from __future__ import annotations

from pathlib import Path

from amont_provision.texts import Refused, cause
from amont_provision.whole import READABLE, replace


def write(path: Path, content: bytes) -> None:
    """Replace a file as a whole, making its folder; raise Refused if that cannot take it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, content, READABLE)
    except OSError as error:
        raise Refused("document", path=path, why=cause(error)) from None
