"""Learn how a network's pressures follow its flows, from the course of each day alone.

Day means are taken off first, so a leak, which lifts or lowers a whole day, teaches nothing: only
how steeply pressure falls when flow rises within a day. Old days fade. numpy only, small state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.timeline import Floats

DAY_H = 24
MIN_HOURS = 18  # of a day, for it to teach anything
MIN_LEARNT = 48  # hours of every sensor before there is an answer
HEAD_LOSS = 1.852  # Hazen and Williams: head lost grows with flow to this power
RIDGE = 1e-3


class Drivers:
    """What drives pressures, in units near one: inlet flows, inner flows, tank levels."""

    def __init__(self, inlets: int, inner: int, levels: int) -> None:
        self.inlets, self.inner, self.levels = inlets, inner, levels
        self.width = 2 * inlets + 1 + inner + levels
        self._scale = 0.0

    def row(self, inflow_l_h: Floats, inner_l_h: Floats, level_mm: Floats) -> Floats:
        """Return one hour's row; the first known inflow sets the scale for good."""
        total = float(inflow_l_h.sum())
        if not self._scale > 0.0 and total > 0.0:
            self._scale = total / self.inlets
        scale = self._scale if self._scale > 0.0 else np.nan
        flow = np.maximum(inflow_l_h, 0.0) / scale
        return np.concatenate(
            (
                inflow_l_h / scale,
                flow**HEAD_LOSS,
                [(total / (self.inlets * scale)) ** 2],
                inner_l_h / scale,
                level_mm / 1000.0,
            )
        )


class Slopes:
    """Slopes (drivers, sensors) by least squares on days of hours, and what they leave (m)."""

    def __init__(self, drivers: int, sensors: int, forget: float) -> None:
        self._forget = forget
        self._xx = np.zeros((sensors, drivers, drivers))
        self._xy = np.zeros((sensors, drivers))
        self._yy = np.zeros(sensors)
        self._count = np.zeros(sensors)

    def learn(self, drivers: Floats, pressure: Floats) -> None:
        """Add one day: ``drivers`` (24, d), ``pressure`` (24, s); gaps are NaN."""
        row_known = np.asarray(np.isfinite(drivers).all(axis=1))
        known = np.isfinite(pressure) & row_known[:, None]
        for sensor in np.flatnonzero(known.sum(axis=0) >= MIN_HOURS):
            self._add(int(sensor), drivers[known[:, sensor]], pressure[known[:, sensor], sensor])

    def _add(self, sensor: int, drivers: Floats, pressure: Floats) -> None:
        x, y = drivers - drivers.mean(axis=0), pressure - pressure.mean()
        self._xx[sensor] = self._forget * self._xx[sensor] + x.T @ x
        self._xy[sensor] = self._forget * self._xy[sensor] + x.T @ y
        self._yy[sensor] = self._forget * self._yy[sensor] + y @ y
        self._count[sensor] = self._forget * self._count[sensor] + len(y) - 1

    def solve(self) -> tuple[Floats, Floats] | None:
        """Return slopes (d, s) and the hourly spread of what is left (s,), or None so far.

        A sensor that has not taught enough has an infinite spread: it says nothing.
        """
        enough = self._count >= MIN_LEARNT
        if not enough.any():
            return None
        ridge = RIDGE * np.eye(self._xx.shape[1])
        slopes = np.linalg.solve(self._xx + ridge, self._xy[:, :, None])[:, :, 0]
        left = self._yy - 2.0 * (slopes * self._xy).sum(axis=1)
        left += np.einsum("sd,sde,se->s", slopes, self._xx, slopes)
        spread = np.sqrt(np.maximum(left, 0.0) / np.maximum(self._count, 1.0))
        said = np.where(enough, spread, np.inf)
        return np.asarray(slopes.T, np.float64), np.asarray(said, np.float64)


def mean_of(values: Floats) -> Floats:
    """Return the means over axis 0 of the known values; NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def shift(values: NDArray[np.float64], newest: Floats) -> None:
    """Push a row onto a buffer whose newest row is the last; the oldest falls out."""
    values[:-1] = values[1:]
    values[-1] = newest
