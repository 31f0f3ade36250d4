"""What people are told of bridges: every code has words, nothing that is said breaks the view."""

import ast
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amont_gateway import doctor, guard_view
from amont_gateway.bridge_words import describe_bridge, is_bridge_code, word_bridge
from amont_gateway.guard_words import word_fault, word_fault_name
from amont_guard import messages, receiver
from amont_site import load

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
SAID = {
    "port": "usb:2e8a:0005:E66A", "device": "/dev/ttyACM0", "role": "transmit",
    "connected": True, "id": "01" * 8, "radio": "listens", "version": 2, "frames": 12,
    "damaged": 3, "heard_s": 7, "sent": 9, "bad": 1, "crc_errors": 7, "airtime_ms": 18_000,
    "waiting": 0, "refused": 4, "lost": 5,
}  # fmt: skip


def codes():
    """Return every code that the guard can find at a bridge."""
    found = {"twin"}  # of two bridges, so not of one
    for node in ast.walk(ast.parse(Path(receiver.__file__).read_text())):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            found.add(node.value.elts[0].value)
    return found


@pytest.mark.parametrize("code", sorted(codes()))
def test_every_code_is_worded_in_both_languages(code):
    assert is_bridge_code(code)
    assert is_bridge_code(f"{code}: detail")
    words = word_bridge(f"{code}: the detail")
    assert words["fr"] != words["en"]
    assert all(text.endswith("(the detail)") for text in words.values())


def test_a_fault_names_the_port_and_its_audit_says_the_same():
    fault = {"kind": "bridge", "about": "usb:2e8a:0005:E66A", "detail": "radio: no answer"}
    said = word_fault(fault, {})
    assert said["en"].startswith("Radio bridge usb:2e8a:0005:E66A: its radio has failed")
    assert said["fr"].startswith("Pont radio usb:2e8a:0005:E66A : sa radio est en panne")
    assert word_fault_name("bridge usb:2e8a:0005:E66A radio: no answer", {}) == said
    listener = word_fault({**fault, "kind": "listener"}, {})
    assert listener["fr"].startswith("Second récepteur radio usb:")


def test_what_an_older_guard_said_still_reads():
    assert word_fault_name("bridge [Errno 2] No such file", {})["en"] == (
        "Radio bridge: [Errno 2] No such file"
    )


def test_a_bridge_is_shown_as_the_guard_tells_it():
    (bridge,) = guard_view.bridges({"bridges": [SAID]}, alive=True)
    told = msgspec.to_builtins(bridge)
    assert told == {key: value for key, value in SAID.items() if key != "bad"}
    assert describe_bridge(told) == (
        "bridge usb:2e8a:0005:E66A: transmits and listens, radio listens, 12 frames, the newest"
        " 7 s ago, 3 damaged lines, 7 frames damaged by the air, 4 times held up by airtime,"
        " 5 lines lost, 0.50 % airtime"
    )


def test_without_a_living_guard_no_bridge_is_there():
    (bridge,) = guard_view.bridges({"bridges": [SAID]}, alive=False)
    assert not bridge.connected
    assert "NOT THERE" in describe_bridge(msgspec.to_builtins(bridge))


def test_the_best_of_several_signals_is_shown():
    assert guard_view.signal_dbm({"rssi_dbm": -80, "receivers": 2}, -110) == -80
    assert guard_view.signal_dbm({}, -110) == -110


@pytest.mark.parametrize(
    ("faults", "verdict", "text"),
    [
        ([], "good", "transmits and listens"),
        ([("bridge", "radio: no answer")], "bad", "its radio has failed"),
        ([("silent", "pont-a")], "good", "transmits and listens"),
    ],
)
def test_doctor_says_how_each_bridge_is(faults, verdict, text):
    state = {
        "bridges": [SAID],
        "faults": [{"kind": k, "about": SAID["port"], "detail": d} for k, d in faults],
    }
    plan = SimpleNamespace(site=load(EXAMPLE))
    (found,) = doctor._bridges(plan, messages.encode_json(messages.STATE, state))
    assert (found.part, found.verdict) == ("bridge", verdict)
    assert text in found.text
    (unread,) = doctor._bridges(plan, b"\x13what?")
    assert unread.verdict == "weak"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SAID]), inner),
    max_leaves=8,
)


@given(anything)
def test_whatever_is_said_is_shown_as_not_known(said):
    for bridge in guard_view.bridges({"bridges": said}, alive=True):
        assert describe_bridge(msgspec.to_builtins(bridge))
