"""The relay on a Pi's pins, through the real gpiozero on its own mock pins."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPin
from tests.bench.bench_siren import ON_PINS, Rig, seconds_to_find
from tests.bench.siren_line import MORE_IDLE, SOUNDING, TWELVE
from tests.bench.siren_pins import ISOLATE, PIN, Pins

from amont_guard.relay import Output, RelayError, make_relay

FAULTS = TWELVE | ON_PINS | MORE_IDLE | SOUNDING
del FAULTS["output gone"]  # pins do not go away; a test of its own lets them fail


def plain(**output):
    """A siren with a relay and nothing else."""
    wired = {
        "kind": "gpio", "pin": 17, "active_high": True, "readback_pin": None, "isolate_pin": None,
        "isolate_readback_pin": None,
    } | output  # fmt: skip
    return SimpleNamespace(id="mairie", output=wired, supervision={}, key=None)


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    factory = MockFactory()
    monkeypatch.setattr(Device, "pin_factory", factory)
    yield factory
    factory.reset()


@pytest.fixture
def rig():
    made = Rig(Pins, seed=1)
    yield made
    made.close()


def test_it_switches_its_pin_and_nothing_before_a_decision(pins, tmp_path):
    output = Output(make_relay(plain(), tmp_path), plain())
    assert [state.state for state in pins.pin(17).states] == [False]
    output.drive(True, 1.0)
    assert pins.pin(17).state
    output.drive(False, 2.0)
    assert not pins.pin(17).state
    assert output.confirmed() is None
    output.close()
    assert pins.pin(17).function == "input"
    make_relay(plain(), tmp_path).close()


class ClaimedLow(MockPin):
    """As lgpio claims a pin: an input first, and low from the moment when it is an output."""

    def _set_function(self, value):
        super()._set_function(value)
        if value == "output":
            self._change_state(False)


@pytest.mark.parametrize("active_high", [True, False])
def test_a_pin_is_off_from_its_claim_on(monkeypatch, tmp_path, active_high):
    pins = MockFactory(pin_class=ClaimedLow)
    monkeypatch.setattr(Device, "pin_factory", pins)
    relay = make_relay(plain(active_high=active_high, isolate_pin=23), tmp_path)
    assert [pins.pin(number).state for number in (17, 23)] == [not active_high] * 2
    relay.close()
    pins.reset()


def test_an_active_low_board_is_not_pulled_at_start(pins, tmp_path):
    pins.pin(17).drive_high()
    relay = make_relay(plain(active_high=False, isolate_pin=23), tmp_path)
    relay.switch(True, True)
    assert (pins.pin(17).state, pins.pin(23).state) == (False, False)
    relay.switch(False, False)
    assert (pins.pin(17).state, pins.pin(23).state) == (True, True)


def test_a_closed_contact_pulls_its_input_down(pins, tmp_path):
    relay = make_relay(plain(readback_pin=27), tmp_path)
    pins.pin(27).drive_low()
    assert relay.read() == {"contact": 1}
    pins.pin(27).drive_high()
    assert relay.read() == {"contact": 0}


def test_a_pin_in_use_is_named(pins, tmp_path):
    keep = make_relay(plain(), tmp_path)
    with pytest.raises(RelayError, match=r"siren mairie: .*GPIO17"):
        make_relay(plain(), tmp_path)
    assert keep.read() == {}
    assert pins.pin(17).function == "output"


def test_pins_that_fail_later_are_a_fault_of_their_own_siren(rig, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("handle closed")  # no kind that anybody would expect

    assert rig.second() == {}
    monkeypatch.setattr(type(rig.way.relay._contacts["mains"]), "value", property(fail))
    for _ in range(9):
        found = rig.second(on=True)
    assert found == {"output_lost": 2}
    assert rig.output.error == "handle closed"
    assert rig.way.factory.pin(PIN).state, "it is still switched"


def test_the_converter_is_read_over_spi(rig):
    rig.second()
    measured = rig.output.measured()
    assert measured["line_ohm"] == pytest.approx(4_700, rel=0.02)
    assert measured["battery_mv"] == pytest.approx(13_600, rel=0.01)
    assert rig.second(on=True) == {}
    assert rig.output.measured()["horn_ma"] == pytest.approx(4_000, rel=0.02)


def test_a_silent_test_moves_both_pins_and_is_not_heard(rig):
    assert rig.test() == {}
    assert rig.heard == 0
    for number in (PIN, ISOLATE):
        assert [state.state for state in rig.way.factory.pin(number).states] == [0, 1, 0]


@pytest.mark.parametrize(("fault", "code"), FAULTS.items())
def test_a_planted_fault_is_found_within_a_minute(fault, code):
    found_s = seconds_to_find(Pins, fault, code, seed=3)
    assert found_s is not None
    assert found_s <= 60
