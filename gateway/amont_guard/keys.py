"""Hold the keys: open uplinks, seal downlinks, and never take or use a counter twice.

Downlink counters are reserved durably *ahead* of their use, by the disk thread: the loop only ever
uses what is already on the disk. If a reservation cannot be stored there is no downlink. They are
reserved at a pace, so that whoever restores a backup knows which counters nobody can have used
since it was made (docs/adr/0018-restore-leaps.md).
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amont_wire.const import COUNTER_MAX, DOWNLINK, UPLINK
from amont_wire.counters import NEW, OLD, ReplayWindow, ReservedCounter
from amont_wire.errors import Forged, WireError
from amont_wire.frame import Header, Opener, Sealer, peek

BLOCK = 256  # counters reserved at a time: one write to the card for as many acknowledgements
PACE_S = 4.0  # for a block, on average: 64 counters a second, far more than nodes ask for
START = (
    BLOCK // 2
)  # reserved at a start: whoever starts us waits 2 s before (the unit's RestartSec)
BURST_S = 60.0  # whose blocks may come at once: an update after a calm hour
# what a file may do to whoever reads it
BAD = (OSError, ValueError, KeyError, TypeError, AttributeError)

Put = Callable[[Path, bytes, Callable[[], None] | None], None]


class UnknownNode(WireError):
    """No key for this node."""


class NotReserved(RuntimeError):
    """The next downlink counter is not on the disk yet, or cannot be known."""


@dataclass(slots=True)
class _Key:
    name: str  # node/generation, as in the files
    generation: int
    secret: bytes
    opener: Opener
    sealer: Sealer | None = None
    window: ReplayWindow = field(default_factory=ReplayWindow)


def read_json(path: Path) -> dict[str, Any]:
    """Read one of the guard's own JSON files; raise OSError or ValueError."""
    try:
        value = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict) or value.get("format") != 1:
        raise ValueError("not an object of format 1")
    return value


