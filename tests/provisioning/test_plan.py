"""The plan of a site: what is said, in which order, what is missing, and that its advice helps."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_provision import cli, cmd_plan, linkbudget, plan_advice, traffic
from amont_provision.output import Output
from amont_provision.plan import Outlook, Plan, plan
from amont_provision.plan_advice import Advice
from amont_provision.texts import say
from amont_site import Site
from amont_site import load as read
from amont_site.model import Node
from amont_site.radio import Bridge, Radio

DOCS = Path(__file__).parents[2] / "docs"
VALLEY, EXAMPLE = DOCS / "examples" / "valley.yaml", DOCS / "examples" / "site.yaml"
WIDTH = 80


@cache
def load(path: Path) -> Site:
    """Read a file of the documents once."""
    return read(path)


@pytest.fixture(scope="module")
def valley() -> Plan:
    return plan(load(VALLEY))


def of(found: Plan, node: int) -> Outlook:
    return next(one for one in found.nodes if one.node.id == node)


def with_node(site: Site, number: int, **changes: object) -> Site:
    nodes = [
        msgspec.structs.replace(node, **changes) if node.id == number else node
        for node in site.nodes
    ]
    return msgspec.structs.replace(site, nodes=nodes)


def with_radio(site: Site, number: int, **changes: object) -> Site:
    node = next(node for node in site.nodes if node.id == number)
    return with_node(site, number, radio=msgspec.structs.replace(node.radio or Radio(), **changes))


def with_bridge(site: Site, **changes: object) -> Site:
    return msgspec.structs.replace(
        site, bridge=msgspec.structs.replace(site.bridge or Bridge(), **changes)
    )


# --- what is said


def test_the_worst_come_first(valley):
    words = [one.word for one in valley.nodes]
    assert words == sorted(words, key=["unlikely", "marginal", "unknown", "good"].index)
    assert [one.node.id for one in valley.nodes if one.word == "unlikely"] == [14]
    assert {one.node.id for one in valley.nodes if one.word == "marginal"} == {12, 13, 31}
    assert not valley.is_good


def test_a_place_by_its_coordinates_or_as_it_is_stated(valley):
    way = of(valley, 11).way
    assert way is not None
    assert way.distance_m == pytest.approx(
        linkbudget.distance_m((44.1120, 3.7020), (44.1145, 3.7050))
    )
    gauge = of(valley, 21).way
    assert gauge is not None
    assert gauge.distance_m == pytest.approx(3_787, abs=2)
    stated = of(plan(with_radio(load(VALLEY), 11, distance_m=900)), 11).way
    assert stated is not None
    assert stated.distance_m == 900


def test_what_is_missing_is_named_and_never_guessed(valley):
    hamlet = of(valley, 32)
    assert hamlet.missing == ("distance_m", "setting")
    assert (hamlet.way, hamlet.link, hamlet.word) == (None, None, "unknown")
    assert hamlet.load is not None  # how long it is on the air is known all the same
    half = of(plan(with_radio(load(VALLEY), 32, distance_m=500)), 32)
    assert half.missing == ("setting",)
    without = plan(with_bridge(load(VALLEY), latitude=None, longitude=None))
    assert of(without, 11).missing == ("distance_m",)
    assert of(without, 14).missing == ()  # its distance is stated


def test_heights_and_gains_that_are_taken_are_told():
    found = plan(load(EXAMPLE))
    assert found.taken == ("antenna_m", "antenna_gain_db")
    site = with_radio(load(EXAMPLE), 11, distance_m=500, setting="valley")
    assert of(plan(site), 11).taken == ("antenna_m", "antenna_gain_db", "obstacle_m")
    assert (
        of(plan(with_radio(site, 11, antenna_m=2, antenna_gain_db=0, obstacle_m=9)), 11).taken
        == ()
    )


def test_one_station_at_another_rate_lengthens_all_frames(valley):
    alone = plan(with_radio(load(VALLEY), 14, spreading_factor=None))
    for number in (11, 12, 13):
        before, after = of(valley, number), of(alone, number)
        assert before.air is not None
        assert after.air is not None
        assert before.air.preamble > 100 > after.air.preamble
        assert before.load is not None
        assert after.load is not None
        assert before.load.day_s > 1.5 * after.load.day_s
        assert after.load.fast_s < before.load.fast_s
        assert after.years > before.years
    assert [said.code for said in plan_advice.savings(valley)] == [
        "plan-one-factor", "plan-one-channel",
    ]  # fmt: skip
    one = plan(
        with_bridge(with_radio(load(VALLEY), 14, spreading_factor=None), channels_khz=[868_100])
    )
    assert list(plan_advice.savings(one)) == []
    assert {air.preamble for air in (found.air for found in one.nodes) if air} == {8}


def test_the_bridge_answers_within_its_share(valley):
    told = valley.answers
    assert told is not None
    assert told.share_s == traffic.ANSWERS_S
    assert told.calm == 1
    assert 0 < told.flood < 1
    assert told.flood * told.flood_s == pytest.approx(told.share_s)
    assert told.nodes > 20
    ours = [node for node in load(VALLEY).nodes if node.carrier == "bridge"]
    assert told.calm_s * told.nodes / len(ours) <= told.share_s


def test_more_nodes_meet_more_often():
    site = load(VALLEY)
    node = next(node for node in site.nodes if node.id == 12)
    more = [msgspec.structs.replace(node, id=100 + i) for i in range(40)]
    crowd = plan(msgspec.structs.replace(site, nodes=[*site.nodes, *more]))
    before, after = of(plan(site), 11).air, of(crowd, 11).air
    assert before is not None
    assert after is not None
    assert after.flood_loss > 0.3 > before.flood_loss
    assert after.loss > before.loss


def test_a_hundred_alike_are_told_alike():
    site = load(VALLEY)
    node = next(node for node in site.nodes if node.id == 12)
    nodes = [msgspec.structs.replace(node, id=i) for i in range(1, 101)]
    found = plan(msgspec.structs.replace(site, nodes=nodes))
    assert [one.node.id for one in found.nodes] == list(range(1, 101))
    assert {one.word for one in found.nodes} == {"marginal"}
    assert len({one.load for one in found.nodes}) == 1


# --- other carriers


def test_wifi_has_cells_and_no_radio_of_ours(valley):
    tower = of(valley, 33)
    assert (tower.link, tower.load, tower.air) == (None, None, None)
    assert tower.word == "good"
    assert tower.years < 1
    assert plan_advice.advice(valley, tower) == Advice(
        "plan-mains", {"years": tower.years, "node": "33"}
    )
    site = load(VALLEY)
    only = msgspec.structs.replace(site, nodes=[n for n in site.nodes if n.id == 33], zones=[])
    found = plan(only)
    assert found.answers is None
    assert list(plan_advice.savings(found)) == []
    assert found.is_good


LORAWAN = """
lorawan: {server: SERVER, application: amont, tenant: ttn}
"""


def lorawan(folder: Path, server: str, node: str = "") -> Plan:
    text = EXAMPLE.read_text().replace("carrier: bridge", "carrier: lorawan")
    section = LORAWAN.replace("SERVER", server)
    if server == "chirpstack":
        application = "c6e3ad1e-4ee8-4f1c-9d8a-3f4b0f6b1a2c"
        section = section.replace("amont, tenant: ttn", application)
    for at, number in enumerate((11, 12)):
        device = f"    lorawan: {{dev_eui: 70b3d57ed000000{at}}}\n{node}"
        text = text.replace(f"  - id: {number}\n", f"  - id: {number}\n{device}")
    if node:
        text = text.replace("quantity: stage_mm", "quantity: stage_mm, validity_s: 8100")
    path = folder / "site.yaml"
    path.write_text(text + section)
    return plan(read(path))


def test_the_things_network_has_its_own_law(tmp_path):
    found = lorawan(tmp_path, "ttn")
    river = of(found, 11)
    assert river.air is not None
    assert river.load is not None
    assert (river.air.overhead_bytes, river.air.repeats, river.link) == (13, False, None)
    assert river.fair_sf == 8  # a frame each quarter of an hour
    assert river.word == "marginal"
    said = plan_advice.advice(found, river)
    assert said == Advice("plan-fair", {"sf": 8})
    saved = lorawan(tmp_path, "ttn", "    frame_samples: 4\n")
    assert of(saved, 11).fair_sf == 10
    assert of(saved, 11).word == "good"


def test_a_network_of_ones_own_has_the_law_alone(tmp_path):
    found = lorawan(tmp_path, "chirpstack")
    assert of(found, 11).fair_sf == 12
    assert of(found, 11).word == "good"
    assert found.answers is None


# --- its advice


def applied(site: Site, node: Node, said: Advice) -> Site:
    """Return the site as the sentence would have it."""
    values, number = said.values, node.id
    if said.code.endswith("-lid"):
        site = with_radio(site, number, setting="village")
    if "bridge_m" in values:
        site = with_bridge(site, antenna_m=values["bridge_m"])
    if "node_m" in values:
        site = with_radio(site, number, antenna_m=values["node_m"])
    if said.code == "plan-listener":
        site = with_bridge(site, listeners=["/dev/amont-second"])
    if said.code.startswith(("plan-sf", "plan-all")):
        site = with_radio(site, number, spreading_factor=values["sf"])
    return site


CASES = [
    *((setting, away_m, 2.0, 8.0) for setting in ("open", "village", "valley", "manhole")
      for away_m in (200, 500, 900, 1_400, 2_000, 2_600, 3_300, 4_000, 6_000)),
    ("clear", 15_000, 1.0, 3.0), ("village", 1_500, 6.0, 20.0), ("village", 2_600, 6.0, 20.0),
    ("manhole", 1_000, 0.0, 20.0), ("open", 8_000, 6.0, 8.0), ("village", 4_000, 6.0, 20.0),
    ("valley", 4_000, 6.0, 20.0), ("village", 5_000, 6.0, 20.0), ("open", 30_000, 2.0, 8.0),
]  # fmt: skip


def test_whoever_does_as_is_said_has_a_good_link():
    """Every remedy is found somewhere, and each one, written into the file, is one."""
    codes = set()
    for setting, away_m, node_m, bridge_m in CASES:
        site = with_bridge(load(EXAMPLE), antenna_m=bridge_m, antenna_gain_db=2)
        place = {"distance_m": away_m, "setting": setting, "antenna_m": node_m}
        site = with_radio(site, 11, **place)
        found = plan(site)
        one = of(found, 11)
        assert one.link is not None
        said = plan_advice.advice(found, one)
        if one.link.word == "good":
            assert said is None or not said.code.startswith(("plan-antenna", "plan-lorawan"))
            continue
        assert said is not None
        codes.add(said.code)
        if said.code != "plan-lorawan":
            after = of(plan(applied(site, one.node, said)), 11)
            assert after.link is not None
            assert after.link.word == "good", (setting, away_m, said)
    assert codes >= {
        "plan-antenna", "plan-bridge", "plan-sf-new", "plan-both", "plan-all", "plan-lid",
        "plan-both-lid", "plan-all-lid", "plan-listener", "plan-lorawan",
    }  # fmt: skip


def test_a_factor_that_others_have_comes_before_a_new_one():
    site = with_radio(load(EXAMPLE), 12, distance_m=100, setting="clear", spreading_factor=10)
    site = with_bridge(site, antenna_m=20, antenna_gain_db=2)
    codes = []
    for away_m in range(3_000, 12_000, 500):
        radio = {"distance_m": away_m, "setting": "village", "antenna_m": 6}
        found = plan(with_radio(site, 11, **radio))
        codes.append(plan_advice.advice(found, of(found, 11)))
    assert "plan-sf" in {said.code for said in codes if said is not None}
    assert "plan-sf-new" not in {said.code for said in codes if said is not None}


def test_samples_that_the_law_slows_down_are_told_what_helps():
    def said(*changes: dict[str, object], channels: list[int]) -> Advice | None:
        site = with_bridge(load(EXAMPLE), channels_khz=channels, antenna_m=20, antenna_gain_db=2)
        for number, change in zip((11, 12), changes, strict=True):
            near = {"distance_m": 300, "setting": "clear", "antenna_m": 4, "antenna_gain_db": 0}
            site = with_radio(site, number, **(near | change))
        found = plan(site)
        assert of(found, 11).is_slow
        assert of(found, 11).word == "marginal"
        return plan_advice.advice(found, of(found, 11))

    slow, three, one = {"spreading_factor": 12}, [868_100, 868_300, 868_500], [868_100]
    near = said(slow, slow, channels=one)
    assert near is not None
    assert near.code == "plan-slow-sf"
    assert near.values["fast_s"] <= 180
    way = linkbudget.Link(0, "clear", 11, 4, 20, 0, 2)
    ends_m = next(
        away_m
        for away_m in range(10_000, 50_000, 100)
        if linkbudget.estimate(replace(way, distance_m=away_m)).word != "good"
    )
    far = {"distance_m": ends_m, "spreading_factor": 12}
    helpless = said(far, slow, channels=one)
    assert helpless is not None
    assert helpless.code == "plan-slow"
    mixed = said({"spreading_factor": 10}, slow, channels=three)
    assert mixed is not None
    assert mixed.code in ("plan-slow-channel", "plan-slow-factor", "plan-slow-one")


# --- the command


def asked(capsys, *options: str) -> tuple[int, str]:
    code = cli.main([*options])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", [VALLEY, EXAMPLE], ids=lambda path: path.stem)
def test_the_table_fits_a_telephone_in_both_languages(path, language, capsys):
    code, text = asked(capsys, "--lang", language, "plan", str(path))
    assert code == 1
    assert max(map(len, text.splitlines())) <= WIDTH
    for node in load(path).nodes:
        assert f"{node.id:>2} {getattr(node.name, language)[:14]}" in text
    assert ("carte" if language == "fr" else "map") in text.splitlines()[-1 - (language == "fr")]
    assert "{" not in text.replace("{spreading_factor", "")


radios = st.builds(
    Radio,
    spreading_factor=st.none() | st.integers(7, 12),
    distance_m=st.none() | st.integers(1, 50_000),
    setting=st.none() | st.sampled_from(sorted(linkbudget.SETTINGS)),
    antenna_m=st.none() | st.floats(0, 100),
    antenna_gain_db=st.none() | st.floats(-10, 12),
    obstacle_m=st.none() | st.integers(0, 500),
)
bridges = st.builds(
    Bridge,
    spreading_factor=st.integers(7, 12),
    channels_khz=st.lists(st.integers(865_063, 868_537), min_size=1, max_size=8),
    antenna_m=st.none() | st.floats(0, 100),
    latitude=st.none() | st.floats(-90, 90),
    longitude=st.none() | st.floats(-180, 180),
)


@settings(max_examples=25, deadline=None)
@given(bridges, st.lists(radios, min_size=7, max_size=7), st.sampled_from(["en", "fr"]))
def test_whatever_a_file_may_say_is_told_within_the_width(bridge, told, language):
    site = msgspec.structs.replace(load(VALLEY), bridge=bridge)
    for node, radio in zip([n for n in site.nodes if n.radio or n.id == 32], told, strict=True):
        site = with_node(site, node.id, radio=radio)
    found = plan(site)
    advised = {one.node.id: plan_advice.advice(found, one) for one in found.nodes}
    lines = list(cmd_plan._lines(found, advised, Output("plan", language, False)))
    assert max(map(len, lines)) <= WIDTH
    for one in found.nodes:
        assert one.word == "good" or advised[one.node.id] is not None
        assert 0 <= one.readings[0] <= one.readings[1] <= 1


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_shows_what_the_command_says(language, capsys):
    _, text = asked(capsys, "--lang", language, "plan", str(VALLEY))
    page = (DOCS / f"plan.{language}.md").read_text()
    block = page.split("```\n")[3]
    # Its figures move with each byte of a frame; its order and its words must not.
    shown, said = (re.sub(r"[-+~]?\d+([.,]\d+)?", "#", part).split() for part in (block, text))
    assert shown == said[: len(shown)]


def test_figures_are_written_as_the_language_does(capsys):
    _, french = asked(capsys, "--lang", "fr", "plan", str(VALLEY))
    _, english = asked(capsys, "--lang", "en", "plan", str(VALLEY))
    assert re.search(r"\d,\d\u00a0%", french)
    assert re.search(r" \d,\d an sur deux piles", french)
    assert not re.search(r"\d\.\d|\d%", french + (DOCS / "plan.fr.md").read_text())
    assert not re.search(r"\d,\d|\u00a0", english)
    told = [re.sub(r"\u00a0?%|[.,]", "", text) for text in (french, english)]
    first = [[line.split()[-4:] for line in text.splitlines() if "…+" in line] for text in told]
    assert first[0] == first[1], "the same figures"


def test_one_channel_is_advice_for_small_sites():
    site = load(VALLEY)
    node = next(node for node in site.nodes if node.id == 12)
    for count, advised in ((10, ["plan-one-channel"]), (11, [])):
        nodes = [msgspec.structs.replace(node, id=i) for i in range(1, count + 1)]
        found = plan(msgspec.structs.replace(site, nodes=nodes))
        assert [said.code for said in plan_advice.savings(found)] == advised
    for language, small in (("fr", "jusqu'à une dizaine de stations"), ("en", "up to about ten")):
        assert small in say("plan-one-channel", language, sf=9, spared="1")
        assert small in (DOCS / f"plan.{language}.md").read_text()


def test_every_figure_is_in_the_object(capsys):
    code, text = asked(capsys, "plan", "--json", str(VALLEY))
    answer = json.loads(text)
    assert code == 1
    assert (answer["good"], answer["marginal"], answer["unlikely"], answer["unknown"]) == (
        3,
        3,
        1,
        1,
    )
    assert answer["share_s"] == 36
    assert answer["bridge"]["spreading_factors"] == [9, 12]
    gorge = next(node for node in answer["nodes"] if node["node"] == 13)
    assert gorge["link"]["distance_m"] == 2553
    low, high = gorge["link"]["margin_band_db"]
    assert low < gorge["link"]["margin_db"] < high
    assert gorge["link"]["erp_dbm"] <= 14
    assert gorge["air"]["flood_hour_s"] <= 36
    assert gorge["advice"]["code"] == "plan-both"
    hamlet = next(node for node in answer["nodes"] if node["node"] == 32)
    assert (hamlet["link"], hamlet["missing"]) == (None, ["distance_m", "setting"])
    tower = next(node for node in answer["nodes"] if node["node"] == 33)
    assert (tower["link"], tower["air"]) == (None, None)


def test_a_site_where_all_is_good_says_so_and_exits_with_nought(tmp_path, capsys):
    text = EXAMPLE.read_text()
    radio = "    radio: {distance_m: 300, setting: clear, antenna_m: 3}\n"
    path = tmp_path / "site.yaml"
    path.write_text(text.replace("    carrier: bridge\n", f"    carrier: bridge\n{radio}"))
    code, said = asked(capsys, "--lang", "en", "plan", str(path))
    assert code == 0
    assert said.startswith("Sainte-Amonette: 4 good, 0 marginal, 0 unlikely, 0 unknown\n")


def test_other_carriers_are_shown_by_their_name(tmp_path, capsys):
    lorawan(tmp_path, "ttn")
    path = str(tmp_path / "site.yaml")
    code, said = asked(capsys, "--lang", "en", "plan", path)
    assert code == 1
    assert "LoRaWAN" in said
    assert "Wi-Fi" in said
    assert "Bridge:" not in said
    assert "11 12: one frame of five lost, LoRaWAN at SF9" in " ".join(said.split())
    code, said = asked(capsys, "--lang", "fr", "plan", "--json", path)
    river = json.loads(said)["nodes"][0]
    assert (river["carrier"], river["link"]) == ("lorawan", None)
    assert river["air"]["fair_use_to_spreading_factor"] == 8
    assert json.loads(said)["bridge"] is None


def test_a_site_without_radio_of_ours_has_no_bridge_to_speak_of(tmp_path, capsys):
    path = tmp_path / "site.yaml"
    path.write_text(EXAMPLE.read_text().replace("carrier: bridge", "carrier: mqtt"))
    code, said = asked(capsys, "--lang", "en", "plan", str(path))
    assert code == 0
    assert "Bridge:" not in said
    assert "Taken" not in said


def test_a_file_that_is_none_is_refused(tmp_path, capsys):
    path = tmp_path / "site.yaml"
    path.write_text("format: 1\n")
    assert cli.main(["--lang", "en", "plan", str(path)]) == cli.REFUSED
    assert "amont-provision plan" in capsys.readouterr().err
    assert cli.main(["--lang", "en", "plan", str(tmp_path / "none.yaml")]) == cli.REFUSED
