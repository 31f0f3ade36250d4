"""Tell what each lower rung of the fallback ladder costs, as it was measured on rivers.

The figures lie beside this file, written by the command that judges the river model; they are
those of one model. A model that they were not measured with has none.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from amont_gateway.view_rung import RungCost

FILE = Path(__file__).with_name("rung_costs.json")


class RungCosts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What was measured with one model: ``rungs`` by the names in ``series.RUNGS``."""

    model_sha256: str
    rungs: dict[str, RungCost]


def costs_of(model_sha256: str, path: Path = FILE) -> dict[str, RungCost]:
    """Return the costs by rung; none for another model, or without a file that can be read."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=RungCosts)
    except (OSError, msgspec.DecodeError):
        return {}  # an ornament of the page: nothing else rests on it
    return found.rungs if found.model_sha256 == model_sha256 else {}
