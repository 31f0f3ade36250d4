"""Noise, torn answers, pulled cables: the right result or a refusal, never a wrong file."""

import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.provisioning.paper_board import PaperBoard, PaperLine, Time, ends_within

from amont_provision.repl import Repl
from amont_provision.repl_asking import Asking
from amont_provision.repl_files import Files, HashedFiles
from amont_provision.repl_flat import FlatFiles
from amont_provision.texts import Refused

OLD, NEW = b"level 1200\n" * 9, bytes(range(256)) + b"\x04>>> OK"
KINDS = [{}, {"pastes": False}, {"pastes": False, "sums": False}]
SPAN_BYTES = 5_000  # a write takes up to 1,700 bytes down and 3,600 up
LIMIT_S = 120  # of the paper's time: three tries, each with one lost step and one entry
EXAMPLES = settings(max_examples=500 if os.environ.get("FULL") else 25)
LOG_LINE = b"\r\nI (1234) wifi: new:<6,0>\r\n"

changes = st.one_of(
    st.integers(1, 255).map(lambda mask: lambda byte: bytes([byte ^ mask])),
    st.just(lambda byte: b""),
    st.sampled_from(
        [b"\x00", b"\x01", b"\x03", b"\x04", b">", b">>> ", LOG_LINE, b"\xff" * 40]
    ).map(lambda more: lambda byte: bytes([byte]) + more),
)
noises = st.dictionaries(st.integers(0, SPAN_BYTES), changes, max_size=12)
bursts = st.tuples(st.integers(0, SPAN_BYTES), st.integers(1, 200), changes).map(
    lambda burst: dict.fromkeys(range(burst[0], burst[0] + burst[1]), burst[2])
)
lines = st.fixed_dictionaries(
    {
        "noise_down": noises | bursts,
        "noise_up": noises | bursts,
        "torn": st.lists(st.integers(1, 64), min_size=1, max_size=4),
    }
)


class Desk:
    """A board with one file, and a client."""

    def __init__(self, kind, line, client=Files):
        self.board, self.time = PaperBoard(**kind), Time()
        self.board.files["x"] = OLD
        self.line = PaperLine(self.board, self.time, **line)
        self.files = client(Repl(self.line, "paper", self.time))
        self.keeps = kind.get("sums", True)  # an old board cannot keep the old file

    def ask(self, call, limit_s=LIMIT_S):
        """Return what comes of a call, or its Refused, which is one line; hold the time."""
        with ends_within(self.time, limit_s):
            try:
                return call()
            except Refused as error:
                refused = error
        assert "\n" not in refused.text("fr") + refused.text("en")
        return refused

    def try_write(self):
        """Write; hold that what is there afterwards is right. Return whether it was done."""
        if self.ask(lambda: self.files.write("x", NEW)) is None:
            assert self.board.files["x"] == NEW
            return True
        assert not self.keeps or self.board.files["x"] in (OLD, NEW)
        return False

    def try_read(self):
        """Read; hold that what comes is right. Return whether it came."""
        found = self.ask(lambda: self.files.read("x"))
        assert found == OLD or isinstance(found, Refused)
        return found == OLD


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(line=lines)
def test_a_write_over_a_noisy_line_is_right_or_refused(kind, line):
    Desk(kind, line).try_write()


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(line=lines)
def test_a_read_over_a_noisy_line_is_right_or_refused(kind, line):
    Desk(kind, line).try_read()


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(line=lines)
def test_a_listing_over_a_noisy_line_is_right_or_refused(kind, line):
    desk = Desk(kind, line)
    found = desk.ask(lambda: desk.files.list(""))
    assert found == Desk(kind, {}).files.list("") or isinstance(found, Refused)


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("change", [lambda byte: b"", lambda byte: bytes([byte ^ 1])])
def test_one_wrong_byte_anywhere_in_the_answers_changes_no_listing(kind, change):
    clean = Desk(kind, {})
    expected = clean.files.list("")
    for position in range(0, clean.line._gone_down, 1 if os.environ.get("FULL") else 4):
        desk = Desk(kind, {"noise_down": {position: change}})
        assert desk.ask(lambda files=desk.files: files.list("")) == expected, position


