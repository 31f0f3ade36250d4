"""What foreign sensors may do beside readings: a watch at most, and no doubt about sealed ones."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pytest
from tests.gateway.foreign_sites import make_site
from tests.gateway.test_advise import Link

from amont_gateway import doctor, running
from amont_gateway.advise import RATE_NORMAL, Advisor
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.foreign_advice import capped, watches
from amont_gateway.indicators.measure import water_of
from amont_gateway.page.sentences import trust
from amont_gateway.page.texts import Words
from amont_gateway.places import from_site
from amont_gateway.readings import FOREIGN, UNSEALED, Sample, pack_channels
from amont_gateway.screens import Screens
from amont_gateway.view import Sensor
from amont_gateway.windows import Windows


class Rig:
    def __init__(self, folder, clock, at_most=False):
        self.clock = clock
        self.site = make_site(folder)
        places = from_site(self.site)
        stations = tuple(replace(s, watch_at_most=at_most) for s in places.stations)
        self.places = replace(places, stations=stations)
        self.windows = Windows(self.places.window_keys())
        self.link, self.records, counters = Link(), [], Counters()
        self.advisor = Advisor(
            None, self.places, self.windows, self.link, counters,
            Events(counters, clock.wall_ms), clock, record=self.records.append,
        )  # fmt: skip

    def put(self, value, quality=0, age_s=0):
        at_ms = self.clock.wall_ms() - 1000 * age_s
        channels = pack_channels([(1, 1, quality, value)])
        self.windows.add([Sample(FOREIGN, 1, at_ms // 1000, at_ms, 0, at_ms, UNSEALED, channels)])

    def watches(self):
        return watches(self.places.stations, self.places, self.windows, self.clock.wall_ms())

    def round(self, *advice):
        """Do what a round does with a model's advice."""
        self.advisor._foreign, self.advisor._told_of = self.watches(), set()
        for item in advice:
            self.advisor._advise(item)
        self.advisor._advise_watches()
        sent, self.link.sent = self.link.sent, []
        return [(m["level"], m["model"]) for m in sent]


@pytest.fixture
def rig(tmp_path, clock):
    return Rig(tmp_path, clock)


def said(level):
    class Advice:
        station, until_s, model = "pont", 600.0, "river"

    Advice.level = level
    return Advice


def test_a_watch_needs_a_fresh_and_sound_stage_at_the_limit(rig):
    assert rig.watches() == {}
    rig.put(1199)
    assert rig.watches() == {}
    rig.clock.now_s += 60
    rig.put(1200)
    assert rig.watches() == {"pont": "pont-tiers"}
    rig.clock.now_s += 2_701  # three intervals
    assert rig.watches() == {}
    rig.put(9_000, quality=2)  # out of range
    assert rig.watches() == {}


def test_however_high_it_is_a_watch_and_no_node_samples_faster(rig):
    rig.put(7_900)
    assert rig.round() == [("watch", "foreign pont-tiers")]
    assert rig.advisor.rate_of(17) == RATE_NORMAL
    assert [r["kind"] for r in rig.records] == ["seen advice"]
    assert rig.round() == [("watch", "foreign pont-tiers")]
    assert len(rig.records) == 1  # told again, recorded once


def test_a_model_that_sees_more_is_not_lowered_and_one_that_sees_nothing_is_raised(rig):
    rig.put(1500)
    assert rig.round(said("warning")) == [("warning", "river")]
    assert rig.round(said("watch")) == [("watch", "river")]
    assert rig.round(said("none")) == [("watch", "foreign pont-tiers")]
    rig.clock.now_s += 3_000
    assert rig.round(said("none")) == [("none", "river")]


def test_a_forecast_that_looks_at_a_foreign_gauge_advises_a_watch_at_most(tmp_path, clock):
    rig = Rig(tmp_path, clock, at_most=True)
    assert rig.round(said("warning")) == [("watch", "river")]
    assert [capped(x, True) for x in ("none", "watch", "warning")] == ["none", "watch", "watch"]
    assert capped("warning", False) == "warning"


def test_the_file_says_which_stations_that_is(tmp_path):
    text = make_site(tmp_path) and (tmp_path / "site.yaml").read_text()
    assert not from_site(make_site(tmp_path)).stations[0].watch_at_most
    text = text.replace(
        "unit: V,\n         quantity: battery_mv", "unit: mm,\n         quantity: rain_um"
    )
    gauge = "rain_gauges:\n  - {id: col, name: {fr: C, en: C}, sensor: bourg-pile}\nzones:"
    (tmp_path / "site.yaml").write_text(text.replace("zones:", gauge, 1))
    from amont_site import load

    assert from_site(load(tmp_path / "site.yaml")).stations[0].watch_at_most


