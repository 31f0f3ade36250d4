"""Find what would make a marginal station good, the cheapest first: one sentence for each.

Antennas come first, for they cost nobody else anything. A spreading factor that nobody else has
makes the bridge look for one more, and every node's frames longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from amont_provision import linkbudget, traffic
from amont_provision.linkbudget import Link
from amont_provision.plan import GOOD, SLOW, SLOW_S, Outlook, Plan
from amont_provision.traffic import Air
from amont_site.radio import Bridge
from amont_wire.airtime import scan_preamble

NODE_HEIGHTS_M = (3, 4, 6)  # a post, a wall, a gable
BRIDGE_HEIGHTS_M = (12, 15, 20)  # a roof, a bell tower
POST_M = 2.0
RECEIVERS_MOST = 4  # the bridge, and three that listen
SMALL_MOST = 10  # stations; of more, several channels collide less in a flood
SLOW_SF = 10  # faster ones first: beyond it a flood's samples wait
ONE_CHANNEL = ("plan-slow-channel", "plan-slow-one")
FRAME_BYTES = 40  # an example of a frame's size
WORTH = 0.1  # less is not worth a word
YEARS_SAID = 2.0  # cells that last less are spoken of


@dataclass(frozen=True)
class Advice:
    """One sentence: the code of its words, and their values."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)


def advice(plan: Plan, outlook: Outlook) -> Advice | None:
    """Return what to do about a node, None if it is good as it is."""
    if outlook.missing:
        return Advice("plan-missing", {"fields": ", ".join(outlook.missing)})
    if outlook.way is not None and outlook.link is not None and outlook.link.word != GOOD:
        return next(_links(plan, outlook.way), Advice("plan-lorawan"))
    if outlook.is_slow:
        return _faster(plan, outlook)
    if outlook.word != GOOD and outlook.fair_sf is not None:
        return Advice(
            "plan-fair" if outlook.fair_sf else "plan-fair-none", {"sf": outlook.fair_sf}
        )
    if outlook.years < YEARS_SAID:
        code = "plan-mains" if outlook.load is None else "plan-cells"
        return Advice(code, {"years": outlook.years, "node": str(outlook.node.id)})
    return None


def savings(plan: Plan) -> Iterator[Advice]:
    """Yield what would make the frames of most nodes of the bridge shorter."""
    airs = {o.node.id: o.air for o in plan.nodes if o.air is not None and o.fair_sf is None}
    if not airs:
        return
    factors = list(plan.factors)
    of = {sf: [node for node, air in airs.items() if air.sf == sf] for sf in factors}
    usual = max(factors, key=lambda sf: len(of[sf]))
    channels = len((plan.site.bridge or Bridge()).channels_khz)

    def spared(count: int, left: list[int]) -> float:
        now, then = (
            Air(usual, scan_preamble(*places, usual)).on_air_s(FRAME_BYTES)
            for places in ((channels, factors), (count, left))
        )
        return 1 - then / now

    for sf in factors:
        if sf != usual and len(of[sf]) <= len(airs) // 4:
            share = spared(channels, [other for other in factors if other != sf])
            if share >= WORTH:
                nodes = ", ".join(map(str, sorted(of[sf])))
                values = {"rare": sf, "nodes": nodes, "sf": usual, "spared": share}
                yield Advice("plan-one-factor", values)
    if _is_small(plan) and channels > 1 and spared(1, factors) >= WORTH:
        yield Advice("plan-one-channel", {"sf": usual, "spared": spared(1, factors)})


def _is_small(plan: Plan) -> bool:
    """Tell whether one channel alone is enough for a flood of all nodes of the bridge."""
    return sum(one.node.carrier == "bridge" for one in plan.nodes) <= SMALL_MOST


def _links(plan: Plan, way: Link) -> Iterator[Advice]:
    """Yield what makes a link good, the cheapest first."""
    for code, better, values in _changes(plan, way):
        if linkbudget.estimate(better).word == GOOD:
            yield Advice(code, values)
    if way.receivers < RECEIVERS_MOST:
        more = replace(way, receivers=way.receivers + 1)
        if linkbudget.estimate(more).word == GOOD:
            yield Advice("plan-listener")
    for sf in (11, 12):
        high = replace(_highest(way), sf=max(sf, way.sf))
        if linkbudget.estimate(high).word == GOOD:
            yield Advice(_named("plan-all", way), _heights(high))


