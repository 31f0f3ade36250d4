# A board that is not there: the module `machine`, its clock, and what hangs on its pins. Fakes,
# each after the document that it names; time passes only when somebody waits.

import sys

from amont_node import measure
from amont_node.drivers import buses
from amont_node.measure import ProbeError


# What a call is refused with.
def refused(call, *arguments) -> str:
    try:
        call(*arguments)
    except ProbeError as error:
        return str(error)
    raise AssertionError("taken")


_TICKS = 1 << 30  # MicroPython's ticks_ms begins anew there


class Clock:
    def __init__(self) -> None:
        self.now_us = 0

    def sleep_us(self, wait_us: int) -> None:
        self.now_us += wait_us

    def sleep_ms(self, wait_ms: int) -> None:
        assert 0 < wait_ms <= 250, "no wait without the watchdog"
        self.now_us += wait_ms * 1000

    def ticks_ms(self) -> int:
        return self.now_us // 1000 % _TICKS

    def ticks_diff(self, a: int, b: int) -> int:
        return (a - b + _TICKS // 2) % _TICKS - _TICKS // 2


# The module `machine`. Pins are high unless something drives or holds them.
class Board:
    def __init__(self) -> None:
        self.clock = Clock()
        self.levels = {}
        self.held_low = []  # pins that somebody else holds
        self.watching = {}  # pin: called with the level that it is set to
        self.chips = {}  # I2C: address to chip
        self.peers = {}  # UART: id to who is at the other end
        self.shares = {}  # ADC: pin to 0 to 65535
        self.echo_us = lambda: -2
        self.late_us = 0  # from the trigger to the echo
        self.high_until_us = {}  # pins that a module holds high so long
        self.wire = NoWire()
        self.counted = {}  # Counter: pin to pulses
        self.fed = 0
        self.stuck_clocks = 0  # clocks that a chip needs until it lets the data line go
        board = self

        class Pin(_Pin):
            home = board

        class UART(_Uart):
            home = board

        class I2C(_I2c):
            home = board

        class ADC(_Adc):
            home = board

        class Counter(_Counter):
            home = board

        self.Pin, self.UART, self.I2C, self.ADC, self.Counter = Pin, UART, I2C, ADC, Counter

    # MicroPython waits so long for the pulse, and then for its end. JSN-SR04T, mode 1: without an
    # echo the pin stays high until 60 ms after the trigger.
    def time_pulse_us(self, pin, level: int, timeout_us: int) -> int:
        assert level == 1
        echo_us = self.echo_us()
        triggered_us = self.clock.now_us
        self.clock.now_us += self.late_us if echo_us > 0 else 0
        if 0 < echo_us <= timeout_us:
            self.clock.now_us += echo_us
            return echo_us
        self.clock.now_us += timeout_us
        if echo_us > timeout_us:
            self.high_until_us[pin.number] = triggered_us + 60000
        return -1 if echo_us > timeout_us else echo_us

    def level(self, number: int) -> int:
        if self.high_until_us.get(number, 0) > self.clock.now_us:
            return 1
        return 0 if number in self.held_low else self.levels.get(number, 1)

    # What drives a pin, and whoever watches it.
    def drive(self, number: int, level: int) -> None:
        self.levels[number] = level  # whoever waits for an edge drives one
        if number in self.watching:
            self.watching[number](level)

    def feed(self) -> None:
        self.fed += 1


# Let the drivers find this board.
def install(board: Board) -> Board:
    sys.modules["machine"] = board
    sys.modules["_onewire"] = board.wire
    buses.clock = board.clock
    buses._made.clear()
    measure.on_wait = board.feed
    return board


def remove() -> None:
    for name in ("machine", "_onewire"):
        if name in sys.modules:
            del sys.modules[name]
    buses._made.clear()
    measure.on_wait = None


class _Pin:
    IN, OUT, OPEN_DRAIN, PULL_UP, IRQ_FALLING, IRQ_RISING = 0, 1, 2, 3, 4, 8

    def __init__(self, number, mode=0, pull=None, value=None) -> None:
        self.number = number
        if value is not None:
            self.home.drive(number, value)

    def value(self, level=None):
        if level is None:
            return self.home.level(self.number)
        self.home.drive(self.number, level)

    def irq(self, handler, trigger) -> None:
        assert trigger == self.IRQ_FALLING | self.IRQ_RISING
        self.home.watching[self.number] = lambda level: handler(self)


class _Adc:
    def __init__(self, pin) -> None:
        self._number = pin.number

    def read_u16(self) -> int:
        return self.home.shares[self._number]


class _Counter:
    FALLING = 2

    def __init__(self, number, pin, edge) -> None:
        self._number = pin.number
        assert edge == self.FALLING
        self.home.counted[self._number] = 0

    def value(self) -> int:
        return self.home.counted[self._number]


class _I2c:
    def __init__(self, number, scl, sda, freq, timeout) -> None:
        assert timeout <= 100000
        self._scl, self._sda = scl.number, sda.number
        self.home.watching[self._scl] = self._clocked

    def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
        return self._chip(address).read(register, count)

    def writeto_mem(self, address: int, register: int, data: bytes) -> None:
        self._chip(address).write(register, bytes(data))

    def _chip(self, address: int):
        if self._sda in self.home.held_low:
            self.home.clock.sleep_ms(50)
            raise OSError(110)
        if address not in self.home.chips:
            raise OSError(5)
        return self.home.chips[address]

    # NXP UM10204, "Bus clear": the chip lets go once its byte is clocked out.
    def _clocked(self, level: int) -> None:
        if level and self.home.stuck_clocks:
            self.home.stuck_clocks -= 1
            if not self.home.stuck_clocks:
                self.home.held_low.remove(self._sda)


class _Uart:
    INV_TX, INV_RX = 1, 2

    def __init__(
        self, number, baudrate, bits, parity, stop, timeout, rx, tx=None, invert=0
    ) -> None:
        assert timeout == 0 and stop == 1
        self._peer = self.home.peers[number]
        self._peer.opened(self.home.clock, (baudrate, bits, parity, invert))
        if tx is not None:
            self.home.watching[tx.number] = self._peer.level
        self._open = True

    def any(self) -> int:
        assert self._open
        return self._peer.waiting()

    def read(self, most=None) -> bytes:
        assert self._open
        return self._peer.take(self._peer.waiting() if most is None else most)

    def write(self, data: bytes) -> None:
        assert self._open
        self._peer.heard(bytes(data))

    def flush(self) -> None:
        self._peer.flushed()

    def deinit(self) -> None:
        self._open = False


# The other end of a serial line. A line that is set up in another form carries noise.
class Peer:
    FORM = (9600, 8, None, 0)

    def __init__(self) -> None:
        self._coming = []  # (when, byte)
        self._noise = False
        self._sent_us = 0
        self.echoes = False  # one wire for both ways
        self.holds = False  # an ESP32 shows what came only once the line is quiet

    def opened(self, clock: Clock, form) -> None:
        self.clock = clock
        self._noise = form != self.FORM
        self._coming = []

    def waiting(self) -> int:
        self.before_look()
        shown = [at_us for at_us, _ in self._coming if at_us <= self.clock.now_us]
        quiet_us = 2 * self.byte_us()
        if self.holds and shown and self.clock.now_us < shown[-1] + quiet_us:
            # the run of bytes that is under way is not shown yet
            at = len(shown) - 1
            while at > 0 and shown[at] - shown[at - 1] < quiet_us:
                at -= 1
            return at
        return len(shown)

    def take(self, most: int) -> bytes:
        count = min(most, self.waiting())
        data = bytes([byte for _, byte in self._coming[:count]])
        self._coming = self._coming[count:]
        return data

    def heard(self, data: bytes) -> None:
        if self.echoes:
            self.say(self.clock.now_us, data)
        self._sent_us = self.clock.now_us + len(data) * self.byte_us()
        self.asked(data, self._sent_us)

    def flushed(self) -> None:
        self.clock.now_us = max(self.clock.now_us, self._sent_us)

    def byte_us(self) -> int:
        return 10000000 // self.FORM[0]

    # Bytes that come one after the other from then on.
    def say(self, at_us: int, data: bytes) -> None:
        for i in range(len(data)):
            byte = data[i] ^ 0x5B if self._noise else data[i]
            self._coming.append((at_us + (i + 1) * self.byte_us(), byte))

    def level(self, level: int) -> None:
        pass  # whoever knows a break

    def before_look(self) -> None:
        pass  # whoever talks by himself

    def asked(self, data: bytes, at_us: int) -> None:
        pass  # whoever answers


# Nobody.
class Silence(Peer):
    pass


# DFRobot SEN0311 (A02YYUW): a frame of FF, high, low, sum each 100 ms.
class A02(Peer):
    PERIOD_US = 100000

    def __init__(self, distances) -> None:
        super().__init__()
        self.distances = distances  # a list that is walked in a ring, or what gives the next bytes
        self._next_us = 0
        self._at = 0

    def frame(self, distance) -> bytes:
        if isinstance(distance, bytes):
            return distance
        head = bytes((0xFF, distance >> 8, distance & 0xFF))
        return head + bytes((sum(head) & 0xFF,))

    def before_look(self) -> None:
        while self._next_us <= self.clock.now_us:
            self.say(self._next_us, self.frame(self.distances[self._at % len(self.distances)]))
            self._at += 1
            self._next_us += self.PERIOD_US

    def opened(self, clock: Clock, form) -> None:
        super().opened(clock, form)
        self._next_us = clock.now_us + 30000
        self._at = 0


# MODBUS Application Protocol V1.1b3: 6.3, 6.4 and 7, over RTU. CRC by the table-free rule of
# MODBUS over Serial Line V1.02, written apart from the driver's.
def modbus_crc(data: bytes) -> bytes:
    register = 0xFFFF
    for byte in data:
        register = register ^ byte
        for _ in range(8):
            carry = register % 2
            register = register // 2
            if carry:
                register = register ^ 0xA001
    return bytes((register % 256, register // 256))


class ModbusSlave(Peer):
    def __init__(self, address: int, registers) -> None:
        super().__init__()
        self._address = address
        self.registers = registers
        self.requests = []
        self.spoil = lambda answer: answer
        self.busy = 0  # requests that it does not answer

    def asked(self, data: bytes, at_us: int) -> None:
        self.requests.append(data)
        if data[-2:] != modbus_crc(data[:-2]) or data[0] != self._address:
            return
        if self.busy:
            self.busy -= 1
            return
        first, count = data[2] << 8 | data[3], data[4] << 8 | data[5]
        words = [self.registers.get(n) for n in range(first, first + count)]
        if data[1] not in (3, 4):
            body = bytes((data[0], data[1] | 0x80, 1))
        elif None in words:
            body = bytes((data[0], data[1] | 0x80, 2))
        else:
            body = bytes((data[0], data[1], 2 * count))
            for word in words:
                body += bytes((word >> 8, word & 0xFF))
        self.say(at_us + 4000, self.spoil(body + modbus_crc(body)))


# SDI-12 version 1.4: 4.4 (commands), 7 (timing), negative logic.
class Sdi12Sensor(Peer):
    FORM = (1200, 7, 0, 3)

    def __init__(self, address: str, wait_s: int, values) -> None:
        super().__init__()
        self.address = address
        self.wait_s = wait_s
        self.values = values  # texts, one for each D command
        self.count = sum([text.count("+") + text.count("-") for text in values])
        self.commands = []
        self.spoil = lambda answer: answer
        self.deaf = 0  # commands that it sleeps through
        self.break_us = 12000  # a spacing that it takes for a break
        self.mark_us = 8330
        self.wakes_us = 0  # from the end of a break until it listens
        self._break_us = None
        self._awake_us = None  # when marking began after a break
        self._ready_us = 0
        self._has_crc = False

    # The data line: high is spacing.
    def level(self, level: int) -> None:
        now_us = self.clock.now_us
        if level and self._break_us is None:
            self._break_us = now_us
        elif not level and self._break_us is not None:
            if now_us - self._break_us >= self.break_us:
                self._awake_us = now_us
            self._break_us = None

    def asked(self, data: bytes, at_us: int) -> None:
        begun_us = at_us - len(data) * self.byte_us()
        least_us = max(self.mark_us, self.wakes_us)
        if self._awake_us is None or not least_us <= begun_us - self._awake_us <= 100000:
            return
        self._awake_us = None
        text = data.decode()
        self.commands.append(text)
        if self.deaf:
            self.deaf -= 1
            return
        if text[0] != self.address or text[-1] != "!":
            return
        self._answer(text[1:-1], at_us + 9000)

    def _answer(self, command: str, at_us: int) -> None:
        if command[0] in "MC":
            self._has_crc = command[1:2] == "C"
            count = "%02d" % self.count if command[0] == "C" else "%d" % self.count
            self.reply(at_us, "%03d" % self.wait_s + count, False)
            self._ready_us = at_us + self.wait_s * 1000000
            if command[0] == "M" and self.wait_s:
                self._ready_us -= 500000
                self.reply(self._ready_us, "", False)  # the service request
        elif command[0] == "D":
            ready = self.clock.now_us >= self._ready_us and int(command[1]) < len(self.values)
            self.reply(at_us, self.values[int(command[1])] if ready else "", self._has_crc)

    def reply(self, at_us: int, body: str, has_crc: bool) -> None:
        data = (self.address + body).encode()
        if has_crc:
            crc = 0
            for byte in data:
                crc = crc ^ byte
                for _ in range(8):
                    crc = crc // 2 ^ (0xA001 if crc % 2 else 0)
            data += bytes((0x40 + crc // 4096, 0x40 + crc // 64 % 64, 0x40 + crc % 64))
        self.say(at_us, self.spoil(data + b"\r\n"))


# No thermometer on the wire.
class NoWire:
    def reset(self, _pin) -> bool:
        return False


# Maxim DS18B20: reset, SKIP ROM, CONVERT T (750 ms at 12 bits), READ SCRATCHPAD.
class Thermometer:
    def __init__(self, clock: Clock, temp_16: int) -> None:
        self._clock = clock
        self.temp_16 = temp_16  # sixteenths of a degree
        self.config = 0x7F
        self.spoil = lambda data: data
        self._register = 0x0550  # what it says after power on
        self._done_us = None
        self._state = ""
        self._out = b""

    def reset(self, _pin) -> bool:
        self._state = "rom"
        return True

    def writebyte(self, _pin, byte: int) -> None:
        if self._state == "rom":
            self._state = "function" if byte == 0xCC else ""
        elif self._state == "function" and byte == 0x44:
            self._done_us = self._clock.now_us + 750000
            self._state = ""
        elif self._state == "function" and byte == 0xBE:
            self._state = "out"
            self._out = self._scratchpad()

    def readbyte(self, _pin) -> int:
        byte, self._out = (self._out[0], self._out[1:]) if self._out else (0xFF, b"")
        return byte

    def _scratchpad(self) -> bytes:
        if self._done_us is not None and self._clock.now_us >= self._done_us:
            self._register = self.temp_16 & 0xFFFF
        body = bytes(
            (self._register & 0xFF, self._register >> 8, 0x4B, 0x46, self.config, 0xFF, 0x0C, 0x10)
        )
        return self.spoil(body + bytes((maxim_crc(body),)))


# CRC-8 of Maxim's application note 27, a bit at a time.
def maxim_crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        for i in range(8):
            mix = (crc ^ byte >> i) & 1
            crc = crc >> 1 ^ 0x8C * mix
    return crc
