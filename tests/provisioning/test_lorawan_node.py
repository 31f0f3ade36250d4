"""Enrol a node that LoRaWAN carries: what it gets, what the network server must be told."""

import json
import re

import msgspec
import pytest
import yaml
from tests.provisioning.desk import SITE

from amont_node.config import ConfigStore
from amont_node.lorawan_carrier import LorawanCarrier
from amont_provision import app_key, board, boards, cli
from amont_provision.bundle import Bundle
from amont_provision.keyfile import KeyFile
from amont_provision.texts import Refused
from amont_site import load
from amont_site.model import Node
from amont_wire.keys import hmac_sha256

NODE, EUI = 31, "70b3d57ed0001122"
UUID = "0a1b2c3d-0000-4000-8000-000000000000"


@pytest.fixture
def site(tmp_path):
    told = yaml.safe_load(SITE.read_text())
    told["lorawan"] = {"server": "chirpstack", "application": UUID}
    (node,) = [one for one in told["nodes"] if one["id"] == NODE]
    node |= {"carrier": "lorawan", "lorawan": {"dev_eui": EUI}}
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(told, allow_unicode=True))
    return path


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "guard").mkdir(mode=0o700)
    (tmp_path / "board").mkdir()
    return tmp_path


def run(desk, site, *more):
    return cli.main(
        ["--lang", "en", "enrol", "--port", f"virtual:{desk / 'board'}", "--site", str(site),
         "--node", str(NODE), "--keys", str(desk / "guard" / "keys.json"), *map(str, more)]
    )  # fmt: skip


def keys(desk):
    return KeyFile(desk / "guard" / "keys.json")


def given(desk):
    return json.loads((desk / "board" / app_key.FILE).read_text())["app_key"]


def test_the_board_and_the_network_server_get_the_same_key(desk, site, capsys):
    assert run(desk, site) == 0
    said = "".join(capsys.readouterr())
    assert given(desk) == app_key.of(keys(desk), NODE)
    assert re.fullmatch("[0-9a-f]{32}", given(desk))
    assert given(desk) not in said
    assert keys(desk).secret(NODE).hex() not in said
    assert f"export it to the network server, or node {NODE}" in said
    assert (desk / "board" / app_key.FILE).stat().st_mode & 0o077 == 0


def test_the_key_is_derived_as_the_wire_format_says():
    secret = bytes(range(16))
    found = hmac_sha256(secret, b"\x01amont lorawan\x00\x1f\x00\x02\x00\x00\x80")[:16]
    assert app_key.app_key(31, 2, secret) == found.hex()


def test_the_node_takes_what_it_was_given(desk, site):
    run(desk, site)
    folder = str(desk / "board")
    config = ConfigStore(folder).load()
    assert config.carrier["kind"] == "lorawan"
    assert (config.carrier["dev_eui"], config.carrier["join_eui"]) == (EUI, "0" * 16)
    assert config.lora.overhead_bytes == 13
    carrier = LorawanCarrier(config.carrier, NODE, folder, object())
    assert carrier.answer_ms >= 900_000
    assert not carrier.ready()


def test_the_same_again_is_the_same_key_and_a_renewal_another(desk, site):
    run(desk, site)
    first = given(desk)
    assert run(desk, site) == 0
    assert given(desk) == first
    assert run(desk, site, "--renew") == 0
    assert given(desk) != first
    assert given(desk) == app_key.of(keys(desk), NODE)


def test_a_dry_run_writes_no_key(desk, site):
    assert run(desk, site, "--dry-run") == 0
    assert not (desk / "board" / app_key.FILE).exists()


def test_a_node_without_a_key_has_none(desk):
    with pytest.raises(Refused) as error:
        app_key.of(keys(desk), NODE)
    assert error.value.code == "no-key"


def test_a_bundle_brings_it_as_well(desk, site):
    secret = desk / "passphrase"
    secret.write_text("une phrase assez longue\n")
    secret.chmod(0o600)
    bundle = desk / "lot.amont"
    made = cli.main(
        ["enrol", "--batch", "1", "--nodes", str(NODE), "--site", str(site), "--out", str(bundle),
         "--keys", str(desk / "guard" / "keys.json"), "--passphrase-file", str(secret)]
    )  # fmt: skip
    assert made == 0
    done = cli.main(
        ["enrol", "--port", f"virtual:{desk / 'board'}", "--site", str(site), "--node", str(NODE),
         "--bundle", str(bundle), "--passphrase-file", str(secret),
         "--laptop-key", str(desk / "laptop" / "key")]
    )  # fmt: skip
    assert done == 0
    assert given(desk) == app_key.of(keys(desk), NODE)
    opened = Bundle(bundle, secret.read_text().strip, lambda: None, desk / "laptop")
    assert opened.nodes() == [NODE]


def test_few_answers_a_day_are_waited_for_longer(site):
    told = yaml.safe_load(site.read_text())
    told["lorawan"] = {"server": "ttn", "application": "amont", "tenant": "ttn"}
    site.write_text(yaml.safe_dump(told, allow_unicode=True))
    found = load(site)
    (node,) = [one for one in found.nodes if one.id == NODE]
    assert board.lorawan(found, node)["answer_ms"] == 1000 * (86_400 // 6 * 5 // 4)


@pytest.mark.parametrize(
    ("probe", "code"),
    [
        ({"kind": "jsn_sr04t", "trigger": 12, "echo": 7}, "pin-modem"),
        ({"kind": "a02yyuw", "uart": {"id": 0, "tx": 16, "rx": 17}}, "uart-modem"),
    ],
)
def test_the_modules_pins_are_its_own(site, probe, code):
    told = yaml.safe_load(site.read_text())
    (node,) = [one for one in told["nodes"] if one["id"] == NODE]
    node |= {"board": {"name": "pico"}, "channels": [node["channels"][0]]}
    node["channels"][0] |= {"probe": probe, "quantity": "range_mm"}
    with pytest.raises(Refused) as error:
        boards.check(msgspec.convert(node, Node))
    assert error.value.code == code
    assert all(len(error.value.text(lang).splitlines()) == 1 for lang in ("fr", "en"))
