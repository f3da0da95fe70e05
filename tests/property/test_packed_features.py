"""What the SDK packs is what the server reads, bit for bit; whatever cannot be packed is not."""

from __future__ import annotations

import sys
from array import array
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from tickcast import Features, _encode
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast_server.errors import InvalidRequest
from tickcast_server.rpc import decode
from tickcast_server.serving.predictor import GivenFeatures

AS_OF = datetime(2024, 1, 2, tzinfo=UTC)

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)
vectors = arrays.arrays(np.dtype("<f4"), st.integers(1, 64), elements=finite)


def sent(values: NDArray[Any] | array[float]) -> pb.InlineFeatures:
    message = _encode.inline_features(Features(values=values, as_of_time=AS_OF))
    assert message is not None
    return message


def read(features: pb.InlineFeatures) -> NDArray[np.float32]:
    request = pb.PredictRequest(model="models/m", symbol="A", features=features)
    source = decode.predict_query(request).source
    assert isinstance(source, GivenFeatures)
    return source.values


@given(vectors)
def test_packed_values_come_back_bit_for_bit(values: NDArray[np.float32]) -> None:
    features = sent(values)
    assert not features.values
    assert read(features).tobytes() == values.tobytes()


@given(vectors)
def test_both_forms_are_read_alike(values: NDArray[np.float32]) -> None:
    plain = pb.InlineFeatures(values=values.tolist(), as_of_time=sent(values).as_of_time)
    assert read(plain).tobytes() == read(sent(values)).tobytes()


@given(vectors, st.integers(1, 3))
def test_gaps_between_numbers_are_not_sent(values: NDArray[np.float32], step: int) -> None:
    assert read(sent(np.repeat(values, step)[::step])).tobytes() == values.tobytes()


@given(vectors)
def test_an_array_of_the_standard_library_is_packed(values: NDArray[np.float32]) -> None:
    features = sent(array("f", values.tolist()))
    assert bool(features.packed_values) == (sys.byteorder == "little")
    assert read(features).tobytes() == values.tobytes()


@pytest.mark.parametrize("kind", [">f4", "<f8", ">f8", "<i4", "<f2"])
@given(values=arrays.arrays(np.int64, st.integers(1, 8), elements=st.integers(-100, 100)))
def test_other_numbers_are_sent_as_numbers(values: NDArray[np.int64], kind: str) -> None:
    features = sent(values.astype(kind))
    assert not features.packed_values
    assert read(features).tolist() == values.tolist()


@given(vectors, st.integers(1, 3))
def test_half_a_number_is_refused(values: NDArray[np.float32], cut: int) -> None:
    features = sent(values)
    features.packed_values = features.packed_values + bytes(cut)
    with pytest.raises(InvalidRequest) as caught:
        read(features)
    (violation,) = caught.value.violations
    assert violation.field == "features.packed_values"
