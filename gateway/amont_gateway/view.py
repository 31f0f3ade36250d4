"""Declare what the local page shows: one snapshot of everything that the gateway knows.

Plain data. ``state`` fills it, ``page`` renders it, ``/view.json`` serialises it. Times are Unix
milliseconds (``_ms``) or seconds of age (``_s``); ``None`` always means "not known".
"""

from __future__ import annotations

import msgspec

from amont_gateway.view_network import NetworkLeak
from amont_gateway.view_radio import Bridge
from amont_gateway.view_rung import RungCost

Text = dict[str, str]  # {"fr": …, "en": …}
Point = tuple[int, int, int]  # t_ms, value, quality (0 good; codes of docs/wire-format.md)


class ForecastStep(msgspec.Struct, kw_only=True):
    """The band of the highest stage expected within ``horizon_h`` hours, mm."""

    horizon_h: float
    p05_mm: int
    p50_mm: int
    p95_mm: int


class Forecast(msgspec.Struct, kw_only=True):
    """A river forecast and how far to believe it."""

    status: str  # "ok" | "fault" | "no data"
    model: str = ""
    issued_ms: int | None = None
    inputs: str = "full"  # the rung of the fallback ladder (view_rung)
    cost: RungCost | None = None  # of that rung, where it was measured with this model
    steps: list[ForecastStep] = []
    # highest threshold that p95 reaches: "none" | "watch" | "warning" | "alarm"
    reaches: str = "none"


class Thresholds(msgspec.Struct, kw_only=True):
    """The stages at which a station's level changes."""

    watch_mm: int
    warning_mm: int
    alarm_mm: int
    alarm_plus_mm: int | None = None


class LimitsChange(msgspec.Struct, kw_only=True):
    """Four new limits of a station on their way, or the four that were in force before."""

    limits_mm: list[int]  # watch, warning, alarm, alarm+
    people: list[str]
    # proposed: until when a second person may agree; agreed: from when they count; previous: when
    # they were replaced
    at_ms: int


class Station(msgspec.Struct, kw_only=True):
    """One river place, as guard and river model see it."""

    id: str
    name: Text
    river: str = ""
    # as the guard judges: "normal" | "watch" | "warning" | "alarm" | "alarm_plus" | "unknown"
    level: str
    advice: str = "none"  # what is advised: "none" | "watch" | "warning"
    foreign_watch: str = ""  # the foreign sensor that sees it at watch or above
    stage_mm: int | None = None
    at_ms: int | None = None
    age_s: int | None = None
    trend_mm_h: int | None = None
    thresholds: Thresholds
    sensors: list[str] = []
    # how many sensors vote, in words of the guard: "two", "one of two", "one", "none"
    voting: str = ""
    bounds_mm: list[int] = []  # lowest and highest that a limit may be set to; empty: not known
    proposed: LimitsChange | None = None  # asked by one person
    agreed: LimitsChange | None = None  # asked by two, counts after the delay
    previous: LimitsChange | None = None
    series: list[Point] = []  # stage_mm
    history_until_ms: int | None = None  # readings before this came as backlog
    forecast: Forecast


class Zone(msgspec.Struct, kw_only=True):
    """One metered area, as the leak model sees it."""

    id: str
    name: Text
    verdict: str  # "normal" | "watch" | "leak" | "unknown"
    inflow_l_h: int | None = None
    at_ms: int | None = None
    age_s: int | None = None
    night_flow_l_h: int | None = None
    night_flow_usual_l_h: int | None = None
    leak_l_h: int | None = None
    leak_probability: float | None = None
    since_ms: int | None = None
    model: str = ""
    model_status: str = "no data"  # "ok" | "fault" | "no data"
    series: list[Point] = []  # inflow, l/h
    expected: list[Point] = []  # what the model expected, l/h


class Network(msgspec.Struct, kw_only=True):
    """One network of flows, and of pressures where it has some, as its test sees it."""

    id: str
    name: Text
    verdict: str  # "normal" | "watch" | "leak" | "unknown"
    inflow_l_h: int | None = None
    at_ms: int | None = None
    age_s: int | None = None
    leaks: list[NetworkLeak] = []  # newest first
    pressures: int = 0  # how many sensors measure it
    heard: int = 0  # how many of them were heard in the last 36 hours
    meters: int = 0  # of flows and of tanks' levels
    meters_heard: int = 0
    # "full": by all that the site names | "less": some meters are silent, and it is judged without
    # | "flows only": most of the pressures are silent
    rung: str = "full"
    left_out: list[str] = []  # meters that it is judged without
    learning: bool = False  # not long enough there to judge
    model: str = ""  # "network-test", or "network-inflow": the flows alone
    model_status: str = "no data"  # "ok" | "fault" | "no data"
    series: list[Point] = []  # inflow, l/h


