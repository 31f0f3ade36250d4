"""Enrol a node: take its key, name its board, write it, read it back.

Cut off at any point, the same command run again carries on: the board got its own name before a
key was kept for it, so the key that waits goes to that board and to no other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from amont_provision import app_key, board, boards
from amont_provision.board import Json
from amont_provision.bridge import ROLE, SAID
from amont_provision.port import Port
from amont_provision.texts import Refused
from amont_site import Site
from amont_site.model import Node

RADIO = board.RADIO


class Identity(NamedTuple):
    """A node's key in one generation."""

    generation: int
    secret: bytes
    kept: bool  # somebody keeps it for this very board: an enrolment that was cut off

    def __repr__(self) -> str:
        """Show all but the secret."""
        return f"Identity(generation={self.generation}, kept={self.kept})"


class Identities(Protocol):
    """Where keys come from: the guard's ``keys.json``, or a bundle made beside it."""

    def offer(self, node: int, board_name: str, renew: bool) -> Identity:
        """Return the key for a node on a board ("": without a name yet); raise Refused."""

    def keep(self, node: int, identity: Identity, board_name: str) -> None:
        """Make durable that this board gets the key, before it does; raise Refused."""

    def settle(self, node: int) -> None:
        """Take note that the board gave back what was written."""


@dataclass(frozen=True)
class Options:
    """What a person may ask for besides the node."""

    renew: bool = False  # the same station, made new: its generation rises
    replace: bool = False  # overwrite a board that was another node
    radio: tuple[str, int] | None = None  # None: the board's own, or else the usual one
    tls: Path | None = None  # folder with ca.crt, ID.crt, ID.key
    pems: dict[str, bytes] = field(default_factory=dict, repr=False)  # or these files themselves
    transforms: dict[str, Json] = field(default_factory=dict)  # calibrations, by sensor


@dataclass(frozen=True)
class Plan:
    """What enrolment will do; it holds the secret and is never printed."""

    node: int
    identity: Identity = field(repr=False)
    board_name: str
    files: dict[str, bytes] = field(repr=False)  # on the board, in the order of writing
    stale: tuple[str, ...] = ()  # on the board, removed after

    @property
    def generation(self) -> int:
        """Return the generation of the key."""
        return self.identity.generation

    @property
    def secret(self) -> bytes:
        """Return the key."""
        return self.identity.secret


def node_of(site: Site, node_id: int) -> Node:
    """Return a node of the site's file; raise Refused if there is none of that number."""
    for node in site.nodes:
        if node.id == node_id:
            return node
    raise Refused("not-in-site", node=node_id, site=site.id)


def plan(site: Site, node_id: int, port: Port, keys: Identities, options: Options) -> Plan:
    """Return what to do; raise Refused if the node or the board is not free for it."""
    node, named = node_of(site, node_id), board.name(port)
    boards.check(node)
    if port.read(ROLE) == SAID:  # it would stay one, and hold a key
        raise Refused("enrol-bridge")
    identity = keys.offer(node_id, named, options.renew)
    held = board.held(port)
    if held.node not in (0, node_id) and not options.replace:
        raise Refused("other-board", found=held.node)
    same = held.node == node_id
    pems = options.pems
    if options.tls and not pems and node.carrier == "mqtt":  # the bridge asks for none
        pems = board.certificates(options.tls, node_id)
    radio = options.radio or (_radio(held.config) if same else None)
    carrier = board.carrier(site, node, radio, bool(pems))
    version = held.version + 1 if same else 1  # a version never falls
    config = board.configuration(site, node, identity.generation, version, carrier)
    for channel, said in zip(config["channels"], node.channels, strict=True):
        if said.sensor in options.transforms:
            channel["calibration"] = options.transforms[said.sensor]
    if same:
        board.keep_calibrations(held.config, config)
    copy = held.next_copy()
    files = {
        board.SECRET: board.secret_text(identity.secret),
        copy: board.pair_text(config, held.revision + 1),
    }
    if carrier["kind"] == "mqtt":
        files = pems | files
    if carrier["kind"] == "lorawan":
        key = app_key.app_key(node_id, identity.generation, identity.secret)
        files = {app_key.FILE: app_key.file_text(key)} | files
    if not named:
        named = board.new_name()
        files = {board.NAME: named.encode()} | files
    stale = (next(one for one in board.COPIES if one != copy),)
    return Plan(node_id, identity, named, files, stale)


def _radio(config: Json) -> tuple[str, int] | None:
    """Return where a board's simulated radio sends to, if it has one."""
    carrier = config.get("carrier", {})
    if carrier.get("kind") != "radio":
        return None
    return str(carrier.get("host", RADIO[0])), int(carrier["port"])


def carry_out(planned: Plan, port: Port, keys: Identities) -> None:
    """Write keys and board; raise Refused. Cut off anywhere, the same again puts it right.

    The guard knows the new key before the board has it, and the old one until the board has
    given back what was written.
    """
    try:
        files = dict(planned.files)
        if board.NAME in files:
            port.write(board.NAME, files.pop(board.NAME))
        keys.keep(planned.node, planned.identity, planned.board_name)
        for name, content in files.items():
            port.write(name, content)
        for name in planned.stale:  # of another generation, and no key is left for it
            port.remove(name)
        for name, content in planned.files.items():
            if port.read(name) != content:
                raise Refused("verify", name=name)
        keys.settle(planned.node)
    except OSError as error:
        raise Refused("write", why=error) from None
