"""Decide which sealed downlinks go to a network server, and when.

Rules
- A device of class A listens after its own uplinks only: what is published waits at the server
  until the next one. A node takes what answers one of its last 8 counters, so nothing old may
  wait there, and each answer is worth the newest only: acknowledgements are cumulative.
- One downlink a device waits at the server. A newer acknowledgement takes the place of one that
  waits here; configuration goes before acknowledgements, which come again.
- Nothing is sent for a frame that is no longer among the last 8: a server that sends a week again
  gets no week of answers.
- A ration (fair use of The Things Network: 10 a day) is spread over the day; a quarter of it is
  kept for answers to urgent frames, which their node repeats until it is answered.
- Parts of updates never go this way: a whole image would take weeks.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from amont_gateway.counters import Counters
from amont_guard.messages import Opened
from amont_wire.const import ACK, LIFE_MAX, UPDATE, URGENT

ANSWERABLE = 8  # counters back to which a node believes answers
# A server sends what waits with the next uplink and tells so within seconds. After both of these
# without a word the downlink never got there, or nobody tells.
FORGET_UPLINKS, FORGET_S = 2, 30.0
DAY_MS = 86_400_000
URGENT_SPACE_MS = 600_000  # between rationed answers to urgent frames
_LIVES = LIFE_MAX + 1


class Ration:
    """At most so many downlinks a node in any 24 hours, remembered over restarts."""

    def __init__(self, a_day: int, path: Path, now_ms: Callable[[], int]) -> None:
        self._a_day = a_day
        self._usual = a_day - a_day // 4
        self._path = path
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._times: dict[int, list[int]] = {}
        self._saved = ""

    def take(self, node: int, first: bool) -> bool:
        """Take one of the node's; ``first`` may use the part that is kept back."""
        now_ms = self._now_ms()
        with self._lock:
            # what lies ahead was taken before the clock was put back: it counts from now on
            known = [min(t, now_ms) for t in self._times.get(node, ())]
            times = [t for t in known if t > now_ms - DAY_MS]
            most, space_ms = self._usual, DAY_MS // self._usual
            if first:
                most, space_ms = self._a_day, URGENT_SPACE_MS
            allowed = len(times) < most and (not times or now_ms - times[-1] >= space_ms)
            self._times[node] = [*times, now_ms] if allowed else times
        return allowed

    def load(self) -> None:
        """Read what earlier runs used; a file that is not there or not ours begins anew."""
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            times = {int(node): [int(t) for t in told][-1000:] for node, told in kept.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return
        with self._lock:
            self._times = times

    def save(self) -> None:
        """Write what was used, if that has changed; a disk that refuses costs only the memory."""
        with self._lock:
            text = json.dumps(self._times)
        if text == self._saved:
            return
        temporary = self._path.with_suffix(".new")
        try:
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, self._path)
        except OSError:
            return
        self._saved = text


class Out(NamedTuple):
    """A downlink to publish now."""

    node: int
    frame: bytes
    name: str  # a UUID, under which the server may tell of it
    urgent: bool


class _Device:
    def __init__(self) -> None:
        self.generation = 0
        self.highest = 0  # uplink counter
        self.uplinks = 0  # heard that may be answered
        self.due = False  # one of them was not answered yet
        self.urgent = False
        self.held: bytes | None = None  # waits here
        self.held_at = 0  # uplinks then
        self.waiting = ""  # name of what waits at the server
        self.since = (0, 0.0)  # uplinks and time then


class Downlinks:
    """What waits for each device; called from any thread."""

    def __init__(
        self,
        counters: Counters,
        now_s: Callable[[], float],
        *,
        replaces: bool,
        ration: Ration | None = None,
    ) -> None:
        """``replaces``: what is published takes the place of what waits at the server."""
        self._counters = counters
        self._now_s = now_s
        self._replaces = replaces
        self.ration = ration
        self._lock = threading.Lock()
        self._devices: dict[int, _Device] = {}

    def heard(self, frame: Opened) -> None:
        """Take an authentic frame that came over LoRaWAN: it may be answered unless it is old."""
        generation = frame.epoch // _LIVES
        with self._lock:
            device = self._devices.setdefault(frame.node, _Device())
            if generation > device.generation:
                device.generation, device.highest = generation, 0
            if frame.counter + ANSWERABLE <= device.highest or generation < device.generation:
                self._counters.add("lorawan_late")
                return
            device.highest = max(device.highest, frame.counter)
            device.uplinks += 1
            device.due = True
            device.urgent = device.urgent or frame.type == URGENT

    def offer(self, items: list[tuple[int, bytes]]) -> list[Out]:
        """Take what the guard sealed; return what is to be published now, see ``gone``."""
        with self._lock:
            for node, frame in items:
                self._hold(node, frame)
            nodes = dict.fromkeys(node for node, _ in items)
            return [out for node in nodes if (out := self._release(node)) is not None]

    def gone(self, node: int, name: str) -> Out | None:
        """Take it that a downlink was sent, or dropped, or never got there; return the next."""
        with self._lock:
            device = self._devices.get(node)
            if device is None or not name:
                return None
            if device.waiting != name:  # the server is still at an older one: be patient
                device.since = (device.uplinks, self._now_s())
                return None
            device.waiting = ""
            return self._release(node)

    def joined(self, node: int) -> None:
        """Take it that the device began a new session: what waited for it is gone."""
        with self._lock:
            device = self._devices.get(node)
            if device is not None:
                device.waiting = ""

    def reconnected(self) -> None:
        """Take it that what was published before may have got lost."""
        with self._lock:
            for device in self._devices.values():
                device.waiting = ""

    def _hold(self, node: int, frame: bytes) -> None:
        kind = frame[0] & 15
        if kind == UPDATE:
            self._counters.add("lorawan_updates_refused")
            return
        device = self._devices.setdefault(node, _Device())
        if not device.due:
            self._counters.add("lorawan_downlinks_not_due")
            return
        if device.held is not None:
            self._counters.add("lorawan_downlinks_replaced")
            kept = device.held[0] & 15 != ACK and kind == ACK and not device.urgent
            if kept and device.uplinks - device.held_at < ANSWERABLE:
                return
        device.held, device.held_at = frame, device.uplinks

    def _release(self, node: int) -> Out | None:
        device = self._devices.get(node)
        if device is None or device.held is None or self._is_waiting(device):
            return None
        frame, device.held = device.held, None
        if device.uplinks - device.held_at >= ANSWERABLE:
            self._counters.add("lorawan_downlinks_stale")
            return None
        first = device.urgent or frame[0] & 15 != ACK
        if self.ration is not None and not self.ration.take(node, first):
            self._counters.add("lorawan_downlinks_held_back")
            return None
        out = Out(node, frame, str(uuid.uuid4()), device.urgent)
        device.due = device.urgent = False
        device.waiting, device.since = out.name, (device.uplinks, self._now_s())
        return out

    def _is_waiting(self, device: _Device) -> bool:
        if self._replaces or not device.waiting:
            return False
        uplinks, at_s = device.since
        if device.uplinks - uplinks < FORGET_UPLINKS or self._now_s() - at_s < FORGET_S:
            return True
        device.waiting = ""
        self._counters.add("lorawan_downlinks_untold")
        return False
