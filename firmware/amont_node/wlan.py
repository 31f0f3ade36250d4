# The board's Wi-Fi as a station: the only file of a release that touches `network`, and only
# inside functions. What differs between ports ends here; wifi.py says when to be on the air.
#
# By docs/library/network.WLAN.rst of MicroPython 1.29, and, for what that leaves open,
# extmod/network_cyw43.c (Pico W) and ports/esp32/network_wlan.c.

JOINING = 0
UP = 1
FAILED = 2

WRONG_PASSWORD = "wrong password"
NO_ACCESS_POINT = "no access point of that name"
NO_ADDRESS = "no address by DHCP"
NO_ANSWER = "no connection in time"

_RECONNECTS = 2  # an ESP32 misses its first handshake now and then; then it tells the reason
_ESP32_HANDSHAKE = 15  # WIFI_REASON_4WAY_HANDSHAKE_TIMEOUT: what a wrong password usually gives
_CYW43_NO_ADDRESS = 2  # CYW43_LINK_NOIP, without a name in `network`
_CYW43_GOT_IP = 3
_REASONS = (
    ("STAT_WRONG_PASSWORD", WRONG_PASSWORD),
    ("STAT_HANDSHAKE_TIMEOUT", WRONG_PASSWORD),
    ("STAT_NO_AP_FOUND", NO_ACCESS_POINT),
    ("STAT_NO_AP_FOUND_IN_RSSI_THRESHOLD", NO_ACCESS_POINT),
    ("STAT_NO_AP_FOUND_IN_AUTHMODE_THRESHOLD", NO_ACCESS_POINT),
    ("STAT_NO_AP_FOUND_W_COMPATIBLE_SECURITY", NO_ACCESS_POINT),
)


class Station:
    # calendar: see hal_board.py.
    def __init__(self, calendar) -> None:  # type: ignore[no-untyped-def]
        import network  # type: ignore[import-not-found]

        self.calendar = calendar
        self._network = network
        self._wlan = None  # until it is needed: an ESP32 takes memory for it
        self._stale = 0  # the status before the last attempt: it says nothing of that one

    def _interface(self):  # type: ignore[no-untyped-def]
        if self._wlan is None:
            self._wlan = self._network.WLAN(self._network.WLAN.IF_STA)
        return self._wlan

    # Begin to join; returns while that goes on. Loading a Pico W's radio takes two seconds of it.
    # OSError: the radio does not work.
    def begin(self, ssid: str, password: str, hostname: str) -> None:
        self._network.hostname(hostname)
        wlan = self._interface()
        if wlan.active():
            self._quietly(wlan.disconnect)
        else:
            wlan.active(True)
        try:
            wlan.config(reconnects=_RECONNECTS)
        except (TypeError, ValueError):  # a Pico W makes one attempt, and tells its end
            pass
        self._stale = wlan.status()
        wlan.connect(ssid, password)

    # (JOINING, UP or FAILED; what is amiss, if it stays so)
    def look(self) -> tuple[int, str]:
        wlan = self._interface()
        if wlan.isconnected():
            return UP, ""
        status = wlan.status()
        if self._waits(status):
            return JOINING, NO_ADDRESS if self._is_joined(status) else NO_ANSWER
        # An ESP32 goes on telling why the attempt before failed, until this one has ended.
        return JOINING if status == self._stale else FAILED, self._reason(status)

    def _waits(self, status: int) -> bool:
        network = self._network
        return (
            status in (network.STAT_IDLE, network.STAT_CONNECTING, network.STAT_GOT_IP)
            or status == _CYW43_NO_ADDRESS
            and network.STAT_GOT_IP == _CYW43_GOT_IP
        )

    # With the access point, so that only the address is missing.
    def _is_joined(self, status: int) -> bool:
        if self._network.STAT_GOT_IP == _CYW43_GOT_IP:
            return status == _CYW43_NO_ADDRESS
        return self.rssi_dbm() != 0

    def _reason(self, status: int) -> str:
        for name, why in _REASONS:
            if getattr(self._network, name, None) == status:
                return why
        if status == _ESP32_HANDSHAKE:
            return WRONG_PASSWORD
        return "no connection (status %d)" % status

    # 0: not known.
    def rssi_dbm(self) -> int:
        try:
            return int(self._interface().status("rssi"))
        except (OSError, ValueError, TypeError):
            return 0

    # The address that DHCP gave.
    def name_server(self) -> str:
        return str(self._network.ipconfig("dns"))

    # All of it, so that nothing is left to draw current in light sleep: on a Pico W the radio's
    # supply goes with deinit(), and the interface must be down before. Asked anything after that,
    # the radio would come up again.
    def off(self) -> None:
        if self._wlan is None:
            return
        wlan = self._interface()
        if wlan.active():
            self._quietly(wlan.disconnect)
            self._quietly(wlan.active, False)
        deinit = getattr(wlan, "deinit", None)
        if deinit is not None:
            self._quietly(deinit)

    def _quietly(self, call, *arguments) -> None:  # type: ignore[no-untyped-def]
        try:
            call(*arguments)
        except OSError:
            pass  # it was not connected, or not started
