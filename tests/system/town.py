"""A whole town hall with real processes: guard, gateway, broker; the bridge is a pty, nodes seal.

Every station has two nodes on the bridge and a siren of its own, so that each fault can be
followed by a live flood that nothing else has touched.
"""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from tests.gateway import servers
from tests.gateway.sim_node import SimNode as Meter
from tests.guard.rig import Line, SimNode, pin_hash

from amont_gateway import cli
from amont_guard.clock import Clock, RealClock
from amont_site import load, write_guard

METER, OTHER_METER = 31, 32
LOW_MM, ALARM_MM = 1000, 2600
LIMIT_S = 40.0  # longer than the longest back-off
STRANGER = 99


def secret_of(node: int) -> bytes:
    return bytes([node]) * 16


def until(true: Callable[[], Any], what: str = "") -> Any:
    """Wait for what processes bring about; fail after the limit."""
    deadline = time.monotonic() + LIMIT_S
    while not (found := true()):
        assert time.monotonic() < deadline, f"not so after {LIMIT_S:.0f} s: {what}"
        time.sleep(0.02)
    return found


def site_text(stations: int, bridge: str, broker: int) -> str:
    """Return a site's YAML: stations s0, s1 … of nodes 100, 200; 101, 201 …; two meters."""
    lines = [
        "format: 1", "id: essai", "name: {fr: Essai, en: Trial}", "latitude: 44.0",
        "longitude: 4.0", "time_zone: Europe/Paris", f"bridge: {{port: {bridge}}}",
        f"broker: {{host: 127.0.0.1, port: {broker}, tls: false}}", "nodes:",
    ]  # fmt: skip
    channel = "{{sensor: {}, quantity: stage_mm, max: 8000, step_per_min: 500}}"
    for i in range(stations):
        for node, sensor in ((100 + i, f"rive-a{i}"), (200 + i, f"rive-b{i}")):
            lines += _node(node, "bridge", channel.format(sensor))
    for node in (METER, OTHER_METER):
        lines += _node(node, "mqtt", f"{{sensor: debit-{node}, quantity: flow_l_h}}")
    lines.append("stations:")
    for i in range(stations):
        lines.append(
            f"  - {{id: p{i}, name: {{fr: Pont {i}, en: Bridge {i}}}, "
            "river: Amonette, "
            f"sensors: [rive-a{i}, rive-b{i}], watch_mm: 1200, warning_mm: 1800, "
            "alarm_mm: 2500, alarm_plus_mm: 4000}"
        )
    lines.append("zones:")
    for zone, node in (("bourg", METER), ("plaine", OTHER_METER)):
        lines.append(f"  - {{id: {zone}, name: {{fr: Z, en: Z}}, inflow: [debit-{node}]}}")
    lines.append("sirens:")
    for i in range(stations):
        lines.append(
            f"  - {{id: s{i}, name: {{fr: S{i}, en: S{i}}}, stations: [p{i}], "
            "output: {kind: simulated}}"
        )
    lines.append(f'people:\n  - {{name: Anne, role: mayor, pin: "{pin_hash("2468", 8192, 2)}"}}')
    return "\n".join(lines) + "\n"


def _node(node: int, carrier: str, channel: str) -> list[str]:
    return [
        f"  - id: {node}",
        f"    name: {{fr: N{node}, en: N{node}}}",
        f"    carrier: {carrier}",
        "    interval_s: 60",
        f"    channels: [{channel}]",
    ]


class Process:
    """A process whose log is kept and must hold no traceback."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str], **environment: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **environment}
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def alive(self) -> None:
        """Fail, with the end of its log, if the process has ended."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-2000:]

    def end(self, *, kill: bool = False) -> int:
        assert self.process is not None
        (self.process.kill if kill else self.process.terminate)()
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(LIMIT_S)


class MqttNodes:
    """Carries the meters' frames to the broker and their downlinks back."""

    def __init__(self, port: int, meters: list[Meter], user: tuple[str, str] | None) -> None:
        self._meters = {str(m.node): m for m in meters}
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        if user:
            self.client.username_pw_set(*user)
        self.client.on_connect = lambda c, *_: c.subscribe("amont/essai/+/down", 1)
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def send(self, node: int, frame: bytes) -> None:
        self.client.publish(f"amont/essai/{node}/up", frame, 1).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self._meters[message.topic.split("/")[2]].take(bytes(message.payload))


