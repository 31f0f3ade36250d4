"""A leak in a network, from the guard's frames to the page, in a real gateway that is killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.gateway import servers
from tests.gateway import waterworks as w
from tests.gateway.conftest import eventually
from tests.gateway.fake_guard import FakeGuard
from tests.gateway.processes import Child
from tests.gateway.test_networks import journal_of

from amont_gateway.cli import main
from amont_gateway.records import FILE, RecordReader
from amont_gateway.scoring.timeline import HOUR_MS
from amont_guard import messages

DAYS, LIVE_H = 36, 30
BEGAN_H = DAYS * w.DAY_H - LIVE_H + 3  # the leak, three hours into what comes live
PATIENCE_S = 60.0


class Town:
    """A gateway in a process of its own, a guard in this one, and weeks in the journal."""

    def __init__(self, folder: Path, pressures: int = w.SENSORS) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.begin_ms = time.time_ns() // 1_000_000 // HOUR_MS * HOUR_MS - DAYS * 24 * HOUR_MS
        leak = (1, 12.0, BEGAN_H / w.DAY_H, 99.0)
        self.rows = w.made(DAYS, (leak,))
        until = DAYS * w.DAY_H - LIVE_H
        past = w.samples(self.rows[0][:until], self.rows[1][:until], self.begin_ms)
        journal_of(self.data, past)
        self.guard = FakeGuard(folder / "guard.sock", w.SECRETS)
        port = servers.free_port()
        site = w.site_of(folder, pressures=pressures)
        self.nodes = {node.id for node in site.nodes}
        self.gateway = Child(w.run_gateway, site, self.data, folder / "guard.sock", port)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False)

    def network(self) -> dict[str, Any]:
        try:
            return self.http.get("/view.json").json()["networks"][0]
        except httpx.TransportError:
            return {"verdict": "not there"}

    def until(self, so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while not so(found := self.network()):
            assert time.monotonic() < deadline, found | {"series": []}
            time.sleep(0.1)
        return found

    def send(self) -> None:
        live = w.frames(*self.rows, self.begin_ms, DAYS * w.DAY_H - LIVE_H)
        live = [frame for frame in live if frame.node in self.nodes]
        for at in range(0, len(live), 8):
            self.guard.send(messages.encode_opened(live[at : at + 8]))

    def told(self) -> list[dict[str, Any]]:
        reader = RecordReader(self.data / FILE)
        try:
            return [record for _, record in reader.of_kinds(["seen network"])]
        finally:
            reader.close()

    def close(self) -> None:
        self.gateway.stop()
        self.guard.close()
        self.http.close()


def same(leak: dict[str, Any]) -> list[Any]:
    """What of a leak an hour more changes nothing of."""
    return [leak[key] for key in ("number", "found_ms", "since_ms", "sensors")]


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.close()


@pytest.fixture
def town_without_pressures(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path, pressures=0)
    yield made
    made.close()


def told_again_after_a_kill(town: Town, leak: dict[str, Any]) -> list[dict[str, Any]]:
    """Kill the gateway once the leak is on record; what it says and records then is the same."""
    # written a moment later, on another thread
    eventually(lambda: [r["verdict"] for r in town.told()][-1:] == ["leak"])
    before = len(town.told())
    town.gateway.kill()
    town.gateway.start()
    again = town.until(lambda found: found["verdict"] == "leak")
    assert [same(one) for one in again["leaks"]] == [same(leak)]
    eventually(lambda: len(town.told()) > before)
    told = town.told()
    assert [same(one) for one in told[-1]["leaks"]] == [same(leak)]
    return told


def story_of(town: Town, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what `amont-gateway leaks` tells of the one leak, told twice, in three lines."""
    asked = ["leaks", "--site", str(town.data.parent / "site.yaml"), "--data", str(town.data)]
    assert main([*asked, "--lang", "en"]) == 0
    story = capsys.readouterr().out.splitlines()
    assert len(story) == 3  # the leak was told twice and is one
    return story


def test_a_leak_is_found_live_told_and_said_again_after_a_kill(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.gateway.start()
    calm = town.until(lambda found: found["verdict"] == "normal")
    assert (calm["leaks"], calm["heard"]) == ([], w.SENSORS)

    town.send()
    leaking = town.until(lambda found: found["verdict"] == "leak")
    (leak,) = leaking["leaks"]
    assert leak["sensors"][0] == "p1"
    assert abs(leak["since_ms"] - (town.begin_ms + BEGAN_H * HOUR_MS)) <= 6 * HOUR_MS
    assert 3_000 < leak["size_l_h"] < 20_000  # of 12,000, after a day of it

    page = town.http.get("/?lang=fr").text.replace("\u00a0", " ")
    assert "Fuite probable : ≈ " in page
    assert "Chercher d’abord près de : Borne p1" in page
    journal = town.http.get("/journal?lang=en").text
    assert "Leak in a network – Valley, since " in journal

    told = told_again_after_a_kill(town, leak)
    assert "near Post p1" in town.http.get("/journal?lang=en").text
    assert (told[0]["verdict"], told[-1]["verdict"]) == ("normal", "leak")
    assert told[-1]["rule"]["name"] == "network-test"
    assert told[-1]["network"] == "vallee"

    story = story_of(town, capsys)
    assert "leak: Valley, since " in story[0]
    assert "near Post p1" in story[0]
    assert story[1].startswith("  at the same hours, the week before and since: Post p1 ")
    assert story[2].startswith("  rule network-test: score ")
    assert ", alarm " in story[2]


def test_a_leak_that_flows_alone_show_is_found_live_and_said_again_after_a_kill(
    town_without_pressures: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town = town_without_pressures
    town.gateway.start()
    calm = town.until(lambda found: found["verdict"] == "normal")
    assert (calm["leaks"], calm["meters_heard"], calm["meters"]) == ([], 2, 2)

    town.send()
    (leak,) = town.until(lambda found: found["verdict"] == "leak")["leaks"]
    assert abs(leak["since_ms"] - (town.begin_ms + BEGAN_H * HOUR_MS)) <= 12 * HOUR_MS
    page = town.http.get("/?lang=en").text
    assert "Flows alone do not tell where to look." in page

    told_again_after_a_kill(town, leak)
    story = story_of(town, capsys)
    assert story[2].startswith("  rule network-inflow: score ")
    assert "; the flows alone" in story[2]
