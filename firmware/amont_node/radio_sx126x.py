# A radio chip SX1261 or SX1262 on SPI, under the port of radio.py, over the packages `lora`,
# `lora-sx126x` and `lora-sync` of micropython-lib: `amont-provision deps` brings them, locked by
# hash, so what is used of them here, names with an underscore too, is what was tried.
#
# settings (from the board's file, see docs/wiring.*.md):
#   {"spi": {"id": 1, "sck": 10, "mosi": 11, "miso": 12, "hz": 2000000}, "cs": 13, "busy": 2,
#    "reset": 3, "dio1": 17 | null, "tcxo_mv": 1800 | null, "tcxo_us": 2000, "dio2_switch": true,
#    "rxen": pin | null, "txen": pin | null, "dcdc": true, "boost": false}
#
# What the library leaves to us, by the data sheet of the SX1261/2 (Rev. 2.1):
# - 15.4: bit 2 of register 0x0736 is 1 for usual IQ and 0 for inverted. The library (0.1.6) has it
#   the other way round, which costs longer packets.
# - It waits for the end of a transmission without an end. Here all has one; the chip is reset.
# - Interrupts are masked until asked for (13.3.1), without DIO1 too; the supply of the TCXO makes
#   calibrations invalid (13.3.6); the boosted gain is lost in sleep.
# - A chip that lost its supply for a moment comes back deaf: it is asked again each minute.

import time

from amont_node import radio
from amont_node.radio import Modulation, RadioFault, RadioPort
from amont_node.settings import forget

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

clock: "Any" = time  # only MicroPython's has milliseconds

_HZ = 2000000
_TCXO_US = 2000  # of most; one that is slower is told as error 0x20
_TX_MARGIN_MS = 100  # beyond the time on air; with a reset before, still within the port's 200
_RENEW_MS = 60000
_POLL_MS = 2
_BLIND_POLL_MS = 20  # how often the chip itself is asked, lest an edge of DIO1 was lost
_PREAMBLE_SYMBOLS = 20  # after so many a preamble without a header was none
_HEARD_BYTES = 64  # no frame of ours is longer

_SET_REGULATOR_MODE = 0x96
_SET_IRQ = 0x08
_GET_IRQ = 0x12
_GET_PACKET_TYPE = 0x11
_REG_SYNC_WORD = 0x0740
_REG_IQ_POLARITY = 0x0736
_IQ_USUAL = 4
_OURS = (1, 0x14, 0x24)

MODE_RC = 2
MODE_RX = 5
MODE_TX = 6
IRQ_TX_DONE = 1
IRQ_RX_DONE = 2
IRQ_PREAMBLE = 4
IRQ_HEADER = 16
IRQ_HEADER_ERROR = 32
IRQ_CRC_ERROR = 64
IRQ_CAD_DONE = 128
IRQ_TIMEOUT = 512
_IRQ_WANTED = 0x3F7
_IRQ_DIO1 = IRQ_TX_DONE | IRQ_RX_DONE | IRQ_HEADER_ERROR | IRQ_CAD_DONE | IRQ_TIMEOUT


# Between antenna and chip, where the chip's own DIO2 does not do it all.
class _Switch:
    def __init__(self, rxen, txen) -> None:  # type: ignore[no-untyped-def]
        self._rxen = rxen
        self._txen = txen

    def _set(self, rx: int, tx: int) -> None:
        if self._rxen is not None:
            self._rxen(rx)
        if self._txen is not None:
            self._txen(tx)

    def rx(self) -> None:
        self._set(1, 0)

    def tx(self, high_power: bool) -> None:  # noqa: ARG002
        self._set(0, 1)

    def idle(self) -> None:
        self._set(0, 0)