def _changes(plan: Plan, way: Link) -> Iterator[tuple[str, Link, dict[str, Any]]]:
    if way.setting == "manhole":
        yield "plan-lid", replace(way, setting="village", node_m=POST_M), {"node_m": POST_M}
    else:
        for height in NODE_HEIGHTS_M:
            if height > way.node_m:
                yield "plan-antenna", replace(way, node_m=float(height)), {"node_m": height}
    for height in BRIDGE_HEIGHTS_M:
        if height > way.bridge_m:
            yield "plan-bridge", replace(way, bridge_m=float(height)), {"bridge_m": height}
    known = [sf for sf in plan.factors if way.sf < sf <= SLOW_SF]
    for sf in known:
        yield "plan-sf", replace(way, sf=sf), {"sf": sf}
    for sf in range(way.sf + 1, SLOW_SF + 1):
        if sf not in known:
            yield "plan-sf-new", replace(way, sf=sf), {"sf": sf}
    high = _highest(way)
    yield _named("plan-both", way), high, _heights(high)
    for sf in range(way.sf + 1, SLOW_SF + 1):
        best = replace(high, sf=sf)
        yield _named("plan-all", way), best, _heights(best)


def _named(code: str, way: Link) -> str:
    return f"{code}-lid" if way.setting == "manhole" else code


def _highest(way: Link) -> Link:
    out = way if way.setting != "manhole" else replace(way, setting="village", node_m=POST_M)
    return replace(
        out,
        node_m=max(out.node_m, float(NODE_HEIGHTS_M[-1])),
        bridge_m=max(out.bridge_m, float(BRIDGE_HEIGHTS_M[-1])),
    )


def _heights(way: Link) -> dict[str, Any]:
    return {"node_m": way.node_m, "bridge_m": way.bridge_m, "sf": way.sf}


def _quicker(outlook: Outlook, sf: int) -> list[int]:
    """Return the spreading factors below this one at which the link is good, the next first."""
    way = outlook.way
    if way is None:
        return []
    lower = range(sf - 1, 6, -1)
    return [to for to in lower if linkbudget.estimate(replace(way, sf=to)).word == GOOD]


def _faster(plan: Plan, outlook: Outlook) -> Advice:
    """Return how the samples of a flood could leave closer to each other."""
    assert outlook.air is not None
    asked_s = outlook.rhythm.fast_interval_s
    air, factors = outlook.air, list(plan.factors)
    channels = len((plan.site.bridge or Bridge()).channels_khz)
    others = {o.air.sf for o in plan.nodes if o.air and o.fair_sf is None and o is not outlook}
    ways = [("plan-slow-channel", air.sf, scan_preamble(1, factors, air.sf))]
    ways += [("plan-slow-factor", air.sf, scan_preamble(channels, [air.sf], air.sf))]
    ways += [("plan-slow-one", air.sf, scan_preamble(1, [air.sf], air.sf))]
    for sf in _quicker(outlook, air.sf):
        ways.append(("plan-slow-sf", sf, scan_preamble(channels, sorted({*others, sf}), sf)))
        ways.append(("plan-slow-one", sf, scan_preamble(1, [sf], sf)))
    if not _is_small(plan):
        ways = [way for way in ways if way[0] not in ONE_CHANNEL]
    for code, sf, preamble in ways:
        if sf == air.sf and preamble >= air.preamble:
            continue
        found = traffic.load(outlook.rhythm, replace(air, sf=sf, preamble=preamble))
        if found.fast_s <= max(SLOW_S, SLOW * asked_s):
            return Advice(code, {"sf": sf, "fast_s": found.fast_s, "asked_s": asked_s})
    assert outlook.load is not None
    return Advice("plan-slow", {"fast_s": outlook.load.fast_s, "asked_s": asked_s})
