# The board that is a Unix process: its clock, its flash, its few facts. MicroPython or CPython.
# The twin of hal_board: the same functions, so that nothing else knows on what it runs.
#
# How a test, or whoever plays the supply and the button, talks to it: a file `button` in the
# node's folder is a button held, a file `float` its float switch closed; AMONT_RESET_CAUSE is what
# the wire calls reset cause; it ends with exit code 70 to be started again, with 75 where its
# sleep forgets, and by SIGALRM when its watchdog bites.

import os
import sys
import time

from amont_node.pair import make_folder
from amont_wire.const import RESET_MAX, RESET_POWER

SLEEPS = False  # there is no deeper sleep than the carrier's waiting
_EXIT_RESET = 70
_NAP_MS = 500
_MICROPYTHON = sys.implementation.name == "micropython"
_BLOCK_BYTES = 4096
_PIECE_BYTES = 256
_REREAD_MS = 50


def _link_ms() -> int:
    if _MICROPYTHON:
        return time.ticks_ms()  # type: ignore[attr-defined,no-any-return]
    return time.monotonic_ns() // 1000000


# Domain time. With a clock file, one line "<real_unix_ms> <virtual_s> <speed> [<until_s>]": at
# that real moment it was virtual_s, virtual time runs `speed` times as fast, and it stops at
# until_s. The file may be rewritten any time. Without a file it is Unix time.
class Clock:
    def __init__(self, path: str | None) -> None:
        self._path = path
        self._text = ""
        self._read_at_ms: int | None = None
        self._anchor_ms = 0
        self._virtual_ms = 0
        self._speed_milli = 1000
        self._until_ms: int | None = None

    def link_ms(self) -> int:
        return _link_ms()

    def now_s(self) -> int:
        return self._now_ms() // 1000

    # Real milliseconds until now_s() reaches clock_s; None: never, time stands still.
    def real_ms_until(self, clock_s: int) -> int | None:
        left_ms = clock_s * 1000 - self._now_ms()
        if left_ms <= 0:
            return 0
        if self._path is not None and self._speed_milli <= 0:
            return None
        return left_ms * 1000 // self._speed_milli + 1

    # True: ticks count from this clock's own zero.
    def is_virtual(self) -> bool:
        return self._path is not None

    def _now_ms(self) -> int:
        unix_ms = time.time_ns() // 1000000
        if self._path is None:
            return unix_ms
        self._reread()
        now_ms = self._virtual_ms + (unix_ms - self._anchor_ms) * self._speed_milli // 1000
        return now_ms if self._until_ms is None else min(now_ms, self._until_ms)

    def _reread(self) -> None:
        now_ms = _link_ms()
        if self._read_at_ms is not None and now_ms - self._read_at_ms < _REREAD_MS:
            return
        self._read_at_ms = now_ms
        try:
            with open(self._path) as file:  # type: ignore[arg-type]
                text = file.read()
        except OSError:
            text = ""
        words = text.split()
        if text == self._text or not 3 <= len(words) <= 4:
            return  # half written: the last good line stands
        try:
            anchor_ms = int(words[0])
            virtual_ms = int(float(words[1]) * 1000)
            speed_milli = int(float(words[2]) * 1000)
            until_ms = int(float(words[3]) * 1000) if len(words) > 3 else None
        except ValueError:
            return
        self._text = text
        self._anchor_ms, self._virtual_ms, self._speed_milli = anchor_ms, virtual_ms, speed_milli
        self._until_ms = until_ms


