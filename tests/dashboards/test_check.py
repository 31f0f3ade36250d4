"""The generated files are up to date and keep the rules; each rule fails on a planted fault."""

import copy
import json
import re
from pathlib import Path

import pytest
import yaml

from amont_dashboards import cli, words
from amont_dashboards.boards.duty import BOARD as DUTY
from amont_dashboards.check import differences, faults
from amont_dashboards.model import Column, Query
from amont_dashboards.render import dashboard, files
from amont_gateway import series

FOLDER = Path(__file__).parents[2] / "dashboards" / "grafana"


@pytest.fixture
def duty():
    return copy.deepcopy(dashboard(DUTY, "en"))


def test_committed_files_are_what_the_model_makes():
    assert cli.check(FOLDER) == []


def test_both_languages_differ_in_words_only():
    fr, en = dashboard(DUTY, "fr"), dashboard(DUTY, "en")
    assert differences(fr, en) == []
    assert [p["title"] for p in fr["panels"]] != [p["title"] for p in en["panels"]]


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (lambda d: d["panels"][0].update(description=""), "no description"),
        (lambda d: d["panels"][6]["fieldConfig"]["defaults"].pop("unit"), "neither a unit"),
        (
            lambda d: d["panels"][6]["targets"][0].update(query="SELECT * FROM a"),
            "selects everything",
        ),
        (lambda d: d["panels"][6]["targets"][0].update(query="SELECT a FROM b"), "no time filter"),
        (
            lambda d: d["panels"][6]["targets"][0].update(
                query="SELECT sample(a, 3) FROM b WHERE $timeFilter SLIMIT 1"
            ),
            "not understood by every InfluxDB",
        ),
        (
            lambda d: d["panels"][6]["targets"][0].update(
                query="SELECT a FROM b WHERE $timeFilter GROUP BY time($__interval)"
            ),
            "without fill",
        ),
        (lambda d: d["panels"][1]["gridPos"].update(x=0), "lies over"),
        (lambda d: d["panels"][4]["gridPos"].update(x=22), "wider than 24"),
        (lambda d: d["panels"][1].update(targets=[]), "no query"),
        (lambda d: d["panels"][1]["fieldConfig"]["defaults"].pop("color"), "no colour mode"),
        (lambda d: d["panels"][1].update(id=d["panels"][0]["id"]), "same id"),
        (lambda d: d["panels"][1].update(datasource={"uid": "other"}), "another data source"),
        (lambda d: d.update(editable=True), "must not be editable"),
    ],
)
def test_each_rule_finds_its_fault(duty, plant, says):
    assert faults(duty) == []
    plant(duty)
    assert any(says in line for line in faults(duty))


def test_a_changed_query_in_one_language_is_found(duty):
    duty["panels"][0]["targets"][0]["query"] += " "
    assert differences(dashboard(DUTY, "fr"), duty) == [
        "Niveau par station / Level of each station: queries differ"
    ]


def test_a_panel_that_one_language_lacks_or_moves_is_found(duty):
    duty["panels"][1]["gridPos"]["h"] += 1
    del duty["panels"][-1]
    assert differences(dashboard(DUTY, "fr"), duty) == [
        "Sirènes / Sirens: gridPos.h differs",
        "Base de données: not in the other language",
    ]


def test_a_query_cannot_name_what_is_not_declared():
    with pytest.raises(ValueError, match=r"stage: not declared: \['level'\]"):
        Query(series.STAGE, (Column("last", "level"),))
    with pytest.raises(ValueError, match="zone"):
        Query(series.STAGE, (Column("last", "stage_mm"),), group=("zone",))


def test_every_code_has_words_in_both_languages():
    coded = [f for m in series.MEASUREMENTS for f in m.fields if f.codes]
    assert coded
    for field in coded:
        found = words.words(field)
        assert len(found) == len(field.codes)
        assert all(fr.strip() and en.strip() for (fr, en), _ in found)
        assert len({fr for (fr, _), _ in found}) == len(found), "two codes read the same"


def test_provisioning_points_to_the_folders_that_are_built():
    made = files()
    providers = yaml.safe_load(made["provisioning/dashboards/amont.yaml"])["providers"]
    for provider in providers:
        language = provider["options"]["path"].rpartition("/")[2]
        assert any(name.startswith(f"dashboards/{language}/") for name in made)
    declared = yaml.safe_load(made["provisioning/datasources/amont.yaml"])["datasources"]
    assert [(s["uid"], s["jsonData"]["dbName"]) for s in declared] == [
        ("amont-history", "${AMONT_INFLUX_DATABASE}"),
        ("amont-hours", "${AMONT_INFLUX_DATABASE}_h"),
        ("amont-days", "${AMONT_INFLUX_DATABASE}_d"),
    ]
    assert all(re.fullmatch(r"Amont( · 1 [hd])?", s["name"]) for s in declared)


def test_build_writes_only_what_differs(tmp_path):
    assert len(cli.build(tmp_path, dry_run=True)) == len(files())
    assert list(tmp_path.iterdir()) == []
    assert len(cli.build(tmp_path)) == len(files())
    assert cli.build(tmp_path) == []


def test_an_older_grafana_has_files_of_its_own(tmp_path):
    assert cli.main(["build", "--older", "--folder", str(tmp_path)]) == 0
    made = (tmp_path / "dashboards/fr/amont-duty.json").read_text()
    assert "palette-classic-by-name" in made
    assert "palette-colorblind" not in made


def test_command_builds_then_names_an_outdated_file(tmp_path, capsys):
    folder = ["--folder", str(tmp_path)]
    assert cli.main(["build", *folder]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(files())
    assert cli.main(["check", *folder]) == 0
    capsys.readouterr()
    target = tmp_path / "dashboards/fr/amont-duty.json"
    target.write_text("{}")
    assert cli.main(["check", "--json", *folder]) == cli.WRONG
    said = json.loads(capsys.readouterr().out)
    assert said == [f"{target}: out of date, run amont-dashboards build"]


def test_command_says_in_one_line_what_a_person_can_mend(tmp_path, capsys):
    (tmp_path / "dashboards").write_text("a file, where a folder must be")
    assert cli.main(["build", "--folder", str(tmp_path)]) == cli.WRONG
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "name another --folder" in said
