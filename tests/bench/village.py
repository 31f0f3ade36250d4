"""A village in virtual time: the real guard, real nodes, the air between, a gateway, people.

The guard is built by its own ``build`` on its own files and hears the bridge by a serial port;
the nodes are ``amont_node`` with their flash, outbox and counters. Only the clock, the probes, the
air and the relays are ours. A second of the village takes about a millisecond; nothing sleeps.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import serial
from tests.bench import protocol_air
from tests.guard.rig import Gateway, pin_hash

from amont_guard import messages
from amont_guard.app import build
from amont_guard.relay import SimulatedRelay
from amont_node.app import Node
from amont_node.config import ConfigStore, NodeConfig, save_secret
from amont_node.probes import ProbeError
from amont_site import load, write_guard
from amont_wire import link
from amont_wire.errors import WireError
from amont_wire.samples import decode_samples

if "tests.bench" not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append("tests.bench")

WATCH_MM, WARNING_MM, ALARM_MM, ALARM_PLUS_MM = 1200, 1800, 2500, 3500
START_S = 50_000.0
TODAY_MS = 1_800_000_000_000  # 2027-01-15
PIN = "2468"
PEOPLE = ("Anne", "Bruno", "Claire")
PIN_HASH = functools.cache(lambda: pin_hash(PIN, 8192, 2))
IDLE_STEP_S = 5  # the longest that nothing may need to be looked at
_NODE_FAR_S = 1e12
SHM = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nodes sync each reading


class VillageClock:
    """Domain time that tests move, a wall clock that jumps apart from it."""

    def __init__(self) -> None:
        self.now_s, self.wall_offset_ms, self.run = START_S, TODAY_MS - int(START_S * 1000), "boot"

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return int(self.now_s * 1000) + self.wall_offset_ms

    def sleep_s(self, _real_s: float) -> None:
        raise AssertionError("nothing sleeps in a village")


class _GuardTime:
    """The module ``time`` as the guard's loop sees it: its real seconds are the village's too."""

    def __init__(self, clock: VillageClock) -> None:
        self.monotonic = clock.monotonic_s

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextlib.contextmanager
def village_time(clock: VillageClock) -> Iterator[None]:
    """Let the guard's back-offs and rates pass in the village's time, not its disk thread's."""
    kept = ("amont_guard.writer", "amont_guard.clock")
    touched = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("amont_guard.")
        and name not in kept
        and getattr(module, "time", None) is time
    ]
    for module in touched:
        module.time = _GuardTime(clock)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in touched:
            module.time = time  # type: ignore[attr-defined]


class River:
    """A stage in mm over time: straight lines between knots (second, mm)."""

    def __init__(self, calm_mm: float = 400) -> None:
        self.knots: list[tuple[float, float]] = [(0.0, calm_mm)]

    def rise(self, at_s: float, mm_min: float, to_mm: float) -> float:
        """From ``at_s`` on go to ``to_mm`` at that rate; return when it is there."""
        start_mm = self.level(at_s)
        self.knots = [knot for knot in self.knots if knot[0] < at_s] + [(at_s, start_mm)]
        there_s = at_s + abs(to_mm - start_mm) / mm_min * 60
        self.knots.append((there_s, to_mm))
        return there_s

    def level(self, at_s: float) -> float:
        before = self.knots[0]
        for knot in self.knots:
            if knot[0] >= at_s:
                share = (at_s - before[0]) / (knot[0] - before[0]) if knot[0] > before[0] else 1.0
                return before[1] + (knot[1] - before[1]) * share
            before = knot
        return before[1]

    def crossing_s(self, mm: float, after_s: float = 0.0) -> float | None:
        """Return when it first reaches ``mm`` from below after ``after_s``."""
        for (a_s, a_mm), (b_s, b_mm) in zip(self.knots, self.knots[1:], strict=False):
            if b_s > after_s and a_mm < mm <= b_mm:
                return a_s + (b_s - a_s) * (mm - a_mm) / (b_mm - a_mm)
        return None


