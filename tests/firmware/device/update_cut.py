# Cut the power at every flash operation of an update, on MicroPython's own littlefs, and look at
# what the next boot finds. Prints one line:
#   cuts=<number> broken=<number> [first=<what was wrong>]
# Arguments: chunks | serial (into an empty slot), chunks-over | serial-over, back (the trial
# fails); a folder with `old` and `new` (slots) and `new.img`; every how many operations to cut;
# and perhaps a planted fault:
#   no-sync: what was written last lies in a cache when the power goes;
#   early-json: release.json comes first;
#   in-place: the running slot is written over;  torn-rename: a rename is a removal and a copy.

import os
import sys

import vfs
from chip import BLOCK_BYTES, Chip

import main as loader
from amont_node import pair, slots, update

MOUNT = "/cut"
OLD = 1
NEW = 2
NODE = 17
SECRET = bytes(range(16))
PART_BYTES = 22
CACHED = 6  # operations, of the planted fault
GO_ON = 5  # every fifth cut goes the rest of the way


def mount(chip) -> None:
    vfs.mount(vfs.VfsLfs2(chip, progsize=64, readsize=128), MOUNT)
    os.chdir(MOUNT)


def unmount() -> None:
    os.chdir("/")
    vfs.umount(MOUNT)


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


class Source:
    # What the tests' host made: both releases, and the image of the new one.
    def __init__(self, folder: str) -> None:
        self.old = self._slot(folder + "/old")
        self.new = self._slot(folder + "/new")
        self.image = read(folder + "/new.img")

    def _slot(self, folder: str):
        files = {}
        for path in slots.files_below(folder):
            files[path] = read(folder + "/" + path)
        return files


def install(slot: str, files) -> None:
    os.mkdir(slot)
    for path in files:
        update._make_folders(slot, path)
        with open(slot + "/" + path, "wb") as file:
            file.write(files[path])


# A chip that notes what is done to it: where the power goes at an operation, what lies there is
# what all before it left, and half of it if it was torn.
class Recorder(Chip):
    def __init__(self, data: bytes) -> None:
        Chip.__init__(self, data)
        self.log = []  # (where, bytes, what may boot if it is cut here)
        self.allowed = ()

    def writeblocks(self, block: int, buffer, offset: int = 0) -> int:
        self.log.append((block * BLOCK_BYTES + offset, bytes(buffer), self.allowed))
        return Chip.writeblocks(self, block, buffer, offset)

    def ioctl(self, op: int, argument: int):
        if op == 6:
            erased = b"\xff" * BLOCK_BYTES
            self.log.append((argument * BLOCK_BYTES, erased, self.allowed))
        return Chip.ioctl(self, op, argument)


# One board's way from the old release to the new one: its kinds say how that is delivered. It says
# at any moment which releases the next boot may run if the power goes now.
class Way:
    def __init__(self, chip, source) -> None:
        self._chip = chip
        self.source = source
        self.allow(OLD)

    def allow(self, *releases) -> None:
        self._chip.allowed = releases

    def go(self) -> None:
        if boot() == OLD:
            self.deliver()
            self.allow(NEW)
            boot()
        slots.Boot(".").good()

    def ends(self):
        return (NEW,)


class Chunks(Way):
    def deliver(self) -> None:
        updater = update.Updater(slots.Boot("."), SECRET, (NODE, 1), lambda: None)
        updater.resume(0)
        image = self.source.image
        if updater.state != 0:  # PROGRESS_WANTS: a part of it lies there
            updater.next = 0
        while updater.state != 1:
            at = updater.next
            if at + PART_BYTES >= len(image):
                self.allow(OLD, NEW)
            updater.take(NEW, at, image[at : at + PART_BYTES], 0)
            if updater.state > 1:
                raise AssertionError("refused: %s" % updater.why)


# As a deploy over the serial port does it: only what differs, release.json last.
class Serial(Way):
    def deliver(self) -> None:
        slot = slots.begin(".")
        files = self.source.new
        for path in slots.files_below(slot):
            if path not in files:
                slots.remove(slot + "/" + path)
        for path in self.order(files):
            if path == slots.RELEASE_FILE:
                self.allow(OLD, NEW)  # a whole slot, for a board that loses its record
            if slots.file_hash(slot + "/" + path) != self.hash_of(path):
                update._make_folders(slot, path)
                slots.write_whole(slot + "/" + path, (files[path],))
        slots.switch(".", slot)

    def order(self, files):
        return [path for path in sorted(files) if path != slots.RELEASE_FILE] + [
            slots.RELEASE_FILE
        ]

    def hash_of(self, path: str) -> str:
        return HASHES[path]


HASHES = {}


# The new release never reports good: after three boots the old one is back, and stays.
class Back(Serial):
    def go(self) -> None:
        self.allow(OLD, NEW)
        if slots.Boot(".").failed == NEW:
            slots.Boot(".").good()
            return
        if boot() == OLD:
            self.deliver()
        for _ in range(4):
            if boot() == OLD:
                self.allow(OLD)
                slots.Boot(".").good()
                return
        raise AssertionError("a fourth boot on trial")

    def ends(self):
        return (OLD,)


