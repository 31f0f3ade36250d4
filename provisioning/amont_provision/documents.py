"""Write what people will read, print or send on: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from amont_provision.texts import Refused

READABLE = 0o644  # nothing in a document is secret


def write(path: Path, content: bytes) -> None:
    """Replace a file as a whole; raise Refused if its folder cannot take it."""
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(beside, READABLE)
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as error:
        raise Refused("document", path=path, why=error.strerror) from None
