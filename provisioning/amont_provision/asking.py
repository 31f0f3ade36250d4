"""Ask a person for something secret: at the terminal unseen, or from a file; never an argument."""

from __future__ import annotations

import getpass
import stat
import sys
from pathlib import Path

from amont_provision.texts import Refused

BYTES_MAX = 1_000


def secret_text(file: Path | None, question: str, twice: bool = False) -> str:
    """Return the first line of a file, of a pipe, or what a person types unseen.

    Raises Refused for a file that others may read, for nothing, and for two answers that differ.
    """
    if file is not None:
        answer = _first_line(file)
    elif sys.stdin.isatty():
        answer = getpass.getpass(f"{question}: ")
        if twice and getpass.getpass(f"{question} (2): ") != answer:
            raise Refused("secret-differs")
    else:
        answer = sys.stdin.readline(BYTES_MAX).rstrip("\r\n")
    if not answer:
        raise Refused("secret-empty", what=question)
    return answer


def _first_line(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                raise Refused("secret-open", path=file)
            lines = opened.read(BYTES_MAX).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("secret-unread", path=file, why=error) from None
    return lines[0] if lines else ""
