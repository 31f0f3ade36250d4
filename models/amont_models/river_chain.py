"""Run what ships over a river's record: the gateway's features, its signed network, its rule.

Causal by construction: a step sees the readings up to itself and constants of the training part.
Steps are the station's own good readings, as the gateway forecasts at each new one. Many steps go
through the network at once; a test holds that this gives what ``Scoring`` gives one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amont_gateway import features
from amont_gateway.features import NO_SERIES, Series, good_series
from amont_gateway.scoring import Model, read_manifest
from amont_models.records.table import GOOD, Channel, Record, Site
from amont_models.river_truth import Constants, Flags, Floats, Times, stage_of

BATCH = 20_000


@dataclass(frozen=True)
class Sight:
    """What a station's rules may see: whole mm of stage and whole µm of rain, good ones only."""

    stage: Series
    rain: Series

    @property
    def t_ms(self) -> Times:
        """Return the steps: the times of the readings."""
        return self.stage.t_ms


@dataclass(frozen=True)
class Decisions:
    """What a rule said at each step: rises in mm (n, horizons, quantiles), and its warnings."""

    rises_mm: Floats
    warn: Flags


def sight(record: Record, site: Site, stage: Channel) -> Sight:
    """Return what the rules may see of a site: ``stage`` as told, and its first rain gauge."""
    seen = _series(stage, 1.0)
    gauge = record.find(site.rain[0], "rain") if site.rain else None
    return Sight(seen, NO_SERIES if gauge is None else _series(gauge, 1000.0))


def _series(one: Channel, scale: float) -> Series:
    known = one.known()
    whole = np.round(known.value * scale).astype(np.int64)
    return good_series(known.t_ms, whole, known.quality)


def rows(seen: Sight, part: slice, spread_mm: float) -> Floats:
    """Return the features of some steps, as the gateway computes them."""
    return features.river_rows(seen.stage, seen.rain, seen.t_ms[part], spread_mm)


class Chain:
    """The signed river network with the gateway's rule for advice."""

    def __init__(self, artifacts: Path) -> None:
        """Load and check the model as the gateway does; ModelError if anything is off."""
        entry = read_manifest(artifacts)["models"]["river"]
        self.model = Model(artifacts, entry)
        self.sha256 = str(entry["sha256"])

    def decide(self, seen: Sight, station: Constants) -> dict[str, Decisions]:
        """Return what the gateway would have advised at every step: ``watch`` and ``warning``."""
        spread = station.spread_mm
        parts = [
            features.river_bands(self.model(rows(seen, part, spread)), spread)
            for part in batches(len(seen.t_ms))
        ]
        rises = np.concatenate([np.empty((0, *_SHAPE)), *parts])
        # Whole millimetres, as the gateway's forecast holds them.
        levels = np.round(rises + seen.stage.value[:, None, None]).max(axis=1)
        return {
            "watch": Decisions(rises, np.asarray(levels[:, 2] >= station.mark_mm)),
            "warning": Decisions(rises, np.asarray(levels[:, 1] >= station.mark_mm)),
        }


_SHAPE = (len(features.HORIZONS_H), len(features.QUANTILES))


def batches(count: int) -> list[slice]:
    """Return slices that cover ``count`` steps."""
    return [slice(first, first + BATCH) for first in range(0, count, BATCH)]


def stage_channel(record: Record, site: Site) -> Channel | None:
    """Return a site's stage: measured, or of its discharge; None if it has neither."""
    found = record.find(site.name, "stage", "discharge")
    return None if found is None else stage_of(found)


def is_rated(record: Record, site: Site) -> bool:
    """Say whether the site's stage is made of a discharge."""
    found = record.find(site.name, "stage", "discharge")
    return found is not None and found.quantity == "discharge"


def good_stage(stage: Channel) -> Channel:
    """Return the readings that the record itself calls good."""
    keep = stage.quality == GOOD
    parts = (stage.t_ms[keep], stage.value[keep], stage.quality[keep])
    return Channel(stage.name, "stage", *parts)
