# The board of a real station: the only file of a release that touches `machine` (wlan.py has
# `network`, drivers/buses.py the buses, radio_sx126x.py the radio's), and only inside functions,
# so that importing it moves no pin. The twin of hal_unix: the same functions.
#
# Tried on MicroPython's Unix port with a `machine` of the test's own; what the chips themselves do
# is to be read on a bench (docs/rigs.md).

import gc
import os
import time

from amont_node.pair import make_folder
from amont_wire import const

SLEEPS = True  # rest() takes far less than waiting on a carrier
_RESTART = "restart"  # main.py writes it as well
_NAP_MS = 2000  # well under the least watchdog, which goes on counting in light sleep


# Seconds since the board's epoch, through sleep; link_ms never wraps. From the chip's clock once,
# then by its ticks: an RP2040's calendar stands still in light sleep (MicroPython 1.24 to 1.29).
class Clock:
    def __init__(self, path: str | None) -> None:  # noqa: ARG002
        self._ticks_ms = time.ticks_ms()  # type: ignore[attr-defined]
        self._link_ms = 0
        self._origin_s = int(time.time())

    def link_ms(self) -> int:
        now_ms = time.ticks_ms()  # type: ignore[attr-defined]
        passed_ms = time.ticks_diff(now_ms, self._ticks_ms)  # type: ignore[attr-defined]
        self._link_ms += passed_ms
        self._ticks_ms = now_ms
        return self._link_ms

    def now_s(self) -> int:
        return self._origin_s + self.link_ms() // 1000

    def real_ms_until(self, clock_s: int) -> int | None:
        return max(0, (clock_s - self._origin_s) * 1000 - self.link_ms())

    def is_virtual(self) -> bool:
        return False


class Watchdog:
    def __init__(self, timeout_s: int) -> None:
        from machine import WDT  # type: ignore[import-not-found]

        self._dog = WDT(timeout=min(timeout_s * 1000, 8300))  # an RP2040 counts to 8,388 ms

    def feed(self) -> None:
        self._dog.feed()

    # No chip lets go of its watchdog.
    def stop(self) -> None:
        pass


# timeout_s: None: no watchdog is asked for.
def watchdog(timeout_s: int | None) -> Watchdog | None:
    return None if timeout_s is None else Watchdog(timeout_s)


# Light sleep in naps, the watchdog fed between them. dog: None or a Watchdog. Without one somebody
# may be at the cable, which light sleep would cut off: then it stays awake. moved: None, or what
# ends it early once it returns True.
def rest(ms: int, dog, moved=None) -> None:  # type: ignore[no-untyped-def]
    import machine

    began_ms = time.ticks_ms()  # type: ignore[attr-defined]
    while True:
        before_ms = time.ticks_ms()  # type: ignore[attr-defined]
        nap_ms = min(ms - time.ticks_diff(before_ms, began_ms), _NAP_MS)  # type: ignore[attr-defined]
        if nap_ms <= 0 or (moved is not None and moved()):
            return
        if dog is not None:
            machine.lightsleep(nap_ms)
            dog.feed()
            # A host on the cable, or a radio that is not quiet yet, ends it at once.
            nap_ms -= time.ticks_diff(time.ticks_ms(), before_ms)  # type: ignore[attr-defined]
        if nap_ms > 0 and not (moved is not None and moved()):
            time.sleep_ms(nap_ms)  # type: ignore[attr-defined]


# Why this boot happened, in the wire's codes. Ports name the causes that they tell apart; whoever
# resets the board leaves a file, for an RP2040 calls that the watchdog's doing.
def reset_cause() -> int:
    import machine

    try:
        os.remove(_RESTART)
        return const.RESET_SOFT
    except OSError:
        pass
    cause = machine.reset_cause()
    for name, code in (
        ("PWRON_RESET", const.RESET_POWER),
        ("WDT_RESET", const.RESET_WATCHDOG),
        ("DEEPSLEEP_RESET", const.RESET_DEEP_SLEEP),
        ("SOFT_RESET", const.RESET_SOFT),
        ("BROWN_OUT_RESET", const.RESET_BROWN_OUT),
    ):
        if getattr(machine, name, None) == cause:
            return code
    return const.RESET_UNKNOWN


# Start again; does not return.
def reset() -> None:
    import machine

    try:
        open(_RESTART, "w").close()
    except OSError:
        pass
    machine.reset()


# pin: the button's, to ground; None: there is none.
def button(folder: str, pin: int | None) -> bool:  # noqa: ARG001
    if pin is None:
        return False
    from machine import Pin

    return bool(Pin(pin, Pin.IN, Pin.PULL_UP).value() == 0)


# The chip's calendar: (year, month, day, weekday, hour, minute, second, microsecond). new: what it
# is to be from now on. Only TLS reads it (see mqtt_carrier.py); the node's own time is Clock's.
def calendar(new=None):  # type: ignore[no-untyped-def]
    from machine import RTC

    rtc = RTC()
    if new is not None:
        rtc.datetime(new)
    return rtc.datetime()


# The board's Wi-Fi.
def wlan():  # type: ignore[no-untyped-def]
    from amont_node.wlan import Station

    return Station(calendar)


# The float switch. wiring: config.FloatConfig.
def float_closed(folder: str, wiring) -> bool:  # type: ignore[no-untyped-def]  # noqa: ARG001
    from machine import Pin

    pull = Pin.PULL_DOWN if wiring.active else Pin.PULL_UP
    return bool(Pin(wiring.pin, Pin.IN, pull).value() == wiring.active)


# What a sleep that forgets needs, and nothing else does.
def supply():  # type: ignore[no-untyped-def]
    from amont_node import supply_board

    return supply_board


# The folder for what must survive: the board's own littlefs holds it.
def flash_folder(root: str, image: str | None, blocks: int) -> str:  # noqa: ARG001
    make_folder(root + "/flash")
    return root + "/flash"


def free_heap_bytes() -> int:
    gc.collect()
    return gc.mem_free()  # type: ignore[attr-defined,no-any-return]
