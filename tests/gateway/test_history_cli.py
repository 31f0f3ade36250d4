"""``amont-gateway history``: status, quarantine and replay, against a real influxd 1.6.7."""

import json
import urllib.request

import pytest
from tests.gateway.history_rig import T_MS, sample
from tests.gateway.test_history import ask

from amont_gateway import series
from amont_gateway.cli import main
from amont_gateway.doubts import Doubts
from amont_gateway.journal import Journal
from amont_gateway.line_check import problem
from amont_gateway.lines import line
from amont_gateway.quarantine import Quarantine, Refused

PAGE = ["--page", "127.0.0.1:9"]  # where nobody answers
GOOD = f"stage,sensor=pont-a,site=essai,station=pont stage_mm=1203.0,quality=0i {T_MS + 3000}"

SITE = """\
format: 1
id: essai
name: {{fr: Essai, en: Trial}}
latitude: 44.0
longitude: 4.0
time_zone: Europe/Paris
bridge: {{port: /dev/null}}
history: {{url: 'http://127.0.0.1:{port}', database: amont}}
nodes:
  - id: 17
    name: {{fr: N, en: N}}
    carrier: bridge
    interval_s: 60
    channels: [{{sensor: pont-a, quantity: stage_mm}}]
stations:
  - id: pont
    name: {{fr: Pont, en: Bridge}}
    sensors: [pont-a]
    watch_mm: 1200
    warning_mm: 1800
    alarm_mm: 2500
    alarm_plus_mm: 3200
    river: Amonette
"""


@pytest.fixture
def data(tmp_path):
    journal = Journal(tmp_path / "journal.db", mark_bytes=0, ballast_bytes=0, cursor_s=0.0)
    journal.append([sample(seq, 1000 + seq) for seq in range(3000)])
    journal.move_cursor("history", 2_990)
    journal.tick(0)
    journal.close()
    return tmp_path


@pytest.fixture
def refused(data):
    kept = Quarantine(data / "quarantine.db")
    bad = GOOD.replace("1203.0", "12O3.0")
    lines = ((bad, "unable to parse"), (GOOD.replace("1203", "7"), "away with it"))
    kept.add([Refused(T_MS, "history", "", text, reason) for text, reason in lines])
    return kept


def site_for(data, port):
    path = data / "site.yaml"
    path.write_text(SITE.format(port=port))
    return str(path)


def run(capsys, *words):
    code = main(["history", *map(str, words)])
    return code, capsys.readouterr().out


def stages(port):
    found = ask(port, "SELECT count(stage_mm), sum(stage_mm) FROM stage")
    return found["series"][0]["values"][0][1:]


def test_status_at_rest_says_what_waits_and_how_far_back_it_goes(data, refused, capsys):
    code, said = run(capsys, "status", "--data", data, "--lang", "en", *PAGE)
    assert code == 1
    assert "no gateway answers" in said
    assert "rows waiting: 10, the oldest of 20" in said
    assert "set aside: 2;" in said
    assert "history: up to 2990 of 3000" in said
    assert "journal: 3000 rows since" in said
    code, said = run(capsys, "status", "--data", data, "--json", *PAGE)
    found = json.loads(said)
    assert (found["waiting"], found["quarantined"], found["running"]) == (10, 2, False)


def test_status_of_a_running_gateway_is_its_own_words(data, capsys, monkeypatch):
    state = {"state": "refused", "since_ms": T_MS, "reason": "token", "waiting": 9,
             "waiting_since_ms": T_MS, "quarantined": 0, "written": 1}  # fmt: skip
    fetch = "amont_gateway.history_cli.fetch_view"
    monkeypatch.setattr(fetch, lambda _page: {"history": state})
    code, said = run(capsys, "status", "--data", data)
    assert code == 1
    assert "REFUSE la passerelle depuis" in said
    assert "(token)" in said
    state["state"], state["waiting"] = "ok", 0
    assert run(capsys, "status", "--data", data)[0] == 0


def test_no_journal_is_one_line(tmp_path, capsys):
    assert main(["history", "status", "--data", str(tmp_path), *PAGE]) == 3
    assert "no journal at" in capsys.readouterr().err


@pytest.mark.servers
def test_replay_rebuilds_all_of_it_with_its_doubts(data, database, capsys):
    Doubts(data / "doubts.db").put([("pont-a", T_MS + 5000, 2)], T_MS)
    site = site_for(data, database.port)
    code, said = run(capsys, "replay", "--since", "start", "--site", site, "--data", data)
    assert (code, said.split(",")[0]) == (0, "3000 relevés relus")
    assert said.strip().endswith("heures et jours : 1 jours")
    assert summed(database.port) == {"amont_h": 2_999, "amont_d": 2_999}  # one is doubted
    assert stages(database.port) == [3000, sum(range(1000, 4000))]
    suspect = ask(database.port, "SELECT quality FROM stage WHERE quality = 1")
    assert suspect["series"][0]["values"] == [[T_MS + 5000, 1]]
    ask(database.port, "DROP DATABASE amont")
    run(capsys, "replay", "--since", "start", "--site", site, "--data", data)
    assert stages(database.port) == [3000, sum(range(1000, 4000))]
    assert summed(database.port) == {"amont_h": 2_999, "amont_d": 2_999}


def summed(port):
    """Return how many good readings the hours and the days say that they are made of."""
    return {
        database: ask(port, "SELECT sum(readings) FROM stage", database)["series"][0]["values"][0][
            1
        ]
        for database in ("amont_h", "amont_d")
    }


