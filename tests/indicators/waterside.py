"""A made water service for tests: a borehole with a counter, two zones, and its journal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.indicators.consumer import Indicators
from amont_gateway.journal import Journal
from amont_gateway.places import Node, Places, Sensor, Service, Zone
from amont_gateway.readings import QUANTITIES, Sample, pack_channels

CODES = {name: code for code, name in QUANTITIES.items()}
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
STEP_MS = 900_000
MARCH_MS = 1_772_319_600_000  # 2026-03-01T00:00 in Paris
FLOWS = {"bourg-debit": 31, "hameau-debit": 32}


def text(word: str) -> dict[str, str]:
    return {"fr": word, "en": word}


def _sensor(name: str, node: int, channel: int, quantity: str, place: str) -> Sensor:
    return Sensor(name, text(name), node, channel, quantity, place, 2700)


PLACES = Places(
    site="essai",
    name=text("Essai"),
    nodes=tuple(Node(n, text(f"n{n}"), "mqtt", 900) for n in (31, 32, 33)),
    sensors=(
        _sensor("bourg-debit", 31, 0, "flow_l_h", "bourg"),
        _sensor("place-pression", 31, 1, "pressure_pa10", "bourg"),
        _sensor("hameau-debit", 32, 0, "flow_l_h", "hameau"),
        _sensor("forage", 33, 0, "volume_l", ""),
    ),
    zones=(
        Zone("bourg", text("Bourg"), ("bourg-debit",), ("hameau-debit",), ("place-pression",)),
        Zone("hameau", text("Hameau"), ("hameau-debit",)),
    ),
    service=Service("Eaux d'essai", 42.0, False, {
        "produced": ("forage",), "imported": (), "exported": (),
    }),
)  # fmt: skip


class Outlet:
    """Keeps the last line of each point, as a database does."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, int], str] = {}
        self.error: Exception | None = None
        self.writes = 0

    def write(self, lines: Sequence[str], store: str = "") -> int:
        if self.error is not None:
            raise self.error
        assert store == "_d"
        self.writes += bool(lines)
        for line in lines:
            head, fields, at_ms = re.fullmatch(r"(\S+) (.+) (\d+)", line).groups()  # type: ignore[union-attr]
            self.points[head, int(at_ms)] = fields
        return len(lines)

    def close(self) -> None:
        pass

    def of(self, measurement: str, at_ms: int, **tags: str) -> dict[str, float]:
        """Return the fields of one point, none if it is not there."""
        head = "".join(f",{k}={v}" for k, v in sorted({"site": "essai", **tags}.items()))
        fields = self.points.get((measurement + head, at_ms), "")
        pairs = (pair.split("=") for pair in fields.split(",") if pair)
        return {name: float(value.rstrip("i")) for name, value in pairs}

    def times(self, measurement: str, **tags: str) -> list[int]:
        """Return when there are points, oldest first."""
        head = "".join(f",{k}={v}" for k, v in sorted({"site": "essai", **tags}.items()))
        return sorted(at for name, at in self.points if name == measurement + head)


class Clock:
    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def wall_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000

    def sleep_s(self, real_s: float) -> None:
        raise AssertionError("nobody sleeps here")


class Rig:
    """The indicators over a real journal, stepped by hand."""

    def __init__(self, folder: Path, at_ms: int, places: Places = PLACES) -> None:
        self.folder, self.places = folder, places
        self.clock, self.outlet = Clock(at_ms), Outlet()
        self.counters = Counters()
        self.doubtful: set[tuple[str, int]] = set()
        self.seq = 0
        self.start()

    def start(self) -> None:
        """Begin anew, as after a kill: nothing of the old process is left."""
        file = self.folder / "journal.db"
        self.journal = Journal(file, mark_bytes=0, ballast_bytes=0, cursor_s=0.0)
        self.journal.open()
        events = Events(self.counters, self.clock.wall_ms)
        self.indicators = Indicators(
            self.places, self.folder, self.journal, self.outlet, self._doubted, self.counters,
            events, self.clock,
        )  # fmt: skip

    def restart(self) -> None:
        """Drop everything without closing well, then start."""
        self.journal.tick(self.clock.at_ms)  # the cursor is stored with the next commit
        self.journal._disconnect()
        self.start()

    def _doubted(self, sensor: str, t_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.array([(sensor, t) in self.doubtful for t in t_ms.tolist()], bool)

    def run(self, at_ms: int | None = None) -> None:
        """Step until nothing waits."""
        self.clock.at_ms = at_ms if at_ms is not None else self.clock.at_ms
        while self.indicators.step():
            pass
        self.journal.tick(self.clock.at_ms)

    def read(self, node: int, times: Iterable[int], *values: Callable[[int], float]) -> None:
        """Journal a node's samples: one value a channel, in units of the wire."""
        quantities = {s.channel: CODES[s.quantity] for s in self.places.sensors if s.node == node}
        samples: list[Sample] = []
        for at_ms in times:
            self.seq += 1
            channels = [(k, quantities[k], 0, round(f(at_ms))) for k, f in enumerate(values)]
            received_ms = max(at_ms, self.clock.at_ms)
            fields: tuple[Any, ...] = (node, 1, self.seq, at_ms, 1, received_ms, 0)
            samples.append(Sample(*fields, pack_channels(channels)))
        self.journal.append(samples)


def steps(begin_ms: int, end_ms: int, step_ms: int = STEP_MS) -> range:
    """Return the times of readings in (begin, end]: each tells of the time before it."""
    return range(begin_ms + step_ms, end_ms + 1, step_ms)


def _hour_of(at_ms: int) -> int:
    return (at_ms - 1 - MARCH_MS) % DAY_MS // HOUR_MS


def bourg(at_ms: int) -> float:
    return 600 if 2 <= _hour_of(at_ms) < 4 else 3000


def hameau(at_ms: int) -> float:
    return 100 if 2 <= _hour_of(at_ms) < 4 else 500


def pressure(at_ms: int) -> float:
    return 52_000 if 2 <= _hour_of(at_ms) < 4 else 45_000  # 10 Pa


def counter(at_ms: int) -> float:
    return 1_000_000 + (at_ms - MARCH_MS) * 4000 / HOUR_MS
