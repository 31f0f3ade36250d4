"""A board without hardware: files in memory, its own slots logic on CPython, a cable to pull."""

import json
import os
import re
from hashlib import sha256

from amont_node import slots
from amont_provision.repl import BoardError
from amont_provision.texts import Refused

FREE_BYTES = 1_000_000


class FakePort:
    """A board's files in a folder; its program is what a test plans.

    mpy: version of the bytecode that it reads. free_bytes: room on its flash. cut: after so many
    changes the cable is out. console: what it prints once it has restarted.
    """

    def __init__(self, folder, mpy=6, free_bytes=FREE_BYTES, cut=None, console=()):
        self.folder = folder
        self.mpy, self.free_bytes, self.cut = mpy, free_bytes, cut
        self.console = list(console)
        self.changes, self.resets, self.closed = 0, 0, 0
        self.boots = lambda port: None

    def _change(self):
        if self.cut is not None and self.changes >= self.cut:
            raise Refused("port-pulled", port="fake")
        self.changes += 1

    def read(self, name):
        path = self.folder / name
        return path.read_bytes() if path.is_file() else None

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._change()
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(content[: len(content) // 2])
        self._change()  # a pulled cable may leave half a file, but never in place of a whole one
        beside.write_bytes(content)
        beside.rename(path)

    def remove(self, name):
        self._change()
        (self.folder / name).unlink(missing_ok=True)

    def list(self, folder=""):
        top = self.folder / folder
        return {
            path.relative_to(top).as_posix(): (
                path.stat().st_size,
                sha256(path.read_bytes()).hexdigest(),
            )
            for path in sorted(top.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }

    def exec(self, code, timeout_s=10.0):
        if "statvfs" in code:
            return b"facts %d %d\r\n" % (self.mpy, self.free_bytes)
        self._change()
        slot = re.search(r"switch\('\.', '(\w)'\)", code)[1]
        try:
            record = slots.switch(os.fspath(self.folder), slot)
        except slots.SlotError as error:
            traceback = f"Traceback (most recent call last):\r\nSlotError: {error}\r\n"
            raise BoardError("fake", traceback) from None
        return b"switched " + json.dumps(record).encode()

    def reset(self):
        self.resets += 1
        self.boots(self)

    def lines(self, timeout_s):
        while self.console:
            yield self.console.pop(0)

    def close(self):
        self.closed += 1
