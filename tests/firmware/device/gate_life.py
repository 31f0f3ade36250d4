# A month of a node whose supply is cut between its wakes, and at random in the middle of them: at
# a flash operation, torn or clean, at any look at clock or chip, before or after a frame.
#
# Arguments: ds3231 | pcf8563, days, seed, perhaps a planted fault:
#   stale: a duty is believed whatever happened since;  no-keep: nothing is kept before a sleep.
# Prints one line:  days=… boots=… cuts=… samples=… delivered=… lost=… missed=… wrong=… reused=…
#   lives=… hellos=… late_s=… on_s_day=… free=…

import gc
import sys

from gate_rig import Bench, value_at
from world import Random

from amont_node import gate, kept

DAY_S = 86400
LOSS_PERCENT = 10
CUT_PERCENT = 20  # of the boots
POINTS, OPERATIONS = 300, 80  # a cut comes at one of the first so many, if the boot comes so far
OFF_S = (0, 3, 400, 3000)
INTERVAL_S = 900


class Month(Bench):
    cuts = 0

    def __init__(self, rtc: str, random: Random) -> None:
        super().__init__(rtc)
        self._random = random
        self.heard = lambda: random.below(100) >= LOSS_PERCENT

    def boot(self, most_s: int = 10**9) -> None:
        random, world = self._random, self.world
        if not world.cable and random.below(100) < CUT_PERCENT:
            if random.below(2):
                world.cut_after = 2 + random.below(POINTS)
            else:
                world.flash.cut_at = 1 + random.below(OPERATIONS)
                world.flash.torn = random.below(2) == 1
        super().boot(most_s)
        if self.was_cut:
            self.cuts += 1
            world.ms += 1000 * OFF_S[random.below(4)]


def plant(fault: str) -> None:
    if fault == "stale":
        recall = kept.KeptDuty.recall

        def believed(self, duty, tick_s, link_ms, woke, boots=0):
            stored = self._pair.load()
            newest = stored[12] + 1 if isinstance(stored, list) and stored[12] else boots
            return recall(self, duty, tick_s, link_ms, True, newest)

        kept.KeptDuty.recall = believed
    elif fault == "no-keep":
        gate.Sleeper._keep = lambda self, node, sleeps: True
    elif fault:
        raise SystemExit("no such fault: " + fault)


def main(arguments) -> None:
    rtc, days, seed = arguments[0], int(arguments[1]), int(arguments[2])
    plant(arguments[3] if len(arguments) > 3 else "")
    bench = Month(rtc, Random(seed))
    bench.boot(2000)  # on the desk, by its cable
    bench.world.cable = False
    hellos, boots, on_ms = bench.guard.hellos, bench.boots, bench.on_ms
    bench.live(days * DAY_S)
    cuts, boots, on_ms = bench.cuts, bench.boots - boots, bench.on_ms - on_ms
    hellos = bench.guard.hellos - hellos
    bench.heard = lambda: True
    bench.world.cable = True
    bench.boot(4 * INTERVAL_S)  # what waits goes
    node, guard = bench.node, bench.guard
    samples = node.outbox.next_seq(node._life.number)
    origin_s = node._life.origin_s
    wrong = guard.wrong
    for life, seq in guard.readings:
        tick_s, value = guard.readings[(life, seq)]
        wrong += value != value_at(origin_s + tick_s)
    gc.collect()
    print("days=%d boots=%d cuts=%d samples=%d delivered=%d lost=%d missed=%d wrong=%d reused=%d "
          "lives=%d hellos=%d late_s=%d on_s_day=%d" % (
              days, boots, cuts, samples, len(guard.readings), samples - len(guard.readings),
              days * DAY_S // INTERVAL_S - samples, wrong, guard.reused, node._life.number + 1,
              hellos, bench.late_s, on_ms // 1000 // days,
          ))  # fmt: skip


main(sys.argv[1:])
