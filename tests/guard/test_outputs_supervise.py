"""What is wrong at one moment, and how long it must last: the pure part of supervision."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench.siren_line import CHANNELS, FULL, LIMITS, PLACES, Line, siren

from amont_guard.supervise import Measure, RelayError, Supervisor, points, wrong

WIRED = siren({"kind": "modbus", "readback_input": 0, "isolate_readback_input": 1})
MEASURES = points(WIRED)[1]
GOOD = {
    "contact": 0, "isolated": 0, "mains": 1, "tamper": 1, "mute_no": 0, "mute_nc": 1, "bypass": 0,
    "line_ohm": 4_700, "earth_ohm": 2_000_000, "coil_ma": 0, "horn_ma": 0, "battery_mv": 13_600,
}  # fmt: skip
ON = {**GOOD, "contact": 1, "coil_ma": 75, "horn_ma": 4_000}
PULSE = {**GOOD, "contact": 1, "isolated": 1, "coil_ma": 75}


@pytest.mark.parametrize(
    ("state", "told", "change", "codes"),
    [
        (GOOD, (False, False), {}, set()),
        (GOOD, (False, False), {"line_ohm": 3_999}, {"line_short"}),
        (GOOD, (False, False), {"line_ohm": 4_000}, set()),
        (GOOD, (False, False), {"line_ohm": 5_600}, set()),
        (GOOD, (False, False), {"line_ohm": 5_601}, {"line_high"}),
        (GOOD, (False, False), {"line_ohm": 22_400}, {"line_high"}),
        (GOOD, (False, False), {"line_ohm": 22_401}, {"line_open"}),
        (GOOD, (False, False), {"earth_ohm": 49_999}, {"line_ground"}),
        (GOOD, (False, False), {"battery_mv": 11_799}, {"battery_low"}),
        (GOOD, (False, False), {"battery_mv": 15_001}, {"battery_high"}),
        (GOOD, (False, False), {"mains": 0}, {"mains_off"}),
        (GOOD, (False, False), {"tamper": 0}, {"tamper"}),
        (GOOD, (False, False), {"contact": 1}, {"contact_welded"}),
        (GOOD, (False, False), {"isolated": 1}, {"isolate_open"}),
        (GOOD, (False, False), {"coil_ma": 50}, {"coil_stray"}),
        (GOOD, (False, False), {"horn_ma": 1_500}, {"horn_stray"}),
        (GOOD, (False, False), {"mute_no": 1}, {"button_wet"}),
        (GOOD, (False, False), {"mute_nc": 0}, {"button_wet"}),
        (GOOD, (False, False), {"mute_no": 1, "mute_nc": 0}, {"mute", "button_stuck"}),
        (GOOD, (False, False), {"bypass": 1}, {"bypass"}),
        (ON, (True, False), {}, set()),
        (ON, (True, False), {"contact": 0}, {"contact_open"}),
        (ON, (True, False), {"coil_ma": 0}, {"coil_open"}),
        (ON, (True, False), {"coil_ma": 121}, {"coil_over"}),
        (ON, (True, False), {"horn_ma": 0}, {"horn_silent"}),
        (ON, (True, False), {"horn_ma": 6_001}, {"horn_over"}),
        (ON, (True, False), {"line_ohm": 9_999_999, "battery_mv": 11_000}, set()),
        (PULSE, (True, True), {}, set()),
        (PULSE, (True, True), {"line_ohm": 9_999_999, "battery_mv": 11_000}, set()),
        ({**GOOD, "isolated": 1}, (False, True), {"line_ohm": 9_999_999}, {"line_open"}),
        (PULSE, (True, True), {"isolated": 0}, {"isolate_stuck"}),
        (PULSE, (True, True), {"horn_ma": 4_000}, {"horn_stray"}),
        (PULSE, (True, True), {"coil_ma": 0, "contact": 0}, {"coil_open", "contact_open"}),
    ],
)
def test_what_is_wrong_at_one_moment(state, told, change, codes):
    assert wrong({**state, **change}, MEASURES, *told) == codes


def test_nothing_is_said_about_what_is_not_wired():
    assert wrong({}, {}, True, True) == set()


def test_counts_become_units():
    assert Measure(0, 0, 1, 0.1, 0, FULL).scaled(750) == 75
    divider = Measure(0, 0, 1, 1.0, 4_700, FULL)
    assert divider.scaled(0) == 0
    assert divider.scaled(FULL // 2) == pytest.approx(4_700, rel=0.001)
    assert divider.scaled(FULL) == 4_700 * FULL  # no division by nothing: as good as cut


def test_places_come_from_the_site_file():
    contacts, measures = points(WIRED)
    assert contacts == PLACES
    assert {name: m.at for name, m in measures.items()} == CHANNELS
    assert (measures["line_ohm"].low, measures["line_ohm"].high) == LIMITS["line_ohm"]
    assert points(siren({"kind": "simulated"})) == ({"contact": 0, "isolated": 1}, {})


@pytest.mark.parametrize("what", [{"at": 1}, {"at": 1, "moon": 2}])
def test_a_measure_that_makes_no_sense_is_refused(what):
    wired = siren({"kind": "modbus"})
    wired.supervision["battery_mv"] = what
    with pytest.raises((RelayError, TypeError)):
        points(wired)


@given(gap_s=st.floats(0, 1e6, allow_nan=False))
def test_a_look_with_nothing_wrong_changes_nothing(gap_s):
    made, line = Supervisor(WIRED), Line(noise=0)
    counts = line.contacts() | line.counts()
    for second in range(9):  # the keys that count as held at start are let go
        made.look(counts, False, False, float(second))
    made.look(counts, False, False, 8.0 + gap_s)
    assert (made.found, made._lasted, made.bad) == ({}, {}, set())


def bad_and_good(pattern, code_reading, times):
    made, line = Supervisor(WIRED), Line(noise=0)
    good = line.contacts() | line.counts()
    for second, bad in enumerate(pattern * times):
        made.look(good | (code_reading if bad else {}), False, False, float(second))
        yield made.found


def test_a_finding_must_last_and_ends_faster_than_it_came():
    seen = []
    made, line = Supervisor(WIRED), Line(noise=0)
    good = line.contacts() | line.counts()
    for second in range(60):
        made.look(good | ({"line_ohm": FULL} if second < 40 else {}), False, False, float(second))
        seen.append(made.found.get("line_open"))
    assert seen.index(2) == 20
    assert [n for n, level in enumerate(seen) if level][-1] == 48


def test_noise_every_third_look_never_adds_up():
    assert not any("line_open" in f for f in bad_and_good([1, 0, 0], {"line_ohm": FULL}, 1_000))


def test_a_fault_that_comes_and_goes_is_found():
    flapping = bad_and_good([1, 1, 1, 1, 0], {"line_ohm": FULL}, 100)
    assert any("line_open" in f for f in flapping)


def test_a_late_look_counts_for_two_seconds_at_most():
    made, line = Supervisor(WIRED), Line(noise=0)
    bad = line.contacts() | line.counts() | {"mains": 0}
    for at_s in (0.0, 1_000.0, 2_000.0):
        made.look(bad, False, False, at_s)
    assert "mains_off" not in made.found


def test_while_nothing_can_be_read_only_that_is_new():
    made, line = Supervisor(WIRED), Line(noise=0)
    cut = line.contacts() | line.counts() | {"line_ohm": FULL}
    for second in range(30):
        made.look(cut, False, False, float(second))
    for second in range(30, 100):
        made.look(None, False, False, float(second))
    assert made.found == {"line_open": 2, "output_lost": 2}
    assert made.measured == {}


def test_what_is_configured_and_not_read_is_missing():
    made, line = Supervisor(WIRED), Line(noise=0)
    counts = line.contacts() | line.counts()
    del counts["tamper"]
    for second in range(30):
        made.look(counts, False, False, float(second))
    assert made.found == {"measure_missing": 1}
