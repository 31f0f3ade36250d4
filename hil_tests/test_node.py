"""Whole nodes on real MicroPython: over the bridge and over MQTT, killed and cut off."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hil_tests.rig_parts import (
    MqttLine,
    clock_line,
    free_port,
    mosquitto,
    node_config,
    stage_table,
    tls_broker,
)

from amont_hil.process import MICROPYTHON
from amont_hil.simulated import SimulatedBoard, SimulatedBridge
from amont_hil.tiny_guard import NONCE, SECRET, BridgeLine, TinyGuard, until
from amont_node.config import ConfigStore
from amont_wire import const
from amont_wire.messages import Config, Resend

pytestmark = pytest.mark.micropython
Boards = Callable[..., SimulatedBoard]
HISTORY_S = 200 * 60


def history() -> str:
    return "".join(f"{t} {1000 + t // 60}\n" for t in range(0, HISTORY_S, 60))


def radio_node(boards: Boards, bridge: SimulatedBridge, clock: Path, **carrier: object):  # type: ignore[no-untyped-def]
    settings = {"kind": "radio", "port": bridge.udp_port, "answer_ms": 300, **carrier}
    return boards(
        config=node_config(settings),
        secret=SECRET,
        files={"stage.txt": stage_table(), "history": history()},
        clock=clock,
    )


def assert_unbroken(guard: TinyGuard) -> None:
    """Every sample up to the newest has come, its ticks on the grid."""
    for life in {life for life, _ in guard.readings}:
        seqs = sorted(seq for its, seq in guard.readings if its == life)
        assert seqs == list(range(seqs[-1] + 1))
        ticks = [guard.ticks[(life, seq)] for seq in seqs]
        assert ticks == sorted(set(ticks))
        assert all(tick % 60 == 0 for tick in ticks)


def test_history_and_live_readings_arrive(
    boards: Boards, bridge: SimulatedBridge, tmp_path: Path
) -> None:
    assert bridge.runtime == MICROPYTHON
    clock = clock_line(tmp_path / "clock", HISTORY_S, 300)
    guard = TinyGuard()
    line = BridgeLine(bridge.port, guard)
    node = radio_node(boards, bridge, clock)
    assert node.runtime == MICROPYTHON
    node.start()
    until(line.pump, lambda: len(guard.readings) >= 215)
    assert_unbroken(guard)
    assert [guard.readings[(0, seq)] for seq in range(200)] == list(range(1000, 1200))
    assert guard.types >= {const.HELLO, const.SAMPLES}
    assert 0 < guard.echoes < len(guard.frames)  # until it was answered, then no more
    assert set(line.results) == {0}
    assert line.statuses
    line.close()


def test_a_killed_node_loses_nothing(
    boards: Boards, bridge: SimulatedBridge, tmp_path: Path
) -> None:
    clock = clock_line(tmp_path / "clock", HISTORY_S, 300)
    guard = TinyGuard()
    line = BridgeLine(bridge.port, guard)
    node = radio_node(boards, bridge, clock, loss_percent=20)
    for pause_s in (0.45, 0.7, 0.5, 1.1, 0.8, 0.6):
        node.start()
        line.pump(pause_s)
        node.kill()
    node.start()
    newest = max((seq for _, seq in guard.readings), default=0)
    until(line.pump, lambda: max((s for _, s in guard.readings), default=0) > newest + 5)
    # The air heals with the guard's patience: what waits comes by itself.
    until(line.pump, lambda: complete(guard))
    assert_unbroken(guard)
    line.close()


def complete(guard: TinyGuard) -> bool:
    newest = max(seq for _, seq in guard.readings)
    return newest >= 200 and len(guard.readings) >= newest


def test_speed_of_time_changes_at_once(
    boards: Boards, bridge: SimulatedBridge, tmp_path: Path
) -> None:
    clock = clock_line(tmp_path / "clock", HISTORY_S, 0)
    guard = TinyGuard()
    line = BridgeLine(bridge.port, guard)
    radio_node(boards, bridge, clock).start()
    until(line.pump, lambda: len(guard.readings) >= 200)
    line.pump(0.5)
    # Time stands still: the first instant is now or past, and no second one comes.
    assert len(guard.readings) == 200
    clock_line(clock, HISTORY_S, 600)
    until(line.pump, lambda: len(guard.readings) >= 205, 5)
    line.close()


def test_a_silent_guard_costs_nothing(
    boards: Boards, bridge: SimulatedBridge, tmp_path: Path
) -> None:
    clock = clock_line(tmp_path / "clock", HISTORY_S, 300)
    guard = TinyGuard()
    guard.answering = False
    line = BridgeLine(bridge.port, guard)
    node = radio_node(boards, bridge, clock)
    node.start()
    # Live ones keep coming.
    until(line.pump, lambda: max((seq for _, seq in guard.readings), default=0) >= 205)
    guard.answering = True
    until(line.pump, lambda: complete(guard))
    assert_unbroken(guard)
    line.close()


def test_a_lost_clock_begins_a_new_life(
    boards: Boards, bridge: SimulatedBridge, tmp_path: Path
) -> None:
    clock = clock_line(tmp_path / "clock", HISTORY_S, 300)
    guard = TinyGuard()
    guard.answering = False  # so that the old life has something left to tell
    line = BridgeLine(bridge.port, guard)
    node = radio_node(boards, bridge, clock)
    node.start()
    until(line.pump, lambda: max((s for _, s in guard.readings), default=0) >= 203)
    node.kill()
    guard.answering = True
    clock_line(clock, 600, 300)
    node.start()
    until(line.pump, lambda: (1, 3) in guard.readings)
    newest = max(seq for life, seq in guard.readings if life == 0)
    until(line.pump, lambda: all((0, seq) in guard.readings for seq in range(newest + 1)))
    assert 600 < guard.ticks[(1, 0)] < HISTORY_S  # it counts from the clock that it has now
    assert_unbroken(guard)
    line.close()


def test_orders_from_the_guard(boards: Boards, bridge: SimulatedBridge, tmp_path: Path) -> None:
    clock = clock_line(tmp_path / "clock", HISTORY_S, 300)
    guard = TinyGuard()
    line = BridgeLine(bridge.port, guard)
    node = radio_node(boards, bridge, clock)
    node.start()
    until(line.pump, lambda: len(guard.readings) >= 201)
    guard.orders.append(lambda answers: Config(answers, NONCE, 2, [(const.KEY_INTERVAL_S, 120)]))
    until(line.pump, lambda: not guard.orders)
    until(line.pump, lambda: ConfigStore(str(node.root)).load().version == 2)
    node.kill()
    node.start()
    newest = max(seq for _, seq in guard.readings)
    until(line.pump, lambda: (0, newest + 4) in guard.readings)
    assert guard.ticks[(0, newest + 4)] - guard.ticks[(0, newest + 3)] == 120
    guard.orders.append(lambda answers: Resend(answers, NONCE, 0, [(newest, 1)]))
    del guard.readings[(0, newest)], guard.ticks[(0, newest)]
    until(line.pump, lambda: (0, newest) in guard.readings)
    line.close()


def test_noise_on_the_serial_port(boards: Boards, bridge: SimulatedBridge, tmp_path: Path) -> None:
    clock = clock_line(tmp_path / "clock", HISTORY_S, 300)
    guard = TinyGuard()
    line = BridgeLine(bridge.port, guard)
    radio_node(boards, bridge, clock).start()
    for seed in range(20):
        line.write(bytes((seed * 37 + i * i) & 0xFF for i in range(200)))
        line.pump(0.05)
    line.write(b"\x00")
    until(line.pump, lambda: len(guard.readings) >= 205)
    assert_unbroken(guard)
    line.close()


@pytest.mark.servers
def test_mqtt_node_killed_and_broker_restarted(boards: Boards, tmp_path: Path) -> None:
    port = free_port()
    lines = f"listener {port} 127.0.0.1\nallow_anonymous true\n"
    clock = clock_line(tmp_path / "clock", HISTORY_S, 300)
    guard = TinyGuard()
    node = boards(
        config=node_config(
            {"kind": "mqtt", "host": "127.0.0.1", "port": port, "site": "here", "answer_ms": 500}
        ),
        secret=SECRET,
        files={"stage.txt": stage_table(), "history": history()},
        clock=clock,
    )
    with mosquitto(tmp_path, lines):
        line = MqttLine(port, guard)
        node.start()
        until(line.pump, lambda: len(guard.readings) >= 60)
        node.kill()
        node.start()
        until(line.pump, lambda: len(guard.readings) >= 205)
        node.kill()
    node.start()  # without a broker
    line.pump(1)
    newest = max(seq for _, seq in guard.readings)
    with mosquitto(tmp_path, lines):
        until(line.pump, lambda: max(seq for _, seq in guard.readings) > newest + 5)
        until(line.pump, lambda: complete(guard))
        line.close()
    assert_unbroken(guard)


@pytest.mark.servers
def test_mqtt_node_by_tls(boards: Boards, tmp_path: Path) -> None:
    clock = clock_line(tmp_path / "clock", HISTORY_S, 300)
    guard = TinyGuard()
    with tls_broker(tmp_path) as (port, certificates):
        names = {"ca": "ca.pem", "name": "broker.test", "cert": "node.crt", "key": "node.key"}
        carrier = {"kind": "mqtt", "host": "127.0.0.1", "port": port, "site": "here", "tls": names}
        node = boards(
            config=node_config(carrier),
            secret=SECRET,
            files={
                "stage.txt": stage_table(),
                "history": history(),
                **{name: certificates / name for name in ("ca.pem", "node.crt", "node.key")},
            },
            clock=clock,
        )
        line = MqttLine(port, guard, certificates)
        node.start()
        until(line.pump, lambda: len(guard.readings) >= 205)
        line.close()
    assert_unbroken(guard)
    assert "Error" not in node.log()


def test_a_bad_configuration_is_named(boards: Boards) -> None:
    node = boards(secret=SECRET)
    node.start()
    end = time.monotonic() + 10
    while node.running():
        assert time.monotonic() < end
        time.sleep(0.02)
    assert "no good copy" in node.log()
