"""Foreign readings in the journal: once each, durable before they are acknowledged."""

from __future__ import annotations

import pytest
from tests.gateway.conftest import FakeClock
from tests.gateway.foreign_sites import make_site

from amont_gateway import journal_sql
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.foreign_intake import Allowances, ForeignIntake, silent_after_s
from amont_gateway.foreign_mapping import MOST, Reading
from amont_gateway.foreign_store import BATCH, MOST_WAITING, ForeignStore
from amont_gateway.journal import Journal
from amont_gateway.lines import row_lines
from amont_gateway.places import from_site
from amont_gateway.readings import (
    BACKLOG,
    FOREIGN,
    UNSEALED,
    Sample,
    pack_channels,
    unpack_channels,
)
from amont_gateway.windows import Windows


class Store:
    """A store on a real journal, without threads."""

    def __init__(self, folder, free=1 << 30):
        self.free = free
        self.clock = FakeClock()
        self.counters = Counters()
        self.events = Events(self.counters, self.clock.wall_ms)
        self.site = make_site(folder)
        self.places = from_site(self.site)
        self.windows = Windows(self.places.window_keys())
        self.journal = Journal(
            folder / "journal.db", ballast_bytes=0, measure_free=lambda _p: self.free
        )
        self.acknowledged = []
        self.store = ForeignStore(
            self.journal,
            self.windows,
            self.counters,
            self.events,
            self.clock,
            [s for s in self.places.sensors if s.source],
        )
        self.intake = ForeignIntake(
            self.places.foreign, "Europe/Paris", self.store, self.counters, self.events, self.clock
        )

    def put(self, *readings, name="m"):
        self.store.take("sondes", readings, lambda: self.acknowledged.append(name))

    def rows(self):
        reader = self.journal.reader()
        try:
            return [sample for _, sample in reader.samples()]
        finally:
            reader.close()

    def count(self, name):
        return self.counters.snapshot().get(name, 0)

    def say(self, topic, payload, retained=False):
        self.intake.message(topic, payload, retained, lambda: self.acknowledged.append(topic))
        self.store.store()

    def kinds(self):
        return [e.kind for e in self.events.latest()]


@pytest.fixture
def made(tmp_path):
    store = Store(tmp_path)
    yield store
    store.journal.close()


def reading(number=1, age_s=0, value=1500, now_ms=1_800_000_000_000):
    return Reading("pont-tiers", number, 1, 0, value, now_ms - age_s * 1000)


def test_a_reading_is_a_row_of_no_node_and_says_that_it_is_unsealed(made):
    made.put(reading())
    made.store.store()
    (row,) = made.rows()
    assert (row.node, row.epoch, row.seq) == (FOREIGN, 1, 1_800_000_000)
    assert row.flags == UNSEALED
    assert unpack_channels(row.channels) == [(1, 1, 0, 1500)]
    assert made.windows.last("pont-tiers").value == 1500
    assert made.acknowledged == ["m"]


def test_a_late_one_is_told_as_such(made):
    made.put(reading(age_s=2_701))
    made.store.store()
    assert made.rows()[0].flags == UNSEALED | BACKLOG


def test_a_week_sent_again_leaves_one_row_each_whatever_is_remembered(made, tmp_path):
    week = [reading(age_s=900 * i, value=1000 + i) for i in range(672)]
    for again in range(2):
        for at in range(0, len(week), 7):
            made.put(*week[at : at + 7], name=again)
            made.store.store()
    made.journal.close()
    made.journal.open()  # nothing but the journal knows them now
    made.put(*week)
    made.store.store()
    assert len(made.rows()) == 672
    assert (made.count("foreign_committed"), made.count("foreign_repeated")) == (672, 1344)
    assert made.count("foreign_conflicts") == 0
    assert made.intake.sources()[0].readings == 672
    assert made.intake.sources()[0].repeated == 1344


def test_two_in_one_message_and_two_in_one_batch_are_one(made):
    made.put(reading(), reading())
    made.put(reading())
    made.store.store()
    assert len(made.rows()) == 1
    assert made.acknowledged == ["m", "m"]


def test_another_value_for_the_same_second_is_counted_and_the_first_stays(made):
    made.put(reading(value=1500))
    made.store.store()
    made.put(reading(value=1600))
    made.store.store()
    assert [unpack_channels(r.channels)[0].value for r in made.rows()] == [1500]
    assert made.windows.last("pont-tiers").value == 1500
    assert made.count("foreign_conflicts") == 1
    assert "foreign_conflict" in made.kinds()


def test_sensors_do_not_share_their_seconds(made):
    made.put(reading(number=1), reading(number=2))
    made.store.store()
    assert [row.epoch for row in made.rows()] == [1, 2]


