"""See leaks come and go in the view, and keep each one's story."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from amont_gateway.indicators.leaks import Leak, Shown, seen
from amont_gateway.view import Network, View, Zone

Places = dict[str, tuple[Shown, ...]]
MOST_LOOKS = 5_000  # two hundred days of hours, if nobody takes them
HOUR_MS = 3_600_000


class Look(NamedTuple):
    """What was shown of each place that was judged, at one moment."""

    at_ms: int
    shown: Places


class Looks:
    """What the models show of leaks, handed from the watching thread to the one that keeps it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: deque[Look] = deque(maxlen=MOST_LOOKS)

    def look(self, view: View) -> None:
        """Take what the view shows; a place whose model gives no verdict is passed over."""
        shown = {zone.id: _of_zone(zone, view.now_ms) for zone in view.zones if _judged(zone)}
        shown |= {net.id: _of_network(net, view.now_ms) for net in view.networks if _judged(net)}
        with self._lock:
            if self._looks and _same_story(self._looks[-1], shown, view.now_ms):
                self._looks.pop()
            self._looks.append(Look(view.now_ms, shown))

    def taken(self) -> list[Look]:
        """Return what was shown since the last call, oldest first; what stayed the same once."""
        with self._lock:
            looks = list(self._looks)
            self._looks.clear()
            return looks


def _same_story(last: Look, shown: Places, now_ms: int) -> bool:
    """Tell whether a look says of the same hour and of the same leaks what the last one said."""
    same_hour = last.at_ms // HOUR_MS == now_ms // HOUR_MS
    return same_hour and _which(last.shown) == _which(shown)


def _which(shown: Places) -> dict[str, list[tuple[int, bool]]]:
    return {place: [(one.number, one.is_sure) for one in ones] for place, ones in shown.items()}


def followed(leaks: Iterable[Leak], shown: Places, now_ms: int, day: int) -> list[Leak]:
    """Return all leaks after a look."""
    by_place: dict[str, list[Leak]] = {place: [] for place in shown}
    for leak in leaks:
        by_place.setdefault(leak.place, []).append(leak)
    out = []
    for place, known in by_place.items():
        out += seen(known, place, shown[place], now_ms, day) if place in shown else known
    return out


def _judged(place: Zone | Network) -> bool:
    return place.model_status == "ok" and place.verdict != "unknown"


def _of_zone(zone: Zone, now_ms: int) -> tuple[Shown, ...]:
    if zone.verdict not in ("watch", "leak"):
        return ()
    since_ms = zone.since_ms if zone.since_ms is not None else now_ms
    is_sure = zone.verdict == "leak"
    return (Shown(since_ms, _positive(zone.leak_l_h), zone.leak_probability, is_sure),)


def _of_network(network: Network, now_ms: int) -> tuple[Shown, ...]:
    return tuple(
        Shown(
            min(leak.since_ms, now_ms),
            _positive(leak.size_l_h),
            leak.probability,
            leak.is_sure,
            leak.number,
        )
        for leak in network.leaks
    )


def _positive(size_l_h: float | None) -> float | None:
    """Return a size; nothing is no size of a leak."""
    return float(size_l_h) if size_l_h is not None and size_l_h > 0 else None
