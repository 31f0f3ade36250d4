"""Kill everything and cut the power: is any acknowledged reading gone?"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import journal_cuts
from tests.gateway.loss_rig import Kills, LossRig, Outcome

NAMES = (
    "loss.kills",
    "loss.acknowledged",
    "loss.lost",
    "loss.twice",
    "loss.stuck",
    "loss.early_ack_lost",
    "loss.power_cuts",
    "loss.power_cuts_lost",
    "loss.power_cuts_normal_lost",
)
# Auto-ack, the usual way: 663 of 5,198 acknowledged readings gone in 60 gateway kills.
AUTO_ACK_LOST_PERCENT = 12.8
QUICK = Kills(gateway=15, guard=5, broker=3, nodes=3)
FULL = Kills(gateway=300, guard=100, broker=30, nodes=30)


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what was killed, what was lost, and that the harness notices a planted fault."""
    kills = FULL if full else QUICK
    outcome, killed = _run(kills, seed)
    yield {"name": "loss.kills", "value": killed, "unit": "kills -9", "trials": killed,
           "failures": int(bool(outcome.lost or outcome.wrong or not outcome.sound))}  # fmt: skip
    yield {"name": "loss.acknowledged", "value": outcome.acknowledged, "unit": "readings"}
    share = 100 * outcome.lost / max(1, outcome.acknowledged)
    yield {
        "name": "loss.lost",
        "value": share,
        "unit": "% of acknowledged",
        "anchor": AUTO_ACK_LOST_PERCENT,
        "goal": "0",
        "met": outcome.lost == 0 and outcome.wrong == 0 and outcome.sound,
        "trials": outcome.acknowledged,
        "failures": outcome.lost + outcome.wrong,
    }
    yield {
        "name": "loss.twice",
        "value": outcome.twice,
        "unit": "readings",
        "goal": "0",
        "met": outcome.twice == 0,
    }
    yield {
        "name": "loss.stuck",
        "value": outcome.stuck,
        "unit": "readings",
        "goal": "0",
        "met": outcome.stuck == 0,
    }
    yield from _planted(seed)
    yield from _cuts(full, seed)


def _planted(seed: int) -> Iterator[dict[str, Any]]:
    early, _ = _run(Kills(gateway=12), seed, early=True)
    yield {
        "name": "loss.early_ack_lost",
        "value": 100 * early.lost / max(1, early.acknowledged),
        "unit": "% of acknowledged",
        "goal": "> 0",
        "met": early.lost > 0,
    }


def _cuts(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    tally = journal_cuts.run(20_000 if full else 1_000, seed)
    yield {"name": "loss.power_cuts", "value": tally.cuts, "unit": "cuts"}
    yield {
        "name": "loss.power_cuts_lost",
        "value": tally.lost + tally.damaged,
        "unit": "cuts",
        "goal": "0",
        "met": tally.lost + tally.damaged == 0,
        "trials": tally.cuts,
        "failures": tally.lost + tally.damaged,
    }
    lax = journal_cuts.run(500, seed, "NORMAL")
    yield {
        "name": "loss.power_cuts_normal_lost",
        "value": 100 * lax.lost / lax.cuts,
        "unit": "% of cuts",
        "goal": "> 0",
        "met": lax.lost > 0,
    }


def _run(kills: Kills, seed: int, early: bool = False) -> tuple[Outcome, int]:
    with tempfile.TemporaryDirectory() as folder:
        rig = LossRig(Path(folder), seed, early=early)
        outcome = rig.run(kills)
        return outcome, sum(rig.killed.values())
