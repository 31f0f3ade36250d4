"""Choose benches, and give tests boards that are gone when the test is."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amont_hil.rig import RigBoard, powered, rigs
from amont_hil.simulated import SimulatedBoard, SimulatedBridge

RIGS = rigs(Path(__file__).parent / "rigs")
SIM = "sim"  # where tests run that name no bench


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of benches."""
    group = parser.getgroup("amont", "boards")
    group.addoption(
        "--rig",
        action="append",
        choices=sorted(RIGS),
        help="a bench from hil_tests/rigs (repeat for more); usual: those that need no hardware",
    )
    group.addoption("--port", help="the real board's port, for --rig serial")


def pytest_configure(config: pytest.Config) -> None:
    """Register what tests here may say of themselves."""
    config.addinivalue_line("markers", "needs(*what): what a bench must provide for this test")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each that asks for ``rigged``, per bench."""
    if "rigged" in metafunc.fixturenames:
        metafunc.parametrize("rigged", sorted(RIGS), indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not chosen: benches, and tests that a bench cannot serve."""
    chosen = config.getoption("--rig") or [rig.name for rig in RIGS.values() if rig.default]
    here = Path(__file__).parent
    kept, left = [], []
    for item in items:
        ours = here in item.path.parents
        (kept if not ours or _fits(item, chosen) else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def _fits(item: pytest.Item, chosen: list[str]) -> bool:
    parameters = getattr(item, "callspec", None)
    name = parameters.params.get("rigged", SIM) if parameters else SIM
    needs = {what for mark in item.iter_markers("needs") for what in mark.args}
    return name in chosen and needs <= RIGS[name].provides


@pytest.fixture
def rigged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RigBoard]:
    """Give the board of a bench."""
    port = request.config.getoption("--port")
    with powered(RIGS[request.param], tmp_path / "board", port) as board:
        yield board


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
