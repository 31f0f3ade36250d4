"""Hold the gateway's parts and threads together."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amont_gateway import texts
from amont_gateway.advise import Advisor, Scorer
from amont_gateway.carriers import Carriers
from amont_gateway.chronicle import Chronicle
from amont_gateway.clock import Clock, Steps, SystemClock
from amont_gateway.counters import Counters
from amont_gateway.database import Influx
from amont_gateway.events import Events
from amont_gateway.foreign import Foreign
from amont_gateway.guard_events import word_audit
from amont_gateway.guard_link import GuardLink
from amont_gateway.guard_words import word_fault
from amont_gateway.journal import BALLAST_BYTES, MARK_BYTES, Journal
from amont_gateway.keeping import Keeping
from amont_gateway.lorawan_ingest import LorawanPlan
from amont_gateway.mqtt_connection import Broker
from amont_gateway.networks import Networks, Verdicts
from amont_gateway.node_trends import NodeTrends
from amont_gateway.nodes import Nodes
from amont_gateway.places import Places
from amont_gateway.screens import Screens
from amont_gateway.state import GuardState, StateBuilder
from amont_gateway.storer import COMMIT_FRAMES, COMMIT_MS, Storer
from amont_gateway.updates import Updates
from amont_gateway.view import (
    Action,
    Demo,
    DryRun,
    HistoryState,
    IncidentLine,
    LorawanState,
    Result,
    Training,
    View,
)
from amont_gateway.windows import Windows
from amont_gateway.worker import Crew
from amont_guard.messages import Opened

REBUILD_SAMPLES = 200_000  # newest samples read back into the windows at start
FORECASTS_S = 60.0  # domain time between looks at the forecasts
_AHEAD_MS = 60_000  # a reading dated later than that comes from a clock that was ahead
_ROUND_S = 0.25
_STOP_S = 5.0


@dataclass(frozen=True)
class Options:
    """What a site's operator may set."""

    broker: Broker | None = None
    lorawan: LorawanPlan | None = None
    influx: Influx | None = None
    commit_ms: int = COMMIT_MS
    commit_frames: int = COMMIT_FRAMES
    mark_bytes: int = MARK_BYTES
    ballast_bytes: int = BALLAST_BYTES
    retention_days: int | None = 400
    foreign: Mapping[str, Broker] = field(default_factory=dict)  # by the id of the source


