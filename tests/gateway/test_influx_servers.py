"""The writer beside an independent client, on a real influxd 1.6.7 and on VictoriaMetrics.

influxd 1.6.7 has no ``/api/v2/write``; behind nginx it has, by the mapping that 1.8 itself makes.
VictoriaMetrics takes ``/api/v2/write`` too, and stores numbers only.
"""

import base64
import json
import time
import urllib.parse
import urllib.request

import pytest
from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from tests.gateway import servers
from tests.gateway.influx_double import running

from amont_gateway import series
from amont_gateway.database import BadLines, Denied, Influx, Missing
from amont_gateway.influx import InfluxWriter
from amont_gateway.lines import line

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("links")]
T_MS = 1_790_000_000_000
DAY_MS = 86_400_000
ODD = "Pré l'Évêque, n°=2"
TEXT = 'vanne "A" fermée, 3 = trop'


@pytest.fixture
def start(tmp_path):
    """Return a function that starts servers, which stop when the test ends."""
    started = []

    def begin(server):
        started.append(server)
        server.start()
        return server

    yield begin
    for server in reversed(started):
        server.stop()


def url(server):
    return f"http://127.0.0.1:{server.port}"


def ask(server, influxql, database="", user=""):
    """Return the answer's bytes, or those of the refusal."""
    form = urllib.parse.urlencode({"q": influxql, "db": database, "epoch": "ms"}).encode()
    request = urllib.request.Request(f"{url(server)}/query", form)
    if user:
        named = base64.b64encode(user.encode()).decode()
        request.add_header("Authorization", f"Basic {named}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def all_of(server, database):
    return ask(server, "SELECT * FROM /.*/ GROUP BY *", database)


def our_lines(count=1_500):
    """Readings, states and a text, with names that must be escaped."""
    lines = []
    for n in range(count):
        tags, at_ms = {"station": ODD, "sensor": f"mât {n % 3}"}, T_MS + n * 1_000
        values = {"stage_mm": 1_200 + n / 7, "quality": n % 5}
        lines.append(line(series.STAGE, "sainte-amonette", tags, values, at_ms))
    note = {"fr": TEXT, "en": "valve", "severity": 1}
    event = line(series.EVENT, "sainte-amonette", {"kind": "note", "place": ODD}, note, T_MS)
    return [*lines, event]


def their_points(count=1_500):
    """The same by influxdb-client's own idea of line protocol."""
    for n in range(count):
        point = Point("stage").tag("site", "sainte-amonette").tag("station", ODD)
        point = point.tag("sensor", f"mât {n % 3}").field("stage_mm", 1_200 + n / 7)
        yield point.field("quality", n % 5).time(T_MS + n * 1_000, WritePrecision.MS)
    point = Point("event").tag("site", "sainte-amonette").tag("kind", "note").tag("place", ODD)
    point = point.field("fr", TEXT).field("en", "valve").field("severity", 1)
    yield point.time(T_MS, WritePrecision.MS)


def write_theirs(where, bucket, records):
    with InfluxDBClient(where, token="u:p", org="-", enable_gzip=True) as client:
        client.write_api(write_options=SYNCHRONOUS).write(
            bucket, record=records, write_precision=WritePrecision.MS
        )


def test_what_influxdb_client_writes_and_what_we_write_is_the_same(start, database, tmp_path):
    proxy = start(servers.nginx_v2(tmp_path / "nginx", database.port))
    ours = InfluxWriter(Influx(url(proxy), "ours", compress=True))
    ours.write(our_lines())
    ask(database, "CREATE DATABASE theirs")
    write_theirs(url(proxy), "theirs", list(their_points()))
    plain = InfluxWriter(Influx(url(database), "plain"))  # by /write, and not packed
    plain.write(our_lines())
    held = all_of(database, "ours")
    assert len(json.loads(held)["results"][0]["series"]) == 4
    assert held == all_of(database, "theirs") == all_of(database, "plain")
    asked = (tmp_path / "nginx" / "access.log").read_text()
    assert asked.count("POST /api/v2/write?org=-&bucket=") == 3  # a 404, then ours, then theirs


def test_our_request_is_the_one_that_influxdb_client_makes():
    with running("1.8.10") as server:
        InfluxWriter(Influx(server.url, token="t", compress=True)).write(our_lines(200))
        ours = server.asked[-1]
        write_theirs(server.url, "amont", our_lines(200))
        theirs = server.asked[-1]
    assert ours.body == theirs.body
    for asked in (ours, theirs):
        assert (asked.method, asked.headers["Content-Encoding"]) == ("POST", "gzip")
    one, two = (urllib.parse.urlsplit(asked.path) for asked in (ours, theirs))
    assert one.path == two.path
    assert urllib.parse.parse_qs(one.query) == urllib.parse.parse_qs(two.query)


def test_victoria_metrics_holds_the_same_by_both(start, tmp_path):
    server = start(servers.victoria(tmp_path / "victoria"))
    begin_ms = time.time_ns() // 1_000_000 - 600 * 60_000
    lines = [f"stage,site=a stage_mm={n}.5,quality=0i {begin_ms + n * 60_000}" for n in range(500)]
    InfluxWriter(Influx(url(server), compress=True)).write(lines)
    write_theirs(url(server), "amont", [x.replace("stage,", "theirs,") for x in lines])

    def held(name):
        urllib.request.urlopen(f"{url(server)}/internal/force_flush", timeout=10).close()
        asked = urllib.parse.urlencode({"match[]": f"{name}_stage_mm"})
        with urllib.request.urlopen(f"{url(server)}/api/v1/export?{asked}", timeout=10) as answer:
            found = [json.loads(row) for row in answer]
        return [(sorted(f["values"]), sorted(f["timestamps"])) for f in found]

    ((values, _times),) = held("stage")
    assert len(values) == 500
    assert held("stage") == held("theirs")


def test_each_store_is_made_with_its_retention_and_again_when_it_is_gone(database):
    writer = InfluxWriter(Influx(url(database), keep_days=400))
    now_ms = time.time_ns() // 1_000_000
    for _ in range(2):
        for store, kept, shard in (("", "9600h0m0s", "168h0m0s"), ("_d", "0s", "8736h0m0s")):
            writer.write([f"a,site=x b=1 {now_ms}"], store)
            (found,) = writer.query(f'SHOW RETENTION POLICIES ON "amont{store}"')
            assert found["values"] == [["autogen", kept, shard, 1, True]]
            assert writer.kept_days(store) == (0 if store else 400)
            writer.query(f'DROP DATABASE "amont{store}"')


def test_lines_older_than_what_is_kept_are_dropped_and_the_others_stay(database):
    writer = InfluxWriter(Influx(url(database), keep_days=31))
    now_ms = time.time_ns() // 1_000_000
    writer.write([f"a,site=x b={day} {now_ms - day * DAY_MS}" for day in (1, 9, 60, 90)])
    assert writer.expired == 4  # of a batch the server does not say which
    (found,) = writer.query("SELECT b FROM a")
    assert sorted(value for _, value in found["values"]) == [1, 9]


def test_a_type_conflict_beside_expired_lines_is_a_bad_line(database):
    writer = InfluxWriter(Influx(url(database), keep_days=31))
    now_ms = time.time_ns() // 1_000_000
    writer.write([f"a,site=x b=1 {now_ms}"])
    old, wrong = f"a,site=x b=1 {now_ms - 60 * DAY_MS}", f'a,site=x b="text" {now_ms + 1}'
    with pytest.raises(BadLines, match="type conflict"):
        writer.write([old, wrong])


def test_a_password_is_asked_for_and_each_refusal_is_named(start, tmp_path):
    http = "auth-enabled = true\nping-auth-enabled = true\n"
    server = start(servers.influxd(tmp_path / "influxd", http))
    ask(server, "CREATE USER root WITH PASSWORD 'x' WITH ALL PRIVILEGES")
    lines = [f"a,site=x b=1 {T_MS}"]

    def write(token, name="amont"):
        InfluxWriter(Influx(url(server), name, token=token)).write(lines)

    write("root:x")
    for user, may in (("pen", "WRITE"), ("eye", "READ")):
        ask(server, f"CREATE USER {user} WITH PASSWORD 'y'", user="root:x")
        ask(server, f"GRANT {may} ON amont TO {user}", user="root:x")
    write("pen:y")
    for token, name, why in (
        ("", "amont", "credentials"),
        ("root:wrong", "amont", "authorization failed"),
        ("eye:y", "amont", "not authorized to write"),
        ("pen:y", "other", "requires admin privilege"),
    ):
        with pytest.raises(Denied, match=why):
            write(token, name)


def test_a_password_that_is_taken_away_and_given_back(start, tmp_path):
    server = start(servers.influxd(tmp_path / "influxd", "auth-enabled = true\n"))
    ask(server, "CREATE USER root WITH PASSWORD 'x' WITH ALL PRIVILEGES")
    writer = InfluxWriter(Influx(url(server), token="root:x"))
    writer.write([f"a,site=x b=1 {T_MS}"])
    ask(server, "SET PASSWORD FOR root = 'z'", user="root:x")
    with pytest.raises(Denied):
        writer.write([f"a,site=x b=2 {T_MS + 1}"])
    ask(server, "SET PASSWORD FOR root = 'x'", user="root:z")
    writer.write([f"a,site=x b=2 {T_MS + 1}"])
    assert len(writer.query("SELECT b FROM a")[0]["values"]) == 2


@pytest.mark.parametrize("limited", ["influxd", "nginx"])
def test_what_takes_little_at_once_gets_little_at_once(start, tmp_path, limited):
    http = "max-body-size = 3000\n" if limited == "influxd" else ""
    server = start(servers.influxd(tmp_path / "influxd", http))
    if limited == "nginx":
        server = start(servers.nginx_v2(tmp_path / "n", server.port, "client_max_body_size 3k;"))
    writer = InfluxWriter(Influx(url(server)))
    writer.write(our_lines(400))
    (found,) = writer.query("SELECT count(stage_mm) FROM stage")
    assert found["values"][0][1] == 400


def test_a_statement_that_is_refused_says_why(database):
    writer = InfluxWriter(Influx(url(database)))
    with pytest.raises(BadLines, match="expected FROM"):
        writer.query("SELECT nothing")
    with pytest.raises(Missing, match="database not found"):
        writer.query("SELECT b FROM a")
    with pytest.raises(Missing, match="database not found"):
        writer.kept_days()


def test_a_connection_that_ended_while_it_rested_is_made_anew(database):
    writer = InfluxWriter(Influx(url(database)))
    writer.write([f"a,site=x b=1 {T_MS}"])
    database.kill()
    database.start()
    writer.write([f"a,site=x b=2 {T_MS + 1}"])
    assert len(writer.query("SELECT b FROM a")[0]["values"]) == 2


def test_something_else_is_done_while_the_server_works(database):
    writer, done = InfluxWriter(Influx(url(database))), []
    lines = our_lines(100)
    writer.write(lines, "", lambda: done.append(1))  # two requests: the database is made
    writer.write(lines)
    assert done == [1]
    with pytest.raises(ZeroDivisionError):
        writer.write(lines, "", lambda: done.append(1 // 0))
    writer.write([f"a,site=x b=1 {T_MS}"])
    assert len(writer.query("SELECT b FROM a")) == 1
