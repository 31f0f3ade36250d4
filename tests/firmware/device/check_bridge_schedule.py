# A bridge with a radio: what it sends, and when.

from amont_bridge.bridge import Bridge
from amont_bridge.schedule import length_ms
from amont_bridge.waiting import HOLD_MS, NODE_MAX, TOTAL_MAX
from amont_wire import const
from amont_wire.airtime import URGENT
from amont_wire.link import (
    RADIO_FAULT,
    RADIO_IDLE,
    RADIO_LISTENS,
    ROLE_LISTEN,
    ROLE_NONE,
    ROLE_TRANSMIT,
    SENT_AIRTIME,
    SENT_BUSY,
    SENT_EXPIRED,
    SENT_OK,
    Ask,
    Deframer,
    Identity,
    Send,
    Sent,
    Settings,
    Status,
    unpack,
)

KHZ = [868100, 868300, 868500]
SETTINGS = Settings(ROLE_TRANSMIT, KHZ, [7, 9])
ACK_MS = length_ms(bytes(25), 9)
LAST_MS = 2600 - 60 - 53  # 13 symbols of SF9, so that the node hears it begin


def lines(data: bytes) -> list:
    return [unpack(payload) for payload in Deframer().feed(data)]


def frame(kind: int, node: int, counter: int, size: int = 25) -> bytes:
    head = bytes([0x10 | kind]) + node.to_bytes(2, "little") + counter.to_bytes(4, "little")
    return head + bytes(size - 7)


# A bridge, and what the guard hears of its frames: handle by handle.
class Desk:
    def __init__(self, settings: Settings | None = SETTINGS) -> None:
        self.bridge = Bridge(0, b"unique 8", RADIO_IDLE)
        self.told = {}
        self.received = 0
        if settings is not None:
            self.note(self.bridge.from_guard(settings.pack(), 0))
            self.note(self.bridge.status(0))

    def note(self, data: bytes) -> list:
        messages = lines(data)
        for message in messages:
            if isinstance(message, Sent):
                assert message.handle not in self.told, "told twice"
                self.told[message.handle] = message.result
        return messages

    # An uplink ended at tick_ms; index 1 is 868.1 MHz at SF9.
    def uplink(self, tick_ms: int, node: int = 17, counter: int = 1, kind: int = const.SAMPLES,
               index: int = 1) -> None:  # fmt: skip
        self.note(self.bridge.heard(frame(kind, node, counter), -90, 20, tick_ms, index))

    def send(self, handle: int, tick_ms: int, kind: int = const.ACK, node: int = 17,
             size: int = 25) -> None:  # fmt: skip
        data = Send(handle, frame(kind, node, handle, size)).pack()
        self.note(self.bridge.from_guard(data, tick_ms))

    # What begins at tick_ms: its handle, None if nothing does. It is over at once.
    def begins(self, tick_ms: int, hears: bool = False, ok: bool = True) -> int | None:
        sending = self.bridge.next_transmission(tick_ms, hears)
        if sending is None:
            return None
        self.last = sending
        self.note(self.bridge.transmitted(sending, ok, tick_ms + sending.length_ms))
        return sending.handle


def check_deaf_and_silent_without_settings() -> None:
    desk = Desk(None)
    assert desk.bridge.listens() == [] and not desk.bridge.listening()
    said = desk.note(desk.bridge.status(0))
    assert said[0] == Identity(2, b"unique 8", ROLE_NONE, RADIO_IDLE)
    assert said[1].radio is None
    desk.send(1, 5)
    assert desk.told == {1: SENT_BUSY}


def check_settings_say_what_to_hear() -> None:
    desk = Desk()
    assert desk.bridge.listens() == [(khz, sf) for khz in KHZ for sf in (7, 9)]
    said = desk.note(desk.bridge.from_guard(Ask().pack(), 1))
    assert said == [Identity(2, b"unique 8", ROLE_TRANSMIT, RADIO_LISTENS)]


def check_an_answer_goes_out_in_its_window() -> None:
    desk = Desk()
    desk.uplink(1000, index=3)
    desk.send(1, 1005)
    assert desk.begins(1005) is None and desk.bridge.wait_ms(1005) == 15
    assert desk.begins(1020) == 1
    assert (desk.last.freq_khz, desk.last.sf, desk.last.power_dbm) == (868300, 9, 14)
    assert desk.told == {1: SENT_OK} and desk.bridge.sent == 1
    assert desk.bridge.airtime.used_ms(2) == ACK_MS


