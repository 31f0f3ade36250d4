"""A guard on a desk: a site file, simulated nodes that really seal, a pty, a gateway's socket."""

import fcntl
import hashlib
import json
import os
import pty
import select
import socket
import struct
import termios
import threading
import time
import tty
from pathlib import Path

from amont_guard import messages
from amont_guard.app import build
from amont_guard.config import digest
from amont_guard.relay import SimulatedRelay
from amont_guard.writer import Disk
from amont_wire import link
from amont_wire.const import DOWNLINK, SAMPLES, UPLINK
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Opener, Sealer
from amont_wire.messages import Ack, Channel, Samples, decode

A, B = 17, 18  # nodes: the two sensors of the station
FAR = 30  # node of a rain gauge that no station has
PIN = "2468"
SECRETS = {node: bytes([node]) * 16 for node in (A, B, FAR)}
ALARM_MM = 2500
START_S = 10_000.0
WALL_MS = 1_800_000_000_000


def pin_hash(pin, n=16, p=1):
    salt = b"0123456789abcdef"
    found = hashlib.scrypt(pin.encode(), salt=salt, n=n, r=8, p=p, dklen=32)
    return f"scrypt${n}$8${p}${salt.hex()}${found.hex()}"


def names(text):
    return {"fr": text, "en": text}


def channel(sensor, quantity="stage_mm"):
    return {
        "index": 0, "sensor": sensor, "quantity": quantity, "validity_s": 2700, "min": -500,
        "max": 8000, "step_per_min": 500, "flat_samples": 60,
    }  # fmt: skip


def node(number, sensor, carrier, quantity="stage_mm"):
    return {
        "id": number, "name": names(sensor), "carrier": carrier, "interval_s": 900,
        "fast_interval_s": 60, "channels": [channel(sensor, quantity)],
    }  # fmt: skip


def site(port="", output=None, siren=None, listeners=()):
    body = {
        "format": 1, "site": "sainte-amonette", "name": names("Sainte-Amonette"),
        "time_zone": "Europe/Paris",
        "bridge": {"port": port, "baud": 115200, "listeners": list(listeners)},
        "nodes": [
            node(A, "pont-a", "bridge"), node(B, "pont-b", "bridge"),
            node(FAR, "pluie", "mqtt", "rain_um"),
        ],
        "stations": [{
            "id": "pont", "name": names("Pont Neuf"), "sensors": ["pont-a", "pont-b"],
            "watch_mm": 1200, "warning_mm": 1800, "alarm_mm": ALARM_MM, "alarm_plus_mm": 3200,
            "bounds_mm": [-500, 8000], "limits_delay_s": 600,
            "hysteresis_mm": 100, "clear_s": 600, "rise_support_mm": 100, "rise_support_s": 900,
        }],
        "sirens": [{
            "id": "mairie", "name": names("Mairie"), "stations": ["pont"],
            "output": output or {"kind": "simulated"}, "max_on_s": 180, "pause_s": 120,
            "supervision": {}, "key": None,
            "practice": {"silent_test": {"hour": 10, "minute": 0}, "drill": None},
            **(siren or {}),
        }],
        "people": [
            {"name": who, "role": "mayor", "pin": pin_hash(PIN)} for who in ("Anne", "Bruno")
        ],
    }  # fmt: skip
    return {**body, "sha256": digest(body)}


def write_site(folder, port="", output=None, generations=None, siren=None, listeners=()):
    folder.mkdir(exist_ok=True)
    (folder / "guard.json").write_text(json.dumps(site(port, output, siren, listeners)))
    keys = folder / "keys.json"
    entries = {
        str(n): {"generation": (generations or {}).get(n, 1), "secret": s.hex()}
        for n, s in SECRETS.items()
    }
    keys.write_text(json.dumps({"format": 1, "nodes": entries}))
    keys.chmod(0o600)


class FakeClock:
    def __init__(self, now_s=START_S):
        self.now_s = now_s
        self.wall = WALL_MS
        self.run = "one boot"

    def monotonic_s(self):
        return self.now_s

    def wall_ms(self):
        return self.wall

    def sleep_s(self, _real_s):
        raise AssertionError("nothing sleeps in a test")

    def pass_s(self, seconds):
        self.now_s += seconds
        self.wall += int(seconds * 1000)


