# A node's flash lives through a seeded story on MicroPython's own littlefs: readings are stored
# and acknowledged, the configuration changes, counters are used, the node boots and begins new
# lives. The block device writes down every operation. Then the power is cut before each of them,
# and in the middle of each, and the next boot must find what the node had been told is safe.
#
# Arguments: seed, number of cuts, every how many operations to cut, perhaps a planted fault:
#   no-sync: what is appended is not synced;  copy-rename: a rename that copies and then removes.
# Prints one line:  cuts=<n> torn=<n> again=<n> stories=<n> broken=<n> [first=<what was wrong>]

import os
import sys

import vfs
from chip import BLOCK_BYTES, Chip
from world import Random

from amont_node import counters, outbox, pair
from amont_node.config import ConfigStore, NodeConfig
from amont_node.outbox import Outbox, Record

MOUNT = "/cut"
SEGMENT_RECORDS = 9
# Segments, and how many of the newest readings they keep whatever marks lie between them: a ring
# that never fills, and one that does.
RINGS = ((24, 100000), (6, 12))
STEPS = 60
CLEAN, HALF, PREFIX, GARBLED = 0, 1, 2, 3
GOES_ON_EVERY = 3  # of the cut nodes is let go on
AGAIN_OPERATIONS = 40  # a second cut falls into so many operations after the boot


# --- the block device: what it did, so that it can be done again up to any moment


class Recorder(Chip):
    def __init__(self, data, log) -> None:
        super().__init__(data)
        self.log = log  # (start, bytes) a write, (start, None) an erase

    def writeblocks(self, block: int, buffer, offset: int = 0) -> int:
        if not self.cut_at:
            self.log.append((block * BLOCK_BYTES + offset, bytes(memoryview(buffer))))
        return super().writeblocks(block, buffer, offset)

    def ioctl(self, op: int, argument: int) -> "int | None":
        if op == 6 and not self.cut_at:
            self.log.append((argument * BLOCK_BYTES, None))
        return super().ioctl(op, argument)


# Do an operation in part. A page that was being programmed has bits that are not yet down.
def perform(data, operation, how: int, rng) -> None:
    start, content = operation
    content = b"\xff" * BLOCK_BYTES if content is None else content
    size = len(content)
    if how == HALF:
        size = size // 2
    elif how != CLEAN:
        size = rng.below(size)
    data[start : start + size] = content[:size]
    if how == GARBLED:
        data[start + size] = content[size] | rng.below(256)


def mount(chip) -> None:
    vfs.mount(vfs.VfsLfs2(chip, progsize=64, readsize=512), MOUNT)


# --- what the node was told


class Told:
    def __init__(self, ring) -> None:
        self.segments, self._kept = self._ring = ring
        self.note = None  # called at each change that matters to a cut
        self.safe = {}  # (life, seq): appended, and no acknowledgement was ever asked for
        self.order = []  # (life, seq) of all that the ring has room for, oldest first
        self.top = {}  # per life: the last number that may have been sent
        self.version = 1  # of the configuration that was durable before anything
        self.tried = 1
        self.counter = 0  # the last one used

    def copy(self):
        other = Told(self._ring)
        other.safe, other.order, other.top = dict(self.safe), list(self.order), dict(self.top)
        other.version, other.tried, other.counter = self.version, self.tried, self.counter
        return other

    def changed(self) -> None:
        if self.note is not None:
            self.note()

    # They are stored: the node's append() has returned.
    def append(self, life: int, seqs) -> None:
        for seq in seqs:
            self.safe[(life, seq)] = True
            self.order.append((life, seq))
            self.top[life] = seq
        while len(self.order) > self._kept:
            self.safe.pop(self.order.pop(0), None)
        self.changed()

    # They will be acknowledged: from now on they may go.
    def forget(self, life: int, through: int) -> None:
        for key in list(self.safe):
            if key[0] == life and key[1] <= through:
                self.safe.pop(key)
        self.changed()


def record(life: int, seq: int) -> Record:
    return Record(life, seq, seq * 60, 3, [seq * 7 - 1000, life, 0, 0], seq % 5)


