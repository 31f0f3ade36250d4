"""The relay module on its bus, against pymodbus's server on a serial line with faults in it."""

import math
import os
import threading
import time

import pytest
from tests.bench.siren_bus import COIL, ISOLATE_COIL, WAIT_S, Bus
from tests.bench.siren_line import Line

from amont_guard import modbus
from amont_guard.modbus import ModbusRelay
from amont_guard.relay import Output, RelayError, make_relay


@pytest.fixture
def bus():
    made = Bus(Line(seed=1))
    yield made
    made.close()


@pytest.fixture
def output(bus):
    return Output(bus.relay, bus.siren)


def until(true):
    deadline_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline_s, "waited too long"
        time.sleep(0.002)


def looks(bus, output, count, on=False, rounds=True):
    """Let some seconds pass for the guard; the bus has a round or two in each, if asked for."""
    start_s = 0.0 if math.isinf(output._watch.last_s) else output._watch.last_s
    for second in range(1, count + 1):
        output.drive(on, start_s + second)
        if rounds:
            bus.settle()
        output.look(start_s + second)
    return output.findings(start_s + count)


def test_it_switches_nothing_before_the_first_command(bus, output):
    bus.settle()
    assert bus.module.written == []
    assert output.found is False


def test_the_contact_that_is_found_closed_is_told_at_start():
    line = Line()
    line.on = True
    made = Bus(line)
    assert Output(made.relay, made.siren).found is True
    assert line.on, "nobody has decided yet"
    made.close()


def test_it_switches_reads_back_and_measures(bus, output):
    assert looks(bus, output, 3, on=True) == {}
    assert output.confirmed() is True
    assert output.measured()["horn_ma"] == pytest.approx(4_000, rel=0.02)
    assert looks(bus, output, 3) == {}
    assert output.confirmed() is False


def test_a_silent_test_over_the_bus_is_not_heard(bus, output):
    heard = []
    output.start_test(0.0)
    for second in range(1, 31):
        output.drive(False, float(second))
        bus.settle()
        output.look(float(second))
        heard.append(bus.line.sounds())
    assert output.end_test(31.0) == {}
    assert not any(heard)
    assert (COIL, True) in bus.module.written
    assert (ISOLATE_COIL, True) in bus.module.written


def test_what_is_wanted_is_written_again_after_the_module_lost_it(bus, output):
    output.drive(True, 1.0)
    bus.settle()
    bus.line.on = False  # as after its own restart
    bus.settle()
    assert bus.line.on


def test_the_loop_waits_for_no_bus(bus, output):
    bus.settle()
    bus.wire.broken = True
    asked = threading.Event()
    real = modbus.minimalmodbus.Instrument.write_bit

    def hang(*args):
        asked.set()
        assert released.wait(WAIT_S)
        return real(*args)

    released = threading.Event()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modbus.minimalmodbus.Instrument, "write_bit", hang)
        output.drive(True, 1.0)
        assert asked.wait(WAIT_S)
        # the bus thread stands still, and all that the loop calls returns
        output.drive(False, 2.0)
        output.look(2.0)
        output.drive(True, 3.0)
        assert bus.module.written == []
        patch.setattr(modbus, "STALE_S", 0.0)
        assert output.confirmed() is None, "a thread that hangs is no answer"
        output.look(4.0)
        assert output.error.endswith("hangs")
        released.set()
    bus.wire.broken = False
    until(lambda: bus.line.on)


def test_no_answer_is_a_fault_within_seconds_and_ends_by_itself(bus, output):
    assert looks(bus, output, 2) == {}
    bus.wire.broken = True
    until(lambda: "No communication" in bus.relay._error)
    assert looks(bus, output, 8, rounds=False) == {"output_lost": 2}
    assert output.error.startswith(bus.wire.guard_end)
    bus.wire.broken = False
    until(lambda: not bus.relay._error)
    assert looks(bus, output, 8, on=True) == {}
    assert bus.line.sounds()


def test_an_adapter_that_is_pulled_and_put_back_is_found_again(bus, output):
    assert looks(bus, output, 2) == {}
    bus.wire.hang_up()
    until(lambda: bus.relay._error)
    until(lambda: not bus.relay._error)
    assert looks(bus, output, 3, on=True) == {}
    assert bus.line.sounds()


