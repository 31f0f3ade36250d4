"""Prove a station end to end: follow the node's console until the guard has answered it.

``Follower`` is pure: lines and times in, steps out. What a console says may be noise, half a line
or a lie; the proof is an acknowledgement that the node opened with its key, for a frame that it
sent while we watched, which covers a sample that it took while we watched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

PREFIX = "amont "
LINE_CHARACTERS_MAX = 2_048
LINES_MAX = 20_000  # what a console may print until we call it broken
FAULTS_KEPT = 8
COUNTER_MAX = (1 << 32) - 1
TICK_MAX = 1 << 28
RSSI_DBM_MIN, RSSI_DBM_MAX = -256, 127
RSSI_WEAK_DBM = -115  # 8 dB over the sensitivity of SF9: rain and leaves take as much

OK, FAILED, WAITING = "ok", "failed", "waiting"
BOOT, SAMPLE, SENT, ACK = "boot", "sample", "sent", "ack"
ORDER = (BOOT, SAMPLE, SENT, ACK)
Json = dict[str, Any]


@dataclass
class Step:
    """One thing that was to be proved, and what came of it.

    ``code`` and ``values`` make its one line: what was seen, or what to do next.
    """

    name: str
    state: str
    code: str
    values: Json = field(default_factory=dict)
    seconds: float | None = None

    def json(self) -> Json:
        """Return it as ``--json`` and the logbook have it."""
        return {"step": self.name, "state": self.state, "code": self.code, **self._rest()}

    def _rest(self) -> Json:
        seconds = None if self.seconds is None else round(self.seconds, 1)
        return {"values": self.values, "seconds": seconds}


@dataclass(frozen=True)
class Expected:
    """A channel as the site has it: its sensor, and the bounds of what is plausible."""

    sensor: str
    index: int
    low: int
    high: int


class Follower:
    """Take the console's lines; know which steps are proved."""

    def __init__(self, node: int, channels: Sequence[Expected], began_s: float) -> None:
        self._node = node
        self._channels = {channel.index: channel for channel in channels}
        self._began_s = began_s
        self._sent: set[int] = set()  # counters of frames that we saw leaving
        self._samples: set[tuple[int, int]] = set()  # (life, seq) that we saw being taken
        self.values: dict[str, set[int]] = {channel.sensor: set() for channel in channels}
        self.steps: dict[str, Step] = {}
        self.faults: list[str] = []
        self.noise = 0  # lines that are no event
        self._answered = False  # the guard answered, if only for other samples

    @property
    def finished(self) -> bool:
        """Tell whether waiting on is of no use: all is known, the wrong node, only noise."""
        known = all(name in self.steps for name in ORDER)
        return known or self._wrong_board or self.noise > LINES_MAX

    @property
    def _wrong_board(self) -> bool:
        return BOOT in self.steps and self.steps[BOOT].state == FAILED

    def take(self, line: str, at_s: float) -> Step | None:
        """Take one line; return the step that it proved or failed, if that is news."""
        event = _event(line)
        if event is None:
            self.noise += 1
            return None
        handler = {
            "boot": self._boot, "sample": self._sample, "sent": self._frame, "ack": self._ack,
            "fault": self._fault,
        }.get(event["event"])  # fmt: skip
        step = handler(event) if handler else None
        before = self.steps.get(step.name) if step else None
        if step is None or (before is not None and not _better(step, before)):
            return None
        step.seconds = at_s - self._began_s
        self.steps[step.name] = step
        return step

    def in_order(self) -> list[Step]:
        """Return the steps that are known, in the order in which they have to come."""
        return [self.steps[name] for name in ORDER if name in self.steps]

    def rest(self, seconds: float) -> list[Step]:
        """Return what was not seen in the time: the first as failed, the others as not reached."""
        found: list[Step] = []
        for name in ORDER:
            if name in self.steps:
                continue
            if found or self._wrong_board:
                found.append(Step(name, WAITING, "verify-waiting"))
            else:
                found.append(self._overdue(name, seconds))
        return found

    def _overdue(self, name: str, seconds: float) -> Step:
        faults = f" ({'; '.join(self.faults)})" if self.faults else ""
        told: Json = {"faults": faults, "seconds": round(seconds)}
        if name == ACK and self._answered:
            return Step(name, FAILED, "verify-ack-other", told)
        return Step(name, FAILED, f"verify-no-{name}", told)

    def _boot(self, event: Json) -> Step | None:
        state, node = event.get("state"), event.get("node")
        if isinstance(state, str):
            return Step(BOOT, FAILED, "verify-boot-state", {"state": _shown(state)})
        if node != self._node:
            told = {"node": self._node, "found": _shown(node)}
            return Step(BOOT, FAILED, "verify-other-node", told)
        shown = {k: _shown(event.get(k)) for k in ("release", "slot", "config")}
        return Step(BOOT, OK, "verify-boot", {"node": self._node, **shown})

    def _sample(self, event: Json) -> Step | None:
        life, seq = _number(event, "life"), _number(event, "seq")
        values = event.get("values")
        if life is None or seq is None or not isinstance(values, list):
            return None
        self._samples.add((life, seq))
        doubt = self._judge(values)
        if doubt is not None:
            return Step(SAMPLE, FAILED, *doubt)
        for index, value, _ in values:
            self.values[self._channels[index].sensor].add(value)
        shown = ", ".join(f"{self._channels[v[0]].sensor} {v[1]}" for v in values)
        return Step(SAMPLE, OK, "verify-sample", {"values": shown})

    def _judge(self, values: list[Any]) -> tuple[str, Json] | None:
        """Return why a sample is in doubt, None if every channel has a plausible, good value."""
        if not all(isinstance(v, list) and len(v) == 3 for v in values):
            return "verify-sample-form", {}
        found = {v[0]: v for v in values if isinstance(v[0], int)}
        for index, channel in self._channels.items():
            _, value, quality = found.get(index, (index, None, 4))
            told: Json = {"sensor": channel.sensor}
            if quality != 0 or not _whole(value, -(1 << 31), 1 << 31):
                return "verify-quality", told | {"quality": _shown(quality)}
            if not channel.low <= value <= channel.high:
                bounds = {"value": value, "low": channel.low, "high": channel.high}
                return "verify-range", told | bounds
        return None if set(found) == set(self._channels) else ("verify-sample-form", {})

    def _frame(self, event: Json) -> Step | None:
        counter, life = _number(event, "counter", COUNTER_MAX), _number(event, "life")
        first, last = _number(event, "first"), _number(event, "last")
        if not counter:
            return None
        self._sent.add(counter)
        if first is None or last is None:  # of no samples: a hello, a health message
            return None
        if not any(at == life and first <= seq <= last for at, seq in self._samples):
            return None  # of the past
        return Step(SENT, OK, "verify-sent", {"counter": counter})

    def _ack(self, event: Json) -> Step | None:
        counter, life = _number(event, "counter", COUNTER_MAX), _number(event, "life")
        covered = [seq for at, seq in self._samples if at == life and _covers(event, seq)]
        self._answered = self._answered or counter in self._sent
        if counter not in self._sent or not covered:
            return None
        rssi = event.get("rssi_dbm")
        rssi = rssi if _whole(rssi, RSSI_DBM_MIN, RSSI_DBM_MAX) and rssi else None
        shown = {"counter": counter, "life": life, "seq": max(covered), "rssi_dbm": rssi}
        if rssi is None:  # no radio, or one that does not tell
            return Step(ACK, OK, "verify-ack-no-rssi", shown)
        return Step(ACK, OK, "verify-ack" if rssi >= RSSI_WEAK_DBM else "verify-ack-weak", shown)

    def _fault(self, event: Json) -> None:
        text = _shown(event.get("text") or event.get("why") or event.get("fault"))
        if text not in self.faults and len(self.faults) < FAULTS_KEPT:
            self.faults.append(text)


