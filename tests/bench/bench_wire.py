"""Sizes, safety and speed of the wire format."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from tests.bench import rivers
from tests.wire import fuzz

from amont_wire import const
from amont_wire.bits import zigzag
from amont_wire.errors import WireError
from amont_wire.frame import Opener, Sealer
from amont_wire.messages import Channel, Samples, decode

RIVERS = {
    "river": rivers.packaged,
    "occitanie": lambda: rivers.recorded("river_occitanie_2020"),
    "garonne": lambda: rivers.recorded("river_garonne_floods"),
}
SIZES = (
    "body_bytes_per_reading",
    "body_bytes_per_reading_of_24",
    "body_bytes_per_reading_vs_json",
    "body_bytes_per_reading_vs_cayenne_lpp",
    "body_bytes_per_new_reading",
    "frame_bytes_per_new_reading",
)
NAMES = (
    *(f"wire.{river}.{size}" for river in RIVERS for size in SIZES),
    "wire.worst_frame_bytes",
    "wire.flipped_frames_accepted",
    "wire.forged_frames_accepted",
    "wire.fuzz_unclean",
    "wire.open_us",
    "wire.decode_24_us",
    "wire.encode_24_us",
)
NEW = 4  # new readings a frame; the rest repeats earlier ones against loss
CAYENNE_LPP = 14  # bytes a reading: level, battery, temperature (its documented encoding)
SECRET = bytes(range(16))
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield every figure that this machine can measure."""
    for river, series in RIVERS.items():
        yield from sizes(river, list(series()), full)
    yield worst_frame(random.Random(seed), 100_000 if full else 5_000)
    yield from refusals(random.Random(seed), 3_000_000 if full else 50_000)
    yield from fuzzed(300_000 if full else 10_000, seed)
    yield from speed()


