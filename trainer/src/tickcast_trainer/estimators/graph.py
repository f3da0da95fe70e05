"""ONNX graphs of one input and up to three outputs, with names and versions that never change.

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

TAILS_NAME = "tails"
"""Name of an output that some have, float32 [N, 2]: lower and upper end of the interval."""

PROBABILITY_NAME = "probability"
"""Name of an output that some have, float32 [N, 1]: the probability of a rise."""

# Old enough for every onnxruntime that the server may have, and all that the graphs need.
_OPSETS = {"": 17, "ai.onnx.ml": 3}
_IR_VERSION = 8

WIDTHS = {OUTPUT_NAME: 1, PROBABILITY_NAME: 1, TAILS_NAME: 2}
"""Columns of each output."""

_SIDES = ("lower", "upper")


def make_model(
    nodes: Sequence["NodeProto"],
    constants: Mapping[str, NDArray[Any]],
    *,
    features: int,
    outputs: Sequence[str] = (OUTPUT_NAME,),
) -> "ModelProto":
    """Return the graph of nodes that lead from ``features``, float32 [N, F], to the outputs."""
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "tickcast",
        [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [None, features])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, WIDTHS[name]])
            for name in outputs
        ],
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


def with_tails(
    model: "ModelProto",
    quantiles: tuple["ModelProto", "ModelProto"],
    *,
    corrections: tuple[float, float],
    volatility: int | None,
    limits: tuple[np.float32, np.float32],
) -> "ModelProto":
    """Give a graph one more output, ``tails``: a lower and an upper quantile around its answer.

    Each quantile is that of a graph plus its correction, times the feature ``volatility`` held
    within ``limits``, or times 1 where that is None. An end beyond the answer is moved to it.
    """
    from onnx import compose, helper, numpy_helper

    constants: dict[str, NDArray[Any]] = {
        f"{side}_correction": np.array([correction], dtype=np.float32)
        for side, correction in zip(_SIDES, corrections, strict=True)
    }
    nodes: list[NodeProto] = []
    for prefix, part in zip(("model", *_SIDES), (model, *quantiles), strict=True):
        inner = compose.add_prefix_graph(part.graph, f"{prefix}/", rename_inputs=False)
        nodes += inner.node
        constants |= {one.name: numpy_helper.to_array(one) for one in inner.initializer}
    outputs = [output.name for output in model.graph.output]
    nodes += [helper.make_node("Identity", [f"model/{name}"], [name]) for name in outputs]
    nodes += _scaling(volatility, limits, constants)
    for side, outermost in zip(_SIDES, ("Min", "Max"), strict=True):
        nodes += [
            helper.make_node(
                "Add", [f"{side}/{OUTPUT_NAME}", f"{side}_correction"], [f"{side}_corrected"]
            ),
            helper.make_node("Mul", [f"{side}_corrected", "scale"], [f"{side}_quantile"]),
            helper.make_node(outermost, [f"{side}_quantile", OUTPUT_NAME], [f"{side}_end"]),
        ]
    nodes.append(
        helper.make_node("Concat", [f"{side}_end" for side in _SIDES], [TAILS_NAME], axis=1)
    )
    width = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    return make_model(nodes, constants, features=width, outputs=[*outputs, TAILS_NAME])


def rise_and_return(
    odds: "ModelProto",
    *,
    slope: np.float32,
    intercept: np.float32,
    span: np.float32,
    down: np.float32,
    volatility: int | None,
    limits: tuple[np.float32, np.float32],
) -> "ModelProto":
    """Turn a graph of log odds into one of ``probability`` and of the return expected from it.

    The probability is logistic in ``slope`` times the odds plus ``intercept``; the return is it
    times ``span`` less ``down``, times the scale, which is as in ``with_tails``.
    """
    from onnx import compose, helper, numpy_helper

    inner = compose.add_prefix_graph(odds.graph, "odds/", rename_inputs=False)
    constants: dict[str, NDArray[Any]] = {
        one.name: numpy_helper.to_array(one) for one in inner.initializer
    }
    numbers = {"slope": slope, "intercept": intercept, "span": span, "down": down}
    constants |= {name: np.array([value]) for name, value in numbers.items()}
    scaling = _scaling(volatility, limits, constants)
    nodes = [
        *inner.node,
        helper.make_node("Mul", [f"odds/{OUTPUT_NAME}", "slope"], ["sloped"]),
        helper.make_node("Add", ["sloped", "intercept"], ["calibrated"]),
        helper.make_node("Sigmoid", ["calibrated"], [PROBABILITY_NAME]),
        helper.make_node("Mul", [PROBABILITY_NAME, "span"], ["spanned"]),
        helper.make_node("Sub", ["spanned", "down"], ["expected"]),
        *scaling,
        helper.make_node("Mul", ["expected", "scale"], [OUTPUT_NAME]),
    ]
    width = odds.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    return make_model(nodes, constants, features=width, outputs=(OUTPUT_NAME, PROBABILITY_NAME))


def _scaling(
    volatility: int | None,
    limits: tuple[np.float32, np.float32],
    constants: dict[str, NDArray[Any]],
) -> list["NodeProto"]:
    """Return the nodes that make ``scale`` and add what they need to the constants."""
    from onnx import helper

    if volatility is None:
        constants["scale"] = np.ones((1, 1), dtype=np.float32)
        return []
    constants["column"] = np.array([volatility], dtype=np.int64)
    constants["floor"], constants["ceiling"] = np.array(limits[0]), np.array(limits[1])
    return [
        helper.make_node("Gather", [INPUT_NAME, "column"], ["volatility"], axis=1),
        helper.make_node("Clip", ["volatility", "floor", "ceiling"], ["scale"]),
    ]
