# How the sensors of one station decide its level. Pure: times are domain seconds that never fall.
#
# Raise to alarm or alarm+ (a trusted sensor: fresh, proved, neither stuck nor suspect):
#   "two votes"          two trusted sensors at or above the limit
#   "vote and support"   one, and another valid one at watch (for alarm+: at alarm) or rising
#   "vote and lost"      one, and another lost less than 3 h ago, at watch or above and rising
#   "lone sensor"        the only trusted sensor votes 3 times in a row (10 in a station of three)
#   "votes outlast doubt"  two vote for 30 min, however suspect their steps
#   "lost while rising"  no valid sensor left, two or more lost at watch or above and rising, and
#                        nobody was heard 15 min longer who saw no rise
# Else
#   "vote withheld"      a sensor above the limit without any of these: warning, not siren
#   "level"              the highest valid sensor: normal, watch or warning
#   "no data"            no valid sensor
#
# Two agreeing sensors need no three samples in a row: agreement is the better filter, and a
# minute between samples would make three of them late.
#
# Leap: whoever reads more than 300 mm above its own last reading has no vote that sounds by one
# sensor alone until four readings say so, itself included, or the supporter agrees within 300 mm.
# Water that rises through the marks leaps below the limit or not at all, so nothing waits there;
# from the limit on the four come 10 s apart. Coming back from a spike is no leap.
#
# Freshness: a reading whose age is not proved may support and may warn, it never sounds. A reading
# as old as its validity takes no part; at watch or above, from a node that says that it samples
# fast, a few missed samples are a loss. No data is not calm: without a valid reading `hold` keeps
# every standing level.
#
# Stuck: in calm water a gauge that reads whole centimetres stands still for hours and is right. So
# a flat sensor counts as stuck only while any sensor of the station is at watch or rising, or was
# when it was lost. A drowned sensor at its upper stop looks the same in the worst flood: a stuck
# reading raises nothing (it voted in each of the samples before), but one above the limit goes on
# holding a standing level, until a valid neighbour reads below watch.
#
# Suspect: a step is doubted until a later reading agrees within 300 mm with another usable sensor,
# or for 30 min; then it is believed until the next step. Against two valid sensors that agree with
# each other time alone convinces nobody. A low doubted reading does not end a flood.
#
# Drift: a sensor more than 200 mm from the median of the others for 6 h, while these are calm,
# needs a technician. It keeps its vote.
from amont_watch.quality import FAULT, FLAT, RANGE, RATE, SPIKE, SUSPECT

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

NORMAL, WATCH, WARNING, ALARM, ALARM_PLUS = 0, 1, 2, 3, 4
LEVEL_NAMES = ("normal", "watch", "warning", "alarm", "alarm_plus")

# As in the socket's OPENED message.
PROVED, ASSUMED, UNKNOWN = 0, 1, 2
FRESHNESS_NAMES = ("proved", "assumed", "unknown")

LEAP_MM = 300  # above a real flood's minute (220 mm), below nearly all spikes that reach a limit
STEADY = 4  # readings from a leap on
AGREE_MM = 300  # two masts of one station differ by less, even in a flood's slope
LOST_S = 10800  # a sensor lost longer ago says nothing about this flood
OUTLAST_S = 1800  # no debris moves two sensors above the limit for so long
DRIFT_MM = 200
DRIFT_S = 21600
AHEAD_S = 5  # estimated times jitter; a reading further ahead of now is not believed
_POINTS = 10  # past values kept per sensor for the rise

# Votes in a row that a lone sensor needs, by the station's number of sensors. The last of two is
# as good as that of a commune with only one; a station built for two of three asks for more.
_LONE_VOTES = (0, 3, 3, 10)


class StationConfig:
    def __init__(self, station: "dict[str, Any]") -> None:
        # A station of guard.json, checked by whoever read it.
        names = ("watch_mm", "warning_mm", "alarm_mm", "alarm_plus_mm")
        self.limits: list[int] = [0] + [station[name] for name in names]  # by level
        self.hysteresis_mm: int = station["hysteresis_mm"]
        self.rise_mm: int = station["rise_support_mm"]
        self.rise_s: int = station["rise_support_s"]


