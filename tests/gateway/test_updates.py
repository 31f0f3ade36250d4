"""Updates by the air: the node's own updater on the other side, and gateways that lie to it."""

import json
import random

import pytest
from tests.guard.test_pending import Guarded

from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.updates import BACKS, PART_BYTES, PARTS, TRIES, Updates
from amont_guard import messages
from amont_guard.messages import BRIDGE, SEEN, Opened
from amont_node import slots
from amont_node.pair import PairFile
from amont_node.update import Updater
from amont_provision.airimage import air_image
from amont_provision.release import unpack
from amont_provision.signing import public_bytes
from amont_wire import const
from amont_wire.messages import Health, Hello, Progress

NODE, GENERATION, SECRET = 31, 3, b"s" * 16
QUIET_MS = 10_000


def release_of(number, text=b"code", more=None):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from amont_provision.release import pack

    key = Ed25519PrivateKey.generate()
    files = {"amont_node/app.mpy": b"M" + text * 40, "amont_wire/const.mpy": b"M" * 300}
    content = pack(number, f"0.{number}", {**files, **(more or {})}, b"loader", key)
    return unpack(content, [public_bytes(key)])


class Field:
    """A gateway's folder, a node that runs release 1 from slot a, and the air between them."""

    def __init__(self, folder):
        self.root, self.data = folder / "node", folder / "gateway"
        (self.data / "updates").mkdir(parents=True)
        self._first_release(release_of(1))
        self.counters = Counters()
        self.events = Events(self.counters, lambda: 0)
        self.chunks, self.counter, self.now_ms, self.bursts = [], 0, 0, []
        self.start()

    def _first_release(self, release):
        for path, content in {**release.files, "release.json": release.manifest}.items():
            target = self.root / "a" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        record = {
            "schema": 1, "slot": "a", "trying": None, "tries": 0, "bad_boots": 0, "release": 1,
        }  # fmt: skip
        PairFile(str(self.root), "boot").save(record)

    def start(self):
        """Start the gateway anew."""
        self.updates = Updates(self.data, self, self.counters, self.events)

    def boot(self):
        """Start the node anew."""
        boot = slots.Boot(str(self.root))
        made = Updater(boot, SECRET, (NODE, GENERATION), lambda: None)
        made.resume(self.now_ms)
        return made

    def send_update(self, chunks):
        self.chunks += chunks
        self.bursts.append(len(chunks))

    def offer(self, image):
        (self.data / "updates" / f"{NODE}.amu").write_bytes(image)

    def says(self, message, flags=0):
        self.counter += 1
        frame = Opened(1, NODE, 5, self.counter, message.TYPE, flags, 0, 0, 0, 0, message.encode())
        self.updates.opened([frame])
        found, self.chunks = self.chunks, []
        return found

    def hello(self, firmware=1, flags=0):
        return self.says(Hello(0, 10, 1, 1, firmware, 1, [3]), flags)

    def carry(self, updater, chunks, turns=10_000, spoil=lambda data: data):
        """Let parts and reports go to and fro until the node has nothing more to say."""
        for _ in range(turns):
            for chunk in chunks:
                updater.take(chunk.release, chunk.offset, spoil(chunk.data), self.now_ms)
            self.now_ms += QUIET_MS
            if not updater.asks(self.now_ms):
                return
            report = Progress(0, 10, updater.release, updater.next, updater.state)
            chunks = self.says(report)
            if not chunks:
                return

    def trying(self):
        return PairFile(str(self.root), "boot").load()["trying"]

    def kinds(self):
        return [event.kind for event in self.events.latest()]


@pytest.fixture
def field(tmp_path):
    return Field(tmp_path)


def image_of(number, secret=SECRET, generation=GENERATION):
    return air_image(release_of(number), secret, NODE, generation)


