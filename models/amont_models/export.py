"""Write a trained network as an int8 ONNX file: static QDQ, S8S8, one scale per channel.

The float graph is built by hand from the weights; ONNX Runtime's static quantiser puts the Q/DQ
pairs in, calibrated on rows that hold peaks. Features are in comparable units by construction, so
there is no table of scales that could get lost between two files.
"""

from __future__ import annotations

import logging
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from amont_models.data import Floats
from amont_models.network import Network

# ONNX Runtime 1.22 and later read these; older readers exist on the Pi.
OPSET = 17
IR_VERSION = 8
MAX_BYTES = 64 * 1024


class _Rows:
    """Feed calibration rows in batches."""

    def __init__(self, rows: Floats) -> None:
        self._batches = iter(np.array_split(rows.astype(np.float32), max(1, len(rows) // 256)))

    def get_next(self) -> Any:
        """Return the next batch, or None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"rows": batch}


def _graph(network: Network) -> onnx.ModelProto:
    nodes, weights, name = [], [], "rows"
    last = len(network.layers) - 1
    for depth, (weight, bias) in enumerate(network.layers):
        for label, part in (("w", weight), ("b", bias)):
            array = part.astype(np.float32)
            weights.append(numpy_helper.from_array(array, f"{label}{depth}"))
        out = "out" if depth == last else f"sum{depth}"
        inputs = [name, f"w{depth}", f"b{depth}"]
        nodes.append(helper.make_node("Gemm", inputs, [out], f"gemm{depth}"))
        if depth != last:
            nodes.append(helper.make_node("Relu", [out], [f"act{depth}"], f"relu{depth}"))
            name = f"act{depth}"
    width, outputs = network.layers[0][0].shape[0], network.layers[-1][0].shape[1]
    graph = helper.make_graph(
        nodes,
        "amont",
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", outputs])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    model.producer_name = "amont"
    onnx.checker.check_model(model)
    return model


def write_int8(network: Network, calibration: Floats, path: Path) -> int:
    """Write the int8 file of ``network`` and return its size; above 64 KiB raises ValueError."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "float.onnx"
        onnx.save(_graph(network), plain)
        # The quantiser recommends a pre-processing for graphs with shapes to infer; ours has none.
        logging.disable(logging.WARNING)
        try:
            _quantise(plain, calibration, path)
        finally:
            logging.disable(logging.NOTSET)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path.name}: {size} bytes, more than {MAX_BYTES}")
    return size


def _quantise(plain: Path, calibration: Floats, path: Path) -> None:
    quantization: Any = import_module("onnxruntime.quantization")  # carries no types
    quantization.quantize_static(
        plain,
        path,
        _Rows(calibration),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=quantization.CalibrationMethod.MinMax,
        # The outputs stay float: 256 steps over a flood would be 30 mm each.
        extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
    )
