"""The requests that the writer makes, and what it makes of each answer.

Servers here are doubles that follow the documents of each generation; real ones are asked in
``test_influx_servers``.
"""

import json
import subprocess
from collections import deque
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.influx_double import Answer, running

from amont_gateway.database import Away, BadLines, Denied, Expired, Influx, Missing, TooLarge
from amont_gateway.influx import InfluxWriter
from amont_gateway.influx_link import refusal
from amont_gateway.running import database_of
from amont_site import load

pytestmark = pytest.mark.usefixtures("links")
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
ORGS = json.dumps({"orgs": [{"id": "0a1b", "name": "mairie"}]}).encode()
NO_BUCKET = b'{"code":"not found","message":"bucket \\"amont\\" not found"}'
V2 = "/api/v2/write?org={}&bucket=amont&precision=ms"


def answers(*given):
    """Answer in turn, then always as the last."""
    left = deque(given)
    return lambda _asked: left.popleft() if len(left) > 1 else left[0]


@pytest.mark.parametrize(
    ("version", "path", "authorization"),
    [
        ("1.6.7", "/write?db=amont&precision=ms", "Basic dTpw"),
        ("1.8.10", V2.format("-"), "Basic dTpw"),
        ("1.12.2", V2.format("-"), "Basic dTpw"),
        ("v2.7.1", V2.format("mairie"), "Token u:p"),
        ("3.4.1", V2.format("-"), "Bearer u:p"),
        ("", V2.format("-"), "Token u:p"),
    ],
)
def test_each_generation_of_servers_is_written_to_in_its_way(version, path, authorization):
    with running(version) as server:
        org = "mairie" if version.startswith("v2") else ""
        writer = InfluxWriter(Influx(server.url, token="u:p", org=org, create=False))
        writer.write(["a b=1 1", "a b=2 2"])
        last = server.asked[-1]
        assert (last.path, last.headers["Authorization"]) == (path, authorization)
        assert last.body == "a b=1 1\na b=2 2"
        writer.write(["a b=3 3"])
        assert server.paths().count("/ping") == 1
        writer.close()


def test_3_behind_a_proxy_tells_its_version_in_the_body():
    with running("") as server:
        server.ping = Answer(200, b'{"version":"3.4.1","revision":"x","process_id":"y"}')
        writer = InfluxWriter(Influx(server.url, token="t", create=False))
        writer.write(["a b=1 1"])
        assert (writer.version, server.asked[-1].headers["Authorization"]) == ("3.4.1", "Bearer t")


@pytest.mark.parametrize("token", ["clé à molette", " spaced\n"])
def test_a_token_may_hold_any_letter(token):
    with running("v2.7.1") as server:
        InfluxWriter(Influx(server.url, token=token, org="mairie", create=False)).write(
            ["a b=1 1"]
        )
        sent = server.asked[-1].headers["Authorization"].encode("latin-1").decode()
    assert sent == f"Token {token.strip()}"


def test_a_token_of_two_lines_is_refused_before_it_is_sent():
    with running("v2.7.1") as server, pytest.raises(Denied, match="line break"):
        InfluxWriter(Influx(server.url, token="one\ntwo")).write(["a b=1 1"])


def test_each_store_is_a_database_beside_the_first():
    with running("1.6.7") as server:
        writer = InfluxWriter(Influx(server.url, "eau"))
        for store in ("", "_h", "_d"):
            writer.write(["a b=1 1"], store)
        databases = [parse_qs(urlsplit(path).query)["db"] for path in server.paths()[1:]]
        assert databases == [["eau"], ["eau_h"], ["eau_d"]]


KEYS = ("error", "message", "code", "data", "error_message")
JSON_400 = b'{"error":"unable to parse \'x\': missing fields"}'


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (400, JSON_400, BadLines, "unable to parse"),
        (422, b'{"code":"unprocessable entity","message":"conflict"}', BadLines, "conflict"),
        (
            400,
            b'{"error":"partial write of line protocol occurred","data":'
            b'[{"original_line":"a","line_number":1,"error_message":"no fields"}]}',
            BadLines,
            "occurred: no fields",
        ),
        (
            400,
            b'{"error":"parsing failed for write_lp endpoint","data":'
            b'{"original_line":"a","line_number":1,"error_message":"no fields"}}',
            BadLines,
            "endpoint: no fields",
        ),
        (
            400,
            b'{"error":"invalid character in database name: must be ASCII","data":null}',
            Denied,
            "database name",
        ),
        (400, b'{"error":"db name did not start with a letter","data":null}', Denied, "db name"),
        (
            422,
            b'{"error":"Adding a new database would exceed limit of 5 databases","data":null}',
            Denied,
            "limit of 5",
        ),
        (400, b"<html>The plain HTTP request was sent to HTTPS port", Denied, "HTTPS"),
        (400, b'["not", "an", "object"]', Denied, "HTTP 400"),
        (400, b'{"error":"partial write: points beyond retention policy dropped=3"}', Expired, ""),
        (
            422,
            b'{"code":"unprocessable entity","message":"failure writing points to database: '
            b'partial write: dropped 4 points outside retention policy of duration 24h0m0s"}',
            Expired,
            "",
        ),
        (401, b'{"error":"authorization failed"}', Denied, "authorization failed"),
        (403, b"", Denied, "HTTP 403"),
        (404, b'{"error":"database not found: \\"amont\\""}', Missing, "database not found"),
        (
            413,
            b"<html><h1>413 Request Entity Too Large</h1>",
            TooLarge,
            "413 Request Entity Too Large",
        ),
        (302, b"", Denied, "moved to"),
        (408, b"", Away, "HTTP 408"),
        (429, b"", Away, "HTTP 429"),
        (500, b'{"error":"no space left on device"}', Away, "no space left"),
        (503, b"", Away, "HTTP 503"),
    ],
)
def test_a_refusal_says_whose_fault_it_is(status, body, error, reason):
    found = refusal(status, body, "https://there/")
    assert type(found) is error
    assert reason in str(found)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner),
)


