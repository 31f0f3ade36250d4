"""Deploy to simulated boards: real MicroPython, real loader, sealed answers, cables to pull."""

import json
import socket
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from amont_hil.simulated import write_config
from amont_hil.tiny_guard import NODE, SECRET, TinyGuard
from amont_node.config import save_secret
from amont_provision import bootrecord, cli, deploy, evidence, release, scan, signing
from amont_provision import compile as compiling
from amont_provision.port import open_port
from amont_provision.texts import Refused
from amont_provision.virtual import VirtualBoard

pytestmark = pytest.mark.micropython

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = signing.public_bytes(KEY)
APP = "amont_node/app.mpy"
CONFIG = {
    "schema": 1,
    "id": NODE,
    "generation": 1,
    "version": 1,
    "interval_s": 60,
    "fast_interval_s": 60,
    "high_mark": None,
    "rise_mark": None,
    "alarm_mark": None,
    "channels": [
        {"index": 0, "quantity": 1, "step": 1, "probe": {"kind": "constant", "value": 1000}}
    ],
}
HEAD_BYTES = 3  # RSSI and SNR before each frame of the simulated radio


class Guard:
    """A guard on the simulated radio, without a bridge."""

    def __init__(self):
        self.guard = TinyGuard()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self.port = self._socket.getsockname()[1]
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while not self._ends.is_set():
            try:
                datagram, sender = self._socket.recvfrom(256)
            except TimeoutError:
                continue
            answer = self.guard.take(datagram[HEAD_BYTES:])
            if answer is not None:
                self._socket.sendto(datagram[:HEAD_BYTES] + answer, sender)

    def close(self):
        self._ends.set()
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def application():
    """The node's application as it is now: (files of a slot, loader)."""
    return compiling.compiled(compiling.application()), compiling.loader()


@pytest.fixture
def station(tmp_path, application):
    made = Station(tmp_path, application)
    yield made
    made.close()


class Station:
    """An enrolled simulated board, its guard, a laptop with releases."""

    def __init__(self, folder, application):
        self.folder, self.files = folder, folder / "board"
        self.files.mkdir()
        self.application, self.loader = application
        self.air = Guard()
        self.board = VirtualBoard(self.files)

    def enrol(self):
        write_config(self.files, CONFIG | {"carrier": {"kind": "radio", "port": self.air.port}})
        save_secret(str(self.files), SECRET)

    def built(self, number, change=None):
        files = self.application | (change or {})
        path = self.folder / f"{number}.amont"
        path.write_bytes(release.pack(number, f"0.{number}", files, self.loader, KEY))
        return path

    def deploy(self, number, *more, change=None, port=None):
        return cli.main(
            ["--lang", "en", "deploy", "--port", port or f"virtual:{self.files}", "--wait", "25",
             "--release", str(self.built(number, change)), "--trust", PUBLIC.hex(), *more]
        )  # fmt: skip

    def hold_button(self):
        (self.files / "button").touch()
        if self.board.running():
            self.board.reset()

    def record(self):
        return bootrecord.read(open_port(f"virtual:{self.files}"))

    def close(self):
        self.board.stop()
        self.air.close()


def broken(source):
    return compiling.compiled({APP.replace(".mpy", ".py"): source})


def test_a_bare_board_gets_a_release_and_the_next_one_proves_itself(station, capsys):
    station.enrol()
    assert station.deploy(2, "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["result"], first["slot"], first["sent"]) == (
        "good",
        "a",
        len(station.application),
    )
    assert station.deploy(3, "--json") == 0, "it holds the simulated button itself"
    assert not (station.files / "button").exists()
    second = json.loads(capsys.readouterr().out)
    assert (second["result"], second["slot"], second["running"]) == ("good", "b", 2)
    record = station.record()
    assert (record.slot, record.trying, record.release, record.failed) == ("b", None, 3, 0)
    assert station.deploy(4, "--dry-run") == 0
    assert f"0 files ({0} bytes)" not in capsys.readouterr().out
    assert station.deploy(2) == cli.REFUSED
    assert "already has release 3" in capsys.readouterr().err


