"""Each rule of the lint finds its planted fault on a dashboard with every kind of panel."""

import copy

import pytest
from tests.dashboards.every_kind import ALL, EVERY

from amont_dashboards.check import broken_links, differences, faults
from amont_dashboards.model import Column, Panel, Query
from amont_dashboards.render import dashboard
from amont_dashboards.units import unit_of
from amont_dashboards.words import head
from amont_gateway import series


@pytest.fixture
def every():
    return copy.deepcopy(dashboard(EVERY, "en", ALL))


@pytest.fixture
def both():
    return [copy.deepcopy(dashboard(one, lang, ALL)) for one in ALL for lang in ("fr", "en")]


def panel(found, kind):
    return next(p for p in found["panels"] if p["type"] == kind)


def defaults(found, kind):
    return panel(found, kind)["fieldConfig"]["defaults"]


def query(found, kind, text, number=0):
    panel(found, kind)["targets"][number]["query"] = text


def band(found, name):
    for override in panel(found, "timeseries")["fieldConfig"]["overrides"]:
        for prop in override["properties"]:
            if prop["id"] == "custom.fillBelowTo":
                prop["value"] = name


IN_TIME = "SELECT mean(a) FROM b WHERE $timeFilter GROUP BY time($__interval)"
PLANTED = {
    "a unit that Grafana has not": (
        lambda d: defaults(d, "stat").update(unit="m3h"), "Grafana has no unit m3h"),
    "a column's unit that Grafana has not": (
        lambda d: panel(d, "table")["fieldConfig"]["overrides"][2]["properties"].append(
            {"id": "unit", "value": "metre"}), "Grafana has no unit metre"),
    "a colour without words": (
        lambda d: defaults(d, "state-timeline")["mappings"][0]["options"]["1"].update(text=" "),
        "a colour without words"),
    "a band down to nothing": (lambda d: band(d, "5 %"), "fills down to 5 %, which no query"),
    "a band down to many": (
        lambda d: (band(d, "$tag_zone"), panel(d, "timeseries")["targets"][1].update(
            alias="$tag_zone")), "Grafana needs one name"),
    "a variable that is not there": (
        lambda d: query(d, "stat", "SELECT a FROM b WHERE $timeFilter AND c =~ /^${town:regex}$/"),
        "town is no variable here"),
    "grouped by time without fill": (lambda d: query(d, "stat", IN_TIME), "without fill"),
    "everything of everything": (
        lambda d: query(d, "stat", "SELECT mean(a), * FROM b WHERE $timeFilter"),
        "selects everything"),
    "what 3 Core lacks": (
        lambda d: query(d, "stat", "SELECT holt_winters(a, 3, 3) FROM b WHERE $timeFilter"),
        "holt_winters is not understood"),
    "a name by a tag that is not grouped": (
        lambda d: panel(d, "gauge")["targets"][0].update(alias="$tag_town $tag_zone"),
        "named by town"),
    "lines with one name": (
        lambda d: panel(d, "gauge")["targets"][0].update(alias="Night flow"),
        "lines that zone tells apart have one name"),
    "a query beside its panel's source": (
        lambda d: panel(d, "stat")["targets"][0]["datasource"].update(uid="amont-history"),
        "asks another data source than its panel"),
    "a transformation that is none": (
        lambda d: panel(d, "table")["transformations"][0].update(id="joinByColumn"),
        "no transformation joinByColumn"),
    "repeated for nothing": (
        lambda d: panel(d, "stat").update(repeat="town"), "which is no variable"),
    "text without description": (
        lambda d: panel(d, "text").update(description=""), "no description"),
    "a heading without words": (lambda d: panel(d, "row").update(title=""), "no title"),
    "a link that forgets the choices": (
        lambda d: d["links"][0].update(includeVars=False), "loses the time or the choices"),
    "asking again too often": (lambda d: d.update(refresh="5s"), "asks again every 5s"),
    "a uid too long": (lambda d: d.update(uid="amont-" * 7), "at most 40"),
    "no description at all": (lambda d: d.update(description=""), "no description"),
    "a variable without a label": (
        lambda d: d["templating"]["list"][1].update(label=""), "variable zone: no label"),
    "a variable from elsewhere": (
        lambda d: d["templating"]["list"][1].update(datasource={"uid": "prometheus"}),
        "variable zone: another data source"),
    "a variable that 3 Core cannot list": (
        lambda d: d["templating"]["list"][1].update(query="SHOW SERIES FROM b"),
        "SHOW SERIES is not understood"),
    "marks from elsewhere": (
        lambda d: d["annotations"]["list"][0].update(datasource={"uid": "x"}),
        "annotation Repairs: another data source"),
    "marks of all times": (
        lambda d: d["annotations"]["list"][0]["target"].update(query="SELECT fr FROM event"),
        "annotation Repairs: no time filter"),
}  # fmt: skip