# The library's class with the polarity as the data sheet has it.
def _mended(base):  # type: ignore[no-untyped-def]
    class Modem(base):  # type: ignore[misc,valid-type]
        def _invert_workaround(self, enable) -> None:  # type: ignore[no-untyped-def]
            value = self._reg_read(_REG_IQ_POLARITY) & ~_IQ_USUAL
            self._reg_write(_REG_IQ_POLARITY, value | (0 if enable else _IQ_USUAL))

    return Modem


class Sx126x(RadioPort):
    scans = True
    alone = True

    # chip: "sx1262" or "sx1261". ConfigError: settings that make no sense. RadioFault: the board
    # has no pins, or the release not the library.
    def __init__(self, settings, chip: str = "sx1262") -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self._name = chip
        from amont_node.radio_wiring import checked

        self._settings = checked(settings)
        forget("radio_wiring")
        try:
            import lora  # type: ignore[import-not-found,unused-ignore]
            import machine  # type: ignore[import-not-found,unused-ignore]

            self._machine: "Any" = machine
            self._kind = _mended(getattr(lora, chip.upper()))
            self._pin = machine.Pin
        except (ImportError, AttributeError) as error:
            raise RadioFault("%s: %s" % (chip, error))  # noqa: B904
        self._modem: "Any" = None
        self._dio1: "Any" = None
        self._tuned: object = None
        self._scan: "Any" = None  # going round, see radio_scan.py
        self._listening = False
        self._asleep = False
        self._began_ms = 0  # to listen
        self._hearing_ms: int | None = None
        self._retry_ms: int | None = None  # after a failure

    def configure(self, listen: list[Modulation]) -> None:
        super().configure(listen)
        self._listening = False

    def send(self, frame: bytes, modulation: Modulation) -> bool:
        self._retry_ms = None
        try:
            self._transmit(frame, modulation)
        except Exception as error:
            self._fail(error)
            return False
        self.frames_out += 1
        return True

    def receive(self, wait_ms: int):  # type: ignore[no-untyped-def]
        until_ms = clock.ticks_add(clock.ticks_ms(), wait_ms)
        while True:
            heard = self._try(self._heard)
            left_ms = clock.ticks_diff(until_ms, clock.ticks_ms())
            if heard is not None or left_ms <= 0:
                return heard
            self._pause(left_ms)

    def hears(self) -> bool:
        return self._listening and bool(self._try(self._hears))

    def sleep(self) -> None:
        self._listening = False
        self._retry_ms = None
        if not self._asleep:
            self._try(self._sleep)
            self._asleep = True

    def close(self) -> None:
        self.sleep()
        self._let_go()

    # --- the chip, found or begun again

    # What the chip has to say to `what`; None if it failed, or did a moment ago.
    def _try(self, what):  # type: ignore[no-untyped-def]
        if self._retry_ms is not None:
            if clock.ticks_diff(self._retry_ms, clock.ticks_ms()) > 0:
                return None
            self._retry_ms = None
        try:
            return what()
        except Exception as error:
            self._fail(error)
            return None

    def _fail(self, error) -> None:  # type: ignore[no-untyped-def]
        from amont_node.radio_wiring import why

        self.fault = "%s: %s" % (self._name, why(error))
        forget("radio_wiring")
        self._let_go()
        self._retry_ms = clock.ticks_add(clock.ticks_ms(), radio.RETRY_MS)

    def _let_go(self) -> None:
        if self._dio1 is not None:
            self._dio1.irq(None)
        self._modem = self._scan = self._tuned = None
        self._listening = False

    def _ready(self) -> "Any":
        if self._modem is None:
            self.resets += 1
            self._modem = self._begun()
            self.fault = ""
        self._asleep = False
        return self._modem

    # In standby, and the one that was configured; begun again at once if it is not.
    def _woken(self) -> "Any":
        modem = self._ready()
        try:
            modem.standby()
            self._check(modem)
        except Exception:
            self._let_go()
            modem = self._ready()
            modem.standby()
        return modem

    def _begun(self) -> "Any":
        at = self._settings
        modem = self._kind(
            self._bus(at["spi"]), self._pin(at["cs"]), self._pin(at["busy"]), self._line(),
            at.get("dio2_switch", True), at.get("tcxo_mv"), at.get("tcxo_us", _TCXO_US),
            self._pin(at["reset"]), None, self._switch(),
        )  # fmt: skip
        if at.get("dcdc", True):
            modem._cmd("BB", _SET_REGULATOR_MODE, 1)
        if at.get("tcxo_mv"):
            modem.calibrate()
        modem.configure({
            "syncword": radio.SYNC_WORD, "freq_khz": 868100, "sf": 9, "coding_rate": 5,
            "rx_boost": bool(at.get("boost")),
        })  # fmt: skip
        modem.calibrate_image()
        modem._cmd(">BHHHH", _SET_IRQ, _IRQ_WANTED, _IRQ_DIO1, 0, 0)
        self._check(modem)
        return modem

    def _bus(self, spi):  # type: ignore[no-untyped-def]
        return self._machine.SPI(
            spi["id"], baudrate=spi.get("hz", _HZ), polarity=0, phase=0,
            sck=self._pin(spi["sck"]), mosi=self._pin(spi["mosi"]), miso=self._pin(spi["miso"]),
        )  # fmt: skip

    def _line(self):  # type: ignore[no-untyped-def]
        number = self._settings.get("dio1")
        self._dio1 = None if number is None else self._pin(number)
        return self._dio1

    def _switch(self) -> _Switch | None:
        pins = []
        for name in ("rxen", "txen"):
            number = self._settings.get(name)
            out = self._pin.OUT
            pins.append(None if number is None else self._pin(number, out, value=0))
        return None if pins == [None, None] else _Switch(pins[0], pins[1])

    # It is the chip that was configured, and no line that floats. A fresh one has no LoRa, but
    # just our sync word.
    def _check(self, modem) -> None:  # type: ignore[no-untyped-def]
        kind = modem._cmd("B", _GET_PACKET_TYPE, n_read=2)[1]
        high, low = modem._reg_read(_REG_SYNC_WORD), modem._reg_read(_REG_SYNC_WORD + 1)
        if (kind, high, low) != _OURS:
            raise RadioFault("it forgot its settings (%d, %d %d)" % (kind, high, low))

    # (mode, interrupts)
    def _look(self, modem) -> tuple[int, int]:  # type: ignore[no-untyped-def]
        told = modem._cmd("B", _GET_IRQ, n_read=3)
        mode = (told[0] >> 4) & 7
        if not MODE_RC <= mode <= MODE_TX:
            raise RadioFault("nonsense for an answer (%d)" % told[0])
        return mode, told[1] << 8 | told[2]

    def _tune(self, modem, m: Modulation) -> None:  # type: ignore[no-untyped-def]
        now = (m.freq_khz, m.sf, m.bw_khz, m.cr, m.preamble, m.power_dbm, m.inverted)
        if now != self._tuned:
            self._tuned = None
            settings = {
                "freq_khz": m.freq_khz, "sf": m.sf, "bw": m.bw_khz, "coding_rate": m.cr,
                "preamble_len": m.preamble, "output_power": m.power_dbm,
                "invert_iq_rx": m.inverted, "invert_iq_tx": m.inverted,
            }  # fmt: skip
            if self._settings.get("boost"):
                settings["rx_boost"] = True
            modem.configure(settings)
            self._tuned = now

    # --- what it does

    def _transmit(self, frame: bytes, m: Modulation) -> None:
        if not 0 < len(frame) <= radio.FRAME_BYTES_MAX:
            raise RadioFault("a frame of %d bytes" % len(frame))
        self._listening = False
        modem = self._woken()
        self._tune(modem, m)
        modem.prepare_send(frame)
        modem.start_send()
        air_ms = self.time_on_air_us(len(frame), m) // 1000
        clock.sleep_ms(air_ms)
        until_ms = clock.ticks_add(clock.ticks_ms(), _TX_MARGIN_MS)
        while not self._look(modem)[1] & IRQ_TX_DONE:
            if clock.ticks_diff(until_ms, clock.ticks_ms()) < 0:
                raise RadioFault("the transmission does not end")
            clock.sleep_ms(1)
        modem.standby()

    def _sleep(self) -> None:
        modem = self._ready()
        modem.sleep()
        if self._settings.get("boost"):
            self._tuned = None

    def _listen(self) -> "Any":
        modem = self._woken()
        self._scan = None
        if len(self.listen) > 1:
            from amont_node.radio_scan import Scan

            self._tuned = None
            self._scan = Scan(modem, self.listen)
        else:
            self._tune(modem, self.listen[0])
            modem.start_recv(continuous=True)
        self._listening = True
        self._hearing_ms = None
        self._began_ms = clock.ticks_ms()
        return modem

    def _heard(self):  # type: ignore[no-untyped-def]
        if not self.listen:
            raise RadioFault("nothing to listen to")
        modem = self._ready()
        if self._listening and self._is_old() and not self._hears():
            self._listening = False
        if not self._listening:
            modem = self._listen()
        mode, flags = self._look(modem)
        index = 0
        if self._scan is not None:
            index = self._scan.step(mode, flags)
        elif mode != MODE_RX:
            raise RadioFault("it fell out of reception")
        if flags & IRQ_RX_DONE:
            return self._taken(modem, flags, index)
        if flags & IRQ_HEADER_ERROR:
            self._damaged(modem, IRQ_HEADER_ERROR | IRQ_HEADER | IRQ_PREAMBLE)
        return None

    def _taken(self, modem, flags: int, index: int):  # type: ignore[no-untyped-def]
        self._hearing_ms = None
        if flags & IRQ_CRC_ERROR:
            self._damaged(modem, flags)
            packet = None
        else:
            modem._clear_irq(flags)
            packet = modem._read_packet(None, flags)
        if self._scan is not None:
            self._scan.go_on()
        if not packet:
            return None
        self.frames_in += 1
        return bytes(packet), packet.rssi, packet.snr, index

    def _damaged(self, modem, flags: int) -> None:  # type: ignore[no-untyped-def]
        self.crc_errors += 1
        self._hearing_ms = None
        modem._clear_irq(flags)

    def _hears(self) -> bool:
        modem = self._ready()
        flags = self._look(modem)[1]
        if flags & IRQ_RX_DONE or (self._scan is not None and self._scan.expects()):
            return True
        if not flags & (IRQ_HEADER | IRQ_PREAMBLE):
            self._hearing_ms = None
            return False
        now_ms = clock.ticks_ms()
        if self._hearing_ms is None:
            self._hearing_ms = now_ms
        if clock.ticks_diff(now_ms, self._hearing_ms) <= self._longest_ms(flags):
            return True
        modem._clear_irq(IRQ_HEADER | IRQ_PREAMBLE)
        self._hearing_ms = None
        return False

    # How long what was seen may go on.
    def _longest_ms(self, flags: int) -> int:
        m = self.listen[0]
        for other in self.listen:
            m = other if other.sf > m.sf else m
        if flags & IRQ_HEADER:
            return self.time_on_air_us(_HEARD_BYTES, m) // 1000
        return ((m.preamble + _PREAMBLE_SYMBOLS) << m.sf) // m.bw_khz

    def _is_old(self) -> bool:
        return bool(clock.ticks_diff(clock.ticks_ms(), self._began_ms) > _RENEW_MS)

    # Until DIO1 says something, but not for long.
    def _pause(self, most_ms: int) -> None:
        if self._scan is not None and self._listening:
            clock.sleep_us(self._scan.nap_us)
            return
        left_ms = min(most_ms, _BLIND_POLL_MS)
        dio1 = self._dio1
        while left_ms > 0 and not (dio1 is not None and self._listening and dio1()):
            clock.sleep_ms(min(_POLL_MS, left_ms))
            left_ms -= _POLL_MS
