"""Indicators over a window of 256 bars are those that a trader knows from TA-Lib's full history."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import talib
from bokeh_sampledata import stocks
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE, sliding_windows
from tickcast_modelkit.testing import bars_of, random_walk_bars

Values = NDArray[np.float64]

TOLERANCE = 1e-6


def apple() -> BarSeries:
    """Return the bundled daily bars of Apple as they were traded, splits and all."""
    bars = stocks.AAPL
    prices = bars["open"], bars["high"], bars["low"], bars["close"]
    return bars_of(np.column_stack([*prices, bars["volume"]]))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(apple, id="apple"),
        pytest.param(lambda: random_walk_bars(2_000, seed=1), id="walk"),
        pytest.param(lambda: random_walk_bars(2_000, seed=2, price=1e-8), id="tiny prices"),
        pytest.param(lambda: random_walk_bars(2_000, seed=3, price=1e12), id="huge prices"),
    ],
)
def bars(request: pytest.FixtureRequest) -> BarSeries:
    make: Callable[[], BarSeries] = request.param
    return make()


@pytest.fixture(scope="module")
def features(bars: BarSeries) -> dict[str, Values]:
    """Every feature from the first full window on."""
    chunks = [CORE.compute(windows) for _, windows in sliding_windows(CORE, bars)]
    values = np.concatenate(chunks)[CORE.window - CORE.minimum_bars :].astype(np.float64)
    return dict(zip(CORE.names, values.T, strict=True))


class History:
    """TA-Lib's values over the whole history, from the first full window on."""

    def __init__(self, bars: BarSeries) -> None:
        # TA-Lib takes differences below 1e-14 for zero, so it sees prices near one; none of what
        # is compared depends on the unit.
        prices = bars.ohlcv[:, :4] / bars.ohlcv[0, 0]
        self.open, self.high, self.low, self.close = np.ascontiguousarray(prices.T)

    def of(self, values: Values) -> Values:
        return values[CORE.window - 1 :]

    @property
    def last(self) -> Values:
        return self.of(self.close)


def assert_agrees(found: Values, needed: Values, *, scale: Values | float = 0.0) -> None:
    """Compare relative to the value, or to a ``scale`` for what crosses zero.

    A feature is float32, which adds its own rounding of 6e-8.
    """
    assert len(found) == len(needed) > 0
    difference = np.abs(found - needed)
    assert np.all(difference <= TOLERANCE * np.maximum(np.abs(needed), scale))


def test_relative_strength_index(bars: BarSeries, features: dict[str, Values]) -> None:
    history = History(bars)
    assert_agrees(features["rsi_14"], history.of(talib.RSI(history.close, 14)) / 100.0)


def test_average_true_range(bars: BarSeries, features: dict[str, Values]) -> None:
    history = History(bars)
    needed = history.of(talib.ATR(history.high, history.low, history.close, 14)) / history.last
    assert_agrees(features["average_true_range_14"], needed)


@pytest.mark.parametrize(
    ("index", "name"), [(0, "macd_line"), (1, "macd_signal"), (2, "macd_histogram")]
)
def test_macd(bars: BarSeries, features: dict[str, Values], index: int, name: str) -> None:
    history = History(bars)
    needed = history.of(talib.MACD(history.close, 12, 26, 9)[index]) / history.last
    assert_agrees(features[name], needed, scale=typical(needed))


def test_exponential_moving_average(bars: BarSeries, features: dict[str, Values]) -> None:
    history = History(bars)
    average = history.last / np.exp(features["ema_distance_20"])
    assert_agrees(average, history.of(talib.EMA(history.close, 20)))


@pytest.mark.parametrize("span", [10, 50])
def test_simple_moving_average(bars: BarSeries, features: dict[str, Values], span: int) -> None:
    history = History(bars)
    average = history.last / np.exp(features[f"sma_distance_{span}"])
    assert_agrees(average, history.of(talib.SMA(history.close, span)))


def test_bollinger_bands(bars: BarSeries, features: dict[str, Values]) -> None:
    history = History(bars)
    upper, middle, lower = (history.of(band) for band in talib.BBANDS(history.close, 20, 2.0, 2.0))
    needed = (history.last - middle) / ((upper - lower) / 2.0)
    assert_agrees(features["bollinger_position_20"], needed, scale=1.0)


def test_stochastic(bars: BarSeries, features: dict[str, Values]) -> None:
    history = History(bars)
    prices = history.high, history.low, history.close
    percent_k, percent_d = talib.STOCHF(*prices, fastk_period=14, fastd_period=3)
    assert_agrees(features["stochastic_k_14"], history.of(percent_k) / 100.0, scale=1.0)
    assert_agrees(features["stochastic_d_14"], history.of(percent_d) / 100.0, scale=1.0)


def test_rate_of_change(bars: BarSeries, features: dict[str, Values]) -> None:
    history = History(bars)
    for span in (1, 2, 3, 5, 10, 21, 63):
        needed = history.of(talib.ROCR(history.close, span))
        assert_agrees(np.exp(features[f"return_{span}"]), needed)


def typical(values: Values) -> float:
    return float(np.median(np.abs(values)))
