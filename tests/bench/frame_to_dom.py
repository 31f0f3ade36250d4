"""Real guard and gateway processes behind a real browser: from the bridge's port to the page.

A sealed frame is written to the pseudo-terminal that the guard reads; a MutationObserver in
Chromium tells when the frame's stage stands in the document. Both times are of the same clock.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, Page
from tests.gateway.servers import free_port
from tests.guard.rig import Line

from amont_gateway.page.formatting import Format
from amont_site import load, write_guard
from amont_wire.const import UPLINK, URGENT
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Sealer
from amont_wire.messages import Channel, Samples

NODE, SECRET = 17, bytes(range(16))
STAGES_MM = range(300, 1100, 10)  # no level changes, which the guard would tell anyway
GAP_S = (1.1, 2.1)  # readings of one second are one reading; any phase of the guard's second
DEADLINE_S = 30.0
SITE = """format: 1
id: essai
name: {{fr: Essai, en: Trial}}
latitude: 44.0
longitude: 4.0
time_zone: Europe/Paris
bridge: {{port: {port}}}
nodes:
  - id: {node}
    name: {{fr: Pont, en: Bridge}}
    carrier: bridge
    interval_s: 60
    channels: [{{sensor: pont, quantity: stage_mm, step_per_min: 0, flat_samples: 0}}]
stations:
  - id: pont
    name: {{fr: Pont, en: Bridge}}
    river: Essai
    sensors: [pont]
    watch_mm: 1200
    warning_mm: 1800
    alarm_mm: 2500
    alarm_plus_mm: 3200
sirens:
  - id: mairie
    name: {{fr: Mairie, en: Town hall}}
    stations: [pont]
    output: {{kind: simulated}}
people: []
"""
OBSERVE = """() => {
  const place = document.querySelector("[data-live=station-0-words]");
  window.shown = new Map();
  window.wanted = null;
  new MutationObserver(() => {
    const text = place.querySelector(".value").textContent;
    const now_ms = performance.timeOrigin + performance.now();
    if (!window.shown.has(text)) window.shown.set(text, now_ms);
    if (window.wanted && window.wanted.text === text) window.wanted.done(window.shown.get(text));
  }).observe(place, { childList: true });
}"""
AWAIT = """([text, most]) => new Promise((done, fail) => {
  if (window.shown.has(text)) done(window.shown.get(text));
  else window.wanted = { text, done };
  setTimeout(() => fail(new Error("the page never showed " + text)), most);
})"""


class River:
    """One sensor behind the bridge; each frame carries a stage that was not shown before."""

    def __init__(self, line: Line, chance: random.Random) -> None:
        self._line, self._chance = line, chance
        self._sealer = Sealer(SECRET, NODE, 1, UPLINK, ReservedCounter(0, lambda _limit: None))
        self._began_s, self._seq, self._stage_mm = time.monotonic() - 1000, -1, 0
        self._format = Format("fr", ZoneInfo("Europe/Paris"))

    def send(self, kind: int) -> tuple[float, str]:
        """Write one frame; return its Unix time in ms and the stage as the page writes it."""
        stages = [s for s in STAGES_MM if abs(s - self._stage_mm) >= 10]
        self._stage_mm = self._chance.choice(stages)
        self._seq += 1
        tick_s = int(time.monotonic() - self._began_s)
        reading = [Channel(0, 1, 1, [self._stage_mm])]
        body = Samples(1, tick_s, self._seq, 0, 60, 0, False, reading).encode()
        _, frame = self._sealer.seal(kind, body)
        self._line.sent()  # acknowledgements would fill the port
        written_ms = time.time_ns() / 1e6
        self._line.put(frame)
        return written_ms, self._format.metres(self._stage_mm)

    def await_second(self) -> None:
        """Wait for the node's next second: a frame sent then is the youngest that can be."""
        time.sleep(1 - (time.monotonic() - self._began_s) % 1)


@contextmanager
def town_hall(folder: Path, chance: random.Random) -> Iterator[tuple[River, str]]:
    """Run a guard and a gateway with their usual settings; yield the river and the address."""
    line, port = Line(), free_port()
    _write_site(folder, line.name)
    guard = ["amont_guard.cli", "run", "--state", str(folder / "guard")]
    gateway = [
        "amont_gateway.cli", "run", "--site", str(folder / "site.yaml"),
        "--data", str(folder / "data"), "--guard-socket", str(folder / "guard" / "guard.sock"),
        "--page", f"127.0.0.1:{port}", "--log-level", "warning",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        processes = [
            subprocess.Popen([sys.executable, "-m", *asked], stdout=log, stderr=log)
            for asked in (guard, gateway)
        ]
        try:
            yield River(line, chance), f"http://127.0.0.1:{port}"
        finally:
            for process in processes:
                process.kill()
                process.wait(DEADLINE_S)
            line.close()


def open_page(browser: Browser, address: str, river: River) -> Page:
    """Return the page once it shows a first frame; that one bounds the ages of all others."""
    _await_guard(address)
    page = browser.new_page()
    page.goto(f"{address}/?lang=fr")
    page.evaluate(OBSERVE)
    river.await_second()
    page.evaluate(AWAIT, [river.send(URGENT)[1], DEADLINE_S * 1000])
    return page


def delays_ms(
    page: Page, river: River, kind: int, count: int, chance: random.Random
) -> list[float]:
    """Return how long each of ``count`` frames took until the page showed its stage."""
    taken = []
    for _ in range(count):
        page.wait_for_timeout(1000 * chance.uniform(*GAP_S))
        page.evaluate("() => { window.shown.clear(); window.wanted = null; }")
        written_ms, text = river.send(kind)
        taken.append(page.evaluate(AWAIT, [text, DEADLINE_S * 1000]) - written_ms)
    return taken


def _await_guard(address: str) -> None:
    """Wait until the page answers that the guard is alive."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):
                return
        except (urllib.error.URLError, OSError):  # not there yet, or it knows no guard yet
            time.sleep(0.1)
    raise TimeoutError("the gateway's page never saw the guard")


def _write_site(folder: Path, port: str) -> None:
    path, state = folder / "site.yaml", folder / "guard"
    path.write_text(SITE.format(port=port, node=NODE))
    state.mkdir(mode=0o700)
    write_guard(load(path), state / "guard.json")
    nodes = {str(NODE): {"generation": 1, "secret": SECRET.hex()}}
    keys = state / "keys.json"
    keys.write_text(json.dumps({"format": 1, "nodes": nodes}))
    keys.chmod(0o600)