class SensorState:
    def __init__(self, id: str, validity_s: int, fast_validity_s: int = 0) -> None:
        # fast_validity_s: for nodes that sample fast from the watch limit on; 0: they do not
        self.id = id
        self.validity_s = validity_s
        self.fast_validity_s = min(validity_s, fast_validity_s or validity_s)
        self.fast = True  # the node says that it samples fast now; else its readings last as ever
        self.lasts_s = validity_s  # how long `value` is valid
        self.value: int | None = None  # last usable reading; None: never heard
        self.at_s = 0  # of the last reading, usable or not
        self.good_s = 0  # of `value`, the last usable one
        self.flags = 0
        self.freshness = UNKNOWN
        self.votes = [0, 0]  # proved samples in a row at or above alarm, alarm+
        self.votes_s = [0, 0]  # when the first of these was taken
        self.rising = 0  # mm over the station's rise_s
        self.steady = STEADY  # readings since the last leap and with it, up to STEADY
        self.doubted = False  # a step that nobody confirmed yet
        self.stuck = False  # flat while the water should move; decide() says so
        self.apart_s = -1  # since when away from the others in calm; -1: it is not
        self.drifting = False
        self.restored = False  # from before a restart: remembers, has no say
        self.asleep_s = 0  # since `value`, how long nobody listened
        self.loss_tells = True  # False: it may fall silent for what stands between it and us
        self._points: list[tuple[int, int]] = []  # (at_s, value), oldest first

    def age_s(self, now_s: int) -> int:
        return max(0, now_s - self.at_s)

    def usable(self, now_s: int) -> bool:
        if self.value is None or self.restored or self.flags & (RANGE | FAULT):
            return False
        return -AHEAD_S <= now_s - self.at_s < self.lasts_s

    def valid(self, now_s: int) -> bool:
        # Has a say; to sound it must be proved as well.
        return self.usable(now_s) and not self.stuck and not self.doubted

    def moving(self, station: StationConfig) -> bool:
        # At watch or above, or rising.
        return _value(self) >= station.limits[WATCH] or self.rising > station.rise_mm

    def lost_rising(self, station: StationConfig, now_s: int) -> bool:
        # No usable reading for less than LOST_S; the last was at watch or above, and rising.
        silent_s = now_s - self.good_s - self.lasts_s
        if self.value is None or self.doubted or not self.asleep_s <= silent_s < LOST_S:
            return False
        if not self.loss_tells:
            return False
        return self.value >= station.limits[WATCH] and self.rising > station.rise_mm

    def as_dict(self, now_s: int) -> dict[str, object]:
        # Ages instead of times: the clock begins again after a restart.
        return {
            "value": self.value, "age_s": now_s - self.good_s,
            "flags": self.flags | SUSPECT if self.doubted else self.flags & ~SUSPECT,
            "freshness": self.freshness, "rising": self.rising, "asleep_s": self.asleep_s,
            "steady": self.steady,
            "votes": self.votes, "votes_s": [now_s - since_s for since_s in self.votes_s],
            "points": [[now_s - at_s, value] for at_s, value in self._points],
        }  # fmt: skip

    def restore(self, saved: "dict[str, Any]", now_s: int, asleep_s: int = 0) -> None:
        # Raises KeyError, TypeError or ValueError, and changes nothing, if `saved` is not from
        # as_dict. now_s: when it was saved. asleep_s: since then nobody listened, so nothing was
        # lost.
        points = [(now_s - int(past_s), int(value)) for past_s, value in saved["points"]]
        names = ("age_s", "flags", "freshness", "rising", "asleep_s")
        age_s, flags, freshness, rising, slept_s = [int(saved[name]) for name in names]
        votes = [int(count) for count in saved.get("votes", (0, 0))]  # none of an older release
        votes_s = [now_s - int(past_s) for past_s in saved.get("votes_s", (0, 0))]
        if len(votes) != 2 or len(votes_s) != 2:
            raise ValueError("not two counts of votes")
        self.steady = int(saved.get("steady", STEADY))
        self.votes, self.votes_s = votes, votes_s
        self.value = None if saved["value"] is None else int(saved["value"])
        self.at_s = self.good_s = now_s - age_s
        self.flags, self.freshness, self.rising = flags, freshness, rising
        self.asleep_s, self.doubted = slept_s + asleep_s, bool(flags & SUSPECT)
        self._points, self.restored = points, True


