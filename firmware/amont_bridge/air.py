# The bridge's side of the radio port (amont_node/radio.py): what it listens to by the guard's
# settings, and how it sends. A radio that cannot be made is told as a fault, for the guard has to
# hear of it.

from amont_bridge.schedule import Transmission
from amont_node.radio import Modulation, RadioPort
from amont_wire.airtime import scan_preamble
from amont_wire.link import Settings


class Air:
    # radio: an adapter of the radio port.
    def __init__(self, radio) -> None:  # type: ignore[no-untyped-def]
        self._radio = radio
        self.pollable = radio.pollable
        self._few = ""  # what it should listen to and cannot

    @property
    def fault(self) -> str:
        return str(self._radio.fault) or self._few

    @property
    def crc_errors(self) -> int:
        return int(self._radio.crc_errors)

    # places: (kHz, spreading factor) of each.
    def configure(self, settings: Settings, places: list[tuple[int, int]]) -> None:
        channels, sfs = len(settings.channels_khz), settings.sfs
        self._few = ""
        if len(places) > 1 and not self._radio.scans:
            self._few = "radio: listens to %d kHz SF%d only" % places[0]
            places = places[:1]
        self._radio.configure(
            [Modulation(khz, sf, preamble=scan_preamble(channels, sfs, sf)) for khz, sf in places]
        )

    # (frame, rssi_dbm, snr_db4, index), or None when none comes within wait_ms.
    def receive(self, wait_ms: int):  # type: ignore[no-untyped-def]
        return self._radio.receive(wait_ms)

    def hears(self) -> bool:
        return bool(self._radio.hears())

    def send(self, sending: Transmission) -> bool:
        power_dbm = sending.power_dbm
        how = Modulation(sending.freq_khz, sending.sf, power_dbm=power_dbm, inverted=True)
        return bool(self._radio.send(sending.frame, how))


# In the place of a radio that cannot be made.
class NoRadio(RadioPort):
    scans = True

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def receive(self, wait_ms: int) -> None:
        from time import sleep

        sleep(wait_ms / 1000)

    def send(self, frame: bytes, modulation: Modulation) -> bool:  # noqa: ARG002
        return False

    def close(self) -> None:
        pass


# An adapter by a board's settings ({"chip": …}, see docs/radio.md); never raises.
def make_radio(config, seed: int):  # type: ignore[no-untyped-def]
    try:
        return _adapter(config, seed)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError) as error:
        return NoRadio("radio: %s" % error)


def _adapter(config, seed: int):  # type: ignore[no-untyped-def]
    chip = config.get("chip")
    if chip == "sim":
        from amont_node.radio_sim import SimRadio

        return SimRadio(config, seed)
    if chip == "rak3172":  # it keeps the turn of IQ in its flash, and each answer changes it twice
        raise ValueError("a rak3172 is no bridge's: its flash would be worn within days")
    from amont_node.radio_sx126x import Sx126x

    return Sx126x(config["pins"], chip)
