"""What the gateway would show at any time of the scripted month, as ``view.View``."""

from __future__ import annotations

from functools import cache

from tests.dashboards import month_script as story
from tests.dashboards.month_script import BEGIN_MS, DAY_MS, HOUR_MS, STEP_MS

from amont_gateway import view as v
from amont_gateway.places import Places

HORIZONS_H = (1, 3, 6)
EPOCH = 4_097


def view(here: Places, at_ms: int) -> v.View:
    """Return what all parts of the gateway would say at that time."""
    away = story.OUTAGE_FROM_MS <= at_ms < story.OUTAGE_UNTIL_MS
    committed = (at_ms - BEGIN_MS) // STEP_MS * len(here.nodes)
    return v.View(
        site=here.site,
        name=here.name,
        now_ms=at_ms,
        guard_alive=True,
        guard_age_s=0.4,
        database="away" if away else "ok",
        history=_history(away, committed, at_ms),
        broker="ok",
        stations=[_station(here, s.id, at_ms) for s in here.stations],
        zones=[_zone(here, z.id, at_ms) for z in here.zones],
        networks=[_network(here, at_ms)],
        sirens=[_siren(here, s.id, at_ms) for s in here.sirens],
        sensors=[_sensor(here, s.id, at_ms) for s in here.sensors],
        nodes=[_node(here, n.id, at_ms) for n in here.nodes],
        people=list(here.people),
        counters={
            "samples_committed": committed,
            "samples_repeated": committed // 40,
            "frames_opened": committed // 2,
            "frames_rejected": committed // 500,
        },
    )


def machine(at_ms: int) -> dict[str, float | int | None]:
    """Return how the small computer is: warm by day, and weakly supplied on one of them."""
    days = (at_ms - BEGIN_MS) / DAY_MS
    hour = (at_ms / HOUR_MS + 1.0) % 24
    return {
        "disk_free_pct": 61.0 - 0.2 * days,
        "memory_free_pct": 44.0 + story.noise("memory", at_ms),
        "cpu_c": 52.0 + 6.0 * (8 < hour < 20),
        "load_pct": 18.0 + 3.0 * story.noise("load", at_ms),
        "clock_ms": 4.0 + story.noise("clock", at_ms),
        "clock_synchronised": 1,
        "under_voltage": int(8 <= days < 8.2),
        "uptime_s": (at_ms - BEGIN_MS) / 1000,
        "starts": 7,
    }


def _history(away: bool, committed: int, at_ms: int) -> v.HistoryState:
    if not away:
        return v.HistoryState(state="ok", since_ms=BEGIN_MS, written=committed)
    missed_ms = at_ms - story.OUTAGE_FROM_MS
    return v.HistoryState(
        state="away",
        since_ms=story.OUTAGE_FROM_MS,
        reason="connection refused",
        waiting=missed_ms // STEP_MS * 8,
        waiting_since_ms=story.OUTAGE_FROM_MS,
        written=committed,
    )


@cache
def forecast(station: str, at_ms: int) -> v.Forecast:
    """Return a band around the highest stage that will come, wider the further it is."""
    issued_ms = at_ms - at_ms % STEP_MS
    steps = []
    for hours in HORIZONS_H:
        coming = range(issued_ms, issued_ms + hours * HOUR_MS + 1, 2 * STEP_MS)
        middle = max(story.stage_mm(station, t) for t in coming)
        middle += round(12 * hours * story.noise(f"{station}{hours}", issued_ms))
        spread = 30 + 25 * hours
        steps.append(
            v.ForecastStep(
                horizon_h=hours, p05_mm=middle - spread, p50_mm=middle, p95_mm=middle + 2 * spread
            )
        )
    limits, highest = story.LIMITS_MM[station], steps[-1].p95_mm
    reaches = ("none", *story.LEVELS[1:])[sum(highest >= limit for limit in limits)]
    return v.Forecast(
        status="ok", model="river-1", issued_ms=issued_ms, steps=steps, reaches=reaches
    )


def network_leaks(at_ms: int) -> list[v.NetworkLeak]:
    """Return the leaks that the network test believes open, a day after each began."""
    return [
        v.NetworkLeak(
            number=k.number,
            found_ms=k.opened_ms + DAY_MS,
            since_ms=k.opened_ms,
            size_l_h=k.size_l_h,
            probability=0.9,
            sensors=[f"{k.zone}-pression"],
        )
        for k in reversed(story.LEAKS)
        if k.opened_ms + DAY_MS <= at_ms < k.repaired_ms
    ]


