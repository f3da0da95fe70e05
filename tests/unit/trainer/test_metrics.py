"""Metrics: agreement with known values, and standard errors that count days, not rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tickcast_trainer.metrics import (
    directional_accuracy,
    information_coefficient,
    interval_score,
    probability_of_no_gain,
    r2_vs_zero,
    rmse,
    wilson_interval,
)

RNG = np.random.default_rng(5)
TARGET = RNG.normal(0.0, 0.02, 1000)
SIGNAL = 0.5 * TARGET + RNG.normal(0.0, 0.02, 1000)
NOISE = RNG.normal(0.0, 0.02, 1000)
TIME = np.arange(1000)
ZERO = np.zeros(1000)


def test_rmse_and_r2_by_hand() -> None:
    prediction, target = np.array([0.0, 0.1]), np.array([0.3, 0.5])
    assert rmse(prediction, target) == pytest.approx(np.sqrt((0.09 + 0.16) / 2))
    assert r2_vs_zero(prediction, target) == pytest.approx(1 - 0.25 / 0.34)
    assert r2_vs_zero(target, target) == 1.0
    assert r2_vs_zero(ZERO, TARGET) == 0.0


def test_information_coefficient_is_spearmans() -> None:
    expected = stats.spearmanr(SIGNAL, TARGET).statistic
    assert information_coefficient(SIGNAL, TARGET) == pytest.approx(expected)
    tied = np.round(SIGNAL, 2)
    expected = stats.spearmanr(tied, TARGET).statistic
    assert information_coefficient(tied, TARGET) == pytest.approx(expected)


def test_a_constant_forecast_has_no_information_coefficient() -> None:
    assert information_coefficient(ZERO + 0.1, TARGET) is None


@given(hits=st.integers(0, 500), more=st.integers(0, 500))
def test_wilson_interval_agrees_with_scipy(hits: int, more: int) -> None:
    rows = hits + more + 1
    expected = stats.binomtest(hits, rows).proportion_ci(0.95, method="wilson")
    assert wilson_interval(hits / rows, rows) == pytest.approx(expected, abs=1e-9)


def test_directional_accuracy_counts_signs() -> None:
    prediction, target = np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, -1.0, -2.0])
    found = directional_accuracy(prediction, target, np.arange(4), horizon=1)
    assert found is not None
    assert found.value == 0.75
    assert found.low < 0.75 < found.high


def test_directional_accuracy_leaves_out_what_has_no_sign() -> None:
    prediction, target = np.array([1.0, 0.0, -1.0]), np.array([1.0, 1.0, 0.0])
    found = directional_accuracy(prediction, target, np.arange(3), horizon=1)
    assert found is not None
    assert found.value == 1.0
    assert directional_accuracy(np.zeros(3), target, np.arange(3), horizon=1) is None


def test_independent_rows_give_the_plain_wilson_interval() -> None:
    found = directional_accuracy(NOISE, TARGET, TIME, horizon=1)
    assert found is not None
    low, high = wilson_interval(found.value, 1000)
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)


def test_symbols_that_move_as_one_add_no_certainty() -> None:
    once = directional_accuracy(SIGNAL, TARGET, TIME, horizon=1)
    thrice = directional_accuracy(
        np.tile(SIGNAL, 3), np.tile(TARGET, 3), np.tile(TIME, 3), horizon=1
    )
    assert once is not None
    assert thrice is not None
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), abs=0.002)
    p_once = probability_of_no_gain(NOISE, ZERO, TARGET, TIME, horizon=1)
    p_thrice = probability_of_no_gain(
        np.tile(NOISE, 3), np.tile(ZERO, 3), np.tile(TARGET, 3), np.tile(TIME, 3), horizon=1
    )
    assert p_thrice == pytest.approx(p_once)


def test_overlapping_targets_widen_the_interval() -> None:
    # Each forecast and outcome lasts five bars, so that five rows say what one does.
    prediction, target = np.repeat(SIGNAL, 5), np.repeat(TARGET, 5)
    naive = directional_accuracy(prediction, target, np.arange(5000), horizon=1)
    aware = directional_accuracy(prediction, target, np.arange(5000), horizon=10)
    assert naive is not None
    assert aware is not None
    plain_low, plain_high = wilson_interval(aware.value, 5000)
    assert aware.high - aware.low > 1.5 * (plain_high - plain_low)
    assert aware.high - aware.low >= naive.high - naive.low


def test_a_better_forecast_gains_and_a_worse_one_does_not() -> None:
    assert probability_of_no_gain(0.3 * SIGNAL, ZERO, TARGET, TIME, horizon=1) < 1e-6
    assert probability_of_no_gain(NOISE, ZERO, TARGET, TIME, horizon=1) > 0.999


def test_the_test_has_two_sides_that_add_up() -> None:
    one = probability_of_no_gain(SIGNAL, NOISE, TARGET, TIME, horizon=3)
    other = probability_of_no_gain(NOISE, SIGNAL, TARGET, TIME, horizon=3)
    assert one + other == pytest.approx(1.0)


def test_a_forecast_gains_nothing_on_itself() -> None:
    assert probability_of_no_gain(SIGNAL, SIGNAL, TARGET, TIME, horizon=1) == 1.0


def test_equally_good_forecasts_are_told_apart_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(11)
    found = []
    for _ in range(400):
        target, one, other = rng.normal(size=(3, 250))
        found.append(probability_of_no_gain(one, other, target, np.arange(250), horizon=1))
    # 5% of 400 is 20, with a standard deviation of 4.4.
    assert 5 <= sum(p < 0.05 for p in found) <= 38


def test_few_times_and_long_horizons_ask_for_more_evidence() -> None:
    # Harvey, Leybourne and Newbold (1997), eq. 9, at 12 times and a horizon of 3, by hand.
    rng = np.random.default_rng(3)
    gain = rng.normal(0.4, 1.0, 12)
    target = np.zeros(12)
    rival = np.sqrt(gain - gain.min())
    prediction = np.full(12, np.sqrt(-gain.min()))
    deviation = gain - gain.mean()
    covariance = [float(deviation[lag:] @ deviation[: 12 - lag]) / 12 for lag in range(3)]
    variance = (covariance[0] + 2 * (2 / 3 * covariance[1] + 1 / 3 * covariance[2])) / 12
    statistic = gain.mean() / np.sqrt(variance) * np.sqrt((12 + 1 - 6 + 6 / 12) / 12)
    found = probability_of_no_gain(prediction, rival, target, np.arange(12), horizon=3)
    assert found == pytest.approx(stats.t.sf(statistic, 11))


def test_an_interval_score_is_width_and_what_misses_cost() -> None:
    lower, upper = np.zeros(4), np.full(4, 2.0)
    target = np.array([0.0, 2.0, -1.0, 5.0])
    # At 80%, a miss costs its distance times 2 / 0.2.
    assert interval_score(lower, upper, target, coverage=0.8) == pytest.approx(2.0 + 40.0 / 4)


def test_the_best_interval_score_is_that_of_the_right_quantiles() -> None:
    target = stats.expon.ppf((np.arange(100_000) + 0.5) / 100_000)
    ones = np.ones_like(target)

    def score(low: float, high: float) -> float:
        lower, upper = (stats.expon.ppf(probability) * ones for probability in (low, high))
        return interval_score(lower, upper, target, coverage=0.9)

    right = score(0.05, 0.95)
    assert right < min(score(0.0, 0.9), score(0.1, 0.9999), score(0.02, 0.98), score(0.1, 0.9))


def test_no_more_times_than_the_horizon_prove_nothing() -> None:
    assert probability_of_no_gain(0.9 * TARGET, ZERO, TARGET, TIME, horizon=1000) == 1.0


@pytest.mark.parametrize("horizon", [1, 5])
def test_a_short_history_is_no_easier_to_beat(horizon: int) -> None:
    # 24 months: the plain test of Diebold and Mariano rejects far too often here.
    rng = np.random.default_rng(12)
    found = []
    for _ in range(1000):
        shocks = rng.normal(size=(3, 24 + horizon - 1))
        target, one, other = (np.convolve(row, np.ones(horizon), "valid") for row in shocks)
        found.append(probability_of_no_gain(one, other, target, np.arange(24), horizon=horizon))
    # 5% of 1000 is 50, with a standard deviation of 6.9.
    assert 25 <= sum(p < 0.05 for p in found) <= 75
