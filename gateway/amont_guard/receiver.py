"""One bridge: take its lines, give it its settings, know how it is.

What a bridge says is not sealed. It moves no siren: it is counted and shown, and a frame that it
hands over is judged by its own tag.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from amont_wire.errors import WireError
from amont_wire.link import (
    RADIO_FAULT,
    RADIO_IDLE,
    RADIO_LISTENS,
    ROLE_NONE,
    ROLE_TRANSMIT,
    Ask,
    Deframer,
    Identity,
    Line,
    Received,
    Send,
    Sent,
    Settings,
    Status,
    unpack,
)

from .ports import plain
from .serial_port import SerialPort

SENT = ("sent", "busy", "airtime used up", "malformed", "expired")  # by the result of a `sent`
AGAIN_S = 10.0  # until a bridge that is not as it should be is told again
SETTLE_S = 2.0  # between two times that it is told, whatever it answers
SILENT_S = 45.0  # it says how it is each 10 s
REOPEN_S = 120.0  # of silence, from a bridge that has spoken: its USB may hang
FULL_S = 10.0
AIRTIME_S = 3600.0  # the law's window
_SPENT = 0.95  # of the hour's airtime: what is left is for urgent frames
RADIOS = ("simulated", "idle", "listens", "fault")


class Receiver:
    """A bridge on a port of its own; the one that transmits, or one that only listens."""

    def __init__(
        self, port: SerialPort, settings: Settings, counters: Counter[str], real_s: float
    ) -> None:
        """Know what the bridge is for."""
        self.port, self._settings, self._counters = port, settings, counters
        self.transmits = settings.role == ROLE_TRANSMIT
        self._deframer, self._bad = Deframer(), 0
        self.identity: Identity | None = None
        self.status: Status | None = None
        self._handle = 0
        self._open = False  # as far as it was noticed
        self._ask_at = self._line_at = real_s
        self._told_at, self._told = float("-inf"), False  # when; whether since it was opened
        self._spoke = False  # a status of this bridge has come since the port was opened
        self._airtime: tuple[int, float] = (0, real_s)  # ms of its hour, when it said so
        self.frames = 0
        # domain time of its newest frame that a key opened, or of its opening
        self.heard_at: float | None = None
        self._heard_nodes = False

    def fileno(self) -> int:
        """Return the descriptor to select on."""
        return self.port.fileno()

    @property
    def unique(self) -> str:
        """Return the board's own number, empty if it has not told one."""
        told = self.identity.unique if self.identity else b""
        return told.hex() if any(told) else ""

    def poll(self, real_s: float, now_s: float) -> None:
        """Open the port again, push what waits, ask or tell what the bridge should know."""
        if self.port.poll(real_s):
            self._counters["bridge: opened"] += 1
            self._begin(real_s, now_s)
        elif self._open and self._spoke and real_s - self._line_at > REOPEN_S:
            self._counters["bridge: reopened"] += 1
            self.port.lose("said nothing", real_s)
        if self._open and real_s >= self._ask_at:
            self._ask(real_s)
        if self._open and not self.port.connected:
            self._gone()

    def read(self, real_s: float) -> Iterator[Received]:
        """Yield the frames that have arrived; call it only when the port is readable."""
        bad, data = self._deframer.bad, self.port.read(real_s)
        for payload in self._deframer.feed(data):
            try:
                message = unpack(payload)
            except WireError:
                self._counters["bridge: malformed"] += 1
                continue
            self._line_at = real_s
            if isinstance(message, Received):
                self.frames += 1
                yield message
            else:
                self._said(message, real_s)
        self._counters["bridge: damaged lines"] += self._deframer.bad - bad
        self._bad += self._deframer.bad - bad

    def hears(self, now_s: float) -> None:
        """Know that a frame of its was a node's: others come from neighbours, or are forged."""
        self.heard_at, self._heard_nodes = now_s, True

    def send(self, frame: bytes, real_s: float) -> bool:
        """Queue a sealed downlink; False if too many wait already or there is no port."""
        handle = self._handle + 1 & 0xFFFF
        if not self.port.write(Send(handle, frame).pack(), real_s):
            return False
        self._handle = handle
        return True

    def findings(self, real_s: float, now_s: float, deaf_s: float) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the bridge: a code, and what a technician may want to know.

        ``deaf_s``: longer than that no sound receiver hears none of the site's nodes.
        """
        if not self.port.connected:
            if self.port.error:
                yield "absent", self.port.error
            return
        if self.port.full_s(real_s) > FULL_S:
            yield "full", ""
        if self.port.others:
            yield "alike", f"{self.port.others + 1} x {self.port.name}"
        if real_s - self._line_at > SILENT_S:
            yield "silent", ""
            return
        yield from self._of_the_radio()
        if self.heard_at is not None and now_s - self.heard_at > deaf_s:
            yield "deaf", ""

    def _of_the_radio(self) -> Iterator[tuple[str, str]]:
        radio, state = self.status and self.status.radio, self._state()
        if state == RADIO_FAULT:
            yield "radio", plain(radio.fault) if radio else ""
        elif state == RADIO_IDLE:
            yield "idle", ""
        spent_ms = self._settings.airtime_permille * AIRTIME_S * _SPENT
        if radio and self.transmits and radio.airtime_ms >= spent_ms:
            yield "airtime", ""  # how much is shown elsewhere: a name must not change with it

    def show(self, now_s: float) -> dict[str, Any]:
        """Return what people see of it, in codes and numbers; None where it did not tell."""
        status, identity = self.status, self.identity
        radio = status.radio if status else None
        names = ("crc_errors", "airtime_ms", "waiting", "refused", "lost")
        return {
            "port": self.port.name, "device": self.port.device,
            "role": "transmit" if self.transmits else "listen",
            "connected": self.port.connected, "id": self.unique,
            "radio": None if (state := self._state()) is None else RADIOS[state],
            "version": identity.version if identity else status.version if status else None,
            "frames": self.frames, "damaged": self._bad,
            "heard_s": None if self.heard_at is None or not self._heard_nodes
            else int(now_s - self.heard_at),
            "sent": status.sent if status else None, "bad": status.bad if status else None,
            **{name: getattr(radio, name) if radio else None for name in names},
        }  # fmt: skip

    def _state(self) -> int | None:
        # A status is newer than what it said when it was told its settings.
        if self.status is not None and self.status.radio is not None:
            return RADIO_FAULT if self.status.radio.fault else RADIO_LISTENS
        return self.identity.radio if self.identity else None

    def _begin(self, real_s: float, now_s: float) -> None:
        self._deframer, self._spoke, self._told = Deframer(), False, False
        self._line_at, self._ask_at, self._open = real_s, real_s, True
        if self.heard_at is None:
            self.heard_at = now_s
        self._ask(real_s)

    def _gone(self) -> None:
        self._counters["bridge: lost"] += 1
        self._open = False
        self.identity = self.status = None

    def _ask(self, real_s: float) -> None:
        # Its answer brings the settings; what does not fit into a full port is asked later.
        self._ask_at = real_s + AGAIN_S
        if self.identity is None:
            if not self._spoke or (self.status and self.status.version > 1):
                self.port.write(Ask().pack(), real_s)
        elif self.identity.role != self._settings.role or not self._told:
            self._tell(real_s)

    def _tell(self, real_s: float) -> None:
        spent_ms, at_s = self._airtime
        self._settings.airtime_ms = spent_ms if real_s - at_s < AIRTIME_S else 0
        self._told = self.port.write(self._settings.pack(), real_s)
        self._told_at = real_s
        self._ask_at = real_s + AGAIN_S

    def _said(self, message: Line, real_s: float) -> None:
        if isinstance(message, Sent):
            self._counters[f"bridge: {SENT[message.result]}"] += 1
        elif isinstance(message, Identity):
            self.identity = message
            if message.role == ROLE_NONE:  # it has just begun: what it said before is over
                self.status = None
            if message.role != self._settings.role or not self._told:
                self._ask_at = max(real_s, self._told_at + SETTLE_S)
        elif isinstance(message, Status):
            self._counters["bridge: status"] += 1
            self._reset_between(message, real_s)
            self.status, self._spoke = message, True
            if message.radio is not None:
                self._airtime = message.radio.airtime_ms, real_s
        else:
            self._counters["bridge: malformed"] += 1

    def _reset_between(self, new: Status, real_s: float) -> None:
        # It began again and the line that says so was lost (or its clock went round).
        if self.status is not None and new.tick_ms < self.status.tick_ms:
            self._counters["bridge: resets"] += 1
            self.identity = None
            self._ask_at = real_s
