"""Where the price stands in its recent movement: the oscillators that traders know."""

from __future__ import annotations

import numpy as np

from tickcast_modelkit.features.columns import LEAST_SPREAD, BarColumns, Column, ratio, row_mean
from tickcast_modelkit.features.recursion import (
    average_weights,
    macd_signal_weights,
    macd_weights,
    weighted_sum,
    wilder_smoothing,
)


def relative_strength_index(bars: BarColumns, *, span: int) -> Column:
    """Share of gains in Wilder's average of all changes, 0 to 1; 0.5 when nothing has changed.

    Wilder (1978), "New Concepts in Technical Trading Systems".
    """
    weights = average_weights(bars.change.shape[1], wilder_smoothing(span))
    gain = weighted_sum(np.maximum(bars.change, 0.0), weights)
    loss = weighted_sum(np.maximum(-bars.change, 0.0), weights)
    return ratio(gain, gain + loss, otherwise=0.5)


def macd_line(bars: BarColumns, *, fast: int, slow: int) -> Column:
    """Fast less slow exponential moving average, over the last close.

    Appel (2005), "Technical Analysis: Power Tools for Active Investors".
    """
    return weighted_sum(bars.deviation, macd_weights(bars.deviation.shape[1], fast, slow))


def macd_signal(bars: BarColumns, *, fast: int, slow: int, signal: int) -> Column:
    """Exponential moving average of the MACD line, over the last close. Appel (2005)."""
    length = bars.deviation.shape[1]
    return weighted_sum(bars.deviation, macd_signal_weights(length, fast, slow, signal))


def macd_histogram(bars: BarColumns, *, fast: int, slow: int, signal: int) -> Column:
    """MACD line less its signal, over the last close.

    Aspray (1986), the MACD histogram.
    """
    line = macd_line(bars, fast=fast, slow=slow)
    return line - macd_signal(bars, fast=fast, slow=slow, signal=signal)


def bollinger_position(bars: BarColumns, *, span: int, width: float) -> Column:
    """Last close between the Bollinger bands: -1 at the lower, 0 in the middle, 1 at the upper.

    The bands lie ``width`` standard deviations of ``span`` closes beside their mean; 0 when the
    price is constant. Bollinger (2001), "Bollinger on Bollinger Bands".
    """
    recent = bars.deviation[:, -span:]
    mean = row_mean(recent)
    centred = recent - mean[:, np.newaxis]
    spread = np.sqrt(row_mean(centred * centred))
    return -mean / (width * np.maximum(spread, LEAST_SPREAD))


def stochastic_k(bars: BarColumns, *, span: int) -> Column:
    """Last close between the lowest low (0) and highest high (1) of ``span`` bars; 0.5 if equal.

    Lane (1984), "Lane's Stochastics", Technical Analysis of Stocks and Commodities 2(3).
    """
    return _stochastic(bars, span, bars.close.shape[1])


def stochastic_d(bars: BarColumns, *, span: int, smoothing: int) -> Column:
    """Mean of the last ``smoothing`` values of the stochastic %K. Lane (1984)."""
    length = bars.close.shape[1]
    ends = range(length - smoothing + 1, length + 1)
    return row_mean(np.stack([_stochastic(bars, span, end) for end in ends], axis=1))


def _stochastic(bars: BarColumns, span: int, end: int) -> Column:
    lowest = bars.low[:, end - span : end].min(axis=1)
    highest = bars.high[:, end - span : end].max(axis=1)
    return ratio(bars.close[:, end - 1] - lowest, highest - lowest, otherwise=0.5)
