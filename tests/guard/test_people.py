"""Who may do what: and that a hostile gateway can silence nothing."""

import threading

import pytest
from tests.guard.rig import PIN, RISING, WALL_MS, pin_hash

from amont_guard import messages
from amont_guard.config import Person
from amont_guard.people import TRIES, TRIES_WINDOW_S, People, parse, pin_matches


class Desk:
    """People on a desk: jobs run when the test says so."""

    def __init__(self, code="done"):
        self.jobs, self.answers, self.allowed, self.code = [], [], [], code
        self.full = False
        known = {
            name: Person(name=name, role="mayor", pin=pin_hash(PIN)) for name in ("Anne", "Bruno")
        }
        self.people = People(known, {"mairie"}, self.submit, self.allow, self.answer, {"pont"})
        self.now_s = 0.0

    def submit(self, job):
        if self.full:
            return False
        self.jobs.append(job)
        return True

    def allow(self, action):
        self.allowed.append(action)
        return self.code

    def answer(self, result, _checked):
        self.answers.append(result)

    def ask(self, person="Anne", pin=PIN, action_id="1", kind="acknowledge", **more):
        message = {
            "id": action_id, "kind": kind, "person": person, "pin": pin, "siren": "mairie",
            "issued_ms": WALL_MS, **more,
        }  # fmt: skip
        self.people.ask(message, self.now_s, WALL_MS)
        for job in self.jobs:
            job()
        self.jobs.clear()
        self.people.settle()
        return self.answers[-1]["code"] if self.answers else None


def test_right_pin_acts_once_however_often_it_is_asked():
    desk = Desk()
    assert desk.ask() == "done"
    assert desk.ask() == "done"
    assert len(desk.allowed) == 1
    assert len(desk.answers) == 2
    assert desk.answers[0] == desk.answers[1]
    assert desk.answers[0] == {"id": "1", "ok": True, "code": "done"}


def test_an_action_under_way_is_not_asked_twice():
    desk = Desk()
    message = {
        "id": "1", "kind": "reset", "person": "Anne", "pin": PIN, "siren": "mairie",
        "issued_ms": WALL_MS,
    }  # fmt: skip
    desk.people.ask(message, 0, WALL_MS)
    desk.people.ask(message, 0, WALL_MS)
    assert (len(desk.jobs), desk.answers) == (1, [])


def test_five_wrong_pins_close_a_person_for_a_quarter_of_an_hour():
    desk = Desk()
    for number in range(TRIES):
        assert desk.ask(pin="0000", action_id=f"w{number}") == "pin"
    assert desk.ask(action_id="right") == "tries"
    assert desk.ask("Bruno", action_id="other") == "done"
    desk.now_s = TRIES_WINDOW_S + 1
    assert desk.ask(action_id="right") == "done"


def test_tries_count_before_their_outcome_is_known():
    desk = Desk()
    for number in range(TRIES + 3):
        desk.people.ask(
            {"id": str(number), "kind": "mute", "person": "Anne", "pin": str(number),
             "siren": "mairie", "issued_ms": WALL_MS}, 0, WALL_MS,
        )  # fmt: skip
    assert len(desk.jobs) == TRIES


def test_right_pin_forgives_the_wrong_ones():
    desk = Desk()
    for number in range(4 * TRIES):
        right = number % TRIES == TRIES - 1
        assert desk.ask(pin=PIN if right else "0", action_id=str(number)) == (
            "done" if right else "pin"
        )


def test_refused_tries_cost_nothing_and_prolong_nothing():
    desk = Desk()
    for number in range(1000):
        desk.now_s = number * 0.9  # without a pause, for a quarter of an hour
        desk.ask(pin="0000", action_id=f"w{number}")
    assert sum(answer["code"] == "pin" for answer in desk.answers) == TRIES
    desk.now_s = TRIES_WINDOW_S
    assert desk.ask(action_id="right") == "done"


def test_one_attacker_does_not_lock_out_others_whatever_names_he_makes_up():
    desk = Desk()
    for number in range(200):
        assert desk.ask(f"Nobody {number}", pin="0000", action_id=f"n{number}") == "pin"
    assert desk.jobs == []  # and costs no check
    assert desk.people._tries == {}  # nor memory
    for number in range(20):
        desk.ask("Anne", pin="0000", action_id=f"a{number}")
    assert desk.ask("Bruno", action_id="b") == "done"


def test_id_that_comes_again_with_another_content_is_malformed():
    desk = Desk()
    assert desk.ask(kind="mute") == "done"
    for change in ({"kind": "acknowledge"}, {"person": "Bruno"}, {"minutes": 5}, {"pin": "1"},
                   {"issued_ms": WALL_MS + 1}):  # fmt: skip
        assert desk.ask(**{"kind": "mute", **change}) == "malformed"
    assert desk.ask(kind="mute") == "done"
    assert len(desk.allowed) == 1


