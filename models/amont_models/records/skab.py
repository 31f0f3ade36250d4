"""SKAB: a real water loop (pump, pipe, tank) at 1 Hz with labelled faults, one site a file.

Only flow and pressure are read: what a network's sensors say. The data are GPL-3.0 and stay where
they are. Its clock says no zone and is read as UTC.
"""

from __future__ import annotations

import numpy as np

from amont_models.records.folder import columns, data_file, data_folder, numbers, utc_ms
from amont_models.records.table import Channel, DataError, Floats, Label, Record, Source, Times
from amont_models.records.table import channel as make_channel

RECORD = "pipe_skab_testbed"
NORMAL = "anomaly-free_anomaly-free"
KPA_PER_BAR, L_H_PER_L_MIN = 100.0, 60.0
SOURCE = Source(
    title="SKAB: a real water loop with labelled faults",
    origin="github.com/waico/SKAB",
    licence="GPL-3.0",
    citation="Katser and Kozitsin 2020",
)


def load() -> Record:
    """Return flow (l/h) and pressure (kPa) of every experiment, its faults as labels."""
    ending = ".csv.gz"
    names = sorted(
        path.name.removesuffix(ending) for path in (data_folder() / RECORD).glob(f"*{ending}")
    )
    if not names:
        raise DataError(f"record {RECORD} holds no experiment")
    channels: list[Channel] = []
    labels: list[Label] = []
    for name in names:
        wanted = ["datetime", "Pressure", "Volume Flow RateRMS"]
        wanted += [] if name == NORMAL else ["anomaly"]
        table = columns(data_file(RECORD, name + ending), wanted, delimiter=";")
        t_ms, first = np.unique(utc_ms(table["datetime"]), return_index=True)
        pressure = numbers(table["Pressure"], KPA_PER_BAR)[first]
        flow = numbers(table["Volume Flow RateRMS"], L_H_PER_L_MIN)[first]
        channels.append(make_channel(name, "pressure", t_ms, pressure))
        channels.append(make_channel(name, "inflow", t_ms, flow))
        if name != NORMAL:
            labels += _faults(name, t_ms, numbers(table["anomaly"])[first])
    return Record(RECORD, "sensor", SOURCE, tuple(channels), labels=tuple(labels), raw=True)


def _faults(name: str, t_ms: Times, anomaly: Floats) -> list[Label]:
    """Return the spans in which a file's readings are marked as abnormal."""
    edges = np.diff(np.concatenate(([0.0], anomaly > 0.5, [0.0])))
    starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0) - 1
    kind = name.partition("_")[0]
    return [
        Label(name, kind, int(t_ms[start]), int(t_ms[end]))
        for start, end in zip(starts, ends, strict=True)
    ]
