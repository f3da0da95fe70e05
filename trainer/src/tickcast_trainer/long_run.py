"""The variance of a mean of values that depend on those before (Newey and West 1987)."""

import numpy as np
from numpy.typing import NDArray


def rule_of_thumb(count: int) -> int:
    """Return Newey and West's guess at how many lags dependence reaches over ``count`` values."""
    return int(4 * (count / 100) ** (2 / 9))


def long_run_sum(values: NDArray[np.float64], *, lags: int) -> float:
    """Return the sum of squares of centred ``values`` (n,), and of products up to ``lags`` apart.

    Products count the less the further they are apart, with Bartlett's weights. At least 0; over n
    it is the long-run variance, over n squared that of the mean.
    """
    lags = min(lags, len(values) - 1)
    # Sums of products instead of dot products, which BLAS would spread over threads that wait.
    total = float(np.sum(values * values))
    for lag in range(1, lags + 1):
        weight = 1.0 - lag / (lags + 1)
        total += 2.0 * weight * float(np.sum(values[lag:] * values[:-lag]))
    return max(total, 0.0)
