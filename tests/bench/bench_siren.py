"""Faults at a siren's output: found or not, how soon, and how often nothing is called something.

The guard's real ``Output`` drives the wires of ``siren_line`` three ways: directly, over
gpiozero's mock pins with an SPI converter, and over a real Modbus RTU server on a serial line.
Seconds are the guard's own: a look each second, nothing sleeps but the bus. In the simulated year
every second in which anything disturbs a reading is looked at, with the one before and all after
it until nothing lasts; a look without disturbance changes nothing, which a test holds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.siren_bus import Bus
from tests.bench.siren_line import (
    CHANNELS,
    IDLE_FAULTS,
    MORE_IDLE,
    MORE_TEST,
    PLACES,
    SOUNDING,
    TEST_FAULTS,
    TWELVE,
    Line,
    LineRelay,
    siren,
)
from tests.bench.siren_pins import Pins

from amont_guard import supervise
from amont_guard.relay import Output

NAMES = (
    "siren.planted_supervisor_caught", "siren.faults_found_gpio", "siren.faults_found_modbus",
    "siren.found_idle_max_s", "siren.found_at_test_max_s", "siren.more_faults_found",
    "siren.false_findings_a_year", "siren.heard_in_silent_tests", "siren.on_before_a_decision",
)  # fmt: skip
IDLE_S, CALM_S, LIMIT_S = 60, 5, 120
YEAR_S, DAY_S = 365 * 86_400, 86_400
DISTURBED = 0.000_2, 0.001  # of all seconds, for each of the readings: quick, full
BURSTS, BURST_S = 300, 4  # a year, lightning and radios: every other measure, every tenth contact
DIPS, DIP_S = 100, 4  # of the mains
# a converter whose channel is dead reads nothing, and a flat battery; a register is refused
ON_PINS = {"meter dead": "battery_low"}
ALL = TWELVE | MORE_IDLE | MORE_TEST | SOUNDING
Case = Callable[[Line], Any]


class Wires:
    """The wires with nothing in between."""

    def __init__(self, line: Line) -> None:
        self.line, self.relay = line, LineRelay(line)
        self.siren = siren({
            "kind": "modbus", "readback_input": 0, "isolate_readback_input": 1,
        })  # fmt: skip

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass


class Rig:
    """One siren at work, second by second."""

    def __init__(self, way: Case, seed: int) -> None:
        self.line = Line(seed)
        self.way = way(self.line)
        self.output = Output(self.way.relay, self.way.siren)
        self.now_s = 1_000.0
        self.heard = 0
        self.events: list[str] = []

    def second(self, on: bool = False) -> dict[str, int]:
        self.now_s += 1
        self.output.drive(on, self.now_s)
        self.way.settle()
        self.heard += not on and self.line.sounds()
        self.events += self.output.look(self.now_s)
        return self.output.findings(self.now_s)

    def test(self) -> dict[str, int]:
        """Run a silent test for as long as the state machine gives it, and return its result."""
        self.output.start_test(self.now_s)
        for _ in range(60):
            self.second()
        return self.output.end_test(self.now_s)

    def close(self) -> None:
        self.way.close()


def seconds_to_find(way: Case, fault: str, code: str, seed: int) -> int | None:
    """Plant one fault and return after how many seconds its code stands; None: never."""
    rig = Rig(way, seed)
    try:
        for _ in range(CALM_S):
            assert rig.second() == {}, (fault, rig.output.findings(rig.now_s))
        rig.line.fault = fault
        if fault in TEST_FAULTS | MORE_TEST:
            rig.output.start_test(rig.now_s)
        for passed_s in range(1, LIMIT_S):
            if code in rig.second(on=fault in SOUNDING):
                return passed_s
        return None
    finally:
        rig.close()


def found(way: Case, faults: dict[str, str], seed: int) -> dict[str, int]:
    """Return the faults that were found, with their seconds."""
    times = {fault: seconds_to_find(way, fault, code, seed) for fault, code in faults.items()}
    return {fault: seconds for fault, seconds in times.items() if seconds is not None}


def disturbances(chance: random.Random, span_s: int, share: float) -> dict[int, set[str]]:
    """Return which readings are disturbed in which second of a year."""
    readings = [name for name in (*PLACES, *CHANNELS) if name != "bypass"]
    disturbed: dict[int, set[str]] = {}
    for reading in readings:
        for _ in range(int(span_s * share)):
            disturbed.setdefault(chance.randrange(span_s), set()).add(reading)
    for many, length_s, likely in (
        (BURSTS, BURST_S, dict.fromkeys(PLACES, 0.1) | dict.fromkeys(CHANNELS, 0.5)),
        (DIPS, DIP_S, {"mains": 1.0}),
    ):
        for _ in range(many * span_s // YEAR_S):
            start_s = chance.randrange(span_s)
            for at_s in range(start_s, start_s + length_s):
                hit = {name for name in readings if chance.random() < likely.get(name, 0.0)}
                disturbed.setdefault(at_s, set()).update(hit)
    return disturbed


def noisy_year(seed: int, span_s: int, share: float) -> tuple[int, int]:
    """Return what was found or asked though nothing was wrong, and seconds the horn was heard."""
    chance, rig = random.Random(seed), Rig(Wires, seed)
    disturbed = disturbances(chance, span_s, share)
    tests = {day * DAY_S + 36_000 for day in range(span_s // DAY_S)}
    during = {at + s for at in tests for s in range(61)}
    moments = sorted(disturbed.keys() | during)
    false, failed, before = 0, 0, set()
    for at_s in moments:
        while rig.now_s < at_s - 1:  # until nothing lasts, then to the second before
            if not rig.output._watch._lasted:
                rig.now_s = at_s - 2.0
            rig.line.flips = set()
            before, false = _count(rig, before, false)
        rig.line.flips = disturbed.get(at_s, set())
        if at_s in tests:
            rig.output.start_test(rig.now_s)
        before, false = _count(rig, before, false)
        if at_s - 60 in tests:
            failed += bool(rig.output.end_test(rig.now_s))
    rig.close()
    asked = [event for event in rig.events if event != "bypass over"]
    return false + failed + len(asked), rig.heard


def _count(rig: Rig, before: set[str], false: int) -> tuple[set[str], int]:
    now = rig.second().keys()
    return set(now), false + len(now - before)


def on_before_decision(seed: int, boots: int) -> int:
    """Return how many of many starts, each with the contact found as chance has it, command on."""
    chance, commanded = random.Random(seed), 0
    for _ in range(boots):
        line = Line(chance.randrange(10**6))
        line.on, line.isolate = chance.random() < 0.5, chance.random() < 0.5
        way = Wires(line)
        output = Output(way.relay, way.siren)
        assert way.relay.switched == []
        assert output.found is line.closed()
        for second in range(chance.randrange(1, 20)):
            output.look(float(second))
            output.drive(False, float(second))
        commanded += any(on for on, _ in way.relay.switched)
    return commanded


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield what ``NAMES`` lists; ``full`` runs the whole year and every fault on the bus."""
    yield _planted(seed)
    gpio = found(Pins, TWELVE | ON_PINS, seed)
    yield _share("siren.faults_found_gpio", gpio, TWELVE)
    on_bus = TWELVE if full else {**dict(list(IDLE_FAULTS.items())[::3]), **TEST_FAULTS}
    bus = found(Bus, on_bus, seed)
    yield _share("siren.faults_found_modbus", bus, on_bus)
    idle = [seconds for times in (gpio, bus) for f, seconds in times.items() if f in IDLE_FAULTS]
    tested = [seconds for times in (gpio, bus) for f, seconds in times.items() if f in TEST_FAULTS]
    yield _limit("siren.found_idle_max_s", max(idle), IDLE_S)
    yield _limit("siren.found_at_test_max_s", max(tested), IDLE_S)
    more = MORE_IDLE | MORE_TEST | SOUNDING
    yield _share("siren.more_faults_found", found(Wires, more, seed), more)
    false, heard = noisy_year(seed, YEAR_S, DISTURBED[full])
    yield _none("siren.false_findings_a_year", false, "findings")
    yield _none("siren.heard_in_silent_tests", heard, "s")
    yield _none("siren.on_before_a_decision", on_before_decision(seed, 1_000), "of 1000 starts")


