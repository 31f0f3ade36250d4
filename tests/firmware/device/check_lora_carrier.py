# The node's carrier over plain LoRa: channels by turns, windows, sleep between them, faults.


from lora_radio import Radio
from radio_contract import FRAME

from amont_node.config import ConfigError, NodeConfig
from amont_node.delivery import BACKLOG, URGENT, InFlight, Plan
from amont_node.lora_carrier import LoraCarrier
from amont_node.radio import Modulation

LORA = {"sf": 8, "preamble": 40, "channels_khz": [868100, 868300], "listen_ms": 2000}
MINE = FRAME
OTHERS = bytes([0x11, 99, 0, 1, 0, 0, 0]) + bytes(20)


class Rig:
    def __init__(self, nap=None, **changes) -> None:
        self.radio = Radio()
        self.radio.alone = nap is not None
        lora = dict(LORA)
        lora.update(changes)
        self.fed = 0
        self.carrier = LoraCarrier(
            {"kind": "lora", "chip": "sim", "lora": lora}, 17, self.now_ms, self._feed, self.radio,
            None if nap is None else lambda ms: nap(self, ms),
        )  # fmt: skip

    def _feed(self) -> None:
        self.fed += 1

    def now_ms(self) -> int:
        return self.radio.now_ms

    def down(self, in_ms: int, frame: bytes = MINE, khz: int = 868300) -> None:
        self.radio.air.append((self.now_ms() + in_ms, frame, Modulation(khz, 8, inverted=True)))

    def pass_ms(self, ms: int):
        frames = []
        until_ms = self.now_ms() + ms
        while self.now_ms() < until_ms and not self.carrier.pauses:
            self.carrier.wait(min(100, until_ms - self.now_ms()))
            frames += self.carrier.receive(self.now_ms())
        self.radio.now_ms = max(until_ms, self.now_ms())
        return frames


class Waiting:  # what of a Delivery it looks at
    def __init__(self, urgent: bool = False, in_flight=()) -> None:
        self._urgent = urgent
        self._in_flight = in_flight

    def waits(self) -> bool:
        return bool(self._in_flight)


def check_channels_by_turns() -> None:
    rig = Rig()
    for _ in range(4):
        assert rig.carrier.send(MINE, rig.now_ms())
    sent = [how for _, how in rig.radio.done]
    assert [how.freq_khz for how in sent] == [868300, 868100, 868300, 868100]  # 17 is odd
    for how in sent:
        assert (how.sf, how.bw_khz, how.cr, how.preamble) == (8, 125, 5, 40)
        assert how.power_dbm == 14
        assert not how.inverted
    assert rig.fed >= 8
    one = Rig(channels_khz=[868500])
    one.carrier.send(MINE, 0)
    one.carrier.send(MINE, 0)
    assert [how.freq_khz for _, how in one.radio.done] == [868500, 868500]


def check_an_answer_in_the_window() -> None:
    rig = Rig()
    assert rig.carrier.pauses
    assert rig.radio.is_asleep
    rig.carrier.send(MINE, rig.now_ms())
    assert not rig.carrier.pauses
    assert rig.carrier.rising
    rig.down(1500)
    rig.down(1700, OTHERS)
    rig.down(1900)
    assert rig.pass_ms(2500) == [MINE, MINE]  # not the neighbour's
    assert (rig.carrier.rssi_dbm, rig.carrier.snr_db4) == (-101, -20)
    assert rig.carrier.pauses
    assert rig.radio.is_asleep


# Once nothing waits for an answer, it listens for what may follow, and no longer.
def check_what_is_answered_ends_the_window() -> None:
    rig = Rig(channels_khz=[868300])
    none = Waiting()
    some = Waiting(False, [InFlight(Plan(BACKLOG, 1, 0, 0), 1, MINE, 0)])
    rig.carrier.send(MINE, rig.now_ms())
    rig.down(100)
    rig.down(500)
    assert rig.pass_ms(200) == [MINE]
    assert not rig.carrier.holds(rig.now_ms(), some)
    assert rig.pass_ms(400) == [MINE]  # the first was not what it waited for
    assert not rig.carrier.holds(rig.now_ms(), none)
    rig.pass_ms(150)
    assert rig.carrier.rising
    rig.down(10)
    assert rig.pass_ms(40) == [MINE]
    assert not rig.carrier.holds(rig.now_ms(), none)
    rig.pass_ms(250)
    assert rig.carrier.rising  # each that follows gives the next its time
    rig.pass_ms(100)
    assert rig.carrier.pauses
    rig.carrier.send(MINE, rig.now_ms())
    rig.down(1900)
    assert rig.pass_ms(1950) == [MINE]
    assert not rig.carrier.holds(rig.now_ms(), none)
    rig.pass_ms(100)
    assert rig.carrier.pauses  # never longer than the window


