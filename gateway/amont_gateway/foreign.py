"""Hold together what takes other people's sensors in: their brokers, their mapping, their place.

Nothing of it knows the guard. A source whose messages say when they were measured is subscribed
so that the broker keeps them while the gateway is away; of the others it would only keep readings
that nobody could date, so those it need not keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.foreign_intake import ForeignIntake
from amont_gateway.foreign_store import ForeignStore
from amont_gateway.journal import Journal
from amont_gateway.mqtt_connection import Broker, MqttConnection
from amont_gateway.places import Places
from amont_gateway.readings import FOREIGN
from amont_gateway.view import ForeignSource as Shown
from amont_gateway.windows import Windows
from amont_gateway.worker import Crew
from amont_site.foreign import ForeignSource

KEPT_QOS, UNDATED_QOS = 1, 0


def brokers_of(
    sources: Iterable[ForeignSource], environment: Mapping[str, str]
) -> dict[str, Broker]:
    """Return the brokers that sources have of their own; who we are there is in the environment.

    ``AMONT_FOREIGN_<ID>_USER``, ``_PASSWORD`` and ``_CA`` (a file), hyphens as ``_``.
    """
    found = {}
    for source in sources:
        if source.broker is None:
            continue
        told, name = source.broker, f"AMONT_FOREIGN_{source.id.upper().replace('-', '_')}"
        user, password = (environment.get(f"{name}_{x}") for x in ("USER", "PASSWORD"))
        ca = environment.get(f"{name}_CA")
        ca_file = Path(ca) if ca else None
        found[source.id] = Broker(
            told.host, told.port, user, password, ca_file=ca_file, tls=told.tls
        )
    return found


class Foreign:
    """All sources of one site; without any it does nothing."""

    def __init__(
        self,
        places: Places,
        journal: Journal,
        windows: Windows,
        broker: Broker | None,
        brokers: Mapping[str, Broker],
        counters: Counters,
        events: Events,
        clock: Clock,
    ) -> None:
        """Take the site's broker, and those of the sources that have one of their own by id."""
        mine = [s for s in places.sensors if s.node == FOREIGN]
        self._store = ForeignStore(journal, windows, counters, events, clock, mine)
        self._intake = ForeignIntake(
            places.foreign, places.time_zone, self._store, counters, events, clock
        )
        self._connections: dict[str, MqttConnection] = {}
        self._broker_of = {s.id: s.id if s.broker else "" for s in places.foreign}
        groups: dict[str, list[ForeignSource]] = {}
        for source in places.foreign:
            groups.setdefault(source.id if source.broker else "", []).append(source)
        for name, sources in groups.items():
            where = brokers.get(name) if name else broker
            if where is None:
                continue
            client = "-".join(
                part for part in ("amont-gateway", places.site, "foreign", name) if part
            )
            self._connections[name] = MqttConnection(
                client,
                where,
                _subscriptions(sources),
                self._intake.message,
                events,
                about=" ".join(
                    part for part in ("capteurs tiers / foreign sensors", name) if part
                ),
            )

    def start(self, crew: Crew) -> None:
        """Start a thread for each broker."""
        for name, connection in self._connections.items():
            crew.start(f"foreign {name}".strip(), partial(connection.run, crew.stopping))

    def store(self) -> None:
        """Commit what waits, then ask for what found no room; on the journal's one thread."""
        self._store.store()
        for name in {self._broker_of[source] for source in self._store.owing()}:
            connection = self._connections.get(name)
            if connection is not None:
                connection.renew()

    def look(self) -> None:
        """Note the sources that are silent; called often."""
        self._intake.look()

    def sources(self) -> list[Shown]:
        """Return how each source is; of one whose broker is not there that comes first."""
        found = self._intake.sources()
        for source in found:
            connection = self._connections.get(self._broker_of.get(source.id, ""))
            if connection is None or connection.state != "ok":
                source.state = "cut"
        return found

    def states(self) -> dict[str, str]:
        """Return the states of the brokers, "" for the site's own."""
        return {name: connection.state for name, connection in self._connections.items()}


def _subscriptions(sources: list[ForeignSource]) -> list[tuple[str, int]]:
    """Return the topics of sources, each once at the better of its qualities."""
    found: dict[str, int] = {}
    for source in sources:
        qos = KEPT_QOS if source.dated else UNDATED_QOS
        found[source.topic_filter] = max(qos, found.get(source.topic_filter, UNDATED_QOS))
    return list(found.items())