def _planted(seed: int) -> dict[str, Any]:
    """Blunt the supervisor in two ways; the harness must notice both."""
    bands, rules = dict(supervise._BANDS), dict(supervise._RULES)
    supervise._BANDS["battery_mv"] = ("", "", "")  # a threshold removed
    missed = len(TWELVE) - len(found(Wires, TWELVE, seed))
    supervise._BANDS.update(bands)
    supervise._RULES.update({code: (level, 0) for code, (level, _) in rules.items()})
    false = noisy_year(seed, DAY_S, DISTURBED[1])[0]  # no debounce
    supervise._RULES.update(rules)
    caught = (missed == 1) + (false > 0)
    return {
        "name": "siren.planted_supervisor_caught", "value": caught, "unit": "of 2", "goal": "2",
        "met": caught == 2,
    }  # fmt: skip


def _share(name: str, times: dict[str, int], faults: dict[str, str]) -> dict[str, Any]:
    missed = sorted(faults.keys() - times.keys())
    unit = f"of {len(faults)}" + (f", not {missed}" if missed else "")
    return {
        "name": name, "value": len(times), "unit": unit, "goal": str(len(faults)),
        "met": not missed, "trials": len(faults), "failures": len(missed),
    }  # fmt: skip


def _limit(name: str, value: int, limit: int) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": "s",
        "goal": f"<= {limit}",
        "met": value <= limit,
    }


def _none(name: str, value: int, unit: str) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "goal": "0", "met": value == 0}
