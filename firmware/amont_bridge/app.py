# The shell around Bridge: one loop over the serial port and the radio. It ends only when the
# serial port is gone.

import select
import sys

from amont_bridge.bridge import Bridge
from amont_bridge.hal_unix import RadioAir, SerialPort, tick_ms
from amont_wire.link import SENT_OK

_WAIT_MS_MAX = 1000
_WRITE_MS = 50  # a guard that reads nothing for so long loses the line
_FRAMES_A_TURN = 16


class BridgeApp:
    def __init__(self, serial: SerialPort, radio: RadioAir) -> None:
        self._serial = serial
        self._radio = radio
        self._bridge = Bridge(tick_ms())
        self._poll = select.poll()
        self._poll.register(serial.pollable, select.POLLIN)
        self._poll.register(radio.pollable, select.POLLIN)
        self.lost_lines = 0  # lines that the guard did not take

    def turn(self) -> None:
        wait_ms = min(_WAIT_MS_MAX, self._bridge.status_due_ms(tick_ms()))
        for entry in self._poll.poll(wait_ms):
            if entry[1] & ~select.POLLIN and not entry[1] & select.POLLIN:
                raise OSError("serial port or radio closed")
            if not self._is_radio(entry[0]):
                self._write(self._bridge.from_guard(self._serial.read()))
        self._from_radio()
        self._transmit()
        self._write(self._bridge.status(tick_ms()))

    def _is_radio(self, polled: object) -> bool:
        # CPython's poll gives file numbers, MicroPython's the objects.
        if isinstance(polled, int):
            radio = self._radio.pollable
            return polled == radio.fileno()  # pyright: ignore[reportAttributeAccessIssue]
        return polled is self._radio.pollable

    def _from_radio(self) -> None:
        for _ in range(_FRAMES_A_TURN):
            heard = self._radio.receive()
            if heard is None:
                return
            self._write(self._bridge.heard(heard[0], heard[1], heard[2], tick_ms()))

    def _transmit(self) -> None:
        while True:
            send = self._bridge.next_transmission()
            if send is None:
                return
            self._radio.transmit(send.frame)
            self._write(self._bridge.transmitted(send.handle, SENT_OK))

    def _write(self, line: bytes) -> None:
        if line and not self._serial.write(line, _WRITE_MS):
            self.lost_lines += 1


# serial: a path, or "fd:<number>" of a file that is open already.
def run(serial: str, udp_port: int) -> None:
    path = int(serial[3:]) if serial.startswith("fd:") else serial
    app = BridgeApp(SerialPort(path), RadioAir(udp_port))
    print("bridge: %s and port %d" % (serial, udp_port))
    while True:
        app.turn()


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]))
