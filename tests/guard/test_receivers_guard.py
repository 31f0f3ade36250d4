"""The guard with a second receiver: nothing twice, nothing lost, sirens by whoever hears."""

import json
import os
import select
import socket
import struct
import subprocess
import sys
import time

import pytest
from tests.guard.rig import RISING, Gateway, Line, Rig, SimNode, write_site

from amont_guard import messages
from amont_guard.clock import RealClock
from amont_wire import link

WAIT_S = 20


@pytest.fixture
def pair(tmp_path):
    made = Rig(tmp_path / "state", listeners=1)
    yield made
    made.close()


def hear(line, frame, rssi_dbm, snr_db4=20):
    line.write(link.Received(1, rssi_dbm, snr_db4, frame).pack())


def test_a_frame_that_both_hear_is_opened_once_and_its_best_signal_shown(pair, monkeypatch):
    opened = []
    keys = pair.guard.keys
    real = keys.open
    monkeypatch.setattr(keys, "open", lambda frame: opened.append(frame) or real(frame))
    frame = pair.a.frame(300)
    hear(pair.line, frame, -117)
    pair.turn()
    (first,) = pair.opened()
    assert first.rssi_dbm == -117
    assert pair.state()["nodes"] == []
    hear(pair.ears[0], frame, -80)
    pair.turn()
    assert pair.opened() == []
    assert opened == [frame]  # a second hearing costs no AES
    assert pair.guard.counters["seen again"] == 0
    assert pair.state()["nodes"] == [{"id": 17, "rssi_dbm": -80, "snr_db4": 20, "receivers": 2}]
    hear(pair.line, pair.a.frame(301), -90)
    pair.turn()
    assert pair.state()["nodes"] == []  # of its newest frame there is one hearing


def test_of_a_frame_that_does_not_open_no_signal_is_told(pair):
    forged = pair.a.frame(300)[:-1] + b"!"
    for line in (pair.line, pair.ears[0]):
        hear(line, forged, -80)
        pair.turn()
    assert len(pair.rejected()) == 1
    assert pair.state()["nodes"] == []


def test_a_node_that_repeats_itself_is_acknowledged_again(pair):
    frame = pair.a.frame(300)
    for at in range(3):
        hear(pair.line, frame, -90)
        hear(pair.ears[0], frame, -90)
        pair.turn()
        assert [bool(f.flags & messages.SEEN) for f in pair.opened()] == [at > 0]


def test_a_flood_sounds_the_siren_once_whoever_hears_it(pair):
    pair.prove()
    for at, value in enumerate(RISING):
        pair.clock.pass_s(60)
        lines = [pair.line, pair.ears[0]][:: 1 if at % 2 else -1]
        for sim in (pair.a, pair.b):
            frame = sim.frame(value)
            for line in lines:
                hear(line, frame, -90)
        pair.turn()
    assert len(pair.sounded()) == 1
    assert pair.guard.counters["implausible time"] == 0


def test_a_flood_that_only_the_listener_hears_sounds_the_siren(pair):
    pair.prove()
    pair.guard.receivers.all[0].port.lose("unplugged", 1e12)
    for value in RISING:
        pair.clock.pass_s(60)
        for sim in (pair.a, pair.b):
            hear(pair.ears[0], sim.frame(value), -110)
        pair.turn()
    assert len(pair.sounded()) == 1
    faults = {(f["kind"], f["about"], f["detail"]) for f in pair.state()["faults"]}
    assert ("bridge", pair.line.name, "absent: unplugged") in faults
    rows = {row["role"]: row for row in pair.state()["bridges"]}
    assert (rows["transmit"]["connected"], rows["listen"]["connected"]) == (False, True)


def test_acknowledgements_go_out_by_the_first_alone(pair):
    pair.prove()  # by the ears of the nodes: line.sent()
    assert pair.ears[0].sent() == []
    assert pair.guard.counters["acknowledgements"] >= 2


def test_noise_of_one_receiver_delays_no_frame_of_the_other(pair):
    pair.prove()
    noise = bytes(range(256)) * 12
    for value in RISING:
        pair.clock.pass_s(60)
        for sim in (pair.a, pair.b):
            os.write(pair.ears[0].master, noise)
            hear(pair.line, sim.frame(value), -90)
            pair.turn(1)
    assert len(pair.sounded()) == 1
    assert pair.guard.counters["bridge: damaged lines"] > 0


# --- real processes: two bridges with a simulated radio, and the guard


def wait_for(ready):
    deadline = time.monotonic() + WAIT_S
    while not (found := ready()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)
    return found


class BridgeProcess:
    """A bridge's own program between a pty and datagrams; with ``chip`` it has a radio port."""

    def __init__(self, unique, folder, chip=None):
        self.line, self.unique = Line(), unique
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.air = probe.getsockname()
        self.about = str(self.air[1])
        if chip:
            path = folder / f"bridge-{unique}.json"
            path.write_text(json.dumps({"chip": chip, "bind": self.air[1], "instant": True}))
            self.about = str(path)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "amont_bridge.app", f"fd:{self.line.master}", self.about],
            pass_fds=[self.line.master], stdout=subprocess.DEVNULL,
            env={**os.environ, "AMONT_UNIQUE_ID": self.unique},
        )  # fmt: skip

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT_S)

    def close(self):
        self.kill()
        self.line.close()


