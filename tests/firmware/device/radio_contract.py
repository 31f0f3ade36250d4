# What every radio under the port of amont_node/radio.py has to do, whatever it is made of. Each
# adapter's own checks give a rig for it and run all of this (run_all); on both Pythons.
#
# A rig has
#   radio             the adapter
#   now_ms()          the time that the adapter lives in
#   hear(frame, modulation, in_ms)   somebody else sends; in_ms from now, 0: it is on its way
#   settle(ms)        time passes for the air, not for the adapter
#   sent()            what came from the adapter since it was asked last: (frame, Modulation)
#   damage(frame, modulation)        a frame that comes in damaged; False: there are none here
#   fail() / mend()   the radio is gone / is there again; False: it cannot go
#   tells_hearing     whether its hears() can know

from amont_node.radio import RETRY_MS, SEND_MARGIN_MS, Modulation

FRAME = bytes([0x11, 17, 0, 1, 0, 0, 0]) + bytes(range(20))
OTHER = bytes([0x12, 18, 0, 2, 0, 0, 0]) + bytes(range(44))
UP = Modulation(868300, 9)
DOWN = Modulation(868300, 9, inverted=True)
LATE_MS = 60  # of a wait's end, at most: a slice of it and a command or two


def same(a: Modulation, b: Modulation) -> bool:
    return a.meets(b)


def sends_as_it_is_told(rig) -> None:
    for modulation in (UP, Modulation(868100, 7), Modulation(868500, 12, inverted=True)):
        assert rig.radio.send(FRAME, modulation), rig.radio.fault
        ((frame, how),) = rig.sent()
        assert frame == FRAME
        assert same(how, modulation), (how.freq_khz, how.sf, how.inverted)
    assert rig.radio.fault == ""
    assert rig.radio.frames_out == 3


def sending_takes_its_time_on_air_and_little_more(rig) -> None:
    assert rig.radio.send(FRAME, UP)  # what is needed once is done
    began_ms = rig.now_ms()
    assert rig.radio.send(OTHER, UP)
    took_ms = rig.now_ms() - began_ms
    assert took_ms <= rig.radio.time_on_air_us(len(OTHER), UP) // 1000 + SEND_MARGIN_MS


def knows_how_long_frames_are(rig) -> None:
    # Semtech's calculator: 23 bytes, 125 kHz, 4/5, preamble of 8.
    for sf, us in ((7, 61696), (10, 370688), (12, 1482752)):
        found = rig.radio.time_on_air_us(23, Modulation(868100, sf))
        assert us <= found < us + 1000, (sf, found)


def hears_what_it_listens_to(rig) -> None:
    rig.radio.configure([DOWN])
    assert rig.radio.receive(20) is None
    rig.hear(FRAME, DOWN, 30)
    frame, rssi_dbm, snr_db4, index = rig.radio.receive(1500)
    assert (frame, index) == (FRAME, 0)
    assert -150 <= rssi_dbm < 0
    assert -128 <= snr_db4 <= 127
    assert rig.radio.receive(20) is None
    assert rig.radio.frames_in == 1


def hears_nothing_else(rig) -> None:
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    for other in (
        UP, Modulation(868100, 9, inverted=True), Modulation(868300, 8, inverted=True)
    ):  # fmt: skip
        rig.hear(FRAME, other, 0)
        assert rig.radio.receive(400) is None, (other.freq_khz, other.sf, other.inverted)


def a_wait_ends(rig) -> None:
    rig.radio.configure([DOWN])
    rig.radio.receive(0)
    for wait_ms in (0, 100):
        began_ms = rig.now_ms()
        assert rig.radio.receive(wait_ms) is None
        assert wait_ms <= rig.now_ms() - began_ms <= wait_ms + LATE_MS


def goes_on_listening_between_two_questions(rig) -> None:
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    rig.hear(FRAME, DOWN, 0)
    rig.settle(700)
    assert rig.radio.receive(0)[0] == FRAME


def hears_nothing_asleep(rig) -> None:
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    rig.radio.sleep()
    rig.hear(FRAME, DOWN, 0)
    rig.settle(700)
    assert rig.radio.receive(20) is None  # nor is it kept
    rig.hear(OTHER, DOWN, 30)
    assert rig.radio.receive(1500)[0] == OTHER
    rig.radio.sleep()
    rig.radio.sleep()
    assert rig.radio.send(FRAME, UP)
    assert [frame for frame, _ in rig.sent()] == [FRAME]


