"""Bytes a reading on slow air, and what arrives of all readings when the air loses a fifth.

Frames are those of the node's own code on recorded rivers (``lora_life.py``). Two nodes: one that
nothing ever answers, so each frame repeats what went before until it is full, and one with a guard
that acknowledges through the same lossy air, which repeats next to nothing. The anchors say one
reading of the same river their own way: JSON with short keys, SenML in CBOR (RFC 8428, labels
of its table 6), Cayenne LPP (an analog input of 2 + 2 bytes, which ends at 327.67), and delta
varints without any head, a whole frame of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench import rivers
from tests.bench.bench_wire import delta_varint, json_bytes, mean
from tests.bench.lora_life import Air, LoraLife, alone, settings

from amont_node.delivery import BACKLOG, REGULAR, URGENT
from amont_wire.airtime import time_on_air_ms
from amont_wire.const import READINGS_MAX

RIVERS = {
    "river": rivers.packaged,
    "occitanie": lambda: rivers.recorded("river_occitanie_2020"),
    "garonne": lambda: rivers.recorded("river_garonne_floods"),
}
SIZES = (
    "body_bytes_per_reading",
    "body_bytes_per_reading_vs_json",
    "body_bytes_per_reading_vs_senml_cbor",
    "body_bytes_per_reading_vs_cayenne_lpp",
    "body_bytes_per_new_reading",
    "air_bytes_per_new_reading",
    "air_bytes_per_new_reading_unanswered",
)
BURSTS = {"alone": 1.25, "burst_4": 4.0, "burst_12": 12.0}
NAMES = (
    *(f"lora.{river}.{size}" for river in RIVERS for size in SIZES),
    *(f"lora.loss_20.{kind}_unanswered_percent" for kind in BURSTS),
    *(f"lora.loss_20.{kind}_overlap_alone_percent" for kind in BURSTS),
    *(f"lora.loss_20.{kind}_answered_percent" for kind in BURSTS),
    "lora.outage_30_days_percent",
    "lora.outage_30_days_drained_h",
    "lora.outage_30_days_worst_hour_percent",
)
CAYENNE_LPP = 4  # channel, type, two bytes of an analog input
LOSS, SF = 0.2, 9
DAY_S, HOUR_S, INTERVAL_S = 86_400, 3600, 900
LAST = 2 * READINGS_MAX  # readings at the end that have had no time to be told often
SAMPLES = (REGULAR, URGENT, BACKLOG)
Figure = dict[str, Any]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield every figure; ``full`` takes five times as much of each record."""
    for river, series in RIVERS.items():
        yield from sizes(river, list(series()), full, seed)
    yield from losses(full, seed)
    yield from outage(seed)


# --- bytes


def sizes(river: str, series: list[rivers.Series], full: bool, seed: int) -> Iterator[Figure]:
    """Yield the bytes of one river's readings, unanswered and answered."""
    pieces = _pieces(series, full)
    if not pieces:
        return
    unanswered = [_live(piece, i, seed, answered=False) for i, piece in enumerate(pieces)]
    answered = [_live(piece, i, seed, answered=True) for i, piece in enumerate(pieces)]
    told = [body for life in unanswered for body in life.bodies if body[0] in SAMPLES]
    each = sum(size for _, size, _ in told) / sum(count for _, _, count in told)
    new, on_air = _per_new(answered)
    _, on_air_unanswered = _per_new(unanswered)
    values = [stages for _, stages in pieces]
    varint = mean([delta_varint(part) / len(part) for part in _frames_of(values)])
    as_json = mean([json_bytes(part[-1], len(part)) for part in _frames_of(values)])
    cbor = mean([senml_cbor(part[-1]) for part in _frames_of(values)])
    rows = [
        (each, varint, each <= 0.8, "<= 0.8"),
        (each, as_json, each < as_json, "< anchor"),
        (each, cbor, each < cbor, "< anchor"),
        (each, CAYENNE_LPP, each < CAYENNE_LPP, "< anchor"),
        (new, as_json, None, None),
        (on_air, as_json, None, None),
        (on_air_unanswered, as_json, None, None),
    ]
    for size, (value, anchor, met, goal) in zip(SIZES, rows, strict=True):
        yield {"name": f"lora.{river}.{size}", "value": round(value, 4), "unit": "B",
               "anchor": round(anchor, 4), "goal": goal, "met": met}  # fmt: skip


