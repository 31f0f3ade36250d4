"""Enrol a node with a LoRa radio: its wiring, its channels, preambles that a scan sees."""

from pathlib import Path

import pytest
import yaml
from tests.provisioning.desk import SITE

from amont_node.config import ConfigStore, NodeConfig
from amont_node.radio_wiring import checked
from amont_provision import board, boards, cli, deploy, deps, signing
from amont_provision import release as releases
from amont_provision.cache import Cache
from amont_provision.port import VirtualPort
from amont_provision.texts import Refused
from amont_site import load
from amont_wire.airtime import scan_preamble

NODE = 11
BOARDS = ("pico", "pico-w", "pico2", "esp32")


def written(tmp_path, bridge=None, others=(), **node):
    """Return the path of a site whose node 11 has a board with a radio."""
    told = yaml.safe_load(SITE.read_text())
    told["bridge"] = {"port": "/dev/amont-bridge", **(bridge or {})}
    for one in told["nodes"]:
        if one["id"] == NODE:
            one |= {"carrier": "bridge", "board": {"name": "pico"}, **node}
        elif others and one.get("carrier", "bridge") == "bridge":
            one["radio"] = {"spreading_factor": others[0]}
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(told, allow_unicode=True))
    return path


def carrier(path, radio=None):
    site = load(path)
    (node,) = [one for one in site.nodes if one.id == NODE]
    return board.carrier(site, node, radio, tls=False)


@pytest.mark.parametrize("name", BOARDS)
def test_each_board_has_a_radio_on_pins_of_its_own(name):
    able = boards.known(name)
    wired = dict(able["pins"]["radio"])
    assert wired.pop("chip") == "sx1262"
    assert checked(wired) == wired
    pins = [wired[one] for one in ("cs", "busy", "reset", "dio1")]
    pins += [wired["spi"][one] for one in ("sck", "mosi", "miso")]
    assert len(set(pins)) == 7
    assert not set(pins) & set(able["taken"])
    assert max(pins) <= able["last"]
    driven = (wired["cs"], wired["reset"], wired["spi"]["sck"], wired["spi"]["mosi"])
    assert not set(driven) & set(able.get("inputs", ()))
    others = {place: value for place, value in able["pins"].items() if place != "radio"}
    others.pop("modem")  # a board has the one or the other
    used = set()
    for value in others.values():
        used |= {value} if isinstance(value, int) else {v for k, v in value.items() if k != "id"}
    assert not set(pins) & used


@pytest.mark.parametrize("name", ["pico", "pico-w", "pico2"])
def test_an_rp2040_has_that_bus_on_those_pins(name):
    spi = boards.known(name)["pins"]["radio"]["spi"]
    assert spi["id"] == 0  # data sheet of the RP2040, table of functions
    assert spi["sck"] in (2, 6, 18, 22)
    assert spi["mosi"] in (3, 7, 19, 23)
    assert spi["miso"] in (0, 4, 16, 20)


def test_a_board_gets_its_wiring_and_the_sites_air(tmp_path):
    bridge = {"spreading_factor": 8, "channels_khz": [868100, 868500], "power_dbm": 12}
    found = carrier(written(tmp_path, bridge))
    assert (found["kind"], found["chip"]) == ("lora", "sx1262")
    assert found["pins"]["spi"]["sck"] == 18
    assert found["lora"] == {
        "sf": 8, "preamble": scan_preamble(2, [8], 8), "channels_khz": [868100, 868500],
        "power_dbm": 12, "listen_ms": 2600,
    }  # fmt: skip


def test_its_own_spreading_factor_and_the_others_lengthen_preambles(tmp_path):
    bridge = {"spreading_factor": 9, "channels_khz": [868100]}
    alone = carrier(written(tmp_path, bridge))["lora"]
    assert (alone["sf"], alone["preamble"]) == (9, 8)
    own = {"spreading_factor": 7}
    mixed = carrier(written(tmp_path, bridge, others=(12,), radio=own))["lora"]
    assert mixed["sf"] == 7
    assert mixed["preamble"] == scan_preamble(1, [7, 12], 7) > 100


def test_a_module_by_uart(tmp_path):
    found = carrier(written(tmp_path, radio={"chip": "rak3172"}))
    assert found["chip"] == "rak3172"
    assert found["uart"] == boards.known("pico")["pins"]["modem"]
    assert "pins" not in found


def test_a_simulated_radio_where_it_is_asked_for(tmp_path):
    path = written(tmp_path)
    assert carrier(path, ("127.0.0.1", 7712))["kind"] == "radio"
    assert carrier(written(tmp_path, board={"name": "unix"}))["port"] == board.RADIO[1]


def test_a_sensor_on_the_radios_pins_is_refused(tmp_path):
    site = load(written(tmp_path, board={"name": "pico", "led": 19}))
    (node,) = [one for one in site.nodes if one.id == NODE]
    with pytest.raises(Refused) as refused:
        boards.check(node)
    assert refused.value.code == "pin-modem"


def test_the_node_takes_what_it_was_given(tmp_path):
    (tmp_path / "guard").mkdir(mode=0o700)
    (tmp_path / "board").mkdir()
    path = written(tmp_path)
    port, keys = f"virtual:{tmp_path / 'board'}", tmp_path / "guard" / "keys.json"
    line = ["--lang", "en", "enrol", "--port", port, "--site", str(path), "--node", str(NODE),
            "--keys", str(keys)]  # fmt: skip
    assert cli.main(line) == 0
    config = ConfigStore(str(tmp_path / "board")).load()
    assert isinstance(config, NodeConfig)
    assert config.carrier["kind"] == "lora"
    assert config.lora is not None
    assert config.lora.preamble == scan_preamble(3, [9], 9)


LOCK = Path(boards.folder()).parent / "radio.lock"


def test_the_lock_names_just_the_drivers_files():
    lock = deps.read_lock(LOCK)
    files = sorted(path for entry in lock.values() for path in entry["files"])
    assert [path.replace(".py", ".mpy") for path in files] == sorted(board.RADIO_FILES)


def test_a_locked_file_comes_from_where_its_revision_is_kept(tmp_path, monkeypatch):
    asked = []

    def fetched(address, _):
        asked.append(address)
        return b"another"

    monkeypatch.setattr(deps, "fetched", fetched)
    with pytest.raises(Refused) as refused:
        deps.complete(deps.read_lock(LOCK), Cache(tmp_path))
    assert refused.value.code == "lock-differs"
    assert asked[0].startswith("https://")
    assert asked[0].endswith("/micropython/lora/lora/lora/__init__.py")


def release(tmp_path, *files):
    """Return a release file with these beside the application's."""
    key = signing.private_key(signing.development_key())
    members = dict.fromkeys(("amont_node/app.mpy", *files), b"M")
    path = tmp_path / f"{len(files)}.amont"
    path.write_bytes(releases.pack(7, "seven", members, b"pass", key))
    return releases.load(path, [signing.public_bytes(key)])


def test_a_release_without_the_driver_is_refused_before_anything_is_sent(tmp_path):
    test_the_node_takes_what_it_was_given(tmp_path)
    port = VirtualPort(tmp_path / "board")
    with pytest.raises(Refused) as refused:
        deploy.plan(port, release(tmp_path))
    assert refused.value.code == "release-no-radio"
    planned = deploy.plan(port, release(tmp_path, *board.RADIO_FILES))
    assert set(board.RADIO_FILES) <= set(planned.send)
    port.close()
