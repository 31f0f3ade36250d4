# The bridge between radio and guard: bytes in, bytes out. Pure; it holds no key and opens nothing.
#
# From the radio: a frame becomes a `received` line for the guard. From the guard: a `send` line
# becomes a transmission, and what became of it a `sent` line. A `status` line each 10 s tells the
# guard that the bridge lives. Damaged lines and frames are counted and cost nothing else.
#
# With a radio, the guard's settings say what it listens to, and whether it sends: before they came
# it is deaf and silent. What it sends waits for its node's window (schedule.py). A simulated one
# sends at once, unless it is told only to listen.

from amont_bridge.schedule import Schedule, Transmission
from amont_bridge.waiting import Entry
from amont_wire.airtime import Airtime, Lora
from amont_wire.const import MAX_FRAME, MIN_FRAME
from amont_wire.errors import WireError
from amont_wire.link import (
    RADIO_FAULT,
    RADIO_IDLE,
    RADIO_LISTENS,
    RADIO_SIMULATED,
    ROLE_LISTEN,
    ROLE_NONE,
    ROLE_TRANSMIT,
    SENT_BUSY,
    SENT_MALFORMED,
    SENT_OK,
    UNIQUE_BYTES,
    Ask,
    Deframer,
    Identity,
    RadioState,
    Received,
    Send,
    Sent,
    Service,
    Settings,
    Status,
    unpack,
)

VERSION = 2
STATUS_MS = 10000
_QUEUE_MAX = 8  # simulated transmissions that may wait; the guard hears "busy" about more
_TRIES = 3  # of a radio that fails
_U32 = 0xFFFFFFFF


