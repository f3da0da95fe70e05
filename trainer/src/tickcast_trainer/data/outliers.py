"""Moves far beyond those before them, by a robust rule that knows no later bar.

The scale of a bar is that of the 63 bars before it, not of its own: the median absolute deviation
of their log returns (Hampel's identifier, one-sided; the factor 1.4826 makes it the standard
deviation of a normal distribution), or the median reach of their highs and lows beyond open and
close where that is more. A bar is an outlier when its return, or such a reach of its own, is more
than 10 scales. A crash is one as well as a bad print: the flag asks for a look and removes nothing.
"""

import numpy as np
from numpy.typing import NDArray

SPAN = 63
FEWEST = 20
THRESHOLD = 10.0

# A price that never moved would make every tick an outlier.
_LEAST_SCALE = 5e-4
_NORMAL = 1.4826
_CHUNK = 50_000


def outlier_scores(ohlcv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest move of each bar (n,) in scales of the bars before it.

    Zero where fewer than FEWEST returns came before. The score of a bar depends on bars up to it
    alone. ``ohlcv`` is (n, 5), valid and adjusted.
    """
    scores = np.zeros(len(ohlcv))
    logs = np.log(ohlcv[:, :4])
    returns = np.diff(logs[:, 3])
    body = logs[1:, 0], logs[1:, 3]
    reach = np.maximum(logs[1:, 1] - np.maximum(*body), np.minimum(*body) - logs[1:, 2])
    returns_before, reach_before = _before(returns), _before(reach)
    for begin in range(FEWEST, len(returns), _CHUNK):
        rows = slice(begin, begin + _CHUNK)
        centre = np.nanmedian(returns_before[rows], axis=1)
        deviation = np.nanmedian(np.abs(returns_before[rows] - centre[:, np.newaxis]), axis=1)
        scale = np.maximum(_NORMAL * deviation, np.nanmedian(reach_before[rows], axis=1))
        move = np.maximum(np.abs(returns[rows] - centre), reach[rows])
        scores[1:][rows] = move / np.maximum(scale, _LEAST_SCALE)
    return scores


def _before(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the SPAN values before each of ``values`` (n,), shape (n, SPAN), NaN where none is."""
    padded = np.concatenate([np.full(SPAN, np.nan), values])
    return np.lib.stride_tricks.sliding_window_view(padded, SPAN)[: len(values)]
