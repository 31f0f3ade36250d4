# A release by the air: parts of an image into flash, its MAC checked, its files into the idle
# slot, the slot switched to. Loaded only where there is an update.
#
# The image (docs/wire-format.md): "AMU1", release u16, files u16, per file (length of path u8,
# path, size u32, bytes), MAC. Little endian.
#
# What lies in flash says how far it is, so that a power cut costs only what RAM held:
# - update.img: what came so far. Its length is where to go on, its first bytes are which release.
# - The idle slot loses its release.json before anything else of it changes, and gets the new one
#   last. Between the two it cannot boot, and the boot record does not name it.
# - The boot record then names it, and update.img goes. Where the cut came between these two, the
#   image of the release that runs is left, and goes at the next boot.
# What is refused leaves neither image nor a slot that is half written.

import gc
import os
from hashlib import sha256

from amont_node import console, slots
from amont_node.manifest import check_path
from amont_node.pair import make_durable, make_folder
from amont_wire import const
from amont_wire.ccm import same
from amont_wire.keys import UPDATE_LABEL, derive

BURST = 8  # parts that answer one frame of progress
MAC_BYTES = 16
KEEP_BYTES = 65536  # of flash: the outbox must not drop samples for an update
_MAGIC = b"AMU1"
_HEAD_BYTES = 8
_FILES_MAX = 256
_PATH_MAX = 64
_FILE_MAX = 262144
_BUFFER_BYTES = 2048  # an append on littlefs writes a block again: not for each part of 22 bytes
_READ_BYTES = 512
_QUIET_MS = 3000  # after a part: the rest of the burst is lost
_AGAIN_MS = 900000  # nothing came for what was asked
_ASKS_MAX = 96  # a day
_RESTART_MS = 5000  # so that the last word about it leaves before the restart


class Refused(Exception):
    pass


# Where the image ends, found as it comes. Keeps a few bytes only.
class Layout:
    def __init__(self) -> None:
        self.seen = 0
        self.end: int | None = None  # of the whole image, its MAC included
        self.release: int | None = None
        self._files = 0
        self._kept = b""  # of what is being read
        self._want = _HEAD_BYTES
        self._skip = 0
        self._read = self._head

    def feed(self, data: bytes) -> None:
        self.seen += len(data)
        while data and self.end is None:
            if self._skip:
                skipped = min(self._skip, len(data))
                self._skip -= skipped
                data = data[skipped:]
            else:
                taken = self._want - len(self._kept)
                self._kept += data[:taken]
                data = data[taken:]
            if not self._skip and len(self._kept) == self._want:
                kept, self._kept = self._kept, b""
                self._read(kept)
            if not self._skip and not self._files and self.release is not None:
                self.end = self.seen - len(data) + MAC_BYTES
        if self.end is not None and self.seen > self.end:
            raise Refused("%d bytes, and the image ends at %d" % (self.seen, self.end))

    def _head(self, kept: bytes) -> None:
        files = kept[6] | kept[7] << 8
        if kept[:4] != _MAGIC or not 1 <= files <= _FILES_MAX:
            raise Refused("no image of a release")
        self.release = kept[4] | kept[5] << 8
        self._files = files
        self._expect(1, self._length)

    def _length(self, kept: bytes) -> None:
        if not 1 <= kept[0] <= _PATH_MAX:
            raise Refused("a path of %d bytes" % kept[0])
        self._expect(kept[0] + 4, self._size)

    def _size(self, kept: bytes) -> None:
        size = number(kept[-4:])
        if size > _FILE_MAX:
            raise Refused("a file of %d bytes" % size)
        self._skip = size
        self._files -= 1
        self._expect(1, self._length)

    def _expect(self, want: int, read) -> None:  # type: ignore[no-untyped-def]
        self._want = want
        self._read = read


def number(data: bytes) -> int:
    value = 0
    for i in range(len(data)):
        value |= data[i] << 8 * i
    return value


