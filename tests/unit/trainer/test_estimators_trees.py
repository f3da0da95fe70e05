"""Trees as one node: float32 thresholds that decide as the float64 ones did."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_trainer.estimators.trees import LEAF, Tree, round_down, sum_of_trees
from tickcast_trainer.export import OnnxModel

THRESHOLDS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.floats(width=32, allow_nan=False, allow_infinity=False)
Comparison = Literal["BRANCH_LEQ", "BRANCH_LT"]


@given(threshold=THRESHOLDS, value=VALUES)
def test_a_rounded_threshold_decides_as_the_exact_one(threshold: float, value: float) -> None:
    (rounded,) = round_down(np.array([threshold]))
    assert (np.float32(value) <= rounded) == (value <= threshold)


@given(threshold=THRESHOLDS)
def test_it_decides_so_right_beside_the_threshold_too(threshold: float) -> None:
    (rounded,) = round_down(np.array([threshold]))
    assert rounded.dtype == np.float32
    assert float(rounded) <= threshold
    with np.errstate(over="ignore"):
        assert float(np.nextafter(rounded, np.float32(np.inf))) > threshold


@given(value=VALUES)
def test_what_float32_holds_is_kept(value: float) -> None:
    assert round_down(np.array([value])).tolist() == [value]


def stump(feature: int, threshold: float, lower: float, upper: float) -> Tree:
    return Tree(
        feature=np.array([feature, LEAF, LEAF]),
        threshold=np.array([threshold, 0.0, 0.0], dtype=np.float32),
        lower=np.array([1, LEAF, LEAF]),
        upper=np.array([2, LEAF, LEAF]),
        value=np.array([0.0, lower, upper]),
    )


@given(
    stumps=st.lists(
        st.tuples(st.integers(0, 2), VALUES, st.integers(-9, 9), st.integers(-9, 9)),
        min_size=1,
        max_size=6,
    ),
    rows=st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=5),
    base=st.integers(-9, 9),
    comparison=st.sampled_from(["BRANCH_LEQ", "BRANCH_LT"]),
)
@settings(deadline=None)
def test_the_graph_adds_the_leaves_that_rows_lead_to(
    stumps: list[tuple[int, float, int, int]],
    rows: list[tuple[float, float, float]],
    base: int,
    comparison: Comparison,
) -> None:
    # Every threshold is also a value that is compared with it.
    rows = [*rows, *((threshold,) * 3 for _, threshold, _, _ in stumps)]
    graph = sum_of_trees(
        [stump(*one) for one in stumps], comparison=comparison, base=base, features=3
    )

    def answer(row: tuple[float, float, float]) -> float:
        at_most = comparison == "BRANCH_LEQ"
        total = base
        for feature, threshold, lower, upper in stumps:
            value = row[feature]
            total += lower if value < threshold or (at_most and value == threshold) else upper
        return float(total)

    found = OnnxModel(graph.SerializeToString()).predict(np.array(rows, dtype=np.float32))
    assert found.tolist() == [answer(row) for row in rows]


def test_a_tree_without_a_split_is_its_one_leaf() -> None:
    leaf = Tree(
        feature=np.array([LEAF]),
        threshold=np.zeros(1, dtype=np.float32),
        lower=np.array([LEAF]),
        upper=np.array([LEAF]),
        value=np.array([0.25]),
    )
    graph = sum_of_trees([leaf, leaf], comparison="BRANCH_LEQ", base=1.0, features=1)
    found = OnnxModel(graph.SerializeToString()).predict(np.zeros((2, 1), dtype=np.float32))
    assert found.tolist() == pytest.approx([1.5, 1.5])
