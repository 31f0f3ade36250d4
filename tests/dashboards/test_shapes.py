"""Every dashboard has the shape that Grafana's own types ask for; planted mistakes are seen."""

import copy
import json

import pytest
from tests.dashboards.every_kind import ALL, EVERY
from tests.dashboards.shapes import Shapes, generate

from amont_dashboards.check import broken_links, differences, faults
from amont_dashboards.model import KINDS
from amont_dashboards.render import dashboard, files


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return Shapes(generate(tmp_path_factory.mktemp("shapes")))


@pytest.fixture
def every():
    return copy.deepcopy(dashboard(EVERY, "en", ALL))


def panel(found, kind):
    return next(p for p in found["panels"] if p["type"] == kind)


def defaults(found, kind):
    return panel(found, kind)["fieldConfig"]["defaults"]


def test_built_dashboards_have_grafanas_shape(shapes):
    made = {name: text for name, text in files().items() if name.endswith(".json")}
    assert made
    wrong = [
        f"{n}: {line}" for n, text in made.items() for line in shapes.faults(json.loads(text))
    ]
    assert wrong == []


def test_every_kind_of_panel_has_grafanas_shape(shapes, every):
    assert {p["type"] for p in every["panels"]} == {*KINDS}
    assert shapes.faults(every) == []


def test_every_kind_keeps_the_rules(every):
    assert faults(every) == []
    assert differences(dashboard(EVERY, "fr", ALL), every) == []
    both = [dashboard(source, language, ALL) for source in ALL for language in ("fr", "en")]
    assert broken_links(both) == []


PLANTED = {
    "a threshold mode that is none": (
        lambda d: defaults(d, "stat")["thresholds"].update(mode="relative"), "relative"),
    "a width in words": (lambda d: panel(d, "stat")["gridPos"].update(w="six"), "'six'"),
    "a refresh that is none": (
        lambda d: d["templating"]["list"][1].update(refresh=9), "9 is not one of"),
    "a kind in numbers": (lambda d: panel(d, "text").update(type=3), "no such kind"),
    "a kind that is none": (lambda d: panel(d, "text").update(type="texte"), "no such kind"),
    "a colour mode that is none": (
        lambda d: defaults(d, "stat")["color"].update(mode="colourful"), "colourful"),
    "an override without a matcher's id": (
        lambda d: panel(d, "table")["fieldConfig"]["overrides"][0]["matcher"].pop("id"), "'id'"),
    "a time in numbers": (lambda d: d["time"].update({"from": 5}), "5 is not of type"),
    "an option that is none": (
        lambda d: panel(d, "stat")["options"].update(colourMode="value"), "colourMode"),
    "an option left out": (lambda d: panel(d, "gauge")["options"].pop("shape"), "'shape'"),
    "a choice that is none": (
        lambda d: panel(d, "bargauge")["options"].update(displayMode="nice"), "'nice'"),
    "an unknown line": (
        lambda d: defaults(d, "timeseries")["custom"].update(lineColour=1), "custom.lineColour"),
    "a threshold drawn as none is": (
        lambda d: defaults(d, "timeseries")["custom"]["thresholdsStyle"].update(mode="dots"),
        "'dots'"),
    "an override of nothing": (
        lambda d: panel(d, "table")["fieldConfig"]["overrides"][0]["properties"].append(
            {"id": "displayname", "value": "x"}), "no property displayname"),
    "a cell that is none": (
        lambda d: panel(d, "table")["fieldConfig"]["overrides"][0]["properties"].append(
            {"id": "custom.cellOptions", "value": {"type": "colour"}}), "custom.cellOptions"),
    "a dash in words": (
        lambda d: panel(d, "timeseries")["fieldConfig"]["overrides"][0]["properties"].append(
            {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": "10 6"}}), "10 6"),
    "a map without layers": (lambda d: panel(d, "geomap")["options"].pop("layers"), "'layers'"),
    "a layer without a kind": (
        lambda d: panel(d, "geomap")["options"]["layers"][0].pop("type"), "'type'"),
    "a mapping without its kind": (
        lambda d: defaults(d, "state-timeline")["mappings"][0].pop("type"), "'type'"),
    "a link without a title": (lambda d: d["links"][0].pop("title"), "'title'"),
    "a query without a letter": (
        lambda d: panel(d, "stat")["targets"][0].pop("refId"), "'refId'"),
    "a result that is none": (
        lambda d: panel(d, "stat")["targets"][0].update(resultFormat="rows"), "'rows'"),
    "an annotation without a colour": (
        lambda d: d["annotations"]["list"][0].pop("iconColor"), "'iconColor'"),
    "a field on the wrong level": (lambda d: panel(d, "stat").update(unit="m"), "'unit'"),
}  # fmt: skip


@pytest.mark.parametrize(("plant", "says"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_mistake_is_seen(shapes, every, plant, says):
    plant(every)
    found = shapes.faults(every)
    assert any(says in line for line in found), found
