"""What is refused and why, what is answered and how, and what survives a restart."""

import json
import os

import pytest
from tests.guard.rig import FAR, SECRETS, SimNode, write_site

from amont_guard import messages
from amont_guard.messages import REASONS
from amont_wire.const import DOWNLINK, RATE_FAST, RATE_SIREN
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Sealer
from amont_wire.messages import Ack
from amont_wire.samples import Samples


def reason_of(rig, frame):
    rig.rejected()
    rig.gateway.raw(frame)
    rig.turn()
    ((handle, _node, reason),) = rig.rejected()
    assert handle == 1
    assert rig.guard.counters[REASONS[reason]] > 0
    return REASONS[reason]


def flipped(frame, bit):
    changed = bytearray(frame)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_each_bad_frame_is_refused_with_its_reason(rig):
    good = rig.a.frame(300)
    down = Sealer(SECRETS[17], 17, 1, DOWNLINK, ReservedCounter(0, lambda limit: None))
    stranger = SimNode(30, rig.clock)
    stranger.number = 31
    assert reason_of(rig, good[:10]) == "too short or too long"
    assert reason_of(rig, good + bytes(60)) == "too short or too long"
    assert reason_of(rig, bytes([0x21]) + good[1:]) == "other format version"
    assert reason_of(rig, bytes([0x1F]) + good[1:]) == "unknown message type"
    assert reason_of(rig, good[:1] + b"\x1f\x00" + good[3:]) == "unknown node"
    assert reason_of(rig, good[:1] + b"\x00\x00" + good[3:]) == "malformed body"
    assert reason_of(rig, good[:1] + bytes([rig.b.number, 0]) + good[3:]) == (
        "wrong key or damaged"
    )
    sealed = down.seal(Ack.TYPE, Ack(1, 1, 1, 0, 0, 0, 0).encode())[1]
    assert reason_of(rig, sealed) == "downlink type from outside"
    assert rig.opened() == []
    rig.gateway.raw(good)
    rig.turn()
    assert len(rig.opened()) == 1  # nothing of this cost the good one


def test_every_flipped_bit_is_refused(rig):
    frame = rig.a.frame(300)
    for bit in range(len(frame) * 8):
        rig.gateway.raw(flipped(frame, bit))
        rig.turn(1)
    rig.turn()
    assert rig.opened() == []
    assert len(rig.rejected()) == len(frame) * 8


def test_authentic_but_malformed_bodies_are_refused(rig):
    _, short_head = rig.a.sealer.seal(Samples.TYPE, b"\x00")
    _, no_channel = rig.a.sealer.seal(Samples.TYPE, bytes(8))
    assert reason_of(rig, short_head) == "malformed body"
    assert reason_of(rig, no_channel) == "malformed body"


def test_replays_are_seen_and_those_below_the_window_are_refused(rig):
    first = rig.a.frame(300)
    rig.gateway.raw(first, first)
    rig.turn()
    flags = [f.flags for f in rig.opened()]
    assert flags == [0, messages.SEEN]
    for _ in range(1100):
        last = rig.a.frame(300)
    rig.gateway.raw(last)
    rig.turn()
    assert reason_of(rig, first) == "older than the replay window"


def test_frames_of_sensors_that_do_not_vote_are_passed_on_undecoded(rig):
    far = SimNode(FAR, rig.clock, quantity=2)
    rig.gateway.raw(far.frame(5))
    rig.turn()
    (frame,) = rig.opened()
    assert (frame.node, frame.epoch, frame.time_quality) == (FAR, far.epoch, messages.ASSUMED)
    assert frame.frame_ms == rig.clock.wall


def test_bridge_frames_carry_their_radio(rig):
    rig.line.put(rig.a.frame(300))
    rig.turn()
    (frame,) = rig.opened()
    assert (frame.flags, frame.rssi_dbm, frame.snr_db4) == (messages.BRIDGE, -80, 20)


