# When the board's Wi-Fi is on, and with which network. Never waits: step() moves it along.
#
# wifi.json, as provisioning writes it: {"schema": 1, "networks": [{"ssid": …, "password": …}]}
# wifi.a / wifi.b (see pair.py): [ssid, password] of the network that last led to the broker. A new
# wifi.json is tried first; what worked before stays until the new one has worked, and is gone back
# to within the same wake. So a wrong password that came by cable strands no node.
#
# No name and no password ever leaves this file: networks are told by their place.

import json

from amont_node.pair import PairFile
from amont_node.wlan import FAILED, JOINING, UP

OFF = 3

_JOIN_MS = 20000  # scan, handshake, DHCP; four seconds if all is well
_STANDS_MS = 4000  # a failure that is not over by then: some are followed by another attempt


class Wifi:
    # station: see wlan.py.
    def __init__(self, folder: str, station, hostname: str) -> None:  # type: ignore[no-untyped-def]
        self._path = folder + "/wifi.json"
        self._pair = PairFile(folder, "wifi")
        self._station = station
        self._hostname = hostname
        self._networks: list[list[str]] = []  # while it is on
        self._at = 0  # the one that is tried, or to begin with
        self._left = 0  # how many to try before giving up
        self._due_ms = 0
        self._failing_ms: int | None = None  # since when it says that it failed
        self.state = OFF
        self.why = ""

    def open(self, link_ms: int) -> None:
        try:
            self._networks = self._load()
        except (OSError, ValueError, KeyError, TypeError):
            self._networks = []
        if not self._networks:
            self.why = "Wi-Fi: wifi.json names no network"
            self.state = FAILED
            return
        self._at %= len(self._networks)
        self._left = len(self._networks)
        self._begin(link_ms)

    def _load(self) -> list[list[str]]:
        networks: list[list[str]] = []
        kept = self._pair.load()
        try:
            with open(self._path) as file:
                for one in json.load(file)["networks"]:
                    networks.append([one["ssid"] + "", one["password"] + ""])  # no numbers
        except (OSError, ValueError, KeyError, TypeError):
            if kept is None:
                raise
        if isinstance(kept, list) and kept not in networks:
            networks.append(kept)
        return networks

    def is_up(self) -> bool:
        return self.state == UP

    def has_failed(self) -> bool:
        return self.state == FAILED

    def step(self, link_ms: int) -> None:
        if self.state == JOINING:
            self._join(link_ms)
        elif self.state == UP and self._station.look()[0] != UP:
            self.why = self._told("Wi-Fi: the access point is gone")
            self.state = FAILED

    def _join(self, link_ms: int) -> None:
        state, why = self._station.look()
        if state == UP:
            self.state = UP
            return
        if state != FAILED:
            self._failing_ms = None
        elif self._failing_ms is None:
            self._failing_ms = link_ms
        stands = self._failing_ms is not None and link_ms - self._failing_ms >= _STANDS_MS
        if stands or link_ms >= self._due_ms:
            self.refuse(link_ms, "Wi-Fi: " + why)

    # This network does not do; on to the next one, if there is one that was not tried.
    def refuse(self, link_ms: int, why: str) -> None:
        self.why = self._told(why)
        self._at = (self._at + 1) % len(self._networks)
        self._left -= 1
        self._begin(link_ms)

    def _begin(self, link_ms: int) -> None:
        while self._left > 0:
            ssid, password = self._networks[self._at]
            self._due_ms = link_ms + _JOIN_MS
            self._failing_ms = None
            self.state = JOINING
            try:
                self._station.begin(ssid, password, self._hostname)
                return
            except (OSError, ValueError, RuntimeError) as error:
                # By its kind alone: what a port says of its arguments is not ours to know.
                self.why = self._told("Wi-Fi: the radio: " + type(error).__name__)
                self._at = (self._at + 1) % len(self._networks)
                self._left -= 1
        self.state = FAILED

    def _told(self, why: str) -> str:
        count = len(self._networks)
        return why if count == 1 else "network %d of %d: %s" % (self._at + 1, count, why)

    # The network led to the broker. Raises OSError when that cannot be kept.
    def prove(self) -> None:
        network = self._networks[self._at]
        if self._pair.load() != network:
            self._pair.save(network)

    def rssi_dbm(self) -> int:
        return self._station.rssi_dbm()  # type: ignore[no-any-return]

    def name_server(self) -> str:
        return self._station.name_server()  # type: ignore[no-any-return]

    def off(self) -> None:
        self._networks = []
        self.state = OFF
        self._station.off()
