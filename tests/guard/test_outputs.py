"""One siren's output on simulated wires: what it commands, what it finds, what is never heard."""

import pytest
from tests.bench.bench_siren import Rig, Wires, on_before_decision
from tests.bench.siren_line import Line, LineRelay, siren

from amont_guard import supervise
from amont_guard.relay import MAX_ON_S, REST_S, TEST_S, Output, SimulatedRelay, make_relay
from amont_guard.supervise import CODES, RelayError


@pytest.fixture
def rig():
    return Rig(Wires, seed=1)


def seconds(rig, count, on=False):
    found = {}
    for _ in range(count):
        found = rig.second(on)
    return found


def test_no_on_command_before_a_decision():
    assert on_before_decision(seed=7, boots=1_000) == 0


def test_a_closed_contact_is_recorded_as_found_and_switched_by_the_first_decision():
    line = Line()
    line.on = True
    relay = LineRelay(line)
    output = Output(relay, siren({"kind": "modbus", "readback_input": 0}))
    assert (output.found, output.confirmed(), relay.switched) == (True, True, [])
    output.drive(False, 1.0)
    assert (output.confirmed(), relay.switched) == (False, [(False, False)])


def test_a_silent_test_pulses_the_relay_and_is_not_heard(rig):
    seconds(rig, 3)
    assert rig.test() == {}
    pulsed = [(False, False), (False, True), (True, True), (False, True), (False, False)]
    assert rig.way.relay.switched == pulsed
    assert rig.heard == 0
    assert rig.output.findings(rig.now_s) == {}


def test_a_silent_test_ends_by_itself_if_nobody_ends_it(rig):
    rig.output.start_test(rig.now_s)
    seconds(rig, int(TEST_S) + 2)
    assert rig.way.relay.switched[-1] == (False, False)


@pytest.mark.parametrize("last_look_s", range(0, 26))
def test_a_silent_test_ends_though_the_looks_stop(rig, last_look_s):
    rig.output.start_test(rig.now_s)
    seconds(rig, last_look_s)
    for _ in range(40):
        rig.now_s += 1
        rig.output.drive(False, rig.now_s)
        assert not rig.line.sounds()
    assert rig.way.relay.switched[-1] == (False, False)


@pytest.mark.parametrize("at_s", range(0, 30))
def test_an_alarm_ends_a_silent_test_in_the_same_call(rig, at_s):
    rig.output.start_test(rig.now_s)
    seconds(rig, at_s)
    rig.now_s += 0.5
    rig.output.drive(True, rig.now_s)
    assert rig.line.sounds()
    seconds(rig, 60, on=True)
    assert rig.line.sounds()
    assert rig.output.end_test(rig.now_s) == {"test_cut": 1}
    assert rig.output.findings(rig.now_s) == {}


def test_a_test_that_is_ended_early_has_not_passed(rig):
    rig.output.start_test(rig.now_s)
    seconds(rig, 12)
    assert rig.output.end_test(rig.now_s) == {"test_cut": 1}
    seconds(rig, 3)
    assert rig.way.relay.switched[-1] == (False, False)
    assert rig.heard == 0


@pytest.mark.parametrize("lost_s", [3, 12, 18])
def test_an_output_that_is_lost_in_a_test_cuts_it_and_is_no_lasting_finding(rig, lost_s):
    rig.output.start_test(rig.now_s)
    seconds(rig, lost_s)
    rig.line.fault = "output gone"
    assert seconds(rig, 8) == {"output_lost": 2}
    rig.line.fault = ""
    seconds(rig, 40)
    assert rig.output.end_test(rig.now_s) == {"test_cut": 1}
    assert rig.output.findings(rig.now_s) == {}


@pytest.mark.parametrize("missing", ["readback_input", "isolate_readback_input"])
def test_without_proof_of_silence_nothing_is_pulsed_and_that_is_said(missing):
    line = Line()
    wired = siren({"kind": "modbus", "readback_input": 0, "isolate_readback_input": 1})
    wired.output[missing] = None
    output = Output(LineRelay(line), wired)
    output.start_test(0.0)
    for second in range(60):
        output.drive(False, float(second))
        output.look(float(second))
        assert not line.on
    assert output.end_test(60.0) == {"test_partial": 1}
    assert output.findings(60.0) == {"test_partial": 1}


