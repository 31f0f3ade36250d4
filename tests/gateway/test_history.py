"""History against a real influxd 1.6.7, and against writers that misbehave."""

import json
import urllib.parse
import urllib.request

import pytest
from tests.gateway import servers
from tests.gateway.conftest import eventually
from tests.gateway.history_rig import T_MS, Rig, sample

from amont_gateway import history, series
from amont_gateway.database import Away, BadLines, Influx
from amont_gateway.gateway import Gateway, Options
from amont_gateway.influx import InfluxWriter
from amont_gateway.lines import line, sample_lines
from amont_gateway.readings import BAD_TIME


@pytest.fixture
def rig(tmp_path, places, clock):
    rigs = []

    def make(writer):
        rigs.append(Rig(tmp_path, places, clock, writer).start())
        return rigs[-1]

    yield make
    for made in rigs:
        made.close()


def ask(port, query, database="amont"):
    form = urllib.parse.urlencode({"db": database, "q": query, "epoch": "ms"})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/query?{form}", timeout=10) as answer:
        return json.load(answer)["results"][0]


@pytest.mark.servers
def test_samples_reach_a_real_influxdb_once(rig, database):
    made = rig(InfluxWriter(Influx(f"http://127.0.0.1:{database.port}")))
    made.journal.append([sample(seq, 1000 + seq) for seq in range(5000)])
    made.history.offer([line(series.GATEWAY, "essai", {}, {"guard_alive": 1}, T_MS)])
    eventually(lambda: made.cursor() == 5000)
    found = ask(database.port, "SELECT count(stage_mm), sum(stage_mm) FROM stage GROUP BY *")
    (only,) = found["series"]
    assert only["tags"] == {"site": "essai", "station": "pont", "sensor": "pont-a"}
    assert only["values"][0][1:] == [5000, sum(range(1000, 6000))]
    assert ask(database.port, "SELECT guard_alive FROM gateway")["series"][0]["values"]
    assert made.history.state == "ok"


@pytest.mark.servers
def test_a_type_conflict_is_set_aside_and_the_rest_goes_on(rig, database):
    url = f"http://127.0.0.1:{database.port}"
    writer = InfluxWriter(Influx(url))
    writer.write([f'stage,site=essai,station=pont,sensor=pont-a stage_mm="text" {T_MS + 3000}'])
    made = rig(writer)  # the first writer of a shard fixed the type of its field
    other = [f"rain,site=essai,gauge=jauge,sensor=pluie rain_um=5.0,quality=0i {T_MS}"]
    made.journal.append([sample(3)])
    made.history.offer(other)
    eventually(lambda: made.count("history_quarantined") == 1)
    eventually(lambda: made.count("history_lines") == 1)
    assert made.quarantine.count() == 1
    assert any(e.kind == "history_quarantine" for e in made.events.latest())


@pytest.mark.servers
def test_an_outage_keeps_everything(rig, database):
    made = rig(InfluxWriter(Influx(f"http://127.0.0.1:{database.port}")))
    made.journal.append([sample(0)])
    eventually(lambda: made.cursor() == 1)
    database.kill()
    made.journal.append([sample(seq) for seq in range(1, 100)])
    eventually(lambda: made.history.state == "away")
    assert made.cursor() == 1
    database.start()
    eventually(lambda: made.cursor() == 100, 30)
    found = ask(database.port, "SELECT count(stage_mm) FROM stage")
    assert found["series"][0]["values"][0][1] == 100


@pytest.mark.servers
def test_a_database_that_is_gone_is_made_anew_and_people_are_told(rig, database):
    made = rig(InfluxWriter(Influx(f"http://127.0.0.1:{database.port}")))
    made.journal.append([sample(0)])
    eventually(lambda: made.cursor() == 1)
    assert "history_emptied" not in made.kinds()  # at the first start it is new, too
    ask(database.port, "DROP DATABASE amont")
    made.journal.append([sample(1)])
    eventually(lambda: made.cursor() == 2)
    assert "history_emptied" in made.kinds()


@pytest.mark.servers
def test_the_gateways_view_says_so(places, tmp_path, guard, database, monkeypatch):
    del guard  # only has to be there
    monkeypatch.setattr(history, "BEAT_S", 0.2)
    options = Options(
        influx=Influx(f"http://127.0.0.1:{database.port}"), mark_bytes=0, ballast_bytes=0
    )
    gateway = Gateway(places, tmp_path / "data", tmp_path / "guard.sock", options)
    gateway.start()
    try:
        eventually(lambda: gateway.view().database == "ok", 30)
        database.kill()
        eventually(lambda: gateway.view().database == "away", 30)
        assert gateway.view().history.reason
    finally:
        assert gateway.stop() == []


