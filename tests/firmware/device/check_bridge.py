# The bridge: bytes in, bytes out.

from amont_bridge.bridge import STATUS_MS, VERSION, Bridge
from amont_wire.link import (
    RADIO_SIMULATED,
    ROLE_LISTEN,
    ROLE_NONE,
    SENT_BUSY,
    SENT_MALFORMED,
    SENT_OK,
    Ask,
    Deframer,
    Identity,
    Received,
    Send,
    Sent,
    Settings,
    Status,
    pack,
    unpack,
)

FRAME = bytes([0x11, 17, 0, 1, 0, 0, 0]) + bytes(range(20))


def lines(data: bytes) -> list:
    return [unpack(payload) for payload in Deframer().feed(data)]


def check_heard_goes_to_the_guard() -> None:
    bridge = Bridge(0)
    assert lines(bridge.heard(FRAME, -97, 26, 2**32 + 5)) == [Received(5, -97, 26, FRAME)]
    assert bridge.heard(b"short", -97, 26, 6) == b""
    assert bridge.heard(bytes(52), -97, 26, 6) == b""
    assert bridge.received == 1


def check_send_goes_to_the_radio() -> None:
    bridge = Bridge(0)
    assert bridge.from_guard(Send(9, FRAME).pack(), 1) == b""
    send = bridge.next_transmission(1)
    assert (send.handle, send.frame) == (9, FRAME) and bridge.next_transmission(1) is None
    assert lines(bridge.transmitted(send, True, 2)) == [Sent(9, SENT_OK)]


# However the bytes arrive.
def check_byte_by_byte() -> None:
    bridge = Bridge(0)
    for byte in Send(1, FRAME).pack() + Send(2, FRAME).pack():
        bridge.from_guard(bytes([byte]), 0)
    assert bridge.next_transmission(0).handle == 1 and bridge.next_transmission(0).handle == 2


def check_noise_costs_a_line() -> None:
    bridge = Bridge(0)
    whole = Send(3, FRAME).pack()
    hurt = bytes([whole[0], whole[1] ^ 8]) + whole[2:]
    bridge.from_guard(
        b"\x07\xff\x13noise" + whole + hurt + b"\x00" + whole + b"z" * 5000 + b"\x00" + whole,
        0,
    )
    handles = []
    while True:
        send = bridge.next_transmission(0)
        if send is None:
            break
        handles.append(send.handle)
    assert handles == [3, 3]  # the first line was joined to the noise before it
    assert bridge.bad() == 3


def check_a_full_queue_says_busy() -> None:
    bridge = Bridge(0)
    said = b""
    for handle in range(10):
        said += bridge.from_guard(Send(handle, FRAME).pack(), 0)
    assert lines(said) == [Sent(8, SENT_BUSY), Sent(9, SENT_BUSY)]


def check_senseless_lines() -> None:
    bridge = Bridge(0)
    said = bridge.from_guard(pack(bytes([2, 5, 1]) + b"tiny"), 0)
    assert lines(said) == [Sent(261, SENT_MALFORMED)]
    assert bridge.from_guard(pack(b"\x63what"), 0) == b""
    assert bridge.from_guard(Sent(1, SENT_OK).pack(), 0) == b""  # not for a bridge
    assert bridge.bad() == 3


def check_status_each_ten_seconds() -> None:
    bridge = Bridge(100, b"board")
    bridge.heard(FRAME, -90, 1, 100)
    unique = b"board\x00\x00\x00"
    me = Identity(VERSION, unique, ROLE_NONE, RADIO_SIMULATED)
    assert lines(bridge.status(100)) == [me, Status(100, 1, 0, 0, VERSION)]
    assert bridge.status(101) == b"" and bridge.wait_ms(101) == STATUS_MS - 1
    assert len(lines(bridge.status(100 + STATUS_MS))) == 1


def check_it_says_who_it_is_when_asked() -> None:
    bridge = Bridge(0, b"12345678")
    assert not bridge.known
    me = Identity(VERSION, b"12345678", ROLE_NONE, RADIO_SIMULATED)
    assert lines(bridge.from_guard(Ask().pack(), 1)) == [me] and bridge.known
    assert lines(bridge.from_guard(Settings(ROLE_LISTEN, [868100], [9]).pack(), 1)) == [
        Identity(VERSION, b"12345678", ROLE_LISTEN, RADIO_SIMULATED)
    ]


# Simulated, too: only one of two bridges answers.
def check_a_listener_never_sends() -> None:
    bridge = Bridge(0)
    bridge.from_guard(Settings(ROLE_LISTEN, [868100], [9]).pack(), 1)
    assert lines(bridge.from_guard(Send(7, FRAME).pack(), 2)) == [Sent(7, SENT_BUSY)]
    assert bridge.next_transmission(3) is None
