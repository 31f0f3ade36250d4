"""Any bytes into a decoder: a value that they really say, or a ProbeError. Nothing else, ever."""

from __future__ import annotations

import contextlib
import math
import random
import struct

from hypothesis import assume, example, given
from hypothesis import strategies as st

from amont_node import measure
from amont_node.drivers import (
    a02yyuw,
    ads1115,
    battery,
    burst,
    calendar,
    ds18b20,
    ds3231,
    jsn_sr04t,
    modbus_rtu,
    pcf8563,
    pcf8583,
    pulse,
    sdi12,
)
from amont_node.drivers.crc import crc8, crc16
from amont_node.drivers.number import decimal, float32
from amont_node.measure import ProbeError
from amont_wire.const import FAULT, GOOD, OUT_OF_RANGE, SUSPECT

REFUSED = contextlib.suppress(ProbeError)
RANGES_MM = st.integers(0, 6000)


def a02_frame(range_mm: int) -> bytes:
    head = bytes([0xFF, range_mm >> 8, range_mm & 0xFF])
    return head + bytes([sum(head) & 0xFF])


@given(st.binary(max_size=120), st.lists(st.integers(0, 30), max_size=20))
def test_a02yyuw_takes_only_frames_with_their_sum(data: bytes, cuts: list[int]) -> None:
    frames, found, left = a02yyuw.Frames(), [], data
    for cut in cuts:
        found += frames.feed(left[:cut])
        left = left[cut:]
    found += frames.feed(left)
    assert found == a02yyuw.Frames().feed(data)  # however the bytes come
    at = 0
    for range_mm in found:
        at = data.index(a02_frame(range_mm), at) + 4


@given(st.lists(RANGES_MM, min_size=1, max_size=8), st.binary(max_size=3))
def test_a02yyuw_finds_every_frame_again(ranges: list[int], noise: bytes) -> None:
    assume(b"\xff" not in noise)
    stream = noise.join([b"", *[a02_frame(range_mm) for range_mm in ranges]])
    assert a02yyuw.Frames().feed(stream) == ranges


@given(st.one_of(st.integers(-3, 200), st.integers(-3, 10**9)), st.integers(-4000, 6000))
def test_jsn_sr04t_is_monotonous_and_near_the_formula(echo_us: int, temp_cc: int) -> None:
    with REFUSED:
        range_mm = jsn_sr04t.decode(echo_us, temp_cc)
        if range_mm is None:
            assert -1 <= echo_us < 100
        else:
            exact = echo_us * (331.3 + 0.606 * temp_cc / 100) / 2000
            assert abs(range_mm - exact) <= 0.51 + exact * 2e-6
        return
    assert echo_us < -1


@given(st.binary(min_size=2, max_size=2), st.integers(1000, 1_000_000))
def test_ads1115_is_the_datasheets_line(data: bytes, shunt_mohm: int) -> None:
    current_ua = ads1115.decode(data, shunt_mohm)
    exact = struct.unpack(">h", data)[0] * 125e-6 / (shunt_mohm / 1000) * 1e6
    assert abs(current_ua - exact) <= 0.500001
    quality, why = ads1115.judge(current_ua)
    assert (quality == GOOD) == (3800 <= current_ua <= 20500) == (not why)
    assert (quality == FAULT) == (current_ua <= 3600 or current_ua >= 21000)


@given(st.binary(max_size=40), st.integers(1, 247), st.sampled_from([3, 4]), st.integers(1, 2))
def test_modbus_noise_is_refused(data: bytes, address: int, function: int, count: int) -> None:
    with REFUSED:
        values = modbus_rtu.decode(data, address, function, count)
        body = bytes([address, function, 2 * count]) + values
        assert data == body + crc16(body, 0xFFFF).to_bytes(2, "little")


