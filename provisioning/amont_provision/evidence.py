"""Copy off a board what shows how it fared: outbox, boot record, last errors, configuration.

Only what is named here is copied, so that a secret that a later release may keep stays where it
is; the configuration comes without its passwords. ``evidence.json`` lists every file with its
SHA-256 as the board told it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from amont_provision import board, bootrecord
from amont_provision.cache import write_whole
from amont_provision.port import Port
from amont_provision.texts import Refused

CRASH = "crash.txt"
FOLDERS = ("flash",)
FILES = ("boot.a", "boot.b", CRASH, "board.id", "flash.img", "a/release.json", "b/release.json")
LIST, CONFIGURATION = "evidence.json", "configuration.json"
HIDDEN = re.compile(r"pass|psk|secret|token|pin$", re.IGNORECASE)
MASK = "…"
Progress = Callable[[str, int, int], None]
Files = dict[str, tuple[int, str]]  # name: (size in bytes, SHA-256 in hex)


@dataclass(frozen=True)
class Evidence:
    """What a board has to show."""

    node: int  # 0: not enrolled
    files: Files
    configuration: Any  # without passwords
    about: dict[str, Any]


def found(port: Port) -> Evidence:
    """Return what is there to copy; raise Refused."""
    listed: Files = {}
    for folder in FOLDERS:
        for name, facts in port.list(folder).items():
            listed[f"{folder}/{name}"] = facts
    for name in FILES:
        content = port.read(name)
        if content is not None:
            listed[name] = (len(content), sha256(content).hexdigest())
    held = board.held(port)
    record = bootrecord.read(port)
    about = {
        "node": held.node or None,
        "generation": held.config.get("generation"),
        "configuration": held.version or None,
        "slot": record.running if record else None,
        "release": bootrecord.number(port, record.running) if record else None,
        "bad_boots": record.bad_boots if record else None,
        "failed": record.failed or None if record else None,
    }
    return Evidence(held.node, dict(sorted(listed.items())), without_secrets(held.config), about)


def copy(port: Port, evidence: Evidence, to: Path, at: str, progress: Progress) -> list[str]:
    """Copy what is not there yet; return those names. Raise Refused or OSError.

    at: when, for the list. What was copied before a pulled cable is not copied again.
    """
    fresh, done = [], 0
    total = sum(size for size, _ in evidence.files.values())
    for name, (size, digest) in evidence.files.items():
        progress(name, done, total)
        if _digest(to / name) != digest:
            write_whole(to / name, _content(port, name, digest))
            fresh.append(name)
        done += size
    progress(LIST, total, total)
    _write_json(to / CONFIGURATION, evidence.configuration)
    files = {name: {"bytes": size, "sha256": h} for name, (size, h) in evidence.files.items()}
    _write_json(to / LIST, {"at": at, **evidence.about, "files": files})
    return fresh


def without_secrets(value: Any) -> Any:
    """Return a configuration with what would open a door replaced."""
    if isinstance(value, dict):
        return {
            key: MASK if HIDDEN.search(key) and inner else without_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(inner) for inner in value]
    return value


def _content(port: Port, name: str, digest: str) -> bytes:
    content = port.read(name)
    if content is None or sha256(content).hexdigest() != digest:
        raise Refused("evidence-changed", name=name)  # the node goes on writing
    return content


def _digest(path: Path) -> str | None:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _write_json(path: Path, value: Any) -> None:
    write_whole(path, json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n")
