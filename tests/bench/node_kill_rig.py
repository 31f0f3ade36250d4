"""Kill -9 real nodes under load and look whether a reading was lost.

Nodes are the firmware on real MicroPython with its flash in a littlefs image, two by radio (a
lossy one, through the real bridge on a pseudo-terminal) and two by MQTT (through mosquitto). The
real guard and the real gateway answer them, on real time; the nodes' clock runs 600 times as
fast, so that each measures ten times a second.
"""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as paho
from tests.bench.node_record import (
    INTERVAL_S,
    Flash,
    Verdict,
    WireRecord,
    compare,
    probe_table,
    read_flash,
)
from tests.gateway import servers
from tests.gateway.processes import Child, run_gateway, run_guard
from tests.gateway.site_files import make_site, secret_of

from amont_hil.process import MICROPYTHON
from amont_hil.simulated import SimulatedBoard, SimulatedBridge

NODES = {"bridge": (1, 2), "mqtt": (11, 12)}
SPEED = 600
BEGIN_S = 120 * INTERVAL_S  # what lies before is a history that all nodes have to tell first
INSTANTS = 40_000  # in the probes' tables: an hour and more of such a run
LOSS = 0.1  # of the frames on the air, each way, until the drain
ANSWER_MS = 400
WORK_S = 40.0  # at most so long until a new reading of the node that is to be killed
MORE_S = (0.0, 0.4)
BOOT_S = (0.0, 0.25)  # a node that is killed twice in a row is killed while it starts
HANG = 0.33  # so many of the others are killed while the gateway hangs: readings pile up
HANG_S = (0.3, 1.2)
ROUND_S = 2.0
STUCK_S = 60.0
HOUR_S = 3600  # in which a node tells its health once
_HEAD_BYTES = 3  # of a datagram on the simulated air: how well it was heard


@dataclass(frozen=True)
class Outcome:
    """How many nodes were killed, by carrier, and what the journal says."""

    kills: dict[str, int]
    in_boot: int
    waiting: int  # kills while the gateway hung, so that readings waited
    verdict: Verdict
    stuck: int  # readings that nodes still kept after the drain


class Air:
    """The air between nodes and bridge: it loses frames, and writes down what nodes send."""

    def __init__(self, bridge_port: int, record: WireRecord, seed: int) -> None:
        self.loss = LOSS
        self._bridge = ("127.0.0.1", bridge_port)
        self._record, self._rng = record, random.Random(seed)
        self._front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._front.bind(("127.0.0.1", 0))
        self.port = int(self._front.getsockname()[1])
        self._backs: dict[int, socket.socket] = {}  # by node: its voice at the bridge
        self._nodes: dict[int, tuple[str, int]] = {}  # where it listens since it last spoke
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="air")
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        self._thread.join(10)
        for end in (self._front, *self._backs.values()):
            end.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            ends = [self._front, *self._backs.values()]
            for end in select.select(ends, [], [], 0.1)[0]:
                data, address = end.recvfrom(256)
                if end is self._front:
                    self._up(data, address)
                elif self._rng.random() >= self.loss:
                    node = int.from_bytes(data[_HEAD_BYTES + 1 : _HEAD_BYTES + 3], "little")
                    self._front.sendto(data, self._nodes[node])

    def _up(self, data: bytes, address: tuple[str, int]) -> None:
        frame = data[_HEAD_BYTES:]
        self._record.note(frame)
        node = int.from_bytes(frame[1:3], "little")
        self._nodes[node] = address
        if node not in self._backs:
            self._backs[node] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if self._rng.random() >= self.loss:
            self._backs[node].sendto(data, self._bridge)