class Town:
    """One town hall; what a test breaks, it breaks through the attributes."""

    def __init__(
        self, folder: Path, stations: int, *, broker: str = "allow_anonymous true\n",
        user: tuple[str, str] | None = None, clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.line = folder, Line()
        self.broker = servers.mosquitto(folder / "mosquitto", broker)
        self.state, self.data = folder / "guard", folder / "data"
        self.site, self.page = folder / "site.yaml", f"127.0.0.1:{servers.free_port()}"
        self.socket = self.state / "guard.sock"
        self.state.mkdir(mode=0o700)
        self.data.mkdir()
        self.site.write_text(site_text(stations, self.line.name, self.broker.port))
        write_guard(load(self.site), self.state / "guard.json")
        clock = clock or RealClock()
        self.pairs = [(SimNode(100 + i, clock), SimNode(200 + i, clock)) for i in range(stations)]
        self.nodes = {node.number: node for pair in self.pairs for node in pair}
        self._write_keys()
        self.meter = Meter(METER, secret_of(METER))
        self.other_meter = Meter(OTHER_METER, secret_of(OTHER_METER))
        self.guard, self.gateway = Process(folder / "guard.log"), Process(folder / "gateway.log")
        self.guard_command = [sys.executable, "-m", "amont_guard.cli", "run"]
        self.guard_command += ["--state", str(self.state)]
        self.gateway_options = ["--site", str(self.site), "--data", str(self.data)]
        self.gateway_options += ["--commit-ms", "20", "--page", self.page]
        self.gateway_options += ["--guard-socket", str(self.socket)]
        self.gateway_command = [sys.executable, "-m", "amont_gateway.cli", "run"]
        self.environment: dict[str, str] = {}
        self.broker.start()
        self.mqtt = MqttNodes(self.broker.port, [self.meter, self.other_meter], user)

    def _write_keys(self) -> None:
        nodes = [*self.nodes, METER, OTHER_METER]
        entries = {str(n): {"generation": 1, "secret": secret_of(n).hex()} for n in nodes}
        keys = self.state / "keys.json"
        keys.write_text(json.dumps({"format": 1, "nodes": entries}))
        keys.chmod(0o600)

    def start_guard(self) -> None:
        self.guard.start(self.guard_command)
        until(lambda: self.socket.exists(), "the guard's socket")

    def opened(self) -> bool:
        """Tell whether the guard has its bridge's port open: what came before is flushed."""
        held = Path(f"/proc/{self.guard.pid}/fd")
        links = [fd.readlink() for fd in held.iterdir() if fd.is_symlink()]
        return Path(self.line.name) in links

    def start_gateway(self) -> None:
        self.gateway.start([*self.gateway_command, *self.gateway_options], **self.environment)

    def start(self) -> None:
        self.start_guard()
        self.start_gateway()
        until(lambda: (view := self.view()) and view["guard_alive"], "the gateway's page")

    def close(self) -> None:
        for process in (self.gateway, self.guard):
            process.close()
        self.mqtt.close()
        self.broker.stop()
        self.line.close()

    # What people see.

    def view(self) -> dict[str, Any] | None:
        try:
            with urllib.request.urlopen(f"http://{self.page}/view.json", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (urllib.error.URLError, OSError):
            return None

    def status(self) -> dict[str, Any]:
        """Return what ``amont-gateway status --json`` prints."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            cli.main(["status", "--json", "--page", self.page, "--data", str(self.data)])
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    def read_page(self, language: str) -> str:
        """Return the text of the page's whole journal."""
        url = f"http://{self.page}/journal?lang={language}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())

    def shows(self, kind: str, french: str, english: str, *, at_least: int = 1) -> None:
        """Wait for an event; it must be worded and counted in status, and on the page."""

        def event() -> Any:
            return next(
                (
                    e
                    for e in self.status().get("events", ())
                    if e["kind"] == kind and french in e["text"]["fr"]
                ),
                None,
            )

        def counted() -> Any:
            found = event()
            return found if found and found["count"] >= at_least else None

        found = until(counted, f"{kind}: {french}")
        assert english in found["text"]["en"], found
        assert self.status()["counters"][f"event_{kind}"] >= at_least
        for language in ("fr", "en"):
            said = " ".join(found["text"][language].split())
            assert said in self.read_page(language), (kind, language)

    def sentences_without_tracebacks(self) -> None:
        """Fail if any log holds a traceback."""
        for process in (self.guard, self.gateway):
            text = process.log.read_text() if process.log.exists() else ""
            assert "Traceback" not in text, text[-3000:]
            assert '"exception"' not in text, text[-3000:]

    # What nodes do.

    def prove(self) -> None:
        """Let the bridge's nodes hear an acknowledgement and echo its nonce."""
        until(self._acquainted, "downlinks")
        next_second()
        for node in self.nodes.values():
            self.put(node.frame(LOW_MM))
        next_second()

    def _acquainted(self) -> bool:
        """Send what is not answered yet, as nodes do; tell whether all heard a downlink."""
        self.gateway.alive()
        for node in self.nodes.values():
            if node.nonce is None:
                self.put(node.frame(LOW_MM))
        time.sleep(0.3)
        self._hear()
        return all(node.nonce for node in self.nodes.values())

    def put(self, frame: bytes) -> None:
        self.line.put(frame)
        time.sleep(0.005)  # a bridge's pace: 51 bytes take 4.4 ms at 115,200 baud

    def _hear(self) -> None:
        for downlink in self.line.sent():
            self.nodes[int.from_bytes(downlink[1:3], "little")].hear(downlink)

    def sounding(self, station: int) -> bool:
        return self.relay(station).read_bytes()[:1] == b"1"

    def relay(self, station: int) -> Path:
        return self.state / f"relay-s{station}"

    def flood(self, station: int) -> None:
        """Let a live flood come over the bridge, seen by both sensors; the relay must switch."""
        assert not self.sounding(station)
        self.leap(station)
        until(lambda: self.sounding(station), f"siren s{station}")

    def leap(self, station: int) -> None:
        """Let both sensors read it twice: a step is believed at its second reading."""
        for number in range(2):
            if number:
                next_second()
            for node in self.pairs[station]:
                self.put(node.frame(ALARM_MM))

    def deliver(self, readings: int = 30) -> None:
        """Let the meter measure, and send until everything is acknowledged."""
        self.measure(readings)
        until(self.pump, "acknowledgements of the meter's readings")

    def measure(self, readings: int = 30) -> None:
        for _ in range(readings):
            self.meter.sample(value_of(self.meter.life, self.meter.seq + 1))

    def pump(self) -> bool:
        """Send one frame of what the meter keeps; tell whether all is acknowledged."""
        frame = self.meter.frame()
        if frame is not None:
            self.mqtt.send(METER, frame)
        return not self.meter.unacknowledged

    def kept(self) -> None:
        """Each reading that the meter forgot must be in the journal, once, with its value."""
        rows = [row for row in map(json.loads, self.export().splitlines()) if row["node"] == METER]
        times = Counter((row["epoch"] & 0xFFF, row["seq"]) for row in rows)
        assert self.meter.dropped
        assert [key for key in self.meter.dropped if times[key] != 1] == []
        for row in rows:
            expected = value_of(row["epoch"] & 0xFFF, row["seq"])
            assert row["channels"][0]["value"] == expected

    def export(self) -> str:
        """Return what ``amont-gateway journal export`` prints."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert cli.main(["journal", "export", "--data", str(self.data)]) == 0
        return out.getvalue()


def value_of(life: int, seq: int) -> int:
    return (life * 104_729 + seq * 31) % 5_000


def next_second() -> None:
    time.sleep(1.1)  # ticks and the vote's times are whole seconds: one reading in each


@contextlib.contextmanager
def town(
    folder: Path, stations: int, *, kind: type[Town] = Town, **options: Any
) -> Iterator[Town]:
    """Build a town and, at the end, close it and look for tracebacks."""
    made = kind(folder, stations, **options)
    try:
        yield made
        made.sentences_without_tracebacks()
    finally:
        made.close()