def sizes(river: str, series: list[rivers.Series], full: bool) -> Iterator[Figure]:
    """Yield the bytes a reading of one river: 4 new a frame, earlier ones filling it."""
    ends = [(s, end) for s in series for end in range(LARGEST, len(s[1]) + 1, NEW)]
    # Evenly over the whole record: 2,500 frames differ from all 96,000 by 0.3 %.
    chosen = ends[:: max(1, len(ends) // (20_000 if full else 2_500))]
    if not chosen:
        return
    filled = [message(s, end, LARGEST).encode_trimmed() for s, end in chosen]
    body = sum(len(body) for body, _ in filled)
    carried = sum(count for _, count in filled)
    of_24 = [message(s, end, 24).encode_trimmed() for s, end in chosen]
    mean_24 = sum(len(b) for b, _ in of_24) / sum(count for _, count in of_24)
    varint = mean([delta_varint(s[1][end - 24 : end]) / 24 for s, end in chosen])
    as_json = mean([json_bytes(s[1][end - 1], end) for s, end in chosen])
    each = body / carried
    new = body / len(filled) / NEW
    rows = [
        (each, varint, each <= 0.8, "<= 0.8"),
        (mean_24, varint, None, None),
        (each, as_json, each < as_json, "< anchor"),
        (each, CAYENNE_LPP, each < CAYENNE_LPP, "< anchor"),
        (new, as_json, None, None),
        (new + (const.HEADER + const.TAG) / NEW, as_json, None, None),
    ]
    for size, (value, anchor, met, goal) in zip(SIZES, rows, strict=True):
        yield {"name": f"wire.{river}.{size}", "value": round(value, 4), "unit": "B",
               "anchor": round(anchor, 4), "goal": goal, "met": met}  # fmt: skip


LARGEST = const.READINGS_MAX


def message(series: rivers.Series, end: int, count: int) -> Samples:
    """Return the frame that a node would make after reading number `end` of a record."""
    interval_s, stages = series
    lag_s = 3
    tick_s = min(end * interval_s + lag_s, 2**const.TICK_BITS - 1)
    channel = Channel(0, const.QUANTITY_CODES["stage_mm"], 1, stages[end - count : end])
    return Samples(1, tick_s, end, lag_s, interval_s, NEW - 1, False, [channel])


def delta_varint(values: list[int]) -> int:
    """Return the bytes of the first value and the deltas as zigzag varints, without any head."""
    deltas = [values[0], *(b - a for a, b in itertools.pairwise(values))]
    return sum(max(1, -(-zigzag(delta).bit_length() // 7)) for delta in deltas)


def json_bytes(stage_mm: int, end: int) -> int:
    """Return the bytes of one reading as compact JSON with short keys, without node or topic."""
    return len(json.dumps({"t": 1_700_000_000 + end, "mm": stage_mm}, separators=(",", ":")))


def mean(values: list[float]) -> float:
    """Return the arithmetic mean."""
    return sum(values) / len(values)


def worst_frame(rng: random.Random, count: int) -> Figure:
    """Seal adversarial and random samples; return the longest frame."""
    sealer = Sealer(SECRET, 17, 1, const.UPLINK, fuzz.Next())
    longest = 0
    for made in itertools.chain(adversarial(), (anything(rng) for _ in range(count))):
        longest = max(longest, len(sealer.seal(const.SAMPLES, made.encode())[1]))
    return {"name": "wire.worst_frame_bytes", "value": longest, "unit": "B",
            "goal": f"<= {const.MAX_FRAME}", "met": longest <= const.MAX_FRAME}  # fmt: skip


def adversarial() -> Iterator[Samples]:
    """Yield the largest fields with the series that each code likes least."""
    top = const.VALUE_MAX
    shapes = {
        "jumps": lambda n: [top if i % 2 else -top for i in range(n)],
        "one jump": lambda n: [0] * (n - 1) + [top],
        "early jump": lambda n: [top] + [0] * (n - 1),
        "flat": lambda n: [top] * n,
        "escapes": lambda n: [12 * (i % 2) for i in range(n)],
    }
    for make, n, width in itertools.product(shapes.values(), (1, 2, 24, 64), (1, 2, 3, 4)):
        for quality in (0, 1):
            channels = [
                Channel(i, 10, 200, [v * 200 for v in make(n)], [quality] * n)
                for i in range(width)
            ]
            yield Samples(4095, 2**28 - 1, 2**24 - 1, 2**28 - 1, 2**17 - 1, 2**24 - 1, True,
                          channels, (2**32 - 1, 2**16 - 1))  # fmt: skip


def anything(rng: random.Random) -> Samples:
    """Return samples of random width, length, spread and quality."""
    count = rng.randint(1, LARGEST)
    channels = []
    for index in sorted(rng.sample(range(4), rng.randint(1, 4))):
        reach = rng.randint(0, 1 << rng.randint(0, 18))
        values = [rng.randint(-reach, reach) for _ in range(count)]
        quality = [rng.choice((0, 0, 0, rng.randint(0, 6))) for _ in range(count)]
        channels.append(Channel(index, rng.randint(1, 10), 1, values, quality))
    tick_s = rng.getrandbits(rng.randint(0, 28))
    seq = max(count - 1, rng.getrandbits(rng.randint(0, 24)))
    echo = (rng.getrandbits(32), rng.getrandbits(16)) if rng.random() < 0.5 else None
    return Samples(rng.getrandbits(12), tick_s, seq, rng.randint(0, tick_s), rng.randint(1, 9999),
                   rng.getrandbits(24), rng.random() < 0.5, channels, echo)  # fmt: skip


def refusals(rng: random.Random, count: int) -> Iterator[Figure]:
    """Open frames with flipped bits, and frames made up under a wrong key or none."""
    opener = Opener(SECRET, 17, 1, const.UPLINK)
    good = [sealed(fuzz.Random(n), SECRET) for n in range(100)]
    for name, change in (("flipped", flip), ("forged", forge)):
        accepted = 0
        for n in range(count):
            try:
                opener.open(change(rng, good[n % len(good)]))
                accepted += 1
            except WireError:
                continue
        yield {"name": f"wire.{name}_frames_accepted", "value": accepted,
               "unit": f"of {count}", "goal": "0", "met": accepted == 0,
               "trials": count, "failures": accepted}  # fmt: skip


def sealed(source: fuzz.Random, secret: bytes) -> bytes:
    """Return one frame of some samples under a secret."""
    body = fuzz.some_samples(source).encode()
    return Sealer(secret, 17, 1, const.UPLINK, fuzz.Next()).seal(const.SAMPLES, body)[1]


def flip(rng: random.Random, frame: bytes) -> bytes:
    """Return the frame with one to eight different bits flipped."""
    changed = bytearray(frame)
    for bit in rng.sample(range(len(frame) * 8), rng.randint(1, 8)):
        changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def forge(rng: random.Random, frame: bytes) -> bytes:
    """Return a good header with a new counter over a made-up body and tag."""
    counter = rng.randint(1, const.COUNTER_MAX).to_bytes(4, "little")
    return frame[:3] + counter + rng.randbytes(len(frame) - const.HEADER)


def fuzzed(count: int, seed: int) -> Iterator[Figure]:
    """Run the fuzzer: an unclean end is a bug, so it raises and the figure is absent."""
    fuzz.run(count, seed)
    yield {"name": "wire.fuzz_unclean", "value": 0, "unit": f"of {3 * count}", "goal": "0",
           "met": True}  # fmt: skip


def speed() -> Iterator[Figure]:
    """Time opening, decoding and encoding a frame of 24 river readings beside bare AES-CCM."""
    series = next(iter(rivers.packaged()), (900, [1000 + i * i % 7 for i in range(200)]))
    made = message(series, 100, 24)
    body = made.encode()
    frame = Sealer(SECRET, 17, 1, const.UPLINK, fuzz.Next()).seal(const.SAMPLES, body)[1]
    opener = Opener(SECRET, 17, 1, const.UPLINK)
    aead = AESCCM(SECRET, tag_length=const.TAG)
    nonce, aad = bytes(13), frame[: const.HEADER]
    ciphered = aead.encrypt(nonce, body, aad)
    bare = best_us(lambda: aead.decrypt(nonce, ciphered, aad))
    cases = (
        ("open_us", lambda: opener.open(frame), 6),
        ("decode_24_us", lambda: decode(const.SAMPLES, body), 60),
        ("encode_24_us", made.encode, None),
    )
    for name, call, limit in cases:
        took = best_us(call)
        yield {"name": f"wire.{name}", "value": round(took, 3), "unit": "µs",
               "anchor": round(bare, 3), "goal": limit and f"<= {limit}",
               "met": None if limit is None else took <= limit}  # fmt: skip


def best_us(call: Callable[[], object], calls: int = 2000, rounds: int = 7) -> float:
    """Return the fastest round's microseconds a call: other processes only ever add."""
    fastest = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest / calls * 1e6
