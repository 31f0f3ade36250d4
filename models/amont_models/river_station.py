"""Make a record's site ready to be judged or learnt from: what is true, seen, known beforehand."""

from __future__ import annotations

from dataclasses import dataclass

from amont_models.records.table import Channel, DataError, Record, Site
from amont_models.river_chain import Sight, sight
from amont_models.river_truth import Constants, Split, Water, cleaned, constants, split, stage_of


@dataclass(frozen=True)
class Station:
    """A station ready to be judged: what is true, what is seen, what is known beforehand."""

    site: Site
    split: Split
    constants: Constants
    stage: Channel
    water: Water
    clean: Sight
    rated: bool


def prepare(record: Record, site: Site) -> Station:
    """Return a site ready to be judged; DataError says why it cannot be."""
    stage = stage_channel(record, site)
    if stage is None:
        raise DataError(f"{site.name}: neither stage nor discharge")
    ends = split(site, stage)
    known = constants(site, stage, ends)
    water = Water(cleaned(stage) if record.raw else stage, known.mark_mm)
    seen = sight(record, site, stage, ends)
    if not (seen.t_ms >= known.train_until_ms).any():
        raise DataError(f"{site.name}: no reading after its training part")
    return Station(site, ends, known, stage, water, seen, is_rated(record, site))


def stage_channel(record: Record, site: Site) -> Channel | None:
    """Return a site's stage: measured, or of its discharge; None if it has neither."""
    found = record.find(site.name, "stage", "discharge")
    return None if found is None else stage_of(found)


def is_rated(record: Record, site: Site) -> bool:
    """Say whether the site's stage is made of a discharge."""
    found = record.find(site.name, "stage", "discharge")
    return found is not None and found.quantity == "discharge"
