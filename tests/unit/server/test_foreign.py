"""Graphs without a manifest: what is taken for one, and what is refused with the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tickcast_server.errors import InvalidRequest
from tickcast_server.serving.foreign import (
    bare_models,
    is_foreign,
    load_foreign,
    unnamed_models,
)
from tickcast_server.serving.unusable import UnusableModel

from tests.foreign_graphs import doubled, listed, reshaped, write_graph

AddPackage = Callable[..., Path]

NAME = "models/doubled/versions/1"


def test_its_tensors_are_those_of_its_file(tmp_path: Path) -> None:
    write_graph(tmp_path, doubled())
    model = load_foreign(tmp_path, name=NAME, threads=1, now=7.0)
    shapes = {item.name: (item.datatype, item.shape) for item in model.signature.inputs.values()}
    assert shapes == {"x": ("FP64", (-1, 2)), "n": ("INT64", (-1,)), "s": ("BYTES", (-1,))}
    assert list(model.signature.outputs) == ["scaled", "sum", "same"]
    assert model.signature.has_rows


def test_an_output_that_is_a_sequence_is_refused_with_the_fix(tmp_path: Path) -> None:
    write_graph(tmp_path, listed())
    needed = r"listed was seq\(.*\), needed a tensor: .* options=\{'zipmap': False\}"
    with pytest.raises(UnusableModel, match=needed):
        load_foreign(tmp_path, name=NAME, threads=1, now=0.0)


def test_a_type_that_the_protocol_does_not_have_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "brain",
        [helper.make_tensor_value_info("x", TensorProto.BFLOAT16, [None])],
        [helper.make_tensor_value_info("y", TensorProto.BFLOAT16, [None])],
    )
    write_graph(tmp_path, graph)
    with pytest.raises(UnusableModel, match=r"bfloat16|does not load"):
        load_foreign(tmp_path, name=NAME, threads=1, now=0.0)


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(UnusableModel, match=r"model.onnx does not load"):
        load_foreign(tmp_path, name=NAME, threads=1, now=0.0)


def test_weights_may_lie_in_a_file_beside_it(tmp_path: Path) -> None:
    weights = np.ones((64, 64), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "wide",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 64])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin")
    loaded = load_foreign(tmp_path, name=NAME, threads=1, now=0.0)
    (answer,) = loaded.run({"x": weights[:1]}, ["y"])
    assert answer.tolist() == [[64.0] * 64]


def test_what_it_cannot_compute_with_is_told_in_its_own_words(tmp_path: Path) -> None:
    write_graph(tmp_path, reshaped())
    model = load_foreign(tmp_path, name=NAME, threads=1, now=0.0)
    with pytest.raises(InvalidRequest, match=f"inputs: was refused by {NAME}.*Reshape"):
        model.run({"x": np.ones(3, dtype=np.float32)}, ["rows"])


@pytest.mark.parametrize("lost", ["manifest.json", "golden.npz"])
def test_a_package_that_has_lost_a_file_is_not_taken_for_one(
    add_package: AddPackage, lost: str
) -> None:
    path = add_package()
    (path / lost).unlink()
    assert not is_foreign(path)


def test_a_graph_may_lie_in_the_folder_of_its_model(tmp_path: Path) -> None:
    write_graph(tmp_path / "doubled", doubled())
    write_graph(tmp_path / "listed" / "1", listed())
    assert bare_models(tmp_path) == ["doubled"]


def test_folders_whose_names_are_no_models_are_found(tmp_path: Path) -> None:
    for name in ("My_Model", "other_model/1", "fine", ".hidden"):
        write_graph(tmp_path / name, doubled())
    assert unnamed_models(tmp_path) == ["My_Model", "other_model"]


def test_a_repository_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert bare_models(tmp_path / "none") == unnamed_models(tmp_path / "none") == []
