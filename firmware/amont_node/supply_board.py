# The rest of hal_board, for a board whose sleep forgets: the clock chip, the supply's switch, deep
# sleep. It touches `machine` inside functions only.


# The clock chip of a board, see drivers/clocks.py.
def clock_chip(folder: str, board, clock):  # type: ignore[no-untyped-def]  # noqa: ARG001
    from amont_node.drivers.clocks import make_clock

    return make_clock(board.rtc, board.i2c)


# Unix seconds for the board's own calendar; its Clock does not feel it in this boot.
def set_wall(wall_s: int) -> None:
    from machine import RTC  # type: ignore[import-not-found]

    from amont_node.drivers.calendar import calendar

    year, month, day, hour, minute, second, weekday = calendar(wall_s)
    RTC().datetime((year, month, day, weekday, hour, minute, second, 0))


# pin: what keeps the supply on while it is high; None: the clock chip alone does.
def hold_supply(pin: int | None) -> None:
    if pin is not None:
        from machine import Pin

        Pin(pin, Pin.OUT).value(1)


# The supply falls, and with it this board; returns where it does not. The clock chip switches it
# on again.
def release_supply(pin: int | None, clock, until_s: int, moved) -> None:  # type: ignore[no-untyped-def]  # noqa: ARG001
    if pin is not None:
        from machine import Pin

        Pin(pin, Pin.OUT).value(0)


# Until that second of the clock, or until the float switch closes. wiring: config.FloatConfig of a
# switch that may end it, or None. Ends in a boot.
def deep_sleep(clock, until_s: int, wiring, moved) -> None:  # type: ignore[no-untyped-def]  # noqa: ARG001
    import machine

    if wiring is not None:
        import esp32  # type: ignore[import-not-found]

        level = esp32.WAKEUP_ANY_HIGH if wiring.active else esp32.WAKEUP_ALL_LOW
        pull = machine.Pin.PULL_DOWN if wiring.active else machine.Pin.PULL_UP
        esp32.wake_on_ext0(machine.Pin(wiring.pin, machine.Pin.IN, pull), level)
    machine.deepsleep(max(1, clock.real_ms_until(until_s)))
