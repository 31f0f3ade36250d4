"""Kill everything at random under load and look whether a reading was lost.

Real gateway, guard and mosquitto processes; nodes speak the real wire format in this process and
forget a reading only when a sealed acknowledgement covers it. Afterwards each reading that any
node forgot must be in the journal, with its value, once.
"""

from __future__ import annotations

import os
import random
import select
import threading
import time
import tty
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
from tests.gateway import servers
from tests.gateway.processes import Child, run_gateway, run_guard
from tests.gateway.sim_node import SimNode
from tests.gateway.site_files import make_site, secret_of

from amont_gateway.journal_reader import JournalReader
from amont_gateway.readings import unpack_channels
from amont_wire.link import Deframer, Received, Send, unpack

BRIDGE, MQTT = (1, 2), (11, 12, 13, 14)
ROUND_S = 0.05
SAMPLES_A_ROUND = 6
WORK_S = 5.0  # at most so long from one kill to the next without an acknowledgement
MORE_S = (0.0, 0.4)
STUCK_S = 45.0  # without any progress, though all runs: longer than every back-off


def value_of(node: int, life: int, seq: int) -> int:
    return (node * 7919 + life * 104_729) % 50_000 + seq * 31 % 997


@dataclass(frozen=True)
class Kills:
    """How often each part is killed; of the broker's kills a third remove its database too."""

    gateway: int
    guard: int = 0
    broker: int = 0
    nodes: int = 0


@dataclass(frozen=True)
class Outcome:
    """What the journal says of the readings that nodes forgot."""

    acknowledged: int
    lost: int
    wrong: int
    twice: int
    stuck: int  # readings that some node still kept after the drain
    rows: int
    sound: bool


class Air:
    """Carries frames between nodes and both carriers; owns the nodes' thread of control."""

    def __init__(self, nodes: dict[int, SimNode], broker_port: int) -> None:
        self._nodes = nodes
        self._lock = threading.Lock()
        self._master, self._slave = os.openpty()  # the slave stays open over the guard's kills
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.bridge_port = os.ttyname(self._slave)
        self._deframer = Deframer()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda c, *_: c.subscribe("amont/essai/+/down", 1)
        self._client.on_message = self._on_message
        self._client.connect_async("127.0.0.1", broker_port)

    def start(self) -> None:
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        os.close(self._master)
        os.close(self._slave)

    def round(self, sample: bool) -> None:
        """Let each node sample and send one frame; take what came for bridge nodes."""
        self._read_bridge()
        for node in self._nodes.values():
            with self._lock:
                for _ in range(SAMPLES_A_ROUND if sample else 0):
                    node.sample(value_of(node.node, node.life, node.seq + 1))
                frame = node.frame()
            if frame is not None:
                self._send(node.node, frame)

    def restart(self, node: SimNode, lost_clock: bool) -> None:
        with self._lock:
            node.restart(lost_clock=lost_clock)

    def _send(self, node: int, frame: bytes) -> None:
        if node in BRIDGE:
            try:
                os.write(self._master, Received(0, -90, 20, frame).pack())
            except BlockingIOError:
                return  # nobody reads: lost on the air
        elif self._client.is_connected():
            self._client.publish(f"amont/essai/{node}/up", frame, 0)

    def _read_bridge(self) -> None:
        while select.select([self._master], [], [], 0)[0]:
            for payload in self._deframer.feed(os.read(self._master, 4096)):
                message = unpack(payload)
                if isinstance(message, Send):
                    self._deliver(int.from_bytes(message.frame[1:3], "little"), message.frame)

    def _on_message(self, _client, _data, message) -> None:
        self._deliver(int(message.topic.split("/")[2]), message.payload)

    def _deliver(self, node: int, frame: bytes) -> None:
        with self._lock:
            self._nodes[node].take(frame)


