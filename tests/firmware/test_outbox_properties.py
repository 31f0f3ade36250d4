"""Whatever is appended, acknowledged, restarted or damaged: what waits is not lost."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amont_node.outbox import RECORD_BYTES, Outbox, Record
from amont_node.spans import Spans

VALUES = st.integers(-(2**31), 2**31 - 1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 12)),
        st.tuples(st.just("ack"), st.integers(0, 40)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("life"), st.just(0)),
    ),
    max_size=25,
)


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp())
    yield path
    shutil.rmtree(path)


def record(life: int, seq: int) -> Record:
    return Record(life, seq, seq * 60, 5, [seq * 1000, 0, -seq, 0], seq % 8)


class Model:
    """What an outbox must know, in plain sets."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder / tempfile.mktemp(dir=""))
        self.box = Outbox(self._folder, 7, 1000)
        self.life = 0
        self.waiting: dict[int, set[int]] = {0: set()}
        self.used: dict[int, int] = {0: 0}

    def append(self, count: int) -> None:
        for _ in range(count):
            seq = self.box.next_seq(self.life)
            assert seq == self.used[self.life]
            self.box.append(record(self.life, seq))
            self.waiting[self.life].add(seq)
            self.used[self.life] += 1

    def ack(self, number: int) -> None:
        bits = number * 37 & 0x1F
        good = number - 1 + bits.bit_length() < self.used[self.life]
        nothing = number == 0 and not bits
        if self.box.ack(self.life, number - 1 if number else None, bits):
            assert good or nothing
            covered = {number + i for i in range(5) if bits >> i & 1} | set(range(number))
            self.waiting[self.life] -= covered
        else:
            assert not good

    def restart(self, _: int) -> None:
        self.box.close()
        self.box = Outbox(self._folder, 7, 1000)
        # Acknowledgements since the last mark may be forgotten: then those samples go out again.
        for life, seqs in self.waiting.items():
            span = self.box.spans.get(life)
            again = {s for s in range(self.used[life]) if span is not None and span.waits(s)}
            assert again >= seqs
            self.waiting[life] = again

    def new_life(self, _: int) -> None:
        if self.used[self.life]:
            self.life += 1
            self.waiting[self.life] = set()
            self.used[self.life] = 0

    def check(self) -> None:
        assert self.box.waiting() == sum(len(seqs) for seqs in self.waiting.values())
        for life, seqs in self.waiting.items():
            found = {r.seq: r for r in self.box.read(life, 0, 10**6)}
            for seq in seqs:
                assert found[seq] == record(life, seq)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_an_outbox_agrees_with_a_plain_model(folder: Path, steps: list[tuple[str, int]]) -> None:
    model = Model(folder)
    acts = {"append": model.append, "ack": model.ack, "restart": model.restart}
    try:
        for name, number in steps:
            acts.get(name, model.new_life)(number)
            model.check()
    finally:
        model.box.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 20 * RECORD_BYTES - 1), mask=st.integers(1, 255))
def test_one_damaged_byte_costs_one_record(folder: Path, at: int, mask: int) -> None:
    path = folder / tempfile.mktemp(dir="")
    box = Outbox(str(path), 30, 10)
    for seq in range(20):
        box.append(record(3, seq))
    box.close()
    segment = path / "00000000.seg"
    data = bytearray(segment.read_bytes())
    data[at] ^= mask
    segment.write_bytes(data)
    again = Outbox(str(path), 30, 10)
    hurt = at // RECORD_BYTES
    assert again.damaged == 1
    assert list(again.read(3, 0, 99)) == [record(3, seq) for seq in range(20) if seq != hurt]
    assert again.next_seq(3) == 20


@settings(max_examples=200, deadline=None)
@given(
    seqs=st.sets(st.integers(0, 60), min_size=1),
    acks=st.lists(st.tuples(st.integers(-1, 60), st.integers(0, 2**20)), max_size=8),
)
def test_spans_agree_with_sets(seqs: set[int], acks: list[tuple[int, int]]) -> None:
    spans = Spans()
    for seq in sorted(seqs):
        spans.add(1, seq)
    waiting = set(seqs)
    for through, bits in acks:
        if spans.ack(1, through if through >= 0 else None, bits):
            waiting -= set(range(through + 1))
            waiting -= {through + 1 + i for i in range(21) if bits >> i & 1}
    span = spans.get(1)
    assert span is not None
    assert {s for s in range(61) if span.waits(s)} == waiting
    assert span.waiting() == len(waiting)
