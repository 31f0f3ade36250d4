import pytest
from hypothesis import given
from hypothesis import strategies as st

from amont_wire.bits import (
    BitReader,
    BitWriter,
    bits_of,
    unzigzag,
    var_cost,
    zigzag,
)
from amont_wire.errors import Malformed


def written(*fields):
    writer = BitWriter()
    for name, *args in fields:
        getattr(writer, name)(*args)
    return writer


@pytest.mark.parametrize(
    ("value", "bits"),
    [(0, "00000"), (1, "00001"), (2, "000100"), (5, "0001101"), (2**31 - 1, "11111" + "1" * 30)],
)
def test_var_has_the_documented_form(value, bits):
    writer = written(("var", value))
    assert f"{writer.value:0{writer.bit_length}b}" == bits
    assert var_cost(value) == len(bits)
    assert BitReader(writer.tobytes()).var() == value


@pytest.mark.parametrize(("value", "code"), [(0, 0), (-1, 1), (1, 2), (-2, 3), (2, 4)])
def test_zigzag(value, code):
    assert zigzag(value) == code
    assert unzigzag(code) == value


@given(st.lists(st.integers(0, 2**31 - 1), max_size=20))
def test_vars_follow_one_another(values):
    writer = written(*[("var", value) for value in values])
    assert writer.bit_length == sum(var_cost(value) for value in values)
    reader = BitReader(writer.tobytes())
    assert [reader.var() for _ in values] == values
    reader.finish()


@given(st.integers(-(2**30), 2**30 - 1), st.integers(0, 7))
def test_svar_comes_back_at_any_offset(value, offset):
    writer = written(("put", 0, offset), ("svar", value))
    reader = BitReader(writer.tobytes())
    reader.get(offset)
    assert reader.svar() == value


@given(st.integers(0, 2**40))
def test_bits_of_is_the_bit_length(value):
    assert bits_of(value) == value.bit_length()


@pytest.mark.parametrize(
    "field",
    [
        ("put", 4, 2),
        ("put", -1, 8),
        ("var", -1),
        ("var", 2**31),
        ("var", 256, 8),
        ("svar", 128, 7),
    ],
)
def test_a_value_outside_its_field_is_refused(field):
    writer = BitWriter()
    with pytest.raises(Malformed):
        getattr(writer, field[0])(*field[1:])
    assert writer.tobytes() == b""


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"", lambda r: r.get(1)),
        (b"\x00", lambda r: r.get(9)),
        (b"", lambda r: r.var()),
        (b"\xff", lambda r: r.var()),
        (b"\xff" * 5, lambda r: r.var(30)),
        (b"\x01", lambda r: r.finish()),
        (b"\x00\x00", lambda r: r.finish()),
        (b"\x01\x00", lambda r: (r.get(1), r.align())),
    ],
)
def test_malformed_bits_are_refused(data, read):
    with pytest.raises(Malformed):
        read(BitReader(data))


def test_align_goes_to_the_next_byte():
    writer = written(("put", 1, 1), ("align",), ("put", 0xAB, 8), ("align",))
    assert writer.tobytes() == b"\x80\xab"
    reader = BitReader(b"\x80\xab")
    assert reader.get(1) == 1
    reader.align()
    assert reader.get(8) == 0xAB
    reader.align()
    reader.finish()
