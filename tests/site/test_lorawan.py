"""What the file says of LoRaWAN: read, refused with a sentence, never told to the guard."""

from __future__ import annotations

from pathlib import Path

import pytest

from amont_site import Problem, Site, check, compile_guard
from amont_site.lorawan import NO_JOIN_EUI, device_id, downlinks_day

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
BROKER = "broker: {host: 127.0.0.1, port: 8883, tls: true}"
APPLICATION = "17c82e96-be03-4f38-aef3-f83d48582d97"
CHIRPSTACK = f"server: chirpstack, application: {APPLICATION}"
TTN = "server: ttn, application: amonette, tenant: ttn"
EUI = "70b3d57ed0000015"


def read(
    folder: Path, lorawan: str | None = CHIRPSTACK, device: str | None = f"dev_eui: {EUI}"
) -> tuple[Site | None, list[Problem]]:
    """Return the example with node 21 over LoRaWAN, and what is said of it."""
    assert BROKER in TEXT
    text = TEXT if lorawan is None else TEXT.replace(BROKER, f"{BROKER}\nlorawan: {{{lorawan}}}")
    start = text.index("  - id: 21\n")
    node = text[start:].replace("carrier: mqtt", "carrier: lorawan", 1)
    if device is not None:
        node = node.replace("carrier: lorawan", f"carrier: lorawan\n    lorawan: {{{device}}}", 1)
    path = folder / "site.yaml"
    path.write_text(text[:start] + node, encoding="utf-8")
    return check(path)


def codes(problems: list[Problem]) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in problems]


def test_the_example_of_the_documents_is_good_without_a_remark() -> None:
    site, problems = check(EXAMPLE.with_name("lorawan.yaml"))
    assert problems == []
    assert site is not None
    assert [node.carrier for node in site.nodes] == ["lorawan", "lorawan"]


def test_a_node_over_lorawan(tmp_path: Path) -> None:
    site, problems = read(tmp_path)
    assert site is not None, codes(problems)
    assert site.lorawan is not None
    assert (site.lorawan.server, site.lorawan.application) == ("chirpstack", APPLICATION)
    assert downlinks_day(site.lorawan) is None
    device = site.nodes[2].lorawan
    assert device is not None
    assert (device.dev_eui, device.join_eui) == (EUI, NO_JOIN_EUI)
    told = compile_guard(site)
    assert told["nodes"][2]["carrier"] == "lorawan"
    assert EUI not in str(told)


def test_the_things_stack_is_rationed_unless_the_file_says_how_much(tmp_path: Path) -> None:
    for said, a_day in (("", 8), (", downlinks_day: 5", 5)):
        site, _ = read(tmp_path, TTN + said)
        assert site is not None
        assert site.lorawan is not None
        assert downlinks_day(site.lorawan) == a_day
    assert device_id(21) == "amont-21"


@pytest.mark.parametrize(
    ("lorawan", "device", "found"),
    [
        (None, f"dev_eui: {EUI}", ("no-lorawan", "nodes[2].carrier")),
        (CHIRPSTACK, None, ("no-dev-eui", "nodes[2].carrier")),
        (CHIRPSTACK, "dev_eui: " + "0" * 16, ("eui-zero", "nodes[2].lorawan.dev_eui")),
        (CHIRPSTACK, f"dev_eui: {EUI.upper()}", ("form", "nodes[2].lorawan.dev_eui")),
        (CHIRPSTACK, "dev_eui: 70b3d57ed000001", ("form", "nodes[2].lorawan.dev_eui")),
        (
            CHIRPSTACK,
            f"dev_eui: {EUI}, join_eui: amonette",
            ("form", "nodes[2].lorawan.join_eui"),
        ),
        (
            "server: chirpstack, application: amonette",
            f"dev_eui: {EUI}",
            ("application-uuid", "lorawan.application"),
        ),
        (f"{CHIRPSTACK}, tenant: ttn", f"dev_eui: {EUI}", ("tenant-useless", "lorawan.tenant")),
        ("server: ttn, application: a/b", f"dev_eui: {EUI}", ("form", "lorawan.application")),
        ("server: ttn", f"dev_eui: {EUI}", ("missing-key", "lorawan")),
    ],
)
def test_a_mistake_is_named(
    lorawan: str | None, device: str | None, found: tuple[str, str], tmp_path: Path
) -> None:
    site, problems = read(tmp_path, lorawan, device)
    assert codes(problems) == [found]
    assert site is None
    assert problems[0].text("fr") != problems[0].text("en")


def test_what_is_only_remarked(tmp_path: Path) -> None:
    site, problems = read(tmp_path, f"{TTN}, downlinks_day: 40")
    assert codes(problems) == [("fair-use", "lorawan.downlinks_day")]
    assert site is not None
    site, problems = read(tmp_path, f"{TTN}, broker: {{host: eu1.cloud.thethings.network}}")
    assert (problems, site is not None) == ([], True)
    _, problems = read(tmp_path, f"{TTN}, broker: {{host: lora.lan, tls: false}}")
    assert codes(problems) == [("no-tls", "lorawan.broker.tls")]


def test_a_device_is_one_node_on_its_own_carrier(tmp_path: Path) -> None:
    read(tmp_path)
    path = tmp_path / "site.yaml"
    text = path.read_text(encoding="utf-8")
    device = f"    lorawan: {{dev_eui: {EUI}}}\n"
    path.write_text(text.replace("  - id: 12\n", f"  - id: 12\n{device}"), encoding="utf-8")
    assert codes(check(path)[1]) == [
        ("lorawan-useless", "nodes[1].lorawan"),
        ("twice", "nodes[2].lorawan.dev_eui"),
    ]
    path.write_text(text.replace(BROKER + "\n", ""), encoding="utf-8")
    found = codes(check(path)[1])
    assert ("lorawan-no-broker", "lorawan") in found
