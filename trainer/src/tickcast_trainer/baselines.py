"""What a model must beat: forecasts that need no model.

Each baseline is a function of one symbol's closes (n,) and the horizon in bars. It returns the log
return that it forecasts at every close, NaN where there is not enough past.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Baseline: TypeAlias = Callable[[NDArray[np.float64], int], NDArray[np.float64]]

ROLLING_MEAN_BARS = 63
"""A quarter of daily bars; the youngest row of a series has just as much past."""


def zero(close: NDArray[np.float64], _horizon: int) -> NDArray[np.float64]:
    """Forecast no change: prices as a random walk."""
    return np.zeros(len(close))


def rolling_mean(close: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Forecast the mean return of the last 63 bars, over the horizon."""
    return _past_return(close, ROLLING_MEAN_BARS) / ROLLING_MEAN_BARS * horizon


def last_return(close: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Forecast that the return over the last ``horizon`` bars comes again."""
    return _past_return(close, horizon)


BASELINES: Mapping[str, Baseline] = MappingProxyType(
    {"zero": zero, "rolling_mean": rolling_mean, "last_return": last_return}
)


def _past_return(close: NDArray[np.float64], bars: int) -> NDArray[np.float64]:
    logarithm = np.log(close)
    past = np.full(len(close), np.nan)
    past[bars:] = logarithm[bars:] - logarithm[:-bars]
    return past