class Asked(msgspec.Struct, kw_only=True):
    """What one person asked and a second one must confirm."""

    kind: str  # "mute" | "drill"
    person: str
    until_ms: int


class Practice(msgspec.Struct, kw_only=True):
    """The last silent test or drill, and when the next is due."""

    last_ms: int | None = None
    ok: bool | None = None  # None: none yet, or it was interrupted
    next_ms: int | None = None


class Finding(msgspec.Struct, kw_only=True):
    """Something that supervision found at a siren's output."""

    code: str  # of docs/wiring.md: "line_open", "weld", "battery_low", …
    level: str  # "degraded" | "fault"
    text: Text


class Siren(msgspec.Struct, kw_only=True):
    """One siren, as the guard commands it and its contact confirms it."""

    id: str
    name: Text
    state: str  # "idle" | "sound" | "muted" | "latch" | "unknown"
    mode: str = "armed"  # "armed" | "test" | "drill" | "bypass"
    health: str = "ok"  # "ok" | "degraded" | "fault"
    commanded: bool = False
    confirmed: bool | None = None  # what the relay's contact reads back
    confirm_ms: int | None = None  # how long it took to follow the last command
    since_ms: int | None = None
    muted_until_ms: int | None = None
    mute_left_s: int | None = None  # what may still be muted in this event
    mode_until_ms: int | None = None  # when a test, drill or bypass ends by itself
    station: str = ""  # whose level caused it
    reason: Text = {}
    acknowledged_by: list[str] = []
    asked: list[Asked] = []
    output: str = "simulated"  # "simulated" | "gpio" | "modbus"
    findings: list[Finding] = []
    measured: dict[str, int] = {}  # "line_ohm", "coil_ma", "horn_ma", "battery_mv", "mains"
    silent_test: Practice = msgspec.field(default_factory=Practice)
    drill: Practice = msgspec.field(default_factory=Practice)
    simulated: bool = False


class Sensor(msgspec.Struct, kw_only=True):
    """One sensor: its newest value and how far to believe it."""

    id: str
    name: Text
    node: int
    place: str  # station or zone id
    quantity: str
    value: int | None = None
    at_ms: int | None = None
    age_s: int | None = None
    flags: list[str] = []  # "range", "rate", "spike", "flat", "suspect", …; empty is good
    freshness: str = "unknown"  # "proved" | "assumed" | "unknown" | "stale"
    promise: str = "weaker"  # "full" (over the guard's bridge) | "weaker" | "unsealed" (foreign)
    votes: bool = False
    source: str = ""  # of a foreign sensor: which of ``View.foreign``
    interval_s: int = 0  # of a foreign sensor; 0: its node's


class Node(msgspec.Struct, kw_only=True):
    """One node: when it was heard and how it is."""

    id: int
    name: Text
    carrier: str  # "bridge" | "mqtt" | "lorawan"
    last_seen_ms: int | None = None
    age_s: int | None = None
    silent: bool = True
    battery_mv: int | None = None
    rssi_dbm: int | None = None
    outbox: int | None = None
    boots: int | None = None
    backlog: int = 0
    faults: int | None = None  # bits of the wire format's health
    config_version: int | None = None
    firmware: int | None = None  # its release
    interval_s: int = 0  # how often it promises to say something; 0: not known
    battery_days: float | None = None  # left at the pace of the last weeks
    repeated_pct: float | None = None  # of the last day's samples: a weak link sends again


class ForeignSource(msgspec.Struct, kw_only=True):
    """Other people's sensors behind one kind of message: what came of it since the start."""

    id: str
    name: Text
    topic: str
    state: str  # "heard" | "waiting" | "silent" (for three intervals) | "cut" (no broker)
    messages: int = 0
    readings: int = 0  # new in the journal
    repeated: int = 0
    last_ms: int | None = None  # when the last usable one came
    refused: dict[str, int] = {}  # by the codes of ``foreign_reasons.WHY``


class Event(msgspec.Struct, kw_only=True):
    """Something that people should know, with how often it happened."""

    at_ms: int
    kind: str
    severity: str  # "info" | "notice" | "fault" | "alarm"
    text: Text
    count: int = 1


class Demo(msgspec.Struct, kw_only=True):
    """Only in the demonstration: what is recorded, what is added, and the speed."""

    speed: float
    speeds: list[float]
    recorded: Text
    added: Text
    phase: Text


