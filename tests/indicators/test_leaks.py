"""A leak's story: its number, what it lost, its repair, what that saves; from view to lines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.indicators.waterside import (
    DAY_MS,
    HOUR_MS,
    MARCH_MS,
    PLACES,
    Rig,
    bourg,
    hameau,
    pressure,
    steps,
    text,
)

from amont_gateway import notes
from amont_gateway.cli import main
from amont_gateway.indicators.leaks import (
    GONE,
    OPEN,
    REPAIRED,
    WATCHED,
    Leak,
    Shown,
    lost_m3,
    repaired_ms,
    seen,
    state_at,
)
from amont_gateway.notes import Note
from amont_gateway.places import Network
from amont_gateway.view import Network as ShownNetwork
from amont_gateway.view import View, Zone
from amont_gateway.view_network import NetworkLeak

SITE = """format: 1
id: essai
name: {fr: Essai, en: Trial}
latitude: 44.0
longitude: 4.0
time_zone: Europe/Paris
broker: {host: 127.0.0.1}
nodes:
  - id: 31
    name: {fr: Compteur, en: Meter}
    carrier: mqtt
    channels: [{sensor: bourg-debit, quantity: flow_l_h}]
zones:
  - {id: bourg, name: {fr: Bourg, en: Village}, inflow: [bourg-debit]}