class Vote:
    def __init__(
        self, level: int, hold: int, voters: list[str], valid: int, rule: str, evidence: list[str]
    ) -> None:
        self.level = level  # what the evidence says now
        self.hold = hold  # a standing level up to this one may not fall
        self.voters = voters  # ids of sensors above the alarm limit that may sound
        self.valid = valid  # sensors that have a say
        self.rule = rule  # which rule of those above
        self.evidence = evidence  # sensor ids that the rule rests on


def observe(
    station: StationConfig, sensor: SensorState, at_s: int, value: int, flags: int, freshness: int
) -> bool:
    # Take one reading; False if it is not newer than the last one. A reading counts once.
    if sensor.value is not None and not sensor.restored and at_s <= sensor.at_s:
        return False
    if at_s - sensor.at_s >= sensor.validity_s or flags & (RANGE | FAULT):
        sensor.votes = [0, 0]  # not in a row
    if flags & RATE or flags & SUSPECT > sensor.flags & SUSPECT:
        sensor.doubted = True
    sensor.restored = False
    sensor.flags, sensor.freshness, sensor.at_s = flags, freshness, at_s
    if flags & (RANGE | FAULT):
        return True  # the last usable value stays for "lost while rising"
    _leap(sensor, value, flags)
    sensor.value, sensor.good_s, sensor.asleep_s = value, at_s, 0
    fast = sensor.fast and value >= station.limits[WATCH]
    sensor.lasts_s = sensor.fast_validity_s if fast else sensor.validity_s
    for i in range(2):
        if sensor.votes[i] == 0:
            sensor.votes_s[i] = at_s
        counts = value >= station.limits[ALARM + i] and freshness == PROVED
        sensor.votes[i] = sensor.votes[i] + 1 if counts else 0
    _rise(sensor, value, station.rise_s)
    return True


def _leap(sensor: SensorState, value: int, flags: int) -> None:
    leapt = sensor.value is not None and value - sensor.value > LEAP_MM
    sensor.steady = 1 if leapt and not flags & SPIKE else min(STEADY, sensor.steady + 1)