# Where the radio hears on by itself the processor sleeps, and looks often enough.
def check_naps_in_the_window() -> None:
    napped = []

    def nap(rig, ms: int) -> None:
        napped.append(ms)
        rig.radio.now_ms += ms

    rig = Rig(nap, channels_khz=[868300])
    rig.carrier.send(MINE, rig.now_ms())
    rig.down(700)
    assert rig.pass_ms(800) == [MINE]
    assert 7 <= len(napped) <= 20
    assert max(napped) <= rig.radio.time_on_air_us(16, Modulation(868300, 8)) // 1000 // 2 + 1
    rig.pass_ms(1300)
    assert rig.carrier.pauses
    before = len(napped)
    rig.carrier.wait(1)  # nothing to listen to: the node itself sleeps
    assert len(napped) == before


def check_only_its_own_channel() -> None:
    rig = Rig()
    rig.carrier.send(MINE, rig.now_ms())
    rig.down(500, MINE, 868100)
    assert rig.pass_ms(2500) == []


def check_the_window_ends() -> None:
    rig = Rig()
    rig.carrier.send(MINE, rig.now_ms())
    ended_ms = rig.now_ms()
    rig.pass_ms(1900)
    assert not rig.carrier.pauses
    rig.pass_ms(200)
    assert rig.carrier.pauses
    assert rig.now_ms() - ended_ms <= 2200


# A frame that has begun is heard to its end; one that never ends is not.
def check_a_frame_that_has_begun() -> None:
    rig = Rig()
    rig.carrier.send(MINE, rig.now_ms())
    rig.radio.is_heard = True
    rig.down(2900)
    assert rig.pass_ms(3000) == [MINE]
    rig.radio.is_heard = False
    rig.pass_ms(100)
    assert rig.carrier.pauses
    rig.carrier.send(MINE, rig.now_ms())
    rig.radio.is_heard = True
    rig.pass_ms(6100)
    assert rig.carrier.pauses


def check_who_waits_for_the_window() -> None:
    rig = Rig(channels_khz=[868300])
    none = Waiting()
    assert not rig.carrier.holds(rig.now_ms(), none)
    rig.carrier.send(MINE, rig.now_ms())
    now_ms = rig.now_ms()
    assert rig.carrier.holds(now_ms, none)
    assert not rig.carrier.holds(now_ms, Waiting(True))
    for kind, due_ms, holds in (
        (URGENT, now_ms, False), (URGENT, now_ms + 1, True), (BACKLOG, now_ms, True)
    ):  # fmt: skip
        entry = InFlight(Plan(kind, 1, 0, 0), 1, MINE, due_ms)
        assert rig.carrier.holds(now_ms, Waiting(False, [entry])) is holds
    rig.down(300)
    assert rig.pass_ms(400) == [MINE]
    assert not rig.carrier.holds(rig.now_ms(), none)  # an answer came
    rig.carrier.send(MINE, rig.now_ms())
    assert rig.carrier.holds(rig.now_ms(), none)
    rig.pass_ms(2200)
    assert not rig.carrier.holds(rig.now_ms(), none)


def check_a_radio_that_fails() -> None:
    rig = Rig()
    rig.radio.works = False
    assert not rig.carrier.send(MINE, rig.now_ms())
    assert rig.carrier.fault
    assert rig.carrier.pauses
    assert rig.carrier.receive(rig.now_ms()) == []
    rig.radio.works = True
    assert rig.carrier.send(MINE, rig.now_ms())
    assert not rig.carrier.fault
    rig.carrier.close()
    assert rig.radio.is_asleep
    assert rig.carrier.pauses


# A board whose radio cannot be: it measures on.
def check_a_board_without_radio() -> None:
    pins = {
        "spi": {"id": 1, "sck": 10, "mosi": 11, "miso": 12}, "cs": 13, "busy": 2, "reset": 3
    }  # fmt: skip
    config = {"kind": "lora", "chip": "sx1262", "pins": pins, "lora": LORA}
    carrier = LoraCarrier(config, 17, Radio().time_on_air_us, lambda: None)
    assert carrier.fault
    assert not carrier.send(MINE, 0)
    assert carrier.receive(0) == []
    carrier.wait(1)
    carrier.close()
    assert carrier.pauses


def config(**carrier):
    probe = {"kind": "constant", "value": 1}
    return NodeConfig({
        "schema": 1, "id": 17, "generation": 1, "interval_s": 900, "fast_interval_s": 60,
        "channels": [{"index": 0, "quantity": 1, "step": 1, "probe": probe}],
        "carrier": dict({"kind": "lora", "chip": "sx1262"}, **carrier),
    })  # fmt: skip


def check_configuration() -> None:
    assert config(lora=LORA).lora.sf == 8
    assert config().lora.sf == 9
    assert config(lora={"preamble": 330}).lora.preamble == 330
    for wrong in (
        {"chip": None}, {"chip": "sx1276"}, {"lora": {"channels_khz": [868]}},
        {"lora": {"channels_khz": ["868100"]}}, {"lora": {"channels_khz": []}},
        {"lora": {"power_dbm": 30}}, {"lora": {"listen_ms": 0}}, {"lora": {"sf": 6}},
    ):  # fmt: skip
        try:
            config(**wrong)
        except ConfigError:
            continue
        raise AssertionError(wrong)
