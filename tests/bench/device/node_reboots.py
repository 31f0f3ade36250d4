# A whole node on MicroPython's littlefs is rebooted at random points: its power goes at an
# operation of the flash (also in the middle of it), or when it asks its clock, or just before or
# after a frame goes out. Does any counter of the uplink ever carry two frames?
#
# Arguments: seed, number of reboots, perhaps a planted fault:
#   late-reserve: counters are used before their reserve is stored.
# Prints one line:  reboots=<n> flash=<n> frames=<n> counters=<n> acked=<n> lives=<n> reused=<n>

import binascii
import sys

import vfs
from chip import Chip
from desk import DeskClock, DeskNode
from world import Random

from amont_node import counters, settings
from amont_node.config import ConfigStore, NodeConfig, save_secret
from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Opener, Sealer
from amont_wire.messages import Ack, decode

MOUNT = "/board"
SECRET = bytes(range(16))
ID, GENERATION = 17, 1
LOSS_PERCENT = 20  # of the frames and of the acknowledgements
CLOCK_LOST_PERCENT = 3  # of the boots find their clock at zero
POINTS = 60  # a boot ends at one of its first so many points, if it comes so far
FLASH_OPERATIONS = 40
WAKES = 6

settings.forget = lambda name: None  # thousands of boots in one process, and heap for all


# Not an Exception: nothing on the node may survive it.
class PowerCut(BaseException):
    pass


# Blows at the n-th point of the program that passes it.
class Fuse:
    def __init__(self, chip, rng) -> None:
        self.chip = chip
        self.left = 0
        if rng.below(2):
            chip.cut_at, chip.torn = 1 + rng.below(FLASH_OPERATIONS), rng.below(2) == 1
        else:
            self.left = 1 + rng.below(POINTS)

    def point(self) -> None:
        if self.left > 1:
            self.left -= 1
        elif self.left == 1:
            self.chip.cut_at = 1  # whatever comes now comes to no flash
            raise PowerCut()
        if self.dead():
            raise PowerCut()

    def dead(self) -> bool:
        return bool(self.chip.cut_at) and self.chip.operations >= self.chip.cut_at


class Clock(DeskClock):
    fuse = None

    def now_s(self) -> int:
        self.fuse.point()
        return super().now_s()


# The guard's part, and the memory of all that was ever on the air.
class Guard:
    def __init__(self) -> None:
        self._opener = Opener(SECRET, ID, GENERATION, const.UPLINK)
        counter = ReservedCounter(0, lambda limit: None)
        self._sealer = Sealer(SECRET, ID, GENERATION, const.DOWNLINK, counter)
        self.seen = {}  # counter: CRC of the frame
        self.frames = self.reused = 0

    def take(self, frame: bytes) -> bytes:
        header, body = self._opener.open(frame)
        self.frames += 1
        crc = binascii.crc32(frame)
        if self.seen.setdefault(header.counter, crc) != crc:
            self.reused += 1
        message = decode(header.type, body)
        through = message.seq if header.type in (const.SAMPLES, const.URGENT) else -1
        ack = Ack(header.counter, 7, message.life, through, 0, 0, 0)
        return self._sealer.seal(const.ACK, ack.encode())[1]


class Air:
    rssi_dbm, snr_db4, fault = -80, 20, False

    def __init__(self, guard, fuse, rng) -> None:
        self._guard, self._fuse, self._rng = guard, fuse, rng
        self._inbox = []

    def ready(self) -> bool:
        return True

    def send(self, frame: bytes, link_ms: int) -> bool:
        self._fuse.point()
        answer = self._guard.take(frame)  # heard or lost: it was on the air
        if self._rng.below(100) >= LOSS_PERCENT and self._rng.below(100) >= LOSS_PERCENT:
            self._inbox.append(answer)
        self._fuse.point()
        return True

    def receive(self, link_ms: int):  # type: ignore[no-untyped-def]
        found, self._inbox = self._inbox, []
        return found

    def wait(self, wait_ms: int) -> None:
        pass

    def close(self) -> None:
        pass


def mount(chip) -> None:
    vfs.mount(vfs.VfsLfs2(chip, progsize=64, readsize=512), MOUNT)


def blank() -> bytes:
    chip = Chip()
    vfs.VfsLfs2.mkfs(chip, progsize=64, readsize=512)
    mount(chip)
    channel = {"index": 0, "quantity": 1, "step": 1, "probe": {"kind": "constant", "value": 1200}}
    ConfigStore(MOUNT).save(NodeConfig({
        "schema": 1, "id": ID, "generation": GENERATION, "version": 1, "interval_s": 60,
        "fast_interval_s": 10, "outbox_segments": 3, "channels": [channel],
        "carrier": {"kind": "radio", "port": 1, "answer_ms": 5000},
    }))  # fmt: skip
    save_secret(MOUNT, SECRET)
    vfs.umount(MOUNT)
    return bytes(chip.data)


def plant(fault: str) -> None:
    if fault == "late-reserve":
        real = counters.PairFile.save
        kept = {}

        def save(self, value) -> None:  # type: ignore[no-untyped-def]
            if "limit" in value:
                kept[0], value = value, kept.get(0)
            if value is not None:
                real(self, value)

        counters.PairFile.save = save
    elif fault:
        raise SystemExit("no such fault: " + fault)


class Rig:
    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._rng.below(2)
        self._data = blank()
        self.guard = Guard()
        self.clock = Clock()
        DeskNode.desk = self.clock
        self.in_flash = self.lives = 0

    # One boot and what it comes to.
    def live(self) -> None:
        chip = Chip(self._data)
        mount(chip)
        chip.operations = 0
        fuse = self.clock.fuse = Fuse(chip, self._rng)
        if self._rng.below(100) < CLOCK_LOST_PERCENT:
            self.clock.ms = 0
        node = None
        DeskNode.air = Air(self.guard, fuse, self._rng)
        try:
            node = DeskNode(MOUNT, None, None)
            for _ in range(WAKES):
                self.clock.ms += 1000 * (1 + self._rng.below(90))
                node.wake()
                self.clock.ms += 300
                node.wake()
                fuse.point()
        except PowerCut:
            pass
        except OSError:
            assert fuse.dead(), "an error of the flash without a cut"
        self.in_flash += fuse.left == 0 and fuse.dead()
        if node is not None:
            self.lives = node._life.number + 1
            chip.cut_at = 1
            node.close()
        vfs.umount(MOUNT)
        self._data = chip.data


def main(arguments) -> None:  # type: ignore[no-untyped-def]
    seed, reboots = int(arguments[0]), int(arguments[1])
    rig = Rig(seed)
    plant(arguments[2] if len(arguments) > 2 else "")
    for _ in range(reboots):
        rig.live()
    guard = rig.guard
    print("reboots=%d flash=%d frames=%d counters=%d lives=%d reused=%d" % (
        reboots, rig.in_flash, guard.frames, len(guard.seen), rig.lives, guard.reused,
    ))  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
