"""Labels are what a trader would have had, and look no further than the horizon."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickcast_modelkit.manifest import Barrier
from tickcast_trainer.targets import LOG_RETURN, BarrierReturn

START = 30


def walk(seed: int, length: int = 120) -> np.ndarray:
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.02, length)))


def one_by_one(close: np.ndarray, row: int, horizon: int, barrier: Barrier) -> float:
    """The definition, bar after bar."""
    past = np.diff(np.log(close[row - barrier.bars : row + 1]))
    reach = barrier.width * np.sqrt(np.mean(past**2) * horizon)
    for ahead in range(1, horizon + 1):
        moved = np.log(close[row + ahead] / close[row])
        if reach > 0 and abs(moved) >= reach:
            return float(moved)
    return float(np.log(close[row + horizon] / close[row]))


@given(
    seed=st.integers(0, 1_000),
    horizon=st.integers(1, 20),
    width=st.sampled_from([0.2, 0.5, 1.0, 2.0, 50.0]),
    bars=st.integers(1, 25),
)
def test_a_barrier_takes_the_first_touch(seed: int, horizon: int, width: float, bars: int) -> None:
    close = walk(seed)
    rows = np.arange(START, len(close) - horizon)
    barrier = Barrier(width=width, bars=bars)
    found = BarrierReturn(barrier).returns(close, rows, horizon)
    expected = [one_by_one(close, int(row), horizon, barrier) for row in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("labels", [LOG_RETURN, BarrierReturn(Barrier(width=1.0, bars=20))])
def test_nothing_after_the_horizon_is_looked_at(labels: BarrierReturn) -> None:
    close, horizon = walk(5), 7
    rows = np.arange(START, 60)
    changed = close.copy()
    changed[60 + horizon :] *= 3
    assert np.array_equal(
        labels.returns(close, rows, horizon), labels.returns(changed, rows, horizon)
    )


def test_a_far_barrier_is_none_and_a_still_price_has_none() -> None:
    close, rows = walk(7), np.arange(START, 100)
    far = BarrierReturn(Barrier(width=1e9, bars=20)).returns(close, rows, 5)
    np.testing.assert_allclose(far, LOG_RETURN.returns(close, rows, 5), rtol=1e-9, atol=1e-15)
    still = np.full(60, 100.0)
    still[50:] = 110.0
    (label,) = BarrierReturn(Barrier(width=1.0, bars=20)).returns(still, np.array([48]), 5)
    assert label == pytest.approx(np.log(1.1))
