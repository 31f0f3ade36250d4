"""Is anything lost, late or out of order when the database was away for 72 hours?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.outage_rig import HOURS, STATIONS, Outcome, outage

NAMES = (
    "history.outage72h_lost",
    "history.outage72h_disorder",
    "history.outage72h_drain",
    "history.outage72h_live_p95",
    "history.outage72h_live_worst",
    "history.outage72h_rss",
    "history.outage72h_journal",
    "history.outage72h_slow_drain",
    "history.outage72h_slow_live_p95",
)
ROWS = HOURS * 60 * STATIONS
SLOW_LINES_S = 2_000  # what a database on a small machine's card takes, about
QUICK_SLOW_HOURS = 12


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the outage with two lanes, beside one lane's wait, then at a slow server."""
    del seed  # nothing here is random
    out = _outage()
    yield _lost(out)
    yield {"name": "history.outage72h_disorder", "value": out.disorder, "unit": "readings",
           "goal": "0", "met": out.disorder == 0}  # fmt: skip
    yield {"name": "history.outage72h_drain", "value": out.drain_s, "unit": "s",
           "goal": "<= 600", "met": out.drain_s <= 600}  # fmt: skip
    yield {"name": "history.outage72h_live_p95", "value": out.live_p95_s, "unit": "s",
           "goal": "< 2", "met": out.live_p95_s < 2}  # fmt: skip
    yield {"name": "history.outage72h_live_worst", "value": out.live_worst_s, "unit": "s"}
    more = max(out.rss_away_mib, out.rss_drain_mib)
    yield {"name": "history.outage72h_rss", "value": more, "unit": "MiB at most",
           "anchor": out.rss_before_mib, "goal": "ratio <= 1.1",
           "met": more <= 1.1 * out.rss_before_mib}  # fmt: skip
    yield {"name": "history.outage72h_journal", "value": out.journal_mib, "unit": "MiB"}
    yield from _slow(HOURS if full else QUICK_SLOW_HOURS)


def _slow(hours: int) -> Iterator[dict[str, Any]]:
    """Yield the same at a slow server, and what waits if there is but one lane."""
    out = _outage(hours, SLOW_LINES_S)
    bare = _outage(hours, SLOW_LINES_S, lanes=1)
    unit = f"s, {hours} h at {SLOW_LINES_S} lines/s"
    yield {"name": "history.outage72h_slow_drain", "value": out.drain_s, "unit": unit}
    yield {"name": "history.outage72h_slow_live_p95", "value": out.live_p95_s, "unit": unit,
           "anchor": bare.live_p95_s, "goal": "< 2", "met": out.live_p95_s < 2}  # fmt: skip


def _outage(hours: int = HOURS, lines_s: float = 0.0, lanes: int = 2) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return outage(Path(folder), hours * 60, lines_s, lanes)


def _lost(out: Outcome) -> dict[str, Any]:
    lost = out.rows - out.held
    return {"name": "history.outage72h_lost", "value": lost, "unit": f"of {out.rows}",
            "goal": "0", "met": lost == 0 and out.rows >= ROWS,
            "trials": out.rows, "failures": abs(lost)}  # fmt: skip
