"""What becomes of verdicts: events once, records with their reason, faults that cost nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.gateway import waterworks as w
from tests.gateway.conftest import FakeClock, eventually

from amont_gateway import networks
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.networks import Networks
from amont_gateway.places import Places, from_site
from amont_gateway.view_network import NetworkLeak
from amont_gateway.windows import Windows

LEAK = NetworkLeak(found_ms=1_772_400_000_000, since_ms=1_772_380_000_000, size_l_h=8_100,
                   sensors=["p1", "p0"])  # fmt: skip
OTHER = NetworkLeak(found_ms=1_772_500_000_000, since_ms=1_772_490_000_000, number=2)


class Said:
    """Verdicts as a test wants them."""

    def __init__(self) -> None:
        self.rules = {"network-test": {"name": "network-test", "alarm": 7.0}}
        self.rung, self.left_out = "full", list[str]()
        self.leaks: list[NetworkLeak] = []
        self.status = "ok"
        self.error: Exception | None = None
        self.block: threading.Event | None = None
        self.updates = 0
        self.behind = False

    def update(self, windows: Windows, now_ms: int) -> None:
        self.updates += 1
        self.behind = self.updates < 3
        if self.block is not None:
            self.block.wait(20)
        if self.error is not None:
            raise self.error

    def network(self, network_id: str) -> dict[str, Any] | None:
        assert network_id == "vallee"
        verdict = "leak" if self.leaks else "normal"
        return {
            "verdict": verdict, "model_status": self.status, "leaks": self.leaks, "heard": 6,
            "model": "network-test", "rung": self.rung, "left_out": self.left_out,
        }  # fmt: skip


class Rig:
    def __init__(self, places: Places) -> None:
        self.said, self.made = Said(), 0
        self.counters, self.clock = Counters(), FakeClock()
        self.events = Events(self.counters, self.clock.wall_ms)
        self.records: list[dict[str, Any]] = []
        self.networks = Networks(
            self.make, places, Windows({}), self.counters, self.events, self.clock,
            self.records.append,
        )  # fmt: skip
        self.verdicts: Said | None = None

    def make(self) -> Said:
        self.made += 1
        return self.said

    def look(self, *leaks: NetworkLeak) -> None:
        self.said.leaks = list(leaks)
        self.verdicts = self.networks._look(self.verdicts)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(e.kind, e.text["en"]) for e in reversed(self.events.latest())]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(from_site(w.site_of(tmp_path)))


def test_a_leak_is_told_once_and_its_end_too(rig: Rig) -> None:
    rig.look()
    assert rig.told == []
    for _ in range(3):
        rig.look(LEAK)
    words = "Valley, since 2026-03-01 16:46, about 8.1 m³/h, near Post p1, Post p0"
    assert rig.told == [("network_leak", f"Leak in a network – {words}")]
    french = rig.events.latest()[0].text["fr"]
    assert french.endswith(
        "Vallée, depuis le 01/03/2026 16:46, environ 8,1 m³/h, près de Borne p1, Borne p0"
    )
    rig.look(LEAK, OTHER)
    rig.look(OTHER)
    rig.look()
    assert [kind for kind, _ in rig.told] == ["network_leak", "network_leak", "network_calm"]
    assert rig.told[1][1] == "Leak in a network – Valley, since 2026-03-02 23:20"
    assert rig.networks.network("vallee")["verdict"] == "normal"


def test_each_change_is_a_record_with_its_rule(rig: Rig) -> None:
    rig.look()
    rig.look(LEAK)
    rig.look(LEAK)
    rig.look()
    assert [(r["kind"], r["network"], r["verdict"]) for r in rig.records] == [
        ("seen network", "vallee", "normal"),
        ("seen network", "vallee", "leak"),
        ("seen network", "vallee", "normal"),
    ]
    assert rig.records[1]["rule"] == {"name": "network-test", "alarm": 7.0}
    (leak,) = rig.records[1]["leaks"]
    assert (leak["since_ms"], leak["sensors"]) == (LEAK.since_ms, ["p1", "p0"])


def test_what_is_not_sure_is_told_as_such_and_again_when_it_is(rig: Rig) -> None:
    rig.look(msgspec.structs.replace(LEAK, is_sure=False))
    rig.look(LEAK)
    assert [kind for kind, _ in rig.told] == ["network_watch", "network_leak"]
    assert rig.told[0][1].startswith("Perhaps a leak in a network – Valley, since ")
    assert len(rig.records) == 2


def test_a_leak_whose_time_moves_is_no_new_one(rig: Rig) -> None:
    rig.look(LEAK)
    moved = NetworkLeak(found_ms=LEAK.found_ms + 6 * 3_600_000, since_ms=LEAK.since_ms)
    rig.look(moved)
    assert len(rig.told) == len(rig.records) == 1


def test_a_lower_rung_is_told_and_a_known_leak_is_not_told_again(rig: Rig) -> None:
    rig.look(LEAK)
    rig.said.rung, rig.said.left_out = "flows only", ["cuve"]
    rig.look(msgspec.structs.replace(LEAK, number=7, sensors=[]))
    another = "A network is judged in another way – Valley, "
    fallen = ("network_rung", another + "by its flows alone, without Post cuve")
    assert rig.told[1:] == [fallen]
    rig.look()
    rig.said.rung, rig.said.left_out = "full", []
    rig.look()
    assert rig.told[1:] == [
        ("network_calm", "No known leak any more – Valley"),
        ("network_rung", another + "by all its sensors"),
    ]
    assert [(r["rung"], r["left_out"]) for r in rig.records] == [
        ("full", []), ("flows only", ["cuve"]), ("flows only", ["cuve"]), ("full", []),
    ]  # fmt: skip


def test_another_test_s_silence_about_a_leak_is_no_end_of_it(rig: Rig) -> None:
    rig.look(LEAK)
    rig.said.rung = "flows only"
    rig.look()
    assert [kind for kind, _ in rig.told] == ["network_leak", "network_rung"]


def test_without_readings_nothing_is_told_and_nothing_is_forgotten(rig: Rig) -> None:
    rig.look(LEAK)
    rig.said.status = "no data"
    rig.look()
    rig.said.status = "ok"
    rig.look(LEAK)
    assert len(rig.told) == 1


def test_a_failure_is_a_fault_that_is_told_once_and_made_anew(rig: Rig) -> None:
    rig.look(LEAK)
    rig.said.error = ValueError("no such hour")
    rig.look(LEAK)
    rig.look(LEAK)
    assert rig.networks.network("vallee") == {"verdict": "unknown", "model_status": "fault"}
    assert rig.told[1:] == [
        ("network_fault", "The search for leaks in networks has failed: ValueError: no such hour")
    ]
    assert rig.counters.snapshot()["network_faults"] == 2
    rig.said.error = None
    rig.look(LEAK)
    assert rig.networks.network("vallee")["verdict"] == "leak"
    assert rig.made == 3


def test_while_there_is_a_past_to_judge_it_looks_more_often(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "PAUSE_S", 0.01)
    stopping = threading.Event()
    thread = threading.Thread(target=rig.networks.run, args=[stopping])
    thread.start()
    try:
        for looks in (1, 2, 3):
            eventually(lambda looks=looks: rig.said.updates == looks)
            rig.clock.now_s += networks.BEHIND_S
        rig.clock.now_s += networks.EVERY_S - 2 * networks.BEHIND_S
        eventually(lambda: rig.networks.network("vallee").get("model_status") == "ok")
        assert rig.said.updates == 3  # nothing is behind any more
        rig.clock.now_s += networks.BEHIND_S
        eventually(lambda: rig.said.updates == 4)
    finally:
        stopping.set()
        thread.join(10)


def test_a_look_that_hangs_shows_as_a_fault(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "HUNG_S", 0.0)
    rig.said.block, stopping = threading.Event(), threading.Event()
    thread = threading.Thread(target=rig.networks.run, args=[stopping])
    thread.start()
    try:
        eventually(lambda: rig.said.updates == 1)
        eventually(lambda: rig.networks.network("vallee").get("model_status") == "fault")
    finally:
        rig.said.block.set()
        stopping.set()
        thread.join(10)
    assert not thread.is_alive()
    assert rig.networks.network("vallee")["model_status"] == "ok"
