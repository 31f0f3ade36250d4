"""Keep the guard's ``keys.json``: who has which secret, in which generation.

A renewal goes through three states, each of which the guard can work with: the new key with the
old one as ``previous``, then the board, then the new key alone.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from amont_provision.port import replace
from amont_provision.texts import Refused
from amont_wire.const import GENERATION_MAX

FORMAT = 1
Entry = dict[str, Any]


class KeyFile:
    """The file, read once; ``store`` and ``settle`` write it as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._nodes = _read(path)

    def generation(self, node: int) -> int:
        """Return a node's newest generation, 0 if it has no key."""
        entry = self._nodes.get(str(node))
        return 0 if entry is None else int(entry["generation"])

    def next_generation(self, node: int) -> int:
        """Return the generation of a node's next key; raise Refused if none is left."""
        generation = self.generation(node) + 1
        if generation > GENERATION_MAX:
            raise Refused("generations", node=node)
        return generation

    def store(self, node: int, generation: int, secret: bytes) -> None:
        """Make a new key durable, keeping the one before it until ``settle``."""
        entry: Entry = {"generation": generation, "secret": secret.hex()}
        before = self._nodes.get(str(node))
        if before is not None:
            entry["previous"] = {key: before[key] for key in ("generation", "secret")}
        self._nodes[str(node)] = entry
        self._write()

    def settle(self, node: int) -> None:
        """Forget the key before the newest: the board has the new one."""
        if self._nodes[str(node)].pop("previous", None) is not None:
            self._write()

    def _write(self) -> None:
        value = {"format": FORMAT, "nodes": self._nodes}
        replace(self._path, json.dumps(value, indent=1).encode() + b"\n")
        _as_its_folder(self._path)


def _as_its_folder(path: Path) -> None:
    """Hand the file to its folder's owner: root enrols, the guard's own user reads."""
    owner = path.parent.stat()
    if os.geteuid() == 0 and path.stat().st_uid != owner.st_uid:
        os.chown(path, owner.st_uid, owner.st_gid)


def _read(path: Path) -> dict[str, Entry]:
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_bytes())
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']}, expected {FORMAT}")
        nodes: dict[str, Entry] = value["nodes"]
        for node, entry in nodes.items():
            if not int(node) >= 1 or len(bytes.fromhex(entry["secret"])) != 16:
                raise ValueError(f"node {node} is damaged")
            int(entry["generation"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("keys-unreadable", path=path, why=error) from None
    return nodes