def test_nothing_is_acknowledged_before_the_commit_and_what_waits_is_kept_later(made):
    made.free = 0
    made.put(reading())
    made.store.store()
    assert made.acknowledged == []
    assert made.count("foreign_held") == 1
    made.free = 1 << 30
    made.put(reading(age_s=60), name="second")
    made.store.store()
    assert made.acknowledged == ["m", "second"]
    assert len(made.rows()) == 2


def test_the_queue_is_bounded_by_readings_and_what_is_dropped_is_not_acknowledged(made):
    made.free = 0
    messages = MOST_WAITING // MOST
    for at in range(messages + 3):
        made.put(*[reading(age_s=at * MOST + i) for i in range(MOST)], name=at)
    assert made.count("foreign_dropped") == 3 * MOST
    assert made.store.owing() == set(), "asked for only once there is room"
    made.free = 1 << 30
    made.store.store()
    assert made.acknowledged == list(range(messages))
    assert made.store.owing() == {"sondes"}
    assert made.store.owing() == set(), "once"
    made.put(reading(age_s=messages * MOST), name="again")
    made.store.store()
    assert made.acknowledged[-1] == "again"
    assert made.count("foreign_committed") == messages * MOST + 1


def test_a_commit_is_bounded_by_readings(made):
    sizes, keep = [], made.journal.keep
    made.journal.keep = lambda rows: (sizes.append(len(rows)), keep(rows))
    for at in range(5):
        made.put(*[reading(age_s=at * MOST + i) for i in range(MOST)])
    for i in range(BATCH + 7):
        made.put(reading(age_s=5 * MOST + i))
    made.store.store()
    assert max(sizes) == BATCH
    assert sum(sizes) == 5 * MOST + BATCH + 7
    assert len(sizes) < 6


def test_a_message_larger_than_a_batch_is_one_commit(made):
    made.put(*[reading(age_s=i) for i in range(BATCH + 1)], name="large")
    made.store.store()
    assert made.acknowledged == ["large"]


def test_the_ledger_knows_nodes_only(made):
    own = Sample(
        17, 3, 9, 1_800_000_000_000, 0, 1_800_000_000_000, 4, pack_channels([(0, 1, 0, 5)])
    )
    made.journal.append([own])
    made.put(*[reading(age_s=900 * i) for i in range(50)])
    made.store.store()
    made.journal.close()
    again = Journal(made.journal.path, ballast_bytes=0)
    again.open()
    try:
        assert 9 in again.ledger.of(17, 3)
        assert len(again.ledger.of(FOREIGN, 1)) == 0
        assert len(again.ledger._ranges) == 2  # the second by asking
    finally:
        again.close()


def test_the_format_is_the_one_that_a_gateway_before_reads(made):
    made.put(reading())
    made.store.store()
    assert journal_sql.FORMAT == 1
    tags_before = {(17, 0): ("pont-a", "pont", "stage_mm")}
    rows = [(1, *made.rows()[0], 0)]
    assert row_lines("essai", tags_before, rows) == []  # such rows are of no sensor there


def test_history_has_them_under_their_own_name(made):
    made.put(reading())
    made.put(Reading("bourg-debit", 2, 3, 0, 3450, 1_800_000_000_000))
    made.store.store()
    assert row_lines("essai", made.places.tags(), [(1, *r, 0) for r in made.rows()]) == [
        "stage,sensor=pont-tiers,site=essai,station=pont stage_mm=1500.0,quality=0i 1800000000000",
        "flow,sensor=bourg-debit,site=essai,zone=bourg flow_l_h=3450.0,quality=0i 1800000000000",
    ]


def test_retention_takes_them_with_the_rest(tmp_path):
    now_ms = 1_800_000_000_000
    journal = Journal(tmp_path / "journal.db", ballast_bytes=0, retention_ms=86_400_000)
    old = [
        Sample(FOREIGN, 1, 1_700_000_000 + i, 1, 0, now_ms - 2 * 86_400_000, UNSEALED, b"")
        for i in range(3)
    ]
    journal.keep(old)
    journal.keep([old[0]._replace(seq=5, received_ms=now_ms)])
    journal.tick(now_ms)
    reader = journal.reader()
    assert [s.seq for _, s in reader.samples()] == [5]
    reader.close()
    journal.close()


NOW = "2027-01-15T08:00:00Z"  # what the clock of these tests says


def level(value=1.5, time=NOW):
    return f'{{"time": "{time}", "object": {{"level": {value}}}}}'.encode()


def test_a_message_is_read_kept_and_acknowledged(made):
    made.say("lora/radar/up", level())
    assert made.acknowledged == ["lora/radar/up"]
    assert made.windows.last("pont-tiers").value == 1500
    first, second = made.intake.sources()
    assert (first.state, first.messages, first.readings, first.refused) == ("heard", 1, 1, {})
    assert (second.state, second.messages) == ("waiting", 0)


