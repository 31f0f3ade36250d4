"""Hours and days in a real influxd, from a process that is killed in the middle of its rounds."""

import json
import random
import shutil
import time
import urllib.parse
import urllib.request

import pytest
from tests.gateway import summaries_rig
from tests.gateway.processes import Child

from amont_gateway.readings import QUANTITIES
from amont_gateway.series import DAYS, HOURS, QUANTITY

KILLS = 8


def points(port, database):
    """Return every point of a database of readings: its series, time and fields."""
    names = ",".join(QUANTITY[name][0].name for name in QUANTITIES.values())
    query = f"SELECT * FROM {names},quality_day GROUP BY *"
    form = urllib.parse.urlencode({"db": database, "q": query, "epoch": "ms"})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/query?{form}", timeout=20) as answer:
        (found,) = json.load(answer)["results"]
    return {
        (one["name"], *sorted(one["tags"].items()), row[0]): dict(
            zip(one["columns"][1:], row[1:], strict=True)
        )
        for one in found.get("series", ())
        for row in one["values"]
    }


@pytest.mark.servers
def test_killed_at_any_moment_the_hours_and_days_are_the_same(tmp_path, database):
    url, path = f"http://127.0.0.1:{database.port}", tmp_path / "journal.db"
    rows = summaries_rig.fill(path)
    (tmp_path / "whole").mkdir()
    whole = shutil.copy(path, tmp_path / "whole" / "journal.db")
    child = Child(summaries_rig.run, whole, url, "whole")
    child.start()
    child.process.join(60)
    assert child.process.exitcode == 0
    assert summaries_rig.cursor(whole) == rows

    draw, reached = random.Random(7), []
    child = Child(summaries_rig.run, path, url, "killed")
    for _ in range(KILLS):
        before = summaries_rig.cursor(path)
        child.start()
        while child.process.is_alive() and summaries_rig.cursor(path) == before:
            time.sleep(0.002)  # until it has come on a little
        time.sleep(draw.uniform(0.0, 0.05))
        child.kill()
        reached.append(summaries_rig.cursor(path))
    assert reached == sorted(reached)
    assert sum(0 < at < rows for at in reached) >= KILLS // 2  # it was in the middle
    child.start()
    child.process.join(60)
    assert child.process.exitcode == 0

    for store in (HOURS, DAYS):
        expected = points(database.port, f"whole{store}")
        assert points(database.port, f"killed{store}") == expected
        hours, days = summaries_rig.DAYS * 24, summaries_rig.DAYS
        count = 4 * (hours if store == HOURS else 2 * days)  # days have their quality, too
        assert len([key for key in expected if key[-1] < summaries_rig.END_MS]) == count
