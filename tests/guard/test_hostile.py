"""A gateway that turned against its guard: the real process, its real socket, everything at once.

Each attack runs against a guard in calm and against one whose siren sounds. What it must not do is
read from the guard's own STATE and from the relay's file, which tells when it switched last. The
client knows Anne's PIN, as a gateway does into whose page she typed it, but not Bruno's.
"""

import contextlib
import itertools
import json
import os
import random
import select
import socket
import struct
import threading
import time

import pytest
from tests.guard.rig import FAR, PIN, Gateway, SimNode
from tests.guard.test_process import Process, wait_for

from amont_guard import messages
from amont_guard.audit import verify
from amont_guard.clock import RealClock
from amont_guard.intake import CHUNKS
from amont_watch.siren import KEY, SCHEDULE
from amont_wire.const import ACK, CONFIG, HELLO, RESEND, TIME, UPDATE, UPLINK
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Sealer
from amont_wire.messages import Hello

CASES = 20_000 if os.environ.get("FULL") else 1_500
KINDS = ("acknowledge", "mute", "reset", "test", "drill", "stop", "limits", "keep", "bypass",
         "bypass end", "hazard", "tick", "restart", "fault", "", "silence")  # fmt: skip
PEOPLE = ("Bruno", "bruno", "Anne ", "Zoé", KEY, SCHEDULE, "", "A" * 200, None, 7, ["Bruno"])
PINS = ("0000", "", PIN[::-1], None, 2468, "9" * 101, "\ud800")
OTHERS = [1300, 1900, 2600, 3300]
WRONG_LIMITS = (
    [1200, 1800, 2500, 9000], [-9999, 1, 2, 3], [3, 2, 1, 0], [1, 1, 1, 1], [1, 2, 3], [],
    [1, 2, 3, 4, 5], [1.5, 2, 3, 4], ["1", "2", "3", "4"], None, "1234", {"a": 1}, [2**70] * 4,
    [True, 2, 3, 4], [[1], 2, 3, 4],
)  # fmt: skip


class Client(Gateway):
    """A gateway's end that leaves nothing open when the guard does not take it."""

    def __init__(self, folder):
        try:
            super().__init__(folder)
        except OSError:
            self.socket.close()
            raise


class Hostile:
    """A client of a guard that sends whatever it wants and remembers what came back."""

    def __init__(self, process):
        self.process, self.results, self.state = process, {}, None
        self.downlinks = []  # sealed frames that came back
        self.ids = itertools.count()
        self.connect()

    def connect(self):
        self.gateway = Client(self.process.folder)
        self.look()

    def send(self, message):
        while True:
            try:
                return self.gateway.send(message)
            except BlockingIOError:  # the guard takes its time; so may the attacker
                self.drain(0.01)

    def drain(self, wait_s=0.0):
        select.select([self.gateway.socket], [], [], wait_s)
        for message in self.gateway.receive():
            if message[:1] == bytes([messages.STATE]):
                self.state = messages.decode_json(message)
            elif message[:1] == bytes([messages.RESULT]):
                result = messages.decode_json(message)
                self.results[result["id"]] = result
            elif message[:1] == bytes([messages.DOWNLINK]):
                self.downlinks += [frame for _, frame in messages.decode_downlinks(message)]

    def look(self):
        """Return a state that the guard made after it took all that was sent."""
        self.state = None
        self.send(messages.encode_json(messages.HELLO, {"format": 1}))
        wait_for(lambda: self.drain(0.05) or self.state)
        return self.state

    def ask(self, **fields):
        """Send an ACTION as given and return its result's code."""
        asked = {
            "id": f"h{next(self.ids)}", "kind": "mute", "person": "Anne", "pin": PIN,
            "siren": "mairie", "station": "pont", "minutes": 10, "issued_ms": now_ms(), **fields,
        }  # fmt: skip
        self.send(messages.encode_json(messages.ACTION, asked))
        wait_for(lambda: self.drain(0.05) or asked["id"] in self.results)
        return self.results.pop(asked["id"])["code"]

    def standing(self):
        """Return what nobody may change, and when the relay switched last."""
        state = self.look()
        siren, station = state["sirens"][0], state["stations"][0]
        names = ("state", "mode", "commanded", "acknowledged_by", "mute_left_s", "mode_until_ms")
        return (
            {name: siren[name] for name in names},
            {name: station[name] for name in ("level", "limits_mm", "agreed", "previous")},
            {ask["person"] for ask in siren["asked"]} - {"Anne"},
            (self.process.folder / "relay-mairie").read_bytes(),
        )


