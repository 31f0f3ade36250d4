# Frames over any LoRaWAN network, by a RAK3172 module in class A with OTAA: sealed frames up and
# down on port 10, unconfirmed. The module keeps the session while it has power, asleep or not.
#
# An answer usually comes after the *next* uplink: the network's windows open one and two seconds
# after an uplink, often before the guard has answered. So while no window is open nothing can come
# (`pauses`); usual frames go once (`late`), and `answer_ms` says after how long without any
# acknowledgement their samples are sent again.

import json

from amont_node import console
from amont_node.at import AtError, Line, OutOfTime, number, try_uart, unhex
from amont_node.radio import RadioFault
from amont_node.rak3172 import LORAWAN, choose_mode, keep_setting, restart
from amont_node.settings import ConfigError
from amont_wire.const import FAULT_AIRTIME, FAULT_RADIO, MAX_FRAME

PORT = 10  # of sealed frames, both ways
OVERHEAD_BYTES = 13  # of LoRaWAN, around a frame
ANSWER_MS = 900000  # an answer comes with the next uplink, and that with the next sample
_BANDS = {"EU433": "0", "IN865": "3", "EU868": "4"}
_STEPS_MS = 2000  # of one look: the watchdog must be fed
_SEND_MS = 2000  # the module answers at once; it sends later
_WINDOW_MS = 15000  # from a frame to the end of its windows, when the module does not tell
_AFTER_MS = 200  # what was received is told right behind the end
_JOIN_MS = 30000  # the network has answered by then, at the slowest rate
_HOLD_MS = (1000, 3000)  # a busy module is asked again
_HOLD_MAX_MS = 3600000
_HOLDS = 5  # for one frame; its samples travel later in another
_SPREAD_MS = 10000  # villages whose power comes back do not join in one second
_REPAIR_MS = (5000, 600000)
_SOON_MS = 25000  # until a first attempt, or a second
# A join request at SF12 is 1.5 s on the air. LoRaWAN allows 36 s in the first hour, 36 s in the
# ten that follow, then 8.7 s a day.
_JOIN_PAUSE_MS = (15000, 15000000)
_DOUBLINGS = 10
_JOINS_A_RATE = 2  # then slower, and heard further: in Europe the module does not do that itself
_ATTEMPTS = 3  # in vain, after which the module is restarted
_DEAF_UPLINKS = 64  # without any answer, over a day: the network may have forgotten this node
_DEAF_MS = 86400000
_EVENTS_A_LOOK = 32
_NAP_MS = 20

OFF = "off"  # the module is not set up, or does not answer
IDLE = "idle"  # no session: waits to join
JOINING = "joining"
UP = "up"