def _pieces(series: list[rivers.Series], full: bool) -> list[rivers.Series]:
    # Evenly over the record: every station of it, and no month more than another.
    longest = 1000 if full else 600
    parts = [
        (interval_s, stages[begin : begin + longest])
        for interval_s, stages in series
        for begin in range(0, max(1, len(stages) - LAST), longest)
        if len(stages[begin : begin + longest]) > 2 * LAST
    ]
    return parts[:: max(1, len(parts) // (60 if full else 12))]


def _live(piece: rivers.Series, number: int, seed: int, answered: bool) -> LoraLife:
    interval_s, stages = piece
    air = seed * 1000 + number
    down = Air(LOSS if answered else 1.0, alone(LOSS), air + 500_000)
    life = LoraLife(settings(interval_s, SF), stages, Air(LOSS, alone(LOSS), air), down, air)
    life.run(interval_s * (len(stages) - 1))
    return life


def _per_new(lives: list[LoraLife]) -> tuple[float, float]:
    """Return bytes of bodies, and of all frames with their repetitions, for each new reading."""
    new = sum(len(life.samples) for life in lives)
    bodies = sum(size for life in lives for kind, size, _ in life.bodies if kind in SAMPLES)
    return bodies / new, sum(told.size for life in lives for told in life.told) / new


def _frames_of(values: list[list[int]]) -> list[list[int]]:
    return [
        stages[at : at + READINGS_MAX]
        for stages in values
        for at in range(0, len(stages) - READINGS_MAX, READINGS_MAX)
    ]


def senml_cbor(stage_mm: int) -> int:
    """Return the bytes of one SenML record in CBOR: [{-2: "7", -3: time, 1: "mm", 2: value}].

    RFC 8428, 6: integer labels (bn -2, bt -3, u 1, v 2); RFC 8949, 3: a small integer is one
    byte, then 2, 3 and 5; strings of less than 24 bytes have one byte before them.
    """
    value = stage_mm if stage_mm >= 0 else -1 - stage_mm
    longer = [limit for limit in (23, 0xFF, 0xFFFF) if value > limit]
    size_of_value = (1, 2, 3, 5)[len(longer)]
    return 2 + (1 + 2) + (1 + 5) + (1 + 3) + (1 + size_of_value)


# --- what arrives


def losses(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the share of a river's readings that arrive through an air that loses a fifth."""
    interval_s, stages = next(iter(rivers.packaged()), (INTERVAL_S, []))
    for kind, burst in BURSTS.items():
        met = "alone" in kind
        for name, share, goal in (
            (f"{kind}_unanswered", _share(stages, interval_s, burst, full, seed, 1.0), 99.9),
            (f"{kind}_overlap_alone", _overlap(burst, full, seed), None),
            (f"{kind}_answered", _share(stages, interval_s, burst, full, seed, LOSS), 100.0),
        ):
            due = goal is not None and (met or goal == 100.0)
            yield {"name": f"lora.loss_20.{name}_percent", "value": round(share, 4), "unit": "%",
                   "anchor": round(100 * (1 - LOSS), 1), "goal": f">= {goal}" if due else None,
                   "met": share >= goal if due and goal else None}  # fmt: skip


def _share(
    stages: list[int], interval_s: int, burst: float, full: bool, seed: int, down: float
) -> float:
    arrived = of = 0
    for number in range(12 if full else 3):
        begin = number * 2900 % max(1, len(stages) - 2900)
        air = seed * 1000 + number
        life = LoraLife(
            settings(interval_s, SF), stages[begin : begin + 2900], Air(LOSS, burst, air),
            Air(down, burst, air + 500_000), air,
        )  # fmt: skip
        life.run(interval_s * 2899)
        counted = len(life.samples) - LAST
        of += counted
        arrived += len(life.committed.intersection(range(counted)))
    return 100 * arrived / of


def _overlap(burst: float, full: bool, seed: int) -> float:
    """Return what overlap alone is worth: 4 new readings a frame, 24 in all, once each."""
    air = Air(LOSS, burst, seed)
    count = 400_000 if full else 40_000
    heard: set[int] = set()
    for end in range(4, count + 1, 4):
        if not air.loses():
            heard.update(range(max(0, end - 24), end))
    return 100 * len(heard.intersection(range(count - LAST))) / (count - LAST)


def outage(seed: int) -> Iterator[Figure]:
    """Yield what is left of 30 days without a gateway, how soon, and the busiest hour on air."""
    _, stages = next(iter(rivers.packaged()), (INTERVAL_S, list(range(400, 500))))
    air = (Air(LOSS, alone(LOSS), seed), Air(LOSS, alone(LOSS), seed + 1))
    life = LoraLife(settings(INTERVAL_S, SF), stages, *air, seed)
    begins, ends = DAY_S, 31 * DAY_S
    life.away = range(begins, ends)
    life.run(ends)
    made = len(life.samples)
    while not life.committed.issuperset(range(made)) and life.tick_s < ends + 30 * DAY_S:
        life.run(life.tick_s + HOUR_S)
    share = 100 * len(life.committed.intersection(range(made))) / made
    yield {"name": "lora.outage_30_days_percent", "value": round(share, 4), "unit": "%",
           "anchor": round(100 * DAY_S / ends, 1), "goal": "100", "met": share == 100.0,
           "trials": made, "failures": round(made * (1 - share / 100))}  # fmt: skip
    yield {"name": "lora.outage_30_days_drained_h", "value": (life.tick_s - ends) // HOUR_S,
           "unit": f"h for {made} readings"}  # fmt: skip
    busiest = max(_hours_ms(life)) / HOUR_S / 10
    yield {"name": "lora.outage_30_days_worst_hour_percent", "value": round(busiest, 4),
           "unit": "% of an hour", "goal": "<= 1", "met": busiest <= 1.0}  # fmt: skip


def _hours_ms(life: LoraLife) -> Iterator[int]:
    # Of any hour that begins with a frame: no other can hold more.
    lora = life.config.lora
    sent = [
        (told.tick_s, time_on_air_ms(told.size, SF, lora.bw_khz, lora.cr, lora.preamble))
        for told in life.told
    ]
    begin = total = 0
    for end, (tick_s, length_ms) in enumerate(sent):
        total += length_ms
        while sent[begin][0] <= tick_s - HOUR_S:
            total -= sent[begin][1]
            begin += 1
        assert begin <= end
        yield total
