"""What happened in the scripted month: pure functions of the time, in Unix milliseconds.

Day 12 a flood sounds the siren; day 6 a leak opens in the village and is repaired on day 20, day
27 one opens in the hamlet and is still there; day 9 the database is away for twelve hours; day 15
the rain gauge is not heard for eight hours and tells later; day 17 there is a drill; day 22 the
mill's node dies. This morning, at eight, the river rises again.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
STEP_MS = 900_000
DAYS = 30
END_MS = 1_794_985_200_000  # 18 November 2026, eight in the morning in Paris
BEGIN_MS = END_MS - DAYS * DAY_MS


def at(day: int, hour: float = 0.0) -> int:
    """Return the time of a day of the month; a day begins when the month did, at eight."""
    return BEGIN_MS + day * DAY_MS + int(hour * HOUR_MS)


class Leak(NamedTuple):
    number: int
    zone: str
    opened_ms: int
    repaired_ms: int
    size_l_h: int


class Crest(NamedTuple):
    peak_ms: int
    source_mm: int
    moulin_mm: int
    pont_neuf_mm: int


LEAKS = (
    Leak(1, "bourg", at(6, 3), at(20, 4), 1_800),
    Leak(2, "hameau", at(27, 3), END_MS + DAY_MS, 900),
)
CRESTS = (Crest(at(12, 6), 1_750, 1_800, 2_450), Crest(END_MS + 4 * HOUR_MS, 1_000, 900, 1_050))
DEAD = {13: at(22)}  # node: when it was heard last
LATE_FROM_MS, LATE_UNTIL_MS, LATE_NODE = at(15), at(15, 8), 21
OUTAGE_FROM_MS, OUTAGE_UNTIL_MS = at(9), at(9, 12)  # of the database
DRILL_MS = at(17, 2)
TEST_HOUR = 2  # of the script's day: ten in the morning
SOUND_MS = 60_000  # a drill
LAG_MS = {"source": -HOUR_MS, "moulin": 0, "pont-neuf": HOUR_MS}
LOW_MM = {"source": 210, "moulin": 320, "pont-neuf": 350}
LIMITS_MM = {
    "pont-neuf": (1_200, 1_800, 2_500),
    "moulin": (1_000, 1_600, 2_200),
    "source": (900, 1_400, 2_000),
}
LEVELS = ("normal", "watch", "warning", "alarm")
NIGHT_L_H = {"bourg": 3_200, "hameau": 700}


@cache
def stage_mm(station: str, at_ms: int) -> int:
    """Return the true stage; it rises in five hours and falls in fourteen."""
    stage = float(LOW_MM[station])
    for crest in CRESTS:
        height = getattr(crest, station.replace("-", "_") + "_mm")
        hours = (at_ms - crest.peak_ms - LAG_MS[station]) / HOUR_MS
        width_h = 5.0 if hours < 0 else 14.0
        stage += height * math.exp(-((hours / width_h) ** 2))
    return round(stage + 4 * noise(station, at_ms))


def level(station: str, at_ms: int) -> str:
    """Return the level that the guard would judge."""
    stage = stage_mm(station, at_ms)
    return LEVELS[sum(stage >= limit for limit in LIMITS_MM[station])]


def rain_um(at_ms: int) -> int:
    """Return the rain of the last quarter of an hour: five hours before each crest."""
    rain = 0.0
    for crest in CRESTS:
        hours = (at_ms - crest.peak_ms) / HOUR_MS + 6
        rain += 3_000 * math.exp(-((hours / 2.5) ** 2))
    return round(rain) if rain > 100 else 0


def leak_l_h(zone: str, at_ms: int) -> int:
    """Return what runs out of a zone."""
    return sum(
        k.size_l_h for k in LEAKS if k.zone == zone and k.opened_ms <= at_ms < k.repaired_ms
    )


def flow_l_h(zone: str, at_ms: int) -> int:
    """Return a zone's inflow: what people use, by the hour of the day, and what leaks."""
    hour = (at_ms / HOUR_MS + 1.0) % 24
    night = NIGHT_L_H[zone]
    used = 2.2 * math.exp(-(((hour - 8) / 2.2) ** 2)) + 1.6 * math.exp(-(((hour - 19) / 3) ** 2))
    used += 1.0 * math.exp(-(((hour - 13.5) / 4) ** 2))
    return round(night * (1 + used + 0.03 * noise(zone, at_ms)) + leak_l_h(zone, at_ms))


def pressure_kpa(zone: str, at_ms: int) -> float:
    """Return a zone's pressure: it falls with what flows."""
    return 480.0 - 0.006 * flow_l_h(zone, at_ms) + noise("p" + zone, at_ms)


def tank_mm(at_ms: int) -> int:
    """Return the level of the tank, which fills by night."""
    return round(2_600 + 600 * math.cos(2 * math.pi * (at_ms / HOUR_MS - 5) / 24))


def battery_mv(node: int, at_ms: int) -> int:
    """Return a node's battery; the mill's falls until it dies."""
    days = (at_ms - BEGIN_MS) / DAY_MS
    return round(3_600 - (16 if node == 13 else 1) * days)


def heard_ms(node: int, at_ms: int) -> int:
    """Return when a node was heard last."""
    if node == LATE_NODE and LATE_FROM_MS < at_ms < LATE_UNTIL_MS:
        return LATE_FROM_MS
    return min(at_ms, DEAD.get(node, at_ms))


@cache
def sounded_ms() -> int:
    """Return when the flood sounded the sirens."""
    times = range(at(12), at(13), STEP_MS)
    return next(t for t in times if level("pont-neuf", t) == "alarm")


def siren_state(siren: str, at_ms: int) -> tuple[str, str]:
    """Return state and mode of a siren."""
    crest_ms = sounded_ms()
    if DRILL_MS <= at_ms < DRILL_MS + SOUND_MS and siren == "mairie":
        return "sound", "drill"
    if crest_ms <= at_ms < crest_ms + 3 * HOUR_MS:
        return ("sound" if at_ms < crest_ms + HOUR_MS else "muted"), "armed"
    if crest_ms <= at_ms < crest_ms + 10 * HOUR_MS:
        return "latch", "armed"
    return "idle", "armed"


def noise(name: str, at_ms: int) -> float:
    """Return something between -1 and 1 that looks random and is always the same."""
    x = math.sin(at_ms / 1000 * 0.000137 + sum(map(ord, name))) * 43_758.5453
    return 2 * (x - math.floor(x)) - 1


def volumes() -> list[str]:
    """Return two years of metered volumes by the month, as a water service's table."""
    rows = ["nature;période;compteur;volume;unité"]
    for year, month in ((y, m) for y in (2024, 2025, 2026) for m in range(1, 13)):
        if not (2024, 10) <= (year, month) <= (2026, 10):
            continue
        season = 1 + 0.12 * math.sin(math.pi * (month - 3) / 6)
        for kind, meter, volume in _METERED:
            rows.append(f"{kind};{year}-{month:02};{meter};{volume * season:.1f};m3")
    return [row.replace(".", ",") if n else row for n, row in enumerate(rows)]


_METERED = (
    ("produit", "forage", 5_900), ("acheté", "syndicat", 260), ("vendu", "voisins", 120),
    ("comptabilisé domestique", "bourg", 3_350), ("comptabilisé domestique", "hameau", 760),
    ("comptabilisé non domestique", "ecole", 210), ("sans comptage", "", 60),
    ("volume de service", "", 45),
)  # fmt: skip
