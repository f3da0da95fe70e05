"""The stationary bootstrap: blocks as promised, and intervals that hold the truth as often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from tickcast_trainer.validation.bootstrap import bootstrap_ratio, stationary_draws


@given(count=st.integers(2, 200), block=st.floats(1.0, 50.0), seed=st.integers(0, 1000))
def test_draws_are_blocks_of_a_ring(count: int, block: float, seed: int) -> None:
    drawn = stationary_draws(count, block, 5, np.random.default_rng(seed))
    assert drawn.shape == (5, count)
    assert drawn.min() >= 0
    assert drawn.max() < count


def test_blocks_are_as_long_as_asked_for_in_the_mean() -> None:
    drawn = stationary_draws(1000, 8.0, 200, np.random.default_rng(1))
    follows = (np.diff(drawn, axis=1) % 1000) == 1
    # A new block begins where the old one went on once in a thousand times.
    assert 1.0 / (1.0 - follows.mean()) == pytest.approx(8.0, rel=0.03)
    assert np.bincount(drawn.ravel()) == pytest.approx(np.full(1000, 200.0), rel=0.6)


def test_the_value_is_the_ratio_of_the_sums() -> None:
    found = bootstrap_ratio(np.array([1.0, 2.0]), np.array([2.0, 4.0]), np.arange(2), horizon=1)
    assert (found.value, found.low, found.high) == (0.5, 0.5, 0.5)


def test_symbols_that_move_as_one_add_no_certainty() -> None:
    random = np.random.default_rng(2)
    numerator, denominator = random.normal(0.1, 1.0, 500), random.chisquare(3, 500)
    time = np.arange(500)
    once = bootstrap_ratio(numerator, denominator, time, horizon=1)
    thrice = bootstrap_ratio(
        np.tile(numerator, 3), np.tile(denominator, 3), np.tile(time, 3), horizon=1
    )
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def gains(random: np.random.Generator, horizon: int) -> tuple[NDArray[np.float64], ...]:
    """Squared errors of a forecast that saves a tenth, under targets that overlap."""
    known, unknown = random.normal(size=(2, 400 + horizon - 1))
    overlap = np.ones(horizon)
    known, unknown = np.convolve(known, overlap, "valid"), np.convolve(unknown, overlap, "valid")
    target = known + 3.0 * unknown
    return target**2 - (target - known) ** 2, target**2


@pytest.mark.parametrize("horizon", [1, 5])
def test_intervals_hold_the_truth_nearly_as_often_as_they_say(horizon: int) -> None:
    random = np.random.default_rng(3)
    held = 0
    for _ in range(100):
        numerator, denominator = gains(random, horizon)
        found = bootstrap_ratio(numerator, denominator, np.arange(400), horizon=horizon)
        held += found.low <= 0.1 <= found.high
    # A bootstrap of a short history holds a little less than 95%: 90% are asked for, and the bound
    # is what chance would miss once in a thousand times.
    assert held >= stats.binom.ppf(0.001, 100, 0.9)
    assert held < 100
