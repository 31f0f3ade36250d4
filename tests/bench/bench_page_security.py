"""Try to change something by the page or the socket without a right PIN; ask the guard's audit."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.guard.rig import Rig
from tests.page.security_attack import (
    CSRF_OFF,
    PIN_OFF,
    Outcome,
    attack_by_matrix,
    attack_by_schema,
    attack_by_socket,
)  # fmt: skip
from tests.page.security_rig import hall

NAMES = (
    "guard.page_planted_faults", "guard.page_cases", "guard.page_unauthorised",
    "guard.page_server_errors",
)  # fmt: skip
FULL, QUICK = 50_000, 3_000
BY_SCHEMA, BY_SOCKET = 10, 5  # one case of so many; the others are the matrix's


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the figures of 3,000 cases, of 50,000 with ``full``; planted faults come first."""
    plants = ({"plant": CSRF_OFF}, {"guard_plant": PIN_OFF})
    caught = sum(bool(_matrix(80, seed, **plant).changes) for plant in plants)
    yield {"name": "guard.page_planted_faults", "value": caught, "unit": "of 2 caught",
           "goal": 2, "met": caught == 2}  # fmt: skip
    count = FULL if full else QUICK
    found = Outcome()
    for outcome in _attacks(count, seed):
        found.cases += outcome.cases
        found.changes += outcome.changes
        found.wrong += outcome.wrong
    if found.changes or found.wrong:
        print(found)
    yield {"name": "guard.page_cases", "value": found.cases, "unit": "requests and messages",
           "goal": f">= {count}", "met": found.cases >= count}  # fmt: skip
    yield {"name": "guard.page_unauthorised", "value": len(found.changes), "unit": "changes",
           "goal": 0, "met": not found.changes,
           "trials": found.cases, "failures": len(found.changes)}  # fmt: skip
    yield {"name": "guard.page_server_errors", "value": len(found.wrong),
           "unit": "5xx, or names as markup", "goal": 0, "met": not found.wrong}  # fmt: skip


def _matrix(count: int, seed: int, **plant: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder, hall(Path(folder), **plant) as made:
        made.control()
        made.changes()
        return attack_by_matrix(made, seed, count)


def _attacks(count: int, seed: int) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as folder, hall(Path(folder)) as made:
        made.control()
        made.changes()
        by_schema = attack_by_schema(made, seed, count // BY_SCHEMA)
        yield by_schema
        yield attack_by_matrix(made, seed, count - count // BY_SOCKET - by_schema.cases)
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder) / "state")
        yield attack_by_socket(rig, seed, count // BY_SOCKET)
        rig.close()
