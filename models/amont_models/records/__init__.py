"""Records: what others measured, as one form of table."""

from __future__ import annotations

from amont_models.records.folder import data_file, data_folder
from amont_models.records.table import (
    FAULT,
    GOOD,
    KINDS,
    MISSING,
    OUT_OF_RANGE,
    SUSPECT,
    UNITS,
    Channel,
    DataError,
    Label,
    Record,
    Site,
    Source,
    channel,
)

__all__ = [
    "FAULT",
    "GOOD",
    "KINDS",
    "MISSING",
    "OUT_OF_RANGE",
    "SUSPECT",
    "UNITS",
    "Channel",
    "DataError",
    "Label",
    "Record",
    "Site",
    "Source",
    "channel",
    "data_file",
    "data_folder",
]
