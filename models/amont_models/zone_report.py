"""Measure what adapting brings the zones that taught the rule, for the leak's card.

Each area is adapted by its training part alone, as ``amont-models adapt`` does on a site, and
judged on the later part beside the test as it comes, with the leaks that the card's tables use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from amont_gateway.scoring.holiday_dates import LONG_S, public_holidays
from amont_gateway.scoring.zone_adapted import AS_IT_CAME, ZoneAdapted
from amont_models import leak, metrics_file, recipe
from amont_models.adapt_trials import ZonePast
from amont_models.adapt_zone import ZoneOutcome, adapt_zone
from amont_models.data import Zone
from amont_models.leak_events import Alarm
from amont_models.metrics_file import Metrics
from amont_models.recipe import RECIPES_DIR
from amont_models.zone_chain import LeakModel, by_day, shipped

METRICS = RECIPES_DIR / "leak.metrics.json"
COUNTRY = "IT"  # of the areas
Say = Callable[[str], None]


def measure(artifacts: Path, say: Say) -> Metrics:
    """Return both rows, and what became of each area."""
    settings, model = recipe.load("leak"), shipped(artifacts)
    timezone, holidays = settings["data"]["timezone"], public_holidays(COUNTRY, LONG_S)
    made: dict[str, ZoneOutcome] = {}
    for area in leak.zones(settings, "train"):
        past = ZonePast(area, timezone, holidays)
        made[area.name] = adapt_zone(past, model.settings, model.predict)
        say(f"area {area.name}: {made[area.name].reason or 'adapted'}")
    kept = {name: one.adapted for name, one in made.items() if one.adapted is not None}
    clean, opened = leak.zones(settings, "validate"), leak.injected(settings, "validate")
    rows: Metrics = {}
    for name, own in (("first", {}), ("adapted", kept)):
        alarms = _alarms(model, own, timezone, holidays)
        rows[name] = leak.count(alarms, clean, opened).summary()
        say(f"{name}: {rows[name]}")
    return {
        **rows,
        "rule": vars(model.settings),
        "areas": {name: _area(one) for name, one in made.items()},
    }


def _alarms(
    model: LeakModel,
    kept: Mapping[str, ZoneAdapted],
    timezone: str,
    holidays: frozenset[int],
) -> Callable[[Zone], list[Alarm]]:
    def alarms(zone: Zone) -> list[Alarm]:
        own = kept.get(zone.name, AS_IT_CAME)
        return model.alarms(by_day(zone, timezone, holidays, own.holiday), own)

    return alarms


def _area(one: ZoneOutcome) -> dict[str, Any]:
    own = {} if one.adapted is None else one.adapted.to_json()
    return {**one.about(), **({"own": own} if own else {})}


def write(metrics: Metrics) -> None:
    """Keep what was measured for the card."""
    metrics_file.write(metrics, METRICS)


def read() -> Metrics:
    """Return what was measured; DataError if it never was."""
    return metrics_file.read(METRICS, "amont-models zones")