def test_what_is_not_sealed_is_no_neighbour_of_what_is(rig):
    screens = Screens(rig.places, rig.windows)
    assert screens._beside["pont-a"] == ["pont-b"]
    assert screens._beside["pont-tiers"] == ["pont-a", "pont-b"]


def test_a_foreign_stage_that_disagrees_raises_no_doubt_about_sealed_ones(rig):
    rng, step_ms = np.random.default_rng(3), 900_000
    start_ms = rig.clock.wall_ms() - 400 * step_ms
    for i in range(400):
        at_ms = start_ms + i * step_ms
        level = int(400 + rng.integers(-3, 4))
        for node, value in (
            (17, level),
            (18, level + 2),
            (FOREIGN, 4_000 if i in (200, 300) else 900),
        ):
            channel = 1 if node == FOREIGN else 0
            packed = pack_channels([(channel, 1, 0, value)])
            rig.windows.add([Sample(node, 1, i, at_ms, 0, at_ms, 0, packed)])
    doubted = {doubt.sensor.id for doubt in Screens(rig.places, rig.windows).update()}
    assert "pont-tiers" in doubted
    assert doubted & {"pont-a", "pont-b"} == set()


def test_a_zone_counts_its_meter_with_the_interval_of_its_source(rig):
    water = water_of(rig.places)
    assert water.interval_ms == {"bourg-debit": 900_000}
    assert [z.inflow for z in water.zones] == [("bourg-debit",)]


def test_the_page_says_the_promise_in_both_languages():
    sensor = Sensor(
        id="x", name={}, node=FOREIGN, place="", quantity="stage_mm", value=1, promise="unsealed",
        freshness="assumed", source="sondes",
    )  # fmt: skip
    assert trust(sensor, Words("en"))[0] == "weak"
    assert "never votes" in trust(sensor, Words("en"))[1]
    assert "ne vote jamais" in trust(sensor, Words("fr"))[1]


def test_the_doctor_tells_what_a_running_gateway_had_of_them(tmp_path, monkeypatch):
    seen = {"id": "sondes", "messages": 9, "readings": 2, "repeated": 3, "refused": {"unit": 4}}
    views = [{"foreign": [{**seen, "state": "heard"}]}, None]
    monkeypatch.setattr(doctor, "fetch_view", lambda _page: views.pop(0))
    plan = running.Plan(
        make_site(tmp_path), tmp_path, tmp_path / "g", None, None, None, ("127.0.0.1", 8080)
    )
    found = [(f.verdict, f.text) for f in doctor._foreign(plan)]
    assert found == [
        ("weak", "foreign source sondes: heard, 9 messages, 2 readings, 3 repeats"
                 " · entendue, 9 messages, 2 mesures, 3 déjà là"),
        ("weak", "foreign source sondes: 4 x unit unknown, or not the expected one"
                 " · unité inconnue ou autre que prévue"),
    ]  # fmt: skip
    assert list(doctor._foreign(plan)) == []


def test_the_doctor_says_it_too_and_looks_at_their_brokers(tmp_path):
    make_site(tmp_path)
    text = (tmp_path / "site.yaml").read_text()
    own = "topic: maison/cave\n    broker: {host: 127.0.0.1, port: 9, tls: false}"
    (tmp_path / "site.yaml").write_text(text.replace("topic: maison/cave", own))
    from amont_site import load

    asked = argparse.Namespace(
        data=tmp_path, guard_socket=tmp_path / "guard.sock", artifacts=None, page="none",
        page_https="none", page_name=[],
        **{f"{x}_{y}": None for x in ("mqtt", "lorawan") for y in ("user", "ca", "cert", "key")},
    )  # fmt: skip
    found = doctor.examine(running.plan(load(tmp_path / "site.yaml"), asked, {}))
    texts = {f.part: (f.verdict, f.text) for f in found}
    verdict, text = texts["sensor pont-tiers"]
    assert verdict == "weak"
    assert "never votes nor supports a vote" in text
    assert "ne vote jamais, n'appuie aucun vote" in text
    assert texts["sensor pont-a"][1].startswith("full promise")
    assert texts["broker of foreign source cave"][0] == "bad"
