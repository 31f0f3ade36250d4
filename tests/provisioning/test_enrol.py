"""Enrol boards: the node reads what was written, the guard opens what the node seals."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from amont_guard.keys import Keyring
from amont_node.config import ConfigStore, load_secret
from amont_node.pair import PairFile
from amont_provision import board, cli, enrol
from amont_provision.keyfile import KeyFile
from amont_provision.port import VirtualPort, open_port
from amont_provision.texts import TEXTS, Refused
from amont_site import load
from amont_wire.const import SAMPLES, UPLINK
from amont_wire.counters import ReservedCounter
from amont_wire.errors import Forged
from amont_wire.frame import Sealer

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
NODE, METER = 11, 31


class Desk:
    """A guard's folder and a drawer of boards."""

    def __init__(self, folder):
        self.folder = folder
        self.keys = folder / "guard" / "keys.json"
        self.keys.parent.mkdir(mode=0o700)

    def board(self, name="board"):
        path = self.folder / name
        path.mkdir(exist_ok=True)
        return path

    def run(self, *more, node=NODE, board="board"):
        port = f"virtual:{self.board(board)}"
        return cli.main(
            ["--lang", "en", "enrol", "--port", port, "--site", str(SITE), "--node", str(node),
             "--keys", str(self.keys), *map(str, more)]
        )  # fmt: skip

    def stored(self):
        return json.loads(self.keys.read_text())["nodes"]

    def keyring(self):
        return Keyring(self.keys.parent, lambda path, content, done: done and done())

    def sealed(self, board="board", counter=0):
        """A frame as the node on that board seals it, from the files that it reads."""
        config = ConfigStore(str(self.board(board))).load()
        secret = load_secret(str(self.board(board)))
        used = ReservedCounter(counter, lambda limit: None, 1)
        return Sealer(secret, config.id, config.generation, UPLINK, used).seal(SAMPLES, b"body")[1]


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


@pytest.fixture
def tls(tmp_path):
    folder = tmp_path / "tls"
    folder.mkdir()
    for name in ("ca.crt", f"{METER}.crt", f"{METER}.key"):
        (folder / name).write_text(name)
    return folder


def test_the_guard_opens_what_an_enrolled_node_seals(desk):
    assert desk.run() == 0
    ring = desk.keyring()
    assert ring.faults == []
    header, body, generation = ring.open(desk.sealed())
    assert (header.node, body, generation) == (NODE, b"body", 1)


def test_the_node_reads_its_part_of_the_site(desk):
    desk.run("--radio", "127.0.0.1:7801")
    config = ConfigStore(str(desk.board())).load()
    assert (config.id, config.generation, config.version, config.interval_s) == (NODE, 1, 1, 900)
    assert [(c.index, c.quantity) for c in config.channels] == [(0, 1)]
    assert (config.high_mark, config.rise_mark, config.alarm_mark) == (1200, 6, 2500)
    assert config.carrier == {"kind": "radio", "host": "127.0.0.1", "port": 7801}


def test_a_node_on_mqtt_gets_its_certificates(desk, tls):
    assert desk.run("--tls", tls, node=METER) == 0
    config = ConfigStore(str(desk.board())).load()
    assert config.carrier["site"] == "sainte-amonette"
    assert (config.high_mark, config.alarm_mark) == (None, None)
    for key in ("ca", "cert", "key"):
        assert (desk.board() / config.carrier["tls"][key]).is_file()


