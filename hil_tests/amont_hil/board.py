"""What a test may ask of a board, real or simulated."""

from typing import Protocol


class Board(Protocol):
    """A node's hardware: it can be started, stopped and cut off."""

    runtime: str

    def start(self) -> None:
        """Power it."""

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ask it to end, then make it."""

    def kill(self) -> None:
        """Cut it off at once, as kill -9 does."""

    def running(self) -> bool:
        """Tell whether it runs."""

    def log(self) -> str:
        """Return all that it printed."""
