"""A node whose supply is cut at each sleep and at random: what is lost, and how long it is awake.

The node's own program on hal_board, with doubles of both clock chips, on MicroPython's littlefs in
a flash whose power can go at any operation; a fifth of the boots is cut, a tenth of the answers
lost. The anchor of the time awake is the same without cuts and losses: a boot of 1.5 s, a reading
of 0.5 s, a frame and its answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.device_rig import SHARED, counts, run

NAMES = (
    "node.gate_lost", "node.gate_counter_reuse", "node.gate_lives", "node.gate_awake_s_day",
)  # fmt: skip
QUICK_DAYS, FULL_DAYS = 2, 30
CHIPS = ("ds3231", "pcf8563")
TIMEOUT_S = 1800.0
CLEAN_S_DAY = 96 * 2.5


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the sums over both chips; ``full`` lives 30 days with each."""
    days = FULL_DAYS if full else QUICK_DAYS
    lived = [_lived(chip, days, seed) for chip in CHIPS]
    cuts = sum(one["cuts"] for one in lived)
    samples = sum(one["samples"] for one in lived)
    lost = sum(one["lost"] + one["wrong"] for one in lived)
    yield {"name": "node.gate_lost", "value": lost, "unit": f"of {samples} readings, {cuts} cuts",
           "goal": "0", "met": lost == 0 < samples,
           "trials": samples, "failures": lost}  # fmt: skip
    reused = sum(one["reused"] for one in lived)
    yield {"name": "node.gate_counter_reuse", "value": reused, "unit": "frames", "goal": "0",
           "met": reused == 0}  # fmt: skip
    lives = max(one["lives"] for one in lived)
    yield {"name": "node.gate_lives", "value": lives, "unit": f"in {days} days", "goal": "1",
           "met": lives == 1}  # fmt: skip
    awake_s = max(one["on_s_day"] for one in lived)
    yield {"name": "node.gate_awake_s_day", "value": awake_s, "unit": "s, cuts and losses with it",
           "anchor": CLEAN_S_DAY}  # fmt: skip


def _lived(chip: str, days: int, seed: int) -> dict[str, int]:
    script = str(SHARED / "gate_life.py")
    return counts(run(script, chip, str(days), str(seed), heap="2m", timeout_s=TIMEOUT_S))
