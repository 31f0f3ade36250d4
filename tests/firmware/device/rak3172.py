# A double of the RAK3172 module with RUI3 firmware, as far as this project speaks with it. Written
# after the module's AT manual and RUI3's published source, releases 4.0.6 to 5.0.0; it is no proof
# of what a real module does. It has machine.UART's methods towards the host, and so can stand in
# place of one, in time that a test makes; pty_rak.py puts it behind a pseudo-terminal.
#
# What a test may set: `echoes`, `slow_ms`, `noise`, `mute`, `busy`, `lost_events`, and for LoRaWAN
# `joins`, `restricted_ms`, `downlinks`; `flash` survives reboot(), and `erased` counts its wear.

_BOOT_MS = 300
_REPLY_MS = 3
_ERASE_MS = 45  # a page erased (22 ms) and written again, as the chip's data sheet has it
_JOIN_MS = 5200
_WINDOWS_MS = 2100  # both windows without an answer
_BANNER = (
    b"RAKwireless RAK3172\r\n" + b"-" * 54 + b"\r\nVersion: RUI_4.2.0_RAK3172-E\r\n"
    b"Current Work Mode: %s\r\n"
)
_MODES = {"0": b"LoRa P2P.", "1": b"LoRaWAN.", "2": b"FSK P2P."}
_P2P_ONLY = ("AT+P2P", "AT+PSEND", "AT+PRECV", "AT+IQINVER", "AT+SYNCWORD", "AT+ENCRY")
_ANY_MODE = ("AT", "ATE", "ATZ", "AT+NWM", "AT+LPM", "AT+LPMLVL")
FACTORY = {
    "AT+NWM": "1", "AT+NJM": "1", "AT+CLASS": "A", "AT+BAND": "5", "AT+CFM": "0", "AT+ADR": "0",
    "AT+DR": "3", "AT+DCS": "0", "AT+LPM": "0", "AT+LPMLVL": "1",
    "AT+DEVEUI": "0000000000000000", "AT+APPEUI": "0000000000000000",
    "AT+APPKEY": "00000000000000000000000000000000", "AT+P2P": "868000000:7:0:0:8:14",
    "AT+IQINVER": "0", "AT+SYNCWORD": "3444", "AT+ENCRY": "1",
}  # fmt: skip


# Time that passes only by sleeping.
class StillClock:
    def __init__(self) -> None:
        self.at_ms = 0

    def now_ms(self) -> int:
        return self.at_ms

    def since_ms(self, then_ms: int) -> int:
        return self.at_ms - then_ms

    def sleep_ms(self, wait_ms: int) -> None:
        self.at_ms += max(1, wait_ms)


