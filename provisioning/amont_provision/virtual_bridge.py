"""Be the hardware around a simulated board: power, reset button, cable. See ``virtual.py``.

The board is MicroPython's Unix port in a terminal of its own. Another pseudo-terminal stands for
the serial port. Between the two this process does what a chip does and a Unix program does not:
Ctrl-C interrupts, Ctrl-D at a prompt starts afresh, ``machine.reset()`` restarts.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import socket
import sys
import termios
import time
import tty
from hashlib import sha256
from pathlib import Path

from amont_wire import const

TERMINAL, LOCK = ".pty", ".board"
# How the program ends when the board would restart; any other end is the power's.
SOFT, RESET, DEEP_SLEEP = 0, 70, 75
CAUSES = {
    SOFT: const.RESET_SOFT,
    RESET: const.RESET_SOFT,
    DEEP_SLEEP: const.RESET_DEEP_SLEEP,
    -signal.SIGALRM: const.RESET_WATCHDOG,  # sent by what plays the watchdog (hal_unix.py)
}
UP = b"\x02\x02amont-up\n"  # the launcher's first words; never shown
INTERRUPT, RAW = b"\x03", b"\x01"
CHECK_S = 1.0  # how soon it sees that its folder is gone
DECIDE_S = 2.0  # how long a program may take from its prompt to where it can be interrupted
BOOT_PAUSE_S = 0.3  # between two starts, so that a program that ends at once does not spin
LISTEN_S = 1.0  # how long the board waits for somebody who does not read
PENDING_BYTES = 65_536  # to the board; what is more is lost, as in a serial line's buffer
READ_BYTES = 4096

# Runs on the board before anything else, and is no file of it; nor does it cost the board's heap.
LAUNCHER_BYTES = 3584
LAUNCHER = r"""
import gc, os, sys
sys.stdout.write('\x02\x02amont-up\n')
def _board():
    import binascii, machine as chip
    class Machine:
        pass
    board = Machine()
    for name in dir(chip):
        setattr(board, name, getattr(chip, name))
    for name, cause in (('PWRON', 1), ('WDT', 2), ('SOFT', 3), ('DEEPSLEEP', 5)):
        setattr(board, name + '_RESET', cause)
    board.reset = lambda: sys.exit(70)
    board.soft_reset = lambda: sys.exit(0)
    board.deepsleep = lambda ms=0: sys.exit(75)
    board.unique_id = lambda: binascii.unhexlify(os.getenv('AMONT_UNIQUE_ID'))
    board.reset_cause = lambda: int(os.getenv('AMONT_RESET_CAUSE'))
    sys.modules['machine'] = board
_board()
del _board
for _name in ('boot.py', 'main.py') if os.getenv('AMONT_RAW') != '1' else ('boot.py',):
    try:
        with open(_name) as _file:
            _name = compile(_file.read(), _name, 'exec')
    except OSError:
        continue
    del _file
    gc.collect()
    try:
        exec(_name, {'__name__': '__main__'})
    except SystemExit:
        raise
    except BaseException as _error:
        sys.print_exception(_error)
        break