@given(
    st.binary(min_size=2, max_size=2), st.integers(1, 247), st.integers(0, 55), st.integers(0, 254)
)
def test_modbus_damage_of_one_byte_is_found(
    values: bytes, address: int, at: int, other: int
) -> None:
    body = bytes([address, 3, 2]) + values
    answer = bytearray(body + crc16(body, 0xFFFF).to_bytes(2, "little"))
    assert modbus_rtu.decode(bytes(answer), address, 3, 1) == values
    answer[at % 7] ^= other + 1
    with REFUSED:
        modbus_rtu.decode(bytes(answer), address, 3, 1)
        raise AssertionError("taken")


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 6))
@example(0x80000001, 6)
def test_floats_of_registers(bits: int, decimals: int) -> None:
    exact = struct.unpack(">f", bits.to_bytes(4, "big"))[0]
    value = float32(bits, decimals)
    if value is None:
        assert not math.isfinite(exact) or abs(exact) >= 2**31
    else:
        scaled = exact * 10**decimals
        assert abs(value - scaled) <= 0.5000001 + abs(scaled) * 1e-12
        for kind in ("f32", "f32_swapped"):
            data = bits.to_bytes(4, "big")
            data = data if kind == "f32" else data[2:] + data[:2]
            assert modbus_rtu.value_of(data, kind, decimals) == value


@given(st.binary(max_size=60), st.booleans())
def test_sdi12_noise_is_refused(data: bytes, has_crc: bool) -> None:
    with REFUSED:
        body = sdi12.body_of(data, "0", has_crc)
        assert data[:1] == b"0"
        assert data.endswith(b"\r\n")
        assert body.isprintable()
        if has_crc:
            assert sdi12.crc_text(data[:-5]) == data[-5:-2]
        sdi12.values_of(body, 3)


VALUES = st.from_regex(r"[+-]([0-9]{1,7}|[0-9]{1,4}\.[0-9]{1,3}|\.[0-9]{1,3})", fullmatch=True)


@given(st.lists(VALUES, max_size=9), st.integers(0, 3), st.integers(0, 400), st.integers(0, 6))
def test_sdi12_values_and_damage(texts: list[str], decimals: int, at: int, bit: int) -> None:
    data = b"0" + "".join(texts).encode()
    answer = data + sdi12.crc_text(data) + b"\r\n"
    values = sdi12.values_of(sdi12.body_of(answer, "0", True), decimals)
    assert values == [decimal(text, decimals) for text in texts]
    for value, text in zip(values, texts, strict=True):
        assert abs(value - float(text) * 10**decimals) <= 0.5000001
    damaged = bytearray(answer)
    damaged[at % len(answer)] ^= 1 << bit
    with REFUSED:
        sdi12.body_of(bytes(damaged), "0", True)
        raise AssertionError("taken")


@given(st.text(max_size=12), st.booleans())
def test_sdi12_announcements(body: str, is_concurrent: bool) -> None:
    with REFUSED:
        wait_s, count = sdi12.announced(body, is_concurrent)
        assert 0 <= wait_s <= 999
        assert 0 <= count <= (99 if is_concurrent else 9)


@given(st.text(alphabet="+-.0123456789e ", max_size=9), st.integers(0, 6))
def test_decimals(text: str, decimals: int) -> None:
    with contextlib.suppress(ValueError):
        assert abs(decimal(text, decimals) - float(text) * 10**decimals) <= 0.5000001


@given(st.binary(max_size=12))
@example(bytes(9))
@example(b"\xff" * 9)
def test_ds18b20_noise_is_refused(data: bytes) -> None:
    with REFUSED:
        temp_cc, quality, _ = ds18b20.decode(data)
        assert len(data) == 9
        assert crc8(data) == 0
        assert quality == FAULT or -5500 <= temp_cc <= 12500


