"""What touches the world: relay and socket; the ports of bridges: test_receivers."""

import socket
from collections import Counter

import pytest
from tests.guard.rig import FakeClock as Clock
from tests.guard.rig import Gateway, Rig, write_site

from amont_guard import messages, sock
from amont_guard.app import build
from amont_guard.config import ConfigError
from amont_guard.relay import SimulatedRelay
from amont_guard.sock import GatewaySocket


def test_relay_fault_is_told_and_moves_no_siren(tmp_path, monkeypatch):
    rig = Rig(tmp_path / "state")
    monkeypatch.setattr(SimulatedRelay, "read", lambda _self: {"contact": 1, "isolated": 0})
    for _ in range(8):
        rig.clock.pass_s(1)
        rig.turn()
    state = rig.state()
    assert state["sirens"][0]["health"] == "fault"
    assert state["sirens"][0]["state"] == "idle"
    assert state["sirens"][0]["findings"] == [{"code": "contact_welded", "level": 2}]
    rig.close()


def test_scaled_clock_refuses_a_real_relay(tmp_path):
    write_site(tmp_path)
    clock, real = Clock(), SimulatedRelay()
    clock.scaled, real.simulated = True, False
    with pytest.raises(ConfigError, match="simulated relays only"):
        build(tmp_path, clock, lambda *_: real)
    write_site(tmp_path)
    build(tmp_path, clock).close()  # and the folder was given back


# --- socket


@pytest.fixture
def listener(tmp_path):
    made = GatewaySocket(tmp_path / "guard.sock", [], Counter())
    yield made
    made.close()


def test_socket_has_mode_0660(rig):
    assert (rig.folder / "guard.sock").stat().st_mode & 0o777 == 0o660
    assert rig.folder.stat().st_mode & 0o777 == 0o700


def test_one_gateway_at_a_time_and_the_next_after_it(rig):
    second = Gateway(rig.folder)
    rig.turn()
    assert second.receive()[-1] == b""
    second.close()
    assert rig.state()["counters"]["gateway refused"] == 1
    rig.gateway.close()
    rig.gateway = Gateway(rig.folder)  # at once: its predecessor's end is noticed first
    rig.turn()
    assert rig.state()["counters"]["gateway connected"] == 2


def test_other_users_are_refused(tmp_path, monkeypatch):
    made = GatewaySocket(tmp_path / "guard.sock", [], Counter())
    made._uids = {12345}
    peer = Gateway(tmp_path)
    made.accept()
    assert peer.receive() == [b""]
    assert not made.connected
    peer.close()
    made.close()


def test_gateway_that_does_not_read_costs_only_its_own_messages(listener, tmp_path):
    peer = Gateway(tmp_path)
    listener.accept()
    for number in range(500):
        listener.send(bytes([number % 256]) * 50_000)
    assert listener._counters["dropped to gateway"] > 0
    first = peer.receive()
    listener.flush()
    got = first + peer.receive()
    assert [m[0] for m in got] == [n % 256 for n in range(len(got))]
    peer.close()
    listener.flush()
    listener.flush()
    assert not listener.connected
    listener.send(b"nobody hears")


def test_too_long_a_message_is_counted(listener, tmp_path):
    peer = Gateway(tmp_path)
    listener.accept()
    assert listener.receive() is None
    peer.send(bytes(messages.MAX_MESSAGE + 1))
    assert listener.receive() is None
    assert listener._counters["message too long"] == 1
    peer.close()