def check_no_window_no_answer() -> None:
    desk = Desk()
    desk.send(1, 10)
    assert desk.begins(500) is None
    desk.uplink(1000)
    last_ms = 1000 + LAST_MS
    desk.send(2, last_ms)
    assert desk.begins(last_ms + 1) is None and desk.told == {1: SENT_EXPIRED}
    desk.uplink(9000, counter=2)
    assert desk.begins(9020) is None  # an old answer: perhaps a new one comes
    desk.send(3, 9500)
    assert desk.begins(9501) == 3
    assert desk.told == {1: SENT_EXPIRED, 2: SENT_EXPIRED, 3: SENT_OK}


def check_an_old_answer_goes_at_the_last_moment() -> None:
    desk = Desk()
    desk.send(1, 10)
    desk.uplink(1000)
    last_ms = 1000 + LAST_MS
    assert desk.begins(last_ms - 101) is None and desk.bridge.wait_ms(last_ms - 101) == 1
    assert desk.begins(last_ms - 100) == 1


def check_what_matters_more_goes_first() -> None:
    desk = Desk()
    for node, kind in ((1, const.SAMPLES), (2, const.SAMPLES), (3, const.SAMPLES)):
        desk.uplink(1000, node, kind=kind)
    desk.send(1, 1001, const.UPDATE, 1, 51)
    desk.send(2, 1002, const.CONFIG, 2)
    desk.send(3, 1003, const.ACK, 3)
    desk.uplink(1004, 4, kind=const.URGENT)
    desk.send(4, 1005, const.ACK, 4)
    assert [desk.begins(1100 + 300 * n) for n in range(4)] == [4, 3, 2, 1]


def check_others_wait_while_an_urgent_frame_waits_for_its_answer() -> None:
    desk = Desk()
    desk.uplink(1000, 1)
    desk.send(1, 1001, const.UPDATE, 1, 51)
    desk.send(2, 1001, const.CONFIG, 1)
    desk.uplink(1010, 2, kind=const.URGENT)
    assert desk.begins(1100) is None and desk.bridge.wait_ms(1100) <= 20
    desk.send(3, 1200, const.ACK, 2)
    assert desk.begins(1200) == 3
    assert desk.begins(1600) == 1
    desk.uplink(9000, 2, 2, kind=const.URGENT)
    desk.uplink(9000, 1, 2)
    assert desk.begins(9999) is None
    assert desk.begins(10000) == 2  # no answer comes: the guard is gone, or does not know it


# An acknowledgement may go meanwhile, unless it would keep the answer out of its window.
def check_an_acknowledgement_leaves_room_for_the_answer() -> None:
    desk = Desk()
    desk.uplink(1000, 1)
    desk.uplink(1010, 2, kind=const.URGENT)
    desk.send(1, 1015, const.ACK, 1)
    assert desk.begins(1100) == 1
    desk = Desk(Settings(ROLE_TRANSMIT, KHZ, [7, 9], listen_ms=800))
    desk.uplink(1000, 1)
    desk.uplink(1010, 2, kind=const.URGENT)
    desk.send(1, 1020, const.ACK, 1)
    assert desk.begins(1500) is None


def check_a_newer_acknowledgement_replaces_the_one_that_waits() -> None:
    desk = Desk()
    desk.uplink(1000)
    desk.send(1, 1001)
    desk.send(2, 1002)
    assert desk.told == {1: SENT_EXPIRED}
    assert desk.begins(1100) == 2 and desk.begins(1500) is None


# A node takes rising counters only.
def check_a_node_s_frames_keep_their_order() -> None:
    desk = Desk()
    desk.uplink(1000)
    desk.send(1, 1001, const.CONFIG)
    desk.send(2, 1002)
    assert [desk.begins(1100 + 400 * n) for n in range(3)] == [1, 2, None]
    desk.uplink(9000, counter=2)
    desk.send(3, 9001, const.CONFIG)
    desk.send(4, 9002)
    late_ms = 9000 + LAST_MS - ACK_MS - 10
    assert desk.begins(late_ms) == 4  # both would not fit
    assert desk.told[3] == SENT_EXPIRED


def check_an_urgent_answer_overtakes() -> None:
    desk = Desk()
    desk.send(1, 5, const.CONFIG)
    desk.uplink(1000, kind=const.URGENT)
    desk.send(2, 1050)
    assert desk.begins(1050) == 2 and desk.told[1] == SENT_EXPIRED


# Two frames to one node are 50 ms apart: it takes one before it hears the next.
def check_the_gap() -> None:
    desk = Desk()
    desk.uplink(1000)
    desk.send(1, 1001)
    desk.send(2, 1001, const.RESEND)
    assert desk.begins(1020) == 1
    over_ms = 1020 + ACK_MS
    assert desk.begins(over_ms + 49) is None and desk.begins(over_ms + 50) == 2


