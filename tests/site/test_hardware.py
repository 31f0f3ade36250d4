"""A node's board and wires in the site's file: each kind is known, each mistake is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from amont_site import Site, check, load
from amont_site.hardware import COUNTER_KEYS, PROBE_KEYS, Probe, plain
from amont_site.model import PROFILES

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "examples" / "site.yaml").read_text(encoding="utf-8")
SENSOR = "- {sensor: pont-neuf-a, quantity: stage_mm, min: -500, max: 8000, step_per_min: 500, "
SENSOR += "flat_samples: 60}"
CARRIER = "    carrier: bridge\n    interval_s: 900\n    fast_interval_s: 60\n"
AT = "nodes[0].channels[0].probe"
UART = "{id: 0, tx: 0, rx: 1}"


def written(
    folder: Path, probe: str = "", *, node: str = "", carrier: str = "bridge", quantity: str = ""
) -> Path:
    """The example with node 11's first channel wired, and lines more of that node."""
    wired = SENSOR[:-1] + (f", probe: {{{probe}}}}}" if probe else "}")
    text = TEXT.replace(CARRIER, f"    carrier: {carrier}\n{node}", 1).replace(SENSOR, wired, 1)
    if quantity:
        extra = f"\n      - {{sensor: other, quantity: {quantity}, probe: {{{probe}}}}}"
        text = text.replace(wired, SENSOR + extra, 1)
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def found(path: Path) -> list[tuple[str, str]]:
    return [(p.code, p.path) for p in check(path)[1] if not p.warning]


def good(path: Path) -> Site:
    assert found(path) == []
    return load(path)


# kind: a probe as docs/drivers.md describes it, and a quantity that it gives
PROBES = {
    "constant": ("kind: constant, value: 1200", "water_temp_cc"),
    "replay": ("kind: replay, file: stage.txt, noise: 2", "battery_mv"),
    "a02yyuw": (f"kind: a02yyuw, uart: {UART}, pings: 5, power: {{pin: 6}}", "range_mm"),
    "jsn_sr04t": (
        "kind: jsn_sr04t, trigger: 2, echo: 3, temperature: {kind: ds18b20, pin: 15}",
        "level_mm",
    ),
    "ads1115_420ma": ("kind: ads1115_420ma, i2c: {id: 0, scl: 5, sda: 4}", "pressure_pa10"),
    "modbus_rtu": (
        "kind: modbus_rtu, uart: {id: 1, tx: 8, rx: 9, de: 10}, register: 1, parity: even,"
        " function: 4, type: f32, decimals: 3, no_echo: [65535]",
        "level_mm",
    ),
    "sdi12": (f"kind: sdi12, uart: {UART}, address: 3, command: C, crc: false", "range_mm"),
    "pulse": ("kind: pulse, counter: {kind: pin, pin: 6}, raw: rate", "volume_l"),
    "tipping_bucket": (
        "kind: tipping_bucket, counter: {kind: pcf8583, i2c: {id: 0, scl: 5, sda: 4}}",
        "rain_um",
    ),
    "ds18b20": ("kind: ds18b20, pin: 15", "air_temp_cc"),
    "battery": ("kind: battery, pin: 26, multiply: 2, divide: 1", "battery_mv"),
}


@pytest.mark.parametrize("kind", PROBES)
def test_each_kind_of_probe_is_accepted_and_reaches_the_node(kind: str, tmp_path: Path) -> None:
    probe, quantity = PROBES[kind]
    path = written(tmp_path, probe, quantity=quantity)
    unused = ("sensor-unused", "nodes[0].channels[1].sensor")
    assert [one for one in found(path) if one != unused] == []
    if quantity not in ("rain_um", "flow_l_h"):
        channel = good(path).nodes[0].channels[1]
        assert channel.probe is not None
        assert plain(channel.probe)["kind"] == kind