def test_no_pulse_while_the_contact_in_series_is_not_seen_open(rig):
    rig.line.fault = "series contact stuck"
    assert rig.test() == {"isolate_stuck": 1, "test_cut": 1}
    assert all(not on for on, _ in rig.way.relay.switched)
    assert rig.heard == 0


def test_a_contact_in_series_that_lies_ends_the_test_at_the_second_look(rig, monkeypatch):
    # its read-back says open, and the horn draws current
    monkeypatch.setattr(Line, "apart", lambda line: False)
    counts = Line.contacts
    monkeypatch.setattr(Line, "contacts", lambda line: counts(line) | {"isolated": line.isolate})
    assert rig.test()["horn_stray"] == 2
    assert rig.heard == 2
    assert rig.output.findings(rig.now_s)["horn_stray"] == 2
    assert rig.way.relay.switched[-1] == (False, False)


def test_a_mirror_that_says_open_all_day_proves_no_silence(rig, monkeypatch):
    # as on a relay that stuck open and was bridged
    monkeypatch.setattr(Line, "apart", lambda line: False)
    counts = Line.contacts
    monkeypatch.setattr(Line, "contacts", lambda line: counts(line) | {"isolated": True})
    assert seconds(rig, 10)["isolate_open"] == 2
    assert rig.test() == {"isolate_open": 2, "test_cut": 1}
    assert rig.heard == 0
    monkeypatch.undo()
    seconds(rig, 10)
    assert rig.output.findings(rig.now_s) == {}
    assert rig.test() == {}


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("contact welded", "contact_welded"),
        ("coil cut", "coil_open"),
        ("contact jammed", "contact_open"),
    ],
)
def test_what_only_a_pulse_shows_stands_until_the_next_test(rig, fault, code):
    rig.line.fault = fault
    assert code in rig.test()
    assert code in seconds(rig, 86_400 // 400)
    rig.line.fault = ""
    seconds(rig, 60)
    assert rig.test() == {}
    assert rig.output.findings(rig.now_s) == {}


def test_a_test_that_is_cut_takes_nothing_back(rig):
    rig.line.fault = "contact jammed"
    rig.test()
    rig.output.start_test(rig.now_s)
    seconds(rig, 5)
    assert rig.output.end_test(rig.now_s) == {"test_cut": 1}
    assert "contact_open" in rig.output.findings(rig.now_s)


def test_a_contact_that_stays_closed_after_off_is_silenced_by_the_contact_in_series(rig):
    rig.line.fault = "contact welded"
    seconds(rig, 20, on=True)
    found = seconds(rig, 8)
    assert found["contact_welded"] == 2
    assert not rig.line.sounds()
    rig.second(on=True)
    assert rig.line.sounds(), "the contact in series closes for an alarm"


def test_the_line_stays_apart_after_a_test_while_the_contact_is_closed(rig, monkeypatch):
    # a weld that is not found in time, as when every look of it is doubtful
    monkeypatch.setitem(supervise._RULES, "contact_welded", (2, 10**6))
    rig.line.fault = "contact welded"
    rig.test()
    seconds(rig, 100)
    assert rig.heard == 0
    rig.line.fault = ""
    seconds(rig, 2)
    assert rig.way.relay.switched[-1] == (False, False)


def test_a_contact_held_closed_too_long_rests_and_sounds_on(rig):
    assert "max_on" not in seconds(rig, MAX_ON_S, on=True)
    assert rig.second(on=True)["max_on"] == 1
    assert not rig.line.sounds()
    seconds(rig, REST_S, on=True)
    assert rig.line.sounds()
    assert "max_on" not in seconds(rig, 3)


def test_a_turn_that_began_before_the_decision_switches_nothing_off():
    heard = []
    relay = SimulatedRelay()
    relay.listeners.append(heard.append)
    output = Output(relay, siren({"kind": "simulated"}))
    output.drive(True, 100.002)
    output.drive(True, 100.001)
    assert heard == [True]


def test_an_output_that_is_gone_is_a_fault_and_is_told_again(rig):
    seconds(rig, 3)
    rig.line.fault = "output gone"
    assert seconds(rig, 8, on=True) == {"output_lost": 2}
    assert rig.output.error == "no device"
    assert (rig.output.confirmed(), rig.output.measured()) == (None, {})
    rig.line.fault = ""
    assert seconds(rig, 8, on=True) == {}
    assert rig.line.sounds()
    assert rig.output.error == ""


def test_a_relay_that_reads_but_does_not_switch_is_lost_too(rig, monkeypatch):
    def refuse(*_):
        raise RuntimeError

    monkeypatch.setattr(rig.way.relay, "switch", refuse)
    assert seconds(rig, 8) == {"output_lost": 2}
    assert rig.output.error == "RuntimeError"


def test_the_button_counts_when_it_is_held_and_once(rig):
    seconds(rig, 5)
    rig.line.pressed = True
    seconds(rig, 1)
    rig.line.pressed = False
    seconds(rig, 5)
    assert "mute" not in rig.events
    rig.line.pressed = True
    seconds(rig, 20)
    assert rig.events.count("mute") == 1
    rig.line.pressed = False
    seconds(rig, 5)
    rig.line.pressed = True
    seconds(rig, 5)
    assert rig.events.count("mute") == 2


@pytest.mark.parametrize("fault", ["button wet", "button stuck"])
def test_a_bad_button_mutes_nothing_at_start(fault):
    rig = Rig(Wires, seed=2)
    rig.line.fault = fault
    assert len(seconds(rig, 40)) == 1
    assert "mute" not in rig.events


def test_a_wet_button_mutes_nothing_at_any_time(rig):
    seconds(rig, 5)
    rig.line.fault = "button wet"
    seconds(rig, 100)
    assert "mute" not in rig.events


def test_the_bypass_key_is_told_when_it_turns_and_its_absence_at_start(rig):
    seconds(rig, 5)
    assert rig.events == ["bypass over"], "a bypass restored after a restart ends without the key"
    rig.line.key = True
    seconds(rig, 10)
    rig.line.key = False
    seconds(rig, 10)
    assert rig.events == ["bypass over", "bypass", "bypass over"]


def test_a_key_that_is_turned_at_start_says_nothing():
    rig = Rig(Wires, seed=2)
    rig.line.key = True
    seconds(rig, 10)
    assert rig.events == []


def test_supervision_that_does_not_exist_is_refused_at_start():
    wired = siren({"kind": "modbus"})
    wired.supervision["moon"] = {}
    with pytest.raises(RelayError, match="moon"):
        Output(LineRelay(Line()), wired)


@pytest.mark.parametrize("kind", ["gipo", "", None])
def test_an_output_of_no_known_kind_is_refused(kind, tmp_path):
    wired = siren({"kind": kind})
    with pytest.raises(RelayError, match="siren mairie: no output is"):
        make_relay(wired, tmp_path)


def test_a_simulated_output_keeps_its_state_in_the_guard_s_folder(tmp_path):
    make_relay(siren({"kind": "simulated"}), tmp_path).switch(True, False)
    assert (tmp_path / "relay-mairie").read_bytes().startswith(b"1 ")


def test_the_simulated_relay_passes_its_silent_test_unheard(tmp_path):
    heard = []
    relay = SimulatedRelay(tmp_path / "relay")
    relay.listeners.append(heard.append)
    output = Output(relay, siren({"kind": "simulated"}))
    output.start_test(0.0)
    for second in range(60):
        output.drive(False, float(second))
        output.look(float(second))
    assert output.end_test(60.0) == {}
    assert heard == []
    assert (tmp_path / "relay").read_bytes() == b""
    output.drive(True, 61.0)
    assert heard == [True]
    assert SimulatedRelay(tmp_path / "relay").read() == {"contact": 1, "isolated": 0}
    output.close()


def test_an_alarm_in_the_pulse_of_a_simulated_relay_is_heard():
    heard = []
    relay = SimulatedRelay()
    relay.listeners.append(heard.append)
    relay.switch(True, True)
    relay.switch(True, False)
    assert heard == [True]


def test_every_code_is_listed_once():
    assert len(CODES) == len(set(CODES))
    assert {"max_on", "test_partial", "test_cut", "contact_welded"} <= set(CODES)
    assert not {"mute", "bypass"} & set(CODES)
