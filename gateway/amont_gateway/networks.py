"""Judge the site's networks beside everything else, and tell people of each leak once.

The tests have no file of weights and need no model: they run on a thread of its own, so that
whatever becomes of it costs rivers, zones and readings nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.network_news import Seen, happened
from amont_gateway.places import Network, Places
from amont_gateway.windows import Windows

EVERY_S = 5.0  # domain time between looks; only a new hour costs anything
BEHIND_S = 1.0  # and while there is a past to judge, as after a start: half a core at most
PAUSE_S = 0.2  # real time between looks, however fast the domain's clock runs
HUNG_S = 60.0  # real time after which a look counts as hung
_FAULT = {"verdict": "unknown", "model_status": "fault"}

_log = structlog.get_logger("amont.gateway")


class Verdicts(Protocol):
    """The test of all networks; ``scoring.network_live.NetworkVerdicts`` is one."""

    behind: bool  # there is more to judge, although nothing new came

    @property
    def rules(self) -> Mapping[str, dict[str, Any]]:
        """Return by what settings each of its models judges."""

    def update(self, windows: Windows, now_ms: int) -> None:
        """Judge every network up to the last whole hour."""

    def network(self, network_id: str) -> dict[str, Any] | None:
        """Return the test's fields of ``view.Network``; None before the first verdict."""


class Networks:
    """One thread that judges, and the last verdicts."""

    def __init__(
        self,
        make: Callable[[], Verdicts],
        places: Places,
        windows: Windows,
        counters: Counters,
        events: Events,
        clock: Clock,
        record: Callable[[dict[str, Any]], None] = lambda _record: None,
    ) -> None:
        """Take how to make the test anew; ``record`` keeps what was said, and of what."""
        self._make = make
        self._places, self._windows, self._clock = places, windows, clock
        self._counters, self._events, self._record = counters, events, record
        self._lock = threading.Lock()
        self._verdicts: dict[str, dict[str, Any]] = {}
        self._told: dict[str, Seen] = {}
        self._began_s: float | None = None
        self._failed = ""

    def network(self, network_id: str) -> dict[str, Any]:
        """Return the test's fields of ``view.Network``, or why there are none."""
        began_s = self._began_s
        if self._failed or (began_s is not None and time.monotonic() - began_s > HUNG_S):
            return dict(_FAULT)
        with self._lock:
            return dict(self._verdicts.get(network_id, {}))

    def run(self, stopping: threading.Event) -> None:
        """Look every few seconds until told to stop."""
        verdicts: Verdicts | None = None
        looked_s = -EVERY_S
        while not stopping.wait(PAUSE_S):
            now_s = self._clock.monotonic_s()
            behind = verdicts is not None and verdicts.behind
            if now_s - looked_s >= (min(BEHIND_S, EVERY_S) if behind else EVERY_S):
                looked_s = now_s
                verdicts = self._look(verdicts)

    def _look(self, verdicts: Verdicts | None) -> Verdicts | None:
        self._began_s = time.monotonic()
        try:
            verdicts = verdicts or self._make()
            verdicts.update(self._windows, self._clock.wall_ms())
            said = {n.id: verdicts.network(n.id) or {} for n in self._places.networks}
        except Exception as error:  # whatever it is, the readings go on
            self._fail(error)
            return None  # made anew: what it held may be the reason
        finally:
            self._began_s = None
        self._failed = ""
        with self._lock:
            self._verdicts = said
        for network in self._places.networks:
            self._tell(network, said[network.id], verdicts.rules)
        return verdicts

    def _fail(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"[:200]
        if said != self._failed:
            _log.error("networks_failed", exc_info=True)
            self._events.note("network_fault", said)
        self._failed = said
        self._counters.add("network_faults")

    def _tell(
        self, network: Network, said: dict[str, Any], rules: Mapping[str, dict[str, Any]]
    ) -> None:
        """Note what is new since the last look, and keep a record of it."""
        if said.get("model_status") != "ok":
            return
        now = Seen(tuple(said["leaks"]), said["rung"], tuple(said["left_out"]))
        told = self._told.get(network.id)
        before = told or Seen()
        for kind, words, key in happened(before, now, network, self._places):
            self._events.note(kind, words, key=key)
        changed = not now.on_same_rung(before) or len(now.leaks) != len(before.leaks)
        if told is None or changed or now.news(before):
            self._record(self._story(network, said, rules[said["model"]]))
        self._told[network.id] = now

    @staticmethod
    def _story(network: Network, said: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
        """Return what a record tells: the verdict, each leak, and by which rule."""
        leaks = [
            {name: getattr(leak, name) for name in leak.__struct_fields__}
            for leak in said["leaks"]
        ]
        return {
            "kind": "seen network",
            "network": network.id,
            "verdict": said["verdict"],
            "heard": said["heard"],
            "rung": said["rung"],
            "left_out": said["left_out"],
            "rule": rule,
            "leaks": leaks,
        }
