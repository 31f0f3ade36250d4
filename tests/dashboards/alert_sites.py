"""Planted situations for the alert rules: many sites in one database, one thing wrong in each.

A site is calm but for what is planted, so one evaluation shows which rules fire where. Every
line is written by the gateway's own writer and holds only declared fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from amont_gateway import series
from amont_gateway.lines import line

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
NOW_MS = 1_795_003_200_000  # a round hour
STATES_MS = 7 * HOUR_MS  # how long states have been told
STEP_MS = 10 * MINUTE_MS
NEWEST_MS = 4 * MINUTE_MS  # the age of the newest state

Fields = Mapping[str, float | int | None]
# (measurement, place) -> the fields that differ; "" as measurement: the whole site
Plants = Mapping[tuple[str, str], Fields]

_LIMITS = {"watch_mm": 1_200, "warning_mm": 1_800, "alarm_mm": 2_500}
_STATION: Fields = {
    "level": 0, "advice": 0, "rung": 0, **_LIMITS, "age_s": 60, "late_x": 0.1, "stage_mm": 310,
    "trend_mm_h": 0, "next_limit_s": None, "forecast_reaches": 0,
}  # fmt: skip
_ZONE: Fields = {
    "verdict": 0, "model_status": 0, "night_flow_l_h": 3_200, "night_flow_usual_l_h": 3_100,
    "expected_l_h": 40_000, "inflow_l_h": 40_000,
}  # fmt: skip
_SIREN: Fields = {
    "state": 0, "mode": 0, "health": 0, "commanded": 0, "confirmed": 0, "test_age_d": 0.5,
    "drill_age_d": 12, "drill_planned": 1,
}  # fmt: skip
_GATEWAY: Fields = {
    "guard_alive": 1, "journal": 0, "database": 0, "broker": 0, "waiting": 3, "waiting_s": 4,
    "quarantined": 0, "disk_free_pct": 61, "cpu_c": 48, "clock_ms": -12, "clock_synchronised": 1,
    "under_voltage": 0,
}  # fmt: skip
_SENSOR: Fields = {"age_s": 60, "late_x": 0.2, "flags": 0, "freshness": 0}
_NODE: Fields = {"age_s": 60, "battery_days": 300, "repeated_pct": 3, "silent": 0}
_STATES: tuple[tuple[series.Measurement, tuple[str, ...], Fields], ...] = (
    (series.STATION_STATE, ("pont-neuf", "moulin"), _STATION),
    (series.ZONE_STATE, ("bourg", "hameau"), _ZONE),
    (series.NETWORK_STATE, ("vallee",), {"verdict": 0, "model_status": 0}),
    (series.SIREN_STATE, ("mairie", "ecole"), _SIREN),
    (series.SENSOR_HEALTH, ("pont-neuf-a", "moulin-a", "bourg-pression"), _SENSOR),
    (series.NODE_HEALTH, ("11", "13"), _NODE),
    (series.GATEWAY, ("",), _GATEWAY),
)
_NIGHT: Fields = {
    "inflow_m3": 900, "night_flow_l_h": 3_200, "night_flow_usual_l_h": 3_100,
    "night_flow_spread_l_h": 200,
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """One site: what is planted, since when, and which rules must fire there."""

    id: str
    plants: Plants
    fires: frozenset[str]
    since_ms: int = STATES_MS
    silent_ms: int = 0  # how long ago the gateway said its last word


def site(name: str, plants: Plants, *fires: str, since_ms: int = STATES_MS) -> Site:
    """Return a site with its planted fields; ``fires`` are uids without "amont-"."""
    return Site(name, plants, frozenset(f"amont-{uid}" for uid in fires), since_ms)


def _station(**fields: float) -> Plants:
    return {("station_state", "pont-neuf"): fields}


def _gateway(**fields: float) -> Plants:
    return {("gateway", ""): fields}


_BLIND: Plants = {  # how a site looks whose guard is not reached
    ("gateway", ""): {"guard_alive": 0},
    **{("station_state", s): {"level": 5} for s in ("pont-neuf", "moulin")},
    **{("siren_state", s): {"state": 4, "health": 2} for s in ("mairie", "ecole")},
}
_DRAW: Plants = {("zone_state", "bourg"): {"inflow_l_h": 65_000}}  # of 40,000 expected
_DROP: Plants = {("pressure", "bourg-pression"): {"pressure_kpa": 407}}  # 85 % of 480 is 408

PLANTED = (
    site("flood-watch", _station(level=1, stage_mm=1_300), "flood-watch"),
    site("flood-warning", _station(level=2, stage_mm=1_900), "flood-watch", "flood-warning"),
    site(
        "flood-alarm", _station(level=3, stage_mm=2_600),
        "flood-watch", "flood-warning", "flood-alarm",
    ),
    site("flood-forecast", _station(forecast_reaches=2), "flood-forecast"),
    site("flood-rising", _station(next_limit_s=3_540), "flood-rising"),
    site("station-silent", _station(late_x=3.5), "station-silent"),
    site("station-lost", _station(level=1, late_x=1.6), "flood-watch", "station-lost"),
    site("late-in-watch", _station(level=1, late_x=1.5), "flood-watch"),
    site("night-flow", {("zone_day", "bourg"): {"night_flow_l_h": 3_800}}, "night-flow"),
    site("leak-zone", {("zone_state", "bourg"): {"verdict": 2}}, "leak-zone"),
    site("leak-network", {("network_state", "vallee"): {"verdict": 2}}, "leak-network"),
    site("flow-high", {("zone_state", "bourg"): {"inflow_l_h": 81_000}}, "flow-high"),
    site("burst", {**_DRAW, **_DROP}, "burst"),
    site("tank-low", {("tank", "chateau"): {"level_mm": 1_500}}, "tank-low"),
    site("siren-fault", {("siren_state", "ecole"): {"health": 2}}, "siren-fault"),
    site("siren-unconfirmed", {("siren_state", "ecole"): {"commanded": 1}}, "siren-unconfirmed"),
    site("siren-bypass", {("siren_state", "ecole"): {"mode": 3}}, "siren-bypass"),
    site("siren-test-late", {("siren_state", "ecole"): {"test_age_d": 2.6}}, "siren-test-late"),
    site("siren-drill-late", {("siren_state", "ecole"): {"drill_age_d": 41}}, "siren-drill-late"),
    site("sensor-silent", {("sensor_health", "moulin-a"): {"late_x": 4.5}}, "sensor-silent"),
    site("battery-low", {("node_health", "13"): {"battery_days": 59}}, "battery-low"),
    site(
        "battery-empty", {("node_health", "13"): {"battery_days": 13}},
        "battery-low", "battery-empty",
    ),
    site("battery-almost", {("node_health", "13"): {"battery_days": 14}}, "battery-low"),
    site("link-weak", {("node_health", "13"): {"repeated_pct": 31}}, "link-weak"),
    site("quality-low", {("quality_day", "moulin-a"): {"completeness_pct": 79}}, "quality-low"),
    Site("gateway-silent", {}, frozenset({"amont-gateway-silent"}), silent_ms=45 * MINUTE_MS),
    site("guard-lost", _BLIND, "guard-lost"),
    site("journal-fault", _gateway(journal=1), "journal-fault"),
    site("history-late", _gateway(waiting_s=901), "history-late"),
    site("history-refused", _gateway(quarantined=1), "history-refused"),
    site("broker-lost", _gateway(broker=2), "broker-lost"),
    site("broker-away", _gateway(broker=1), "broker-lost"),
    site("disk-full", _gateway(disk_free_pct=9.9), "disk-full"),
    site("gateway-hot", _gateway(cpu_c=80.5), "gateway-hot"),
    site("clock-wrong", _gateway(clock_ms=-2_100), "clock-wrong"),
    site("clock-free", _gateway(clock_synchronised=0), "clock-free"),
    site("under-voltage", _gateway(under_voltage=1), "under-voltage"),
)  # fmt: skip

QUIET = (
    site("calm", {}),
    # each value as near to firing as it may come
    site("almost-river", _station(level=0, late_x=3.0, next_limit_s=3_600, forecast_reaches=1)),
    site("late-unknown", _station(level=5, late_x=2.0)),
    site("almost-gateway", _gateway(
        disk_free_pct=10, cpu_c=80, clock_ms=2_000, waiting_s=900, broker=3,
    )),
    site("almost-rest", {
        ("sensor_health", "moulin-a"): {"late_x": 4.0},
        ("node_health", "13"): {"battery_days": 60, "repeated_pct": 30},
        ("quality_day", "moulin-a"): {"completeness_pct": 80},
        ("siren_state", "ecole"): {"health": 1, "mode": 2, "test_age_d": 2.5, "drill_age_d": 40},
        ("zone_state", "bourg"): {"verdict": 1, "inflow_l_h": 80_000},
        ("network_state", "vallee"): {"verdict": 1},
        ("tank", "chateau"): {"level_mm": 1_600},
        ("zone_day", "bourg"): {"night_flow_l_h": 3_700},
    }),
    # what takes two things to be true
    site("draw-only", _DRAW),
    site("pressure-only", _DROP),
    site("almost-burst", {**_DRAW, ("pressure", "bourg-pression"): {"pressure_kpa": 409}}),
    site("one-night", {("zone_day newest", "bourg"): {"night_flow_l_h": 4_500}}),
    # today's night is not over: of the two that are, one is high
    site("night-to-come", {
        ("zone_day newest", "bourg"): {"night_flow_l_h": None},
        ("zone_day 1", "bourg"): {"night_flow_l_h": 4_500},
    }),
    site("night-over", {("zone_day older", "bourg"): {"night_flow_l_h": 4_500}}),
    site("first-night", {
        ("zone_day newest", "bourg"): {"night_flow_l_h": 4_500},
        ("zone_day older", "bourg"): {name: None for name in _NIGHT},
    }),
    site("new-zone", {("zone_day older", "bourg"): {"night_flow_spread_l_h": None}}),
    # what a machine or a site does not have
    site("bare", {
        ("gateway", ""): {"cpu_c": None, "clock_ms": None, "clock_synchronised": None,
                          "under_voltage": None, "broker": 3},
        ("siren_state", "ecole"): {
            "drill_age_d": None, "drill_planned": 0, "commanded": 1, "confirmed": 2,
        },
        ("node_health", "13"): {"battery_days": None, "repeated_pct": None},
        ("zone_state", "bourg"): {"expected_l_h": None, "verdict": 3},
        ("network_state", "vallee"): {"verdict": 3},
    }),
    site("no-drills", {("siren_state", "ecole"): {"drill_age_d": 400, "drill_planned": 0}}),
    site("drill", {("siren_state", "mairie"): {
        "state": 1, "mode": 2, "commanded": 1, "confirmed": 1,
    }}),
)  # fmt: skip

# An alarm that stood when the guard was lost, an hour and a half ago, still stands.
LASTING = (
    site(
        "alarm-then-blind",
        {**_BLIND, ("past station_state", "pont-neuf"): {"level": 3}},
        "flood-watch", "flood-warning", "flood-alarm", "guard-lost",
        since_ms=90 * MINUTE_MS,
    ),
)  # fmt: skip

SITES = (*PLANTED, *QUIET, *LASTING)


def lines(one: Site) -> Iterator[tuple[str, str]]:
    """Yield (store, line) of all that one site has told."""
    for measurement, places, calm in _STATES:
        for place in places:
            yield from (("", text) for text in _states(one, measurement, place, calm))
    yield from (("", text) for text in _readings(one))
    yield from ((series.DAYS, text) for text in _days(one))


def _write(
    one: Site, measurement: series.Measurement, tags: tuple[str, ...], fields: Fields, at_ms: int
) -> str:
    named = dict(zip(measurement.tags, tags, strict=True))
    written = line(measurement, one.id, named, fields, at_ms)
    assert written is not None
    return written


def _states(one: Site, measurement: series.Measurement, place: str, calm: Fields) -> Iterator[str]:
    planted = one.plants.get((measurement.name, place), {})
    past = one.plants.get((f"past {measurement.name}", place), {})
    tags = (place,) if measurement.tags else ()
    newest_ms = NOW_MS - one.silent_ms - NEWEST_MS
    for at_ms in range(NOW_MS - STATES_MS - NEWEST_MS, newest_ms + 1, STEP_MS):
        differs = planted if at_ms >= NOW_MS - one.since_ms else past
        yield _write(one, measurement, tags, {**calm, **differs}, at_ms)


def _readings(one: Site) -> Iterator[str]:
    drop = one.plants.get(("pressure", "bourg-pression"), {})
    low = one.plants.get(("tank", "chateau"), {})
    for at_ms in range(NOW_MS - DAY_MS - 2 * HOUR_MS, NOW_MS - NEWEST_MS, STEP_MS):
        new = at_ms > NOW_MS - HOUR_MS
        kpa, mm = {"pressure_kpa": 480.0}, {"level_mm": 2_600.0}
        sensor = ("bourg", "bourg-pression")
        yield _write(one, series.PRESSURE, sensor, {**kpa, **(drop if new else {})}, at_ms)
        tank = ("vallee", "chateau")
        yield _write(one, series.TANK, tank, {**mm, **(low if new else {})}, at_ms)


def _days(one: Site) -> Iterator[str]:
    """Write the days; today has only begun, and shows what is planted in the readings."""
    today_ms = NOW_MS - NOW_MS % DAY_MS
    tank = series.by(series.DAYS, series.TANK)
    low = one.plants.get(("tank", "chateau"), {}).get("level_mm")
    for day in range(31):
        least = low if low and not day else 2_000
        fields: Fields = {"level_mm": 2_600, "min_level_mm": least, "max_level_mm": 3_200}
        yield _write(one, tank, ("vallee", "chateau"), fields, today_ms - day * DAY_MS)
    for sensor in ("pont-neuf-a", "moulin-a"):
        planted = one.plants.get(("quality_day", sensor), {})
        for day, differs in ((0, {}), (1, planted)):
            fields = {"completeness_pct": 99.0, **differs}
            yield _write(one, series.QUALITY_DAY, (sensor,), fields, today_ms - day * DAY_MS)
    for night in range(4):
        part = "zone_day older" if night else "zone_day newest"
        fields = {**_NIGHT, **one.plants.get(("zone_day", "bourg"), {})}
        fields |= one.plants.get((part, "bourg"), {})
        fields |= one.plants.get((f"zone_day {night}", "bourg"), {})
        if any(value is not None for value in fields.values()):
            yield _write(one, series.ZONE_DAY, ("bourg",), fields, today_ms - night * DAY_MS)
