# AT commands and the RAK3172 as a plain LoRa radio, against a double of the module, in a time that
# passes only by waiting.

import radio_contract
from rak3172 import Rak3172, StillClock

from amont_node.at import AtError, Line
from amont_node.radio import Modulation, RadioFault
from amont_node.radio_rak3172 import RadioRak3172

UP = Modulation(868100, 9)
DOWN = Modulation(868100, 9, inverted=True)
FRAME = bytes(range(51))


def line():
    clock = StillClock()
    module = Rak3172(clock)
    return Line(module, clock), module, clock


def radio(**set_up):
    clock = StillClock()
    module = Rak3172(clock, {"AT+NWM": "0", "AT+ENCRY": "0"})
    for name in set_up:
        setattr(module, name, set_up[name])
    made = RadioRak3172({}, module, clock)
    made.configure([DOWN])
    return made, module, clock


def fails(talks, text: str) -> str:
    try:
        talks.command(text)
    except RadioFault as error:
        return str(error)
    raise AssertionError(text)


# --- the conversation


def check_a_command_brings_its_value() -> None:
    talks, module, _ = line()
    assert talks.command("AT") == ""
    assert talks.command("AT+NWM=?") == "1"
    talks.command("AT+DR=0")
    assert module.flash["AT+DR"] == "0"
    assert "AT_PARAM_ERROR" in fails(talks, "AT+DR=33")
    try:
        talks.command("AT+SEND=10:00")
        raise AssertionError("not joined")
    except AtError as error:
        assert error.status == "AT_NO_NETWORK_JOINED"


def check_an_echo_is_no_answer() -> None:
    talks, module, _ = line()
    module.echoes = True
    assert talks.command("AT+NJS=?") == "0"
    assert talks.command("AT+BAND=4") in ("", "4")
    assert talks.command("AT+BAND=?") == "4"


def check_slow_answers_are_waited_for_and_late_ones_are_not_taken() -> None:
    talks, module, clock = line()
    module.slow_ms = 500
    assert talks.command("AT+NJM=?") == "1"
    module.slow_ms = 1500
    assert "no answer" in fails(talks, "AT+DR=?")
    module.slow_ms = 0
    clock.sleep_ms(5000)
    assert talks.command("AT+CLASS=?") == "A"


def check_noise_before_and_between_lines() -> None:
    talks, module, _ = line()
    module.noise = b"\x00\xff\xfe"
    assert talks.command("AT+NJM=?") == "1"
    module.noise = b"\xc3garbage\r\n\x80\x81\r\n"
    assert talks.command("AT+NJM=?") == "1"


def check_every_byte_may_come_at_any_time() -> None:
    talks, module, _ = line()
    for byte in range(256):
        module.say_raw(bytes([byte]) * 40)
    module.say_raw(b"\r\n")
    assert talks.command("AT+NJM=?") == "1"


def check_a_line_without_an_end_costs_no_heap_and_no_time() -> None:
    talks, module, clock = line()
    for _ in range(1024):
        module.say_raw(b"x" * 1024)
        talks.forget()
        assert len(talks._rest) <= 704
    assert talks.overlong == 1
    before_ms = clock.now_ms()
    assert talks.command("AT+NJM=?") == "1"  # what it says first is still part of that line
    assert clock.now_ms() - before_ms < 2000 and len(module.said) == 2


def check_events_are_kept_and_bounded() -> None:
    talks, module, _ = line()
    module.event("+EVT:TX_DONE")
    assert talks.command("AT+NJM=?") == "1"
    assert talks.event(0) == "TX_DONE"
    assert talks.event(50) is None
    for at in range(40):
        module.event("+EVT:N%d" % at)
    module.event("noise+EVT:LAST")
    found = [talks.event(0) for _ in range(20)]
    assert found[15] == "LAST" and found[16] is None
    assert talks.dropped == 25


def check_a_module_that_slept_hears_the_second_time() -> None:
    talks, module, _ = line()
    module.sleeps_through = 1
    assert talks.command("AT+NJM=?") == "1"
    talks.sleeps = True
    module.sleeps_through = 1
    assert talks.command("AT+NJM=?") == "1"


def check_a_dead_module_is_said_and_its_key_is_not() -> None:
    talks, module, clock = line()
    module.mute = True
    said = fails(talks, "AT+APPKEY=00112233445566778899AABBCCDDEEFF")
    assert "AT+APPKEY" in said and "1122" not in said
    assert clock.now_ms() < 2000


# --- the radio