class Bridge:
    # unique: the board's own number. radio: RADIO_SIMULATED or RADIO_IDLE. forgot: it was reset,
    # and nobody knows what it sent in the hour before. release: that it runs.
    def __init__(
        self, tick_ms: int, unique: bytes = b"", radio: int = RADIO_SIMULATED,
        forgot: bool = False, release: int = 0,
    ) -> None:  # fmt: skip
        self._release = release
        self._unique = (unique + bytes(UNIQUE_BYTES))[:UNIQUE_BYTES]
        self._simulated = radio == RADIO_SIMULATED
        # Of the hour a quarter is for answers to urgent frames alone.
        self.airtime = Airtime(Lora(12), 10, MAX_FRAME, 3)
        if forgot:
            self.airtime.assume(tick_ms // 1000)
        self.schedule = Schedule(self.airtime, 0, 0)
        self.settings: Settings | None = None
        self._deframer = Deframer()
        self._at_once: list[Entry] = []  # simulated: to be sent, oldest first
        self._told = False  # who this is, since the start
        self._status_ms = tick_ms  # when the next status is due
        self._malformed = 0  # whole lines from the guard that make no sense
        self._fault = ""  # of the radio
        self._crc_errors = 0
        self.received = 0
        self.sent = 0
        self.known = False  # a guard spoke to it
        self.service = False  # somebody wants the board, not the bridge
        self.lost_lines = 0  # that the guard did not take

    # Damaged or senseless lines so far.
    def bad(self) -> int:
        return self._deframer.bad + self._malformed

    # What to listen to: (kHz, spreading factor) of each place. Nothing before settings came.
    def listens(self) -> list[tuple[int, int]]:
        if self.settings is None:
            return []
        sfs = self.settings.sfs
        return [(khz, sf) for khz in self.settings.channels_khz for sf in sfs]

    # Whether there is anything to listen to yet.
    def listening(self) -> bool:
        return self._simulated or self.settings is not None

    # Whether frames wait for their window.
    def waits(self) -> bool:
        return len(self.schedule.waiting) > 0

    def role(self) -> int:
        return ROLE_NONE if self.settings is None else self.settings.role

    # --- from the radio

    # A frame ended at tick_ms, heard at listens()[index]: the line for the guard, or nothing if it
    # cannot be one of ours.
    def heard(
        self, frame: bytes, rssi_dbm: int, snr_db4: int, tick_ms: int, index: int = 0
    ) -> bytes:
        if not MIN_FRAME <= len(frame) <= MAX_FRAME:
            return b""
        self.received += 1
        places = self.listens()
        if not self._simulated and index < len(places):
            self.schedule.heard(frame, places[index], tick_ms)
        rssi_dbm = min(max(rssi_dbm, -32768), 32767)
        snr_db4 = min(max(snr_db4, -128), 127)
        return Received(tick_ms & _U32, rssi_dbm, snr_db4, frame).pack()

    # How the radio is: its fault in words, "" if it has none, and the damaged frames so far.
    def radio(self, fault: str, crc_errors: int, tick_ms: int) -> None:
        if bool(fault) != bool(self._fault):
            self._status_ms = tick_ms  # the guard hears at once
        self._fault = fault
        self._crc_errors = crc_errors

    # --- from the guard

    # Bytes came: lines to answer at once. What is to be transmitted waits in next_transmission().
    def from_guard(self, data: bytes, tick_ms: int) -> bytes:
        answers = b""
        for payload in self._deframer.feed(data):
            answers += self._take(payload, tick_ms)
        return answers + self._given_up()

    def _take(self, payload: bytes, tick_ms: int) -> bytes:
        try:
            message = unpack(payload)
        except WireError:
            self._malformed += 1
            return _refusal(payload)
        if isinstance(message, Send):
            return self._send(message, tick_ms)
        if isinstance(message, Settings):
            self._apply(message, tick_ms)
            return self._greeted()
        if isinstance(message, Ask):
            return self._greeted()
        if isinstance(message, Service):
            self.service = True
            return b""
        self._malformed += 1
        return b""

    def _greeted(self) -> bytes:
        self.known = True
        return self._identity()

    def _send(self, message: Send, tick_ms: int) -> bytes:
        role = self.role()
        if self._simulated:
            if role == ROLE_LISTEN or len(self._at_once) >= _QUEUE_MAX:
                return Sent(message.handle, SENT_BUSY).pack()
            self._at_once.append(Entry(message.handle, message.frame, None, tick_ms))
        elif role == ROLE_TRANSMIT:
            self.schedule.add(message.handle, message.frame, tick_ms)
        else:
            return Sent(message.handle, SENT_BUSY).pack()
        return b""

    # Frames that wait outlive settings, unless this bridge is to be silent from now on.
    def _apply(self, settings: Settings, tick_ms: int) -> None:
        tick_s = tick_ms // 1000
        self.settings = settings
        self._status_ms = tick_ms  # so the guard hears at once how the radio is
        self.airtime.configure(Lora(max(settings.sfs)), settings.airtime_permille)
        unknown_ms = settings.airtime_ms - self.airtime.used_ms(tick_s)
        if unknown_ms > 0:
            self.airtime.before(tick_s, unknown_ms)
        self.schedule.configure(settings.listen_ms, settings.power_dbm)
        if settings.role == ROLE_LISTEN:
            self.schedule.waiting.clear()

    # --- transmissions

    # What goes out now, or None. Tell transmitted() what became of it. hears: a frame comes in.
    def next_transmission(self, tick_ms: int, hears: bool = False) -> Transmission | None:
        if self._simulated:
            return Transmission(self._at_once.pop(0), 0, 0, 0) if self._at_once else None
        return self.schedule.next(tick_ms, hears)

    # It was over at tick_ms; not ok: the radio did not send it.
    def transmitted(self, sending: Transmission, ok: bool, tick_ms: int) -> bytes:
        if ok:
            self.sent += 1
            self.schedule.ended(sending, True, tick_ms)
            return Sent(sending.handle, SENT_OK).pack() + self._given_up()
        sending.entry.tries += 1
        if sending.entry.tries >= _TRIES or self._simulated:
            return Sent(sending.handle, SENT_BUSY).pack()
        self.schedule.ended(sending, False, tick_ms)
        return self._given_up()

    def _given_up(self) -> bytes:
        lines = [Sent(*told).pack() for told in self.schedule.waiting.given_up()]
        return b"".join(lines)

    # --- time

    # Who this is, once; the status line when it is due; what has waited too long.
    def status(self, tick_ms: int) -> bytes:
        self.schedule.waiting.expire(tick_ms)
        lines = self._given_up()
        if not self._told:
            lines += self._identity()
        if tick_ms < self._status_ms:
            return lines
        self._status_ms = tick_ms + STATUS_MS
        counts = (self.received & _U32, self.bad() & _U32, self.sent & _U32)
        return lines + Status(tick_ms & _U32, *counts, VERSION, self._radio_state(tick_ms)).pack()

    # Milliseconds until status() or next_transmission() may have something by themselves.
    def wait_ms(self, tick_ms: int) -> int:
        wait_ms = max(0, self._status_ms - tick_ms)
        if self._at_once:
            return 0
        own_ms = self.schedule.wait_ms(tick_ms)
        return wait_ms if own_ms is None else min(wait_ms, own_ms)

    def _identity(self) -> bytes:
        self._told = True
        who = Identity(VERSION, self._unique, self.role(), self._radio_kind(), self._release)
        return who.pack()

    def _radio_kind(self) -> int:
        if self._simulated:
            return RADIO_SIMULATED
        if self._fault:
            return RADIO_FAULT
        return RADIO_IDLE if self.settings is None else RADIO_LISTENS

    # A guard that sent no settings knows the short status only.
    def _radio_state(self, tick_ms: int) -> RadioState | None:
        if self._simulated or self.settings is None:
            return None
        return RadioState(
            self._crc_errors & _U32, self.airtime.used_ms(tick_ms // 1000),
            len(self.schedule.waiting), self.airtime.refused & _U32, self.lost_lines & _U32,
            self._fault,
        )  # fmt: skip


# A `send` that is whole but holds no possible frame is refused by its handle.
def _refusal(payload: bytes) -> bytes:
    if len(payload) >= 3 and payload[0] == Send.KIND:
        return Sent(payload[1] | payload[2] << 8, SENT_MALFORMED).pack()
    return b""
