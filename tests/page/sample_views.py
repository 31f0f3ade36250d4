"""Make the views that the page's tests, its bench and the documents' pictures show.

One commune, one day: calm, the river rising, the siren sounding, a site with faults, and values
that stand still. Everything is arithmetic on ``now_ms``: the same call gives the same view.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from amont_gateway.view import (
    Asked,
    Demo,
    DryRun,
    Event,
    Finding,
    Forecast,
    ForecastStep,
    ForeignSource,
    IncidentLine,
    LevelTried,
    LimitsChange,
    Node,
    Point,
    Practice,
    Reach,
    Sensor,
    Siren,
    Station,
    Thresholds,
    Training,
    View,
    Zone,
)
from amont_gateway.view_radio import Bridge

NOW_MS = 1_698_951_900_000  # 2 November 2023, 20:05 in Paris: the evening of a storm
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
LIMITS_MM = (1200, 1800, 2500, 3200)
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)> & \"quote\""


def stage_series(now_ms: int, top_mm: int, lag_h: float = 0.0) -> list[Point]:
    """Return 48 h of stage, a reading each 10 min: a calm river, then a rise to ``top_mm`` now."""
    points = []
    for index in range(289):
        hours = (index - 288) / 6
        rise = 1 / (1 + math.exp(-(hours + 2.2 - lag_h) * 1.15))
        rise /= 1 / (1 + math.exp(-(2.2 - lag_h) * 1.15))
        stage_mm = 520 + 18 * math.sin(hours / 3.7) + (top_mm - 520) * rise
        points.append((now_ms + int(hours * HOUR_MS), round(stage_mm), 0))
    return points


def inflow_series(now_ms: int, leak_l_h: int, since_h: float) -> tuple[list[Point], list[Point]]:
    """Return 96 h of hourly inflow and of what was expected, with a leak since ``since_h`` ago."""
    inflow, expected = [], []
    for index in range(97):
        at_ms = now_ms - (96 - index) * HOUR_MS
        hour = (at_ms / HOUR_MS + 1) % 24
        usual = (
            6200
            + 3600 * math.exp(-((hour - 8) ** 2) / 5)
            + 3000 * math.exp(-((hour - 19.5) ** 2) / 8)
        )
        usual -= 3300 * math.exp(-((hour - 3) ** 2) / 9)
        leak = leak_l_h if 96 - index <= since_h else 0
        inflow.append((at_ms, round(usual + leak + 260 * math.sin(index * 2.3)), 0))
        expected.append((at_ms, round(usual), 0))
    return inflow, expected


def calm(now_ms: int = NOW_MS) -> View:
    """Return a quiet day: nothing rises, nothing leaks, the siren rests."""
    series = [(at, mm, q) for at, mm, q in stage_series(now_ms, 540)]
    steps = _steps((0.47, 0.55, 0.66), (0.46, 0.57, 0.78), (0.45, 0.60, 0.95))
    station = _station(
        now_ms,
        "normal",
        series,
        -4,
        Forecast(status="ok", model="river-1", issued_ms=now_ms - 240_000, steps=steps),
    )
    return _site(
        now_ms,
        station,
        _zone(now_ms, 0),
        _siren(),
        [
            _event(
                now_ms,
                300,
                "info",
                "Essai silencieux de la sirène : relais en ordre.",
                "Silent siren test: relay in order.",
            ),
            _event(
                now_ms,
                900,
                "info",
                "Liaison avec la base rétablie.",
                "Link with the database restored.",
            ),
        ],
    )


def rising(now_ms: int = NOW_MS) -> View:
    """Return the river between watch and warning, rising; a leak in the zone."""
    steps = _steps((1.83, 2.05, 2.31), (2.10, 2.55, 3.02), (2.20, 2.78, 3.45))
    station = _station(
        now_ms,
        "watch",
        stage_series(now_ms, 1640),
        450,
        Forecast(
            status="ok", model="river-1", issued_ms=now_ms - 120_000, steps=steps, reaches="alarm"
        ),
    )
    station.advice = "warning"
    station.foreign_watch = "radar-moulin"
    return _site(
        now_ms,
        station,
        _zone(now_ms, 2400),
        _siren(),
        [
            _event(
                now_ms,
                14,
                "notice",
                "Pont-Neuf passe en vigilance (1,20 m).",
                "Pont-Neuf enters watch (1.20 m).",
            ),
            _event(
                now_ms,
                22,
                "notice",
                "Le modèle conseille « alerte » : p95 au-dessus de 2,50 m.",
                "The model advises “warning”: p95 above 2.50 m.",
            ),
            _event(
                now_ms,
                2340,
                "notice",
                "Fuite probable dans le bourg.",
                "Probable leak in the village.",
            ),
        ],
    )


def sounding(now_ms: int = NOW_MS) -> View:
    """Return the siren sounding: alarm level, relay confirmed, nobody has seen it yet."""
    steps = _steps((2.80, 3.05, 3.30), (2.92, 3.35, 3.81), (2.85, 3.42, 4.02))
    station = _station(
        now_ms,
        "alarm",
        stage_series(now_ms, 2680),
        520,
        Forecast(
            status="ok", model="river-1", issued_ms=now_ms - 60_000, steps=steps, reaches="alarm"
        ),
    )
    siren = _siren(
        state="sound",
        commanded=True,
        confirmed=True,
        since_ms=now_ms - 130_000,
        station="pont-neuf",
        reason={
            "fr": "Pont-Neuf au-dessus de 2,50 m sur deux capteurs.",
            "en": "Pont-Neuf above 2.50 m on two sensors.",
        },
    )
    return _site(
        now_ms,
        station,
        _zone(now_ms, 2400),
        siren,
        [
            _event(
                now_ms,
                2,
                "alarm",
                "La sirène sonne : Pont-Neuf au-dessus de 2,50 m.",
                "The siren sounds: Pont-Neuf above 2.50 m.",
            ),
            _event(
                now_ms,
                41,
                "notice",
                "Pont-Neuf passe en alerte (1,80 m).",
                "Pont-Neuf enters warning (1.80 m).",
            ),
            _event(
                now_ms,
                94,
                "notice",
                "Pont-Neuf passe en vigilance (1,20 m).",
                "Pont-Neuf enters watch (1.20 m).",
            ),
        ],
    )


def faulted(now_ms: int = NOW_MS) -> View:
    """Return a site in trouble: relay fault, a silent node, no forecast, hostile names."""
    view = rising(now_ms)
    siren = view.sirens[0]
    siren.health, siren.silent_test.ok = "fault", False
    siren.findings = [
        _finding("line_open", "fault", "La ligne de la sirène est coupée.", "The line is cut."),
        _finding("mains_off", "degraded", "Secteur coupé.", "Mains off."),
    ]
    siren.measured = {"line_ohm": 198_000, "battery_mv": 12_410, "mains": 0, "tamper": 1}
    view.stations[0].voting = "one of two"
    view.stations[0].forecast = Forecast(status="fault", model="river-1")
    view.stations[0].series = [
        p for p in view.stations[0].series if not 30 < p[0] // HOUR_MS % 48 < 34
    ]
    view.zones[0].verdict, view.zones[0].model_status = "unknown", "fault"
    view.nodes[1].silent, view.nodes[1].age_s, view.nodes[1].name = (
        True,
        16_200,
        {"fr": HOSTILE, "en": HOSTILE},
    )
    view.sensors[1].freshness, view.sensors[1].age_s, view.sensors[1].votes = (
        "stale",
        16_200,
        False,
    )
    view.sensors[1].flags, view.sensors[1].name = (
        ["flat", "suspect"],
        {"fr": HOSTILE, "en": HOSTILE},
    )
    view.database, view.broker, view.journal = "away", "refused", "full"
    view.bridges[0].radio, view.bridges[1].connected = "fault", False
    view.bridges[1].port = HOSTILE
    view.events.insert(0, _event(now_ms, 1, "fault", HOSTILE, HOSTILE))
    return view


def frozen(now_ms: int = NOW_MS) -> View:
    """Return a view whose guard is dead and whose readings are old."""
    view = rising(now_ms)
    view.guard_alive, view.guard_age_s = False, 372.0
    late_ms = 80 * MINUTE_MS
    for item in (*view.stations, *view.sensors, *view.nodes):
        item.age_s = (item.age_s or 0) + late_ms // 1000
    station = view.stations[0]
    station.series = [(at - late_ms, mm, q) for at, mm, q in station.series]
    station.forecast = Forecast(status="no data")
    return view


def drill(now_ms: int = NOW_MS) -> View:
    """Return a calm day on which two people have started a drill: the siren sounds."""
    view = calm(now_ms)
    siren = view.sirens[0]
    siren.mode, siren.commanded, siren.confirmed = "drill", True, True
    siren.mode_until_ms = now_ms + 42_000
    siren.since_ms = now_ms - 18_000
    said = (
        "Exercice : demandé par Anne Maire et Bruno Adjoint.",
        "Drill: asked for by Anne Maire and Bruno Adjoint.",
    )
    view.events.insert(0, _event(now_ms, 0, "notice", *said))
    return view


def asked(now_ms: int = NOW_MS) -> View:
    """Return the siren sounding while one person wants it muted and other limits."""
    view = sounding(now_ms)
    siren, station = view.sirens[0], view.stations[0]
    siren.acknowledged_by = ["Anne Maire", "Bruno Adjoint"]
    siren.asked = [Asked(kind="mute", person="Anne Maire", until_ms=NOW_MS + 42_000)]
    station.proposed = LimitsChange(
        limits_mm=[1100, 1700, 2400, 3100], people=["Anne Maire"], at_ms=NOW_MS + 540_000
    )
    return view


def training(now_ms: int = NOW_MS) -> View:
    """Return a recorded flood replayed for people to practise on: no siren is connected."""
    view = sounding(now_ms)
    view.demo = None
    view.training = Training(
        flood={
            "fr": "crue du Gardon, septembre 2002",
            "en": "flood of the Gardon, September 2002",
        },
        speed=60,
    )
    return view


def dry_run(station: str, limits_mm: list[int]) -> DryRun:
    """Return what four limits would have done in a quarter with two floods."""
    day_ms = 24 * HOUR_MS
    start_ms = NOW_MS - 90 * day_ms
    floods = [(start_ms + 20 * day_ms, 2300, 9), (start_ms + 61 * day_ms, 1500, 5)]
    return DryRun(
        station=station,
        from_ms=start_ms,
        until_ms=NOW_MS,
        wanted_s=90 * 86_400,
        readings=12_816,
        gaps_s=7 * 3600,
        tried=[_tried(*pair, floods) for pair in zip(LEVELS, limits_mm, strict=True)],
        in_force=[_tried(*pair, floods) for pair in zip(LEVELS, LIMITS_MM, strict=True)],
    )


def incidents(now_ms: int = NOW_MS) -> list[IncidentLine]:
    """Return a flood that is not over and a drill."""
    return [
        IncidentLine(
            number=2,
            from_ms=now_ms - 3 * HOUR_MS,
            until_ms=None,
            station="pont-neuf",
            highest="alarm",
            sounded=True,
            text={"fr": "Pont-Neuf jusqu’à 2,68 m.", "en": "Pont-Neuf up to 2.68 m."},
        ),
        IncidentLine(
            number=1,
            from_ms=now_ms - 700 * HOUR_MS,
            until_ms=now_ms - 700 * HOUR_MS + MINUTE_MS,
            station="",
            highest="watch",
            sounded=True,
            drill=True,
            text={"fr": "Exercice à la mairie.", "en": "Drill at the town hall."},
        ),
    ]


LEVELS = ("watch", "warning", "alarm", "alarm_plus")


def _tried(level: str, limit_mm: int, floods: list[tuple[int, int, int]]) -> LevelTried:
    over = [
        Reach(from_ms=at_ms, until_ms=at_ms + hours * HOUR_MS, highest_mm=top_mm)
        for at_ms, top_mm, hours in floods
        if top_mm >= limit_mm
    ]
    total_s = sum(reach.until_ms - reach.from_ms for reach in over) // 1000
    return LevelTried(
        level=level, limit_mm=limit_mm, times=len(over), total_s=total_s, newest=over[::-1]
    )


def _finding(code: str, level: str, fr: str, en: str) -> Finding:
    return Finding(code=code, level=level, text={"fr": fr, "en": en})


VIEWS: dict[str, Callable[[int], View]] = {
    "calm": calm,
    "rising": rising,
    "sounding": sounding,
    "faulted": faulted,
    "frozen": frozen,
    "drill": drill,
    "asked": asked,
    "training": training,
}


def _event(now_ms: int, minutes: int, severity: str, fr: str, en: str) -> Event:
    return Event(
        at_ms=now_ms - minutes * MINUTE_MS,
        kind="sample",
        severity=severity,
        text={"fr": fr, "en": en},
    )


def _steps(*bands: tuple[float, float, float]) -> list[ForecastStep]:
    return [
        ForecastStep(
            horizon_h=hours, p05_mm=round(a * 1000), p50_mm=round(b * 1000), p95_mm=round(c * 1000)
        )
        for hours, (a, b, c) in zip((1, 3, 6), bands, strict=True)
    ]


def _station(
    now_ms: int, level: str, series: list[Point], trend_mm_h: int, forecast: Forecast
) -> Station:
    return Station(
        id="pont-neuf",
        name={"fr": "Pont-Neuf", "en": "Pont-Neuf"},
        river="Gardon",
        level=level,
        stage_mm=series[-1][1],
        at_ms=series[-1][0],
        age_s=38,
        trend_mm_h=trend_mm_h,
        thresholds=Thresholds(
            watch_mm=LIMITS_MM[0],
            warning_mm=LIMITS_MM[1],
            alarm_mm=LIMITS_MM[2],
            alarm_plus_mm=LIMITS_MM[3],
        ),
        sensors=["pont-neuf-a", "pont-neuf-b"],
        voting="two",
        bounds_mm=[-500, 8000],
        series=series,
        history_until_ms=now_ms - 9 * HOUR_MS,
        forecast=forecast,
    )


def _zone(now_ms: int, leak_l_h: int) -> Zone:
    since_h = 41.0
    inflow, expected = inflow_series(now_ms, leak_l_h, since_h)
    return Zone(
        id="bourg",
        name={"fr": "Le bourg", "en": "The village"},
        verdict="leak" if leak_l_h else "normal",
        inflow_l_h=inflow[-1][1],
        at_ms=now_ms - 340_000,
        age_s=340,
        night_flow_l_h=2900 + leak_l_h,
        night_flow_usual_l_h=2900,
        leak_l_h=leak_l_h or None,
        leak_probability=0.93 if leak_l_h else 0.04,
        since_ms=now_ms - int(since_h * HOUR_MS) if leak_l_h else None,
        model="leak-1",
        model_status="ok",
        series=inflow,
        expected=expected,
    )


def _siren(
    state: str = "idle",
    commanded: bool = False,
    confirmed: bool | None = False,
    since_ms: int | None = None,
    station: str = "",
    reason: dict[str, str] | None = None,
) -> Siren:
    return Siren(
        id="mairie",
        name={"fr": "Mairie", "en": "Town hall"},
        state=state,
        commanded=commanded,
        confirmed=confirmed,
        since_ms=since_ms,
        station=station,
        reason=reason or {},
        mute_left_s=1200 if state == "sound" else None,
        measured={"line_ohm": 4712, "battery_mv": 13_350, "mains": 1, "tamper": 0},
        silent_test=Practice(
            last_ms=NOW_MS - 10 * HOUR_MS, ok=True, next_ms=NOW_MS + 14 * HOUR_MS
        ),
        drill=Practice(last_ms=NOW_MS - 700 * HOUR_MS, ok=True),
        simulated=True,
    )


def _sensor(
    index: int, name: str, english: str, node: int, quantity: str, value: int, full: bool
) -> Sensor:
    return Sensor(
        id=("pont-neuf-a", "pont-neuf-b", "pluie-col", "compteur-bourg")[index],
        name={"fr": name, "en": english},
        node=node,
        place="pont-neuf" if index < 3 else "bourg",
        quantity=quantity,
        value=value,
        age_s=(38, 52, 410, 340)[index],
        at_ms=NOW_MS,
        freshness="proved" if full else "assumed",
        promise="full" if full else "weaker",
        votes=index < 2,
    )


def _node(number: int, name: str, english: str, carrier: str, age_s: int, battery_mv: int) -> Node:
    return Node(
        id=number,
        name={"fr": name, "en": english},
        carrier=carrier,
        age_s=age_s,
        silent=False,
        battery_mv=battery_mv,
        rssi_dbm=-97 if carrier == "bridge" else None,
        outbox=number - 17,
        boots=3,
        backlog=288,
        last_seen_ms=NOW_MS - age_s * 1000,
    )


def _foreign() -> list[ForeignSource]:
    tower = {"fr": "Sondes du château d'eau", "en": "Probes of the water tower"}
    room = {"fr": "Local technique", "en": "Plant room"}
    counts = {"messages": 412, "readings": 398, "repeated": 12, "last_ms": NOW_MS - 600_000}
    refused = {"device": 2, "future": 1}
    return [
        ForeignSource(
            id="tower", name=tower, topic="a/#", state="heard", refused=refused, **counts
        ),
        ForeignSource(id="room", name=room, topic="b/{device}", state="silent"),
    ]


def _bridges() -> list[Bridge]:
    return [
        Bridge(
            port="usb:2e8a:0005:e6614103e7452d2f",
            device="/dev/ttyACM0",
            role="transmit",
            connected=True,
            radio="listens",
            version=2,
            frames=1840,
            heard_s=38,
            crc_errors=12,
            airtime_ms=8_400,
        ),
        Bridge(port="usb:2e8a:0005:e6614103e7459a41", role="listen", connected=True),
    ]


def _site(now_ms: int, station: Station, zone: Zone, siren: Siren, events: list[Event]) -> View:
    stage_mm = station.stage_mm or 0
    return View(
        site="sainte-amonette",
        name={"fr": "Sainte-Amonette", "en": "Sainte-Amonette"},
        now_ms=now_ms,
        guard_alive=True,
        guard_age_s=0.4,
        database="ok",
        broker="ok",
        stations=[station],
        zones=[zone],
        sirens=[siren],
        sensors=[
            _sensor(
                0, "Pont-Neuf, amont", "Pont-Neuf, upstream side", 17, "stage_mm", stage_mm, True
            ),
            _sensor(
                1,
                "Pont-Neuf, aval",
                "Pont-Neuf, downstream side",
                18,
                "stage_mm",
                stage_mm - 12,
                True,
            ),
            _sensor(2, "Pluie au col", "Rain at the pass", 19, "rain_um", 4200, False),
            _sensor(
                3,
                "Compteur du bourg",
                "Village meter",
                20,
                "flow_l_h",
                zone.inflow_l_h or 0,
                False,
            ),
        ],
        nodes=[
            _node(17, "Pont-Neuf A", "Pont-Neuf A", "bridge", 38, 3580),
            _node(18, "Pont-Neuf B", "Pont-Neuf B", "bridge", 52, 3410),
            _node(19, "Col", "Pass", "mqtt", 410, 3620),
            _node(20, "Bourg", "Village", "mqtt", 340, 3600),
        ],
        foreign=_foreign(),
        bridges=_bridges(),
        events=events,
        people=["Anne Maire", "Bruno Adjoint", "Chloé Technicienne"],
        audit_lines=1284,
        audit_head="9f1c0b7e5a3d2846" * 4,
        counters={"frames": 18_234, "duplicates": 41, "rejected.wrong_key": 2},
        demo=Demo(
            speed=120,
            speeds=[0, 1, 60, 120, 600],
            recorded={
                "fr": "La crue du Gardon et le débit d’une vraie zone de distribution.",
                "en": "The flood of the river Gardon and the inflow of a real metered area.",
            },
            added={
                "fr": "La fuite de 2,4 m³/h, les piles et les radios.",
                "en": "The leak of 2.4 m³/h, the batteries and radios.",
            },
            phase={
                "fr": "La rivière monte ; la sirène doit sonner vers 21 h.",
                "en": "The river rises; the siren should sound about 21:00.",
            },
        ),
    )
