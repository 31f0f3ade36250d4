"""Dashboards are pushed to, and a copy kept of, a server that follows Grafana's API documents."""

import json
import sys

import pytest
from tests.dashboards.grafana_double import TOKEN, Double, running

from amont_dashboards import cli, remote
from amont_dashboards.alerts import render as alerts
from amont_dashboards.render import dashboard_files as files
from amont_dashboards.sources import ALL as SOURCES

INFLUX = {
    "AMONT_INFLUX_URL": "http://localhost:8086",
    "AMONT_INFLUX_DATABASE": "eau",
    "AMONT_INFLUX_USER": "reader",
    "AMONT_INFLUX_PASSWORD": "secret of a test",
}
BOTH = ("fr", "en")


@pytest.fixture
def grafana(monkeypatch):
    for name in ("AMONT_GRAFANA_URL", "AMONT_GRAFANA_TOKEN", *INFLUX):
        monkeypatch.delenv(name, raising=False)
    with running(Double()) as double:
        yield double


@pytest.fixture
def api(grafana):
    made = remote.connect(grafana.url, TOKEN)
    yield made
    made.client.s.close()


@pytest.fixture
def command(grafana, monkeypatch, tmp_path, capsys):
    """Run a command; return its exit code, lines and complaints."""
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    made = []
    connect = remote.connect

    def kept(*arguments):
        made.append(connect(*arguments))
        return made[-1]

    monkeypatch.setattr(remote, "connect", kept)

    def run(*arguments, url=grafana.url, token_file=token):
        where = ["--url", url, *(["--token-file", str(token_file)] if token_file else [])]
        code = cli.main([*arguments, *where])
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err.splitlines()

    yield run
    for one in made:
        one.client.s.close()


def built(language):
    start = f"dashboards/{language}/"
    return [json.loads(text) for name, text in files().items() if name.startswith(start)]


def test_push_sends_folders_and_dashboards_as_they_are_built(api, grafana):
    done = remote.push(api, files(), BOTH, dry=False)
    assert grafana.folders == {"amont-fr": "Eau", "amont-en": "Water"}
    for language in BOTH:
        for made in built(language):
            kept, folder = grafana.dashboards[made["uid"]]
            assert (kept | {"id": None, "version": 1}, folder) == (
                made | {"id": None, "version": 1},
                f"amont-{language}",
            )
    assert len(done) == 2 + len(built("fr")) + len(built("en"))
    assert all("Bearer" not in line and TOKEN not in line for line in done)


def test_what_is_there_already_is_not_sent_again(api, grafana):
    remote.push(api, files(), BOTH, dry=False)
    grafana.requests.clear()
    assert remote.push(api, files(), BOTH, dry=False) == []
    assert grafana.asked("POST") == []


def test_what_somebody_changed_or_moved_is_set_right(api, grafana):
    remote.push(api, files(), ("fr",), dry=False)
    first, *rest = list(grafana.dashboards)
    changed, folder = grafana.dashboards[first]
    grafana.dashboards[first] = (changed | {"title": "À moi"}, folder)
    assert remote.push(api, files(), ("fr",), dry=False) == [
        f"changed dashboard {built('fr')[0]['title']}"
    ]
    kept, _ = grafana.dashboards[first]
    grafana.dashboards[first] = (kept, "elsewhere")
    assert len(remote.push(api, files(), ("fr",), dry=False)) == 1
    assert grafana.dashboards[first][1] == "amont-fr"
    assert all(grafana.dashboards[uid][0]["version"] == 1 for uid in rest)


def test_a_dry_run_says_the_same_and_sends_nothing(command, grafana, monkeypatch):
    for name, value in INFLUX.items():
        monkeypatch.setenv(name, value)
    code, would, _ = command("push", "--dry-run", "--sources")
    assert code == 0
    assert grafana.asked("POST") == []
    assert command("push", "--sources")[1] == would
    assert command("push", "--sources") == (0, ["✓"], [])


