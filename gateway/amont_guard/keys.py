"""Hold the keys: open uplinks, seal downlinks, and never take or use a counter twice.

Downlink counters are reserved durably *ahead* of their use, by the disk thread: the loop only ever
uses what is already on the disk. If a reservation cannot be stored there is no downlink.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amont_wire.const import DOWNLINK, UPLINK
from amont_wire.counters import NEW, ReplayWindow, ReservedCounter
from amont_wire.errors import Forged, WireError
from amont_wire.frame import Header, Opener, Sealer, peek

BLOCK = 256  # counters reserved at a time: one write to the card for as many acknowledgements
_LIMIT_BYTES = 1 << 20

Put = Callable[[Path, bytes, Callable[[], None] | None], None]


class UnknownNode(WireError):
    """No key for this node."""


class NotReserved(RuntimeError):
    """The next downlink counter is not on the disk yet, or cannot be known."""


@dataclass(slots=True)
class _Key:
    generation: int
    opener: Opener
    sealer: Sealer | None
    window: ReplayWindow


def read_json(path: Path) -> dict[str, Any]:
    """Read one of the guard's own JSON files; raise OSError or ValueError."""
    with path.open("rb") as file:
        content = file.read(_LIMIT_BYTES + 1)
    try:
        value = json.loads(content)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict) or value.get("format") != 1:
        raise ValueError("not an object of format 1")
    return value


class Keyring:
    """The keys of all nodes, the generation that each lives by first."""

    def __init__(self, folder: Path, put: Put) -> None:
        """Load ``keys.json`` and ``counters.json``; what cannot be used is named in ``faults``."""
        self.faults: list[str] = []
        self._path, self._put = folder / "counters.json", put
        self._known = True  # what was reserved before this start is known
        self._stored = self._read_stored()
        self._durable = dict(self._stored)  # what the disk thread has confirmed
        self._nodes: dict[int, list[_Key]] = {}
        path = folder / "keys.json"
        for node, entry in self._read(path).get("nodes", {}).items():
            try:
                self._nodes[int(node)] = self._keys(int(node), entry)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.faults.append(f"{path.name}: node {node}: {error}")

    def nodes(self) -> list[int]:
        """Return the nodes that have a key."""
        return list(self._nodes)

    def open(self, frame: bytes) -> tuple[Header, bytes, int]:
        """Return header, body and generation of a frame that a node sealed; raise WireError."""
        header = peek(frame)
        keys = self._nodes.get(header.node)
        if keys is None:
            raise UnknownNode(f"node {header.node}")
        for key in keys:
            try:
                header, body = key.opener.open(frame)
            except Forged:
                continue
            return header, body, key.generation
        raise Forged("tag does not fit")

    def take(self, node: int, generation: int, counter: int) -> int:
        """Return NEW, SEEN or OLD of amont_wire.counters, and remember the counter."""
        key = self._key(node, generation)
        verdict = key.window.check(counter)
        key.window.add(counter)
        keys = self._nodes[node]
        if verdict == NEW and keys[0] is not key:  # the node lives by this one: answer it so
            self._nodes[node] = [key, *(other for other in keys if other is not key)]
        return verdict

    def seal(self, node: int, kind: int, body: bytes) -> bytes:
        """Seal a downlink; raise NotReserved (or WireError) if there is no counter for it."""
        keys = self._nodes.get(node)
        if not keys or keys[0].sealer is None:
            raise NotReserved(f"node {node}: its last downlink counter is not known")
        return keys[0].sealer.seal(kind, body)[1]

    def reserve(self) -> None:
        """Store the reservations; called after ``restore_windows``, then as blocks are used."""
        if self._known:
            content = dict(self._stored)
            body = json.dumps({"format": 1, "reserved": content}).encode()
            self._put(self._path, body, lambda: self._durable.update(content))

    def windows(self) -> dict[str, Any]:
        """Return the replay windows, to be stored."""
        return {
            f"{node}/{key.generation}": [key.window.state()[0], f"{key.window.state()[1]:x}"]
            for node, keys in self._nodes.items()
            for key in keys
        }

    def restore_windows(self, stored: dict[str, Any]) -> None:
        """Take stored windows back; raise ValueError or TypeError on anything else."""
        for node, keys in self._nodes.items():
            for key in keys:
                name = f"{node}/{key.generation}"
                if name in stored:
                    highest, bits = stored[name]
                    key.window = ReplayWindow(int(highest), int(bits, 16))
                    if highest and self._known and name not in self._durable:
                        key.sealer = None
                        del self._stored[name]
                        self.faults.append(
                            f"counters.json: lost for {name}: enrol node {node} again"
                        )

    def _keys(self, node: int, entry: dict[str, Any]) -> list[_Key]:
        entries = [entry] + ([entry["previous"]] if entry.get("previous") else [])
        return [
            self._key_of(node, one["generation"], bytes.fromhex(one["secret"])) for one in entries
        ]

    def _key_of(self, node: int, generation: int, secret: bytes) -> _Key:
        name = f"{node}/{generation}"

        def reserve(limit: int) -> None:
            if self._stored.get(name, 0) - limit < BLOCK // 2:
                self._stored[name] = self._stored.get(name, 0) + BLOCK
                self.reserve()
            if limit > self._durable.get(name, 0):
                raise NotReserved(f"node {node}: counter {limit} is not on the disk yet")

        # What was reserved was perhaps used before this start: begin behind it.
        start = self._stored.get(name, 0)
        self._stored[name] = start + BLOCK
        counter = ReservedCounter(start, reserve, 1)
        sealer = Sealer(secret, node, generation, DOWNLINK, counter) if self._known else None
        return _Key(generation, Opener(secret, node, generation, UPLINK), sealer, ReplayWindow())

    def _key(self, node: int, generation: int) -> _Key:
        return next(key for key in self._nodes[node] if key.generation == generation)

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            if path.stat().st_mode & 0o077:
                os.chmod(path, 0o600)
                self.faults.append(f"{path.name} could be read by others: closed; renew the keys")
            value = read_json(path)
            if not isinstance(value.get("nodes"), dict):
                raise ValueError("no nodes")
            return value
        except (OSError, ValueError) as error:
            self.faults.append(f"{path.name}: {error}")
            return {}

    def _read_stored(self) -> dict[str, int]:
        if not self._path.exists():
            return {}
        try:
            reserved = read_json(self._path)["reserved"]
            return {str(name): int(limit) for name, limit in reserved.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._known = False  # nothing may be sealed, and the file is left as it is
            self.faults.append(
                f"{self._path.name}: {error}; no downlinks: enrol every node again, then remove it"
            )
            return {}
