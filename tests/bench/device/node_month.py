# A node's months in minutes: its own program, from .mpy files, in a Pico's heap, with its flash in
# a littlefs image, the radio carrier to a guard in another process, and a clock that jumps to
# whatever is due next.
#
# Run in the board's folder. Arguments: days, then the days in which the guard is away: "1-31", and
# "pins" where the board has sensors on pins, and "late" to load at the end what comes rarely.
# Prints "start <free bytes after a collection>" when the node is made, "hour <n> <free bytes>"
# each hour, "memory" and what MicroPython says of its heap each day, at the end
# "late <free bytes>" with a newer configuration and an update begun, and
# "done samples=<n> waiting=<n> dropped=<n>".

import gc
import sys
import time

import micropython
from desk import DeskClock, DeskNode

HOUR_S = 3600
DAY_S = 24 * HOUR_S
OVERLAP = 20
SILENCE_MS = 60  # an answer takes a few; one that comes later is heard at the next wake


class MonthNode(DeskNode):
    silent = False
    away = (0, 0)  # days, the last one not included

    # Wait for real only when somebody may answer, else let time jump.
    def _sleep(self) -> None:
        if self.duty.delivery._in_flight and not self.away[0] <= self.day() < self.away[1]:
            began_ms = time.ticks_ms()
            self.carrier.wait(SILENCE_MS)
            if time.ticks_diff(time.ticks_ms(), began_ms) < SILENCE_MS:
                return
        due_s, due_ms = self.next_due()
        ms = due_s * 1000
        if due_ms is not None:
            ms = min(ms, due_ms)
        self.desk.ms = max(self.desk.ms + 1, ms)

    def day(self) -> int:
        return self.desk.ms // (1000 * DAY_S)


# What comes into the heap that is left: a configuration's rules, an update.
def load_late(node) -> None:  # type: ignore[no-untyped-def]
    node._configure(node._config.version + 1, [(5, OVERLAP)])
    assert node._config.overlap == OVERLAP
    node.upkeep._updater()
    gc.collect()
    print("late %d" % gc.mem_free())


def main(arguments) -> None:
    days = int(arguments[0])
    first, _, last = arguments[1].partition("-")
    if "pins" in arguments:
        __import__("pins")
    MonthNode.desk = DeskClock()
    MonthNode.away = (int(first), int(last))
    node = MonthNode(".", "flash.img", None)
    clock = node.desk
    gc.collect()
    print("start %d" % gc.mem_free())
    hour = 0
    while clock.now_s() < days * DAY_S:
        node.wake()
        if clock.now_s() >= hour * HOUR_S:
            gc.collect()
            print("hour %d %d" % (hour, gc.mem_free()))
            if hour % 24 == 0:
                print("memory")
                micropython.mem_info()
            hour += 1
    if "late" in arguments:
        load_late(node)
    samples = node.outbox.next_seq(node._life.number)
    print("done samples=%d waiting=%d dropped=%d" % (
        samples, node.outbox.waiting(), node.outbox.dropped,
    ))  # fmt: skip


main(sys.argv[1:])
