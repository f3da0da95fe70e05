from __future__ import annotations

import numpy as np
import pytest
from tickcast_modelkit.errors import InvalidArray, TooFewResiduals
from tickcast_modelkit.features import CORE
from tickcast_modelkit.intervals import ConformalBand, Floats, conformal_scales


def fit(
    residuals: Floats | list[float],
    scales: Floats | list[float] | None = None,
    *,
    coverage: float = 0.8,
    scale_feature: str | None = None,
) -> ConformalBand:
    values = np.asarray(residuals, dtype=np.float64)
    return ConformalBand.fit(
        values,
        np.ones(len(values)) if scales is None else np.asarray(scales, dtype=np.float64),
        coverage=coverage,
        scale_feature=scale_feature,
        scale_floor=1e-3,
    )


def test_the_bounds_are_the_corrected_order_statistics() -> None:
    # With 19 rows, a tail of 10% ends at the second of 20 places: rows 2 and 18 of 19.
    band = fit(np.arange(1.0, 20.0)[::-1])
    assert (band.lower, band.upper) == (2.0, 18.0)
    assert (band.coverage, band.calibration_rows) == (0.8, 19)


@pytest.mark.parametrize(
    ("coverage", "needed"), [(0.5, 3), (0.8, 9), (0.9, 19), (0.95, 39), (0.99, 199)]
)
def test_as_many_rows_as_the_tails_need_and_no_more(coverage: float, needed: int) -> None:
    residuals = np.arange(float(needed))
    band = fit(residuals, coverage=coverage)
    assert (band.lower, band.upper) == (0.0, needed - 1.0)
    with pytest.raises(TooFewResiduals) as caught:
        fit(residuals[1:], coverage=coverage)
    assert (caught.value.held, caught.value.needed) == (needed - 1, needed)
    message = f"residuals: was {needed - 1}, needed at least {needed} for coverage {coverage}"
    assert str(caught.value) == message


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.1, 1.5, np.nan])
def test_a_coverage_lies_between_nothing_and_all(coverage: float) -> None:
    with pytest.raises(ValueError, match="coverage: was"):
        fit(np.arange(100.0), coverage=coverage)


def test_residuals_are_measured_in_scales() -> None:
    scales = np.linspace(1.0, 3.0, 99)
    band = fit(np.linspace(-1.0, 1.0, 99) * scales, scales)
    assert (band.lower, band.upper) == pytest.approx((-0.81632653, 0.81632653))


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.95])
def test_new_outcomes_fall_inside_as_often_as_stated(coverage: float) -> None:
    random = np.random.default_rng(0)
    rates = []
    for _ in range(400):
        scales = random.lognormal(0.0, 1.0, 219)
        residuals = (random.exponential(1.0, 219) - 1.0) * scales
        band = fit(residuals[:119], scales[:119], coverage=coverage)
        lower, upper = band.bounds(np.zeros(100), scales[119:])
        rates.append(np.mean((lower <= residuals[119:]) & (residuals[119:] <= upper)))
    assert np.mean(rates) == pytest.approx(coverage, abs=0.01)


def test_the_interval_surrounds_the_prediction_in_proportion_to_the_scale() -> None:
    band = ConformalBand(
        coverage=0.8,
        lower=-1.0,
        upper=2.0,
        scale_feature="rsi_14",
        scale_floor=0.1,
        calibration_rows=99,
        quantiles=(),
    )
    assert band.probability_above_zero(np.array([0.5]), np.array([0.25])) is None
    assert band.bounds(0.5, 0.25) == (0.25, 1.0)
    lower, upper = band.bounds(np.array([0.5, 0.0]), np.array([0.25, 0.5]))
    assert (lower.tolist(), upper.tolist()) == ([0.25, -0.5], [1.0, 1.0])


def rise(band: ConformalBand, prediction: float, scale: float) -> float:
    found = band.probability_above_zero(np.array([prediction]), np.array([scale]))
    assert found is not None
    return float(found[0])


def test_the_probability_of_a_rise_is_the_share_of_residuals_that_make_one() -> None:
    band = fit(np.linspace(-1.0, 1.0, 999))
    assert rise(band, 0.0, 1.0) == pytest.approx(0.5)
    assert rise(band, 0.5, 1.0) == pytest.approx(0.75)
    assert rise(band, 0.5, 2.0) == pytest.approx(0.625)
    assert rise(band, -0.5, 1.0) == pytest.approx(0.25)
    # Nobody saw a rise from here, among as many as there were.
    assert rise(band, -9.0, 1.0) == 1 / 1_000
    assert rise(band, 9.0, 1.0) == 1 - 1 / 1_000


def test_the_probability_of_a_rise_is_calibrated_on_skewed_and_changing_noise() -> None:
    random = np.random.default_rng(3)
    scales = np.exp(random.normal(0.0, 0.5, 60_000))
    expected = random.normal(0.0, 0.3, 60_000)
    outcomes = expected + (random.exponential(1.0, 60_000) - 1.0) * scales
    held = 30_000
    band = fit(outcomes[:held] - expected[:held], scales[:held])
    said = band.probability_above_zero(expected[held:], scales[held:])
    assert said is not None
    rose = outcomes[held:] > 0.0
    for low in np.arange(0.2, 0.7, 0.1):
        chosen = (said >= low) & (said < low + 0.1)
        assert chosen.sum() > 300
        # Within three standard errors of a share.
        assert rose[chosen].mean() == pytest.approx(
            said[chosen].mean(), abs=3 * np.sqrt(0.25 / chosen.sum())
        )


def test_the_scale_is_its_feature_but_never_below_the_floor() -> None:
    features = np.zeros((3, len(CORE.names)), dtype=np.float32)
    features[:, CORE.names.index("realised_volatility_20")] = [0.0, 0.05, 0.5]
    scales = conformal_scales(
        features, CORE.names, scale_feature="realised_volatility_20", scale_floor=0.1
    )
    assert scales.tolist() == [0.1, 0.1, 0.5]
    assert scales.dtype == np.float64
    band = fit(np.arange(99.0), scale_feature="realised_volatility_20")
    assert band.scales(features, CORE.names)[1] == float(np.float32(0.05))


def test_without_a_scale_feature_every_interval_is_equally_wide() -> None:
    features = np.zeros((3, 2), dtype=np.float32)
    assert fit(np.arange(99.0)).scales(features, ("a", "b")).tolist() == [1.0, 1.0, 1.0]


def test_a_scale_feature_that_is_not_there_is_refused() -> None:
    band = fit(np.arange(99.0), scale_feature="c")
    with pytest.raises(ValueError, match="scale_feature: was 'c', needed one of a, b"):
        band.scales(np.zeros((3, 2), dtype=np.float32), ("a", "b"))


@pytest.mark.parametrize(
    ("residuals", "scales", "message"),
    [
        ([0.0, np.nan], [1.0, 1.0], r"residuals\[1\]: was nan, needed finite numbers"),
        ([0.0, 0.0], [1.0, 0.0], r"scales\[1\]: was 0.0, needed finite numbers above 0"),
        ([0.0, 0.0], [np.inf, 1.0], r"scales\[0\]: was inf, needed finite numbers above 0"),
        ([0.0, 0.0], [1.0], r"scales: was shape \(1,\), needed shape \(2,\), as residuals"),
    ],
)
def test_values_that_bound_nothing_are_refused(
    residuals: list[float], scales: list[float], message: str
) -> None:
    with pytest.raises(InvalidArray, match=message):
        fit(residuals, scales)
