"""The models' thread: what hangs is given up, said and replaced; what people see says its rung."""

import math
import threading

import pytest
from tests.gateway.conftest import eventually, make_places

from amont_gateway import advise
from amont_gateway.advise import Advisor
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.view import Forecast
from amont_gateway.view_rung import RungCost
from amont_gateway.windows import Windows

STATION = "pont"
COST = RungCost(
    stations=51,
    notice_min=(110, 150),
    told_percent=(97, 97),
    false_percent=(14, 19),
    error_more_percent=9,
)


class Advice:
    station, level, until_s, model = STATION, "watch", 600.0, "river 1 0123456789ab"


class Scorer:
    """A model that does as the test says; ``hang`` waits as a session that never returns."""

    def __init__(self, rung="full"):
        self.status, self.serves, self.notes = {"river": "ok"}, {"river 1 0123": "0123"}, {}
        self.hang, self.rung, self.advice, self.renewals = None, rung, [], 0
        self.changed = False

    def stirs(self):
        return self.changed

    def renew(self):
        self.renewals += 1
        return False

    def update(self, windows, now_ms):
        del windows, now_ms
        if self.hang is not None:
            self.hang.wait(60)
        return self.advice

    def forecast(self, station_id):
        del station_id
        return Forecast(status="ok", model="m", issued_ms=1, inputs=self.rung, cost=COST)

    def zone(self, zone_id):
        del zone_id
        return {"verdict": "normal"}

    def network(self, network_id):
        del network_id
        return {}


class Link:
    def __init__(self):
        self.sent = []

    def send_advice(self, message):
        self.sent.append(message)


class Rig:
    def __init__(self, clock, scorers):
        places = make_places()
        self.clock, self.made, self.records = clock, [], []
        self._scorers = iter(scorers)
        self.windows = Windows(places.window_keys())
        self.link, counters = Link(), Counters()
        self.events = Events(counters, clock.wall_ms)
        self.advisor = Advisor(
            self._load, places, self.windows, self.link, counters, self.events, clock,
            record=self.records.append,
        )  # fmt: skip

    def _load(self):
        self.made.append(next(self._scorers))
        return self.made[-1]

    def put(self, value=900, quality=0, age_s=0):
        channels = pack_channels([(0, 1, quality, value)])
        at_ms = self.clock.wall_ms() - 1000 * age_s
        self.windows.add([Sample(17, 4097, value, at_ms, 0, at_ms, 0, channels)])

    def kinds(self):
        return [event.kind for event in self.events.latest()]


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(advise, "HUNG_S", 0.3)
    monkeypatch.setattr(advise, "PAUSE_S", 0.01)


def test_a_hung_session_is_said_and_a_fresh_one_goes_on(clock, quick):
    hung, fresh = Scorer(), Scorer()
    hung.hang, hung.advice = threading.Event(), [Advice()]
    rig = Rig(clock, [hung, fresh])
    rig.put()
    advisor = rig.advisor
    assert advisor._round(None) is None
    forecast = advisor.forecast(STATION)
    assert (forecast.status, forecast.inputs) == ("fault", "thresholds only")
    assert advisor.zone("centre")["model_status"] == "fault"
    assert rig.kinds() == ["model_fault"]
    assert advisor._round(None) is fresh
    assert (advisor.forecast(STATION).status, rig.kinds()[0]) == ("ok", "model_ok")
    (left,) = advisor._hung
    hung.hang.set()
    eventually(lambda: not left.is_alive())
    assert rig.link.sent == [], "what the old one said when it woke up was listened to"
    assert rig.records == [{"kind": "seen models", "models": {"river 1 0123": "0123"}}]


def test_sessions_that_always_hang_cost_a_few_threads_and_no_more(clock, quick):
    scorers = [Scorer() for _ in range(9)]
    wake = threading.Event()
    for scorer in scorers:
        scorer.hang = wake
    rig = Rig(clock, scorers)
    for _ in range(6):
        assert rig.advisor._round(None) is None
    assert len(rig.made) == advise.MOST_HUNG
    assert rig.advisor.forecast(STATION).status == "fault"
    wake.set()
    for thread in list(rig.advisor._hung):
        thread.join(10)
    assert rig.advisor._round(None) is scorers[advise.MOST_HUNG]
    assert rig.advisor.state == "ok"


