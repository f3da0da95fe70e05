"""Graphs that Tickcast did not train, for tests of how they are served."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper


def write_graph(folder: Path, graph: onnx.GraphProto) -> None:
    """Writes `model.onnx` into a folder, in one step as `mv` does."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "unfinished"
    unfinished.write_bytes(model.SerializeToString())
    unfinished.rename(folder / "model.onnx")


def doubled(factor: float = 2.0) -> onnx.GraphProto:
    """X FP64 [-1, 2] times a factor, n INT64 [-1] plus itself, s BYTES [-1] as it is."""
    return helper.make_graph(
        [
            helper.make_node("Mul", ["x", "factor"], ["scaled"]),
            helper.make_node("Add", ["n", "n"], ["sum"]),
            helper.make_node("Identity", ["s"], ["same"]),
        ],
        "doubled",
        [
            helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, 2]),
            helper.make_tensor_value_info("n", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("s", TensorProto.STRING, [None]),
        ],
        [
            helper.make_tensor_value_info("scaled", TensorProto.DOUBLE, [None, 2]),
            helper.make_tensor_value_info("sum", TensorProto.INT64, [None]),
            helper.make_tensor_value_info("same", TensorProto.STRING, [None]),
        ],
        [helper.make_tensor("factor", TensorProto.DOUBLE, [], [factor])],
    )


def reshaped() -> onnx.GraphProto:
    """X FP32 [-1] as rows of two: an odd count is nothing that it can compute with."""
    return helper.make_graph(
        [helper.make_node("Reshape", ["x", "shape"], ["rows"])],
        "reshaped",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor("shape", TensorProto.INT64, [2], [-1, 2])],
    )


def listed() -> onnx.GraphProto:
    """An output that is a sequence of tensors, as of a ZipMap."""
    return helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x"], ["listed"])],
        "listed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None])],
        [helper.make_tensor_sequence_value_info("listed", TensorProto.FLOAT, [None])],
    )
