# Four sensors on a board that is not there, at the least cost of heap: what the drivers ask of the
# module `machine`, of the one wire and of the clock. Every reading works; none takes time.

import sys

from amont_node.drivers import buses

_ADS1115 = 0x48


class Pin:
    IN, OUT, OPEN_DRAIN, PULL_UP = 0, 1, 2, 3

    def __init__(self, number, mode=0, pull=0, value=0) -> None:
        pass

    def value(self, level=1):
        return 1


# An A02YYUW that sees 1800 mm.
class UART:
    def __init__(self, number, **form) -> None:
        self._left = 0

    def any(self) -> int:
        self._left = 4 - self._left
        return self._left

    def read(self, most=4) -> bytes:
        return b"\xff\x07\x08\x0e"


# An ADS1115 with 12 mA in its shunt, and a PCF8583 that counts.
class I2C:
    def __init__(self, number, **form) -> None:
        self._word = b"\x00\x00"
        self._ram = bytearray(64)
        self._ram[0] = 0x20

    def readfrom_mem(self, address, register, count) -> bytes:
        if address == _ADS1115:
            return self._word if register else b"\x38\x40"
        return bytes(self._ram[register : register + count])

    def writeto_mem(self, address, register, data) -> None:
        if address == _ADS1115:
            self._word = bytes((data[0] | 0x80, data[1]))
        else:
            self._ram[register : register + len(data)] = data


# A DS18B20 at 25.0625 degrees, as its datasheet's table has it.
def reset(_pin) -> bool:
    global _at
    _at = 0
    return True


def writebyte(_pin, byte) -> None:
    pass


def readbyte(_pin) -> int:
    global _at
    _at += 1
    return _THERMOMETER[_at - 1]


_THERMOMETER = b"\x91\x01\x4b\x46\x7f\xff\x0f\x10\x25"
_at = 0


def sleep_ms(_ms) -> None:
    pass


def ticks_ms() -> int:
    return 0


def ticks_diff(later, earlier) -> int:
    return later - earlier


here = sys.modules[__name__]
sys.modules["machine"] = sys.modules["_onewire"] = buses.clock = here
