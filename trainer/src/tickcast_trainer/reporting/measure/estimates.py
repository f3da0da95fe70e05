"""Means over rows with their 95% confidence intervals, as parts of the report.

As in ``metrics``: one as-of time is one observation, and neighbours may be correlated.
"""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.metrics import Proportion, variance_of_mean
from tickcast_trainer.reporting.document import Estimate

Floats = NDArray[np.float64]

_Z = NormalDist().inv_cdf(0.975)


def estimate_of(proportion: Proportion) -> Estimate:
    """Return a figure that has its interval already."""
    return Estimate(value=proportion.value, low=proportion.low, high=proportion.high)


def mean_of(values: Floats, as_of_time: NDArray[np.int64], *, horizon: int) -> Estimate:
    """Return the mean of values (n,), n at least 1."""
    return ratio_of(values, np.ones(len(values)), as_of_time, horizon=horizon)


def ratio_of(
    numerator: Floats, denominator: Floats, as_of_time: NDArray[np.int64], *, horizon: int
) -> Estimate:
    """Return the ratio of two sums over rows (n,); 0 where the denominator (n,) is all zeros.

    The interval is normal, with the variance of the ratio's linear part (delta method).
    """
    scale = float(denominator.mean())
    if scale == 0.0:
        return Estimate(value=0.0, low=0.0, high=0.0)
    ratio = float(numerator.mean()) / scale
    deviation = (numerator - ratio * denominator) / scale
    half = _Z * float(np.sqrt(variance_of_mean(deviation, as_of_time, horizon=horizon)))
    return Estimate(value=ratio, low=ratio - half, high=ratio + half)
