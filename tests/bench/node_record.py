"""What nodes measured and sent, by their frames and their flash, compared with the journal.

Three witnesses that share nothing with the gateway: the table that a node's probe replays (each
instant has its own value), the frames that a listener heard on the way, and the outbox in the
node's flash, read by the node's own code on MicroPython after the node was switched off.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from amont_gateway.readings import unpack_channels
from amont_hil.process import MICROPYTHON, command
from amont_hil.simulated import HEAP
from amont_wire import const
from amont_wire.frame import Opener, peek
from amont_wire.messages import Health, Samples, decode

INTERVAL_S = 60
GENERATION = 1
_STRIDE = 10  # from one instant's level to the next; what is added is less
_READ_OUTBOX = """
from amont_node import hal_unix
from amont_node.outbox import Outbox
for span in Outbox(hal_unix.flash_folder('.', 'flash.img', 0) + '/outbox').spans.all():
    print(span.life, span.first, span.last, span.done)
"""
Key = tuple[int, int, int]  # node, life, seq


def level_at(node: int, instant: int) -> int:
    """Return what the probe shows at this multiple of the interval: no two are the same."""
    return _STRIDE * instant + (instant * 37 + node) % _STRIDE


def probe_table(node: int, instants: int) -> str:
    lines = [f"{INTERVAL_S * i} {level_at(node, i)}\n" for i in range(instants)]
    return "".join(lines)


class WireRecord:
    """Every uplink frame that was heard; filled from any thread, opened when asked."""

    def __init__(self, secrets: Mapping[int, bytes]) -> None:
        self._openers = {
            node: Opener(secret, node, GENERATION, const.UPLINK)
            for node, secret in secrets.items()
        }
        self._lock = threading.Lock()
        self._by_counter: dict[tuple[int, int], bytes] = {}
        self._order: list[bytes] = []
        self.reused = 0  # frames with the counter of another one, and other bytes

    def note(self, frame: bytes) -> None:
        header = peek(frame)
        with self._lock:
            first = self._by_counter.setdefault((header.node, header.counter), frame)
            self.reused += first != frame
            if first is frame:
                self._order.append(frame)

    def __len__(self) -> int:
        return len(self._order)

    def kept(self, since: int) -> dict[int, int]:
        """Return how many samples each node said that it keeps, in health frames since then."""
        told = {}
        for message, node in self._messages(since, const.HEALTH):
            assert isinstance(message, Health)
            told[node] = message.outbox
        return told

    def readings(self) -> dict[Key, set[tuple[int, int]]]:
        """Return the (tick_s, value) pairs sent under each identity: one each, or it is wrong."""
        found: dict[Key, set[tuple[int, int]]] = {}
        for message, node in self._messages(0, const.SAMPLES, const.URGENT):
            assert isinstance(message, Samples)
            for seq, tick_s, channels in message.rows():
                pair = (tick_s, channels[0][2])
                found.setdefault((node, message.life, seq), set()).add(pair)
        return found

    def _messages(self, since: int, *types: int) -> Iterable[tuple[object, int]]:
        with self._lock:
            frames = self._order[since:]
        for frame in frames:
            header = peek(frame)
            if header.type in types:
                _, body = self._openers[header.node].open(frame)
                yield decode(header.type, body), header.node


@dataclass(frozen=True)
class Flash:
    """What one life has in a node's outbox."""

    life: int
    first: int
    last: int
    done: int

    def waits(self, seq: int) -> bool:
        return self.first <= seq <= self.last and not self.done >> (seq - self.first) & 1


def read_flash(board: Path, scratch: Path) -> list[Flash]:
    """Read a copy of a switched-off board's flash with the node's own code."""
    scratch.mkdir()
    shutil.copy(board / "flash.img", scratch)
    line, environment = command(MICROPYTHON, "amont_node.app", (), HEAP)
    line = [*line[: line.index("-m")], "-c", _READ_OUTBOX]
    ran = subprocess.run(
        line, env=environment, cwd=scratch, capture_output=True, text=True, timeout=20, check=True
    )
    return [Flash(*map(int, words.split())) for words in ran.stdout.splitlines()]


@dataclass(frozen=True)
class Verdict:
    """What the journal has of all that nodes measured; counts of readings."""

    sampled: int
    lost: int  # neither in the journal nor waiting in the node
    kept: int  # not in the journal, but waiting
    twice: int  # one instant, or one identity, in more than one row
    wrong: int  # another value or instant than the probe showed, or never sent at all
    reused: int  # frames


def compare(journal: Path, wire: WireRecord, flashes: Mapping[int, list[Flash]]) -> Verdict:
    sent = wire.readings()
    newest: dict[tuple[int, int], int] = {}
    for node, life, seq in [*sent, *_stored(flashes)]:
        newest[node, life] = max(seq, newest.get((node, life), -1))
    sampled = {(*key, seq) for key, last in newest.items() for seq in range(last + 1)}
    rows = _rows(journal)
    missing = sampled - {key for key, _ in rows}
    waiting = {key for key in missing if _waits(flashes, key)}
    keys = Counter(key for key, _ in rows)
    instants = Counter((key[0], value) for key, value in rows)
    return Verdict(
        sampled=len(sampled),
        lost=len(missing - waiting),
        kept=len(waiting),
        twice=sum(n - 1 for n in keys.values()) + sum(n - 1 for n in instants.values()),
        wrong=sum(not _true(key, value, sent) for key, value in rows),
        reused=wire.reused,
    )


def _stored(flashes: Mapping[int, list[Flash]]) -> list[Key]:
    return [(node, life.life, life.last) for node, lives in flashes.items() for life in lives]


def _waits(flashes: Mapping[int, list[Flash]], key: Key) -> bool:
    node, life, seq = key
    return any(its.life == life and its.waits(seq) for its in flashes.get(node, []))


def _true(key: Key, value: int, sent: Mapping[Key, set[tuple[int, int]]]) -> bool:
    pairs = sent.get(key, set())
    if len(pairs) != 1:
        return False
    ((tick_s, told),) = pairs
    instant, rest = divmod(tick_s, INTERVAL_S)
    return rest == 0 and value == told == level_at(key[0], instant)


def _rows(journal: Path) -> list[tuple[Key, int]]:
    """Read with plain SQL: what counts is what is in the file."""
    connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
    try:
        found = connection.execute("SELECT node, epoch, seq, channels FROM sample").fetchall()
    finally:
        connection.close()
    base = GENERATION << 12
    return [((n, e - base, s), unpack_channels(packed)[0].value) for n, e, s, packed in found]
