"""How good forecasts were, and how sure one can be of it.

Forecasts and targets are log returns, one for each row; rows of several symbols may share an as-of
time. Symbols move together and targets overlap when the horizon is longer than a bar, so every
standard error here treats one as-of time as one observation and lets neighbours be correlated.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from tickcast_trainer.long_run import long_run_sum, rule_of_thumb

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportion:
    """A share with its 95% confidence interval."""

    value: float
    low: float
    high: float


def rmse(prediction: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Return the root of the mean squared error, in units of log return."""
    return float(np.sqrt(np.mean((target - prediction) ** 2)))


def r2_vs_zero(prediction: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    """Return the out-of-sample R2 against a forecast of zero.

    Zero, not the mean of the test rows, which nobody knew (Gu, Kelly and Xiu 2020, eq. 19).
    """
    return float(1.0 - np.sum((target - prediction) ** 2) / np.sum(target**2))


def information_coefficient(
    prediction: NDArray[np.float64], target: NDArray[np.float64]
) -> float | None:
    """Return Spearman's rank correlation over all rows; None for a constant: it ranks nothing."""
    if np.ptp(prediction) == 0.0 or np.ptp(target) == 0.0:
        return None
    ranks = pd.DataFrame({"prediction": prediction, "target": target}).rank().to_numpy()
    return float(np.corrcoef(ranks, rowvar=False)[0, 1])


def directional_accuracy(
    prediction: NDArray[np.float64],
    target: NDArray[np.float64],
    as_of_time: NDArray[np.int64],
    *,
    horizon: int,
) -> Proportion | None:
    """Return the share of moves whose sign was forecast, with its 95% interval.

    Rows where forecast or target is exactly zero are left out; None when that leaves none.
    """
    moved = (target != 0.0) & (prediction != 0.0)
    if not moved.any():
        return None
    hits = ((prediction > 0.0) == (target > 0.0))[moved].astype(np.float64)
    return proportion(hits, as_of_time[moved], horizon=horizon)


def proportion(
    hits: NDArray[np.float64], as_of_time: NDArray[np.int64], *, horizon: int
) -> Proportion:
    """Return the share of ones among ``hits`` (n,), n at least 1, with its 95% interval.

    The interval is Wilson's (1927), at the number of independent rows that would give the share the
    standard error that it has (Kish's design effect).
    """
    share = float(hits.mean())
    variance = variance_of_mean(hits - share, as_of_time, horizon=horizon)
    independent = float(len(hits))
    if variance > 0.0:
        independent = min(independent, share * (1.0 - share) / variance)
    low, high = wilson_interval(share, independent)
    return Proportion(value=share, low=low, high=high)


def wilson_interval(share: float, rows: float) -> tuple[float, float]:
    """Return Wilson's 95% score interval of a share seen over ``rows`` independent rows."""
    z2 = _NORMAL.inv_cdf(0.975) ** 2
    centre = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = np.sqrt(z2 * (share * (1 - share) / rows + z2 / (4 * rows**2))) / (1 + z2 / rows)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def interval_score(
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    target: NDArray[np.float64],
    *,
    coverage: float,
) -> float:
    """Return the mean score of intervals (n,), n at least 1, in the target's unit; less is better.

    Width, and for an outcome outside how far it is, times 2 / (1 - coverage): the proper score of
    Gneiting and Raftery (2007), which neither wide intervals nor narrow ones can cheat.
    """
    missed = np.maximum(lower - target, 0.0) + np.maximum(target - upper, 0.0)
    return float(np.mean(upper - lower + 2.0 / (1.0 - coverage) * missed))


def probability_of_no_gain(
    prediction: NDArray[np.float64],
    rival: NDArray[np.float64],
    target: NDArray[np.float64],
    as_of_time: NDArray[np.int64],
    *,
    horizon: int,
) -> float:
    """Return the one-sided p-value of "the squared errors are no smaller than the rival's".

    The test of Diebold and Mariano (1995) on squared errors summed for each as-of time, with the
    variance of Newey and West (1987), corrected for few times and long horizons and compared with
    Student's distribution as Harvey, Leybourne and Newbold (1997) do. Small values speak for the
    forecast; 1 when there are no more times than the horizon has bars, as nothing is known then.
    """
    gain = (target - rival) ** 2 - (target - prediction) ** 2
    mean = float(gain.mean())
    variance = variance_of_mean(gain - mean, as_of_time, horizon=horizon)
    if variance == 0.0:
        return 1.0 if mean <= 0.0 else 0.0
    count = len(np.unique(as_of_time))
    if count <= horizon:
        return 1.0
    correction = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    return float(stdtr(count - 1, -mean / np.sqrt(variance) * np.sqrt(correction)))


def variance_of_mean(
    deviation: NDArray[np.float64], as_of_time: NDArray[np.int64], *, horizon: int
) -> float:
    """Return the variance of the mean over rows whose deviations (n,) from it are given.

    Newey and West (1987), on deviations summed for each as-of time, over at least the ``horizon``
    that targets overlap for.
    """
    # The mean over rows is a ratio, sum by sum of rows; its deviations by time add up to zero.
    _, time = np.unique(as_of_time, return_inverse=True)
    by_time = np.asarray(np.bincount(time, weights=deviation), dtype=np.float64)
    # At least the overlap of the targets, else what is usual.
    lags = max(horizon - 1, rule_of_thumb(len(by_time)))
    return long_run_sum(by_time, lags=lags) / len(deviation) ** 2
