"""Live through made-up years of a station, faults and floods, on the code that sounds the siren.

Real are the node's sampler, the sensor's quality, the vote, the station's level and the siren's
state machine. Made up are the river, the faults, and people who acknowledge and reset. Nothing
that happens is drawn while it is lived: a year is the same whoever watches it, and noise depends
on sensor and second alone, so that quiet time may be left out.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass, fields

from amont_node.config import NodeConfig
from amont_node.sampling import Sampler
from amont_watch import siren, vote
from amont_watch.hazard import Hazard
from amont_watch.machine import step
from amont_watch.quality import SensorQuality

HOUR_S, DAY_S, YEAR_S = 3600, 86_400, 365 * 86_400
INTERVAL_S, FAST_S = 900, 60
VALIDITY_S = 3 * INTERVAL_S
STATION = {
    "watch_mm": 1_200, "warning_mm": 1_800, "alarm_mm": 2_500, "alarm_plus_mm": 3_200,
    "hysteresis_mm": 100, "clear_s": 600, "rise_support_mm": 100, "rise_support_s": 900,
}  # fmt: skip
ALARM_MM = STATION["alarm_mm"]
QUALITY = (-500, 8_000, 500, 60)  # min, max, step_per_min, flat_samples
MARKS = NodeConfig({
    "schema": 1, "id": 1, "generation": 1, "interval_s": INTERVAL_S, "fast_interval_s": FAST_S,
    "high_mark": STATION["watch_mm"], "rise_mark": 6, "alarm_mark": ALARM_MM,
    "carrier": {"kind": "radio"},
    "channels": [{"index": 0, "quantity": 1, "probe": {"kind": "constant"}}],
})  # fmt: skip
BASE_MM = 400
LATE_S = 600
EARLY_S = HOUR_S  # an alarm this long before the water reaches the limit is no false one
RESET_S = 1_800  # people reset the siren so long after the hazard is over
BEFORE_S = 2 * HOUR_S  # lived through before anything happens: more than any rule looks back,
BEFORE_STUCK_S = 17 * HOUR_S  # but for flat, which counts 60 samples
AFTER_S = 2 * HOUR_S
MOST_OFF_MM = 1_100  # of a probe without debris: drift and noise, and a crest between two looks


@dataclass(frozen=True, slots=True)
class Rates:
    """What happens a year, to each sensor unless said; these were fixed before any result."""

    spikes: float = 10  # one reading of 1.5 to 5 m
    debris: float = 0.5  # 2.2 to 4 m too high for 1 to 12 h
    stuck: float = 0.5  # the same value for 1 to 14 days
    drift: float = 0.2  # to 0.2 to 1 m off, up or down, over 30 days
    losses: float = 6  # link lost for 0.5 to 12 h
    common_losses: float = 1  # link of all lost for 0.5 to 12 h
    rises: float = 3  # of the station: by 0.7 to 4 m in 30 to 240 min, falls in thrice that
    death_percent_min: float = 0.3  # above 2 m, until a day after the flood

    def __str__(self) -> str:
        """Say the rates on one line."""
        return ", ".join(f"{f.name} {getattr(self, f.name):g}" for f in fields(self))


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasts."""

    start_s: int
    end_s: int
    value: int = 0


@dataclass(frozen=True, slots=True)
class Rise:
    """The river up and down again."""

    start_s: int
    up_s: int
    height_mm: int

    @property
    def end_s(self) -> int:
        """Return when the river is back."""
        return self.start_s + 4 * self.up_s

    @property
    def crossing_s(self) -> int | None:
        """Return when the river reaches the alarm limit."""
        wanted = ALARM_MM - BASE_MM
        return None if self.height_mm < wanted else self.at(wanted)[0]

    def at(self, above_mm: int) -> tuple[int, int]:
        """Return when the river is so far above its base, going up and coming down."""
        up_s = self.up_s * above_mm // self.height_mm
        return self.start_s + up_s, self.end_s - 3 * up_s

    def above_mm(self, now_s: int) -> int:
        """Return how far the river is above its base."""
        if now_s < self.start_s + self.up_s:
            return self.height_mm * (now_s - self.start_s) // self.up_s
        return self.height_mm * (self.end_s - now_s) // (3 * self.up_s)


