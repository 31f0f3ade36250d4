"""Simulated years: leaks from a seed, a year's network file, sensor noise; no solver is needed."""

import numpy as np
import pytest

from amont_models import ltown_years
from amont_models.ltown_years import DAY_STEPS, Network, Opening
from amont_models.records import DataError, pipes

INP = """[TITLE]
[JUNCTIONS]
 n1 10.0 0.0 P-Residential ;PRESSURE SENSOR
 n2 11.0 0.0 P-Residential ;
 n3 12.0 0.0 P-Residential ;AMR & PRESSURE SENSOR
[PIPES]
 p1 n1 n2 100.0 200.0 140.0 0.0 Open ;
 p2 n2 n3 30.0 200.0 120.0 0.0 Open ;
[VALVES]
 v1 n3 n4 200.0 PRV 40.0 0.0 ;
[DEMANDS]
 n1 1.0 P-Residential ;
 n2 0.0 P-Commercial ;
 n3 2.0 P-Industrial ;
[PATTERNS]
 P-Residential 1.0 1.1 1.2 0.6 0.5 0.4
 P-Commercial 1.0 1.0 1.0 1.0 1.0 1.0
 P-Industrial 1.0
[TIMES]
 Duration 168:00
[REPORT]
 Status Full
"""


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "town.inp"
    made.write_text(INP)
    return made


def test_a_year_has_nineteen_leaks_half_of_them_incipient_and_always_the_same():
    nodes = [f"n{k}" for k in range(50)]
    leaks = ltown_years.openings(nodes, 365, 7)
    assert leaks == ltown_years.openings(nodes, 365, 7)
    assert leaks != ltown_years.openings(nodes, 365, 8)
    slow = [one for one in leaks if one.peak > one.start]
    assert (len(leaks), len(slow)) == (19, 10)
    assert all(5.0 <= one.size_m3h <= 28.0 for one in leaks)
    assert min(one.start for one in leaks) >= ltown_years.FIRST_DAY


def test_a_leak_flows_from_its_start_to_its_end_and_grows_with_the_square_of_time():
    slow = Opening("n1", 10.0, 20.0, 30.0, 8.0)
    flow = slow.flow(np.array([9.0, 15.0, 25.0, 31.0]))
    assert flow == pytest.approx([0.0, 2.0, 8.0, 0.0], rel=0.04)
    abrupt = Opening("n1", 10.0, 10.0, 30.0, 8.0)
    assert abrupt.flow(np.array([10.0]))[0] == pytest.approx(8.0, rel=0.04)


def test_the_file_of_a_year_holds_our_demands_patterns_and_leaks(path, tmp_path):
    network = Network(path)
    assert (network.sensors, network.nodes) == (["n1", "n3"], ["n1", "n2", "n3"])
    assert network.pattern("P-Residential") == pytest.approx([1.1, 0.5])
    year = tmp_path / "year.inp"
    network.write(year, 2, [Opening("n2", 0.5, 0.5, 1.5, 9.0)], 4)
    made = Network(year)
    assert ["n2", "1.0", "leak0"] in list(made.rows("DEMANDS"))
    assert ["Duration", "48:00"] in list(made.rows("TIMES"))
    leak = [float(word) for row in made.rows("PATTERNS") if row[0] == "leak0" for word in row[1:]]
    assert len(leak) == 2 * DAY_STEPS
    assert (leak[0], leak[-1]) == (0.0, 0.0)
    assert max(leak) == pytest.approx(9.0, rel=0.04)
    rough = [float(row[5]) for row in made.rows("PIPES")]
    assert all(abs(r / was - 1.0) <= 0.08 for r, was in zip(rough, (140.0, 120.0), strict=True))


def test_a_solved_year_is_read_from_the_cache_with_sensor_noise(path, tmp_path, monkeypatch):
    monkeypatch.setattr(ltown_years, "network_path", lambda: path)
    values = np.tile([40.0, 35.0, 3.0, 90.0, 110.0, 44.0], (365 * DAY_STEPS, 1))
    np.savez(tmp_path / "ltown-3-365.npz", sensors=np.array(["n1", "n3"]), values=values)
    record = ltown_years.year(3, tmp_path)
    assert [one.name for one in record.of("pressure")] == ["n1", "n3"]
    assert [one.name for one in record.of("inflow")] == ["p227", "p235"]
    first = record.of("pressure")[0]
    assert np.nanmean(first.value) == pytest.approx(40.0 * ltown_years.KPA_PER_M, rel=1e-3)
    assert np.nanstd(first.value) > 0.1
    assert 0.003 < np.isnan(first.value).mean() < 0.05
    assert len(record.labels) == 19
    assert {label.kind for label in record.labels} == {"abrupt", "incipient"}
    assert all(label.where.split()[0] in ("n1", "n2", "n3") for label in record.labels)


def test_nearest_sensors_follow_the_pipes(path):
    links = pipes.graph(path)
    assert pipes.nearest(links, "n2", ["n1", "n3"]) == ["n3", "n1"]
    assert pipes.nearest(links, "n4", ["n1", "n3"], count=1) == ["n3"]
    assert pipes.nearest(links, "elsewhere", ["n1"]) == []


def test_without_the_packages_of_training_it_says_which(monkeypatch):
    monkeypatch.setattr(ltown_years, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="wntr"):
        ltown_years.network_path()