@given(st.integers(-55 * 16, 125 * 16), st.sampled_from([0x1F, 0x3F, 0x5F, 0x7F]))
def test_ds18b20_is_the_datasheets_line(sixteenths: int, config: int) -> None:
    body = (sixteenths & 0xFFFF).to_bytes(2, "little") + bytes([75, 70, config, 255, 12, 16])
    temp_cc, quality, _ = ds18b20.decode(body + bytes([crc8(body)]))
    step = 0.5 / 2 ** (config >> 5)
    assert -0.51 <= sixteenths * 6.25 - temp_cc <= step * 100
    assert quality == (FAULT if sixteenths == 85 * 16 else GOOD)


@given(st.integers(0, 65535), st.integers(500, 5500), st.integers(1, 100), st.integers(1, 100))
def test_battery_is_the_divider(share: int, reference_mv: int, multiply: int, divide: int) -> None:
    battery_mv, quality, why = battery.decode(share, reference_mv, multiply, divide)
    assert abs(battery_mv - share * reference_mv * multiply / 65535 / divide) <= 0.500001
    assert (quality == GOOD) == (not why)


@given(st.binary(min_size=7, max_size=7))
def test_clock_chips_tell_a_time_or_refuse(data: bytes) -> None:
    for chip in (ds3231, pcf8563):
        with REFUSED:
            at_s = chip.decode(data)
            assert at_s is None or 946684800 <= at_s < 4102444800
            assert at_s is not None or data[0] & 0x80


@given(st.integers(946684800, 4102444799))
def test_clock_chips_keep_every_second(at_s: int) -> None:
    assert ds3231.decode(ds3231.encode(at_s)) == at_s
    assert pcf8563.decode(pcf8563.encode(at_s)) == at_s
    assert calendar.unix_s(*calendar.calendar(at_s)[:6]) == at_s


@given(st.binary(max_size=5))
def test_pcf8583_counts_digits_only(data: bytes) -> None:
    with REFUSED:
        count = pcf8583.decode(data)
        assert pcf8583.encode(count) == data


@given(st.binary(max_size=24))
@example(bytes(20))
@example(b"\xff" * 20)
def test_memory_of_a_counter_is_its_own_or_nothing(data: bytes) -> None:
    told = pulse.told_of(data)
    assert told is None or told.encode() == data


class Chip:
    """A counter whose supply never fails; its memory is written whole or not at all."""

    MODULUS, KNOWS_ZERO = 1000, False

    def __init__(self) -> None:
        self.pulses, self.memory, self.is_counting = 0, bytearray(40), False

    def count(self) -> int | None:
        was_counting, self.is_counting = self.is_counting, True
        return self.pulses % self.MODULUS if was_counting else None

    def recall(self, at: int, size: int) -> bytes:
        return bytes(self.memory[at : at + size])

    def remember(self, at: int, data: bytes) -> None:
        self.memory[at : at + len(data)] = data


STEPS = st.lists(st.tuples(st.integers(0, 900), st.sampled_from(["keep", "lose", "reboot"])))


@given(STEPS)
def test_no_pulse_is_lost_and_none_told_twice(steps: list[tuple[int, str]]) -> None:
    chip, settings = Chip(), {"max_per_min": 1000000}
    probe = pulse.Pulse(settings, chip)
    probe.read(0)
    probe.kept()
    told = waiting = 0
    for at, (pulses, then) in enumerate(steps):
        if waiting + pulses >= chip.MODULUS:
            continue
        waiting += pulses
        chip.pulses += pulses
        value, quality = probe.read(60 * at)
        assert (value, quality) == (waiting, GOOD)
        if then == "keep":
            probe.kept()
            told, waiting = told + value, 0
        elif then == "reboot":
            probe = pulse.Pulse(settings, chip)
    assert told + waiting == chip.pulses


PINGS = st.lists(st.one_of(st.none(), st.integers(-100, 7000)), min_size=40, max_size=40)


