"""Follow what shows only over days: how much a node sends twice, and how its battery falls."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import defaultdict, deque
from pathlib import Path

FILE = "batteries.json"
EMPTY_MV = 2_150  # below, a node with the usual marks hardly samples (docs/policy)
MOST_DAYS = 28  # "the last weeks"
LEAST_DAYS = 7
LONGEST_D = 3_650.0  # of what can be said: a battery that does not fall
_DAY_MS = 86_400_000
_HOUR_S = 3_600.0
_HOURS = 24


class NodeTrends:
    """Counts of a day in memory, voltages of weeks also on disk; for use from any thread."""

    def __init__(self, folder: Path | None = None) -> None:
        """Remember in ``folder``; without one only until the end of the process."""
        self._path = folder and folder / FILE
        self._lock = threading.Lock()
        # per node, of each hour: which, samples that came, those that were there already
        self._hours: dict[int, deque[list[int]]] = defaultdict(lambda: deque(maxlen=_HOURS))
        self._lowest: dict[int, dict[int, int]] = {}  # mV by day since 1970, by node
        self._saved = True

    def sent(self, node: int, samples: int, repeated: int, now_s: float) -> None:
        """Count a frame's samples, and those of them that were there already."""
        hour = int(now_s // _HOUR_S)
        with self._lock:
            hours = self._hours[node]
            if not hours or hours[-1][0] != hour:
                hours.append([hour, 0, 0])
            hours[-1][1] += samples
            hours[-1][2] += repeated

    def repeated_pct(self, node: int, now_s: float) -> float | None:
        """Return the share of the last day's samples that came more than once."""
        since = int(now_s // _HOUR_S) - _HOURS
        with self._lock:
            rows = [row for row in self._hours.get(node, ()) if row[0] > since]
        samples = sum(row[1] for row in rows)
        return round(100.0 * sum(row[2] for row in rows) / samples, 1) if samples else None

    def battery(self, node: int, battery_mv: int, now_ms: int) -> None:
        """Take a voltage; the lowest of each day counts."""
        day = now_ms // _DAY_MS
        with self._lock:
            days = self._lowest.setdefault(node, {})
            if battery_mv >= days.get(day, battery_mv + 1):
                return
            days[day] = battery_mv
            for old in sorted(days)[:-MOST_DAYS]:
                del days[old]
            self._saved = False

    def battery_days(self, node: int) -> float | None:
        """Return the days until it is empty at the pace of the last weeks; None: not known yet."""
        with self._lock:
            points = sorted(self._lowest.get(node, {}).items())
        if len(points) < LEAST_DAYS:
            return None
        middle_d = sum(day for day, _ in points) / len(points)
        middle_mv = sum(mv for _, mv in points) / len(points)
        spread = sum((day - middle_d) ** 2 for day, _ in points)
        slope = sum((day - middle_d) * (mv - middle_mv) for day, mv in points) / spread
        now_mv = middle_mv + slope * (points[-1][0] - middle_d)
        if slope >= 0:
            return LONGEST_D
        return round(min(LONGEST_D, max(0.0, (now_mv - EMPTY_MV) / -slope)), 1)

    def load(self) -> None:
        """Read what was saved; a file that is missing or damaged costs the weeks it held."""
        if self._path is None:
            return
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            plain = json.loads(self._path.read_text("ascii"))
            found = {
                int(node): {int(day): int(mv) for day, mv in days.items()}
                for node, days in plain.items()
            }
            with self._lock:
                self._lowest = found

    def save(self) -> None:
        """Write what is new, whole or not at all; a full disk is told by the journal."""
        with self._lock:
            if self._saved or self._path is None:
                return
            text, self._saved = json.dumps(self._lowest), True
        new = self._path.with_suffix(".new")
        with contextlib.suppress(OSError):
            new.write_text(text, "ascii")
            new.replace(self._path)
