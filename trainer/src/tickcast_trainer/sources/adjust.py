"""Undo splits and dividends, so that no model learns a split as a return."""

import numpy as np
from numpy.typing import NDArray


def adjust_for_splits(
    ohlcv: NDArray[np.float64], adjusted_close: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rescale unadjusted bars (n, 5) by the factor that ``adjusted_close`` (n,) states.

    The factor is ``adjusted_close / close``, normalised so that the last bar keeps its traded
    price: features are scale-free, and prices stay those that a trader saw last. Volume is divided
    by the factor, so that price times volume, the money traded, stays what it was.
    """
    factor = adjusted_close / ohlcv[:, 3]
    factor = factor / factor[-1]
    return np.column_stack([ohlcv[:, :4] * factor[:, np.newaxis], ohlcv[:, 4] / factor])
