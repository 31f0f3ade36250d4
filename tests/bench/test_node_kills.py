"""Nodes killed at work lose nothing; and the comparison would notice if they did."""

import sqlite3

import pytest
from tests.bench.node_kill_rig import NODES, NodeKillRig
from tests.bench.node_record import Flash, WireRecord, compare, level_at
from tests.gateway.site_files import secret_of

from amont_gateway.readings import pack_channels
from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Sealer
from amont_wire.messages import Channel, Samples

NODE = 1


@pytest.mark.servers
@pytest.mark.micropython
@pytest.mark.timeout(240)  # twelve seconds on an idle machine
def test_kills_of_nodes_lose_nothing(tmp_path):
    rig = NodeKillRig(tmp_path, seed=1)
    outcome = rig.run({"bridge": 6, "mqtt": 6})
    verdict = outcome.verdict
    assert verdict.sampled > 4 * 120  # the histories and more
    assert (verdict.lost, verdict.kept, verdict.twice, verdict.wrong) == (0, 0, 0, 0)
    assert verdict.reused == 0
    assert outcome.stuck == 0
    assert outcome.in_boot > 0
    assert outcome.waiting > 0
    assert all(len(lives) == 1 for lives in rig.flashes.values())
    assert_notices_a_missing_row(rig)


def assert_notices_a_missing_row(rig):
    """Take one reading of each node out of the real journal."""
    connection = sqlite3.connect(rig.journal)
    for number, node in enumerate([n for nodes in NODES.values() for n in nodes], start=1):
        with connection:
            connection.execute("DELETE FROM sample WHERE node = ? AND seq = 40", (node,))
        assert compare(rig.journal, rig.record, rig.flashes).lost == number
    connection.close()


class Small:
    """Ten readings of one node: what it sent, and a journal that has them all."""

    def __init__(self, folder):
        self.journal = folder / "journal.db"
        self.wire = WireRecord({NODE: secret_of(NODE)})
        self.flashes = {NODE: [Flash(0, 10, 9, 0)]}
        self.counter = 0
        self.send(self.seal([level_at(NODE, i) for i in range(10)]))
        self.change("CREATE TABLE sample(node, epoch, seq, channels)")
        for seq in range(10):
            self.insert(seq, level_at(NODE, seq))

    def seal(self, values, seq=9):
        """Seal readings that end with this one, under the next counter."""
        counter = ReservedCounter(self.counter, lambda _: None)
        sealer = Sealer(secret_of(NODE), NODE, 1, const.UPLINK, counter)
        channel = Channel(0, 3, 1, values, [0] * len(values))
        interval_s = 60 if len(values) > 1 else 0
        message = Samples(0, 60 * seq, seq, 0, interval_s, 0, False, [channel], None)
        return sealer.seal(const.SAMPLES, message.encode())[1]

    def send(self, frame):
        self.wire.note(frame)

    def insert(self, seq, value):
        row = (NODE, 1 << 12, seq, pack_channels([(0, 3, 0, value)]))
        self.change("INSERT INTO sample VALUES (?,?,?,?)", row)

    def change(self, statement, values=()):
        connection = sqlite3.connect(self.journal)
        with connection:
            connection.execute(statement, values)
        connection.close()

    def found(self):
        verdict = compare(self.journal, self.wire, self.flashes)
        return verdict.lost, verdict.kept, verdict.twice, verdict.wrong, verdict.reused


@pytest.fixture
def small(tmp_path):
    made = Small(tmp_path)
    assert made.found() == (0, 0, 0, 0, 0)
    return made


def test_a_missing_row_is_lost_or_kept(small):
    small.change("DELETE FROM sample WHERE seq IN (4, 9)")
    assert small.found() == (2, 0, 0, 0, 0)
    small.flashes = {NODE: [Flash(0, 8, 9, 0)]}
    assert small.found() == (1, 1, 0, 0, 0)


def test_a_reading_that_was_stored_and_never_sent_is_lost(small):
    small.flashes = {NODE: [Flash(0, 11, 10, 0)]}
    assert small.found() == (1, 0, 0, 0, 0)


def test_a_tampered_row_is_wrong(small):
    packed = pack_channels([(0, 3, 0, level_at(NODE, 4) + 1)])
    small.change("UPDATE sample SET channels = ? WHERE seq = 4", (packed,))
    assert small.found() == (0, 0, 0, 1, 0)


def test_a_second_row_counts_twice(small):
    small.insert(4, level_at(NODE, 4))
    lost, _, twice, wrong, _ = small.found()
    assert (lost, wrong) == (0, 0)
    assert twice > 0


def test_one_instant_under_two_numbers_counts_twice(small):
    small.counter = 1
    small.send(small.seal([level_at(NODE, 9)], seq=10))
    small.insert(10, level_at(NODE, 9))
    lost, _, twice, wrong, _ = small.found()
    assert (lost, twice) == (0, 1)
    assert wrong == 1  # nor is it what the probe showed then


def test_a_counter_with_other_bytes_is_noticed_and_a_repetition_is_none(small):
    frame = small.seal([level_at(NODE, i) for i in range(10)])
    small.send(frame)
    assert small.wire.reused == 0
    small.send(frame[:-1] + bytes([frame[-1] ^ 1]))
    assert small.found() == (0, 0, 0, 0, 1)
    small.send(small.seal([level_at(NODE, 9)]))
    assert small.wire.reused == 2


def test_one_number_with_two_values_is_wrong(small):
    small.counter = 1
    small.send(small.seal([level_at(NODE, 9) + 1]))
    assert small.found() == (0, 0, 0, 1, 0)
