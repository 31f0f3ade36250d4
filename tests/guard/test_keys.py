"""Keys, replay windows, and downlink counters that are on the disk before they are used."""

import json

import pytest
from tests.guard.rig import SECRETS, SimNode, write_site
from tests.guard.rig import FakeClock as Clock

from amont_guard.keys import BLOCK, Keyring, NotReserved, UnknownNode
from amont_wire.const import DOWNLINK
from amont_wire.counters import NEW, SEEN
from amont_wire.errors import Forged
from amont_wire.frame import Opener
from amont_wire.messages import Ack

BODY = Ack(1, 1, 1, 0, 0, 0, 0).encode()


class Disk:
    """Writes at once, or keeps what it was given."""

    def __init__(self, works=True):
        self.works, self.writes = works, 0

    def put(self, path, content, done):
        self.writes += 1
        if self.works:
            path.write_bytes(content)
            if done:
                done()


def ring(folder, disk=None, windows=None):
    made = Keyring(folder, (disk or Disk()).put)
    made.restore_windows(windows or {})
    made.reserve()
    return made


def counter_of(frame):
    return Opener(SECRETS[17], 17, 1, DOWNLINK).open(frame)[0].counter


@pytest.fixture
def folder(tmp_path):
    write_site(tmp_path)
    return tmp_path


def test_no_counter_is_used_twice_over_200_restarts(folder):
    used = set()
    for number in range(200):
        made = ring(folder)
        for _ in range(number % 5 * 35):
            counter = counter_of(made.seal(17, Ack.TYPE, BODY))
            assert counter not in used
            used.add(counter)
    assert len(used) > 10_000


def test_what_is_not_on_the_disk_is_not_used(folder):
    disk = Disk(works=False)
    made = ring(folder, disk)
    with pytest.raises(NotReserved):
        made.seal(17, Ack.TYPE, BODY)
    disk.works = True
    made.reserve()
    assert counter_of(made.seal(17, Ack.TYPE, BODY)) == 1


def test_a_block_runs_out_if_the_next_is_never_stored(folder):
    disk = Disk()
    made = ring(folder, disk)
    disk.works = False
    for _ in range(BLOCK):
        made.seal(17, Ack.TYPE, BODY)
    for _ in range(3):
        with pytest.raises(NotReserved):
            made.seal(17, Ack.TYPE, BODY)
    assert disk.writes < 10


def test_writes_are_few(folder):
    disk = Disk()
    made = ring(folder, disk)
    for _ in range(1000):
        made.seal(17, Ack.TYPE, BODY)
    assert disk.writes <= 2 + 1000 // BLOCK + 1


BAD_COUNTERS = ["", "{", "[]", '{"format":1}', '{"format":1,"reserved":{"a":"b"}}']
BAD_WINDOWS = [{"17/1": 5}, {"17/1": [1]}, {"17/1": ["x", "1"]}, {"17/1": [-1, "0"]}]
BAD_KEYS = [None, "{", '{"format":2}', '{"format":1}', '{"format":1,"nodes":[]}', "[" * 99_999]


@pytest.mark.parametrize("text", BAD_COUNTERS)
def test_damaged_counters_seal_nothing_and_are_left_alone(folder, text):
    (folder / "counters.json").write_text(text)
    made = ring(folder)
    assert any("counters.json" in fault for fault in made.faults)
    with pytest.raises(NotReserved):
        made.seal(17, Ack.TYPE, BODY)
    assert (folder / "counters.json").read_text() == text


def test_a_node_without_key_gets_no_downlink(folder):
    with pytest.raises(NotReserved):
        ring(folder).seal(999, Ack.TYPE, BODY)


def test_lost_counters_of_a_node_that_was_heard_are_refused(folder):
    made = ring(folder, windows={"17/1": [5, "3"]})
    assert any("17/1" in fault for fault in made.faults)
    with pytest.raises(NotReserved):
        made.seal(17, Ack.TYPE, BODY)
    assert made.seal(18, Ack.TYPE, BODY)


def test_windows_go_round(folder):
    made = ring(folder)
    node = SimNode(17, Clock())
    header, _body, generation = made.open(node.frame(1))
    assert made.take(17, generation, header.counter) == NEW
    again = Keyring(folder, Disk().put)
    again.restore_windows(made.windows())
    assert again.take(17, generation, header.counter) == SEEN
    assert again.nodes() == [17, 18, 30]


@pytest.mark.parametrize("bad", BAD_WINDOWS)
def test_bad_windows_are_refused(folder, bad):
    with pytest.raises((ValueError, TypeError)):
        Keyring(folder, Disk().put).restore_windows(bad)


def test_unknown_node_and_wrong_key(folder):
    made = ring(folder)
    stranger = SimNode(31, Clock())
    with pytest.raises(UnknownNode):
        made.open(stranger.frame(1))
    frame = bytearray(SimNode(17, Clock()).frame(1))
    frame[1] = 18
    with pytest.raises(Forged):
        made.open(bytes(frame))


def test_open_key_file_is_closed_and_told(folder):
    (folder / "keys.json").chmod(0o644)
    made = ring(folder)
    assert (folder / "keys.json").stat().st_mode & 0o777 == 0o600
    assert any("read by others" in fault for fault in made.faults)
    assert made.nodes() == [17, 18, 30]


@pytest.mark.parametrize("text", BAD_KEYS)
def test_unreadable_keys_open_nothing_and_are_told(folder, text):
    (folder / "keys.json").unlink()
    if text is not None:
        (folder / "keys.json").write_text(text)
        (folder / "keys.json").chmod(0o600)
    made = ring(folder)
    assert made.nodes() == []
    assert any("keys.json" in fault for fault in made.faults)


@pytest.mark.parametrize(
    "entry",
    [
        5, {}, {"generation": 1}, {"generation": 0, "secret": "00" * 16},
        {"generation": 1, "secret": "00"}, {"generation": 1, "secret": "zz" * 16},
        {"generation": 1, "secret": "00" * 16, "previous": {"generation": "1"}},
    ],
)  # fmt: skip
def test_one_bad_key_costs_only_its_node(folder, entry):
    keys = json.loads((folder / "keys.json").read_text())
    keys["nodes"]["17"] = entry
    (folder / "keys.json").write_text(json.dumps(keys))
    made = ring(folder)
    assert made.nodes() == [18, 30]
    assert any("node 17" in fault for fault in made.faults)


def test_a_repeat_of_the_elder_generation_does_not_take_the_answers_back(folder):
    keys = json.loads((folder / "keys.json").read_text())
    elder = keys["nodes"]["17"]
    keys["nodes"]["17"] = {"generation": 2, "secret": SECRETS[17].hex(), "previous": elder}
    (folder / "keys.json").write_text(json.dumps(keys))
    made = ring(folder)
    recorded = SimNode(17, Clock()).frame(300)
    for frame in (recorded, SimNode(17, Clock(), generation=2).frame(300), recorded):
        header, _, generation = made.open(frame)
        made.take(17, generation, header.counter)
    answer = made.seal(17, Ack.TYPE, BODY)
    assert Opener(SECRETS[17], 17, 2, DOWNLINK).open(answer)[0].counter
