"""Indicators: TA-Lib's values, on the bars that a symbol has, and never on later ones."""

from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.backtest.indicators import (
    Columns,
    exponential_average,
    macd,
    relative_strength_index,
    simple_average,
)

CLOSE = random_walk_bars(600, seed=2).ohlcv[:, 3].copy()

INDICATORS: dict[str, Callable[[Columns], Columns]] = {
    "simple average": lambda close: simple_average(close, span=10),
    "exponential average": lambda close: exponential_average(close, span=10),
    "RSI": lambda close: relative_strength_index(close, span=14),
    "MACD line": lambda close: macd(close, fast=12, slow=26, signal=9)[0],
    "MACD signal": lambda close: macd(close, fast=12, slow=26, signal=9)[1],
}
EVERY = pytest.mark.parametrize("indicator", INDICATORS.values(), ids=INDICATORS)


def column(values: Columns) -> Columns:
    return values[:, np.newaxis]


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        ("simple average", talib.SMA(CLOSE, 10)),
        ("exponential average", talib.EMA(CLOSE, 10)),
        ("RSI", talib.RSI(CLOSE, 14)),
    ],
)
def test_values_are_those_of_talib_from_the_first_on(indicator: str, expected: Columns) -> None:
    found = INDICATORS[indicator](column(CLOSE))[:, 0]
    assert found == pytest.approx(expected, rel=1e-10, nan_ok=True)


@pytest.mark.parametrize(("index", "indicator"), [(0, "MACD line"), (1, "MACD signal")])
def test_macd_comes_to_that_of_talib(index: int, indicator: str) -> None:
    # TA-Lib seeds the fast average later than it would by itself; the difference dies out.
    expected = talib.MACD(CLOSE, 12, 26, 9)[index]
    found = INDICATORS[indicator](column(CLOSE))[:, 0]
    assert found[300:] == pytest.approx(expected[300:], abs=1e-9)


@EVERY
def test_missing_bars_are_skipped(indicator: Callable[[Columns], Columns]) -> None:
    rows = np.flatnonzero(np.random.default_rng(1).random(1_000) < 0.6)[: len(CLOSE)]
    close = np.full((1_000, 2), np.nan)
    close[rows, 0] = CLOSE[: len(rows)]
    close[: len(CLOSE), 1] = CLOSE
    found = indicator(close)
    assert np.array_equal(found[rows, 0], found[: len(rows), 1], equal_nan=True)
    assert np.isnan(np.delete(found[:, 0], rows)).all()


@EVERY
@given(known=st.integers(1, 599))
def test_nothing_depends_on_later_bars(indicator: Callable[[Columns], Columns], known: int) -> None:
    changed = CLOSE.copy()
    changed[known:] *= 3.0
    found, other = indicator(column(CLOSE)), indicator(column(changed))
    assert np.array_equal(found[:known], other[:known], equal_nan=True)


@EVERY
def test_symbols_do_not_mix(indicator: Callable[[Columns], Columns]) -> None:
    other = random_walk_bars(600, seed=9).ohlcv[:, 3]
    together = indicator(np.column_stack([CLOSE, other]))
    assert np.array_equal(together[:, :1], indicator(column(CLOSE)), equal_nan=True)
    assert np.array_equal(together[:, 1:], indicator(column(other)), equal_nan=True)


@EVERY
def test_too_few_bars_give_no_value(indicator: Callable[[Columns], Columns]) -> None:
    assert np.isnan(indicator(column(CLOSE[:5]))).all()


def test_a_price_that_never_moved_is_neither_strong_nor_weak() -> None:
    assert relative_strength_index(np.full((20, 1), 7.0), span=14)[14:] == pytest.approx(50.0)
