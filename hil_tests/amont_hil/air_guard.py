"""The Pi behind the bridge, in virtual time: the guard's own intake, keys, ages and judgement.

The gateway is a stand-in with the real one's ledger and times: frames are committed together
after two seconds at most, an urgent one at once, and what a commit holds is confirmed to the
guard, which seals the acknowledgements. The serial line takes the time of its bytes.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amont_gateway.ledger import Ledger
from amont_gateway.storer import COMMIT_FRAMES, COMMIT_MS
from amont_guard.config import parse
from amont_guard.decide import Judge
from amont_guard.freshness import Freshness
from amont_guard.intake import Batch, Intake
from amont_guard.keys import Keyring
from amont_guard.messages import Committed, Opened
from amont_guard.pending import Pending
from amont_site.guardfile import canonical, compile_guard
from amont_site.model import Site
from amont_wire import link
from amont_wire.const import SAMPLES, URGENT
from amont_wire.samples import decode_samples

from .air import Events

COMMIT_US = 30_000  # a commit on a card, and the guard's turn
_START_S = 50_000.0
_WALL_MS = 1_800_000_000_000
_TICK_US = 5_000_000
_BYTE_US = 87  # 115,200 baud, ten bits
Arrived = Callable[[int, int, int, int, int], None]  # node, counter, first, last, at_us


def secret_of(node: int) -> bytes:
    """Return the secret of a simulated node."""
    return node.to_bytes(16, "little")


class AirGuard:
    """Guard and gateway; ``to_bridge`` takes the bytes that come out of the port."""

    def __init__(
        self, events: Events, site: Site, to_bridge: Callable[[bytes], None], arrived: Arrived
    ) -> None:
        """Start now, with a key for each node of the site."""
        self._events, self._to_bridge, self._arrived = events, to_bridge, arrived
        config = parse(canonical(compile_guard(site)))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            nodes = {
                str(n.id): {"generation": 1, "secret": secret_of(n.id).hex()} for n in site.nodes
            }
            (folder / "keys.json").write_text(json.dumps({"format": 1, "nodes": nodes}))
            (folder / "keys.json").chmod(0o600)
            keys = Keyring(folder, _stored, self._now_s)
            pending = Pending(folder, _stored, config, lambda s: config.stations[s].limits_mm)
        keys.reserve()
        self.counters: Counter[str] = Counter()
        self.judge = Judge(config)
        self.intake = Intake(keys, Freshness(), self.judge, self.counters, pending)
        self.ledger, self.results = Ledger(), Counter[int]()
        self._deframer = link.Deframer()
        self._waiting: list[Opened] = []
        self._batch = 0
        self._handle = 0
        self._line_free_us = 0
        events.at(events.now_us + _TICK_US, self._tick)

    def write(self, data: bytes) -> None:
        """Take bytes from the bridge; they are here when the line has carried them."""
        if data:
            self._events.at(self._events.now_us + _BYTE_US * len(data), self._read, data)

    def _read(self, data: bytes) -> None:
        for payload in self._deframer.feed(data):
            message = link.unpack(payload)
            if isinstance(message, link.Received):
                self._take(message)
            elif isinstance(message, link.Sent):
                self.results[message.result] += 1

    def _take(self, received: link.Received) -> None:
        batch = Batch()
        wall_ms = _WALL_MS + self._events.now_us // 1000
        radio = (received.rssi_dbm, received.snr_db4)
        self.intake.take(batch, 0, received.frame, self._now_s(), wall_ms, radio)
        for opened in batch.opened:
            self._tell(opened)
            self._waiting.append(opened)
            if opened.type == URGENT or len(self._waiting) >= COMMIT_FRAMES:
                self._events.at(self._events.now_us + COMMIT_US, self._commit, self._batch)
            elif len(self._waiting) == 1:
                at_us = self._events.now_us + 1000 * COMMIT_MS + COMMIT_US
                self._events.at(at_us, self._commit, self._batch)

    def _tell(self, opened: Opened) -> None:
        if opened.type in (SAMPLES, URGENT):
            said = decode_samples(opened.body)
            first = said.seq - said.count + 1
            self._arrived(opened.node, opened.counter, first, said.seq, self._events.now_us)

    def _commit(self, batch: int) -> None:
        if batch != self._batch or not self._waiting:
            return
        self._batch += 1
        opened, self._waiting = self._waiting, []
        newest: dict[tuple[int, int], int] = {}
        for one in opened:
            key = (one.node, one.epoch)
            newest[key] = max(newest.get(key, 0), one.counter)
            if one.type in (SAMPLES, URGENT):
                said, ranges = decode_samples(one.body), self.ledger.of(*key)
                ranges.add(said.seq - said.count + 1, said.seq)
                ranges.heard(said.seq, said.backlog)
        items = []
        for (node, epoch), counter in newest.items():
            through, bits = self.ledger.of(node, epoch).answer()
            items.append(Committed(node, epoch, through, 0, bits, counter))
        for _, frame, _ in self.intake.acknowledge(items, self._now_s()):
            self.send(frame)

    def send(self, frame: bytes) -> None:
        """Give a sealed downlink to the bridge."""
        self._handle = (self._handle + 1) & 0xFFFF
        self.put(link.Send(self._handle, frame).pack())

    def put(self, line: bytes) -> None:
        """Write a line to the bridge; lines follow each other."""
        at_us = max(self._line_free_us, self._events.now_us) + _BYTE_US * len(line)
        self._line_free_us = at_us
        self._events.at(at_us, self._to_bridge, line)

    def holds(self, node: int, seq: int) -> bool:
        """Tell whether a sample is committed; every node here lives its first life."""
        return seq in self.ledger.of(node, 1 << 12)

    def _tick(self) -> None:
        self.judge.tick(self._now_s())
        self._events.at(self._events.now_us + _TICK_US, self._tick)

    def _now_s(self) -> float:
        return _START_S + self._events.now_us / 1e6


def _stored(_path: Path, _content: bytes, done: Callable[[], Any] | None) -> None:
    if done is not None:
        done()