def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture(scope="module", params=["calm", "sounding"])
def siege(request, tmp_path_factory):
    process = Process(tmp_path_factory.mktemp("siege"))
    try:
        made, clock = Hostile(process), RealClock()
        if request.param == "sounding":
            pair = [SimNode(17, clock), SimNode(18, clock)]
            prove(made, pair)
            rise(process, pair, [])
        sounding = request.param == "sounding"  # a state that was under way may still say no
        wait_for(lambda: made.look()["sirens"][0]["commanded"] is sounding)
        yield made
        made.gateway.close()
        assert process.process.poll() is None, "the guard died"
        assert process.stop() == 0
        assert verify(process.folder).ok
    finally:
        process.close()


@pytest.fixture
def hostile(siege):
    """The attacker, whose attack must leave everything as it was."""
    before = siege.standing()
    yield siege
    assert siege.standing() == before


def test_matrix_of_forged_actions(hostile):
    chance = random.Random(3)
    times = (0, 1, -60_001, 60_001, -(10**12), 10**12, None)
    for _ in range(CASES):
        fields = {
            "id": chance.choice([f"m{next(hostile.ids)}", "m0", "", None, "x" * 500, ["id"]]),
            "kind": chance.choice(KINDS), "person": chance.choice(PEOPLE),
            "pin": chance.choice([PIN, *PINS]),
            "siren": chance.choice(["mairie", "", "église", None, ["mairie"], "x" * 300]),
            "station": chance.choice(["pont", "", "mairie", None, {"pont": 1}]),
            "minutes": chance.choice([0, 10, 60, 61, -1, 1.5, "10", None, 2**80, True]),
            "limits_mm": chance.choice([OTHERS, *WRONG_LIMITS]),
        }  # fmt: skip
        behind_ms = chance.choice(times)
        fields["issued_ms"] = behind_ms if behind_ms is None else now_ms() - behind_ms
        if fields["person"] == "Bruno" and fields["pin"] == PIN:
            fields["pin"] = "1111"  # his the gateway never saw
        for name in chance.sample(sorted(fields), chance.choice([0, 0, 0, 1, 2])):
            del fields[name]
        hostile.send(b"\4" + json.dumps(fields).encode())
        if chance.random() < 0.1:
            hostile.drain()


def test_every_kind_of_message_with_anything_in_it(hostile):
    chance = random.Random(4)
    for number in range(CASES):
        kind = number % 256
        size = chance.choice([0, 1, 2, 5, 30, 300, 3000])
        hostile.send(bytes([kind]) + chance.randbytes(size))
        hostile.drain()
    for content in (
        b"{", b"[]", b"null", b"0", b"{}", b'{"id":1}', b"\xff\xfe", b'{"id":NaN}',
        b'{"id":' + b"9" * 5000 + b"}", b'{"a":"' + b"x" * 50_000 + b'"}',
    ):  # fmt: skip
        for kind in range(1, 6):
            hostile.send(bytes([kind]) + content)
    hostile.send(b"\4" * 60_001)  # longer than a message may be
    hostile.drain()