def _station(here: Places, station: str, at_ms: int) -> v.Station:
    place = next(s for s in here.stations if s.id == station)
    heard_ms = max(_heard_ms(here, sensor, at_ms) for sensor in place.sensors)
    stage, before = (story.stage_mm(station, t) for t in (heard_ms, heard_ms - HOUR_MS))
    stale = at_ms - heard_ms > 3 * STEP_MS
    return v.Station(
        id=station,
        name=place.name,
        river=place.river,
        level="unknown" if stale else story.level(station, at_ms),
        stage_mm=stage,
        at_ms=heard_ms,
        age_s=(at_ms - heard_ms) // 1000,
        trend_mm_h=None if stale else stage - before,
        thresholds=place.thresholds,
        sensors=list(place.sensors),
        forecast=v.Forecast(status="no data") if stale else forecast(station, at_ms),
    )


def _zone(here: Places, zone: str, at_ms: int) -> v.Zone:
    place = next(z for z in here.zones if z.id == zone)
    usual, night_ms = story.NIGHT_L_H[zone], at_ms - (at_ms - 3 * HOUR_MS) % DAY_MS
    leaking = story.leak_l_h(zone, night_ms)
    return v.Zone(
        id=zone,
        name=place.name,
        verdict="leak" if leaking else "normal",
        inflow_l_h=story.flow_l_h(zone, at_ms),
        at_ms=at_ms,
        age_s=0,
        night_flow_l_h=story.flow_l_h(zone, night_ms),
        night_flow_usual_l_h=usual,
        leak_l_h=leaking or None,
        leak_probability=0.87 if leaking else 0.04,
        since_ms=night_ms if leaking else None,
        model="zone-1",
        model_status="ok",
        expected=[(at_ms, story.flow_l_h(zone, at_ms) - story.leak_l_h(zone, at_ms), 0)],
    )


def _network(here: Places, at_ms: int) -> v.Network:
    (place,) = here.networks
    leaks = network_leaks(at_ms)
    return v.Network(
        id=place.id,
        name=place.name,
        verdict="leak" if leaks else "normal",
        inflow_l_h=sum(story.flow_l_h(z.id, at_ms) for z in here.zones),
        at_ms=at_ms,
        age_s=0,
        leaks=leaks,
        pressures=len(place.pressures),
        heard=len(place.pressures),
        model_status="ok",
    )


def _siren(here: Places, siren: str, at_ms: int) -> v.Siren:
    place = next(s for s in here.sirens if s.id == siren)
    state, mode = story.siren_state(siren, at_ms)
    sounds = state == "sound"
    last_ms = at_ms - (at_ms - BEGIN_MS - story.TEST_HOUR * HOUR_MS) % DAY_MS
    drilled = siren == "mairie" and at_ms >= story.DRILL_MS
    return v.Siren(
        id=siren,
        name=place.name,
        state=state,
        mode=mode,
        commanded=sounds,
        confirmed=sounds,
        confirm_ms=420 if siren == "mairie" else 610,
        measured={"battery_mv": 13_100 - (at_ms - BEGIN_MS) // DAY_MS},
        silent_test=v.Practice(last_ms=last_ms, ok=True, next_ms=last_ms + DAY_MS),
        drill=v.Practice(last_ms=story.DRILL_MS if drilled else story.at(-20), ok=True),
        simulated=place.simulated,
    )


def _sensor(here: Places, sensor: str, at_ms: int) -> v.Sensor:
    place = here.by_sensor[sensor]
    heard_ms = _heard_ms(here, sensor, at_ms)
    stale = at_ms - heard_ms > place.validity_s * 1000
    return v.Sensor(
        id=sensor,
        name=place.name,
        node=place.node,
        place=place.place,
        quantity=place.quantity,
        at_ms=heard_ms,
        age_s=(at_ms - heard_ms) // 1000,
        freshness="stale" if stale else "proved",
        promise=here.by_node[place.node].promise,
        votes=not stale and place.quantity == "stage_mm",
    )


def _node(here: Places, node: int, at_ms: int) -> v.Node:
    place = here.by_node[node]
    heard_ms = story.heard_ms(node, at_ms)
    silent = at_ms - heard_ms > 4 * place.interval_s * 1000
    return v.Node(
        id=node,
        name=place.name,
        carrier=place.carrier,
        last_seen_ms=heard_ms,
        age_s=(at_ms - heard_ms) // 1000,
        silent=silent,
        battery_mv=story.battery_mv(node, heard_ms),
        rssi_dbm=-80 - node,
        outbox=0 if not silent else None,
        boots=1,
        interval_s=place.interval_s,
        battery_days=max(
            0.0, (story.battery_mv(node, heard_ms) - 3_000) / (16 if node == 13 else 1)
        ),
        repeated_pct=34.0 if node == 12 else 2.0,
    )


def _heard_ms(here: Places, sensor: str, at_ms: int) -> int:
    heard_ms = story.heard_ms(here.by_sensor[sensor].node, at_ms)
    return heard_ms - heard_ms % STEP_MS
