"""Other people's sensors in a site's file: good where it can be, named where it cannot."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from amont_site import check, compile_guard, load
from amont_site.foreign import ForeignSource, steps
from amont_site.units import QUANTITIES, UNITS, converted, fitting

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
SOURCES = """
foreign_sources:
  - id: puits
    name: {fr: Puits, en: Well}
    topic: application/7/device/{device}/event/up
    time: {at: time}
    sensors:
      - {sensor: puits-niveau, number: 1, device: a1b2, value: object.level, unit: cm,
         quantity: level_mm}
      - {sensor: moulin-tiers, number: 2, device: c3d4, value: object.h, unit: m,
         quantity: stage_mm, station: pont-neuf}
  - id: compteurs
    name: {fr: Compteurs, en: Meters}
    topic: eau/+/mesure
    device: id
    time: {at: "['when it was']", form: s}
    interval_s: 3600
    sensors:
      - {sensor: hameau-debit, number: 3, device: m7, value: "flow[0].v", unit: m3/h,
         quantity: flow_l_h, factor: "1/10", offset: "-0.5"}
  - id: cuve
    name: {fr: Cuve, en: Tank}
    topic: cuve/niveau
    form: senml
    sensors:
      - {sensor: cuve-tiers, number: 4, value: "urn:dev:ow:10e2073a01080063:level",
         quantity: level_mm}