def test_nesting_of_every_depth(hostile):
    for depth in [*range(10, 900, 50), *range(900, 1010)]:
        nested = b"[" * depth + b"]" * depth
        for field in (b"kind", b"id", b"siren", b"limits_mm", b"issued_ms", b"minutes"):
            hostile.send(b'\4{"%s":%s}' % (field, nested))
        hostile.send(b'\3{"station":%s,"level":"watch","until_s":1}' % nested)
        hostile.send(b'\3{"station":"pont","level":"watch","until_s":%s}' % nested)
        hostile.drain()
    hostile.ask(kind="reset")  # and it still answers


def test_recorded_actions_come_again(hostile):
    asked = {"id": f"rec{next(hostile.ids)}", "kind": "reset", "issued_ms": now_ms()}
    first = hostile.ask(**asked)  # Anne's own, right PIN and all: refused in both states
    assert first in ("nothing to reset", "not acknowledged", "hazard not over")
    assert hostile.ask(**asked) == first  # the very same: the very same answer, nothing done
    for change in ({"kind": "acknowledge"}, {"kind": "mute"}, {"person": "Bruno"}, {"minutes": 9},
                   {"kind": "drill"}, {"pin": "1111"}, {"issued_ms": now_ms() + 1}):  # fmt: skip
        assert hostile.ask(**{**asked, **change}) == "malformed"
    for without in ({"pin": ""}, {"pin": None}, {"pin": 0}):
        assert hostile.ask(kind="acknowledge", **without) == "malformed"
    for behind_ms in (-61_000, 61_000, 86_400_000, -86_400_000, 10**12):
        assert hostile.ask(kind="acknowledge", issued_ms=now_ms() - behind_ms) == "expired"


def test_one_person_as_two(hostile):
    """Anne's PIN alone, under every name: what takes two stays undone."""
    for kind in ("mute", "drill"):
        for _ in range(3):
            assert hostile.ask(kind=kind) in ("second", "nothing sounds", "not calm")
        for name in ("anne", "Anne ", " Anne", "ANNE", "Anne\0", "Ａnne", KEY, SCHEDULE, "Zoé"):
            assert hostile.ask(kind=kind, person=name) == "pin"
    assert hostile.ask(kind="bypass") == "unknown"
    assert hostile.ask(kind="limits", limits_mm=[1000, 1700, 2400, 3100]) == "second"
    for name, code in (("Anne", "same person"), (KEY, "pin"), (SCHEDULE, "pin"), ("anne", "pin")):
        limits_mm = [1000, 1700, 2400, 3100]
        assert hostile.ask(kind="limits", limits_mm=limits_mm, person=name) == code
    assert hostile.ask(kind="keep") == "done"
    assert hostile.look()["stations"][0]["proposed"] is None


def test_limits_that_may_not_be(hostile):
    codes = [hostile.ask(kind="limits", limits_mm=limits_mm) for limits_mm in WRONG_LIMITS]
    assert codes[:4] == ["bounds", "bounds", "order", "order"]
    assert set(codes[4:]) == {"malformed"}


def test_limits_do_not_rise_under_an_alarm(siege):
    sounds = siege.look()["sirens"][0]["commanded"]
    code = siege.ask(kind="limits", limits_mm=[4000, 5000, 6000, 7000])
    assert code == ("not calm" if sounds else "second")
    siege.ask(kind="keep")


def test_guesses_close_a_person_and_no_more(hostile):
    codes = [hostile.ask(person="Bruno", pin=f"{n:04}", kind="acknowledge") for n in range(40)]
    assert codes[-30:] == ["tries"] * 30
    assert codes.count("pin") <= 5
    assert hostile.ask(kind="keep") == "nothing to keep"  # Anne is not touched by it