class Training(msgspec.Struct, kw_only=True):
    """Only in training: a recorded flood is replayed and no siren is connected."""

    flood: Text  # which one, from where
    speed: float


class HistoryState(msgspec.Struct, kw_only=True):
    """How the database is, and what of the journal it has not confirmed."""

    state: str  # "ok" | "away" | "refused"
    since_ms: int
    reason: str = ""  # of the last failure, as the server words it
    waiting: int = 0  # rows
    waiting_since_ms: int | None = None  # when the oldest of them was received
    quarantined: int = 0  # lines that the database refused, for people to decide on
    written: int = 0  # lines, since the start


class LorawanState(msgspec.Struct, kw_only=True):
    """How the way through a LoRaWAN network is, since the start."""

    server: str  # "chirpstack" | "ttn"
    state: str  # "ok" | "away" | "refused": its broker
    refused: dict[str, int] = {}  # messages by reason: lorawan_messages.REASONS
    strangers: list[str] = []  # DevEUIs that are no node of this site, at most 20
    downlinks_day: int | None = None  # that a node may get; None: no such limit
    downlinks_sent: int = 0
    downlinks_held_back: int = 0  # for the limit; a later one says as much


class View(msgspec.Struct, kw_only=True):
    """Everything that people see, at one instant."""

    site: str
    name: Text
    now_ms: int
    guard_alive: bool
    guard_age_s: float | None = None
    database: str = "none"  # "ok" | "away" | "refused" | "none"
    history: HistoryState | None = None
    broker: str = "none"  # "ok" | "away" | "refused" | "none"
    lorawan: LorawanState | None = None
    journal: str = "ok"  # "ok" | "full" | "read-only" | "fault"
    stations: list[Station] = []
    zones: list[Zone] = []
    networks: list[Network] = []
    sirens: list[Siren] = []
    sensors: list[Sensor] = []
    nodes: list[Node] = []
    bridges: list[Bridge] = []
    foreign: list[ForeignSource] = []
    events: list[Event] = []
    people: list[str] = []  # names that may act
    counters: dict[str, int] = {}
    audit_lines: int | None = None
    audit_head: str = ""  # hash of the newest line of the guard's audit
    demo: Demo | None = None
    training: Training | None = None


class Reach(msgspec.Struct, kw_only=True):
    """One time that a level would have stood."""

    from_ms: int
    until_ms: int  # or the end of what was tried, see ``ongoing``
    highest_mm: int | None = None
    ongoing: bool = False  # still standing at the end


class LevelTried(msgspec.Struct, kw_only=True):
    """How one level, or a higher one, would have stood over the time that was tried."""

    level: str  # "watch" | "warning" | "alarm" | "alarm_plus"
    limit_mm: int
    times: int
    total_s: int
    newest: list[Reach] = []  # newest first, at most ten


class DryRun(msgspec.Struct, kw_only=True):
    """Four limits tried on the journal by the guard's own rules, beside those in force."""

    station: str
    from_ms: int | None  # of the first reading that was tried; None: there is none
    until_ms: int | None
    wanted_s: int  # how far back one would have liked to look: 90 days
    readings: int  # that were tried
    gaps_s: int  # of the time above, how long no sensor had a valid reading
    tried: list[LevelTried]  # four, watch first
    in_force: list[LevelTried]  # the same with the limits in force


class IncidentLine(msgspec.Struct, kw_only=True):
    """One incident in the list: from the first level above normal to calm again."""

    number: int  # of its page: /incident/<number>
    from_ms: int
    until_ms: int | None  # None: not over
    station: str  # of the highest level; "" for a drill or test
    highest: str  # "watch" | "warning" | "alarm" | "alarm_plus"
    sounded: bool  # whether a siren was commanded to sound
    drill: bool = False
    text: Text  # one line for the list


class Action(msgspec.Struct, kw_only=True):
    """What a person asks; the guard alone decides."""

    # of a siren: "acknowledge" | "mute" | "reset" | "test" | "drill" | "stop"; of a station:
    # "limits" (propose, or agree to what another proposed) | "keep" (what is in force stays)
    kind: str
    person: str
    pin: str
    siren: str = ""
    station: str = ""
    minutes: int = 0
    limits_mm: list[int] = []  # of "limits": watch, warning, alarm, alarm+

    def __repr__(self) -> str:
        """Leave the PIN out: a representation may end in a log."""
        what = self.siren or self.station
        return f"Action({self.kind!r}, {what!r}, {self.person!r}, minutes={self.minutes})"


class Result(msgspec.Struct, kw_only=True):
    """The guard's answer to an action."""

    ok: bool
    code: str
    text: Text
