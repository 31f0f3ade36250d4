"""Keys, replay windows, and downlink counters that are on the disk before they are used."""

import contextlib
import json

import pytest
from tests.guard.rig import SECRETS, SimNode, write_site
from tests.guard.rig import FakeClock as Clock

from amont_guard.keys import BLOCK, PACE_S, START, Keyring, NotReserved, UnknownNode
from amont_wire.const import COUNTER_MAX, DOWNLINK
from amont_wire.counters import NEW, SEEN
from amont_wire.errors import CounterExhausted, Forged
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


def ring(folder, disk=None, windows=None, clock=None):
    made = Keyring(folder, (disk or Disk()).put, (clock or Clock()).monotonic_s)
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
        for _ in range(number % 5 * 32):
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
    for _ in range(START):
        made.seal(17, Ack.TYPE, BODY)
    for _ in range(3):
        with pytest.raises(NotReserved):
            made.seal(17, Ack.TYPE, BODY)
    assert disk.writes < 10


def test_writes_are_few(folder):
    disk, clock = Disk(), Clock()
    made = ring(folder, disk, clock=clock)
    for _ in range(1000):
        made.seal(17, Ack.TYPE, BODY)
        clock.pass_s(1)
    assert disk.writes <= 2 + 1000 // BLOCK + 1


