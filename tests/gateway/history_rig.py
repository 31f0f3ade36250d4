"""A journal and a history thread: the test plays the storer and, if it likes, the server."""

from __future__ import annotations

import threading

from amont_gateway.counters import Counters
from amont_gateway.database import Away, BadLines
from amont_gateway.doubts import Doubts
from amont_gateway.events import Events
from amont_gateway.history import CONSUMER, History
from amont_gateway.journal import Journal
from amont_gateway.quarantine import Quarantine
from amont_gateway.readings import Sample, pack_channels

T_MS = 1_800_000_000_000


def sample(seq, value=1200, flags=0, node=17):
    channels = pack_channels([(0, 1, 0, value)])
    return Sample(node, 4097, seq, T_MS + seq * 1000, 0, T_MS, flags, channels)


class Rig:
    """A journal and a history thread that begins with ``start``."""

    def __init__(self, folder, places, clock, writer, settle_s=0.0, doubt=lambda _s, _t: 0):
        self.journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0, cursor_s=0.0)
        self.quarantine = Quarantine(folder / "quarantine.db")
        self.doubts = Doubts(folder / "doubts.db")
        self.counters = Counters()
        self.events = Events(self.counters, clock.wall_ms)
        self.history = History(
            "essai",
            places.tags(),
            self.journal,
            writer,
            self.counters,
            self.events,
            clock,
            doubt,
            settle_s=settle_s,
        )
        self._stop = threading.Event()
        self._thread = None

    def start(self):
        self._thread = threading.Thread(target=self.history.run, args=(self._stop,))
        self._thread.start()
        return self

    def count(self, name):
        return self.counters.snapshot().get(name, 0)

    def kinds(self):
        return {event.kind for event in self.events.latest()}

    def cursor(self):
        self.journal.tick(0)
        reader = self.journal.reader()
        try:
            return reader.cursor(CONSUMER)
        finally:
            reader.close()

    def close(self):
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30)
            assert not self._thread.is_alive()
        self.journal.close()


class Server:
    """Holds points as a database does; may be away, slow to be sure, or refuse odd values."""

    def __init__(self):
        self.points, self.requests = {}, []
        self.away = 0  # requests that fail
        self.refuses = None  # a function of a line: the reason, or ""
        self.before = None  # called before each request

    def write(self, lines, store="", meanwhile=None):
        if self.before is not None:
            self.before(lines)
        if meanwhile is not None:
            meanwhile()
        if self.away:
            self.away -= 1
            raise Away("gone")
        bad = [x for x in lines if self.refuses is not None and self.refuses(x)]
        if bad:
            raise BadLines(self.refuses(bad[0]))
        self.requests.append(list(lines))
        for line in lines:
            key, fields, at = line.split(" ")
            self.points.setdefault((store, key, int(at)), {}).update(
                dict(pair.split("=") for pair in fields.split(","))
            )

    def close(self):
        pass

    def times(self, measurement):
        """Return the times of all lines of a measurement, as they came."""
        return [
            int(x.split(" ")[2]) for r in self.requests for x in r if x.startswith(measurement)
        ]
