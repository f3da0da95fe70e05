"""Statistics: the published examples, the textbook formulas, and intervals that cover."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tickcast_trainer.backtest.statistics import (
    deflated_sharpe_ratio,
    drawdown,
    expected_maximum_sharpe,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
    sharpe_standard_error,
    skewness_and_kurtosis,
    sortino_ratio,
)

NORMAL = np.random.default_rng(3).normal(0.001, 0.01, 5_000)


def test_sharpe_and_sortino_by_hand() -> None:
    returns = np.array([0.02, -0.01, 0.03, -0.02])
    assert sharpe_ratio(returns) == pytest.approx(0.005 / np.std(returns, ddof=1))
    assert sortino_ratio(returns) == pytest.approx(0.005 / math.sqrt((0.01**2 + 0.02**2) / 4))


def test_what_never_moves_has_no_ratio() -> None:
    assert sharpe_ratio(np.full(100, 0.001)) is None
    assert sharpe_ratio(np.array([0.1])) is None
    assert sortino_ratio(np.full(100, 0.001)) is None
    assert sortino_ratio(np.zeros(0)) is None


def test_the_standard_error_of_independent_normal_returns_is_that_of_lo() -> None:
    ratio = sharpe_ratio(NORMAL)
    assert ratio is not None
    expected = math.sqrt((1 + ratio**2 / 2) / len(NORMAL))
    assert sharpe_standard_error(NORMAL) == pytest.approx(expected, rel=0.1)


def test_returns_that_depend_on_those_before_widen_the_interval() -> None:
    trending = np.convolve(NORMAL, np.ones(5) / 5, mode="valid")
    naive = math.sqrt(1 / len(trending))
    assert sharpe_standard_error(trending) > 1.7 * naive


def test_the_interval_covers_as_often_as_promised() -> None:
    random = np.random.default_rng(8)
    covered = 0
    for _ in range(400):
        # Fat tails and a true ratio of 0.1.
        returns = random.standard_t(5, 500) / math.sqrt(5 / 3) + 0.1
        ratio = sharpe_ratio(returns)
        assert ratio is not None
        covered += abs(ratio - 0.1) <= 1.96 * sharpe_standard_error(returns)
    # 95% of 400 is 380, with a standard deviation of 4.4; Newey and West are a little too sure.
    assert 362 <= covered <= 395


def test_moments_are_those_of_scipy() -> None:
    skewed = np.exp(NORMAL * 50)
    expected = stats.skew(skewed), stats.kurtosis(skewed, fisher=False)
    assert skewness_and_kurtosis(skewed) == pytest.approx(expected)


@pytest.mark.parametrize(("trials", "expected"), [(100, 0.9004), (46, 0.9505)])
def test_the_deflated_ratio_of_the_paper(trials: int, expected: float) -> None:
    # Bailey and Lopez de Prado (2014), numerical example: 2.5 a year over 1,250 days, the best of
    # some trials whose ratios have a variance of 1/2 a year.
    found = deflated_sharpe_ratio(
        2.5 / math.sqrt(250),
        trials=trials,
        variance=0.5 / 250,
        periods=1_250,
        skewness=-3.0,
        kurtosis=10.0,
    )
    assert found == pytest.approx(expected, abs=5e-5)


def test_the_expected_maximum_of_the_paper() -> None:
    assert expected_maximum_sharpe(trials=100, variance=0.5 / 250) == pytest.approx(
        0.1132, abs=5e-5
    )


def test_a_single_trial_is_not_deflated() -> None:
    deflated = deflated_sharpe_ratio(
        0.05, trials=1, variance=0.3, periods=500, skewness=-0.5, kurtosis=5.0
    )
    assert deflated == probabilistic_sharpe_ratio(
        0.05, 0.0, periods=500, skewness=-0.5, kurtosis=5.0
    )


def test_the_expected_maximum_is_what_luck_brings() -> None:
    random = np.random.default_rng(5)
    best = random.normal(0.0, 0.2, (4_000, 50)).max(axis=1).mean()
    assert expected_maximum_sharpe(trials=50, variance=0.04) == pytest.approx(best, rel=0.02)


@given(ratio=st.floats(-0.2, 0.2), periods=st.integers(10, 5_000))
def test_the_probability_is_even_at_the_ratio_itself(ratio: float, periods: int) -> None:
    found = probabilistic_sharpe_ratio(ratio, ratio, periods=periods, skewness=0.0, kurtosis=3.0)
    assert found == 0.5
    assert (
        probabilistic_sharpe_ratio(
            ratio, ratio - 0.05, periods=periods, skewness=-1.0, kurtosis=6.0
        )
        > 0.5
    )


@pytest.mark.parametrize(
    ("equity", "depth", "duration"),
    [
        ([1.0, 1.1, 1.2], 0.0, 0),
        ([1.0, 1.0, 1.0], 0.0, 0),
        ([1.0, 2.0, 1.0, 1.5, 2.0, 3.0], 0.5, 3),
        ([1.0, 0.8, 1.0, 2.0, 1.9, 1.8, 1.7], 0.2, 3),
        ([1.0, 0.0, 0.0], 1.0, 2),
        ([1.0], 0.0, 0),
    ],
)
def test_drawdown_by_hand(equity: list[float], depth: float, duration: int) -> None:
    found = drawdown(np.array(equity))
    assert found.depth == pytest.approx(depth)
    assert found.duration == duration
