"""Hours and days kept in step with the journal: worked cases, late data, changes of clocks."""

import datetime as dt
import re
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from amont_gateway import series
from amont_gateway.all_doubts import AllDoubts
from amont_gateway.calendar_days import CalendarDays
from amont_gateway.counters import Counters
from amont_gateway.database import Away
from amont_gateway.delivery import Delivery
from amont_gateway.doubts import Doubts
from amont_gateway.events import Events
from amont_gateway.journal import Journal
from amont_gateway.places import Node, Places, Sensor
from amont_gateway.quarantine import FILE, Quarantine
from amont_gateway.readings import BAD_TIME, Sample, pack_channels
from amont_gateway.summaries.again import write_again
from amont_gateway.summaries.consumer import CONSUMER, Summaries
from amont_gateway.windows import Windows

PARIS = ZoneInfo("Europe/Paris")
HOUR_MS = 3_600_000
POINT = re.compile(r"^(\w+),(\S+) (.*) (\d+)$")


def at(text):
    """Return Unix ms of a time in Paris, as "2026-11-20 08:00"."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


class Store:
    """A database in memory: the newest of each field at each point, and how often it was asked."""

    def __init__(self):
        self.points, self.away, self.writes = {}, False, 0

    def write(self, lines, store=""):
        if self.away:
            raise Away("gone")
        self.writes += 1
        for line in lines:
            name, tags, fields, at_ms = POINT.match(line).groups()
            key = store, name, re.search(r"(?:sensor|place)=(\S+?)(?:,|$)", tags)[1], int(at_ms)
            for field in fields.split(","):
                field, value = field.split("=")
                self.points.setdefault(key, {})[field] = float(value.rstrip("i"))

    def close(self):
        pass

    def one(self, store, name, sensor, at_ms):
        return self.points[store, name, sensor, at_ms]


class Rig:
    """A site of a gauge, a rain gauge and a meter; the test plays the storer."""

    def __init__(self, folder, clock, time_zone="Europe/Paris"):
        word = {"fr": "x", "en": "x"}
        self.clock, self.store, self.counters = clock, Store(), Counters()
        self.events = Events(self.counters, clock.wall_ms)
        self.places = Places(
            site="essai",
            name=word,
            time_zone=time_zone,
            nodes=(Node(17, word, "bridge", 900), Node(30, word, "mqtt", 3600)),
            sensors=(
                Sensor("pont-a", word, 17, 0, "stage_mm", "pont", 2700),
                Sensor("pluie", word, 17, 1, "rain_um", "jauge", 2700),
                Sensor("centre", word, 30, 0, "flow_l_h", "centre", 2700),
            ),
        )
        self.path = folder / "journal.db"
        self.doubted = {}
        self.seq = 0
        self.open()

    def open(self):
        self.journal = Journal(self.path, mark_bytes=0, ballast_bytes=0, cursor_s=0.0)
        self.summaries = Summaries(
            self.places,
            self.journal,
            Delivery(
                CONSUMER,
                self.store,
                Quarantine(self.path.with_name(FILE)),
                self.counters,
                self.events,
                self.clock.wall_ms,
            ),
            lambda sensor, t_ms: np.isin(t_ms, self.doubted.get(sensor, [])),
            self.counters,
            self.events,
            self.clock,
        )

    def stage(self, at_ms, value, quality=0, rain=0, flags=0, received_ms=None):
        channels = pack_channels([(0, 1, quality, value), (1, 2, 0, rain)])
        return self._sample(17, at_ms, channels, flags, received_ms)

    def flow(self, at_ms, value):
        return self._sample(30, at_ms, pack_channels([(0, 3, 0, value)]), 0, None)

    def _sample(self, node, at_ms, channels, flags, received_ms):
        self.seq += 1
        received_ms = self.clock.wall_ms() if received_ms is None else received_ms
        return Sample(node, 4097, self.seq, at_ms, 0, received_ms, flags, channels)

    def now(self, text):
        self.clock.now_s = at(text) / 1000

    def append(self, samples):
        self.journal.append(samples)

    def round(self):
        while self.summaries.step():
            pass
        self.journal.tick(self.clock.wall_ms())

    def cursor(self):
        reader = self.journal.reader()
        try:
            return reader.cursor(CONSUMER)
        finally:
            reader.close()

    def close(self):
        self.summaries.close()
        self.journal.close()


@pytest.fixture
def rig(tmp_path, clock):
    made = Rig(tmp_path, clock)
    yield made
    made.close()


def quarter_hours(rig, begin, until, value=1000, rain=0):
    first, last = at(begin), at(until)
    return [
        rig.stage(t, value, rain=rain, received_ms=t + 4_000) for t in range(first, last, 900_000)
    ]


def test_an_hour_and_a_day_have_mean_extremes_and_count(rig):
    rig.now("2026-11-20 10:30")
    begin = at("2026-11-20 08:00")
    rig.append([rig.stage(begin + n * 900_000, 1000 + 100 * n, rain=200) for n in range(6)])
    rig.append([rig.flow(begin, 7200)])
    rig.round()
    hour = rig.store.one("_h", "stage", "pont-a", begin)
    assert hour == {
        "stage_mm": 1150.0, "min_stage_mm": 1000.0, "max_stage_mm": 1300.0, "readings": 4.0
    }  # fmt: skip
    assert rig.store.one("_h", "stage", "pont-a", begin + HOUR_MS)["stage_mm"] == 1450.0
    assert rig.store.one("_h", "rain", "pluie", begin)["rain_um"] == 800.0  # a sum
    day = rig.store.one("_d", "rain", "pluie", at("2026-11-20 00:00"))
    assert (day["rain_um"], day["max_rain_um"], day["readings"]) == (1200.0, 200.0, 6.0)
    assert rig.store.one("_d", "flow", "centre", at("2026-11-20 00:00"))["flow_l_h"] == 7200.0


def test_only_good_and_undoubted_readings_count(rig):
    rig.now("2026-11-20 10:30")
    begin = at("2026-11-20 08:00")
    values = [(1000, 0), (1100, 0), (9000, 1), (9000, 3)]
    rig.append([rig.stage(begin + n * 60_000, *pair) for n, pair in enumerate(values)])
    rig.append([rig.stage(begin + 600_000, 5, flags=BAD_TIME)])
    rig.round()
    hour = rig.store.one("_h", "stage", "pont-a", begin)
    assert (hour["stage_mm"], hour["readings"]) == (1050.0, 2.0)
    rig.doubted["pont-a"] = [begin + 60_000]
    rig.summaries.touch("pont-a", begin + 60_000)
    rig.round()
    hour = rig.store.one("_h", "stage", "pont-a", begin)
    assert (hour["stage_mm"], hour["readings"]) == (1000.0, 1.0)
    quality = rig.store.one("_d", "quality_day", "pont-a", at("2026-11-20 00:00"))
    assert quality["suspect_pct"] == 50.0
    assert quality["refused_pct"] == 25.0


def test_late_readings_have_their_own_hour_and_day_worked_out_again(rig):
    rig.now("2026-11-20 10:30")
    rig.append(quarter_hours(rig, "2026-11-18 00:00", "2026-11-18 12:00"))
    rig.append(quarter_hours(rig, "2026-11-20 00:00", "2026-11-20 10:30", 1200))
    rig.round()
    before = rig.store.one("_d", "quality_day", "pont-a", at("2026-11-18 00:00"))
    assert (before["completeness_pct"], before["gaps"]) == (50.0, 1.0)
    late = quarter_hours(rig, "2026-11-18 12:00", "2026-11-19 00:00", 2000)
    rig.append([s._replace(received_ms=rig.clock.wall_ms()) for s in late])
    rig.round()
    day = rig.store.one("_d", "stage", "pont-a", at("2026-11-18 00:00"))
    assert (day["stage_mm"], day["readings"]) == (1500.0, 96.0)
    after = rig.store.one("_d", "quality_day", "pont-a", at("2026-11-18 00:00"))
    assert (after["completeness_pct"], after["gaps"]) == (100.0, 0.0)
    assert after["delay_p50_s"] > 3_600.0  # half of it came a day later
    assert rig.store.one("_h", "stage", "pont-a", at("2026-11-18 13:00"))["stage_mm"] == 2000.0


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_days_of_a_change_of_clocks_are_as_long_as_they_are(rig, day, hours):
    rig.now(f"{day} 23:50")
    begin = at(f"{day} 00:00")
    end = begin + hours * HOUR_MS
    rig.append([rig.stage(t, 1000, rain=100) for t in range(begin, end, 900_000)])
    rig.append([rig.stage(end, 1000, rain=100), rig.stage(begin - 1, 1000, rain=100)])
    rig.clock.now_s = end / 1000 + 60
    rig.round()
    assert rig.store.one("_d", "rain", "pluie", begin)["rain_um"] == hours * 400.0
    quality = rig.store.one("_d", "quality_day", "pont-a", begin)
    assert quality["completeness_pct"] == 100.0
    assert ("_d", "rain", "pluie", end) in rig.store.points


def test_days_begin_at_the_local_midnight_even_at_half_hours(tmp_path, clock):
    rig = Rig(tmp_path, clock, "Pacific/Marquesas")  # nine and a half hours behind
    begin = CalendarDays("Pacific/Marquesas").begin_ms(at("2026-11-20 12:00"))
    assert begin % HOUR_MS == HOUR_MS // 2
    clock.now_s = begin / 1000 + 7_200
    rig.append([rig.stage(begin - 60_000, 1000, rain=1), rig.stage(begin + 60_000, 2000, rain=2)])
    rig.round()
    assert rig.store.one("_d", "rain", "pluie", begin)["rain_um"] == 2.0
    day_before = CalendarDays("Pacific/Marquesas").begin_ms(begin - 1)
    assert rig.store.one("_d", "rain", "pluie", day_before)["rain_um"] == 1.0
    assert rig.store.one("_h", "rain", "pluie", begin - HOUR_MS // 2)["rain_um"] == 3.0
    rig.close()


def test_a_sensor_that_says_nothing_has_a_bad_day_too(rig):
    rig.now("2026-11-20 10:30")
    rig.append(quarter_hours(rig, "2026-11-20 00:00", "2026-11-20 10:30"))
    rig.round()
    rig.now("2026-11-22 09:00")
    rig.round()  # two nights later, nothing came
    for day, complete in (("2026-11-20", 43.75), ("2026-11-21", 0.0), ("2026-11-22", 0.0)):
        quality = rig.store.one("_d", "quality_day", "pont-a", at(f"{day} 00:00"))
        assert quality["completeness_pct"] == complete, day
    assert rig.store.one("_d", "quality_day", "pont-a", at("2026-11-21 00:00")) == {
        "completeness_pct": 0.0, "gaps": 1.0, "longest_gap_s": 86_400.0
    }  # fmt: skip


def test_a_clock_that_drifts_by_seconds_costs_no_completeness(rig):
    rig.now("2026-11-21 00:30")
    begin = at("2026-11-20 00:07")
    rig.append([rig.stage(begin + round(n * 900_000 * 1.002), 1000) for n in range(95)])
    rig.round()
    quality = rig.store.one("_d", "quality_day", "pont-a", at("2026-11-20 00:00"))
    assert quality["completeness_pct"] > 98.9


def test_a_round_that_failed_is_made_again_and_writes_the_same(rig):
    rig.now("2026-11-20 10:30")
    rig.append(quarter_hours(rig, "2026-11-20 00:00", "2026-11-20 10:30"))
    rig.store.away = True
    with pytest.raises(Away):
        rig.summaries.step()
    assert rig.store.points == {}
    rig.store.away = False
    rig.round()
    first = dict(rig.store.points)
    assert len(first) == 11 * 2 + 2 + 3
    rig.summaries.close()
    rig.journal.close()
    rig.store.points.clear()
    rig.open()  # as after kill -9 before the cursor was stored: the last round is made again
    assert rig.cursor() == 0
    rig.round()
    assert rig.store.points == first


def test_while_the_database_is_away_a_round_costs_little(rig, monkeypatch):
    monkeypatch.setattr("amont_gateway.summaries.consumer.FEW_ROWS", 10)
    rig.now("2026-11-20 10:30")
    rig.append(quarter_hours(rig, "2026-11-19 00:00", "2026-11-20 10:30"))
    read = []
    tail = rig.summaries._tail
    monkeypatch.setattr(
        tail, "read", lambda most: read.append(most) or type(tail).read(tail, most)
    )
    rig.store.away = True
    for _ in range(3):
        with pytest.raises(Away):
            rig.summaries.step()
    assert read[0] > 10
    assert read[-1] == 10
    rig.store.away = False
    rig.round()
    assert rig.store.one("_d", "stage", "pont-a", at("2026-11-19 00:00"))["readings"] == 96.0


def test_the_cursor_follows_one_round_late_and_never_back(rig):
    rig.now("2026-11-20 10:30")
    rig.append(quarter_hours(rig, "2026-11-20 00:00", "2026-11-20 05:00"))
    rig.round()
    rig.append(quarter_hours(rig, "2026-11-20 05:00", "2026-11-20 10:00"))
    rig.round()
    assert rig.cursor() == 20
    rig.round()
    assert rig.cursor() == 40


def test_what_the_database_forgot_when_it_failed_is_written_again(rig):
    rig.now("2026-11-20 10:30")
    rig.append(quarter_hours(rig, "2026-11-19 00:00", "2026-11-19 05:00"))
    rig.round()
    first = dict(rig.store.points)
    rig.store.points.clear()  # killed before its disk had it
    rig.store.away = True
    with pytest.raises(Away):
        rig.summaries.step()
    rig.store.away = False
    rig.round()
    assert rig.store.points == first


def test_days_of_which_rows_are_past_retention_are_left_as_they_are(rig):
    rig.now("2026-11-20 10:30")
    rig.append(quarter_hours(rig, "2026-11-10 00:00", "2026-11-12 00:00"))
    rig.round()
    first = dict(rig.store.points)
    rig.journal._connection.execute("DELETE FROM sample WHERE id <= 100")
    rig.append([rig.stage(at("2026-11-10 08:01"), 3000, received_ms=rig.clock.wall_ms())])
    rig.round()
    changed = {key for key, fields in rig.store.points.items() if first.get(key) != fields}
    assert all(key[3] >= at("2026-11-20 00:00") for key in changed)
    assert rig.counters.snapshot()["summaries_skipped_days"] == 1
    rig.append([rig.stage(at(f"2026-11-11 {hour}"), 3000) for hour in ("00:30", "20:01")])
    rig.round()  # the day is half gone: the hours that are whole are written, the day is not
    assert rig.store.one("_h", "stage", "pont-a", at("2026-11-11 20:00"))["readings"] == 5.0
    for key in (("_h", "stage", "pont-a", at("2026-11-11 00:00")),
                ("_d", "stage", "pont-a", at("2026-11-11 00:00"))):  # fmt: skip
        assert rig.store.points[key] == first[key]


def test_hours_and_days_are_written_again_from_the_journal(rig):
    rig.now("2026-11-20 10:30")
    rig.append(quarter_hours(rig, "2026-11-17 00:00", "2026-11-20 10:30", rain=100))
    rig.round()
    first = dict(rig.store.points)
    rig.store.points.clear()
    reader, told = rig.journal.reader(), []
    given = reader, rig.places, rig.summaries._lines._doubted, rig.store
    now_ms = rig.clock.wall_ms()
    count = write_again(*given, 0, 2**62, now_ms, lambda *at: told.append(at))
    assert (count, told[0], told[-1]) == (4, (1, 4), (4, 4))
    days = {key for key in first if key[3] >= at("2026-11-17 00:00")}
    assert rig.store.points == {key: first[key] for key in days}
    rig.store.points.clear()
    assert write_again(*given, at("2026-11-18 09:00"), at("2026-11-19 00:00") - 1, now_ms) == 1
    assert {key[3] for key in rig.store.points if key[0] == "_d"} == {at("2026-11-18 00:00")}
    assert write_again(*given, at("2027-01-01 00:00"), 2**62, now_ms) == 0
    reader.close()


def test_after_a_damaged_journal_hours_of_before_stay_as_they_are(rig):
    rig.now("2026-11-20 10:30")
    rig.path.with_name("journal.db.damaged-1").write_bytes(b"")
    rig.append(quarter_hours(rig, "2026-11-20 08:00", "2026-11-20 10:30"))
    rig.append([rig.stage(at("2026-11-20 07:01"), 3000)])  # one of many: the others are lost
    rig.round()
    hours = {key[3] for key in rig.store.points if key[:3] == ("_h", "stage", "pont-a")}
    assert hours == {at("2026-11-20 09:00"), at("2026-11-20 10:00")}
    assert not [key for key in rig.store.points if key[0] == "_d"]


def test_a_journal_of_many_rows_takes_several_rounds(rig, monkeypatch):
    monkeypatch.setattr("amont_gateway.summaries.consumer.MOST_ROWS", 2_000)
    rig.now("2026-11-20 10:30")
    rows = [s for d in range(1, 11) for s in quarter_hours(
        rig, f"2026-10-{d:02d} 00:00", f"2026-10-{d + 1:02d} 00:00", d)]  # fmt: skip
    rows += quarter_hours(rig, "2026-11-01 00:00", "2026-11-20 00:00", 50)
    rig.append(rows)
    assert rig.summaries.step() is True
    rig.round()
    for d in range(1, 11):
        day = rig.store.one("_d", "stage", "pont-a", at(f"2026-10-{d:02d} 00:00"))
        assert (day["stage_mm"], day["readings"]) == (float(d), 96.0)


def test_days_of_every_zone_follow_each_other():
    for zone in ("Europe/Paris", "Pacific/Marquesas", "America/Martinique", "Indian/Reunion"):
        days = CalendarDays(zone)
        begins = days.between(at("2026-01-01 12:00"), at("2026-12-31 12:00"))
        assert len(begins) == 365
        assert all(days.next_ms(a) == b for a, b in pairwise(begins))
        assert all(days.begin_ms(b - 1) == a for a, b in pairwise(begins))


def test_every_reading_has_its_form_by_the_hour_and_by_the_day():
    for measurement, _ in series.QUANTITY.values():
        for store in (series.HOURS, series.DAYS):
            kept = series.by(store, measurement)
            assert kept.fields[0] == measurement.fields[0]
            assert (kept.tags, kept.store) == (measurement.tags, store)


def test_what_was_doubted_before_the_windows_begin_is_doubted_still(rig, tmp_path):
    windows, kept = Windows(rig.places.window_keys()), Doubts(tmp_path / "doubts.db")
    doubted = AllDoubts(windows, kept)
    times = np.array([at("2026-01-01 00:00") + n * 900_000 for n in range(6)])
    assert not doubted("pont-a", times).any()  # neither windows nor file
    windows.add([rig.stage(int(t), 1000) for t in times[3:]])
    windows.put_doubts("pont-a", times[4:5], np.array([1], np.uint8))
    changed = [("pont-a", int(t), 1) for t in times[[1, 3]]] + [("pluie", int(times[0]), 1)]
    kept.put(changed, rig.clock.wall_ms())
    # of the fourth the windows know better: the doubt was withdrawn
    assert doubted("pont-a", times).tolist() == [False, True, False, False, True, False]
    assert doubted("nothing", times).tolist() == [False] * 6
