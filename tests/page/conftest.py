"""Serve the scripted page on a free loopback port; open it over HTTP or in real Chromium."""

import shutil
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright
from tests.page.site_script import Script

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SIZES = {"phone": (360, 740), "desktop": (1280, 800)}
PICTURES = Path(__file__).parents[2] / "build" / "pictures"


def client_of(server):
    """Return an HTTP client of a running page; no certificates to load for a loopback port."""
    address = f"http://127.0.0.1:{server.port}"
    return httpx.Client(base_url=address, timeout=10, trust_env=False, verify=False)


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr("amont_gateway.page.app.SETTLE_S", 0.5)  # most scripts never move
    return Script()


@pytest.fixture
def server(script):
    running = script.serve(metrics=lambda: b"amont_up 1\n")
    yield running
    running.stop()
    assert not running.alive


@pytest.fixture
def http(server):
    with client_of(server) as client:
        yield client


@pytest.fixture(scope="session")
def chromium():
    found = shutil.which(CHROMIUM)
    assert found, f"{CHROMIUM} is missing: apt-get install chromium"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, server):
    """Return a function that opens the page and fails the test on any script error."""
    contexts, errors = [], []

    def opened(size="phone", lang="fr", path="/", **options):
        width, height = SIZES[size]
        context = chromium.new_context(
            viewport={"width": width, "height": height}, **{"locale": "fr-FR", **options}
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if "Refused" in line.text else 0)
        page.goto(f"http://127.0.0.1:{server.port}{path}?lang={lang}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
