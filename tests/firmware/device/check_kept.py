# A duty that outlives its boot: boards that forget while they sleep, and the hour's airtime.

import json

from check_duty import settled
from world import LIFE, Flash, Guard, Node, config

from amont_node import kept
from amont_node.delivery import HELLO
from amont_node.duty import Duty
from amont_node.kept import KeptDuty
from amont_node.pair import PairFile, make_folder

PEAKS = (1700, 5000, 9000)


def river(tick_s: int) -> int:
    for peak_s in PEAKS:
        if abs(tick_s - peak_s) < 400:
            return 1800 - abs(tick_s - peak_s) * 3
    return 600


# Two nodes on one river, one whose RAM is lost after each wake: they send the same, to the byte.
def check_a_gated_board_does_as_one_that_remembers() -> None:
    for seed in (3, 4):
        told = []
        for gated in (False, True):
            told.append(life_of(gated, seed))
        assert told[0] == told[1] and len(told[0]) > 60, seed


def life_of(gated: bool, loss: int):
    settings = config(
        interval_s=300, fast_interval_s=60, alarm_mark=1500, slot_s=8, profile="flash-flood",
        look_s=60,
    )  # fmt: skip
    flash = Flash()
    guard = Guard()
    node = Node(flash, settings, 0, river)
    told = []
    for tick_s in range(0, 10800):
        due_s, due_ms = node.duty.due(tick_s * 1000)
        if tick_s < due_s and (due_ms is None or due_ms > tick_s * 1000):
            continue
        if gated:
            memory = json.loads(json.dumps(kept.keep(node.duty)))
            random = node.duty.delivery._random
            dues = [entry.due_ms for entry in node.duty.delivery._in_flight]
            node.duty = Duty(settings, flash.spans, LIFE, len(flash.stored), tick_s)
            assert kept.recall(node.duty, tick_s, tick_s * 1000, memory, True)
            # The link's clock and the dice begin anew on a board; here they must not.
            node.duty.delivery._random = random
            for entry, due_ms in zip(node.duty.delivery._in_flight, dues):  # noqa: B905 - subset
                entry.due_ms = due_ms
        for counter, frame in node.wake(tick_s, tick_s * 1000):
            told.append((tick_s, counter, tuple(frame)))
            if len(told) % loss:
                node.downlink(tick_s, tick_s * 1000, *guard.take(counter, frame))
    return told


def check_what_was_kept_of_another_life_is_not_believed() -> None:
    node = Node(Flash(), config(), 0)
    node.wake(0, 0)
    memory = kept.keep(node.duty)
    memory[1] = LIFE + 1
    other = Node(Flash(), config(), 0)
    for lost in (None, memory):
        assert not kept.recall(other.duty, 5, 5000, lost, True)
    assert other.duty.airtime.used_ms(5) == 2 * 900000


def check_a_boot_remembers_what_it_sent_and_nothing_else() -> None:
    path = folder()
    node, _ = settled(interval_s=900)
    for minute in range(1, 6):
        node.duty.airtime.sent(60 * minute, 51, 2)
    KeptDuty(path).keep(node.duty, False)
    other = Node(Flash(), config(interval_s=900), 400)
    store = KeptDuty(path)
    assert not store.recall(other.duty, 400, 5, False)
    assert other.duty.airtime.used_ms(400) == node.duty.airtime.used_ms(400) > 5 * 329
    assert [frame[1][0] for frame in other.wake(400, 400000)] == [HELLO]


def check_a_board_that_wakes_goes_on() -> None:
    path = folder()
    node, _ = settled(interval_s=900)
    KeptDuty(path).keep(node.duty, True)
    other = Node(node.flash, config(interval_s=900), 400)
    assert KeptDuty(path).recall(other.duty, 400, 5, True)
    assert other.wake(400, 400000) == []  # no hello: it only slept


def check_kept_only_when_something_was_sent() -> None:
    path = folder()
    node, _ = settled(interval_s=900)
    store = KeptDuty(path)
    store.keep(node.duty, False)
    first = PairFile(path, "duty")
    first.load()
    store.keep(node.duty, False)
    store.keep(node.duty, True)
    second = PairFile(path, "duty")
    second.load()
    assert (first.revision, second.revision) == (1, 2)


def check_a_damaged_memory_is_an_unknown_past() -> None:
    path = folder()
    PairFile(path, "duty").save({"other": 1})
    node = Node(Flash(), config(), 0)
    assert not KeptDuty(path).recall(node.duty, 5, 5, True)
    assert node.duty.airtime.used_ms(5) == 900000
    assert not KeptDuty(path + "/none").recall(node.duty, 5, 5, True)


FOLDERS = []


def folder() -> str:
    FOLDERS.append("kept%d" % len(FOLDERS))
    make_folder(FOLDERS[-1])
    return FOLDERS[-1]
