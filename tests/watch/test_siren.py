from __future__ import annotations

from typing import Any

import pytest

from amont_watch import machine
from amont_watch import siren as w
from amont_watch.hazard import Hazard


def _saved() -> dict[str, Any]:
    return w.State().as_dict(0)


@pytest.mark.parametrize(
    ("key", "value"),
    [("annunciation", 4), ("mode", -1), ("level", "high"), ("muted_s", None), ("burst_s", "now"),
     ("acknowledged", "Anne"), ("faults", []), ("faults", {"disk": 9})],
)  # fmt: skip
def test_a_misshapen_state_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"not|misshapen"):
        w.state_from_dict({**_saved(), key: value}, 0)


def test_a_missing_field_is_named() -> None:
    saved = _saved()
    del saved["muted_s"]
    with pytest.raises(KeyError, match="muted_s"):
        w.state_from_dict(saved, 0)


def test_state_survives_its_dict_with_another_clock() -> None:
    state, _ = machine.step(w.State(), w.Event(w.HAZARD, level=3, name="x"), 50, w.Limits())
    state, _ = machine.step(state, w.Event(w.RAISE_FAULT, level=2, name="disk"), 60, w.Limits())
    again = w.state_from_dict(state.as_dict(60), 9_000)
    assert again.burst_s == 8_990
    assert again.as_dict(9_000) == state.as_dict(60)


def test_a_hazard_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="level"):
        Hazard(600).restore({"level": 5}, 0)


def test_an_unknown_event_is_our_own_mistake() -> None:
    with pytest.raises(KeyError, match="dance"):
        machine.step(w.State(), w.Event("dance"), 0, w.Limits())


def test_step_leaves_its_argument_alone() -> None:
    before = w.State()
    machine.step(before, w.Event(w.RAISE_FAULT, level=2, name="disk"), 5, w.Limits())
    machine.step(before, w.Event(w.HAZARD, level=4, name="x"), 5, w.Limits())
    assert before.as_dict(0) == _saved()


def test_an_action_is_plain_for_the_audit() -> None:
    _, actions = machine.step(w.State(), w.Event(w.HAZARD, level=3, name="x"), 0, w.Limits())
    first = {"kind": "relay on", "rule": "relay", "value": w.ALARM_TONE, "person": ""}
    assert actions[0].as_dict() == first