@pytest.mark.parametrize("kind", KINDS)
@EXAMPLES
@given(line=lines)
def test_removing_over_a_noisy_line_removes_that_file_or_none(kind, line):
    desk = Desk(kind, line)
    desk.board.files["y"] = NEW
    done = desk.ask(lambda: desk.files.remove("x")) is None
    assert desk.board.files["y"] == NEW
    assert desk.board.files.get("x", OLD) == OLD
    assert not (done and "x" in desk.board.files)


@EXAMPLES
@given(line=lines, code=st.sampled_from(["print(6*7)", "1//0", "print('x'*500)"]))
def test_code_over_a_noisy_line_ends_in_its_time(line, code):
    desk = Desk({}, line)
    repl = Repl(desk.line, "paper", desk.time)
    assert isinstance(desk.ask(lambda: repl.exec(code, 5), 30), bytes | Refused)


@EXAMPLES
@given(noise=st.binary(max_size=400), torn=st.integers(1, 9))
@example(noise=b">>> ", torn=1)
@example(noise=b"raw REPL; CTRL-B to exit\r\n>", torn=2)
@example(noise=b"OK\x04\x04>", torn=3)
def test_noise_before_the_prompt_is_passed_over(noise, torn):
    board, time = PaperBoard(deaf=1), Time()
    board._said += noise
    repl = Repl(PaperLine(board, time, torn=[torn]), "paper", time)
    assert repl.exec("print(6*7)", 5) == b"42\r\n"


@pytest.mark.parametrize("kind", KINDS)
def test_a_cable_pulled_at_every_byte_leaves_old_or_new_and_a_way_on(kind):
    whole = Desk(kind, {})
    assert whole.try_write()
    step = 1 if os.environ.get("FULL") else 41
    for cut in range(0, whole.line.carried, step):
        desk = Desk(kind, {"cut": cut})
        with pytest.raises(Refused) as caught:
            desk.files.write("x", NEW)
        assert caught.value.code == "port-pulled", cut
        left = desk.board.files.get("x")
        assert left in (OLD, NEW) or not desk.keeps, cut
        again = Files(Repl(PaperLine(desk.board, desk.time), "paper", desk.time))
        again.write("x", NEW)
        assert desk.board.files == {"x": NEW}, cut


# --- the harness finds clients that trust


class TrustingAsking(Asking):
    def _agrees(self, check, answer):
        return True


class TrustingHashes(HashedFiles):
    def _compare(self, found, expected):
        pass


class TrustingFlat(FlatFiles):
    def _compare(self, name, content):
        pass


class Trusting(Files):
    """A client that takes the board's word for it."""

    def __init__(self, repl):
        super().__init__(repl)
        self._asking = TrustingAsking(repl)

    def _files(self):
        honest = super()._files()
        honest.__class__ = TrustingHashes if isinstance(honest, HashedFiles) else TrustingFlat
        return honest


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_does_not_check_accepts_a_wrong_file(kind):
    """Planted fault: worn flash, which the honest client above finds out."""
    desk = Desk({**kind, "rots": 1}, {}, Trusting)
    with pytest.raises(AssertionError):
        desk.try_write()
    assert Desk({**kind, "rots": 1}, {}).try_write()


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_does_not_check_reads_a_wrong_file(kind):
    """Planted fault: one flipped byte of an answer, at each place in turn."""
    carried = Desk(kind, {})
    carried.files.read("x")
    for position in range(0, carried.line._gone_down, 7):
        flip = {"noise_down": {position: lambda byte: bytes([byte ^ 1])}}
        Desk(kind, flip).try_read()
        try:
            Desk(kind, flip, Trusting).try_read()
        except AssertionError:
            return
    pytest.fail("the harness did not find it")
