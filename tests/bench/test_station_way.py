"""The rig that breaks off a technician's commands finds what does not end well."""

import json

from tests.bench import bench_provision, station_way
from tests.bench.station_way import Done, Way, provision_lines

from amont_demo.village import PAGE_PORT, Ports, Village
from amont_demo.village_cli import steps
from amont_provision.enrol import RADIO
from amont_site import load


class Paper(Way):
    """A way whose commands are only told."""

    def __init__(self, codes):
        super().__init__(None, {})
        self.codes, self.killed_s = codes, []

    def steps(self):
        return [["amont-provision", step] for step in self.codes]

    def interrupt(self, words, after_s):
        self.killed_s.append(after_s)
        return after_s < 5

    def finish(self, words):
        self.done.append(Done(words[1], self.codes[words[1]], 1.0, "said"))
        return self.done[-1]


SECONDS = {"enrol": 2.0, "verify": 40.0, "report": 1.0}


def test_a_way_that_ends_well_is_counted():
    way = Paper({"enrol": 0, "verify": 0, "report": 0})
    outcome = bench_provision._one(way, 2, SECONDS, 1)
    assert len(way.killed_s) == outcome.kills + outcome.too_late == 6
    assert all(bench_provision.EARLIEST * 1.0 <= s <= 40.0 for s in way.killed_s)
    assert outcome.bad == []


def test_a_command_that_cannot_be_run_again_is_found():
    outcome = bench_provision._one(Paper({"enrol": 0, "verify": 1, "report": 0}), 1, SECONDS, 1)
    (what,) = outcome.bad
    assert what.startswith("node 11, verify:")
    assert "said" in what


def test_a_site_of_many_stations_holds(tmp_path):
    site = load(bench_provision.site_of(tmp_path, 3))
    assert [node.id for node in site.nodes] == [11, 12, 13]


def test_ports_that_are_taken_are_put_into_the_readmes_commands(tmp_path):
    (tmp_path / "village.json").write_text(json.dumps({"page": 9, "radio": 8, "broker": 7}))
    lines = [" ".join(words) for words in Way(tmp_path, {}, 42).steps()]
    assert any(
        line.endswith("--node 42 --keys guard/keys.json --radio 127.0.0.1:8") for line in lines
    )
    assert any(line.endswith("--gateway http://127.0.0.1:9") for line in lines)
    assert not any("boards/11" in line or "--node 11" in line for line in lines)
    assert len(lines) == len(station_way.provision_lines())


def test_the_village_prints_the_readmes_commands_for_its_own_ports(tmp_path):
    village = Village(tmp_path / "my village", None, PAGE_PORT)
    village.ports = Ports(page=PAGE_PORT, radio=RADIO[1], broker=1)
    cd, *lines = steps(village)
    assert cd == f"cd '{tmp_path}/my village'"
    assert lines == provision_lines()
    village.ports = Ports(page=9, radio=8, broker=1)
    words = [" ".join(words) for words in _way_of(tmp_path, 9, 8).steps()]
    assert steps(village)[1:] == words


def _way_of(folder, page, radio):
    (folder / "village.json").write_text(json.dumps({"page": page, "radio": radio, "broker": 7}))
    return Way(folder, {})