def test_a_release_travels_in_bursts_and_is_switched_to(field):
    image = image_of(2)
    field.offer(image)
    updater = field.boot()
    field.carry(updater, field.hello())
    assert updater.state == const.PROGRESS_CHECKED
    assert field.trying() == "b"
    assert (field.root / "b" / "amont_node" / "app.mpy").read_bytes() == b"M" + b"code" * 40
    assert max(field.bursts) == PARTS
    assert sum(field.bursts) <= -(-len(image) // PART_BYTES) + 1


def test_it_goes_on_where_it_was_after_both_ends_started_anew(field):
    field.offer(air_image(release_of(2, b"x" * 200), SECRET, NODE, GENERATION))
    updater = field.boot()
    field.carry(updater, field.hello(), turns=40)
    field.start()
    updater = field.boot()
    resumed = updater.next
    assert resumed > 0
    field.bursts.clear()
    field.carry(updater, field.hello())
    assert updater.state == const.PROGRESS_CHECKED
    size = (field.data / "updates" / f"{NODE}.amu").stat().st_size
    assert sum(field.bursts) <= -(-(size - resumed) // PART_BYTES) + 2


def test_lost_parts_are_asked_for_again(field):
    field.offer(image_of(2))
    updater, luck = field.boot(), random.Random(1)

    def lossy(chunks):
        return [chunk for chunk in chunks if luck.random() > 0.2]

    answer, field.says = field.says, None
    field.says = lambda *values: lossy(answer(*values)) or answer(*values)
    field.carry(updater, field.hello())
    assert updater.state == const.PROGRESS_CHECKED


@pytest.mark.parametrize("firmware", [2, 3, 60_000])
def test_what_is_not_newer_is_not_offered(field, firmware):
    field.offer(image_of(2))
    assert field.hello(firmware) == []
    assert field.says(Health(0, 10, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, firmware, 0)) == []


def test_a_health_is_answered_as_well(field):
    field.offer(image_of(2))
    assert len(field.says(Health(0, 10, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0))) == 1


def test_without_an_image_nothing_is_sent(field):
    assert field.hello() == []
    assert field.says(Progress(0, 10, 2, 0, 0)) == []


@pytest.mark.parametrize("flags", [SEEN, BRIDGE, SEEN | BRIDGE])
def test_a_repeat_and_a_node_behind_the_bridge_get_nothing(field, flags):
    field.offer(image_of(2))
    assert field.hello(flags=flags) == []


@pytest.mark.parametrize("start", [0, 10_000_000, (1 << 24) - 1])
def test_an_offset_beyond_the_end_is_answered_by_nothing(field, start):
    field.offer(image_of(2))
    assert (field.says(Progress(0, 10, 2, start, 0)) == []) == (start > 0)


@pytest.mark.parametrize(
    "content", [b"", b"AMU1", b"AMU2" + b"x" * 100, b"AMU1" + b"x" * 2_000_001]
)
def test_what_is_no_image_is_told_and_not_sent(field, content):
    field.offer(content)
    assert field.hello() == []
    assert "update_unreadable" in field.kinds()


LIES = {
    "another key": lambda image: image_of(2, b"t" * 16),
    "another generation": lambda image: image_of(2, generation=GENERATION + 1),
    "a changed byte": lambda image: image[:100] + bytes([image[100] ^ 1]) + image[101:],
    "another release number": lambda image: image[:4] + b"\x09\x00" + image[6:],
    "no MAC": lambda image: image[:-16] + bytes(16),
    "an older release": lambda image: image_of(1),
    "a path that climbs": lambda image: image.replace(
        b"amont_wire/const.mpy", b"../../x/y/aa.mpy"
    ),
    "more after its end": lambda image: image + b"more",
}


@pytest.mark.parametrize("lie", LIES)
def test_a_hostile_gateway_can_send_no_update_that_the_node_takes(field, lie):
    field.offer(LIES[lie](image_of(2)))
    updater = field.boot()
    for _ in range(TRIES + 2):
        field.carry(updater, field.hello(firmware=0))
    assert updater.state != const.PROGRESS_CHECKED
    assert field.trying() is None
    assert not (field.root / "b" / "release.json").exists()
    assert not (field.root / slots.IMAGE_FILE).exists()


def test_parts_that_are_spoilt_on_the_way_are_refused_at_the_end(field):
    field.offer(image_of(2))
    updater, luck = field.boot(), random.Random(2)

    def spoil(data):
        return data if luck.random() < 0.9 else bytes([data[0] ^ 1]) + data[1:]

    for _ in range(TRIES):
        field.carry(updater, field.hello(), spoil=spoil)
    assert updater.state == const.PROGRESS_REFUSED
    assert field.hello() == [], "it is not offered for ever"
    assert "node_update_refused" in field.kinds()


def test_a_node_that_begins_again_and_again_is_left_alone(field):
    field.offer(image_of(2))
    for _ in range(2 * BACKS):
        field.says(Progress(0, 10, 2, 176, const.PROGRESS_WANTS))
        field.says(Progress(0, 10, 2, 0, const.PROGRESS_WANTS))
    assert len(field.bursts) == 2 * BACKS - 1
    assert "node_update_refused" in field.kinds()


def test_a_new_image_is_offered_after_a_refused_one(field):
    field.offer(image_of(2))
    for _ in range(TRIES):
        field.says(Progress(0, 10, 2, 0, const.PROGRESS_REFUSED))
    assert field.hello() == []
    field.offer(image_of(3))
    assert len(field.hello()) == 1


def test_a_node_that_runs_it_is_told_to_people(field):
    field.offer(image_of(2))
    assert field.says(Progress(0, 10, 2, 0, const.PROGRESS_RUNNING)) == []
    assert field.kinds() == ["node_updated"]


def test_through_the_guard_s_own_seals_a_release_arrives(tmp_path):
    guarded = Guarded(tmp_path)
    field = Field(tmp_path)
    number, now_s = guarded.node.number, guarded.clock.monotonic_s()
    secret = bytes([number]) * 16
    image = air_image(release_of(2), secret, number, 1)
    (field.data / "updates" / f"{number}.amu").write_bytes(image)
    updater = Updater(slots.Boot(str(field.root)), secret, (number, 1), lambda: None)
    report = Hello(1, 5000, 1, 1, 1, 1, [1])
    for _ in range(100):
        field.chunks = []
        field.updates.opened(guarded.hears(report).opened)
        wire = messages.encode_update(field.chunks)
        sealed = guarded.intake.update(messages.decode_update(wire), now_s)
        for part in guarded.opened(sealed):
            updater.take(part.version, part.offset, part.data, field.now_ms)
        field.now_ms += QUIET_MS
        if not updater.asks(field.now_ms):
            break
        report = Progress(1, 5000, updater.release, updater.next, updater.state)
        if updater.state == const.PROGRESS_CHECKED:
            break
    assert updater.state == const.PROGRESS_CHECKED
    assert field.trying() == "b"
    assert guarded.counters["update not asked for"] == 0


def test_the_image_says_what_was_signed_and_nothing_more():
    release = release_of(2)
    image = air_image(release, SECRET, NODE, GENERATION)
    assert release.manifest in image
    assert SECRET not in image
    assert json.loads(release.manifest)["release"] == int.from_bytes(image[4:6], "little")
