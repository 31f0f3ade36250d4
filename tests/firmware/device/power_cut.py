# Cut the power at every flash operation of a busy node's life, on MicroPython's own littlefs, and
# look at what the next boot finds. Prints one line:
#   cuts=<number> broken=<number> [first=<what was wrong>]
# Arguments: outbox | counters | config, then perhaps a planted fault:
#   no-flush: appends are not made durable;  late-reserve: counters are used before their reserve.

import sys

import vfs
from chip import BLOCK_BYTES, Chip

from amont_node import counters, outbox, pair
from amont_node.outbox import Outbox, Record

MOUNT = "/cut"
LIFE = 3


def mount(chip) -> None:
    vfs.mount(vfs.VfsLfs2(chip, progsize=64, readsize=64), MOUNT)


def unmount() -> None:
    vfs.umount(MOUNT)


def record(seq: int) -> Record:
    return Record(LIFE, seq, seq * 60, 1, [seq * 7 - 1000, 0, 0, 0], seq % 5)


# What the node was told is safe: samples that append() returned for, less what was acknowledged.
class OutboxScenario:
    def __init__(self) -> None:
        self.box = None
        self.safe = set()
        self.top = -1  # highest number that may have been sent
        self.oldest = 0

    def run(self) -> None:
        box = self.box = Outbox(MOUNT + "/box", 9, 4)
        for seq in range(34):
            box.append(record(seq))
            self.safe.add(seq)
            self.top = seq
            if seq % 5 == 4:
                # As a node does: what is acknowledged may go, whatever happens next.
                self.safe = set([s for s in self.safe if s > seq - 3])
                box.ack(LIFE, seq - 3, 0)
        box.close()

    def end(self) -> None:
        if self.box is not None:
            self.box.close()

    def check(self) -> "str | None":
        box = Outbox(MOUNT + "/box", 9, 4)
        found = {}
        for entry in box.read(LIFE, 0, 1000):
            found[entry.seq] = entry
        for seq in self.safe:
            if seq not in found or found[seq] != record(seq):
                return "sample %d is lost" % seq
            if not box.spans.get(LIFE).waits(seq):
                return "sample %d no longer waits" % seq
        if box.next_seq(LIFE) <= self.top:
            return "number %d would come twice" % self.top
        following = box.next_seq(LIFE)
        box.append(record(following))
        box.close()
        if len(Outbox(MOUNT + "/box", 9, 4).read(LIFE, following, following)) != 1:
            return "no append after the cut"
        return None


class CounterScenario:
    def __init__(self) -> None:
        self.used = 0

    def run(self) -> None:
        for _ in range(4):
            counter = counters.stored_counter(MOUNT, 1)
            for _ in range(70):
                value = counter.next()
                if value <= self.used:
                    raise AssertionError("counter %d twice" % value)
                self.used = value

    def end(self) -> None:
        pass

    def check(self) -> "str | None":
        value = counters.stored_counter(MOUNT, 1).next()
        return "counter %d twice" % value if value <= self.used else None


class ConfigScenario:
    def __init__(self) -> None:
        self.safe = 0
        self.tried = 0

    def run(self) -> None:
        store = pair.PairFile(MOUNT, "config")
        for value in range(1, 13):
            self.tried = value
            store.save({"value": value, "text": "x" * (value * 17)})
            self.safe = value

    def end(self) -> None:
        pass

    def check(self) -> "str | None":
        store = pair.PairFile(MOUNT, "config")
        found = store.load()
        if store.damaged:
            return "a damaged copy"
        value = 0 if found is None else found["value"]
        return None if self.safe <= value <= self.tried else "version %d is lost" % self.safe


SCENARIOS = {"outbox": OutboxScenario, "counters": CounterScenario, "config": ConfigScenario}


def plant(fault: str) -> None:
    if fault == "no-flush":
        outbox.make_durable = lambda file: None
    elif fault == "late-reserve":
        real = counters.PairFile.save
        kept = []

        def save(self, value) -> None:
            if kept:
                real(self, kept.pop())
            kept.append(value)

        counters.PairFile.save = save
    elif fault:
        raise SystemExit("no such fault: " + fault)


def fresh() -> Chip:
    chip = Chip()
    vfs.VfsLfs2.mkfs(chip, progsize=64, readsize=64)
    chip.operations = 0
    return chip


def one_cut(make, blank, at: int, torn: bool) -> "tuple[bool, str | None]":
    chip = Chip(blank)
    chip.cut_at, chip.torn = at, torn
    scenario = make()
    cut = False
    wrong = None
    try:
        mount(chip)
        scenario.run()
    except OSError:
        cut = True
    except AssertionError as error:
        wrong = str(error)
    scenario.end()
    unmount()
    after = Chip(bytes(chip.data))
    mount(after)
    try:
        return cut, wrong or scenario.check()
    finally:
        unmount()


def main(arguments) -> None:
    plant(arguments[1] if len(arguments) > 1 else "")
    make = SCENARIOS[arguments[0]]
    blank = bytes(fresh().data)
    cuts = 0
    broken = []
    for torn in (False, True):
        at = 1
        while True:
            cut, wrong = one_cut(make, blank, at, torn)
            if wrong is not None:
                broken.append("cut %d%s: %s" % (at, " torn" if torn else "", wrong))
            if not cut:
                break
            cuts += 1
            at += 1
    print("cuts=%d broken=%d%s" % (cuts, len(broken), " first=" + broken[0] if broken else ""))


assert BLOCK_BYTES >= 256
main(sys.argv[1:])
