"""The whole guard on wired sirens: real pins of gpiozero's own mock, a real Modbus server."""

import json
import subprocess
import sys

import pytest
from tests.bench.siren_bus import Bus
from tests.bench.siren_line import Line
from tests.bench.siren_pins import Pins
from tests.guard.rig import RISING, Rig

from amont_guard.relay import make_relay


class Wired(Rig):
    """A guard whose relay is the one that its configuration names, on the wires of ``way``."""

    def __init__(self, folder, way):
        self.way = way
        way.relay.close()  # the guard makes its own
        parts = {name: getattr(way.siren, name) for name in ("output", "supervision", "key")}
        super().__init__(folder, siren=parts)

    def relay(self, siren, folder):
        self.way.relay = make_relay(siren, folder)
        self.way.settle()
        return self.way.relay

    def seconds(self, count):
        for _ in range(count):
            self.clock.pass_s(1)
            self.turn(1)
            self.way.settle()

    def siren_state(self):
        self.way.settle()
        return self.state()["sirens"][0]

    def live(self, *values, gap_s=60):
        for value in values:
            super().live(value, gap_s=gap_s)
            self.way.settle()


@pytest.fixture(params=[Pins, Bus], ids=["pins", "bus"])
def wired(request, tmp_path):
    way = request.param(Line(seed=5))
    made = Wired(tmp_path / "state", way)
    yield made
    made.close()
    way.close()


def codes(state):
    return {finding["code"] for finding in state["findings"]}


def test_a_flood_sounds_the_wired_siren_and_the_key_mutes_it(wired):
    line = wired.way.line
    wired.prove()
    wired.seconds(5)
    assert (line.sounds(), codes(wired.siren_state())) == (False, set())
    wired.live(*RISING)
    wired.seconds(3)
    state = wired.siren_state()
    assert line.sounds()
    assert (state["commanded"], state["confirmed"], state["simulated"]) == (True, True, False)
    assert state["measured"]["horn_ma"] > 3_000
    line.pressed = True
    wired.seconds(4)
    line.pressed = False
    wired.seconds(2)
    assert not line.sounds()
    state = wired.siren_state()
    assert (state["state"], state["confirmed"]) == ("muted", False)


def test_a_silent_test_asked_by_a_person_is_not_heard_and_recorded(wired):
    wired.prove()
    wired.seconds(3)
    wired.gateway.act("test", "Anne", issued_ms=wired.clock.wall_ms())
    assert [r["code"] for r in wired.results()] == ["done"]
    heard = 0
    for _ in range(70):
        wired.seconds(1)
        heard += wired.way.line.sounds()
    assert heard == 0
    wired.flush()
    lines = (wired.folder / "audit.jsonl").read_text().splitlines()
    tried = [record for record in map(json.loads, lines) if record.get("kind") == "tried"]
    assert [(t["tried"], t["ok"], t["findings"]) for t in tried] == [("test", True, {})]


def test_a_fault_of_the_wires_is_told_and_moves_no_siren(wired):
    wired.prove()
    wired.way.line.fault = "line cut"
    wired.seconds(25)
    state = wired.siren_state()
    assert codes(state) == {"line_open"}
    assert (state["health"], state["state"], wired.way.line.sounds()) == ("fault", "idle", False)


def test_a_stop_leaves_the_wired_siren_off(tmp_path):
    way = Bus(Line(seed=6))
    made = Wired(tmp_path / "state", way)
    made.prove()
    made.live(*RISING)
    assert way.line.on
    made.close()
    assert not way.line.on
    way.close()


@pytest.mark.parametrize(
    ("kind", "loaded"),
    [("simulated", set()), ("gpio", {"gpiozero"}), ("modbus", {"minimalmodbus"})],
)
def test_libraries_are_loaded_only_where_they_are_wired(kind, loaded, tmp_path):
    output = {
        "kind": kind, "pin": 17, "active_high": True, "isolate_pin": None, "readback_pin": None,
        "isolate_readback_pin": None, "port": str(tmp_path / "none"), "baud": 9600, "parity": "N",
        "unit": 1, "coil": 0, "readback_input": 0, "isolate_coil": None,
        "isolate_readback_input": None,
    }  # fmt: skip
    program = f"""
import sys
from pathlib import Path
from types import SimpleNamespace
from amont_guard import app
from amont_guard.relay import make_relay
siren = SimpleNamespace(id="s", output={output!r}, supervision={{}}, key=None)
make_relay(siren, Path({str(tmp_path)!r})).close()
print(*sorted({{"gpiozero", "minimalmodbus", "asyncio", "pymodbus"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True,
        env={"GPIOZERO_PIN_FACTORY": "mock", "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert set(done.stdout.split()) == loaded, done.stderr
