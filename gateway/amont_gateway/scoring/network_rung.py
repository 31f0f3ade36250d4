"""Choose which test judges a network, and on what: the rungs of its ladder.

All that the site names; without inner flows and levels that are silent; with too few pressures the
flows alone. Which rung it is follows from the newest hours alone, so a restart stands on the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.network_inflow import InflowRule, InflowTest
from amont_gateway.scoring.network_slopes import Drivers
from amont_gateway.scoring.network_test import Finding, Hour, NetworkRule, NetworkTest
from amont_gateway.scoring.timeline import Floats

PRESSURES, FLOWS = "network-test", "network-inflow"
LEAST = 2  # pressures: one alone has nothing to be compared with


class Judge(Protocol):
    """What judges a network hour by hour; both tests are one."""

    @property
    def ready(self) -> bool:
        """Return whether enough is learnt to judge."""

    @property
    def suspects(self) -> bool:
        """Return whether a change has shown itself that is not confirmed yet."""

    def findings(self) -> tuple[Finding, ...]:
        """Return the leaks believed to be open, newest first, with their size as of now."""

    def step(self, hour: Hour) -> Finding | None:
        """Take one more hour; return a leak when it is first believed."""


@dataclass(frozen=True)
class Rules:
    """The settings of both tests."""

    pressures: NetworkRule = field(default_factory=NetworkRule)
    flows: InflowRule = field(default_factory=InflowRule)


class Width(NamedTuple):
    """How many columns of a network's hours are what, in this order."""

    inflow: int
    inner: int
    levels: int
    pressures: int

    @property
    def drivers(self) -> int:
        """Return how many are no pressures."""
        return self.inflow + self.inner + self.levels


class Rung(NamedTuple):
    """Which test judges, and which columns of the hours it sees."""

    model: str
    width: Width  # of what it sees
    columns: tuple[int, ...]

    def hour(self, row: Floats, end_ms: int) -> Hour:
        """Return one hour as the test takes it; ``row`` holds all columns in its units."""
        ends = np.cumsum(self.width[:3])
        inflow, inner, levels, pressures = np.split(row[list(self.columns)], ends)
        return Hour(end_ms, pressures, inflow, inner, levels)

    def judge(self, rules: Rules) -> Judge:
        """Return a test that knows nothing yet."""
        inflow, inner, levels, pressures = self.width
        if self.model == FLOWS:
            return InflowTest(rules.flows, inflow, inner, levels)
        return NetworkTest(rules.pressures, pressures, Drivers(inflow, inner, levels))


def whole(width: Width) -> Rung:
    """Return the rung on which everything speaks."""
    return _rung(width, np.ones(sum(width), np.bool_), width.pressures >= LEAST)


def rung(width: Width, heard: NDArray[np.bool_]) -> Rung:
    """Return the rung of a network of whose columns some are ``heard``.

    The test with pressures needs more than half of them. Without an inlet nothing can be judged,
    and nothing is chosen.
    """
    if not heard[: width.inflow].all():
        return whole(width)
    pressures = heard[width.drivers :]
    enough = width.pressures >= LEAST and 2 * int(pressures.sum()) > width.pressures
    return _rung(width, heard, enough)


def name(one: Rung, width: Width) -> str:
    """Return what ``view.Network.rung`` calls the rung of a network of that width."""
    if one == whole(width):
        return "full"
    return "flows only" if one.model != whole(width).model else "less"


def _rung(width: Width, heard: NDArray[np.bool_], with_pressures: bool) -> Rung:
    seen = heard.copy()
    seen[width.drivers :] = with_pressures  # a silent one costs only itself
    parts = np.split(seen, np.cumsum(width[:3]))
    return Rung(
        PRESSURES if with_pressures else FLOWS,
        Width(*(int(part.sum()) for part in parts)),
        tuple(np.flatnonzero(seen).tolist()),
    )