class LorawanCarrier:
    naps = True  # between its windows nothing can come, and what is due is known
    late = True  # an answer comes with the next frame at best

    # config: see config.py; folder: where the key's file is. uart, clock: a test's own.
    def __init__(self, config, node: int, folder: str, uart=None, clock=None) -> None:  # type: ignore[no-untyped-def]
        lora = config.get("lora") or {}
        band = config.get("band", "EU868")
        if band not in _BANDS:
            raise ConfigError("carrier.band: %s is not one of %s" % (band, sorted(_BANDS)))
        self._settings = (
            ("AT+NJM", "1"), ("AT+CLASS", "A"), ("AT+BAND", _BANDS[band]), ("AT+CFM", "0"),
            ("AT+ADR", "1"), ("AT+DCS", "1"), ("AT+LPM", "1"), ("AT+LPMLVL", "2"),
        )  # fmt: skip
        self._identity = (
            ("AT+DEVEUI", _digits(config, "dev_eui", 16)),
            ("AT+APPEUI", _digits(config, "join_eui", 16)),
            ("AT+APPKEY", _load_key(folder + "/" + config.get("key", "lorawan.json"))),
        )
        self._rate = max(0, 12 - lora.get("sf", 10))  # of EU868 and its like: DR0 is SF12
        self.sf = 0  # that frames go with now, 0: not known
        self._line = Line(uart or try_uart(config.get("uart")), clock)
        self._line.sleeps = True
        self.answer_ms = int(config.get("answer_ms", ANSWER_MS))
        self._random = node * 2654435761 & 0x7FFFFFFF  # neighbours in number far apart
        self._now_ms = 0
        self.state = OFF
        self._step = 0  # of setting the module up
        self._reached = 0  # when time ran out before
        self._is_new = False  # what it joins with was written: its session is another's
        self._due_ms: int | None = None  # of the next attempt; None: when it is first asked
        self._failures = 0  # to reach the module, in a row
        self._joins = 0  # attempts to join, in a row
        self._until_ms: int | None = None  # the end of a window, or of a join
        self._held: bytes | None = None  # the module could not take it yet
        self._holds = 0
        self._hold_ms = 0
        self._silent = 0  # uplinks since anything came down
        self._heard_ms = 0
        self.uplinks = self.downlinks = 0
        self.refused = 0  # by the duty cycle or a busy module
        self.unfit = 0  # frames too long for the rate
        self.damaged = 0  # what came and was nothing
        self.short = False  # the module's duty cycle makes a frame wait
        self.rssi_dbm = 0
        self.snr_db4 = 0
        self.fault = True  # until it has joined
        self.why = ""  # what was wrong last

    def ready(self) -> bool:
        return self.state == UP and self._until_ms is None and self._held is None

    # ready() knows by itself.
    def holds(self, link_ms: int, delivery) -> bool:  # type: ignore[no-untyped-def]  # noqa: ARG002
        return False

    # Nothing can come now; see the head.
    @property
    def pauses(self) -> bool:
        return not self.rising

    # Something is under way, or soon will be, that is worth staying awake for.
    @property
    def rising(self) -> bool:
        if self._until_ms is not None:
            return True
        due_ms = self._due_ms
        if self.state == UP:
            if self._held is None:
                return False
            due_ms = self._hold_ms
        return due_ms is None or due_ms - self._now_ms <= _SOON_MS

    def send(self, frame: bytes, link_ms: int) -> bool:
        self._now_ms = link_ms
        if not self.ready():
            return False
        self._holds = 0
        self._give(frame)
        return True

    # Frames that have come. Everything that takes time moves along here.
    def receive(self, link_ms: int) -> list[bytes]:
        self._now_ms = link_ms
        frames: list[bytes] = []
        try:
            if self.state == OFF:
                self._set_up()
            self._listen(frames)
            if self._line.rebooted and self.state != OFF:
                raise RadioFault("the module restarted by itself")
            if self._until_ms is not None and link_ms >= self._until_ms:
                self._over()
            elif self.state == IDLE and self._is_due():
                self._join()
            elif self._held is not None and self.state == UP and link_ms >= self._hold_ms:
                self._give(self._held)
        except RadioFault as error:
            goes_on = isinstance(error, OutOfTime) and self._step > self._reached
            self._reached = self._step  # a slow module does the rest the next time
            if not goes_on:
                self._lose(str(error))
        return frames

    def wait(self, wait_ms: int) -> None:
        clock = self._line.clock
        began_ms = clock.now_ms()
        while not self._line.waits() and clock.since_ms(began_ms) < wait_ms:
            clock.sleep_ms(min(_NAP_MS, wait_ms))

    # The module sleeps by itself, and its session must outlast the node's sleep.
    def close(self) -> None:
        pass

    # --- the module

    def _is_due(self) -> bool:
        if self._due_ms is None:
            self._due_ms = self._now_ms + self._chance(_SPREAD_MS)
        return self._now_ms >= self._due_ms

    # As far as it gets in its time: the node's watchdog must be fed in between.
    def _set_up(self) -> None:
        if self._due_ms is not None and self._now_ms < self._due_ms:
            return
        self._line.allow(_STEPS_MS)
        while not self._advance(self._line, self._step - 2):
            self._step += 1
        has_session = self._line.command("AT+NJS=?") == "1" and not self._is_new
        if has_session:
            self._look_at_rate()
        self._failures = self._step = self._reached = 0
        self._is_new = False
        self._due_ms = None
        self.state = UP if has_session else IDLE
        self.fault = not has_session
        self._silent, self._heard_ms = 0, self._now_ms

    # One step; True: none is left.
    def _advance(self, line: Line, setting: int) -> bool:
        if self._step == 0:
            line.rebooted = False
            if self._failures and self._failures % _ATTEMPTS == 0:
                restart(line)
            else:
                line.command("AT")
        elif self._step == 1:
            choose_mode(line, LORAWAN)
        elif setting < len(self._settings):
            keep_setting(line, *self._settings[setting])
        elif setting < len(self._settings) + len(self._identity):
            changed = keep_setting(line, *self._identity[setting - len(self._settings)])
            self._is_new = changed or self._is_new
        else:
            return True
        return False

    # The module does not answer, or began anew: set it up again, later each time.
    def _lose(self, why: str) -> None:
        self._tell(FAULT_RADIO, "lorawan: %s" % why)
        self.fault = True
        self.state = OFF
        self._step = self._reached = 0
        self._until_ms = None
        self._due_ms = self._now_ms + self._pause(_REPAIR_MS, self._failures)
        self._failures += 1

    # --- the session

    def _join(self) -> None:
        self.fault = True
        self._due_ms = self._now_ms + self._pause(_JOIN_PAUSE_MS, self._joins)
        rate = max(0, self._rate - self._joins // _JOINS_A_RATE)
        self._joins += 1
        self._line.allow(_STEPS_MS)
        try:
            self._line.command("AT+DR=%d" % rate)
            self._line.command("AT+JOIN=1:0:10:0", _SEND_MS, False)
        except AtError as error:
            wait_ms = _restricted_ms(error.note)
            if wait_ms is not None:
                self._due_ms = max(self._due_ms, self._now_ms + wait_ms)
            self._refuse("join: %s %s" % (error, error.note), wait_ms)
            return
        self.state = JOINING
        self._until_ms = self._now_ms + _JOIN_MS

    # The network chooses it.
    def _look_at_rate(self) -> None:
        self._line.allow(_STEPS_MS)
        rate = number(self._line.command("AT+DR=?"), 0, 15)
        if rate is not None:
            self.sf = max(7, 12 - rate)

    def _joined(self) -> None:
        self.state = UP
        self._until_ms = self._due_ms = None
        self._joins = self._silent = 0
        self._heard_ms = self._now_ms
        self.fault = False
        console.say("lorawan: joined")
        self._look_at_rate()

    # A join or a window is over.
    def _over(self) -> None:
        self._until_ms = None
        if self.state == JOINING:
            self._fail_join("no answer")
            return
        self._look_at_rate()
        is_deaf = self._silent >= _DEAF_UPLINKS and self._now_ms - self._heard_ms >= _DEAF_MS
        if is_deaf:
            self._tell(FAULT_RADIO, "lorawan: %d frames without any answer" % self._silent)
            self.state = IDLE
            self._silent = 0

    def _fail_join(self, why: str) -> None:
        self.state = IDLE
        self._until_ms = None
        self._tell(FAULT_RADIO, "lorawan: join: %s" % why)

    # --- frames

    def _give(self, frame: bytes) -> None:
        self._held = None
        self._line.allow(_STEPS_MS)
        try:
            self._line.command("AT+SEND=%d:%s" % (PORT, frame.hex().upper()), _SEND_MS, False)
        except AtError as error:
            self._refused(frame, error)
            return
        except RadioFault as error:
            self._lose(str(error))
            return
        self.short = False
        self.uplinks += 1
        self._silent += 1
        self._until_ms = self._now_ms + _WINDOW_MS

    def _refused(self, frame: bytes, error: AtError) -> None:
        if error.status == "AT_NO_NETWORK_JOINED":
            self.state = IDLE
            self._due_ms = self._now_ms  # nodes send at different seconds
            self._tell(FAULT_RADIO, "lorawan: the session is lost")
            return
        wait_ms = _restricted_ms(error.note)
        if error.status == "AT_PARAM_ERROR":
            # Too long for the rate, perhaps only beside what the network had to be told: then the
            # module has told it that, without the frame.
            self.unfit += 1
            self._until_ms = self._now_ms + _WINDOW_MS
            wait_ms = None
        elif error.status != "AT_BUSY_ERROR":
            self._lose(str(error))
            return
        self._refuse("%s %s" % (error, error.note), wait_ms)
        self._holds += 1
        if self._holds <= _HOLDS:
            low_ms, more_ms = _HOLD_MS
            pause_ms = low_ms + self._chance(more_ms) if wait_ms is None else wait_ms
            self._held = frame
            self._hold_ms = self._now_ms + min(pause_ms, _HOLD_MAX_MS)

    def _refuse(self, why: str, wait_ms: int | None) -> None:
        self.refused += 1
        self.short = wait_ms is not None
        self._tell(FAULT_AIRTIME if self.short else FAULT_RADIO, "lorawan: %s" % why.strip())

    # --- events

    def _listen(self, frames: list[bytes]) -> None:
        for _ in range(_EVENTS_A_LOOK):
            said = self._line.event(0)
            if said is None:
                return
            if said == "JOINED":
                self._joined()
            elif said.startswith("JOIN_FAILED"):
                if self.state == JOINING:
                    self._fail_join(said)
            elif said == "TX_DONE":
                if self.state == UP:
                    self._until_ms = self._now_ms + _AFTER_MS
            elif said.startswith("RX_"):
                self._take(said.split(":"), frames)

    # RX_1:rssi:snr:UNICAST:port:hex
    def _take(self, words: list[str], frames: list[bytes]) -> None:
        frame = unhex(words[5]) if len(words) == 6 else None
        rssi_dbm = number(words[1], -200, 50) if frame else None
        snr_db = number(words[2], -64, 63) if frame else None
        if not frame or rssi_dbm is None or snr_db is None or len(frame) > MAX_FRAME:
            self.damaged += 1
            return
        self.rssi_dbm, self.snr_db4 = rssi_dbm, 4 * snr_db
        self._silent = 0
        self._heard_ms = self._now_ms
        if words[4] == str(PORT):
            self.downlinks += 1
            frames.append(frame)

    # --- chance and words

    # Doubling, bounded, and up to half as much again by chance.
    def _pause(self, bounds_ms: tuple[int, int], doublings: int) -> int:
        low_ms, high_ms = bounds_ms
        pause_ms = min(low_ms << min(doublings, _DOUBLINGS), high_ms)
        return pause_ms + self._chance(pause_ms // 2)

    def _chance(self, most_ms: int) -> int:
        self._random = (self._random * 1103515245 + 12345 + self._now_ms) & 0x7FFFFFFF
        return (self._random >> 8) % (most_ms + 1)

    def _tell(self, bit: int, why: str) -> None:
        if why != self.why:
            console.say(why)
            console.tell("fault", {"fault": bit, "text": why, "times": self._failures})
        self.why = why


# "Restricted_Wait_1234_ms": what the module says when its duty cycle is used up.
def _restricted_ms(note: str) -> int | None:
    words = note.split("_")
    if len(words) != 4 or words[:2] != ["Restricted", "Wait"]:
        return None
    return number(words[2], 0, _HOLD_MAX_MS * 24)


def _digits(config, name: str, count: int) -> str:  # type: ignore[no-untyped-def]
    text = config.get(name)
    if not isinstance(text, str) or len(text) != count or unhex(text) is None:
        raise ConfigError("%s: needs %d hex digits" % (name, count))
    return text.upper()


def _load_key(path: str) -> str:
    try:
        with open(path) as file:
            data = json.load(file)
    except ValueError:
        data = None
    if not isinstance(data, dict) or data.get("schema") != 1:
        raise ConfigError("%s: needs schema 1 and app_key" % path)
    return _digits(data, "app_key", 32)
