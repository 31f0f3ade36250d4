# A board whose supply a clock chip switches: the node as it ships with hal_board, on a `machine`
# of ours. Its supply is on while INT is low, the gate pin is high, a float switch's pulse lasts,
# or a cable is in. Time passes only when somebody waits. What goes with the supply is lost here.

import sys

import clock_chips
import vfs
from chip import Chip

from amont_node import hal_board, measure
from amont_node import node as node_module
from amont_node.config import ConfigStore, NodeConfig, save_secret
from amont_node.drivers import buses
from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Opener, Sealer
from amont_wire.messages import Ack, Time, decode

MOUNT = "/gate"
SECRET = bytes(range(16))
ID = 17
GATE_PIN, FLOAT_PIN = 12, 13
BOOT_MS = 1500
PULSE_MS = 5000  # of the float switch, through its capacitor
ANSWER_MS = 250
WATCHDOG_MS = 8300
CHIPS = {"ds3231": (clock_chips.Ds3231, 0x68), "pcf8563": (clock_chips.Pcf8563, 0x51)}


# Not an Exception: nothing on the node may survive it.
class PowerOff(BaseException):
    pass


class World:
    def __init__(self, rtc: str) -> None:
        self.ms = 0  # real time
        kind, address = CHIPS[rtc]
        self.chip = kind(self.now_s)
        self.address = address
        self.flash = Chip()
        self.cable = True
        self.gate = 0
        self.pulse_until_ms = 0
        self.is_closed = False  # the float switch
        self.boot_ms = 0
        self.fed_ms = 0
        self.cause = 1
        self.stays_on = False  # the gate is wired wrong
        self.cut_after = 0  # points until the supply is gone anyway; 0: none
        self.calendar = None  # what the board's own was set to
        self.deep_ms = None
        self.float_wakes = False
        self.moments = []  # (ms, what) to happen while time passes

    def now_s(self) -> int:
        return self.ms // 1000

    def is_on(self) -> bool:
        return (
            self.cable or self.stays_on or self.gate == 1 or self.ms < self.pulse_until_ms
            or (self.chip.is_there and self.chip.interrupts())
        )  # fmt: skip

    # Whatever the board does passes here.
    def point(self) -> None:
        dead = self.flash.cut_at and self.flash.operations >= self.flash.cut_at
        if self.cut_after == 1 or dead:
            self.flash.cut_at = 1
            raise PowerOff()
        if self.cut_after:
            self.cut_after -= 1
        if not self.is_on():
            raise PowerOff()
        assert self.ms - self.fed_ms <= WATCHDOG_MS, "the watchdog bites"

    def pass_ms(self, ms: int) -> None:
        end_ms = self.ms + ms
        while self.moments and self.moments[0][0] <= end_ms:
            at_ms, act = self.moments.pop(0)
            self.ms = max(self.ms, at_ms)
            act()
        self.ms = end_ms
        self.point()

    def close_float(self) -> None:
        if not self.is_closed:
            self.pulse_until_ms = self.ms + PULSE_MS
        self.is_closed = True

    def open_float(self) -> None:
        self.is_closed = False

    # No supply: until something switches it on again. False: nothing does, so long.
    def dark(self, most_s: int) -> bool:
        self.gate = 0
        end_ms = self.ms + most_s * 1000
        while self.ms < end_ms:
            if self.is_on():
                return True
            step_ms = min(64000, end_ms - self.ms)
            if self.moments:
                step_ms = min(step_ms, max(1000, self.moments[0][0] - self.ms))
            kept = bytes(self.chip.data), self.chip._seen_s, self.ms
            self.ms += step_ms - self.ms % 1000
            if self.chip.interrupts():
                self.chip.data[:], self.chip._seen_s, self.ms = kept
                while not self.chip.interrupts():
                    self.ms += 1000 - self.ms % 1000
            while self.moments and self.moments[0][0] <= self.ms:
                self.moments.pop(0)[1]()
        return False


# The modules `machine` and `time` of the board.
class Machine:
    PWRON_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 3, 4, 5

    def __init__(self, world: World) -> None:
        machine = self
        self.world = world

        class Pin(_Pin):
            home = machine

        class I2C(_I2c):
            home = machine

        class WDT:
            def __init__(self, timeout: int) -> None:
                assert timeout <= WATCHDOG_MS

            def feed(self) -> None:
                machine.world.fed_ms = machine.world.ms

        class RTC:
            def datetime(self, values) -> None:
                machine.world.calendar = values

        self.Pin, self.I2C, self.WDT, self.RTC = Pin, I2C, WDT, RTC

    def lightsleep(self, ms: int) -> None:
        self.world.pass_ms(ms)

    def deepsleep(self, ms: int) -> None:
        self.world.deep_ms = ms
        raise PowerOff()

    def reset(self) -> None:
        raise PowerOff()

    def reset_cause(self) -> int:
        return self.world.cause

    # --- time

    def ticks_ms(self) -> int:
        self.world.point()
        return (self.world.ms - self.world.boot_ms) & 0x3FFFFFFF

    def ticks_diff(self, end: int, start: int) -> int:
        return (end - start) & 0x3FFFFFFF

    def time(self) -> int:
        if self.world.cause == self.DEEPSLEEP_RESET:
            return 1609459200 + self.world.now_s()
        return 1609459200 + (self.world.ms - self.world.boot_ms) // 1000

    def sleep_ms(self, ms: int) -> None:
        self.world.pass_ms(ms)

    def sleep_us(self, us: int) -> None:
        pass