def check_newer_chunks_replace_those_from_before_the_uplink() -> None:
    desk = Desk()
    for handle in (1, 2, 3):
        desk.send(handle, 10, const.UPDATE, size=51)
    desk.uplink(1000, kind=const.PROGRESS)
    assert desk.told == {}
    desk.send(4, 1001, const.UPDATE, size=51)
    desk.send(5, 1001, const.UPDATE, size=51)
    assert desk.told == {1: SENT_EXPIRED, 2: SENT_EXPIRED, 3: SENT_EXPIRED}
    assert [desk.begins(1100 + 400 * n) for n in range(3)] == [4, 5, None]


# A node believes only what answers one of its last 8 counters.
def check_what_answers_too_little_is_given_up() -> None:
    desk = Desk()
    desk.uplink(1000, counter=100)
    desk.send(1, 4000, const.CONFIG)
    desk.uplink(5000, counter=107, kind=const.URGENT)
    assert desk.told == {}
    desk.uplink(6000, counter=108)
    desk.note(desk.bridge.status(6000))
    assert desk.told == {1: SENT_EXPIRED}


def check_bounds() -> None:
    desk = Desk()
    for handle in range(NODE_MAX + 3):
        desk.send(handle, 1, const.RESEND)
    assert desk.told == {NODE_MAX + n: SENT_BUSY for n in range(3)}
    for handle in range(100, 200):
        desk.send(handle, 2, const.UPDATE, 20 + handle // NODE_MAX)
    assert len(desk.bridge.schedule.waiting) == TOTAL_MAX
    desk.send(500, 3, const.ACK, 500)
    assert len(desk.bridge.schedule.waiting) == TOTAL_MAX
    assert 500 not in desk.told  # the newest chunk made room


# One acknowledgement for each of many nodes: the oldest whose node does not listen goes.
def check_room_for_the_answer_to_a_node_that_listens() -> None:
    desk = Desk()
    for node in range(1, 65):
        desk.send(node, 1, const.ACK, node)
    desk.uplink(1000, 1)
    desk.uplink(1000, 70, kind=const.URGENT)
    desk.send(100, 1010, const.ACK, 70)
    assert desk.told == {2: SENT_BUSY}
    assert desk.begins(1100) == 100


def check_a_day_is_enough() -> None:
    desk = Desk()
    desk.send(1, 10)
    desk.note(desk.bridge.status(HOLD_MS + 9))
    assert desk.told == {}
    desk.note(desk.bridge.status(HOLD_MS + 10))
    assert desk.told == {1: SENT_EXPIRED}


# Acknowledgements may use three quarters, the more slowly the more they have.
def check_the_share_of_acknowledgements() -> None:
    desk = Desk()
    sent = 0
    for turn in range(1800):
        tick_ms = 2000 * turn
        desk.uplink(tick_ms, 1 + turn % 50, counter=turn)
        desk.send(turn, tick_ms + 100, node=1 + turn % 50)
        sent += desk.begins(tick_ms + 110) is not None
        if turn == 60:
            assert sent == 61
    assert 22000 < desk.bridge.airtime.used_ms(3600) == sent * ACK_MS <= 27000


# Once airtime is scarce, who had an acknowledgement makes way for who had none.
def check_those_who_were_not_answered_come_first() -> None:
    desk = Desk()
    desk.uplink(0, 1)
    desk.send(1, 1, node=1)
    assert desk.begins(100) == 1
    desk.bridge.airtime.before(1, 14000)
    desk.uplink(400000, 1, 2)
    desk.uplink(400000, 2)
    desk.send(2, 400001, node=1)
    desk.send(3, 400001, node=2)
    assert [desk.begins(400100), desk.begins(401000)] == [3, None]
    desk.uplink(700000, 1, 3)
    desk.send(4, 700001, node=1)
    assert desk.begins(700100) == 4
    assert desk.told[2] == SENT_AIRTIME


# Each of a node's urgent frames may be answered, but not all from what is kept for first ones.
def check_an_answered_node_has_no_claim() -> None:
    desk = Desk()
    desk.bridge.airtime.before(0, 30000)
    desk.uplink(1000, kind=const.URGENT)
    desk.send(1, 1001)
    assert desk.begins(1100) == 1
    desk.uplink(11000, counter=2, kind=const.URGENT)
    desk.send(2, 11001)
    assert desk.begins(11100) is None
    desk.uplink(32000, counter=3, kind=const.URGENT)
    desk.send(3, 32001)
    assert desk.begins(32100) == 3


def check_airtime_is_kept_for_urgent_answers() -> None:
    desk = Desk()
    desk.bridge.airtime.sent_ms(1, 30000, URGENT)
    desk.uplink(2000, 1)
    desk.send(1, 2001, const.ACK, 1)
    assert desk.begins(2100) is None
    desk.uplink(2200, 2, kind=const.URGENT)
    desk.send(2, 2201, const.ACK, 2)
    assert desk.begins(2300) == 2
    desk.send(3, 2400, const.ACK, 1)
    assert desk.told[1] == SENT_AIRTIME
    desk.bridge.airtime.sent_ms(2, 6000 - ACK_MS, URGENT)
    desk.uplink(2500, 2, 2, kind=const.URGENT)
    desk.send(4, 2501, const.ACK, 2)
    assert desk.begins(2600) is None  # nothing is left


# What the guard knows of the hour before outlives a reset of the bridge.
def check_the_guard_remembers_the_hour() -> None:
    known = Settings(ROLE_TRANSMIT, KHZ, [9], airtime_ms=20000)
    desk = Desk(known)
    assert desk.bridge.airtime.used_ms(0) == 20000
    desk.note(desk.bridge.from_guard(known.pack(), 5))
    assert desk.bridge.airtime.used_ms(0) == 20000
    assert Bridge(0, b"", RADIO_IDLE, True).airtime.used_ms(0) == 9000


def check_a_frame_that_comes_in_is_not_destroyed() -> None:
    desk = Desk()
    desk.uplink(1000)
    desk.send(1, 1001)
    assert desk.begins(1100, True) is None and desk.bridge.wait_ms(1100) == 20
    assert desk.begins(1100 + 2000, True) is None
    last_ms = 1000 + LAST_MS
    assert desk.begins(last_ms - 100, True) == 1  # else it would never go


def check_a_radio_that_fails() -> None:
    desk = Desk()
    desk.uplink(1000)
    desk.send(1, 1001)
    for tick_ms in (1100, 1500, 1900):
        assert desk.told == {}
        assert desk.begins(tick_ms, ok=False) == 1
    assert desk.told == {1: SENT_BUSY} and desk.begins(2300) is None
    desk.bridge.radio("sx1262: busy for ever", 3, 2400)
    said = desk.note(desk.bridge.status(2400))
    state = said[-1].radio
    assert isinstance(said[-1], Status) and state.fault == "sx1262: busy for ever"
    assert state.crc_errors == 3 and state.waiting == 0 and state.airtime_ms == 3 * ACK_MS
    said = desk.note(desk.bridge.from_guard(Ask().pack(), 2500))
    assert said == [Identity(2, b"unique 8", ROLE_TRANSMIT, RADIO_FAULT)]


# What was being sent while a newer one came is not put back.
def check_no_place_for_what_could_not_be_sent() -> None:
    desk = Desk()
    desk.uplink(1000)
    desk.send(1, 1001)
    sending = desk.bridge.next_transmission(1100)
    desk.send(2, 1101)
    desk.note(desk.bridge.transmitted(sending, False, 1300))
    assert desk.told == {1: SENT_EXPIRED} and desk.begins(1400) == 2
    desk.uplink(9000, counter=2)
    desk.send(3, 9001, const.RESEND)
    sending = desk.bridge.next_transmission(9100)
    for handle in range(10, 10 + NODE_MAX):
        desk.send(handle, 9101, const.RESEND)
    desk.note(desk.bridge.transmitted(sending, False, 9300))
    assert desk.told[3] == SENT_BUSY


def check_a_listener_is_silent() -> None:
    desk = Desk()
    desk.uplink(1000)
    desk.send(1, 1001)
    listen = Settings(ROLE_LISTEN, KHZ, [9])
    desk.note(desk.bridge.from_guard(listen.pack(), 1002))
    assert desk.told == {1: SENT_BUSY} and desk.begins(1100) is None
    desk.send(2, 1003)
    assert desk.told[2] == SENT_BUSY
    desk.uplink(2000, index=2)
    desk.uplink(3000, index=9)  # of settings before
    assert desk.bridge.received == 3


# Bounded, however many nodes there are or somebody pretends to be.
def check_a_crowd() -> None:
    desk = Desk()
    for node in range(1, 400):
        desk.uplink(1000 + node, node)
    assert len(desk.bridge.schedule._windows) == 64
    desk.send(1, 1400, const.ACK, 399)
    desk.send(2, 1400, const.ACK, 1)
    assert [desk.begins(1500), desk.begins(1900)] == [1, None]