def test_what_is_refused_is_acknowledged_counted_and_told_once(made):
    for payload in (b"x", b"y", b"{}", level(time="2027-01-15T09:00:00Z"), level(value='"high"')):
        made.say("lora/radar/up", payload)
    made.say("lora/stranger/up", level())
    made.say("maison/cave", b"12", retained=True)
    made.say("of/nobody", b"1")
    assert len(made.acknowledged) == 8
    assert made.count("foreign_committed") == 0
    refused = made.intake.sources()[0].refused
    assert refused == {"device": 1, "future": 1, "malformed": 2, "number": 1, "time": 1}
    assert made.intake.sources()[1].refused == {"retained": 1}
    assert made.count("foreign_malformed") == 2
    assert made.count("foreign_unmatched") == 1
    told = [e for e in made.events.latest() if e.kind == "foreign_refused"]
    assert sorted(e.count for e in told) == [1, 1, 1, 1, 1, 2]
    assert any("sondes/pont-tiers: not a number (high)" in e.text["en"] for e in told)
    assert any("sondes/pont-tiers : n'est pas un nombre" in e.text["fr"] for e in told)


def test_a_part_that_is_not_in_each_message_is_counted_and_no_event(made):
    made.say("lora/compteur/up", f'{{"time": "{NOW}", "object": {{"flow": 3.45}}}}'.encode())
    assert made.intake.sources()[0].refused == {"path": 1}
    assert made.kinds() == []


def test_a_mad_sensor_spends_its_own_allowance(made):
    for i in range(1000):
        made.say("lora/radar/up", b'{"time": 0}' if i else level())
    assert made.intake.sources()[0].refused["flood"] == 1000 - 672
    flow = f'{{"time": "{NOW}", "object": {{"flow": 3.45, "battery": 3.6}}}}'.encode()
    made.say("lora/compteur/up", flow)
    assert made.windows.last("bourg-debit").value == 3450
    assert made.windows.last("bourg-pile").value == 3600
    made.clock.now_s += 900
    for _ in range(10):
        made.say("lora/radar/up", b"{}")
    assert made.intake.sources()[0].refused["flood"] == 1000 - 672 + 6  # four an interval


def test_allowances_are_remembered_for_so_many_topics():
    allowances = Allowances()
    assert all(allowances.take(f"t{i}", 60, 0.0) for i in range(5_000))
    assert len(allowances._left) == 2_000
    assert allowances.take("t4999", 60, -5.0)  # a clock that steps back takes nothing away


def test_a_source_of_which_nothing_comes_is_silent_and_told_once(made):
    after_s = silent_after_s(made.places.foreign[0])
    assert after_s == 2_700
    made.clock.now_s += after_s + 20
    for _ in range(3):
        made.intake.look()
        made.clock.now_s += 11
    states = {s.id: s.state for s in made.intake.sources()}
    assert states == {"sondes": "silent", "cave": "silent"}
    told = [e for e in made.events.latest() if e.kind == "foreign_silent"]
    assert sorted(e.count for e in told) == [1, 1]
    assert any("nothing has come on lora/{device}/up for 45 min" in e.text["en"] for e in told)
    made.say("lora/radar/up", level(time="2027-01-15T08:45:00Z"))
    assert made.intake.sources()[0].state == "heard"


def test_a_source_that_only_sends_what_cannot_be_used_is_silent_too(made):
    made.clock.now_s += 2_720
    made.say("lora/radar/up", b"{}")
    made.intake.look()
    told = [e.text["en"] for e in made.events.latest() if e.kind == "foreign_silent"]
    assert any("sondes: nothing usable for 45 min" in text for text in told)


def test_status_says_what_came_of_each_source_in_both_languages(made):
    import msgspec

    from amont_gateway.foreign_words import describe as described

    made.say("lora/radar/up", level())
    made.say("lora/radar/up", b"x")
    lines = described(msgspec.to_builtins(made.intake.sources()))
    assert lines == [
        "foreign source sondes: heard, 2 messages, 1 readings, 0 repeats"
        " · entendue, 2 messages, 1 mesures, 0 déjà là",
        "foreign source sondes: 1 x message cannot be read · message illisible",
        "foreign source cave: waited for, 0 messages, 0 readings, 0 repeats"
        " · attendue, 0 messages, 0 mesures, 0 déjà là",
        "foreign sensors: unsealed: never votes nor supports a vote; a watch at most, as advice"
        " · non scellé : ne vote jamais, n'appuie aucun vote ; au plus une vigilance, comme avis",
    ]


