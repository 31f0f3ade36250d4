"""What the doctor says of the database, and that it changes nothing there."""

from pathlib import Path

import pytest
from tests.gateway.influx_double import running

from amont_gateway import doctor
from amont_gateway.database import Influx
from amont_gateway.influx import InfluxWriter
from amont_gateway.running import Plan
from amont_site import load

pytestmark = pytest.mark.usefixtures("links")
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"


def findings(tmp_path, influx):
    plan = Plan(load(EXAMPLE), tmp_path, tmp_path / "guard.sock", None, None, influx)
    found = [f for f in doctor.examine(plan) if f.part.startswith("database")]
    return [(f.part, f.verdict, f.text) for f in found]


@pytest.mark.servers
def test_a_database_that_is_not_there_yet_is_left_so(tmp_path, database):
    target = Influx(f"http://127.0.0.1:{database.port}", keep_days=400)
    for _ in range(2):
        _server, *stores = findings(tmp_path, target)
        assert [part for part, _, _ in stores] == [
            "database amont",
            "database amont_h",
            "database amont_d",
        ]
        assert {(verdict, text[:13]) for _, verdict, text in stores} == {("weak", "not there yet")}


@pytest.mark.servers
def test_how_long_each_database_is_kept(tmp_path, database):
    writer = InfluxWriter(Influx(f"http://127.0.0.1:{database.port}", keep_days=90))
    for store in ("", "_h", "_d"):
        writer.write(["a b=1"], store)
    target = Influx(f"http://127.0.0.1:{database.port}", keep_days=400)
    assert findings(tmp_path, target) == [
        ("database", "good", "InfluxDB 1.6.7~rc0 answers"),
        (
            "database amont",
            "weak",
            "keeps 90 days, wanted is 400 days: people change that, in the database",
        ),
        ("database amont_h", "good", "keeps for ever"),
        ("database amont_d", "good", "keeps for ever"),
    ]


def test_a_server_that_does_not_tell(tmp_path):
    with running("3.4.1") as server:
        found = findings(tmp_path, Influx(server.url, token="t"))
    assert [verdict for _, verdict, _ in found] == ["good"] * 4
    assert "does not tell" in found[1][2]
    assert {asked.method for asked in server.asked} == {"GET"}


def test_a_token_on_an_open_line_is_named(tmp_path, monkeypatch):
    with running("1.8.10") as server:
        monkeypatch.setattr("amont_gateway.influx_link._LOCAL", ())
        found = findings(tmp_path, Influx(server.url, token="u:p"))
    assert ("database", "weak", f"{server.url}: the token travels unencrypted") in found


def test_a_database_that_is_gone_is_one_bad_finding(tmp_path):
    ((part, verdict, text),) = findings(tmp_path, Influx("http://127.0.0.1:1"))
    assert (part, verdict) == ("database", "bad")
    assert text.startswith("http://127.0.0.1:1: ")


def test_without_a_database_readings_stay_in_the_journal(tmp_path):
    ((_, verdict, text),) = findings(tmp_path, None)
    assert verdict == "good"
    assert "journal" in text