def test_a_new_stage_is_told_before_the_second_is_over(rig):
    rig.take(messages.STATE)
    rig.guard._next = {"watchdog": float("inf")}
    rig.gateway.raw(SimNode(FAR, rig.clock, quantity=2).frame(300))
    rig.turn()
    assert rig.opened()
    assert rig.take(messages.STATE) == []  # a rain gauge changes nothing that the guard shows
    rig.line.put(rig.a.frame(710))
    rig.turn()
    (told,) = rig.take(messages.STATE)
    assert messages.decode_json(told)["stations"][0]["stage_mm"] == 710


def test_a_tick_from_2080_is_counted_passed_on_and_poisons_nothing(rig):
    rig.prove()
    rig.opened()
    rig.clock.pass_s(60)
    rig.line.put(rig.a.frame(2600, tick_s=2**28 - 1))
    rig.turn()
    assert rig.opened()[0].time_quality == messages.UNKNOWN  # for the journal
    assert rig.state()["counters"]["implausible time"] == 1
    rig.prove()
    assert rig.state()["sensors"][0]["freshness"] == "proved"
    assert rig.sounded() == []


def test_a_life_before_does_not_hide_the_present_one(rig):
    late = rig.a.frame(300)
    rig.a = SimNode(17, rig.clock, life=2, counter=100)
    rig.line.put(rig.a.frame(300))
    rig.gateway.raw(late)
    rig.turn()
    (heard,) = rig.guard.intake.heard.values()
    assert (heard.epoch, heard.by_bridge) == (rig.a.epoch, True)


def test_no_acknowledgement_without_commit(rig):
    rig.prove()
    rig.line.sent()
    rig.live(300, 301, 302)
    assert rig.line.sent() == []
    assert rig.take(messages.DOWNLINK) == []


def test_acknowledgement_goes_the_way_that_the_node_came(rig):
    rig.flush()
    rig.line.put(rig.a.frame(300))
    rig.turn()
    rig.gateway.commit(rig.a, 0, bits=0b101)
    rig.turn()
    (downlink,) = rig.line.sent()
    ack = rig.a.hear(downlink)
    assert (ack.answers, ack.life, ack.through) == (rig.a.last, 1, 0)
    assert (ack.bits, ack.nbits, ack.rate) == (0b101, 3, 0)
    rig.gateway.raw(rig.a.frame(300))
    rig.turn()
    rig.gateway.commit(rig.a, 1)
    rig.turn()
    assert rig.line.sent() == []
    ((number, downlink),) = messages.decode_downlinks(rig.take(messages.DOWNLINK)[0])
    assert number == rig.a.number
    assert rig.a.hear(downlink).through == 1


def test_commits_of_one_node_are_answered_once(rig):
    rig.flush()
    rig.line.put(rig.a.frame(300))
    rig.turn()
    items = [messages.Committed(17, rig.a.epoch, n, 0, 0, rig.a.last) for n in range(5)]
    rig.gateway.send(messages.encode_committed(items))
    rig.turn()
    (downlink,) = rig.line.sent()
    assert rig.a.hear(downlink).through == 4


def test_rate_follows_level_advice_and_siren(rig):
    rig.prove()

    def rate(asked=0):
        rig.line.sent()
        rig.gateway.commit(rig.a, rig.a.seq, rate=asked)
        rig.turn()
        return rig.a.hear(rig.line.sent()[-1]).rate

    assert rate() == 0
    assert rate(asked=3) == RATE_FAST  # the gateway may ask for fast, no more
    advice = {"station": "pont", "level": "watch", "until_s": 60, "model": "river"}
    rig.gateway.send(messages.encode_json(messages.ADVICE, advice))
    rig.turn()
    assert rate() == RATE_FAST
    assert rig.state()["stations"][0]["advice"] == "watch"
    rig.clock.pass_s(61)
    assert rate() == 0
    rig.live(*RISE)
    assert rate() == RATE_FAST
    rig.live(2600)
    assert rate() == RATE_SIREN
    assert len(rig.sounded()) == 1


RISE = (600, 900, 1200, 1500, 1800, 2100, 2400)


def test_bad_commits_are_counted(rig):
    items = [
        messages.Committed(999, 1, 0, 0, 0, 1),
        messages.Committed(17, 1, -7, 0, 0, 1),
    ]
    rig.flush()
    rig.gateway.send(messages.encode_committed(items))
    rig.turn()
    counters = rig.state()["counters"]
    assert counters["no downlink: UnknownNode"] == 1
    assert counters["no downlink: Malformed"] == 1


