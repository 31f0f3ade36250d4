# Wi-Fi: what a board says of it, which network it takes, when its radio is on.

import json
import os
import sys

from air import AccessPoint, Network
from board import remove

from amont_node import console, mqtt, mqtt_carrier, wlan
from amont_node.mqtt_carrier import MqttCarrier, TlsTime
from amont_node.pair import PairFile
from amont_node.stream import starts_of
from amont_node.wifi import Wifi

PORTS = ("rp2", "esp32")
NEW = ("new-net", "new-secret")
OLD = ("old-net", "old-secret")
STEP_MS = 100


class Bench:
    def __init__(self, name: str, port: str, known=(NEW,), kept=None, **points) -> None:
        self.folder = "work-wifi-" + name
        remove(self.folder)
        os.mkdir(self.folder)
        self.ms = 0
        self.date = (2021, 1, 1, 4, 0, 0, 9, 0)
        self.network = Network(port, lambda: self.ms, {})
        self.air = self.network.points
        self.interface = self.network.interface
        if known:
            self.know(*known)
        if kept:
            PairFile(self.folder, "wifi").save(list(kept))
        before = sys.modules.get("network")
        sys.modules["network"] = self.network
        try:
            self.station = wlan.Station(self.calendar)
        finally:
            del sys.modules["network"]
            if before is not None:
                sys.modules["network"] = before
        self.wifi = Wifi(self.folder, self.station, "amont-17")

    # The chip's: begins in 2021 as a Pico W's does.
    def calendar(self, new=None):
        if new is not None:
            self.date = new
        return self.date

    def know(self, *networks) -> None:
        listed = [{"ssid": ssid, "password": password} for ssid, password in networks]
        with open(self.folder + "/wifi.json", "w") as file:
            file.write(json.dumps({"schema": 1, "networks": listed}))

    # How long it took until it is up or has failed.
    def settle(self, limit_ms: int = 120000) -> int:
        self.wifi.open(self.ms)
        return self.go_on(limit_ms)

    def go_on(self, limit_ms: int = 120000) -> int:
        began_ms = self.ms
        while self.ms - began_ms < limit_ms:
            self.wifi.step(self.ms)
            if self.wifi.is_up() or self.wifi.has_failed():
                break
            self.ms += STEP_MS
        return self.ms - began_ms

    def is_dark(self) -> bool:
        powered = self.network.port == "rp2" and self.network.is_powered
        return not self.interface.active() and not powered


def check_it_joins_and_goes_dark() -> None:
    for port in PORTS:
        bench = Bench("joins", port)
        bench.air[NEW[0]] = AccessPoint(NEW[1])
        assert bench.settle() == 2000 and bench.wifi.is_up()
        assert bench.wifi.rssi_dbm() == -58
        assert bench.network.hostnames == ["amont-17"]
        bench.wifi.off()
        assert bench.is_dark()
        assert bench.settle() == 2000 and bench.wifi.is_up(), port  # as often as it likes
        assert bench.interface.inits == 2


def check_a_slow_access_point_has_its_time() -> None:
    for port in PORTS:
        bench = Bench("slow", port)
        bench.air[NEW[0]] = AccessPoint(NEW[1], 15000, 3000)
        assert bench.settle() == 18000 and bench.wifi.is_up()
        bench.air[NEW[0]] = AccessPoint(NEW[1], 60000)
        bench.wifi.off()
        assert bench.settle() == 20000 and bench.wifi.has_failed()
        assert wlan.NO_ANSWER in bench.wifi.why


def check_each_failure_has_its_name() -> None:
    for port in PORTS:
        for name, point, why in (
            ("none", None, wlan.NO_ACCESS_POINT),
            ("password", AccessPoint("another"), wlan.WRONG_PASSWORD),
            ("dhcp", AccessPoint(NEW[1], 1000, None), wlan.NO_ADDRESS),
        ):
            bench = Bench("names", port)
            if point is not None:
                bench.air[NEW[0]] = point
            taken_ms = bench.settle()
            assert bench.wifi.has_failed() and why in bench.wifi.why, (port, name, bench.wifi.why)
            assert taken_ms <= 20000
            bench.wifi.off()
            assert bench.is_dark()


# An ESP32 shows why the attempt before failed until the next one has ended: it must not end it.
def check_an_old_status_ends_no_new_attempt() -> None:
    for port in PORTS:
        bench = Bench("stale", port)
        bench.settle()
        assert bench.wifi.has_failed()
        bench.wifi.off()
        bench.air[NEW[0]] = AccessPoint(NEW[1], 9000)
        assert bench.settle() == 9500 and bench.wifi.is_up(), (port, bench.wifi.why)


