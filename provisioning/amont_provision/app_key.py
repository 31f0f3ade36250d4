"""Give the LoRaWAN AppKey of a node: derived from its secret, so nothing more has to be kept.

Whoever runs the network server knows the AppKey, and cannot come from it to the secret: frames
stay sealed. A new generation of the secret is a new AppKey: the network server must be told.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from amont_provision.texts import Refused
from amont_wire.keys import derive

if TYPE_CHECKING:
    from amont_provision.keyfile import KeyFile

LABEL = b"amont lorawan"
FILE = "lorawan.json"  # on the board, beside the secret
SCHEMA = 1


def app_key(node: int, generation: int, secret: bytes) -> str:
    """Return a node's AppKey in one generation, as 32 hex digits."""
    return derive(secret, node, generation, LABEL).hex()


def of(keys: KeyFile, node: int) -> str:
    """Return the AppKey of a node's newest generation; raise Refused if the node has no key."""
    generation = keys.generation(node)
    if not generation:
        raise Refused("no-key", node=node)
    return app_key(node, generation, keys.secret(node))


def file_text(key: str) -> bytes:
    """Return the content of the file by which the board knows its AppKey."""
    return json.dumps({"schema": SCHEMA, "app_key": key}).encode()
