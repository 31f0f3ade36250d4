"""What touches the world: relay, serial port, socket."""

import socket
import sys
import termios
from collections import Counter
from types import ModuleType

import pytest
from tests.guard.rig import FakeClock as Clock
from tests.guard.rig import Gateway, Line, Rig, SimNode, write_site

from amont_guard import bridge as bridge_module
from amont_guard import messages, sock
from amont_guard.app import build
from amont_guard.bridge import Bridge
from amont_guard.relay import GpioRelay, Output, RelayError, SimulatedRelay
from amont_guard.sock import GatewaySocket
from amont_wire import link


class FakePin:
    def __init__(self, pin, **how):
        if pin == 5:
            raise OSError("busy")
        self.pin, self.how, self.value = pin, how, 0


@pytest.fixture
def gpio(monkeypatch):
    """A stand-in for gpiozero: there is no GPIO on a desk."""
    module = ModuleType("gpiozero")
    module.OutputDevice = module.DigitalInputDevice = FakePin
    monkeypatch.setitem(sys.modules, "gpiozero", module)


def test_gpio_relay_switches_and_reads_its_contact(gpio):
    relay = GpioRelay({"kind": "gpio", "pin": 17, "readback_pin": 27, "active_high": False})
    assert relay._out.how == {"active_high": False, "initial_value": None}  # as it is found
    relay.set(True)
    assert relay._out.value == 1
    assert relay.read_back() is False
    relay._contact.value = 1
    assert relay.read_back() is True
    assert relay.simulated is False


def test_gpio_relay_without_contact_reads_nothing(gpio):
    assert GpioRelay({"kind": "gpio", "pin": 17}).read_back() is None


def test_simulated_relay_may_live_in_memory():
    relay = SimulatedRelay()
    relay.set(True)
    relay.set(True)
    assert relay.read_back() is True


def test_gpio_that_cannot_be_claimed_is_said(gpio):
    with pytest.raises(RelayError, match="GPIO 5: busy"):
        GpioRelay({"kind": "gpio", "pin": 5})


class Broken:
    simulated = True

    def __init__(self):
        self.contact, self.fails = False, False

    def set(self, on):
        if self.fails:
            raise RelayError("no line")

    def read_back(self):
        if self.fails:
            raise OSError("no line")
        return self.contact


def test_contact_that_does_not_follow_is_a_fault_once_settled():
    output = Output(Broken())
    output.drive(True, 10.0)
    assert output.fault(10.5) == ""
    assert output.fault(11.5) == "commanded on, contact says otherwise"
    output.relay.contact = True
    assert output.fault(11.5) == ""
    output.drive(False, 20.0)
    assert output.fault(22.0) == "commanded off, contact says otherwise"


def test_output_that_cannot_be_driven_is_a_fault_and_is_tried_again():
    output = Output(Broken())
    output.relay.fails = True
    output.drive(True, 1.0)
    assert output.fault(1.0) == "no line"
    assert output.confirmed() is None
    output.relay.fails, output.relay.contact = False, True
    output.drive(True, 2.0)
    assert output.fault(9.0) == ""


def test_relay_fault_is_told_and_moves_no_siren(tmp_path, monkeypatch):
    rig = Rig(tmp_path / "state")
    monkeypatch.setattr(SimulatedRelay, "read_back", lambda _self: True)
    rig.clock.pass_s(5)
    state = rig.state()
    assert state["sirens"][0]["health"] == "fault"
    assert state["sirens"][0]["state"] == "idle"
    assert any(f["fr"].startswith("Sirène mairie") for f in state["faults"])
    rig.close()


def test_scaled_clock_refuses_a_real_relay(tmp_path, gpio):
    write_site(tmp_path, output={"kind": "gpio", "pin": 17})
    clock = Clock()
    clock.scaled = True
    with pytest.raises(RelayError, match="simulated relays only"):
        build(tmp_path, clock)
    write_site(tmp_path)
    build(tmp_path, clock).close()  # and the folder was given back


# --- bridge


def test_port_that_hangs_up_is_opened_again(rig, monkeypatch):
    monkeypatch.setattr(bridge_module, "_RETRY_S", 0.0)
    old, rig.line = rig.line, Line(in_process=True)
    rig.guard.bridge._port_name = rig.line.name
    old.close()
    rig.turn(3)
    assert rig.guard.counters["bridge: lost"] == 1
    rig.line.put(rig.a.frame(300))
    rig.turn()
    assert len(rig.opened()) == 1