def test_id_under_way_cannot_be_given_another_content():
    desk = Desk()
    message = {
        "id": "1", "kind": "reset", "person": "Anne", "pin": PIN, "siren": "mairie",
        "issued_ms": WALL_MS,
    }  # fmt: skip
    desk.people.ask(message, 0, WALL_MS)
    desk.people.ask({**message, "kind": "mute"}, 0, WALL_MS)
    assert [answer["code"] for answer in desk.answers] == ["malformed"]
    desk.jobs.pop()()
    desk.people.settle()
    assert [action.kind for action in desk.allowed] == ["reset"]


def test_limits_are_of_a_station_and_sirens_of_a_siren():
    desk = Desk("second")
    four = [1, 2, 3, 4]
    assert desk.ask(action_id="1", kind="limits", station="pont", limits_mm=four) == "second"
    assert (desk.allowed[-1].place, desk.allowed[-1].limits_mm) == ("pont", four)
    assert desk.ask(action_id="2", kind="keep", station="pont") == "second"
    assert desk.ask(action_id="3", kind="stop", station="pont") == "second"
    assert desk.allowed[-1].place == "mairie"
    assert desk.ask(action_id="4", kind="keep", station="mairie") == "unknown"
    assert desk.ask(action_id="5", kind="mute", siren="pont") == "unknown"
    assert desk.ask(action_id="6", kind="keep") == "malformed"


@pytest.mark.parametrize(
    "limits_mm",
    [None, [], [1, 2, 3], [1, 2, 3, 4, 5], [1, 2, 3, 4.0], [1, 2, 3, True], [1, 2, 3, 2**53],
     "1234", {"1": 2}, [[1], 2, 3, 4]],
)  # fmt: skip
def test_limits_are_four_whole_numbers(limits_mm):
    desk = Desk()
    assert desk.ask(kind="limits", station="pont", limits_mm=limits_mm) == "malformed"


@pytest.mark.parametrize("field", ["id", "kind", "person", "pin", "siren"])
@pytest.mark.parametrize("value", [None, 1, [], {}, [["x"]], "", "x" * 101, True])
def test_what_is_no_text_is_malformed(field, value):
    desk = Desk()
    message = {
        "id": "1", "kind": "mute", "person": "Anne", "pin": PIN, "siren": "mairie",
        "issued_ms": WALL_MS,
    }  # fmt: skip
    desk.people.ask({**message, field: value}, 0, WALL_MS)
    assert [answer["code"] for answer in desk.answers] == ["malformed"]
    assert desk.jobs == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"person": "Zoé"}, "pin"),
        ({"kind": "silence"}, "unknown"),
        ({"siren": "autre"}, "unknown"),
        ({"issued_ms": WALL_MS - 60_001}, "expired"),
        ({"issued_ms": WALL_MS + 60_001}, "expired"),
        ({"pin": 2468}, "malformed"),
        ({"pin": ""}, "malformed"),
        ({"person": "A" * 101}, "malformed"),
        ({"minutes": -1}, "malformed"),
        ({"minutes": True}, "malformed"),
        ({"issued_ms": None}, "malformed"),
    ],
)
def test_what_is_not_right_is_refused_with_its_reason(change, code):
    desk = Desk()
    assert desk.ask(**change) == code
    assert desk.allowed == []


def test_busy_thread_is_said_and_may_be_tried_again():
    desk = Desk()
    desk.full = True
    assert desk.ask() == "busy"
    desk.full = False
    assert desk.ask() == "done"


def test_results_are_remembered_within_bounds():
    desk = Desk()
    for number in range(300):
        desk.ask(action_id=str(number))
    assert desk.ask(action_id="0") == "done"
    assert len(desk.allowed) == 301


def test_refusal_of_the_state_machine_is_passed_on():
    desk = Desk("hazard not over")
    assert desk.ask(kind="reset") == "hazard not over"
    assert desk.answers[0]["ok"] is False


@pytest.mark.parametrize("stored", ["", "plain$1", "scrypt$16$8$1$zz$00", "scrypt$15$8$1$00$00"])
def test_unreadable_pin_never_matches(stored):
    assert pin_matches(stored, PIN) is False


def test_other_scheme_never_matches():
    assert pin_matches(pin_hash(PIN), PIN)
    assert not pin_matches(pin_hash(PIN).replace("scrypt", "scrypd"), PIN)


def test_a_pin_with_zeros_behind_it_is_another_pin():
    assert not pin_matches(pin_hash(PIN), PIN + "\0")


def test_pin_is_not_shown_nor_kept():
    desk = Desk()
    pin = "83610274"
    desk.ask(pin=pin)
    action = parse({
        "id": "1", "kind": "mute", "person": "Anne", "pin": pin, "siren": "s", "issued_ms": 1,
    })  # fmt: skip
    assert pin not in repr(action)
    assert pin not in str(vars(desk.people))
    assert pin not in str(desk.answers)


# --- with the guard


def sounding(rig):
    rig.prove()
    rig.live(*RISING)
    assert rig.state()["sirens"][0]["state"] == "sound"


