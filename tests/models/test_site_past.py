"""A site's past, read beside its running gateway: what was known then, doubted as it was then."""

import numpy as np
import pytest
from tests.models.site_journal import (
    METER,
    PROMPT_MS,
    SITE,
    STAGE_A,
    STAGE_B,
    readings,
    write_journal,
)

from amont_gateway.journal import Journal
from amont_gateway.screens import Screens
from amont_gateway.windows import Windows
from amont_models.records import DataError
from amont_models.site_past import WHOLE, SitePast

STEP_MS = 900_000
START_MS = 1_700_000_100_000


def river(count=700, seed=3):
    """A calm river with one spike, a quarter before the end of what ``count`` says."""
    rng = np.random.default_rng(seed)
    value = 600.0 + np.round(3.0 * rng.standard_normal(count))
    value[count - 20] += 900.0
    return START_MS + STEP_MS * np.arange(count), value


@pytest.fixture
def past(tmp_path):
    t_ms, value = river()
    other = np.minimum(value, 640.0) + 4  # the spike is one sensor's
    write_journal(tmp_path, readings(STAGE_A, t_ms, value) + readings(STAGE_B, t_ms, other))
    return SitePast(SITE, tmp_path)


def test_it_is_what_the_live_windows_hold(past):
    t_ms, _ = river()
    until = int(t_ms[-1]) + PROMPT_MS
    live = Windows(past.places.window_keys())
    screens = Screens(past.places, live)
    reader = Journal(past.journal, mark_bytes=0, ballast_bytes=0).reader()
    for _, sample in reader.samples():
        live.add([sample])
        if sample.at_ms >= t_ms[-60]:
            for _ in past.places.sensors:
                screens.update()
    reader.close()
    for sensor in (STAGE_A, STAGE_B, METER):
        for ours, theirs in zip(
            past.windows(until).series(sensor), live.series(sensor), strict=True
        ):
            assert np.array_equal(ours, theirs)
    assert len(past.series(STAGE_A, until).t_ms) == len(t_ms) - 1, "the spike counts"
    assert len(past.windows(until).told(STAGE_A).t_ms) == len(t_ms)


def test_what_came_later_is_not_known_whatever_its_time(tmp_path):
    t_ms, value = river()
    told = readings(STAGE_A, t_ms, value)
    lost = range(300, 330)
    back_ms = int(t_ms[400])
    late = [(s, t, v, back_ms if i in lost else r) for i, (s, t, v, r) in enumerate(told)]
    write_journal(tmp_path, late)
    past = SitePast(SITE, tmp_path)
    before = past.series(STAGE_A, back_ms - 1).t_ms
    assert len(before) == 400 - len(lost)
    assert not set(t_ms[300:330].tolist()) & set(before.tolist())
    assert len(past.series(STAGE_A, back_ms + PROMPT_MS).t_ms) == 401


def test_the_future_changes_nothing(past, tmp_path_factory):
    t_ms, value = river()
    until = int(t_ms[-19])
    wild = value.copy()
    wild[-19:] += 4000.0
    other = tmp_path_factory.mktemp("other")
    both = readings(STAGE_A, t_ms, wild) + readings(STAGE_B, t_ms, np.minimum(wild, 640.0) + 4)
    write_journal(other, both)
    one, two = (p.windows(until).series(STAGE_A) for p in (past, SitePast(SITE, other)))
    for ours, theirs in zip(one, two, strict=True):
        assert np.array_equal(ours, theirs)


def test_a_year_is_read_whole_only_where_asked(tmp_path):
    t_ms = START_MS + STEP_MS * np.arange(20_000)
    write_journal(tmp_path, readings(METER, t_ms, 5000 + t_ms % 7))
    past = SitePast(SITE, tmp_path)
    until = int(t_ms[-1]) + PROMPT_MS
    assert len(past.windows(until).told(METER).t_ms) < 20_000
    assert len(past.windows(until, most=WHOLE).told(METER).t_ms) == 20_000
    since = int(t_ms[-100])
    assert past.series(METER, until, since).t_ms[0] == since


def test_nothing_is_written(past):
    before = past.journal.read_bytes()
    names = {path.name for path in past.journal.parent.iterdir()}
    past.windows(START_MS + STEP_MS * 700)
    assert past.journal.read_bytes() == before
    assert {p.name.removesuffix("-shm").removesuffix("-wal") for p in past.journal.parent.iterdir()
            } == {name.removesuffix("-shm").removesuffix("-wal") for name in names}  # fmt: skip


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(DataError, match="no journal"):
        SitePast(SITE, tmp_path)
    (tmp_path / "journal.db").write_bytes(b"no database at all, but long enough to be read" * 99)
    with pytest.raises(DataError, match=r"journal\.db"):
        SitePast(SITE, tmp_path).windows(START_MS)
    with pytest.raises(ValueError, match="cannot be read"):
        SitePast(tmp_path / "absent.yaml", tmp_path)