@given(st.integers(300, 599), st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_answer_means_something_and_lines_are_bad_only_by_name(status, body):
    found = refusal(status, body)
    assert isinstance(found, (Away, Denied, BadLines, TooLarge))
    assert len(str(found)) < 300
    if isinstance(found, BadLines):
        assert status in (400, 422)
        assert {"error", "message"} & set(json.loads(body))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [(400, JSON_400, BadLines), (401, b"", Denied), (302, b"", Denied), (503, b"", Away)],
)
def test_a_refused_write_raises(status, body, error):
    with running("2.7", lambda _asked: Answer(status, body)) as server:
        writer = InfluxWriter(Influx(server.url, create=False))
        with pytest.raises(error):
            writer.write(["a b=1 1"])
        writer.close()


def test_what_answers_200_to_everything_is_not_taken_for_a_database():
    with running("", lambda _asked: Answer(200, b"<html>Sign in")) as server:
        server.ping = Answer(200, b"<html>Sign in")
        with pytest.raises(Denied, match="not as InfluxDB"):
            InfluxWriter(Influx(server.url)).write(["a b=1 1"])
        server.ping = Answer(204)
        with pytest.raises(Away, match="HTTP 200 to a write"):
            InfluxWriter(Influx(server.url)).write(["a b=1 1"])


def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr("amont_gateway.influx_link._MOST_BYTES", 1_000)
    with running("1.8.10", lambda _asked: Answer(400, b"x" * 1_001)) as server:
        writer = InfluxWriter(Influx(server.url))
        with pytest.raises(Away, match="an answer of more than"):
            writer.write(["a b=1 1"])
        assert type(refusal(400, b"[" * 100_000)) is Denied


def test_too_much_at_once_goes_in_halves_and_the_measure_is_kept():
    def at_most_3_lines(asked):
        return Answer(413 if asked.body.count("\n") >= 3 else 204)

    with running("1.8.10", at_most_3_lines) as server:
        writer = InfluxWriter(Influx(server.url))
        lines = [f"a b={n} {n}" for n in range(10)]
        writer.write(lines)
        taken = [a.body for a in server.asked if a.body and at_most_3_lines(a).status == 204]
        assert "\n".join(taken).split("\n") == lines
        before = len(server.asked)
        writer.write(lines)
        assert len(server.asked) == before + 5  # by two, and no refusal again


def test_one_line_that_is_too_long_is_a_bad_line():
    with running("1.8.10", lambda _asked: Answer(413)) as server, pytest.raises(BadLines):
        InfluxWriter(Influx(server.url)).write(["a b=1 1", "a b=2 2"])


def test_lines_older_than_what_is_kept_are_counted_and_no_error():
    expired = Answer(400, b'{"error":"partial write: points beyond retention policy dropped=1"}')
    with running("1.8.10", lambda _asked: expired) as server:
        writer = InfluxWriter(Influx(server.url))
        writer.write(["a b=1 1", "a b=2 2"])
        assert writer.expired == 2


@pytest.mark.parametrize(("compress", "packed"), [(None, False), (True, True), (False, False)])
def test_lines_are_packed_for_another_machine_only(compress, packed):
    with running("1.8.10") as server:
        lines = [f"stage,site=essai stage_mm={n}.0 {n}" for n in range(100)]
        InfluxWriter(Influx(server.url, compress=compress)).write(lines)
        last = server.asked[-1]
        assert last.body == "\n".join(lines)
        assert ("Content-Encoding" in last.headers) is packed
        assert packed is (int(last.headers["Content-Length"]) < len(last.body))


def test_2_x_gets_a_bucket_with_its_retention_when_it_has_none():
    given = answers(
        Answer(200, ORGS), Answer(404, NO_BUCKET), Answer(200, ORGS), Answer(201), Answer(204)
    )
    with running("v2.7.1", given) as server:
        InfluxWriter(Influx(server.url, token="t", keep_days=400)).write(["a b=1 1"])
        orgs, first, _again, made, second = [a for a in server.asked if a.path != "/ping"]
        assert orgs.path == "/api/v2/orgs"
        assert first.path == second.path == V2.format("0a1b")
        assert made.path == "/api/v2/buckets"
        assert json.loads(made.body) == {
            "orgID": "0a1b",
            "name": "amont",
            "retentionRules": [
                {
                    "type": "expire",
                    "everySeconds": 400 * 86_400,
                    "shardGroupDurationSeconds": 7 * 86_400,
                }
            ],
        }


