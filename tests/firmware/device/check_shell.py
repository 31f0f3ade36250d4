# The thin shell: what a board's hal does to `machine`, how long a node stays awake, its console.

import os
import sys

import amont_node
import main as loader
from amont_node import awake, console, hal_board, hal_unix


class Pin:
    IN, PULL_UP, PULL_DOWN, OUT = 0, 1, 2, 3
    level = 1

    def __init__(self, number: int, mode: int, pull: int) -> None:
        self.wiring = (number, mode, pull)

    def value(self) -> int:
        return self.level


class Wdt:
    made = []

    def __init__(self, timeout: int) -> None:
        self.timeout_ms = timeout
        self.fed = 0
        Wdt.made.append(self)

    def feed(self) -> None:
        self.fed += 1


class Machine:
    PWRON_RESET, WDT_RESET, SOFT_RESET = 1, 3, 5
    Pin = Pin
    WDT = Wdt
    cause = 1

    def __init__(self) -> None:
        self.naps = []
        self.resets = 0
        self.time = Time()
        self.is_held_awake = False  # by a host on the cable

    def lightsleep(self, ms: int) -> None:
        self.naps.append(ms)
        self.time.now_ms += 3 if self.is_held_awake else ms

    def reset(self) -> None:
        self.resets += 1

    def reset_cause(self) -> int:
        return self.cause


class Time:
    now_ms = 0
    now_s = 0
    slept_ms = 0  # awake

    def ticks_ms(self) -> int:
        return self.now_ms & 0x3FFFFFFF

    def ticks_diff(self, end: int, start: int) -> int:
        return (end - start) & 0x3FFFFFFF

    def sleep_ms(self, ms: int) -> None:
        self.slept_ms += ms
        self.now_ms += ms

    def time(self) -> int:
        return self.now_s


class Trap:
    def __getattr__(self, name: str):
        raise AssertionError("the board's %s was touched" % name)


def with_machine(machine):
    kept = sys.modules.get("machine")
    sys.modules["machine"] = machine
    return kept


def put_back(kept) -> None:
    if kept is None:
        del sys.modules["machine"]
    else:
        sys.modules["machine"] = kept


def module_names():
    folder = amont_node.__file__.rsplit("/", 1)[0]
    for name in os.listdir(folder):
        if name.endswith(".py") and name != "__init__.py":
            yield "amont_node." + name[:-3]
    for name in os.listdir(folder + "/drivers"):
        if name.endswith(".py") and name != "__init__.py":
            yield "amont_node.drivers." + name[:-3]


def check_no_import_touches_hardware() -> None:
    kept = with_machine(Trap())
    sys.modules["network"] = Trap()
    try:
        for name in module_names():
            # Already imported or not: what is imported now must not touch a pin.
            sys.modules.pop(name, None) if name.startswith("amont_node.drivers.") else None
            __import__(name)
    finally:
        del sys.modules["network"]
        put_back(kept)


def check_the_board_watches_and_sleeps() -> None:
    machine = Machine()
    kept = with_machine(machine)
    real = hal_board.time
    try:
        assert hal_board.watchdog(None) is None
        dog = hal_board.watchdog(60)
        assert Wdt.made[-1].timeout_ms == 8300  # all that an RP2040 counts to
        hal_board.time = machine.time
        hal_board.rest(4500, dog)
        assert machine.naps == [2000, 2000, 500] and Wdt.made[-1].fed == 3
        assert machine.time.now_ms == 4500 and machine.time.slept_ms == 0
        hal_board.reset()
        assert machine.resets == 1
    finally:
        hal_board.time = real
        put_back(kept)


# A host that holds the board awake ends each nap at once: no busy loop, and no rest too short.
def check_a_rest_that_is_cut_short_is_made_up() -> None:
    machine = Machine()
    machine.is_held_awake = True
    kept = with_machine(machine)
    real, hal_board.time = hal_board.time, machine.time
    try:
        dog = hal_board.watchdog(8)
        hal_board.rest(900000, dog)
        assert machine.time.now_ms == 900000 and len(machine.naps) == 450
        assert Wdt.made[-1].fed == 450
    finally:
        hal_board.time = real
        put_back(kept)


# In service mode nothing sleeps, for that would cut the cable off; no watchdog: somebody is there.
def check_a_board_in_service_stays_awake() -> None:
    machine = Machine()
    kept = with_machine(machine)
    real, hal_board.time = hal_board.time, machine.time
    try:
        hal_board.rest(5000, None)
        assert not machine.naps and machine.time.slept_ms == 5000
    finally:
        hal_board.time = real
        put_back(kept)


def check_the_board_says_why_it_started() -> None:
    machine = Machine()
    kept = with_machine(machine)
    try:
        told = []
        for cause in (1, 3, 5, 77):
            machine.cause = cause
            told.append(hal_board.reset_cause())
        assert told == [1, 2, 3, 0], told
    finally:
        put_back(kept)


