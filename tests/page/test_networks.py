"""What people read of a network: the verdict, where to look, why; beside the zones."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import msgspec
import pytest
from playwright.sync_api import Page, expect
from tests.page import sample_networks as sample
from tests.page.conftest import PICTURES
from tests.page.sample_views import NOW_MS
from tests.page.site_script import Script

from amont_gateway import series
from amont_gateway.page.card import Card
from amont_gateway.page.render import renderer_for
from amont_gateway.page.texts import TEXTS
from amont_gateway.running import describe
from amont_gateway.view import Network, View
from amont_gateway.view_network import NetworkLeak
from amont_gateway.vitals import vital_lines

LEAK = sample.leak()
RENDERER = renderer_for("Europe/Paris")


def pieces(view: View, lang: str) -> dict[str, str]:
    return RENDERER.fragments(Card(view, lang, RENDERER.zone, None))


def words(network: Network, lang: str = "en") -> str:
    text = pieces(sample.view(network), lang)["network-0-words"]
    return text.replace("\u00a0", " ")


def test_a_leak_is_told_with_its_size_its_time_and_its_place() -> None:
    english = words(sample.network(NOW_MS, LEAK))
    assert "Probable leak: ≈ 3.2 m³/h, since yesterday" in english
    assert "Look first near: Post on the square, Upper post, not-of-this-site." in english
    assert "5 of 6" in english
    french = words(sample.network(NOW_MS, LEAK), "fr")
    assert "Fuite probable : ≈ 3,2 m³/h, depuis hier" in french
    assert "Chercher d’abord près de : Borne de la place, Borne du haut" in french


def test_two_leaks_are_counted_and_each_is_told() -> None:
    text = words(sample.network(NOW_MS, LEAK, sample.older_leak()))
    assert "2 probable leaks." in text
    assert text.count("<li>") == 2
    assert "Probable leak, since" in text
    assert "Look first near: Post at the mill." in text


def test_what_is_not_sure_is_watched() -> None:
    unsure = sample.network(NOW_MS, sample.leak(probability=0.3), verdict="watch")
    assert "To watch: perhaps a leak ≈ 3.2 m³/h" in words(unsure)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Not enough readings for an opinion."),
        ({"learning": True}, "Learning: a week of readings is needed."),
        ({"model_status": "fault"}, "The search for leaks has failed: no opinion."),
        ({"verdict": "normal", "model_status": "ok"}, "No leak in sight"),
        ({"verdict": "watch", "model_status": "ok"}, "To watch: pressures are changing"),
    ],
)
def test_what_is_not_known_is_said(change: dict[str, object], said: str) -> None:
    network = sample.network(NOW_MS, verdict="unknown")
    assert said in words(msgspec.structs.replace(network, **change))


def test_why_shows_what_was_read_before_and_after() -> None:
    found = pieces(sample.view(sample.network(NOW_MS, LEAK)), "en")["network-0-why"]
    text = found.replace("\u00a0", " ")
    for part in (
        "4.12 bar",
        "3.91 bar",
        "14.2 m³/h",
        "17.5 m³/h",
        "88%",
        "11.4, threshold 7.0",
        "Post on the square",
    ):
        assert part in text
    assert "Nothing has changed" in pieces(sample.view(sample.network()), "en")["network-0-why"]
    learning = sample.view(sample.network(verdict="unknown"))
    assert "nothing to explain" in pieces(learning, "en")["network-0-why"]


def test_the_page_has_a_section_for_each_network(script: Script, http: httpx.Client) -> None:
    script.change = lambda view: sample.put(view, sample.network(NOW_MS, LEAK), sample.network())
    page = http.get("/?lang=fr").text
    assert page.count("Réseau d’eau — La vallée") == 2
    assert page.count('data-live="network-') == 6


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_people_see_it_change_while_they_look(
    script: Script, open_page: Callable[..., Page], size: str
) -> None:
    script.change = lambda view: sample.put(view, sample.network(view.now_ms))
    page = open_page(size)
    card = page.locator("section", has=page.get_by_role("heading", name="Réseau d’eau"))
    expect(card).to_contain_text("Pas de fuite visible")
    script.change = lambda view: sample.put(view, sample.network(view.now_ms, LEAK))
    script.version += 1
    expect(card.locator(".verdict.leak")).to_contain_text("Fuite probable")
    card.get_by_text("Pourquoi").click()
    expect(card.get_by_role("cell", name="3,91 bar")).to_be_visible()
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    PICTURES.mkdir(parents=True, exist_ok=True)
    card.screenshot(path=PICTURES / f"network-{size}.png")


def test_the_sentences_exist_for_every_verdict() -> None:
    for verdict in series.VERDICTS:
        assert f"network.{verdict}" in TEXTS


def test_status_and_history_tell_of_networks() -> None:
    view = sample.view(sample.network(NOW_MS, LEAK, sample.older_leak()))
    assert [x for x in describe(msgspec.to_builtins(view)) if "network" in x] == [
        "network vallee: leak, 5 of 6 pressures heard",
        "leak in network vallee: since 2023-11-01T12:05Z, 3200 l/h, near pression-place, "
        "pression-haut, not-of-this-site",
        "leak in network vallee: since 2023-10-19T05:05Z, size not known, near pression-moulin",
    ]
    (point,) = [x for x in vital_lines(view) if x.startswith("network_state,")]
    head, fields, at_ms = point.split(" ")
    assert head == "network_state,network=vallee,site=sainte-amonette"
    assert set(fields.split(",")) >= {
        "verdict=2i", "model_status=0i", "leaks=2i", "leak_l_h=3200.0", "leak_probability=0.88",
        "pressures_heard=5i",
    }  # fmt: skip
    assert int(at_ms) == NOW_MS


FLOWS = {"pressures": 0, "heard": 0, "meters": 3, "meters_heard": 3, "model": "network-inflow"}
UNPLACED = {"sensors": [], "before_kpa": [], "after_kpa": []}


def by_flows(*leaks: NetworkLeak, **more: object) -> Network:
    return msgspec.structs.replace(sample.network(NOW_MS, *leaks), **FLOWS | more)


def test_a_network_without_pressures_speaks_of_its_flows_alone() -> None:
    calm = words(by_flows())
    assert "No leak in sight by flows." in calm
    assert "ressure" not in calm
    assert "Flows, levels heard" in calm
    assert "3 of 3" in calm
    leak = msgspec.structs.replace(LEAK, **UNPLACED)
    leaking = words(by_flows(leak), "fr")
    assert "Fuite probable : ≈ 3,2 m³/h" in leaking
    assert "Les débits seuls ne disent pas où chercher." in leaking
    assert words(by_flows(leak, leak)).count("Flows alone do not tell where to look.") == 1
    why = pieces(sample.view(by_flows(leak)), "en")["network-0-why"].replace("\u00a0", " ")
    assert "14.2 m³/h" in why
    assert "bar" not in why
    assert (
        "flows take their usual course" in (pieces(sample.view(by_flows()), "en")["network-0-why"])
    )
    unknown = by_flows(verdict="unknown", model_status="no data", learning=True, model="")
    assert "Learning: two weeks of readings are needed." in words(unknown)


def test_a_lower_rung_is_said_with_what_is_silent() -> None:
    fallen = {"pressures": 6, "heard": 1, "meters_heard": 2, "rung": "flows only"}
    made = by_flows(**fallen, left_out=["pression-place"])  # any sensor's name will do
    english = words(made)
    assert "Judged by flows alone, for too many pressures are silent" in english
    assert "Judged without Post on the square: silent." in english
    assert "1 of 6" in english
    assert "2 of 3" in english
    several = msgspec.structs.replace(made, left_out=["cuve", "pompe"])
    assert "Jugé sans cuve, pompe, qui ne répondent plus." in words(several, "fr")
    status = [x for x in describe(msgspec.to_builtins(sample.view(several))) if "vallee" in x]
    assert status == [
        "network vallee: normal, 1 of 6 pressures heard, 2 of 3 flows and levels heard, "
        "judged by the flows alone, judged without cuve, pompe"
    ]


def test_history_does_not_count_pressures_that_a_network_has_not() -> None:
    (point,) = [x for x in vital_lines(sample.view(by_flows())) if x.startswith("network_state,")]
    assert "pressures_heard" not in point


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_people_see_a_network_without_pressures(
    script: Script, open_page: Callable[..., Page], size: str
) -> None:
    leak = msgspec.structs.replace(LEAK, **UNPLACED)
    script.change = lambda view: sample.put(view, by_flows(leak, leak), by_flows())
    page = open_page(size)
    card = page.locator("section", has=page.get_by_role("heading", name="Réseau d’eau")).first
    expect(card).to_contain_text("2 fuites probables")
    card.get_by_text("Pourquoi").click()
    expect(card.get_by_role("cell", name="17,5").first).to_be_visible()
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    PICTURES.mkdir(parents=True, exist_ok=True)
    card.screenshot(path=PICTURES / f"network-flows-{size}.png")
