# Frames over MQTT: up on amont/<site>/<node>/up, down on amont/<site>/<node>/down.
#
# On a host the network is there by itself, and the connection is kept. A board's Wi-Fi is on only
# while there is something to send: the node rouses the carrier for it and stays awake while that
# is rising; close() takes leave of the broker and turns the radio off.

import select
import time

from amont_node import console
from amont_node.mqtt import CONNECTING, DOWN, GREETING, UP, MqttClient
from amont_node.stream import TlsWrapper
from amont_wire.const import FAULT_RADIO

_RETRY_MS = (500, 60000)  # least and greatest pause after a failure
_RETRY_WIFI_MS = (5000, 300000)  # an attempt costs much, a flood that nobody is told of more
_DOUBLINGS = 8
_STABLE_MS = 60000  # only a connection that lived this long makes the next retry quick again
_LOOKUP_MS = 5000
_FAREWELL_MS = 300
_TOO_EARLY = "in the future"  # what mbedTLS says of a certificate that is not valid yet
_FAREWELL_STEP_MS = 10
_SHOWN = (23, 59, 0)  # late in the day


# MicroPython's TLS compares certificates with the chip's calendar, which on a board without clock
# chip begins in 2000 (ESP32) or 2021 (Pico W) at each start: none would be valid yet. In the
# moments in which TLS looks, it shows when the node's own certificates began to be valid, and a
# month later each time the broker's is younger still. That one is over is noticed only by boards
# that know the time.
class TlsTime:
    # starts: see stream.TlsWrapper; calendar: see hal_board.py.
    def __init__(self, starts: str, calendar) -> None:  # type: ignore[no-untyped-def]
        self._starts = starts
        self._calendar = calendar
        self._before = None
        self.months = 0

    def enter(self) -> None:
        if not self._starts:
            return
        month = int(self._starts[:4]) * 12 + int(self._starts[4:6]) - 1 + self.months
        day = int(self._starts[6:8])
        if day > 27:  # the day after, which every month has
            month, day = month + 1, 0
        shown = (month // 12, month % 12 + 1, day + 1)
        now = self._calendar()
        if tuple(now[:3]) < shown:
            self._before = now
            self._calendar(shown + (0,) + _SHOWN + (0,))

    # What has passed meanwhile has passed: deep sleep counts by this calendar. Not beyond its
    # midnight, for that would take a calendar's rules.
    def leave(self) -> None:
        before, self._before = self._before, None
        if before is not None:
            now = self._calendar()
            micros = before[7] + now[7]
            passed_s = max(0, _of_day_s(now[4:7]) - _of_day_s(_SHOWN)) + micros // 1000000
            at_s = min(_of_day_s(before[4:7]) + passed_s, 86399)
            clock = (at_s // 3600, at_s // 60 % 60, at_s % 60, micros % 1000000)
            self._calendar(tuple(before[:4]) + clock)


def _of_day_s(clock) -> int:  # type: ignore[no-untyped-def]
    return (int(clock[0]) * 60 + int(clock[1])) * 60 + int(clock[2])


class MqttCarrier:
    # config: see config.py; folder: where its certificate files are. station: the board's Wi-Fi,
    # see wlan.py; None where the network is there by itself.
    def __init__(self, config, node: int, folder: str, station=None) -> None:  # type: ignore[no-untyped-def]
        base = "amont/%s/%d/" % (config["site"], node)
        self._topic_up = base + "up"
        tls = config.get("tls")
        wrapper = None
        if tls is not None:
            wrapper = TlsWrapper(
                folder + "/" + tls["ca"],
                tls.get("name") or config["host"],
                folder + "/" + tls["cert"] if tls.get("cert") else "",
                folder + "/" + tls["key"] if tls.get("key") else "",
            )
        self._client = MqttClient(
            config["host"],
            config["port"],
            config.get("client_id") or "amont-%d" % node,
            base + "down",
            wrapper,
            config.get("user", ""),
            config.get("password", ""),
        )
        self._host = config["host"]
        self._asks = False  # for the broker's address
        self._lookup = None
        self._lookup_due_ms: int | None = None
        self._wifi = None
        self._tls_time = None  # of a board, which may not know the time
        if station is not None:
            from amont_node.lookup import is_address
            from amont_node.wifi import Wifi

            self._wifi = Wifi(folder, station, "amont-%d" % node)
            self._asks = not is_address(self._host)
            if wrapper is not None:
                self._tls_time = TlsTime(wrapper.starts, station.calendar)
        self._random = node
        self._failures = 0
        self._retry_ms: int | None = None  # when to connect again
        self._up_since_ms: int | None = None
        self._now_ms = 0
        self.rising = False  # by Wi-Fi, towards a connection
        self.pauses = False  # Wi-Fi is off because of a failure, and nothing can be heard
        self.rssi_dbm = 0
        self.snr_db4 = 0
        self.fault = True  # not connected; by Wi-Fi: something failed since the last good session
        if self._wifi is not None:
            self.fault = False

    # It can take a frame, or could if it were roused.
    def ready(self) -> bool:
        if self._client.state == UP:
            return True
        return self._wifi is not None and not self.rising and self._may_try(self._now_ms)

    # Whether a frame can go now; if not, what there is to do for it begins.
    def rouse(self, link_ms: int) -> bool:
        if self._wifi is None or self._client.state == UP:
            return True
        if not self.rising and self._may_try(link_ms):
            self.rising = True
            self._wifi.open(link_ms)
        return False

    def send(self, frame: bytes, link_ms: int) -> bool:
        if not self.rouse(link_ms):
            return False
        return self._client.publish(self._topic_up, frame, link_ms)

    def receive(self, link_ms: int) -> list[bytes]:
        self._now_ms = link_ms
        self.pauses = self.pauses and not self._may_try(link_ms)
        if self._wifi is not None and not self._on_air(self._wifi, link_ms):
            return []
        client = self._client
        if client.state == DOWN and (self.rising or self._may_try(link_ms)):
            if self._asks and not self._found(self._wifi, link_ms):
                return []
            client.start(link_ms)
        frames = self._step(link_ms)
        if client.state == UP:
            self._came_up(link_ms)
        elif client.state == DOWN:
            self._went_down(link_ms)
        return frames

    def _step(self, link_ms: int) -> list[bytes]:
        client, tls_time = self._client, self._tls_time
        if tls_time is None or client.state not in (CONNECTING, GREETING):
            return client.step(link_ms)
        tls_time.enter()
        try:
            return client.step(link_ms)
        finally:
            tls_time.leave()
            if client.state == DOWN and _TOO_EARLY in client.error:
                tls_time.months += 1

    def _may_try(self, link_ms: int) -> bool:
        return self._retry_ms is None or link_ms >= self._retry_ms

    # Moves Wi-Fi along; whether there is a network to speak over.
    def _on_air(self, wifi, link_ms: int) -> bool:  # type: ignore[no-untyped-def]
        if not self.rising and self._client.state == DOWN:
            return False
        wifi.step(link_ms)
        if wifi.has_failed():
            self._client.stop("")
            self._give_up(link_ms, wifi.why)
        return wifi.is_up()  # type: ignore[no-any-return]

    # Whether the broker's address is known. It may change, so each session asks.
    def _found(self, wifi, link_ms: int) -> bool:  # type: ignore[no-untyped-def]
        from amont_node.lookup import Lookup

        if self._lookup_due_ms is None:
            self._lookup_due_ms = link_ms + _LOOKUP_MS
        address = None
        try:
            if self._lookup is None:
                self._lookup = Lookup(self._host, wifi.name_server(), self._random >> 8)  # type: ignore[assignment]
            address = self._lookup.step(link_ms)  # type: ignore[attr-defined]
        except OSError:  # it has its time all the same
            pass
        if address is None and link_ms < self._lookup_due_ms:
            return False
        self._forget_lookup()
        if address is None:
            wifi.refuse(link_ms, "mqtt: no address of %s" % self._host)
            return False
        self._client.address = (address, self._client.address[1])
        return True

    def _forget_lookup(self) -> None:
        self._lookup_due_ms = None
        if self._lookup is not None:
            self._lookup.close()
            self._lookup = None

    def _came_up(self, link_ms: int) -> None:
        if self._wifi is None:
            self.fault = False
        elif self.rising:
            self.rising = False
            self.rssi_dbm = self._wifi.rssi_dbm()
            try:
                self._wifi.prove()
            except OSError as error:
                console.say("Wi-Fi: what worked cannot be kept: %s" % error)
        if self._up_since_ms is None:
            self._up_since_ms = link_ms

    def _went_down(self, link_ms: int) -> None:
        why = "mqtt: %s" % self._client.error
        if self._wifi is not None and self.rising:
            self._wifi.refuse(link_ms, why)  # told when no network is left
        elif self._wifi is not None or self._may_try(link_ms):
            self._give_up(link_ms, why)

    def _give_up(self, link_ms: int, why: str) -> None:
        self.fault = True
        self.rising = False
        self._plan_retry(link_ms)
        console.say(why)
        if self._wifi is not None:
            self.pauses = True
            self._forget_lookup()
            self._wifi.off()
            console.tell("fault", {"fault": FAULT_RADIO, "text": why, "times": self._failures})

    def _plan_retry(self, link_ms: int) -> None:
        if self._up_since_ms is not None and link_ms - self._up_since_ms >= _STABLE_MS:
            self._failures = 0
        self._up_since_ms = None
        # Full jitter: many nodes that lost the same broker must not come back together.
        least_ms, most_ms = _RETRY_MS if self._wifi is None else _RETRY_WIFI_MS
        ceiling_ms = min(least_ms << min(self._failures, _DOUBLINGS), most_ms)
        self._failures += 1
        self._random = (self._random * 1103515245 + 12345 + link_ms) & 0x7FFFFFFF
        self._retry_ms = link_ms + 50 + (self._random >> 8) % ceiling_ms

    def wait(self, wait_ms: int) -> None:
        pollable = self._client.pollable()
        if pollable is None:
            time.sleep(wait_ms / 1000)
            return
        events = select.POLLIN
        if self._client.wants_write():
            events |= select.POLLOUT
        poll = select.poll()
        poll.register(pollable, events)
        poll.poll(wait_ms)

    def close(self) -> None:
        if self._wifi is None:
            self._client.disconnect()
            return
        if self._client.state == UP:
            self._take_leave()
            self.fault = False
            self._failures = 0
            self._retry_ms = None
        self._client.stop("")
        self._up_since_ms = None
        self.rising = False
        self._forget_lookup()
        self._wifi.off()

    # The radio must not go before the broker has heard it; it answers by closing.
    def _take_leave(self) -> None:
        self._client.leave()
        for _ in range(_FAREWELL_MS // _FAREWELL_STEP_MS):
            self._client.step(self._now_ms)
            if self._client.state == DOWN:
                return
            self.wait(_FAREWELL_STEP_MS)