def test_missing_data_sources_are_made_and_those_there_are_left(api, grafana):
    first = SOURCES[0]
    grafana.sources[first.uid] = {"name": first.name, "uid": first.uid, "url": "http://mine"}
    remote.push_sources(api, INFLUX, dry=False)
    assert grafana.sources[first.uid]["url"] == "http://mine"
    assert {uid: s.get("jsonData", {}).get("dbName") for uid, s in grafana.sources.items()} == {
        "amont-history": None,
        "amont-hours": "eau_h",
        "amont-days": "eau_d",
    }
    made = grafana.sources["amont-days"]
    assert (made["type"], made["user"], made["jsonData"]["timeInterval"]) == (
        "influxdb",
        "reader",
        "1d",
    )
    assert made["secureJsonData"] == {"password": "secret of a test"}


def test_a_data_source_without_its_settings_names_them(api, grafana):
    with pytest.raises(remote.RemoteError, match="set AMONT_INFLUX_URL, AMONT_INFLUX_DATABASE"):
        remote.push_sources(api, {"AMONT_INFLUX_USER": "x"}, dry=False)
    assert grafana.sources == {}


def test_an_older_grafana_gets_colours_that_it_knows(command, grafana):
    assert command("push", "--older")[0] == 0
    sent = json.dumps(list(grafana.dashboards.values()))
    assert "palette-classic-by-name" in sent
    assert "palette-colorblind" not in sent
    assert "palette-colorblind" in json.dumps(built("fr"))


def test_one_language_can_be_pushed_alone(command, grafana):
    assert command("push", "--language", "en")[0] == 0
    assert grafana.folders == {"amont-en": "Water"}
    assert {uid[-3:] for uid in grafana.dashboards} == {"-en"}


def test_a_dashboard_that_comes_from_a_file_is_left_alone(command, grafana):
    remade = built("fr")[0]
    grafana.folders["amont-fr"] = "Eau"
    grafana.dashboards[remade["uid"]] = ({**remade, "id": 4, "panels": []}, "amont-fr")
    grafana.provisioned.add(remade["uid"])
    code, _, (said,) = command("push", "--language", "fr")
    assert code == cli.WRONG
    assert "reads it from a file" in said
    assert grafana.dashboards[remade["uid"]][0]["panels"] == []


def test_alert_rules_are_sent_in_one_language(command, grafana):
    code, done, _ = command("push", "--language", "fr", "--alerts", "fr")
    assert code == 0
    groups = alerts.groups("fr")
    assert [line for line in done if "alerts" in line] == [
        f"new alerts {group['name']}" for group in groups
    ]
    sent = {name: body for (_, name), body in grafana.groups.items()}
    for group in groups:
        rules = sent[group["name"]]["rules"]
        assert [rule["uid"] for rule in rules] == [rule["uid"] for rule in group["rules"]]
        for made, asked in zip(rules, group["rules"], strict=True):
            assert made["data"] == asked["data"]
            opened = made["annotations"].get("__dashboardUid__")
            assert opened == asked.get("dashboardUid")
    assert command("push", "--language", "fr", "--alerts", "fr")[1] == ["✓"]


def test_what_grafana_adds_to_a_rule_is_no_change_and_what_it_lost_is(command, grafana):
    command("push", "--alerts", "en")
    for group in grafana.groups.values():
        for rule in group["rules"]:
            rule.update(id=7, provenance="api", updated="2026-11-23T08:00:00Z")
    assert command("push", "--alerts", "en")[1] == ["✓"]
    first = next(iter(grafana.groups.values()))
    first["rules"][0]["for"] = "9h"
    assert command("push", "--alerts", "en")[1] == [f"changed alerts {first['title']}"]
    assert first is not next(iter(grafana.groups.values()))


