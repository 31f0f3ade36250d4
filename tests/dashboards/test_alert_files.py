"""The alert files: up to date, of Grafana's form, and each rule of the check finds its fault."""

import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.dashboards.alert_schema import FILE

from amont_dashboards.alerts import check, policies, render, rules
from amont_dashboards.alerts.model import Look, Rule

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(FILE)
RULES, CONTACTS = "alerting/fr/amont-rules.yaml", "alerting/fr/amont-contact-points.yaml"
POLICIES = "alerting/fr/amont-policies.yaml"


@pytest.fixture(scope="module")
def made():
    return render.files()


@pytest.fixture
def documents():
    return render.documents()


def rule(documents, uid="amont-flood-watch", name=RULES):
    (found,) = [r for g in documents[name]["groups"] for r in g["rules"] if r["uid"] == uid]
    return found


def test_the_files_are_of_grafanas_form_and_keep_the_rules(documents):
    for name, document in documents.items():
        assert not [e.message for e in VALIDATOR.iter_errors(document)], name
    assert check.faults(documents) == []


def test_the_committed_files_are_what_the_model_makes(made):
    read = {name: yaml.safe_load(text) for name, text in made.items()}
    assert read == render.documents()
    for name, text in made.items():
        assert (ROOT / "dashboards/grafana" / name).read_text(encoding="utf-8") == text


def test_one_language_is_whole_in_its_folder(documents):
    """What a site copies holds all that its rules and policies name."""
    for language in ("fr", "en"):
        names = [n for n in documents if n.startswith(f"alerting/{language}/")]
        keys = {key for name in names for key in documents[name]}
        assert keys >= {"groups", "contactPoints", "policies", "muteTimes", "templates"}


def test_both_languages_have_the_same_uids_and_other_words():
    fr, en = (
        {r["uid"]: r for group in render.groups(language) for r in group["rules"]}
        for language in ("fr", "en")
    )
    assert list(fr) == list(en)
    for uid, one in fr.items():
        assert one["title"] != en[uid]["title"]
        for key, text in one["annotations"].items():
            assert text != en[uid]["annotations"][key]


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (lambda d: rule(d).update(uid="amont flood"), "no uid"),
        (lambda d: rule(d).update(uid="amont-flood-alarm"), "two rules have the uid"),
        (lambda d: rule(d).update(title="Crue : alarme"), "two rules have the title"),
        (lambda d: rule(d)["labels"].update(severity="loud"), "no severity"),
        (lambda d: rule(d, "amont-flood-alarm").update({"for": "1h"}), "critical, and waits 1h"),
        (lambda d: rule(d).update(noDataState="NoData"), "once for each rule"),
        (lambda d: rule(d).update(execErrState="Error"), "once for each rule"),
        (lambda d: rule(d).update(noDataState="Alerting"), "nothing comes any more"),
        (lambda d: rule(d).pop("panelId"), "opens no panel"),
        (lambda d: rule(d)["data"].pop(0), "V1 asks Q1"),
        (lambda d: rule(d)["data"].pop(), "does not end in a threshold"),
        (lambda d: rule(d).update(condition="Z"), "does not end in a threshold"),
        (lambda d: rule(d)["data"][0].update(datasourceUid="other"), "no data source"),
        (
            lambda d: rule(d)["data"][0]["relativeTimeRange"].update({"from": 0}),
            "looks at no time",
        ),
        (
            lambda d: rule(d)["data"][0]["model"].update(query='SELECT a FROM b GROUP BY "site"'),
            "no time filter",
        ),
        (
            lambda d: rule(d)["data"][0]["model"].update(
                query='SELECT a FROM b WHERE $timeFilter AND c = $station GROUP BY "site"'
            ),
            "station is no variable",
        ),
        (
            lambda d: rule(d)["data"][0]["model"].update(
                query="SELECT a FROM b WHERE $timeFilter"
            ),
            "one site from another",
        ),
        (lambda d: rule(d)["annotations"].update(first=""), "no first"),
        (lambda d: rule(d)["annotations"].update(first="${HOME}"), "environment"),
        (lambda d: rule(d)["annotations"].update(first="{{ .Labels.gauge }}"), "names gauge"),
        (lambda d: rule(d)["labels"].update(domain="$HOME"), "$HOME is not documented"),
        (lambda d: rule(d)["data"][0]["relativeTimeRange"].update(to=60), "languages"),
        (
            lambda d: d[CONTACTS]["contactPoints"][0]["receivers"][0].update(type="mqtt"),
            "mqtt is not for people",
        ),
        (lambda d: d[CONTACTS]["contactPoints"].pop(), "nobody is amont-duty"),
        (
            lambda d: d[POLICIES]["policies"][0]["routes"][0].update(
                mute_time_intervals=["amont-closed"]
            ),
            "at any hour",
        ),
        (lambda d: d[POLICIES]["policies"][0]["routes"].pop(0), "at any hour"),
        (
            lambda d: d[POLICIES]["policies"][0]["routes"][1].update(mute_time_intervals=["x"]),
            "no mute timing x",
        ),
        (
            lambda d: d[POLICIES]["policies"][0].update(repeat_interval="1m"),
            "repeats before it looks again",
        ),
    ],
)
def test_each_rule_of_the_check_finds_its_fault(documents, plant, says):
    plant(documents)
    assert any(says in line for line in check.faults(documents)), check.faults(documents)


