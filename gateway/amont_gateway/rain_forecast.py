"""Read the rain that is forecast, if something on this machine drops a file of it.

Nobody signs it, so it reaches the river model's optional input alone: no vote, no level, no siren.
What is stale, malformed or implausible is as if it were not there; it is counted, and told once.
"""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.scoring.timeline import NO_SERIES, Series

# in a folder of its own, so that who may write it may write nothing else of the gateway's
FILE = "incoming/rain_forecast.json"
MAX_BYTES = 65_536
MAX_STEPS = 400
MAX_MM = 200.0  # of one step
MAX_REACH = timedelta(days=10)
AHEAD = timedelta(hours=1)  # another machine's clock

Utc = Annotated[datetime, Meta(tz=True)]


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rain until a time, from the end of the step before or from ``issued_utc``."""

    until_utc: Utc
    mm: Annotated[float, Meta(ge=0.0, le=MAX_MM)]


class Forecast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds."""

    issued_utc: Utc
    valid_until: Utc
    steps: Annotated[list[Step], Meta(min_length=1, max_length=MAX_STEPS)]


class RainForecast:
    """The file in the gateway's folder, read again when it has changed."""

    def __init__(self, folder: Path, max_age_h: int, counters: Counters, events: Events) -> None:
        self._path = folder / FILE
        self._max_age = timedelta(hours=max_age_h)
        self._counters, self._events = counters, events
        self._mark: tuple[int, int, int] | None = None  # of the file that was read last
        self._forecast: Forecast | None = None
        self._said = ""

    def series(self, now_ms: int) -> Series:
        """Return the rain in µm at the end of each step; empty if there is no usable file."""
        try:
            self._look()
            found = self._forecast
            if found is not None:
                self._check(found, datetime.fromtimestamp(now_ms / 1000, UTC))
        except (OSError, ValueError) as error:  # msgspec's are ValueErrors
            self._refuse(str(error))
            return NO_SERIES
        self._said = ""
        if found is None:
            return NO_SERIES
        ends = [round(step.until_utc.timestamp() * 1000) for step in found.steps]
        return Series(
            np.array(ends, np.int64), np.array([1000.0 * step.mm for step in found.steps])
        )

    def _look(self) -> None:
        """Read the file if it is another one; a file that is not there is no fault."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except FileNotFoundError:
            self._mark = self._forecast = None
            return
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            mark = (status.st_ino, status.st_mtime_ns, status.st_size)
            if mark == self._mark and self._forecast is not None:
                return
            self._mark, self._forecast = mark, None
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                raise ValueError(f"no file of at most {MAX_BYTES} bytes")
            self._forecast = msgspec.json.decode(file.read(MAX_BYTES + 1), type=Forecast)

    def _check(self, forecast: Forecast, now: datetime) -> None:
        """Raise ValueError for what is stale or cannot be."""
        ends = [forecast.issued_utc, *(step.until_utc for step in forecast.steps)]
        if any(later <= earlier for earlier, later in pairwise(ends)):
            raise ValueError("its steps do not follow each other from issued_utc on")
        if ends[-1] - ends[0] > MAX_REACH:
            raise ValueError(f"it reaches over more than {MAX_REACH.days} days")
        if forecast.issued_utc > now + AHEAD:
            raise ValueError("it was issued in the future")
        if now - forecast.issued_utc > self._max_age or now >= forecast.valid_until:
            raise ValueError(f"it is of {forecast.issued_utc:%Y-%m-%d %H:%M} UTC, too old")

    def _refuse(self, why: str) -> None:
        if why != self._said:
            self._counters.add("rain_forecasts_refused")
            self._events.note("rain_forecast", why[:200], key=why[:200])
        self._said = why
