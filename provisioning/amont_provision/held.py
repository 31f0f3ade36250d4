"""Change the configuration that a board holds: checked, its version raised, read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from amont_provision import board
from amont_provision.board import Held
from amont_provision.port import Port
from amont_provision.texts import Refused
from amont_wire.const import NODE_MAX, QUANTITY_CODES

VERSION_MAX = 65_535
CHANNELS_MAX = 4
Json = dict[str, Any]
_QUANTITIES = {code: name for name, code in QUANTITY_CODES.items()}


def enrolled(port: Port) -> Held:
    """Return what a board holds; raise Refused if it holds no sound configuration."""
    found = board.held(port)
    if not _sound(found.config):
        raise Refused("not-enrolled")
    return found


def changed(before: Held, change: Callable[[Json], None]) -> Json:
    """Return a changed copy of a configuration, its version raised by one; raise Refused."""
    if before.version >= VERSION_MAX:
        raise Refused("versions", node=before.node)
    value: Json = json.loads(json.dumps(before.config))
    change(value)
    value["version"] = before.version + 1
    return value


def store(port: Port, before: Held, value: Json) -> None:
    """Write a configuration over the older copy and read it back; raise Refused.

    The newer copy is not touched: cut off anywhere, the board has the one or the other.
    """
    if board.held(port) != before:
        raise Refused("held-changed", node=before.node)
    name, content = before.next_copy(), board.pair_text(value, before.revision + 1)
    port.write(name, content)
    if port.read(name) != content:
        raise Refused("held-unread", name=name)


def channels(found: Held) -> list[Json]:
    """Return the board's channels."""
    listed: list[Json] = found.config["channels"]
    return listed


def quantity_of(channel: Json) -> str:
    """Return the name of a channel's quantity."""
    return _QUANTITIES[channel["quantity"]]


def _sound(value: Json) -> bool:
    """Tell whether a configuration has what this software changes and shows."""
    channels = value.get("channels")
    return (
        value.get("schema") == 1
        and _whole(value.get("id"), 1, NODE_MAX)
        and _whole(value.get("version"), 0, VERSION_MAX)
        and isinstance(channels, list)
        and 1 <= len(channels) <= CHANNELS_MAX
        and all(map(_sound_channel, channels))
    )


def _sound_channel(channel: object) -> bool:
    return (
        isinstance(channel, dict)
        and _whole(channel.get("index"), 0, CHANNELS_MAX - 1)
        and channel.get("quantity") in _QUANTITIES
        and isinstance(channel.get("probe"), dict)
    )


def _whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
