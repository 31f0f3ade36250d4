"""A station from its release to its acceptance sheet: real MicroPython, a bridge, a guard.

Virtual time runs fast, so that what the node spaces out for the airtime's sake passes quickly.
"""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from amont_hil.simulated import SimulatedBridge, write_config
from amont_hil.tiny_guard import NODE, SECRET, BridgeLine, TinyGuard
from amont_node.config import ConfigStore, save_secret
from amont_provision import cli
from amont_provision.virtual import VirtualBoard

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
SPEED = 40
RANGE_MM = 3589

pytestmark = pytest.mark.micropython


class Village:
    """A bridge with a guard behind it, a site's file, a board in a folder."""

    def __init__(self, folder, release):
        self.folder, self.release = folder, release
        self.site = folder / "village.yaml"
        self.site.write_text(SITE.read_text().replace("id: 11", f"id: {NODE}"))
        self.board = folder / "board"
        self.guard = TinyGuard()
        self.bridge = SimulatedBridge(folder / "bridge")
        self.bridge.start()
        self._line = BridgeLine(self.bridge.port, self.guard)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._pump)
        self._thread.start()

    def _pump(self):
        while not self._over.is_set():
            self._line.pump(0.1)

    def enrolled(self, secret=SECRET):
        probe = {"kind": "constant", "value": RANGE_MM}
        channel = {"index": 0, "quantity": 1, "step": 1, "probe": probe}
        radio = {"kind": "radio", "host": "127.0.0.1", "port": self.bridge.udp_port}
        write_config(
            self.board_folder(),
            {"schema": 1, "id": NODE, "generation": 1, "version": 1, "interval_s": 900,
             "fast_interval_s": 60, "channels": [channel], "carrier": radio},
        )  # fmt: skip
        save_secret(str(self.board), secret)
        clock = f"{time.time_ns() // 1_000_000} 1000 {SPEED}\n"
        (self.board / "clock").write_text(clock)

    def board_folder(self):
        self.board.mkdir(exist_ok=True)
        return self.board

    def press_button(self):
        (self.board / "button").write_text("held by a person")
        VirtualBoard(self.board).reset()

    def run(self, name, *more, port=None):
        port = port or f"virtual:{self.board}"
        code = cli.main(["--lang", "en", name, "--port", port, *map(str, more)])
        assert not (self.board / "button").exists(), "left in service mode"
        return code

    def on_site(self, name, *more, port=None):
        return self.run(name, "--site", self.site, "--by", "Luc Martin", *more, port=port)

    def close(self):
        VirtualBoard(self.board).stop()
        self._over.set()
        self._thread.join()
        self._line.close()
        self.bridge.close()


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    patch = pytest.MonkeyPatch()
    patch.setenv("HOME", str(folder / "home"))
    patch.setenv("XDG_CONFIG_HOME", str(folder / "home" / ".config"))
    line = ["build", "0.1.0", "--release", "1", "--to", str(folder)]
    assert cli.main(line) == 0
    yield folder / "0.1.0.amont"
    patch.undo()


@pytest.fixture
def village(tmp_path, release):
    made = Village(tmp_path, release)
    yield made
    made.close()


def test_a_station_is_deployed_calibrated_proved_and_accepted(village, capsys):
    village.enrolled()
    assert village.run("deploy", "--release", village.release) == 0
    stage = ("--staff", 412, "--facing", "down")
    assert village.on_site("calibrate", *stage) == 0
    config = ConfigStore(str(village.board)).load()
    assert config.channels[0].calibration == {"multiply": -1, "divide": 1, "add": 412 + RANGE_MM}
    capsys.readouterr()

    village.press_button()
    port = os.readlink(village.board / ".pty")  # as any board on a serial line
    assert village.on_site("verify", "--json", "--timeout", 60, port=port) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [step["state"] for step in answer["steps"]] == ["ok"] * 5
    acked = answer["steps"][-1]["values"]
    assert acked["counter"] in village.guard.frames, "the guard had this very frame"
    assert village.guard.readings[acked["life"], acked["seq"]] == 412, "and holds the sample"
    assert village.guard.refused == 0

    assert village.on_site("report", "--out", village.folder) == 0
    (sheet,) = village.folder.glob("acceptance-*.json")
    accepted = json.loads(sheet.read_text())
    assert accepted["open"] == []
    assert accepted["board"]["release"]["name"] == "0.1.0"
    assert SECRET.hex() not in sheet.read_text()


def test_no_guard_and_a_wrong_key_prove_nothing(village, capsys):
    village.enrolled(secret=bytes(16))
    assert village.run("deploy", "--release", village.release) == 0
    capsys.readouterr()
    assert village.on_site("verify", "--json", "--timeout", 8) == cli.REFUSED
    answer = json.loads(capsys.readouterr().out)
    states = {step["step"]: step["state"] for step in answer["steps"]}
    assert (states["sent"], states["ack"]) == ("ok", "failed")
    assert village.guard.refused > 0, "frames under another key came"
