"""Hold a board in service mode while we work on it: a REPL and a console, no watchdog.

A file takes the place of the button that a person would hold at boot. It is taken away again
whatever happens, for a board in service mode does not sleep.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from amont_provision.port import Port
from amont_provision.texts import Refused

BUTTON = "button"


@contextmanager
def service(port: Port) -> Iterator[None]:
    """Restart the board into service mode; afterwards restart it into its normal life.

    Raises Refused if the board cannot be brought back: a person has to know.
    """
    port.write(BUTTON, b"held over the cable\n")
    try:
        port.reset()
        yield
    finally:
        _back(port)


def _back(port: Port) -> None:
    try:
        port.remove(BUTTON)
        port.reset()
    except (Refused, OSError) as error:
        raise Refused("service-left", why=error) from None
