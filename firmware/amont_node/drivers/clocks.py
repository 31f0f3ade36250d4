# The clock chip that a board's configuration names.

from amont_node.drivers import buses


# rtc: "ds3231" or "pcf8563"; i2c: {"id", "scl", "sda"}. The chip has `read_s()`: Unix seconds, or
# None where it stood still; `set_s(unix_s)`; and an alarm that ends a sleep: `arm(unix_s)`,
# `fired()`, `release()`. All raise ProbeError where it does not answer.
# ValueError: no such chip, or a bus that cannot be.
def make_clock(rtc: str, i2c):  # type: ignore[no-untyped-def]
    bus = buses.i2c({"i2c": i2c})
    if rtc == "ds3231":
        from amont_node.drivers.ds3231 import Ds3231

        return Ds3231(bus)
    if rtc == "pcf8563":
        from amont_node.drivers.pcf8563 import Pcf8563

        return Pcf8563(bus)
    raise ValueError("board.rtc: %s is not known here" % rtc)