def check_it_becomes_a_radio_of_ours() -> None:
    clock = StillClock()
    module = Rak3172(clock)  # as it comes: LoRaWAN, another sync word, encryption on
    made = RadioRak3172({}, module, clock)
    assert made.fault == ""
    assert (module.flash["AT+NWM"], module.flash["AT+SYNCWORD"]) == ("0", "1424")
    assert (module.flash["AT+ENCRY"], module.flash["AT+LPM"]) == ("0", "1")
    erased = module.erased
    again = RadioRak3172({}, module, clock)
    assert again.fault == "" and module.erased == erased  # nothing is written twice


def check_it_sends_as_it_is_told() -> None:
    made, module, clock = radio()
    before_ms = clock.now_ms()
    assert made.send(FRAME, UP), made.fault
    took_ms = clock.now_ms() - before_ms
    assert 0 <= took_ms - made.time_on_air_us(51, UP) // 1000 < 200, took_ms
    assert module.air == [(FRAME, "868100000:9:0:0:8:14:1", "0")]
    assert made.send(FRAME, Modulation(868300, 12, power_dbm=30, preamble=40))
    assert module.air[1][1] == "868300000:12:0:0:40:22:1"
    assert made.frames_out == 2 and made.fault == ""


def check_it_hears_inverted_and_goes_on() -> None:
    made, module, _ = radio()
    assert made.receive(10) is None
    module.hear(FRAME, 868100, 9, True, -101, -7)
    module.hear(b"\x01", 868100, 9, True)
    module.hear(b"\x02", 868100, 9, False)  # another node's
    module.hear(b"\x03", 868300, 9, True)
    assert made.receive(0) == (FRAME, -101, -28, 0)
    assert made.receive(0) == (b"\x01", -80, 36, 0)
    assert made.receive(100) is None
    assert made.frames_in == 2
    made.sleep()
    assert not module.receives
    module.hear(b"\x04", 868100, 9, True)
    assert made.receive(0) is None and module.receives


def check_the_turn_of_iq_is_written_only_when_it_changes() -> None:
    made, module, _ = radio()
    before = module.erased
    for _ in range(3):
        assert made.send(FRAME, UP)
    assert module.erased == before
    made.receive(0)
    made.receive(0)
    assert module.erased == before + 1
    assert made.send(FRAME, UP)
    assert module.erased == before + 2


def check_damaged_lines_are_counted_and_never_given_out() -> None:
    made, module, _ = radio()
    made.receive(0)
    for text in (
        "+EVT:RXP2P:-80:9:0G", "+EVT:RXP2P:-80:9:012", "+EVT:RXP2P:-80:9:", "+EVT:RXP2P:-80:9",
        "+EVT:RXP2P:xx:9:00", "+EVT:RXP2P:-80:999:00", "+EVT:RXP2P:-80:9:00:00",
        "+EVT:RXP2P RECEIVE ERROR", "+EVT:RXP2P:-80:9:0 1",
    ):  # fmt: skip
        module.event(text)
    assert made.receive(100) is None
    assert made.crc_errors == 9 and made.frames_in == 0
    module.hear(FRAME, 868100, 9, True)
    assert made.receive(10) is not None


def check_a_reception_that_ended_begins_again() -> None:
    made, module, _ = radio()
    made.receive(0)
    module.receives = False
    module.event("+EVT:RXP2P RECEIVE TIMEOUT")
    made.receive(50)
    assert module.receives


def check_configure_ends_a_reception() -> None:
    made, module, _ = radio()
    made.receive(0)
    module.hear(FRAME, 868100, 9, True)
    made.configure([Modulation(868500, 7, inverted=True)])
    assert made.receive(50) is None
    module.hear(FRAME, 868500, 7, True)
    assert made.receive(0) == (FRAME, -80, 36, 0)


def check_what_does_not_fit_is_not_sent() -> None:
    made, module, _ = radio()
    assert not made.send(b"", UP) and not made.send(bytes(240), UP)
    assert "240 bytes" in made.fault
    assert made.send(bytes(239), UP) and made.fault == ""


# --- nothing hangs


def check_a_busy_module_is_said_and_recovers() -> None:
    made, module, _ = radio()
    module.busy = 1
    assert not made.send(FRAME, UP) and "BUSY" in made.fault
    assert made.send(FRAME, UP), made.fault
    module.busy = 1000  # for ever
    for _ in range(4):
        assert not made.send(FRAME, UP)
    assert module.reboots == 1  # it was restarted
    module.busy = 0
    assert made.send(FRAME, UP) or made.send(FRAME, UP), made.fault


