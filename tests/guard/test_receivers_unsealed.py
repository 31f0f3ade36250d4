"""What nobody sealed: it hides no fault, fills no audit, and changes nothing that people see."""

import pytest
from tests.guard.rig import Rig, audit
from tests.guard.test_receivers import NAMES, Desk, identity, received, status

from amont_guard.hearings import Signal
from amont_guard.receivers import NEWS_S
from amont_guard.status import fault, fault_name
from amont_wire import link
from amont_wire.link import RADIO_IDLE, ROLE_TRANSMIT


@pytest.fixture
def desk():
    made = Desk()
    yield made
    made.close()


@pytest.fixture
def pair(tmp_path):
    made = Rig(tmp_path / "state", listeners=1)
    yield made
    made.close()


def names(desk):
    """Return the faults as the audit names them."""
    return {fault_name(fault(*found)) for found in desk.receivers.faults(desk.now_s)}


def hear(line, frame, rssi_dbm=-90):
    line.write(link.Received(1, rssi_dbm, 20, frame).pack())


def forge(frame):
    return frame[:-1] + bytes([frame[-1] ^ 1])


# --- names of faults


def test_an_airtime_that_counts_on_is_one_fault(desk):
    found = set()
    for turn in range(12):
        desk.now_s += 10
        desk.says(0, identity(ROLE_TRANSMIT), status(turn * 10_000, "", 34_500 + 37 * turn))
        found |= names(desk)
    assert found == {f"bridge {NAMES[0]} airtime"}


def test_a_text_that_changes_each_second_is_told_once_a_minute(desk):
    told = []
    for second in range(int(3 * NEWS_S)):
        desk.now_s += 1
        desk.says(0, status(second * 1000, f"no answer {second}"))
        (name,) = names(desk)
        told += [name] if name not in told[-1:] else []
    assert told == [f"bridge {NAMES[0]} radio: no answer {at}" for at in (0, 60, 120)]


def test_a_fault_that_comes_and_goes_each_second_begins_once_a_minute(desk):
    begun, before = 0, set()
    for second in range(int(3 * NEWS_S)):
        desk.now_s += 1
        desk.says(0, status(second * 1000, "no answer" * (second % 2)))
        begun, before = begun + len(names(desk) - before), names(desk)
    assert begun == 3


def test_another_fault_of_the_same_bridge_does_not_wait(desk):
    desk.says(0, identity(ROLE_TRANSMIT, RADIO_IDLE))
    assert desk.faults() == {("bridge", NAMES[0], "idle")}
    desk.says(0, status(fault="no answer"))
    assert desk.faults() == {("bridge", NAMES[0], "radio")}


def test_a_bridge_that_babbles_writes_two_lines_a_minute(pair):
    pair.turn()
    before = len(audit(pair))
    for second in range(40):
        pair.clock.pass_s(1)
        radio = link.RadioState(7, 100, 3, 4, 5, f"text {second}")
        pair.line.write(link.Status(second * 1000, 20, 1, 9, 2, radio).pack())
        pair.turn()
    lines = [line for line in audit(pair)[before:] if "radio: text" in line.get("name", "")]
    assert len(lines) == 1


# --- what counts as hearing a node


def test_what_no_key_opens_does_not_hide_that_a_bridge_hears_no_node(pair):
    bridge, listener = pair.guard.receivers.all
    hear(pair.line, pair.a.frame(300))
    pair.turn()
    known_s = pair.clock.now_s
    assert (bridge.heard_at, bridge.show(known_s)["heard_s"]) == (known_s, 0)
    gap_s = int(pair.guard.config.deaf_s()) // 5
    for _ in range(6):
        pair.clock.pass_s(gap_s)
        for line in (pair.line, pair.ears[0]):
            hear(line, b"\x00" * 20)
            hear(line, forge(pair.a.frame(300)))
        pair.turn()
    assert (bridge.heard_at, listener.frames) == (known_s, 12)
    assert bridge.show(pair.clock.now_s)["heard_s"] == 6 * gap_s
    assert listener.show(pair.clock.now_s)["heard_s"] is None
    faults = {(f["kind"], f["detail"]) for f in pair.state()["faults"]}
    assert {("bridge", "deaf"), ("listener", "deaf")} <= faults


def test_each_receiver_of_a_frame_that_opened_hears_a_node(pair):
    frame = pair.a.frame(300)
    for line in (pair.ears[0], pair.line):
        pair.clock.pass_s(1)
        hear(line, frame)
        pair.turn()
    shown = pair.guard.receivers.show(pair.clock.now_s)
    assert [row["heard_s"] for row in shown] == [0, 1]


def test_frames_of_a_desk_without_keys_all_count(desk):
    desk.says(0, received(300))
    desk.now_s += 3
    assert desk.receivers.show(desk.now_s)[0]["heard_s"] == 3


# --- signals, and by which way a node is answered


def test_a_forged_frame_with_the_newest_counter_changes_no_signal_that_people_see(pair):
    frame = pair.a.frame(300)
    hear(pair.line, frame)
    pair.turn()
    for line in (pair.line, pair.ears[0]):
        hear(line, forge(frame), -20)
        pair.turn()
    assert pair.guard.intake.signals() == []
    hear(pair.ears[0], frame, -80)
    pair.turn()
    assert pair.guard.intake.signals() == [
        {"id": pair.a.number, **Signal(-80, 20, 2)._asdict()},
    ]


def test_a_copy_of_the_bridge_that_comes_after_a_brokers_is_answered_by_the_bridge(pair):
    pair.prove()
    frame = pair.a.frame(300)
    pair.gateway.raw(frame)
    pair.turn()
    assert not pair.guard.intake.heard[pair.a.number].by_bridge
    hear(pair.line, forge(frame))
    pair.turn()
    assert not pair.guard.intake.heard[pair.a.number].by_bridge
    hear(pair.line, frame)
    pair.gateway.raw(frame)  # and again by the broker: that changes nothing
    pair.turn()
    assert pair.guard.intake.heard[pair.a.number].by_bridge
    pair.line.sent()
    pair.flush()
    pair.gateway.commit(pair.a, pair.a.seq)
    pair.turn()
    assert len(pair.line.sent()) == 1
