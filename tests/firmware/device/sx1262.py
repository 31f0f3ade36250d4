# A chip SX1262 at the level of its commands, on a simulated SPI bus, in virtual time; an air that
# several of them share; and the modules `time` and `machine` of the board that it is wired to.
#
# After the data sheet of the SX1261/2, Rev. 2.1: chapter 8.2 and 9 (modes, BUSY), 10 (SPI), 13
# (commands), 15 (limitations: 15.2, 15.4), 6.1.4 (time on air). What it does not know, it calls
# wrong: a command while BUSY, one that it has not, one in a mode that does not allow it.
# Not modelled: (G)FSK, noise, currents, DIO2 and DIO3 as pins.

POR_US = 3500
COLD_US = 3500
WARM_US = 340
COMMAND_US = 150  # what a board's interpreter takes for one command
BYTE_US = 4  # at 2 MHz
PIN_US = 15  # one look at a pin
TCXO_US = 1500  # what the oscillator takes to start

SLEEP, RC, XOSC, FS, RX, TX = 0, 2, 3, 4, 5, 6
TX_DONE, RX_DONE, PREAMBLE, HEADER, HEADER_ERROR = 1, 2, 4, 16, 32
CRC_ERROR, CAD_DONE, CAD_FOUND, TIMEOUT = 64, 128, 256, 512
XOSC_START_ERROR = 0x20


class Clock:
    def __init__(self) -> None:
        self.us = 1000000
        self.chips = []
        self.limit_us = None  # nothing of ours may wait so long
        self._quiet_us = 0  # nothing happens before

    def advance(self, us: int) -> None:
        end = self.us + us
        if end < self._quiet_us:
            self.us = end
            return
        if self.limit_us is not None and end > self.limit_us:
            raise AssertionError("it waits without an end")
        while True:
            nexts = [at for at in [chip.next_us() for chip in self.chips] if at is not None]
            if not nexts or min(nexts) > end:
                break
            self.us = max(self.us, min(nexts))
            for chip in self.chips:
                chip.update()
        self.us = end
        for chip in self.chips:
            chip.update()
        nexts = [at for at in [chip.next_us() for chip in self.chips] if at is not None]
        self._quiet_us = min(nexts) if nexts else end + 1000000

    # Something has changed: what comes next has to be found anew.
    def stir(self) -> None:
        self._quiet_us = 0


# The module `time`.
class Time:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def ticks_us(self) -> int:
        return self._clock.us

    def ticks_ms(self) -> int:
        return self._clock.us // 1000

    def ticks_diff(self, a: int, b: int) -> int:
        return a - b

    def ticks_add(self, a: int, b: int) -> int:
        return a + b

    def sleep_us(self, us: int) -> None:
        self._clock.advance(max(1, us))

    def sleep_ms(self, ms: int) -> None:
        self._clock.advance(max(1, ms * 1000))

    def sleep(self, s) -> None:
        self._clock.advance(int(s * 1000000))

    def time(self) -> int:
        return self._clock.us // 1000000


