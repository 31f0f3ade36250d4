"""Keep the guard's ``keys.json``: who has which secret, in which generation.

An identity that was handed out but not proved yet is *pending*: the board that it is for is named,
or the day until which a bundle may use it. A renewal goes through three states, each of which the
guard can work with: the new key with the old one as ``previous``, then the board, then the new key
alone. A pending identity closes when the board gave back what was written, or when the guard has
opened a first frame under it. ``spent`` remembers generations whose keys are gone: none is given
out twice, for whoever still holds such a key must not be heard again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from amont_provision.enrol import Identity
from amont_provision.texts import Refused
from amont_provision.whole import replace
from amont_wire.const import GENERATION_MAX, NODE_MAX
from amont_wire.keys import SECRET

FORMAT = 1
Json = dict[str, Any]


class Pending(NamedTuple):
    """For whom an identity that was not proved yet is."""

    board: str = ""  # the name of the board that is being written
    bundle: str = ""  # or of the bundle that may give it out
    until_s: int = 0  # and until which Unix time


class KeyFile:
    """The file, read once; each change reads it again, under a lock, and writes it as a whole."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one; raise Refused if it is damaged."""
        self.path = path
        self._take(_read(path))

    def generation(self, node: int) -> int:
        """Return a node's newest generation, 0 if it has no key."""
        entry = self._nodes.get(str(node))
        return 0 if entry is None else int(entry["generation"])

    def next_generation(self, node: int) -> int:
        """Return the generation of a node's next key; raise Refused if none is left."""
        generation = max(self.generation(node), self._spent.get(str(node), 0)) + 1
        if generation > GENERATION_MAX:
            raise Refused("generations", node=node)
        return generation

    def is_revoked(self, node: int) -> bool:
        """Tell whether a node had keys, and has none any more."""
        return not self.generation(node) and str(node) in self._spent

    def secret(self, node: int) -> bytes:
        """Return the newest secret of a node that has one; it is never shown."""
        return bytes.fromhex(self._nodes[str(node)]["secret"])

    def pending(self, node: int) -> Pending | None:
        """Return for whom a node's newest key is, None if it is proved or there is none."""
        entry = self._nodes.get(str(node), {})
        if "pending" not in entry or self.was_heard(node):
            return None
        return _pending(entry)

    def was_heard(self, node: int) -> bool:
        """Tell whether the guard has opened a frame under a node's newest generation."""
        return f"{node}/{self.generation(node)}" in self._heard

    def offer(self, node: int, board_name: str, renew: bool) -> Identity:
        """Return the key for a node on a board; raise Refused if another one has it.

        That is the one that this very board got or waits for, or else a new one.
        """
        pending, generation = self.pending(node), self.generation(node)
        if board_name and not (renew and not pending) and board_name == self._board(node):
            return Identity(generation, self.secret(node), True)
        if pending and pending.bundle and not renew:
            raise Refused("in-bundle", node=node, generation=generation)
        if generation and not renew:
            raise Refused("known", node=node, generation=generation)
        return Identity(self.next_generation(node), secrets.token_bytes(SECRET), False)

    def keep(self, node: int, identity: Identity, board_name: str) -> None:
        """Make a new key durable for a board, keeping the one before it until ``settle``."""
        if not identity.kept:
            self.store({node: identity}, Pending(board=board_name))

    def store(self, found: dict[int, Identity], pending: Pending) -> None:
        """Make new keys durable in one write; the guard takes those before them as well.

        Raise Refused if somebody else has given a node a key meanwhile.
        """

        def change() -> None:
            for node, identity in found.items():
                if self.next_generation(node) != identity.generation:
                    raise Refused("keys-changed", node=node)
                before = self._known_to_node(node)
                self._nodes[str(node)] = {
                    "generation": identity.generation,
                    "secret": identity.secret.hex(),
                    **({"previous": before} if before else {}),
                    "pending": pending._asdict(),
                }

        self._change(change)

    def settle(self, node: int) -> None:
        """Forget the key before the newest, which is proved: the board has the new one."""

        def change() -> None:
            _close(self._nodes[str(node)])

        self._change(change)

    def withdraw(self, node: int) -> int:
        """Take a pending identity back; return the generation that the node lives by now, or 0."""

        def change() -> None:
            if self.pending(node) is None:
                raise Refused("not-pending", node=node)
            entry = self._nodes.pop(str(node))
            self._spend(node, entry)
            if "previous" in entry:
                self._nodes[str(node)] = entry["previous"]

        self._change(change)
        return self.generation(node)

    def revoke(self, node: int) -> None:
        """Forget all keys of a node: the guard hears it no more."""

        def change() -> None:
            if str(node) not in self._nodes:
                raise Refused("no-key", node=node)
            self._spend(node, self._nodes.pop(str(node)))

        self._change(change)

    def _spend(self, node: int, entry: Json) -> None:
        # a restored file skips generations that may have been given out: they stay skipped
        self._spent[str(node)] = max(int(entry["generation"]), self._spent.get(str(node), 0))

    def _board(self, node: int) -> str:
        """Return the name of the board that a node's newest key is on, or will be."""
        entry = self._nodes.get(str(node), {})
        return _pending(entry).board if "pending" in entry else str(entry.get("board", ""))

    def _known_to_node(self, node: int) -> Json | None:
        """Return the key by which a node lives: one that is not proved may be nowhere yet."""
        entry = self._nodes.get(str(node))
        if entry is not None and self.pending(node) is not None:
            entry = entry.get("previous")
        return entry and {key: entry[key] for key in ("generation", "secret")}

    def _take(self, content: Json) -> None:
        self._nodes: dict[str, Json] = content["nodes"]
        self._spent: dict[str, int] = content.get("spent", {})
        self._heard = _heard_generations(self.path.parent)

    def _change(self, make: Callable[[], None]) -> None:
        with _locked(self.path):
            self._take(_read(self.path))
            make()
            for node, entry in self._nodes.items():  # what is proved is closed by the way
                if self.was_heard(int(node)):
                    _close(entry)
            content = {"format": FORMAT, "nodes": self._nodes}
            content |= {"spent": self._spent} if self._spent else {}
            replace(self.path, json.dumps(content, indent=1).encode() + b"\n")
            as_its_folder(self.path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the file against other writers; raise Refused if one is at work."""
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused("keys-busy", path=path) from None
    finally:
        os.close(handle)


def _close(entry: Json) -> None:
    """Make a key that is proved the only one of its node, and remember the board that has it."""
    entry.pop("previous", None)
    pending = entry.pop("pending", None)
    if pending and pending["board"]:
        entry["board"] = pending["board"]


def as_its_folder(path: Path) -> None:
    """Hand a file to its folder's owner: root enrols, the folder's own user reads."""
    owner = path.parent.stat()
    if os.geteuid() == 0 and path.stat().st_uid != owner.st_uid:
        os.chown(path, owner.st_uid, owner.st_gid)


def _heard_generations(folder: Path) -> set[str]:
    """Return "node/generation" of all keys under which the guard has opened a frame.

    That is in its replay windows; without them nothing counts as heard, which loses nothing.
    """
    try:
        windows = json.loads((folder / "windows.json").read_bytes())["windows"]
        return {str(name) for name, (highest, _bits) in windows.items() if int(highest) > 0}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()


def _read(path: Path) -> Json:
    if not path.exists():
        return {"nodes": {}}
    try:
        value: Json = json.loads(path.read_bytes())
        if value["format"] != FORMAT:
            raise ValueError(f"format {value['format']}, expected {FORMAT}")
        for node, entry in value["nodes"].items():
            _check(node, entry)
        for node, generation in value.get("spent", {}).items():
            if not 1 <= int(generation) <= GENERATION_MAX:
                raise ValueError(f"node {node} is damaged")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("keys-unreadable", path=path, why=error) from None
    return value


def _check(node: str, entry: Json) -> None:
    """Raise an error of ``_read`` unless a node's entry is whole."""
    keys = [entry] + ([entry["previous"]] if "previous" in entry else [])
    for key in keys:
        good = 1 <= int(node) <= NODE_MAX and len(bytes.fromhex(key["secret"])) == SECRET
        if not good or not 1 <= int(key["generation"]) <= GENERATION_MAX:
            raise ValueError(f"node {node} is damaged")
    if "pending" in entry:
        _pending(entry)


def _pending(entry: Json) -> Pending:
    said = entry["pending"]
    return Pending(str(said["board"]), str(said["bundle"]), int(said["until_s"]))
