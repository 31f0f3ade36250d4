"""A bridge on the simulated air: ``amont_bridge``'s own Bridge, four kinds of receiver.

While it transmits none of its receivers hears anything, whatever the kind: they share a mast.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amont_bridge.bridge import Bridge
from amont_node.radio import Modulation
from amont_wire import link
from amont_wire.airtime import PREAMBLE, scan_preamble

from .air import Air, Transmission
from .air_links import BRIDGE, Links
from .air_node import snr_db4
from .air_receivers import Radio

CONTINUOUS = "continuous"  # one channel, one spreading factor: for sites that have no more
SCANNING = "scanning"  # one radio that goes round all channels and factors
THREE = "three"  # one radio a channel that goes round the factors
CONCENTRATOR = "concentrator"  # eight demodulators, all channels and factors at once
KINDS = (CONTINUOUS, SCANNING, THREE, CONCENTRATOR)
_DEMODULATORS = 8
_TURN_US = 1000  # the shell's loop
_STATUS_US = 1_000_000


@dataclass(frozen=True)
class Plan:
    """What a bridge listens to."""

    kind: str
    channels_khz: tuple[int, ...]
    factors: tuple[int, ...]
    power_dbm: int = 14
    listen_ms: int = 2600


def preamble(plan: Plan, sf: int) -> int:
    """Return the symbols of preamble that this kind of receiver needs of a node."""
    if plan.kind == CONCENTRATOR:
        return PREAMBLE
    channels = 1 if plan.kind == THREE else len(plan.channels_khz)
    return scan_preamble(channels, list(plan.factors), sf)


class AirBridge:
    """The shell around Bridge, in virtual time."""

    def __init__(
        self, air: Air, links: Links, plan: Plan, to_guard: Callable[[bytes], None]
    ) -> None:
        """Take its settings as the guard would send them, and listen."""
        self._air, self._events, self._to_guard = air, air.events, to_guard
        self.bridge: Any = Bridge(self._tick_ms(), bytes(8), link.RADIO_IDLE)
        settings = link.Settings(
            link.ROLE_TRANSMIT, list(plan.channels_khz), list(plan.factors), plan.power_dbm,
            10, plan.listen_ms,
        )  # fmt: skip
        self.bridge.from_guard(settings.pack(), self._tick_ms())
        self._power_dbm, self._sending, self._wake = plan.power_dbm, False, 0
        self._modes: list[tuple[int, int]] = list(self.bridge.listens())
        self.radios = [
            Radio(air, links, BRIDGE, modes, self._heard, count, plan.kind != CONCENTRATOR)
            for modes, count in shares(plan.kind, self._modes)
        ]
        self._events.at(self._events.now_us + _STATUS_US, self._status)

    @property
    def counts(self) -> Counter[str]:
        """Return how many frames came to which fate."""
        return sum((radio.counts for radio in self.radios), Counter())

    def from_guard(self, data: bytes) -> None:
        """Take bytes from the serial line."""
        self._to_guard(self.bridge.from_guard(data, self._tick_ms()))
        self._turn()

    def _heard(self, sent: Transmission, level_dbm: float, snr_db: float) -> None:
        m = sent.modulation
        at = self._modes.index((m.freq_khz, m.sf))
        level = (round(level_dbm), snr_db4(snr_db))
        self._to_guard(self.bridge.heard(sent.frame, *level, self._tick_ms(), at))
        self._events.at(self._events.now_us + _TURN_US, self._turn)

    def _turn(self) -> None:
        if self._sending:
            return
        tick_ms = self._tick_ms()
        hears = any(radio.is_receiving() for radio in self.radios)
        going = self.bridge.next_transmission(tick_ms, hears)
        if going is None:
            self._wake += 1
            wait_ms = max(1, self.bridge.wait_ms(tick_ms))
            self._events.at(self._events.now_us + 1000 * wait_ms, self._woken, self._wake)
            return
        m = Modulation(going.freq_khz, going.sf, 125, 5, 8, self._power_dbm, True)
        end_us = self._air.send(BRIDGE, m, going.frame, self._events.now_us)
        self._sending = True
        for radio in self.radios:
            radio.send_begins(end_us)
        self._events.at(end_us, self._sent, going)

    def _woken(self, wake: int) -> None:
        if wake == self._wake:
            self._turn()

    def _sent(self, going: Any) -> None:
        self._sending = False
        self._to_guard(self.bridge.transmitted(going, True, self._tick_ms()))
        self._turn()

    def _status(self) -> None:
        self._to_guard(self.bridge.status(self._tick_ms()))
        self._events.at(self._events.now_us + _STATUS_US, self._status)

    def _tick_ms(self) -> int:
        return self._events.now_us // 1000


def shares(kind: str, modes: list[tuple[int, int]]) -> list[tuple[list[tuple[int, int]], int]]:
    """Return the modes of each radio, and how many frames it takes at once."""
    if kind == CONCENTRATOR:
        return [(modes, _DEMODULATORS)]
    if kind != THREE:
        return [(modes, 1)]
    return [([m for m in modes if m[0] == khz], 1) for khz in sorted({khz for khz, _ in modes})]
