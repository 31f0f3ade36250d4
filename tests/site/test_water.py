"""What stations and networks say of each other: good where it can be, named where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from amont_site import check, load
from amont_site.model import Site

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
NODES = """
  - id: 41
    name: {fr: Borne haute, en: Upper post}
    carrier: mqtt
    channels:
      - {sensor: haut-pression, quantity: pressure_pa10}
      - {sensor: bas-pression, quantity: pressure_pa10}
      - {sensor: cuve, quantity: level_mm}
      - {sensor: export, quantity: flow_l_h}
  - id: 43
    name: {fr: Forage, en: Borehole}
    carrier: mqtt
    channels:
      - {sensor: forage, quantity: volume_l}
      - {sensor: sortie, quantity: flow_l_h}
  - id: 42
    name: {fr: Vieux pont, en: Old bridge}
    carrier: mqtt
    channels:
      - {sensor: vieux-pont-a, quantity: stage_mm}

stations:
  - id: vieux-pont
    name: {fr: Vieux pont, en: Old bridge}
    river: Amonette
    sensors: [vieux-pont-a]
    upstream: []
    watch_mm: 1200
    warning_mm: 1800
    alarm_mm: 2500
    alarm_plus_mm: 3200
"""
NETWORK = """
networks:
  - id: vallee
    name: {fr: Vallée, en: Valley}
    inflow: [bourg-debit]
    inner: [export]
    levels: [cuve]
    pressures: [haut-pression, bas-pression]
rain_forecast: {max_age_h: 6}
service:
  name: Eaux de l'Amonette
  length_km: 42.3
  produced: [forage]
  imported: [bourg-debit]
"""
ZONE = """    inflow: [bourg-debit]
    outflow: [sortie]
    pressures: [bas-pression]
    length_km: 3.5
