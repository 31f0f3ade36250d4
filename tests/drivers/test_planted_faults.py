"""The checks in device/ find what they are there for: each planted fault fails one."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amont_node import config, measure
from amont_node.drivers import (
    a02yyuw,
    ads1115,
    burst,
    ds18b20,
    ds3231,
    i2c,
    jsn_sr04t,
    modbus_rtu,
    pcf8563,
    pulse,
    sdi12,
    tally,
)

DEVICE = Path(__file__).parent / "device"


class EveryChecksum:
    """Equal to every checksum."""

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


ANY = EveryChecksum()


def unsummed(self: Any, data: bytes) -> list[int]:
    """Take frames of the A02YYUW without a look at their sum."""
    return [data[at + 1] << 8 | data[at + 2] for at in range(len(data) - 3) if data[at] == 0xFF]


def smoothed(read: Callable[..., Any]) -> Callable[..., Any]:
    """Pull each value half way back to the last one, as a filter does."""

    def filtered(self: burst.Burst, ping: Any, clock_s: int) -> tuple[int, int]:
        last = self._last
        value, quality = read(self, ping, clock_s)
        return (value if last is None else (value + last) // 2), quality

    return filtered


def withheld(read: Callable[..., Any]) -> Callable[..., Any]:
    """Hold the last value when a step is doubtful."""

    def held(self: burst.Burst, ping: Any, clock_s: int) -> tuple[int, int]:
        last = self._last
        value, quality = read(self, ping, clock_s)
        return (last if quality and last is not None else value), 0

    return held


def each_closing(self: tally.PinCounter, pin: Any) -> None:
    """Count each closing after a pause in closings, also the bounces of an opening."""
    now_ms = tally.buses.clock.ticks_ms()
    if not pin.value():
        self._count += tally.buses.clock.ticks_diff(now_ms, self._last_ms) >= self._debounce_ms
        self._last_ms = now_ms


PLANTED: dict[str, tuple[str, str, object, str, object]] = {
    "sum of A02YYUW not checked":
        ("check_ultrasonic", "check_a02_damaged_frames_are_not_values", a02yyuw.Frames, "feed",
         unsummed),
    "frames of A02YYUW are cut anywhere":
        ("check_ultrasonic", "check_a02_heads_inside_a_frame", a02yyuw, "_CODES_MM", 0),
    "a step is 1600 uA, whatever the span":
        ("check_node", "check_a_flood_is_no_step_whatever_the_span", config, "_LEVELS", ()),
    "CRC of Modbus not checked":
        ("check_lines", "check_answers_that_are_none", modbus_rtu, "crc16", lambda *_: 0),
    "CRC of SDI-12 not checked":
        ("check_lines", "check_sdi12_answers_that_are_none", sdi12, "body_of",
         lambda data, *_: data.decode()),
    "an answer that a port shows late is given up":
        ("check_lines", "check_sdi12_lines_that_differ", sdi12, "_VALUES_MS", 120),
    "every sensor is taken to wake at once":
        ("check_lines", "check_sdi12_sensors_that_wake_slowly", sdi12, "_MARKS_MS", (15, 15, 15)),
    "CRC of DS18B20 not checked":
        ("check_small", "check_what_is_no_scratchpad", ds18b20, "crc8", lambda _: ANY),
    "failure of a loop taken for a level":
        ("check_current", "check_levels_of_ne_43", ads1115, "_FAILURE_LOW_UA", 3000),
    "the range of the converter mistaken":
        ("check_current", "check_loop_measures", ads1115, "_BEGIN", 0x8503),
    "a stuck bus is not cleared":
        ("check_current", "check_frozen_bus", i2c.I2c, "_clear", lambda self: None),
    "the speed of sound is constant":
        ("check_ultrasonic", "check_jsn_times", jsn_sr04t, "echo_mm",
         lambda echo_us, _: echo_us * 343 // 2000),
    "values are smoothed":
        ("check_node", "check_a_flood_goes_through_as_it_is", burst.Burst, "read",
         smoothed(burst.Burst.read)),
    "a step is withheld":
        ("check_node", "check_a_step_is_sent_marked_and_counts_for_the_marks", burst.Burst,
         "read", withheld(burst.Burst.read)),
    "an opening that bounces is counted":
        ("check_counters", "check_counter_on_a_pin_that_bounces_as_it_opens", tally.PinCounter,
         "_on_edge", each_closing),
    "a dry week costs a tip":
        ("check_counters", "check_counter_on_a_pin_after_dry_days", tally.PinCounter,
         "_on_edge", each_closing),
    "another input's conversion is taken":
        ("check_current", "check_two_loops_on_one_chip", ads1115.CurrentLoop, "_idle",
         lambda self: self._word),
    "a count is not kept":
        ("check_counters", "check_counts_between_stored_readings", pulse.Pulse, "kept",
         lambda self: None),
    "one copy of what was told":
        ("check_counters", "check_power_cut_while_it_is_kept", pulse, "load",
         lambda counter: pulse.told_of(counter.recall(0, 20))),
    "a stopped DS3231 is believed":
        ("check_small", "check_clocks_that_stood_still", ds3231, "_STOPPED", 0),
    "a stopped PCF8563 is believed":
        ("check_small", "check_clock_flags", pcf8563, "_STOP", 0),
}  # fmt: skip


# A node that fails its check leaves its files open.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("fault", PLANTED)
def test_planted_fault_is_found(
    fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module, check, owner, name, replacement = PLANTED[fault]
    monkeypatch.syspath_prepend(str(DEVICE))
    monkeypatch.chdir(tmp_path)
    fakes = importlib.import_module("fakes")
    monkeypatch.setattr(fakes.buses, "clock", fakes.buses.clock)
    run = getattr(importlib.import_module(module), check)
    run()
    monkeypatch.setattr(owner, name, replacement)
    with pytest.raises((AssertionError, measure.ProbeError)):
        run()
    fakes.remove()
    gc.collect()
