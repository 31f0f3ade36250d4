# Listening to several (channel, spreading factor) with one SX126x: a look at each in turns by its
# channel activity detection. Where a look finds a preamble the chip goes on to receive, and hears
# nothing of the rest meanwhile. airtime.scan_preamble says how long preambles have to be for it.
#
# Data sheet of the SX1261/2, 13.4.7 SetCadParams and 13.1.8 SetCad; symbols and thresholds for
# 125 kHz as Semtech AN1200.48 advises.

import time

from amont_node.radio import Modulation

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

clock: "Any" = time

_SET_RF_FREQUENCY = 0x86
_SET_MODULATION = 0x8B
_SET_PACKET = 0x8C
_SET_BUFFER_BASE = 0x8F
_SET_CAD_PARAMS = 0x88
_SET_CAD = 0xC5
_SET_STANDBY = 0x80
_XOSC = 1
_BANDWIDTHS = {125: 4, 250: 5, 500: 6}  # table 13-48
_CAD_RX = 1  # found: go on to receive; else standby
_CAD_MIN = 10
# By spreading factor from 7 on: code of 2 or 4 symbols, and what counts as a peak.
_CAD = ((1, 22), (1, 22), (2, 23), (2, 24), (2, 25), (2, 28))
_CAD_SYMBOLS_MOST = 8  # what 4 symbols of it can take, and the chip's work
_WORK_MS = 20  # TCXO, PLL, and a board that does something else
_LOCK_SYMBOLS = 12  # a true preamble is detected by then
_HEADER_SYMBOLS = 24  # sync word and header behind a preamble, and as much again
_FRAME_BYTES_MAX = 255

_CAD_DONE = 128
_CAD_FOUND = 256
_PREAMBLE = 4
_HEADER = 16
_RX_DONE = 2
_TIMEOUT = 512
_ALL = 0xFFFF
_NAP_US_LEAST = 200  # or an eighth of a symbol

_LOOKS = 1
_RECEIVES = 2


class Scan:
    # modem: awake, in standby, the library's.
    def __init__(self, modem, listen: list[Modulation]) -> None:  # type: ignore[no-untyped-def]
        self._modem = modem
        self._listen = listen
        self._at = -1
        self._state = 0
        self._until_ms = 0
        self._locks_ms = 0  # by then its preamble is detected, or there is none
        self._inverted: bool | None = None
        self.nap_us = _NAP_US_LEAST  # between two questions whether a look is over
        self.looks = 0
        self.stuck = 0  # looks that did not end
        modem._cmd("BBB", _SET_BUFFER_BASE, 0xFF, 0)
        self.go_on()

    # A look at the next.
    def go_on(self) -> None:
        self._at = (self._at + 1) % len(self._listen)
        modem, m = self._modem, self._listen[self._at]
        symbols, peak = _CAD[m.sf - 7]
        slow = (1 << m.sf) // m.bw_khz >= 16
        wait = min(0xFFFFFF, ((m.preamble + _HEADER_SYMBOLS) << m.sf) * 64 // m.bw_khz)
        modem._cmd("BB", _SET_STANDBY, _XOSC)
        modem._cmd(">BI", _SET_RF_FREQUENCY, (m.freq_khz << 22) // 4000)  # 32 MHz / 2^25 steps
        modem._cmd("BBBBB", _SET_MODULATION, m.sf, _BANDWIDTHS[m.bw_khz], m.cr - 4, slow)
        if m.inverted is not self._inverted:
            self._inverted = m.inverted
            most = max([each.preamble for each in self._listen])
            modem._cmd(">BHBBBB", _SET_PACKET, most, 0, 255, 1, m.inverted)
            modem._invert_workaround(m.inverted)
        modem._cmd(
            ">BBBBBBH", _SET_CAD_PARAMS, symbols, peak, _CAD_MIN, _CAD_RX, wait >> 16,
            wait & 0xFFFF,
        )  # fmt: skip
        modem._clear_irq(_ALL)
        modem._cmd("B", _SET_CAD)
        self.nap_us = max(_NAP_US_LEAST, (1 << m.sf) * 125 // m.bw_khz)
        self.looks += 1
        self._state = _LOOKS
        self._waits((_CAD_SYMBOLS_MOST << m.sf) // m.bw_khz + _WORK_MS)

    # What came of it; returns where in the list the chip listens.
    def step(self, mode: int, flags: int) -> int:  # noqa: ARG002
        at = self._at
        if flags & _RX_DONE:
            return at
        late = clock.ticks_diff(clock.ticks_ms(), self._until_ms) > 0
        if self._state == _LOOKS:
            if flags & _CAD_DONE and flags & _CAD_FOUND:
                self._receives()
            elif flags & _CAD_DONE or late:
                self.stuck += not flags & _CAD_DONE
                self.go_on()
        elif late or flags & _TIMEOUT or self._is_empty(flags):
            self.go_on()
        return at

    # A preamble was found a moment ago, and may be one.
    def expects(self) -> bool:
        late_ms = clock.ticks_diff(clock.ticks_ms(), self._locks_ms)
        return self._state == _RECEIVES and bool(late_ms <= 0)

    def _receives(self) -> None:
        m = self._listen[self._at]
        self._state = _RECEIVES
        self._modem._clear_irq(_CAD_DONE | _CAD_FOUND)
        symbols = m.preamble + _HEADER_SYMBOLS + 8 * (8 + _FRAME_BYTES_MAX)  # more than any frame
        self._waits((symbols << m.sf) // m.bw_khz)
        lock_ms = (_LOCK_SYMBOLS << m.sf) // m.bw_khz + 1
        self._locks_ms = clock.ticks_add(clock.ticks_ms(), lock_ms)

    # The look was wrong: no preamble is there.
    def _is_empty(self, flags: int) -> bool:
        if flags & (_PREAMBLE | _HEADER):
            return False
        return bool(clock.ticks_diff(clock.ticks_ms(), self._locks_ms) > 0)

    def _waits(self, wait_ms: int) -> None:
        self._until_ms = clock.ticks_add(clock.ticks_ms(), wait_ms)
