"""Take other people's sensors' messages from brokers: bounded, counted, and never with a vote.

Each topic has an allowance: enough for a server that sends a week again, and little more, so that
a sensor gone mad costs its own readings only. What is refused is acknowledged, since it would be
refused again, and counted by its source and reason.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.foreign_mapping import Mapped, Mapping, Refusal
from amont_gateway.foreign_store import Acknowledge, ForeignStore
from amont_gateway.foreign_words import refusal_text, silent_text
from amont_gateway.view import ForeignSource as Shown
from amont_site.foreign import ForeignSource

WEEK_S = 7 * 86_400
BURST_LEAST, BURST_MOST = 600, 20_000  # messages of one topic at once
PACE = 4  # messages an interval, in the long run
TOPICS_MOST = 2_000  # whose allowance is remembered; then the one not heard for longest goes
SILENT_LEAST_S = 900
SILENT_INTERVALS = 3
LOOK_S = 10.0

_log = structlog.get_logger("amont.gateway")


class Allowances:
    """How many more messages each topic may send now; in domain time."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, topic: str, interval_s: int, now_s: float) -> bool:
        """Take one message off a topic's allowance; False if there is none left."""
        burst = min(BURST_MOST, max(BURST_LEAST, WEEK_S // interval_s))
        left, since_s = self._left.pop(topic, (float(burst), now_s))
        left = min(burst, left + max(0.0, now_s - since_s) * PACE / interval_s)
        allowed = left >= 1.0
        self._left[topic] = (left - 1.0 if allowed else left), now_s
        if len(self._left) > TOPICS_MOST:
            self._left.popitem(last=False)
        return allowed


@dataclass
class _Heard:
    """What came of one source since the start."""

    messages: int = 0
    readings: int = 0
    repeated: int = 0
    last_ms: int | None = None
    refused: Counter[str] = field(default_factory=Counter)
    silent: bool = False


class ForeignIntake:
    """The sources of one site; ``message`` belongs to their connections' threads."""

    def __init__(
        self,
        sources: Sequence[ForeignSource],
        time_zone: str,
        store: ForeignStore,
        counters: Counters,
        events: Events,
        clock: Clock,
    ) -> None:
        self._mappings = [Mapping(source, time_zone) for source in sources]
        self._store, self._counters, self._events = store, counters, events
        self._clock = clock
        self._lock = threading.Lock()
        self._allowances = Allowances()
        self._heard = {source.id: _Heard() for source in sources}
        self._began_s = clock.monotonic_s()
        self._looked_s = self._began_s
        store.kept = self._kept
        store.refused = self._refuse

    def message(
        self, topic: str, payload: bytes, retained: bool, acknowledge: Acknowledge
    ) -> None:
        """Take one message: its readings go to the journal, then it is acknowledged."""
        mine = [m for m in self._mappings if m.matches(topic)]
        if not mine:  # of a source that the site's file no longer has
            self._counters.add("foreign_unmatched")
        mapped = [(m.source.id, self._mapped(m, topic, payload, retained)) for m in mine]
        jobs = [(source, m.readings) for source, m in mapped if m.readings]
        if not jobs:
            acknowledge()
            return
        last = _After(len(jobs), acknowledge)
        for source, readings in jobs:
            self._store.take(source, readings, last)

    def sources(self) -> list[Shown]:
        """Return how each source is."""
        with self._lock:
            return [self._shown(m.source, self._heard[m.source.id]) for m in self._mappings]

    def look(self) -> None:
        """Note the sources of which nothing has come for too long; called often."""
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        for mapping in self._mappings:
            source, after_s = mapping.source, silent_after_s(mapping.source)
            with self._lock:
                heard = self._heard[source.id]
                newly = self._is_silent(heard, after_s) and not heard.silent
                heard.silent = self._is_silent(heard, after_s)
            if newly:
                text = silent_text(source.id, source.topic, after_s, heard.messages)
                self._counters.add("foreign_silent")
                self._events.note("foreign_silent", text, key=source.id)

    def _is_silent(self, heard: _Heard, after_s: int) -> bool:
        if heard.last_ms is None:
            return self._clock.monotonic_s() - self._began_s > after_s
        return self._clock.wall_ms() - heard.last_ms > after_s * 1000

    def _mapped(self, mapping: Mapping, topic: str, payload: bytes, retained: bool) -> Mapped:
        source, now_s = mapping.source, self._clock.monotonic_s()
        with self._lock:
            self._heard[source.id].messages += 1
            allowed = self._allowances.take(f"{source.id} {topic}", source.interval_s, now_s)
        self._counters.add("foreign_messages")
        if not allowed:
            mapped = Mapped([], [Refusal("flood", "", topic[:80])])
        else:
            mapped = self._read(mapping, topic, payload, retained)
        for refusal in mapped.refused:
            # a device need not tell everything each time; if it told nothing, that is news
            is_news = refusal.why != "path" or not mapped.readings
            self._refuse(source.id, refusal, is_news)
        return mapped

    def _read(self, mapping: Mapping, topic: str, payload: bytes, retained: bool) -> Mapped:
        try:
            return mapping.map(topic, payload, self._clock.wall_ms(), retained)
        except Exception as error:  # a bug: the message would come again at each start
            _log.error("foreign_mapping_failed", topic=topic[:200], exc_info=True)
            return Mapped([], [Refusal("malformed", "", type(error).__name__)])

    def _refuse(self, source: str, refusal: Refusal, is_news: bool = True) -> None:
        with self._lock:
            self._heard[source].refused[refusal.why] += 1
        self._counters.add(f"foreign_{refusal.why}")
        if is_news:
            text = refusal_text(source, refusal)
            self._events.note("foreign_refused", text, key=f"{source} {refusal.why}")

    def _kept(self, source: str, new: int, repeated: int) -> None:
        with self._lock:
            heard = self._heard[source]
            heard.readings += new
            heard.repeated += repeated
            heard.last_ms = self._clock.wall_ms()

    def _shown(self, source: ForeignSource, heard: _Heard) -> Shown:
        silent = self._is_silent(heard, silent_after_s(source))
        state = "silent" if silent else "waiting" if heard.last_ms is None else "heard"
        return Shown(
            id=source.id,
            name={"fr": source.name.fr, "en": source.name.en},
            topic=source.topic,
            state=state,
            messages=heard.messages,
            readings=heard.readings,
            repeated=heard.repeated,
            last_ms=heard.last_ms,
            refused=dict(sorted(heard.refused.items())),
        )


class _After:
    """Acknowledges once all of several are done; they are done on one thread."""

    def __init__(self, count: int, acknowledge: Acknowledge) -> None:
        self._left, self._acknowledge = count, acknowledge

    def __call__(self) -> None:
        self._left -= 1
        if not self._left:
            self._acknowledge()


def silent_after_s(source: ForeignSource) -> int:
    """Return how long nothing usable may come of a source before people are told."""
    return max(SILENT_LEAST_S, SILENT_INTERVALS * source.interval_s)