class SimNode:
    """Seals like a node: counters, ticks of its own, the echo until it was answered."""

    def __init__(self, number, clock, tick0=5000, life=1, generation=1, quantity=1, counter=0):
        self.number, self.clock, self.life, self.quantity = number, clock, life, quantity
        self.base_s = clock.monotonic_s() - tick0
        self.epoch = generation << 12 | life
        self.seq = -1
        self.nonce = None  # (nonce, tick of its first arrival, counter that carried the echo)
        self.acks = []
        args = (bytes([number]) * 16, number, generation)
        self.sealer = Sealer(*args, UPLINK, ReservedCounter(counter, lambda limit: None))
        self.opener = Opener(*args, DOWNLINK)
        self.last = 0

    def tick_s(self):
        return int(self.clock.monotonic_s() - self.base_s)

    def frame(
        self, *values, interval_s=60, lag_s=0, seq=None, tick_s=None, echo=True, kind=SAMPLES
    ):  # fmt: skip
        self.seq = self.seq + len(values) if seq is None else seq
        self.seq = max(self.seq, len(values) - 1)
        tick_s = self.tick_s() if tick_s is None else tick_s
        told = None
        if echo and self.nonce and not self.nonce[2]:
            told = (self.nonce[0], min(tick_s - self.nonce[1], 65535))
        readings = Channel(0, self.quantity, 1, list(values))
        body = Samples(
            self.life, tick_s, self.seq, lag_s, interval_s, 0, False, [readings], told
        ).encode()
        self.last, frame = self.sealer.seal(kind, body)
        if told:
            self.nonce[3].append(self.last)
        return frame

    def hear(self, downlink):
        header, body = self.opener.open(downlink)
        ack = decode(header.type, body)
        if self.nonce is None or self.nonce[0] != ack.nonce:
            self.nonce = [ack.nonce, self.tick_s(), 0, []]
        if ack.answers in self.nonce[3]:
            self.nonce[2] = ack.answers
        if isinstance(ack, Ack):
            self.acks.append(ack)
        return ack


def waiting(fd):
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0]


class Line:
    """The bridge's side of a pty; the guard opens the other by pyserial."""

    def __init__(self, in_process=False):
        self.in_process = in_process  # then nobody reads the slave while ``put`` waits
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.name = os.ttyname(self.slave)
        self.deframer = link.Deframer()
        self.said = []  # what the guard sent beside downlinks: questions, settings

    def put(self, *frames):
        for frame in frames:
            self.write(link.Received(1, -80, 20, frame).pack())

    def write(self, data):
        """Write; the kernel carries it to the other side in its own time, so wait for that."""
        there = waiting(self.slave) + len(data)
        os.write(self.master, data)
        deadline = time.monotonic() + 20
        while self.in_process and waiting(self.slave) < there:
            assert time.monotonic() < deadline, "the pty swallowed it"

    def sent(self):
        """Return what the guard sent, once nothing more comes."""
        data = b""
        while select.select([self.master], [], [], 0.03 if self.in_process else 0)[0]:
            data += os.read(self.master, 65536)
        self.said += [link.unpack(payload) for payload in self.deframer.feed(data)]
        sends = [said.frame for said in self.said if isinstance(said, link.Send)]
        self.said = [said for said in self.said if not isinstance(said, link.Send)]
        return sends

    def close(self):
        os.close(self.master)
        os.close(self.slave)


