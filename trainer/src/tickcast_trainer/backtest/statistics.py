"""Statistics of returns: Sharpe ratios and how far to trust them, Sortino ratio, drawdown.

Pure functions of simple returns (n,), one for each period, over a riskless rate of zero. Ratios are
of one period; ``sqrt(periods per year)`` times that is the usual annual figure, which supposes that
returns do not depend on those before (Lo 2002).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.long_run import long_run_sum, rule_of_thumb

_NORMAL = NormalDist()
_EULER_MASCHERONI = 0.5772156649015329

# A deviation below this is the rounding of returns that are all the same.
_LEAST_DEVIATION = 1e-14

Returns = NDArray[np.float64]


def sharpe_ratio(returns: Returns) -> float | None:
    """Mean over standard deviation (Sharpe 1994); None when fewer than two returns differ."""
    if len(returns) < 2:
        return None
    deviation = float(returns.std(ddof=1))
    return float(returns.mean()) / deviation if deviation > _LEAST_DEVIATION else None


def sharpe_standard_error(returns: Returns) -> float:
    """Standard error of the Sharpe ratio of returns that differ.

    The estimator of Lo (2002), "The Statistics of Sharpe Ratios", for stationary returns: the ratio
    is a function of two moments, whose long-run variance is that of Newey and West (1987). It holds
    for returns that are skewed, have fat tails or depend on those before; for independent normal
    ones it comes to his sqrt((1 + ratio^2 / 2) / n).
    """
    mean, deviation = float(returns.mean()), float(returns.std())
    centred = (returns - mean) / deviation
    # What each return adds to the ratio, to first order: the delta method on mean and variance.
    influence = centred - mean / deviation / 2.0 * (centred**2 - 1.0)
    count = len(returns)
    return math.sqrt(long_run_sum(influence, lags=rule_of_thumb(count)) / count / count)


def sortino_ratio(returns: Returns) -> float | None:
    """Mean over downside deviation, the root of the mean squared loss; None without a loss.

    Returns that are no losses count as zero, not as missing (Sortino and Price 1994).
    """
    if not len(returns):
        return None
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    return float(returns.mean()) / downside if downside > 0.0 else None


def probabilistic_sharpe_ratio(
    sharpe: float, benchmark: float, *, periods: int, skewness: float, kurtosis: float
) -> float:
    """Return the probability that the true Sharpe ratio is above ``benchmark``.

    Both ratios are of one period, ``periods`` is 2 or more, and ``kurtosis`` is 3 for a normal
    distribution. Bailey and Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal
    of Risk 15(2).
    """
    variance = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt((periods - 1) / variance))


def expected_maximum_sharpe(*, trials: int, variance: float) -> float:
    """Return the Sharpe ratio that the best of ``trials`` is expected to have without any skill.

    ``variance`` is that of the trials' ratios, and the trials are independent; 0 for a single one.
    Bailey and Lopez de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management
    40(5).
    """
    if trials == 1:
        return 0.0
    best = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    better = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER_MASCHERONI) * best + _EULER_MASCHERONI * better)


def deflated_sharpe_ratio(
    sharpe: float,
    *,
    trials: int,
    variance: float,
    periods: int,
    skewness: float,
    kurtosis: float,
) -> float:
    """Return the probability that a Sharpe ratio picked as the best of ``trials`` is above zero.

    The probabilistic ratio against what luck alone would make the best of so many; arguments are
    those of ``probabilistic_sharpe_ratio`` and ``expected_maximum_sharpe``. Bailey and Lopez de
    Prado (2014).
    """
    luck = expected_maximum_sharpe(trials=trials, variance=variance)
    return probabilistic_sharpe_ratio(
        sharpe, luck, periods=periods, skewness=skewness, kurtosis=kurtosis
    )


def skewness_and_kurtosis(returns: Returns) -> tuple[float, float]:
    """Return the third and fourth standardised moments of returns that differ."""
    centred = (returns - returns.mean()) / returns.std()
    # Products, as powers take ten times as long.
    squared = centred * centred
    return float(np.mean(squared * centred)), float(np.mean(squared * squared))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The worst that a holder went through."""

    depth: float
    """Greatest fall from a peak as a share of the peak, 0 or more."""

    duration: int
    """Most periods from a peak until it was reached again, or until the end."""


def drawdown(equity: NDArray[np.float64]) -> Drawdown:
    """Measure the falls of equity (n,), whose first value is where it began, above 0."""
    peak = np.maximum.accumulate(equity)
    at_peak = np.flatnonzero(equity == peak)
    waits = np.diff(at_peak, append=len(equity) - 1)
    # From one peak straight to the next nobody waits.
    waits[:-1][waits[:-1] == 1] = 0
    return Drawdown(depth=float(np.max(1.0 - equity / peak)), duration=int(waits.max()))
