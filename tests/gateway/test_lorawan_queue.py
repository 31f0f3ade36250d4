"""Which downlinks go to a network server: the newest, one at a time, never an old one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_gateway.counters import Counters
from amont_gateway.lorawan_queue import (
    ANSWERABLE,
    DAY_MS,
    FORGET_S,
    FORGET_UPLINKS,
    URGENT_SPACE_MS,
    Downlinks,
    Out,
    Ration,
)
from amont_guard.messages import Opened
from amont_wire import const

NODE = 31
GENERATION = 3
EPOCH = GENERATION << 12 | 7


class Rig:
    def __init__(self, *, replaces: bool = False, ration: Ration | None = None) -> None:
        self.now_s = 1000.0
        self.counters = Counters()
        self.queue = Downlinks(self.counters, lambda: self.now_s, replaces=replaces, ration=ration)
        self.sealed = 0

    def hear(self, counter: int, kind: int = const.SAMPLES, epoch: int = EPOCH) -> None:
        self.queue.heard(Opened(1, NODE, epoch, counter, kind, 0, 0, 0, 0, 0, b""))

    def frame(self, kind: int = const.ACK) -> bytes:
        self.sealed += 1
        return bytes([16 | kind, NODE, 0]) + self.sealed.to_bytes(4, "little") + bytes(9)

    def offer(self, *kinds: int) -> list[tuple[int, int]]:
        """Offer a batch; return type and counter of what is published."""
        return [told(out) for out in self.queue.offer([(NODE, self.frame(k)) for k in kinds])]

    def count(self, name: str) -> int:
        return self.counters.snapshot().get(f"lorawan_{name}", 0)


def told(out: Out | None) -> tuple[int, int]:
    assert out is not None
    return out.frame[0] & 15, int.from_bytes(out.frame[3:7], "little")


def test_each_uplink_gets_one_answer() -> None:
    rig = Rig(replaces=True)
    rig.hear(1)
    assert rig.offer(const.ACK) == [(const.ACK, 1)]
    assert rig.offer(const.ACK) == []
    assert rig.count("downlinks_not_due") == 1
    rig.hear(2)
    assert rig.offer(const.ACK) == [(const.ACK, 3)]


def test_one_waits_at_chirpstack_and_only_the_newest_follows_it() -> None:
    rig = Rig()
    rig.hear(1)
    (first,) = rig.queue.offer([(NODE, rig.frame())])
    for counter in (2, 3, 4):
        rig.hear(counter)
        assert rig.offer(const.ACK) == []
    assert rig.count("downlinks_replaced") == 2
    assert rig.queue.gone(NODE, "of another") is None
    second = rig.queue.gone(NODE, first.name)
    assert told(second) == (const.ACK, 4)
    assert second is not None
    assert rig.queue.gone(NODE, first.name) is None
    assert rig.queue.gone(NODE, second.name) is None


def test_configuration_goes_before_acknowledgements_and_these_come_again() -> None:
    rig = Rig()
    rig.hear(1)
    assert rig.offer(const.ACK, const.CONFIG) == [(const.CONFIG, 2)]
    rig.hear(2)
    rig.offer(const.CONFIG)
    rig.hear(3)
    rig.offer(const.ACK)
    rig.queue.joined(NODE)
    rig.hear(4)
    assert rig.offer(const.ACK) == [(const.CONFIG, 3)]


def test_an_answer_to_an_urgent_frame_goes_before_configuration() -> None:
    rig = Rig()
    rig.hear(1)
    (first,) = rig.queue.offer([(NODE, rig.frame())])
    rig.hear(2)
    rig.offer(const.CONFIG)
    rig.hear(3, const.URGENT)
    rig.offer(const.ACK)
    out = rig.queue.gone(NODE, first.name)
    assert told(out) == (const.ACK, 3)
    assert out is not None
    assert out.urgent


def test_updates_never_go_this_way() -> None:
    rig = Rig()
    rig.hear(1)
    assert rig.offer(const.UPDATE, const.UPDATE) == []
    assert rig.count("updates_refused") == 2


def test_what_no_longer_answers_one_of_the_last_counters_is_not_sent() -> None:
    rig = Rig()
    rig.hear(1)
    (first,) = rig.queue.offer([(NODE, rig.frame())])
    rig.hear(2)
    rig.offer(const.ACK)
    for counter in range(3, 3 + ANSWERABLE):
        rig.hear(counter)
    assert rig.queue.gone(NODE, first.name) is None
    assert rig.count("downlinks_stale") == 1


def test_a_server_that_never_tells_is_believed_to_have_sent_after_a_while() -> None:
    rig = Rig()
    rig.hear(1)
    assert rig.offer(const.ACK) == [(const.ACK, 1)]
    for counter in range(2, 2 + FORGET_UPLINKS):
        rig.hear(counter)
        assert rig.offer(const.ACK) == []
    rig.now_s += FORGET_S
    rig.hear(FORGET_UPLINKS + 2)
    assert rig.offer(const.ACK) == [(const.ACK, FORGET_UPLINKS + 2)]
    assert rig.count("downlinks_untold") == 1


def test_a_server_that_is_still_at_older_ones_gets_no_more() -> None:
    rig = Rig()
    rig.hear(1)
    rig.offer(const.ACK)
    for counter in range(2, 9):
        rig.now_s += FORGET_S
        assert rig.queue.gone(NODE, "an older one") is None
        rig.hear(counter)
        assert rig.offer(const.ACK) == []


def test_a_new_session_empties_the_servers_queue() -> None:
    rig = Rig()
    rig.hear(1)
    rig.offer(const.ACK)
    rig.queue.joined(NODE)
    rig.queue.joined(99)
    rig.hear(2)
    assert rig.offer(const.ACK) == [(const.ACK, 2)]


def test_what_was_published_on_a_lost_connection_holds_nothing_up() -> None:
    rig = Rig()
    rig.hear(1)
    rig.offer(const.ACK)
    rig.queue.reconnected()
    rig.hear(2)
    assert rig.offer(const.ACK) == [(const.ACK, 2)]


def test_a_week_sent_again_gets_no_answer() -> None:
    rig = Rig(replaces=True)
    rig.hear(700)
    assert rig.offer(const.ACK) == [(const.ACK, 1)]
    for counter in range(20, 693):
        rig.hear(counter)
        assert rig.offer(const.ACK) == []
    assert rig.count("late") == 692 - 20 + 1
    rig.hear(694)  # the node may still wait for this one
    assert len(rig.offer(const.ACK)) == 1


def test_a_week_sent_again_after_a_restart_does_not_fill_chirpstacks_queue() -> None:
    rig = Rig()
    published = 0
    for counter in range(20, 693):
        rig.hear(counter)
        published += len(rig.offer(const.ACK))
    assert published == 1


def test_a_new_key_generation_counts_from_one_again_and_the_old_is_over() -> None:
    rig = Rig(replaces=True)
    rig.hear(900)
    rig.offer(const.ACK)
    rig.hear(1, epoch=(GENERATION + 1) << 12)
    assert len(rig.offer(const.ACK)) == 1
    rig.hear(901)
    assert rig.offer(const.ACK) == []


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


def day_of(ration: Ration, clock: Clock, step_ms: int, first: bool = False) -> int:
    taken = 0
    for _ in range(DAY_MS // step_ms):
        taken += ration.take(NODE, first)
        clock.now_ms += step_ms
    return taken


def test_a_ration_is_spread_over_the_day(tmp_path: Path, clock: Clock) -> None:
    ration = Ration(8, tmp_path / "ration.json", clock)
    assert day_of(ration, clock, 900_000) == 6
    assert day_of(ration, clock, 900_000) == 6


def test_a_part_is_kept_for_urgent_frames(tmp_path: Path, clock: Clock) -> None:
    ration = Ration(8, tmp_path / "ration.json", clock)
    for _ in range(6):
        assert ration.take(NODE, first=False)
        clock.now_ms += DAY_MS // 6
    clock.now_ms -= DAY_MS // 6  # the first of them is not yet a day old
    assert not ration.take(NODE, first=True)  # too soon after the last
    for _ in range(2):
        clock.now_ms += URGENT_SPACE_MS
        assert not ration.take(NODE, first=False)
        assert ration.take(NODE, first=True)
    clock.now_ms += URGENT_SPACE_MS
    assert not ration.take(NODE, first=True)


def test_no_restart_forgets_what_was_used(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "ration.json"
    ration = Ration(2, path, clock)
    ration.load()
    assert ration.take(NODE, first=False)
    ration.save()
    ration.save()
    again = Ration(2, path, clock)
    again.load()
    clock.now_ms += URGENT_SPACE_MS
    assert again.take(NODE, first=True)
    clock.now_ms += URGENT_SPACE_MS
    assert not again.take(NODE, first=True)
    for damage in ("", "[]", '{"x": 1}', '{"31": 5}'):
        path.write_text(damage)
        anew = Ration(2, path, clock)
        anew.load()
        assert anew.take(NODE, first=True)
    Ration(2, tmp_path / "nowhere" / "ration.json", clock).save()


def test_a_clock_that_is_put_back_gives_nothing_away(tmp_path: Path, clock: Clock) -> None:
    ration = Ration(1, tmp_path / "ration.json", clock)
    assert ration.take(NODE, first=True)
    clock.now_ms -= 30 * DAY_MS
    assert not ration.take(NODE, first=True)
    clock.now_ms += DAY_MS
    assert ration.take(NODE, first=True)


def test_what_is_held_back_is_counted_and_a_later_one_goes(tmp_path: Path, clock: Clock) -> None:
    rig = Rig(replaces=True, ration=Ration(8, tmp_path / "ration.json", clock))
    sent = 0
    for counter in range(1, 97):
        rig.hear(counter)
        sent += len(rig.offer(const.ACK))
        clock.now_ms += 900_000
    assert (sent, rig.count("downlinks_held_back")) == (6, 90)


@given(
    a_day=st.integers(1, 30),
    asked=st.lists(st.tuples(st.integers(0, 7_200), st.booleans()), max_size=200),
)
@settings(max_examples=40, deadline=None)
def test_no_24_hours_hold_more_than_the_ration(
    a_day: int, asked: list[tuple[int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock = Clock()
    ration = Ration(a_day, tmp_path_factory.getbasetemp() / "never.json", clock)
    taken = []
    for wait_s, first in asked:
        clock.now_ms += wait_s * 1000
        if ration.take(NODE, first):
            taken.append(clock.now_ms)
    for i, at_ms in enumerate(taken):
        assert sum(at_ms <= later < at_ms + DAY_MS for later in taken[i:]) <= a_day