def check_an_access_point_that_vanishes() -> None:
    for port in PORTS:
        bench = Bench("vanishes", port)
        bench.air[NEW[0]] = AccessPoint(NEW[1])
        bench.settle()
        del bench.air[NEW[0]]
        bench.wifi.step(bench.ms)
        assert bench.wifi.has_failed() and "gone" in bench.wifi.why


def check_the_old_network_until_the_new_one_worked() -> None:
    for port in PORTS:
        bench = Bench("renewed", port, (NEW,), OLD)
        bench.air[OLD[0]] = AccessPoint(OLD[1])
        bench.air[NEW[0]] = AccessPoint("a slip of the pen")
        assert bench.settle() < 60000 and bench.wifi.is_up(), bench.wifi.why
        assert bench.interface.attempts == [NEW[0], OLD[0]]
        bench.wifi.prove()
        assert PairFile(bench.folder, "wifi").load() == list(OLD)
        bench.wifi.off()
        bench.settle()
        assert bench.interface.attempts[2:] == [OLD[0]]  # what worked, until it does not
        bench.wifi.off()
        del bench.air[OLD[0]]
        bench.air[NEW[0]] = AccessPoint(NEW[1])
        bench.settle()
        assert bench.interface.attempts[3:] == [OLD[0], NEW[0]] and bench.wifi.is_up()
        bench.wifi.prove()
        assert PairFile(bench.folder, "wifi").load() == list(NEW)


# A wake that ends in the middle of an attempt begins there again: both have their turn.
def check_an_attempt_cut_short_is_made_again() -> None:
    bench = Bench("short", "rp2", (NEW,), OLD)
    bench.wifi.open(bench.ms)
    bench.go_on(7000)
    assert bench.interface.attempts == [NEW[0], OLD[0]]
    bench.wifi.off()
    bench.wifi.open(bench.ms)
    assert bench.interface.attempts[2:] == [OLD[0]]


def check_what_is_no_list_of_networks() -> None:
    number = '{"networks": [{"ssid": "a", "password": 12345678}]}'
    for text in (None, "", "[]", "{}", '{"networks": 5}', '{"networks": [{"ssid": "a"}]}', number):
        bench = Bench("none", "rp2", ())
        if text is not None:
            with open(bench.folder + "/wifi.json", "w") as file:
                file.write(text)
        bench.settle()
        assert bench.wifi.has_failed() and "wifi.json" in bench.wifi.why, text
        assert bench.is_dark()
    bench = Bench("torn", "rp2", (), OLD)
    with open(bench.folder + "/wifi.json", "w") as file:
        file.write('{"networks": [{"ss')
    bench.air[OLD[0]] = AccessPoint(OLD[1])
    bench.settle()
    assert bench.wifi.is_up()


def check_a_radio_that_does_not_start() -> None:
    for error in (OSError("Wifi Internal Error"), RuntimeError("Wifi Unknown Error")):
        bench = Bench("broken", "esp32", (NEW,), OLD)
        bench.air[OLD[0]] = AccessPoint(OLD[1])
        bench.network.error = error
        bench.settle()
        assert bench.wifi.is_up()  # with the next one
        bench = Bench("broken", "esp32")
        bench.network.error = error
        bench.settle()
        assert bench.wifi.has_failed() and "radio" in bench.wifi.why


# --- the carrier


class Client:
    def __init__(self) -> None:
        self.state = mqtt.DOWN
        self.error = ""
        self.reaches = True
        self.sent = []
        self.starts = 0
        self.left = 0

    def start(self, now_ms: int) -> None:
        self.starts += 1
        self.state = mqtt.CONNECTING

    def step(self, now_ms: int):
        if self.left and self.state == mqtt.UP:
            self.stop("closed by the other side")
        elif self.state == mqtt.CONNECTING:
            self.state = mqtt.UP if self.reaches else mqtt.DOWN
            self.error = "" if self.reaches else "connect: refused"
        return []

    def stop(self, why: str) -> None:
        self.state = mqtt.DOWN
        self.error = why

    def publish(self, topic: str, frame: bytes, now_ms: int) -> bool:
        self.sent.append(frame)
        return self.state == mqtt.UP

    def leave(self) -> None:
        self.left += 1

    def pollable(self):
        return None

    def wants_write(self) -> bool:
        return False


