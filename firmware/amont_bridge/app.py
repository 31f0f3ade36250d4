# The shell around Bridge: one loop over the serial port and the radio. It ends only when the
# serial port is gone, or when somebody asks for the board (Service).

import select
import sys

from amont_bridge.bridge import Bridge

_WAIT_MS_MAX = 1000
_LOOK_MS = 5  # how long a radio without anything to poll keeps the loop from the serial port
_WRITE_MS = 50  # a guard that reads nothing for so long loses the line
_FRAMES_A_TURN = 16


class BridgeApp:
    # serial: hal_unix.SerialPort or hal_board.UsbSerial. radio: hal_unix.RadioAir or air.Air.
    # ticks: what counts ms and never wraps. dog: None, or what wants to be fed each turn.
    def __init__(self, serial, radio, bridge: Bridge, ticks, dog=None) -> None:  # type: ignore[no-untyped-def]
        self._serial = serial
        self._radio = radio
        self._ticks = ticks
        self._dog = dog
        self.bridge = bridge
        self._hangs = False  # the guard
        self._configured: object = None  # the settings that the radio has
        self._poll = None
        if radio.pollable is not None and serial.pollable is not None:
            self._poll = select.poll()
            self._poll.register(serial.pollable, select.POLLIN)
            self._poll.register(radio.pollable, select.POLLIN)

    def turn(self) -> None:
        if self._dog is not None:
            self._dog.feed()
        self._wait()
        self._from_guard()
        self._from_radio()
        self._transmit()
        now_ms = self._ticks()
        self.bridge.radio(self._radio.fault, self._radio.crc_errors, now_ms)
        self._write(self.bridge.status(now_ms))

    def _wait(self) -> None:
        if self._poll is None:
            return
        wait_ms = min(_WAIT_MS_MAX, self.bridge.wait_ms(self._ticks()))
        for entry in self._poll.poll(wait_ms):
            if entry[1] & ~select.POLLIN and not entry[1] & select.POLLIN:
                raise OSError("serial port or radio closed")

    def _from_guard(self) -> None:
        data = self._serial.read()
        if not data:
            return
        self._write(self.bridge.from_guard(data, self._ticks()))
        settings = self.bridge.settings
        if settings is not None and settings != self._configured:
            self._configured = settings
            self._radio.configure(settings, self.bridge.listens())

    def _from_radio(self) -> None:
        if not self.bridge.listening():
            return self._idle()
        wait_ms = 0
        if self._poll is None:
            wait_ms = min(_LOOK_MS, self.bridge.wait_ms(self._ticks()))
        for _ in range(_FRAMES_A_TURN):
            heard = self._radio.receive(wait_ms)
            if heard is None:
                return None
            frame, rssi_dbm, snr_db4, index = heard
            self._write(self.bridge.heard(frame, rssi_dbm, snr_db4, self._ticks(), index))
            wait_ms = 0
        return None

    # No radio to wait on yet.
    def _idle(self) -> None:
        if self._poll is None:
            self._serial.wait(_LOOK_MS)

    # One at a time: what the guard said meanwhile may matter more than what waits.
    def _transmit(self) -> None:
        # The radio is asked only when there is something to send.
        hears = self.bridge.waits() and self._radio.hears()
        sending = self.bridge.next_transmission(self._ticks(), hears)
        if sending is None:
            return
        if self._dog is not None:
            self._dog.feed()  # at SF12 it takes seconds
        sent = self._radio.send(sending)
        self._write(self.bridge.transmitted(sending, sent, self._ticks()))

    def _write(self, lines: bytes) -> None:
        if not lines:
            return
        # Who did not read the line before is not waited for again.
        self._hangs = not self._serial.write(lines, 0 if self._hangs else _WRITE_MS)
        self.bridge.lost_lines += self._hangs


# serial: a path, or "fd:<number>" of a file that is open already. air: the port of datagrams that
# stand for the radio, at once; or the file with a board's settings, as `bridge.json`.
def run(serial: str, air: str) -> None:
    from amont_bridge import hal_unix

    path = int(serial[3:]) if serial.startswith("fd:") else serial
    port = hal_unix.SerialPort(path)
    ticks = hal_unix.Ticks()
    if air.isdigit():
        bridge = Bridge(ticks(), hal_unix.unique_id())
        app = BridgeApp(port, hal_unix.RadioAir(int(air)), bridge, ticks)
    else:
        from amont_bridge import board

        radio, bridge = board.parts(air, hal_unix, ticks)
        app = BridgeApp(port, radio, bridge, ticks)
    print("bridge: %s and %s" % (serial, air))
    while not bridge.service:
        app.turn()


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2])
