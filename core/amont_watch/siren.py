# The words of one siren's alarm: states, events, actions, limits, and its storable state.
from amont_watch.vote import NORMAL

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

IDLE, SOUND, MUTED, LATCH = 0, 1, 2, 3
ARMED, TEST, DRILL, BYPASS = 0, 1, 2, 3
OK, DEGRADED, FAULT = 0, 1, 2
OFF, ALARM_TONE, DRILL_TONE = 0, 1, 2  # what the relay is told
ANNUNCIATION_NAMES = ("idle", "sound", "muted", "latch")
MODE_NAMES = ("armed", "test", "drill", "bypass")
HEALTH_NAMES = ("ok", "degraded", "fault")

# Events
HAZARD = "hazard"  # level, name (station), voters
ACKNOWLEDGE = "acknowledge"  # person
MUTE = "mute"  # person, or KEY; seconds (0: as long as allowed)
RESET = "reset"  # person
START_TEST = "test"
START_DRILL = "drill"  # person, or SCHEDULE; seconds (0: as long as allowed)
STOP = "stop"  # ends a test or drill
START_BYPASS = "bypass"  # the local key turned on; seconds (0: the usual hour)
END_BYPASS = "bypass end"  # the local key turned off
RAISE_FAULT = "fault"  # name (one of a few kinds), level (DEGRADED or FAULT)
CLEAR_FAULT = "fault cleared"  # name
TICK = "tick"
RESTART = "restart"

# As `person`, besides the names of people. Neither is a name: it sees nothing, it resets nothing.
KEY = "local key"  # whoever stands at the box; mutes without a second one
SCHEDULE = "schedule"  # drills as two people agreed in the site's file

# Actions
RELAY_ON = "relay on"  # value: ALARM_TONE or DRILL_TONE
RELAY_OFF = "relay off"
TEST_START = "test start"  # exercise the line without sound
TEST_END = "test end"
RECORD = "record"  # a rule fired: for the audit
REFUSED = "refused"  # rule says why


class Limits:
    # Times of one siren. Only the burst is the site's own choice; the others are the contract's.
    mute_s = 600  # one mute
    mute_event_s = 1200  # all mutes from the first sound to the reset
    together_s = 60  # within which a second person must agree
    test_s = 60
    drill_s = 120
    bypass_s = 3600
    bypass_max_s = 14400
    report_s = 60  # how often a bypass is recalled to people

    def __init__(self, max_on_s: int = 180, pause_s: int = 120) -> None:
        self.max_on_s = max_on_s  # one burst, at least 1 s; hearing and battery
        self.pause_s = pause_s  # between bursts


class Event:
    def __init__(
        self, kind: str, person: str = "", level: int = 0, name: str = "", seconds: int = 0,
        fresh: bool = True, voters: "tuple[str, ...]" = (),
    ) -> None:  # fmt: skip
        self.kind = kind
        self.person = person
        self.level = level
        self.name = name
        self.seconds = seconds
        self.fresh = fresh  # HAZARD: rests on readings of this run, not on a restored level
        self.voters = voters  # HAZARD: Vote.voters of all the siren's stations


class Action:
    def __init__(self, kind: str, rule: str, value: int = 0, person: str = "") -> None:
        self.kind = kind
        self.rule = rule  # which row of which table
        self.value = value
        self.person = person

    def as_dict(self) -> dict[str, object]:
        return {"kind": self.kind, "rule": self.rule, "value": self.value, "person": self.person}


_RANGES = {
    "annunciation": 3, "mode": 3, "health": 2, "level": 4, "mute_level": 4, "muted_s": 86400,
}  # fmt: skip
_TIMES = ("burst_s", "mute_until_s", "mode_until_s", "reported_s")
_STORED = tuple(_RANGES) + _TIMES + ("station", "voters", "acknowledged", "faults")


class State:
    def __init__(self) -> None:
        self.annunciation = IDLE
        self.mode = ARMED
        self.health = OK
        self.level = NORMAL  # highest hazard of the siren's stations
        self.station = ""  # whose
        self.relay = OFF  # last command; not stored, a restart commands it anew
        self.burst_s = 0  # start of the first burst of this sounding
        self.mute_until_s = 0  # while MUTED
        self.mute_level = NORMAL  # level when muted
        self.muted_s = 0  # of this event's budget, charged when granted
        self.mode_until_s = 0  # while not ARMED
        self.reported_s = 0  # when a bypass was recalled last
        # The values below are replaced, never altered: copies share them.
        self.voters: list[str] = []  # sensors that voted since the siren began to sound
        self.acknowledged: list[str] = []
        self.asked: tuple[str, str, int, int] | None = None  # kind, who, until_s, seconds
        self.faults: dict[str, int] = {}

    def copy(self) -> "State":
        other = State()
        for name in _STORED + ("relay", "asked"):
            setattr(other, name, getattr(self, name))
        return other

    def mute_left_s(self, limits: Limits) -> int:
        return max(0, limits.mute_event_s - self.muted_s)

    def pending(self, now_s: int) -> "list[tuple[str, str, int, int]]":
        # What waits for a second person.
        return [self.asked] if self.asked and now_s <= self.asked[2] else []

    def as_dict(self, now_s: int) -> dict[str, object]:
        # Plain values; times as seconds from now, because the clock begins again after a restart.
        saved: dict[str, object] = {name: getattr(self, name) for name in _STORED}
        for name in _TIMES:
            saved[name] = getattr(self, name) - now_s
        return saved


def state_from_dict(saved: "dict[str, Any]", now_s: int) -> State:
    # Raises KeyError or ValueError if `saved` is not from as_dict. Follow it with Event(RESTART).
    state = State()
    for name in _STORED:
        value, usual = saved[name], getattr(state, name)
        if not isinstance(value, type(usual)):
            raise ValueError(name + " is misshapen")
        setattr(state, name, now_s + value if name in _TIMES else value)
    for name, most in _RANGES.items():
        whole_number(saved[name], name, most)
    for name, level in state.faults.items():
        whole_number(level, name, FAULT)
    return state


def whole_number(value: object, name: str, most: int) -> int:
    if not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(name + " is not a whole number from 0 to " + str(most))
    return value