# What main.py would run, imported from where it lies: the number that its modules agree on.
def boot() -> int:
    chosen = loader.choose()
    if chosen is None:
        raise AssertionError("nothing boots")
    for name in [name for name in sys.modules if name.startswith("probe")]:
        del sys.modules[name]
    kept = sys.path[:]
    sys.path[:] = [chosen[0]]
    try:
        module = __import__("probe.app", None, None, ("RELEASE",))
    finally:
        sys.path[:] = kept
    return module.RELEASE


# What must hold at any moment.
def check(allowed) -> None:
    record = pair.PairFile(".", "boot")
    record.load()
    if record.damaged:
        raise AssertionError("a damaged copy of the boot record")
    for slot in slots.SLOTS:
        if slots.read_release(".", slot) is not None:
            slots.check(".", slot)
    found = boot()
    if found not in allowed:
        raise AssertionError("release %d boots, not one of %s" % (found, str(allowed)))


def fresh(source, older: bool) -> bytes:
    chip = Chip()
    vfs.VfsLfs2.mkfs(chip, progsize=64, readsize=128)
    mount(chip)
    install("a", source.old)
    slots.switch(".", "a")
    if older:  # what the update before left in the idle slot
        install("b", source.old)
    unmount()
    return bytes(chip.data)


# The whole way under power: what was done to the flash.
def record(make, source, blank: bytes):
    chip = Recorder(blank)
    mount(chip)
    chip.log = []
    way = make(chip, source)
    try:
        way.go()
        if boot() not in way.ends():
            raise AssertionError("the way ends at another release")
    finally:
        unmount()
    return chip.log


# What the flash holds after each cut, clean and torn: (operation, what may boot, bytes).
def states(log, blank: bytes, stride: int, fault: str):
    data = bytearray(blank)
    late = CACHED if fault == "no-sync" else 0
    for number in range(len(log)):
        start, written, _ = log[number]
        if number % stride == 0:
            allowed = log[min(number + late, len(log) - 1)][2]
            yield number, allowed, bytes(data)
            torn = data[:]
            torn[start : start + len(written) // 2] = written[: len(written) // 2]
            yield number, allowed, bytes(torn)
        data[start : start + len(written)] = written


# Boot what a cut left. on: and go the rest of the way.
def look(make, source, data: bytes, allowed, on: bool) -> "str | None":
    chip = Recorder(data)
    mount(chip)
    try:
        check(allowed)
        if on:
            again = make(chip, source)
            again.go()
            if boot() not in again.ends():
                return "the rest of the way ends at another release"
    except (AssertionError, ValueError, OSError) as error:
        return str(error) or "does not start"
    finally:
        unmount()
    return None


# --- planted faults


class InPlace(Serial):
    def deliver(self) -> None:
        files = self.source.new
        for path in self.order(files):
            with open("a/" + path, "wb") as file:
                file.write(files[path])


class EarlyJson(Serial):
    def order(self, files):
        return [path for path in reversed(Serial.order(self, files))]


class TornOs:
    # The module os, with a rename that is a removal and a copy in two steps.
    def __getattr__(self, name: str):
        return getattr(os, name)

    def rename(self, path: str, to: str) -> None:
        content = read(path)
        slots.remove(to)
        with open(to, "wb") as file:
            file.write(content[:9])
        with open(to, "ab") as file:
            file.write(content[9:])
        os.remove(path)


def plant(fault: str, make):
    if fault == "torn-rename":
        pair.os = slots.os = TornOs()
    elif fault == "early-json":
        return EarlyJson
    elif fault == "in-place":
        return InPlace
    elif fault not in ("", "no-sync"):
        raise SystemExit("no such fault: " + fault)
    return make


def main(arguments) -> None:
    what, folder, stride = arguments[0], arguments[1], int(arguments[2])
    source = Source(folder)
    for path in source.new:
        HASHES[path] = slots.file_hash(folder + "/new/" + path)
    update.KEEP_BYTES = 1024
    update._BUFFER_BYTES = 128
    loader.print = lambda *_: None
    kind, _, over = what.partition("-")
    blank = fresh(source, over == "over")
    fault = arguments[3] if len(arguments) > 3 else ""
    make = plant(fault, {"chunks": Chunks, "serial": Serial, "back": Back}[kind])
    stop = 4 if fault else 1000
    cuts = 0
    broken = []
    for number, allowed, left in states(record(make, source, blank), blank, stride, fault):
        cuts += 1
        wrong = look(make, source, left, allowed, cuts % GO_ON == 0)
        if wrong is not None:
            broken.append("cut at %d: %s" % (number, wrong))
            if len(broken) == stop:
                break
    print("cuts=%d broken=%d%s" % (cuts, len(broken), " first=" + broken[0] if broken else ""))


if __name__ == "__main__":
    main(sys.argv[1:])
