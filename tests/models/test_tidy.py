"""The tidy form: what is read is what was written, and what is not the form is named exactly."""

import gzip
import json

import numpy as np
import pytest
from tests.models import made_river

from amont_models import tidy, tidy_write
from amont_models.records.table import (
    FAULT,
    DataError,
    Label,
    Record,
    Site,
    channel,
)

GOOD = "station,time_utc,stage_mm\na,2026-01-01T00:00:00Z,100\na,2026-01-01T01:00:00Z,101\n"


def folder(tmp_path, **files):
    for name, content in files.items():
        (tmp_path / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return tmp_path


def same(one, other):
    assert (one.name, one.quantity) == (other.name, other.quantity)
    assert np.array_equal(one.t_ms, other.t_ms)
    assert np.array_equal(one.value, other.value, equal_nan=True)
    assert np.array_equal(one.quality, other.quality)


def test_a_river_comes_back_as_it_was_written(tmp_path):
    made = made_river.record(stations=2, days=3)
    odd = channel("a/b é", "discharge", made.channels[0].t_ms + 1, made.channels[0].value / 7.0)
    bad = np.where(np.arange(len(odd.t_ms)) % 5, 0, FAULT)
    odd = channel(odd.name, "discharge", odd.t_ms, odd.value, bad)
    twin = channel("a b é", "discharge", odd.t_ms, odd.value)  # the same file name but for one
    sites = (
        *made.sites,
        Site("a/b é", ("bridge",), ("bridge", "bridge1"), int(odd.t_ms[5]), 1000.0),
    )
    labels = (Label("bridge", "ice", 1000, 2500, 1500, None, "at the weir"),)
    made = Record(
        "out", "river", made.source, (*made.channels, odd, twin), sites, labels, True,
        "Europe/Paris", "FR",
    )  # fmt: skip
    paths = tidy_write.write(made, tmp_path / "out")
    assert len(set(paths)) == 3 + len(made.channels)
    back = tidy.read(tmp_path / "out")
    assert (back.kind, back.source, back.sites, back.labels) == (
        "river", made.source, sites, labels,
    )  # fmt: skip
    assert (back.raw, back.time_zone, back.holidays) == (True, "Europe/Paris", "FR")
    held = {(one.name, one.quantity): one for one in back.channels}
    assert len(held) == len(made.channels)
    for one in made.channels:
        same(one, held[one.name, one.quantity])


def test_a_network_comes_back_with_its_split(tmp_path):
    t_ms = made_river.START_MS + made_river.HOUR_MS * np.arange(3)
    channels = (
        channel("inlet", "inflow", t_ms, np.array([1.0, np.nan, 3.0])),
        channel("n1", "pressure", t_ms, np.array([410.0, 411.0, 412.0])),
    )
    sites = (Site("net", train_until_ms=int(t_ms[1])),)
    tidy_write.write(
        Record("net", "network", made_river.NOBODY, channels, sites), tmp_path / "net"
    )
    back = tidy.read(tmp_path / "net")
    assert (back.kind, back.sites) == ("network", sites)
    for one, other in zip(channels, sorted(back.channels, key=lambda c: c.name), strict=True):
        same(one, other)


@pytest.mark.parametrize(
    ("header", "cell", "quantity", "value"),
    [
        ("stage_cm", "12.5", "stage", 125.0),
        ("stage_m", "-0.062", "stage", -62.0),
        ("discharge_l_s", "1500", "discharge", 1.5),
        ("rain_um", "200", "rain", 0.2),
        ("inflow_l_s", "2", "inflow", 7200.0),
        ("inflow_m3h", "2", "inflow", 2000.0),
        ("pressure_bar", "4", "pressure", 400.0),
        ("pressure_m", "10", "pressure", 98.0665),
    ],
)
def test_units_become_ours(tmp_path, header, cell, quantity, value):
    folder(
        tmp_path,
        x__csv=f"time_utc,{header},stage_mm:other\n2026-01-01T00:00:00,{cell},1\n",
    )
    found = tidy.read(tmp_path).find("x", quantity)
    assert found is not None
    assert found.value[0] == pytest.approx(value, rel=1e-12)


def test_times_in_three_ways_are_the_same_moment(tmp_path):
    folder(
        tmp_path,
        a__csv="time_utc,stage_mm\n2026-01-01T00:00:00,1\n",
        b__csv="time,stage_mm\n2026-01-01T01:00:00+01:00,1\n",
        c__csv="time_ms,stage_mm\n1767225600000,1\n",
    )
    moments = {int(one.t_ms[0]) for one in tidy.read(tmp_path).channels}
    assert moments == {1_767_225_600_000}


def test_a_station_may_go_on_in_another_file_and_be_packed(tmp_path):
    folder(tmp_path, z__csv=GOOD)
    later = GOOD.replace("2026-01-01", "2026-01-02")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(later.encode()))
    assert len(tidy.read(tmp_path).channels[0].t_ms) == 4