class Looker:
    """Somebody who connects to see the state."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(0)
        try:
            self.socket.connect(str(folder / "status.sock"))
        except BlockingIOError:
            self.socket.close()
            raise

    def seen(self):
        """Return what was sent, to its end."""
        found = []
        with self.socket:
            while message := self.socket.recv(messages.MAX_MESSAGE):
                found.append(message)
        return found


def test_who_looks_is_shown_one_state_and_takes_no_gateways_place(rig):
    lookers = [Looker(rig.folder) for _ in range(2)]
    state = rig.state()
    for looker in lookers:
        (shown,) = looker.seen()
        assert messages.decode_json(shown) == state
    assert state["counters"]["gateway connected"] == 1
    rig.gateway.raw(rig.a.frame(300))
    rig.turn()
    assert len(rig.opened()) == 1


def test_who_looks_while_there_is_no_gateway_is_shown_the_state_too(tmp_path):
    alone = Rig(tmp_path / "state", gateway=False)
    looker = Looker(alone.folder)
    alone.guard._second_at = alone.guard._shown_at = 0.0
    alone.turn()
    assert messages.decode_json(looker.seen()[0])["site"] == "sainte-amonette"
    alone.close()


def test_what_a_looker_sends_is_never_read(rig):
    looker = Looker(rig.folder)
    asked = {"id": "1", "kind": "drill", "person": "Anne", "pin": "2468", "siren": "mairie"}
    looker.socket.send(messages.encode_json(messages.ACTION, {**asked, "issued_ms": 0}))
    looker.socket.send(messages.encode_raw([(1, rig.a.frame(300))]))
    state = rig.state()
    assert (rig.opened(), rig.rejected(), rig.take(messages.RESULT)) == ([], [], [])
    assert not any("action" in name or "message" in name for name in state["counters"])
    looker.socket.close()


def test_lookers_beyond_two_wait_and_cost_nothing(rig):
    many = [Looker(rig.folder) for _ in range(sock.LOOKERS + 1)]  # as many as the kernel queues
    with pytest.raises(BlockingIOError):
        Looker(rig.folder)
    many[0].socket.close()  # and one that is gone before its turn costs nothing either
    rig.state()
    rig.state()
    assert [len(looker.seen()) for looker in many[1:]] == [1] * (len(many) - 1)


def test_who_may_not_look_is_shown_nothing(rig):
    rig.guard.gateway._uids = {12345}
    looker = Looker(rig.folder)
    assert rig.state()["counters"]["gateway connected"] == 1
    assert looker.seen() == []
    assert rig.guard.counters["gateway refused"] == 1


def test_a_socket_that_cannot_be_bound_costs_only_the_gateway(tmp_path, monkeypatch):
    counters = Counter()
    made = GatewaySocket(tmp_path / "later" / "guard.sock", [], counters)
    made.accept()  # not before its time
    assert counters["socket: No such file or directory"] == 1
    assert made.sources() == []
    (tmp_path / "later").mkdir()
    made._retry_at = 0.0
    made.accept()
    peer = Gateway(tmp_path / "later")
    made.accept()
    assert made.connected
    peer.close()
    made.close()


def test_socket_reset_is_an_end(listener, tmp_path, monkeypatch):
    peer = Gateway(tmp_path)
    listener.accept()
    real = listener._peer

    class Reset:
        def recv(self, _size):
            raise ConnectionResetError

        def close(self):
            real.close()

    monkeypatch.setattr(listener, "_peer", Reset())
    assert listener.receive() is None
    assert not listener.connected
    peer.close()
    assert sock.MAX_MESSAGE == messages.MAX_MESSAGE


def test_one_silent_sensor_degrades_and_all_silent_is_a_fault(rig):
    def silent():
        rig.turn()
        state = rig.state()
        levels = {f["about"]: f["level"] for f in state["faults"] if f["kind"] == "silent"}
        return levels, state["sirens"][0]["health"]

    rig.prove()
    rig.live(400)
    assert silent() == ({}, "ok")
    for _ in range(60):
        rig.clock.pass_s(60)
        rig.line.put(rig.a.frame(400))
        rig.turn()
    assert silent() == ({"pont-b": 1}, "degraded")
    rig.clock.pass_s(3000)
    assert silent() == ({"pont-a": 2, "pont-b": 2}, "fault")
