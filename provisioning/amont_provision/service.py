"""Hold a board in service mode while we work on it: a REPL and a console, no watchdog.

A file takes the place of the button that a person would hold at boot. It is taken away again
whatever happens, for a board in service mode does not sleep.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from amont_provision.port import Port

BUTTON = "button"


@contextmanager
def service(port: Port) -> Iterator[None]:
    """Restart the board into service mode; afterwards restart it into its normal life."""
    port.write(BUTTON, b"held over the cable\n")
    try:
        port.reset()
        yield
    finally:
        port.remove(BUTTON)
        port.reset()