class _Pin:
    IN, OUT, OPEN_DRAIN, PULL_UP, PULL_DOWN = 0, 1, 2, 3, 4

    def __init__(self, number: int, mode: int = 0, pull=None, value=None) -> None:
        self._number = number

    def value(self, level=None):
        world = self.home.world
        if level is None:
            world.point()
            return int(not (world.is_closed and self._number == FLOAT_PIN))
        if self._number == GATE_PIN:
            world.gate = level
        world.point()


class _I2c:
    def __init__(self, number, scl, sda, freq, timeout) -> None:
        pass

    def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
        return self._chip(address).read(register, count)

    def writeto_mem(self, address: int, register: int, data: bytes) -> None:
        self._chip(address).write(register, bytes(data))
        self.home.world.point()

    def _chip(self, address: int):
        world = self.home.world
        world.point()
        if address != world.address or not world.chip.is_there:
            raise OSError(5)
        return world.chip


class Esp32:
    WAKEUP_ANY_HIGH, WAKEUP_ALL_LOW = 1, 0

    def __init__(self, world: World) -> None:
        self._world = world

    def wake_on_ext0(self, pin, level: int) -> None:
        self._world.float_wakes = level == self.WAKEUP_ALL_LOW


# The guard's part, and the memory of all that was ever on the air.
class Guard:
    def __init__(self) -> None:
        self._opener = Opener(SECRET, ID, 1, const.UPLINK)
        self._sealer = Sealer(
            SECRET, ID, 1, const.DOWNLINK, ReservedCounter(0, lambda limit: None)
        )
        self._floor = {}
        self.readings = {}  # (life, seq): (tick, value)
        self.frames = {}  # counter: the frame
        self.told = []  # (ms, type, frame)
        self.hellos = self.reused = 0
        self.wrong = 0  # a reading that came again with another value
        self.health = None
        self.away = False
        self.time = None  # (wall_s, quality) to be told with the next answer

    def take(self, frame: bytes, ms: int):
        header, body = self._opener.open(frame)
        self.reused += self.frames.setdefault(header.counter, frame) != frame
        message = decode(header.type, body)
        self.told.append((ms, header.type))
        self.hellos += header.type == const.HELLO
        if header.type == const.HEALTH:
            self.health = message
        if self.away:
            return None
        life = message.life
        if header.type in (const.SAMPLES, const.URGENT):
            for seq, tick_s, channels in message.rows():
                found = (tick_s, channels[0][2])
                self.wrong += self.readings.setdefault((life, seq), found) != found
            self._floor[life] = max(self._floor.get(life, 0), message.seq - message.backlog)
        if self.time is not None:
            answer = Time(header.counter, 7, *self.time)
            self.time = None
            return self._sealer.seal(answer.TYPE, answer.encode())[1]
        return self._ack(header.counter, life)

    def _ack(self, counter: int, life: int) -> bytes:
        through = self._floor.get(life, 0) - 1
        while (life, through + 1) in self.readings:
            through += 1
        self._floor[life] = through + 1
        bits = 0
        for i in range(40):
            if (life, through + 1 + i) in self.readings:
                bits |= 1 << i
        ack = Ack(counter, 7, life, through, bits, 40, 0)
        return self._sealer.seal(const.ACK, ack.encode())[1]


class Air:
    rssi_dbm, snr_db4, fault = 0, 0, False

    def __init__(self, bench) -> None:
        self._bench = bench
        self._coming = []

    def ready(self) -> bool:
        return True

    def send(self, frame: bytes, link_ms: int) -> bool:
        bench = self._bench
        bench.world.point()
        bench.world.pass_ms(200)
        answer = bench.guard.take(frame, bench.world.ms)
        if answer is not None and bench.heard():
            self._coming.append((bench.world.ms + ANSWER_MS, answer))
        return True

    def receive(self, link_ms: int):
        now_ms = self._bench.world.ms
        here = [answer for at_ms, answer in self._coming if at_ms <= now_ms]
        self._coming = [one for one in self._coming if one[0] > now_ms]
        if here:
            self.rssi_dbm = -80
        return here

    def wait(self, wait_ms: int) -> None:
        self._bench.world.pass_ms(max(1, wait_ms))

    def close(self) -> None:
        pass


