"""What the siren would have done on a folder of rivers: copies, counts, and never the future."""

import numpy as np
import pytest

from amont_models import detection, faults, river_text, score_siren
from amont_models.detection import Found
from amont_models.guard_replay import Limits
from amont_models.records.table import Record, Site, Source, channel
from amont_models.river_station import prepare

STEP_MS = 600_000
DAY = 86_400_000 // STEP_MS
LIMITS = Limits(500, 750, 1000, 1500)


def stage(value):
    t_ms = 1_600_000_000_000 + STEP_MS * np.arange(len(value), dtype=np.int64)
    return channel("pont", "stage", t_ms, np.asarray(value, float))


def river(days=40, floods=(8, 24, 33), top_mm=2500.0):
    value = 5.0 * np.sin(np.arange(days * DAY) / 9.0)
    rise = np.concatenate((np.linspace(0.0, 1.0, 18), np.linspace(1.0, 0.0, 60)))
    for day in floods:
        value[day * DAY : day * DAY + len(rise)] += top_mm * rise
    return stage(np.round(value))


@pytest.fixture(scope="module")
def known():
    until_ms = int(river().t_ms[20 * DAY])
    site = Site("pont", train_until_ms=until_ms, mark_above_median_mm=1000.0)
    record = Record("x", "river", Source("x", "x", "x", "x"), (river(),), (site,))
    return prepare(record, site)


def test_the_limits_come_from_the_training_part(known):
    limits = score_siren.limits_of(known)
    assert limits.alarm_mm == known.constants.alarm_mm == pytest.approx(1500, abs=3)
    assert limits.watch_mm == pytest.approx(750, abs=3)


def test_every_copy_meets_the_floods_after_the_training_part(known):
    found = score_siren.table([known, known], raw=False)
    assert list(found["copies"]) == ["clean", "all", *faults.KINDS]
    clean = found["copies"]["clean"]
    assert clean == {
        "crossings": 4, "met": 4, "missed": 0, "false": 0, "from_faults_a_year": 0.0,
    }  # fmt: skip
    assert found["years"] == pytest.approx(2 * 20 / 365, abs=0.01)
    for row in found["copies"].values():
        assert row["crossings"] == 4 == row["met"] + row["missed"]


def test_sirens_of_faults_alone_are_those_beyond_the_clean_ones(known, monkeypatch):
    given = {name: Found(4, 4, 1, 2.0) for name in score_siren.COPIES}
    given["spikes"] = Found(4, 3, 4, 2.0)
    given["gaps"] = Found(4, 2, 0, 2.0)
    monkeypatch.setattr(score_siren, "judge", lambda _known, _raw: given)
    rows = score_siren.table([known], raw=False)["copies"]
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
    # The cut lies in the crest of the second flood, where the siren sounds.
    whole = detection.faulty_feed(river(), int(river().t_ms[DAY]), 7, kinds)
    for cut in (24 * DAY + 12, 30 * DAY):
        until_s = int(whole.t_ms[cut]) // 1000
        altered = whole.value.copy()
        altered[cut + 1 :] = np.where(np.arange(len(altered) - cut - 1) % 3, 4000.0, -400.0)
        sounded = []
        for value, last in ((whole.value, None), (altered, None), (whole.value, cut + 1)):
            part = channel("pont", "stage", whole.t_ms[:last], value[:last])
            water = detection.raw_feed(part).water if raw else part.value
            feed = detection.Feed(part.t_ms, part.value, water)
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
