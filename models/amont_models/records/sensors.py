"""Load what sensors said before anybody corrected it: two stream gauges and a city's streets.

Here a record's own quality is what technicians said of a reading afterwards, not what the
gateway could know: the screening is judged by it and never sees it.
"""

from __future__ import annotations

import json

import numpy as np

from amont_models.records.folder import columns, data_file, data_folder, numbers, utc_ms
from amont_models.records.table import (
    FAULT,
    GOOD,
    SUSPECT,
    Channel,
    DataError,
    Floats,
    Label,
    Record,
    Source,
    Times,
    channel,
)

LOGAN, TROUT, FLOODNET = "sensor_qc_logan", "sensor_trout_creek_logger", "street_floodnet_nyc"
LOGAN_UTC_H = -7.0  # Mountain Standard Time, all year
ICE = "5"  # in long winter runs
MM_PER_CM, MM_PER_INCH = 10.0, 25.4
ABSURD_ONSET_MIN = 1440.0  # a street that fills for longer than a day: a sensor left running
FLOOD, ABSURD = "flood", "absurd"


def logan() -> Record:
    """Return raw stage and water temperature of the Logan River, 15 min, one name a site-period.

    Quality: fault where a technician flagged the reading, suspect where the flag means ice.
    """
    paths = sorted((data_folder() / LOGAN).glob("*.csv.gz"))
    if not paths:
        raise DataError(f"record {LOGAN} holds no site-period")
    channels: list[Channel] = []
    for path in paths:
        name = path.name.removesuffix(".csv.gz")
        names = ("time_mst", "stage_raw_cm", "stage_flag", "temp_raw_c", "temp_flag")
        table = columns(path, names)
        t_ms = utc_ms(table["time_mst"], LOGAN_UTC_H)
        stage = numbers(table["stage_raw_cm"], MM_PER_CM)
        channels.append(channel(name, "stage", t_ms, stage, _flags(table["stage_flag"])))
        degrees = numbers(table["temp_raw_c"])
        channels.append(channel(name, "temperature", t_ms, degrees, _flags(table["temp_flag"])))
    source = Source(
        "Logan River Observatory (Utah), raw, 15 min",
        "github.com/AmberSJones/pyhydroqc",
        "repository BSD-3-Clause",
        "Jones et al. 2022; Logan River Observatory, Utah State University",
    )
    return Record(LOGAN, "sensor", source, tuple(channels), raw=True)


def _flags(texts: list[str]) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    codes = [GOOD if not text else SUSPECT if text == ICE else FAULT for text in texts]
    return np.array(codes, np.int8)


def trout_creek() -> Record:
    """Return Trout Creek's distance down to the water, 5 min; no labels."""
    channels = []
    for path in sorted((data_folder() / TROUT).glob("Log*.txt.gz")):
        table = columns(path, ("Time [UTC]", "Range [cm]"), skip=1)
        t_ms = utc_ms(table["Time [UTC]"], form="%Y/%m/%d %H:%M:%S")
        name = path.name.removesuffix(".txt.gz")
        channels.append(channel(name, "distance", t_ms, numbers(table["Range [cm]"], MM_PER_CM)))
    if not channels:
        raise DataError(f"record {TROUT} holds no log")
    source = Source(
        "Trout Creek (Minnesota), a low-cost gauge under a bridge, 5 min",
        "github.com/MNiMORPH/Trout-Creek-stream-gauge",
        "CC BY 4.0",
        "A. Wickert, University of Minnesota",
    )
    return Record(TROUT, "sensor", source, tuple(channels), raw=True)


def floodnet() -> Record:
    """Return the street floods of New York: depths while an event lasts, one name a sensor."""
    names = ("sensor_id", "flood_start_time", "onset_time_mins")
    shape = ("flood_profile_depth_inches", "flood_profile_time_secs")
    table = columns(data_file(FLOODNET, "flood_events.csv.gz"), (*names, *shape))
    starts = utc_ms(table["flood_start_time"])  # the zone is not stated
    onset = numbers(table["onset_time_mins"])
    profiles: dict[str, list[tuple[int, Times, Floats, str]]] = {}
    rows = zip(
        table["sensor_id"], starts.tolist(), onset, table[shape[1]], table[shape[0]], strict=True
    )
    for sensor, start_ms, minutes, seconds, inches in rows:
        t_ms = start_ms + np.round(1000.0 * np.array(json.loads(seconds))).astype(np.int64)
        depth = MM_PER_INCH * np.array(json.loads(inches), dtype=np.float64)
        kind = ABSURD if minutes > ABSURD_ONSET_MIN else FLOOD
        if len(t_ms):
            profiles.setdefault(sensor, []).append((start_ms, t_ms, depth, kind))
    channels, labels = [], []
    for sensor, events in sorted(profiles.items()):
        events.sort(key=lambda event: event[0])
        t_ms = np.concatenate([event[1] for event in events])
        depth = np.concatenate([event[2] for event in events])
        rises = np.diff(np.maximum.accumulate(t_ms), prepend=t_ms[0] - 1) > 0
        channels.append(channel(sensor, "depth", t_ms[rises], depth[rises]))
        labels += [
            Label(sensor, kind, int(when[0]), int(when[-1]), size=float(depths.max()))
            for _, when, depths, kind in events
        ]
    source = Source(
        "FloodNet New York City, street floods",
        "github.com/mebauer/floodnet-nyc-tutorial; NYC Open Data aq7i-eu5q, kb2e-tjy3",
        "NYC Open Data",
        "FloodNet NYC",
    )
    return Record(FLOODNET, "street", source, tuple(channels), (), tuple(labels), raw=True)