def test_an_organization_that_was_not_told_is_asked_for_again():
    orgs = deque([Answer(401), Answer(200, ORGS)])

    def answer(asked):
        if "orgs" in asked.path:
            return orgs.popleft()
        return Answer(204) if "0a1b" in asked.path else Answer(404, NO_BUCKET)

    with running("v2.7.1", answer) as server:
        writer = InfluxWriter(Influx(server.url, token="t", create=False))
        with pytest.raises(Missing):
            writer.write(["a b=1 1"])
        writer.write(["a b=1 1"])
        writer.write(["a b=1 1"])
        assert not orgs


def test_2_x_with_many_organizations_wants_to_be_told_which():
    two = json.dumps({"orgs": [{"id": "1"}, {"id": "2"}]}).encode()

    def answer(asked):
        return Answer(200, two) if "orgs" in asked.path else Answer(404, NO_BUCKET)

    with running("v2.7.1", answer) as server, pytest.raises(Missing, match="organization"):
        InfluxWriter(Influx(server.url, token="t")).write(["a b=1 1"])


@pytest.mark.parametrize("made", [Answer(200), Answer(409, b'{"error":"exists"}'), Answer(403)])
def test_3_gets_its_database_before_a_write_would_make_one_for_ever(made):
    def answer(asked):
        return made if "configure" in asked.path else Answer(204)

    with running("3.4.1", answer) as server:
        writer = InfluxWriter(Influx(server.url, token="t", keep_days=400))
        for store in ("", "", "_d"):
            writer.write(["a b=1 1"], store)
        bodies = [json.loads(a.body) for a in server.asked if "configure" in a.path]
        assert bodies == [{"db": "amont", "retention_period": "400d"}, {"db": "amont_d"}]


def test_how_long_is_kept_is_read_from_2_x_and_3_as_they_tell_it():
    bucket = {"name": "amont", "retentionRules": [{"type": "expire", "everySeconds": 2_678_400}]}
    for version, path, data, days in (
        ("v2.7.1", "/api/v2/buckets?name=amont", {"buckets": [bucket]}, 31),
        ("v2.7.1", "/api/v2/buckets?name=amont", {"buckets": [{"retentionRules": []}]}, 0),
        (
            "3.4.1",
            "/api/v3/query_sql?db=_internal",
            [{"database_name": "amont", "retention_period_ns": 400 * 86_400 * 10**9}],
            400,
        ),
        ("3.4.1", "/api/v3/query_sql?db=_internal", [{"database_name": "amont"}], 0),
        ("3.4.1", "/api/v3/query_sql?db=_internal", {"not": "known"}, None),
    ):
        body = json.dumps(data).encode()
        with running(version, answers(Answer(200, body))) as server:
            assert InfluxWriter(Influx(server.url, token="t")).kept_days() == days
            assert server.paths()[-1].startswith(path)
    none = answers(Answer(200, b'{"buckets":[]}'))
    with running("v2.7.1", none) as server, pytest.raises(Missing):
        InfluxWriter(Influx(server.url)).kept_days()


def test_a_name_with_a_slash_is_refused():
    with pytest.raises(ValueError, match="no '/'"):
        InfluxWriter(Influx("http://127.0.0.1:1", "a/b"))


def test_a_server_that_is_gone_is_away():
    with pytest.raises(Away):
        InfluxWriter(Influx("http://127.0.0.1:1")).probe()


def test_the_sites_file_says_where_and_how_long(tmp_path):
    text, asked = EXAMPLE.read_text(), "database: amont, keep_days: 90, org: mairie"
    url, secret = "http://127.0.0.1:8086", {"AMONT_INFLUX_TOKEN": "t"}
    for more, wanted in (
        ("database: amont", Influx(url, token="t", keep_days=400)),
        (asked, Influx(url, token="t", keep_days=90, org="mairie")),
    ):
        (tmp_path / "site.yaml").write_text(text.replace("database: amont", more, 1))
        assert database_of(load(tmp_path / "site.yaml"), secret) == wanted


@pytest.fixture
def certificate(tmp_path):
    made = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=database", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True, timeout=20)
    return made


def test_a_certificate_must_be_of_an_authority_that_this_machine_trusts(certificate, monkeypatch):
    with running("2.7", certificate=certificate) as server:
        writer = InfluxWriter(Influx(server.url, org="mairie", token="t"))
        with pytest.raises(Denied, match="certificate verify failed"):
            writer.write(["a b=1 1"])
        assert server.asked == []  # the token did not travel
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        writer.write(["a b=1 1"])
        assert server.asked[-1].body == "a b=1 1"
