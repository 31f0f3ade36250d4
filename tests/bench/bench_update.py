"""Cut the power at every flash operation of an update: does the old or the new release boot?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.firmware import slot_rig

NAMES = (
    "update.power_cuts",
    "update.cut_bad_outcomes",
    "update.planted_faults_found",
)
CUTS_MIN = 2000  # of a whole run
QUICK_STRIDE = 13
FULL_PARTS = 12  # modules of the releases: the more, the more there is to cut


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield how often the power went, what did not boot after it, and what faults were found."""
    with tempfile.TemporaryDirectory() as name:
        folder = slot_rig.make_way(Path(name), FULL_PARTS if full else slot_rig.PARTS)
        stride = 1 if full else QUICK_STRIDE
        outcomes = [slot_rig.cut(way, folder, stride) for way in slot_rig.WAYS]
        found = [slot_rig.cut("serial", folder, 2, fault)[1] > 0 for fault in slot_rig.FAULTS]
    cuts, bad = sum(o[0] for o in outcomes), sum(o[1] for o in outcomes)
    goal = {"goal": f">= {CUTS_MIN}", "met": cuts >= CUTS_MIN} if full else {}
    yield {"name": "update.power_cuts", "value": cuts, "unit": "cuts", "trials": cuts,
           "failures": bad, **goal}  # fmt: skip
    yield {"name": "update.cut_bad_outcomes", "value": bad, "unit": "boots", "goal": "0",
           "met": bad == 0}  # fmt: skip
    yield {"name": "update.planted_faults_found", "value": sum(found), "unit": "faults",
           "goal": str(len(found)), "met": all(found)}  # fmt: skip