@pytest.mark.servers
def test_replay_takes_a_span_in_the_sites_time(data, database, capsys):
    site = site_for(data, database.port)  # T_MS is 2027-01-15T09:00 in Paris
    span = ["--since", "2027-01-15T09:10", "--until", "2027-01-15T09:11"]
    code, said = run(capsys, "replay", *span, "--site", site, "--data", data, "--dry-run")
    assert (code, said.split()[0]) == (0, "61")
    assert "du 2027-01-15T09:10 au 2027-01-15T09:11 seraient" in said
    code, _ = run(capsys, "replay", *span, "--site", site, "--data", data)
    assert stages(database.port) == [61, sum(range(1600, 1661))]


@pytest.mark.servers
def test_replay_says_what_the_database_refused(data, database, capsys):
    ask(database.port, "CREATE DATABASE amont")
    wrong = f'stage,sensor=x stage_mm="text" {T_MS}000000'.encode()
    url = f"http://127.0.0.1:{database.port}/write?db=amont"
    with urllib.request.urlopen(url, wrong, timeout=5) as answer:
        assert answer.status == 204
    where = ["--site", site_for(data, database.port), "--data", data, "--lang", "en"]
    code, said = run(capsys, "replay", "--since", "start", *where)
    assert code == 1
    assert "3000 rows read, 0 lines written, 3000 refused and set aside, 0 damaged" in said


def test_replay_says_where_it_stopped(data, capsys, monkeypatch):
    monkeypatch.setattr("amont_gateway.replay.PATIENCE_S", 0.0)
    site = site_for(data, 9)
    code, said = run(capsys, "replay", "--since", "start", "--site", site, "--data", data)
    assert code == 1
    assert said.startswith("arrêté après 0 relevés, 0 lignes écrites, 0 relevés illisibles : ")


@pytest.mark.parametrize("words", [["--since", "noon"], ["--since", "2027-01-02", "--until",
                                                         "2027-01-01"]])  # fmt: skip
def test_a_wrong_time_is_one_line(data, capsys, words):
    site = ["--site", site_for(data, 9), "--data", str(data)]
    code = main(["history", "replay", *words, *site])
    assert code == 2
    assert words[1] in capsys.readouterr().err


@pytest.mark.servers
def test_refused_lines_are_listed_mended_and_sent_again(data, refused, database, capsys):
    where = ["--data", data, "--lang", "en"]
    assert "1 × unable to parse" in run(capsys, "quarantine", "list", *where)[1]
    code, said = run(capsys, "quarantine", "mend", 1, "--replace", "12O3", "1203", *where)
    assert (code, said) == (0, f"1: {GOOD}\n")
    site = ["--site", site_for(data, database.port)]
    code, said = run(capsys, "quarantine", "resend", *site, *where)
    assert (code, said) == (0, "2 lines written and taken out, 0 still refused\n")
    assert stages(database.port)[0] == 1  # the same point twice
    assert run(capsys, "quarantine", "list", *where)[1] == "no refused lines\n"


@pytest.mark.servers
def test_what_is_refused_again_stays_with_the_new_reason(data, refused, database, capsys):
    site = ["--site", site_for(data, database.port), "--data", data]
    code, said = run(capsys, "quarantine", "resend", *site)
    assert (code, said) == (1, "1 lignes écrites et retirées, 1 encore refusées\n")
    (left,) = refused.entries()
    assert left.id == 1
    assert "invalid number" in left.reason


def test_a_mistake_in_mending_changes_nothing(data, refused, capsys):
    before = refused.entries()
    where = ["--data", str(data)]
    mend = ["history", "quarantine", "mend"]
    assert main([*mend, "1", "--line", "stage,site=x stage_mm=1.0 5", *where]) == 2
    assert "declared are" in capsys.readouterr().err
    assert main([*mend, "1", "2", "--line", GOOD, *where]) == 2
    assert main([*mend, "9", "--line", GOOD, *where]) == 3
    assert main([*mend, "1", "--line", GOOD, "--dry-run", *where]) == 0
    assert refused.entries() == before


def test_dropping_needs_a_name_for_what(data, refused, capsys):
    where = ["--data", str(data), "--lang", "en"]
    assert main(["history", "quarantine", "drop", *where]) == 2
    assert run(capsys, "quarantine", "drop", "--all", "--dry-run", *where)[1].startswith("2 ")
    assert run(capsys, "quarantine", "drop", 1, *where)[1] == "1 lines forgotten\n"
    assert [e.id for e in refused.entries()] == [2]
    assert len(run(capsys, "quarantine", "list", "--json", *where)[1].splitlines()) == 1


def test_the_oldest_refused_lines_go_first_and_repeats_count_once(tmp_path):
    kept = Quarantine(tmp_path / "q.db", most=10)
    rows = [Refused(n, "history", "", f"a b={n} {n}", "no") for n in range(12)]
    assert kept.add(rows) == 2
    assert kept.add([rows[11]._replace(reason="still no")]) == 0
    entries = kept.entries()
    assert [e.line for e in entries] == [row.line for row in rows[2:]]
    assert entries[-1].reason == "still no"


def test_every_declared_series_passes_the_check_and_a_slip_does_not():
    tags = {"kind": "note", "place": "a b,c"}
    text = line(series.EVENT, "s", tags, {"fr": 'dit "oui", a=b', "severity": 1}, 9)
    assert problem(text, series.DAYS) == ""
    for store in series.STORES:
        stage = series.by(store, series.STAGE) if store else series.STAGE
        named = {"station": "p", "sensor": "s"}
        assert problem(line(stage, "s", named, {"stage_mm": 1.5}, 9), store) == ""
    assert "not declared" in problem(text, "")
    assert "not of type int" in problem(GOOD.replace("0i", "0.5"))
    assert "field other" in problem(GOOD.replace("stage_mm", "other"))
    assert "not a line" in problem(GOOD.replace(" ", "", 1))
