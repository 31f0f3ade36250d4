# The bridge's serial port and clock on a board: the only file of the bridge that touches
# `machine`. The twin of hal_unix: the same names.
#
# The port is the one over which a prompt would be: USB, or the UART behind a USB converter.
# main.py has turned off the character that interrupts (3 is as good as any other here), and all
# that prints.
#
# Tried on MicroPython's Unix port with streams of the test's own; what a chip's USB does when the
# host hangs is to be read on a bench (docs/rigs.md).

import select
import sys
import time

_READ_BYTES = 256


# Milliseconds that never wrap: the chip's count to 2^30, twelve days.
class Ticks:
    def __init__(self) -> None:
        self._last_ms = time.ticks_ms()  # type: ignore[attr-defined]
        self._ms = 0

    def __call__(self) -> int:
        now_ms = time.ticks_ms()  # type: ignore[attr-defined]
        self._ms += time.ticks_diff(now_ms, self._last_ms)  # type: ignore[attr-defined]
        self._last_ms = now_ms
        return self._ms


# Bytes in and out one by one, each only when it can go: a chip's own read(n) waits for n bytes,
# and its write waits half a second where the host has stopped to read.
class SerialPort:
    pollable = None

    def __init__(self) -> None:
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._poll_in = select.poll()
        self._poll_in.register(sys.stdin, select.POLLIN)
        self._poll_out = select.poll()
        self._poll_out.register(sys.stdout, select.POLLOUT)
        self._torn = False  # a line was left half written

    # What is there.
    def read(self) -> bytes:
        data = bytearray()
        while len(data) < _READ_BYTES and self.wait(0):
            data += self._in.read(1)
        return bytes(data)

    # Whether something comes within wait_ms.
    def wait(self, wait_ms: int) -> bool:
        return bool(self._poll_in.poll(wait_ms))

    # False: nobody takes it within wait_ms; the rest of the line is dropped.
    def write(self, line: bytes, wait_ms: int) -> bool:
        if self._torn:
            line = b"\x00" + line  # so that the half line costs only itself
        began_ms = time.ticks_ms()  # type: ignore[attr-defined]
        for at in range(len(line)):
            passed_ms = time.ticks_diff(time.ticks_ms(), began_ms)  # type: ignore[attr-defined]
            if not self._poll_out.poll(max(0, wait_ms - passed_ms)):
                self._torn = self._torn or at > 0
                return False
            self._out.write(line[at : at + 1])
        self._torn = False
        return True


def unique_id() -> bytes:
    import machine  # type: ignore[import-not-found]

    return bytes(machine.unique_id())[:8]


# It was reset, and what it sent before is forgotten; after a loss of power it was silent before.
def forgot() -> bool:
    import machine

    return bool(machine.reset_cause() != getattr(machine, "PWRON_RESET", None))
