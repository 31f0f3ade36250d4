# Frames over plain LoRa to a bridge, by docs/radio.md, over any radio under the port of radio.py.
#
# After each frame the radio listens on the same channel for listen_ms, and to the end of a frame
# that has begun by then; otherwise it sleeps. Once all is answered it listens no longer than what
# else a bridge has for this node may take to follow. Where the radio hears on by itself, the
# processor sleeps lightly meanwhile. Channels are used by turns, one a transmission.

import time

from amont_node import console
from amont_node.delivery import URGENT
from amont_node.radio import Modulation, RadioFault
from amont_wire.airtime import time_on_air_ms
from amont_wire.const import FAULT_RADIO, MAX_FRAME, MIN_FRAME

MYPY = False
if MYPY:  # pragma: no cover - for the type checker only, the device has no such module
    from typing import Any

CHANNELS_KHZ = (868100, 868300, 868500)
POWER_DBM = 14
LISTEN_MS = 2600
_LONGEST_MS = 4000  # a frame that has begun may go on so long: 51 bytes at SF12
_QUIET_MS = 300  # what follows an answer has begun by then
_NAP_MS = 100


# The radio that the configuration names. RadioFault, ConfigError: it could never work.
def open_radio(config, seed: int):  # type: ignore[no-untyped-def]
    chip = config["chip"]
    if chip == "sim":
        from amont_node.radio_sim import SimRadio

        return SimRadio(config, seed)
    if chip == "rak3172":
        from amont_node.radio_rak3172 import RadioRak3172

        return RadioRak3172(config)
    from amont_node.radio_sx126x import Sx126x

    return Sx126x(config.get("pins"), chip)


# A radio that cannot be: the node measures, keeps, and tells it whenever somebody listens.
class _NoRadio:
    def __init__(self, why: str) -> None:
        self.fault = why

    def configure(self, listen) -> None:  # type: ignore[no-untyped-def]
        pass

    def send(self, frame: bytes, modulation: Modulation) -> bool:  # noqa: ARG002
        return False

    def receive(self, wait_ms: int) -> None:
        time.sleep(wait_ms / 1000)

    def hears(self) -> bool:
        return False

    def sleep(self) -> None:
        pass

    def close(self) -> None:
        pass


class LoraCarrier:
    naps = True  # between its windows nothing can come, and what is due is known

    # config: see config.py. now_ms: the node's link_ms. feed: called when time has passed.
    # nap: called with ms, sleeps lightly; None: the processor is to stay awake.
    def __init__(self, config, node: int, now_ms, feed, radio=None, nap=None) -> None:  # type: ignore[no-untyped-def]
        lora = config.get("lora", {})
        self._node = node
        self._now_ms = now_ms
        self._feed = feed
        self._lora = lora
        self._channels = list(lora.get("channels_khz", CHANNELS_KHZ))
        self._listen_ms = lora.get("listen_ms", LISTEN_MS)
        self._turn = node
        self._until_ms: int | None = None  # when to stop listening
        self._window_ms = 0  # the window's end
        self._heard_ms: int | None = None  # when a frame for this node last came in this window
        self._waiting: list[bytes] = []
        self._why = ""  # as it was told last
        self.rssi_dbm = 0
        self.snr_db4 = 0
        self._radio: "Any" = radio
        try:
            if radio is None:
                self._radio = open_radio(config, node)
        except RadioFault as error:
            self._radio = _NoRadio(str(error))
        self._nap = nap if getattr(self._radio, "alone", False) else None
        # The chip keeps one frame at a time: a second one is not over before the next look.
        shortest_ms = time_on_air_ms(MIN_FRAME, lora.get("sf", 9), lora.get("bw_khz", 125), 5, 8)
        self._nap_ms = min(_NAP_MS, shortest_ms // 2)
        self._radio.sleep()
        self._tell()

    @property
    def fault(self) -> bool:
        return bool(self._radio.fault)

    def ready(self) -> bool:
        return True

    # An answer may come: only what is urgent goes.
    def holds(self, link_ms: int, delivery) -> bool:  # type: ignore[no-untyped-def]
        if self._until_ms is None or link_ms >= self._until_ms:
            return False
        if self._heard_ms is not None:
            if not delivery.waits():
                self._until_ms = min(self._window_ms, self._heard_ms + _QUIET_MS)
            return False
        return not delivery._urgent and not any(
            [e.plan.kind == URGENT and link_ms >= e.due_ms for e in delivery._in_flight]
        )

    # Nothing can come: the radio sleeps.
    @property
    def pauses(self) -> bool:
        return self._until_ms is None and not self._waiting

    # Something may come, and nothing is to cut it off.
    @property
    def rising(self) -> bool:
        return self._until_ms is not None

    def send(self, frame: bytes, link_ms: int) -> bool:  # noqa: ARG002
        freq_khz = self._channels[self._turn % len(self._channels)]
        self._turn += 1
        self._feed()
        done = self._radio.send(frame, self._modulation(freq_khz, False))
        self._feed()
        self._tell()
        if not done:
            self._shut()
            return False
        self._radio.configure([self._modulation(freq_khz, True)])
        self._until_ms = self._window_ms = self._now_ms() + self._listen_ms
        self._heard_ms = None
        self._hear(0)
        return True

    # Frames that have come.
    def receive(self, link_ms: int) -> list[bytes]:
        if self._until_ms is not None:
            self._hear(0)
            over_ms = link_ms - self._until_ms
            if over_ms >= _LONGEST_MS or (over_ms >= 0 and not self._radio.hears()):
                self._shut()
        frames, self._waiting = self._waiting, []
        return frames

    # Until something comes, at most wait_ms.
    def wait(self, wait_ms: int) -> None:
        if self._waiting:
            return
        if self._until_ms is None:
            time.sleep(wait_ms / 1000)
            return
        if self._nap is None:
            self._hear(max(1, wait_ms))
            return
        self._nap(min(wait_ms, self._nap_ms))
        self._hear(0)

    def close(self) -> None:
        self._shut()

    def _hear(self, wait_ms: int) -> None:
        heard = self._radio.receive(wait_ms)
        while heard is not None:
            frame = heard[0]
            # A bridge speaks to others in this very window.
            if MIN_FRAME <= len(frame) <= MAX_FRAME and frame[1] | frame[2] << 8 == self._node:
                self._waiting.append(frame)
                self._heard_ms = self._now_ms()
                self.rssi_dbm, self.snr_db4 = heard[1], heard[2]
            heard = self._radio.receive(0)
        self._tell()

    def _shut(self) -> None:
        self._until_ms = None
        self._radio.sleep()
        self._tell()

    def _modulation(self, freq_khz: int, inverted: bool) -> Modulation:
        lora = self._lora
        return Modulation(
            freq_khz, lora.get("sf", 9), lora.get("bw_khz", 125), lora.get("cr", 5),
            8 if inverted else lora.get("preamble", 8), lora.get("power_dbm", POWER_DBM), inverted,
        )  # fmt: skip

    def _tell(self) -> None:
        why = self._radio.fault
        if why and why != self._why:
            console.say(why)
            console.tell("fault", {"fault": FAULT_RADIO, "text": why})
        self._why = why