def configure_ends_what_was(rig) -> None:
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    elsewhere = Modulation(868100, 8, inverted=True)
    rig.radio.configure([elsewhere])
    rig.hear(FRAME, DOWN, 0)
    assert rig.radio.receive(700) is None
    rig.hear(OTHER, elsewhere, 30)
    assert rig.radio.receive(1500)[0] == OTHER


def listens_again_after_it_has_sent(rig) -> None:
    rig.radio.configure([DOWN])
    for _ in range(3):
        assert rig.radio.send(FRAME, UP)
        assert rig.radio.receive(20) is None
        rig.hear(OTHER, DOWN, 30)
        assert rig.radio.receive(1500)[0] == OTHER
    assert len(rig.sent()) == 3


def tells_a_frame_that_comes(rig) -> None:
    if not rig.tells_hearing:
        assert not rig.radio.hears()
        return
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    assert not rig.radio.hears()
    rig.hear(OTHER, DOWN, 0)
    rig.settle(150)
    assert rig.radio.receive(0) is None
    assert rig.radio.hears()
    assert rig.radio.receive(1500)[0] == OTHER
    assert not rig.radio.hears()


def counts_damaged_frames(rig) -> None:
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    if rig.damage(FRAME, DOWN):
        assert rig.radio.receive(700) is None
        assert rig.radio.crc_errors == 1
    rig.hear(OTHER, DOWN, 30)
    assert rig.radio.receive(1500)[0] == OTHER


def goes_round(rig) -> None:
    if not rig.radio.scans:
        return
    listen = [Modulation(khz, sf, preamble=120) for khz in (868100, 868500) for sf in (7, 8)]
    rig.radio.configure(listen)
    assert rig.radio.receive(100) is None
    for index in (2, 0, 3, 1, 1):
        rig.hear(FRAME, listen[index], 3)
        heard = rig.radio.receive(2000)
        assert heard is not None, index
        assert (heard[0], heard[3]) == (FRAME, index)
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    rig.hear(OTHER, DOWN, 30)
    assert rig.radio.receive(1500)[0] == OTHER


def a_failure_ends_and_is_told(rig) -> None:
    rig.radio.configure([DOWN])
    rig.radio.receive(20)
    if rig.fail() is False:
        return
    for modulation in (UP, Modulation(868100, 12)):
        began_ms = rig.now_ms()
        assert rig.radio.send(FRAME, modulation) is False
        took_ms = rig.now_ms() - began_ms
        assert took_ms <= rig.radio.time_on_air_us(len(FRAME), modulation) // 1000 + SEND_MARGIN_MS
        assert rig.radio.fault
    began_ms = rig.now_ms()
    assert rig.radio.receive(2 * RETRY_MS) is None
    assert 2 * RETRY_MS <= rig.now_ms() - began_ms <= 2 * RETRY_MS + 200 + LATE_MS
    rig.radio.sleep()
    assert rig.radio.hears() is False
    rig.mend()
    rig.sent()
    assert rig.radio.send(FRAME, UP), rig.radio.fault
    assert rig.radio.fault == ""
    assert [frame for frame, _ in rig.sent()] == [FRAME]
    rig.hear(OTHER, DOWN, 30)
    assert rig.radio.receive(1500)[0] == OTHER


ALL = (
    sends_as_it_is_told, sending_takes_its_time_on_air_and_little_more, knows_how_long_frames_are,
    hears_what_it_listens_to, hears_nothing_else, a_wait_ends,
    goes_on_listening_between_two_questions, hears_nothing_asleep, configure_ends_what_was,
    listens_again_after_it_has_sent, tells_a_frame_that_comes, counts_damaged_frames, goes_round,
    a_failure_ends_and_is_told,
)  # fmt: skip


# make: a new rig each time, with close().
def run_all(make) -> int:
    for rule in ALL:
        rig = make()
        try:
            rule(rig)
        except Exception as error:
            raise AssertionError("%s: %r" % (rule.__name__, error))  # noqa: B904
        finally:
            rig.close()
    return len(ALL)