@given(PINGS, st.integers(1, 15), st.integers(0, 20000), st.one_of(st.none(), RANGES_MM))
def test_a_burst_alters_nothing(
    pings: list[int | None], count: int, at_s: int, before: int | None
) -> None:
    some = burst.Burst(count, 150, 500, 31, 4500)
    if before is not None:
        some.read(lambda: before, 0)
    left = iter(pings)
    asked: list[int] = []

    def ping() -> int | None:
        value = next(left)
        asked.append(value) if value is not None else None
        return value

    with REFUSED:
        value, quality = some.read(ping, at_s)
        answered = sum(v is not None for v in pings[:count])
        looks = [burst.median(look) for look in (asked[:answered], asked[answered:]) if look]
        assert value in looks  # one of the two, never something between
        assert (quality == OUT_OF_RANGE) == (not 31 <= value <= 4500)
        assert quality in (GOOD, SUSPECT, OUT_OF_RANGE)
        assert bool(some.why) == (quality != GOOD)
        return
    assert pings[:count] == [None] * count


@given(
    st.integers(31, 4500), st.integers(-220, 220), st.sampled_from([10, 60, 120, 900]),
    st.integers(0, 70),
)  # fmt: skip
def test_no_real_flood_is_doubted(
    begin_mm: int, mm_min: int, interval_s: int, wave_mm: int
) -> None:
    some = burst.Burst(7, 150, 500, 31, 4500)
    for at_s in range(0, 3600, interval_s):
        level_mm = begin_mm + mm_min * at_s // 60
        if not 31 + wave_mm <= level_mm <= 4500 - wave_mm:
            break
        pings = iter([level_mm + wave_mm * sign for sign in (0, 1, 1, 0, -1, -1, 0)])
        assert some.read(lambda: next(pings), at_s) == (level_mm, GOOD)  # noqa: B023


@given(
    st.lists(st.integers(1900, 2000), min_size=4, max_size=7),
    st.lists(st.integers(0, 6000), max_size=3), st.randoms(use_true_random=False),
)  # fmt: skip
def test_raindrops_branches_and_echoes_in_the_minority_do_not_count(
    water: list[int], wild: list[int], chance: random.Random
) -> None:
    pings = water + wild[: len(water) - 1]
    chance.shuffle(pings)
    some, left = burst.Burst(len(pings), 150, 500, 31, 4500), iter(pings)
    assert min(water) <= some.read(lambda: next(left), 0)[0] <= max(water)


SURGES = st.lists(st.tuples(st.integers(31, 4500), st.sampled_from([1, 10, 60, 900])), min_size=1)


@given(SURGES)
def test_the_reading_that_sees_the_water_tells_it(surges: list[tuple[int, int]]) -> None:
    some, at_s, before = burst.Burst(7, 150, 500, 31, 4500), 0, None
    for range_mm, after_s in surges:
        at_s += after_s
        value, quality = some.read(lambda: range_mm, at_s)  # noqa: B023
        assert value == range_mm
        is_step = before is not None and abs(range_mm - before) * 60 > 500 * max(60, after_s)
        assert quality == (SUSPECT if is_step else GOOD)
        before = range_mm


@given(st.integers(1500, 4000), st.integers(0, 100), st.integers(1, 1400))
def test_water_that_rises_while_it_is_measured_is_never_told_lower(
    begin_mm: int, mm_ping: int, jump_mm: int
) -> None:
    some = burst.Burst(7, 150, 500, 31, 4500)
    some.read(lambda: begin_mm, 0)
    levels = [max(31, begin_mm - jump_mm - mm_ping * at) for at in range(14)]
    left = iter(levels)
    value, quality = some.read(lambda: next(left), 60)
    assert quality in (GOOD, SUSPECT)
    looks = 2 - len(list(left)) // 7
    assert value == levels[3 if looks == 1 else 10]


@given(st.integers(-(2**31), 2**31), st.integers(-10000, 10000), st.integers(1, 10000))
def test_calibration_is_to_the_nearest(raw: int, multiply: int, divide: int) -> None:
    value = measure.calibrated(raw, {"multiply": multiply, "divide": divide, "add": 7}) - 7
    assert abs(value * divide - raw * multiply) * 2 <= divide