class Listener:
    """A second subscriber at the broker, who writes down what nodes send."""

    def __init__(self, port: int, record: WireRecord) -> None:
        self._ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, "listener")
        self._client.on_connect = lambda c, *_: c.subscribe("amont/essai/+/up", 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _, __, message: record.note(message.payload)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(10), "the broker takes no subscription"

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class NodeKillRig:
    """One run: start everything, kill nodes, drain, compare. Run it in the main thread."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.rng = folder, random.Random(seed)
        self.journal = folder / "data" / "journal.db"
        self.journal.parent.mkdir()
        self.record = WireRecord({n: secret_of(n) for nodes in NODES.values() for n in nodes})
        self._clock = folder / "clock"
        self._set_clock(BEGIN_S, 0)
        self._broker = servers.mosquitto(folder / "mosquitto")
        self._bridge = SimulatedBridge(folder / "bridge")
        self._air = Air(self._bridge.udp_port, self.record, seed)
        self._listener: Listener | None = None
        carriers = {n: carrier for carrier, nodes in NODES.items() for n in nodes}
        site = make_site(folder, self._bridge.port, self._broker.port, carriers)
        self._guard = Child(run_guard, folder / "guard")
        self._gateway = Child(
            run_gateway, site, folder / "data", folder / "guard" / "guard.sock", self._broker.port
        )
        self._boards = {n: self._board(n, carrier) for n, carrier in carriers.items()}
        self.flashes: dict[int, list[Flash]] = {}
        self.in_boot = self.waiting = 0

    def run(self, kills: dict[str, int]) -> Outcome:
        """Kill so many nodes of each carrier in a random order, then see what became of it."""
        victims = [
            self.rng.choice(NODES[carrier]) for carrier, n in kills.items() for _ in range(n)
        ]
        self.rng.shuffle(victims)
        try:
            self._start()
            before = 0
            for victim in victims:
                self._kill(victim, again=victim == before)
                before = victim
            told = self._drain()
            self._settle()
        finally:
            self.close()
        self.flashes = {
            n: read_flash(board.root, self.folder / f"flash-{n}")
            for n, board in self._boards.items()
        }
        verdict = compare(self.journal, self.record, self.flashes)
        # What a node says that it keeps may be acknowledged no more; what it has and the journal
        # has not may come no more.
        return Outcome(kills, self.in_boot, self.waiting, verdict, max(told, verdict.kept))

    def close(self) -> None:
        for board in self._boards.values():
            board.kill()
        self._gateway.stop()
        self._guard.stop()
        if self._listener is not None:
            self._listener.close()
        self._broker.stop()
        self._air.close()
        self._bridge.close()

    def _board(self, node: int, carrier: str) -> SimulatedBoard:
        settings = {"kind": "radio", "port": self._air.port}
        if carrier == "mqtt":
            port = self._broker.port
            settings = {"kind": "mqtt", "host": "127.0.0.1", "port": port, "site": "essai"}
        config = {
            "schema": 1, "id": node, "generation": 1, "version": 1, "interval_s": INTERVAL_S,
            "fast_interval_s": INTERVAL_S, "high_mark": None, "rise_mark": None,
            "channels": [{"index": 0, "quantity": 3, "step": 1,
                          "probe": {"kind": "replay", "file": "flow.txt", "noise": 0}}],
            "carrier": {**settings, "answer_ms": ANSWER_MS},
        }  # fmt: skip
        files = {
            "flow.txt": probe_table(node, INSTANTS),
            "history": probe_table(node, BEGIN_S // INTERVAL_S),
        }
        return SimulatedBoard(
            self.folder / f"node-{node}", config, secret_of(node),
            files=files, clock=self._clock, runtime=MICROPYTHON,
        )  # fmt: skip

    def _start(self) -> None:
        self._broker.start()
        self._listener = Listener(self._broker.port, self.record)
        self._bridge.start()
        self._guard.start()
        self._gateway.start()
        self._await_journal()
        for board in self._boards.values():
            board.start()
        self._set_clock(BEGIN_S, SPEED)

    def _await_journal(self) -> None:
        end = time.monotonic() + 30
        while not self.journal.exists() or not self._has_table():
            assert time.monotonic() < end, "the gateway made no journal"
            time.sleep(0.05)

    def _kill(self, node: int, again: bool) -> None:
        """Kill at work, a bit after new readings of this node were stored; or while it starts."""
        hang = not again and self.rng.random() < HANG
        if again:
            self.in_boot += 1
            time.sleep(self.rng.uniform(*BOOT_S))
        else:
            self._await_rows(node)
            time.sleep(self.rng.uniform(*MORE_S))
        for part in (self._guard, self._gateway):
            assert not part.died, "guard or gateway ended by itself"
        if hang:
            self.waiting += 1
            os.kill(self._gateway.pid, signal.SIGSTOP)
            time.sleep(self.rng.uniform(*HANG_S))
        board = self._boards[node]
        assert board.running(), f"node {node} had ended by itself: {board.log()[-500:]}"
        board.kill()
        board.start()
        if hang:
            os.kill(self._gateway.pid, signal.SIGCONT)

    def _await_rows(self, node: int) -> None:
        before, end = self._rows(node), time.monotonic() + WORK_S
        while self._rows(node) == before:
            assert time.monotonic() < end, f"node {node} tells nothing new"
            time.sleep(0.02)

    def _drain(self) -> int:
        """Let hours pass at once until every node keeps only what it just measured.

        Return how many readings too many they keep in the end. Nodes count for themselves, in
        the health that they tell each hour; in that moment the last reading still waits.
        """
        self._air.loss = 0.0
        virtual_s = self._virtual_s() + 2 * INTERVAL_S  # no node reads a clock that goes back
        least, end = -1, time.monotonic() + STUCK_S
        while time.monotonic() < end:
            since = len(self.record)
            virtual_s += HOUR_S
            self._set_clock(virtual_s, 0)
            time.sleep(ROUND_S)
            told = self.record.kept(since)
            left = sum(max(0, told.get(node, 2) - 1) for node in self._boards)
            if left == 0:
                return 0
            if least < 0 or left < least:
                least, end = left, time.monotonic() + STUCK_S
        return left

    def _settle(self) -> None:
        """Wait until the journal grows no more."""
        before = Counter[int]()
        while (now := Counter({n: self._rows(n) for n in self._boards})) != before:
            before = now
            time.sleep(1.0)

    def _virtual_s(self) -> int:
        real_ms, virtual_s, speed = (int(word) for word in self._clock.read_text().split())
        return virtual_s + (time.time_ns() // 1_000_000 - real_ms) * speed // 1000

    def _set_clock(self, virtual_s: int, speed: int) -> None:
        new = self._clock.with_suffix(".new")
        new.write_text(f"{time.time_ns() // 1_000_000} {virtual_s} {speed}\n")
        os.replace(new, self._clock)

    def _rows(self, node: int) -> int:
        return int(self._ask("SELECT count(*) FROM sample WHERE node = ?", node))

    def _has_table(self) -> bool:
        return bool(self._ask("SELECT count(*) FROM sqlite_master WHERE name = 'sample'"))

    def _ask(self, statement: str, *values: int) -> int:
        uri = f"file:{self.journal}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=5.0)
        try:
            return int(connection.execute(statement, values).fetchone()[0])
        finally:
            connection.close()
