# Whole nodes with sensors on a board that is not there: what a probe says, up to the outbox.

import os

from chips import Ads1115, Pcf8583
from fakes import A02, Board, Silence, Thermometer, install

from amont_node.config import ConfigStore, NodeConfig, save_secret
from amont_node.node import Node, hal
from amont_wire import const

CHIP = {"kind": "pcf8583", "i2c": {"id": 0, "scl": 5, "sda": 4}}
LEVEL = {
    "index": 0, "quantity": 1, "step": 1,
    "probe": {"kind": "a02yyuw", "uart": {"id": 1, "rx": 5}},
    "calibration": {"multiply": -1, "divide": 1, "add": 5000},
}  # fmt: skip
WATER = {"index": 1, "quantity": 6, "step": 1, "probe": {"kind": "ds18b20", "pin": 15}}
RAIN = {
    "index": 2, "quantity": 2, "step": 1,
    "probe": {"kind": "tipping_bucket", "counter": CHIP},
    "calibration": {"multiply": 200, "divide": 1, "add": 0},
}  # fmt: skip


# Domain time that the checks move.
class Time:
    def __init__(self, path) -> None:
        self.s = 0

    def now_s(self) -> int:
        return self.s

    def link_ms(self) -> int:
        return self.s * 1000

    def real_ms_until(self, clock_s: int) -> int:
        return max(0, clock_s - self.s) * 1000

    def is_virtual(self) -> bool:
        return True


# An air that takes everything and answers nothing.
class Air:
    rssi_dbm, snr_db4, fault = 0, 0, False

    def ready(self) -> bool:
        return True

    def send(self, frame, link_ms) -> bool:
        return True

    def receive(self, link_ms):
        return []

    def wait(self, wait_ms) -> None:
        pass

    def close(self) -> None:
        pass


class Bench(Node):
    def __init__(self, channels, **changes) -> None:
        folder = "node"
        clear(folder)
        os.mkdir(folder)
        data = {
            "schema": 1, "id": 17, "generation": 1, "version": 1, "interval_s": 60,
            "fast_interval_s": 60, "channels": channels, "carrier": {"kind": "radio", "port": 1},
        }  # fmt: skip
        for name in changes:
            data[name] = changes[name]
        ConfigStore(folder).save(NodeConfig(data))
        save_secret(folder, bytes(range(16)))
        real, hal.Clock = hal.Clock, Time
        try:
            super().__init__(folder, None, None)
        finally:
            hal.Clock = real

    def _make_carrier(self):
        return Air()

    # One more sample: [(value, quality) of each channel].
    def sample(self, after_s: int = 60):
        self.clock.s += after_s
        self.wake()
        life = self._life.number
        last = self.outbox.next_seq(life) - 1
        record = self.outbox.read(life, last, last)[0]
        return [
            (record.values[channel.index], record.quality >> 3 * channel.index & 7)
            for channel in self._config.channels
        ]

    def is_faulty(self) -> bool:
        return bool(self._fault_bits & const.FAULT_PROBE)


def clear(path: str) -> None:
    try:
        names = os.listdir(path)
    except OSError:
        return
    for name in names:
        try:
            os.remove(path + "/" + name)
        except OSError:
            clear(path + "/" + name)
    os.rmdir(path)


def river(distances, channels=(LEVEL,), **changes):
    board = install(Board())
    board.peers[1] = A02(distances) if isinstance(distances, list) else distances
    board.chips[0x50] = Pcf8583()
    board.wire = Thermometer(board.clock, 160)
    install(board)
    return Bench(list(channels), **changes), board


def check_value_and_quality_reach_the_outbox() -> None:
    node, board = river([1800], (LEVEL, WATER, RAIN))
    assert node.sample() == [(3200, 0), (1000, 0), (0, 1)]
    board.chips[0x50].pulses(7)
    assert node.sample() == [(3200, 0), (1000, 0), (1400, 0)]
    assert not node.is_faulty()
    node.close()


def check_a_flood_goes_through_as_it_is() -> None:
    node, board = river([4000])
    for minute in range(1, 11):
        range_mm = 4000 - 220 * minute
        board.peers[1].distances = [range_mm + wave for wave in (0, 50, 70, 0, -70, -50, 0)]
        value, quality = node.sample()[0]
        assert quality == 0 and abs(value - (5000 - range_mm)) <= 70
    node.close()


