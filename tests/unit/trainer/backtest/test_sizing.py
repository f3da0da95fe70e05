"""Sizing: signals to weights within limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tickcast_trainer.backtest.indicators import Columns
from tickcast_trainer.backtest.sizing import Limits, target_weights

NAN = float("nan")
SIGNALS = arrays.arrays(
    np.float64, (6, 3), elements=st.one_of(st.just(NAN), st.floats(-2.0, 2.0, width=16))
)


def test_no_opinion_keeps_the_last_one() -> None:
    signal = np.array([[NAN, 1.0, NAN, NAN, 0.0, NAN]]).T
    weight = target_weights(signal, Limits(symbol=0.5))
    assert weight[:, 0].tolist() == [0.0, 0.5, 0.5, 0.5, 0.0, 0.0]


def test_long_only_leaves_shorts_out() -> None:
    signal = np.array([[1.0, -1.0]])
    assert target_weights(signal, Limits(symbol=0.5)).tolist() == [[0.5, -0.5]]
    assert target_weights(signal, Limits(symbol=0.5, long_only=True)).tolist() == [[0.5, 0.0]]


def test_above_the_gross_limit_all_shrink_alike() -> None:
    weight = target_weights(np.array([[1.0, -1.0, 0.5]]), Limits(symbol=0.8, gross=1.0))
    assert weight[0] == pytest.approx([0.4, -0.4, 0.2])


@given(
    signal=SIGNALS,
    symbol=st.floats(0.01, 2.0),
    gross=st.floats(0.01, 3.0),
    long_only=st.booleans(),
)
def test_limits_hold_for_every_signal(
    signal: Columns, symbol: float, gross: float, long_only: bool
) -> None:
    limits = Limits(symbol=symbol, gross=gross, long_only=long_only)
    weight = target_weights(signal, limits)
    assert (np.abs(weight) <= symbol).all()
    assert (np.abs(weight).sum(axis=1) <= gross * (1 + 1e-12)).all()
    assert not long_only or (weight >= 0.0).all()


@given(signal=SIGNALS, known=st.integers(1, 5))
def test_later_signals_change_no_weight(signal: Columns, known: int) -> None:
    limits = Limits(symbol=0.7)
    changed = signal.copy()
    changed[known:] = 1.0
    before, after = target_weights(signal, limits), target_weights(changed, limits)
    assert np.array_equal(before[:known], after[:known])