class BlockFile:
    # A flash chip in a file, as littlefs wants it.
    def __init__(self, path: str) -> None:
        self._blocks = os.stat(path)[6] // _BLOCK_BYTES
        self._file = open(path, "r+b")
        self._erased = b"\xff" * _PIECE_BYTES  # not a whole block: the heap is small

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:  # type: ignore[no-untyped-def]
        self._file.seek(block * _BLOCK_BYTES + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block: int, buffer, offset: int = 0) -> None:  # type: ignore[no-untyped-def]
        self._file.seek(block * _BLOCK_BYTES + offset)
        self._file.write(buffer)
        self._file.flush()

    def ioctl(self, op: int, argument: int) -> int | None:
        if op == 4:
            return self._blocks
        if op == 5:
            return _BLOCK_BYTES
        if op == 6:
            for offset in range(0, _BLOCK_BYTES, _PIECE_BYTES):
                self.writeblocks(argument, self._erased, offset)
        return 0


# Ends the process unless it is fed. A thread, for a hanging probe or carrier lets nothing else
# run; on MicroPython it must not make objects, for the collector does not wait for it.
class Watchdog:
    def __init__(self, timeout_s: int) -> None:
        import _thread

        self._fed = [_link_ms(), True]  # the last time, and whether it still counts
        self._timeout_ms = timeout_s * 1000
        _thread.start_new_thread(self._watch, ())

    def feed(self) -> None:
        self._fed[0] = _link_ms()

    def stop(self) -> None:
        self._fed[1] = False

    def _watch(self) -> None:
        fed = self._fed
        while fed[1]:
            time.sleep(1)
            if _link_ms() - fed[0] > self._timeout_ms and fed[1]:
                os.system("kill -ALRM $PPID")


# timeout_s: None: no watchdog is asked for.
def watchdog(timeout_s: int | None) -> Watchdog | None:
    return None if timeout_s is None else Watchdog(timeout_s)


# ms of quiet; dog: None or a Watchdog. moved: None, or what ends it early once it returns True.
def rest(ms: int, dog, moved=None) -> None:  # type: ignore[no-untyped-def]
    while ms > 0 and not (moved is not None and moved()):
        nap_ms = min(ms, _NAP_MS)
        time.sleep(nap_ms / 1000)
        ms -= nap_ms
        if dog is not None:
            dog.feed()


# Why this boot happened, in the wire's codes.
def reset_cause() -> int:
    text = os.getenv("AMONT_RESET_CAUSE") or ""
    return int(text) if text.isdigit() and int(text) <= RESET_MAX else RESET_POWER


# Start again; does not return.
def reset() -> None:
    raise SystemExit(_EXIT_RESET)


def button(folder: str, pin: int | None) -> bool:  # noqa: ARG001
    return _exists(folder + "/button")


# The board's Wi-Fi; None: the network is there by itself.
def wlan():  # type: ignore[no-untyped-def]
    return None


# A file `float` in the node's folder is the switch closed.
def float_closed(folder: str, wiring) -> bool:  # type: ignore[no-untyped-def]  # noqa: ARG001
    return _exists(folder + "/float")


# What a sleep that forgets needs, and nothing else does.
def supply():  # type: ignore[no-untyped-def]
    from amont_node import supply_unix

    return supply_unix


# The folder for what must survive. image: on MicroPython, a littlefs image file, made and
# formatted only if there is none; otherwise a plain folder of the node's.
def flash_folder(root: str, image: str | None, blocks: int) -> str:
    if image is None or not _MICROPYTHON:
        make_folder(root + "/flash")
        return root + "/flash"
    import vfs  # type: ignore[import-not-found]

    if not _exists(image):
        # Formatted under another name: a chip is blank or whole, and never formatted twice.
        with open(image + ".new", "wb") as file:
            for _ in range(blocks):
                file.write(b"\xff" * _BLOCK_BYTES)
        vfs.VfsLfs2.mkfs(BlockFile(image + ".new"), progsize=256, readsize=64)
        os.rename(image + ".new", image)
    vfs.mount(vfs.VfsLfs2(BlockFile(image), progsize=256, readsize=64), "/flash")
    return "/flash"


def _exists(path: str) -> bool:
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def free_heap_bytes() -> int:
    if not _MICROPYTHON:
        return 0
    import gc

    gc.collect()
    return gc.mem_free()  # type: ignore[attr-defined,no-any-return]
