# A board of this interpreter: main.py and what it loads, with a `machine` and a `network` of ours.
#
# Run in the board's folder. `air.json` there says what is on the air, and may change any moment:
#   {ssid: [password, ms to join, ms to an address or null, rssi_dbm]}
# What the board does with its radio, and what it must not do, goes to `board.txt`, a line each.
# Argument: "loader": from main.py on, in the slot a release that has hal_board.py in the place of
# hal_unix.py. Otherwise from app.py on, as in development, perhaps with a planted fault. radio-on:
# the radio keeps its power; no-wait: nobody waits for Wi-Fi.

import json
import os
import sys
import time

import air
from air import AccessPoint, Network

_REREAD_MS = 50


def note(text: str) -> None:
    with open("board.txt", "a") as file:
        file.write("%d %s\n" % (time.ticks_ms(), text))


class Air:
    def __init__(self) -> None:
        self._read_ms = -_REREAD_MS
        self._points = {}

    def get(self, ssid: str):
        if time.ticks_diff(time.ticks_ms(), self._read_ms) >= _REREAD_MS:
            self._read_ms = time.ticks_ms()
            with open("air.json") as file:
                listed = json.load(file)
            self._points = {}
            for name in listed:
                self._points[name] = AccessPoint(*listed[name])
        return self._points.get(ssid)


class Wdt:
    _fed_ms = None
    _most_ms = 0

    def __init__(self, timeout: int) -> None:
        assert timeout <= 8388, "an RP2040 counts no further"
        Wdt._most_ms = timeout
        self.feed()

    def feed(self) -> None:
        now_ms = time.ticks_ms()
        if Wdt._fed_ms is not None and time.ticks_diff(now_ms, Wdt._fed_ms) > Wdt._most_ms:
            note("WRONG: the watchdog bites")
        Wdt._fed_ms = now_ms


class Rtc:
    now = (2021, 1, 1, 4, 0, 0, 9, 0)  # as a Pico W begins

    def datetime(self, new=None):
        if new is None:
            return Rtc.now
        Rtc.now = new


class Machine:
    PWRON_RESET, WDT_RESET = 1, 3
    WDT = Wdt
    RTC = Rtc

    def __init__(self, network) -> None:
        self._network = network

    def lightsleep(self, ms: int) -> None:
        if self._network.is_powered:
            note("WRONG: asleep with the radio on")
        note("asleep")
        time.sleep_ms(ms)

    def reset_cause(self) -> int:
        return self.PWRON_RESET

    def reset(self) -> None:
        raise SystemExit(70)


# There is no network before Wi-Fi is up, and none after it is gone.
class Sockets:
    def __init__(self, network, real) -> None:
        self._network = network
        self._real = real

    def __getattr__(self, name: str):
        return getattr(self._real, name)

    def getaddrinfo(self, *address):
        if not self._network.interface.isconnected():
            note("WRONG: a connection without a network")
            raise OSError(118)  # EHOSTUNREACH
        return self._real.getaddrinfo(*address)


# Waits whose length says nothing here; check_wifi.py tries the true ones.
def shorten() -> None:
    from amont_node import mqtt_carrier, wifi

    air._SCAN_MS = air._REFUSED_MS = 300
    wifi._STANDS_MS = 400
    mqtt_carrier._RETRY_WIFI_MS = (300, 1500)


def plant(fault: str) -> None:
    from amont_node import wifi, wlan

    if fault == "radio-on":
        wlan.Station.off = lambda self: None
    elif fault == "no-wait":
        wifi.Wifi.is_up = lambda self: True


def board():
    network = Network("rp2", time.ticks_ms, Air())
    sys.modules["network"] = network
    sys.modules["machine"] = Machine(network)
    loaded = network.interface.active

    def active(*arguments):
        if arguments and arguments[0] != loaded():
            note("radio %s" % ("on" if arguments[0] else "off"))
        return loaded(*arguments)

    network.interface.active = active
    return network


def from_app(network, fault: str) -> None:
    import amont_node
    from amont_node import hal_board, mqtt

    sys.modules["amont_node.hal_unix"] = amont_node.hal_unix = hal_board
    mqtt.socket = Sockets(network, mqtt.socket)
    shorten()
    plant(fault)
    from amont_node import app

    app.start(".", "button" in os.listdir("."))


def main(argument: str) -> None:
    network = board()
    if argument == "loader":
        import main as loader

        loader.run()
    else:
        from_app(network, argument)


main(sys.argv[1])
