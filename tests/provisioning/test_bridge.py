"""A board becomes a bridge: real MicroPython on a simulated board, its cable, and a radio."""

import json
import socket
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from amont_node.radio_wiring import checked
from amont_provision import bootrecord, bridge, bridge_line, cli, release, scan, signing
from amont_provision import compile as compiling
from amont_provision.port import open_port
from amont_provision.texts import Refused
from amont_provision.virtual import VirtualBoard
from amont_wire import link

pytestmark = pytest.mark.micropython
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = signing.public_bytes(KEY)
FRAME = bytes([0x11, 17, 0, 1, 0, 0, 0]) + bytes(range(20))


@pytest.fixture(scope="module")
def files():
    return compiling.compiled(compiling.bridge())


@pytest.fixture
def bench(tmp_path, files, monkeypatch):
    made = Bench(tmp_path, files)
    monkeypatch.setenv("LANG", "en")
    monkeypatch.setattr(bridge_line, "RADIO_S", 0.6)  # no chip that takes its time to fail
    yield made
    VirtualBoard(made.folder).stop()
    made.node.close()


class Bench:
    """A bare board, a node's radio, and releases to put on it."""

    def __init__(self, tmp_path, files):
        self.root, self.files, self.folder = tmp_path, files, tmp_path / "board"
        self.folder.mkdir()
        self.port = f"virtual:{self.folder}"
        self.node = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.node.bind(("127.0.0.1", 0))
        self.node.settimeout(10)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.air = probe.getsockname()[1]

    def release(self, number=1, changes=None):
        files = self.files | compiling.compiled(changes or {})
        path = self.root / f"bridge-{number}.amont"
        path.write_bytes(release.pack(number, f"bridge-{number}", files, compiling.loader(), KEY))
        return path

    def make(self, path, *more):
        return cli.main(
            ["bridge", "--port", self.port, "--release", str(path), "--trust", PUBLIC.hex(),
             "--radio", f"127.0.0.1:{self.air}", "--json", *more]
        )  # fmt: skip


def answer(capsys):
    return json.loads(capsys.readouterr().out)


def test_from_a_bare_board_to_a_bridge_that_carries_frames(bench, capsys, monkeypatch):
    assert bench.make(bench.release(), "--dry-run") == 0
    assert answer(capsys)["chip"] == "sim"
    assert not list(bench.folder.glob("role"))
    assert bench.make(bench.release()) == 0
    made = answer(capsys)
    assert (made["release"], made["slot"], made["fault"]) == (1, "a", "")
    assert made["written"] == ["bridge.json", "role"]
    with closing(open_port(bench.port)) as port:
        record = bootrecord.read(port)
        assert (record.running, record.bad_boots) == ("a", 0)
        assert scan.look(port)["state"] == "bridge"
    terminal = VirtualBoard(bench.folder).terminal()
    seen = scan.look_at_bridge(terminal)
    assert seen == {"state": "bridge-running", "unique": made["unique"], "release": 1}
    plugged = scan.Found(terminal, scan.MICROPYTHON, "Raspberry Pi Pico", "2e8a:0005")
    monkeypatch.setattr(scan, "serial_ports", lambda: [plugged])
    assert cli.main(["scan", "--open"]) == 0
    assert f"bridge {made['unique']}, release 1" in capsys.readouterr().out
    carry_a_frame(bench, terminal)


def carry_a_frame(bench, terminal):
    """Let a node's frame through to the guard, and the answer back in the node's window."""
    line = bridge_line.SerialLine(terminal, terminal)
    deframer, heard = link.Deframer(), []
    settings = link.Settings(link.ROLE_TRANSMIT, [868100], [7])
    line.give(settings.pack())
    while not heard:
        bench.node.sendto(b"\xb0\xff\x24" + FRAME, ("127.0.0.1", bench.air))
        told = [link.unpack(payload) for payload in deframer.feed(line.take(0.2))]
        heard = [one for one in told if isinstance(one, link.Received)]
    assert (heard[0].frame, heard[0].rssi_dbm, heard[0].snr_db4) == (FRAME, -80, 36)
    downlink = bytes([0x18]) + FRAME[1:]
    line.give(link.Send(9, downlink).pack())
    assert bench.node.recv(100)[3:] == downlink
    told = []
    while link.Sent(9, link.SENT_OK) not in told:
        told += [link.unpack(payload) for payload in deframer.feed(line.take(0.2))]
    line.close()


