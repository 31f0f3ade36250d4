# A name's address, asked for by a board that must not wait.

from air import AccessPoint
from check_wifi import NEW, STEP_MS, Air

from amont_node import lookup, mqtt
from amont_node.lookup import Lookup, address_in, is_address, question

NAME = "broker.mairie.fr"
NUMBER = 0x1234


def record(kind: int, data: bytes, name: bytes = b"\xc0\x0c") -> bytes:
    return name + bytes([0, kind, 0, 1, 0, 0, 0, 60, 0, len(data)]) + data


def answer(asked: bytes, *records) -> bytes:
    head = asked[:2] + b"\x81\x80\x00\x01" + bytes([0, len(records)]) + asked[8:12]
    return head + asked[12:] + b"".join(records)


ALIAS = record(5, b"\x03www\xc0\x0c")
GOOD = record(1, b"\xc0\xa8\x01\x0a")


def check_a_question_is_as_the_standard_has_it() -> None:
    # RFC 1035, 4.1: number, "recursion desired", one question; labels, type A, class IN.
    assert question("a.bc", NUMBER) == (
        b"\x124\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x02bc\x00\x00\x01\x00\x01"
    )
    for name in ("", "a..b", "x" * 64 + ".fr"):
        try:
            question(name, 1)
        except OSError:
            continue
        raise AssertionError(name)


def check_what_is_an_address() -> None:
    assert is_address("192.168.1.10")
    for host in (NAME, "pi.local", "pi", "1.2.3", "a.b.c.d"):
        assert not is_address(host), host


def check_the_address_is_found_behind_aliases() -> None:
    asked = question(NAME, NUMBER)
    for records in ((GOOD,), (ALIAS, GOOD), (record(28, bytes(16)), GOOD, GOOD)):
        assert address_in(answer(asked, *records), NUMBER) == "192.168.1.10"


def check_what_answers_nothing() -> None:
    asked = question(NAME, NUMBER)
    good = answer(asked, ALIAS, GOOD)
    assert address_in(good, NUMBER + 1) is None
    assert address_in(asked, NUMBER) is None  # our own question
    assert address_in(answer(asked), NUMBER) is None
    assert address_in(answer(asked, record(28, bytes(16))), NUMBER) is None
    for length in range(len(good)):
        assert address_in(good[:length], NUMBER) is None, length
    for at in range(12, len(good)):  # damaged anywhere: an address or none, never an exception
        for byte in (0, 0x3F, 0xC0, 0xFF):
            address_in(good[:at] + bytes([byte]) + good[at + 1 :], NUMBER)


# A socket that the test answers.
class Sockets:
    AF_INET = SOCK_DGRAM = 0

    def __init__(self, replies) -> None:
        self.replies = replies
        self.asked = []
        self.open = 0

    def socket(self, family, kind):
        self.open += 1
        return self

    def getaddrinfo(self, host, port):
        assert is_address(host)
        return [(0, 0, 0, "", (host, port))]

    def setblocking(self, blocks) -> None:
        assert not blocks

    def sendto(self, data, where) -> None:
        self.asked.append((data, where))

    def recv(self, most):
        if len(self.asked) < self.replies:
            raise OSError(11)
        return answer(self.asked[-1][0], GOOD)

    def close(self) -> None:
        self.open -= 1


def with_sockets(replies, call) -> Sockets:
    real = lookup.socket
    lookup.socket = sockets = Sockets(replies)
    try:
        call()
    finally:
        lookup.socket = real
    assert sockets.open == 0
    return sockets


def check_a_lost_datagram_is_sent_again() -> None:
    def ask() -> None:
        one = Lookup(NAME, "10.0.0.1", NUMBER)
        found = [one.step(ms) for ms in range(0, 2001, 100)]
        assert found == [None] * 20 + ["192.168.1.10"]
        one.close()

    sockets = with_sockets(3, ask)
    assert [where for _, where in sockets.asked] == [("10.0.0.1", 53)] * 3


def check_names_of_the_house_are_asked_of_all() -> None:
    def ask() -> None:
        one = Lookup("pi.local", "10.0.0.1", NUMBER)
        assert one.step(0) == "192.168.1.10"
        one.close()

    assert with_sockets(1, ask).asked[0][1] == ("224.0.0.251", 5353)


# --- the carrier's part


def named(name: str, replies: int, use) -> Sockets:
    air = Air(name)
    air.bench.air[NEW[0]] = AccessPoint(NEW[1])
    air.carrier._host, air.carrier._asks = NAME, True
    air.client.address = (NAME, 1883)
    try:
        return with_sockets(replies, lambda: use(air))
    finally:
        air.close()


def check_each_session_asks_where_the_broker_is() -> None:
    def use(air) -> None:
        for _ in range(2):
            assert air.send() and air.client.address == ("192.168.1.10", 1883)
            air.carrier.close()
            air.bench.ms += 900000

    assert len(named("asks", 1, use).asked) == 2


def check_a_name_that_nobody_knows_is_a_failure_in_time() -> None:
    def use(air) -> None:
        began_ms = air.bench.ms
        assert not air.send() and air.bench.ms - began_ms < 8000
        assert "no address of " + NAME in air.said[-1]
        assert air.client.starts == 0 and air.bench.is_dark()

    named("nobody", 99, use)


def check_a_name_that_cannot_be_asked_for_is_one_too() -> None:
    def use(air) -> None:
        air.carrier._host = "a..b"
        assert not air.send() and "no address of a..b" in air.said[-1]

    named("never", 1, use)


def check_closing_in_the_middle_of_a_question() -> None:
    def use(air) -> None:
        air.carrier.receive(air.bench.ms)
        air.carrier.rouse(air.bench.ms)
        for _ in range(30):
            air.bench.ms += STEP_MS
            air.carrier.receive(air.bench.ms)
        assert air.carrier.rising and air.client.state == mqtt.DOWN
        air.carrier.close()

    assert named("middle", 99, use).asked
