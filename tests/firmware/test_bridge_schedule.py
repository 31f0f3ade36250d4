"""Whatever comes in: what a bridge sends keeps to windows, airtime, order and bounds."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.firmware.test_airtime_properties import worst_hour_ms
from tests.firmware.test_device import DEVICE, run_here, run_there

from amont_bridge.bridge import Bridge
from amont_bridge.schedule import Transmission
from amont_bridge.waiting import NODE_MAX, TOTAL_MAX
from amont_wire import const, link

CHECKS = "check_bridge_schedule"
SFS = [7, 9, 12]
LISTEN_MS = 2600
NODES = st.integers(1, 6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.sampled_from((1, 10, 50, 200, 900, 5000, 600_000))),
        st.tuples(st.just("uplink"), st.sampled_from((1, 1, 2, 3, 4, 5)), NODES,
                  st.integers(0, len(SFS) - 1)),
        st.tuples(st.just("downlink"), st.sampled_from((8, 8, 10, 11, 12, 12)), NODES,
                  st.integers(17, 51)),
        st.tuples(st.just("burst"), NODES),
        st.tuples(st.just("fails"), st.integers(1, 4)),
        st.tuples(st.just("hears"), st.integers(1, 400)),
    ),
    min_size=10, max_size=120,
)  # fmt: skip


def test_the_checks_hold_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DEVICE))
    run_here(CHECKS)


@pytest.mark.micropython
def test_the_checks_hold_on_micropython(tmp_path: Path) -> None:
    run_there(CHECKS, tmp_path)


def frame(kind: int, node: int, counter: int, size: int = 30) -> bytes:
    head = bytes([0x10 | kind]) + node.to_bytes(2, "little") + counter.to_bytes(4, "little")
    return head + bytes(size - 7)


class Air:
    """A bridge in an air that checks each transmission as it begins."""

    def __init__(self) -> None:
        self.bridge = Bridge(0, b"", link.RADIO_IDLE)
        self.now_ms = 0
        self.busy_ms = 0  # the transmission under way is over then
        self.windows: dict[int, tuple[int, int, bool]] = {}  # (end of uplink, SF, urgent)
        self.on_air: list[tuple[int, int]] = []
        self.open: dict[int, bytes] = {}  # handles that the guard waits for
        self.counters: dict[int, int] = {}
        self.taken: dict[int, int] = {}  # highest downlink counter sent, per node
        self.handle = 0
        self.fails = 0
        self.hears_ms = 0
        self.deframer = link.Deframer()
        self.guard(link.Settings(link.ROLE_TRANSMIT, [868100], SFS, listen_ms=LISTEN_MS).pack())

    def guard(self, lines: bytes) -> None:
        self.note(self.bridge.from_guard(lines, self.now_ms))

    def note(self, lines: bytes) -> None:
        for payload in self.deframer.feed(lines):
            message = link.unpack(payload)
            if isinstance(message, link.Sent):
                assert self.open.pop(message.handle, None) is not None, "told twice"

    def step(self, step: tuple[Any, ...]) -> None:
        kind, values = step[0], step[1:]
        if kind == "wait":
            self.wait(values[0])
        elif kind == "uplink":
            self.uplink(*values)
        elif kind == "downlink":
            self.downlink(*values)
        elif kind == "burst":
            for _ in range(8):
                self.downlink(const.UPDATE, values[0], 51)
        elif kind == "fails":
            self.fails = values[0]
        else:
            self.hears_ms = self.now_ms + values[0]
        self.turn()
        assert len(self.bridge.schedule.waiting) <= TOTAL_MAX
        for node in range(1, 7):
            assert len(self.bridge.schedule.waiting.of(node)) <= NODE_MAX

    def uplink(self, kind: int, node: int, index: int) -> None:
        if self.now_ms < self.busy_ms:
            return  # half duplex: it hears nothing
        self.counters[node] = counter = self.counters.get(node, 0) + 1
        data = frame(kind, node, counter)
        self.note(self.bridge.heard(data, -90, 4, self.now_ms, index))
        self.windows[node] = (self.now_ms, SFS[index], kind == const.URGENT)

    def downlink(self, kind: int, node: int, size: int) -> None:
        self.handle += 1
        data = frame(kind, node, self.handle, size)
        self.open[self.handle] = data
        self.guard(link.Send(self.handle, data).pack())

    def wait(self, wait_ms: int) -> None:
        until_ms = self.now_ms + wait_ms
        while self.now_ms < until_ms:
            rest_ms = self.bridge.wait_ms(self.now_ms)
            self.now_ms = min(until_ms, self.now_ms + max(1, rest_ms))
            self.turn()

    def turn(self) -> None:
        while self.now_ms >= self.busy_ms:
            sending = self.bridge.next_transmission(self.now_ms, self.now_ms < self.hears_ms)
            if sending is None:
                break
            self.begin(sending)
        self.note(self.bridge.status(self.now_ms))

    def begin(self, sending: Transmission) -> None:
        assert self.now_ms >= self.busy_ms
        node = int.from_bytes(sending.frame[1:3], "little")
        counter = int.from_bytes(sending.frame[3:7], "little")
        end_ms, sf, _ = self.windows[node]
        assert sending.sf == sf
        assert end_ms + 20 <= self.now_ms
        preamble_ms = (8 << sf) // 125
        assert self.now_ms + preamble_ms <= end_ms + LISTEN_MS
        assert counter > self.taken.get(node, 0), "the node would refuse it"
        self.check_order(sending)
        self.on_air.append((self.now_ms, sending.length_ms))
        self.busy_ms = self.now_ms + sending.length_ms
        self.fails, ok = max(0, self.fails - 1), self.fails == 0
        if ok:
            self.taken[node] = counter
        self.note(self.bridge.transmitted(sending, ok, self.busy_ms))
        self.now_ms = self.busy_ms

    def check_order(self, sending: Transmission) -> None:
        """No chunk begins while an urgent answer could go, nor before one is overdue."""
        if sending.frame[0] & 15 != const.UPDATE:
            return
        for node, (end_ms, sf, urgent) in self.windows.items():
            if not urgent:
                continue
            for entry in self.bridge.schedule.waiting.of(node):
                fresh = entry.tick_ms >= end_ms and entry.frame[0] & 15 == const.ACK
                length_ms = Transmission(entry, 868100, sf, 14).length_ms
                fits = self.now_ms + (13 << sf) // 125 <= end_ms + LISTEN_MS - 60
                begins = self.now_ms >= self.bridge.schedule._windows.get(node, _CLOSED).from_ms
                if fresh and fits and begins and self.now_ms >= self.hears_ms:
                    allowed = self.bridge.airtime._holds(2, length_ms)
                    assert not allowed, "an urgent answer waits behind a chunk"


class _Closed:
    from_ms = 1 << 62


_CLOSED = _Closed()


@settings(max_examples=80, deadline=None)
@given(steps=STEPS)
def test_no_transmission_leaves_its_window_order_or_airtime(steps: list[tuple[Any, ...]]) -> None:
    air = Air()
    for step in steps:
        air.step(step)
    air.wait(2 * LISTEN_MS)
    assert all(a + n <= b for (a, n), (b, _) in zip(air.on_air, air.on_air[1:], strict=False))
    assert worst_hour_ms(air.on_air) <= 36_000
    waiting = air.bridge.schedule.waiting
    assert len(air.open) == len(waiting)  # each was told once, or still waits


@pytest.mark.parametrize("kind", [const.SAMPLES, const.URGENT])
def test_a_busy_bridge_comes_close_to_its_airtime_and_no_further(kind: int) -> None:
    air = Air()
    for turn in range(1800):
        node = 1 + turn % 60
        air.uplink(kind, node, 1)
        air.now_ms += 100
        air.downlink(const.ACK, node, 25)
        air.turn()
        air.now_ms = max(air.now_ms, (turn + 1) * 2000)  # an hour
    worst_ms = worst_hour_ms(air.on_air)
    assert worst_ms <= 36_000
    assert worst_ms > (33_000 if kind == const.URGENT else 22_000)


def test_a_day_of_waiting_ends() -> None:
    air = Air()
    air.downlink(const.CONFIG, 1, 30)
    air.now_ms = 86_400_000
    air.turn()
    assert air.open == {}


def test_a_schedule_without_windows_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amont_bridge.schedule._MARGIN_MS", -5000)
    air = Air()
    air.uplink(const.SAMPLES, 1, 1)
    air.now_ms += 4000
    air.downlink(const.ACK, 1, 30)
    with pytest.raises(AssertionError):
        air.turn()
