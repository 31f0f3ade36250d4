# The carrier over LoRaWAN against a double of the module, in a time that passes only by waiting.

import json
import os

from rak3172 import Rak3172, StillClock

from amont_node.lorawan_carrier import LorawanCarrier
from amont_node.settings import ConfigError

KEY = "000102030405060708090a0b0c0d0e0f"
EUI = "70b3d57ed0001122"
CONFIG = {
    "kind": "lorawan", "chip": "rak3172", "dev_eui": EUI, "join_eui": "0000000000000001",
    "lora": {"sf": 10, "overhead_bytes": 13},
}  # fmt: skip
PORT = 10
FRAME = bytes(range(51))
DOWN = bytes(range(28))
HOUR_MS = 3600000


def key_file(text: str = "") -> None:
    with open("lorawan.json", "w") as file:
        file.write(text or json.dumps({"schema": 1, "app_key": KEY}))


class Rig:
    def __init__(self, node: int = 17, flash=None, **set_up) -> None:
        key_file()
        self.clock = StillClock()
        self.module = Rak3172(self.clock, flash)
        for name in set_up:
            setattr(self.module, name, set_up[name])
        self.carrier = LorawanCarrier(CONFIG, node, ".", self.module, self.clock)
        self.frames: list = []
        self.longest_ms = 0  # of a look
        self.awake_ms = 0

    # As the node turns: a look each 100 ms, or each step_ms where nothing is under way.
    def run(self, ms: int, step_ms: int = 100) -> None:
        end_ms = self.clock.now_ms() + ms
        while self.clock.now_ms() < end_ms:
            began_ms = self.clock.now_ms()
            self.frames += self.carrier.receive(began_ms)
            self.longest_ms = max(self.longest_ms, self.clock.now_ms() - began_ms)
            rising = self.carrier.rising
            self.clock.sleep_ms(100 if rising else step_ms)
            self.awake_ms += self.clock.now_ms() - began_ms if rising else 0

    def send(self, frame: bytes = FRAME) -> bool:
        return self.carrier.send(frame, self.clock.now_ms())

    def join(self) -> None:
        self.run(30000)
        assert self.carrier.ready(), self.carrier.why

    def said(self, command: str) -> int:
        return len([text for text in self.module.said if text.startswith(command)])


def joined(**set_up) -> Rig:
    rig = Rig(**set_up)
    rig.join()
    return rig


# --- setting up and joining


def check_it_joins_with_what_it_was_given() -> None:
    rig = Rig()
    carrier = rig.carrier
    assert carrier.fault and not carrier.ready()
    assert carrier.rising and not carrier.pauses  # it does not sleep over its first join
    rig.join()
    flash = rig.module.flash
    assert (flash["AT+NWM"], flash["AT+NJM"], flash["AT+BAND"]) == ("1", "1", "4")
    assert (flash["AT+CLASS"], flash["AT+CFM"], flash["AT+ADR"]) == ("A", "0", "1")
    assert (flash["AT+DCS"], flash["AT+LPM"], flash["AT+LPMLVL"]) == ("1", "1", "2")
    assert (flash["AT+DEVEUI"], flash["AT+APPKEY"]) == (EUI.upper(), KEY.upper())
    assert (flash["AT+APPEUI"], flash["AT+DR"]) == ("0000000000000001", "2")
    assert not carrier.fault and rig.said("AT+JOIN") == 1


def check_a_session_outlasts_the_node() -> None:
    rig = joined()
    erased = rig.module.erased
    again = LorawanCarrier(CONFIG, 17, ".", rig.module, rig.clock)
    again.receive(rig.clock.now_ms())
    assert again.ready() and rig.said("AT+JOIN") == 1
    assert rig.module.erased == erased  # nothing is written again


def check_another_key_is_another_session() -> None:
    rig = joined()
    key_file(json.dumps({"schema": 1, "app_key": "ff" + KEY[2:]}))
    rig.carrier = LorawanCarrier(CONFIG, 17, ".", rig.module, rig.clock)
    rig.join()
    assert rig.said("AT+JOIN") == 2