def config(version: int) -> NodeConfig:
    return NodeConfig({
        "schema": 1, "id": 17, "generation": 1, "version": version,
        "interval_s": 900 + version, "fast_interval_s": 60, "overlap": version % 64,
        "note": "x" * (version * 37 % 500),
        "channels": [{"index": 0, "quantity": 1, "step": 1, "probe": {"kind": "constant"}}],
        "carrier": {"kind": "radio", "port": 1},
    })  # fmt: skip


# --- the node's part


class Parts:
    def __init__(self, told) -> None:
        self.told = told
        self.box = Outbox(MOUNT + "/box", SEGMENT_RECORDS, told.segments)
        self.store = ConfigStore(MOUNT)
        self.config = self.store.load()
        self.counter = counters.stored_counter(MOUNT, 1)
        self.lives = counters.LifeStore(MOUNT, 1)
        life = self.lives.current()
        if life is None:
            life = self.lives.begin(0)
        else:
            self.lives.go_on(life)
        self.life = life.number

    def append(self, count: int) -> None:
        first = self.box.next_seq(self.life)
        records = [record(self.life, seq) for seq in range(first, first + count)]
        if count == 1:
            self.box.append(records[0])
        else:
            self.box.extend(records)
        self.told.append(self.life, range(first, first + count))

    def ack(self, back: int) -> None:
        through = self.box.next_seq(self.life) - 1 - back
        if through >= 0:
            self.told.forget(self.life, through)
            self.box.ack(self.life, through, 0)

    def configure(self) -> None:
        self.told.tried = self.config.version + 1
        self.told.changed()
        changed = config(self.told.tried)
        self.store.save(changed)
        self.config = changed
        self.told.version = changed.version
        self.told.changed()

    def use_counters(self, count: int) -> None:
        for _ in range(count):
            value = self.counter.next()
            assert value > self.told.counter, "counter %d twice" % value
            self.told.counter = value
            self.told.changed()

    # The power goes: what is only in memory never reaches the flash.
    def die(self, chip) -> None:
        chip.cut_at = 1
        self.box.close()
        vfs.umount(MOUNT)

    def begin_life(self) -> None:
        self.life = self.lives.begin(0).number


# One step of a story; True: the node boots again after it.
def step(parts, rng) -> bool:
    dice = rng.below(20)
    if dice < 9:
        parts.append(1)
    elif dice < 11:
        parts.append(2 + rng.below(7))
    elif dice < 14:
        parts.ack(rng.below(12))
    elif dice < 17:
        parts.configure()
    elif dice < 18:
        parts.use_counters(1 + rng.below(90))
    elif dice < 19:
        parts.begin_life()
    return dice == 19


# --- the judgement


def found_wrong(told, chip, goes_on: bool) -> "str | None":
    mount(chip)
    try:
        parts = Parts(told)
        wrong = wrong_readings(parts.box, told) or wrong_values(parts, told)
        if goes_on and wrong is None:
            wrong = wrong_after(parts, told)
        parts.box.close()
        return wrong
    except (OSError, ValueError, AssertionError, counters.NeedsGeneration) as error:
        return "no boot: %r" % error
    finally:
        vfs.umount(MOUNT)


def wrong_readings(box, told) -> "str | None":
    for life in told.top:
        found = {}
        for entry in box.read(life, 0, 100000):
            found[entry.seq] = entry
        for key in told.safe:
            if key[0] != life:
                continue
            if found.get(key[1]) != record(life, key[1]):
                return "reading %s is lost" % (key,)
            if not box.spans.get(life).waits(key[1]):
                return "reading %s waits no more" % (key,)
    return None


def wrong_values(parts, told) -> "str | None":
    version = parts.config.version
    if parts.store.damaged():
        return "a damaged copy of the configuration"
    if not told.version <= version <= told.tried:
        return "configuration %d of %d, %d" % (version, told.version, told.tried)
    if parts.config.data != config(version).data:
        return "configuration %d is neither old nor new" % version
    used = parts.counter.next()
    if used <= told.counter:
        return "counter %d twice" % used
    told.counter = used
    if parts.life in told.top and parts.box.next_seq(parts.life) <= told.top[parts.life]:
        return "number %d would come twice" % told.top[parts.life]
    return None


# The node goes on: what it stores now is there at the next boot, too.
def wrong_after(parts, told) -> "str | None":
    parts.append(1)
    parts.configure()
    parts.box.close()
    again = Parts(told)
    wrong = wrong_readings(again.box, told)
    again.box.close()
    if again.config.version != told.version:
        return "configuration %d after the cut is lost" % told.version
    return wrong


