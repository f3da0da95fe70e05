"""One model in onnxruntime: row by row as in a batch, and with or without ends of intervals."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from tickcast_server.serving.session import Answer, Session
from tickcast_server.serving.unusable import UnusableModel

OFFSETS = np.array([[-0.5, 1.5]], dtype=np.float32)


def graph(*, tails: bool, width: int = 2, probability: bool = False) -> bytes:
    """A model of three features that answers their sum and, where asked, what goes with it."""
    helper = onnx.helper
    nodes = [helper.make_node("ReduceSum", ["features", "axes"], ["prediction"])]
    outputs = [helper.make_tensor_value_info("prediction", 1, [None, 1])]
    if tails:
        nodes.append(helper.make_node("Add", ["prediction", "offsets"], ["tails"]))
        outputs.append(helper.make_tensor_value_info("tails", 1, [None, width]))
    if probability:
        nodes.append(helper.make_node("Sigmoid", ["prediction"], ["probability"]))
        outputs.append(helper.make_tensor_value_info("probability", 1, [None, 1]))
    made = helper.make_graph(
        nodes,
        "sum",
        [helper.make_tensor_value_info("features", 1, [None, 3])],
        outputs,
        [
            onnx.numpy_helper.from_array(np.array([1]), "axes"),
            onnx.numpy_helper.from_array(OFFSETS[:, :width], "offsets"),
        ],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(made, opset_imports=[opset], ir_version=8).SerializeToString()


def session(
    onnx_bytes: bytes, *, tails: str | None = None, probability: str | None = None
) -> Session:
    return Session(
        onnx_bytes,
        input_name="features",
        output_name="prediction",
        tails_name=tails,
        probability_name=probability,
        features=3,
        threads=1,
    )


ROWS: NDArray[np.float32] = np.arange(12, dtype=np.float32).reshape(4, 3)


def test_a_model_without_tails_answers_with_predictions_alone() -> None:
    plain = session(graph(tails=False), tails=None)
    assert plain.run(ROWS).predictions.tolist() == [3.0, 12.0, 21.0, 30.0]
    assert plain.run(ROWS).tails is None
    assert plain.run(ROWS).each()[1] == Answer(12.0, None, None)
    assert [plain.run_one(row) for row in ROWS] == plain.run(ROWS).each()


def test_a_model_with_tails_answers_with_both_row_by_row_as_in_a_batch() -> None:
    both = session(graph(tails=True), tails="tails")
    assert both.run(ROWS).each() == [
        Answer(total, (total - 0.5, total + 1.5), None) for total in (3.0, 12.0, 21.0, 30.0)
    ]
    assert [both.run_one(row) for row in ROWS] == both.run(ROWS).each()


@pytest.mark.parametrize("tails", [None, "tails"])
def test_a_probability_is_told_from_tails(tails: str | None) -> None:
    rows = np.array([[0.0, 0.0, 0.0], [0.5, 0.25, 0.25]], dtype=np.float32)
    held = session(graph(tails=True, probability=True), tails=tails, probability="probability")
    answers = held.run(rows).each()
    assert [answer.probability for answer in answers] == pytest.approx([0.5, 1 / (1 + np.exp(-1))])
    assert answers[1].tails == ((0.5, 2.5) if tails else None)
    assert [held.run_one(row) for row in rows] == answers


def test_tails_that_nobody_speaks_of_are_left_alone() -> None:
    assert session(graph(tails=True), tails=None).run_one(ROWS[0]) == Answer(3.0, None, None)


@pytest.mark.parametrize(
    ("onnx_bytes", "message"),
    [
        (graph(tails=False), r"has outputs \['prediction'\], needed 'tails'"),
        (graph(tails=True, width=1), r"tails was of shape .*, needed \[N, 2\]"),
    ],
)
def test_a_graph_without_the_tails_that_its_manifest_names_is_refused(
    onnx_bytes: bytes, message: str
) -> None:
    with pytest.raises(UnusableModel, match=message):
        session(onnx_bytes, tails="tails")
