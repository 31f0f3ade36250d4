"""Kill -9 in the middle of rounds: nothing is lost, nothing counts twice, all is told."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from tests.indicators.waterside import (
    DAY_MS,
    HOUR_MS,
    MARCH_MS,
    Rig,
    bourg,
    counter,
    hameau,
    pressure,
    steps,
)

from amont_gateway.indicators.meter_day import MeterDay
from amont_gateway.indicators.store import Night, open_to_read

AT_MS = MARCH_MS + 30 * DAY_MS
KILLS = 5
Told = dict[tuple[str, int], str]


def kept(folder: Path) -> tuple[dict[str, dict[int, MeterDay]], dict[str, dict[int, Night]]]:
    reader = open_to_read(folder)
    try:
        meters = {s: reader.meter_days(s, 0, 10**6) for s in ("bourg-debit", "forage")}
        return meters, {zone: reader.nights(zone, 0, 10**6) for zone in ("bourg", "hameau")}
    finally:
        reader.close()


def made(folder: Path) -> Rig:
    folder.mkdir()
    rig = Rig(folder, AT_MS)
    times = steps(MARCH_MS - HOUR_MS, AT_MS)
    rig.read(31, times, bourg, pressure)
    rig.read(32, times, hameau)
    rig.read(33, times, counter)
    return rig


def test_what_is_kept_and_told_is_the_same_after_kills(tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    whole.run()
    folder = tmp_path / "killed"
    made(folder).journal.close()
    dice, places = random.Random(1), []
    for _ in range(KILLS):
        asked = [sys.executable, "-m", "tests.indicators.killed", str(folder), str(AT_MS)]
        child = subprocess.Popen(asked, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(dice.randint(1, 12)):
            assert child.stdout.readline() == "round\n"
        child.kill()  # somewhere in the next round
        assert child.wait(30) == -9
        child.stdout.close()
        rig = Rig(folder, AT_MS)
        rig.indicators._tail.open()
        places.append(rig.indicators._tail.place)
        rig.indicators.close()
        rig.journal.close()
    assert places == sorted(places)
    assert places[-1] > 0  # the children got somewhere
    rig = Rig(folder, AT_MS)
    rig.run()
    assert kept(folder) == kept(tmp_path / "whole")
    assert rig.outlet.points == whole.outlet.points