os.putenv('MICROPYINSPECT', '1')
"""


class Bridge:
    """One simulated board and its line."""

    def __init__(self, folder: Path, executable: str, heap: str) -> None:
        self._folder = folder
        size = int(heap.removesuffix("k")) * 1024 + LAUNCHER_BYTES
        self._command = [executable, "-X", f"heapsize={size}", "-c", LAUNCHER]
        self._line: tuple[int, int] | None = None  # both ends of the serial port's terminal
        self._child = -1
        self._board = -1  # our end of the board's terminal
        self._pending = bytearray()  # from the line, for the board
        self._unsaid = bytearray()  # from the board, for a line that is full
        self._full_since_s: float | None = None
        self._tail = b""  # the newest that the board said
        self._up = False  # the launcher has spoken: Ctrl-C reaches MicroPython, not its loader
        self._raw = False  # the board stands at the raw prompt
        self._started_s = 0.0

    # --- cable

    def plug(self) -> None:
        """Make the serial port and show it in the folder."""
        if self._line is not None:
            return
        self._line = pty.openpty()
        tty.setraw(self._line[1])
        os.set_blocking(self._line[0], False)
        beside = self._folder / (TERMINAL + ".new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.ttyname(self._line[1]))
        beside.rename(self._folder / TERMINAL)

    def pull(self) -> None:
        """Drop the line; whoever has it open sees it hang up."""
        if self._line is None:
            return
        (self._folder / TERMINAL).unlink(missing_ok=True)
        for handle in self._line:
            os.close(handle)
        self._line = None

    # --- power

    def power_on(self, cause: int = const.RESET_POWER, raw: bool = False) -> None:
        """Start the board; raw: back to the raw prompt, without its program."""
        pause_s = self._started_s + BOOT_PAUSE_S - time.monotonic()
        if pause_s > 0 and not raw:
            time.sleep(pause_s)
        self._started_s = time.monotonic()
        self._child, self._board = pty.fork()
        if self._child == 0:
            self._become_board(cause, raw)
        self._up = False
        self._raw = raw
        self._tail = b""
        self._pending.clear()

    def power_off(self) -> None:
        """Cut it off."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        self._buried()

    def _become_board(self, cause: int, raw: bool) -> None:
        try:
            modes = termios.tcgetattr(0)
            modes[1] &= ~termios.OPOST
            modes[3] &= ~(termios.ECHO | termios.ISIG)
            termios.tcsetattr(0, termios.TCSANOW, modes)
            os.chdir(self._folder)
            for name in ("PYTHONPATH", "MICROPYINSPECT"):
                os.environ.pop(name, None)
            name = sha256(str(self._folder).encode()).hexdigest()[:16]
            os.environ.update(
                MICROPYPATH=".frozen", AMONT_UNIQUE_ID=name,
                AMONT_RESET_CAUSE=str(cause), AMONT_RAW="1" if raw else "0",
            )  # fmt: skip
            os.execv(self._command[0], self._command)
        finally:
            os._exit(127)

    def _buried(self) -> int:
        _, status = os.waitpid(self._child, 0)
        os.close(self._board)
        return os.waitstatus_to_exitcode(status)

    # The program ended by itself.
    def _ended(self) -> None:
        code = self._buried()
        if code == SOFT:
            self._say(b"MPY: soft reboot\r\n")
        self.power_on(CAUSES.get(code, const.RESET_POWER), self._raw and code == SOFT)

    # --- bytes

    def pump(self, signals: int) -> None:
        """Wait for bytes or a signal, and pass the bytes on."""
        line = [self._line[0]] if self._line else []
        # Who has not been heard yet has to wait, as on a real board whose host is slow.
        reads = [signals, *line] + ([] if self._unsaid else [self._board])
        writes = [self._board] if self._pending and self._up else []
        writes += line if self._unsaid else []
        wait_s = LISTEN_S if self._unsaid else CHECK_S
        ready, writable, _ = select.select(reads, writes, [], wait_s)
        if self._unsaid:
            self._say(b"")
        if self._board in writable:
            sent = os.write(self._board, bytes(self._pending[:READ_BYTES]))
            del self._pending[:sent]
        if self._line and self._line[0] in ready:
            with contextlib.suppress(OSError):
                self._from_line(os.read(self._line[0], READ_BYTES))
        if self._board in ready:
            self._from_board()

    def _from_line(self, data: bytes) -> None:
        while INTERRUPT in data and self._up and self._interrupts():
            data = data.partition(INTERRUPT)[2]
            self._pending.clear()  # unread by the program that is being interrupted
            os.kill(self._child, signal.SIGINT)
            time.sleep(0.02)  # it has to reach its prompt before what follows, or that is flushed
        self._pending += data[: max(0, PENDING_BYTES - len(self._pending))]

    # MicroPython catches SIGINT only while a program runs that may be interrupted. At a prompt
    # Ctrl-C is a character, and where the program has turned it off it must not kill. Between a
    # prompt and the program that it starts it is neither yet: who waits for input has decided.
    def _interrupts(self) -> bool:
        end_s = time.monotonic() + DECIDE_S
        while True:
            try:
                status = Path(f"/proc/{self._child}/status").read_text()
            except OSError:
                return False
            said = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            if int(said["SigCgt"], 16) >> (signal.SIGINT - 1) & 1:
                return True
            if not said["State"].startswith("R") or time.monotonic() > end_s:
                return False
            time.sleep(0.002)

    def _from_board(self) -> None:
        try:
            data = os.read(self._board, READ_BYTES)
        except OSError:
            data = b""
        if not data:
            self._ended()
            return
        if not self._up:
            self._tail += data
            _, mark, data = self._tail.partition(UP)
            if not mark:
                return
            self._up, self._tail = True, b""
            if self._raw:
                self._pending[:0] = RAW
        if self._is_binary():
            self._say(data)
            return
        ends_in_return = self._tail.endswith(b"\r")
        self._note(data)
        # Its terminal adds nothing: a lone line feed comes from `print`, which adds a return on
        # every real board.
        shown = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        self._say(shown[1:] if ends_in_return and data.startswith(b"\n") else shown)

    # A program that speaks in bytes, as a bridge's, has made its terminal raw in every way.
    def _is_binary(self) -> bool:
        try:
            return bool(termios.tcgetattr(self._board)[1] == 0)
        except termios.error:
            return False

    def _note(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-256:]
        raw, friendly = self._tail.rfind(b"raw REPL; CTRL-B"), self._tail.rfind(b">>> ")
        if raw >= 0 or friendly >= 0:
            self._raw = raw > friendly

    # A line that stays full has no listener: from then on all is lost, as over USB.
    def _say(self, data: bytes) -> None:
        self._unsaid += data
        if self._line is None:
            self._unsaid.clear()
            return
        try:
            del self._unsaid[: os.write(self._line[0], self._unsaid)]
            self._full_since_s = None
        except BlockingIOError:
            now_s = time.monotonic()
            if self._full_since_s is None:
                self._full_since_s = now_s
            if now_s - self._full_since_s >= LISTEN_S:
                self._unsaid.clear()


def run(folder: Path, executable: str, heap: str) -> int:
    """Own the board until SIGTERM or until the folder is gone; return an exit code."""
    signals = _signals()  # before anybody can know our number
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0  # another one was faster; it serves as well
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    bridge = Bridge(folder, executable, heap)
    bridge.power_on()
    bridge.plug()
    acts = {signal.SIGUSR1: bridge.pull, signal.SIGUSR2: bridge.plug}
    while _is_ours(folder, lock):
        bridge.pump(signals.fileno())
        for number in _received(signals):
            if number == signal.SIGTERM:
                bridge.power_off()
                bridge.pull()
                return 0
            if number == signal.SIGHUP:
                bridge.power_off()
                bridge.power_on()
            elif number in acts:
                acts[signal.Signals(number)]()
    bridge.power_off()
    return 0


def _signals() -> socket.socket:
    """Return a socket on which the numbers of our signals arrive."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda *_: None)
    return ours


def _received(signals: socket.socket) -> bytes:
    try:
        return signals.recv(64)
    except BlockingIOError:
        return b""


def _is_ours(folder: Path, lock: int) -> bool:
    """Tell whether the folder still holds our lock file: it was neither removed nor renewed."""
    try:
        return os.path.samestat(os.stat(folder / LOCK), os.fstat(lock))
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