class Keyring:
    """The keys of all nodes, the generation that each lives by first."""

    def __init__(self, folder: Path, put: Put, monotonic_s: Callable[[], float]) -> None:
        """Load ``keys.json`` and ``counters.json``; what cannot be used is named in ``faults``."""
        self._keys_path, self._path = folder / "keys.json", folder / "counters.json"
        self._put, self._monotonic_s = put, monotonic_s
        self._wrong: list[str] = []  # with the keys that were read last
        self._lost: list[str] = []  # with the counters
        self._stored = self._read_stored()  # highest counter reserved, by name; None: not known
        self._durable = dict(self._stored or {})  # what the disk thread has confirmed
        self._nodes: dict[int, list[_Key]] = {}
        self._read: deque[tuple[list[tuple[str, Any]] | None, list[str]]] = deque()
        self._version: tuple[int, ...] = ()
        self._look()
        self._adopt()

    @property
    def faults(self) -> list[str]:
        """Name what is wrong with the files now."""
        return self._lost + self._wrong

    def refresh(self, submit: Callable[[Callable[[], None]], object]) -> None:
        """Take the keys that were read meanwhile; ``submit`` a look at the file off the loop."""
        if self._adopt():
            self.reserve()
        submit(self._look)

    def nodes(self) -> list[int]:
        """Return the nodes that have a key."""
        return list(self._nodes)

    def open(self, frame: bytes) -> tuple[Header, bytes, int]:
        """Return header, body and generation of a frame that a node sealed; raise WireError."""
        node = peek(frame).node
        if node not in self._nodes:
            raise UnknownNode(f"node {node}")
        for key in self._nodes[node]:
            with contextlib.suppress(Forged):
                return *key.opener.open(frame), key.generation
        raise Forged("tag does not fit")

    def take(self, node: int, generation: int, counter: int) -> int:
        """Return NEW, SEEN or OLD of amont_wire.counters, and remember the counter."""
        keys = self._nodes[node]
        key = next(key for key in keys if key.generation == generation)
        if any(other.generation > generation and other.window.state()[0] for other in keys):
            return OLD  # the node was heard with a newer key: whoever has this one is not it
        verdict = key.window.check(counter)
        key.window.add(counter)
        if verdict == NEW:  # the node lives by this key: answer it so
            keys.sort(key=lambda other: other is not key)
        return verdict

    def seal(self, node: int, kind: int, body: bytes) -> bytes:
        """Seal a downlink; raise NotReserved (or WireError) if there is no counter for it."""
        keys = self._nodes.get(node)
        if not keys or keys[0].sealer is None:
            raise NotReserved(f"node {node}: its last downlink counter is not known")
        return keys[0].sealer.seal(kind, body)[1]

    def reserve(self) -> None:
        """Store the reservations; called after ``restore_windows``, then as blocks are used."""
        if self._stored is not None:
            content = dict(self._stored)
            body = json.dumps({"format": 1, "reserved": content}).encode()
            self._put(self._path, body, lambda: self._durable.update(content))

    def windows(self) -> dict[str, Any]:
        """Return the replay windows, to be stored."""
        states = {key.name: key.window.state() for key in self._all()}
        return {name: [highest, f"{bits:x}"] for name, (highest, bits, _) in states.items()}

    def restore_windows(self, stored: dict[str, Any]) -> None:
        """Take stored windows back; raise ValueError or TypeError on anything else."""
        for key in self._all():
            highest, bits = stored.get(key.name, (0, "0"))
            key.window = ReplayWindow(int(highest), int(bits, 16))
            if highest and self._stored is not None and key.name not in self._durable:
                key.sealer = None
                del self._stored[key.name]
                node = key.name.partition("/")[0]
                self._lost.append(f"counters.json: lost for {key.name}: enrol node {node} again")

    def _all(self) -> list[_Key]:
        return [key for keys in self._nodes.values() for key in keys]

    def _look(self) -> None:
        # Off the loop: read the file if it is not the one that was read last.
        faults = []
        try:
            found = self._keys_path.stat()
            version = (found.st_mtime_ns, found.st_size, found.st_ino)
            if version == self._version:
                return
            if found.st_mode & 0o077:
                faults.append("keys.json could be read by others: closed; renew the keys")
                with contextlib.suppress(OSError):  # not on a read-only disk
                    self._keys_path.chmod(0o600)
            self._read.append((list(read_json(self._keys_path)["nodes"].items()), faults))
            self._version = version
        except BAD as error:
            self._read.append((None, [f"keys.json: {error!r}"]))
            self._version = ()

    def _adopt(self) -> bool:
        # What cannot be read leaves the keys as they were; a node that is gone is revoked.
        new = False
        while self._read:
            entries, self._wrong = self._read.popleft()
            if entries is None:
                continue
            new, held, self._nodes = True, self._nodes, {}
            for name, entry in entries:
                node = int(name) if name.isdecimal() else 0
                try:
                    self._nodes[node] = self._keys(node, entry, held.get(node, []))
                except BAD as error:
                    self._wrong.append(f"keys.json: node {name}: {error!r}")
                    if node in held:
                        self._nodes[node] = held[node]
        return new

    def _keys(self, node: int, entry: dict[str, Any], held: list[_Key]) -> list[_Key]:
        entries = [entry] + ([entry["previous"]] if entry.get("previous") else [])
        wanted = {one["generation"]: bytes.fromhex(one["secret"]) for one in entries}
        kept = [key for key in held if wanted.get(key.generation) == key.secret]
        for key in kept:
            del wanted[key.generation]
        return kept + [self._key(node, *one) for one in wanted.items()]

    def _key(self, node: int, generation: int, secret: bytes) -> _Key:
        name, stored = f"{node}/{generation}", self._stored
        key = _Key(name, generation, secret, Opener(secret, node, generation, UPLINK))
        if stored is None:
            return key

        # What was reserved was perhaps used before this start: begin behind it.
        start, next_s = stored.setdefault(name, 0), self._monotonic_s() + PACE_S
        if start >= COUNTER_MAX:
            self._lost.append(f"counters.json: all used for {name}: enrol node {node} again")

        def reserve(limit: int) -> None:
            nonlocal next_s
            now_s = self._monotonic_s()
            if stored[name] - limit < BLOCK // 2 and now_s >= next_s:
                stored[name] = min(stored[name] + BLOCK, COUNTER_MAX)
                next_s = max(next_s, now_s - BURST_S) + PACE_S
                self.reserve()
            if limit > self._durable.get(name, 0):
                raise NotReserved(f"node {node}: counter {limit} is not on the disk yet")

        counter = ReservedCounter(start, reserve, 1)
        stored[name] = min(start + START, COUNTER_MAX)
        key.sealer = Sealer(secret, node, generation, DOWNLINK, counter)
        return key

    def _read_stored(self) -> dict[str, int] | None:
        try:
            reserved = read_json(self._path)["reserved"]
            return {str(name): int(limit) for name, limit in reserved.items()}
        except FileNotFoundError:
            return {}
        except BAD as error:  # nothing may be sealed, and the file is left as it is
            self._lost.append(
                f"counters.json: {error!r}; no downlinks: enrol every node again, then remove it"
            )
            return None