def follow(
    lines: Callable[[float], Iterable[str]],
    follower: Follower,
    timeout_s: float,
    clock: Callable[[], float],
    told: Callable[[Step], None],
) -> None:
    """Feed the follower from a port until it is finished or time is up; tell each step's news."""
    began_s = clock()
    for line in lines(timeout_s):
        step = follower.take(line, clock())
        if step is not None:
            told(step)
        if follower.finished or clock() - began_s >= timeout_s:
            break
    for step in follower.rest(clock() - began_s):
        follower.steps[step.name] = step
        told(step)


def _better(step: Step, before: Step) -> bool:
    """Tell whether a step is news: a failure that came right. Nothing proved is taken back."""
    return step.state == OK and before.state == FAILED


def _event(line: str) -> Json | None:
    start = line.find(PREFIX)
    if start < 0 or len(line) > LINE_CHARACTERS_MAX:
        return None
    try:
        value = json.loads(line[start + len(PREFIX) :])
    except (ValueError, RecursionError):
        return None
    good = isinstance(value, dict) and isinstance(value.get("event"), str)
    return value if good else None


def _covers(ack: Json, seq: int) -> bool:
    """Tell whether an acknowledgement says that the guard's side has this sample for good."""
    through, bits = ack.get("through"), ack.get("bits", 0)
    if through is not None and not _whole(through, -1, TICK_MAX):
        return False
    if through is not None and seq <= through:
        return True
    place = seq - (0 if through is None else through + 1)
    return _whole(bits, 0, 1 << 64) and 0 <= place < 64 and bool(bits >> place & 1)


def _number(event: Json, name: str, most: int = TICK_MAX) -> int | None:
    value = event.get(name)
    return value if isinstance(value, int) and _whole(value, 0, most) else None


def _shown(value: object) -> str:
    """Return a value from the console as something that may be printed."""
    text = "-" if value is None else str(value)
    return "".join(c for c in text if c.isprintable())[:80] or "-"


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
