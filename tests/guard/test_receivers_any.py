"""Whatever happens to two bridges, in any order: what is good is heard once, and nothing waits."""

import threading
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.guard.rig import Line
from tests.guard.test_receivers import NAMES, Desk, config, identity, received, status

from amont_guard.hearings import SAME_S
from amont_guard.ports import Board
from amont_guard.receivers import Receivers
from amont_guard.writer import Worker
from amont_wire import link
from amont_wire.link import ROLE_NONE

at = st.integers(0, 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("frame"), st.sets(at, min_size=1).map(sorted)),
        st.tuples(st.just("noise"), at, st.binary(min_size=1, max_size=600)),
        st.tuples(st.just("line"), at, st.integers(1, 20)),  # kB without a zero
        st.tuples(st.just("unplug"), at),
        st.tuples(st.just("plug in"), at),
        st.tuples(st.just("reset"), at),
        st.tuples(st.just("says"), at, st.binary(min_size=1, max_size=40)),
        st.tuples(st.just("wait"), st.integers(1, 400)),
    ),
    max_size=14,
)


class Story:
    """Two bridges, what happens to them, and what must have been heard."""

    def __init__(self):
        self.desk, self.number = Desk(2), 0

    def there(self, at):
        return self.desk.lines[at].name is not None

    def settle(self):
        for _ in range(2):  # one that said nothing for long is opened again
            self.desk.turn(3)
            self.desk.now_s += SAME_S
        self.desk.turn(3)

    def frame(self, hearers):
        self.number += 1
        self.settle()
        heard, hearers = [], [at for at in hearers if self.there(at)]
        for at in hearers:
            self.desk.lines[at].write(b"\0")  # whatever stood on the line ends here
            heard += self.desk.says(at, received(self.number))
        wanted = [received(self.number).frame] if hearers else []
        assert [h.frame for h in heard] == wanted

    def noise(self, at, data):
        if self.there(at):
            self.desk.lines[at].write(data)
            self.desk.turn()

    def line(self, at, kilobytes):
        for _ in range(kilobytes):
            self.noise(at, b"\x07" * 1024)

    def says(self, at, payload):
        self.noise(at, b"\0" + link.pack(payload))

    def reset(self, at):
        if self.there(at):
            self.desk.lines[at].write(b"\0")
            self.desk.says(at, identity(ROLE_NONE, unique=bytes([at + 1]) * 8), status(5))

    def unplug(self, at):
        if self.there(at):
            self.desk.unplug(at)

    def plug_in(self, at):
        if not self.there(at):
            self.desk.plug_in(at)

    def wait(self, seconds):
        self.desk.now_s += seconds
        self.settle()

    def end(self):
        there = [self.there(at) for at in range(2)]
        shown = self.desk.receivers.show(self.desk.now_s)
        assert [row["connected"] for row in shown] == there
        self.desk.now_s += 2
        self.desk.turn(3)
        absent = {name for _, name, code in self.desk.faults() if code == "absent"}
        assert absent == {
            name for name, is_there in zip(NAMES, there, strict=False) if not is_there
        }
        self.desk.close()


@given(steps)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_good_is_heard_once_whatever_happens(happens):
    story = Story()
    try:
        for what, *how in happens:
            getattr(story, what.replace(" ", "_"))(*how)
        for hearers in ([0], [1], [1, 0]):
            story.frame(hearers)
    finally:
        story.end()


def test_a_board_that_hangs_while_it_is_looked_for_holds_up_nobody():
    """The second port is never found: its thread waits; the first one is heard all the same."""
    line, free, looking = Line(in_process=True), threading.Event(), threading.Event()

    def boards():
        if looking.is_set():
            free.wait(60)
        looking.set()
        return [Board(line.name, 0x2E8A, 5, "E66A")]

    clock = [0.0]
    made = Receivers(
        config(NAMES[:2]), Counter(), boards, lambda: Worker().submit, lambda: clock[0]
    )
    first, second = made.all
    first.poll(0.0, 0.0)
    assert looking.wait(20)
    pause = threading.Event()
    for _ in range(20_000):
        first.poll(0.0, 0.0)
        if first.port.connected or pause.wait(0.001):
            break
    for number in range(1, 8):
        clock[0] = float(number)
        made.poll(clock[0])
        line.put(received(number).frame)
        assert [h.frame for h in made.hear([first], clock[0])] == [received(number).frame]
    assert second.port.error == "opening it takes long"
    free.set()
    made.close()
    line.close()