def test_a_release_that_fails_gives_way_to_the_one_before(station, capsys):
    station.enrol()
    station.hold_button()
    assert station.deploy(2) == 0
    capsys.readouterr()
    assert station.deploy(3, change=broken(b"raise ValueError('planted')\n")) == cli.REFUSED
    said = capsys.readouterr().out
    assert "(ValueError: planted), which goes back to 2" in said
    assert 'File "main.py"' in said
    record = station.record()
    assert (record.slot, record.trying, record.failed) == ("a", None, 3)
    assert "planted" in (station.files / "crash.txt").read_text()


def test_a_first_release_and_a_loader_that_fail_say_why_without_the_button(station, capsys):
    station.enrol()
    assert station.deploy(2, change=broken(b"raise ValueError('planted')\n")) == cli.REFUSED
    assert "fails on this board (ValueError: planted)" in capsys.readouterr().out
    station.hold_button()
    assert station.deploy(3) == 0
    (station.files / "main.py").write_text("import of_nothing\n")
    assert station.deploy(4) == cli.REFUSED
    assert "ImportError: no module named 'of_nothing'" in capsys.readouterr().out
    assert station.deploy(4, "--loader") == 0
    assert station.record().release == 4


def test_a_release_that_is_never_answered_is_taken_back(station, capsys):
    station.enrol()
    station.hold_button()
    assert station.deploy(2) == 0
    station.air.guard.answering = False
    assert station.deploy(3, "--wait", "3") == cli.REFUSED
    assert "went back to 2" in capsys.readouterr().out
    assert station.record().failed == 3


def test_a_board_without_identity_waits_for_one(station, capsys):
    assert station.deploy(2) == 0
    assert "next: amont-provision enrol" in capsys.readouterr().out


def test_over_the_cable_what_arrived_before_it_was_pulled_stays(station):
    """Files and all go through the terminal, as on a real board."""
    small = {path: station.application[path] for path in station.application if "wire" in path}
    what = release.unpack(release.pack(2, "0.2", small, station.loader, KEY), [PUBLIC])
    station.board.start()
    sent = []

    def pull(path, done, total):
        sent.append(path)
        if len(sent) == 4:
            station.board.pull()

    port = open_port(station.board.terminal())
    planned = deploy.plan(port, what)
    with pytest.raises(Refused, match="run the same command"):
        deploy.install(port, what, planned, pull)
    port.close()
    station.board.plug()
    port = open_port(station.board.terminal())
    again = deploy.plan(port, what)
    assert set(again.send) == set(planned.send) - set(sent[:3])
    assert again.kept == 3
    deploy.install(port, what, again, lambda *_: None)
    port.close()
    for path, content in small.items():
        assert (station.files / "a" / path).read_bytes() == content
    assert (station.files / "a" / release.MANIFEST).read_bytes() == what.manifest
    assert (station.files / "main.py").read_bytes() == station.loader


def test_an_unplugged_board_says_so_and_the_same_command_goes_on(station, capsys):
    station.board.start()
    station.board.pull()
    assert station.deploy(2) == cli.REFUSED
    assert "cable is pulled" in capsys.readouterr().err
    station.board.plug()
    assert station.deploy(2) == 0


def test_a_port_in_use_is_refused_and_free_again_afterwards(station, capsys):
    station.board.start()
    terminal = station.board.terminal()
    other = open_port(terminal)
    assert station.deploy(2, port=terminal) == cli.REFUSED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "another program uses it" in said
    other.close()
    assert station.deploy(2, "--dry-run", port=terminal) == 0


def test_over_the_cable_a_board_tells_what_it_is_and_shows_its_records(station, tmp_path):
    station.enrol()
    station.hold_button()
    assert station.deploy(2) == 0
    port = open_port(station.board.terminal())
    seen = scan.look(port)
    assert (seen["node"], seen["release"], seen["slot"], seen["state"]) == (
        NODE, 2, "a", "installed",
    )  # fmt: skip
    assert seen["board"]
    found = evidence.found(port)
    evidence.copy(port, found, tmp_path / "to", "2026-11-22T10:00:00+00:00", lambda *_: None)
    port.close()
    assert {"boot.a", "a/release.json"} <= found.files.keys()
    copies = [path.read_bytes() for path in (tmp_path / "to").rglob("*") if path.is_file()]
    assert copies
    assert not any(SECRET.hex().encode() in content or SECRET in content for content in copies)