@dataclass
class Place:
    """One station with its siren: sensors, how often they measure, its river."""

    sensors: int = 2
    interval_s: int = 900
    river: River = field(default_factory=River)
    node_marks: tuple[int | None, int | None] = (WATCH_MM, ALARM_MM)  # None: the node knows none
    drill: dict[str, Any] | None = None  # as the site's file names one


class Probe:
    """A sensor: the river, a little noise, and what goes wrong with it."""

    def __init__(self, river: River, clock: VillageClock, chance: random.Random) -> None:
        self._river, self._clock, self._chance = river, clock, chance
        self.fault: Callable[[int], int | None] | None = None  # what it shows instead

    def read(self, _clock_s: int) -> int:
        value: int | None = round(self._river.level(self._clock.now_s)) + self._chance.randint(
            -2, 2
        )
        if self.fault is not None and value is not None:
            value = self.fault(value)
        if value is None:
            raise ProbeError("dead")
        return value


class _NodeClock:
    def __init__(self, clock: VillageClock, offset_s: int) -> None:
        self._clock, self.offset_s = clock, offset_s

    def link_ms(self) -> int:
        return int(self._clock.now_s * 1000)

    def now_s(self) -> int:
        return int(self._clock.now_s) + self.offset_s

    def is_virtual(self) -> bool:
        return False


class _Carrier:
    rssi_dbm, snr_db4, fault = -80, 20, False

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send, self.inbox = send, list[bytes]()

    def ready(self) -> bool:
        return True

    def send(self, frame: bytes, _link_ms: int) -> bool:
        self._send(frame)
        return True

    def receive(self, _link_ms: int) -> list[bytes]:
        found, self.inbox = self.inbox, []
        return found

    def wait(self, _wait_ms: int) -> None:
        raise AssertionError("nothing waits in a village")

    def close(self) -> None:
        """Nothing is held."""


class VillageNode(Node):
    """``amont_node`` on the village's clock and air."""

    def __init__(
        self, folder: Path, clock: _NodeClock, send: Callable[[bytes], None], probe: Probe
    ) -> None:
        self._clock, self._send_frame = clock, send
        super().__init__(str(folder), None, None)
        self._probes = [probe]
        self.next_s = 0.0

    @property
    def clock(self) -> Any:
        return self._clock

    @clock.setter
    def clock(self, _of_the_board: Any) -> None:
        """Keep the village's."""

    def _fault(self, bit: int, _error: Exception) -> None:
        self._fault_bits |= bit  # and nothing printed

    def _make_carrier(self) -> _Carrier:
        return _Carrier(self._send_frame)

    def _sleep(self) -> None:
        due_s, due_ms = self.duty.due(self._clock.link_ms())
        own_s = due_s + self._life.origin_s - self._clock.offset_s
        self.next_s = min(own_s, _NODE_FAR_S if due_ms is None else due_ms / 1000)


