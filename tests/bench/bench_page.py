"""Measure the local page in real Chromium: first paint, update latency, bytes, rendering."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser, sync_playwright
from tests.bench.frame_to_dom import delays_ms, open_page, town_hall
from tests.page.conftest import ARGUMENTS, CHROMIUM
from tests.page.sample_views import NOW_MS, VIEWS
from tests.page.site_script import Script

from amont_gateway.page.render import Card, Renderer
from amont_wire.const import SAMPLES, URGENT

NAMES = (
    "page.first_paint_s",
    "page.first_paint_s_max",
    "page.update_ms",
    "page.update_ms_p95",
    "page.frame_to_dom_ms_p50",
    "page.frame_to_dom_ms_p95",
    "page.frame_to_dom_normal_ms_p50",
    "page.bytes",
    "page.render_cpu_ms",
)
PAINT_GOAL_S = 1.0
UPDATE_GOAL_MS = 200.0
PHONE = {"width": 390, "height": 844}
PAINT = """new Promise((done) => new PerformanceObserver((list) => {
  for (const entry of list.getEntriesByName("first-contentful-paint")) done(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""
BYTES = """["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .reduce((sum, entry) => sum + entry.transferSize, 0)"""
WATCH = """() => { window.changes = []; new MutationObserver(() => window.changes.push(Date.now()))
  .observe(document.querySelector("[data-live=station-0-words]"), { childList: true }); }"""

CHANGED = """new Promise((done) => { const timer = setInterval(() => {
  if (window.changes.length) { clearInterval(timer); done(window.changes[0]); } }, 10); })"""


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the page's figures; ``full`` opens it 20 times and changes it 100 times."""
    script = Script("rising")
    server = script.serve()
    address = f"http://127.0.0.1:{server.port}/?lang=fr"
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield from _opening(browser, address, 20 if full else 5)
            yield from _updates(browser, address, script, 100 if full else 15, seed)
            yield from _frames(browser, 60 if full else 10, seed)
            browser.close()
    finally:
        server.stop()
    yield {"name": "page.render_cpu_ms", "value": _render_cpu_ms(50 if full else 20), "unit": "ms"}


def _opening(browser: Browser, address: str, count: int) -> Iterator[dict[str, Any]]:
    paints_s, sizes = [], []
    for _ in range(count):
        context = browser.new_context(viewport=PHONE)  # a cold cache each time
        page = context.new_page()
        page.goto(address)
        paints_s.append(page.evaluate(PAINT) / 1000)
        sizes.append(page.evaluate(BYTES))
        context.close()
    for suffix, value in (("", statistics.median(paints_s)), ("_max", max(paints_s))):
        yield {
            "name": f"page.first_paint_s{suffix}",
            "value": round(value, 3),
            "unit": "s",
            "goal": f"<= {PAINT_GOAL_S:g}",
            "met": value <= PAINT_GOAL_S,
        }
    yield {"name": "page.bytes", "value": int(statistics.median(sizes)), "unit": "bytes"}


def _updates(
    browser: Browser, address: str, script: Script, count: int, seed: int
) -> Iterator[dict[str, Any]]:
    chance, delays_ms = random.Random(seed), []
    page = browser.new_page(viewport=PHONE)
    page.goto(address)
    page.wait_for_timeout(1000)  # the first state after connecting has arrived
    page.evaluate(WATCH)
    for index in range(count):
        page.evaluate("() => { window.changes = []; }")
        changed_ms = time.time() * 1000
        script.show("sounding" if index % 2 == 0 else "rising")
        delays_ms.append(page.evaluate(CHANGED) - changed_ms)
        page.wait_for_timeout(chance.uniform(500, 900))
    page.close()
    p95_ms = sorted(delays_ms)[int(0.95 * (count - 1))]
    for suffix, value in (("", statistics.median(delays_ms)), ("_p95", p95_ms)):
        yield {
            "name": f"page.update_ms{suffix}",
            "value": round(value, 1),
            "unit": "ms",
            "goal": f"<= {UPDATE_GOAL_MS:g}",
            "met": value <= UPDATE_GOAL_MS,
        }


def _frames(browser: Browser, count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Measure from a frame at the bridge's port to its stage in the document, all parts real."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, town_hall(Path(folder), chance) as hall:
        river, address = hall
        page = open_page(browser, address, river)
        urgent_ms = delays_ms(page, river, URGENT, count, chance)
        normal_ms = delays_ms(page, river, SAMPLES, count, chance)
        page.close()
    normal = statistics.median(normal_ms)
    for suffix, value in (("p50", statistics.median(urgent_ms)), ("p95", _p95(urgent_ms))):
        yield {
            "name": f"page.frame_to_dom_ms_{suffix}",
            "value": round(value, 1),
            "unit": f"ms of {count}",
            "goal": f"<= {UPDATE_GOAL_MS:g}",
            "met": value <= UPDATE_GOAL_MS,
        }
    yield {
        "name": "page.frame_to_dom_normal_ms_p50",
        "value": round(normal, 1),
        "unit": f"ms of {count}",
    }


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _render_cpu_ms(count: int) -> float:
    renderer, view = Renderer(ZoneInfo("Europe/Paris")), VIEWS["rising"](NOW_MS)
    renderer.fragments(Card(view, "fr", renderer.zone, None))  # compiles the templates
    start_s = time.process_time()
    for _ in range(count):
        renderer.fragments(Card(view, "fr", renderer.zone, None))
    return round((time.process_time() - start_s) / count * 1000, 2)
