"""Adaptive intervals: they hold what they promise, whatever the series does, and use no future."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tickcast_modelkit.intervals import ConformalBand
from tickcast_trainer.validation.adaptive import Adaptation, Outcomes, adaptive_bounds

DAY = 86_400
BREAK = 2000


def outcomes_of(residual: NDArray[np.float64], *, symbols: int = 1, horizon: int = 1) -> Outcomes:
    """Residuals of a forecast of zero; rows of all symbols take turns, one day after the other."""
    count = len(residual)
    day = np.arange(count) // symbols
    return Outcomes(
        prediction=np.zeros(count),
        target=residual,
        scale=np.ones(count),
        as_of_time=day * DAY,
        target_time=(day + horizon) * DAY,
        series_index=np.arange(count) % symbols,
    )


def held(outcomes: Outcomes, *, coverage: float = 0.9, step: float = 0.005) -> NDArray[np.float64]:
    """1 where the interval held, 0 where it missed, NaN where there was none."""
    lower, upper = adaptive_bounds(outcomes, Adaptation(step=step), coverage=coverage)
    inside = (lower <= outcomes.target) & (outcomes.target <= upper)
    return np.where(np.isnan(lower), np.nan, inside.astype(np.float64))


def broken_market(seed: int) -> NDArray[np.float64]:
    """Noise that is three times as wild after the break."""
    noise = np.random.default_rng(seed).normal(0.0, 0.01, 2 * BREAK)
    return noise * np.where(np.arange(2 * BREAK) < BREAK, 1.0, 3.0)


def split_band(residual: NDArray[np.float64]) -> ConformalBand:
    return ConformalBand.fit(
        residual, np.ones(len(residual)), coverage=0.9, scale_feature=None, scale_floor=1.0
    )


@pytest.mark.parametrize("symbols", [1, 4])
@pytest.mark.parametrize("horizon", [1, 5])
def test_noise_that_stays_the_same_is_held_as_often_as_promised(symbols: int, horizon: int) -> None:
    noise = np.random.default_rng(symbols).normal(0.0, 0.01, 6000)
    found = held(outcomes_of(noise, symbols=symbols, horizon=horizon))
    assert np.nanmean(found) == pytest.approx(0.9, abs=0.02)


def test_a_wide_panel_is_held_by_quantiles_of_some_of_its_residuals() -> None:
    noise = np.random.default_rng(9).normal(0.0, 0.01, 100 * 400)
    outcomes = outcomes_of(noise, symbols=100)
    lower, upper = adaptive_bounds(outcomes, Adaptation(memory=25_000), coverage=0.9)
    known = ~np.isnan(lower)
    inside = (lower <= noise) & (noise <= upper)
    assert inside[known].mean() == pytest.approx(0.9, abs=0.01)
    for symbol in range(100):
        own = known & (outcomes.series_index == symbol)
        assert inside[own].mean() == pytest.approx(0.9, abs=0.08)


def test_skewed_noise_of_known_scale_is_held_in_both_tails() -> None:
    random = np.random.default_rng(3)
    scale = np.exp(random.normal(0.0, 0.5, 6000))
    plain = outcomes_of(scale * (random.exponential(0.01, 6000) - 0.01))
    outcomes = replace(plain, scale=scale)
    lower, upper = adaptive_bounds(outcomes, Adaptation(), coverage=0.9)
    known = ~np.isnan(lower)
    assert np.mean(outcomes.target[known] < lower[known]) == pytest.approx(0.05, abs=0.015)
    assert np.mean(outcomes.target[known] > upper[known]) == pytest.approx(0.05, abs=0.015)


def test_after_a_break_adaptive_intervals_recover_and_split_ones_do_not() -> None:
    residual = broken_market(seed=4)
    band = split_band(residual[:BREAK])
    split = (band.lower <= residual) & (residual <= band.upper)
    assert split[:BREAK].mean() == pytest.approx(0.9, abs=0.02)
    assert split[BREAK:].mean() < 0.5
    adaptive = held(outcomes_of(residual))
    assert adaptive[BREAK:].mean() > 0.85
    # Half a thousand outcomes later it is as before.
    assert adaptive[BREAK + 500 :].mean() == pytest.approx(0.9, abs=0.02)


def test_a_break_of_one_symbol_moves_its_own_levels() -> None:
    residual = np.random.default_rng(5).normal(0.0, 0.01, 8000)
    wild = (np.arange(8000) % 2 == 0) & (np.arange(8000) >= 4000)
    residual[wild] *= 3.0
    found = held(outcomes_of(residual, symbols=2))
    later = np.arange(8000) >= 5000
    for symbol in (0, 1):
        own = later & (np.arange(8000) % 2 == symbol)
        assert found[own].mean() == pytest.approx(0.9, abs=0.03)


@given(
    moves=st.lists(
        st.tuples(st.integers(1, 60), st.floats(-1e6, 1e6), st.floats(0.0, 1e3)),
        min_size=1,
        max_size=12,
    ),
    step=st.sampled_from([0.005, 0.02, 0.1]),
    seed=st.integers(0, 100),
)
def test_the_share_of_misses_is_bounded_for_any_series(
    moves: list[tuple[int, float, float]], step: float, seed: int
) -> None:
    # Gibbs and Candes (2021), proposition 4.1, for each tail of 5%.
    random = np.random.default_rng(seed)
    stretches = [random.normal(centre, spread, count) for count, centre, spread in moves]
    outcomes = outcomes_of(np.concatenate([random.normal(size=50), *stretches]))
    lower, upper = adaptive_bounds(outcomes, Adaptation(step=step), coverage=0.9)
    known = ~np.isnan(lower)
    bound = (0.95 + step) / (step * known.sum())
    assert abs(np.mean(outcomes.target[known] < lower[known]) - 0.05) <= bound + 1e-9
    assert abs(np.mean(outcomes.target[known] > upper[known]) - 0.05) <= bound + 1e-9


@given(cut=st.integers(100, 399), horizon=st.integers(1, 10), symbols=st.integers(1, 3))
def test_what_comes_later_changes_no_interval(cut: int, horizon: int, symbols: int) -> None:
    residual = np.random.default_rng(6).normal(0.0, 0.01, 400)
    outcomes = outcomes_of(residual, symbols=symbols, horizon=horizon)
    now = outcomes.as_of_time[cut]
    changed = replace(outcomes, target=np.where(outcomes.target_time > now, 9.0, outcomes.target))
    adaptation = Adaptation(step=0.05, memory=100)
    one = np.stack(adaptive_bounds(outcomes, adaptation, coverage=0.8))
    other = np.stack(adaptive_bounds(changed, adaptation, coverage=0.8))
    earlier = outcomes.as_of_time <= now
    assert np.array_equal(one[:, earlier], other[:, earlier], equal_nan=True)


def test_without_a_step_each_interval_is_a_split_one_of_what_is_remembered() -> None:
    residual = np.random.default_rng(7).normal(0.0, 0.01, 300)
    lower, upper = adaptive_bounds(
        outcomes_of(residual), Adaptation(step=0.0, memory=100), coverage=0.9
    )
    for row in (100, 200, 299):
        band = split_band(residual[row - 100 : row])
        assert (lower[row], upper[row]) == (band.lower, band.upper)


def test_no_interval_is_given_before_residuals_can_bound_it() -> None:
    lower, _ = adaptive_bounds(
        outcomes_of(np.random.default_rng(8).normal(size=60)), Adaptation(), coverage=0.9
    )
    # A tail of 5% needs 19 residuals.
    assert np.isnan(lower).tolist() == [True] * 19 + [False] * 41
