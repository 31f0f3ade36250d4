"""A node with real frames on a lossy air: what arrives, and what that costs."""

import pytest
from tests.bench.bench_lora import senml_cbor
from tests.bench.lora_life import Air, LoraLife, alone, settings

DAY_S = 86_400
STAGES = [1000 + (n * n) % 23 for n in range(400)]


def lives(up, down, days=3, **more):
    life = LoraLife(settings(900, **more), STAGES, up, down, 3)
    life.run(days * DAY_S)
    return life


def test_without_any_downlink_a_fifth_lost_is_nothing_lost():
    life = lives(Air(0.2, alone(0.2), 1), Air(1.0, 1.0, 2))
    told = range(len(life.samples) - 32)
    assert len(told) > 200
    assert life.committed.issuperset(told)


def test_a_month_of_silence_comes_in_afterwards_whole():
    life = LoraLife(settings(900), STAGES, Air(0.2, alone(0.2), 1), Air(0.2, alone(0.2), 2), 3)
    life.away = range(DAY_S, 31 * DAY_S + 1)
    life.run(31 * DAY_S)
    assert len(life.committed) < 110
    life.run(33 * DAY_S)
    assert life.committed.issuperset(range(31 * 96))


def test_what_is_acknowledged_is_not_told_again():
    answered = lives(Air(0.0, 1.0, 1), Air(0.0, 1.0, 2))
    assert sum(count for _, _, count in answered.bodies if count > 1) <= len(answered.samples)
    silent = lives(Air(0.0, 1.0, 1), Air(1.0, 1.0, 2))
    assert max(count for _, _, count in silent.bodies) > 32


@pytest.mark.parametrize(("loss", "burst"), [(0.2, 1.25), (0.2, 12.0), (0.5, 4.0)])
def test_the_air_loses_what_it_says_in_bursts_as_long_as_it_says(loss, burst):
    air = Air(loss, burst, 5)
    lost = "".join("x" if air.loses() else " " for _ in range(60_000))
    runs = lost.split()
    assert lost.count("x") / len(lost) == pytest.approx(loss, rel=0.1)
    assert sum(map(len, runs)) / len(runs) == pytest.approx(burst, rel=0.1)


@pytest.mark.parametrize(
    ("stage_mm", "size"), [(5, 17), (24, 18), (-24, 17), (300, 19), (70_000, 21)]
)
def test_the_anchor_in_cbor_is_counted_as_its_standard_says(stage_mm, size):
    assert senml_cbor(stage_mm) == size
