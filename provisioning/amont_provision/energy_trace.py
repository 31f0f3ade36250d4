"""Read a recorded current and sum it up by state, beside what the model says of each."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from amont_provision.energy import ASLEEP, AWAKE, DAY_S, SENDING, STATES, Budget
from amont_provision.texts import Refused

COLUMNS = ("time_s", "current_ma")
NOISE_MA = 1.0  # below zero by more, the instrument is connected the wrong way round


@dataclass(frozen=True)
class Compared:
    """One state: seconds a day, mean mA and mAh a day, measured and modelled."""

    state: str
    measured_s: float
    measured_ma: float
    measured_mah: float
    modelled_s: float
    modelled_mah: float

    @property
    def ratio(self) -> float | None:
        """Return measured over modelled charge; None where the model has none."""
        return self.measured_mah / self.modelled_mah if self.modelled_mah else None


def compare(path: Path, budget: Budget, least_s: float) -> list[Compared]:
    """Return the recorded day, scaled from however long it is, state by state.

    Raise Refused if the file is no trace, or shorter than ``least_s``: a trace that lacks whole
    intervals says nothing of a day.
    """
    limits = _limits(budget)
    seconds, charge = dict.fromkeys(STATES, 0.0), dict.fromkeys(STATES, 0.0)
    for length_s, current_ma in _steps(path):
        state = ASLEEP if current_ma < limits[0] else AWAKE if current_ma < limits[1] else SENDING
        seconds[state] += length_s
        charge[state] += length_s * current_ma
    whole_s = sum(seconds.values())
    if whole_s < least_s:
        raise Refused("energy-trace-short", path=path, found=round(whole_s), least=round(least_s))
    scale = DAY_S / whole_s
    return [
        Compared(
            state,
            seconds[state] * scale,
            charge[state] / seconds[state] if seconds[state] else 0.0,
            charge[state] * scale / 3600,
            *budget.state(state),
        )
        for state in STATES
    ]


def _limits(budget: Budget) -> tuple[float, float]:
    """Return the currents that part asleep from awake, and awake from sending: in equal ratio."""
    of = {state: [s.current_ma for s in budget.segments if s.state == state] for state in STATES}
    awake = of[AWAKE]
    return (
        math.sqrt(max(of[ASLEEP]) * min(awake)),
        math.sqrt(max(awake) * min(of[SENDING], default=4 * max(awake))),
    )


def _steps(path: Path) -> Iterator[tuple[float, float]]:
    """Yield how long each current lasted: until the next line."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            before: tuple[float, float] | None = None
            for number, time_s, current_ma in _rows(path, file):
                if before is not None:
                    if time_s <= before[0]:
                        raise Refused("energy-trace-time", path=path, line=number)
                    yield time_s - before[0], before[1]
                before = time_s, current_ma
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refused("energy-trace-read", path=path, why=error) from None


def _rows(path: Path, file: Iterable[str]) -> Iterator[tuple[int, float, float]]:
    reader = csv.DictReader(file)
    if not set(COLUMNS) <= set(reader.fieldnames or ()):
        raise Refused("energy-trace-head", path=path, columns=",".join(COLUMNS))
    for row in reader:
        number = reader.line_num
        try:
            time_s, current_ma = (float(row[name]) for name in COLUMNS)
        except (TypeError, ValueError):
            raise Refused("energy-trace-line", path=path, line=number) from None
        if not (math.isfinite(time_s) and math.isfinite(current_ma)):
            raise Refused("energy-trace-line", path=path, line=number)
        if current_ma < -NOISE_MA:
            raise Refused("energy-trace-negative", path=path, line=number)
        yield number, time_s, max(0.0, current_ma)