def test_a_bug_in_a_mapping_costs_the_message_and_nothing_else(made, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(made.intake._mappings[0], "map", broken)
    made.say("lora/radar/up", level())
    assert made.acknowledged == ["lora/radar/up"]
    assert made.intake.sources()[0].refused == {"malformed": 1}


# a rain gauge that tells its total, and a meter that tells its index; their rules are the site's
TOTALS = """
      - {sensor: col-tiers, number: 7, device: gauge, value: object.rain, unit: mm,
         quantity: rain_um, total: true, max: 50000}
      - {sensor: hameau-tiers, number: 8, device: index, value: object.index, unit: m3,
         quantity: flow_l_h, total: true, min: 0, max: 20000}
  - id: cave"""


@pytest.fixture
def totals(tmp_path, monkeypatch):
    from tests.gateway import foreign_sites

    text = foreign_sites.SITE.replace(
        "\n  - id: cave", TOTALS.replace("{", "{{").replace("}", "}}")
    )
    monkeypatch.setattr(foreign_sites, "SITE", text)
    store = Store(tmp_path)
    yield store
    store.journal.close()


def total(made, name, value, age_s=0):
    at = 1_800_000_000 - age_s
    device, key = {"rain": ("gauge", "rain"), "index": ("index", "index")}[name]
    time = f"2027-01-15T{7 + (at - 1_799_996_400) // 3600:02}:{at // 60 % 60:02}:{at % 60:02}Z"
    made.say(f"lora/{device}/up", f'{{"time": "{time}", "object": {{"{key}": {value}}}}}'.encode())


def values(made, number):
    found = [unpack_channels(row.channels)[0] for row in made.rows() if row.epoch == number]
    return [(value.value, value.quality) for value in found]


def test_of_a_total_of_rain_the_reading_is_what_fell_since(totals):
    for age_s, mm in ((2_700, 812.4), (1_800, 812.4), (900, 814.2), (0, 815)):
        total(totals, "rain", mm, age_s)
    assert values(totals, 7) == [(0, 4), (0, 0), (1_800, 0), (800, 0)]
    assert totals.windows.last("col-tiers").value == 800
    tags = totals.places.tags()
    lines = row_lines("essai", tags, [(1, *row, 0) for row in totals.rows()])
    assert [line.split(" ")[1] for line in lines] == [
        "rain_um=0.0,quality=0i", "rain_um=1800.0,quality=0i", "rain_um=800.0,quality=0i",
    ]  # fmt: skip


def test_of_an_index_the_reading_is_the_flow_since(totals):
    for age_s, m3 in ((2_700, 4210.5), (1_800, 4211.25), (0, 4212.75)):  # one message was lost
        total(totals, "index", m3, age_s)
    assert values(totals, 8) == [(0, 4), (3_000, 0), (3_000, 0)]
    total(totals, "index", 4_300, -60)  # a minute later: no pipe gives so much
    assert values(totals, 8)[-1][1] == 2


def test_a_total_goes_on_after_a_restart_and_a_repeat_is_none(totals):
    total(totals, "rain", 10, 900)
    totals.journal.close()
    totals.journal.open()
    total(totals, "rain", 12.5)
    total(totals, "rain", 12.5)
    assert values(totals, 7) == [(0, 4), (2_500, 0)]
    assert totals.count("foreign_repeated") == 1
    assert totals.count("foreign_conflicts") == 0


def test_a_total_that_went_back_begins_anew_and_is_told(totals):
    for age_s, mm in ((1_800, 812), (900, 0.4), (0, 1.4)):
        total(totals, "rain", mm, age_s)
    assert values(totals, 7) == [(0, 4), (0, 4), (1_000, 0)]
    assert totals.intake.sources()[0].refused == {"reset": 1}
    assert totals.count("foreign_reset") == 1


def test_a_total_that_was_overtaken_is_counted_in_the_newer_one(totals):
    for age_s, mm in ((1_800, 10), (0, 13), (900, 12)):
        total(totals, "rain", mm, age_s)
    assert values(totals, 7) == [(0, 4), (3_000, 0)]
    assert totals.intake.sources()[0].refused == {"overtaken": 1}
    assert len(totals.acknowledged) == 3


def test_rain_since_long_ago_is_suspect_and_none_since_long_ago_is_not(totals):
    for age_s, mm in ((3_500, 10), (0, 14)):
        total(totals, "rain", mm, age_s)
    assert values(totals, 7)[-1] == (4_000, 1)
    total(totals, "rain", 14, -100)
    assert values(totals, 7)[-1] == (0, 0)


def test_a_week_of_totals_sent_again_changes_nothing(totals):
    for _ in range(2):
        for i in range(60):
            total(totals, "rain", 100 + i, 3_540 - 59 * i)
    found = values(totals, 7)
    assert (len(found), sum(value for value, _ in found)) == (60, 59_000)
    assert totals.intake.sources()[0].refused == {}
