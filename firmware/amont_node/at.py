# Talking to a module by AT commands, as RAKwireless' RUI3 speaks them: a command, perhaps a line
# with a value, a status; and events, which come whenever they like. Every wait has an end, and
# whatever comes, noise, an echo or a line that never ends, costs a bounded amount of heap and no
# exception but RadioFault.

import sys
import time

from amont_node.radio import RadioFault

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

BAUD = 115200
_MICROPYTHON = sys.implementation.name == "micropython"
_LINE_BYTES_MAX = 640  # an event with 255 bytes in hex, and room
_CHUNK_BYTES = 64
_READS_MAX = 16  # of one look: a line that is never quiet must not hold the node
_EVENTS_MAX = 16
_POLL_MS = 2
_WAKE_MS = 5  # what the module says of a character that it slept through is here by then
_STATUS = "AT_"
_NOT_FOUND = "AT_COMMAND_NOT_FOUND"
_EVENT = "+EVT:"
_BANNER = "Current Work Mode"


# Time as the conversation needs it. Another object with these two is another time.
class Clock:
    def now_ms(self) -> int:
        if _MICROPYTHON:
            return time.ticks_ms()  # type: ignore[attr-defined,no-any-return]
        return time.monotonic_ns() // 1000000 & 0x3FFFFFFF  # pyright: ignore[reportAttributeAccessIssue]

    # From then to now, over the end of the ticks.
    def since_ms(self, then_ms: int) -> int:
        return self.now_ms() - then_ms & 0x3FFFFFFF

    def sleep_ms(self, wait_ms: int) -> None:
        time.sleep(wait_ms / 1000)


# The module said no. status: AT_BUSY_ERROR and the like; note: the line that came before it.
class AtError(RadioFault):
    def __init__(self, command: str, status: str, note: str) -> None:
        super().__init__("%s: %s" % (command, status))
        self.status = status
        self.note = note


# What was allowed is used up; the module may be well.
class OutOfTime(RadioFault):
    pass


# settings: {"id", "tx", "rx"}, as for a probe's UART; at a Unix process {"port": a path}.
def open_uart(settings) -> "Any":  # type: ignore[no-untyped-def]
    from amont_node.drivers.fields import whole
    from amont_node.settings import ConfigError

    if not isinstance(settings, dict):
        raise ConfigError("carrier.uart: must be an object")
    if "port" in settings:
        from amont_node.uart_unix import FileUart

        return FileUart(settings["port"])
    number = whole(settings, "id", None, 0, 9)
    pins = [whole(settings, name, None, 0, 99) for name in ("tx", "rx")]
    try:
        import machine  # type: ignore[import-not-found,unused-ignore]

        pin, uart = machine.Pin, machine.UART
    except (ImportError, AttributeError):
        raise RadioFault("no pins here: `machine` has no UART")  # noqa: B904
    tx, rx = [pin(one) for one in pins]
    try:
        return uart(number, baudrate=BAUD, tx=tx, rx=rx, rxbuf=1024, txbuf=1024, timeout=0)
    except (OSError, ValueError) as error:
        raise RadioFault("uart %d: %s" % (number, error))  # noqa: B904


# In place of a line that cannot be opened: the node measures and keeps, and tells why it is mute.
class NoUart:
    def __init__(self, why: str) -> None:
        self._why = why

    def any(self) -> int:
        return 0

    def write(self, data: bytes) -> int:  # noqa: ARG002
        raise OSError(self._why)


# ConfigError: the settings could never do; whatever else is wrong is told by each command.
def try_uart(settings) -> "Any":  # type: ignore[no-untyped-def]
    try:
        return open_uart(settings)
    except OSError as error:
        return NoUart(str(error))