class Town:
    """Both bridges, the guard, a gateway, and a node's radio."""

    def __init__(self, folder, uniques, chip=None):
        self.folder = folder
        self.bridges = [BridgeProcess(unique, folder, chip) for unique in uniques]
        ports = [bridge.line.name for bridge in self.bridges]
        write_site(folder, ports[0], listeners=ports[1:])
        self.guard = subprocess.Popen(
            [sys.executable, "-m", "amont_guard.cli", "run", "--state", str(folder)],
            stderr=subprocess.DEVNULL,
        )
        wait_for((folder / "guard.sock").exists)
        self.gateway = Gateway(folder)
        self.radio = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.radio.bind(("127.0.0.1", 0))
        self.radio.setblocking(False)
        self.node = SimNode(17, RealClock())
        self.states, self.opened = [], []

    def send(self, frame, *rssi_dbm):
        for bridge, rssi in zip(self.bridges, rssi_dbm, strict=True):
            if rssi is not None:
                self.radio.sendto(struct.pack("<hb", rssi, 20) + frame, bridge.air)

    def repeat(self, frame):
        """Send as a node does, until the bridge that transmits has heard it."""
        before = self.look()["bridges"][0]["frames"]
        for _ in range(100):
            self.send(frame, -110, -70)
            time.sleep(0.1)
            if self.look()["bridges"][0]["frames"] > before:
                return
        raise AssertionError("the bridge is deaf")

    def look(self):
        for message in self.gateway.receive():
            if message[0] == messages.OPENED:
                self.opened += messages.decode_opened(message)
            elif message[0] == messages.STATE:
                self.states.append(messages.decode_json(message))
        return self.states[-1] if self.states else {}

    def shows(self, holds):
        """Wait for a state of which something holds."""
        return wait_for(lambda: (state := self.look()) and holds(state) and state)

    def downlinks(self):
        found = []
        while select.select([self.radio], [], [], 0.05)[0]:
            data, sender = self.radio.recvfrom(256)
            found.append((data[3:], sender[1]))
        return found

    def close(self):
        self.guard.kill()
        self.guard.wait(WAIT_S)
        for bridge in self.bridges:
            bridge.close()
        self.gateway.close()
        self.radio.close()


@pytest.fixture
def town(tmp_path, request):
    made = Town(tmp_path, *request.param)
    yield made
    made.close()


def in_their_roles(state):
    return [row["radio"] for row in state.get("bridges", ())] == ["simulated"] * 2


@pytest.mark.parametrize("town", [(("01", "02"),)], indirect=True)
def test_a_frame_goes_from_the_air_through_two_bridges_and_is_answered_by_one(town):
    state = town.shows(in_their_roles)
    assert [row["id"] for row in state["bridges"]] == ["01" + "00" * 7, "02" + "00" * 7]
    town.send(town.node.frame(300), -110, -70)
    state = town.shows(lambda s: s["nodes"])
    assert state["nodes"] == [{"id": 17, "rssi_dbm": -70, "snr_db4": 20, "receivers": 2}]
    assert len(town.opened) == 1
    town.gateway.commit(town.node, town.node.seq)
    ((sealed, sender),) = wait_for(town.downlinks)
    assert sender == town.bridges[0].air[1]
    assert town.node.hear(sealed).through == 0
    # the transmitter is pulled out: the other one hears, nobody answers
    transmitter = town.bridges[0]
    transmitter.close()
    transmitter.line = Line()
    state = town.shows(lambda s: any(f["kind"] == "bridge" for f in s["faults"]))
    town.send(town.node.frame(310), None, -75)
    wait_for(lambda: town.look() and len(town.opened) == 2)
    assert town.opened[1].rssi_dbm == -75
    town.gateway.commit(town.node, town.node.seq)
    town.shows(lambda s: s["counters"].get("bridge: downlinks dropped"))
    assert town.downlinks() == []


@pytest.mark.parametrize("town", [(("0a", "0a"),)], indirect=True)
def test_two_bridges_with_one_number_are_a_fault_and_hear_all_the_same(town):
    state = town.shows(lambda s: any(f["kind"] == "listener" for f in s["faults"]))
    (found,) = [f for f in state["faults"] if f["kind"] == "listener"]
    assert found["detail"].startswith("twin: 0a")
    assert state["counters"]["bridge: twin ids"] == 1
    town.send(town.node.frame(300), None, -75)
    wait_for(lambda: town.look() and town.opened)


def listening(state):
    return [row["radio"] for row in state.get("bridges", ())] == ["listens"] * 2


@pytest.mark.parametrize("town", [(("01", "02"), "sim")], indirect=True)
def test_bridges_with_a_radio_are_told_what_to_listen_to_also_after_a_reset(town):
    town.shows(listening)
    for number in range(2):
        town.repeat(town.node.frame(300 + number))
        town.gateway.commit(town.node, town.node.seq)
        ((sealed, sender),) = wait_for(town.downlinks)  # in the window after the frame
        assert sender == town.bridges[0].air[1]
        assert town.node.hear(sealed).through == number
        town.shows(lambda s, wanted=number + 1: s["counters"].get("bridge: sent") == wanted)
        town.bridges[0].kill()
        town.bridges[0].start()  # deaf and silent until it is told again


@pytest.mark.parametrize("town", [(("01", "02"), "sx1262")], indirect=True)
def test_a_radio_that_is_not_there_is_a_fault_of_its_bridge(town):
    def failed(state):
        radio = [f for f in state["faults"] if f["detail"].startswith("radio: ")]
        return {f["kind"] for f in radio} == {"bridge", "listener"}

    state = town.shows(failed)
    assert [row["radio"] for row in state["bridges"]] == ["fault"] * 2
