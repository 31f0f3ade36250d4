"""Windows and a site for tests of the models: recorded readings as the gateway would hold them."""

from types import SimpleNamespace

import numpy as np

from amont_models import data
from amont_models.recipe import DEMO_RIVER, DEMO_ZONE, HOUR_MS

DAY_MS = 24 * HOUR_MS


class Windows:
    """Readings by sensor; ``put`` takes any sequences."""

    def __init__(self):
        self.sensors = {}

    def put(self, sensor, t_ms, value, quality=None):
        t_ms = np.array(t_ms, np.int64)
        quality = np.zeros(len(t_ms), np.uint8) if quality is None else quality
        self.sensors[sensor] = (t_ms, np.array(value, np.int64), np.array(quality, np.uint8))

    def series(self, sensor, since_ms=0):
        none = np.array([], np.int64)
        t_ms, value, quality = self.sensors.get(sensor, (none, none, none.astype(np.uint8)))
        keep = t_ms >= since_ms
        return t_ms[keep], value[keep], quality[keep]


def site():
    """Return the demonstration's places, as far as models read them."""
    station = SimpleNamespace(
        id="pont-neuf", sensors=["stage-a", "stage-b"],
        watch_mm=1500, warning_mm=2000, alarm_mm=2500, alarm_plus_mm=4000,
        upstream=[], rain=None,
    )  # fmt: skip
    return SimpleNamespace(
        stations=[station],
        rain_gauges=[SimpleNamespace(id="col", sensor="rain")],
        zones=[SimpleNamespace(id="bourg", inflow=["meter"], holidays="IT")],
        networks=[],
        rain_forecast=None,
        time_zone="Europe/Rome",
    )


def river_windows(until_ms, rain=True, record=None):
    """Return the demonstration's river up to a time."""
    record = record or data.river(DEMO_RIVER.record)
    part = record.between(DEMO_RIVER.start_ms, until_ms + 1)
    windows = Windows()
    windows.put("stage-a", part.t_ms, part.stage_mm)
    if rain:
        windows.put("rain", part.t_ms, np.round(1000 * part.rain_mm))
    return windows


def zone_hours(days, leak_l_h=0.0, growing=False, after_days=28, seed=1):
    """Return (t_ms, l/h) of a made zone: 10 m3/h by day, 4 by night, 2 % of noise."""
    rng = np.random.default_rng(seed)
    start = DEMO_ZONE.start_ms
    t_ms = start + HOUR_MS * np.arange(1, 24 * days + 1)
    hour = (np.arange(24 * days)) % 24
    usual = np.where((hour >= 1) & (hour < 5), 4000.0, 7000.0 + 3000.0 * np.sin(hour / 4.0) ** 2)
    flow = usual * (1.0 + 0.02 * rng.standard_normal(len(t_ms)))
    since = (t_ms - start) / DAY_MS - after_days
    shape = np.clip(since / 30.0, 0.0, 1.0) if growing else 1.0
    return t_ms, flow + np.where(since > 0.5, leak_l_h * shape, 0.0)
