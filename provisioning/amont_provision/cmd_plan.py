"""Say before anything is bought or climbed what is to be expected of a site."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from amont_provision import plan_advice
from amont_provision.board import LORAWAN_SF
from amont_provision.output import Output
from amont_provision.plan import WORDS, Outlook, Plan, plan
from amont_provision.plan_advice import Advice
from amont_provision.traffic import SHARE_S
from amont_site import load

HELP = "say before building which stations will be heard, for how long cells last, what to change"
WIDTH = 80  # of a telephone that is turned
NAME_WIDTH = 17
COLUMNS = (
    "node", "name", "word", "margin", "heard", "readings", "day", "calm", "flood", "years",
)  # fmt: skip
FRENCH = str.maketrans({".": ",", "%": "\u00a0%"})
ALL = 0.9995  # of the readings, from which on they are all


def arguments(parser: argparse.ArgumentParser) -> None:
    """Define the command's options."""
    parser.add_argument("site", type=Path, help="the site's file; no network, no map is asked")


def run(asked: argparse.Namespace, out: Output) -> int:
    """Print what is to be expected, the worst first; return 1 if not all is good, or unknown."""
    found = plan(load(asked.site))
    advised = {one.node.id: plan_advice.advice(found, one) for one in found.nodes}
    answer = _answer(found, advised)
    shown = answer if out.as_json else answer | {"name": getattr(found.site.name, out.language)}
    out.result(shown, "plan-head", _lines(found, advised, out))
    return 0 if found.is_good else 1


def _lines(found: Plan, advised: dict[int, Advice | None], out: Output) -> Iterator[str]:
    rows = [[out.text(f"plan-column-{name}") for name in COLUMNS]]
    rows += [_cells(one, out) for one in found.nodes]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    yield _row(rows[0], widths)
    for one, row in zip(found.nodes, rows[1:], strict=True):
        yield _row(row, widths)
        said = advised[one.node.id]
        if said is not None:
            yield from _wrapped("→ " + _told(said, out), " " * (widths[0] + 1))
    yield ""
    for text in _notes(found, out):
        yield from _wrapped(text, "")


def _notes(found: Plan, out: Output) -> Iterator[str]:
    if found.answers is not None:
        told = found.answers
        channels = 3 if found.site.bridge is None else len(found.site.bridge.channels_khz)
        yield out.text(
            "plan-bridge-head", factors=", ".join(map(str, found.factors)), channels=channels,
            calm=_share(told.calm_s / told.share_s, out), nodes=told.nodes, flood=out.text(
                "plan-bridge-all" if told.flood == 1 else "plan-bridge-some",
                flood=_share(told.flood, out),
            ),
        )  # fmt: skip
    for said in plan_advice.savings(found):
        spared = _share(said.values["spared"], out)
        yield _told(Advice(said.code, said.values | {"spared": spared}), out)
    taken = ", ".join(_taken(found, out))
    if taken:
        yield out.text("plan-taken", what=taken)
    yield out.text("plan-legend-margin")
    yield out.text("plan-legend-heard", recovered=_recovered(found, out))
    yield out.text("plan-legend-air", share_s=SHARE_S)
    yield out.text("plan-legend-years")
    yield out.text("plan-no-map")


def _recovered(found: Plan, out: Output) -> str:
    """Say which readings arrive where answers come back."""
    some = [
        out.text("plan-recovered-node", node=str(o.node.id), share=_share(o.readings[1], out))
        for o in found.nodes
        if o.readings[1] < ALL
    ]
    if not some:
        return out.text("plan-recovered-all")
    return out.text("plan-recovered-some", nodes=", ".join(some))


