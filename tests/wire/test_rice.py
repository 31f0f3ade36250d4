import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.strategies import series

from amont_wire import rice
from amont_wire.bits import BitReader, BitWriter, var_cost, zigzag
from amont_wire.const import VALUE_MAX
from amont_wire.errors import Malformed


def reader_of(bits):
    padded = bits + "0" * (-len(bits) % 8)
    return BitReader(int(padded, 2).to_bytes(len(padded) // 8, "big"))


def cost_by_hand(codes, k):
    if k == rice.FIXED:
        return 5 + len(codes) * max(code.bit_length() for code in codes)
    return sum(
        (z >> k) + 1 + k if z >> k < rice.ESCAPE else rice.ESCAPE + var_cost(z) for z in codes
    )


@given(st.integers(1, 64).flatmap(series))
def test_series_comes_back_and_takes_the_cheapest_form(values):
    writer = BitWriter()
    rice.encode(writer, values)
    assert rice.decode(BitReader(writer.tobytes()), len(values)) == values
    head = var_cost(zigzag(values[0]))
    codes = rice.deltas(values)
    if codes:
        best = min(cost_by_hand(codes, k) for k in range(rice.FIXED + 1))
        assert writer.bit_length == head + 4 + best
    else:
        assert writer.bit_length == head


def test_rice_code_by_hand():
    # 5, then +2 -1 0 (zigzag 4, 1, 0) with k = 1: 110 0, 0 1, 0 0
    bits = "00100" + "010" + "0001" + "1100" + "01" + "00"
    assert rice.decode(reader_of(bits), 4) == [5, 7, 6, 6]


def test_escape_by_hand():
    bits = "00000" + "0000" + "1" * 12 + "00100" + "100" + "0"  # z = 12: not 12 one-bits with k 0
    assert rice.decode(reader_of(bits), 3) == [0, 6, 6]


def test_a_flat_line_costs_nothing_a_reading():
    writer = BitWriter()
    rice.encode(writer, [7] * 64)
    assert writer.bit_length == var_cost(14) + 4 + 5


@pytest.mark.parametrize(
    ("bits", "count"),
    [
        ("00000" + "0000" + "1" * 12 + "00011" + "11", 2),  # escape of 7 with k 0
        ("00000" + "1111" + "10110" + "0" * 22, 2),  # width 22
        ("10100" + "1" * 19 + "0000" + "0" * 8, 1),  # -2^19
        ("10100" + "1" * 18 + "0" + "1111" + "00001" + "0", 1 + 8 * 8),  # too short, fixed
        ("00000" + "0000", 64),  # too short, Rice
        ("00000" + "1110" + "0", 2),  # low bits cut off
        ("00000" + "0000" + "1" * 12 + "11111" + "0" * 30, 2),  # escape too wide
    ],
)
def test_malformed_series_are_refused(bits, count):
    with pytest.raises(Malformed):
        rice.decode(reader_of(bits), count)


def test_a_delta_that_leaves_the_range_is_refused():
    writer = BitWriter()
    writer.svar(VALUE_MAX)
    writer.put(0, 4)
    writer.put(0b110, 3)  # +1
    with pytest.raises(Malformed, match="range"):
        rice.decode(BitReader(writer.tobytes()), 2)
