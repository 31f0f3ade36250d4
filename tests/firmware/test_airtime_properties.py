"""Whatever happens to a node: no sliding hour over its airtime, and no sample lost for it."""

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.node_life import LIFE, NodeLife

from amont_node import duty as act
from amont_node.config import LoraConfig
from amont_wire import airtime
from amont_wire.airtime import BACKLOG, URGENT, USUAL, Airtime, time_on_air_ms

HOUR_MS = 3_600_000
Sent = list[tuple[int, int]]  # (begin, length), in ms

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 4000)),
        st.tuples(st.just("level"), st.sampled_from((400, 900, 1210, 2600, 3000))),
        st.tuples(st.just("float"), st.just(0)),
        st.tuples(st.just("battery"), st.sampled_from((3000, 2300, 2000))),
        st.tuples(st.just("loss"), st.sampled_from((0.0, 0.2, 1.0))),
        st.tuples(st.just("resend"), st.integers(1, 64)),
        st.tuples(st.just("reports"), st.just(0)),
        st.tuples(st.just("hint"), st.integers(0, 2)),
        st.tuples(st.just("sleep"), st.just(0)),
        st.tuples(st.just("reboot"), st.just(1)),
    ),
    min_size=5,
    max_size=40,
)


def worst_hour_ms(sent: Sent) -> int:
    """Return the most that any 3,600 s hold, by trying each that ends with a frame's end.

    A window with the most in it can be moved until a frame ends at its end, or begins at its
    beginning; both are tried, with frames that only partly lie in it counted in part.
    """
    ends = [begin + length for begin, length in sent] + [begin + HOUR_MS for begin, _ in sent]
    return max((_held_ms(sent, end - HOUR_MS, end) for end in ends), default=0)


def _held_ms(sent: Sent, from_ms: int, to_ms: int) -> int:
    return sum(max(0, min(b + n, to_ms) - max(b, from_ms)) for b, n in sent)


def on_air(frames: Sequence[tuple[int, int]], lora: LoraConfig) -> Sent:
    """Return when (second, bytes) are on the air: one after the other, at the second's end."""
    lengths = [
        time_on_air_ms(n + lora.overhead_bytes, lora.sf, lora.bw_khz, lora.cr, lora.preamble)
        for _, n in frames
    ]
    asked = [(tick_s * 1000 + 999, n) for (tick_s, _), n in zip(frames, lengths, strict=True)]
    return list(accumulate(asked, lambda before, one: (max(sum(before), one[0]), one[1])))


@settings(max_examples=60, deadline=None)
@given(
    sf=st.integers(7, 12),
    permille=st.sampled_from((3, 10, 100)),
    frames=st.lists(
        st.tuples(
            st.sampled_from((0, 0, 0, 1, 5, 59, 60, 61, 600, 3599, 3600, 3601)),
            st.sampled_from((BACKLOG, USUAL, URGENT)),
            st.integers(17, 51),
            st.integers(1, 30),
        ),
        max_size=120,
    ),
)
def test_no_hour_is_over_for_any_requests(sf, permille, frames):
    lora = LoraConfig({"sf": sf})
    air = Airtime(lora, permille, 51)
    tick_s, sent = 0, []
    for wait_s, who, size, times in frames:
        tick_s += wait_s
        for _ in range(times):
            if air.allows(tick_s, who):
                air.sent(tick_s, size, who)
                sent.append((tick_s, size))
    assert worst_hour_ms(on_air(sent, lora)) <= 3600 * permille


def live(steps, sf: int, profile: str | None, seed: int) -> NodeLife:
    """Return the node after it lived through the steps."""
    level = {"mm": 400}
    life = NodeLife(
        {
            "schema": 1, "id": 1 + seed % 60, "generation": 1, "interval_s": 300,
            "fast_interval_s": 20, "high_mark": 1200, "rise_mark": 6, "alarm_mark": 2500,
            "low_mark": 500, "profile": profile, "carrier": {"kind": "radio", "lora": {"sf": sf}},
            "channels": [{"index": 0, "quantity": 1, "probe": {"kind": "constant"}}],
        },
        lambda tick_s: level["mm"] + random.Random(tick_s).randint(-30, 30), seed, 0.1,
    )  # fmt: skip
    for kind, amount in steps:
        if kind == "level":
            level["mm"] = amount
        event = _begin(life, kind, amount)
        life.run(life.tick_s + (amount if kind == "wait" else 60), event)
    return life


def _begin(life: NodeLife, kind: str, amount: float) -> tuple[Any, ...] | None:
    if kind == "loss":
        life.loss = amount
    elif kind == "resend":
        life.duty.delivery.want_range(LIFE, 0, int(amount))
    elif kind == "reports":
        life.duty.delivery.want_health()
        life.duty.delivery.want_progress()
    elif kind == "hint":
        life.duty._sampler.hint(int(amount), life.tick_s)
    elif kind == "sleep":
        life.forget()
    elif kind == "reboot":
        life.reboot(knows=amount == 1)
    return {"float": (act.FLOAT, life.tick_s), "battery": (act.BATTERY, amount)}.get(kind)


@settings(max_examples=40, deadline=None)
@given(
    steps=STEPS, sf=st.integers(8, 12), profile=st.sampled_from((None, "flash-flood")),
    seed=st.integers(0, 1000),
)  # fmt: skip
def test_no_hour_is_over_whatever_happens(steps, sf, profile, seed):
    life = live(steps, sf, profile, seed)
    sent = on_air([(told.tick_s, told.size) for told in life.told], life.config.lora)
    assert worst_hour_ms(sent) <= 36_000
    span = life.spans.get(LIFE)
    for seq in range(len(life.samples)):
        assert seq in life.committed or span.waits(seq)


BUSY = [("loss", 1.0), ("level", 2600), ("wait", 4000), ("level", 1210), ("wait", 4000)] * 3


@pytest.mark.parametrize("sf", [9, 12])
def test_a_busy_node_comes_close_to_its_budget_and_no_further(sf):
    life = live(BUSY, sf, None, 1)
    sent = on_air([(told.tick_s, told.size) for told in life.told], life.config.lora)
    assert 15_000 < worst_hour_ms(sent) <= 36_000
    assert life.duty.airtime.refused > 0


@pytest.mark.parametrize(("knows", "held"), [(1, True), (0, False)])
def test_reboots_keep_the_hour_and_the_harness_sees_those_that_do_not(knows, held):
    life = live(
        [("level", 2600), ("loss", 1.0), ("wait", 1500), ("reboot", knows)] * 4, 12, None, 1
    )
    sent = on_air([(told.tick_s, told.size) for told in life.told], life.config.lora)
    assert (worst_hour_ms(sent) <= 36_000) is held


def test_the_harness_sees_a_window_that_forgets_too_early(monkeypatch):
    monkeypatch.setattr(airtime, "_KEPT_MINUTES", 30)
    life = live(BUSY, 12, None, 1)
    sent = on_air([(told.tick_s, told.size) for told in life.told], life.config.lora)
    assert worst_hour_ms(sent) > 36_000


def test_what_waited_comes_when_the_air_is_free_again():
    life = live([*BUSY, ("level", 900)], 12, None, 1)
    waiting = life.spans.waiting()
    assert waiting > 100
    life.loss = 0.0
    life.duty._sampler.hint(0, life.tick_s)
    life.run(life.tick_s + 3 * 86_400)
    assert life.spans.waiting() < 10
    assert life.committed >= set(range(len(life.samples) - 10))