def test_backup_keeps_everything_for_its_owner_alone(command, grafana, tmp_path):
    command("push")
    grafana.sources["amont-days"] = {"name": "Amont · 1 d", "secureJsonData": {"password": "x"}}
    out = tmp_path / "kept"
    code, written, failed = command("backup", "--out", str(out))
    assert (code, failed) == (0, [])
    assert [str(path) for path in sorted(out.rglob("*.json"))] == sorted(written)
    for uid, (made, folder) in grafana.dashboards.items():
        kept = json.loads((out / "dashboards" / f"{uid}.json").read_text())
        assert (kept["dashboard"], kept["meta"]["folderUid"]) == (made, folder)
    assert json.loads((out / "data-sources.json").read_text()) == [{"name": "Amont · 1 d"}]
    assert {path.stat().st_mode & 0o777 for path in out.rglob("*.json")} == {0o600}


def test_backup_never_writes_over_another(command, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "folders.json").write_text("the last one")
    code, written, (said,) = command("backup", "--out", str(tmp_path / "kept"))
    assert (code, written) == (cli.WRONG, [])
    assert "not empty" in said
    assert (tmp_path / "kept" / "folders.json").read_text() == "the last one"


def test_backup_keeps_the_rest_and_says_what_it_could_not_read(command, grafana, tmp_path):
    command("push")
    grafana.forbidden.add(("GET", "/api/v1/provisioning/contact-points"))
    code, written, (said,) = command("backup", "--out", str(tmp_path / "kept"))
    assert code == cli.WRONG
    assert said.startswith("amont-dashboards backup: contact-points: You'll need")
    assert len(written) == len(grafana.dashboards) + 6


def test_backup_says_when_grafana_lists_no_more(api, grafana, monkeypatch, tmp_path):
    remote.push(api, files(), BOTH, dry=False)
    monkeypatch.setattr(remote, "SEARCH_MAX", len(grafana.dashboards))
    with pytest.raises(remote.RemoteError, match="lists no more"):
        remote.backup(api, tmp_path / "kept")


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("POST", "/api/folders", "folder Eau: You'll need"),
        ("POST", "/api/dashboards/db", "needs the role Editor"),
        ("GET", "/api/dashboards/uid", "needs the role Editor"),
    ],
)
def test_a_token_that_may_not_says_so_in_one_line(command, grafana, method, path, says):
    grafana.forbidden.add((method, path))
    code, _, (said,) = command("push")
    assert code == cli.WRONG
    assert says in said
    assert TOKEN not in said


def test_a_refused_token_and_a_missing_one(command, tmp_path, grafana):
    wrong = tmp_path / "wrong"
    wrong.write_text("glsa_wrong")
    code, _, (said,) = command("push", token_file=wrong)
    assert (code, "glsa_wrong" in said) == (cli.WRONG, False)
    assert "the token is refused" in said
    code, _, (said,) = command("push", token_file=None)
    assert (code, said) == (
        cli.WRONG,
        "amont-dashboards push: no token: set AMONT_GRAFANA_TOKEN, or name a --token-file",
    )
    assert grafana.dashboards == {}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "no address of a Grafana"),
        ("ftp://grafana.example", "no address of a Grafana"),
        ("http://me:word@grafana.example", "only the address goes there"),
        ("http://127.0.0.1:9", "Grafana does not answer (ConnectionError)"),
    ],
)
def test_an_address_that_is_none(command, url, says):
    code, _, (said,) = command("push", url=url)
    assert code == cli.WRONG
    assert says in said


def test_a_login_page_in_front_is_told_apart(command, grafana):
    grafana.page = b"<html>Please log in</html>"
    code, _, (said,) = command("push")
    assert code == cli.WRONG
    assert "no Grafana answers there" in said


def test_without_the_extra_the_command_names_it(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "grafana_client", None)
    code, _, (said,) = command("push")
    assert code == cli.WRONG
    assert "pip install 'amont[grafana]'" in said
