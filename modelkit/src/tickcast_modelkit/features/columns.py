"""What the features of one call share: the columns of the windows, and what derives from them.

Every array here is C-contiguous float64 with one row for each window. numpy then adds up each row
by itself, in an order that depends on the row's length alone, so that a window's features are the
same bits whether it is computed alone or among thousands, and whatever strides it arrived with.
Matrix products are kept out for the same reason: their order of summation depends on the shape.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.features.windows import Windows

# A spread below this share of the price, or of the greatest volume, is rounding and counts as none.
LEAST_SPREAD = 1e-12

Column = NDArray[np.float64]


class BarColumns:
    """The columns of n windows of W bars, oldest bar first."""

    def __init__(self, windows: Windows) -> None:
        columns = np.ascontiguousarray(windows.ohlcv.transpose(2, 0, 1), dtype=np.float64)
        # A feature that wrote to them would change the features after it.
        columns.setflags(write=False)
        self.open: Column = columns[0]
        self.high: Column = columns[1]
        self.low: Column = columns[2]
        self.close: Column = columns[3]
        self.volume: Column = columns[4]
        self.last_open_time: NDArray[np.int64] = np.ascontiguousarray(windows.open_time[:, -1])

    @cached_property
    def last_close(self) -> Column:
        """Close of the last bar, shape (n, 1)."""
        return np.ascontiguousarray(self.close[:, -1:])

    @cached_property
    def change(self) -> Column:
        """Change of the close from bar to bar, shape (n, W - 1)."""
        return self.close[:, 1:] - self.close[:, :-1]

    @cached_property
    def log_return(self) -> Column:
        """Log of close over the close before, shape (n, W - 1)."""
        return np.log(self.close[:, 1:] / self.close[:, :-1])

    @cached_property
    def deviation(self) -> Column:
        """Close over the last close, minus one, shape (n, W): exactly 0 for a constant price."""
        return (self.close - self.last_close) / self.last_close

    @cached_property
    def true_range(self) -> Column:
        """Wilder's true range: the bar's range widened to the close before, shape (n, W - 1)."""
        before = self.close[:, :-1]
        return np.maximum(self.high[:, 1:], before) - np.minimum(self.low[:, 1:], before)


def ratio(numerator: Column, denominator: Column, *, otherwise: float) -> Column:
    """Numerator over denominator, and ``otherwise`` where the denominator is not above zero."""
    result: Column = np.full(numerator.shape, otherwise)
    np.divide(numerator, denominator, out=result, where=denominator > 0.0)
    return result


def row_sum(values: Column) -> Column:
    """Sum of each row, (n, k) to (n,)."""
    return np.asarray(np.add.reduce(values, axis=1))


def row_mean(values: Column) -> Column:
    """Mean of each row, (n, k) to (n,)."""
    mean: Column = row_sum(values) / float(values.shape[1])
    return mean
