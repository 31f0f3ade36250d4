# Delivery where an answer comes with the next frame, or a few times a day: LoRaWAN. In numbers.

import json

from world import LIFE, Flash, Guard, Node, Random, config

from amont_node.delivery import BACKLOG, HELLO, REGULAR, URGENT
from amont_node.duty import Duty
from amont_node.kept import keep, recall
from amont_wire.airtime import URGENT as AIR_URGENT
from amont_wire.airtime import time_on_air_ms

INTERVAL_S = 900
WINDOW_MS = 3000  # after a frame nothing else goes, and at its end what came is there
DAY_S = 86400


# A node over such a network. answers: whether the n-th answer may come down.
class Way:
    def __init__(self, answer_s: int = INTERVAL_S, value=None, answers=None, **settings) -> None:
        self.flash = Flash()
        self.guard = Guard()
        made = self.settings = config(interval_s=INTERVAL_S, fast_interval_s=60, **settings)
        self.node = Node(self.flash, made, 0, value)
        self.node.duty = Duty(made, self.flash.spans, LIFE, 0, 0, answer_s * 1000, True)
        self.answers = answers or (lambda count: True)
        self.hears = lambda count: True
        self.sent: list = []  # (tick_s, kind)
        self.counters: list = []
        self.waiting = None  # the newest answer, at the network server
        self.now_ms = 0
        self._free_ms = 0

    def run(self, seconds: int) -> None:
        step_ms = 1000 if seconds < DAY_S // 24 else 60000
        end_ms = self.now_ms + seconds * 1000
        while self.now_ms < end_ms:
            tick_s = self.now_ms // 1000
            for counter, frame in self.node.wake(
                tick_s, self.now_ms, self.now_ms >= self._free_ms
            ):
                self._uplink(tick_s, counter, frame)
            self.now_ms += step_ms

    def _uplink(self, tick_s: int, counter: int, frame) -> None:
        self.sent.append((tick_s, frame[0]))
        self.counters.append(counter)
        self._free_ms = self.now_ms + WINDOW_MS
        if not self.hears(len(self.sent)):
            return
        before, self.waiting = self.waiting, self.guard.take(counter, frame)
        if before is not None and self.answers(len(self.sent)):
            self.node.downlink(tick_s, self.now_ms, before[0], before[1])

    def count(self, kind: int) -> int:
        return len([entry for entry in self.sent if entry[1] == kind])

    def missing(self) -> int:
        return len([seq for seq in self.flash.stored if seq not in self.guard.committed])


def mostly(random: Random):
    return lambda count: random.below(100) >= 30


def check_a_usual_frame_goes_once() -> None:
    way = Way()
    way.run(2 * DAY_S)
    samples = len(way.flash.stored)
    assert 190 <= samples <= 193
    assert way.count(REGULAR) == samples
    assert way.count(BACKLOG) == 0, way.count(BACKLOG)
    assert len(way.counters) == len(set(way.counters))  # no repetition at all
    assert way.missing() == 0
    assert way.flash.spans.waiting() <= 2


