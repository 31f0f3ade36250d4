"""An hour of flood on the simulated air: when the guard knows, and what it costs of the air.

One bridge, 868.1/868.3/868.5 MHz by turns, a third of the nodes each at SF7, SF8 and SF9, every
link dead 20 % of the time in bursts of 5 s; 30 of 100 nodes cross within ten minutes. Nodes,
bridge, guard and frames are the real code (``amont_hil.air_flood``). *Urgent* is the time from the
sample that is the first beyond the watch or the alarm mark to the first frame at the guard with
that sample or a later one. The anchor is pure ALOHA on the same links.
"""

from __future__ import annotations

import math
import os
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

from amont_hil.air_anchor import AlohaFlood, Anchor
from amont_hil.air_bridge import CONCENTRATOR, CONTINUOUS, THREE
from amont_hil.air_flood import Flood, Outcome, Scenario
from amont_hil.air_links import Weather

NODES = (10, 30, 100, 200, 300)
KINDS = (CONTINUOUS, THREE, CONCENTRATOR)
NAMES = (
    "air.urgent_median_s", "air.urgent_p99_s", "air.node_airtime_permille",
    "air.bridge_airtime_permille", "air.readings_lost", "air.readings_late_percent",
    *(f"air.nodes_{count}_p99_s" for count in NODES),
    *(f"air.receiver_{kind}_p99_s" for kind in KINDS),
    "air.in_step_p99_s", "air.bursts_20_s_p99_s",
)  # fmt: skip
MEDIAN_S, P99_S, PERMILLE = 10, 60, 10
SEEDS, FEW = 200, 8
NEVER_S = 7200.0  # stands for a crossing that was never told
DRAIN_S, VARIANT_DRAIN_S = 1800, 600


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield all figures; ``full`` has 200 seeds of the flood and 8 of each variant."""
    count, few = (SEEDS, FEW) if full else (2, 1)
    with ProcessPoolExecutor(2, initializer=os.nice, initargs=(10,)) as pool:
        seeds = range(seed * 1000, seed * 1000 + count)
        anchors = list(pool.map(anchor, seeds[: 2 * few]))
        floods = list(pool.map(flood, [Scenario(s, drain_s=DRAIN_S) for s in seeds]))
        yield from _main(floods, anchors)
        variants = _variants(full)
        scenarios = [make(s) for make in variants.values() for s in seeds[:few]]
        outcomes = pool.map(flood, scenarios)
        for name in variants:
            yield _variant(name, [next(outcomes) for _ in seeds[:few]])
        yield _variant("air.nodes_100_p99_s", floods)


def flood(scenario: Scenario) -> Outcome:
    """Run one flood; the trace stays behind."""
    outcome = Flood(scenario).run()
    outcome.trace.clear()
    return outcome


def anchor(seed: int) -> Anchor:
    """Run the same flood without our rules."""
    return AlohaFlood(Scenario(seed)).run()


def _variants(full: bool) -> dict[str, Callable[[int], Scenario]]:
    made: dict[str, Callable[[int], Scenario]] = {}
    for count in [n for n in NODES if n != 100] if full else (10, 30):
        crossing = 3 * count // 10
        made[f"air.nodes_{count}_p99_s"] = partial(_scenario, nodes=count, crossing=crossing)
    for kind in KINDS:
        made[f"air.receiver_{kind}_p99_s"] = partial(_scenario, kind=kind)
    made["air.in_step_p99_s"] = partial(_scenario, in_step=True)
    made["air.bursts_20_s_p99_s"] = partial(_scenario, weather=Weather(burst_s=20))
    return made


def _scenario(seed: int, **changes: Any) -> Scenario:
    return Scenario(seed, drain_s=VARIANT_DRAIN_S, **changes)


def _main(floods: list[Outcome], anchors: list[Anchor]) -> Iterator[dict[str, Any]]:
    took, plain = _took(floods), _took(anchors)
    of = f"of {len(took)} in {len(floods)} floods"
    median_s, p99_s = statistics.median(took), percentile(took, 99)
    yield {
        "name": "air.urgent_median_s", "value": round(median_s, 1), "unit": f"s, {of}",
        "anchor": round(statistics.median(plain), 1), "goal": MEDIAN_S,
        "met": median_s <= MEDIAN_S,
    }  # fmt: skip
    yield {
        "name": "air.urgent_p99_s", "value": round(p99_s, 1),
        "unit": f"s (p90 {percentile(took, 90):.0f}, worst {took[-1]:.0f})",
        "anchor": round(percentile(plain, 99), 1), "goal": P99_S, "met": p99_s <= P99_S,
        "trials": len(took), "failures": sum(s > P99_S for s in took),
    }  # fmt: skip
    nodes = [us for one in floods for us in one.node_airtime_us.values()]
    yield _airtime("air.node_airtime_permille", nodes, [
        us for one in anchors for us in one.node_airtime_us.values()
    ])  # fmt: skip
    bridges = [one.bridge_airtime_us for one in floods]
    yield _airtime(
        "air.bridge_airtime_permille", bridges, [one.bridge_airtime_us for one in anchors]
    )
    readings, lost = sum(one.readings for one in floods), sum(one.lost for one in floods)
    plain_lost = sum(one.lost for one in anchors) / sum(one.readings for one in anchors)
    yield {
        "name": "air.readings_lost", "value": lost, "unit": f"of {readings}", "goal": 0,
        "anchor": round(plain_lost * readings),
        "met": lost == 0, "trials": readings, "failures": lost,
    }  # fmt: skip
    late = sum(one.late for one in floods)
    yield {
        "name": "air.readings_late_percent", "value": round(100 * late / readings, 2),
        "unit": f"% still in the outbox {DRAIN_S // 60} min after the hour",
    }  # fmt: skip


def _airtime(name: str, used_us: list[int], plain_us: list[int]) -> dict[str, Any]:
    worst, plain = max(used_us) / 3.6e6, max(plain_us) / 3.6e6
    return {
        "name": name, "value": round(worst, 3),
        "unit": f"permille of any hour, worst of {len(used_us)} "
        f"(median {statistics.median(used_us) / 3.6e6:.2f})",
        "anchor": round(plain, 3), "goal": PERMILLE, "met": worst <= PERMILLE,
        "trials": len(used_us), "failures": sum(us / 3.6e6 > PERMILLE for us in used_us),
    }  # fmt: skip


def _variant(name: str, floods: list[Outcome]) -> dict[str, Any]:
    took, fates = _took(floods), sum((one.fates for one in floods), Counter[str]())
    sent = fates.total()
    shares = ", ".join(f"{fate} {100 * n / sent:.1f}" for fate, n in fates.most_common())
    worst = max(max(one.node_airtime_us.values()) for one in floods) / 3.6e6
    bridge = max(one.bridge_airtime_us for one in floods) / 3.6e6
    late = 100 * sum(o.late for o in floods) / sum(o.readings for o in floods)
    lost = sum(o.lost for o in floods)
    return {
        "name": name, "value": round(percentile(took, 99), 1),
        "unit": f"s of {len(took)} (median {statistics.median(took):.1f}; % of frames: {shares}; "
        f"late {late:.1f} %, lost {lost}; node {worst:.2f}, bridge {bridge:.2f} permille)",
    }  # fmt: skip


def _took(floods: list[Outcome] | list[Anchor]) -> list[float]:
    return sorted(s if math.isfinite(s) else NEVER_S for one in floods for s in one.urgent_s)


def percentile(ordered: list[float], percent: int) -> float:
    """Return the least value that so many of a hundred do not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