def test_storm_of_advice(hostile):
    for level, until_s, station in itertools.product(
        ("none", "watch", "warning", "alarm", "alarm_plus", 4, None),
        (0, -1, 1e308, float("inf"), float("nan"), "x", None, 10**400),
        ("pont", "mairie", "", None, ["pont"]),
    ):
        advice = {"station": station, "level": level, "until_s": until_s, "model": "x" * 100}
        with contextlib.suppress(ValueError):  # a number that JSON cannot say
            hostile.send(messages.encode_json(messages.ADVICE, advice))
    for _ in range(CASES):
        hostile.send(messages.encode_json(messages.ADVICE, {
            "station": "pont", "level": "warning", "until_s": 1e9, "model": "storm",
        }))  # fmt: skip
        hostile.drain()
    assert hostile.look()["stations"][0]["advice"] == "warning"
    hostile.send(messages.encode_json(messages.ADVICE, {
        "station": "pont", "level": "none", "until_s": 0, "model": "storm",
    }))  # fmt: skip


def test_lies_about_what_was_committed(hostile):
    chance = random.Random(5)
    for _ in range(CASES // 10):
        lies = [
            struct.pack("<HIiBQI", chance.choice([17, 18, 30, 0, 65535]), chance.getrandbits(32),
                        chance.choice([-1, 0, 2**31 - 1, -(2**31)]), chance.randrange(256),
                        chance.getrandbits(64), chance.getrandbits(32))
            for _ in range(chance.choice([1, 10, 500]))
        ]  # fmt: skip
        hostile.send(bytes([messages.COMMITTED]) + b"".join(lies))
        hostile.drain()


def test_frames_of_its_own_making(hostile):
    """Noise, and frames that look like a node's in all but the key."""
    chance, forger = random.Random(6), SimNode(17, RealClock())
    forger.sealer = Sealer(b"?" * 16, 17, 1, UPLINK, ReservedCounter(0, lambda limit: None))
    frames = [forger.frame(value) for value in (0, 9000, 2600, 100)]
    for _ in range(CASES // 10):
        made = [chance.choice([chance.randbytes(chance.randrange(0, 256)), *frames])
                for _ in range(chance.choice([1, 50]))]  # fmt: skip
        hostile.send(messages.encode_raw(enumerate(made, 1)))
        hostile.drain()


def test_storm_of_connections(siege):
    before = siege.standing()
    siege.gateway.close()
    for number in range(CASES // 5):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
            end.setblocking(False)
            with contextlib.suppress(OSError):  # where too many wait already
                end.connect(str(siege.process.folder / ("guard.sock", "status.sock")[number % 2]))
                end.send(b"\4{" * (number % 5))
    wait_for(lambda: connected(siege))
    assert siege.standing() == before


def connected(siege):
    with contextlib.suppress(OSError, AssertionError):
        siege.connect()
        return True
    return False


def prove(client, pair):
    """Let both nodes hear a downlink, as after any start; this much the gateway must carry."""
    for sim in pair:
        client.process.line.put(sim.frame(300))

        def downlinks(sim=sim):
            client.gateway.commit(sim, 0)
            client.drain(0.05)
            return client.process.line.sent()

        for downlink in wait_for(downlinks):
            sim.hear(downlink)


def rise(process, pair, recorded):
    """Let both nodes see the water rise until the siren sounds."""
    values = itertools.chain((900, 1300, 1700, 2100), itertools.repeat(2600, 40))
    while not process.relay():
        time.sleep(1.0)  # readings of one second are one reading
        value = next(values)
        heard = [sim.frame(value) for sim in pair]
        process.line.put(*heard)
        recorded += heard


def rage(client, stopping, recorded):
    """Send everything at once, as fast as the socket takes it, and hang up now and then.

    Among it, again and again, the true frames that the bridge received.
    """
    chance = random.Random(8)
    lies = struct.pack("<HIiBQI", 17, 4097, 2**31 - 1, 0, 2**64 - 1, 1) * 2000
    while not stopping.is_set():
        with contextlib.suppress(OSError):
            client.gateway.send(chance.choice([
                bytes([messages.COMMITTED]) + lies,
                messages.encode_raw((n, chance.randbytes(60)) for n in range(800)),
                messages.encode_raw((n, chance.choice(recorded)) for n in range(300)),
                b"\3" + b'{"station":"pont","level":"none","until_s":0,"model":""}',
                b"\4" + b'{"id":' + b"[" * 900,
                bytes([chance.randrange(256)]) * 50_000,
                json_action(chance),
            ]))  # fmt: skip
        if chance.random() < 0.001:
            client.gateway.close()
            with contextlib.suppress(OSError):
                client.gateway = Client(client.process.folder)


def json_action(chance):
    return messages.encode_json(messages.ACTION, {
        "id": f"{chance.random()}", "kind": chance.choice(KINDS), "person": "Bruno",
        "pin": f"{chance.randrange(1000)}", "siren": "mairie", "issued_ms": now_ms(),
    })  # fmt: skip


def test_bridge_sounds_the_siren_while_the_gateway_rages(tmp_path):
    process, stopping = Process(tmp_path), threading.Event()
    client, clock = Hostile(process), RealClock()
    raging = threading.Thread()
    try:
        pair = [SimNode(17, clock), SimNode(18, clock)]
        prove(client, pair)
        recorded = [pair[0].frame(100)]  # which the bridge has not heard: true, but late
        raging = threading.Thread(target=rage, args=(client, stopping, recorded))
        raging.start()
        rise(process, pair, recorded)
        switched = (tmp_path / "relay-mairie").read_bytes()
        time.sleep(2.0)
        assert (tmp_path / "relay-mairie").read_bytes() == switched
        assert process.process.poll() is None
    finally:
        stopping.set()
        if raging.is_alive():
            raging.join(10)
        client.gateway.close()
        process.close()
    assert verify(tmp_path).ok


def test_it_gets_nothing_sealed_but_acks_and_parts_of_updates(siege):
    """It chooses what parts of an update say, but those the node's own MAC refuses."""
    node, random_ = SimNode(FAR, RealClock()), random.Random(7)
    siege.downlinks.clear()
    reports = 0

    def report():
        nonlocal reports
        hello = Hello(node.life, node.tick_s(), 1, reports, 3, 4, [2])
        node.last, frame = node.sealer.seal(HELLO, hello.encode())
        siege.gateway.raw(frame)
        siege.look()
        reports += 1
        return frame

    def both_came():
        """Ask again: what came before has perhaps left no counters for these seconds."""
        report()
        chunk = messages.Chunk(FAR, node.epoch, node.last, 1, 0, bytes(20))
        siege.send(messages.encode_update([chunk]))
        siege.gateway.commit(node, 0)
        siege.drain(0.5)
        return {frame[0] & 15 for frame in siege.downlinks} >= {ACK, UPDATE}

    for _ in range(5):
        frame = report()
        for _ in range(40):
            counter = random_.choice([node.last, node.last + 1, 0, 2**32 - 1])
            siege.send(messages.encode_update([messages.Chunk(
                random_.choice([FAR, 17, 0, 65_535]), random_.randrange(2**32), counter,
                random_.randrange(2**16), random_.randrange(2**24), random_.randbytes(20),
            )]))  # fmt: skip
            siege.send(bytes([messages.UPDATE]) + random_.randbytes(random_.randrange(60)))
            siege.gateway.commit(node, random_.randrange(-1, 100), rate=random_.randrange(256))
        for kind in (CONFIG, TIME, RESEND, UPDATE):  # a downlink of its own, back to the guard
            siege.gateway.raw(bytes([0x10 | kind]) + frame[1:])
        siege.look()
    wait_for(both_came)
    siege.look()
    kinds = [frame[0] & 15 for frame in siege.downlinks]
    assert set(kinds) == {ACK, UPDATE}
    assert kinds.count(UPDATE) <= reports * CHUNKS
    for frame in siege.downlinks:
        assert node.opener.open(frame)[0].node == FAR
