"""How far the price has moved, and where it stands beside its averages."""

from __future__ import annotations

import numpy as np

from tickcast_modelkit.features.columns import BarColumns, Column, row_mean
from tickcast_modelkit.features.recursion import (
    average_weights,
    exponential_smoothing,
    weighted_sum,
)


def log_return(bars: BarColumns, *, span: int) -> Column:
    """Log of the last close over the close ``span`` bars before."""
    return np.log(bars.close[:, -1] / bars.close[:, -1 - span])


def sma_distance(bars: BarColumns, *, span: int) -> Column:
    """Log of the last close over the mean close of the last ``span`` bars."""
    return -np.log1p(row_mean(bars.deviation[:, -span:]))


def ema_distance(bars: BarColumns, *, span: int) -> Column:
    """Log of the last close over its exponential moving average of ``span`` bars."""
    weights = average_weights(bars.deviation.shape[1], exponential_smoothing(span))
    return -np.log1p(weighted_sum(bars.deviation, weights))
