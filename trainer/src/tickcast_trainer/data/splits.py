"""Splits that nobody undid, by the price alone."""

import numpy as np
from numpy.typing import NDArray

_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 50.0, 100.0)
_TOLERANCE = 0.03


def suspect_splits(
    ohlcv: NDArray[np.float64], score: NDArray[np.float64], threshold: float
) -> list[tuple[int, float]]:
    """Return the bars that open at a simple ratio of the close before, each with that ratio.

    A bar counts when its opening lies within 3% of 1:1.5, 1:2, 1:3, ... or of their inverses, and
    its ``score`` (n,) is above ``threshold``: an ordinary gap of a wild price is none. Ratios below
    1.5 are within what news does.
    """
    opening = np.log(ohlcv[1:, 0] / ohlcv[:-1, 3])
    logs = np.log(_RATIOS)
    distance = np.abs(np.abs(opening)[:, np.newaxis] - logs)
    nearest = distance.argmin(axis=1)
    is_near = distance[np.arange(len(opening)), nearest] <= _TOLERANCE
    rows = np.flatnonzero(is_near & (score[1:] > threshold))
    # A price that falls to a half has been split 2 for 1.
    return [
        (int(row) + 1, _RATIOS[nearest[row]] ** (1.0 if opening[row] < 0 else -1.0)) for row in rows
    ]