def test_port_that_is_not_there_or_in_use_is_a_fault(rig):
    counters = Counter()
    assert not Bridge("/nowhere/at-all", 115200, counters).connected
    second = Bridge(rig.line.name, 115200, counters)
    assert not second.connected
    assert "exclusively lock" in second.error
    assert counters["bridge: lost"] == 2
    second.poll()  # not before its time
    assert counters["bridge: lost"] == 2
    rig.guard.bridge.close()
    rig.guard.bridge.error = "unplugged"
    rig.guard.bridge._retry_at = 1e12
    assert any(f["en"] == "Radio bridge: unplugged" for f in rig.state()["faults"])
    assert not rig.guard.bridge.send(b"x" * 20)
    assert list(rig.guard.bridge.read()) == []


@pytest.mark.parametrize(
    ("error", "lost"), [(BlockingIOError(), 0), (OSError(5, "Input/output error"), 1)]
)
def test_port_errors_lose_the_port_and_waiting_does_not(rig, monkeypatch, error, lost):
    def fail(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(bridge_module.os, "read", fail)
        assert list(rig.guard.bridge.read()) == []
    assert rig.guard.counters["bridge: lost"] == lost
    if lost:
        rig.guard.bridge._open()
    with monkeypatch.context() as patch:
        patch.setattr(bridge_module.os, "write", fail)
        assert rig.guard.bridge.send(b"x" * 20)
    assert rig.guard.counters["bridge: lost"] == 2 * lost


def test_noise_costs_only_itself(rig):
    noise = bytes(range(1, 256)) * 20 + b"\x00"
    rig.line.write(noise[:3000] + b"\x00")
    rig.turn()
    rig.line.write(link.pack(b"\x07what?"))
    rig.line.put(rig.a.frame(300))
    rig.turn()
    assert len(rig.opened()) == 1
    assert rig.guard.counters["bridge: damaged lines"] == 1
    assert rig.guard.counters["bridge: malformed"] == 1


def test_what_the_bridge_says_of_itself_is_counted(rig):
    rig.line.write(link.Status(1, 2, 3, 4, 1).pack())
    for result in range(4):
        rig.line.write(link.Sent(1, result).pack())
    rig.turn()
    counters = rig.guard.counters
    assert counters["bridge: status"] == 1
    assert counters["bridge: busy"] == counters["bridge: airtime used up"] == 1
    assert counters["bridge: malformed"] == 1


def test_full_port_queues_then_drops_and_never_waits(rig):
    frame = rig.a.frame(300)
    taken = [rig.guard.bridge.send(frame) for _ in range(2000)]
    assert taken[0]
    assert not taken[-1]
    assert rig.guard.counters["bridge: downlinks dropped"] > 0
    got = rig.line.sent()
    while more := (rig.guard.bridge.poll(), rig.line.sent())[1]:
        got += more
    assert len(got) == taken.count(True)  # nothing was torn by a short write


def test_any_pyserial_address_is_a_port():
    listener = socket.create_server(("127.0.0.1", 0))
    made = Bridge(f"socket://127.0.0.1:{listener.getsockname()[1]}", 115200, Counter())
    peer, _ = listener.accept()
    frame = SimNode(17, Clock()).frame(1)
    peer.send(link.Received(1, -70, 8, frame).pack())
    (got,) = made.read()
    assert (got.frame, got.rssi_dbm) == (frame, -70)
    peer.close()
    assert list(made.read()) == []
    assert made.error == "hung up"
    made.close()
    listener.close()


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


def test_port_that_goes_while_it_is_opened_is_lost(monkeypatch):
    def gone(*_args, **_how):
        raise termios.error(5, "Input/output error")

    monkeypatch.setattr(bridge_module.serial, "serial_for_url", gone)
    assert not Bridge("/dev/amont-bridge", 115200, Counter()).connected


def test_gpio_that_fails_later_is_a_fault_of_its_own_siren_only(gpio, monkeypatch):
    class Gone(Exception):
        """What gpiozero's pin factories raise is no OSError."""

    def fail(*_):
        raise Gone("handle closed")

    output = Output(GpioRelay({"kind": "gpio", "pin": 17, "readback_pin": 27}))
    monkeypatch.setattr(FakePin, "value", property(fail, fail), raising=False)
    output.drive(True, 1.0)
    assert output.fault(9.0) == "GPIO: handle closed"
