"""Take secrets from the environment or, for commands by hand, from the file of the service.

The unit reads ``/etc/amont/gateway.env`` itself; who runs a command beside it would otherwise be
refused by the database for want of a token.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

FILE = Path("/etc/amont/gateway.env")
_OURS = "AMONT_"


def secrets(
    environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Mapping[str, str]:
    """Return the environment, with what it lacks of ours from the service's file (``FILE``).

    Raise PermissionError if that file is there and may not be read by this user.
    """
    try:
        text = (file or FILE).read_text(encoding="utf-8")
    except PermissionError as error:
        if any(name.startswith(_OURS) for name in environment):
            return environment  # who brings secrets along needs no file
        raise PermissionError(f"{file or FILE}: {error.strerror}: try sudo -u amont") from None
    except (FileNotFoundError, NotADirectoryError):
        return environment
    return {**dict(_assignments(text)), **environment}


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield ours of systemd's form: NAME=VALUE, quoted or not; comments begin with # or ;."""
    for line in text.splitlines():
        name, found, value = line.strip().partition("=")
        name, value = name.strip(), value.strip()
        if not found or not name.startswith(_OURS):
            continue
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        yield name, value