"""
GOOD = (
    EXAMPLE.read_text(encoding="utf-8")
    .replace("\nsirens:", SOURCES + "\nsirens:", 1)
    .replace("inflow: [bourg-debit]", "inflow: [bourg-debit, hameau-debit]", 1)
)


def found(folder: Path, *edits: tuple[str, str]) -> list[tuple[str, str]]:
    text = GOOD
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    problems = check(path)[1]
    assert all(p.text("fr") != p.text("en") for p in problems)
    return [(p.code, p.path) for p in problems]


def test_sources_and_their_sensors_are_read(tmp_path: Path) -> None:
    assert found(tmp_path) == []
    site = load(tmp_path / "site.yaml")
    assert list(site.foreign_sensors()) == [
        "puits-niveau", "moulin-tiers", "hameau-debit", "cuve-tiers",
    ]  # fmt: skip
    source, sensor = site.foreign_sensors()["hameau-debit"]
    assert (source.id, source.topic_filter, source.dated) == ("compteurs", "eau/+/mesure", True)
    assert (sensor.number, sensor.factor, sensor.offset) == (3, "1/10", "-0.5")
    assert site.foreign_sources[0].topic_filter == "application/7/device/+/event/up"


def test_the_guard_is_told_nothing_of_them(tmp_path: Path) -> None:
    assert found(tmp_path) == []
    compiled = str(compile_guard(load(tmp_path / "site.yaml")))
    for word in ("puits-niveau", "moulin-tiers", "hameau-debit", "foreign"):
        assert word not in compiled


A, B, C = (f"foreign_sources[{i}]" for i in range(3))
A0, A1 = f"{A}.sensors[0]", f"{A}.sensors[1]"
CASES: dict[str, tuple[tuple[str, str], list[tuple[str, str]]]] = {
    "a station's voter": (
        ("sensors: [pont-neuf-a, pont-neuf-b]", "sensors: [pont-neuf-a, moulin-tiers]"),
        [("sensor-unused", "nodes[1].channels[0].sensor"),
         ("foreign-votes", "stations[0].sensors[1]")],
    ),
    "no broker": (("broker: {host: 127.0.0.1, port: 8883, tls: true}", ""),
                  [("no-broker", "nodes[2].carrier"), ("foreign-no-broker", A),
                   ("foreign-no-broker", B), ("foreign-no-broker", C)]),
    "half a level": (("eau/+/mesure", "eau/c+/mesure"), [("foreign-topic", f"{B}.topic")]),
    "all in the middle": (("eau/+/mesure", "eau/#/mesure"), [("foreign-topic", f"{B}.topic")]),
    "two devices": (
        ("7/device/{device}/event", "{device}/device/{device}/event"),
        [("foreign-topic", f"{A}.topic")],
    ),
    "everything": (("eau/+/mesure", '"#"'), [("foreign-topic-wide", f"{B}.topic")]),
    "our own frames": (
        ("eau/+/mesure", "amont/+/+/up"), [("foreign-topic-wide", f"{B}.topic")],
    ),
    "two places for the device": (
        ("    device: id", "    device: id\n    broker: {host: 127.0.0.1}"), [],
    ),
    "a device twice": (
        ("    topic: eau/+/mesure", "    topic: eau/{device}/mesure"),
        [("foreign-device-twice", f"{B}.device")],
    ),
    "a device nowhere": (
        ("    device: id\n", ""),
        [("foreign-device-nowhere", f"{B}.sensors[0].device")],
    ),
    "senml with a time": (
        ("form: senml", "form: senml\n    time: {at: t}"), [("foreign-useless", f"{C}.time")],
    ),
    "no value": ((" value: object.level,", ""), [("foreign-value", A0)]),
    "no path": (
        ("object.level", "object..level"), [("foreign-path", f"{A0}.value")],
    ),
    "code": (
        ("object.level", "__import__('os').system('x')"), [("foreign-path", f"{A0}.value")],
    ),
    "no unit": ((" unit: cm,", ""), [("foreign-unit-once", A0)]),
    "a unit twice": ((" unit: cm,", " unit: cm, unit_at: u,"), [("foreign-unit-once", A0)]),
    "a unit of something else": (
        (" unit: cm,", " unit: kPa,"), [("foreign-unit", f"{A0}.unit")],
    ),
    "an unknown unit": ((" unit: cm,", " unit: '%',"), [("foreign-unit", f"{A0}.unit")]),
    "no time": (
        ("    time: {at: time}\n", ""), [("foreign-undated", A)],
    ),
    "an unknown station": (
        ("station: pont-neuf}", "station: pont-vieux}"), [("unknown-station", f"{A1}.station")],
    ),
    "a level at a station": (
        ("quantity: level_mm}\n      - {sensor: moulin", "quantity: level_mm, station: pont-neuf}"
         "\n      - {sensor: moulin"),
        [("quantity", f"{A0}.station")],
    ),
    "a number twice": (("number: 2,", "number: 1,"), [("twice", f"{A1}.number")]),
    "a node's sensor": (
        ("sensor: puits-niveau", "sensor: col-pluie"), [("twice", f"{A0}.sensor")],
    ),
    "a source twice": (("- id: cuve", "- id: puits"), [("twice", f"{C}.id")]),
    "bounds": (
        ("station: pont-neuf}", "station: pont-neuf, min: 10, max: 5}"),
        [("min-max", f"{A1}.min")],
    ),
    "a short validity": (
        ("station: pont-neuf}", "station: pont-neuf, validity_s: 900}"),
        [("validity-short", f"{A1}.validity_s")],
    ),
    "no encryption on the way": (
        ("    device: id", "    device: id\n    broker: {host: far.example, tls: false}"),
        [("no-tls", f"{B}.broker.tls")],
    ),
    "a total of a level": (
        (" unit: cm,", " unit: cm, total: true,"), [("foreign-total", f"{A0}.total")],
    ),
    "an index in a unit of flow": (
        ('factor: "1/10", offset: "-0.5"', "total: true"),
        [("foreign-unit", f"{B}.sensors[0].unit")],
    ),
    "an index": (
        ('unit: m3/h,\n         quantity: flow_l_h, factor: "1/10", offset: "-0.5"',
         "unit: m3,\n         quantity: flow_l_h, total: true"),
        [],
    ),
    "what no number is": (
        ('factor: "1/10"', 'factor: "1/0"'), [("form", f"{B}.sensors[0].factor")],
    ),
    "a meter as a gauge": (
        ("    sensor: col-pluie", "    sensor: puits-niveau"),
        [("sensor-unused", "nodes[2].channels[0].sensor"), ("quantity", "rain_gauges[0].sensor")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_planted_mistake_is_named_at_its_place(case: str, tmp_path: Path) -> None:
    edit, expected = CASES[case]
    assert sorted(found(tmp_path, edit)) == sorted(expected)


def test_plain_payloads_have_neither_path_nor_time(tmp_path: Path) -> None:
    plain = ("    form: senml\n", "    form: plain\n    time: {at: t}\n")
    assert sorted(found(tmp_path, plain)) == [
        ("foreign-unit-once", f"{C}.sensors[0]"),
        ("foreign-useless", f"{C}.sensors[0].value"),
        ("foreign-useless", f"{C}.time"),
    ]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("a", ("a",)),
        ("a.b-c.d_e", ("a", "b-c", "d_e")),
        ("a[0][12].b", ("a", 0, 12, "b")),
        ("['a b.c'].d['é']", ("a b.c", "d", "é")),
        ("[3]", (3,)),
    ],
)
def test_paths_are_read(path: str, wanted: tuple[str | int, ...]) -> None:
    assert steps(path) == wanted


@pytest.mark.parametrize("path", ["", ".a", "a.", "a..b", "a[-1]", "a[1", "a[*]", "$.a", "a b"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        steps(path)


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "wanted"),
    [
        ("1.005", "m", "stage_mm", "1005"),
        ("0.1", "cm", "stage_mm", "1"),
        ("1", "ft", "level_mm", "304.8"),
        ("2.5", "mm", "rain_um", "2500"),
        ("1", "in", "rain_um", "25400"),
        ("3.6", "m3/h", "flow_l_h", "3600"),
        ("1", "l/s", "flow_l_h", "3600"),
        ("1", "m3/d", "flow_l_h", "1000/24"),
        ("2.35", "bar", "pressure_pa10", "23500"),
        ("350", "kPa", "pressure_pa10", "35000"),
        ("1", "mH2O", "pressure_pa10", "980.665"),
        ("12.345", "m3", "volume_l", "12345"),
        ("-3.25", "°C", "air_temp_cc", "-325"),
        ("212", "°F", "water_temp_cc", "10000"),
        ("0", "K", "air_temp_cc", "-27315"),
        ("3.612", "V", "battery_mv", "3612"),
    ],
)
def test_units_are_converted_exactly(value: str, unit: str, quantity: str, wanted: str) -> None:
    assert converted(Fraction(value), unit, quantity) == Fraction(wanted)


def test_psi_is_what_it_is_defined_as() -> None:
    pascals = converted(Fraction(1), "psi", "pressure_pa10") * 10
    assert abs(float(pascals) - 6894.757293168361) < 1e-9


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_unit_of_another_dimension_is_no_unit(quantity: str) -> None:
    assert fitting(quantity)
    for unit in set(UNITS) - set(fitting(quantity)):
        with pytest.raises(KeyError):
            converted(Fraction(1), unit, quantity)


def test_every_quantity_of_a_source_has_units() -> None:
    hints = ForeignSource.__annotations__
    assert "sensors" in hints
    assert all(fitting(quantity) for quantity in QUANTITIES)
