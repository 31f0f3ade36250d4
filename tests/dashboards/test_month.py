"""The scripted month arrives in the database as it was scripted."""

import pytest
from tests.dashboards import month_script as story

from amont_gateway import series

pytestmark = pytest.mark.servers


def one(found, column=-1):
    (answer,) = found
    return answer["values"][-1][column]


def test_every_reading_that_came_is_there(month):
    counts = {
        found["tags"]["sensor"]: found["values"][0][1]
        for found in month.query('SELECT count("stage_mm") FROM "stage" GROUP BY "sensor"')
    }
    whole = story.DAYS * 96 + 1
    assert counts == {
        "pont-neuf-a": whole, "pont-neuf-b": whole, "source-a": whole, "moulin-a": 22 * 96 + 1,
    }  # fmt: skip


def test_the_flood_sounded_the_sirens_and_the_drill_one(month):
    sounding = 'SELECT count("state") FROM "siren_state" WHERE "state" = 1 GROUP BY "siren"'
    counts = {found["tags"]["siren"]: found["values"][0][1] for found in month.query(sounding)}
    assert counts == {"mairie": 5, "ecole": 4}
    sound = series.SIREN_STATES.index("sound")
    assert sound == 1


def test_this_morning_one_leak_is_open_one_node_silent_and_the_river_rises(month):
    last = f"time >= {story.END_MS}ms"
    leaks = month.query(f'SELECT "leaks" FROM "network_state" WHERE {last}')
    assert one(leaks) == 1
    silent = month.query(f'SELECT "silent" FROM "node_health" WHERE {last} GROUP BY "node"')
    assert {s["tags"]["node"] for s in silent if s["values"][0][1]} == {"13"}
    rise = month.query(
        'SELECT first("stage_mm"), last("stage_mm") FROM "stage"'
        f" WHERE \"station\" = 'pont-neuf' AND time >= {story.END_MS - 3 * story.HOUR_MS}ms"
    )
    assert one(rise, 2) - one(rise, 1) > 300
