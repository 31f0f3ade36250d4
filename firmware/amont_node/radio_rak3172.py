# A RAK3172 module as a plain LoRa radio: the adapter of the port (radio.py) over its AT commands
# in point-to-point mode. Facts are from RUI3's source, releases 4.0.6 to 5.0.0 (docs/rak3172.md).
#
# What a modulation needs is set for the moment (AT+P2P=…:1); but the turn of IQ is written to the
# module's flash each time it changes, so it is changed only when a frame or a reception needs it.

from amont_node.at import AtError, Line, OutOfTime, number, open_uart, unhex
from amont_node.radio import RETRY_MS, SEND_MARGIN_MS, Modulation, RadioFault, RadioPort
from amont_node.rak3172 import P2P, choose_mode, keep_setting, restart

SYNC_WORD = "1424"  # of private networks, as the chip's register has it
_FOREVER = "65534"  # ms of AT+PRECV: until told otherwise
_PAYLOAD_MAX = 239  # of AT+PSEND
_BANDWIDTHS_KHZ = (125, 250, 500)  # their place is their code
_BEGIN_MS = 6000  # a restart into another mode and all settings
_LOOK_MS = 1000  # what receive() may add when the module has to be begun again
_EVENTS_MAX = 64  # that one receive() looks at
_ATTEMPTS = 3  # refused in a row, after which the module is restarted
_POWER_DBM = (5, 22)
# What the module must be beside its mode. It keeps that in its flash and writes only what changed.
_SETTINGS = (
    ("AT+SYNCWORD", SYNC_WORD), ("AT+ENCRY", "0"), ("AT+LPM", "1"), ("AT+LPMLVL", "2"),
)  # fmt: skip