# To an RP2040 a reset that was asked for is the watchdog's. A port without reset ends the program.
def check_a_reset_that_was_asked_for_is_not_the_watchdogs() -> None:
    machine = Machine()
    kept = with_machine(machine)
    try:
        machine.cause = 3
        for restart in (hal_board.reset, loader.restart):
            try:
                restart()
            except SystemExit as error:
                assert error.args[0] == 70 and restart is loader.restart
            assert [hal_board.reset_cause() for _ in range(2)] == [3, 2]  # soft, then watchdog
        assert machine.resets == 2
    finally:
        put_back(kept)


def check_the_button_is_to_ground() -> None:
    kept = with_machine(Machine())
    try:
        assert not hal_board.button(".", None)
        assert not hal_board.button(".", 14)
        Pin.level = 0
        assert hal_board.button(".", 14)
        Pin.level = 1
    finally:
        put_back(kept)


def check_the_boards_clock_never_wraps() -> None:
    real = hal_board.time
    hal_board.time = Time()
    hal_board.time.now_s = 1000
    try:
        clock = hal_board.Clock(None)
        # The chip's calendar stands still in light sleep, its ticks go on.
        for day in range(1, 60):  # and wrap after twelve and a half
            hal_board.time.now_ms = day * 86400000
            assert clock.link_ms() == day * 86400000
            assert clock.now_s() == 1000 + day * 86400 and not clock.is_virtual()
        now_s = clock.now_s()
        hal_board.time.now_ms += 400
        assert clock.real_ms_until(now_s + 60) == 59600 and clock.real_ms_until(now_s) == 0
    finally:
        hal_board.time = real


def check_the_calendar_is_read_and_set() -> None:
    class Rtc:
        now = (2021, 1, 1, 4, 0, 0, 9, 0)

        def datetime(self, new=None):
            if new is None:
                return Rtc.now
            Rtc.now = new

    machine = Machine()
    machine.RTC = Rtc
    kept = with_machine(machine)
    try:
        assert hal_board.calendar()[0] == 2021
        day = (2026, 11, 23, 0, 23, 59, 0, 0)
        assert hal_board.calendar(day) == day and hal_board.calendar() == day
    finally:
        put_back(kept)


# What one board can do the other can do as well, by the same name.
def check_both_boards_offer_the_same() -> None:
    for name in ("Clock", "Watchdog", "watchdog", "rest", "reset_cause", "reset", "button",
                 "flash_folder", "free_heap_bytes", "wlan", "SLEEPS",
                 "float_closed", "supply"):  # fmt: skip
        assert hasattr(hal_board, name) and hasattr(hal_unix, name), name
    for name in ("clock_chip", "hold_supply", "release_supply", "deep_sleep", "set_wall"):
        assert hasattr(hal_board.supply(), name) and hasattr(hal_unix.supply(), name), name


def check_the_unix_board_starts_again_by_its_exit() -> None:
    try:
        hal_unix.reset()
    except SystemExit as error:
        assert error.args[0] == 70
    else:
        raise AssertionError("it went on")
    assert hal_unix.watchdog(None) is None


def check_the_unix_clock_stops_where_its_line_ends() -> None:
    path = "clock-that-ends"

    def write(line: str) -> None:
        with open(path, "w") as file:
            file.write(line)

    try:
        write("1000 500 10")
        assert hal_unix.Clock(path).now_s() > 700  # it has no end
        write("1000 500 10 700")
        clock = hal_unix.Clock(path)
        assert clock.now_s() == 700 and 0 < clock.real_ms_until(710) <= 1001
        for line, now_s in (("1000 500 10 800 9", 700), ("1000 500 10 800", 800)):
            write(line)
            clock._read_at_ms = None  # its time to read again has come
            assert clock.now_s() == now_s
    finally:
        os.remove(path)


def check_a_watchdog_that_is_fed_and_stopped() -> None:
    dog = hal_unix.watchdog(5)
    dog.feed()
    dog.stop()
    hal_unix.rest(20, dog)


def check_awake_for_too_long() -> None:
    bound = awake.Awake(60)
    for ms in range(0, 60001, 1000):
        bound.note(ms, True)
        bound.bound(ms, 900)
        assert not bound.rests(ms // 1000)
    bound.note(60500, True)
    bound.bound(60500, 900)
    assert bound.rests(61) and bound.rests(899) and not bound.rests(900)
    bound.note(70000, False)  # every answer came: counted from the next frame on
    bound.note(100000, True)
    bound.bound(160000, 1800)
    assert not bound.rests(160)


def check_the_console_is_silent_out_of_service() -> None:
    said = []
    kept, console.print = getattr(console, "print", print), said.append
    try:
        console.begin(False)
        console.tell("fault", {"text": "x"})
        assert not said and not console.listens()
        console.begin(True)
        console.tell("fault", {"text": "x"})
        assert said[0][:7] == "amont {" and '"event": "fault"' in said[0]
    finally:
        console.print = kept
        console.begin(False)