def test_an_empty_cell_is_a_gap_and_an_empty_column_is_nobody(tmp_path):
    text = (
        "station,time_utc,stage_mm,rain_mm\na,2026-01-01T00:00:00Z,1,\na,2026-01-01T01:00:00Z,,\n"
    )
    record = tidy.read(folder(tmp_path, x__csv=text))
    assert [(one.quantity, one.quality.tolist()) for one in record.channels] == [("stage", [0, 4])]


def test_without_files_beside_them_places_say_what_they_are(tmp_path):
    wet = GOOD.replace("stage_mm", "stage_mm,rain_mm").replace("100", "100,0.2")
    record = tidy.read(folder(tmp_path, x__csv=wet.replace("101", "101,0")))
    assert (record.kind, record.sites) == ("river", (Site("a", rain=("a",)),))
    (tmp_path / "x.csv").write_text(GOOD.replace("stage_mm", "inflow_l_h"))
    assert tidy.read(tmp_path).kind == "zone"
    (tmp_path / "y.csv").write_text(GOOD.replace("stage_mm", "pressure_m"))
    assert tidy.read(tmp_path).kind == "network"
    (tmp_path / "x.csv").unlink()
    with pytest.raises(DataError, match="neither stage, discharge nor inflow"):
        tidy.read(tmp_path)


