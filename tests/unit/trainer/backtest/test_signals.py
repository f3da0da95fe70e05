"""Signals: what each rule says, and that it says so without looking ahead."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickcast_modelkit.testing import bars_of, random_walk_bars
from tickcast_trainer.backtest.indicators import Columns, relative_strength_index
from tickcast_trainer.backtest.panel import Panel
from tickcast_trainer.backtest.signals import (
    MacdCross,
    PredictionRule,
    RsiReversal,
    Rule,
    SmaCross,
    buy_and_hold,
)

NAN = float("nan")
RULES: dict[str, Rule] = {
    "buy and hold": buy_and_hold,
    "RSI": RsiReversal(),
    "SMA cross": SmaCross(fast=5, slow=12),
    "MACD": MacdCross(),
}
EVERY = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def panel_of(close: Columns) -> Panel:
    return Panel.of([bars_of(np.column_stack([close] * 4 + [np.ones(len(close))]))])


@EVERY
@settings(deadline=None)
@given(seed=st.integers(0, 10_000), known=st.integers(1, 199))
def test_later_prices_change_no_signal(rule: Rule, seed: int, known: int) -> None:
    bars = random_walk_bars(200, seed=seed, volatility=0.05)
    shifted = bars.ohlcv.copy()
    shifted[known:, :4] *= 5.0
    before, after = rule(Panel.of([bars])), rule(Panel.of([bars_of(shifted)]))
    assert np.array_equal(before[:known], after[:known], equal_nan=True)


@EVERY
def test_signals_lie_between_short_and_long(rule: Rule) -> None:
    signal = rule(Panel.of([random_walk_bars(500, volatility=0.05)]))
    said = signal[np.isfinite(signal)]
    assert set(said) <= {-1.0, 0.0, 1.0}
    assert len(said) > 400


def test_buy_and_hold_buys_a_young_symbol_at_its_first_bar() -> None:
    young = random_walk_bars(3, symbol="YOUNG").slice(1, 3)
    signal = buy_and_hold(Panel.of([random_walk_bars(3), young]))
    assert signal[:, 0].tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(signal[0, 1])
    assert signal[1:, 1].tolist() == [1.0, 1.0]


def test_sma_cross_follows_the_trend() -> None:
    close = np.concatenate([np.linspace(100.0, 150.0, 50), np.linspace(150.0, 80.0, 50)])
    signal = SmaCross(fast=5, slow=12)(panel_of(close))[:, 0]
    assert np.isnan(signal[:11]).all()
    assert (signal[11:50] == 1.0).all()
    assert (signal[65:] == -1.0).all()


def test_macd_follows_a_trend_that_quickens() -> None:
    close = np.concatenate([np.full(60, 100.0), 100.0 * 1.01 ** np.arange(1, 6)])
    signal = MacdCross()(panel_of(close))[:, 0]
    assert np.isnan(signal[:33]).all()
    assert (signal[60:] == 1.0).all()
    assert (MacdCross()(panel_of(1e4 / close))[60:] == -1.0).all()


def test_rsi_holds_from_one_extreme_to_the_middle() -> None:
    panel = Panel.of([random_walk_bars(2_000, seed=3)])
    index = relative_strength_index(panel.close, span=14)[:, 0]
    state, expected = 0.0, []
    for value in index:
        if value < 30:
            state = 1.0
        elif value > 70:
            state = -1.0
        elif (state > 0 and value > 50) or (state < 0 and value < 50):
            state = 0.0
        expected.append(NAN if np.isnan(value) else state)
    assert set(expected[14:]) == {-1.0, 0.0, 1.0}
    assert np.array_equal(RsiReversal()(panel)[:, 0], expected, equal_nan=True)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (PredictionRule(), [NAN, 1.0, -1.0, 0.0, 1.0, 1.0, 1.0, -1.0]),
        (PredictionRule(enter=0.02), [NAN, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0, -1.0]),
        (PredictionRule(enter=0.02, leave=0.005), [NAN, 0.0, -1.0, 0.0, 1.0, 1.0, 0.0, -1.0]),
        (PredictionRule(full=0.02), [NAN, 0.5, -1.0, 0.0, 1.0, 0.5, 0.25, -1.0]),
    ],
    ids=["sign", "threshold", "band", "proportional"],
)
def test_predictions_become_positions(rule: PredictionRule, expected: list[float]) -> None:
    prediction = np.array([[NAN, 0.01, -0.03, 0.0, 0.03, 0.01, 0.005, -0.04]]).T
    found = rule.signal(prediction)[:, 0]
    assert found == pytest.approx(expected, nan_ok=True)


@given(
    prediction=st.lists(st.sampled_from([NAN, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]), min_size=1),
    enter=st.sampled_from([0.0, 0.5, 1.0]),
    band=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_a_band_holds_as_a_plain_loop_would(
    prediction: list[float], enter: float, band: float
) -> None:
    leave = enter * band
    state, expected = 0.0, []
    for value in prediction:
        if abs(value) > enter:
            state = np.sign(value)
        elif state * value <= leave:
            state = 0.0
        expected.append(NAN if np.isnan(value) else state)
    found = PredictionRule(enter=enter, leave=leave).signal(np.array([prediction]).T)[:, 0]
    assert np.array_equal(found, expected, equal_nan=True)
