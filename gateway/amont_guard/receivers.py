"""All bridges of a site: several may hear a node, one transmits.

The first one of the site's file transmits, and none ever takes its place by itself: one that was
unplugged from us may still have power and frames that wait for their window, and two that
transmit at once are heard by nobody. Without it the others still hear, and nodes keep what is not
acknowledged; people name another one in the site's file.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from amont_wire.link import ROLE_LISTEN, ROLE_TRANSMIT, Settings

from .config import Bridge, Config
from .hearings import Hearings, Signal
from .ports import Lister, plugged_in
from .receiver import Receiver
from .serial_port import SerialPort, Submit
from .writer import Worker

CLOSE_S = 1.0  # that the end of the guard waits for a port
AGAIN_KEPT = 256
NEWS_S = 60.0  # between two times that one kind of fault begins, or changes its text

Fault = tuple[str, str, str]  # kind, port, a code with its detail
NewThread = Callable[[], Submit]  # one that does jobs one after the other


class Heard(NamedTuple):
    """A frame that no other receiver has handed over before."""

    frame: bytes
    rssi_dbm: int
    snr_db4: int


class Receivers:
    """The bridges, in the order of the site's file."""

    def __init__(
        self, config: Config, counters: Counter[str], boards: Lister = plugged_in,
        thread: NewThread | None = None, real_s: Callable[[], float] = time.monotonic,
        opened: Callable[[bytes], bool] = lambda _frame: True,
    ) -> None:  # fmt: skip
        """Begin to look for the ports; ``opened`` tells whether a key opened a frame."""
        thread = thread or (lambda: Worker(counters=counters).submit)
        self._opened = opened
        self._counters, self._deaf_s, self._real_s = counters, config.deaf_s(), real_s
        bridge = config.bridge
        self._hearings = Hearings()
        self._again: dict[bytes, Signal] = {}  # by frame, since they were told
        names = [bridge.port, *bridge.listeners] if bridge and bridge.port else []
        self.all = [
            Receiver(
                SerialPort(name, bridge.baud, thread(), boards),
                _settings(bridge, ROLE_LISTEN if at else ROLE_TRANSMIT), counters, real_s(),
            )
            for at, name in enumerate(names)
            if bridge is not None
        ]  # fmt: skip
        self._twins: dict[str, str] = {}  # port: the other one with the same number
        self._begun: dict[Fault, tuple[str, float]] = {}  # kind, port, code: detail, real time
        self._lasting: set[Fault] = set()  # kind, port, code

    def settled(self) -> bool:
        """Tell whether each port is open, or why it is not is known."""
        return all(r.port.connected or r.port.error for r in self.all)

    def sources(self) -> list[Receiver]:
        """Return those to select on."""
        return [receiver for receiver in self.all if receiver.port.connected]

    def poll(self, now_s: float) -> None:
        """Go on with what is under way at each port."""
        real_s = self._real_s()
        for receiver in self.all:
            receiver.poll(real_s, now_s)
        self._find_twins()

    def hear(self, readable: Collection[Any], now_s: float) -> Iterator[Heard]:
        """Yield what has arrived at the readable ones, each transmission once.

        Each is to be judged before the next one is asked for: then its receiver hears a node.
        """
        for at, receiver in enumerate(self.all):
            if receiver not in readable:
                continue
            real_s = self._real_s()
            for said in receiver.read(real_s):
                signal = said.rssi_dbm, said.snr_db4
                if self._hearings.first(said.frame, at, *signal, real_s):
                    yield Heard(said.frame, *signal)
                else:
                    self._counters["bridge: heard again"] += 1
                    if len(self._again) < AGAIN_KEPT:
                        self._again[said.frame] = self._hearings.best(said.frame)
                if self._opened(said.frame):
                    receiver.hears(now_s)

    def heard_again(self) -> dict[bytes, Signal]:
        """Return and forget the frames that further receivers heard, with the best signal."""
        again, self._again = self._again, {}
        return again

    def send(self, frame: bytes) -> bool:
        """Queue a sealed downlink at the bridge that transmits; False if it cannot be."""
        taken = bool(self.all) and self.all[0].send(frame, self._real_s())
        if not taken:
            self._counters["bridge: downlinks dropped"] += 1
        return taken

    def faults(self, now_s: float) -> list[Fault]:
        """Return what is wrong: kind, the port that it is about, and a code with its detail.

        What a bridge says is not sealed, and each change is a line of the audit: so a code of a
        port begins anew, or changes its detail, no sooner than NEWS_S after it last did.
        """
        told, lasting, real_s = [], set(), self._real_s()
        for kind, port, code, detail in self._found(real_s, now_s):
            key = kind, port, code
            old, at_s = self._begun.get(key, ("", float("-inf")))
            lasts = key in self._lasting
            if not (lasts and detail == old) and real_s - at_s >= NEWS_S:
                old = detail
                self._begun[key] = detail, real_s
            elif not lasts:
                continue
            lasting.add(key)
            told.append((kind, port, f"{code}: {old}" if old else code))
        self._lasting = lasting
        return told

    def show(self, now_s: float) -> list[dict[str, Any]]:
        """Return what people see of each."""
        return [receiver.show(now_s) for receiver in self.all]

    def close(self) -> None:
        """Give every port back."""
        for receiver in self.all:
            receiver.port.close(CLOSE_S)

    def _found(self, real_s: float, now_s: float) -> Iterator[tuple[str, str, str, str]]:
        for receiver in self.all:
            kind, name = "bridge" if receiver.transmits else "listener", receiver.port.name
            for finding in receiver.findings(real_s, now_s, self._deaf_s):
                yield kind, name, *finding
            if name in self._twins:
                yield kind, name, "twin", f"{receiver.unique}, {self._twins[name]}"

    def _find_twins(self) -> None:
        # Two boards of one number: people must see it, for one of them may be another than meant.
        first: dict[str, str] = {}
        found = {}
        for receiver in self.all:
            if receiver.unique:
                other = first.setdefault(receiver.unique, receiver.port.name)
                if other != receiver.port.name:
                    found[receiver.port.name] = other
        self._counters["bridge: twin ids"] += len(found.keys() - self._twins.keys())
        self._twins = found


def _settings(bridge: Bridge, role: int) -> Settings:
    return Settings(role, bridge.channels_khz, bridge.spreading_factors, bridge.power_dbm)