def test_the_page_of_drivers_names_the_same_kinds_and_needs() -> None:
    page = (DOCS / "drivers.md").read_text(encoding="utf-8")
    kinds = page[page.index("## Kinds") :].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*)\|", kinds, re.MULTILINE))
    assert set(PROBE_KEYS) == set(PROBES) == rows.keys() & set(PROBE_KEYS)
    for kind, (needed, known, _) in PROBE_KEYS.items():
        first = rows[kind].partition(";")[0]
        named = set(re.findall(r"`(\w+)`", rows[kind]))
        assert all(f"`{key}`" in first for key in needed), kind
        assert named - {"temperature"} <= {*needed, *known} | {"M", "C"}, kind
    for kind in COUNTER_KEYS:
        assert f'"kind": "{kind}"' in page


def test_an_address_on_sdi12_is_a_character_on_the_wire() -> None:
    assert plain(Probe(kind="sdi12", address=3)) == {"kind": "sdi12", "address": "3"}


# what is planted: (probe, more lines of the node), the code, where
MISTAKES = {
    "missing": ("kind: ds18b20", "", "probe-missing", AT),
    "useless": ("kind: constant, value: 1, baud: 9600", "", "probe-useless", f"{AT}.baud"),
    "quantity": ("kind: ds18b20, pin: 4", "", "probe-quantity", f"{AT}.kind"),
    "counter": (
        "kind: constant, value: 1, counter: {kind: latch, pin: 3}", "", "probe-useless",
        f"{AT}.counter",
    ),
    "sdi12": (f"kind: sdi12, uart: {UART}, address: 12", "", "between", f"{AT}.address"),
    "low": (f"kind: a02yyuw, uart: {UART}, low: 9, high: 9", "", "low-high", f"{AT}.low"),
    "kind": ("kind: sonar", "", "choice", f"{AT}.kind"),
    "unknown": ("kind: constant, value: 1, valeu: 2", "", "unknown-key", AT),
    "twice": (
        "kind: jsn_sr04t, trigger: 2, echo: 2", "", "pin-twice", f"{AT}.echo",
    ),
    "board": (
        "kind: jsn_sr04t, trigger: 2, echo: 3", "    board: {name: pico, button: 3}\n",
        "pin-twice", f"{AT}.echo",
    ),
    "high pin": (
        "kind: jsn_sr04t, trigger: 2, echo: 33", "    board: {name: pico}\n", "between",
        f"{AT}.echo",
    ),
    "another bus": (
        "kind: ads1115_420ma, i2c: {id: 0, scl: 5, sda: 4, hz: 400000}",
        "    board: {name: pico, rtc: ds3231, i2c: {id: 0, scl: 5, sda: 4}}\n", "pin-twice",
        f"{AT}.i2c.scl",
    ),
    "slow look": ("", "    profile: flash-flood\n    look_s: 300\n", "look", "nodes[0].look_s"),
    "rare look": ("", "    interval_s: 60\n    look_s: 61\n", "look", "nodes[0].look_s"),
    "marks": ("", "    marks: {high: 9}\n", "marks-station", "nodes[0].marks"),
    "deep": ("", "    board: {name: pico, sleep: deep}\n", "sleep-deep", "nodes[0].board.sleep"),
    "gate": ("", "    board: {name: pico, sleep: gate}\n", "probe-missing", "nodes[0].board"),
    "rtc": ("", "    board: {name: pico, rtc: ds3231}\n", "probe-missing", "nodes[0].board"),
    "float": (
        "", "    board: {name: unix, sleep: gate, rtc: ds3231, float: {pin: 5}}\n",
        "probe-missing", "nodes[0].board",
    ),
    "float pin": (
        "", "    board: {name: pico, gate: 5, float: {pin: 5}}\n", "pin-twice",
        "nodes[0].board.float.pin",
    ),
    "no Wi-Fi": ("", "    board: {name: pico2}\n", "no-wifi", "nodes[0].board.name"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_named_where_it_stands(mistake: str, tmp_path: Path) -> None:
    probe, node, code, path = MISTAKES[mistake]
    carrier = "mqtt" if code == "no-wifi" else "bridge"
    assert (code, path) in found(written(tmp_path, probe, node=node, carrier=carrier))


def test_a_counter_of_a_pulse_meter_is_checked_too(tmp_path: Path) -> None:
    probe = "kind: pulse, counter: {kind: latch, pin: 3, id: 1}"
    codes = found(written(tmp_path, probe, quantity="volume_l"))
    at = "nodes[0].channels[1].probe.counter"
    assert codes == [("probe-useless", f"{at}.id"), ("probe-missing", at)]


def test_one_bus_may_be_shared_by_clock_and_sensor(tmp_path: Path) -> None:
    bus = "{id: 0, scl: 5, sda: 4}"
    board = f"    board: {{name: pico, rtc: ds3231, i2c: {bus}}}\n"
    node = good(written(tmp_path, f"kind: ads1115_420ma, i2c: {bus}", node=board)).nodes[0]
    assert node.board is not None
    assert plain(node.board) == {
        "name": "pico", "rtc": "ds3231", "i2c": {"id": 0, "scl": 5, "sda": 4},
    }  # fmt: skip


def test_a_supply_that_is_cut_between_wakes(tmp_path: Path) -> None:
    said = "name: pico, rtc: pcf8563, i2c: {id: 0, scl: 1, sda: 0}, sleep: gate, gate: 12"
    said += ", float: {pin: 13, active: 1}"
    board = good(written(tmp_path, node=f"    board: {{{said}}}\n")).nodes[0].board
    assert board is not None
    assert plain(board)["sleep"] == "gate"
    assert plain(board)["float"] == {"pin": 13, "active": 1}
    lonely = said.replace(" gate: 12,", "").replace("active: 1", "wakes: false")
    assert good(written(tmp_path, node=f"    board: {{{lonely}}}\n")).nodes[0].board is not None


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_fills_in_what_is_not_written(profile: str, tmp_path: Path) -> None:
    node = good(written(tmp_path, node=f"    profile: {profile}\n")).nodes[0]
    told = {key: getattr(node, key) for key in ("interval_s", "fast_interval_s", "look_s")}
    assert told == {"look_s": None, **PROFILES[profile]}
    own = f"    profile: {profile}\n    interval_s: 600\n    fast_interval_s: 30\n    look_s: 90\n"
    node = good(written(tmp_path, node=own)).nodes[0]
    assert (node.interval_s, node.fast_interval_s, node.look_s) == (600, 30, 90)


def test_a_pipe_may_have_marks_of_its_own(tmp_path: Path) -> None:
    text = TEXT.replace("    fast_interval_s: 300\n", "    marks: {low: 300, high: 900}\n", 2)
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    marks = good(path).nodes[3].marks
    assert marks is not None
    assert (marks.low, marks.high, marks.fall_per_min) == (300, 900, None)
    path.write_text(text.replace("low: 300", "low: 900"), encoding="utf-8")
    assert found(path) == [("low-high", f"nodes[{i}].marks.low") for i in (2, 3)]


def test_a_float_switch_needs_no_looks(tmp_path: Path) -> None:
    lines = "    profile: flash-flood\n    look_s: 0\n"
    assert good(written(tmp_path, node=lines)).nodes[0].look_s == 0


def test_without_a_profile_nothing_has_changed() -> None:
    node = load(DOCS / "examples" / "site.yaml").nodes[0]
    assert (node.profile, node.look_s, node.board) == (None, None, None)
    assert (node.interval_s, node.fast_interval_s, node.channels[0].probe) == (900, 60, None)


@pytest.mark.parametrize("lines", ["[]", "11", "{profile: [pipe]}", "null"])
def test_a_node_of_another_form_is_named_and_breaks_nothing(lines: str, tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(TEXT.replace("nodes:\n", f"nodes:\n  - {lines}\n", 1), encoding="utf-8")
    assert found(path)