class Updater:
    # identity: (node, key generation). fed(): called while it works, for the watchdog.
    def __init__(self, boot: slots.Boot, secret: bytes, identity, fed) -> None:  # type: ignore[no-untyped-def]
        self._boot = boot
        self._root = boot.root
        self._path = boot.root + "/" + slots.IMAGE_FILE
        self._secret = secret
        self._identity = identity
        self._fed = fed
        # What a frame of progress says: release, next, state; why: of a refusal.
        self.release = boot.release
        self.next = 0
        self.state = const.PROGRESS_RUNNING
        self.why = ""
        self._layout: Layout | None = None  # of the image under way
        self._buffer = bytearray()  # of it, not in flash yet
        self._slot: str | None = None  # being written
        self._burst = 0  # parts since the last frame of progress
        self._asks = 0  # frames of progress since the last part
        self._ask_ms: int | None = None  # when to send one, whatever comes
        self._now_ms = 0
        self._restart_ms: int | None = None

    # After a boot, and when a trial is over: say how far this node is, and go on where it was.
    def resume(self, link_ms: int) -> None:
        self._now_ms = link_ms
        boot = self._boot
        self._say(boot.release, const.PROGRESS_RUNNING, "")
        if boot.failed and not boot.on_trial:
            self._say(boot.failed, const.PROGRESS_REFUSED, "it did not report good")
        if not boot.has(slots.IMAGE_FILE):
            return
        try:
            self._reread()
        except (OSError, ValueError, MemoryError, Refused) as error:
            self._refuse(error)

    # A part of the image of a release. Whatever is wrong with it leaves nothing half done.
    def take(self, release: int, offset: int, data: bytes, link_ms: int) -> None:
        self._now_ms = link_ms
        self._asks = 0
        self._ask_ms = link_ms + _QUIET_MS
        if self._restart_ms is not None:
            return  # the release is in its slot, and this boot about to end
        state, why = self._verdict(release)
        if state != const.PROGRESS_WANTS:
            self._say(self._boot.release if self._boot.on_trial else release, state, why)
            return
        self._burst += 1
        try:
            if self._layout is None or release != self.release:
                if offset and (release, self.state) == (self.release, const.PROGRESS_REFUSED):
                    return  # the rest of a burst whose refusal is still to be told
                self._start(release)
            if offset == self.next:
                self._append(data)
        except (OSError, ValueError, MemoryError, Refused) as error:
            self._refuse(error)

    # Whether a frame of progress is due: after a burst, after silence.
    def asks(self, link_ms: int) -> bool:
        if self._ask_ms is None or (self._burst < BURST and link_ms < self._ask_ms):
            return False
        self._burst = 0
        self._asks += 1
        self._ask_ms = None
        if self.state == const.PROGRESS_WANTS:
            self._ask_ms = link_ms + _AGAIN_MS
            if self._asks > _ASKS_MAX:
                self._now_ms = link_ms
                self._refuse(Refused("nothing more came"))
        self._tell()
        return True

    def restarts(self, link_ms: int) -> bool:
        return self._restart_ms is not None and link_ms >= self._restart_ms

    # In the middle of a burst, or about to start again: no time to sleep.
    def busy(self) -> bool:
        return self._burst > 0 or self._restart_ms is not None

    # What to think of a release before any of it is there: (state, why).
    def _verdict(self, release: int) -> tuple[int, str]:
        boot = self._boot
        if boot.slot is None:
            return const.PROGRESS_REFUSED, "this node runs from no slot"
        if boot.on_trial or release == boot.release:
            return const.PROGRESS_RUNNING, ""
        if release < boot.release:
            return const.PROGRESS_REFUSED, "it is older than %d" % boot.release
        if release == boot.failed:
            return const.PROGRESS_REFUSED, "it did not report good"
        return const.PROGRESS_WANTS, ""

    def _say(self, release: int, state: int, why: str) -> None:
        self._layout = None
        self._buffer = bytearray()
        self.release, self.next, self.state, self.why = release, 0, state, why
        self._burst = 0
        self._ask_ms = self._now_ms

    def _refuse(self, error) -> None:  # type: ignore[no-untyped-def]
        release = self.release
        slots.remove(self._path)
        if self._slot is not None:
            _clear(self._root + "/" + self._slot)
            self._slot = None
        self._say(release, const.PROGRESS_REFUSED, str(error))

    def _tell(self) -> None:
        names = ("taking", "checked", "refused", "running")
        state = "trial" if self._boot.on_trial else names[self.state]
        console.tell("update", {
            "state": state, "release": self.release, "next": self.next, "text": self.why,
        })  # fmt: skip

    # --- the image

    def _start(self, release: int) -> None:
        slots.remove(self._path)
        self._layout = Layout()
        self._buffer = bytearray()
        self.release, self.next, self.state, self.why = release, 0, const.PROGRESS_WANTS, ""

    # What the flash holds of an image, as if it came again.
    def _reread(self) -> None:
        with open(self._path, "rb") as file:
            release = number(file.read(_HEAD_BYTES)[4:6])
            state, _ = self._verdict(release)
            if state != const.PROGRESS_WANTS:
                slots.remove(self._path)
                return
            file.seek(0)
            layout = Layout()
            for part in _parts(file, 1 << 24):
                layout.feed(part)
                self._fed()
        self._layout = layout
        self.release, self.next, self.why = release, layout.seen, ""
        self.state = const.PROGRESS_WANTS
        if layout.end == layout.seen:
            self._finish()

    def _append(self, data: bytes) -> None:
        layout = self._layout
        assert layout is not None
        layout.feed(data)
        if layout.release not in (None, self.release):
            raise Refused("the image is of release %d" % layout.release)
        self._buffer.extend(data)
        self.next = layout.seen
        complete = layout.end == layout.seen
        if complete or len(self._buffer) >= _BUFFER_BYTES:
            self._store()
        if complete:
            self._finish()

    def _store(self) -> None:
        facts = os.statvfs(self._root)
        if facts[1] * facts[4] < KEEP_BYTES + len(self._buffer):
            raise Refused("the flash is full")
        with open(self._path, "ab") as file:
            file.write(self._buffer)
            make_durable(file)
        self._buffer = bytearray()

    # All of it is in flash.
    def _finish(self) -> None:
        gc.collect()
        self._check_mac()
        self._slot = slots.begin(self._root)
        folder = self._root + "/" + self._slot
        _clear(folder)
        with open(self._path, "rb") as file:
            self._unpack(file, folder)
        found = slots.read_release(self._root, self._slot)
        if found is None or found.number != self.release:
            raise Refused("release.json is not of release %d" % self.release)
        slots.switch(self._root, self._slot)
        self._slot = None
        slots.remove(self._path)
        length = self.next
        self._say(self.release, const.PROGRESS_CHECKED, "")
        self.next = length
        self._restart_ms = self._now_ms + _RESTART_MS

    def _check_mac(self) -> None:
        assert self._layout is not None
        assert self._layout.end is not None
        key = derive(self._secret, self._identity[0], self._identity[1], UPDATE_LABEL)
        key = key + bytes(64 - len(key))
        inner = sha256(bytes([b ^ 0x36 for b in key]))
        with open(self._path, "rb") as file:
            for part in _parts(file, self._layout.end - MAC_BYTES):
                inner.update(part)
                self._fed()
            mac = file.read(MAC_BYTES)
        outer = sha256(bytes([b ^ 0x5C for b in key]))
        outer.update(inner.digest())
        if not same(outer.digest()[:MAC_BYTES], mac):
            raise Refused("its MAC is wrong")

    def _unpack(self, file, folder: str) -> None:  # type: ignore[no-untyped-def]
        files = number(file.read(_HEAD_BYTES)[6:])
        for left in range(files - 1, -1, -1):
            path = file.read(file.read(1)[0]).decode()
            parts = _parts(file, number(file.read(4)))
            if (path == slots.RELEASE_FILE) != (left == 0):
                raise Refused("release.json must be the last file")
            if left == 0:
                slots.write_whole(folder + "/" + path, parts)
                return
            check_path(path)
            _make_folders(folder, path)
            with open(folder + "/" + path, "wb") as target:
                for part in parts:
                    target.write(part)
                make_durable(target)
            self._fed()


# The next `size` bytes of a file, in parts.
def _parts(file, size: int):  # type: ignore[no-untyped-def]
    while size:
        part = file.read(min(size, _READ_BYTES))
        if not part:
            return
        size -= len(part)
        yield part


def _make_folders(folder: str, path: str) -> None:
    for name in path.split("/")[:-1]:
        folder = folder + "/" + name
        make_folder(folder)


# Remove every file below a folder; release.json first, for without it nothing boots from there.
def _clear(folder: str) -> None:
    slots.remove(folder + "/" + slots.RELEASE_FILE)
    for path in slots.files_below(folder):
        slots.remove(folder + "/" + path)