class Spans:
    """Spans of one kind, in order, none over another."""

    def __init__(self, spans: list[Span]) -> None:
        """Take the earlier one where two overlap."""
        self.spans: list[Span] = []
        for span in sorted(spans, key=lambda s: s.start_s):
            if not self.spans or span.start_s > self.spans[-1].end_s:
                self.spans.append(span)
        self._starts = [span.start_s for span in self.spans]

    def at(self, now_s: int) -> Span | None:
        """Return the span that holds now."""
        i = bisect_right(self._starts, now_s) - 1
        return self.spans[i] if i >= 0 and now_s < self.spans[i].end_s else None


class Probe:
    """One sensor and what befalls it."""

    def __init__(self, draw: random.Random, rates: Rates, until_s: int, history: History) -> None:
        """Draw all faults but those that all sensors share."""

        def times(rate: float) -> list[int]:
            count = _count(draw, rate * until_s / YEAR_S)
            return sorted(draw.randrange(DAY_S, until_s) for _ in range(count))

        def spans(rate: float, low_s: float, high_s: float, *values: int) -> list[Span]:
            return [
                Span(at, at + int(draw.uniform(low_s, high_s)), draw.choice(values or (0,)))
                for at in times(rate)
            ]

        self.key, self._history = draw.getrandbits(32), history
        self.phase_s = draw.randrange(INTERVAL_S)
        self.spikes = [(at, draw.randrange(1_500, 5_000)) for at in times(rates.spikes)]
        self.debris = Spans(spans(rates.debris, HOUR_S, 12 * HOUR_S, *range(2_200, 4_000, 10)))
        self.stuck = Spans(spans(rates.stuck, DAY_S, 14 * DAY_S))
        off = [*range(-1_000, -200, 10), *range(200, 1_000, 10)]
        self.drift = Spans(spans(rates.drift, 30 * DAY_S, 30 * DAY_S, *off))
        self.lost = Spans(spans(rates.losses, 0.5 * HOUR_S, 12 * HOUR_S))
        self.dead = Spans(_deaths(draw, rates.death_percent_min, history.rises))

    def read(self, now_s: int) -> int:
        """Return what the probe reads; spikes come on top."""
        stuck = self.stuck.at(now_s)
        if stuck is not None:
            now_s = stuck.start_s
        value = self._history.level_mm(now_s) + _noise_mm(self.key, now_s)
        debris, drift = self.debris.at(now_s), self.drift.at(now_s)
        if debris is not None:
            value += debris.value
        if drift is not None:
            value += drift.value * (now_s - drift.start_s) // (drift.end_s - drift.start_s)
        return value

    def reach(self, now_s: int) -> bool:
        """Tell whether a reading taken now arrives."""
        return self.lost.at(now_s) is None and self._history.common.at(now_s) is None


class History:
    """All that happens to a station and its sensors in a number of years."""

    def __init__(self, seed: int, years: float, sensors: int, rates: Rates) -> None:
        """Draw it; the first sensors of a larger station meet the same as a smaller one's."""
        draw = random.Random(seed)
        self.until_s = int(years * YEAR_S)
        self.rises = _rises(draw, rates.rises, self.until_s)
        self._starts = [rise.start_s for rise in self.rises]
        count = _count(draw, rates.common_losses * self.until_s / YEAR_S)
        starts = [draw.randrange(self.until_s) for _ in range(count)]
        ends = [at + int(draw.uniform(0.5, 12) * HOUR_S) for at in starts]
        self.common = Spans([Span(a, b) for a, b in zip(starts, ends, strict=True)])
        seeds = [draw.getrandbits(64) for _ in range(sensors)]
        self.probes = [Probe(random.Random(s), rates, self.until_s, self) for s in seeds]

    def level_mm(self, now_s: int) -> int:
        """Return the river's true stage."""
        i = bisect_right(self._starts, now_s) - 1
        if i < 0 or now_s >= self.rises[i].end_s:
            return BASE_MM
        return BASE_MM + self.rises[i].above_mm(now_s)

    def happenings(self) -> list[tuple[int, int]]:
        """Return (start, end) of all that may move a vote, in order.

        Stuck, drifting and unheard sensors are lived through as they were whenever one of these
        happens; by themselves, in calm water, they raise nothing.
        """
        found = [(rise.start_s, rise.end_s) for rise in self.rises]
        for probe in self.probes:
            found += [(at, at + HOUR_S) for at, _ in probe.spikes]
            found += [(span.start_s, span.end_s) for span in probe.debris.spans]
        return sorted(found)