class RadioRak3172(RadioPort):
    # settings: "uart": {"id", "tx", "rx"}. uart, clock: a test's own.
    def __init__(self, settings, uart=None, clock=None) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self._line = Line(uart or open_uart(settings.get("uart")), clock)
        self._clock = self._line.clock
        self._step = 0  # of what makes the module ours
        self._is_set = False  # all of them are done
        self._receives = False  # AT+PRECV is on
        self._is_stale = False  # for what is to be listened to no more
        self._inverted = False
        self._on_air = ""  # the last AT+P2P
        self._failures = self._refusals = 0  # in a row; of these, what it answered no to
        self._tried_ms = self._clock.now_ms()
        self._line.allow(_BEGIN_MS)
        self._begin()

    def configure(self, listen: list[Modulation]) -> None:
        super().configure(listen)
        self._is_stale = True

    def send(self, frame: bytes, modulation: Modulation) -> bool:
        if not 0 < len(frame) <= _PAYLOAD_MAX:
            self.fault = "rak3172: %d bytes do not fit" % len(frame)
            return False
        most_ms = self.time_on_air_us(len(frame), modulation) // 1000 + SEND_MARGIN_MS
        self._line.allow(most_ms)
        if not self._begin():
            return False
        try:
            self._stop()
            self._set(modulation)
            self._line.command("AT+PSEND=" + frame.hex().upper(), most_ms, False)
            self._await_sent(most_ms)
        except RadioFault as error:
            self._fail(error)
            return False
        self.frames_out += 1
        self._well()
        return True

    def receive(self, wait_ms: int) -> tuple[bytes, int, int, int] | None:
        began_ms = self._clock.now_ms()
        for _ in range(_EVENTS_MAX):  # a module that talks without an end must not hold the node
            past_ms = self._clock.since_ms(began_ms)
            try:
                is_listening = past_ms < wait_ms + _LOOK_MS and self._listens(
                    max(_LOOK_MS, wait_ms) - past_ms
                )
                left_ms = max(0, wait_ms - self._clock.since_ms(began_ms))
                if not is_listening:
                    self._clock.sleep_ms(left_ms)
                    return None
                said = self._line.event(left_ms)
            except RadioFault as error:
                self._fail(error)
                continue
            if said is None:
                return None
            found = self._heard(said)
            if found is not None:
                return found
        return None

    # The module sleeps by itself once it neither sends nor listens.
    def sleep(self) -> None:
        if self._receives:
            self._line.allow(_LOOK_MS)
            try:
                self._stop()
            except RadioFault as error:
                self._fail(error)

    def close(self) -> None:
        self.sleep()

    # --- the module

    # Makes the module ours, as far as it gets in the time allowed. True: it is.
    def _begin(self) -> bool:
        line = self._line
        if line.rebooted:
            self._fail(RadioFault("the module restarted by itself"))
        if self._is_set:
            return True
        self._tried_ms = self._clock.now_ms()
        try:
            while not self._is_set:
                self._is_set = self._advance()
            self._well()
        except OutOfTime as error:
            self.fault = "rak3172: %s" % error
        except RadioFault as error:
            self._fail(error)
        return self._is_set

    # One step. True: it was the last.
    def _advance(self) -> bool:
        line = self._line
        step = self._step
        if step == 0:
            line.rebooted = False
            line.sleeps = True  # for all that we know
            if self._refusals >= _ATTEMPTS:
                self._refusals = 0
                restart(line)
            else:
                line.command("AT")
        elif step == 1:
            choose_mode(line, P2P)
        elif step == 2:  # it may be receiving for a program before this one
            line.command("AT+PRECV=0")
        elif step < 3 + len(_SETTINGS):
            command, value = _SETTINGS[step - 3]
            keep_setting(line, command, value)
        else:
            self._inverted = line.command("AT+IQINVER=?") == "1"
            return True
        self._step += 1
        return False

    def _well(self) -> None:
        self.fault = ""
        self._failures = self._refusals = 0

    # What it refuses it may take the next time, once it neither sends nor listens. One that does
    # not answer may have restarted.
    def _fail(self, error: RadioFault) -> None:
        self.fault = "rak3172: %s" % error
        self._failures += 1
        self._refusals += isinstance(error, AtError)
        self._on_air = ""
        if isinstance(error, (AtError, OutOfTime)) and self._is_set and self._failures < _ATTEMPTS:
            self._receives = True
            return
        if self._is_set or self._step:
            self.resets += 1
        self._is_set = self._receives = self._line.rebooted = False
        self._step = 0

    def _stop(self) -> None:
        if self._receives:
            self._line.command("AT+PRECV=0")
            self._receives = False
        self._is_stale = False
        self._line.forget()

    def _set(self, m: Modulation) -> None:
        if m.inverted != self._inverted:
            self._line.command("AT+IQINVER=%d" % m.inverted)
            self._inverted = m.inverted
        low_dbm, high_dbm = _POWER_DBM
        on_air = "AT+P2P=%d:%d:%d:%d:%d:%d:1" % (
            m.freq_khz * 1000, m.sf, _BANDWIDTHS_KHZ.index(m.bw_khz), m.cr - 5, m.preamble,
            max(low_dbm, min(m.power_dbm, high_dbm)),
        )  # fmt: skip
        if on_air != self._on_air:
            self._line.command(on_air)
            self._on_air = on_air

    def _await_sent(self, most_ms: int) -> None:
        while True:
            said = self._line.event(self._line.left_ms(most_ms))
            if said is not None and said.startswith("TXP2P"):
                return
            if self._line.rebooted:
                raise RadioFault("AT+PSEND: the module restarted")
            if self._line.left_ms(most_ms) == 0:
                raise RadioFault("AT+PSEND: not sent within %d ms" % most_ms)

    # Whether it listens, or does so now, which may take so long.
    def _listens(self, most_ms: int) -> bool:
        line = self._line
        line.allow(max(0, most_ms))
        if line.rebooted or not self._is_set:
            is_due = line.rebooted or self._clock.since_ms(self._tried_ms) >= RETRY_MS
            if not is_due or not self._begin():
                return False
        if self._is_stale or not self._receives:
            self._stop()
            if not self.listen:
                return False
            self._set(self.listen[0])
            line.command("AT+PRECV=" + _FOREVER)
            self._receives = True
        return True

    # RXP2P:rssi:snr:hex; or one of its complaints.
    def _heard(self, said: str) -> tuple[bytes, int, int, int] | None:
        words = said.split(":")
        if words[0] == "RXP2P RECEIVE TIMEOUT":
            self._receives = False
        elif words[0] == "RXP2P RECEIVE ERROR":
            self.crc_errors += 1
        elif words[0] == "RXP2P":
            frame = unhex(words[3]) if len(words) == 4 else None
            rssi_dbm = number(words[1], -200, 50) if frame else None
            snr_db = number(words[2], -64, 63) if frame else None
            if not frame or rssi_dbm is None or snr_db is None:
                self.crc_errors += 1  # damaged on the way from the module
                return None
            self.frames_in += 1
            return frame, rssi_dbm, 4 * snr_db, 0
        return None
