"""A release by the air: real command, guard, gateway and mosquitto, and a node from its .mpy."""

import contextlib
import json
import os
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.gateway import servers
from tests.gateway.processes import Child, run_gateway, run_guard
from tests.gateway.site_files import make_site

from amont_node.slots import IMAGE_FILE
from amont_provision import bootrecord, cli, release, signing
from amont_provision import compile as compiling
from amont_provision.guardfolder import GuardFolder
from amont_provision.port import open_port
from amont_provision.virtual import VirtualBoard

pytestmark = [pytest.mark.micropython, pytest.mark.servers]

NODE = 31
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LIMIT_S = 60.0
LEFT_BYTES = 8_000  # each part takes a real node, broker, guard and gateway some milliseconds


def comes(true, what):
    """Wait for a state of the real programs; fail when it does not come."""
    until_s = time.monotonic() + LIMIT_S
    while not true():
        if time.monotonic() > until_s:
            pytest.fail(f"not within {LIMIT_S:g} s: {what}")
        time.sleep(0.02)


@pytest.fixture(scope="module")
def program():
    return compiling.compiled(compiling.application())


class Pi:
    """The town hall: broker, guard, gateway; and a board at the other end of the broker."""

    def __init__(self, folder):
        self.folder, self.files = folder, folder / "board"
        self.files.mkdir()
        (folder / "data").mkdir()
        self.broker = servers.mosquitto(folder / "mosquitto")
        self.bridge, line = os.openpty()
        site = make_site(folder, os.ttyname(line), self.broker.port, {NODE: "mqtt"})
        (folder / "guard" / "keys.json").unlink()
        self.guard = Child(run_guard, folder / "guard")
        self.gateway = Child(
            run_gateway, site, folder / "data", folder / "guard" / "guard.sock", self.broker.port
        )
        self.board = VirtualBoard(self.files)
        (self.files / f"debit-{NODE}.txt").write_text(f"{int(time.time()) - 60} 700\n")

    def start(self):
        for part in (self.broker, self.guard, self.gateway):
            part.start()

    def stop(self):
        self.board.stop()
        for part in (self.gateway, self.guard, self.broker):
            part.stop()

    def built(self, number, files):
        path = self.folder / f"{number}.amont"
        path.write_bytes(release.pack(number, f"0.{number}", files, compiling.loader(), KEY))
        return path

    def run(self, name, *more):
        trust = ["--trust", signing.public_bytes(KEY).hex()] if name != "enrol" else []
        return cli.main(["--lang", "en", name, *map(str, more), *trust])

    def station(self, program):
        port = ["--port", f"virtual:{self.files}"]
        site = ["--site", self.folder / "site.yaml", "--node", NODE]
        assert self.run("enrol", *port, *site, "--keys", self.folder / "guard" / "keys.json") == 0
        assert self.run("deploy", *port, "--release", self.built(1, program)) == 0

    def update(self, number, files):
        places = ["--guard", self.folder / "guard", "--gateway", self.folder / "data"]
        site = ["--site", self.folder / "site.yaml", "--node", NODE]
        return self.run("update", self.built(number, files), "--pending", *site, *places)

    def record(self):
        return bootrecord.read(open_port(f"virtual:{self.files}"))

    def arrived(self):
        """Return how much of an image is in the board's flash."""
        found = 0
        with contextlib.suppress(FileNotFoundError):
            found = (self.files / IMAGE_FILE).stat().st_size
        return found

    def days_pass(self):
        """Let all but the end of the image have come, while nobody looked; return how much."""
        path, image = self.files / IMAGE_FILE, self.folder / "data" / "updates" / f"{NODE}.amu"
        content, whole = path.read_bytes(), image.read_bytes()
        assert whole.startswith(content), "what came is the image's own beginning"
        path.write_bytes(whole[: len(whole) - LEFT_BYTES])
        return len(whole) - LEFT_BYTES

    def told(self):
        """Return which release the node last told the guard."""
        found = GuardFolder(self.folder / "guard").told().get(NODE)
        return found.firmware if found else 0


@pytest.fixture
def pi(tmp_path):
    made = Pi(tmp_path)
    made.start()
    yield made
    made.stop()


def test_a_release_comes_by_the_air_over_broken_power_and_never_backwards(pi, program, capsys):
    pi.station(program)
    comes(lambda: pi.told() == 1, "the guard knows the node and its release")

    newer = program | {"amont_node/console.mpy": program["amont_node/console.mpy"] + b"\n"}
    assert pi.update(2, newer) == 0
    pi.board.reset()  # its first message is a hello
    comes(lambda: pi.arrived() > 3_000, "the first parts")
    pi.broker.kill()
    pi.gateway.kill()
    pi.board.stop()
    half = pi.days_pass()
    pi.broker.start()
    pi.gateway.start()
    pi.board.start()
    comes(lambda: pi.arrived() > half, "more parts, from where it was")
    comes(lambda: pi.record().release == 2, "release 2 is good")
    comes(lambda: pi.told() == 2, "the guard hears of it")
    assert pi.record().slot == "b"
    assert pi.arrived() == 0

    bad = compiling.compiled({"amont_node/app.py": b"raise ValueError('planted')\n"})
    assert pi.update(3, bad) == 0
    pi.board.reset()
    comes(lambda: pi.record().failed == 3, "release 3 was tried and left")
    comes(lambda: pi.record().bad_boots == 0, "release 2 works again")
    record = pi.record()
    assert (record.slot, record.trying, record.release) == ("b", None, 2)
    assert "planted" in (pi.files / "crash.txt").read_text()

    capsys.readouterr()
    assert pi.update(1, program) == cli.REFUSED
    assert "has release 2, 1 is no newer" in capsys.readouterr().err
    assert json.loads((pi.files / "b" / "release.json").read_text())["release"] == 2
