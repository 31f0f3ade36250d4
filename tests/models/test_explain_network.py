"""A network's past moment explained: the test's own verdict, and what was read beside it."""

import json
from zoneinfo import ZoneInfo

import pytest
from tests.gateway import waterworks as w
from tests.gateway.test_networks import BEGIN_MS, DAY_MS, journal_of, judged

from amont_gateway.counters import Counters
from amont_gateway.records import Records
from amont_models import cli, explain, explain_network_text
from amont_models.recipe import ARTIFACTS_DIR, HOUR_MS
from amont_models.site_past import SitePast

DAYS = 23
AT_MS = BEGIN_MS + DAYS * DAY_MS
ZONE = ZoneInfo("Europe/Paris")


@pytest.fixture(scope="module", params=[w.SENSORS, 0], ids=["pressures", "flows only"])
def state(request, tmp_path_factory):
    """A site with one network, and a leak of 12 m3/h beside the second post for two days."""
    folder = tmp_path_factory.mktemp("state")
    site = w.site_of(folder, pressures=request.param)
    samples = w.samples(*w.made(DAYS, ((1, 12.0, 20.3, 99.0),)), BEGIN_MS)
    journal_of(folder, samples)
    return folder, site, samples, bool(request.param)


def found(folder, at_ms=AT_MS):
    past = SitePast(folder / "site.yaml", folder)
    return explain.explain(past, "vallee", at_ms, ARTIFACTS_DIR)


def test_it_says_what_the_gateway_says_and_what_was_read(state):
    folder, site, samples, with_pressures = state
    said, live = found(folder), judged(site, samples, DAYS)
    assert (said["verdict"], said["model"]) == ("leak", live["model"])
    assert said["model"] == ("network-test" if with_pressures else "network-inflow")
    assert [one["number"] for one in said["leaks"]] == [one.number for one in live["leaks"]]
    assert said["rule"]["alarm"] == live["leaks"][0].alarm
    assert (said["heard"], said["pressures"]) == ((6, 6) if with_pressures else (0, 0))
    last, before = said["days"][-1], said["days"][-4]
    assert last["end_ms"] == AT_MS
    assert last["inflow_l_h"] > before["inflow_l_h"] + 8_000
    assert 95_000 < before["before_l_h"] < 105_000
    assert set(said["sensors"]) == {x.sensor for n in site.nodes for x in n.channels}


def test_of_a_moment_before_nothing_later_is_known(state):
    said = found(state[0], BEGIN_MS + 19 * DAY_MS)
    assert (said["verdict"], said["leaks"]) == ("normal", [])
    text = explain_network_text.text(explain._plain(said), "en", ZONE)
    assert "no leak explained the readings" in text


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_command_tells_it_in_both_languages(state, lang, capsys):
    folder, _, _, with_pressures = state
    records = Records(folder, Counters(), lambda *_: None)
    rule = {"name": "network-of-then"}
    told = {"at_ms": AT_MS - HOUR_MS, "kind": "seen network", "network": "vallee", "rule": rule}
    records.take(told | {"verdict": "leak", "leaks": [{"number": 1}]})
    records._write_all()
    records._close()
    asked = ["explain", str(folder / "site.yaml"), "vallee", "--state", str(folder)]
    at = "2026-03-24T01:00"
    assert cli.main([*asked, "--at", at, "--lang", lang]) == 0
    text = capsys.readouterr().out
    words = explain_network_text.OWN
    assert words["days"][lang == "en"] in text
    assert ("débits seuls" in text or "flows alone" in text) == (not with_pressures)
    assert ("kPa" in text) == with_pressures
    assert "l/h" in text
    assert "network-of-then" in text
    assert "{" not in text
    assert cli.main([*asked, "--at", at, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "network"
