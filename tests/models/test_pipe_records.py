"""Loaders of the pipe records, on small folders of their form: units, times, gaps, labels."""

import gzip

import numpy as np
import pytest

from amont_models.records import DataError, dma_inflow, ltown, skab

HOUR_MS = 3_600_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))

    def write(record, name, text):
        path = tmp_path / record / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())

    return write


def test_areas_are_hourly_in_utc_through_the_change_of_the_clocks(folder):
    # On 31 October 2021 the hour from two to three comes twice.
    stamps = ["2021-10-31T00:00:00", "2021-10-31T01:00:00", "2021-10-31T02:00:00"]
    stamps += ["2021-10-31T02:00:00", "2021-10-31T03:00:00"]
    lines = ["time_local,inflow_ls_dma1", *(f"{at},{k or ''}" for k, at in enumerate(stamps))]
    folder(dma_inflow.RECORD, "inflow_with_injected_leaks.csv.gz", "\n".join(lines) + "\n")
    label = "1,2021-10-31T01:00:00,2021-10-31T02:00:00,2021-10-31T03:00:00,incipient,0.5,9,9\n"
    other = label.replace("1,", "3,", 1)
    head = "dma,start,peak,end,type,leak_ls,pct_of_mean_inflow,pct_of_mean_night_flow\n"
    folder(dma_inflow.RECORD, "leak_labels.csv", head + label + other)
    record = dma_inflow.load(areas=(1,))
    (inflow,) = record.of("inflow")
    assert np.diff(inflow.t_ms).tolist() == [HOUR_MS] * 4
    assert np.isnan(inflow.value[0])
    assert inflow.value[1:].tolist() == [3600.0, 7200.0, 10800.0, 14400.0]
    (leak,) = record.labels
    assert (leak.site, leak.kind, leak.size) == ("dma1", "incipient", 1800.0)
    assert (leak.end_ms - leak.start_ms) / HOUR_MS == 3.0
    assert (record.time_zone, record.holidays) == ("Europe/Rome", "IT")
    assert record.source.title.startswith("Seven ")  # as many as there are to read
    assert len(dma_inflow.AREAS) == 7


def test_areas_with_a_missing_row_or_that_are_not_ours_are_refused(folder):
    text = "time_local,inflow_ls_dma1\n2021-01-01T00:00:00,1\n2021-01-01T02:00:00,1\n"
    folder(dma_inflow.RECORD, "inflow_real.csv.gz", text)
    with pytest.raises(DataError, match="hourly"):
        dma_inflow.load(injected=False, areas=(1,))
    with pytest.raises(DataError, match="ours"):
        dma_inflow.load(areas=(1, 2))


def test_a_town_has_pressures_inlets_and_what_is_inside(folder):
    head = (
        "time,pressure_m_n1,pressure_m_n2,flow_m3h_PUMP_1,flow_m3h_p227,flow_m3h_p235,level_m_T1"
    )
    rows = "2018-01-01T00:00:00,10,20,44,80,90,3.5\n2018-01-01T00:05:00,,20,44,80,90,3.5\n"
    folder(ltown.RECORD, "scada_2018.csv.gz", f"{head}\n{rows}")
    leak = "p1,n9,2018-01-01 00:00:00,2018-01-09 00:00:00,0.01,abrupt,2018-01-01 00:00:00,6.9\n"
    head = "pipe,leak_node,start,end,diameter_m,type,peak,max_leak_m3h\n"
    folder(ltown.RECORD, "leaks_2018.csv", head + leak)
    folder(ltown.RECORD, "L-TOWN.inp.gz", "[PIPES]\n a n9 n2 10 100 100\n b n2 n1 10 100 100\n")
    record = ltown.load()
    assert [one.name for one in record.of("inflow")] == ["p227", "p235"]
    assert [one.name for one in record.of("flow")] == ["PUMP_1"]
    assert record.of("level")[0].value[0] == 3500.0
    first = record.of("pressure")[0]
    assert first.value[0] == pytest.approx(98.0665)
    assert np.isnan(first.value[1])
    (label,) = record.labels
    assert (label.where, label.size) == ("n9 n2 n1", 6900.0)


def test_a_loop_has_a_site_a_file_and_its_faults(folder):
    head = "datetime;Pressure;Volume Flow RateRMS"
    folder(skab.RECORD, f"{skab.NORMAL}.csv.gz", f"{head}\n2020-02-08 13:30:47;0.4;120\n")
    rows = [f"2020-03-01 15:44:0{k};0.1;60;{float(k in (1, 2, 4))}" for k in range(6)]
    folder(skab.RECORD, "valve1_0.csv.gz", "\n".join([head + ";anomaly", *rows]) + "\n")
    record = skab.load()
    assert record.find("valve1_0", "inflow").value[0] == 3600.0
    assert record.find("valve1_0", "pressure").value[0] == pytest.approx(10.0)
    assert [(one.kind, one.end_ms - one.start_ms) for one in record.labels] == [
        ("valve1", 1000), ("valve1", 0),
    ]  # fmt: skip


def test_a_folder_without_experiments_is_refused(folder):
    with pytest.raises(DataError, match="no experiment"):
        skab.load()
