"""Sums of decision trees as one ONNX node that answers exactly as the library does.

Libraries learn thresholds in float64, and ONNX holds them in float32. Rounded to the nearest, a
threshold may pass a value that it lay below, and every row with that value changes its branch. For
float32 values ``value <= threshold`` is the same as ``value <= round_down(threshold)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimators.graph import INPUT_NAME, OUTPUT_NAME, make_model

if TYPE_CHECKING:
    from onnx import ModelProto

Comparison: TypeAlias = Literal["BRANCH_LEQ", "BRANCH_LT"]
"""What a value must be to go to the lower branch: at most, or below the threshold."""

LEAF = -1
"""Stands for the feature of a leaf."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """Nodes of one tree (k,), the root first."""

    feature: NDArray[np.int64]
    """Column to compare, ``LEAF`` at a leaf."""

    threshold: NDArray[np.float32]
    """What the column is compared with; of no meaning at a leaf."""

    lower: NDArray[np.int64]
    """Node to go to when the comparison holds; of no meaning at a leaf."""

    upper: NDArray[np.int64]
    """Node to go to when it does not; of no meaning at a leaf."""

    value: NDArray[np.float64]
    """What a leaf adds to the sum; of no meaning elsewhere."""


def round_down(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return for each threshold the greatest float32 that is not above it."""
    with np.errstate(over="ignore"):
        nearest = threshold.astype(np.float32)
        below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > threshold, below, nearest)


def sum_of_trees(
    trees: Sequence[Tree], *, comparison: Comparison, base: float, features: int
) -> "ModelProto":
    """Return the graph of ``base`` plus the leaf that each tree leads to."""
    from onnx import helper

    sizes = [len(tree.feature) for tree in trees]
    feature = np.concatenate([tree.feature for tree in trees])
    is_leaf = feature == LEAF
    tree_ids = np.repeat(np.arange(len(trees)), sizes)
    node_ids = np.concatenate([np.arange(size) for size in sizes])
    value = np.concatenate([tree.value for tree in trees])

    def of_branches(column: NDArray[Any]) -> list[Any]:
        filled: list[Any] = np.where(is_leaf, 0, column).tolist()
        return filled

    node = helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT_NAME],
        [OUTPUT_NAME],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        base_values=[float(base)],
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_modes=np.where(is_leaf, "LEAF", comparison).tolist(),
        nodes_featureids=of_branches(feature),
        nodes_values=of_branches(np.concatenate([tree.threshold for tree in trees])),
        nodes_truenodeids=of_branches(np.concatenate([tree.lower for tree in trees])),
        nodes_falsenodeids=of_branches(np.concatenate([tree.upper for tree in trees])),
        target_treeids=tree_ids[is_leaf].tolist(),
        target_nodeids=node_ids[is_leaf].tolist(),
        target_ids=[0] * int(is_leaf.sum()),
        target_weights=value[is_leaf].tolist(),
    )
    return make_model([node], {}, features=features)
