"""Enrol a node: make its key, tell the guard, write the board, read it back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from amont_provision import board
from amont_provision.keyfile import KeyFile
from amont_provision.port import Port
from amont_provision.texts import Refused
from amont_site import Site
from amont_wire.keys import SECRET as SECRET_BYTES

RADIO = ("127.0.0.1", 7700)  # where a simulated board's radio is


@dataclass(frozen=True)
class Options:
    """What a person may ask for besides the node."""

    renew: bool = False  # the same station, made new: its generation rises
    replace: bool = False  # overwrite a board that was another node
    radio: tuple[str, int] = RADIO
    tls: Path | None = None  # folder with ca.crt, ID.crt, ID.key


@dataclass(frozen=True)
class Plan:
    """What enrolment will do; it holds the secret and is never printed."""

    node: int
    generation: int
    secret: bytes = field(repr=False)
    files: dict[str, bytes] = field(repr=False)  # on the board, in the order of writing
    stale: tuple[str, ...] = ()  # on the board, removed before


def plan(site: Site, node_id: int, port: Port, keys: KeyFile, options: Options) -> Plan:
    """Return what to do; raise Refused if the node or the board is not free for it."""
    node = next((node for node in site.nodes if node.id == node_id), None)
    if node is None:
        raise Refused("not-in-site", node=node_id, site=site.id)
    if keys.generation(node_id) and not options.renew:
        raise Refused("known", node=node_id, generation=keys.generation(node_id))
    found, version = board.enrolled(port)
    if found not in (0, node_id) and not options.replace:
        raise Refused("other-board", found=found)
    generation = keys.next_generation(node_id)
    carrier = board.carrier(site, node, options.radio, options.tls is not None)
    version = version + 1 if found == node_id else 1  # a version never falls
    config = board.configuration(site, node, generation, version, carrier)
    secret = secrets.token_bytes(SECRET_BYTES)
    first, second = board.COPIES
    files = {board.SECRET: board.secret_text(secret), first: board.pair_text(config, 1)}
    if carrier["kind"] == "mqtt" and options.tls is not None:
        files = board.certificates(options.tls, node_id) | files
    return Plan(node_id, generation, secret, files, (second,))


def carry_out(planned: Plan, port: Port, keys: KeyFile) -> None:
    """Write keys and board; raise Refused. Cut off anywhere, ``renew`` puts it right.

    The guard knows the new key before the board has it, and the old one until the board has
    given back what was written.
    """
    try:
        keys.store(planned.node, planned.generation, planned.secret)
        for name in planned.stale:
            port.remove(name)
        for name, content in planned.files.items():
            port.write(name, content)
        for name, content in planned.files.items():
            if port.read(name) != content:
                raise Refused("verify", name=name)
        keys.settle(planned.node)
    except OSError as error:
        raise Refused("write", why=error) from None