def test_secrets_are_private_and_differ(desk):
    desk.run()
    desk.run(node=12, board="other")
    secrets = {load_secret(str(desk.board(name))) for name in ("board", "other")}
    assert len(secrets) == 2
    for path in (desk.keys, desk.board() / "secret.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shown = (desk.board() / "config.a").read_text()
    assert all(secret.hex() not in shown for secret in secrets)


@pytest.mark.parametrize("more", [[], ["--json"], ["--dry-run", "--json"]])
def test_secrets_are_never_printed(desk, capsys, more):
    desk.run(*more)
    desk.run(*more)  # refused, unless dry
    printed = "".join(capsys.readouterr())
    for secret in (e["secret"] for e in (desk.stored().values() if desk.keys.exists() else ())):
        assert secret not in printed
    planned = enrol.plan(
        load(SITE), 12, VirtualPort(desk.board("x")), KeyFile(desk.keys), enrol.Options()
    )
    assert planned.secret.hex() not in repr(planned)
    assert str(planned.secret) not in repr(planned)


def test_a_dry_run_writes_nothing(desk, capsys):
    assert desk.run("--dry-run", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["node"], answer["generation"], answer["files"]) == (NODE, 1, 2)
    assert not desk.keys.exists()
    assert list(desk.board().iterdir()) == []


def test_two_stations_cannot_have_one_identity(desk, capsys):
    desk.run()
    before = desk.keys.read_bytes()
    assert desk.run(board="second") == cli.REFUSED
    assert "two stations cannot have one identity" in capsys.readouterr().err
    assert desk.keys.read_bytes() == before
    assert list(desk.board("second").iterdir()) == []


def test_a_board_cannot_become_another_node_unasked(desk, capsys):
    desk.run()
    assert desk.run(node=12) == cli.REFUSED
    assert "enrolled as node 11" in capsys.readouterr().err
    assert desk.run("--replace", node=12) == 0
    assert ConfigStore(str(desk.board())).load().id == 12


def test_renewal_raises_generation_and_version_and_ends_the_old_key(desk):
    desk.run()
    old = desk.sealed()
    assert desk.run("--renew") == 0
    config = ConfigStore(str(desk.board())).load()
    assert (config.generation, config.version) == (2, 2)
    ring = desk.keyring()
    assert ring.open(desk.sealed())[2] == 2
    with pytest.raises(Forged):
        ring.open(old)


def test_a_configuration_that_came_by_air_is_superseded(desk):
    desk.run()
    store = ConfigStore(str(desk.board()))
    store.save(store.load().changed(7, [(1, 600)]))  # lands in the second copy, revision 2
    desk.run("--renew")
    pair = PairFile(str(desk.board()), "config")
    assert pair.load()["version"] == 8
    assert pair.damaged == 0


class Cut(OSError):
    """Power goes away."""


class CutPort(VirtualPort):
    """A board that dies at its n-th write."""

    def __init__(self, folder, writes):
        super().__init__(folder)
        self.left = writes

    def write(self, name, content):
        if self.left == 0:
            raise Cut("unplugged")
        self.left -= 1
        super().write(name, content)


@pytest.mark.parametrize("writes", [0, 1])
def test_a_renewal_cut_off_leaves_a_way_on(desk, writes):
    desk.run()
    old = desk.sealed()
    keys = KeyFile(desk.keys)
    port = CutPort(desk.board(), writes)
    planned = enrol.plan(load(SITE), NODE, port, keys, enrol.Options(renew=True))
    with pytest.raises(Refused, match="unplugged"):
        enrol.carry_out(planned, port, keys)
    assert desk.keyring().open(old)[2] == 1, "the guard still knows the old key"
    assert desk.run("--renew") == 0
    assert desk.keyring().open(desk.sealed())[2] == 3


def test_a_board_that_gives_back_something_else_is_refused(desk):
    class Worn(VirtualPort):
        def read(self, name):
            content = super().read(name)
            return content and content[:-1]

    keys, port = KeyFile(desk.keys), Worn(desk.board())
    planned = enrol.plan(load(SITE), NODE, port, keys, enrol.Options())
    with pytest.raises(Refused, match=r"secret\.json"):
        enrol.carry_out(planned, port, keys)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "Expecting value"),
        ('{"format": 2, "nodes": {}}', "format 2"),
        (
            '{"format": 1, "nodes": {"11": {"generation": 1, "secret": "00"}}}',
            "node 11 is damaged",
        ),
        ('{"format": 1, "nodes": []}', "keys.json"),
    ],
)
def test_unreadable_keys_are_left_alone(desk, capsys, content, says):
    desk.keys.write_text(content)
    assert desk.run() == cli.REFUSED
    assert says in capsys.readouterr().err
    assert desk.keys.read_text() == content


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"node": 99}, "node 99 is not in sainte-amonette"),
        ({"node": METER}, "requires TLS"),
    ],
)
def test_what_the_site_does_not_allow_is_refused(desk, capsys, change, says):
    assert desk.run(**change) == cli.REFUSED
    assert says in capsys.readouterr().err
    assert not desk.keys.exists()


def test_generations_do_not_wrap(desk, capsys):
    entry = {"generation": 65_535, "secret": "00" * 16}
    desk.keys.write_text(json.dumps({"format": 1, "nodes": {str(NODE): entry}}))
    assert desk.run("--renew") == cli.REFUSED
    assert "used up its generations" in capsys.readouterr().err


def test_a_site_without_a_broker_cannot_have_nodes_on_mqtt():
    site = msgspec.structs.replace(load(SITE), broker=None)
    meter = next(node for node in site.nodes if node.id == METER)
    with pytest.raises(Refused, match="has no broker"):
        board.carrier(site, meter, enrol.RADIO, tls=False)


def test_a_missing_certificate_is_named(desk, capsys, tls):
    (tls / "ca.crt").unlink()
    assert desk.run("--tls", tls, node=METER) == cli.REFUSED
    assert f"ca.crt, {METER}.crt and {METER}.key" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["nowhere", "host:", ":1", "host:70000", "host:x"])
def test_an_address_of_another_form_is_refused(desk, capsys, text):
    with pytest.raises(SystemExit):
        desk.run("--radio", text)
    assert "is not HOST:PORT" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("port", "says"), [("serial:/dev/x", "unknown form"), ("virtual:", "unknown form")]
)
def test_a_port_of_another_form_says_what_to_write(port, says):
    with pytest.raises(Refused, match=says):
        open_port(port)


def test_the_command_is_installed_and_answers_in_french(desk):
    run = subprocess.run(
        [sys.executable, "-m", "amont_provision.cli", "--lang", "fr", "enrol", "--node", "11",
         "--port", "virtual:/nowhere/at/all", "--site", str(SITE), "--keys", str(desk.keys)],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert run.returncode == cli.REFUSED
    assert run.stderr.count("\n") == 1
    assert "le dossier n'existe pas" in run.stderr


def test_a_site_with_errors_names_file_and_line(desk, capsys, tmp_path):
    broken = tmp_path / "site.yaml"
    broken.write_text(SITE.read_text().replace("carrier: bridge", "carrier: pigeon", 1))
    port = f"virtual:{desk.board()}"
    line = ["enrol", "--port", port, "--site", broken, "--node", NODE, "--keys", desk.keys]
    assert cli.main(list(map(str, line))) == cli.REFUSED
    line = next(n for n, t in enumerate(SITE.read_text().splitlines(), 1) if "carrier: br" in t)
    assert f"{broken}:{line}: " in capsys.readouterr().err


def test_every_sentence_exists_in_both_languages():
    for code, (french, english) in TEXTS.items():
        assert french != english, code
        assert sorted(_names(french)) == sorted(_names(english)), code


def _names(text):
    return [part.partition("}")[0] for part in text.split("{")[1:]]