"""
GOOD = (
    EXAMPLE.read_text(encoding="utf-8")
    .replace("\nstations:\n", NODES, 1)
    .replace(
        "    river: Amonette\n    sensors: [pont-neuf-a",
        "    river: Amonette\n    upstream: [vieux-pont]\n    rain: [col]\n"
        "    sensors: [pont-neuf-a",
        1,
    )
    .replace("    inflow: [bourg-debit]\n", ZONE, 1)
    .replace("\nsirens:", NETWORK + "\nsirens:", 1)
)
Edit = tuple[str, str]


def found(folder: Path, *edits: Edit) -> list[tuple[str, str]]:
    text = GOOD
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return [(p.code, p.path) for p in check(path)[1]]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    assert found(tmp_path) == []
    return load(tmp_path / "site.yaml")


def test_a_site_with_all_of_it_is_good(site: Site) -> None:
    network = site.networks[0]
    assert (network.inflow, network.inner) == (["bourg-debit"], ["export"])
    assert (network.levels, network.pressures) == (["cuve"], ["haut-pression", "bas-pression"])
    old, new = site.stations
    assert (old.upstream, old.rain) == ([], None)
    assert (new.upstream, new.rain) == (["vieux-pont"], ["col"])
    assert site.rain_forecast is not None
    assert site.rain_forecast.max_age_h == 6


def test_a_network_may_have_flows_alone(tmp_path: Path) -> None:
    pressures = ("    pressures: [haut-pression, bas-pression]\n", "")
    for_a_zone = ("    pressures: [bas-pression]", "    pressures: [bas-pression, haut-pression]")
    assert found(tmp_path, pressures, for_a_zone) == []
    network = load(tmp_path / "site.yaml").networks[0]
    assert (network.inner, network.levels, network.pressures) == (["export"], ["cuve"], [])


def test_a_zone_and_the_service_name_their_meters(site: Site) -> None:
    zone, service = site.zones[0], site.service
    assert (zone.outflow, zone.pressures, zone.length_km) == (["sortie"], ["bas-pression"], 3.5)
    assert service is not None
    assert (service.length_km, service.scarce, service.exported) == (42.3, False, [])
    assert (service.produced, service.imported) == (["forage"], ["bourg-debit"])


def test_a_site_without_any_of_it_stays_good() -> None:
    site = load(EXAMPLE)
    assert [station.rain for station in site.stations] == [None] * len(site.stations)
    assert (site.stations[0].upstream, site.rain_forecast) == ([], None)
    assert (site.zones[0].outflow, site.zones[0].length_km, site.service) == ([], None, None)


UP = "stations[1].upstream[0]"
CASES: dict[str, tuple[Edit, list[tuple[str, str]]]] = {
    "an unknown station": (("[vieux-pont]", "[vieu-pont]"), [("unknown-station", UP)]),
    "itself": (("[vieux-pont]", "[pont-neuf]"), [("upstream-loop", UP)]),
    "a loop": (
        ("upstream: []", "upstream: [pont-neuf]"),
        [("upstream-loop", "stations[0].upstream[0]"), ("upstream-loop", UP)],
    ),
    "a station twice": (
        ("[vieux-pont]", "[vieux-pont, vieux-pont]"),
        [("twice", "stations[1].upstream[1]")],
    ),
    "too many stations": (
        ("[vieux-pont]", "[a, b, c, d, e]"),
        [("items", "stations[1].upstream")],
    ),
    "an unknown gauge": (("[col]", "[cols]"), [("unknown-gauge", "stations[1].rain[0]")]),
    "half a place": (
        ("rain: [col]", "rain: [col]\n    latitude: 43.9"),
        [("one-coordinate", "stations[1].latitude")],
    ),
    "a place beyond the pole": (
        ("rain: [col]", "rain: [col]\n    latitude: 93.9\n    longitude: 3.8"),
        [("between", "stations[1].latitude")],
    ),
    "no gauge at all": (("rain: [col]", "rain: []"), [("items", "stations[1].rain")]),
    "an unknown meter": (
        ("inner: [export]", "inner: [exports]"),
        [("sensor-unused", "nodes[4].channels[3].sensor"),
         ("unknown-sensor", "networks[0].inner[0]")],
    ),
    "a pressure as an inflow": (
        ("inflow: [bourg-debit]\n    inner", "inflow: [haut-pression]\n    inner"),
        [("quantity", "networks[0].inflow[0]")],
    ),
    "a flow as a pressure": (
        ("pressures: [haut-pression", "pressures: [export"),
        [("quantity", "networks[0].pressures[0]")],
    ),
    "a meter twice": (
        ("inner: [export]", "inner: [export, bourg-debit]"),
        [("twice", "networks[0].inner[1]")],
    ),
    "a single pressure": (
        ("[haut-pression, bas-pression]", "[haut-pression]"),
        [("one-pressure", "networks[0].pressures")],
    ),
    "what comes in and goes out of one zone": (
        ("outflow: [sortie]", "outflow: [bourg-debit, sortie]"),
        [("twice", "zones[0].outflow[0]")],
    ),
    "a level as a zone's pressure": (
        ("    pressures: [bas-pression]", "    pressures: [cuve]"),
        [("quantity", "zones[0].pressures[0]")],
    ),
    "a zone without pipes": (
        ("length_km: 3.5", "length_km: 0"),
        [("between", "zones[0].length_km")],
    ),
    "a pressure as what is produced": (
        ("produced: [forage]", "produced: [cuve]"),
        [("quantity", "service.produced[0]")],
    ),
    "what is produced and imported": (
        ("imported: [bourg-debit]", "imported: [forage]"),
        [("twice", "service.imported[0]")],
    ),
    "a service without its length": (
        ("  length_km: 42.3\n", ""), [("missing-key", "service")],
    ),
    "a forecast of last month": (
        ("max_age_h: 6", "max_age_h: 720"),
        [("between", "rain_forecast.max_age_h")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_is_named(case: str, tmp_path: Path) -> None:
    edit, expected = CASES[case]
    assert sorted(found(tmp_path, edit)) == sorted(expected)


def test_a_flow_between_two_networks_is_of_both_and_a_pressure_of_one(tmp_path: Path) -> None:
    second = NETWORK.split("networks:\n")[1].split("rain_forecast")[0]
    other = second.replace("id: vallee", "id: plateau").replace("levels: [cuve]", "levels: []")
    both: Callable[[str], Edit] = lambda text: ("rain_forecast:", text + "rain_forecast:")  # noqa: E731
    assert found(tmp_path, both(other)) == [
        ("twice", "networks[1].pressures[0]"),
        ("twice", "networks[1].pressures[1]"),
    ]
