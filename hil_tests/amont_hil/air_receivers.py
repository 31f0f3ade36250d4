"""A bridge's receivers: what they notice of the frames on the air, and what each came to.

- *continuous*: one channel, one spreading factor, always there.
- *scanning*: one demodulator that looks at each channel and factor in turns (CAD) and locks on the
  first preamble it sees; the steps take what ``amont_wire.airtime.look_us`` says.
- *concentrator*: some demodulators, each takes any frame that begins; nothing is looked for.

A receiver is deaf while it transmits, and a demodulator while it receives. A frame that is lost to
a burst still keeps a demodulator busy: its end is damaged, not its beginning. Each frame that a
receiver might hear comes to exactly one fate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from amont_provision.linkbudget import noise_dbm, sensitivity_dbm
from amont_wire.airtime import look_us

from .air import LOCK_SYMBOLS, Air, Transmission
from .air_links import Links

HEARD = "heard"
WEAK = "weak"  # below what the receiver needs
LOST = "lost"  # to a burst
COLLIDED = "collided"
BUSY = "busy"  # every demodulator was receiving another frame
SENDING = "sending"  # the bridge was transmitting
CUT = "cut"  # the bridge began to transmit in the middle of it
UNSEEN = "unseen"  # the circle of looks did not come by in time
FATES = (HEARD, WEAK, LOST, COLLIDED, BUSY, SENDING, CUT, UNSEEN)

Heard = Callable[[Transmission, float, float], None]  # frame, dBm, dB


@dataclass(frozen=True)
class Looks:
    """The instants at which a circle of looks sees each of its channels and factors."""

    modes: tuple[tuple[int, int], ...]  # (kHz, factor)

    @property
    def circle_us(self) -> int:
        """Return how long once around takes."""
        return sum(look_us(sf) for _, sf in self.modes)

    def over_us(self, mode: tuple[int, int], from_us: int, began_us: int) -> int:
        """Return when the first look at ``mode`` is over that does not begin before ``from_us``.

        The circle began at ``began_us``.
        """
        before_us = sum(look_us(sf) for _, sf in self.modes[: self.modes.index(mode)])
        circle_us = self.circle_us
        begin_us = began_us + before_us
        if begin_us < from_us:
            begin_us += -(-(from_us - begin_us) // circle_us) * circle_us
        return begin_us + look_us(mode[1])


class Radio:
    """One chip: the modes it takes, by how many demodulators, in a circle or at once."""

    def __init__(
        self, air: Air, links: Links, place: int, modes: Sequence[tuple[int, int]], heard: Heard,
        demodulators: int = 1, scans: bool = True,
    ) -> None:  # fmt: skip
        """Listen from now on."""
        self.place, self._air, self.links, self._heard = place, air, links, heard
        self._modes, self._most = tuple(modes), demodulators
        self._looks = Looks(self._modes) if scans and len(modes) > 1 else None
        self._locked: list[Transmission] = []
        self._waiting: list[Transmission] = []  # begun, neither locked on nor over
        self._turn = 0  # of a circle or of a pause: what was foreseen in another is void
        self._began_us = air.events.now_us
        self._sending_until_us = 0
        self.counts: Counter[str] = Counter()
        air.listeners.append(self)

    def begins(self, sent: Transmission) -> None:
        """Look at a frame whose first symbol is on the air now."""
        m = sent.modulation
        mode = (m.freq_khz, m.sf)
        if m.inverted or mode not in self._modes or sent.sender == self.place:
            return
        self._air.events.at(sent.end_us, self._settle, sent)
        if self._air.level_dbm(sent, self.place) < sensitivity_dbm(m.sf, m.bw_khz):
            sent.fates[self.place] = WEAK
            return
        self._waiting.append(sent)
        if self._is_free():
            self._foresee(sent)
        else:
            sent.fates[self.place] = SENDING if self._is_sending() else BUSY

    def is_receiving(self) -> bool:
        """Tell whether a frame has been locked on."""
        return bool(self._locked)

    def send_begins(self, until_us: int) -> None:
        """Be deaf until then; what was being received is gone."""
        for sent in self._locked:
            sent.fates[self.place] = CUT
        for sent in self._waiting:
            sent.fates[self.place] = SENDING
        self._locked, self._turn = [], self._turn + 1
        self._sending_until_us = until_us
        self._air.events.at(until_us, self._resume)

    def _is_sending(self) -> bool:
        return self._air.events.now_us < self._sending_until_us

    def _is_free(self) -> bool:
        return not self._is_sending() and len(self._locked) < self._most

    def _resume(self) -> None:
        """Listen again, from the circle's beginning."""
        if not self._is_free():
            return
        self._turn, self._began_us = self._turn + 1, self._air.events.now_us
        for sent in list(self._waiting):
            self._foresee(sent)

    def _foresee(self, sent: Transmission) -> None:
        """Reckon when this frame will be locked on, if nothing comes between."""
        m, now_us = sent.modulation, self._air.events.now_us
        if self._looks is None:
            lock_us = max(sent.begin_us, now_us) + LOCK_SYMBOLS * sent.symbol_us
            in_time = max(sent.begin_us, now_us) <= sent.lock_by_us
        else:
            from_us = max(sent.begin_us, now_us)
            lock_us = self._looks.over_us((m.freq_khz, m.sf), from_us, self._began_us)
            in_time = lock_us <= sent.lock_by_us
        if in_time:
            self._air.events.at(lock_us, self._lock, sent, self._turn)
        elif sent.fates.get(self.place) is None:
            sent.fates[self.place] = UNSEEN

    def _lock(self, sent: Transmission, turn: int) -> None:
        stale = turn != self._turn and self._looks is not None
        if stale or sent not in self._waiting:
            return
        if not self._is_free():
            sent.fates[self.place] = SENDING if self._is_sending() else BUSY
            return
        self._waiting.remove(sent)
        self._locked.append(sent)
        sent.fates[self.place] = HEARD  # unless something comes between
        if not self._is_free():
            self._turn += 1
            for other in self._waiting:
                other.fates[self.place] = BUSY

    def _settle(self, sent: Transmission) -> None:
        """The frame is over: what came of it."""
        if sent in self._waiting:
            self._waiting.remove(sent)
        if sent in self._locked:
            self._locked.remove(sent)
            self._end(sent)
            self._resume()
        self.counts[sent.fates[self.place]] += 1

    def _end(self, sent: Transmission) -> None:
        m, place = sent.modulation, self.place
        if self.links.is_bad(place, sent.sender, sent.begin_us):
            sent.fates[place] = LOST
        elif not self._air.survives(sent, place):
            sent.fates[place] = COLLIDED
        else:
            level_dbm = self._air.level_dbm(sent, place)
            snr_db = level_dbm - noise_dbm(m.bw_khz)
            self._heard(sent, level_dbm, snr_db)
