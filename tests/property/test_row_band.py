"""A band asked for one row says what it says of many rows, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickcast_modelkit.intervals import ConformalBand
from tickcast_modelkit.row_band import RowBand

NAMES = ["return_1", "volatility_21"]
NUMBERS = st.floats(-100, 100)

quantiles = st.lists(st.floats(-5, 5), min_size=101, max_size=101).map(sorted).map(tuple)
# Many of them the same, as residuals that are rounded are.
rounded = st.lists(st.integers(-3, 3), min_size=101, max_size=101).map(
    lambda numbers: tuple(float(number) for number in sorted(numbers))
)

BAND = ConformalBand(
    coverage=0.9,
    lower=-1.5,
    upper=2.0,
    scale_feature="volatility_21",
    scale_floor=0.01,
    calibration_rows=200,
    quantiles=(),
)


@given(
    quantiles=quantiles | rounded,
    row=st.tuples(NUMBERS, NUMBERS),
    prediction=NUMBERS | st.integers(-3, 3).map(float),
    scaled=st.booleans(),
)
def test_one_row_and_many(
    quantiles: tuple[float, ...], row: tuple[float, float], prediction: float, scaled: bool
) -> None:
    band = replace(BAND, quantiles=quantiles, scale_feature=BAND.scale_feature if scaled else None)
    features = np.array([row], dtype=np.float32)
    scales = band.scales(features, NAMES)
    expected = band.probability_above_zero(np.array([prediction]), scales)
    assert expected is not None
    one = RowBand(band, NAMES)
    scale = one.scale(features[0])
    assert scale == scales[0]
    assert one.probability_above_zero(prediction, scale) == expected[0]
    assert one.bounds(prediction, scale) == band.bounds(prediction, scale)


def test_a_band_without_quantiles_knows_no_probability() -> None:
    assert RowBand(BAND, NAMES).probability_above_zero(0.1, 1.0) is None


def test_a_scale_feature_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="volatility_21"):
        RowBand(BAND, ["return_1"])