def _count(draw: random.Random, mean: float) -> int:
    # Poisson, by exponential gaps
    count, at = 0, draw.expovariate(1)
    while at < mean:
        count, at = count + 1, at + draw.expovariate(1)
    return count


def _rises(draw: random.Random, rate: float, until_s: int) -> list[Rise]:
    made: list[Rise] = []
    count = _count(draw, rate * until_s / YEAR_S)
    for start_s in sorted(draw.randrange(DAY_S, until_s - 2 * DAY_S) for _ in range(count)):
        rise = Rise(start_s, int(draw.uniform(30, 240) * 60), int(draw.uniform(700, 4_000)))
        if not made or start_s > made[-1].end_s + 3 * DAY_S:
            made.append(rise)
    return made


def _deaths(draw: random.Random, percent_min: float, rises: list[Rise]) -> list[Span]:
    found = []
    for rise in rises:
        wait_s = int(draw.expovariate(percent_min / 100 / 60)) if percent_min else YEAR_S
        if rise.height_mm > 2_000 - BASE_MM:
            from_s, to_s = rise.at(2_000 - BASE_MM)
            if from_s + wait_s < to_s:
                found.append(Span(from_s + wait_s, rise.end_s + DAY_S))
    return found


def _noise_mm(key: int, now_s: int) -> int:
    # about normal, 5 mm
    x = (now_s * 0x9E3779B1 + key) & 0xFFFFFFFF
    x = ((x ^ x >> 15) * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 13
    return ((x & 255) + (x >> 8 & 255) + (x >> 16 & 255) - 382) * 10 // 256


class Plain:
    """A plain rule: so many of these sensors with so many readings in a row over the limit."""

    def __init__(self, sensors: int, needed: int, in_a_row: int) -> None:
        """Begin in calm."""
        self.sensors, self._needed, self._in_a_row = sensors, needed, in_a_row
        self._rows = [(0, -YEAR_S)] * sensors  # how many in a row, and when the last came
        self._low_s = 0
        self.onsets: list[int] = []
        self.ends: list[int] = []

    def take(self, i: int, now_s: int, value: int) -> None:
        """Take one reading."""
        if i < self.sensors:
            self._rows[i] = (self._rows[i][0] + 1 if value >= ALARM_MM else 0, now_s)

    def decide(self, now_s: int) -> None:
        """Count the votes."""
        votes = [n >= self._in_a_row and now_s - at_s < VALIDITY_S for n, at_s in self._rows]
        standing = len(self.onsets) > len(self.ends)
        if sum(votes) >= self._needed:
            self._low_s = now_s
            if not standing:
                self.onsets.append(now_s)
        elif standing and now_s - self._low_s >= STATION["clear_s"]:
            self.ends.append(now_s)


class Guarded:
    """The real rules of one station and its siren, and people who reset it."""

    def __init__(self, sensors: int) -> None:
        """Begin in calm."""
        self.rules = vote.StationConfig(STATION)
        self.sensors = [vote.SensorState(str(i), VALIDITY_S, 5 * FAST_S) for i in range(sensors)]
        self.qualities = [SensorQuality(*QUALITY) for _ in range(sensors)]
        self.hazard = Hazard(STATION["clear_s"])
        self.state, self._limits = siren.State(), siren.Limits()
        self.onsets: list[int] = []
        self.ends: list[int] = []
        self.rules_that_sounded: list[str] = []

    def take(self, i: int, now_s: int, value: int) -> None:
        """Take one reading."""
        flags = self.qualities[i].judge(now_s, value, 0)
        vote.observe(self.rules, self.sensors[i], now_s, value, flags, vote.PROVED)

    def decide(self, now_s: int) -> None:
        """Vote, and let the siren follow."""
        result = vote.decide(self.rules, self.sensors, now_s)
        rule = self.hazard.take(result, now_s)
        was = self.state.annunciation
        if self.hazard.level != self.state.level:  # else the event would change nothing
            self._step(siren.Event(siren.HAZARD, level=self.hazard.level), now_s)
        now = self.state.annunciation
        if now == siren.SOUND and was != siren.SOUND:
            self.onsets.append(now_s)
            self.rules_that_sounded.append(rule)
        elif now != siren.SOUND and was == siren.SOUND:
            self.ends.append(now_s)
        if now == siren.LATCH and now_s - self.ends[-1] >= RESET_S:
            for kind in (siren.ACKNOWLEDGE, siren.RESET):
                self._step(siren.Event(kind, person="Anne"), now_s)

    def rate(self) -> int:
        """Return what the guard asks the nodes for."""
        if self.state.annunciation == siren.SOUND:
            return 2
        return 1 if self.hazard.level >= vote.WATCH else 0

    def calm(self) -> bool:
        """Tell whether nothing stands."""
        idle = self.state.annunciation == siren.IDLE and self.hazard.level == vote.NORMAL
        return idle and not any(s.votes[0] for s in self.sensors)

    def _step(self, event: siren.Event, now_s: int) -> None:
        self.state, _ = step(self.state, event, now_s, self._limits)


# sensors, votes needed, readings in a row
PLAIN = {
    "one sensor, at once": (1, 1, 1), "one sensor, 3 in a row": (1, 1, 3), "1 of 3": (3, 1, 3),
    "2 of 3": (3, 2, 3), "2 of 2": (2, 2, 3),
}  # fmt: skip


class Life:
    """One station lived through, reading by reading."""

    def __init__(self, history: History, skip: bool = True) -> None:
        """Begin at second 0; with ``skip`` quiet time is left out."""
        self.history, self._skip = history, skip
        count = len(history.probes)
        self.guarded = Guarded(count)
        self.plain = {name: Plain(*rule) for name, rule in PLAIN.items() if rule[0] <= count}
        self._decided_s, self._heard = 0, False
        self._spikes = [list(probe.spikes) for probe in history.probes]
        self.readings = 0
        self._nodes: list[Sampler] = []
        self._wakes: list[int] = []
        self._begin(0)

    def live(self) -> None:
        """Live to the end."""
        happenings = self.history.happenings()
        starts, busy_s, i, now_s = [a for a, _ in happenings], 0, 0, 0
        while now_s < self.history.until_s:
            while i < len(starts) and starts[i] <= now_s:
                busy_s = max(busy_s, happenings[i][1] + AFTER_S)
                i += 1
            if self._skip and now_s >= busy_s and self.guarded.calm():
                if i == len(starts):
                    return
                wake_s = starts[i] - self._before_s(starts[i])
                if wake_s > now_s:
                    now_s = wake_s
                    self._begin(now_s)
            now_s = self._turn(now_s)

    def _before_s(self, start_s: int) -> int:
        # a sensor that has been stuck counts as flat after 60 of the same
        probes = self.history.probes
        return BEFORE_STUCK_S if any(p.stuck.at(start_s) for p in probes) else BEFORE_S

    def _begin(self, now_s: int) -> None:
        probes = self.history.probes
        self._nodes = [Sampler(MARKS, now_s - p.phase_s) for p in probes]
        self._wakes = [n.wake_s() + p.phase_s for n, p in zip(self._nodes, probes, strict=True)]

    def _turn(self, now_s: int) -> int:
        # One instant: the nodes that wake now, then the guard; returns the next.
        for i, wake_s in enumerate(self._wakes):
            if wake_s <= now_s:
                self._wakes[i] = self._wake(i, self._nodes[i], self.history.probes[i], now_s)
        tick_s = self._decided_s + FAST_S  # the guard looks each second; here it may be late
        if self._heard or now_s >= tick_s:
            self._heard, self._decided_s = False, now_s
            self.guarded.decide(now_s)
            for plain in self.plain.values():
                plain.decide(now_s)
        next_s = min(self._wakes)
        return next_s if self.guarded.calm() else min(next_s, now_s + FAST_S)

    def _wake(self, i: int, node: Sampler, probe: Probe, now_s: int) -> int:
        tick_s, value = now_s - probe.phase_s, self._read(i, now_s)
        alive = probe.dead.at(now_s) is None
        if node.take_look(tick_s) is not None and alive:
            node.looked(tick_s, value)
        if node.take_due(tick_s) is not None and alive:
            node.reading(tick_s, value)
            if probe.reach(now_s):
                self._hear(i, now_s, value)
                node.hint(self.guarded.rate(), tick_s)
        blind = self._skip and not self._may_see(i, now_s, node.due_s + probe.phase_s)
        return (node.due_s if blind else node.wake_s()) + probe.phase_s

    def _may_see(self, i: int, now_s: int, due_s: int) -> bool:
        # Whether a look before the next sample may be at the alarm mark; else it changes nothing.
        probe, spikes = self.history.probes[i], self._spikes[i]
        if (spikes and spikes[0][0] <= due_s) or probe.stuck.at(now_s) or probe.debris.at(due_s):
            return True
        highest_mm = max(self.history.level_mm(now_s), self.history.level_mm(due_s))
        return highest_mm + MOST_OFF_MM >= ALARM_MM or probe.debris.at(now_s) is not None

    def _hear(self, i: int, now_s: int, value: int) -> None:
        self._heard = True
        self.readings += 1
        self.guarded.take(i, now_s, value)
        for plain in self.plain.values():
            plain.take(i, now_s, value)

    def _read(self, i: int, now_s: int) -> int:
        # A spike is one reading, the first after its time.
        value, spikes = self.history.probes[i].read(now_s), self._spikes[i]
        while spikes and spikes[0][0] <= now_s:
            at_s, high = spikes.pop(0)
            value = high if now_s - at_s <= INTERVAL_S else value
        return value


@dataclass(frozen=True, slots=True)
class Score:
    """What came of it."""

    floods: int
    missed: int
    false: int
    years: float
    false_at_s: tuple[int, ...] = ()
    missed_at_s: tuple[int, ...] = ()

    def __add__(self, other: Score) -> Score:
        """Add years to years."""
        return Score(
            self.floods + other.floods, self.missed + other.missed, self.false + other.false,
            self.years + other.years,
        )  # fmt: skip


def score(history: History, onsets: list[int], ends: list[int]) -> Score:
    """Compare when the siren began and ended with the river."""
    crossings = [(r, r.crossing_s) for r in history.rises if r.crossing_s is not None]
    until = [*ends, history.until_s][: len(onsets)]
    missed = [
        at_s for rise, at_s in crossings
        if not any(
            on <= at_s + LATE_S and (on >= rise.start_s or off > at_s)
            for on, off in zip(onsets, until, strict=True)
        )
    ]  # fmt: skip
    false = [on for on in onsets if not _rightly(history, on)]
    years = history.until_s / YEAR_S
    found = tuple(false), tuple(missed)
    return Score(len(crossings), len(missed), len(false), years, *found)


def _rightly(history: History, on_s: int) -> bool:
    low_mm = ALARM_MM - STATION["hysteresis_mm"]
    soon = [
        rise for rise in history.rises
        if rise.crossing_s is not None and 0 <= rise.crossing_s - on_s <= EARLY_S
    ]  # fmt: skip
    return bool(soon) or history.level_mm(on_s) >= low_mm
