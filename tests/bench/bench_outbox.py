"""Cut the power at every operation of a node's flash: is a reading, or a configuration, gone?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench import device_rig

NAMES = ("outbox.power_cuts", "outbox.power_cuts_torn", "outbox.power_cuts_bad")
QUICK_CUTS, FULL_CUTS = 300, 11_200
QUICK_EVERY, FULL_EVERY = 11, 1  # operations
HEAP = "8m"
TIMEOUT_S = 1200.0


def cuts(count: int, every: int, seed: int, fault: str = "") -> dict[str, int]:
    """Cut so often, at every ``every``-th operation; return the script's counts."""
    words = [str(seed), str(count), str(every), *([fault] if fault else [])]
    return device_rig.counts(
        device_rig.run("cut_story.py", *words, heap=HEAP, timeout_s=TIMEOUT_S)
    )


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield how often the power was cut, and after how many of them something was wrong."""
    count, every = (FULL_CUTS, FULL_EVERY) if full else (QUICK_CUTS, QUICK_EVERY)
    found = cuts(count, every, seed)
    yield {"name": "outbox.power_cuts", "value": found["cuts"], "unit": "cuts",
           "trials": found["cuts"], "failures": found["broken"]}  # fmt: skip
    yield {"name": "outbox.power_cuts_torn", "value": found["torn"], "unit": "torn writes"}
    yield {"name": "outbox.power_cuts_bad", "value": found["broken"], "unit": "bad outcomes",
           "goal": "0", "met": found["broken"] == 0}  # fmt: skip
