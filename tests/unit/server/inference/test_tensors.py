"""Tensors on the wire: what is sent is what arrives, and what cannot be is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from tickcast_server.errors import InvalidRequest
from tickcast_server.rpc.inference import tensors
from tickcast_server.rpc.inference.protocol.grpc_service_pb2 import (
    InferTensorContents,
    ModelInferRequest,
)
from tickcast_server.rpc.violations import Violations
from tickcast_server.serving.signature import ANY, DATATYPES, Tensor

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)


@st.composite
def arrays(draw: st.DrawFn) -> tuple[str, NDArray[Any]]:
    datatype = draw(st.sampled_from(list(DATATYPES)))
    if datatype != "BYTES":
        return datatype, draw(hnp.arrays(DATATYPES[datatype], SHAPES))
    texts = draw(hnp.arrays(np.object_, SHAPES, elements=st.text(max_size=9)))
    return datatype, texts


def decoded(
    datatype: str,
    shape: tuple[int, ...],
    raw: bytes | None,
    contents: InferTensorContents | None = None,
) -> NDArray[Any]:
    """Raises `InvalidRequest`."""
    message = ModelInferRequest.InferInputTensor(
        name="x", datatype=datatype, shape=shape, contents=contents
    )
    needed = Tensor(name="x", datatype=datatype, shape=(ANY,) * len(shape))
    wrong = Violations()
    values = tensors.decode(message, needed, raw, path="inputs[0]", wrong=wrong)
    wrong.check()
    assert values is not None
    return values


def same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.dtype == np.object_:
        return bool((one == other).all())
    return one.dtype == other.dtype and one.tobytes() == other.tobytes()


@given(arrays())
def test_raw_values_arrive_to_the_last_bit(item: tuple[str, NDArray[Any]]) -> None:
    datatype, values = item
    assert same(decoded(datatype, values.shape, tensors.raw(values, datatype)), values)


@given(arrays().filter(lambda item: item[0] != "FP16" and not _has_nan(item[1])))
def test_typed_values_arrive_to_the_last_bit(item: tuple[str, NDArray[Any]]) -> None:
    datatype, values = item
    contents = tensors.typed(values, datatype)
    assert same(decoded(datatype, values.shape, None, contents), values)


def _has_nan(values: NDArray[Any]) -> bool:
    # On their way through Python's floats, NaNs may change which of many they are.
    return values.dtype.kind == "f" and bool(np.isnan(values).any())


@given(st.sampled_from(list(DATATYPES)), st.integers(1, 9), st.binary(max_size=40))
def test_any_other_bytes_are_refused_by_name_and_never_read_past(
    datatype: str, count: int, data: bytes
) -> None:
    try:
        values = decoded(datatype, (count,), data)
    except InvalidRequest as error:
        assert error.violations[0].field == "inputs[0].raw_input_contents"  # noqa: PT017
    else:
        assert values.shape == (count,)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [("INT8", 128), ("INT8", -129), ("INT16", 2**15), ("UINT8", 256), ("UINT16", 2**16)],
)
def test_a_value_that_its_type_cannot_hold_is_refused(datatype: str, value: int) -> None:
    contents = InferTensorContents()
    field = contents.uint_contents if datatype.startswith("U") else contents.int_contents
    field.append(value)
    with pytest.raises(InvalidRequest, match=rf"was {value}, needed .*, which {datatype} holds"):
        decoded(datatype, (1,), None, contents)


def test_values_in_the_field_of_another_type_are_refused() -> None:
    contents = InferTensorContents(fp64_contents=[1.0])
    with pytest.raises(InvalidRequest, match="was fp64_contents, needed fp32_contents alone"):
        decoded("FP32", (1,), None, contents)


def test_half_precision_has_no_typed_contents() -> None:
    with pytest.raises(InvalidRequest, match="needed raw_input_contents"):
        decoded("FP16", (1,), None, InferTensorContents(fp32_contents=[1.0]))


def test_a_length_that_runs_past_the_end_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="each after its length in 4 bytes"):
        decoded("BYTES", (1,), b"\xff\xff\xff\xffab")


def test_a_shape_of_more_values_than_there_can_be_costs_nothing() -> None:
    with pytest.raises(InvalidRequest, match=r"was 4 bytes, needed"):
        decoded("FP32", (2**62, 2**62), b"\0\0\0\0")
