"""One siren in words: ordered, confirmed by the relay, measured, last tested, next due."""

from zoneinfo import ZoneInfo

import pytest
from tests.page.sample_views import HOUR_MS, NOW_MS, VIEWS

from amont_gateway.page.formatting import Format
from amont_gateway.page.sentences import trust
from amont_gateway.page.siren_card import SirenCard
from amont_gateway.page.texts import Words
from amont_gateway.view import Practice

PARIS = ZoneInfo("Europe/Paris")


def card(name="calm", frozen=False, age_s=0.4, **fields):
    view = VIEWS[name](NOW_MS)
    view.demo = None
    view.guard_age_s = age_s
    for field, value in fields.items():
        setattr(view.sirens[0], field, value)
    return SirenCard(view.sirens[0], view, frozen, Words("en"), Format("en", PARIS))


def plain(text):
    return text.replace("\u00a0", " ")


SOUND = {"state": "sound", "commanded": True}
LATE, SOON = NOW_MS - 9000, NOW_MS - 1000


@pytest.mark.parametrize(
    ("fields", "mark", "said"),
    [
        ({}, "done", "not powered, read back just now"),
        ({"confirmed": None}, "wait", "NOTHING CONFIRMS"),
        ({**SOUND, "confirmed": True}, "done", "powered, read back just now"),
        ({**SOUND, "confirmed": False, "since_ms": SOON}, "wait", "Waiting for it"),
        ({**SOUND, "confirmed": False, "since_ms": LATE}, "wrong", "DOES NOT FOLLOW"),
        ({"confirmed": True, "since_ms": LATE}, "wrong", "DOES NOT FOLLOW"),
        ({"mode": "test", "commanded": True, "since_ms": LATE}, "wait", "Waiting for it"),
    ],
)
def test_the_order_is_one_thing_and_the_relay_another(fields, mark, said):
    ordered, relay = card(**fields).steps
    assert ordered.mark == "done"
    assert ("SOUND" in ordered.text) == fields.get("commanded", False)
    assert relay.mark == mark
    assert said in relay.text


def test_a_read_back_tells_its_age():
    assert "read back 42 s ago" in plain(card(age_s=42.0).steps[1].text)
    assert "read back age unknown" in card(age_s=None).steps[1].text


@pytest.mark.parametrize("fields", [{"name": "frozen"}, {"frozen": True}])
def test_nothing_is_claimed_of_what_is_not_known(fields):
    shown = card(**fields)
    assert shown.key == "unknown"
    assert [step.mark for step in shown.steps] == ["wrong"]
    assert shown.asked == shown.alarm_ways == shown.practice_ways == []
    assert shown.river == shown.cause == ""
    assert ("Battery", "13.35 V") not in [(n, plain(v)) for n, v in shown.facts]


def test_since_when_who_has_seen_it_and_what_is_left():
    line = plain(card("sounding").line)
    assert "Since 20:02 (2 min). Nobody has seen it yet." in line
    assert "may still be muted for 20 min" in line
    names = ["Anne Maire", "Bruno Adjoint", "Chloé Technicienne"]
    line = card("sounding", acknowledged_by=names, since_ms=None).line
    assert "Seen by Anne Maire, Bruno Adjoint and Chloé Technicienne." in line
    assert "Since" not in line


def test_the_river_stands_beside_its_alarm():
    assert "2.68 m, rising 52 cm/h" in plain(card("sounding").river)
    assert card().river == ""


def test_a_mode_tells_its_end():
    assert "It ends at 20:05:42." in card("drill").line
    assert "ends" not in card(mode_until_ms=NOW_MS).line  # armed
    assert "BYPASSED" in card(mode="bypass").line
    assert "at 20:15:00" in card(state="muted", muted_until_ms=NOW_MS + 600_000).more
    assert "sound again." in card(state="muted").more


def test_a_drill_says_that_it_sounds_and_is_no_alarm():
    assert card("drill", simulated=False).more == "The siren sounds outside. This is NOT an alarm."
    assert card("drill").more == "This is NOT an alarm."  # simulated


def test_what_was_measured_is_in_peoples_units():
    measured = {
        "line_ohm": 4712, "coil_ma": 71, "horn_ma": 2300, "battery_mv": 13_350, "mains": 0,
        "tamper": 1, "new_thing": 7,
    }  # fmt: skip
    facts = dict(card(measured=measured, simulated=False, output="modbus").facts)
    assert {name: plain(value) for name, value in facts.items()} == {
        "Health": "good", "Output": "relay on a Modbus line", "Battery": "13.35 V",
        "Coil current": "71 mA", "Horn current": "2.30 A", "Line": "4,712 Ω", "Mains": "OFF",
        "Cabinet": "OPEN", "new_thing": "7",
        "Silent test": "passed 10:05, next tomorrow 10:05",
        "Drill": "passed 4 October 17:05, no next one planned",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("practice", "said"),
    [
        (Practice(), "none yet, no next one planned"),
        (Practice(last_ms=NOW_MS - HOUR_MS, ok=False), "FAILED 19:05, no next one planned"),
        (Practice(last_ms=NOW_MS - HOUR_MS, next_ms=NOW_MS), "cut short 19:05, next 20:05"),
    ],
)
def test_the_last_and_the_next_test(practice, said):
    assert plain(dict(card(silent_test=practice).facts)["Silent test"]) == said


@pytest.mark.parametrize(
    ("fields", "level", "said"),
    [
        ({}, "good", "depends on nothing else"),
        ({"promise": "weaker"}, "weak", "through the network"),
        ({"freshness": "assumed"}, "weak", "assumed"),
        ({"freshness": "unknown"}, "weak", "not known yet"),
        ({"votes": False}, "weak", "Sounds nothing"),
        ({"flags": ["spike", "odd"]}, "bad", "Does not count: spike, odd."),
        ({"freshness": "stale", "flags": ["flat"]}, "bad", "reading OUT OF DATE, flat line"),
        ({"value": None}, "bad", "Nothing received"),
    ],
)
def test_how_far_to_believe_a_sensor(fields, level, said):
    sensor = VIEWS["calm"](NOW_MS).sensors[0]
    for field, value in fields.items():
        setattr(sensor, field, value)
    found, why = trust(sensor, Words("en"))
    assert found == level
    assert said in why
