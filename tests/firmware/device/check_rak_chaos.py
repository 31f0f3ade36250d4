# A module that answers anything at all, in a time that passes only by waiting: nothing raises, and
# nothing takes longer than it may.

from rak3172 import Rak3172, StillClock
from world import Random

from amont_node.lorawan_carrier import LorawanCarrier
from amont_node.radio import SEND_MARGIN_MS, Modulation
from amont_node.radio_rak3172 import RadioRak3172

UP = Modulation(868100, 7)
DOWN = Modulation(868100, 7, inverted=True)
FRAME = bytes(range(51))
KEY = '{"schema": 1, "app_key": "000102030405060708090a0b0c0d0e0f"}'
CONFIG = {"dev_eui": "70b3d57ed0001122", "join_eui": "0" * 16, "lora": {"sf": 10}}
SAYINGS = (
    b"", b"OK", b"\r\nOK\r\n", b"AT_ERROR\r\n", b"AT_BUSY_ERROR\r\n", b"AT_PARAM_ERROR\r\n",
    b"AT_NO_NETWORK_JOINED\r\n", b"AT_COMMAND_NOT_FOUND\r\n", b"AT_MODE_NO_SUPPORT\r\n",
    b"Restricted_Wait_5000_ms\r\nAT_BUSY_ERROR\r\n", b"Restricted_Wait_x_ms\r\nAT_BUSY_ERROR\r\n",
    b"Restricted_Wait_99999999999_ms\r\nAT_BUSY_ERROR\r\n", b"AT+NJS=\r\nOK\r\n",
    b"+EVT:JOINED\r\n", b"+EVT:JOIN_FAILED_RX_TIMEOUT\r\n", b"+EVT:TX_DONE\r\n", b"+EVT:\r\n",
    b"+EVT:RX_1:-1:2:UNICAST:10:00\r\n", b"+EVT:RX_1::::::\r\n", b"+EVT:RX_\r\n",
    b"+EVT:RXP2P:-1:2:00\r\n", b"+EVT:RXP2P::\r\n", b"+EVT:TXP2P DONE\r\n",
    b"+EVT:RXP2P RECEIVE TIMEOUT\r\n", b"Current Work Mode: LoRaWAN.\r\n", b"x" * 300,
    b"\x00\xff\r",
    b"AT+NWM=1\r\nOK\r\n", b"AT+NWM=0\r\nOK\r\n", b"AT+NJS=1\r\nOK\r\n", b"\r\n" * 20,
    b"AT_\r\n",
)  # fmt: skip


# Now and then it says something else, or nothing, or begins anew.
class Chaos(Rak3172):
    def __init__(self, clock, seed: int, often: int, flash=None) -> None:
        Rak3172.__init__(self, clock, flash)
        self.random = Random(seed)
        self.often = often  # percent

    def write(self, data: bytes) -> int:
        said = self.random.below(100)
        if said >= self.often:
            return Rak3172.write(self, data)
        for _ in range(self.random.below(4)):
            self.say_raw(SAYINGS[self.random.below(len(SAYINGS))])
        what = self.random.below(40)
        if what == 0:
            self.reboot()
        elif what == 1:
            return len(data) - 1
        elif what == 2:
            raise OSError(5)
        elif what < 20:
            return Rak3172.write(self, data)
        return len(data)


def check_a_radio_amid_chaos() -> None:
    for seed in range(6):
        clock = StillClock()
        module = Chaos(clock, seed, 10 + 15 * seed, {"AT+NWM": "0"})
        radio = RadioRak3172({}, module, clock)
        radio.configure([DOWN])
        air_ms = radio.time_on_air_us(51, UP) // 1000
        for _ in range(60):
            began_ms = clock.now_ms()
            radio.send(FRAME, UP)
            assert clock.now_ms() - began_ms <= air_ms + SEND_MARGIN_MS + 30
            began_ms = clock.now_ms()
            radio.receive(300)
            assert clock.now_ms() - began_ms <= 300 + 1030, clock.now_ms() - began_ms
            radio.sleep()
        module.often = 0
        for _ in range(8):  # and once it speaks sense again, all is well
            radio.receive(1000)
        assert radio.send(FRAME, UP), radio.fault
        assert module.air[-1][0] == FRAME


def check_a_carrier_amid_chaos() -> None:
    with open("lorawan.json", "w") as file:
        file.write(KEY)
    for seed in range(6):
        clock = StillClock()
        module = Chaos(clock, seed + 10, 10 + 15 * seed)
        carrier = LorawanCarrier(CONFIG, seed, ".", module, clock)
        for _ in range(600):
            began_ms = clock.now_ms()
            carrier.receive(began_ms)
            if carrier.ready():
                carrier.send(FRAME, clock.now_ms())
            took_ms = clock.now_ms() - began_ms
            assert took_ms <= 4 * 2000, took_ms
            clock.sleep_ms(100 if carrier.rising else 20000)
        module.often = 0
        sent = len(module.uplinks)
        for _ in range(2000):
            carrier.receive(clock.now_ms())
            if carrier.ready():
                carrier.send(FRAME, clock.now_ms())
            if len(module.uplinks) > sent:
                break
            clock.sleep_ms(100 if carrier.rising else 20000)
        assert module.uplinks[-1][2] == FRAME and not carrier.fault, carrier.why