class Rak3172:
    def __init__(self, clock, flash=None) -> None:
        self.clock = clock
        self.flash = dict(FACTORY)
        self.flash.update(flash or {})
        self.erased = 0
        self.echoes = False
        self.slow_ms = 0
        self.noise = b""  # before each line
        self.mute = False  # dead, as a module without power is
        self.busy = 0  # so many commands are answered AT_BUSY_ERROR
        self.lost_events: list = []  # what begins like one of these never reaches the host
        self.sleeps_through = 0  # so many commands whose first character is lost
        self.said: list = []  # every command that came
        self.log: list = []  # and when: (ms, command)
        self.greetings: list = []  # arguments of hear(): what comes once it listens
        self.air: list = []  # P2P: (frame, on_air, inverted)
        self.is_joined = False
        self.joins: list = []  # what becomes of the next ones: True, False; then True
        self.join_ms = _JOIN_MS
        self.windows_ms = _WINDOWS_MS
        self.restricted_ms = 0  # of the duty cycle, from now
        self.uplinks: list = []  # (ms, port, frame)
        self.downlinks: list = []  # (port, frame), one after each uplink
        self.rate_bytes = 51
        self.reboots = 0
        self._in = b""
        self._out: list = []  # (due ms, bytes)
        self._mac: list = []  # (due ms, what the radio does then)
        self._forget()

    def _forget(self) -> None:
        self._session = 0  # rises with each reception
        self.receives = False
        self.on_air = ""  # AT+P2P for the moment
        self._sends_ms = 0
        self.is_joined = False
        self._mac_busy_ms = 0
        self._mac = []

    # --- the host's side

    def any(self) -> int:
        self._go_on()
        now_ms = self.clock.now_ms()
        return sum([len(data) for due_ms, data in self._out if due_ms <= now_ms])

    def read(self, most: int):
        taken = b""
        while self._out and self._out[0][0] <= self.clock.now_ms() and len(taken) < most:
            due_ms, data = self._out.pop(0)
            part = data[: most - len(taken)]
            taken += part
            if len(part) < len(data):
                self._out.insert(0, (due_ms, data[len(part) :]))
        return taken or None

    def write(self, data: bytes) -> int:
        self._go_on()
        if self.mute:
            return len(data)
        self._in += data
        while b"\n" in self._in or b"\r" in self._in:
            ends = [at for at in (self._in.find(b"\r"), self._in.find(b"\n")) if at >= 0]
            line, self._in = self._in[: min(ends)], self._in[min(ends) + 1 :]
            if line:
                self._take(line)
        return len(data)

    # --- the test's side

    def reboot(self) -> None:
        self.reboots += 1
        self._forget()
        self._in = b""
        self._out = []
        self._say(_BANNER % _MODES[self.flash["AT+NWM"]], _BOOT_MS)

    # A frame comes over the air, sent so, from in_ms to in_ms + long_ms. Heard is what the module
    # listens to from its beginning to its end.
    def hear(
        self, frame: bytes, freq_khz: int, sf: int, inverted, rssi_dbm=-80, snr_db=9,
        in_ms=0, long_ms=0, damaged=False,
    ) -> None:  # fmt: skip
        listening: list = []

        def ends() -> None:
            if listening == [True, self._session] and self.receives:
                if damaged:
                    self.event("+EVT:RXP2P RECEIVE ERROR")
                else:
                    text = frame.hex().upper()
                    self.event("+EVT:RXP2P:%d:%d:%s" % (rssi_dbm, snr_db, text))

        def begins() -> None:
            mine = (self.on_air or self.flash["AT+P2P"]).split(":")
            fits = mine[:2] == [str(freq_khz * 1000), str(sf)]
            fits = fits and bool(inverted) == (self.flash["AT+IQINVER"] == "1")
            listening.extend([self.receives and fits, self._session])
            if not long_ms:
                ends()

        if not in_ms:
            begins()
        else:
            self._later(self.clock.now_ms() + in_ms, begins)
        if long_ms:
            self._later(self.clock.now_ms() + in_ms + long_ms, ends)

    def event(self, text: str) -> None:
        if not [start for start in self.lost_events if text.startswith(start)]:
            self._say(text.encode() + b"\r\n", 0)

    def say_raw(self, data: bytes) -> None:
        self._say(data, 0)

    def next_ms(self):
        dues = [due_ms for due_ms, _ in self._out] + [entry[0] for entry in self._mac]
        return min(dues) if dues else None

    # --- inside

    def _say(self, data: bytes, in_ms: int) -> None:
        if not self.mute:
            due_ms = self.clock.now_ms() + in_ms
            if self._out:
                due_ms = max(due_ms, self._out[-1][0])
            self._out.append((due_ms, self.noise + data))

    def _later(self, due_ms: int, what) -> None:
        self._mac.append((due_ms, what))
        self._mac.sort(key=lambda entry: entry[0])

    def _go_on(self) -> None:
        now_ms = self.clock.now_ms()
        while self._mac and self._mac[0][0] <= now_ms:
            _, what = self._mac.pop(0)
            what()

    def _take(self, line: bytes) -> None:
        if self.clock.now_ms() < self._booted_ms():
            return
        if self.sleeps_through:
            self.sleeps_through -= 1
            line = b"\xc1" + line[1:]
        if self.echoes:
            self._say(line + b"\n\r", 0)
        try:
            text = line.decode()
        except (UnicodeError, ValueError):
            text = ""
        name, equals, value = text.partition("=")
        self.said.append(text)
        self.log.append((self.clock.now_ms(), text))
        reply, status = self._run(name, equals, value)
        if reply is None:
            return
        if reply:
            self._say(reply + b"\r\n", _REPLY_MS + self.slow_ms)
        self._say(b"\r\n" + status.encode() + b"\r\n", _REPLY_MS + self.slow_ms)

    def _booted_ms(self) -> int:
        banners = [due_ms for due_ms, data in self._out if b"Current Work Mode" in data]
        return banners[0] if banners else 0

    # (what is said before the status, the status); (None, ""): it restarts.
    def _run(self, name: str, equals: str, value: str):
        if name == "ATZ":
            self.reboot()
            return None, ""
        if name == "ATE":
            self.echoes = not self.echoes
            return b"", "OK"
        if name == "AT":
            return b"", "OK"
        if self.busy:
            self.busy -= 1
            return b"", "AT_BUSY_ERROR"
        is_p2p = self.flash["AT+NWM"] == "0"
        if name not in _ANY_MODE and (name in _P2P_ONLY) != is_p2p:
            return b"", "AT_MODE_NO_SUPPORT"
        if name in ("AT+PSEND", "AT+PRECV", "AT+SEND", "AT+JOIN", "AT+NJS"):
            return getattr(self, "_" + name[3:].lower())(value)
        if name not in self.flash or not equals:
            return b"", "AT_COMMAND_NOT_FOUND"
        if value == "?":
            held = self.on_air[:-2] if name == "AT+P2P" and self.on_air else self.flash[name]
            return (name + "=" + held).encode(), "OK"
        return self._keep(name, value)

    def _keep(self, name: str, value: str):
        if self.receives:
            return b"P2P_RX_ON already, please disable P2P RX before setting.", "AT_BUSY_ERROR"
        if len(value) != len(self.flash[name]) and name not in ("AT+P2P", "AT+BAND"):
            return b"", "AT_PARAM_ERROR"
        if name == "AT+P2P":
            words = value.split(":")
            if len(words) not in (6, 7) or not 5 <= int(words[1]) <= 12:
                return b"", "AT_PARAM_ERROR"
            self.on_air = value if words[6:] == ["1"] else ""
            if self.on_air:
                return b"", "OK"
        if self.flash[name] != value:
            self.flash[name] = value
            self.erased += 1
            self._say(b"", _ERASE_MS)
        if name == "AT+NWM":
            self._say(b"OK", 0)
            before = self._out
            self.reboot()
            self._out = before + self._out
            return None, ""
        return b"", "OK"

    # --- point to point

    def _psend(self, value: str):
        if self.receives or self.clock.now_ms() < self._sends_ms:
            return b"", "AT_BUSY_ERROR"
        try:
            frame = bytes.fromhex(value)
        except ValueError:
            return b"", "AT_PARAM_ERROR"
        if len(value) > 478:
            return b"", "AT_PARAM_ERROR"
        words = [int(word) for word in (self.on_air or self.flash["AT+P2P"]).split(":")[:5]]
        symbol_us = (1 << words[1]) * 1000 // (125, 250, 500)[words[2]]
        slow = 1 if symbol_us >= 16000 else 0
        blocks = max(0, -(-(8 * len(frame) - 4 * words[1] + 44) // (4 * (words[1] - 2 * slow))))
        quarters = 4 * (words[4] + 8 + blocks * (words[3] + 5)) + 17
        self._sends_ms = self.clock.now_ms() + quarters * symbol_us // 4000

        def done() -> None:
            self.air.append((frame, self.on_air, self.flash["AT+IQINVER"]))
            self.event("+EVT:TXP2P DONE")

        self._later(self._sends_ms, done)
        return b"", "OK"

    def _precv(self, value: str):
        if value == "?":
            return b"P2P_RX_ON" if self.receives else b"P2P_RX_OFF", "OK"
        if not value.isdigit() or int(value) > 65535:
            return b"", "AT_PARAM_ERROR"
        if value != "0" and self.receives:
            return b"P2P_RX_ON already", "AT_BUSY_ERROR"
        self.receives = value != "0"
        self._session += 1
        if self.receives:
            for greeting in self.greetings:
                self.hear(*greeting)
            self.greetings = []
        return b"", "OK"

    # --- LoRaWAN

    def _njs(self, value: str):
        return b"AT+NJS=%d" % self.is_joined, "OK"

    def _restricted(self):
        left_ms = self.restricted_ms - self.clock.now_ms()
        if left_ms > 0:
            return b"Restricted_Wait_%d_ms" % left_ms, "AT_BUSY_ERROR"
        if self.clock.now_ms() < self._mac_busy_ms:
            return b"", "AT_BUSY_ERROR"
        return None

    def _join(self, value: str):
        refused = self._restricted()
        if refused is not None:
            return refused
        self.is_joined = False
        works = self.joins.pop(0) if self.joins else True

        def over() -> None:
            self.is_joined = works
            self.event("+EVT:JOINED" if works else "+EVT:JOIN_FAILED_RX_TIMEOUT")

        self._busy_for(self.join_ms, over)
        return b"", "OK"

    def _send(self, value: str):
        port, _, text = value.partition(":")
        if not self.is_joined:
            return b"", "AT_NO_NETWORK_JOINED"
        refused = self._restricted()
        if refused is not None:
            return refused
        frame = bytes.fromhex(text)
        fits = len(frame) <= self.rate_bytes
        self._uplink(int(port) if fits else 0, frame if fits else b"")
        return b"", "OK" if fits else "AT_PARAM_ERROR"

    # One goes up; when its windows are over it says so, then what came down. Where more waits the
    # module itself sends an empty one.
    def _uplink(self, port: int, frame: bytes) -> None:
        self.uplinks.append((self.clock.now_ms(), port, frame))

        def over() -> None:
            self.event("+EVT:TX_DONE")
            if not self.downlinks:
                return
            down_port, down = self.downlinks.pop(0)
            self.event("+EVT:RX_1:-71:8:UNICAST:%d:%s" % (down_port, down.hex()))
            if self.downlinks:
                self._uplink(1, b"")

        self._busy_for(self.windows_ms, over)

    def _busy_for(self, busy_ms: int, over) -> None:
        self._mac_busy_ms = self.clock.now_ms() + busy_ms
        self._later(self._mac_busy_ms, over)
