"""The relay on a Pi's pins, through the real gpiozero on its own mock pins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from amont_guard.relay import GpioRelay, RelayError


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    factory = MockFactory()
    monkeypatch.setattr(Device, "pin_factory", factory)
    yield factory
    factory.reset()


def test_it_switches_its_pin_and_nothing_before_a_decision(pins: MockFactory) -> None:
    relay = GpioRelay({"kind": "gpio", "pin": 17})
    assert [state.state for state in pins.pin(17).states] == [False]
    relay.set(True)
    assert pins.pin(17).state
    relay.set(False)
    assert not pins.pin(17).state
    assert relay.read_back() is None


def test_an_active_low_board_is_not_pulled_at_start(pins: MockFactory) -> None:
    pins.pin(17).drive_high()
    relay = GpioRelay({"kind": "gpio", "pin": 17, "active_high": False})
    relay.set(True)
    assert not pins.pin(17).state


def test_the_contact_is_read_back(pins: MockFactory) -> None:
    relay = GpioRelay({"kind": "gpio", "pin": 17, "readback_pin": 27})
    pins.pin(27).drive_low()
    assert relay.read_back() is True  # the contact pulls its input down
    pins.pin(27).drive_high()
    assert relay.read_back() is False


def test_a_pin_in_use_is_named(pins: MockFactory) -> None:
    keep = GpioRelay({"kind": "gpio", "pin": 17})
    with pytest.raises(RelayError, match="GPIO 17"):
        GpioRelay({"kind": "gpio", "pin": 17})
    assert keep.read_back() is None
    assert pins.pin(17).function == "output"
