"""Is a reading lost when the database is killed, cut, filled up or locked?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import influx_kills
from tests.bench.influx_kills import Outcome

NAMES = (
    "history.kills",
    "history.kills_lost",
    "history.truncated",
    "history.truncated_rebuilt",
    "history.truncated_refused",
    "history.disk_full_lost",
    "history.revoked_lost",
    "history.told",
)
QUICK_KILLS, FULL_KILLS = 10, 50
QUICK_CUTS, FULL_CUTS = 5, 25
TOLD_S = 60


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what was lost, what a replay rebuilt, and how soon people were told."""
    count = FULL_KILLS if full else QUICK_KILLS
    killed = _in_folder(lambda folder: influx_kills.kills(folder, count, seed))
    yield {"name": "history.kills", "value": count, "unit": "kills -9", "trials": count,
           "failures": int(killed.lost != 0)}  # fmt: skip
    yield _lost("history.kills_lost", killed)
    cuts = FULL_CUTS if full else QUICK_CUTS
    cut = _in_folder(lambda folder: influx_kills.truncations(folder, cuts, seed))
    yield {"name": "history.truncated", "value": cut.before,
           "unit": f"readings gone in {cuts} cuts", "trials": cuts,
           "failures": int(cut.lost != 0)}  # fmt: skip
    whole = 100.0 * (cut.rows - cut.lost) / cut.rows
    yield {"name": "history.truncated_rebuilt", "value": whole, "unit": "% after replay",
           "goal": "100", "met": cut.lost == 0}  # fmt: skip
    yield {"name": "history.truncated_refused", "value": cut.refused, "unit": "starts refused"}
    filled = _in_folder(influx_kills.full_disk)
    yield _lost("history.disk_full_lost", filled)
    revoked = _in_folder(influx_kills.revoked)
    yield _lost("history.revoked_lost", revoked)
    told_s = max(killed.told_s, filled.told_s, revoked.told_s)
    yield {"name": "history.told", "value": told_s, "unit": "s at most",
           "goal": f"<= {TOLD_S}", "met": told_s <= TOLD_S}  # fmt: skip


def _in_folder(run: Callable[[Path], Outcome]) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return run(Path(folder))


def _lost(name: str, out: Outcome) -> dict[str, Any]:
    return {"name": name, "value": out.lost, "unit": f"of {out.rows}", "goal": "0",
            "met": out.lost == 0, "trials": out.rows, "failures": abs(out.lost)}  # fmt: skip