class Gateway:
    """The gateway's parts and threads."""

    def __init__(
        self,
        places: Places,
        data_dir: Path,
        guard_socket: Path,
        options: Options,
        *,
        clock: Clock | None = None,
        load_models: Callable[[], Scorer] | None = None,
        make_networks: Callable[[], Verdicts] | None = None,
        demo: Callable[[], Demo | None] = lambda: None,
        training: Callable[[], Training | None] = lambda: None,
    ) -> None:
        """Build everything; nothing starts and no file is touched before ``start``."""
        self._clock = clock or SystemClock()
        self.places = places
        self.counters = Counters()
        self.events = Events(self.counters, self._clock.wall_ms)
        self.windows = Windows(places.window_keys())
        self.nodes = Nodes(self.events, NodeTrends(data_dir))
        self._crew = Crew()
        days = options.retention_days
        self.journal = Journal(
            data_dir / "journal.db",
            mark_bytes=options.mark_bytes,
            ballast_bytes=options.ballast_bytes,
            retention_ms=None if days is None else days * 86_400_000,
            note=self.events.note,
        )
        self.link = GuardLink(guard_socket, self.counters, self.events)
        self.link.listen(self)
        self._screens = Screens(places, self.windows)
        self.advisor = self._make_advisor(load_models)
        self._networks = self._make_networks(make_networks)
        self._foreign = self._make_foreign(options)
        self.storer = self._make_storer(options)
        self._updates = Updates(data_dir, self.link, self.counters, self.events)
        self._chronicle = Chronicle(places, data_dir, self.counters, self.events, self._clock)
        self._carriers = self._make_carriers(data_dir, options)
        self.keeping = self._make_keeping(data_dir, options.influx)
        self._guard_state = GuardState(self._clock)
        self._guard_faults: set[str] = set()
        self._state = StateBuilder(
            places,
            self._guard_state,
            self.windows,
            self.nodes,
            self.advisor,
            self,
            self.counters,
            self.events,
            self._clock,
            demo,
            training,
            self._networks.network if self._networks else lambda _id: {},
            self._foreign.sources,
        )

    @property
    def failed(self) -> BaseException | None:
        """Return the bug that ended a thread, None if all is well."""
        return self._crew.failed

    @property
    def stopping(self) -> threading.Event:
        """Return the event that is set when the gateway stops or has failed."""
        return self._crew.stopping

    def start(self) -> None:
        """Start all threads; one of them fills the windows from the journal and ends."""
        self.journal.path.parent.mkdir(parents=True, exist_ok=True)
        crew, stopping = self._crew, self._crew.stopping
        had_journal = self.journal.path.exists()
        self.windows.whole = not had_journal
        crew.start("storer", lambda: self.storer.run(stopping))
        crew.start("guard-reader", lambda: self.link.run_reader(stopping))
        crew.start("guard-writer", lambda: self.link.run_writer(stopping))
        self._chronicle.start(crew, stopping)
        crew.start("advise", lambda: self.advisor.run(stopping))
        if self._networks is not None:
            networks = self._networks
            crew.start("networks", lambda: networks.run(stopping))
        self._carriers.start(crew)
        self._foreign.start(crew)
        self.nodes.trends.load()
        self.keeping.start(crew)
        if had_journal:
            crew.start("rebuild", self._rebuild)  # acknowledging does not wait for it
        crew.start("watch", self._watch)

    def stop(self) -> list[str]:
        """Stop cleanly: what was taken is committed; return threads that did not stop."""
        return self._crew.join(_STOP_S)

    def view(self) -> View:
        """Return the present snapshot of everything that people see."""
        return self._state.view()

    def version(self) -> int:
        """Return a number that grows whenever the view has changed."""
        return self._state.version

    def act(self, action: Action) -> Result:
        """Pass a person's wish to the guard and wait for its answer."""
        return self.link.act(action, self._clock.wall_ms())

    def dry_run(self, station: str, limits_mm: list[int]) -> DryRun:
        """Try four limits on the past beside those in force: see ``Chronicle.dry_run``."""
        present = {s.id: s.thresholds for s in self.view().stations}[station]
        return self._chronicle.dry_run(station, limits_mm, present)

    def incidents(self) -> list[IncidentLine]:
        """Return the incidents on record, newest first; raise sqlite3.Error."""
        return self._chronicle.incidents()

    def incident(self, number: int, lang: str) -> str | None:
        """Return an incident's report as HTML, None if there is none: see ``Chronicle``."""
        return self._chronicle.incident(number, lang, self.view().training is not None)

    def states(self) -> dict[str, str]:
        """Return the states of database, broker and journal."""
        return {
            "database": self.keeping.state,
            "broker": self._carriers.broker,
            "journal": self.journal.state,
        }

    def history(self) -> HistoryState | None:
        """Return how the database is and what waits for it, None without one."""
        return self.keeping.history.status if self.keeping.history else None

    def lorawan(self) -> LorawanState | None:
        """Return how LoRaWAN is, None without it."""
        return self._carriers.lorawan

    # What the guard says; called on the link's reader thread.

    def opened(self, frames: list[Opened]) -> None:
        """Take authentic frames."""
        frames = self._carriers.opened(frames)
        self.storer.take(frames)
        self._updates.opened(frames)

    def rejected(self, items: list[tuple[int, int, int]]) -> None:
        """Count and word what the guard refused."""
        self.counters.add("frames_rejected", len(items))
        for _, node, reason in items:
            known = reason if reason < len(texts.REJECTION_KINDS) else 0
            self.events.note(texts.REJECTION_KINDS[known], node=node)

    def downlinks(self, items: list[tuple[int, bytes]]) -> None:
        """Carry sealed downlinks to their nodes."""
        self._carriers.downlinks(items)

    def state(self, state: dict[str, Any]) -> None:
        """Take the guard's state."""
        self._guard_state.take(state)
        self._chronicle.state(state)
        faults = [f for f in state.get("faults") or () if isinstance(f, dict)]
        keys = {_fault_key(fault): fault for fault in faults}
        for key in keys.keys() - self._guard_faults:
            self.events.note("guard_fault", word_fault(keys[key], self.places.names), key=key)
        self._guard_faults = set(keys)

    def audit(self, record: dict[str, Any]) -> None:
        """Show one of the guard's decisions."""
        self.counters.add("guard_audit_records")
        self._chronicle.audit(record)
        self._guard_state.audit(record)
        worded = word_audit(record, self.places.names)
        if worded is not None:
            kind, detail, key = worded
            self.events.note(kind, detail, key=key)

    def _make_advisor(self, load_models: Callable[[], Scorer] | None) -> Advisor:
        return Advisor(
            load_models,
            self.places,
            self.windows,
            self.link,
            self.counters,
            self.events,
            self._clock,
            self._screen,
            lambda record: self._chronicle.saw(record),
        )

    def _make_networks(self, make: Callable[[], Verdicts] | None) -> Networks | None:
        if make is None or not self.places.networks:
            return None
        return Networks(
            make,
            self.places,
            self.windows,
            self.counters,
            self.events,
            self._clock,
            lambda record: self._chronicle.saw(record),
        )

    def _make_carriers(self, data: Path, options: Options) -> Carriers:
        return Carriers(
            self.places.site,
            data,
            options.broker,
            options.lorawan,
            self.link,
            self.counters,
            self.events,
            self._clock,
        )

    def _make_storer(self, options: Options) -> Storer:
        return Storer(
            self.journal,
            self.link,
            self.windows,
            self.nodes,
            self.counters,
            self.events,
            self._clock,
            commit_ms=options.commit_ms,
            commit_frames=options.commit_frames,
            valid_ms=self.places.valid_ms(),
            rate_of=self.advisor.rate_of,
            beside=self._foreign.store,
        )

    def _make_foreign(self, options: Options) -> Foreign:
        return Foreign(
            self.places,
            self.journal,
            self.windows,
            options.broker,
            options.foreign,
            self.counters,
            self.events,
            self._clock,
        )

    def _make_keeping(self, data: Path, target: Influx | None) -> Keeping:
        return Keeping(
            self.places,
            data,
            self.journal,
            self.windows,
            target,
            self.counters,
            self.events,
            self._clock,
        )

    def _screen(self) -> None:
        """Doubt what came; history learns of it even where it has the reading already."""
        doubts = self._screens.update()
        if doubts:
            self.keeping.doubts(doubts)

    def _rebuild(self) -> None:
        """Fill the windows from the journal; a journal that cannot be read leaves them empty."""
        try:
            self._refill()
        except sqlite3.Error as error:
            self.events.note("journal_fault", str(error), key="rebuild")
        self._forget_the_future()
        self.windows.filled()

    def _refill(self) -> None:
        if not self.journal.path.exists():
            return
        reader = self.journal.reader()
        try:
            last = reader.last_id() - REBUILD_SAMPLES
            while not self._crew.stopping.is_set():
                seen, pairs = reader.after(max(0, last))
                self.windows.add([sample for _, sample in pairs])
                if seen <= last:
                    return
                last = seen
        finally:
            reader.close()

    def _forget_the_future(self) -> None:
        """Show nothing dated ahead of us: it would hide what comes now."""
        self.windows.forget_after(self._clock.wall_ms() + _AHEAD_MS)

    def _watch(self) -> None:
        """Offer states to history, remember forecasts, notice jumps of the clock."""
        looked_s = -FORECASTS_S
        steps = Steps(self._clock)
        while not self._crew.stopping.wait(_ROUND_S):
            step_s = steps.look()
            if step_s:
                self.events.note("clock_jump", f"{step_s:+.0f}", key=f"{step_s:.0f}")
                self._forget_the_future()
            now_s = self._clock.monotonic_s()
            self._chronicle.link(self.link.connected)
            if now_s - looked_s >= FORECASTS_S:
                looked_s = now_s
                self._chronicle.forecasts(
                    (s.id, self.advisor.forecast(s.id)) for s in self.places.stations
                )
                self.nodes.trends.save()
                self._carriers.save()
                self._chronicle.zones((z.id, self.advisor.zone(z.id)) for z in self.places.zones)
            self._foreign.look()
            self.keeping.watch(self.view)


def _fault_key(fault: dict[str, Any]) -> str:
    return " ".join(str(fault.get(name) or "") for name in ("kind", "about", "detail"))
