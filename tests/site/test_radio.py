"""What the file says of bridges and channels: read, refused with a sentence, told to the guard."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from amont_site import Site, check, compile_guard, load
from amont_site.radio import USUAL_KHZ, spreading_factor

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
BRIDGE = "bridge: {port: /dev/amont-bridge, baud: 115200}"
A, B = "usb:2e8a:0005:E66A", "usb:2e8a:0005:34:85:18:7A"


def site_with(folder: Path, bridge: str, **nodes: str) -> Site:
    assert BRIDGE in TEXT
    text = TEXT.replace(BRIDGE, f"bridge: {{{bridge}}}")
    for node, more in nodes.items():
        number = node.removeprefix("node")
        text = text.replace(f"  - id: {number}\n", f"  - id: {number}\n    {more}\n")
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def codes(folder: Path, bridge: str, **nodes: str) -> list[tuple[str, str]]:
    site_path = folder / "site.yaml"
    with suppress(ValueError):
        site_with(folder, bridge, **nodes)
    return [(p.code, p.path) for p in check(site_path)[1]]


def test_a_bridge_without_a_word_has_the_usual_channels() -> None:
    told = compile_guard(load(EXAMPLE))["bridge"]
    assert told == {
        "port": "/dev/amont-bridge", "baud": 115200, "listeners": [],
        "channels_khz": [868_100, 868_300, 868_500], "power_dbm": 14, "spreading_factors": [9],
    }  # fmt: skip
    assert list(USUAL_KHZ) == told["channels_khz"]


def test_two_boards_one_channel_and_a_node_of_its_own_rate(tmp_path: Path) -> None:
    site = site_with(
        tmp_path,
        f'port: "{A}", listeners: ["{B}"], channels_khz: [869525], power_dbm: 20',
        node12="radio: {spreading_factor: 12}",
    )
    told = compile_guard(site)["bridge"]
    assert (told["port"], told["listeners"]) == (A, [B])
    assert (told["channels_khz"], told["power_dbm"]) == ([869_525], 20)
    assert told["spreading_factors"] == [9, 12]
    factors = [spreading_factor(site.bridge, node.radio) for node in site.nodes[:2]]
    assert factors == [9, 12]
    assert spreading_factor(None, None) == 9


def test_nodes_on_another_carrier_set_no_rate_of_the_bridge(tmp_path: Path) -> None:
    text = TEXT.replace("carrier: bridge", "carrier: mqtt")
    text = text.replace(BRIDGE, "bridge: {spreading_factor: 7}")
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    assert compile_guard(load(path))["bridge"]["spreading_factors"] == [7]


@pytest.mark.parametrize("port", ["usb:2e8a", "usb:2e8a:5", "usb:2e8a:0005:", "USB:zzzz:0005"])
def test_a_wrong_usb_id_is_named(port: str, tmp_path: Path) -> None:
    assert codes(tmp_path, f'port: "{port}"') == [("usb-form", "bridge.port")]
    assert codes(tmp_path, f'listeners: ["{port}"]') == [("usb-form", "bridge.listeners[0]")]


def test_of_two_boards_alike_each_needs_its_number(tmp_path: Path) -> None:
    found = codes(tmp_path, f'port: "usb:2E8A:0005", listeners: ["{A}", "usb:2e8a:000a"]')
    assert found == [("usb-serial", "bridge.port")]


def test_one_port_has_one_use(tmp_path: Path) -> None:
    assert codes(tmp_path, f'port: "{A}", listeners: ["{A.lower()}"]') == [
        ("twice", "bridge.listeners[0]")
    ]
    assert codes(tmp_path, "channels_khz: [868100, 868100]") == [
        ("twice", "bridge.channels_khz[1]")
    ]


def test_channels_lie_where_the_law_leaves_room(tmp_path: Path) -> None:
    found = codes(tmp_path, "channels_khz: [868100, 868600, 864000, 869800]")
    assert found == [
        ("channel-band", "bridge.channels_khz[1]"), ("channel-band", "bridge.channels_khz[2]"),
    ]  # fmt: skip
    assert codes(tmp_path, "channels_khz: [868100, 869525], power_dbm: 20") == [
        ("power-band", "bridge.power_dbm")
    ]
    assert codes(tmp_path, "channels_khz: [868600], power_dbm: 14") == [
        ("channel-band", "bridge.channels_khz[0]")
    ]
    assert [code for code, _ in codes(tmp_path, "channels_khz: [915000]")] == ["between"]


def test_a_node_that_is_not_on_the_bridge_has_no_radio_of_ours(tmp_path: Path) -> None:
    found = codes(tmp_path, "baud: 115200", node21="radio: {spreading_factor: 7}")
    assert found == [("radio-useless", "nodes[2].radio")]


def test_a_node_over_lorawan_is_told_to_the_guard_and_promises_less(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(TEXT.replace("carrier: bridge", "carrier: lorawan", 1), encoding="utf-8")
    problems = [p for p in check(path)[1] if p.code == "weaker-promise"]
    assert [p.path for p in problems] == ["sirens[0].stations[0]"]
    assert "LoRaWAN" in problems[0].text("fr")


# --- where antennas are, for planning

RADIO = "nodes[1].radio"


def test_places_and_antennas_are_read_and_change_nothing_for_the_guard(tmp_path: Path) -> None:
    place = "latitude: 43.98, longitude: 3.85, antenna_m: 12, antenna_gain_db: 2"
    radio = "radio: {distance_m: 2400, setting: valley, antenna_m: 3.5, obstacle_m: 30}"
    site = site_with(tmp_path, place, node12=radio)
    assert site.bridge is not None
    assert (site.bridge.latitude, site.bridge.antenna_gain_db) == (43.98, 2)
    far = site.nodes[1].radio
    assert far is not None
    assert (far.distance_m, far.setting) == (2400, "valley")
    assert (far.antenna_m, far.obstacle_m) == (3.5, 30)
    assert spreading_factor(site.bridge, far) == 9
    plain = compile_guard(site_with(tmp_path, "baud: 115200"))
    assert compile_guard(site)["bridge"] == plain["bridge"]


@pytest.mark.parametrize(
    ("bridge", "radio", "found"),
    [
        ("latitude: 43.98", "", [("one-coordinate", "bridge.latitude")]),
        ("antenna_gain_db: 2.1", "", []),
        ("antenna_gain_db: 5", "", [("radiated-band", "bridge.antenna_gain_db")]),
        ("antenna_gain_db: 5, power_dbm: 11", "", []),
        ("power_dbm: 20", "", [("power-band", "bridge.power_dbm")]),
        ("baud: 115200", "antenna_gain_db: 6", [("radiated-band", f"{RADIO}.antenna_gain_db")]),
        ("baud: 115200", "obstacle_m: 30", [("obstacle-useless", f"{RADIO}.obstacle_m")]),
        ("baud: 115200", "distance_m: 60000", [("between", f"{RADIO}.distance_m")]),
        ("baud: 115200", "setting: forest", [("choice", f"{RADIO}.setting")]),
    ],
)  # fmt: skip
def test_what_cannot_be_of_an_antenna_is_said(
    bridge: str, radio: str, found: list[tuple[str, str]], tmp_path: Path
) -> None:
    nodes = {"node12": f"radio: {{{radio}}}"} if radio else {}
    assert codes(tmp_path, bridge, **nodes) == found


def test_the_power_that_an_antenna_leaves_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="power_dbm: 11"):
        site_with(tmp_path, "antenna_gain_db: 5")
