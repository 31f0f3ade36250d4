"""The node's shell in this process: its files are real, its clock and its air are in our hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hil_tests.rig_parts import node_config

from amont_hil.simulated import write_config
from amont_hil.tiny_guard import NODE, NONCE, SECRET, TinyGuard
from amont_node import app as node_app
from amont_node import hal_unix, plain_sim
from amont_node.app import Node
from amont_node.config import ConfigError, ConfigStore, save_secret
from amont_node.counters import NeedsGeneration
from amont_wire import const
from amont_wire.frame import Opener
from amont_wire.messages import Config, Health, decode


class FakeClock:
    def __init__(self) -> None:
        self.s = 0
        self.ms = 0

    def now_s(self) -> int:
        return self.s

    def link_ms(self) -> int:
        return self.ms

    def real_ms_until(self, clock_s: int) -> int:
        return max(0, clock_s - self.s) * 1000

    def is_virtual(self) -> bool:
        return True


class FakeAir:
    def __init__(self, *_: object) -> None:
        self.sent: list[bytes] = []
        self.coming: list[bytes] = []
        self.waits: list[int] = []
        self.rssi_dbm = -71
        self.snr_db4 = 12
        self.fault = False

    def ready(self) -> bool:
        return True

    def send(self, frame: bytes, link_ms: int) -> bool:
        self.sent.append(frame)
        return True

    def receive(self, link_ms: int) -> list[bytes]:
        coming, self.coming = self.coming, []
        return coming

    def wait(self, wait_ms: int) -> None:
        self.waits.append(wait_ms)

    def close(self) -> None:
        self.sent.clear()


class Bench:
    """One node, its clock, its air and a guard."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.guard = TinyGuard()
        self.boot()

    def boot(self) -> None:
        self.node = Node(str(self.folder), None, None)
        self.air = self.node.carrier

    def wake(self, seconds: int = 0) -> list[bytes]:
        """Let time pass, wake the node, let the guard answer; the frames that went out."""
        self.clock.s += seconds
        self.clock.ms += seconds * 1000 + 10
        before = len(self.air.waits)
        self.node.wake()
        assert len(self.air.waits) == before + 1  # every path ends in one sleep
        sent, self.air.sent = self.air.sent, []
        self.air.coming += [a for a in map(self.guard.take, sent) if a is not None]
        return sent

    def health(self) -> Health:
        """Pass an hour; the health message that must come in it."""
        opener = Opener(SECRET, NODE, 1, const.UPLINK)
        for _ in range(61):
            for frame in self.wake(60):
                header, body = opener.open(frame)
                if header.type == const.HEALTH:
                    message = decode(header.type, body)
                    assert isinstance(message, Health)
                    return message
        raise AssertionError("no health message in an hour")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    clock = FakeClock()
    monkeypatch.setattr(hal_unix, "Clock", lambda _: clock)
    monkeypatch.setattr(plain_sim, "PlainSim", FakeAir)
    made: list[Bench] = []

    def make(start_s: int = 0, history: str = "", **changes: object) -> Bench:
        probe = {"kind": "constant", "value": 1234}
        channels = [{"index": 0, "quantity": 1, "step": 1, "probe": probe}]
        settings = node_config({"kind": "radio", "port": 1}, **{"channels": channels, **changes})
        write_config(tmp_path, settings)
        save_secret(str(tmp_path), SECRET)
        if history:
            (tmp_path / "history").write_text(history)
        clock.s = start_s
        made.append(Bench(tmp_path, clock))
        return made[-1]

    yield make  # type: ignore[misc]
    for one in made:
        one.node.close()


Make = Callable[..., Bench]


def test_sample_send_acknowledge(bench: Make) -> None:
    one = bench()
    assert len(one.wake()) == 1  # hello
    for _ in range(5):
        one.wake(60)
    one.wake()
    assert [one.guard.readings[(0, seq)] for seq in range(5)] == [1234] * 5
    assert one.node.outbox.waiting() == 0
    assert all(wait <= 100 for wait in one.air.waits)


def test_history_comes_first_and_once(bench: Make) -> None:
    lines = "".join(f"{t} {t // 60}\n" for t in range(0, 60 * 150, 60)) + "999999 5\n"
    one = bench(60 * 150, lines)
    assert one.node.outbox.waiting() == 150  # what lies in the future is not taken
    one.node.close()
    one.boot()
    assert one.node.outbox.waiting() == 150
    for _ in range(20):
        one.wake(1)
    assert one.guard.readings == {(0, seq): seq for seq in range(150)}


def test_a_broken_probe_is_told_as_missing(bench: Make) -> None:
    probe = {"kind": "replay", "file": "none.txt"}
    one = bench(channels=[{"index": 0, "quantity": 1, "step": 1, "probe": probe}])
    for _ in range(3):
        one.wake(60)
    (record,) = one.node.outbox.read(0, 1, 1)
    assert record.quality == const.MISSING
    assert one.health().faults & const.FAULT_PROBE