class Air:
    # A bench with a carrier on it, and all that it said.
    def __init__(self, name: str, **more) -> None:
        self.bench = Bench(name, "rp2", **more)
        config = {"kind": "mqtt", "host": "127.0.0.1", "port": 1, "site": "here"}
        self.carrier = MqttCarrier(config, 17, self.bench.folder, self.bench.station)
        self.client = self.carrier._client = Client()
        self.said = []
        console.print = self.said.append
        console.begin(True)

    def close(self) -> None:
        console.print = print
        console.begin(False)

    # Something is to be sent: whether it can go within so long.
    def send(self, limit_ms: int = 60000) -> bool:
        bench = self.bench
        end_ms = bench.ms + limit_ms
        self.carrier.receive(bench.ms)
        while bench.ms < end_ms and self.carrier.ready():
            if self.carrier.rouse(bench.ms):
                return self.carrier.send(b"frame", bench.ms)
            while self.carrier.rising and bench.ms < end_ms:
                bench.ms += STEP_MS
                self.carrier.receive(bench.ms)
        return False


def check_nothing_to_send_leaves_the_radio_dark() -> None:
    air = Air("dark")
    try:
        for _ in range(100):
            air.bench.ms += 900000
            assert air.carrier.receive(air.bench.ms) == []
            assert air.carrier.ready() and not air.carrier.rising
            air.carrier.close()
        assert air.bench.interface.inits == 0 and air.bench.is_dark() and not air.carrier.fault
    finally:
        air.close()


def check_it_rises_sends_and_takes_leave() -> None:
    air = Air("rises")
    air.bench.air[NEW[0]] = AccessPoint(NEW[1])
    try:
        for _ in range(3):
            assert air.send() and air.carrier.rssi_dbm == -58
            air.carrier.close()
            assert air.bench.is_dark() and not air.carrier.fault
            air.bench.ms += 900000
        assert air.client.left == 3 and len(air.client.sent) == 3
        assert PairFile(air.bench.folder, "wifi").load() == list(NEW)
        assert air.said == []
    finally:
        air.close()


def check_failures_are_told_counted_and_rarer() -> None:
    air = Air("fails")
    air.bench.air[NEW[0]] = AccessPoint("another")
    try:
        tries = []
        for _ in range(4000):
            air.carrier.receive(air.bench.ms)
            if air.carrier.ready():
                tries.append(air.bench.ms)
                assert not air.send()
                assert air.carrier.fault and air.carrier.pauses and air.bench.is_dark()
            air.bench.ms += 5000
        assert 40 < len(tries) < 250, len(tries)  # in five and a half hours
        last = json.loads(air.said[-1][6:])
        assert last["times"] == len(tries) and last["fault"] == 8
        assert last["text"] == "Wi-Fi: wrong password"
        for line in air.said:
            assert not [word for word in NEW if word in line], line
        air.bench.air[NEW[0]] = AccessPoint(NEW[1])
        air.bench.ms += 900000
        assert air.send() and not air.carrier.pauses
        assert air.carrier.fault  # so that the health message tells it once
        air.carrier.close()
        assert not air.carrier.fault
    finally:
        air.close()


# Wi-Fi is there but leads nowhere: as good as none.
def check_a_network_without_the_broker_gives_way() -> None:
    air = Air("nowhere", kept=OLD)
    air.bench.air[NEW[0]] = AccessPoint(NEW[1])
    air.bench.air[OLD[0]] = AccessPoint(OLD[1])
    air.client.reaches = False
    start = air.client.start

    def starts(now_ms: int) -> None:
        start(now_ms)
        air.client.reaches = air.bench.interface.attempts[-1] == OLD[0]

    air.client.start = starts
    try:
        assert air.send() and air.bench.interface.attempts == [NEW[0], OLD[0]]
        assert PairFile(air.bench.folder, "wifi").load() == list(OLD)
        air.client.start = start
        air.client.reaches = False
        air.carrier.close()
        assert not air.send()
        assert "refused" in air.said[-1]
    finally:
        air.close()


def check_the_access_point_vanishes_under_a_session() -> None:
    air = Air("under")
    air.bench.air[NEW[0]] = AccessPoint(NEW[1])
    try:
        assert air.send()
        del air.bench.air[NEW[0]]
        air.carrier.receive(air.bench.ms)
        assert air.client.state == mqtt.DOWN and not air.carrier.ready() and air.bench.is_dark()
        assert "gone" in air.said[-1]
        air.bench.air[NEW[0]] = AccessPoint(NEW[1])
        air.bench.ms += 900000
        assert air.send()
    finally:
        air.close()