def damaged(answer):
    return answer[:-1] + bytes([answer[-1] ^ 0x55])


@pytest.mark.parametrize(
    "trouble",
    [
        damaged,
        lambda answer: answer[:-2],
        lambda answer: b"\xff\x00\xff" + answer,
        lambda answer: os.urandom(len(answer)),
        lambda answer: os.urandom(600),
        lambda answer: b"",
    ],
)
def test_a_bad_line_is_a_fault_and_moves_nothing(bus, output, trouble):
    assert looks(bus, output, 2) == {}
    bus.wire.trouble = trouble
    until(lambda: bus.relay._error)
    assert looks(bus, output, 8, rounds=False) == {"output_lost": 2}
    assert not bus.line.on
    bus.wire.trouble = lambda answer: answer
    until(lambda: not bus.relay._error)
    assert looks(bus, output, 5) == {}


def test_one_damaged_answer_is_asked_for_again(bus, output):
    left = [2]

    def sometimes(answer):
        left[0] -= 1
        return damaged(answer) if left[0] >= 0 else answer

    assert looks(bus, output, 2) == {}
    bus.wire.trouble = sometimes
    bus.settle()
    assert left[0] < 0
    assert bus.relay._error == ""


def test_slow_answers_are_waited_for(bus, output):
    bus.wire.late_s = modbus.ANSWER_S / 4
    assert looks(bus, output, 2, on=True) == {}
    assert bus.line.sounds()


def test_answers_that_come_too_late_are_a_fault_and_never_taken_for_another(bus, output):
    assert looks(bus, output, 2) == {}
    bus.wire.late_s = modbus.ANSWER_S * 1.2
    until(lambda: bus.relay._error)
    with pytest.raises(RelayError):
        bus.relay.read()
    bus.wire.late_s = 0.0
    until(lambda: not bus.relay._error)
    assert looks(bus, output, 3) == {}


def test_registers_that_are_refused_are_missing_and_the_contacts_stay(bus, output):
    bus.module.refuse = {4}
    bus.settle()
    assert looks(bus, output, 22, rounds=False) == {"measure_missing": 1}
    assert output.measured()["mains"] == 1
    assert "battery_mv" not in output.measured()


def test_a_coil_that_is_refused_is_a_lost_output(bus, output):
    bus.module.refuse = {5}
    assert looks(bus, output, 1, on=True) == {}
    assert looks(bus, output, 7, on=True, rounds=False) == {"output_lost": 2}
    assert output.error.endswith("Slave reported illegal data address")


def test_the_last_command_is_written_before_it_ends(bus, output):
    looks(bus, output, 2, on=True)
    assert bus.line.on
    output.drive(False, 9.0)
    output.close()
    assert not bus.line.on
    assert not bus.relay._thread.is_alive()


def test_a_port_that_is_not_there_costs_a_fault_and_no_start(bus, tmp_path):
    bus.siren.output["port"] = str(tmp_path / "nothing")
    relay = make_relay(bus.siren, tmp_path)
    assert isinstance(relay, ModbusRelay)
    output = Output(relay, bus.siren)
    assert output.found is None
    for second in range(9):
        output.drive(False, float(second))
        output.look(float(second))
    assert output.findings(9.0) == {"output_lost": 2}
    assert "No such file" in output.error
    output.close()


def test_one_port_serves_one_siren(bus, tmp_path):
    other = make_relay(bus.siren, tmp_path)
    until(lambda: "lock" in other._error)
    bus.settle()
    assert bus.relay._error == ""
    other.close()


def test_a_siren_without_a_second_relay_writes_one_coil(bus, tmp_path):
    bus.relay.close()
    bus.siren.output["isolate_coil"] = None
    bus.siren.supervision = {}  # and nothing is measured: no register is asked for
    bus.module.refuse = {4}
    bus.relay = make_relay(bus.siren, tmp_path)
    bus.relay.switch(True, True)
    bus.settle()
    assert {coil for coil, _ in bus.module.written} == {COIL}
    assert bus.relay.read()["mute_nc"] == 1
