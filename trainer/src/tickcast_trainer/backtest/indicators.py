"""Indicators over whole histories, for every symbol of a panel at once.

Each takes columns (T, N) with one symbol to a column and NaN where it has no bar, and returns
columns (T, N). Missing bars are skipped, not filled: a symbol's values are those of its own bars
laid end to end. A value depends on nothing after its row, and is NaN where there is no bar and
until ``span`` values have been seen. Recursive averages are seeded with the mean of their first
``span`` values, as TA-Lib seeds them; features for models have definitions of their own, over
windows, in modelkit.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Columns: TypeAlias = NDArray[np.float64]


def simple_average(values: Columns, *, span: int) -> Columns:
    """Mean of the last ``span`` values of each column."""
    result = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        rows = np.flatnonzero(np.isfinite(values[:, column]))
        if len(rows) < span:
            continue
        # Each window is summed by itself: a running sum would carry the rounding of all the past.
        windows = np.lib.stride_tricks.sliding_window_view(values[rows, column], span)
        result[rows[span - 1 :], column] = windows.mean(axis=1)
    return result


def exponential_average(values: Columns, *, span: int) -> Columns:
    """Exponential moving average of each column: the newest value weighs 2 / (span + 1)."""
    return _average(values, span, 2.0 / (span + 1.0))


def relative_strength_index(close: Columns, *, span: int) -> Columns:
    """Wilder's relative strength index, 0 to 100; 50 when nothing has changed.

    Share of gains in his averages of gains and losses, whose newest value weighs 1 / span. Wilder
    (1978), "New Concepts in Technical Trading Systems".
    """
    change = _change(close)
    gain = _average(np.maximum(change, 0.0), span, 1.0 / span)
    loss = _average(np.maximum(-change, 0.0), span, 1.0 / span)
    moved = gain + loss
    result = np.where(np.isnan(moved), np.nan, 50.0)
    np.divide(100.0 * gain, moved, out=result, where=moved > 0.0)
    return result


def macd(close: Columns, *, fast: int, slow: int, signal: int) -> tuple[Columns, Columns]:
    """Fast less slow exponential average of the close, and the ``signal`` average of that.

    Appel (2005), "Technical Analysis: Power Tools for Active Investors".
    """
    line = exponential_average(close, span=fast) - exponential_average(close, span=slow)
    return line, exponential_average(line, span=signal)


def _average(values: Columns, span: int, smoothing: float) -> Columns:
    present = np.isfinite(values)
    seen = np.cumsum(present, axis=0, dtype=np.int32)
    # Weights 1, 1/2, 1/3, ... make the running mean that seeds the recursion; 0 skips what is not
    # there. So the loop over time has neither branches nor masks.
    weight = np.where(seen <= span, 1.0 / np.maximum(seen, 1), smoothing)
    weight[~present] = 0.0
    result = np.where(present, values, 0.0)
    average = np.zeros(values.shape[1])
    for row, share in zip(result, weight, strict=True):
        average += share * (row - average)
        row[:] = average
    result[~present | (seen < span)] = np.nan
    return result


def _change(close: Columns) -> Columns:
    result = np.full(close.shape, np.nan)
    for column in range(close.shape[1]):
        rows = np.flatnonzero(np.isfinite(close[:, column]))
        result[rows[1:], column] = np.diff(close[rows, column])
    return result