WRONG = [
    ("", r"x.csv, line 1: empty"),
    ("station,time_utc,stage_mm\n", r"x.csv: no reading"),
    ("station,time_utc,stage_feet\n", r"x.csv, line 1, column 'stage_feet': not a known quantity"),
    ("station,time_utc,stage\n", r"line 1, column 'stage': not a known"),
    ("station,time_utc,stage_mm,stage_mm\n", r"line 1: column 'stage_mm' is there more than once"),
    ("station,stage_mm\n", r"line 1: name exactly one of the columns time"),
    ("time,time_utc,stage_mm\n", r"line 1: name exactly one of the columns time"),
    ("station,zone,time_utc,stage_mm\n", r"line 1: name only one of"),
    ("station,time_utc\n", r"line 1: no column with values"),
    ("station,time_utc,stage_mm:a\n", r"column 'stage_mm:a': a name after ':'"),
    ("time_utc,stage_mm:\n", r"column 'stage_mm:': a name after ':'"),
    (GOOD + "a,2026-01-01T01:00:00Z,3\n", r"x.csv, line 4: column of times: .*: the same time"),
    (GOOD + "a,2026-01-01T00:30:00Z,3\n", r"line 4: column of times: .*earlier"),
    (GOOD + "a,2026-01-01T02:00:00Z,NaN\n", r"line 4: column stage_mm: 'NaN'; an empty cell"),
    (GOOD + "a,2026-01-01T02:00:00Z,1e300\n", r"line 4: column stage_mm: 1e300 is more than any"),
    (GOOD + "a,2026-01-01T02:00:00Z,1e999\n", r"line 4: column stage_mm: '1e999'"),
    (GOOD + "a,2026-01-01T02:00:00Z,1_0\n", r"line 4: column stage_mm: '1_0'"),
    (GOOD + "a,2026-01-01T02:00:00Z,high\n", r"line 4: column stage_mm: 'high' is no number"),
    (GOOD + "a,2026-01-01T02:00:00+01:00,1\n", r"line 4: column time_utc: .* is not UTC"),
    (GOOD + "a,yesterday,1\n", r"line 4: column time_utc: 'yesterday' is no time"),
    (GOOD + "a,1826-01-01,1\n", r"line 4: column time_utc: .*not between 1900 and 2100"),
    (GOOD + "a,2026-01-01T02:00:00Z\n", r"line 4: 2 cells, the header has 3"),
    (GOOD + ",2026-01-01T02:00:00Z,1\n", r"line 4: the column of names: empty"),
    (GOOD + 'a,2026-01-01T02:00:00Z,"1"x\n', r"line 4: .*expected"),
    ("station,time,stage_mm\na,2026-01-01T00:00:00,1\n", r"line 2: column time: .*says no zone"),
    ("station,time_ms,stage_mm\na,soon,1\n", r"line 2: column time_ms: 'soon' is no time"),
    ("time_utc,stage_mm,quality\n2026-01-01,1,9\n", r"line 2: column quality: '9'"),
    (GOOD.replace(",", ";"), r"x.csv, line 1: semicolons part the cells; the form has commas"),
    (GOOD.replace(",", "\t"), r"x.csv, line 1: tabs part the cells"),
    ("station,time_ms,stage_mm\na,1767225600,1\n", r"x.csv, column time_ms: .*seconds\?"),
    ("station,time_utc,stage_mm,stage_cm\n", r"line 1: columns 'stage_mm' and 'stage_cm' are the"),
    ("station,time_utc,stage_mm\na,2026-01-01,\n", r"no reading, every cell of a value is empty"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_is_named(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        tidy.read(folder(tmp_path, x__csv=text))


def test_the_same_reading_in_two_files_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"y.csv: a stage is in another file"):
        tidy.read(folder(tmp_path, x__csv=GOOD, y__csv=GOOD))


def test_folders_that_are_none_or_hold_nothing_or_too_much(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="not a folder"):
        tidy.read(tmp_path / "absent")
    with pytest.raises(DataError, match="no file with readings"):
        tidy.read(tmp_path)
    folder(tmp_path, x__csv=GOOD, y__csv=GOOD)
    for name, most, said in (
        ("MAX_FILES", 1, "2 files, more than 1"),
        ("MAX_BYTES", 10, "x.csv: larger than"),
        ("MAX_ROWS", 2, "x.csv: more than 2 lines"),
        ("MAX_LINE", 9, "x.csv, line 1"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(tidy, name, most)
            with pytest.raises(DataError, match=said):
                tidy.read(tmp_path)


def test_what_is_no_utf_8_beside_the_readings_is_named_with_its_line(tmp_path):
    folder(tmp_path, x__csv=GOOD)
    for name in ("stations.csv", "labels.csv", "record.json"):
        (tmp_path / name).write_bytes(b"station\nch\xe2teau\n")
        with pytest.raises(DataError, match=f"{name}, line 2: not UTF-8 text"):
            tidy.read(tmp_path)
        (tmp_path / name).unlink()


def test_names_of_files_end_as_people_write_them_and_folders_are_no_files(tmp_path):
    folder(tmp_path, Pont__CSV="time_utc,stage_mm\n2026-01-01,1\n")
    assert [one.name for one in tidy.read(tmp_path).channels] == ["Pont"]
    (tmp_path / "y.csv").mkdir()
    with pytest.raises(DataError, match=r"y.csv: is not a file"):
        tidy.read(tmp_path)


def test_an_empty_list_of_labels_says_that_nothing_happened(tmp_path):
    folder(tmp_path, x__csv=GOOD)
    assert not tidy.read(tmp_path).nothing_happened
    folder(tmp_path, labels__csv="site,kind,start_utc,end_utc\n")
    assert tidy.read(tmp_path).nothing_happened
    tidy_write.write(tidy.read(tmp_path), tmp_path / "again")
    assert tidy.read(tmp_path / "again").nothing_happened


@pytest.mark.parametrize("content", [b"\xff\xfe\x00nonsense", b"\x1f\x8b\x08\x00cut"])
def test_what_is_no_text_is_refused(tmp_path, content):
    (tmp_path / "x.csv.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"x.csv.gz: not gzip"):
        tidy.read(tmp_path)
    (tmp_path / "x.csv.gz").unlink()
    (tmp_path / "x.csv").write_bytes(GOOD.encode() + b"ch\xe2teau,2026-01-01T02:00:00Z,1\n")
    with pytest.raises(DataError, match=r"x.csv, line 4: not UTF-8 text; save it as UTF-8"):
        tidy.read(tmp_path)


ABOUT = [
    ("{", "record.json: not JSON"),
    ("[]", "must be an object with format 1"),
    ('{"format": 2}', "must be an object with format 1"),
    ('{"format": 1, "colour": "red"}', "'colour' is not known"),
    ('{"format": 1, "raw": "yes"}', "raw: 'yes' is of the wrong type"),
    ('{"format": 1, "kind": "lake"}', "kind: choose one of"),
    ('{"format": 1, "time_zone": "Mars/North"}', "time_zone: 'Mars/North' is not known"),
    ('{"format": 1, "holidays": "France"}', "holidays: two capital letters, not 'France'"),
    ('{"format": 1, "train_until_utc": "soon"}', "column train_until_utc: 'soon' cannot be read"),
    ('{"format": 1, "mark_above_median_mm": NaN}', "column mark_above_median_mm: 'nan' cannot"),
]


@pytest.mark.parametrize(("text", "said"), ABOUT)
def test_what_is_wrong_in_record_json_is_named(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        tidy.read(folder(tmp_path, x__csv=GOOD, record__json=text))


BESIDE = [
    ("stations.csv", "station,colour\na,red\n", r"stations.csv, line 1: column 'colour'"),
    ("stations.csv", "rain\na\n", r"stations.csv, line 1: column 'station' is missing"),
    ("stations.csv", "station,rain\na\n", r"stations.csv, line 2: 1 cells"),
    ("stations.csv", "station\nb\n", r"stations.csv, line 2, column station: 'b' has no"),
    ("stations.csv", "station,rain\na,b\n", r"line 2, column rain: 'b' has no such"),
    ("stations.csv", "station,upstream\na,a\n", r"line 2, column upstream: 'a' is the station"),
    ("stations.csv", "station,upstream\na,b\n", r"line 2, column upstream: 'b' has no such"),
    ("stations.csv", "station\na\na\n", r"stations.csv, line 3, .*'a' is there more than once"),
    ("stations.csv", 'station\n"a"b\n', r"stations.csv, line 2: .*expected"),
    ("stations.csv", "station;rain\na;\n", r"stations.csv, line 1: semicolons part the cells"),
    *(
        ("stations.csv", f"station,mark_above_median_mm\na,{mark}\n", f"line 2.*'{mark}' cannot")
        for mark in ("nan", "inf", "1e30")
    ),
    (
        "stations.csv",
        "station,mark_above_median_mm\na,high\n",
        r"column mark_above_median_mm: 'high'",
    ),
    ("labels.csv", "site,kind\na,leak\n", r"labels.csv, line 1: column 'start_utc' is missing"),
    (
        "labels.csv",
        "site,kind,start_utc,end_utc\nb,leak,2026-01-01,2026-01-02\n",
        r"labels.csv, line 2, column site: 'b'",
    ),
    (
        "labels.csv",
        "site,kind,start_utc,end_utc\na,leak,2026-01-03,2026-01-02\n",
        r"labels.csv, line 2: start_utc must be there, and end_utc after it",
    ),
    *(
        (
            "labels.csv",
            f"site,kind,start_utc,end_utc,peak_utc,size_l_h\na,leak,{cells}\n",
            f"labels.csv, line 2{said}",
        )
        for cells, said in (
            ("2026-01-03,2026-01-03,,", ": start_utc must be there, and end_utc after it"),
            ("2026-01-03,2026-01-04,2026-01-02,", ", column peak_utc: before start_utc"),
            ("2026-01-03,2026-01-04,,-5", ", column size_l_h: '-5' cannot be read as a flow"),
            ("2026-01-03,2026-01-04,,nan", ", column size_l_h: 'nan' cannot be read as a flow"),
        )
    ),
]


@pytest.mark.parametrize(("name", "text", "said"), BESIDE)
def test_what_is_wrong_beside_the_readings_is_named(tmp_path, name, text, said):
    folder(tmp_path, x__csv=GOOD)
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=said):
        tidy.read(tmp_path)


def test_record_json_speaks_for_all_stations_and_stations_csv_for_one(tmp_path):
    two = GOOD + "b,2026-01-01T00:00:00Z,5\n"
    about = {"format": 1, "train_until_utc": "2026-01-01T00:30:00Z", "mark_above_median_mm": 800}
    folder(tmp_path, x__csv=two, record__json=json.dumps(about))
    until = 1_767_227_400_000
    assert [(s.train_until_ms, s.mark_above_median_mm) for s in tidy.read(tmp_path).sites] == [
        (until, 800), (until, 800),
    ]  # fmt: skip
    (tmp_path / "stations.csv").write_text("station,upstream,mark_above_median_mm\nb,a,0\n")
    assert tidy.read(tmp_path).sites == (Site("b", (), ("a",), until, 0.0),)


def test_a_folder_is_never_written_over_and_sensors_have_no_form(tmp_path):
    made = made_river.record(days=2)
    folder(tmp_path, x__csv=GOOD)
    with pytest.raises(DataError, match="not empty"):
        tidy_write.write(made, tmp_path)
    lone = Record("s", "sensor", made.source, made.channels)
    with pytest.raises(DataError, match="no tidy form"):
        tidy_write.write(lone, tmp_path / "new")
    street = channel("s", "depth", made.channels[0].t_ms, made.channels[0].value)
    with pytest.raises(DataError, match="depth has no column"):
        tidy_write.write(Record("s", "river", made.source, (street,)), tmp_path / "other")