class RelayDouble(SimulatedRelay):
    """A contact that remembers each command that would be heard, with when it came."""

    def __init__(self, path: Path, commanded_on: Callable[[], None]) -> None:
        super().__init__(path)
        self._commanded_on, self._commanded = commanded_on, False

    def switch(self, on: bool, isolated: bool) -> None:
        audible = on and not isolated
        if audible and not self._commanded:
            self._commanded_on()
        self._commanded = audible
        super().switch(on, isolated)

    def close(self) -> None:
        """Give the file back, as the end of a process would."""
        super().close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Village:
    """All of it; ``step`` lets time pass to the next moment at which something may happen."""

    def __init__(self, folder: Path, places: list[Place], seed: int, loss: float = 0.0) -> None:
        self.folder, self.places, self.loss = folder, places, loss
        self.chance = random.Random(seed)
        self.clock = VillageClock()
        self._port = f"village-{id(self)}"
        self._bridge = protocol_air.plug(self._port)
        self._deframer = link.Deframer()
        self._air: list[tuple[float, int, bytes]] = []  # when it arrives, to (0: the guard), frame
        self.relay_factory: Callable[[Any, Path], Any] = self._relay
        self.guard: Any = None
        self.gateway: Gateway | None = None
        self.gateway_dead = False
        self._state = b""  # the newest STATE
        self.on_commands: list[tuple[float, str, bool]] = []  # when, siren, while being built
        self.events: list[dict[str, Any]] = []
        self.found: dict[str, bool] = {}  # contacts that the next life finds closed or open
        self._building = False
        self._results: dict[str, dict[str, Any]] = {}
        self._lives = 0
        self._write_site()
        self.nodes = {number: self._boot_node(number) for number in self._numbers()}

    # --- making it

    def _numbers(self) -> dict[int, Place]:
        return {
            100 * (s + 1) + i: place
            for i, place in enumerate(self.places)
            for s in range(place.sensors)
        }

    def _write_site(self) -> None:
        numbers = self._numbers()
        site = {
            "format": 1, "id": "village", "name": _both("Village"), "latitude": 44.0,
            "longitude": 4.0, "time_zone": "Europe/Paris",
            "bridge": {"port": f"air://{self._port}"},
            "nodes": [
                {"id": n, "name": _both(f"n{n}"), "carrier": "bridge",
                 "interval_s": place.interval_s,
                 "channels": [{"sensor": f"n{n}", "quantity": "stage_mm", "max": 9000}]}
                for n, place in numbers.items()
            ],
            "stations": [
                {"id": f"p{i}", "name": _both(f"p{i}"), "river": "Amonette",
                 "sensors": [f"n{100 * (s + 1) + i}" for s in range(place.sensors)],
                 "watch_mm": WATCH_MM, "warning_mm": WARNING_MM, "alarm_mm": ALARM_MM,
                 "alarm_plus_mm": ALARM_PLUS_MM}
                for i, place in enumerate(self.places)
            ],
            "sirens": [
                {"id": f"s{i}", "name": _both(f"s{i}"), "stations": [f"p{i}"],
                 "output": {"kind": "simulated"}}
                | ({"practice": {"drill": place.drill}} if place.drill else {})
                for i, place in enumerate(self.places)
            ],
            "people": [{"name": who, "role": "mayor", "pin": PIN_HASH()} for who in PEOPLE],
        }  # fmt: skip
        self.state_dir = self.folder / "guard-0"
        self.state_dir.mkdir(parents=True, mode=0o700)
        path = self.folder / "site.yaml"
        path.write_text(json.dumps(site))
        write_guard(load(path), self.state_dir / "guard.json")
        secrets = {str(n): {"generation": 1, "secret": _secret(n).hex()} for n in numbers}
        keys = self.state_dir / "keys.json"
        keys.write_text(json.dumps({"format": 1, "nodes": secrets}))
        keys.chmod(0o600)

    def _boot_node(self, number: int) -> VillageNode:
        # At a moment of its own within the last interval: that is its phase ever after.
        self.clock.now_s -= self.chance.randrange(self._numbers()[number].interval_s)
        node = self._node(number)
        self.clock.now_s = START_S
        return node

    def _node(self, number: int) -> VillageNode:
        place = self._numbers()[number]
        folder = self.folder / f"node-{number}"
        folder.mkdir(exist_ok=True)
        high, alarm = place.node_marks
        store = ConfigStore(str(folder))
        store.save(NodeConfig({
            "schema": 1, "id": number, "generation": 1, "version": 1,
            "interval_s": place.interval_s, "fast_interval_s": 60, "high_mark": high,
            "rise_mark": 6, "alarm_mark": alarm, "carrier": {"kind": "radio"},
            "channels": [{"index": 0, "quantity": 1, "probe": {"kind": "constant"}}],
        }))  # fmt: skip
        save_secret(str(folder), _secret(number))
        clock = _NodeClock(self.clock, self.chance.randrange(1_000_000))
        probe = Probe(place.river, self.clock, self.chance)
        return VillageNode(folder, clock, lambda frame: self._uplink(frame), probe)

    def _relay(self, siren: Any, folder: Path) -> RelayDouble:
        def on() -> None:
            if folder == self.state_dir:  # not of a life that was killed
                self.on_commands.append((self.clock.now_s, siren.id, self._building))

        return RelayDouble(folder / f"relay-{siren.id}", on)

    # --- the guard's life

    def start(self) -> None:
        """Start the guard and, unless it is to be dead, the gateway."""
        for siren, closed in self.found.items():
            (self.state_dir / f"relay-{siren}").write_bytes(b"%d %020d\n" % (closed, 1))
        self._building = True
        try:
            self.guard = build(self.state_dir, self.clock, self.relay_factory)
        finally:
            self._building = False
        self.settle_ports()
        if not self.gateway_dead:
            self.gateway = Gateway(self.state_dir)
        self.settle_disk()

    def stop(self) -> None:
        """End the guard as SIGTERM does."""
        self._hang_up()
        self.guard.close()

    def kill(self) -> None:
        """Cut the guard off: the next life finds the disk as it is now, and nothing after."""
        self._lives += 1
        left, self.state_dir = self.state_dir, self.folder / f"guard-{self._lives}"
        self.state_dir.mkdir(mode=0o700)
        for path in left.iterdir():
            if path.is_file():
                with contextlib.suppress(FileNotFoundError):  # a part just renamed
                    shutil.copy2(path, self.state_dir / path.name)
        self._hang_up()
        self.guard.close()
        shutil.rmtree(left)

    def reboot(self) -> None:
        """Let the whole machine start again: its monotonic clock begins anew, as nodes' do not."""
        self.clock.run += "+"

    def _hang_up(self) -> None:
        if self.gateway is not None:
            self.gateway.close()
            self.gateway = None

    def set_gateway(self, alive: bool) -> None:
        """Kill the gateway or start it again."""
        self.gateway_dead = not alive
        if alive and self.gateway is None:
            self.gateway = Gateway(self.state_dir)
        elif not alive:
            self._hang_up()

    def settle_ports(self) -> None:
        """Wait, in real time, until the threads that open ports have come to an end."""
        deadline = time.monotonic() + 20
        while not self.guard.receivers.settled():
            if time.monotonic() > deadline:
                raise TimeoutError("the guard's port does not open")
            self.guard.receivers.poll(self.clock.now_s)
            time.sleep(0.0005)

    def settle_disk(self) -> None:
        """Wait, in real time, until the guard's disk thread has nothing left to do."""
        for _ in range(2):  # a round writes files, then the audit
            done = threading.Event()
            self.guard.writer.put(self.state_dir / "settled", b"", done.set)
            if not done.wait(20):
                raise TimeoutError("the guard's disk thread hangs")

    def set_bridge(self, plugged: bool) -> None:
        """Pull the bridge out or put it back."""
        if plugged:
            self._bridge, self._deframer = protocol_air.plug(self._port), link.Deframer()
        else:
            self._bridge.close()
            protocol_air.unplug(self._port)

    def close(self) -> None:
        """End everything."""
        self.stop()
        for node in self.nodes.values():
            node.close()
        protocol_air.unplug(self._port)
        self._bridge.close()

    # --- time

    def run_until(self, until_s: float) -> None:
        """Let time pass."""
        while self.clock.now_s < until_s:
            self.step(until_s)

    def step(self, until_s: float) -> None:
        """Go to the next moment at which something may happen, at most IDLE_STEP_S away."""
        waiting = [at_s for at_s, _, _ in self._air] + [n.next_s for n in self.nodes.values()]
        now_s = self.clock.now_s
        soonest = min([*waiting, now_s + IDLE_STEP_S, until_s])
        self.clock.now_s = max(float(int(soonest)) + (soonest > int(soonest)), now_s + 1)
        self._deliver()
        for node in self.nodes.values():
            if node.next_s <= self.clock.now_s or node.carrier.inbox:
                node.wake()
        self.turn()

    def turn(self) -> None:
        """Let the guard and the gateway do what they have to do now."""
        for _ in range(3):
            self.guard.turn(0)
            if not self._commit():
                break
        self._take_downlinks()

    def _deliver(self) -> None:
        now_s = self.clock.now_s
        due = [item for item in self._air if item[0] <= now_s]
        self._air = [item for item in self._air if item[0] > now_s]
        for _, number, frame in due:
            if number:
                self.nodes[number].carrier.inbox.append(frame)
                continue
            with contextlib.suppress(OSError):  # the bridge is not there: lost
                self._bridge.send(link.Received(1, -80, 20, frame).pack())

    def _uplink(self, frame: bytes) -> None:
        if self.chance.random() >= self.loss:
            self._air.append((self.clock.now_s + self.chance.uniform(0.2, 1.0), 0, frame))

    def _take_downlinks(self) -> None:
        try:
            data = self._bridge.recv(65536)
        except OSError:
            return
        for payload in self._deframer.feed(data):
            message = link.unpack(payload)
            if not isinstance(message, link.Send):
                continue  # a question, or settings: this bridge has none
            frame = message.frame
            if self.chance.random() >= self.loss:
                number = int.from_bytes(frame[1:3], "little")
                self._air.append((self.clock.now_s + self.chance.uniform(0.2, 1.0), number, frame))

    # --- the gateway

    def _commit(self) -> bool:
        if self.gateway is None:
            return False
        items = []
        for message in self.gateway.receive():
            kind = message[0] if message else 0
            if kind == messages.OPENED:
                items += [_committed(frame) for frame in messages.decode_opened(message)]
            elif kind == messages.STATE:
                self._state = message
            elif kind == messages.EVENT:
                self.events.append(messages.decode_json(message))
            elif kind == messages.RESULT:
                result = messages.decode_json(message)
                self._results[result["id"]] = result
        if items:
            self.gateway.send(messages.encode_committed(items))
        return bool(items)

    # --- people

    def act(self, kind: str, siren: str, person: str, minutes: int = 0) -> str:
        """Ask for something with the right PIN; return the guard's answer."""
        name = f"{kind}-{siren}-{person}-{len(self._results)}-{self.clock.now_s}"
        if self.gateway is None:
            return "no gateway"
        self.gateway.send(messages.encode_json(messages.ACTION, {
            "id": name, "kind": kind, "person": person, "pin": PIN, "siren": siren,
            "minutes": minutes, "issued_ms": self.clock.wall_ms(),
        }))  # fmt: skip
        deadline = time.monotonic() + 20
        while name not in self._results:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no answer to {name}")
            self.guard.turn(0.002)
            self._commit()
        return str(self._results[name]["code"])

    # --- what is

    @property
    def state(self) -> dict[str, Any]:
        """Return the newest STATE, empty before the first."""
        return messages.decode_json(self._state) if self._state else {}

    def sounding(self, siren: str) -> bool:
        return (self.state_dir / f"relay-{siren}").read_bytes()[:1] == b"1"


def _committed(frame: messages.Opened) -> messages.Committed:
    through = -1
    with contextlib.suppress(WireError):
        through = decode_samples(frame.body).seq if frame.type in (1, 2) else -1
    return messages.Committed(frame.node, frame.epoch, through, 0, 0, frame.counter)


def _both(text: str) -> dict[str, str]:
    return {"fr": text, "en": text}


def _secret(number: int) -> bytes:
    return number.to_bytes(2, "little") * 8


@contextlib.contextmanager
def village(folder: Path, places: list[Place], seed: int, loss: float = 0.0) -> Iterator[Village]:
    """Build a village, start its guard, and close it at the end."""
    made = Village(folder, places, seed, loss)
    with village_time(made.clock):
        made.start()
        try:
            yield made
        finally:
            made.close()
