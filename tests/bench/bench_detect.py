"""The siren's decision on recorded water: crossings met, false sirens, sirens from made faults.

``flood.detect_plus_*`` are raw French stages with their sensors' own faults, one sensor a station
that samples each minute from watch on; they need ``AMONT_DATA``. ``flood.detect_faults_*`` are a
year of each packaged river with made faults, of stations with one, two and three sensors. The
anchor is the median of three readings, except for what is named after another rule.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from amont_models import detection, detection_faults, detection_report, poisson, recipe
from amont_models.detection import Found
from amont_models.records import catalogue
from amont_models.river_chain import shipped

SIZES = {1: "one", 2: "two", 3: "three"}
RAW_RULES = {
    "guard, each minute": "guard",
    "guard": "guard_own_steps",
    "threshold": "threshold",
    "median of three": "median",
    "warning": "model_warning",
}
PAPER_CSI = 0.88  # of the median of three, in the research
NAMES = (
    *(
        f"flood.detect_plus_{up // 1000}m_{rule}_{what}"
        for up in detection.MARKS_MM
        for rule in RAW_RULES.values()
        for what in ("csi", "false")
    ),
    *(
        f"flood.detect_faults_{size}_{what}"
        for size in SIZES.values()
        for what in ("false_a_year", "missed")
    ),
)
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield both tables; ``full`` draws faults as often as the card, from their own fixed seed."""
    if "AMONT_DATA" in os.environ:
        raw = detection.raw_table(detection_report.raw_records(), shipped(recipe.ARTIFACTS_DIR))
        for up, table in raw.items():
            yield from _raw(f"flood.detect_plus_{int(up) // 1000}m", table)
    draws = detection_report.DRAWS if full else 1
    packaged = [catalogue.load("pyfloodrisk")]
    stations = detection_faults.by_station(packaged, detection_report.SEED, draws)
    yield from _faults(detection_faults.added(stations))


def _raw(prefix: str, table: dict[str, Found]) -> Iterator[Figure]:
    for rule, name in RAW_RULES.items():
        found, ours = table[rule], name == "guard"
        csi: Figure = {"value": found.csi, "unit": f"of {found.events} crossings"}
        false: Figure = {"value": found.false, "unit": f"in {found.years:.1f} years"}
        if ours:
            csi |= {"anchor": PAPER_CSI, "goal": 0.97, "met": found.csi >= 0.97}
            false |= {"goal": 0, "met": found.false == 0}
            false |= {"anchor": table["median of three"].false}
        yield {"name": f"{prefix}_{name}_csi", **csi}
        yield {"name": f"{prefix}_{name}_false", **false}


def _faults(table: dict[str, Found]) -> Iterator[Figure]:
    plain = table["median of three"]
    for sensors, size in SIZES.items():
        found = table[f"guard, {sensors}"]
        low, high = (bound / found.years for bound in poisson.bounds(found.false))
        # a few years cannot show that it is met, only that it is not
        goal = detection_report.GOAL
        met = True if high <= goal else False if low > goal else None
        yield {
            "name": f"flood.detect_faults_{size}_false_a_year", "value": found.false / found.years,
            "unit": f"a year of {found.years:.1f}, 95 %: {low:.3f}-{high:.3f}",
            "anchor": plain.false / plain.years, "goal": goal, "met": met,
        }  # fmt: skip
        yield {
            "name": f"flood.detect_faults_{size}_missed", "value": found.events - found.met,
            "unit": f"of {found.events} crossings", "anchor": plain.events - plain.met,
        }  # fmt: skip
