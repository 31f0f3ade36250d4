"""What the water service's figures cost and whether they are right.

A year of fifty zones, a meter and a pressure each, read every quarter of an hour, is worked out
anew from the journal in a process of its own, as after ``indicators.db`` was lost: seconds, the
memory beyond the start, bytes kept. The quick variant takes forty days. The law's worked cases
are those of the tests, each figure to 0.1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.indicators import test_worked_cases as worked

from amont_gateway.indicators.months import year_until
from amont_gateway.yearly.balance import Network, rounded

NAMES = (
    "indicator.rebuild_zone_days",
    "indicator.rebuild_rss",
    "indicator.rebuild_per_reading",
    "indicator.kept_per_zone_year",
    "indicator.round",
    "indicator.wrong_to_a_tenth",
)
ZONES, YEAR_DAYS, QUICK_DAYS = 50, 365, 40
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield what a rebuild costs, what a round costs, and how many worked figures are wrong."""
    days = YEAR_DAYS if full else QUICK_DAYS
    with tempfile.TemporaryDirectory() as folder:
        asked = [sys.executable, "-m", "tests.bench.indicator_rig", folder, str(days), str(seed)]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=1800, check=True)
    found = json.loads(done.stdout)
    yield {
        "name": "indicator.rebuild_zone_days", "value": ZONES * days / found["rebuild_s"],
        "unit": "zone days/s",
    }  # fmt: skip
    yield {
        "name": "indicator.rebuild_rss", "value": found["rss_mib"], "unit": "MiB", "goal": 10.0,
        "met": found["rss_mib"] <= 10.0,
    }  # fmt: skip
    per_reading_us = found["rebuild_s"] / found["readings"] * 1e6
    yield {"name": "indicator.rebuild_per_reading", "value": per_reading_us, "unit": "µs"}
    kib = found["kept_bytes"] / ZONES / days * YEAR_DAYS / 1024
    yield {"name": "indicator.kept_per_zone_year", "value": kib, "unit": "KiB"}
    yield {"name": "indicator.round", "value": found["round_s"], "unit": "s every 600 s"}
    trials, wrong = _worked()
    yield {
        "name": "indicator.wrong_to_a_tenth", "value": wrong, "unit": "figures", "goal": 0,
        "met": wrong == 0, "trials": trials, "failures": wrong,
    }  # fmt: skip


def _worked() -> tuple[int, int]:
    """Return how many figures were worked by hand, and how many of ours differ."""
    pairs = [pair for case in worked.CASES for pair in _figures(case)]
    return len(pairs), sum(ours != wanted for ours, wanted in pairs)


def _figures(case: worked.Case) -> Iterator[tuple[str, str]]:
    rows = [worked.year_2025(kind, volume) for kind, volume in case.volumes.items()]
    network = Network(Decimal(case.length_km), case.scarce)
    made = year_until(network, rows, [], {}, rows[0].last).balance
    ours = {
        "yield": made and made.yield_percent,
        "asked": made and made.asked_percent,
        "P105.3": made and made.uncounted_m3_km_day,
        "P106.3": made and made.losses_m3_km_day,
    }
    for name, wanted in case.wanted.items():
        value = ours[name]
        yield ("none" if value is None else str(rounded(value))), wanted
