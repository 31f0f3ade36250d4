"""Let whole nodes live through months and reboots on MicroPython: heap, delivery, counters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench import device_rig
from tests.bench.node_months import INTERVAL_S, WIRED, Month, live

NAMES = (
    "node.heap_start",
    "node.heap_wired",
    "node.heap_wired_largest",
    "node.heap_wired_updating",
    "node.heap_30_days",
    "node.heap_30_days_median",
    "node.heap_30_days_largest",
    "node.heap_30_days_alone",
    "node.heap_30_days_alone_median",
    "node.heap_30_days_alone_largest",
    "node.counter_reuse",
    "node.counter_reuse_frames",
    "outbox.outage_30_days",
    "outbox.outage_30_days_readings",
)
QUICK_DAYS, FULL_DAYS = 4, 30
DAYS_BEFORE, DAYS_AFTER = 1, 3  # of an outage
QUICK_REBOOTS, FULL_REBOOTS = 200, 10_000
BOARD_FREE_BYTES = 192 * 1024  # of the Unix port with this heap, and about what a Pico has
PICO_FREE_BYTES = 183_200  # of a Pico that has imported nothing; its objects are half as large
WIRED_DAYS = 2
UPDATE_HEAP = "200k"  # 8k for what plays sensors, clock and flash here
REBOOT_HEAP = "8m"  # it holds guard and flash, too
TIMEOUT_S = 2400.0  # two busy cores


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the least free heap of a month, what an outage costs, and counters used twice."""
    days = FULL_DAYS if full else QUICK_DAYS
    month = live(days, range(0), seed)
    yield {"name": "node.heap_start", "value": month.start, "unit": "B free, node made",
           "anchor": PICO_FREE_BYTES}  # fmt: skip
    yield from _wired(seed)
    yield from _heap("node.heap_30_days", month)
    alone = live(days, range(days), seed)
    yield from _heap("node.heap_30_days_alone", alone)
    gone = range(DAYS_BEFORE, DAYS_BEFORE + days)
    yield from _outage(live(gone.stop + DAYS_AFTER, gone, seed))
    yield from _counters(FULL_REBOOTS if full else QUICK_REBOOTS, seed)


def _heap(name: str, month: Month) -> Iterator[dict[str, Any]]:
    # A failed allocation ends the node, and this module with it.
    yield {"name": name, "value": min(month.free), "unit": "B free, least",
           "anchor": BOARD_FREE_BYTES, "goal": "> 0", "met": min(month.free) > 0}  # fmt: skip
    yield {"name": f"{name}_median", "value": month.free_median, "unit": "B free, median"}
    yield {"name": f"{name}_largest", "value": min(month.largest), "unit": "B in one piece"}


def _wired(seed: int) -> Iterator[dict[str, Any]]:
    # An A02YYUW, a 4-20 mA loop, a DS18B20, a pulse counter; what plays them is in the heap, too.
    month = live(WIRED_DAYS, range(0), seed, wired=WIRED)
    met = min(month.free) > 0 and month.delivered == month.samples - month.waiting
    yield {"name": "node.heap_wired", "value": min(month.free), "unit": "B free, least",
           "anchor": PICO_FREE_BYTES, "goal": "> 0", "met": met}  # fmt: skip
    yield {"name": "node.heap_wired_largest", "value": min(month.largest),
           "unit": "B in one piece"}  # fmt: skip
    late = live(1, range(0), seed, UPDATE_HEAP, WIRED, late=True).late
    yield {"name": "node.heap_wired_updating", "value": late, "unit": f"B free of {UPDATE_HEAP}",
           "goal": "> 0", "met": late > 0}  # fmt: skip


def _outage(month: Month) -> Iterator[dict[str, Any]]:
    lost = month.samples - month.delivered - month.waiting
    yield {
        "name": "outbox.outage_30_days",
        "value": 100 * month.delivered / (month.samples - month.waiting),
        "unit": "% delivered",
        "goal": "100",
        "met": lost == 0 and month.wrong == 0 and month.waiting <= 1 and month.dropped == 0,
        "trials": month.samples,
        "failures": lost + month.wrong,
    }
    yield {"name": "outbox.outage_30_days_readings", "value": month.samples,
           "unit": f"samples of {INTERVAL_S} s"}  # fmt: skip


def _counters(reboots: int, seed: int) -> Iterator[dict[str, Any]]:
    said = device_rig.run(
        "node_reboots.py", str(seed), str(reboots), heap=REBOOT_HEAP, timeout_s=TIMEOUT_S
    )
    found = device_rig.counts(said)
    yield {"name": "node.counter_reuse", "value": found["reused"], "unit": "frames", "goal": "0",
           "met": found["reused"] == 0 and found["frames"] > reboots,
           "trials": found["reboots"], "failures": found["reused"]}  # fmt: skip
    yield {"name": "node.counter_reuse_frames", "value": found["frames"], "unit": "frames"}