class Line:
    # uart: any(), read(n), write(data), as machine.UART has them.
    def __init__(self, uart, clock=None) -> None:  # type: ignore[no-untyped-def]
        self._uart = uart
        self.clock = clock or Clock()
        self._rest = b""  # of a line that is still coming
        self._skips = False  # to the end of a line that is too long
        self._replies: list[str] = []
        self._events: list[str] = []
        self._end: tuple[int, int] | None = None  # see allow()
        self.sleeps = False  # the module may sleep: whatever wakes it is lost
        self.rebooted = False  # it has begun anew, and is as its memory says
        self.overlong = 0  # lines that were longer than any that it should say
        self.dropped = 0  # events that nobody fetched in time

    # So long may all that follows take together; None: as long as each may.
    def allow(self, most_ms: int | None) -> None:
        self._end = None if most_ms is None else (self.clock.now_ms(), most_ms)

    def left_ms(self, timeout_ms: int) -> int:
        if self._end is None:
            return timeout_ms
        began_ms, most_ms = self._end
        return max(0, min(timeout_ms, most_ms - self.clock.since_ms(began_ms)))

    # The value that a command brings, "" if it has none. AtError: the module refused it.
    # RadioFault: it did not answer in time. is_safe: may be said again when nothing came.
    def command(self, text: str, timeout_ms: int = 600, is_safe: bool = True) -> str:
        name = text.partition("=")[0]  # what comes behind may be a key
        asks = text.endswith("=?")
        status = ""
        for attempt in range(2):
            if self.left_ms(1) == 0:
                raise OutOfTime("%s: no time left for it" % name)
            self._say(text, name)
            waits_ms = self.left_ms(timeout_ms)
            status, note = self._answer(text, waits_ms)
            if status == "OK":
                if not asks:
                    return note
                if note.startswith(name + "="):
                    return note[len(name) + 1 :]
                status = "no value"  # what it said was damaged
            elif status == _NOT_FOUND and attempt == 0:  # it did not hear the first character
                self._drain(_WAKE_MS)
            elif status:
                raise AtError(name, status, note)
            elif waits_ms < timeout_ms:
                raise OutOfTime("%s: no answer within %d ms" % (name, waits_ms))
            elif not is_safe:
                break
        raise RadioFault("%s: %s" % (name, status or "no answer within %d ms" % timeout_ms))

    # The next event without its "+EVT:", None when none has come within wait_ms.
    def event(self, wait_ms: int) -> str | None:
        began_ms = self.clock.now_ms()
        while True:
            self._look()
            if self._events:
                return self._events.pop(0)
            left_ms = wait_ms - self.clock.since_ms(began_ms)
            if left_ms <= 0:
                return None
            self.clock.sleep_ms(min(_POLL_MS, left_ms))

    # Something is there to be looked at.
    def waits(self) -> bool:
        return bool(self._events) or bool(self._uart.any())

    # Events that nobody will ask for any more.
    def forget(self) -> None:
        self._look()
        self._events = []

    def _say(self, text: str, name: str) -> None:
        if self.sleeps:
            self._write(b"\r\n", name)
            self._drain(_WAKE_MS)
        else:
            self._drain(0)
        self._write(text.encode() + b"\r\n", name)

    def _write(self, data: bytes, name: str) -> None:
        try:
            written = self._uart.write(data)
        except OSError as error:
            raise RadioFault("%s: not written: %s" % (name, error))  # noqa: B904
        if written != len(data):
            raise RadioFault("%s: %s of %d bytes written" % (name, written, len(data)))

    # What came before is no answer to what follows.
    def _drain(self, wait_ms: int) -> None:
        if wait_ms:
            self.clock.sleep_ms(wait_ms)
        self._look()
        self._replies = []

    # (status, its value or the last line before it); ("", …): none came in time.
    def _answer(self, text: str, timeout_ms: int) -> tuple[str, str]:
        began_ms = self.clock.now_ms()
        name, note = text.partition("=")[0], ""
        while True:
            self._look()
            while self._replies:
                line = self._replies.pop(0)
                if line == "OK" or line.startswith(_STATUS):
                    return line, note
                if line != text and not note.startswith(name + "="):  # not its echo
                    note = line
            if self.clock.since_ms(began_ms) >= timeout_ms:
                return "", note
            self.clock.sleep_ms(_POLL_MS)

    # Takes in what is there.
    def _look(self) -> None:
        for _ in range(_READS_MAX):
            try:
                waiting = self._uart.any()
                data = self._uart.read(min(waiting, _CHUNK_BYTES)) if waiting else None
            except OSError as error:
                raise RadioFault("uart: %s" % error)  # noqa: B904
            if not data:
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if self._skips:
                self._skips = False
            else:
                self._sort(_printable(line))
        if len(self._rest) > _LINE_BYTES_MAX:
            self._rest = b""
            if not self._skips:
                self.overlong += 1
            self._skips = True
        elif self._skips:
            self._rest = b""

    def _sort(self, line: str) -> None:
        at = line.find(_EVENT)
        if at >= 0:
            if len(self._events) >= _EVENTS_MAX:
                self._events.pop(0)
                self.dropped += 1
            self._events.append(line[at + len(_EVENT) :])
        elif _BANNER in line:
            self.rebooted = True
        elif line:
            if len(self._replies) >= _EVENTS_MAX:
                self._replies.pop(0)
            self._replies.append(line)


# The end of a line that is text: noise comes before it, when the module wakes or starts.
def _printable(line: bytes) -> str:
    line = line.strip()
    for at in range(len(line) - 1, -1, -1):
        if not 32 <= line[at] < 127:
            line = line[at + 1 :]
            break
    return line.decode()


# Bytes of hex digits; None: they are none.
def unhex(text: str) -> bytes | None:
    try:
        return None if " " in text else bytes.fromhex(text)
    except ValueError:
        return None


# The whole number that a text is, within bounds; None: it is none.
def number(text: str, low: int, high: int) -> int | None:
    digits = text[1:] if text[:1] == "-" else text
    if not digits.isdigit() or len(digits) > 9:
        return None
    value = int(text)
    return value if low <= value <= high else None