def check_the_module_comes_out_of_point_to_point() -> None:
    rig = Rig(flash={"AT+NWM": "0"})
    rig.run(40000)
    assert rig.carrier.ready() and rig.module.flash["AT+NWM"] == "1", rig.carrier.why
    assert rig.longest_ms < 6000


# LoRaWAN 1.0.4, chapter 7: so much in the first hour, in the ten after it, in each day then; a
# request is 1.5 s at SF12.
def check_a_refused_join_never_storms() -> None:
    rig = Rig(joins=[False] * 1000)
    rig.run(11 * HOUR_MS + 2 * 24 * HOUR_MS, 5000)
    times = [at_ms for at_ms in joins_of(rig)]
    first = [at_ms for at_ms in times if at_ms < HOUR_MS]
    next_ten = [at_ms for at_ms in times if HOUR_MS <= at_ms < 11 * HOUR_MS]
    later = [at_ms for at_ms in times if at_ms >= 11 * HOUR_MS]
    assert 4 <= len(first) <= 24, len(first)
    assert 2 <= len(next_ten) <= 24, len(next_ten)
    assert 6 <= len(later) <= 11, len(later)
    assert rig.carrier.fault and "JOIN_FAILED" in rig.carrier.why
    assert rig.carrier.pauses  # nobody stays awake for hours
    rig.module.joins = []
    rig.run(7 * HOUR_MS, 5000)
    assert rig.carrier.ready() and not rig.carrier.fault


def joins_of(rig: Rig) -> list:
    return [at_ms for at_ms, text in rig.module.log if text.startswith("AT+JOIN")]


def check_a_join_that_is_not_heard_goes_slower() -> None:
    rig = Rig(joins=[False] * 5)
    rig.run(2400000, 1000)
    rates = [text for _, text in rig.module.log if text.startswith("AT+DR=") and "?" not in text]
    assert rates[:6] == ["AT+DR=2", "AT+DR=2", "AT+DR=1", "AT+DR=1", "AT+DR=0", "AT+DR=0"], rates
    assert rig.carrier.ready() and rig.carrier.sf == 12


def check_a_join_waits_for_the_duty_cycle() -> None:
    rig = Rig(restricted_ms=300000)
    rig.run(290000, 1000)
    assert rig.carrier.short and not rig.carrier.ready()
    assert rig.said("AT+JOIN") <= 3, rig.said("AT+JOIN")
    rig.run(600000, 1000)
    assert rig.carrier.ready()


def check_a_module_that_answers_anything_else_is_set_up_again() -> None:
    rig = joined()
    rig.module.flash["AT+NWM"] = "0"  # somebody else has set it
    rig.send()
    assert "AT_MODE_NO_SUPPORT" in rig.carrier.why and rig.carrier.fault
    rig.run(60000)
    assert rig.carrier.ready() and rig.module.flash["AT+NWM"] == "1"


def check_the_rate_that_the_network_chose_is_known() -> None:
    rig = joined()
    assert rig.carrier.sf == 10
    rig.module.flash["AT+DR"] = "5"  # by ADR
    rig.send()
    rig.run(4000)
    assert rig.carrier.sf == 7
    again = LorawanCarrier(CONFIG, 17, ".", rig.module, rig.clock)
    again.receive(rig.clock.now_ms())
    assert again.sf == 7