def check_eight_answers_a_day_are_enough() -> None:
    way = Way(DAY_S // 8 * 5 // 4, None, lambda count: count % 12 == 0)
    way.run(2 * DAY_S)
    assert way.count(REGULAR) == len(way.flash.stored)
    assert way.count(BACKLOG) <= 4, way.count(BACKLOG)
    assert way.flash.spans.waiting() <= 14


def check_lost_frames_are_told_by_the_next_or_begun_again() -> None:
    for seed in range(2):
        way = Way()
        way.hears = mostly(Random(seed))
        way.run(2 * DAY_S)
        way.hears = lambda count: True
        way.run(DAY_S // 4)
        assert way.missing() == 0
        assert way.flash.spans.waiting() <= 2


def check_days_of_silence_cost_little_and_lose_nothing() -> None:
    way = Way()
    way.hears = lambda count: False
    way.run(2 * DAY_S)
    assert way.count(REGULAR) == len(way.flash.stored)
    assert way.count(BACKLOG) <= 2 * 48, way.count(BACKLOG)
    way.hears = lambda count: True
    way.run(DAY_S // 2)
    assert way.missing() == 0
    assert way.flash.spans.waiting() <= 2


def check_an_urgent_frame_is_repeated_until_answered() -> None:
    high = {"on": False}
    way = Way(value=lambda tick_s: 1500 if high["on"] else 500)
    way.run(DAY_S // 24)
    way.hears = lambda count: False
    high["on"] = True
    before = len(way.sent)
    way.run(INTERVAL_S + 240)
    urgent = [tick_s for tick_s, kind in way.sent[before:] if kind == URGENT]
    assert len(urgent) >= 5, urgent
    gaps = [urgent[at + 1] - urgent[at] for at in range(len(urgent) - 1)]
    assert max(gaps[:5]) <= 25, gaps  # then rarer: the frames between them tell as much
    way.hears = lambda count: True
    way.run(120)
    assert way.missing() == 0


def check_a_hello_is_answered_late_and_repeated_late() -> None:
    way = Way()
    way.hears = lambda count: False
    way.run(1000)
    assert way.count(HELLO) <= 2
    way.hears = lambda count: True
    way.run(DAY_S // 12)
    assert way.missing() == 0


# --- a node whose memory is lost between two wakes


# The duty of the boot after a sleep.
def reborn(way: Way, answer_s: int) -> None:
    before = json.loads(json.dumps(keep(way.node.duty)))
    span = way.flash.spans.get(LIFE)
    tick_s = way.now_ms // 1000
    duty = Duty(
        way.settings, way.flash.spans, LIFE, 0 if span is None else span.last + 1, tick_s,
        answer_s * 1000, True,
    )  # fmt: skip
    assert recall(duty, tick_s, way.now_ms, before, True)
    way.node.duty = duty


# slot_s: samples wait so long for their frame, in which the backlog might go.
def slept(answer_s: int, days: int, answers=None, hears=None) -> Way:
    way = Way(answer_s, None, answers, slot_s=4)
    way.hears = hears or way.hears
    for _ in range(days * 96):
        way.run(12)
        reborn(way, answer_s)
        way.now_ms += (INTERVAL_S - 12) * 1000
    return way


def check_a_node_without_memory_between_its_wakes_sends_nothing_twice() -> None:
    way = slept(INTERVAL_S * 5 // 4, 1)
    assert way.count(BACKLOG) == 0, way.count(BACKLOG)
    assert way.count(REGULAR) >= 96 - 2
    assert way.missing() == 0
    way = slept(DAY_S // 8 * 5 // 4, 1, lambda count: count % 12 == 0)
    assert way.count(BACKLOG) <= 2, way.count(BACKLOG)


def check_a_node_without_memory_begins_again_what_nothing_acknowledged() -> None:
    way = slept(INTERVAL_S * 5 // 4, 2, None, lambda count: count > 120)
    assert way.count(BACKLOG) >= 1
    assert way.missing() == 0


# --- airtime


def check_airtime_is_counted_at_the_rate_that_the_network_chose() -> None:
    lora = {"sf": 9, "overhead_bytes": 13}
    made = config(carrier={"kind": "lorawan", "lora": lora}, airtime_permille=10)
    duty = Duty(made, Flash().spans, LIFE, 0, 0, 900000, True)
    assert duty.airtime.frame_ms(51) == time_on_air_ms(64, 9, 125, 5, 8)
    duty.tune(0)  # it does not say
    duty.tune(12)
    assert duty.airtime.frame_ms(51) == time_on_air_ms(64, 12, 125, 5, 8)
    for _ in range(12):  # 2.8 s each: the hour's 36 s are gone
        duty.airtime.sent(0, 51, AIR_URGENT)
    assert not duty.airtime.allows(0, AIR_URGENT)