# A value that belongs to its second, and a look at whether the clock is right.
class Probe:
    def __init__(self, bench) -> None:
        self._bench = bench

    def read(self, clock_s: int):
        bench = self._bench
        late_s = bench.world.chip.time_s() - clock_s
        bench.late_s = max(bench.late_s, late_s)
        bench.early_s = max(bench.early_s, -late_s)
        bench.world.pass_ms(500)
        return value_at(clock_s), 0


def value_at(clock_s: int) -> int:
    return clock_s * 7919 // 60 % 2999


class GateNode(node_module.Node):
    bench = None

    def _make_carrier(self):
        return Air(self.bench)

    def _open_probes(self):
        return [Probe(self.bench)]

    def _fault(self, bit: int, error) -> None:
        self.bench.faults.append((bit, str(error)))
        self._fault_bits |= bit


class Bench:
    def __init__(self, rtc: str = "ds3231", sleep: str = "gate", board=None, **changes) -> None:
        self.world = World(rtc)
        self.guard = Guard()
        self.node = None
        self.faults = []
        self.late_s = self.early_s = 0
        self.boots = 0
        self.on_ms = 0
        self.heard = lambda: True
        self.was_cut = False  # the boot before ended by a cut, not by a sleep
        wiring = {"name": "esp32" if sleep == "deep" else "pico", "sleep": sleep, "rtc": rtc,
                  "i2c": {"id": 0, "scl": 1, "sda": 0}}  # fmt: skip
        wiring.update(board or {})
        data = {
            "schema": 1, "id": ID, "generation": 1, "version": 1, "interval_s": 900,
            "fast_interval_s": 60, "profile": "slow-river", "overlap": 8, "outbox_segments": 4,
            "board": wiring, "carrier": {"kind": "radio", "port": 1, "answer_ms": 3000},
            "channels": [
                {"index": 0, "quantity": 1, "probe": {"kind": "constant", "value": 1}}
            ],
        }  # fmt: skip
        data.update(changes)
        flash = self.world.flash
        vfs.VfsLfs2.mkfs(flash, progsize=64, readsize=512)
        self._mount()
        ConfigStore(MOUNT).save(NodeConfig(data))
        save_secret(MOUNT, SECRET)
        vfs.umount(MOUNT)
        flash.operations = 0

    def _mount(self) -> None:
        vfs.mount(vfs.VfsLfs2(self.world.flash, progsize=64, readsize=512), MOUNT)

    # From one boot until the supply is gone, or so much time is.
    def boot(self, most_s: int = 10**9) -> None:
        world = self.world
        self.boots += 1
        world.boot_ms = world.fed_ms = world.ms
        self._install()
        self._mount()
        self.node = None
        try:
            world.pass_ms(BOOT_MS)
            GateNode.bench = self
            self.node = GateNode(MOUNT, None, None, True)
            while world.ms - world.boot_ms < most_s * 1000:
                self.node.wake()
        except PowerOff:
            pass
        except OSError:
            assert world.flash.cut_at, "an error of the flash without a cut"
        self._cut()

    def _install(self) -> None:
        machine = Machine(self.world)
        sys.modules["machine"] = machine
        sys.modules["esp32"] = Esp32(self.world)
        hal_board.time = buses.clock = machine
        node_module.hal = hal_board
        buses._made.clear()
        measure.on_wait = None

    def _cut(self) -> None:
        world = self.world
        world.gate = 0
        self.on_ms += world.ms - world.boot_ms
        self.was_cut = bool(world.flash.cut_at)
        world.flash.cut_at = 1
        if self.node is not None:
            self.node.outbox.close()
        vfs.umount(MOUNT)
        world.flash.cut_at = 0
        world.flash.operations = 0
        world.cut_after = 0

    # Boots and sleeps as they come, so long.
    def live(self, seconds: int, dark_s: int = 100000) -> None:
        end_ms = self.world.ms + seconds * 1000
        while self.world.ms < end_ms:
            if self.world.deep_ms is not None:
                self._deep(end_ms)
            elif self.world.is_on():
                self.boot((end_ms - self.world.ms) // 1000 + 1)
            else:
                left_s = (end_ms - self.world.ms) // 1000 + 1
                woke = self.world.dark(min(dark_s, left_s))
                assert woke or left_s < dark_s, "nothing wakes it"

    def _deep(self, most_ms: int) -> None:
        world = self.world
        end_ms = world.ms + world.deep_ms
        while world.ms < end_ms and not (world.float_wakes and world.is_closed):
            if world.ms >= most_ms:
                world.deep_ms = end_ms - world.ms
                return
            world.ms += min(100, end_ms - world.ms)
            while world.moments and world.moments[0][0] <= world.ms:
                world.moments.pop(0)[1]()
        world.deep_ms = None
        world.float_wakes = False
        world.cause = Machine.DEEPSLEEP_RESET
        self.boot()