def test_every_template_opens_and_closes(documents):
    """Go's templates: each if, with, range and define has its end, and nothing is left over."""
    texts = [
        text
        for document in documents.values()
        for group in document.get("groups", ())
        for one in group["rules"]
        for text in one["annotations"].values()
    ]
    texts += [t["template"] for d in documents.values() for t in d.get("templates", ())]
    assert len(texts) > 100
    for text in texts:
        depth = 0
        for action in re.findall(r"\{\{ (.*?) \}\}", text):
            word = action.split()[0]
            depth += (word in ("if", "with", "range", "define")) - (word == "end")
            assert depth >= 0, text
            assert word == "end" or re.match(r"(if|with|range|define|else|printf|re|\.)", word), (
                text
            )
        assert depth == 0, text
        assert not re.search(r"[{}]", re.sub(r"\{\{ .*? \}\}", "", text)), text


@pytest.mark.parametrize(
    "plant",
    [
        lambda d: rule(d).update({"for": "2 minutes"}),
        lambda d: rule(d).update(dashboardUid=""),
        lambda d: rule(d).pop("panelId"),
        lambda d: rule(d).update(keepFiring="5m"),
        lambda d: rule(d)["data"][-1]["model"]["conditions"][0]["evaluator"].update(params=[]),
        lambda d: rule(d)["data"][-1]["model"]["conditions"][0]["evaluator"].update(type="above"),
        lambda d: rule(d)["data"][0]["model"].update(resultFormat="table"),
        lambda d: rule(d)["data"][0].pop("relativeTimeRange"),
        lambda d: rule(d)["labels"].update(amont=True),
        lambda d: d[RULES]["groups"][0].update(folder="Eau/alertes"),
        lambda d: d[RULES].update(apiVersion="1"),
        lambda d: d[CONTACTS]["contactPoints"][0]["receivers"][0]["settings"].pop("addresses"),
        lambda d: d[POLICIES]["policies"][0]["routes"][0].update(object_matchers=["a=b"]),
        lambda d: d[POLICIES]["policies"].append(d[POLICIES]["policies"][0]),
    ],
)
def test_the_schema_catches_planted_mistakes(documents, plant):
    plant(documents)
    assert any([*VALIDATOR.iter_errors(document)] for document in documents.values())


def test_what_grafana_puts_in_from_its_environment_is_documented():
    for language in ("fr", "en"):
        page = (ROOT / f"docs/alerts.{language}.md").read_text(encoding="utf-8")
        for name in policies.VARIABLES:
            assert name in page


@pytest.mark.parametrize("at", [0, 1], ids=["fr", "en"])
def test_the_page_says_what_the_rules_say(at):
    """Every alert has its heading, what it means, what to do first; in the rules' own words."""
    page = (ROOT / f"docs/alerts.{('fr', 'en')[at]}.md").read_text(encoding="utf-8")
    said = {
        match[1]: match[2].strip()
        for match in re.finditer(r"^### .+? \(([a-z-]+)\)\n(.*?)(?=^##|\Z)", page, re.M | re.S)
    }
    assert list(said) == [one.uid for one in (*rules.RULES, rules.HEARTBEAT)]
    heading = ("À faire d'abord :", "First:")[at]
    for one in (*rules.RULES, rules.HEARTBEAT):
        assert f"### {one.title[at]} ({one.uid})\n" in page
        words = f"{one.means[at]}\n**{heading}** {one.first[at]}"
        assert said[one.uid].endswith(words), f"{one.uid}: the page should end in\n{words}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "sky"},
        {"severity": "loud"},
        {"fires": ("is", 1.0)},
        {"looks": ()},
        {"looks": rules.RULES[0].looks * 2},  # the second is not needed
        {"math": "$V1 > $V2"},
    ],
)
def test_a_rule_that_is_none_is_refused(wrong):
    one = rules.RULES[0]
    fields = {name: getattr(one, name) for name in one.__dataclass_fields__}
    with pytest.raises(ValueError, match="not possible"):
        Rule(**{**fields, **wrong})
    look = Look(one.looks[0].query, 60, reducer="mode")
    with pytest.raises(ValueError, match="reducer"):
        Rule(**{**fields, "looks": (look,)})