def test_a_value_out_of_range_is_clamped(bench: Make) -> None:
    probe = {"kind": "constant", "value": 10**7}
    one = bench(channels=[{"index": 0, "quantity": 1, "step": 1, "probe": probe}])
    one.wake(60)
    (record,) = one.node.outbox.read(0, 0, 0)
    assert record.values[0] == const.VALUE_MAX
    assert record.quality == const.OUT_OF_RANGE


def test_flash_that_refuses_a_sample(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = bench()
    one.wake(60)

    def refuse(_: object) -> None:
        raise OSError(5, "flash")

    with monkeypatch.context() as broken:
        broken.setattr(one.node.outbox, "append", refuse)
        one.wake(60)
        assert one.node._fault_bits & const.FAULT_FLASH
    one.wake(60)
    one.wake(60)
    # Its number was never sent and does not come again.
    assert set(one.guard.readings) == {(0, 0), (0, 2), (0, 3)}
    assert not one.node._fault_bits & const.FAULT_FLASH


def test_no_counter_no_frame(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = bench()
    one.wake(60)

    def refuse(*_: object) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(one.node._sealer, "seal", refuse)
    slept = len(one.air.waits)
    with pytest.raises(OSError, match="full"):
        one.wake(60)
    assert not one.air.sent
    assert len(one.air.waits) == slept + 1
    assert one.node._fault_bits & const.FAULT_FLASH


def test_samples_that_cannot_be_read_are_given_up(bench: Make) -> None:
    lines = "".join(f"{t} 7\n" for t in range(0, 60 * 20, 60))
    one = bench(60 * 20, lines)
    one.node.outbox.read = lambda *_: []  # type: ignore[method-assign]
    one.wake(1)
    assert one.node.outbox.waiting() == 0
    assert one.node.outbox.damaged == 20


def test_a_forged_downlink_is_counted(bench: Make) -> None:
    one = bench()
    (hello,) = one.wake()
    good = one.air.coming[0]
    one.air.coming = [good[:-1] + bytes([good[-1] ^ 1]), b"short", hello, good, good]
    one.wake(1)
    assert one.health().rejected == 4  # three that do not open, one that comes twice


def test_a_configuration_that_cannot_be(bench: Make) -> None:
    one = bench()
    one.wake(60)
    one.guard.orders.append(lambda answers: Config(answers, NONCE, 5, [(1, 0)]))
    one.wake(60)
    one.wake(1)
    health = one.health()
    assert health.faults & const.FAULT_CONFIG
    assert health.config_version == 1
    assert ConfigStore(str(one.folder)).load().interval_s == 60


def test_health_tells_the_node(bench: Make) -> None:
    one = bench()
    one.node.close()
    one.boot()
    health = one.health()
    assert (health.boots, health.rssi_dbm, health.snr_db4) == (2, -71, 12)
    assert (health.dropped, health.config_version, health.firmware) == (0, 1, node_app.FIRMWARE)


def test_a_clock_that_went_back_is_a_new_life(bench: Make) -> None:
    one = bench(6000)
    one.guard.answering = False
    for _ in range(4):
        one.wake(60)
    one.node.close()
    one.clock.s = 100
    one.guard.answering = True
    one.boot()
    for _ in range(10):
        one.wake(30)
    assert (1, 0) in one.guard.readings
    assert {seq for life, seq in one.guard.readings if life == 0} == {0, 1, 2, 3}
    assert one.guard.ticks[(1, 0)] == 120


def test_life_numbers_that_are_lost_need_a_person(bench: Make) -> None:
    one = bench()
    for _ in range(3):
        one.wake(60)
    one.node.close()
    one.boot()
    one.node.close()
    for copy in ("a", "b"):
        (one.folder / "flash" / f"life.{copy}").write_text("amont 1 7 00000000\n{}\n")
    with pytest.raises(NeedsGeneration):
        one.boot()


def test_bad_secrets_are_named(bench: Make) -> None:
    one = bench()
    for text in ("[]", json.dumps({"schema": 1, "secret": "00"}), "{}"):
        (one.folder / "secret.json").write_text(text)
        with pytest.raises(ConfigError, match=r"secret\.json"):
            one.boot()


def test_a_record_that_went_bad_holds_up_no_other(bench: Make) -> None:
    lines = "".join(f"{t} 7\n" for t in range(0, 60 * 100, 60))
    one = bench(60 * 100, lines, overlap=0)
    (segment,) = (one.folder / "flash" / "outbox").glob("*.seg")
    content = bytearray(segment.read_bytes())
    content[36 * 5 + 20] ^= 0x55
    segment.write_bytes(content)
    for _ in range(40):
        one.wake(1)
    assert one.node.outbox.damaged == 1
    assert one.node.outbox.waiting() == 0
    assert {seq for life, seq in one.guard.readings if life == 0} >= set(range(100)) - {5}


def test_numbers_that_cannot_be_read_are_not_used_again(bench: Make) -> None:
    one = bench()
    for _ in range(3):
        one.wake(60)
    one.node.close()
    (one.folder / "flash" / "outbox" / "00000001.seg").mkdir()  # opens like a bad block
    one.boot()
    assert one.node._life.number == 1
