# The `network` module of a board whose air is in the test's hand.
#
# After docs/library/network.rst and network.WLAN.rst of MicroPython 1.29: active, connect,
# disconnect, isconnected, status, status("rssi"), config, hostname. Numbers, and what those leave
# open, after extmod/network_cyw43.c ("rp2": deinit(), no `reconnects`, an attempt ends by itself)
# and ports/esp32/network_wlan.c ("esp32": tries again, tells on why the attempt before failed).

_RP2 = {
    "STAT_IDLE": 0, "STAT_CONNECTING": 1, "STAT_GOT_IP": 3, "STAT_CONNECT_FAIL": -1,
    "STAT_NO_AP_FOUND": -2, "STAT_WRONG_PASSWORD": -3,
}  # fmt: skip
_ESP32 = {
    "STAT_IDLE": 1000, "STAT_CONNECTING": 1001, "STAT_GOT_IP": 1010, "STAT_BEACON_TIMEOUT": 200,
    "STAT_NO_AP_FOUND": 201, "STAT_WRONG_PASSWORD": 202, "STAT_ASSOC_FAIL": 203,
    "STAT_HANDSHAKE_TIMEOUT": 204,
}  # fmt: skip
_NO_IP = 2  # on "rp2": joined, without an address
_FOUR_WAY = 15  # on "esp32": what a wrong password ends in
_SCAN_MS = 2500
_REFUSED_MS = 1500


class AccessPoint:
    # dhcp_ms: how long an address takes; None: it never comes.
    def __init__(self, password: str, joins_ms: int = 1500, dhcp_ms=500, rssi_dbm: int = -58):
        self.password = password
        self.joins_ms = joins_ms
        self.dhcp_ms = dhcp_ms
        self.rssi_dbm = rssi_dbm


class Interface:
    def __init__(self, network) -> None:
        self._network = network
        self._is_active = False
        self._wanted = None  # (ssid, password)
        self._since_ms = 0
        self._reason = 0  # of the last attempt that failed
        self._was_up = False
        self.attempts = []
        self.inits = 0  # how often its radio was loaded
        if network.port == "rp2":
            self.deinit = self._deinit

    def active(self, is_active=None):
        if is_active is None:
            return self._is_active
        if is_active and not self._is_active:
            self.inits += 1
            self._network.broken()
        self._is_active = is_active
        self._network.is_powered = True
        self._wanted = None
        return is_active

    def _deinit(self) -> None:
        assert not self._is_active, "the interface goes down first"
        self._network.is_powered = False

    def config(self, **values) -> None:
        for name in values:
            if name != "reconnects" or self._network.port == "rp2":
                raise ValueError("unknown config param")

    def connect(self, ssid: str, password: str) -> None:
        if not self._is_active:
            raise OSError("Wifi Not Started")
        self.attempts.append(ssid)
        self._wanted = (ssid, password)
        self._since_ms = self._network.now_ms()
        self._was_up = False
        if self._network.port == "rp2":
            self._reason = 0

    def disconnect(self) -> None:
        self._network.is_powered = True  # as whatever is asked of a Pico W's radio
        if not self._is_active:
            raise OSError("Wifi Not Started")
        self._wanted = None

    def isconnected(self) -> bool:
        up = self._ends()[0] == "STAT_GOT_IP"
        self._was_up = self._was_up or up
        return up

    def status(self, what=None) -> int:
        name, point = self._ends()
        if what == "rssi":
            if point is None:
                raise OSError("Wifi Not Connected")
            return point.rssi_dbm
        if name == _NO_IP:
            return _NO_IP if self._network.port == "rp2" else self._code("STAT_CONNECTING")
        if name == "STAT_GOT_IP":
            self._reason = 0
        elif name in ("STAT_NO_AP_FOUND", "STAT_WRONG_PASSWORD"):
            self._reason = self._code(name)
            if name == "STAT_WRONG_PASSWORD" and self._network.port == "esp32":
                self._reason = _FOUR_WAY
        elif self._network.port == "esp32" and self._reason:
            return self._reason
        return self._reason or self._code(name)

    def _code(self, name: str) -> int:
        return getattr(self._network, name)

    # What this attempt has come to, and the access point that it is with, if any.
    def _ends(self):
        if self._wanted is None or not self._is_active:
            return "STAT_IDLE", None
        point = self._network.points.get(self._wanted[0])
        passed_ms = self._network.now_ms() - self._since_ms
        if point is None:
            gone = self._was_up or passed_ms < _SCAN_MS
            return "STAT_CONNECTING" if gone else "STAT_NO_AP_FOUND", None
        if point.password != self._wanted[1]:
            refused = passed_ms >= _REFUSED_MS
            return "STAT_WRONG_PASSWORD" if refused else "STAT_CONNECTING", None
        if passed_ms < point.joins_ms:
            return "STAT_CONNECTING", None
        if point.dhcp_ms is None or passed_ms < point.joins_ms + point.dhcp_ms:
            return _NO_IP, point
        return "STAT_GOT_IP", point


class _Wlan:
    IF_STA = 0
    IF_AP = 1

    def __init__(self, interface) -> None:
        self._interface = interface

    def __call__(self, which: int):
        assert which == self.IF_STA
        return self._interface


class Network:
    # port: "rp2" or "esp32"; now_ms(): the time; points: {ssid: AccessPoint}, may change.
    def __init__(self, port: str, now_ms, points) -> None:
        self.port = port
        self.now_ms = now_ms
        self.points = points
        self.is_powered = False
        self.error = None  # raised by the next start of the radio
        self.hostnames = []
        codes = _RP2 if port == "rp2" else _ESP32
        for name in codes:
            setattr(self, name, codes[name])
        self.interface = Interface(self)
        self.WLAN = _Wlan(self.interface)

    def hostname(self, name: str) -> None:
        assert len(name) <= 32
        self.hostnames.append(name)

    def ipconfig(self, what: str) -> str:
        assert what == "dns"
        return "10.0.0.1"

    def broken(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
