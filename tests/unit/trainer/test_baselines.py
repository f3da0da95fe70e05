"""Baselines: forecasts that anybody can make."""

import numpy as np
import pytest
from tickcast_trainer.baselines import BASELINES, last_return, rolling_mean, zero

CLOSE = np.exp(np.cumsum(np.linspace(-0.02, 0.03, 200)))


def test_the_baselines_by_name() -> None:
    assert list(BASELINES) == ["zero", "rolling_mean", "last_return"]


def test_zero_forecasts_no_change() -> None:
    assert zero(CLOSE, 5).tolist() == [0.0] * 200


def test_last_return_repeats_the_return_over_the_horizon() -> None:
    forecast = last_return(CLOSE, 5)
    assert np.isnan(forecast[:5]).all()
    assert forecast[100] == pytest.approx(np.log(CLOSE[100] / CLOSE[95]))


def test_rolling_mean_scales_a_quarter_to_the_horizon() -> None:
    forecast = rolling_mean(CLOSE, 5)
    assert np.isnan(forecast[:63]).all()
    assert forecast[100] == pytest.approx(5 * np.diff(np.log(CLOSE))[37:100].mean())


@pytest.mark.parametrize("name", BASELINES)
def test_no_baseline_looks_ahead(name: str) -> None:
    whole, cut = BASELINES[name](CLOSE, 3), BASELINES[name](CLOSE[:150], 3)
    assert np.array_equal(whole[:150], cut, equal_nan=True)