def test_downlink_counters_are_never_used_twice(rig):  # 200 restarts: test_keys
    used, opener = set(), rig.a.opener
    for _ in range(8):
        rig.restart()
        rig.flush()
        for _ in range(3):
            rig.line.put(rig.a.frame(300))
            rig.turn(1)
            rig.gateway.commit(rig.a, rig.a.seq)
            rig.turn(1)
        for downlink in rig.line.sent():
            header, _ = opener.open(downlink)
            assert header.counter not in used
            used.add(header.counter)
    assert len(used) == 24


def test_many_acknowledgements_use_up_and_renew_the_reservation(rig):
    rig.gateway.raw(rig.a.frame(300))
    rig.turn()
    for at in range(700):
        if at % 100 == 0:
            rig.flush()
            rig.clock.pass_s(4)
        rig.gateway.commit(rig.a, 0)
        rig.turn(1)
    assert rig.guard.counters["acknowledgements"] == 700


def test_without_a_stored_reservation_there_is_no_downlink(tmp_path):
    from tests.guard.rig import Rig, TroubledDisk

    disk = TroubledDisk()
    disk.error = 28
    made = Rig(tmp_path / "state", disk)
    made.line.put(made.a.frame(300))
    made.turn()
    made.gateway.commit(made.a, 0)
    made.turn()
    assert made.line.sent() == []
    assert made.guard.counters["no downlink: NotReserved"] == 1
    disk.error = None
    made.close()


def test_windows_survive_a_restart(rig):
    frame = rig.a.frame(300)
    rig.gateway.raw(frame)
    rig.turn()
    rig.restart()
    rig.gateway.raw(frame)
    rig.turn()
    assert [f.flags for f in rig.opened()] == [0, messages.SEEN]


BAD_WINDOWS = ["{", "[]", '{"format": 1}', '{"format":1,"windows":{"17/1":[5]}}']


@pytest.mark.parametrize("text", BAD_WINDOWS)
def test_unreadable_windows_are_a_fault_and_prove_nothing(rig, text):
    rig.prove()
    rig.stop()
    (rig.folder / "windows.json").write_text(text)
    rig.start()
    rig.live(300)
    state = rig.state()
    assert any("windows.json" in fault["detail"] for fault in state["faults"])
    assert state["sensors"][0]["freshness"] == "assumed"


def test_lost_counters_refuse_downlinks_until_the_node_is_enrolled_again(rig):
    rig.prove()
    rig.stop()
    (rig.folder / "counters.json").unlink()
    for _ in range(2):  # and a further restart does not forget it
        rig.start()
        rig.flush()
        rig.line.put(rig.a.frame(300))
        rig.turn()
        rig.gateway.commit(rig.a, 0)
        rig.turn()
        assert rig.line.sent() == []
        assert any("enrol node 17 again" in f["detail"] for f in rig.state()["faults"])
        rig.stop()
    write_site(rig.folder, rig.line.name, generations={17: 2})
    rig.start()
    rig.flush()
    rig.a = SimNode(17, rig.clock, generation=2)
    rig.line.put(rig.a.frame(300))
    rig.turn()
    rig.gateway.commit(rig.a, 0)
    rig.turn()
    assert rig.a.hear(rig.line.sent()[0]).through == 0


def test_previous_generation_is_heard_and_answered_in_its_own(rig):
    rig.stop()
    keys = json.loads((rig.folder / "keys.json").read_text())
    elder = keys["nodes"]["17"]
    keys["nodes"]["17"] = {"generation": 2, "secret": os.urandom(16).hex(), "previous": elder}
    (rig.folder / "keys.json").write_text(json.dumps(keys))
    rig.start()
    rig.flush()
    rig.line.put(rig.a.frame(300))
    rig.turn()
    assert rig.opened()[0].epoch == 1 << 12 | 1
    rig.gateway.commit(rig.a, 0)
    rig.turn()
    assert rig.a.hear(rig.line.sent()[0]).through == 0