def check_a_village_does_not_join_in_one_second() -> None:
    first = set()
    for node in range(20):
        rig = Rig(node)
        rig.run(12000)
        first.add(joins_of(rig)[0] // 500)
    assert len(first) > 8, first


def check_an_answer_to_a_join_that_never_comes() -> None:
    rig = Rig(lost_events=["+EVT:JOIN"])
    rig.run(120000)
    assert "no answer" in rig.carrier.why and rig.carrier.fault
    assert rig.said("AT+JOIN") <= 4
    rig.module.lost_events = []
    rig.run(1200000)
    assert rig.carrier.ready()


# --- frames


def check_a_frame_goes_up_as_it_is() -> None:
    rig = joined()
    assert rig.send()
    (_, port, frame) = rig.module.uplinks[-1]
    assert (port, frame) == (PORT, FRAME)
    assert not rig.carrier.ready() and not rig.carrier.pauses and rig.carrier.rising
    assert not rig.send()  # the module is busy
    rig.run(3000)
    assert rig.carrier.ready() and rig.carrier.pauses
    assert rig.carrier.uplinks == 1


def check_an_answer_comes_with_the_next_frame() -> None:
    rig = joined()
    rig.send()
    rig.run(3000)
    assert rig.frames == []
    rig.module.downlinks = [(PORT, DOWN)]
    rig.run(60000, 1000)
    assert rig.frames == []  # class A: nothing comes by itself
    rig.send()
    rig.run(3000)
    assert rig.frames == [DOWN]
    assert (rig.carrier.rssi_dbm, rig.carrier.snr_db4) == (-71, 32)


def check_several_that_wait_come_one_after_the_other() -> None:
    rig = joined()
    rig.module.downlinks = [(PORT, DOWN), (PORT, DOWN + b"2"), (PORT, DOWN + b"3")]
    rig.send()
    rig.run(15000)
    assert rig.frames == [DOWN, DOWN + b"2", DOWN + b"3"]
    assert len([entry for entry in rig.module.uplinks if entry[1] == PORT]) == 1
    assert rig.carrier.ready()


def check_other_ports_and_damaged_lines_are_not_given_out() -> None:
    rig = joined()
    rig.module.downlinks = [(3, DOWN)]
    rig.send()
    rig.run(3000)
    for text in (
        "RX_1:-71:8:UNICAST:10:0", "RX_1:-71:8:UNICAST:10:zz", "RX_1:x:8:UNICAST:10:00",
        "RX_1", "RX_2:-71:8:UNICAST:10:", "RX_1:-71:8:UNICAST:10:" + "00" * 52,
    ):  # fmt: skip
        rig.module.event("+EVT:" + text)
    rig.run(500)
    assert rig.frames == []
    assert rig.carrier.damaged == 6


def check_the_end_of_a_window_that_is_never_told() -> None:
    rig = joined(lost_events=["+EVT:TX_DONE"])
    rig.send()
    rig.run(14000)
    assert not rig.carrier.ready()
    rig.run(2000)
    assert rig.carrier.ready()


def check_a_duty_cycle_is_waited_for_counted_and_told() -> None:
    rig = joined()
    rig.module.restricted_ms = rig.clock.now_ms() + 90000
    rig.send()
    assert rig.carrier.refused == 1 and rig.carrier.short and not rig.carrier.ready()
    assert rig.carrier.pauses  # nobody stays awake for it
    sent = len(rig.module.uplinks)
    rig.run(80000, 1000)
    assert len(rig.module.uplinks) == sent
    rig.run(12000, 1000)
    assert len(rig.module.uplinks) == sent + 1 and not rig.carrier.short
    assert rig.said("AT+SEND") == 2


def check_a_busy_module_is_asked_again() -> None:
    rig = joined()
    rig.module.busy = 2
    rig.send()
    rig.run(20000)
    assert len(rig.module.uplinks) == 1 and rig.carrier.refused == 2
    rig.module.busy = 100000
    rig.send()
    rig.run(60000)
    assert rig.said("AT+SEND") <= 3 + 6  # and then it is left to another frame
    rig.module.busy = 0
    rig.run(10000)
    assert rig.carrier.ready() and rig.send()


def check_a_frame_that_is_too_long_for_the_rate() -> None:
    rig = joined(rate_bytes=48)
    rig.send()
    assert rig.carrier.unfit == 1
    rig.module.rate_bytes = 51
    rig.run(30000)
    assert rig.module.uplinks[-1][1:] == (PORT, FRAME)


def check_a_lost_session_is_joined_anew() -> None:
    rig = joined()
    rig.module.is_joined = False
    rig.send()
    assert not rig.carrier.ready()
    rig.run(30000)
    assert rig.carrier.ready() and rig.said("AT+JOIN") == 2


def check_a_network_that_forgot_this_node() -> None:
    rig = joined()
    for _ in range(120):
        rig.run(900000, 60000)
        assert rig.send(), rig.carrier.why
        if rig.said("AT+JOIN") > 1:
            break
    rig.run(60000)
    assert rig.said("AT+JOIN") == 2 and rig.carrier.ready()
    hours = (rig.clock.now_ms() - 30000) // HOUR_MS
    assert 24 <= hours <= 26, hours


# --- nothing hangs


def check_a_restart_in_the_middle() -> None:
    rig = joined()
    rig.send()
    rig.module.reboot()
    rig.run(60000)
    assert rig.carrier.ready() and rig.said("AT+JOIN") == 2
    assert rig.send()


def check_a_dead_module() -> None:
    rig = joined()
    rig.module.mute = True
    rig.send()
    assert rig.carrier.fault and "no answer" in rig.carrier.why
    rig.run(2 * HOUR_MS, 1000)
    assert rig.longest_ms < 3000
    assert not rig.carrier.ready()
    assert rig.awake_ms < 20 * 60000, rig.awake_ms  # a try each ten minutes
    rig.module.mute = False
    rig.module.reboot()
    rig.run(1200000, 1000)
    assert rig.carrier.ready(), rig.carrier.why


def check_a_module_that_answers_slowly() -> None:
    rig = Rig(slow_ms=400)
    rig.run(120000)
    assert rig.carrier.ready() and rig.longest_ms < 3000, rig.longest_ms


def check_an_echo_and_noise() -> None:
    rig = Rig(echoes=True, noise=b"\xff\x00")
    rig.join()
    rig.module.downlinks = [(PORT, DOWN)]
    rig.send()
    rig.run(5000)
    assert rig.frames == [DOWN]


def check_a_line_without_an_end() -> None:
    rig = joined()
    for _ in range(1024):
        rig.module.say_raw(b"+" * 1024)
        rig.run(100)
    rig.module.say_raw(b"\r\n")
    rig.module.downlinks = [(PORT, DOWN)]
    assert rig.send(), rig.carrier.why
    rig.run(5000)
    assert rig.frames == [DOWN]


def check_it_waits_for_what_comes() -> None:
    rig = joined()
    before_ms = rig.clock.now_ms()
    rig.carrier.wait(100)
    assert rig.clock.now_ms() - before_ms >= 100
    rig.module.event("+EVT:TX_DONE")
    before_ms = rig.clock.now_ms()
    rig.carrier.wait(100)
    assert rig.clock.now_ms() - before_ms < 10
    rig.carrier.close()
    assert rig.module.is_joined


# --- the configuration


def refuses(config, text: str, uart=object()) -> None:  # noqa: B008
    try:
        LorawanCarrier(config, 17, ".", uart, StillClock())
    except ConfigError as error:
        assert text in str(error), error
        return
    raise AssertionError(text)


def check_what_is_wrong_in_the_configuration_is_said() -> None:
    key_file()
    for name, value in (
        ("dev_eui", "12"), ("dev_eui", None), ("join_eui", "x" * 16), ("band", "US915"),
    ):  # fmt: skip
        config = dict(CONFIG)
        config[name] = value
        refuses(config, name)
    for text in ("{", "[]", '{"schema": 1}', '{"schema": 2, "app_key": "%s"}' % KEY):
        key_file(text)
        refuses(CONFIG, "app_key")
    os.remove("lorawan.json")
    try:
        LorawanCarrier(CONFIG, 17, ".", object(), StillClock())
        raise AssertionError("no key")
    except OSError:
        pass


def check_a_line_that_cannot_be_opened_is_told_and_survived() -> None:
    key_file()
    config = dict(CONFIG)
    config["uart"] = {"port": "nowhere/modem"}
    clock = StillClock()
    carrier = LorawanCarrier(config, 17, ".", None, clock)
    for _ in range(20):
        carrier.receive(clock.now_ms())
        clock.sleep_ms(60000)
    assert carrier.fault and not carrier.ready()
    assert "not written" in carrier.why, carrier.why
    carrier.wait(50)
    config["uart"] = None
    refuses(config, "uart", None)