def test_mute_takes_two_persons_within_a_minute_and_ends(rig):
    sounding(rig)
    rig.gateway.act("mute", "Anne", issued_ms=rig.clock.wall)
    assert rig.results()[0]["code"] == "second"
    rig.gateway.act("mute", "Anne", issued_ms=rig.clock.wall)
    assert rig.results()[0]["code"] == "second"  # the same one again is not two
    rig.clock.pass_s(61)
    rig.gateway.act("mute", "Bruno", issued_ms=rig.clock.wall)
    assert rig.results()[0]["code"] == "second"  # too late
    assert rig.state()["sirens"][0]["state"] == "sound"
    rig.gateway.act("mute", "Anne", issued_ms=rig.clock.wall, minutes=60)
    assert rig.results()[0]["code"] == "done"
    siren = rig.state()["sirens"][0]
    assert (siren["state"], siren["commanded"]) == ("muted", False)
    assert siren["muted_until_ms"] <= rig.clock.wall + 600_000
    rig.live(*[2700] * 11)
    assert rig.state()["sirens"][0]["state"] == "sound"


def test_acknowledge_never_silences(rig):
    sounding(rig)
    rig.gateway.act("acknowledge", "Anne", issued_ms=rig.clock.wall)
    assert rig.results()[0]["ok"]
    siren = rig.state()["sirens"][0]
    assert (siren["state"], siren["acknowledged_by"]) == ("sound", ["Anne"])
    assert siren["commanded"] is True


def test_drill_takes_two_and_an_alarm_ends_it(rig):
    rig.prove()
    for person, code in (("Anne", "second"), ("Bruno", "done")):
        rig.gateway.act("drill", person, issued_ms=rig.clock.wall)
        assert rig.results()[0]["code"] == code
    assert rig.state()["sirens"][0]["mode"] == "drill"
    assert len(rig.sounded()) == 1
    rig.live(*RISING)
    siren = rig.state()["sirens"][0]
    assert (siren["mode"], siren["state"]) == ("armed", "sound")


def test_wrong_pin_is_recorded_without_the_pin(rig):
    rig.gateway.act("reset", "Anne", pin="9999")
    assert rig.results()[0]["code"] == "pin"
    rig.flush()
    text = (rig.folder / "audit.jsonl").read_text()
    assert '"wrong pin"' in text
    assert "9999" not in text


def test_hostile_gateway_silences_nothing(rig):
    sounding(rig)
    guess = threading.local()
    guess.sent = 0
    advice = {"station": "pont", "level": "none", "until_s": 9e9, "model": "x"}
    for message in (
        b"\x00", b"\xff" * 100, bytes([messages.RAW]) + b"\x01", b"\x02\x00", b"\x03{", b"\x04[]",
        b"\x04" + b"[" * 50_000, b"\x05", b"\x03" + b'{"station":"pont"}', b"\x10" * 59_000,
        messages.encode_json(messages.ADVICE, advice),
        messages.encode_json(messages.ADVICE, {**advice, "level": "alarm"}),
        messages.encode_json(messages.ADVICE, {**advice, "until_s": "x"}),
        messages.encode_json(messages.ADVICE, {**advice, "station": ["pont"]}),
        messages.encode_json(messages.STATE, {"sirens": []}),
        messages.encode_committed([messages.Committed(17, 9, 9, 9, 2**64 - 1, 9)] * 500),
    ):  # fmt: skip
        rig.gateway.send(message)
        rig.turn()
    for kind in ("mute", "reset", "test", "drill", "stop", "bypass", "bypass end", "tick"):
        for person in ("Anne", "Bruno", "local key", ""):
            rig.gateway.act(kind, person, pin="1234", issued_ms=rig.clock.wall)
            rig.turn(1)
    rig.gateway.raw(*[b"\x11" * 40] * 500)
    rig.turn(20)
    rig.live(2700)
    siren = rig.state()["sirens"][0]
    assert (siren["state"], siren["mode"], siren["commanded"]) == ("sound", "armed", True)
    assert [on for _, on in rig.changes] == [True]
    assert rig.guard.counters["malformed message"] >= 8


def test_gateway_that_never_stops_talking_does_not_hold_up_the_siren(rig):
    rig.prove()
    rig.live(*RISING[:-2])
    flood = [messages.Committed(17, epoch, 0, 0, 0, 9) for epoch in range(2500)]
    rig.clock.pass_s(60)
    rig.line.put(rig.a.frame(2600))
    while not rig.sounded():
        try:
            rig.gateway.send(messages.encode_committed(flood))
        except BlockingIOError:
            rig.turn(1)
    rig.turn(30)
    assert rig.guard.counters["acknowledgements dropped"] > 0


def test_advice_is_shown_and_never_sounds(rig):
    rig.prove()
    for level in ("warning", "alarm", "alarm_plus"):
        rig.gateway.send(messages.encode_json(messages.ADVICE, {
            "station": "pont", "level": level, "until_s": 600, "model": "river",
        }))  # fmt: skip
        rig.turn()
    station = rig.state()["stations"][0]
    assert (station["advice"], station["level"]) == ("warning", "normal")
    assert rig.sounded() == []
