# Chips on I2C, after their datasheets' register maps: fakes for fakes.Board.

from fakes import Clock


class Registers:
    def __init__(self, size: int) -> None:
        self.data = bytearray(size)

    def read(self, register: int, count: int) -> bytes:
        return bytes([self.data[(register + i) % len(self.data)] for i in range(count)])

    def write(self, register: int, data: bytes) -> None:
        for i in range(len(data)):
            self.data[(register + i) % len(self.data)] = data[i]


# TI ADS1115 (SBAS444), register map: 16-bit conversion (00h) and config (01h) registers.
class Ads1115:
    RANGES_UV = (6144000, 4096000, 2048000, 1024000, 512000, 256000, 256000, 256000)

    def __init__(self, clock: Clock, inputs_uv) -> None:
        self._clock = clock
        self.inputs_uv = inputs_uv  # a function from input to microvolts
        self._config = 0x8583  # after power on
        self._conversion = 0
        self._done_us = 0
        self.never_ends = False
        self.slow_pct = 100  # "Data rate variation": 90 to 110

    def read(self, register: int, count: int) -> bytes:
        assert count == 2
        if register == 0:
            word = self._conversion
        else:
            done = self._clock.now_us >= self._done_us and not self.never_ends
            word = self._config & 0x7FFF | (0x8000 if done else 0)
        return bytes((word >> 8, word & 0xFF))

    def write(self, register: int, data: bytes) -> None:
        assert register == 1 and len(data) == 2
        self._config = data[0] << 8 | data[1]
        # "OS ... has no effect when a conversion is ongoing."
        if self._config & 0x8000 and self._clock.now_us >= self._done_us:
            rates = (8, 16, 32, 64, 128, 250, 475, 860)
            period_us = 1000000 // rates[self._config >> 5 & 7]
            self._done_us = self._clock.now_us + period_us * self.slow_pct // 100
            mux = self._config >> 12 & 7
            assert mux >= 4, "against ground"
            full_uv = self.RANGES_UV[self._config >> 9 & 7]
            code = self.inputs_uv(mux - 4) * 32768 // full_uv
            self._conversion = max(-32768, min(32767, code)) & 0xFFFF


# NXP PCF8583: control and status (00h), event counter (01h to 03h), RAM (10h to FFh).
class Pcf8583(Registers):
    def __init__(self) -> None:
        super().__init__(256)

    def pulses(self, count: int) -> None:
        if self.data[0] & 0xB0 != 0x20:
            return  # a clock, or stopped
        digits = ""
        for register in (3, 2, 1):
            digits += "%02x" % self.data[register]
        digits = "%06d" % ((int(digits) + count) % 1000000)
        for register in (1, 2, 3):
            pair = digits[6 - 2 * register : 8 - 2 * register]
            self.data[register] = int(pair[0]) * 16 + int(pair[1])

    def lose_supply(self) -> None:
        for at in range(256):
            self.data[at] = 0 if at < 16 else at * 37 & 0xFF


# Maxim DS3231, "Timekeeping Registers"; the oscillator has stopped when power was first applied.
class Ds3231(Registers):
    def __init__(self) -> None:
        super().__init__(19)
        self.data[0x0E] = 0x1C
        self.data[0x0F] = 0x88


# NXP PCF8563, "Register organization"; the bits that it does not implement read as ones here.
class Pcf8563(Registers):
    UNUSED = (0, 0, 0, 0x80, 0xC0, 0xC0, 0xF8, 0x60, 0)

    def __init__(self) -> None:
        super().__init__(16)
        self.data[0x02] = 0x80

    def read(self, register: int, count: int) -> bytes:
        found = super().read(register, count)
        return bytes(
            [
                found[i] | (self.UNUSED[register + i] if register + i < 9 else 0)
                for i in range(count)
            ]
        )
