"""The small parts: nodes' reports, windows, threads, metrics, notifications, the link's noise."""

import socket
import threading

import pytest
from tests.gateway.conftest import eventually

from amont_gateway.clock import Steps
from amont_gateway.gateway import Gateway, Options
from amont_gateway.metrics import make_metrics, render
from amont_gateway.notify import notify, watchdog_s
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.state import _plus
from amont_gateway.windows import MAX_POINTS, Windows
from amont_gateway.worker import Crew
from amont_guard import messages
from amont_guard.messages import Opened
from amont_wire.messages import Health, Hello


def sample(t_ms, value, quality=0, seq=0):
    channels = pack_channels([(0, 1, quality, value), (3, 1, 0, 9)])
    return Sample(17, 4097, seq, t_ms, 0, t_ms, 0, channels)


def health(**changed):
    fields = {
        "life": 1, "tick_s": 9, "battery_mv": 3600, "temp_c": 20, "reset_cause": 1, "boots": 2,
        "outbox": 7, "dropped": 0, "rejected": 0, "rssi_dbm": -80, "snr_db4": 8,
        "free_heap": 100, "config_version": 1, "firmware": 1, "faults": 0,
    }  # fmt: skip
    return Health(**(fields | changed))


def report(gateway, message, counter):
    now_ms = 1_800_000_000_000
    body = message.encode()
    gateway.storer.store([Opened(0, 17, 4097, counter, message.TYPE, 0, 0, now_ms, -91, 4, body)])


@pytest.fixture
def gateway(places, tmp_path, clock):
    options = Options(mark_bytes=0, ballast_bytes=0)
    gateway = Gateway(places, tmp_path, tmp_path / "guard.sock", options, clock=clock)
    yield gateway
    gateway.journal.close()


def test_a_node_says_how_it_is(gateway):
    report(gateway, Hello(1, 5, 1, 2, 1, 1, [1], None), 1)
    report(gateway, health(faults=0b1001, dropped=3), 2)
    report(gateway, health(faults=0b1001, dropped=3), 3)
    node = gateway.view().nodes[0]
    assert (node.battery_mv, node.outbox, node.boots, node.rssi_dbm) == (3600, 7, 2, -80)
    assert not node.silent
    told = {e.text["en"]: e.count for e in gateway.events.latest()}
    assert told["Node 17 reports: probe"] == 1
    assert told["Node 17 reports: radio"] == 1
    assert told["Node 17 lost 3 readings for want of room"] == 1
    assert told["Node 17 started (n° 2)"] == 1


def test_windows_keep_order_and_their_bound():
    windows = Windows({(17, 0, "stage_mm"): "a"})
    windows.add([sample(3000, 3), sample(1000, 1), sample(2000, 2), sample(2000, 22)])
    windows.add([sample(4000, 4, quality=4)])  # missing: only repeats the value before
    assert windows.points("a", 0, 10) == [(1000, 1, 0), (2000, 22, 0), (3000, 3, 0)]
    assert windows.points("a", 0, 2) == [(1000, 1, 0), (3000, 3, 0)]
    assert windows.series("a", 2000).value.tolist() == [22, 3]
    assert windows.last("b") is None
    windows.add(sample(10_000 + i, i) for i in range(MAX_POINTS + 5_000))
    assert MAX_POINTS <= len(windows.series("a").t_ms) <= MAX_POINTS + 1_500


def test_windows_come_back_from_the_journal(gateway, clock):
    clock_ms = clock.wall_ms()
    gateway.journal.append([sample(clock_ms - 1000 * i, i, seq=i) for i in range(10)])
    gateway._rebuild()
    assert gateway.view().stations[0].stage_mm == 0
    assert len(gateway.view().stations[0].series) == 10


def test_several_inflows_add_up():
    first = [(0, 10, 0), (60, 11, 0), (120, 12, 1)]
    second = [(50, 100, 0), (110, 200, 2)]
    assert _plus(first, second) == [(60, 111, 0), (120, 212, 2)]


def test_a_bug_in_a_thread_stops_all():
    crew = Crew()
    crew.start("waits", lambda: crew.stopping.wait(30))
    crew.start("breaks", lambda: 1 / 0)
    assert crew.join(10) == []
    assert isinstance(crew.failed, ZeroDivisionError)


def test_a_thread_that_does_not_stop_is_named():
    release = threading.Event()
    crew = Crew()
    crew.start("deaf", lambda: release.wait(30))
    assert crew.join(0.01) == ["deaf"]
    release.set()


def test_metrics_show_counts_and_states(gateway):
    gateway.counters.add("frames_opened", 3)
    text = render(make_metrics(gateway)).decode()
    assert "amont_frames_opened_total 3.0" in text
    assert 'amont_ok{part="guard"} 0.0' in text
    assert 'amont_ok{part="journal"} 1.0' in text


def test_systemd_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify("READY=1") is False
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert notify("READY=1") is False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0amont-test-notify")
        monkeypatch.setenv("NOTIFY_SOCKET", "@amont-test-notify")
        assert notify("READY=1") is True
        assert listener.recv(20) == b"READY=1"
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    assert watchdog_s() == 5.0
    monkeypatch.setenv("WATCHDOG_USEC", "")
    assert watchdog_s() is None


def test_a_step_of_the_clock_is_seen_once(clock):
    class Jumping:
        offset_ms = 0

        def monotonic_s(self):
            return clock.now_s

        def wall_ms(self):
            return clock.wall_ms() + self.offset_ms

    jumping = Jumping()
    steps = Steps(jumping)
    clock.now_s += 3600
    assert steps.look() == 0.0
    jumping.offset_ms = -400_000_000
    assert steps.look() == pytest.approx(-400_000)
    assert steps.look() == 0.0


def test_noise_on_the_socket_is_counted_and_survived(gateway, guard):
    link, stop = gateway.link, threading.Event()
    reader = threading.Thread(target=link.run_reader, args=(stop,))
    reader.start()
    noises = (b"\xff", bytes([messages.OPENED]) + b"cut", bytes([messages.STATE]) + b"[1]")
    try:
        eventually(lambda: link.connected and guard.peer is not None)
        for noise in noises:
            guard.send(noise)
        guard.send(messages.encode_json(messages.STATE, {"sirens": [], "faults": []}))
        eventually(lambda: gateway.counters.snapshot().get("event_guard_message") == 3)
        assert gateway.view().guard_alive
    finally:
        stop.set()
        reader.join(10)


def test_what_does_not_fit_is_dropped_and_counted(gateway):
    assert gateway.link.send_raw(b"x") is False  # no guard
    gateway.link.send_committed([messages.Committed(1, 1, 0, 0, 0, 1)])
    body = health().encode()
    many = [Opened(0, 17, 4097, n, 3, 0, 0, 0, 0, 0, body) for n in range(20_010)]
    gateway.storer.take(many)
    counts = gateway.counters.snapshot()
    assert (counts["frames_not_taken"], counts["confirmations_dropped"]) == (1, 1)
    assert (counts["frames_opened"], counts["frames_dropped"]) == (20_010, 10)