"""
DAYS = {day: day * DAY_MS for day in range(500)}


def leak(**changes: object) -> Leak:
    """A leak of zone ``z``: began at day 10, seen until day 14; 1 m³/h, since day 12 2 m³/h."""
    sizes = {11: (1000.0, 0.7), 12: (2000.0, 0.9), 13: (None, None)}
    whole = Leak("z", 1, 10 * DAY_MS, 14 * DAY_MS, True, True, 0, sizes)
    return replace(whole, **changes)  # type: ignore[arg-type]


def repair(day: float, **changes: object) -> Note:
    return replace(Note("repair", "z", int(day * DAY_MS), "Anne", "vanne"), **changes)  # type: ignore[arg-type]


def test_what_a_leak_has_lost() -> None:
    """From day 10 to 12 at 1 m³/h, its first size; from day 12 to 14 at 2 m³/h: 48 + 96 m³."""
    assert lost_m3(leak(), DAYS, 14 * DAY_MS) == pytest.approx(144.0)
    assert lost_m3(leak(), DAYS, 11 * DAY_MS) == pytest.approx(24.0)
    assert lost_m3(leak(), DAYS, 12 * DAY_MS + 6 * HOUR_MS) == pytest.approx(60.0)
    assert lost_m3(leak(sizes={}), DAYS, 14 * DAY_MS) is None


def test_an_open_leak_goes_on_losing() -> None:
    state = state_at(leak(), None, 15 * DAY_MS, DAYS)
    assert (state.state, state.size_l_h, state.probability) == (OPEN, 2000, 0.9)
    assert (state.open_d, state.lost_m3, state.saved_m3) == (5, pytest.approx(192), None)


def test_a_repaired_leak_saves_what_it_would_have_lost_for_a_year_at_most() -> None:
    fixed_ms = 14 * DAY_MS
    state = state_at(leak(is_shown=False), fixed_ms, 24 * DAY_MS, DAYS)
    assert (state.state, state.open_d) == (REPAIRED, 4)
    assert state.lost_m3 == pytest.approx(144)
    assert state.saved_m3 == pytest.approx(2 * 24 * 10)
    years = state_at(leak(is_shown=False), fixed_ms, 14 * DAY_MS + 900 * DAY_MS, DAYS)
    assert years.saved_m3 == pytest.approx(2 * 24 * 365)
    before = state_at(leak(is_shown=False), fixed_ms, 11 * DAY_MS, DAYS)
    assert (before.state, before.saved_m3, before.size_l_h) == (OPEN, None, 1000)


def test_what_is_no_longer_seen_is_gone_and_saves_nothing_that_anybody_did() -> None:
    state = state_at(leak(is_shown=False), None, 20 * DAY_MS, DAYS)
    assert (state.state, state.saved_m3, state.open_d) == (GONE, None, 4)


def test_what_is_only_watched_has_lost_nothing_that_could_be_said() -> None:
    state = state_at(leak(is_sure=False), None, 15 * DAY_MS, DAYS)
    assert (state.state, state.lost_m3, state.size_l_h) == (WATCHED, None, 2000)


@pytest.mark.parametrize(
    ("note", "found", "wanted"),
    [
        (repair(14.5), leak(), 14.5),
        (repair(14.5, leak=1), leak(), 14.5),
        (repair(14.5, leak=2), leak(), None),  # of another leak
        (repair(14.5, place="y"), leak(), None),
        (repair(14.5, kind="note"), leak(), None),
        (repair(8), leak(), None),  # long before it began
        (repair(9.5), leak(), 9.5),  # people round
        (repair(26), leak(is_shown=False), 26),  # noted late
        (repair(40), leak(is_shown=False), None),  # of something else
        (repair(12), leak(seen_ms=30 * DAY_MS), None),  # it ran on: not repaired
        (repair(25), leak(seen_ms=30 * DAY_MS), 25),  # the test needs some nights to let go
    ],
)
def test_which_repair_ends_a_leak(note: Note, found: Leak, wanted: float | None) -> None:
    wanted_ms = None if wanted is None else int(wanted * DAY_MS)
    assert repaired_ms(found, [note], 30 * DAY_MS) == wanted_ms


def test_numbers_are_given_once_and_a_leak_that_comes_back_soon_is_the_same() -> None:
    now, day = 100 * DAY_MS, 100
    first = seen([], "z", [Shown(now - DAY_MS, None, 0.6, False)], now, day)
    assert [(x.number, x.is_sure, x.is_shown) for x in first] == [(1, False, True)]
    sure = seen(first, "z", [Shown(now - 2 * DAY_MS, 900.0, 0.9, True)], now + HOUR_MS, day)
    assert [(x.number, x.is_sure, x.since_ms) for x in sure] == [(1, True, now - 2 * DAY_MS)]
    assert sure[0].sizes == {day: (900.0, 0.9)}
    gone = seen(sure, "z", [], now + DAY_MS, day + 1)
    assert not gone[0].is_shown
    again = seen(gone, "z", [Shown(now - DAY_MS, 900.0, 0.9, True)], now + 2 * DAY_MS, day + 2)
    assert [(x.number, x.is_shown) for x in again] == [(1, True)]
    other = seen(gone, "z", [Shown(now + 9 * DAY_MS, 50.0, 0.9, True)], now + 10 * DAY_MS, 110)
    assert [(x.number, x.is_shown) for x in other] == [(1, False), (2, True)]


def test_two_leaks_of_a_network_keep_their_stories_apart() -> None:
    now = 100 * DAY_MS
    two = [Shown(now - DAY_MS, 100.0, 0.9, True, 4), Shown(now - DAY_MS, 200.0, 0.9, True, 5)]
    known = seen([], "n", two, now, 100)
    assert [(x.number, x.model_number) for x in known] == [(1, 4), (2, 5)]
    later = seen(known, "n", two[1:], now + DAY_MS, 101)
    assert [(x.number, x.is_shown) for x in later] == [(1, False), (2, True)]
    assert later[1].sizes == {100: (200.0, 0.9), 101: (200.0, 0.9)}


def test_a_model_that_counts_anew_after_a_restart_confuses_nothing() -> None:
    now = 100 * DAY_MS
    before = [
        Shown(now - 40 * DAY_MS, 100.0, 0.9, True, 1),
        Shown(now - DAY_MS, 200.0, 0.9, True, 2),
    ]
    known = seen([], "n", before, now, 100)
    anew = seen(known, "n", [Shown(now - DAY_MS, 200.0, 0.9, True, 1)], now + HOUR_MS, 100)
    assert [(x.number, x.model_number, x.is_shown) for x in anew] == [(1, 1, False), (2, 1, True)]
    # the same number and a beginning that moved far is still the same leak while it is open
    moved = seen(anew, "n", [Shown(now - 9 * DAY_MS, 200.0, 0.9, True, 1)], now + DAY_MS, 101)
    assert [(x.number, x.is_shown, x.since_ms) for x in moved] == [
        (1, False, now - 40 * DAY_MS), (2, True, now - 9 * DAY_MS),
    ]  # fmt: skip


# --- from the view to the lines


def zone(verdict: str, size_l_h: int | None = None, since_ms: int | None = None) -> Zone:
    return Zone(id="bourg", name=text("Bourg"), verdict=verdict, leak_l_h=size_l_h,
                leak_probability=0.9, since_ms=since_ms, model_status="ok")  # fmt: skip


def network(*leaks: NetworkLeak, status: str = "ok") -> ShownNetwork:
    verdict = "leak" if leaks else "normal"
    return ShownNetwork(
        id="vallee", name=text("Vallée"), verdict=verdict, leaks=list(leaks), model_status=status
    )


class Sight:
    """Only what ``Indicators.look`` reads of a view."""

    def __init__(self, now_ms: int, *shown: Zone | ShownNetwork) -> None:
        self.now_ms = now_ms
        self.zones = [x for x in shown if isinstance(x, Zone)]
        self.networks = [x for x in shown if isinstance(x, ShownNetwork)]


def look(rig: Rig, at_ms: int, *shown: Zone | ShownNetwork) -> None:
    sight: View = Sight(at_ms, *shown)  # type: ignore[assignment]
    rig.indicators.look(sight)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    places = replace(PLACES, networks=(Network("vallee", text("Vallée"), (), ()),))
    return Rig(tmp_path, MARCH_MS, places)


def at(day: float) -> int:
    return MARCH_MS + int(day * DAY_MS)


def test_a_leak_from_its_first_sign_to_its_repair(rig: Rig) -> None:
    for day in range(2, 6):  # seen from noon of day 2, at 1 m³/h since its midnight
        look(rig, at(day + 0.5), zone("watch" if day == 2 else "leak", 1000, at(2)))
        rig.run(at(day + 0.5))
    line = rig.outlet.of("leak_day", at(5), place="bourg", leak="1")
    assert line == {
        "state": OPEN, "size_l_h": 1000, "probability": 0.9, "open_d": 3.5, "lost_m3": 84.0,
    }  # fmt: skip
    notes.write(rig.folder, Note("repair", "bourg", at(5.75), "Anne", "joint"), at(5.8))
    look(rig, at(6.5), zone("normal"))
    rig.run(at(7.75))
    line = rig.outlet.of("leak_day", at(7), place="bourg", leak="1")
    assert (line["state"], line["lost_m3"], line["saved_m3"]) == (REPAIRED, 90.0, 48.0)
    assert line["open_d"] == 3.75
    # the day before the repair is told anew: the note came after it
    assert rig.outlet.of("leak_day", at(5), place="bourg", leak="1")["state"] == REPAIRED
    assert rig.outlet.times("leak_day", place="bourg", leak="1") == [at(d) for d in range(2, 8)]


def test_a_restart_goes_on_with_the_same_leak(rig: Rig) -> None:
    look(rig, at(2.5), zone("leak", 1000, at(2)))
    rig.run(at(2.5))
    rig.restart()
    look(rig, at(3.5), zone("leak", 1000, at(2.2)))
    rig.run(at(3.5))
    assert rig.outlet.of("leak_day", at(3), place="bourg", leak="1")["lost_m3"] == 36
    assert rig.outlet.times("leak_day", place="bourg", leak="2") == []


def test_a_silent_model_ends_no_leak(rig: Rig) -> None:
    told = NetworkLeak(found_ms=at(2), since_ms=at(1), size_l_h=500, probability=0.8, number=3)
    look(rig, at(2.5), network(told))
    rig.run(at(2.5))
    look(rig, at(4.5), network(status="fault"))
    rig.run(at(4.5))
    line = rig.outlet.of("leak_day", at(4), place="vallee", leak="1")
    assert (line["state"], line["lost_m3"]) == (OPEN, 42.0)
    look(rig, at(5.5), network())
    rig.run(at(5.5))
    line = rig.outlet.of("leak_day", at(5), place="vallee", leak="1")
    assert (line["state"], line["open_d"]) == (GONE, 1.5)  # last seen on day 2


def test_looks_that_nobody_took_for_days_lose_no_leak(rig: Rig) -> None:
    for hour in range(24 * 10):
        day = 1 + hour / 24
        shown = zone("leak", 1000, at(2)) if 2 <= day < 4 else zone("normal")
        look(rig, at(day), shown)
    rig.run(at(11))
    line = rig.outlet.of("leak_day", at(4), place="bourg", leak="1")
    assert (line["state"], line["lost_m3"]) == (GONE, pytest.approx(24 * (2 - 1 / 24), abs=1e-3))


def test_nights_of_a_leak_are_no_example_of_usual_ones(rig: Rig) -> None:
    def leaking(at_ms: int) -> float:
        return bourg(at_ms) + (700 if at_ms > at(10) else 0)

    rig.clock.at_ms = at(25.5)
    times = steps(MARCH_MS - HOUR_MS, at(25.5))
    rig.read(31, times, leaking, pressure)
    rig.read(32, times, hameau)
    for day in range(11, 26):
        look(rig, at(day), zone("leak", 700, at(10)))
    rig.run(at(25.5))
    line = rig.outlet.of("zone_day", at(25), zone="bourg")
    assert line["night_flow_l_h"] == pytest.approx(1200)
    assert line["night_flow_usual_l_h"] == pytest.approx(500)


def test_the_list_of_leaks_says_their_numbers_and_what_they_cost(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    site = rig.folder / "site.yaml"
    site.write_text(SITE, encoding="utf-8")
    asked = ["leaks", "--site", str(site), "--data", str(rig.folder)]
    assert main(asked) == 3
    assert "no records at" in capsys.readouterr().err
    for day in (2.5, 3.5):
        look(rig, at(day), zone("leak", 1500, at(2)))
        rig.run(at(day))
    assert main([*asked, "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("leak 1, Village: open, since 2026-03-03, ")
    assert "1.5 m³/h" in said
    notes.write(rig.folder, Note("repair", "bourg", at(3.5), "Anne", "joint", leak=1), at(3.6))
    look(rig, at(4), zone("normal"))
    rig.run(at(4))
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "fuite 1, Bourg : réparée, depuis le 03/03/2026, 1,5 jours" in said
    assert "54,0 m³ perdus" in said
    assert "m³ économisés" in said
