"""What a station draws, from stated currents: mAh a day by profile, on gated and bare boards.

The anchors are the same model on what people build today: a published node that sends four new of
24 readings an hour (1.15 mAh a day), and a bare Pico in lightsleep (a quarter of a year).
``share_of_assumed`` says how much of the figure rests on numbers that nobody measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from msgspec.structs import replace as replace_part

from amont_provision import energy, energy_site
from amont_provision.energy import BOARDS, PROFILES, RECOMMENDED, Board, Profile, budget
from amont_site import hardware, load
from amont_site.model import FRAME_SAMPLES_MOST, validity_for

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
PUBLISHED_MAH_DAY, BARE_YEARS, GOAL_MAH_DAY = 1.15, 0.25, 1.0
CONVERTER = 1.47  # 3.3 V from 2.5 V of two cells at 90 %
GATED, BARE = BOARDS[RECOMMENDED], BOARDS["pico"]
NAMES = (
    *(f"energy.{name.replace('-', '_')}" for name in PROFILES),
    *(f"energy.{name.replace('-', '_')}_years" for name in PROFILES),
    *(f"energy.slow_river_{part}" for part in energy.PARTS),
    "energy.slow_river_each_sample", "energy.slow_river_sf12", "energy.slow_river_esp32",
    "energy.slow_river_source_files", "energy.slow_river_converter", "energy.slow_river_wifi",
    "energy.pipe_loop", "energy.slow_river_bare_pico", "energy.slow_river_bare_pico_years",
    "energy.slow_river_enrolled", "energy.slow_river_enrolled_usual",
    "energy.slow_river_longest_start", "energy.share_of_assumed",
)  # fmt: skip
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield every figure of the model."""
    for name, profile in PROFILES.items():
        yield from _profile(f"energy.{name.replace('-', '_')}", profile)
    river = PROFILES["slow-river"]
    for part, mah in budget(river, GATED).parts.items():
        yield _day(f"energy.slow_river_{part}", mah)
    yield _day("energy.slow_river_each_sample", _of(replace(river, frame_samples=1)))
    yield _day("energy.slow_river_sf12", _of(river, sf=12))
    yield _day("energy.slow_river_esp32", _of(river, BOARDS["esp32"]))
    yield _day("energy.slow_river_source_files", _of(river, replace(GATED, imports="import_py_s")))
    yield _day("energy.slow_river_converter", _of(river, replace(GATED, converter=CONVERTER)))
    yield _day("energy.slow_river_wifi", _of(river, carrier="wifi"))
    yield _day("energy.pipe_loop", _of(replace(PROFILES["pipe"], sensor="loop")))
    yield _day("energy.slow_river_bare_pico", _of(river, BARE))
    yield _years("energy.slow_river_bare_pico_years", budget(river, BARE).years, None)
    enrolled = _enrolled(validity_for(river.interval_s, FRAME_SAMPLES_MOST))
    yield _day("energy.slow_river_enrolled", enrolled) | {
        "goal": GOAL_MAH_DAY, "met": enrolled <= GOAL_MAH_DAY,
    }  # fmt: skip
    yield _day("energy.slow_river_enrolled_usual", _enrolled(None))
    yield {
        "name": "energy.slow_river_longest_start", "unit": "s",
        "value": round(energy.longest_start_s(river, GATED, GOAL_MAH_DAY), 3),
    }  # fmt: skip
    yield {"name": "energy.share_of_assumed", "unit": "%", "value": round(_assumed(river), 1)}


def _profile(name: str, profile: Profile) -> Iterator[Figure]:
    found = budget(profile, GATED)
    looks = profile.look_s is not None  # their energy is printed, and promised nowhere
    row = _day(name, found.mah_day)
    if not looks:
        row |= {
            "anchor": PUBLISHED_MAH_DAY, "goal": GOAL_MAH_DAY,
            "met": found.mah_day <= GOAL_MAH_DAY,
        }  # fmt: skip
    yield row
    yield _years(f"{name}_years", found.years, None if looks else 5.0)


def _enrolled(validity_s: int | None) -> float:
    """Return what the example's first node draws as enrolment would write it, on a gated board."""
    site = load(SITE)
    node = site.nodes[0]
    channels = [replace_part(channel, validity_s=validity_s) for channel in node.channels]
    board = hardware.Board(name="pico", sleep="gate")
    node = replace_part(node, profile="slow-river", board=board, channels=channels)
    return energy_site.of_site(site, node).budget().mah_day


def _of(profile: Profile, board: Board = GATED, sf: int = 9, carrier: str = "lora") -> float:
    return budget(profile, board, sf, carrier).mah_day


def _assumed(profile: Profile) -> float:
    """Return in percent how much of a day changes if everything assumed were nothing."""
    kept = dict(energy.FIGURES)
    whole = budget(profile, GATED).mah_day
    try:
        for name, figure in kept.items():
            if figure.assumed:
                energy.FIGURES[name] = replace(figure, value=0.0)
        return 100 * (1 - budget(profile, GATED).mah_day / whole)
    finally:
        energy.FIGURES.update(kept)


def _day(name: str, mah: float) -> Figure:
    return {"name": name, "value": round(mah, 4), "unit": "mAh/day"}


def _years(name: str, years: float, goal: float | None) -> Figure:
    row = {"name": name, "value": round(years, 2), "unit": "years, 2 x AA", "anchor": BARE_YEARS}
    return row if goal is None else row | {"goal": goal, "met": years >= goal}