# A frame on its way. Times in us.
class Flight:
    def __init__(self, begin_us, frame, how, preamble, rssi_dbm, snr_db4, is_damaged) -> None:
        freq, sf, bw_khz, cr, inverted, sync = how
        self.begin_us = begin_us
        self.frame = frame
        self.how = (freq, sf, bw_khz, inverted, sync)
        self.rssi_dbm = rssi_dbm
        self.snr_db4 = snr_db4
        self.is_damaged = is_damaged
        self.symbol_us = (1 << sf) * 1000 // bw_khz
        self.preamble_us = preamble * self.symbol_us
        self.header_us = (
            begin_us + self.preamble_us + (17 * self.symbol_us) // 4 + 8 * self.symbol_us
        )
        slow = self.symbol_us >= 16000
        bits = 8 * len(frame) - 4 * sf + 28 + 16
        blocks = max(0, -(-bits // (4 * (sf - 2 * slow))))
        self.end_us = begin_us + (4 * (preamble + 8 + blocks * cr) + 17) * self.symbol_us // 4


class Air:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.flights = []

    # A frame from somebody else. how: a Modulation. in_us: from now.
    def put(self, frame, how, in_us=0, rssi_dbm=-80, snr_db4=36, sync=0x1424, is_damaged=False):
        self.flights = [one for one in self.flights if one.end_us >= self.clock.us]
        flight = Flight(
            self.clock.us + in_us, bytes(frame),
            (step(how.freq_khz), how.sf, how.bw_khz, how.cr, how.inverted, sync),
            how.preamble, rssi_dbm, snr_db4, is_damaged,
        )  # fmt: skip
        self.flights.append(flight)
        self.clock.stir()
        return flight


def step(freq_khz: int) -> int:
    return (freq_khz * 1000 << 25) // 32000000


class Chip:
    # has_tcxo: its oscillator runs by DIO3's supply only.
    def __init__(self, clock: Clock, air: Air, has_tcxo: bool = False) -> None:
        self._clock = clock
        self.air = air
        self._has_tcxo = has_tcxo
        self.dio1_handler = None
        self.wrong = []  # what no chip likes
        self.sent = []  # (frame, how): as they went
        self.fault = ""  # absent, stuck, nonsense, mute (never done), low (MISO)
        self.is_in_reset = False
        self._selected = False
        clock.chips.append(self)
        self._power_on()

    def _power_on(self) -> None:
        self.mode = RC
        self.busy_until = self._clock.us + POR_US
        self.registers = {0x0736: 0x0D, 0x0740: 0x14, 0x0741: 0x24, 0x0889: 0x01, 0x08AC: 0x94,
                          0x08D8: 0xC8}  # fmt: skip
        self.buffer = bytearray(256)
        self.errors = XOSC_START_ERROR if self._has_tcxo else 0
        self.tcxo_us = None
        self.is_calibrated = not self._has_tcxo
        self.packet_type = 0
        self.freq = 0
        self.modulation = None
        self.packet = None
        self.irq = 0
        self.irq_mask = 0
        self.dio1_mask = 0
        self.dio1 = False
        self.bases = (0, 0)
        self.received = (0, 0)
        self.status = (0, 0)
        self.cad = None
        self._events = []  # (us, what, flight)
        self.settings = {}

    # A moment without supply: nobody told it to, and nobody is told.
    def brown_out(self) -> None:
        self._power_on()

    def reset_line(self, level: int) -> None:
        if level == 0:
            self.is_in_reset = True
        elif self.is_in_reset:
            self.is_in_reset = False
            if self.fault == "once":
                self.fault = ""
            self._power_on()

    # --- time

    def next_us(self):
        times = [event[0] for event in self._events if event[0] > self._clock.us]
        now = self._clock.us
        for flight in self.air.flights:
            for at in (flight.begin_us + 1, flight.begin_us + 5 * flight.symbol_us,
                       flight.header_us, flight.end_us):  # fmt: skip
                if at > now:
                    times.append(at)
        return min(times) if times else None

    def update(self) -> None:
        self._hear()
        now = self._clock.us
        due = [event for event in self._events if event[0] <= now]
        self._events = [event for event in self._events if event[0] > now]
        for _, what, flight in due:
            getattr(self, "_" + what)(flight)

    def busy(self) -> int:
        if self.fault == "absent":
            return 0
        if self.fault in ("stuck", "once"):
            return 1
        return int(self.is_in_reset or self.mode == SLEEP or self._clock.us < self.busy_until)

    def _raise(self, flags: int) -> None:
        self.irq |= flags & self.irq_mask
        level = bool(self.irq & self.dio1_mask)
        if level and not self.dio1 and self.dio1_handler is not None:
            self.dio1 = True
            self.dio1_handler(None)
        self.dio1 = level

    # --- receiving

    def _how(self):
        sf, bw, cr, _ = self.modulation
        bw_khz = {4: 125, 5: 250, 6: 500}[bw]
        sync = self.registers[0x0740] << 8 | self.registers[0x0741]
        return self.freq, sf, bw_khz, bool(self.packet[4]), sync

    def _hear(self) -> None:
        if self.mode != RX or self.packet_type != 1 or self.modulation is None:
            return
        if any([event[1] in ("header", "whole", "cad_over") for event in self._events]):
            return
        now = self._clock.us
        for flight in self.air.flights:
            locks_us = flight.begin_us + flight.preamble_us - 4 * flight.symbol_us
            if flight.how == self._how() and flight.begin_us <= now <= locks_us:
                self._events = [event for event in self._events if event[1] != "rx_over"]
                seen_us = max(now, flight.begin_us) + 4 * flight.symbol_us
                self._events.append((seen_us, "preamble", flight))
                self._events.append((flight.header_us, "header", flight))
                return

    def _preamble(self, flight) -> None:  # noqa: ARG002
        self._raise(PREAMBLE)

    def _header(self, flight) -> None:
        self._raise(HEADER)
        self._events.append((flight.end_us, "whole", flight))

    def _whole(self, flight) -> None:
        frame = flight.frame
        self.buffer[self.bases[1] : self.bases[1] + len(frame)] = frame
        self.received = (len(frame), self.bases[1])
        self.status = (-2 * flight.rssi_dbm, flight.snr_db4 & 0xFF)
        damaged = flight.is_damaged or self._loses(flight)
        if self.fault != "mute":
            self._raise(RX_DONE | (CRC_ERROR if damaged else 0))
        if not self.continuous:
            self.mode = RC

    # 15.4: with the wrong bit longer packets are lost.
    def _loses(self, flight) -> bool:
        usual = 0 if self.packet[4] else 4
        return self.registers[0x0736] & 4 != usual and len(flight.frame) > 20

    def _rx_over(self, flight) -> None:  # noqa: ARG002
        self._raise(TIMEOUT)
        self.mode = RC

    def _tx_over(self, flight) -> None:
        if self.fault != "mute":
            self.mode = RC
            self._raise(TX_DONE)
        self.sent.append(flight)

    def _cad_over(self, flight) -> None:  # noqa: ARG002
        symbols, _, _, exit_mode, timeout = self.cad
        now = self._clock.us
        found = False
        for other in self.air.flights:
            looked_us = (2 * (1 << symbols) + 1) * other.symbol_us // 2
            seen = other.begin_us <= now - looked_us // 2
            if other.how == self._how() and seen and now <= other.begin_us + other.preamble_us:
                found = True
        if self.fault == "mute":
            return
        if found and exit_mode == 1:
            self.mode = RX
            self.continuous = False
            self._events.append((now + timeout * 15625 // 1000, "rx_over", None))
        else:
            self.mode = RC
        self._raise(CAD_DONE | (CAD_FOUND if found else 0))

    # --- SPI

    def select(self, level: int) -> None:
        if level == 0 and not self._selected:
            self._selected = True
            self._in = bytearray()
            if self.mode == SLEEP and not self.is_in_reset:
                self.mode = RC
                self.busy_until = self._clock.us + (WARM_US if self.is_warm else COLD_US)
                if self._has_tcxo:
                    self.errors |= XOSC_START_ERROR
                if not self.is_warm:
                    self._power_on()
        elif level == 1 and self._selected:
            self._selected = False
            if self._in:
                self._clock.advance(COMMAND_US)
                self._end()

    def transfer(self, byte: int) -> int:
        self._clock.advance(BYTE_US)
        if self.fault in ("absent", "stuck", "once"):
            return 0xFF
        if self.fault == "low":
            return 0
        if self.fault == "nonsense":
            return (self._clock.us * 73 >> 3) & 0xFF
        if not self._in and self.busy():
            self.wrong.append("command %02x while busy" % byte)
        self._in.append(byte)
        return self._out(len(self._in) - 1)

    # What it says while the byte of that place comes in.
    def _out(self, at: int) -> int:
        status = self.mode << 4 | 2
        op = self._in[0]
        read = {
            0x11: [self.packet_type],
            0x12: [self.irq >> 8, self.irq & 0xFF],
            0x17: [self.errors >> 8, self.errors & 0xFF],
            0x13: list(self.received),
            0x14: [self.status[0], self.status[1], self.status[0]],
        }.get(op)
        if read is not None:
            return read[at - 2] if 2 <= at < 2 + len(read) else status
        if op == 0x1D and at >= 4:
            return self.registers.get((self._in[1] << 8 | self._in[2]) + at - 4, 0)
        if op == 0x1E and at >= 3:
            return self.buffer[(self._in[1] + at - 3) & 0xFF]
        return status

    def _end(self) -> None:
        if self.fault in ("absent", "stuck", "once", "nonsense", "low"):
            return
        self._clock.stir()
        op, data = self._in[0], bytes(self._in[1:])
        names = {
            0x80: "standby", 0x82: "rx", 0x83: "tx", 0x84: "sleep", 0x86: "frequency",
            0x88: "cad_params", 0x89: "calibrate", 0x8A: "packet_type", 0x8B: "modulation",
            0x8C: "packet", 0x8E: "power", 0x8F: "bases", 0x93: "fallback", 0x95: "pa",
            0x96: "regulator", 0x97: "tcxo", 0x98: "image", 0x9D: "dio2", 0xC5: "cad",
            0x02: "clear_irq", 0x07: "clear_errors", 0x08: "set_irq", 0x0D: "write",
            0x0E: "write_buffer",
        }  # fmt: skip
        if op in names:
            self.busy_until = max(self.busy_until, self._clock.us + 100)
            getattr(self, "_do_" + names[op])(data)
        elif op not in (0x11, 0x12, 0x13, 0x14, 0x17, 0x1D, 0x1E, 0xC0):
            self.wrong.append("command %02x is none" % op)

    def _idle(self) -> None:
        for _, what, flight in self._events:
            if what == "tx_over":
                self.air.flights.remove(flight)
        self._events = []

    def _do_standby(self, data) -> None:
        self._idle()
        self._runs("standby") if data[0] else None
        self.mode = XOSC if data[0] else RC

    def _do_sleep(self, data) -> None:
        if self.mode not in (RC, XOSC):
            self.wrong.append("sleep in mode %d" % self.mode)
        self._idle()
        self.is_warm = bool(data[0] & 4)
        self.mode = SLEEP

    # The oscillator has to run for this.
    def _runs(self, what: str) -> None:
        if self._has_tcxo and self.tcxo_us is None:
            self.errors |= XOSC_START_ERROR
            self.wrong.append("%s without the oscillator" % what)
        elif self._has_tcxo and self.mode in (SLEEP, RC):
            self.busy_until = self._clock.us + self.tcxo_us
            if self.tcxo_us < TCXO_US:
                self.errors |= XOSC_START_ERROR

    def _is_ready(self, what: str) -> bool:
        self._runs(what)
        for name, there in (
            ("LoRa", self.packet_type == 1), ("frequency", self.freq), ("packet", self.packet),
            ("modulation", self.modulation), ("calibration", self.is_calibrated),
            ("image calibration", self.settings.get("image") == b"\xd7\xdb"),
            ("clamp of 15.2", self.registers[0x08D8] & 0x1E == 0x1E),
        ):  # fmt: skip
            if not there:
                self.wrong.append("%s without %s" % (what, name))
                return False
        if self.registers[0x0736] & 4 != (0 if self.packet[4] else 4):
            self.wrong.append("%s with the polarity of 15.4 wrong" % what)
        return True

    def _do_rx(self, data) -> None:
        self._idle()
        if self._is_ready("rx"):
            timeout = data[0] << 16 | data[1] << 8 | data[2]
            self.continuous = timeout == 0xFFFFFF
            self.mode = RX
            if timeout and not self.continuous:
                at = self._clock.us + timeout * 15625 // 1000
                self._events.append((at, "rx_over", None))

    def _do_tx(self, data) -> None:  # noqa: ARG002
        self._idle()
        if not self._is_ready("tx"):
            return
        self.mode = TX
        length = self.packet[2]
        frame = bytes(self.buffer[self.bases[0] : self.bases[0] + length])
        freq, sf, bw_khz, inverted, sync = self._how()
        how = (freq, sf, bw_khz, self.modulation[2] + 4, inverted, sync)
        flight = Flight(self._clock.us, frame, how, self.packet[0], -80, 36, False)
        flight.power = self.settings.get("power")
        self.air.flights.append(flight)
        self._events.append((flight.end_us, "tx_over", flight))

    def _do_cad(self, data) -> None:  # noqa: ARG002
        self._idle()
        if self._is_ready("cad") and self.cad is not None:
            self.mode = RX
            self.continuous = False
            symbol_us = (1 << self.modulation[0]) * 8
            look_us = (2 * (1 << self.cad[0]) + 1) * symbol_us // 2
            start_us = max(self.busy_until, self._clock.us)
            self._events.append((start_us + look_us, "cad_over", None))

    def _do_cad_params(self, data) -> None:
        self.cad = (data[0], data[1], data[2], data[3], data[4] << 16 | data[5] << 8 | data[6])

    def _do_frequency(self, data) -> None:
        self.freq = int.from_bytes(data[:4], "big")

    def _do_packet_type(self, data) -> None:
        self.packet_type = data[0]

    def _do_modulation(self, data) -> None:
        slow = (1 << data[0]) * 8 >= 16000 and data[1] == 4
        if data[3] != slow:
            self.wrong.append("low data rate optimisation is wrong")
        self.modulation = tuple(data[:4])

    def _do_packet(self, data) -> None:
        self.packet = (data[0] << 8 | data[1], data[2], data[3], data[4], data[5])

    def _do_bases(self, data) -> None:
        self.bases = (data[0], data[1])

    def _do_write(self, data) -> None:
        at = data[0] << 8 | data[1]
        for offset, value in enumerate(data[2:]):
            self.registers[at + offset] = value

    def _do_write_buffer(self, data) -> None:
        for offset, value in enumerate(data[1:]):
            self.buffer[(data[0] + offset) & 0xFF] = value

    def _do_set_irq(self, data) -> None:
        self.irq_mask = data[0] << 8 | data[1]
        self.dio1_mask = data[2] << 8 | data[3]

    def _do_clear_irq(self, data) -> None:
        self.irq &= ~(data[0] << 8 | data[1])
        self.dio1 = bool(self.irq & self.dio1_mask)

    def _do_clear_errors(self, data) -> None:  # noqa: ARG002
        self.errors = 0

    def _do_tcxo(self, data) -> None:
        self.settings["tcxo"] = data[0]
        self.tcxo_us = int.from_bytes(data[1:4], "big") * 15625 // 1000

    def _do_calibrate(self, data) -> None:
        self.busy_until = self._clock.us + 3500
        self.is_calibrated = data[0] & 0x7F == 0x7E or data[0] & 0x7F == 0x7F
        self.errors = 0
        self._runs("calibration")

    def _do_image(self, data) -> None:
        self.settings["image"] = bytes(data)

    def _do_power(self, data) -> None:
        self.settings["power"] = (self.settings.get("pa"), data[0])

    def _do_pa(self, data) -> None:
        self.settings["pa"] = bytes(data)

    def _do_regulator(self, data) -> None:
        if self.mode != RC:
            self.wrong.append("regulator in mode %d" % self.mode)
        self.settings["regulator"] = data[0]

    def _do_dio2(self, data) -> None:
        self.settings["dio2"] = data[0]

    def _do_fallback(self, data) -> None:
        self.settings["fallback"] = data[0]


def pins(machine):
    class Pin:
        IN, OUT, PULL_UP, PULL_DOWN, IRQ_RISING = 0, 1, 2, 3, 4

        def __init__(self, number, mode=None, pull=None, value=None) -> None:  # noqa: ARG002
            self.number = number
            if value is not None:
                self(value)

        def init(self, mode=None, pull=None, value=None) -> None:  # noqa: ARG002
            if value is not None:
                self(value)

        def __call__(self, *value):
            return machine.pin(self.number, *value)

        value = __call__

        def irq(self, handler=None, trigger=None) -> None:  # noqa: ARG002
            machine.chip.dio1_handler = handler

    return Pin


def bus(machine):
    class SPI:
        def __init__(self, number, baudrate=0, polarity=0, phase=0, sck=None, mosi=None,
                     miso=None) -> None:  # fmt: skip
            assert (polarity, phase) == (0, 0)
            assert baudrate <= 16000000

        def write_readinto(self, out, into) -> None:
            for at in range(len(out)):
                into[at] = machine.chip.transfer(out[at])

        def write(self, out) -> None:
            for byte in out:
                machine.chip.transfer(byte)

        def readinto(self, into, fill=0) -> None:
            for at in range(len(into)):
                into[at] = machine.chip.transfer(fill)

    return SPI


# The module `machine` of a board to which one chip is wired.
class Machine:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.chip = None
        self.levels = {}  # of outputs that are not the chip's
        self.Pin = pins(self)
        self.SPI = bus(self)

    def idle(self) -> None:
        self.clock.advance(100)

    # SETTINGS below has the numbers.
    def pin(self, number, *value):
        chip = self.chip
        if value:
            if number == 13:
                chip.select(value[0])
            elif number == 3:
                chip.reset_line(value[0])
            else:
                self.levels[number] = value[0]
            return None
        if number == 2:
            self.clock.advance(PIN_US)
            return chip.busy()
        if number == 17:
            return int(chip.dio1)
        return self.levels.get(number, 0)


SETTINGS = {
    "spi": {"id": 1, "sck": 10, "mosi": 11, "miso": 12}, "cs": 13, "busy": 2, "reset": 3,
    "dio1": 17, "tcxo_mv": None,
}  # fmt: skip