def check_a_flash_that_refuses_costs_no_session() -> None:
    air = Air("flash")
    air.bench.air[NEW[0]] = AccessPoint(NEW[1])

    def refuse() -> None:
        raise OSError(28)

    air.carrier._wifi.prove = refuse
    try:
        assert air.send()
        assert "cannot be kept" in air.said[-1]
    finally:
        air.close()


def check_a_broker_that_does_not_answer_a_farewell() -> None:
    air = Air("farewell")
    air.bench.air[NEW[0]] = AccessPoint(NEW[1])
    waits = []
    try:
        assert air.send()
        air.client.leave = lambda: None
        air.carrier.wait = waits.append
        air.carrier.close()
        assert sum(waits) == mqtt_carrier._FAREWELL_MS and air.bench.is_dark()
    finally:
        air.close()


# --- certificates, where nobody set the clock


def shown(bench, starts: str, months: int = 0):
    tls_time = TlsTime(starts, bench.calendar)
    tls_time.months = months
    before = bench.date
    tls_time.enter()
    date = bench.date
    tls_time.leave()
    assert bench.date == before
    return date[:3]


def check_the_calendar_shows_a_day_in_which_certificates_hold() -> None:
    bench = Bench("calendar", "rp2")
    assert shown(bench, "20261122093000Z") == (2026, 11, 23)
    assert shown(bench, "20261228093000Z") == (2027, 1, 1)
    assert shown(bench, "20261231235959Z", 3) == (2027, 4, 1)
    assert shown(bench, "20260227235959Z", 1) == (2026, 3, 28)
    assert shown(bench, "20201231235959Z") == (2021, 1, 1)  # it holds already
    assert shown(bench, "") == (2021, 1, 1)
    bench.date = (2030, 5, 6, 0, 7, 8, 9, 0)  # a board that knows the time
    assert shown(bench, "20261122093000Z") == (2030, 5, 6)


# A board that sleeps deeply counts by its calendar: what the handshake takes is not lost.
def check_the_calendar_loses_no_time_to_the_handshake() -> None:
    bench = Bench("calendar", "esp32")
    tls_time = TlsTime("20261122093000Z", bench.calendar)
    for before, after in (
        ((2000, 1, 1, 5, 0, 10, 58, 900000), (2000, 1, 1, 5, 0, 11, 1, 400000)),
        ((2000, 1, 1, 5, 23, 59, 58, 0), (2000, 1, 1, 5, 23, 59, 59, 500000)),
    ):
        bench.date = before
        tls_time.enter()
        bench.date = bench.date[:6] + (2, 500000)
        tls_time.leave()
        assert bench.date == after, bench.date


def check_where_a_certificate_says_when_it_begins() -> None:
    head = bytes(range(23))
    assert starts_of(head + b"\x17\x0d261122093000Z\x17\x0d361119093000Z") == "20261122093000Z"
    assert starts_of(b"\x02\x17\x0d9" + head + b"\x17\x0d261122093000Z") == "20261122093000Z"
    assert starts_of(head + b"\x17\x0d991122093000Z") == "19991122093000Z"
    assert starts_of(head + b"\x18\x0f20510101000000Z") == "20510101000000Z"
    for der in (b"", head, b"\x17\x0d2611", b"\x17\x0d26112209300xZ", b"\x17\x0d2611220930000"):
        assert starts_of(der) == "", der


def check_a_younger_broker_is_met_a_month_later() -> None:
    air = Air("younger")
    air.bench.air[NEW[0]] = AccessPoint(NEW[1])
    air.carrier._tls_time = TlsTime("20261122093000Z", air.bench.calendar)
    dates = []
    step = air.client.step

    def handshake(now_ms: int):
        dates.append(air.bench.date[:3])
        if air.client.state == mqtt.CONNECTING and air.bench.date[:2] < (2027, 2):
            air.client.stop("The certificate validity starts in the future")
            return []
        return step(now_ms)

    air.client.step = handshake
    try:
        for _ in range(3):
            assert not air.send() and air.bench.date[0] == 2021
            assert "future" in air.said[-1]
            air.bench.ms += 900000
        assert air.send()
        air.carrier.receive(air.bench.ms)
        assert dates == [(2026, 11, 23), (2026, 12, 23), (2027, 1, 23), (2027, 2, 23),
                         (2021, 1, 1)]  # fmt: skip
    finally:
        air.close()