# --- stories and cuts


def blank() -> Chip:
    chip = Chip()
    vfs.VfsLfs2.mkfs(chip, progsize=64, readsize=512)
    mount(chip)
    ConfigStore(MOUNT).save(config(1))
    vfs.umount(MOUNT)
    return chip


# The operations, and what was told by when: [(operations done, Told)], in order.
def tell(start, seed: int):
    rng = Random(seed)
    rng.below(2)  # the first number of such a generator says little
    log = []
    told = Told(RINGS[seed % 2])
    moments = [(0, told.copy())]
    told.note = lambda: moments.append((len(log), told.copy()))
    chip = Recorder(start, log)
    mount(chip)
    parts = Parts(told)
    for _ in range(STEPS):
        if step(parts, rng):
            data = bytes(chip.data)
            parts.die(chip)
            chip = Recorder(data, log)
            mount(chip)
            parts = Parts(told)
    parts.die(chip)
    return log, moments


class Tally:
    def __init__(self) -> None:
        self.cuts = self.torn = self.again = 0
        self.broken = []

    def judge(self, told, data, where: str) -> None:
        self.cuts += 1
        wrong = found_wrong(told, Chip(data), self.cuts % GOES_ON_EVERY == 0)
        if wrong is not None:
            self.broken.append("%s: %s" % (where, wrong))


# Cut again while the node boots and goes on; the flash as that leaves it.
def cut_again(told, data, rng) -> bytes:
    chip = Chip(data)
    chip.cut_at, chip.torn = 1 + rng.below(AGAIN_OPERATIONS), rng.below(2) == 1
    mount(chip)
    parts = None
    try:
        parts = Parts(told)
        for _ in range(4):
            parts.configure()
            parts.append(1)
    except OSError:
        pass
    if parts is not None:
        parts.box.close()
    vfs.umount(MOUNT)
    return chip.data


# Cut one story before and within every `stride`-th operation.
def sweep(start, seed: int, stride: int, most: int, tally) -> None:
    log, moments = tell(start, seed)
    rng = Random(seed ^ 0x2A2A2A)
    image = bytearray(start)
    offset = rng.below(stride)
    at = 0  # the moment that holds
    for i, operation in enumerate(log):
        while at + 1 < len(moments) and moments[at + 1][0] <= i:
            at += 1
        if i % stride == offset and tally.cuts < most:
            where = "story %d cut %d" % (seed, i)
            told = moments[at][1]
            tally.judge(told.copy(), image, where)
            torn = bytearray(image)
            how = HALF + rng.below(3)
            perform(torn, operation, how, rng)
            tally.torn += 1
            tally.judge(told.copy(), torn, "%s torn %d" % (where, how))
            if rng.below(4) == 0:
                told = told.copy()
                tally.again += 1
                tally.judge(told, cut_again(told, torn, rng), where + " again")
        perform(image, operation, CLEAN, rng)


# --- planted faults


class CopyingOs:
    # The os module with a rename as of a file system that has none.
    def __init__(self) -> None:
        self.remove, self.mkdir, self.stat = os.remove, os.mkdir, os.stat

    def rename(self, old: str, new: str) -> None:
        with open(old, "rb") as source:
            content = source.read()
        with open(new, "wb") as target:
            target.write(content)
        os.remove(old)


def plant(fault: str) -> None:
    if fault == "no-sync":
        outbox.make_durable = lambda file: None
    elif fault == "copy-rename":
        pair.os = CopyingOs()
    elif fault:
        raise SystemExit("no such fault: " + fault)


def main(arguments) -> None:
    seed, cuts, stride = (int(text) for text in arguments[:3])
    start = bytes(blank().data)
    plant(arguments[3] if len(arguments) > 3 else "")
    tally = Tally()
    stories = 0
    while tally.cuts < cuts:
        sweep(start, seed * 1000 + stories, stride, cuts, tally)
        stories += 1
    first = " first=" + tally.broken[0] if tally.broken else ""
    print(
        "cuts=%d torn=%d again=%d stories=%d broken=%d%s"
        % (tally.cuts, tally.torn, tally.again, stories, len(tally.broken), first)
    )


if __name__ == "__main__":
    main(sys.argv[1:])
