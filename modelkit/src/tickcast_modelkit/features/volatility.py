"""How much the price moves: from closes, and from the range of each bar. All are per bar."""

from __future__ import annotations

import math

import numpy as np

from tickcast_modelkit.features.columns import BarColumns, Column, row_mean, row_sum
from tickcast_modelkit.features.recursion import average_weights, weighted_sum, wilder_smoothing


def realised_volatility(bars: BarColumns, *, span: int) -> Column:
    """Root of the mean squared log return of the last ``span`` bars.

    Andersen, Bollerslev, Diebold, Labys (2003), "Modeling and Forecasting Realized Volatility",
    Econometrica 71(2): returns are not centred, as their mean is small beside their spread.
    """
    returns = bars.log_return[:, -span:]
    return np.sqrt(row_mean(returns * returns))


def parkinson_volatility(bars: BarColumns, *, span: int) -> Column:
    """Volatility from the high and low of the last ``span`` bars.

    Parkinson (1980), "The Extreme Value Method for Estimating the Variance of the Rate of Return",
    Journal of Business 53(1).
    """
    extent = np.log(bars.high[:, -span:] / bars.low[:, -span:])
    return np.sqrt(row_mean(extent * extent) / (4.0 * math.log(2.0)))


def garman_klass_volatility(bars: BarColumns, *, span: int) -> Column:
    """Volatility from open, high, low and close of the last ``span`` bars.

    Garman, Klass (1980), "On the Estimation of Security Price Volatilities from Historical Data",
    Journal of Business 53(1), equation 20.
    """
    extent = np.log(bars.high[:, -span:] / bars.low[:, -span:])
    body = np.log(bars.close[:, -span:] / bars.open[:, -span:])
    variance = 0.5 * (extent * extent) - (2.0 * math.log(2.0) - 1.0) * (body * body)
    return np.sqrt(row_mean(variance))


def yang_zhang_volatility(bars: BarColumns, *, span: int) -> Column:
    """Volatility from bars and from the jumps between them, over the last ``span`` bars.

    Yang, Zhang (2000), "Drift Independent Volatility Estimation Based on High, Low, Open, and Close
    Prices", Journal of Business 73(3): the variance of the jumps, plus a weighted mean of the open
    to close variance and of the estimate of Rogers, Satchell (1991), "Estimating Variance from
    High, Low and Closing Prices", Annals of Applied Probability 1(4).
    """
    opens, closes = bars.open[:, -span:], bars.close[:, -span:]
    jump = np.log(opens / bars.close[:, -span - 1 : -1])
    body = np.log(closes / opens)
    up = np.log(bars.high[:, -span:] / opens)
    down = np.log(bars.low[:, -span:] / opens)
    rogers_satchell = row_mean(up * (up - body) + down * (down - body))
    weight = 0.34 / (1.34 + (span + 1) / (span - 1))
    variance = _variance(jump) + weight * _variance(body) + (1.0 - weight) * rogers_satchell
    return np.sqrt(np.maximum(variance, 0.0))


def average_true_range(bars: BarColumns, *, span: int) -> Column:
    """Average true range of ``span`` bars over the last close.

    Wilder (1978), "New Concepts in Technical Trading Systems".
    """
    weights = average_weights(bars.true_range.shape[1], wilder_smoothing(span))
    return weighted_sum(bars.true_range, weights) / bars.last_close[:, 0]


def _variance(values: Column) -> Column:
    centred = values - row_mean(values)[:, np.newaxis]
    variance: Column = row_sum(centred * centred) / float(values.shape[1] - 1)
    return variance