class Gateway:
    """The gateway's end of the socket."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(str(folder / "guard.sock"))
        self.socket.setblocking(False)

    def send(self, message):
        self.socket.send(message)

    def raw(self, *frames):
        self.send(messages.encode_raw(enumerate(frames, 1)))

    def commit(self, node, through, rate=0, bits=0):
        item = messages.Committed(node.number, node.epoch, through, rate, bits, node.last)
        self.send(messages.encode_committed([item]))

    def act(
        self, kind, person, pin=PIN, action_id=None, issued_ms=WALL_MS, minutes=0, **more
    ):  # fmt: skip
        self.send(messages.encode_json(messages.ACTION, {
            "id": action_id or f"{kind}-{person}-{os.urandom(4).hex()}", "kind": kind,
            "person": person, "pin": pin, "siren": "mairie", "minutes": minutes,
            "issued_ms": issued_ms, **more,
        }))  # fmt: skip

    def receive(self):
        found = []
        while True:
            try:
                message = self.socket.recv(messages.MAX_MESSAGE)
            except BlockingIOError:
                return found
            if not message:
                return [*found, b""]
            found.append(message)

    def close(self):
        self.socket.close()


class TroubledDisk(Disk):
    """A disk that does what the test asks: fail with an error, or hang until released."""

    def __init__(self):
        self.error = None
        self.gate = None  # a threading.Event that a hung disk waits for
        self.writes = 0

    def _trouble(self):
        self.writes += 1
        if self.gate is not None:
            self.gate.wait(60)
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))

    def replace(self, path, content):
        self._trouble()
        super().replace(path, content)

    def append(self, path, at, content):
        self._trouble()
        super().append(path, at, content)


class DeskRelay(SimulatedRelay):
    """A simulated relay with more contacts around it, and one that may weld."""

    def __init__(self, path):
        super().__init__(path)
        self.around = {}

    def read(self):
        return {**super().read(), **self.around}


class Rig:
    """A guard in its folder, two nodes on the bridge, one far away, and perhaps a gateway."""

    def __init__(self, folder, disk=None, gateway=True, clock=None, siren=None, listeners=0):
        self.folder, self.disk = Path(folder), disk
        self.clock = clock or FakeClock()
        self.line = Line(in_process=True)
        self.ears = [Line(in_process=True) for _ in range(listeners)]
        ears = [ear.name for ear in self.ears]
        write_site(self.folder, self.line.name, siren=siren, listeners=ears)
        self.changes = []  # every change of the relay: (domain time, on)
        self.a, self.b = SimNode(A, self.clock), SimNode(B, self.clock, tick0=7777)
        self.gateway = None
        self.mistakes = 0  # of the guard's own that the test provokes
        self.received = []
        self.start(gateway)

    def relay(self, siren, folder):
        relay = self.contacts = DeskRelay(folder / f"relay-{siren.id}")
        relay.listeners.append(lambda on: self.changes.append((self.clock.now_s, on)))
        return relay

    def start(self, gateway=True):
        self.guard = build(self.folder, self.clock, self.relay, self.disk)
        self.open_ports()
        if gateway:
            self.gateway = Gateway(self.folder)
            self.turn()

    def open_ports(self):
        """Let the threads that open ports come to an end."""
        deadline = time.monotonic() + 20
        while not all(r.port.connected for r in self.guard.receivers.all):
            assert time.monotonic() < deadline, [r.port.error for r in self.guard.receivers.all]
            self.guard.receivers.poll(self.clock.now_s)
            time.sleep(0.0005)

    def stop(self):
        """End the guard cleanly and let the gateway see it."""
        if self.gateway:
            self.gateway.close()
            self.gateway = None
        self.guard.close()

    def restart(self, gateway=True):
        self.stop()
        self.start(gateway)

    def turn(self, times=2):
        for _ in range(times):
            self.guard.turn(0)
            if self.gateway:
                self.received += self.gateway.receive()

    def pass_s(self, seconds):
        """Let seconds pass one by one."""
        for _ in range(seconds):
            self.clock.pass_s(1)
            self.turn(1)

    def flush(self):
        """Wait until the disk thread has written all that it was given before."""
        for _ in range(3):  # a round: files, then the audit; one more for what failed before
            done = threading.Event()
            self.guard.writer.put(self.folder / "flushed", b"", done.set)
            assert done.wait(20)

    def take(self, kind):
        """Return and forget the messages of one kind."""
        taken = [m for m in self.received if m and m[0] == kind]
        self.received = [m for m in self.received if not m or m[0] != kind]
        return taken

    def opened(self):
        return [f for m in self.take(messages.OPENED) for f in messages.decode_opened(m)]

    def rejected(self):
        return [r for m in self.take(messages.REJECTED) for r in messages.decode_rejected(m)]

    def results(self):
        """Wait for the PIN thread and return the answers."""
        for _ in range(400):
            self.guard.turn(0.01)
            self.received += self.gateway.receive()
            if any(m and m[0] == messages.RESULT for m in self.received):
                break
        return [messages.decode_json(m) for m in self.take(messages.RESULT)]

    def state(self):
        self.take(messages.STATE)
        self.guard._next.clear()  # now, not when their time has come
        self.guard._second = -1
        self.gateway.send(messages.encode_json(messages.HELLO, {"format": 1}))
        self.turn()
        return messages.decode_json(self.take(messages.STATE)[-1])

    def live(self, *values, gap_s=60):
        """Let both nodes send each value as it is measured."""
        for value in values:
            self.clock.pass_s(gap_s)
            self.line.put(self.a.frame(value), self.b.frame(value))
            self.turn()

    def prove(self):
        """Let both nodes hear a downlink and echo its nonce, as after any start."""
        for sim in (self.a, self.b):
            self.clock.pass_s(2)
            self.line.put(sim.frame(300))
            self.turn()
            self.flush()
            self.gateway.commit(sim, sim.seq)
            self.turn()
            for downlink in self.line.sent():
                sim.hear(downlink)
            self.clock.pass_s(60)
            self.line.put(sim.frame(301))
            self.turn()

    def sounded(self):
        return [at for at, on in self.changes if on]

    def close(self):
        mistakes = self.guard.counters["own mistakes"], self.guard.faults.get("internal")
        self.stop()
        for line in (self.line, *self.ears):
            line.close()
        assert mistakes[0] == self.mistakes, mistakes


RISING = (600, 900, 1200, 1500, 1800, 2100, 2400, 2600, 2700)


NEW_MM = [1100, 1700, 2400, 3100]


def audit(rig):
    rig.flush()
    return [json.loads(line) for line in (rig.folder / "audit.jsonl").read_text().splitlines()]


def ask(rig, kind, person, **more):
    rig.gateway.act(kind, person, issued_ms=rig.clock.wall, **more)
    return rig.results()[0]["code"]


def change_limits(rig, limits_mm=NEW_MM):
    assert ask(rig, "limits", "Anne", station="pont", limits_mm=limits_mm) == "second"
    return ask(rig, "limits", "Bruno", station="pont", limits_mm=limits_mm)
