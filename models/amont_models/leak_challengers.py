"""Variants of the zones' test that stand in its table: thresholds of its own, and what it expects.

Each is the gateway's own test with one thing more; none of them looks ahead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from amont_gateway.scoring.holiday_dates import computed
from amont_gateway.scoring.zone_features import Days
from amont_gateway.scoring.zone_test import LeakRule
from amont_models import data, leak, leak_outside, zone_chain
from amont_models.data import Zone
from amont_models.leak_events import Alarm

SIGNED_DAYS = 90  # a zone's own threshold weighs half with that many days of its own


def variants(
    recipe: dict[str, Any], part: str, rule: LeakRule, predict: leak.Predict
) -> dict[str, leak.Alarms]:
    """Return the challengers by name, as alarm rules over a part's zones."""
    timezone = recipe["data"]["timezone"]
    holidays = frozenset(computed(recipe["data"]["country"]))
    recorded = {zone.name: leak.days_of(zone, timezone) for zone in leak.zones(recipe, part)}
    weather = data.zone_weather()

    def alarms(days: Days) -> list[Alarm]:
        return zone_chain.gateway_alarms(days, rule, predict)

    def with_holidays(zone: Zone) -> list[Alarm]:
        return alarms(zone_chain.by_day(zone, timezone, holidays))

    def with_weather(zone: Zone) -> list[Alarm]:
        days = leak.days_of(zone, timezone)
        around = [leak_outside.of_hours(days, weather.t_ms, one) for one in weather.values()]
        return alarms(leak_outside.without(days, np.array(around)))

    def with_neighbours(zone: Zone) -> list[Alarm]:
        days = leak.days_of(zone, timezone)
        others = [other for name, other in recorded.items() if name != zone.name]
        return alarms(leak_outside.without(days, leak_outside.others(days, others)))

    own = replace(rule, own_days=SIGNED_DAYS)
    return {
        "own_thresholds": leak.sequential(predict, own, timezone),
        "holidays": with_holidays,
        "weather": with_weather,
        "neighbours": with_neighbours,
    }
