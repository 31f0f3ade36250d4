"""Frames that nobody sealed so: how many the guard, or a node, takes for true.

The guard's own intake judges them, with its keys, its replay windows and its estimates of age; the
node's own opener, decoder and delivery judge the downlinks. Attackers hold everything that was
ever on the air, in both directions, of all nodes, and no key. A frame counts as accepted if it
leaves anything behind but a counted refusal: a reading, a decision, another age, another window.
An authentic frame that comes again may be passed on as seen, so that it is acknowledged again,
and must change nothing either. Good frames come in between, and each must be taken.

The anchor is the same attack against a receiver that checks a CRC-32 only, which is what most
telemetry on plain LoRa does.
"""

from __future__ import annotations

import binascii
import copy
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.bench.lora_life import settings
from tests.guard.rig import A, B, FakeClock, SimNode, write_site

from amont_guard import messages
from amont_guard.config import parse
from amont_guard.decide import Judge
from amont_guard.freshness import Freshness
from amont_guard.intake import Batch, Intake
from amont_guard.keys import Keyring
from amont_guard.pending import Pending
from amont_node.config import NodeConfig
from amont_node.duty import Duty
from amont_node.spans import Spans
from amont_wire import const
from amont_wire.downlink import Ack, decode
from amont_wire.errors import WireError
from amont_wire.frame import Opener, Sealer