# A sensor for 1 m makes 3520 uA a minute of the same flood, one for 10 m 352.
def check_a_flood_is_no_step_whatever_the_span() -> None:
    for span_mm in (1000, 2000, 5000, 10000):
        begin_mm, rise_mm = span_mm // 10, min(2200, span_mm * 8 // 10)
        board = install(Board())
        level = [begin_mm]
        board.chips[0x48] = Ads1115(
            board.clock,
            lambda n: (4000 + 16000 * level[0] // span_mm) * 150,  # noqa: B023
        )
        channel = {
            "index": 0, "quantity": 9, "step": 1,
            "probe": {"kind": "ads1115_420ma", "i2c": CHIP["i2c"]},
            "calibration": {"multiply": span_mm, "divide": 16000, "add": -span_mm // 4},
        }  # fmt: skip
        node = Bench([channel])
        for at_mm in range(0, rise_mm + 1, 220):
            level[0] = begin_mm + at_mm
            value, quality = node.sample()[0]
            assert quality == 0 and abs(value - level[0]) <= 1 + span_mm // 8000, span_mm
        level[0] -= 600
        assert node.sample()[0][1] == 1
        node.close()


def check_a_step_is_sent_marked_and_counts_for_the_marks() -> None:
    node, board = river([4000], high_mark=2500)
    assert node.sample() == [(1000, 0)]
    board.peers[1].distances = [2000]
    assert node.sample() == [(3000, 1)]
    assert node.duty.fast(node.tick_s())  # it is told at once: the guard judges
    assert node.sample() == [(3000, 0)]
    node.close()


def check_one_dead_sensor_costs_its_own_value() -> None:
    node, board = river([1800], (LEVEL, WATER))
    assert node.sample() == [(3200, 0), (1000, 0)]
    board.peers[1] = Silence()
    install(board)
    node._probes[0]._probe._bus._uart = None  # the line is opened again
    assert node.sample() == [(3200, 4), (1000, 0)] and node.is_faulty()
    board.peers[1] = A02([1700])
    node._probes[0]._probe._bus._uart = None
    assert node.sample() == [(3300, 0), (1000, 0)] and not node.is_faulty()
    node.close()


def check_a_healthy_channel_does_not_hide_a_broken_one() -> None:
    node, board = river([1800], (LEVEL, WATER))
    board.held_low.append(15)
    assert node.sample() == [(3200, 0), (0, 4)] and node.is_faulty()
    assert node.sample() == [(3200, 0), (0, 4)] and node.is_faulty()
    node.close()


def check_what_cannot_be_made_costs_one_channel() -> None:
    wrong = {"index": 1, "quantity": 6, "step": 1, "probe": {"kind": "oracle"}}
    node, _ = river([1800], (LEVEL, wrong))
    assert node.sample() == [(3200, 0), (0, 4)] and node.is_faulty()
    node.close()


class Mad:
    def read(self, clock_s):
        raise ZeroDivisionError("a mistake of ours")


def check_a_programming_error_does_not_end_the_wake() -> None:
    node, _ = river([1800])
    node._probes[0] = Mad()
    assert node.sample() == [(0, 4)] and node.is_faulty()
    node.close()


def check_pulses_that_could_not_be_stored_are_told_again() -> None:
    node, board = river([1800], (RAIN,))
    node.sample()
    board.chips[0x50].pulses(3)
    store = node.outbox._store

    def full(records) -> None:
        raise OSError(28)

    node.outbox._store = full
    node.clock.s += 60
    node.wake()
    node.outbox._store = store
    board.chips[0x50].pulses(4)
    assert node.sample() == [(1400, 0)]
    node.close()


def check_a_counter_that_fails_when_it_is_told() -> None:
    node, board = river([1800], (RAIN,))
    node.sample()
    board.chips[0x50].pulses(3)

    def broken(register, data) -> None:
        raise OSError(5)

    chip = board.chips[0x50]
    chip.write, kept = broken, chip.write
    assert node.sample() == [(600, 0)] and node.is_faulty()
    chip.write = kept
    chip.pulses(1)
    assert node.sample() == [(800, 0)]  # told twice rather than not at all
    node.close()


def check_a_looks_costs_little_and_stores_nothing() -> None:
    node, board = river([1800])
    node.sample()
    before_us, waiting = board.clock.now_us, node.outbox.waiting()
    node._look(node.tick_s())
    assert node.outbox.waiting() == waiting
    assert board.clock.now_us - before_us < 500000
    node.close()
