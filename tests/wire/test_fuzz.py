import pytest
from tests.wire import fuzz

COUNT = 7_000  # of each: 21,000 mutations; the benchmarks run more


def test_mutated_bodies_frames_and_lines_are_refused_cleanly():
    tally = fuzz.run(COUNT, seed=1)
    for judged in ("body", "frame", "line"):
        assert sum(n for name, n in tally.items() if name.startswith(judged)) == COUNT
    assert tally["body taken"] > COUNT // 10  # so the mutations reach past the head
    assert tally["body Malformed"] > COUNT // 10
    assert tally["frame forged"] > COUNT // 2
    assert tally.get("line misread", 0) < 20


def test_fuzz_notices_a_changed_frame_that_opens():
    class Careless:
        def open(self, frame):
            return frame

    with pytest.raises(AssertionError, match="opened"):
        fuzz.judge_frame(Careless(), b"sealed", b"changed")


def test_fuzz_notices_a_body_that_does_not_come_back(monkeypatch):
    class Other:
        def encode(self):
            return b"\x00"

    monkeypatch.setattr(fuzz.messages, "decode", lambda kind, body: Other())
    with pytest.raises(AssertionError, match="come back"):
        fuzz.judge_body(9, b"\x01")
