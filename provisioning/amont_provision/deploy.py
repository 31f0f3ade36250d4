"""Put a release into a board's idle slot, switch to it, wait until it is good or go back.

What runs is never touched. Files go over one by one, each whole, and those that are there already
(by SHA-256) stay; ``release.json`` goes last, so that a slot with half a release cannot boot. The
same command after a pulled cable goes on where it was.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from amont_provision import board, bootrecord
from amont_provision.bootrecord import Record
from amont_provision.compile import MPY_VERSION
from amont_provision.evidence import CRASH
from amont_provision.port import Port, VirtualPort
from amont_provision.release import LOADER, MANIFEST, Release
from amont_provision.repl import BoardError
from amont_provision.texts import Refused

BLOCK_BYTES = 4096  # littlefs on flash gives out whole blocks
SPARE_BLOCKS = 8  # folders, the boot record, what the node writes meanwhile
SWITCH_S = 60.0  # the board hashes 80 KB in a few seconds
SLICE_S = 0.5  # how often a simulated board's record is looked at
CONSOLE = re.compile(r"amont (\{.*\})")
Progress = Callable[[str, int, int], None]

# What the board is asked before anything is sent. Small, so that it runs on a bare interpreter.
_FACTS = """
import os, sys
_s = os.statvfs('.')
print('facts', getattr(sys.implementation, '_mpy', 0) & 255, _s[0] * _s[3])
"""
_SWITCH = """
import json, sys
sys.path.insert(0, {slot!r})
import amont_node.slots as _slots
print('switched', json.dumps(_slots.switch('.', {slot!r})))
"""
_SLOT_ERROR = re.compile(r"SlotError: (\w+): (.*)")

ALREADY, INSTALL, RESUME, SAFE = "already", "install", "resume", "safe"
GOOD, BACK, UNKNOWN = "good", "back", "unknown"
CRASHED = "crashed"  # it ended with an exception, or stands at a prompt
TRACE, PROMPT = "Traceback (most recent call last)", 'Type "help()"'
OUTERMOST = ('File "main.py"', 'File "boot.py"')  # in a traceback: nobody caught it
LOST_BOOTS = 3  # of a release that has nothing to go back to
LINES_SHOWN = 12


@dataclass(frozen=True)
class Plan:
    """What a deployment will change."""

    # ALREADY: it runs. SAFE: it runs in safe mode. RESUME: it is on trial.
    # INSTALL: files go to ``slot``.
    state: str
    slot: str
    running: int  # the release that runs now, 0 if none
    send: tuple[str, ...] = ()  # paths inside the slot that are new or differ
    remove: tuple[str, ...] = ()  # paths inside the slot that the release does not have
    kept: int = 0  # files that are there already
    loader: str = "same"  # "same", "install", or "kept": another one is there and stays
    cancels: int = 0  # another release that is on trial, and will not be any more
    node: int = 0  # 0: not enrolled yet
    size_bytes: int = 0  # that go over


def plan(port: Port, release: Release, with_loader: bool = False) -> Plan:
    """Compare a board with a release; raise Refused if that release must not go there.

    with_loader: the release's loader, too, takes the place of another one.
    """
    record = bootrecord.read(port)
    running = record.release if record else _newest(port)
    held = board.held(port)
    node = held.node
    if release.number < running:
        raise Refused("older-release", number=release.number, running=running)
    board.check_radio(held.config.get("carrier", {}), release)
    wanted = release.hashes()
    if record and _holds(port, record.running, release, wanted):
        state = RESUME if record.trying else SAFE if record.is_safe else ALREADY
        differs = with_loader and port.read(LOADER) != release.loader
        loader = "install" if differs else "same"
        return Plan(state, record.running, running, node=node, kept=len(wanted), loader=loader)
    slot = record.idle if record else _free(port)
    present = _present(port, slot)
    send = tuple(path for path in sorted(wanted) if present.get(path) != wanted[path])
    remove = tuple(sorted(present.keys() - wanted.keys()))
    return Plan(
        INSTALL,
        slot,
        running,
        send,
        remove,
        kept=len(wanted) - len(send),
        loader=_loader(port, release, with_loader or record is None),
        cancels=bootrecord.number(port, record.trying) if record and record.trying else 0,
        node=node,
        size_bytes=sum(len(release.files[path]) for path in send) + len(release.manifest),
    )


def install(port: Port, release: Release, planned: Plan, progress: Progress) -> None:
    """Make the slot hold the release; raise Refused. Cut off anywhere, do it again."""
    _check_board(port, release, planned)
    record = bootrecord.read(port)
    if record and record.trying:
        bootrecord.cancel(port, record)
    manifest = f"{planned.slot}/{MANIFEST}"
    if port.read(manifest) != release.manifest or planned.send or planned.remove:
        port.remove(manifest)
    for path in planned.remove:
        port.remove(f"{planned.slot}/{path}")
    sent = 0
    for path in planned.send:
        progress(path, sent, planned.size_bytes)
        port.write(f"{planned.slot}/{path}", release.files[path])
        sent += len(release.files[path])
    if planned.loader == "install":
        load(port, release)
    port.write(manifest, release.manifest)
    progress(MANIFEST, planned.size_bytes, planned.size_bytes)


def load(port: Port, release: Release) -> None:
    """Give the board the release's loader."""
    port.write(LOADER, release.loader)


