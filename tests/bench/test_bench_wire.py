import gzip
import random

import pytest
from tests.bench import bench_wire, rivers

from amont_wire.messages import decode


class OpensEverything:
    def __init__(self, *identity):
        pass

    def open(self, frame):
        return frame


def refused(count):
    return {f["name"]: f for f in bench_wire.refusals(random.Random(1), count)}


def test_an_opener_that_takes_everything_is_noticed(monkeypatch):
    monkeypatch.setattr(bench_wire, "Opener", OpensEverything)
    for figure in refused(50).values():
        assert (figure["value"], figure["met"]) == (50, False)


def test_the_real_opener_takes_no_changed_frame():
    assert {(f["value"], f["met"]) for f in refused(500).values()} == {(0, True)}


def test_a_flip_always_changes_the_frame_and_a_forgery_keeps_its_node():
    rng = random.Random(1)
    frame = bytes(range(40))
    for _ in range(200):
        assert bench_wire.flip(rng, frame) != frame
        assert bench_wire.forge(rng, frame)[:3] == frame[:3]


def test_the_varint_anchor_is_counted_by_hand():
    # 1040 is 2080 in zigzag: two bytes; 0: one; +63 is 126: one; +64 is 128: two
    assert bench_wire.delta_varint([1040, 1040, 1103, 1167]) == 6


def test_every_adversarial_frame_fits_and_is_read():
    for made in bench_wire.adversarial():
        body, carried = made.encode_trimmed()
        assert decode(1, body).count == carried >= 1


def test_sizes_of_a_flat_river_are_its_head_over_its_readings():
    rows = {f["name"]: f["value"] for f in bench_wire.sizes("river", [(900, [1041] * 200)], True)}
    body = bench_wire.message((900, [1041] * 200), 200, 64).encode()
    assert rows["wire.river.body_bytes_per_reading"] == pytest.approx(len(body) / 64, rel=0.05)
    assert rows["wire.river.frame_bytes_per_new_reading"] == pytest.approx(
        rows["wire.river.body_bytes_per_new_reading"] + 15 / 4, abs=0.001
    )


def test_the_packaged_river_is_there_and_steady():
    ((interval_s, stages),) = rivers.packaged()
    assert interval_s == 900
    assert len(stages) > 300_000
    assert 0 < min(stages) < max(stages) < 20_000


def test_records_are_cut_at_gaps_stations_and_other_steps(monkeypatch, tmp_path):
    hour = [f"A,2020-01-01T{h:02}:{m:02}:00Z,{h * 60 + m}" for h in range(20) for m in (0, 30)]
    after_gap = [f"A,2020-01-02T{h:02}:00:00Z,7" for h in range(10)]
    rows = ["station,time_utc,stage_mm", *hour, *after_gap, "B,2020-01-01T00:00:00Z,9"]
    folder = tmp_path / "some_river"
    folder.mkdir()
    with gzip.open(folder / "stage.csv.gz", "wt") as file:
        file.write("\n".join(rows))
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    monkeypatch.setattr(rivers, "LEAST", 5)
    found = list(rivers.recorded("some_river"))
    assert [(interval, len(stages)) for interval, stages in found] == [(1800, 40), (3600, 10)]
    assert found[0][1][:3] == [0, 30, 60]
    assert list(rivers.recorded("absent")) == []
    monkeypatch.delenv("AMONT_DATA")
    assert list(rivers.recorded("some_river")) == []
