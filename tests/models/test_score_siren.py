"""What the siren would have done on a folder of rivers: copies, counts, and never the future."""

import numpy as np
import pytest

from amont_models import detection, faults, river_text, score_siren
from amont_models.detection import Found
from amont_models.detection_faults import faulty_feed
from amont_models.guard_replay import Feed, Limits
from amont_models.records.table import Record, Site, Source, channel
from amont_models.river_station import prepare

STEP_MS = 600_000
DAY = 86_400_000 // STEP_MS
LIMITS = Limits(500, 750, 1000, 1500)


def stage(value):
    t_ms = 1_600_000_000_000 + STEP_MS * np.arange(len(value), dtype=np.int64)
    return channel("pont", "stage", t_ms, np.asarray(value, float))


def river(days=28, floods=(8, 17, 23), top_mm=2500.0):
    value = 5.0 * np.sin(np.arange(days * DAY) / 9.0)
    rise = np.concatenate((np.linspace(0.0, 1.0, 18), np.linspace(1.0, 0.0, 60)))
    for day in floods:
        value[day * DAY : day * DAY + len(rise)] += top_mm * rise
    return stage(np.round(value))


@pytest.fixture(scope="module")
def known():
    until_ms = int(river().t_ms[14 * DAY])
    site = Site("pont", train_until_ms=until_ms, mark_above_median_mm=1000.0)
    record = Record("x", "river", Source("x", "x", "x", "x"), (river(),), (site,))
    return prepare(record, site)


def test_the_limits_come_from_the_training_part(known):
    limits = score_siren.limits_of(known)
    assert limits.alarm_mm == known.constants.alarm_mm == pytest.approx(1500, abs=3)
    assert limits.watch_mm == pytest.approx(750, abs=3)


def test_every_copy_meets_the_floods_after_the_training_part(known):
    found = score_siren.table([known], raw=False)
    assert list(found["copies"]) == ["clean", "all", *faults.KINDS]
    clean = found["copies"]["clean"]
    assert clean == {
        "crossings": 2, "met": 2, "missed": 0, "false": 0, "from_faults_a_year": 0.0,
    }  # fmt: skip
    assert found["years"] == pytest.approx(14 / 365, abs=0.01)
    for row in found["copies"].values():
        assert row["crossings"] == 2 == row["met"] + row["missed"]


def test_sirens_of_faults_alone_are_those_beyond_the_clean_ones(known, monkeypatch):
    first = {name: Found(4, 4, 1, 1.5) for name in score_siren.COPIES}
    first["spikes"] = Found(4, 3, 4, 1.5)
    second = {name: Found(0, 0, 0, 0.5) for name in score_siren.COPIES}
    first["gaps"], second["gaps"] = Found(3, 2, 0, 1.5), Found(1, 0, 0, 0.5)
    given = [first, second]
    monkeypatch.setattr(score_siren, "judge", lambda _known, _raw: given.pop())
    rows = score_siren.table([known, known], raw=False)["copies"]
    assert [rows[name]["from_faults_a_year"] for name in ("clean", "spikes", "gaps")] == [
        0,
        1.5,
        0,
    ]
    text = "\n".join(river_text._sirens({"years": 2.0, "copies": rows}))
    assert "spikes                4     3      1     4                 1.50" in text


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("kinds", [(), tuple(faults.KINDS)])
def test_changing_the_future_changes_no_past_siren(kinds, raw):
    # The cut lies in the crest of the second flood, where the siren sounds, or in its calm after.
    whole = faulty_feed(river(), int(river().t_ms[DAY]), 7, kinds)
    for cut in (17 * DAY + 12, 19 * DAY):
        until_s = int(whole.t_ms[cut]) // 1000
        altered = whole.value[: cut + DAY].copy()
        altered[cut + 1 :] = np.where(np.arange(len(altered) - cut - 1) % 3, 4000.0, -400.0)
        sounded = []
        for value in (whole.value[: cut + DAY], altered, whole.value[: cut + 1]):
            part = channel("pont", "stage", whole.t_ms[: len(value)], value)
            water = detection.raw_feed(part).water if raw else part.value
            feed = Feed(part.t_ms, part.value, water)
            spans = score_siren.sirens(feed, LIMITS, STEP_MS // 1000)
            # two readings later the cleaned water is told by what came
            held = until_s - (3 * STEP_MS // 1000 if raw else 0)
            sounded.append([on for on, _ in spans if on <= held])
        assert sounded[0] == sounded[1] == sounded[2]
        assert sounded[0]


def test_too_short_a_part_adds_nothing(known, monkeypatch):
    monkeypatch.setattr(score_siren, "LEAST", 10**9)
    found = score_siren.table([known], raw=True)
    assert found["years"] == 0.0
    assert found["copies"]["all"]["crossings"] == 0