def test_a_bridge_that_runs_takes_a_newer_release_and_no_older_one(bench, capsys):
    assert bench.make(bench.release(2)) == 0
    capsys.readouterr()
    assert bench.make(bench.release(3)) == 0
    assert answer(capsys)["slot"] == "b"
    with closing(open_port(bench.port)) as port:
        assert bootrecord.read(port).trying is None
        assert bootrecord.number(port, "b") == 3
    assert bench.make(bench.release(1)) == 1
    assert answer(capsys)["error"] == "older-release"
    # Its prompt was for one boot: it is a bridge again as soon as it restarts.
    VirtualBoard(bench.folder).reset()
    line = bridge_line.opened(bench.port)
    assert bridge_line.ask(line, 10) is not None
    line.close()


def test_a_release_that_fails_gives_way(bench, capsys):
    assert bench.make(bench.release(1)) == 0
    broken = bench.release(
        2, {"amont_bridge/board.py": b"def start(*_):\n    raise ValueError(1)\n"}
    )
    assert bench.make(broken) == 1
    assert "bridge-back" in capsys.readouterr().out  # after three boots
    with closing(open_port(bench.port)) as port:
        record = bootrecord.read(port)
        assert (record.running, record.failed) == ("a", 2)


def test_a_radio_that_cannot_be_is_told(bench, capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", bench.air))  # the radio's own port, for somebody else
        made = bench.make(bench.release())
    assert made == 1
    assert "radio: " in answer(capsys)["fault"]


def test_a_node_s_board_or_release_is_refused(bench, capsys, monkeypatch):
    monkeypatch.setattr(bridge.board, "enrolled", lambda port: (17, 1))
    assert bench.make(bench.release()) == 1
    assert answer(capsys)["error"] == "bridge-is-node"
    node = bench.root / "node.amont"
    files = {"amont_node/app.mpy": b"1"}
    node.write_bytes(release.pack(1, "node", files, compiling.loader(), KEY))
    assert bench.make(node) == 1
    assert answer(capsys)["error"] == "bridge-release"


def test_deploy_mixes_no_bridge_with_a_node(bench, capsys):
    node = bench.root / "node.amont"
    files = {"amont_node/app.mpy": b"1"}
    node.write_bytes(release.pack(1, "node", files, compiling.loader(), KEY))
    asked = ["deploy", "--port", bench.port, "--trust", PUBLIC.hex(), "--json", "--release"]
    assert cli.main([*asked, str(bench.release())]) == 1
    assert answer(capsys)["error"] == "deploy-bridge"
    (bench.folder / bridge.ROLE).write_bytes(bridge.SAID)
    assert cli.main([*asked, str(node)]) == 1
    assert answer(capsys)["error"] == "deploy-on-bridge"
    assert not (bench.folder / "a").exists()


@pytest.mark.parametrize(
    ("radio", "settings"),
    [
        ({"chip": "sx1262", "cs": 3}, {"chip": "sx1262", "pins": {"boost": True, "cs": 3}}),
        (
            {"chip": "sx1261", "pins": {"cs": 3, "boost": False}},
            {"chip": "sx1261", "pins": {"boost": False, "cs": 3}},
        ),
    ],
)
def test_wiring_comes_from_the_board_s_file(radio, settings, monkeypatch):
    monkeypatch.setattr(bridge.boards, "known", lambda *_: {"pins": {"radio": radio}})
    assert bridge.wiring("pico") == settings


def test_a_board_without_a_radio_is_refused(monkeypatch):
    monkeypatch.setattr(bridge.boards, "known", lambda *_: {"pins": {}})
    with pytest.raises(Refused, match=r"pins\.radio"):
        bridge.wiring("pico")


def test_a_board_that_is_unknown_is_of_the_option():
    with pytest.raises(Refused) as refused:
        bridge.wiring("pico9")
    for language in ("fr", "en"):
        text = refused.value.text(language)
        assert "pico9" in text
        assert "--board" in text
        assert "pico-w" in text


def test_a_module_whose_flash_would_wear_is_refused(monkeypatch):
    radio = {"chip": "rak3172", "uart": {"id": 1}}
    monkeypatch.setattr(bridge.boards, "known", lambda *_: {"pins": {"radio": radio}})
    with pytest.raises(Refused, match="sx1262"):
        bridge.wiring("pico")


def test_a_port_that_is_none_is_refused():
    with pytest.raises(Refused, match="nowhere"):
        bridge_line.opened("nowhere")


@pytest.mark.parametrize("name", ["pico", "pico-w", "pico2", "esp32"])
def test_every_board_we_know_can_be_a_bridge(name):
    settings = bridge.wiring(name)
    assert settings["chip"] in bridge.CHIPS
    assert checked(settings["pins"]) == settings["pins"]
