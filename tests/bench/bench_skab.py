"""Look at the water loop of SKAB as a sanity check (``AMONT_DATA``), reading by reading.

No point adjustment. The anchor is what a rule reaches that always says faulty: a rule below it
tells nothing. What ships is silent there on purpose: valves that close lower the flow, and a flow
that falls is no leak.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from tests.bench import intervals

from amont_models import skab_check
from amont_models.records import catalogue

RULES = {
    "network": "network test, a second an hour",
    "residual": "residual of 10 s",
    "pca": "PCA, T2 or Q",
}
NAMES = (
    *intervals.names(f"leak.skab_{name}_f1" for name in RULES),
    *(f"leak.skab_{name}_false_share" for name in RULES),
)


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield each rule's F1 and how much of normal running it calls faulty; nothing is drawn."""
    del full, seed
    if "AMONT_DATA" not in os.environ:
        return
    table = skab_check.score(skab_check.experiments(catalogue.load("pipe_skab_testbed")))
    floor = table["always faulty"]["f1"][0]
    for name, rule in RULES.items():
        value, low, high = table[rule]["f1"]
        figure = {"name": f"leak.skab_{name}_f1", "value": value, "unit": "F1, every reading"}
        yield from intervals.with_bounds({**figure, "anchor": floor}, low, high)
        share = table[rule]["false_share"]
        yield {"name": f"leak.skab_{name}_false_share", "value": share, "unit": "of normal"}