def _rise(sensor: SensorState, value: int, window_s: int) -> None:
    points, at_s = sensor._points, sensor.at_s
    while len(points) > 1 and points[1][0] <= at_s - window_s:
        points = points[1:]  # one point at or before the window's edge stays
    sensor.rising = 0
    for point_s, was in points:
        past_s = max(at_s - point_s, window_s)
        sensor.rising = max(sensor.rising, (value - was) * window_s // past_s)
    far = not points or at_s - points[-1][0] >= window_s // _POINTS
    if far and not sensor.doubted:
        points = points + [(at_s, value)]
    sensor._points = points


class _Panel:
    # The station's sensors, sorted by what they may do now.
    def __init__(self, station: StationConfig, sensors: list[SensorState], now_s: int) -> None:
        self.station = station
        self.now_s = now_s
        self.sensors = sensors
        self.usable = [s for s in sensors if s.usable(now_s)]
        self.lost = [s for s in sensors if s.lost_rising(station, now_s)]
        moving = bool(self.lost) or any([s.moving(station) for s in self.usable])
        for sensor in sensors:
            sensor.stuck = moving and bool(sensor.flags & FLAT)
        for sensor in [s for s in self.usable if s.doubted and not s.stuck]:
            others = [s for s in self.usable if s is not sensor and not s.stuck]
            _believe(sensor, others, [s for s in others if not s.doubted])
        self.valid = [s for s in sensors if s.valid(now_s)]


def decide(station: StationConfig, sensors: list[SensorState], now_s: int) -> Vote:
    # Changes of a sensor only what others say of it: `doubted`, `stuck`, `drifting`.
    panel = _Panel(station, sensors, now_s)
    for sensor in panel.valid:
        _drift(panel, sensor)
    voters = _ids([s for s in panel.valid if s.votes[0]])
    for level in (ALARM_PLUS, ALARM):
        rule, evidence = _sounding(panel, level)
        if rule:
            break
    else:
        level, rule, evidence = _quiet(panel)
    return Vote(level, max(_hold(panel), level), voters, len(panel.valid), rule, _ids(evidence))


def _drift(panel: _Panel, sensor: SensorState) -> None:
    others = [s for s in panel.valid if s is not sensor]
    if not others or any([s.moving(panel.station) for s in others]):
        return  # nobody to compare with, or the masts of a flood's slope
    values = sorted([_value(s) for s in others])
    median = (values[(len(values) - 1) // 2] + values[len(values) // 2]) // 2
    if abs(_value(sensor) - median) <= DRIFT_MM:
        sensor.apart_s = -1
    elif sensor.apart_s < 0:
        sensor.apart_s = panel.now_s
    sensor.drifting = 0 <= sensor.apart_s <= panel.now_s - DRIFT_S


def _believe(sensor: SensorState, others: list[SensorState], valid: list[SensorState]) -> None:
    if not sensor.flags & RATE and any([_agree(sensor, other) for other in others]):
        sensor.doubted = False
    elif not sensor.flags & SUSPECT:
        sensor.doubted = any([_agree(a, b) for a in valid for b in valid if a is not b])


def _agree(one: SensorState, other: SensorState) -> bool:
    return abs(_value(one) - _value(other)) <= AGREE_MM


def _sounding(panel: _Panel, level: int) -> tuple[str, list[SensorState]]:
    i = level - ALARM
    voters = [s for s in panel.valid if s.votes[i]]
    if len(voters) >= 2:
        return "two votes", voters
    if voters:
        rule, evidence = _one_vote(panel, voters[0], level)
        if rule:
            return rule, evidence
    since_s = panel.now_s - OUTLAST_S
    long = [s for s in panel.usable if s.votes[i] and s.votes_s[i] <= since_s and not s.stuck]
    if len(long) >= 2:
        return "votes outlast doubt", long
    lost = [s for s in panel.lost if s.freshness == PROVED]
    if level == ALARM and len(lost) >= 2 and not panel.valid and not _outlived(panel, lost):
        return "lost while rising", lost
    return "", []


def _outlived(panel: _Panel, lost: list[SensorState]) -> bool:
    since_s = max([s.good_s for s in lost]) + panel.station.rise_s
    others = [s for s in panel.sensors if s not in lost and not s.doubted and not s.stuck]
    return any([s.value is not None and s.good_s >= since_s for s in others])


def _one_vote(panel: _Panel, voter: SensorState, level: int) -> tuple[str, list[SensorState]]:
    station = panel.station
    support_mm = station.limits[WATCH if level == ALARM else ALARM]
    steady = voter.steady >= STEADY
    for other in panel.valid:
        if other is voter or not (steady or _agree(voter, other)):
            continue
        if _value(other) >= support_mm or other.rising > station.rise_mm:
            return "vote and support", [voter, other]
    if not steady:
        return "", []
    if panel.lost:
        return "vote and lost", [voter] + panel.lost
    trusted = [s for s in panel.valid if s.freshness == PROVED]
    if trusted == [voter] and voter.votes[level - ALARM] >= _LONE_VOTES[len(panel.sensors)]:
        return "lone sensor", [voter]
    return "", []


def _quiet(panel: _Panel) -> tuple[int, str, list[SensorState]]:
    limits = panel.station.limits
    over = [s for s in panel.usable if not s.stuck and _value(s) >= limits[ALARM]]
    if over:
        return WARNING, "vote withheld", over
    if not panel.valid:
        return NORMAL, "no data", []
    top = max(panel.valid, key=_value)
    return _level(limits, _value(top)), "level", [top]


def _hold(panel: _Panel) -> int:
    # Everything usable is heard here, by limits lowered by the hysteresis: keeping a siren on asks
    # for less than starting it. Only a valid neighbour below watch contradicts a high reading.
    if not panel.valid:
        return ALARM_PLUS
    limits = [limit - panel.station.hysteresis_mm for limit in panel.station.limits]
    top = max(panel.usable, key=_value)
    held = _level(limits, _value(top))
    others = [s for s in panel.valid if s is not top]
    if others and max([_level(limits, _value(s)) for s in others]) < WATCH:
        return min(held, WARNING)
    return held


def _level(limits: list[int], value: int) -> int:
    level = NORMAL
    while level < ALARM_PLUS and value >= limits[level + 1]:
        level += 1
    return level


def _value(sensor: SensorState) -> int:
    assert sensor.value is not None  # a usable sensor has one
    return sensor.value


def _ids(sensors: list[SensorState]) -> list[str]:
    return [s.id for s in sensors]
