# Mutates bodies, frames and serial lines from a seed. The same file runs on both Pythons and must
# print the same:  python fuzz.py <core folder> [--count N] [--seed S]
# A body is taken or refused with WireError. What is taken encodes back to itself or, for samples
# (whose encoder may find a cheaper form), decodes back to itself. No changed frame may ever open.

import sys

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])

from amont_wire import const, frame, link, messages
from amont_wire.errors import Forged, WireError

_MASK = (1 << 64) - 1


# xorshift64*: the same numbers on both Pythons.
class Random:
    def __init__(self, seed):
        self.state = (seed * 0x9E3779B97F4A7C15 + 1) & _MASK

    def below(self, limit):
        x = self.state
        x ^= x >> 12
        x ^= x << 25 & _MASK
        x ^= x >> 27
        self.state = x
        return (x * 0x2545F4914F6CDD1D & _MASK) % limit if limit > 1 else 0

    def octets(self, count):
        return bytes([self.below(256) for _ in range(count)])


class Next:
    def __init__(self):
        self.last = 0

    def next(self):
        self.last += 1
        return self.last


def some_samples(random):
    count = 1 + random.below(24)
    channels = []
    for index in range(4):
        if index and random.below(3):
            continue
        spread = 1 << random.below(19)
        values = [random.below(2 * spread) - spread for _ in range(count)]
        quality = [random.below(7) if spread & 1 else 0 for _ in range(count)]
        channels.append(messages.Channel(index, 1 + random.below(10), 1, values, quality))
    seq = count + random.below(1000)
    echo = (random.below(1 << 32), random.below(1 << 16)) if random.below(2) else None
    return messages.Samples(3, 90000, seq, random.below(90000), 60, seq, False, channels, echo)


def some_body(random):
    kind = random.below(10)
    if kind == 0:
        return const.HEALTH, messages.Health(
            1, 9, 3300, 20, 1, 2, 3, 0, 0, -90, 8, 99, 1, 2, 0
        ).encode()
    if kind == 1:
        return const.HELLO, messages.Hello(1, 9, 1, 2, 3, 4, [1, 2, 3]).encode()
    if kind == 2:
        more = random.below(64)
        return const.ACK, messages.Ack(1, 2, 3, 4, random.below(1 << more), more, 1).encode()
    if kind == 3:
        return const.TIME, messages.Time(1, 2, random.below(1 << 32), 1).encode()
    if kind == 4:
        return const.CONFIG, messages.Config(1, 2, 3, [(1, random.below(9999)), (5, -2)]).encode()
    if kind == 5:
        return const.RESEND, messages.Resend(1, 2, 3, [(random.below(9999), 9), (5, 256)]).encode()
    if kind == 6:
        return const.UPDATE, messages.UpdateChunk(1, 2, 3, 4, random.octets(9)).encode()
    if kind == 7:
        return const.PROGRESS, messages.Progress(1, 9, 3, random.below(1 << 24), 2).encode()
    return const.SAMPLES, some_samples(random).encode()


# Flip bits, cut, lengthen, or replace by noise.
def mutate(random, data):
    way = random.below(8)
    if way == 0:
        return random.octets(random.below(40))
    if way == 1:
        return data[: random.below(len(data) + 1)]
    if way == 2:
        return data + random.octets(1 + random.below(6))
    changed = bytearray(data)
    for _ in range(1 + random.below(4)):
        changed[random.below(len(changed))] ^= 1 << random.below(8)
    return bytes(changed)


# "taken" or the refusal's class; any other exception ends the run.
def judge_body(kind, body):
    try:
        message = messages.decode(kind, body)
    except WireError as error:
        return type(error).__name__
    again = message.encode()
    if again != body and (kind > const.URGENT or messages.decode(kind, again) != message):
        raise AssertionError("does not come back: " + body.hex())
    return "taken"


def judge_frame(opener, sealed, changed):
    try:
        opener.open(changed)
    except Forged:
        return "forged"
    except WireError:
        return "unfit"
    if changed != sealed:
        raise AssertionError("changed frame opened: " + changed.hex())
    return "opened"


def judge_line(deframer, payload, line):
    for taken in deframer.feed(line):
        if taken != payload:
            # A CRC does not see a zero appended to it, and lets 1 in 65,536 of the rest through.
            # The frame's own tag stops both.
            return "misread"
        return "read"
    return "lost"


def run(count, seed):
    random = Random(seed)
    secret = bytes(range(16))
    sealers = [frame.Sealer(secret, 17, 1, direction, Next()) for direction in (0, 1)]
    openers = [frame.Opener(secret, 17, 1, direction) for direction in (0, 1)]
    deframer = link.Deframer()
    tally = {}
    for _ in range(count):
        kind, body = some_body(random)
        direction = const.DIRECTIONS[kind]
        sealed = sealers[direction].seal(kind, body)[1]
        payload = link.Send(1, sealed).payload()
        results = (
            "body " + judge_body(kind, mutate(random, body)),
            "frame " + judge_frame(openers[direction], sealed, mutate(random, sealed)),
            "line " + judge_line(deframer, payload, mutate(random, link.pack(payload)) + b"\x00"),
        )
        for result in results:
            tally[result] = tally.get(result, 0) + 1
    return tally


def option(name, default):
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default


if __name__ == "__main__":
    outcome = run(option("--count", 20000), option("--seed", 1))
    for name in sorted(outcome):
        sys.stdout.write(f"{name}: {outcome[name]}\n")