@pytest.mark.parametrize(("calm_s", "burst"), [(0, 0), (30, 7), (86_400, 15)])
def test_blocks_come_at_a_pace_whatever_is_asked(folder, calm_s, burst):
    """A restore counts on it: 64 a second, and what a calm minute has left."""
    clock, used, asked_s = Clock(), 0, 20
    made = ring(folder, clock=clock)
    clock.pass_s(calm_s)
    for second in range(asked_s):
        for _ in range(6000 if second == 0 else 500):
            with contextlib.suppress(NotReserved):
                made.seal(17, Ack.TYPE, BODY)
                used += 1
        assert used <= START + BLOCK * (burst + 1 + second // PACE_S)
        clock.pass_s(1)
    assert used >= BLOCK * (burst + asked_s / PACE_S - 1)
    stored = json.loads((folder / "counters.json").read_text())["reserved"]["17/1"]
    assert stored <= used + BLOCK


def test_a_key_whose_counters_are_all_used_seals_nothing_and_is_a_fault(folder):
    for last in (COUNTER_MAX, COUNTER_MAX - 1):
        text = json.dumps({"format": 1, "reserved": {"17/1": last}})
        (folder / "counters.json").write_text(text)
        made = ring(folder)
        if last < COUNTER_MAX:
            assert counter_of(made.seal(17, Ack.TYPE, BODY)) == COUNTER_MAX
        else:
            assert "enrol node 17 again" in " ".join(made.faults)
        with pytest.raises(CounterExhausted):
            made.seal(17, Ack.TYPE, BODY)
        assert made.nodes() == [17, 18, 30]
        stored = json.loads((folder / "counters.json").read_text())["reserved"]["17/1"]
        assert stored == COUNTER_MAX


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
    again = ring(folder)
    again.restore_windows(made.windows())
    assert again.take(17, generation, header.counter) == SEEN
    assert again.nodes() == [17, 18, 30]


@pytest.mark.parametrize("bad", BAD_WINDOWS)
def test_bad_windows_are_refused(folder, bad):
    with pytest.raises((ValueError, TypeError)):
        ring(folder).restore_windows(bad)


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


def write_keys(folder, nodes):
    (folder / "keys.json").write_text(json.dumps({"format": 1, "nodes": nodes}))
    (folder / "keys.json").chmod(0o600)


def now(job):
    job()


@pytest.fixture
def nodes(folder):
    return json.loads((folder / "keys.json").read_text())["nodes"]


def test_a_new_node_is_heard_and_answered_without_a_restart(folder, nodes):
    made = ring(folder)
    stranger = SimNode(31, Clock())
    frame = stranger.frame(1)
    write_keys(folder, {**nodes, "31": {"generation": 1, "secret": (bytes([31]) * 16).hex()}})
    made.refresh(now)
    with pytest.raises(UnknownNode):
        made.open(frame)  # read by now, but the loop takes it at its next look
    made.refresh(now)
    assert made.open(frame)[0].node == 31
    answer = made.seal(31, Ack.TYPE, BODY)
    assert stranger.opener.open(answer)[0].counter == 1
    reserved = json.loads((folder / "counters.json").read_text())["reserved"]
    assert reserved["31/1"] >= 1  # on the disk before it was used


def test_a_removed_key_is_revoked_and_the_others_keep_windows_and_counters(folder, nodes):
    made = ring(folder)
    kept, gone = SimNode(17, Clock()), SimNode(18, Clock())
    header, _, generation = made.open(kept.frame(1))
    made.take(17, generation, header.counter)
    used = counter_of(made.seal(17, Ack.TYPE, BODY))
    del nodes["18"]
    write_keys(folder, nodes)
    made.refresh(now)
    made.refresh(now)
    with pytest.raises(UnknownNode):
        made.open(gone.frame(1))
    with pytest.raises(NotReserved):
        made.seal(18, Ack.TYPE, BODY)
    assert made.take(17, generation, header.counter) == SEEN
    assert counter_of(made.seal(17, Ack.TYPE, BODY)) == used + 1
    assert "18/1" not in made.windows()


def test_a_key_that_comes_back_uses_no_counter_again(folder, nodes):
    made = ring(folder)
    used = {counter_of(made.seal(17, Ack.TYPE, BODY)) for _ in range(10)}
    for entries in ({}, nodes):
        write_keys(folder, entries)
        made.refresh(now)
        made.refresh(now)
    assert counter_of(made.seal(17, Ack.TYPE, BODY)) not in used


@pytest.mark.parametrize("text", BAD_KEYS)
def test_keys_that_can_no_longer_be_read_stay_in_force_with_a_fault(folder, nodes, text):
    made = ring(folder)
    whole = (folder / "keys.json").read_text()
    (folder / "keys.json").unlink()
    if text is not None:
        (folder / "keys.json").write_text(text)
        (folder / "keys.json").chmod(0o600)
    for _ in range(3):
        made.refresh(now)
        assert made.nodes() == [17, 18, 30]
    assert len(made.faults) == 1
    assert "keys.json" in made.faults[0]
    (folder / "keys.json").write_text(whole)
    (folder / "keys.json").chmod(0o600)
    made.refresh(now)
    made.refresh(now)
    assert made.faults == []
    assert made.nodes() == [17, 18, 30]


def test_one_entry_that_breaks_costs_nothing_that_was_good(folder, nodes):
    made = ring(folder)
    write_keys(folder, {**nodes, "17": {"generation": 1, "secret": "00"}, "x": 5})
    made.refresh(now)
    made.refresh(now)
    assert made.nodes() == [17, 18, 30]
    assert [fault.split(": ")[1] for fault in made.faults] == ["node 17", "node x"]
    assert made.open(SimNode(17, Clock()).frame(1))[0].node == 17


def test_a_renewal_while_running_goes_through_its_three_states(folder, nodes):
    made, clock, new = ring(folder), Clock(), bytes(range(16))
    old_node = SimNode(17, clock)
    elder = nodes["17"]
    nodes["17"] = {"generation": 2, "secret": new.hex(), "previous": elder}
    write_keys(folder, nodes)
    made.refresh(now)
    made.refresh(now)
    assert counter_of(made.seal(17, Ack.TYPE, BODY))  # still as the board lives
    header, _, generation = made.open(old_node.frame(1))
    assert (header.node, generation) == (17, 1)
    del nodes["17"]["previous"]
    write_keys(folder, nodes)
    made.refresh(now)
    made.refresh(now)
    answer = made.seal(17, Ack.TYPE, BODY)
    assert Opener(new, 17, 2, DOWNLINK).open(answer)[0].counter
    with pytest.raises(Forged):
        made.open(old_node.frame(1))


def test_an_unchanged_file_is_not_read_again(folder, monkeypatch):
    made = ring(folder)
    monkeypatch.setattr("amont_guard.keys.read_json", None)  # then a look would be a fault
    for _ in range(3):
        made.refresh(now)
    assert made.faults == []


def test_lost_counters_stay_lost_when_keys_change(folder, nodes):
    made = ring(folder, windows={"17/1": [5, "3"]})
    write_keys(folder, {**nodes, "31": nodes["18"]})
    made.refresh(now)
    made.refresh(now)
    assert made.nodes() == [17, 18, 30, 31]
    with pytest.raises(NotReserved):
        made.seal(17, Ack.TYPE, BODY)
    assert any("17/1" in fault for fault in made.faults)