class LossRig:
    """One run of the harness."""

    def __init__(self, folder: Path, seed: int, *, early: bool = False) -> None:
        self.rng = random.Random(seed)
        self.nodes = {n: SimNode(n, secret_of(n)) for n in (*BRIDGE, *MQTT)}
        self._data = folder / "data"
        self._data.mkdir()
        self.broker = servers.mosquitto(folder / "mosquitto")
        self._broker_db = folder / "mosquitto" / "mosquitto.db"
        self.air = Air(self.nodes, self.broker.port)
        carriers = {n: "bridge" if n in BRIDGE else "mqtt" for n in self.nodes}
        site = make_site(folder, self.air.bridge_port, self.broker.port, carriers)
        socket = folder / "guard" / "guard.sock"
        self.guard = Child(run_guard, folder / "guard")
        self.gateway = Child(run_gateway, site, self._data, socket, self.broker.port, early)
        self.killed: Counter[str] = Counter()

    def run(self, kills: Kills) -> Outcome:
        """Kill in a random order, let everything drain, and compare with the journal."""
        victims = ["gateway"] * kills.gateway + ["guard"] * kills.guard
        victims += ["broker"] * kills.broker + ["node"] * kills.nodes
        self.rng.shuffle(victims)
        self.broker.start()
        self.guard.start()
        self.gateway.start()
        self.air.start()
        try:
            for victim in victims:
                self._work()
                self._kill(victim)
            self._drain()
        finally:
            self.close()
        return self._compare()

    def close(self) -> None:
        self.gateway.stop()
        self.guard.stop()
        self.broker.stop()
        self.air.close()

    def _work(self) -> None:
        """Run until acknowledgements come again, so that each kill hits work; then a bit more."""
        before, since = self._forgotten(), time.monotonic()
        while self._forgotten() == before and time.monotonic() - since < WORK_S:
            self._rounds(ROUND_S)
        self._rounds(self.rng.uniform(*MORE_S))

    def _forgotten(self) -> int:
        return sum(len(node.dropped) for node in self.nodes.values())

    def _rounds(self, seconds: float, sample: bool = True) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.air.round(sample)
            time.sleep(min(ROUND_S, left))

    def _kill(self, victim: str) -> None:
        self.killed[victim] += 1
        if victim == "node":
            self.air.restart(self.rng.choice(list(self.nodes.values())), self.rng.random() < 0.5)
            return
        part = {"gateway": self.gateway, "guard": self.guard, "broker": self.broker}[victim]
        assert not getattr(part, "died", False), f"{victim} had ended by itself"
        part.kill()
        if victim == "broker" and self.rng.random() < 0.34:
            self._broker_db.unlink(missing_ok=True)
        part.start()

    def _drain(self) -> None:
        """Go on without new samples until no node has any left, or none gets on any more."""
        left, since = -1, time.monotonic()
        while left != 0 and time.monotonic() - since < STUCK_S:
            self._rounds(0.2, sample=False)
            now = sum(n.unacknowledged for n in self.nodes.values())
            if now != left:
                left, since = now, time.monotonic()

    def _compare(self) -> Outcome:
        reader = JournalReader(self._data / "journal.db")
        kept: Counter[tuple[int, int, int]] = Counter()
        values = {}
        for _, s in reader.samples():
            kept[s[:3]] += 1
            values[s[:3]] = unpack_channels(s.channels)[0].value
        forgotten = [
            (n.node, 1 << 12 | life, seq) for n in self.nodes.values() for life, seq in n.dropped
        ]
        sound = reader.check().ok
        reader.close()
        return Outcome(
            acknowledged=len(forgotten),
            lost=sum(key not in kept for key in forgotten),
            wrong=sum(v != value_of(k[0], k[1] & 0xFFF, k[2]) for k, v in values.items()),
            twice=sum(count > 1 for count in kept.values()),
            stuck=sum(n.unacknowledged for n in self.nodes.values()),
            rows=sum(kept.values()),
            sound=sound,
        )
