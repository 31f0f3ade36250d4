"""Read a board's boot record and slots from here; ``amont_node/slots.py`` defines their content.

From here, because what runs on the board may be broken: to go back to the release before must not
need the one that fails.
"""

from __future__ import annotations

import json
from binascii import crc32
from dataclasses import dataclass, field
from typing import Any

from amont_provision.board import pair_text
from amont_provision.port import Port

SCHEMA = 1
SLOTS = ("a", "b")
COPIES = ("boot.a", "boot.b")
BAD_BOOTS = 5  # after so many the node runs in safe mode
NUMBERS = ("release", "bad_boots", "failed")
MANIFEST = "release.json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """What the loader will do at the next boot."""

    slot: str
    trying: str | None  # slot on trial
    release: int  # of ``slot``
    bad_boots: int
    failed: int  # a release that was tried and did not report good; 0: none
    revision: int = 0  # rises with each change
    copy: str = COPIES[1]  # the file that holds it
    value: Json = field(default_factory=dict, repr=False)

    @property
    def running(self) -> str:
        """Return the slot that runs now."""
        return self.trying or self.slot

    @property
    def is_safe(self) -> bool:
        """Tell whether the node only measures and reports, after too many bad boots."""
        return self.bad_boots > BAD_BOOTS

    @property
    def idle(self) -> str:
        """Return the slot that may be written."""
        return other(self.slot)


def other(slot: str) -> str:
    """Return the slot beside one."""
    return SLOTS[1 - SLOTS.index(slot)]


def read(port: Port) -> Record | None:
    """Return a board's newest good boot record, None if it has none; raise Refused."""
    found = [record for copy in COPIES if (record := _parsed(port.read(copy), copy))]
    return max(found, key=lambda record: record.revision, default=None)


def number(port: Port, slot: str) -> int:
    """Return the number of the release in a slot, 0 if there is none to boot; raise Refused."""
    try:
        value = json.loads(port.read(f"{slot}/{MANIFEST}") or b"")
    except (ValueError, RecursionError):
        return 0
    found = value.get("release") if isinstance(value, dict) else None
    return found if type(found) is int else 0


def cancel(port: Port, record: Record) -> None:
    """End a trial: the next boot runs the slot before it. Raise Refused or OSError."""
    assert record.trying is not None
    failed = number(port, record.trying)
    value = {**record.value, "trying": None, "tries": 0, "bad_boots": 0, "failed": failed}
    copy = COPIES[1 - COPIES.index(record.copy)]
    port.write(copy, pair_text(value, record.revision + 1))


def _parsed(content: bytes | None, copy: str) -> Record | None:
    head, _, body = (content or b"").partition(b"\n")
    words, body = head.split(), body.rstrip(b"\n")
    try:
        good = words[:2] == [b"amont", b"1"] and int(words[3], 16) == crc32(body)
        value = json.loads(body) if good else None
        revision = int(words[2])
    except (ValueError, IndexError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        return None
    if value.get("slot") not in SLOTS or value.get("trying") not in (None, *SLOTS):
        return None
    release, bad_boots, failed = (value.get(key) or 0 for key in NUMBERS)
    if any(type(found) is not int for found in (release, bad_boots, failed)):
        return None
    slot, trying = value["slot"], value.get("trying")
    return Record(slot, trying, release, bad_boots, failed, revision, copy, value)
