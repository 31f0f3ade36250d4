"""A gateway that restarts says what it would have said: doubts, bands, levels, verdicts."""

import numpy as np
import pytest
from tests.models import scene
from tests.models.site_journal import (
    METER,
    RAIN,
    SITE,
    STAGE_A,
    STAGE_B,
    STATION,
    ZONE,
    readings,
    write_journal,
)

from amont_gateway.gateway import Gateway, Options
from amont_gateway.places import from_site
from amont_gateway.readings import unpack_channels
from amont_gateway.scoring.live import Scoring
from amont_gateway.screens import Screens
from amont_gateway.windows import Windows
from amont_models import data
from amont_models.recipe import ARTIFACTS_DIR, DEMO_RIVER, HOUR_MS
from amont_site import load

CREST = 1_519_804_800_000
QUARTER_MS = HOUR_MS // 4
STEPS = 24  # that the gateway which never stops goes through one by one


class Clock:
    def __init__(self, now_ms):
        self.now_ms = now_ms

    def wall_ms(self):
        return self.now_ms

    def monotonic_s(self):
        return self.now_ms / 1000

    def sleep_s(self, real_s):
        del real_s


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """A flood with spikes, lost hours that came late, rain, and a zone that leaks."""
    folder = tmp_path_factory.mktemp("state")
    record = data.river(DEMO_RIVER.record)
    part = record.between(CREST - 200 * HOUR_MS, CREST + HOUR_MS)
    t_ms = np.arange(part.t_ms[0], CREST, QUARTER_MS)
    rng = np.random.default_rng(7)
    stage = np.interp(t_ms, part.t_ms, part.stage_mm) + 3 * rng.standard_normal(len(t_ms))
    spiked = stage.copy()
    spiked[[-40, -21, -9, -3]] += 1500.0
    told = readings(STAGE_A, t_ms, spiked) + readings(STAGE_B, t_ms, stage + 5)
    lost = {int(t) for t in t_ms[-30:-24]}
    late_ms = int(t_ms[-12])
    told = [(s, t, v, late_ms if s == STAGE_B and t in lost else r) for s, t, v, r in told]
    told += readings(RAIN, part.t_ms, 1000 * part.rain_mm)
    meter_ms, l_h = scene.zone_hours(35, leak_l_h=1800.0)
    told += readings(METER, meter_ms - meter_ms[-1] + CREST - HOUR_MS, l_h)
    return write_journal(folder, told)


def screen(screens, places):
    for _ in places.sensors:
        screens.update()


def never_stopped(state, until_ms):
    """Take samples one by one as they arrived, and look at each step."""
    site = load(SITE)
    places = from_site(site)
    windows = Windows(places.window_keys())
    screens, scoring = Screens(places, windows), Scoring(ARTIFACTS_DIR, site)
    reader = Gateway(places, state, state / "s", Options(), clock=Clock(until_ms)).journal.reader()
    for _, sample in reader.samples():
        if sample.received_ms > until_ms:
            break
        windows.add([sample])
        if sample.received_ms > until_ms - STEPS * QUARTER_MS:
            screen(screens, places)
            scoring.update(windows, sample.received_ms)
    reader.close()
    scoring.update(windows, until_ms)
    return windows, scoring


def restarted(state, until_ms):
    """Start from the journal alone, as the gateway does."""
    site = load(SITE)
    places = from_site(site)
    gateway = Gateway(places, state, state / "s", Options(), clock=Clock(until_ms))
    gateway._rebuild()
    screen(gateway._screens, places)
    scoring = Scoring(ARTIFACTS_DIR, site)
    scoring.update(gateway.windows, until_ms)
    return gateway.windows, scoring


@pytest.mark.parametrize("cut", [2, 11, 20])
def test_after_a_restart_everything_is_as_without(state, tmp_path, cut):
    until_ms = CREST - cut * QUARTER_MS + 1000
    before = journal_until(state, tmp_path, until_ms)
    (live, going), (again, fresh) = never_stopped(before, until_ms), restarted(before, until_ms)
    for sensor in (STAGE_A, STAGE_B, RAIN, METER):
        for ours, theirs in zip(live.series(sensor), again.series(sensor), strict=True):
            assert np.array_equal(ours, theirs)
    assert fresh.forecast(STATION) == going.forecast(STATION)
    assert fresh.forecast(STATION).status == "ok"
    assert fresh.basis(STATION).level == going.basis(STATION).level
    assert fresh.zone(ZONE) == going.zone(ZONE)
    assert fresh.zone(ZONE)["verdict"] == "leak"


def journal_until(state, folder, until_ms):
    """Copy the journal up to a moment: what a gateway finds that stopped there."""
    site = load(SITE)
    places = from_site(site)
    names = {(s.node, s.channel): s.id for s in places.sensors}
    gateway = Gateway(places, state, state / "s", Options(), clock=Clock(until_ms))
    reader, told = gateway.journal.reader(), []
    for _, sample in reader.samples():
        if sample.received_ms <= until_ms:
            (one,) = unpack_channels(sample.channels)
            sensor = names[sample.node, one.channel]
            told.append((sensor, sample.at_ms, one.value, sample.received_ms))
    reader.close()
    return write_journal(folder, told)
