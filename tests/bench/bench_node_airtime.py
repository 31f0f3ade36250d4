"""The busiest hour on the air of nodes that live through floods, dead gateways and lost frames.

The node's pure duty in virtual time at every spreading factor; the anchor is the same node with a
budget of the whole hour, so the harness sees one that goes over.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from tests.bench.node_life import NodeLife

from amont_wire.airtime import time_on_air_ms

NAMES = ("node.airtime_worst_hour", "node.airtime_refused", "node.airtime_lost")
HOUR_MS, PERMILLE = 3_600_000, 10
STEPS, STEP_S = 60, 1800
Sent = list[tuple[int, int]]  # (begin, length), in ms, in order


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the worst hour of all lives; ``full`` has 240 of 30 hours each."""
    count = 240 if full else 12
    lives = [live(seed * 10_000 + i, 7 + i % 6, PERMILLE) for i in range(count)]
    hours = [worst_hour_ms(on_air(life)) for life in lives]
    plain = max(worst_hour_ms(on_air(live(seed * 10_000 + sf, sf, 1000))) for sf in (9, 12))
    over = sum(ms > HOUR_MS // 1000 * PERMILLE for ms in hours)
    lost = sum(_lost(life) for life in lives)
    samples = sum(len(life.samples) for life in lives)
    yield {
        "name": "node.airtime_worst_hour", "value": round(max(hours) * 100 / HOUR_MS, 4),
        "unit": f"% of any hour, worst of {count}", "anchor": round(plain * 100 / HOUR_MS, 4),
        "goal": PERMILLE / 10, "met": over == 0, "trials": count, "failures": over,
    }  # fmt: skip
    refused = sum(life.duty.airtime.refused for life in lives)
    yield {"name": "node.airtime_refused", "value": refused, "unit": f"waits in {count} lives"}
    yield {
        "name": "node.airtime_lost", "value": lost, "unit": f"of {samples} samples", "goal": 0,
        "met": lost == 0, "trials": samples, "failures": lost,
    }  # fmt: skip


def live(seed: int, sf: int, permille: int) -> NodeLife:
    """Return a node after thirty hours: the river and the air change every half hour."""
    chance = random.Random(seed)
    level = {"mm": 400}
    life = NodeLife(
        {
            "schema": 1, "id": 1 + seed % 60, "generation": 1, "interval_s": 300,
            "fast_interval_s": 20, "high_mark": 1200, "rise_mark": 6, "alarm_mark": 2500,
            "airtime_permille": permille, "carrier": {"kind": "radio", "lora": {"sf": sf}},
            "channels": [{"index": 0, "quantity": 1, "probe": {"kind": "constant"}}],
        },
        lambda tick_s: level["mm"] + random.Random(tick_s).randint(-40, 40), seed, 0.05,
    )  # fmt: skip
    for _ in range(STEPS):
        level["mm"] = chance.choice((400, 1200, 2000, 2500))
        life.loss = chance.choice((0.0, 0.05, 0.3, 1.0))
        life.run(life.tick_s + STEP_S)
    return life


def on_air(life: NodeLife) -> Sent:
    """Return when each frame is on the air, at the latest: one after the other."""
    lora = life.config.lora
    free_ms, sent = 0, []
    for told in life.told:
        length_ms = time_on_air_ms(told.size, lora.sf, lora.bw_khz, lora.cr, lora.preamble)
        free_ms = max(free_ms, told.tick_s * 1000 + 999)
        sent.append((free_ms, length_ms))
        free_ms += length_ms
    return sent


def worst_hour_ms(sent: Sent) -> int:
    """Return the most that any 3,600 s hold; frames that lie in it in part count in part."""
    worst = held_ms = first = 0
    for begin_ms, length_ms in sent:
        held_ms += length_ms
        from_ms = begin_ms + length_ms - HOUR_MS
        while sum(sent[first]) <= from_ms:
            held_ms -= sent[first][1]
            first += 1
        worst = max(worst, held_ms - max(0, from_ms - sent[first][0]))
    return worst


def _lost(life: NodeLife) -> int:
    span = life.spans.get(0)
    return sum(
        seq not in life.committed and not span.waits(seq) for seq in range(len(life.samples))
    )