def test_while_one_hangs_the_thread_still_ends_when_told(clock, quick, monkeypatch):
    monkeypatch.setattr(advise, "HUNG_S", 60.0)
    hung = Scorer()
    hung.hang = threading.Event()
    rig = Rig(clock, [hung])
    rig.put()
    stopping = threading.Event()
    thread = threading.Thread(target=lambda: rig.advisor.run(stopping), daemon=True)
    thread.start()
    eventually(lambda: rig.made)
    stopping.set()
    thread.join(10)
    assert not thread.is_alive()
    hung.hang.set()


def test_without_anything_new_it_looks_again_so_that_nothing_old_stays_ok(clock, quick):
    rig = Rig(clock, [Scorer()])
    rig.put()
    stopping = threading.Event()
    thread = threading.Thread(target=lambda: rig.advisor.run(stopping), daemon=True)
    thread.start()
    eventually(lambda: rig.advisor.state == "ok")
    clock.now_s += advise.IDLE_S + 1
    eventually(lambda: rig.made[0].renewals == 1)
    stopping.set()
    thread.join(10)


def test_new_models_do_not_wait_for_new_readings(clock, quick):
    rig = Rig(clock, [Scorer()])
    rig.put()
    stopping = threading.Event()
    thread = threading.Thread(target=lambda: rig.advisor.run(stopping), daemon=True)
    thread.start()
    eventually(lambda: rig.advisor.state == "ok")
    rig.made[0].changed = True
    clock.now_s += advise.EVERY_S + 1
    eventually(lambda: rig.made[0].renewals == 1)
    stopping.set()
    thread.join(10)


@pytest.mark.parametrize(
    ("put", "rung"),
    [
        ({}, "no rain"),
        ({"quality": 1}, "no rain"),  # suspect: the guard still listens to it
        ({"quality": 3}, "watch lost"),
        ({"age_s": 2800}, "watch lost"),  # older than the sensor's validity
        (None, "watch lost"),
    ],
)
def test_the_rung_says_what_the_watch_rests_on(clock, put, rung):
    rig = Rig(clock, [Scorer("no rain")])
    if put is not None:
        rig.put(**put)
    rig.advisor._round(None)
    forecast = rig.advisor.forecast(STATION)
    assert forecast.inputs == rung
    assert forecast.cost == (COST if rung == "no rain" else None)  # a forecast's rung alone


def test_without_models_thresholds_alone_watch_and_without_readings_nothing(clock):
    rig = Rig(clock, [])
    assert rig.advisor.forecast(STATION).inputs == "watch lost"
    rig.put()
    assert rig.advisor.forecast(STATION).inputs == "thresholds only"
    assert rig.advisor.forecast(STATION).status == "no data"


def test_what_is_served_and_advised_is_recorded_with_its_name_once(clock):
    scorer = Scorer()
    scorer.advice = [Advice()]
    rig = Rig(clock, [scorer])
    for _ in range(3):
        rig.advisor._round(scorer if rig.made else None)
    assert len(rig.link.sent) == 3
    assert [record["kind"] for record in rig.records] == ["seen models", "seen advice"]
    assert rig.records[1]["model"] == Advice.model
    assert rig.records[0]["models"] == {"river 1 0123": "0123"}
    scorer.serves, scorer.notes = {"river 1 4567": "4567"}, {"refused": "leak: damaged"}
    rig.advisor._round(scorer)
    rig.advisor._round(scorer)
    assert rig.records[-1] == {"kind": "seen models", "models": {"river 1 4567": "4567"}}
    assert rig.kinds()[:2] == ["model_refused", "model_new"]
    assert all(event.count == 1 for event in rig.events.latest())
    assert "leak: damaged" in rig.events.latest()[0].text["en"]


def test_advice_that_is_none_is_a_fault_and_nothing_of_its_round_is_sent(clock):
    class Odd(Advice):
        until_s = math.nan

    scorer = Scorer()
    scorer.advice = [Advice(), Odd()]
    rig = Rig(clock, [scorer])
    assert rig.advisor._round(None) is None
    assert rig.link.sent == []
    assert rig.advisor.forecast(STATION).status == "fault"
