"""Read the floating-point weights out of an ONNX file, to see that each is a number.

A scale or bias that is NaN need not show: rounding to 8 bits makes some number of it, a rectifier
nought. The runtime does not tell, so the file's own bytes are read, as far as weights lie there:
ModelProto.graph (7), GraphProto.initializer (5), TensorProto.data_type (2), float_data (4) and
raw_data (9).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_FLOAT = 1  # TensorProto.DataType
_OTHER_FLOATS = (10, 11, 16)  # half, double, bfloat16: ours have none
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def all_finite(content: bytes) -> bool:
    """Tell whether every weight of an ONNX file is a finite number; ValueError if it is none."""
    return all(bool(np.isfinite(weights).all()) for weights in float_weights(content))


def float_weights(content: bytes) -> Iterator[NDArray[np.float32]]:
    """Yield the float weights of each initializer; ValueError for what is no such file."""
    for graph in _parts(content, 7):
        for tensor in _parts(graph, 5):
            kinds = [value for number, value in _fields(tensor) if number == 2]
            if any(kind in _OTHER_FLOATS for kind in kinds):
                raise ValueError("weights of a kind that is not read here")
            if _FLOAT in kinds:
                yield from (np.frombuffer(part, "<f4") for part in _parts(tensor, 9))
                yield from (np.frombuffer(part, "<f4") for part in _parts(tensor, 4))


def _parts(message: bytes, wanted: int) -> Iterator[bytes]:
    for number, value in _fields(message):
        if number == wanted and isinstance(value, bytes):
            yield value


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of one protobuf message."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if at + size > len(message):
            raise ValueError("cut short")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 64:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
    raise ValueError("cut short")