def check_a_frame_that_is_never_told_to_be_sent() -> None:
    made, module, clock = radio()
    module.lost_events = ["+EVT:TXP2P"]
    before_ms = clock.now_ms()
    assert not made.send(FRAME, UP)
    assert clock.now_ms() - before_ms <= made.time_on_air_us(51, UP) // 1000 + 210
    assert "not sent within" in made.fault
    module.lost_events = []
    assert made.send(FRAME, UP), made.fault


def check_a_dead_module_takes_no_more_than_it_may() -> None:
    made, module, clock = radio()
    module.mute = True
    for _ in range(5):
        before_ms = clock.now_ms()
        assert not made.send(FRAME, UP)
        assert clock.now_ms() - before_ms <= made.time_on_air_us(51, UP) // 1000 + 230
        before_ms = clock.now_ms()
        assert made.receive(700) is None
        assert 700 <= clock.now_ms() - before_ms <= 1100, clock.now_ms() - before_ms
    assert "no answer" in made.fault or "no time" in made.fault
    module.mute = False
    clock.sleep_ms(1000)
    assert made.receive(500) is None and made.fault == "", made.fault
    assert made.send(FRAME, UP), made.fault
    assert made.resets >= 1


def check_a_module_that_is_away_at_the_start() -> None:
    clock = StillClock()
    module = Rak3172(clock)
    module.mute = True
    made = RadioRak3172({}, module, clock)
    assert made.fault and clock.now_ms() <= 6500
    module.mute = False
    made.configure([DOWN])
    for _ in range(10):
        made.receive(1000)
    assert made.fault == "" and module.receives


def check_a_restart_in_the_middle() -> None:
    made, module, clock = radio()
    made.receive(0)
    module.reboot()
    assert made.receive(500) is None
    made.receive(1500)
    assert module.receives and made.resets == 1, made.fault
    module.reboot()
    made.send(FRAME, UP)
    clock.sleep_ms(400)
    assert made.send(FRAME, UP) or made.send(FRAME, UP), made.fault


def check_a_slow_module_gets_there_by_and_by() -> None:
    made, module, clock = radio()
    module.reboot()
    module.slow_ms = 200
    clock.sleep_ms(1000)
    for _ in range(30):
        made.receive(200)
    assert module.receives and made.fault == ""


def check_endless_talk_does_not_hold_the_node() -> None:
    made, module, clock = radio()
    made.receive(0)
    before_ms = clock.now_ms()
    module.any = lambda: 64
    module.read = lambda most: (b"+EVT:X\r\n" * 8)[:most]
    assert made.receive(100) is None
    assert clock.now_ms() - before_ms < 2000
    assert not made.send(FRAME, UP)
    assert clock.now_ms() - before_ms < 3000


def check_a_line_that_breaks() -> None:
    made, module, _ = radio()

    def gone(_data: bytes) -> int:
        raise OSError(5)

    write, module.write = module.write, gone
    assert not made.send(FRAME, UP) and "not written" in made.fault
    module.write = write
    assert made.send(FRAME, UP), made.fault


# --- the contract of all radios


# From a frame sent to a reception it takes this long, for the turn of IQ goes to the module's
# flash: what answers sooner is not heard.
TURN_MS = 60


class Rig:
    tells_hearing = False

    def __init__(self) -> None:
        self.clock = StillClock()
        self.module = Rak3172(self.clock)
        self.radio = RadioRak3172({}, self.module, self.clock)
        self.now_ms = self.clock.now_ms
        self.settle = self.clock.sleep_ms
        self.close = self.radio.close

    def hear(self, frame: bytes, m: Modulation, in_ms: int, damaged=False) -> None:
        long_ms = self.radio.time_on_air_us(len(frame), m) // 1000
        in_ms += TURN_MS if in_ms else 0
        self.module.hear(frame, m.freq_khz, m.sf, m.inverted, -80, 9, in_ms, long_ms, damaged)

    def damage(self, frame: bytes, m: Modulation) -> bool:
        self.hear(frame, m, 0, True)
        return True

    def sent(self):
        found, self.module.air = self.module.air, []
        return [(frame, modulation(on_air, inverted)) for frame, on_air, inverted in found]

    def fail(self) -> None:
        self.module.mute = True

    def mend(self) -> None:
        self.module.mute = False


def modulation(on_air: str, inverted: str) -> Modulation:
    hz, sf, bandwidth = [int(word) for word in on_air.split(":")[:3]]
    return Modulation(hz // 1000, sf, (125, 250, 500)[bandwidth], inverted=inverted == "1")


def check_the_contract_of_radios() -> None:
    radio_contract.run_all(Rig)
