"""ONNX graphs of one input and one output, with names and versions that never change.

They are built node by node, as the converters of the families write different operator versions,
which cannot be merged into one graph, and name some graphs at random, which changes the digest.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

INPUT_NAME = "features"
"""Name of the graph's one input, float32 [N, F]."""

OUTPUT_NAME = "prediction"
"""Name of the graph's one output, float32 [N, 1]."""

# Old enough for every onnxruntime that the server may have, and all that the graphs need.
_OPSETS = {"": 17, "ai.onnx.ml": 3}
_IR_VERSION = 8


def make_model(
    nodes: Sequence["NodeProto"], constants: Mapping[str, NDArray[Any]], *, features: int
) -> "ModelProto":
    """Return the graph of nodes that lead from ``features``, float32 [N, F], to ``prediction``."""
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "tickcast",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)


def weighted_sum(
    models: Sequence["ModelProto"], weights: NDArray[np.float64], *, features: int
) -> "ModelProto":
    """Merge graphs that share ``features`` into one: the sum of their answers times ``weights``."""
    from onnx import compose, helper, numpy_helper

    nodes: list[NodeProto] = []
    constants: dict[str, NDArray[Any]] = {}
    answers: list[str] = []
    for index, model in enumerate(models):
        prefix = f"member_{index}/"
        member = compose.add_prefix_graph(model.graph, prefix, rename_inputs=False)
        nodes += member.node
        constants |= {one.name: numpy_helper.to_array(one) for one in member.initializer}
        answers.append(prefix + OUTPUT_NAME)
    constants["weights"] = weights.astype(np.float32)[:, None]
    nodes += [
        helper.make_node("Concat", answers, ["answers"], axis=1),
        helper.make_node("MatMul", ["answers", "weights"], [OUTPUT_NAME]),
    ]
    return make_model(nodes, constants, features=features)


def scaled_by_feature(model: "ModelProto", feature: int, floor: np.float32) -> "ModelProto":
    """Multiply what a graph answers by one of its features, or by ``floor`` if that is greater."""
    from onnx import compose, helper, numpy_helper

    prefix = "scaled/"
    inner = compose.add_prefix_graph(model.graph, prefix, rename_inputs=False)
    constants = {one.name: numpy_helper.to_array(one) for one in inner.initializer}
    constants |= {"column": np.array([feature], dtype=np.int64), "floor": np.array([floor])}
    nodes = [
        *inner.node,
        helper.make_node("Gather", [INPUT_NAME, "column"], ["volatility"], axis=1),
        helper.make_node("Max", ["volatility", "floor"], ["scale"]),
        helper.make_node("Mul", [prefix + OUTPUT_NAME, "scale"], [OUTPUT_NAME]),
    ]
    width = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    return make_model(nodes, constants, features=width)
