"""Prepare identities at the Pi for boards that are not there, and take unused ones back."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from amont_provision import board, bundle
from amont_provision.bundle import Recipient
from amont_provision.enrol import Identity, node_of
from amont_provision.keyfile import KeyFile, Pending
from amont_provision.texts import Refused
from amont_provision.whole import replace
from amont_site import Site

DAYS, DAYS_MAX = 14, 90
NODES_MAX = 100
_DAY_S = 86_400
_CLOCK_LEAST_S = 1_700_000_000  # November 2023: before it this machine's clock is not set


class Wish(NamedTuple):
    """What a batch should hold, for whom and how long."""

    wanted: int  # how many
    nodes: tuple[int, ...] = ()  # these; else the first of the site's file without a key
    renew: bool = False  # nodes that have a key get the next one
    days: int = DAYS
    tls: Path | None = None  # folder with ca.crt, ID.crt, ID.key of nodes on MQTT


def choose(site: Site, keys: KeyFile, wish: Wish) -> list[int]:
    """Return the nodes that a batch is for; raise Refused if they are not free or too few."""
    if not 1 <= wish.wanted <= NODES_MAX or not 1 <= wish.days <= DAYS_MAX:
        raise Refused("batch-bounds", nodes=NODES_MAX, days=DAYS_MAX)
    free = [node.id for node in site.nodes if not keys.generation(node.id)]
    chosen = list(dict.fromkeys(wish.nodes)) or free[: wish.wanted]
    if len(chosen) != wish.wanted:
        raise Refused("batch-few", count=wish.wanted, found=len(chosen))
    for number in chosen:
        node_of(site, number)
        keys.offer(number, "", wish.renew)
    return chosen


def prepare(
    site: Site, keys: KeyFile, wish: Wish, recipient: Recipient, path: Path,
    now_s: Callable[[], float] = time.time,
) -> list[int]:  # fmt: skip
    """Make a bundle and keep its identities as pending; return its nodes; raise Refused.

    The bundle waits beside its name until the keys are kept: cut off before, nothing was given
    out; cut off after, the same command finishes it.
    """
    part = path.with_name(path.name + ".part")
    finished = _finish(keys, part, path)
    if finished:
        return finished
    if path.exists():
        raise Refused("bundle-exists", path=path)
    if now_s() < _CLOCK_LEAST_S:
        raise Refused("clock-unset")
    chosen = choose(site, keys, wish)
    found = {node: keys.offer(node, "", wish.renew) for node in chosen}
    made_s, name = int(now_s()), secrets.token_hex(8)
    until_s = made_s + wish.days * _DAY_S
    head = {
        "id": name, "site": site.id, "made_s": made_s, "until_s": until_s,
        "nodes": [[node, identity.generation] for node, identity in found.items()],
    }  # fmt: skip
    replace(part, bundle.seal(head, _inside(site, found, wish), recipient))
    keys.store(found, Pending(bundle=name, until_s=until_s))
    _finish(keys, part, path)
    return chosen


def withdraw(keys: KeyFile, nodes: Sequence[int]) -> None:
    """Take back pending identities; raise Refused, and then none is taken, if one is not."""
    for node in nodes:
        if keys.pending(node) is None:
            raise Refused("not-pending", node=node)
    for node in nodes:
        keys.withdraw(node)


def _finish(keys: KeyFile, part: Path, path: Path) -> list[int]:
    """Give a bundle its name if its identities are kept; return its nodes, else none."""
    if not part.exists():
        return []
    try:
        head = bundle.head_of(part)
    except Refused:
        return []  # cut off while it was written; it is written again
    waits = [keys.pending(node) for node, _ in head["nodes"]]
    if not all(one is not None and one.bundle == head["id"] for one in waits):
        return []
    part.rename(path)
    return [int(node) for node, _ in head["nodes"]]


def _inside(site: Site, found: dict[int, Identity], wish: Wish) -> dict[str, Any]:
    files: dict[str, str] = {}
    for number in found:
        if wish.tls is not None and node_of(site, number).carrier == "mqtt":
            pems = board.certificates(wish.tls, number)
            files |= {name: content.decode() for name, content in pems.items()}
    nodes = {
        str(number): {"generation": identity.generation, "secret": identity.secret.hex()}
        for number, identity in found.items()
    }
    return {"nodes": nodes, "files": files}
