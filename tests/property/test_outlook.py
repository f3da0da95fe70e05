"""What many answers mean is what each of them means, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tickcast_modelkit.features import CORE
from tickcast_server.serving.model import LoadedModel, load_model
from tickcast_server.serving.outlook import outlook_of, outlooks_of
from tickcast_server.serving.session import Answers

from tests.conftest import write_linear_package

LARGEST = 8
numbers = st.floats(-10, 10, width=32)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    package = write_linear_package(tmp_path_factory.mktemp("models"))
    return load_model(package, feature_sets={CORE.id: CORE}, threads=1, now=0.0)


@pytest.fixture(scope="module")
def without_quantiles(model: LoadedModel) -> LoadedModel:
    band = replace(model.band, quantiles=())
    return replace(model, manifest=replace(model.manifest, band=band))


@given(
    count=st.integers(1, LARGEST),
    values=arrays.arrays(np.float32, (LARGEST, len(CORE.names)), elements=numbers),
    answers=arrays.arrays(np.float32, (LARGEST, 4), elements=numbers),
    has_tails=st.booleans(),
    has_rise=st.booleans(),
    has_quantiles=st.booleans(),
)
def test_one_by_one_and_together(
    model: LoadedModel,
    without_quantiles: LoadedModel,
    count: int,
    values: np.ndarray,
    answers: np.ndarray,
    has_tails: bool,
    has_rise: bool,
    has_quantiles: bool,
) -> None:
    asked = model if has_quantiles else without_quantiles
    found = Answers(
        answers[:count, 0],
        answers[:count, 1:3] if has_tails else None,
        np.abs(answers[:count, 3]) / 10 if has_rise else None,
    )
    rows = values[:count]
    together = list(outlooks_of(asked, rows, found).each())
    one_by_one = [
        outlook_of(asked, row, answer) for row, answer in zip(rows, found.each(), strict=True)
    ]
    assert together == one_by_one
