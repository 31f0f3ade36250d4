# The simulated radio under the port's contract, and what only it has.

import socket
import time

import radio_contract
from radio_contract import DOWN, FRAME, OTHER, UP

from amont_node.plain_sim import PlainSim
from amont_node.radio import Modulation
from amont_node.radio_sim import SimRadio

_PORT = 47310
_MICROPYTHON = hasattr(time, "ticks_ms")


def free_port() -> int:
    global _PORT
    while True:
        _PORT += 1
        try:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind(socket.getaddrinfo("127.0.0.1", _PORT, 0, socket.SOCK_DGRAM)[0][-1])
            one.close()
            return _PORT
        except OSError:
            one.close()


def now_ms() -> int:
    return time.ticks_ms() if _MICROPYTHON else time.monotonic_ns() // 1000000


class Rig:
    tells_hearing = False

    # The other side is one too, and listens to all that the adapter may say.
    def __init__(self) -> None:
        port = free_port()
        self.other = SimRadio({"bind": port, "instant": True}, 2)
        self.radio = SimRadio({"port": port, "instant": True}, 1)
        self.listen = [
            Modulation(khz, sf, inverted=inverted)
            for khz in (868100, 868300, 868500) for sf in range(7, 13)
            for inverted in (False, True)
        ]  # fmt: skip
        self.other.configure(self.listen)
        self.radio.send(b"here", UP)  # so that the other knows where
        assert self.other.receive(1000) is not None
        self.radio.frames_out = 0
        self.heard = []

    def now_ms(self) -> int:
        return now_ms()

    def hear(self, frame, modulation, in_ms) -> None:  # noqa: ARG002
        self.heard = self.sent()  # whoever sends hears nothing
        assert self.other.send(frame, modulation)

    def settle(self, ms: int) -> None:
        pass

    def sent(self):
        found, self.heard = self.heard, []
        while True:
            heard = self.other.receive(5)
            if heard is None:
                return found
            found.append((heard[0], self.listen[heard[3]]))

    def damage(self, frame, modulation) -> bool:  # noqa: ARG002
        return False

    def fail(self) -> bool:
        return False

    def close(self) -> None:
        self.radio.close()
        self.other.close()


def check_the_contract() -> None:
    radio_contract.run_all(Rig)


# A node of today beside one of the port: both are heard, and each is answered as it speaks.
def check_both_kinds_of_node() -> None:
    port = free_port()
    bridge = SimRadio({"bind": port, "instant": True, "rssi_dbm": -101}, 1)
    bridge.configure([UP])
    old = PlainSim({"port": port, "rssi_dbm": -93, "snr_db4": -8}, 17)
    new = SimRadio({"port": port, "instant": True}, 18)
    new.configure([DOWN])
    assert old.send(FRAME, 0)
    assert bridge.receive(1000) == (FRAME, -93, -8, 0)
    assert new.send(OTHER, UP)
    assert bridge.receive(1000) == (OTHER, -80, 36, 0)
    assert bridge.send(FRAME, DOWN)
    old.wait(1000)
    assert old.receive(0) == [FRAME]
    assert (old.rssi_dbm, old.snr_db4) == (-101, 36)
    assert new.receive(1000) == (FRAME, -101, 36, 0)
    assert bridge.send(FRAME, UP)
    assert new.receive(20) is None
    for one in (bridge, old, new):
        one.close()


def check_loss() -> None:
    port = free_port()
    bridge = SimRadio({"bind": port, "instant": True}, 1)
    bridge.configure([UP])
    node = SimRadio({"port": port, "instant": True, "loss_percent": 40}, 5)
    count = 0
    for _ in range(100):
        node.send(FRAME, UP)
        count += bridge.receive(2) is not None
    assert 40 <= count <= 80, count
    node.close()
    bridge.close()


# Datagrams that are none of ours.
def check_garbage() -> None:
    port = free_port()
    bridge = SimRadio({"bind": port, "instant": True}, 1)
    bridge.configure([UP])
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    address = socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_DGRAM)[0][-1]
    for garbage in (
        b"",
        b"\x00",
        b"\x00\x80\x00",
        b"\x00\x80" + bytes(9),
        b"\x00\x80" + bytes(40),
    ):
        stranger.sendto(garbage, address)
    assert bridge.receive(50) is None
    stranger.close()
    bridge.close()
