"""A board's file against what the site's file asks of it: one line for each mistake."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.provisioning.desk import NODE, SITE, read_once

from amont_node.config import BoardConfig, ConfigError, NodeConfig
from amont_provision import boards, enrol
from amont_provision.board import configuration
from amont_provision.keyfile import KeyFile
from amont_provision.port import VirtualPort
from amont_provision.texts import Refused
from amont_site import load
from amont_site.hardware import BOARDS, DEEP_SLEEPERS, plain
from amont_site.model import Node

I2C = {"id": 0, "scl": 22, "sda": 21}


def node(board: dict[str, Any] | None, probe: dict[str, Any] | None = None) -> Node:
    channel = {"sensor": "pont-a", "quantity": "range_mm"}
    return msgspec.convert(
        {
            "id": 17, "name": {"fr": "n", "en": "n"}, "carrier": "bridge",
            **({} if board is None else {"board": board}),
            "channels": [channel if probe is None else {**channel, "probe": probe}],
        },
        Node,
    )  # fmt: skip


def refused(board: dict[str, Any], probe: dict[str, Any] | None = None) -> Refused:
    with pytest.raises(Refused) as error:
        boards.check(node(board, probe))
    assert len(error.value.text("fr").splitlines()) == 1
    return error.value


@pytest.mark.parametrize("name", BOARDS)
def test_the_boards_files_and_the_nodes_own_rules_agree(name: str) -> None:
    able = boards.known(name)
    assert ("deep" in able["sleeps"]) == (name in DEEP_SLEEPERS)
    for sleep in ("light", "deep", "gate"):
        data = {"name": name, "sleep": sleep, "rtc": "ds3231", "i2c": I2C}
        if sleep in able["sleeps"]:
            assert BoardConfig(data).sleep == sleep
        else:
            with pytest.raises(ConfigError, match="sleep: deep"):
                BoardConfig(data)
    assert able.get("last", 0) <= BOARDS[name][0]


@pytest.mark.parametrize("name", sorted(set(BOARDS) - {"unix"}))
def test_a_boards_own_pins_are_good_ones(name: str) -> None:
    able = boards.known(name)
    given = able["pins"]
    usual = {
        "name": name, "sleep": "gate", "rtc": "pcf8563", "i2c": given["i2c"],
        "gate": given["gate"], "float": {"pin": given["float"]}, **able["usual"],
    }  # fmt: skip
    found = node(usual, {"kind": "jsn_sr04t", **given["echo"], "power": {"pin": given["power"]}})
    boards.check(found)
    assert found.board is not None
    config = BoardConfig(plain(found.board))
    assert (config.gate, config.float.pin) == (given["gate"], given["float"])  # type: ignore[union-attr]


def test_a_simulated_node_and_one_without_a_board_are_taken() -> None:
    boards.check(node(None))
    boards.check(node({"name": "unix", "sleep": "deep", "float": {"pin": 40}}))


@pytest.mark.parametrize(
    ("board", "probe", "code", "says"),
    [
        ({"name": "pico", "led": 23}, None, "pin-taken", "board.led: pin 23"),
        ({"name": "pico", "sleep": "deep"}, None, "board-sleep", "light, gate"),
        ({"name": "pico", "watchdog_s": 9}, None, "board-watchdog", "write 8 at most"),
        ({"name": "esp32", "button": 40}, None, "pin-none", "0 to 39"),
        ({"name": "esp32", "gate": 35}, None, "pin-input", "board.gate: pin 35"),
        ({"name": "esp32", "sleep": "deep", "float": {"pin": 18}}, None, "pin-wakes", "wakes:"),
        ({"name": "esp32"}, {"kind": "jsn_sr04t", "trigger": 34, "echo": 26}, "pin-input",
         "pont-a.trigger: pin 34"),
        ({"name": "pico"}, {"kind": "ds18b20", "pin": 29}, "pin-taken", "pont-a.pin: pin 29"),
    ],
)  # fmt: skip
def test_one_line_for_each_mistake(
    board: dict[str, Any], probe: dict[str, Any] | None, code: str, says: str
) -> None:
    error = refused(board, probe)
    assert error.code == code
    assert says in error.text("en")


def test_what_can_only_be_read_may_be_read() -> None:
    probe = {"kind": "jsn_sr04t", "trigger": 25, "echo": 34}
    boards.check(node({"name": "esp32", "sleep": "light", "float": {"pin": 18}}, probe))
    boards.check(node({"name": "esp32", "sleep": "deep", "float": {"pin": 18, "wakes": False}}))


def test_a_board_without_a_file_or_with_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "folder", lambda: tmp_path)
    (tmp_path / "esp32.json").write_text(json.dumps({"name": "esp32"}))
    (tmp_path / "simulated.json").write_text("{")
    for name in ("pico", "esp32", "unix"):
        error = refused({"name": name})
        assert error.code == "board-unknown"
        assert "esp32, unix" in error.text("en")
    monkeypatch.setattr(boards, "folder", lambda: tmp_path / "none")
    boards.check(node({"name": "pico", "sleep": "deep"}))


def test_enrolment_looks_at_it_before_it_takes_a_key(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    said = "    carrier: bridge\n    board: {name: pico, led: 24}\n"
    path.write_text(SITE.read_text().replace("    carrier: bridge\n", said, 1))
    keys = KeyFile(tmp_path / "keys.json")
    with pytest.raises(Refused, match="pin 24"):
        enrol.plan(load(path), NODE, VirtualPort(tmp_path), keys, enrol.Options())
    assert not keys.path.exists()


def test_enrolment_writes_how_the_board_sleeps() -> None:
    said = {"name": "pico", "sleep": "gate", "rtc": "ds3231", "i2c": {"id": 0, "scl": 1, "sda": 0},
            "gate": 10, "float": {"pin": 9}}  # fmt: skip
    config = configuration(read_once(SITE), node(said), 1, 1, {"kind": "radio", "port": 1})
    assert config["board"] == said
    assert NodeConfig(config).board.sleep == "gate"