KINDS = ("forged", "flipped", "truncated", "replayed", "swapped")
NAMES = (
    *(f"forgery.guard_{kind}" for kind in KINDS),
    *(f"forgery.node_{kind}" for kind in KINDS),
    "forgery.guard_good_refused", "forgery.node_good_refused", "forgery.crashes",
)  # fmt: skip
QUICK, FULL = 20_000, 3_000_000
GOOD_EVERY = 1000
HEARD = 2000  # frames of each node that an attacker has recorded
Attack = Callable[[random.Random], bytes]
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the frames accepted of each kind; ``full`` tries three million of each."""
    count = FULL if full else QUICK
    crashes = 0
    with tempfile.TemporaryDirectory() as folder:
        guard = GuardSide(Path(folder))
        for victim, side in (("guard", guard), ("node", NodeSide(guard.recorded))):
            rng = random.Random(seed)
            for kind in KINDS:
                accepted, crashed, weak = _try(side, kind, rng, count)
                crashes += crashed
                yield {"name": f"forgery.{victim}_{kind}", "value": accepted,
                       "unit": f"accepted of {count}", "anchor": weak, "goal": "0",
                       "met": accepted == 0, "trials": count, "failures": accepted}  # fmt: skip
            yield {"name": f"forgery.{victim}_good_refused", "value": side.refused,
                   "unit": f"of {side.good}", "goal": "0", "met": side.refused == 0,
                   "trials": side.good, "failures": side.refused}  # fmt: skip
    yield {"name": "forgery.crashes", "value": crashes, "unit": "exceptions", "goal": "0",
           "met": crashes == 0}  # fmt: skip


def _try(side: Any, kind: str, rng: random.Random, tries: int) -> tuple[int, int, int]:
    """Return the frames accepted, the exceptions, and what a CRC-32 would have let pass."""
    attack: Attack = getattr(side.attacker, kind)
    accepted = crashed = weak = 0
    for number in range(tries):
        if number % GOOD_EVERY == 0:
            side.good_one()
        frame = attack(rng)
        weak += _crc_takes(frame, kind)
        try:
            accepted += side.takes(frame)
        except Exception:
            crashed += 1
    accepted += side.changed()
    return accepted, crashed, weak


# Whoever forges, cuts, replays or swaps puts the right CRC behind it; noise hits by chance.
def _crc_takes(frame: bytes, kind: str) -> bool:
    if kind != "flipped":
        return True
    return binascii.crc32(frame[:-4]).to_bytes(4, "little") == frame[-4:]


class Attacker:
    """What can be made of frames that were heard."""

    def __init__(self, victims: list[bytes], others: list[bytes]) -> None:
        """Hold the recorded frames of the direction attacked, and those of the other one."""
        self._victims, self._others = victims, others

    def forged(self, rng: random.Random) -> bytes:
        """Make a good header with a counter to come, and body and tag of chance."""
        frame = rng.choice(self._victims)
        counter = rng.randint(HEARD, const.COUNTER_MAX).to_bytes(4, "little")
        length = rng.randint(const.MIN_FRAME, const.MAX_FRAME) - const.HEADER
        return frame[:3] + counter + rng.randbytes(length)

    def flipped(self, rng: random.Random) -> bytes:
        """Flip one to eight different bits."""
        changed = bytearray(rng.choice(self._victims))
        for bit in rng.sample(range(len(changed) * 8), rng.randint(1, 8)):
            changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    def truncated(self, rng: random.Random) -> bytes:
        """Cut at either end, or in the middle, or add bytes."""
        frame = rng.choice(self._victims)
        at, much = rng.randint(0, len(frame)), rng.randint(1, 9)
        longer = frame[:at] + rng.randbytes(much) + frame[at:]
        return rng.choice((frame[:-much], frame[much:], frame[:at] + frame[at + much :], longer))

    def replayed(self, rng: random.Random) -> bytes:
        """Send again what was heard, whenever that was."""
        return rng.choice(self._victims)

    def swapped(self, rng: random.Random) -> bytes:
        """Put the header, or one field of it, of one frame before the rest of another."""
        one = rng.choice(self._victims)
        other = rng.choice(rng.choice((self._victims, self._others)))
        first, end = rng.choice(((0, 1), (1, 3), (3, 7), (0, 7)))
        made = one[:first] + other[first:end] + one[end:]
        return made if made != one else other[: const.HEADER] + one[const.HEADER : -1] + b"\x00"


class GuardSide:
    """The guard's intake, two stations' nodes that really seal, and who listened to them."""

    def __init__(self, folder: Path) -> None:
        """Let both nodes be heard, answered and proved fresh; record it all."""
        write_site(folder)
        self.clock, self.counters = FakeClock(), Counter[str]()
        self.keys = Keyring(folder, _put, self.clock.monotonic_s)
        self.keys.reserve()
        config = parse((folder / "guard.json").read_bytes())
        self.pending = Pending(folder, _put, config, lambda _station: [1200, 1800, 2500, 3200])
        self.judge, self.freshness = Judge(config), Freshness()
        self.intake = Intake(self.keys, self.freshness, self.judge, self.counters, self.pending)
        self.nodes = [SimNode(number, self.clock) for number in (A, B)]
        self.good = self.refused = 0
        up: list[bytes] = []
        down: list[bytes] = []
        for _ in range(HEARD):
            for node in self.nodes:
                up.append(self._hears(node))
                down += self._answers(node)
        self.recorded = (up, down)
        self.attacker = Attacker(up, down)
        self._before = self._state()

    def good_one(self) -> None:
        """Let a node speak; whatever was attacked meanwhile, it is taken."""
        changed = self.changed()
        if changed:
            raise AssertionError("an attack has left something behind")
        node = self.nodes[self.good % 2]
        self._hears(node)
        self._answers(node)
        self._before = self._state()

    def takes(self, frame: bytes) -> bool:
        """Offer a frame; tell whether it was more than refused, or seen again."""
        batch = Batch()
        self.intake.take(batch, 1, frame, self.clock.now_s, self.clock.wall, (-90, 20))
        new = [one for one in batch.opened if not one.flags & messages.SEEN]
        return bool(new or batch.decisions)

    def changed(self) -> int:
        """Return 1 if what the guard knows is another than after the last good frame."""
        return int(self._state() != self._before)

    def _state(self) -> Any:
        return copy.deepcopy(
            (self.keys.windows(), self.judge.snapshot(self.clock.now_s), self.freshness.snapshot())
        )

    def _hears(self, node: SimNode) -> bytes:
        self.clock.pass_s(30)
        frame: bytes = node.frame(400)
        batch = Batch()
        self.intake.take(batch, 1, frame, self.clock.now_s, self.clock.wall, (-90, 20))
        self.good += 1
        self.refused += len(batch.opened) != 1 or bool(batch.opened[0].flags & messages.SEEN)
        return frame

    def _answers(self, node: SimNode) -> list[bytes]:
        item = messages.Committed(node.number, node.epoch, node.seq, 0, 0, node.last)
        sealed = self.intake.acknowledge([item], self.clock.now_s)
        for _, frame, _ in sealed:
            node.hear(frame)
        return [frame for _, frame, _ in sealed]


class NodeSide:
    """A node's way from bytes to a downlink that it believes."""

    def __init__(self, recorded: tuple[list[bytes], list[bytes]]) -> None:
        """Make the node that the recorded downlinks were for: the first of the guard's two."""
        up, down = recorded
        secret = bytes([A]) * 16
        self._opener = Opener(secret, A, 1, const.DOWNLINK)
        self._sealer = Sealer(secret, A, 1, const.DOWNLINK, _From(10 * HEARD))
        config = NodeConfig({**settings(900), "id": A})
        self._duty = Duty(config, Spans(), 1, 0, 0)
        self._sent = 10 * HEARD
        self.good = self.refused = 0
        self.attacker = Attacker(down, up)

    def good_one(self) -> None:
        """Answer the node's newest frame as the guard does."""
        self._sent += 1
        self._duty.delivery._recent = [(self._sent, None)]
        body = Ack(self._sent, 7, 1, 0, 0, 0, 0).encode()
        self.good += 1
        self.refused += not self.takes(self._sealer.seal(const.ACK, body)[1])

    def takes(self, frame: bytes) -> bool:
        """Tell whether the node believes it."""
        try:
            header, body = self._opener.open(frame)
            message = decode(header.type, body)
        except WireError:
            return False
        return bool(self._duty.delivery.believes(header.counter, message.answers))

    def changed(self) -> int:
        """Return 0: what is believed is counted where it is."""
        return 0


class _From:
    def __init__(self, last: int) -> None:
        self._last = last

    def next(self) -> int:
        self._last += 1
        return self._last


def _put(path: Path, content: bytes, done: Callable[[], object] | None) -> None:
    path.write_bytes(content)
    if done:
        done()
