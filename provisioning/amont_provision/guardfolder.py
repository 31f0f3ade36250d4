"""Read what the guard keeps of its nodes, and write what people ask of them: at the Pi alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from amont_provision.keyfile import KeyFile, as_its_folder
from amont_provision.texts import Refused, cause
from amont_provision.whole import replace

FORMAT = 1
KEYS, CONFIGS, PENDING = "keys.json", "configs.json", "pending.json"
# What may be asked of a node by the air, and the least of each; the most is what it has now.
LEAST = {
    "interval_s": 60, "fast_interval_s": 10,
    "high_mark": -(1 << 24), "rise_mark": 1, "alarm_mark": -(1 << 24),
}  # fmt: skip
Items = dict[str, int]


class Told(NamedTuple):
    """What a node says that it holds, and what it should hold, as the guard knows it."""

    version: int
    wanted: int
    firmware: int
    items: Items  # that it should hold


class GuardFolder:
    """The guard's state folder."""

    def __init__(self, folder: Path) -> None:
        """Take a folder; raise Refused if there is none that we may read."""
        self._folder = folder
        try:
            found = folder.is_dir() and any(folder.iterdir())
        except OSError as error:
            raise Refused("guard-folder", path=folder, why=cause(error)) from None
        if not found:
            raise Refused("guard-folder", path=folder, why="-")

    def keys(self) -> KeyFile:
        """Return the keys; raise Refused if they are damaged."""
        return KeyFile(self._folder / KEYS)

    def told(self) -> dict[int, Told]:
        """Return what is known of each node's configuration; nothing if the file is no good."""
        try:
            nodes = json.loads((self._folder / CONFIGS).read_bytes())["nodes"]
            return {
                int(node): Told(
                    int(one["told"]), int(one["version"]), int(one["firmware"]), one["items"]
                )
                for node, one in nodes.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def asked(self) -> dict[str, Items]:
        """Return what people ask of nodes; raise Refused if the file is damaged."""
        path = self._folder / PENDING
        try:
            value = json.loads(path.read_bytes())
            if value["format"] != FORMAT or not isinstance(value["nodes"], dict):
                raise ValueError(f"not of format {FORMAT}")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refused("pending-unreadable", path=path, why=error) from None
        nodes: dict[str, Items] = value["nodes"]
        return nodes

    def ask(self, node: int, items: Items) -> None:
        """Ask a node for other settings from now on; none withdraws what was asked."""
        nodes: dict[str, Any] = {**self.asked(), str(node): items}
        if not items:
            del nodes[str(node)]
        path = self._folder / PENDING
        replace(path, json.dumps({"format": FORMAT, "nodes": nodes}, indent=1).encode() + b"\n")
        as_its_folder(path)


def check(wishes: dict[str, int | None], most: Items, look_s: int) -> None:
    """Raise Refused for a wish that the guard would not follow to the letter.

    most: what the node has without wishes; nobody makes it less watchful by the air.
    """
    for name, value in wishes.items():
        if name not in most:
            raise Refused("set-name", name=name, names=", ".join(most))
        if value is None:
            continue
        least = max(LEAST[name], look_s) if name == "interval_s" else LEAST[name]
        least = min(least, most[name])
        if not least <= value <= most[name]:
            code = "set-watchful" if least < most[name] else "set-fixed"
            raise Refused(code, name=name, value=value, least=least, most=most[name])
