"""Calm, middling or restless: where a symbol's volatility stands beside its own past."""

from bisect import bisect_left, bisect_right, insort

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.dataset import Dataset

REGIMES = ("calm", "middling", "restless")

UNKNOWN = -1
"""Regime of rows with too short a past to compare with."""

_LEAST_PAST = 60
_TRAILING_BARS = 20
_CLOSE = 3


def trailing_volatility(dataset: Dataset) -> NDArray[np.float64]:
    """Return the root of the mean squared log return of the 20 bars up to each row, (n,).

    From the bars, as a feature set of the user's own may hold no volatility.
    """
    result = np.empty(len(dataset))
    for index, series in enumerate(dataset.series):
        squared = np.diff(np.log(series.ohlcv[:, _CLOSE])) ** 2
        means = np.convolve(squared, np.full(_TRAILING_BARS, 1.0 / _TRAILING_BARS), mode="valid")
        rows = np.flatnonzero(dataset.series_index == index)
        # A row's bar has 63 before it at least, as the baselines need them.
        result[rows] = np.sqrt(means[dataset.bar[rows] - _TRAILING_BARS])
    return result


def volatility_regimes(
    volatility: NDArray[np.float64], series_index: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return for each row (n,) which third of its symbol's earlier volatility it falls in.

    Indices into ``REGIMES``, ``UNKNOWN`` for a symbol's first 60 rows. Rows are ordered by time;
    nothing later than a row decides its regime. Ties count half, so that a volatility that never
    moves is middling.
    """
    regime = np.full(len(volatility), UNKNOWN, dtype=np.intp)
    past: dict[int, list[float]] = {}
    rows = zip(series_index.tolist(), volatility.tolist(), strict=True)
    for row, (index, value) in enumerate(rows):
        seen = past.setdefault(index, [])
        if len(seen) >= _LEAST_PAST:
            rank = (bisect_left(seen, value) + bisect_right(seen, value)) / 2 / len(seen)
            regime[row] = min(int(3 * rank), 2)
        insort(seen, value)
    return regime