@pytest.mark.parametrize(("plant", "says"), PLANTED.values(), ids=PLANTED.keys())
def test_each_rule_finds_its_fault(every, plant, says):
    plant(every)
    found = faults(every)
    assert any(says in line for line in found), found


def test_the_page_of_one_thing_that_shows_all_is_found(every):
    every["templating"]["list"][1]["multi"] = False
    assert not [line for line in faults(every) if "shows every" in line]
    every["tags"] = ["amont", "en", "L2"]
    found = [line for line in faults(every) if "shows every zone" in line]
    assert found[0].startswith("A state-timeline: shows every zone, not the one that is chosen")


def test_links_that_lead_nowhere_are_found(both):
    assert broken_links(both) == []
    lost = copy.deepcopy(both)
    lost[0]["links"][0]["url"] = "/d/amont-gone-fr"
    assert broken_links(lost) == [
        "Tout: leads to amont-gone-fr, which is not there",
    ]
    wrong = copy.deepcopy(both)
    wrong[2]["templating"]["list"] = []
    assert {line for line in broken_links(wrong)} == {
        "Tout: sets zone, which amont-other-fr does not have"
    }


def test_a_dashboard_that_nobody_reaches_is_found(both):
    for one in both[:2]:
        one["links"] = []
        one["panels"] = []
    assert broken_links(both) == [
        "Autre: no other dashboard leads here",
        "Other: no other dashboard leads here",
    ]


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (lambda d: defaults(d, "stat")["thresholds"]["steps"][1].update(value=4), "value differs"),
        (lambda d: d["templating"]["list"].pop(), "templating"),
        (lambda d: d["time"].update({"from": "now-1h"}), "time.from differs"),
        (lambda d: d["annotations"]["list"][0].update(iconColor="red"), "iconColor differs"),
        (lambda d: panel(d, "table")["options"].update(showHeader=False), "showHeader differs"),
    ],
)
def test_what_differs_between_languages_but_words_is_found(every, plant, says):
    french = dashboard(EVERY, "fr", ALL)
    assert differences(french, every) == []
    plant(every)
    assert any(says in line for line in differences(french, every))


def test_the_model_refuses_what_cannot_be_shown():
    asked = (Query(series.FLOW, (Column("mean", "flow_l_h", 7.0),)),)
    with pytest.raises(ValueError, match=r"flow.flow_l_h: no unit for l/h times 7"):
        unit_of(asked[0], asked[0].columns[0])
    with pytest.raises(ValueError, match="no kind of panel: graph"):
        Panel("graph", ("a", "b"), ("", ""), asked, (1, 1))
    with pytest.raises(ValueError, match="text with 1 queries"):
        Panel("text", ("a", "b"), ("", ""), asked, (1, 1))
    with pytest.raises(ValueError, match="nothing: no words for this column"):
        head("nothing")
    with pytest.raises(ValueError, match="not declared: \\['~'\\]"):
        Query(series.FLOW, (Column("mean", "flow_l_h"),), only=(("flow_l_h", "~", 1.0),))


def test_a_query_asks_the_source_that_holds_it():
    by_hour = series.by(series.HOURS, series.FLOW)
    asked = {
        Query(series.FLOW, (Column("mean", "flow_l_h"),)).asks: "${detail}",
        Query(series.FLOW, (Column("max", "quality"),)).asks: "amont-history",
        Query(by_hour, (Column("max", "max_flow_l_h"),)).asks: "amont-hours",
        Query(series.ZONE_DAY, (Column("", "inflow_m3"),)).asks: "amont-days",
    }
    assert all(uid == wanted for uid, wanted in asked.items())
    assert len(asked) == 4


def test_queries_of_queries_keep_time_within_bounds():
    asked = Query(
        series.ZONE_STATE,
        (Column("last", "verdict"), Column("last", "leak_l_h", 0.001)),
        ("zone",),
        fill="null",
        every="1h",
        outer="sum",
        having=(("verdict", "=", 2),),
    )
    assert asked.influxql() == (
        'SELECT sum("leak_l_h") AS "leak_l_h" FROM (SELECT last("verdict") AS "verdict",'
        ' last("leak_l_h") * 0.001 AS "leak_l_h" FROM "zone_state" WHERE $timeFilter'
        ' GROUP BY time(1h), "zone" fill(none)) WHERE $timeFilter AND "verdict" = 2'
        " GROUP BY time(1h) fill(null)"
    )
    ratio = Column("last({}) - last({watch_mm})", "stage_mm", name="above")
    kept = Query(
        series.STATION_STATE,
        (ratio,),
        tags=(("station", ("a", "b")),),
        only=(("level", ">=", 2),),
        newest_first=True,
        limit=5,
    )
    assert kept.influxql() == (
        'SELECT last("stage_mm") - last("watch_mm") AS "above" FROM "station_state" WHERE'
        ' $timeFilter AND "station" =~ /^(a|b)$/ AND "level" >= 2 ORDER BY time DESC LIMIT 5'
    )