def switch(port: Port, slot: str) -> Record:
    """Let the board check the slot and choose it for the next boot; raise Refused."""
    try:
        port.exec(_SWITCH.format(slot=slot), SWITCH_S)
    except BoardError as error:
        found = _SLOT_ERROR.search(error.traceback)
        if found:
            raise Refused("slot-refused", slot=slot, why=f"{found[1]}: {found[2]}") from None
        raise
    record = bootrecord.read(port)
    if record is None or record.running != slot:
        raise Refused("slot-refused", slot=slot, why="boot record")
    return record


def wait(
    port: Port,
    release: Release,
    since: Record,
    limit_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Watch:
    """Return what became of a release within a time, and what the board said of it at the end.

    A board in service mode says so on its console. A simulated board's record is also read from
    its folder; a real one's cannot be without stopping what is to be proved.
    """
    watched = Watch(release.number, since)
    until_s = clock() + limit_s
    looks = isinstance(port, VirtualPort)
    while (left_s := until_s - clock()) > 0 and watched.state == UNKNOWN:
        for line in port.lines(min(left_s, SLICE_S) if looks else left_s):
            watched.line(line)
            if watched.state != UNKNOWN or clock() >= until_s:
                break
        if looks and watched.state == UNKNOWN:
            watched.record(bootrecord.read(port))
            if watched.state == CRASHED:
                watched.said = _noted(port)
    return watched


class Watch:
    """Judge by what the board says and keeps whether a release is good.

    said: of a release that crashed, the traceback's lines.
    """

    def __init__(self, number: int, since: Record) -> None:
        self.state = UNKNOWN
        self.said: list[str] = []
        self._number, self._since = number, since
        self._booted = False
        self._in_trace = False

    @property
    def why(self) -> str:
        """Return the exception of a release that crashed in one line, "" at a mere prompt."""
        return self.said[-1] if self.said else ""

    @property
    def is_loader(self) -> bool:
        """Tell whether the crash is the loader's own, whatever the release."""
        files = [one for one in self.said if one.startswith("  File ")]
        return all(any(name in one for name in OUTERMOST) for one in files)

    def line(self, line: str) -> None:
        """Take a line of the console; only the node's own events count, and how it ends."""
        self._follow_trace(line.rstrip())
        if self.state == UNKNOWN:
            self._take_event(line)

    def _follow_trace(self, line: str) -> None:
        """Notice an exception that nobody caught, and a prompt where a program should run."""
        if line.startswith(TRACE):
            self._in_trace, self.said = True, [line]
        elif self._in_trace:
            self.said = [*self.said[-LINES_SHOWN:], line]
            self._in_trace = line.startswith(" ")
            fatal = any(name in one for one in self.said for name in OUTERMOST)
            if not self._in_trace and fatal:
                self.state = CRASHED
        elif line.startswith(PROMPT):
            self.state = CRASHED

    def _take_event(self, line: str) -> None:
        found = CONSOLE.fullmatch(line.strip())
        try:
            event = json.loads(found[1]) if found else {}
        except (ValueError, RecursionError):
            return
        kind, number = event.get("event"), event.get("release")
        if kind == "update" and event.get("state") == "good" and number == self._number:
            self.state = GOOD
        elif kind == "boot" and number is not None:
            # The slot too: a release may come again under its own number while it is developed.
            here = (event.get("slot"), number)
            self._booted = here == (self._since.running, self._number)
            self.state = UNKNOWN if self._booted else BACK
        elif kind in ("sample", "sent") and self._booted and not self._since.trying:
            self.state = GOOD  # a board's first release is good after one whole wake

    def record(self, record: Record | None) -> None:
        """Take the boot record as it is now."""
        since = self._since
        # Two changes: the loader counts the boot as bad, the release takes that back.
        if record is None or record.revision < since.revision + 2 or record.trying is not None:
            return
        if record.slot != since.running:
            self.state = BACK
        elif not record.bad_boots:
            self.state = GOOD
        elif record.bad_boots >= since.bad_boots + LOST_BOOTS:
            self.state = CRASHED


def on_trial(port: Port) -> Record:
    """Return the record of a board whose trial goes on; raise Refused if that is over."""
    record = bootrecord.read(port)
    if record is None or record.trying is None:
        raise Refused("trial-over")
    return record


def give_up(port: Port, since: Record) -> str:
    """End a trial that nothing was heard of; return BACK, or UNKNOWN if the board is out of reach.

    Out of reach it goes back by itself, after three boots.
    """
    try:
        record = bootrecord.read(port)
        if since.trying is None or record is None:
            return UNKNOWN
        if record.trying != since.trying:
            return BACK if record.running == since.slot else UNKNOWN
        bootrecord.cancel(port, record)
        port.reset()
    except Refused:
        return UNKNOWN
    return BACK


def _noted(port: Port) -> list[str]:
    """Return the newest traceback that the loader has noted."""
    text = (port.read(CRASH) or b"").decode("utf-8", "replace")
    _, mark, newest = text.rpartition(TRACE)
    return (mark + newest).rstrip().splitlines()[-LINES_SHOWN:]


def _check_board(port: Port, release: Release, planned: Plan) -> None:
    """Raise Refused if the board cannot run or hold the release."""
    words = port.exec(_FACTS).split()
    if len(words) != 3 or words[0] != b"facts":
        raise Refused("no-facts", why=b" ".join(words)[:80].decode("ascii", "replace"))
    if int(words[1]) != MPY_VERSION:
        raise Refused("wrong-micropython", found=int(words[1]), wanted=MPY_VERSION)
    present = port.list(planned.slot)
    sizes = {path: len(release.files[path]) for path in planned.send}
    freed = sum(_blocks(present[path][0]) for path in {*planned.remove, *sizes} & present.keys())
    largest = max(map(_blocks, sizes.values()), default=0)  # lies beside its older self
    needed = sum(map(_blocks, sizes.values())) - freed + largest + SPARE_BLOCKS
    if needed * BLOCK_BYTES > int(words[2]):
        needed_bytes = needed * BLOCK_BYTES
        raise Refused("flash-full", needed_bytes=needed_bytes, free_bytes=int(words[2]))


def _present(port: Port, slot: str) -> dict[str, str]:
    """Return the SHA-256 of each file in a slot, without its list."""
    files = port.list(slot).items()
    return {path: digest for path, (_, digest) in files if path != MANIFEST}


def _holds(port: Port, slot: str, release: Release, wanted: dict[str, str]) -> bool:
    """Tell whether a slot holds a release, whole and nothing else."""
    listed = port.read(f"{slot}/{MANIFEST}") == release.manifest
    return listed and _present(port, slot) == wanted


# Without a record the board is no station yet: whatever main.py it has is not ours.
def _loader(port: Port, release: Release, replaces: bool) -> str:
    found = port.read(LOADER)
    if found == release.loader:
        return "same"
    return "install" if found is None or replaces else "kept"


def _newest(port: Port) -> int:
    return max(bootrecord.number(port, slot) for slot in bootrecord.SLOTS)


def _free(port: Port) -> str:
    """Return the slot to write on a board without a boot record, as the node would choose."""
    return "b" if bootrecord.number(port, "a") else "a"


def _blocks(size_bytes: int) -> int:
    return -(-size_bytes // BLOCK_BYTES)
