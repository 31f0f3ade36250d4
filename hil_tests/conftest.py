"""Boards that are gone when the test is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amont_hil.simulated import SimulatedBoard, SimulatedBridge


@pytest.fixture
def boards(tmp_path: Path) -> Iterator[Callable[..., SimulatedBoard]]:
    """Make boards that are gone when the test is."""
    made: list[SimulatedBoard] = []

    def make(name: str = "node", **arguments: object) -> SimulatedBoard:
        board = SimulatedBoard(tmp_path / name, **arguments)  # type: ignore[arg-type]
        made.append(board)
        return board

    yield make
    for board in made:
        board.kill()


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[SimulatedBridge]:
    """Start a bridge."""
    made = SimulatedBridge(tmp_path / "bridge")
    made.start()
    yield made
    made.close()
