"""A board on paper: a raw REPL that runs code on dictionaries instead of flash, at no time.

It speaks MicroPython's protocol byte by byte (friendly prompt, raw mode, raw paste) and executes
what it gets with CPython, which sees only these files. The line to it can tear, flip, lose and
add bytes, and break at any byte.
"""

import binascii
import contextlib
import hashlib
import io
import types
from collections import deque

from amont_provision.texts import Refused

BANNER = b'\r\nMicroPython v1.0 on paper\r\nType "help()" for more information.\r\n>>> '
RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
FULL, INTERRUPTED = OSError(28, "no space"), b"Traceback:\r\nKeyboardInterrupt: \r\n"


class Time:
    """A clock that moves when somebody waits."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class PaperBoard:
    """What is on the desk.

    pastes: knows raw paste. sums: has stat, rename and hashes. deaf: how many Ctrl-C its program
    ignores; None: it runs no program. hangs_at: number of the exec that never ends by itself.
    room: bytes that its flash holds. rots: how many writes store a wrong byte.
    """

    def __init__(self, pastes=True, sums=True, deaf=None, hangs_at=None, room=1 << 20, rots=0):
        self.files, self.folders = {}, set()
        self.pastes, self.sums, self.room, self.rots = pastes, sums, room, rots
        self.deaf, self.hangs_at = deaf, hangs_at
        self.name, self.starts, self.execs = "micropython", 0, 0
        self.state = "friendly" if deaf is None else "running"
        self._typed, self._said, self._globals = bytearray(), bytearray(), {}

    def hear(self, byte):
        """Take one byte; what it says to that is collected by ``said``."""
        getattr(self, "_hear_" + self.state)(byte)

    def said(self):
        """Return what it has said since."""
        said, self._said = bytes(self._said), bytearray()
        return said

    # --- what each state makes of a byte

    def _hear_running(self, byte):
        if byte == 3:
            self.deaf -= 1
            if self.deaf < 0:
                self._said += INTERRUPTED + BANNER
                self.state = "friendly"

    def _hear_hanging(self, byte):
        if byte == 3:
            self._said += b"\x04" + INTERRUPTED + b"\x04>"
            self.state = "raw"

    def _hear_friendly(self, byte):
        if byte == 1:
            self._said += b"\r\n" + RAW_BANNER
            self._typed.clear()
            self.state = "raw"
        elif byte == 2:
            self._said += BANNER
        elif byte == 4:
            self._restart("running" if self.deaf is not None else "friendly")
        elif byte in (3, 13):
            self._said += b"\r\n>>> "

    def _hear_raw(self, byte):
        if byte == 1:
            if self.pastes and self._typed == b"\x05A":
                self._said += b"R\x01\x20\x00\x01"
                self.state = "paste"
                self._taken = 0
            else:
                self._said += RAW_BANNER
            self._typed.clear()
        elif byte == 2:
            self._said += BANNER
            self.state = "friendly"
        elif byte == 3:
            self._typed.clear()
        elif byte == 4:
            if self._typed:
                self._said += b"OK"
                self._run()
            else:
                self._restart("raw")
        else:
            self._typed.append(byte)

    def _hear_paste(self, byte):
        if byte == 3:
            self._said += b"\x04" + INTERRUPTED + b"\x04>"
            self._typed.clear()
            self.state = "raw"
        elif byte == 4:
            self._said += b"\x04"
            self.state = "raw"
            self._run()
        else:
            self._typed.append(byte)
            self._taken += 1
            if self._taken % 32 == 0:
                self._said += b"\x01"

    def _restart(self, state):
        self._globals = {}
        self.starts += 1
        self._said += b"OK\r\n" * (state == "raw") + b"MPY: soft reboot\r\n"
        self._said += {"raw": RAW_BANNER, "running": b"amont 1\r\n", "friendly": BANNER}[state]
        self.state = state

    # --- running code

    def _run(self):
        code = bytes(self._typed)
        self._typed.clear()
        self.execs += 1
        if self.execs == self.hangs_at:
            self.state = "hanging"
            return
        printed, error = io.StringIO(), ""
        space = self._globals
        space["__builtins__"] = self._builtins(printed)
        try:
            exec(compile(code.decode(), "paper", "exec"), space)
        except SystemExit:
            self._restart("raw")
            return
        except BaseException as raised:
            error = f"Traceback:\n{type(raised).__name__}: {raised}\n"
        for text in (printed.getvalue(), error):
            self._said += text.encode(errors="replace").replace(b"\n", b"\r\n") + b"\x04"
        self._said += b">"

    def _builtins(self, printed):
        plain = ("bytes", "str", "len", "sum", "range", "hasattr", "exec", "globals", "OSError",
                 "ImportError", "hex", "SystemExit")  # fmt: skip
        found = {name: __builtins__[name] for name in plain}
        modules = {
            "os": self._os(),
            "sys": types.SimpleNamespace(implementation=(self.name,)),
            "gc": types.SimpleNamespace(collect=lambda: None),
        }
        if self.sums:
            modules["hashlib"] = types.SimpleNamespace(sha256=hashlib.sha256)
            modules["binascii"] = binascii

        def bring(name, *_):
            if name not in modules:
                raise ImportError(name)
            return modules[name]

        def show(*values):
            print(*values, file=printed)

        return {**found, "__import__": bring, "print": show, "open": self._open}

    def _os(self):
        plain = {"listdir": self._listdir, "remove": self._remove}
        more = {"stat": self._stat, "rename": self._rename, "mkdir": self.folders.add}
        return types.SimpleNamespace(**plain, **(more if self.sums else {}))

    def _listdir(self, folder=""):
        start = folder + "/" if folder else ""
        names = [n[len(start) :] for n in [*self.files, *self.folders] if n.startswith(start)]
        return sorted({name.partition("/")[0] for name in names if name})

    def _stat(self, name):
        if name in self.folders:
            return (0x4000, 0, 0, 0, 0, 0, 0)
        return (0x8000, 0, 0, 0, 0, 0, len(self._content(name)))

    def _content(self, name):
        if name not in self.files:
            raise OSError(2, "ENOENT")
        return self.files[name]

    def _remove(self, name):
        self._content(name)
        del self.files[name]

    def _rename(self, old, new):
        self.files[new] = self._content(old)
        del self.files[old]

    def _open(self, name, mode):
        if mode == "wb":
            self.files[name] = b""
            return PaperFile(self, name)
        if mode != "rb":
            raise ValueError("mode")
        return io.BytesIO(self._content(name))

    def store(self, name, data):
        """Append to a file, as its flash does."""
        if sum(map(len, self.files.values())) + len(data) > self.room:
            raise FULL
        if self.rots and data:
            self.rots -= 1
            data = bytes([data[0] ^ 1]) + data[1:]
        self.files[name] += data


class PaperFile:
    """A file that is being written."""

    def __init__(self, board, name):
        self._board, self._name = board, name

    def write(self, data):
        """Append."""
        self._board.store(self._name, data)
        return len(data)

    def close(self):
        """Do nothing more."""


class PaperLine:
    """The cable; a Line.

    noise_down, noise_up: {position: function from one byte to bytes}, by bytes that went there.
    cut: total of bytes in both directions after which it is pulled. torn: sizes in which answers
    arrive, in turn.
    """

    def __init__(self, board, time, noise_down=None, noise_up=None, cut=None, torn=(4096,)):
        self._board, self._time = board, time
        self._down, self._up, self._cut = noise_down or {}, noise_up or {}, cut
        self._torn = deque(torn)
        self._waiting = bytearray()
        self._gone_down = self._gone_up = 0

    @property
    def carried(self):
        """How many bytes went over it."""
        return self._gone_down + self._gone_up

    def give(self, data):
        """Carry bytes to the board."""
        for byte in data:
            self._check()
            change = self._up.get(self._gone_up)
            self._gone_up += 1
            for heard in change(byte) if change else bytes([byte]):
                self._board.hear(heard)
                self._collect()

    def take(self, wait_s):
        """Return what came, torn; wait by moving the clock."""
        self._check()
        if not self._waiting:
            self._time.now_s += wait_s
            return b""
        self._time.now_s += 1e-4
        self._torn.rotate(-1)
        part = bytes(self._waiting[: self._torn[0]])
        del self._waiting[: len(part)]
        return part

    def _collect(self):
        for byte in self._board.said():
            if self._cut is not None and self.carried >= self._cut:
                return
            change = self._down.get(self._gone_down)
            self._gone_down += 1
            self._waiting += change(byte) if change else bytes([byte])

    def _check(self):
        if self._cut is not None and self.carried >= self._cut and not self._waiting:
            raise Refused("port-pulled", port="paper")


@contextlib.contextmanager
def ends_within(time, limit_s):
    """Hold that what happens inside takes no longer than that on the paper's clock."""
    began_s = time.now_s
    try:
        yield
    finally:
        assert time.now_s - began_s <= limit_s