@pytest.mark.servers
def test_from_1_8_on_lines_go_to_the_v2_path(rig, database, tmp_path):
    proxy = servers.nginx_v2(tmp_path / "nginx", database.port)
    proxy.start()
    try:
        made = rig(InfluxWriter(Influx(f"http://127.0.0.1:{proxy.port}")))
        made.journal.append([sample(seq) for seq in range(10)])
        eventually(lambda: made.cursor() == 10)
    finally:
        proxy.stop()
    found = ask(database.port, "SELECT count(stage_mm) FROM stage")
    assert found["series"][0]["values"][0][1] == 10
    assert "POST /api/v2/write" in (tmp_path / "nginx" / "access.log").read_text()


@pytest.mark.servers
def test_a_missing_database_is_a_refusal_not_a_bad_line(rig, database):
    target = Influx(f"http://127.0.0.1:{database.port}", create=False)
    made = rig(InfluxWriter(target))
    made.journal.append([sample(0)])
    eventually(lambda: any(e.kind == "history_refused" for e in made.events.latest()))
    assert made.cursor() == 0
    assert made.count("history_quarantined") == 0


class Picky:
    """Refuses lines with an odd value, as a server does: the whole request."""

    def __init__(self):
        self.lines, self.away = set(), 0

    def write(self, lines, store="", meanwhile=None):
        assert store == ""
        if self.away:
            self.away -= 1
            raise Away("gone")
        odd = [x for x in lines if float(x.split("stage_mm=")[1].split(",")[0]) % 2]
        if odd:
            raise BadLines("odd")
        self.lines |= set(lines)

    def close(self):
        pass


def test_refused_lines_are_found_by_halving(rig):
    writer = Picky()
    writer.away = 2
    made = rig(writer)
    made.journal.append([sample(s, 1001 if s % 50 == 7 else 1000) for s in range(200)])
    eventually(lambda: made.cursor() == 200)
    assert len(writer.lines) == 196
    assert made.count("history_quarantined") == 4
    assert made.count("history_failures") == 2


def test_lines_follow_the_declaration():
    with pytest.raises(ValueError, match="not declared"):
        line(series.STAGE, "s", {"station": "a", "sensor": "b"}, {"other": 1}, 0)
    with pytest.raises(ValueError, match="tags"):
        line(series.STAGE, "s", {"station": "a"}, {"stage_mm": 1}, 0)
    tags = {"station": "a b,c=d", "sensor": "x"}
    written = line(series.STAGE, "s", tags, {"stage_mm": 3, "quality": 1}, 9)
    assert written == r"stage,sensor=x,site=s,station=a\ b\,c\=d stage_mm=3.0,quality=1i 9"
    assert line(series.STAGE, "s", tags, {"stage_mm": float("nan")}, 9) is None


def test_texts_are_quoted_and_no_number_takes_their_place():
    tags = {"kind": "note", "place": "bourg"}
    written = line(series.EVENT, "s", tags, {"fr": 'dit "non"\\', "severity": 1}, 9)
    assert written == 'event,kind=note,place=bourg,site=s fr="dit \\"non\\"\\\\",severity=1i 9'
    assert line(series.EVENT, "s", tags, {"fr": 3, "severity": "x"}, 9) is None


def test_by_the_hour_a_reading_keeps_its_field_and_gains_extremes():
    hour = series.by(series.HOURS, series.STAGE)
    assert (hour.name, hour.tags, hour.store) == ("stage", ("station", "sensor"), "_h")
    assert [f.name for f in hour.fields] == [
        "stage_mm",
        "min_stage_mm",
        "max_stage_mm",
        "readings",
    ]


def test_impossible_times_and_unknown_sensors_write_nothing(places):
    assert sample_lines("essai", places.tags(), [sample(1, flags=BAD_TIME)]) == []
    assert sample_lines("essai", {}, [sample(1)]) == []
    assert len(sample_lines("essai", places.tags(), [sample(1)])) == 1


def test_measurements_keep_tags_and_fields_apart():
    names = [m.name for m in series.MEASUREMENTS]
    assert len(set(names)) == len(names)
    for measurement in series.MEASUREMENTS:
        fields = {f.name for f in measurement.fields}
        assert not fields & {*measurement.tags, "site"}
        words = {"text"} if measurement is series.EVENT else set()
        assert {f.type for f in measurement.fields} <= {"float", "int", *words}