class _French(float):
    """A number in a French sentence."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).translate(FRENCH)


def _told(said: Advice, out: Output) -> str:
    values = {
        name: _number(value, out) if isinstance(value, float) else value
        for name, value in said.values.items()
    }
    return out.text(said.code, **values)


def _number(value: float, out: Output) -> float:
    return _French(value) if out.language == "fr" else value


def _share(value: float, out: Output, spec: str = ".0%") -> str:
    return f"{_number(value, out):{spec}}"


def _taken(found: Plan, out: Output) -> Iterator[str]:
    if found.taken:
        yield out.text("plan-taken-bridge", fields=" ".join(found.taken))
    for one in found.nodes:
        if one.taken:
            yield out.text("plan-taken-node", node=str(one.node.id), fields=" ".join(one.taken))
    lost = [str(one.node.id) for one in found.nodes if one.air is not None and one.link is None]
    if lost:
        yield out.text("plan-taken-loss", nodes=" ".join(lost))
    if any(one.fair_sf is not None for one in found.nodes):
        yield out.text("plan-taken-lorawan", sf=str(LORAWAN_SF))


def _cells(one: Outlook, out: Output) -> list[str]:
    name = getattr(one.node.name, out.language)
    short = name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1].rstrip() + "…"
    cells = [str(one.node.id), short]
    word = out.text(f"plan-word-{one.word}")
    if one.node.carrier != "bridge":
        word = out.text(f"plan-carrier-{one.node.carrier}")
    if one.link is None or one.heard is None:
        margin = heard = "–"
    else:
        margin = "{:+.0f}…{:+.0f}".format(*one.link.band_db)
        heard = _share(one.heard[0], out)
    if one.load is None:
        air = ["–"] * 4
    else:
        shares = [one.load.calm_hour_s / SHARE_S, one.load.flood_hour_s / SHARE_S]
        readings = "–" if one.missing else _share(one.readings[0], out, ".1%")
        air = [readings, f"{one.load.day_s:.0f}", *(_share(x, out) for x in shares)]
    years = ("~" if one.station.guesses else "") + f"{_number(one.years, out):.1f}"
    return [*cells, word, margin, heard, *air, years]


def _row(cells: list[str], widths: list[int]) -> str:
    left = {0: str.rjust, 1: str.ljust, 2: str.ljust}
    padded = [left.get(at, str.rjust)(cell, widths[at]) for at, cell in enumerate(cells)]
    return " ".join(padded).rstrip()


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ",
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def _answer(found: Plan, advised: dict[int, Advice | None]) -> dict[str, Any]:
    bridge = None
    if found.answers is not None:
        told = found.answers
        bridge = {
            "calm_s": round(told.calm_s, 2), "flood_s": round(told.flood_s, 2),
            "share_s": told.share_s, "nodes": told.nodes,
            "answered_calm": round(told.calm, 4), "answered_flood": round(told.flood, 4),
            "spreading_factors": list(found.factors), "taken": list(found.taken),
            "advice": [asdict(said) for said in plan_advice.savings(found)],
        }  # fmt: skip
    return {
        "site": found.site.id,
        **{word: found.count(word) for word in WORDS},
        "share_s": SHARE_S,
        "bridge": bridge,
        "nodes": [_node(one, advised[one.node.id]) for one in found.nodes],
    }


def _node(one: Outlook, said: Advice | None) -> dict[str, Any]:
    node: dict[str, Any] = {
        "node": one.node.id, "carrier": one.node.carrier, "word": one.word,
        "missing": list(one.missing), "taken": list(one.taken), "link": _link(one), "air": None,
        "years": round(one.years, 2), "mah_day": round(one.station.budget().mah_day, 3),
        "guesses": list(one.station.guesses), "advice": None if said is None else asdict(said),
    }  # fmt: skip
    if one.load is not None and one.air is not None:
        node["air"] = {
            "spreading_factor": one.air.sf, "preamble": one.air.preamble,
            "loss_calm": round(one.air.loss, 4), "loss_flood": round(one.air.flood_loss, 4),
            "day_s": round(one.load.day_s, 2), "calm_hour_s": round(one.load.calm_hour_s, 2),
            "flood_hour_s": round(one.load.flood_hour_s, 2),
            "flood_frame_each_s": round(one.load.fast_s, 1),
            "urgent_s": round(one.load.urgent_s, 1) if one.rhythm.alarms else None,
            "readings_least_without_answers": round(one.readings[0], 6),
            "readings_least": round(one.readings[1], 6),
            "fair_use_to_spreading_factor": one.fair_sf,
        }  # fmt: skip
    return node


def _link(one: Outlook) -> dict[str, Any] | None:
    if one.way is None or one.link is None:
        return None
    worse, better = one.link.band_db
    low, heard, high = one.link.frames
    return {
        "distance_m": round(one.way.distance_m), "setting": one.way.setting,
        "loss_db": round(one.link.loss_db, 1), "received_dbm": round(one.link.received_dbm, 1),
        "erp_dbm": round(one.way.erp_dbm, 2), "margin_db": round(one.link.margin_db, 1),
        "margin_band_db": [round(worse, 1), round(better, 1)],
        "heard": round(heard, 4), "heard_band": [round(low, 4), round(high, 4)],
        "word": one.link.word,
    }  # fmt: skip
