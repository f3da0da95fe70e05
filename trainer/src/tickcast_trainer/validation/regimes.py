"""Calm, middling or restless: where a symbol's volatility stands beside its own past."""

from bisect import bisect_left, bisect_right, insort

import numpy as np
from numpy.typing import NDArray

REGIMES = ("calm", "middling", "restless")

UNKNOWN = -1
"""Regime of rows with too short a past to compare with."""

_LEAST_PAST = 60


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
