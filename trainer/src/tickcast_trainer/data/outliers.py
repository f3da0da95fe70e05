"""Moves far beyond those before them, by a robust rule that knows no later bar.

The scale of a bar is the median absolute deviation of the log returns of the 63 bars before it, not
of its own (Hampel's identifier, one-sided; the factor 1.4826 makes it the standard deviation of a
normal distribution). A bar is an outlier when its return, or the reach of its high or low beyond
its open and close, is more than 10 such scales. A crash is one as well as a bad print: the flag
asks for a look and removes nothing.
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
    if len(returns) <= FEWEST:
        return scores
    padded = np.concatenate([np.full(SPAN, np.nan), returns])
    # Row i holds the returns before that of bar i + 1.
    before = np.lib.stride_tricks.sliding_window_view(padded, SPAN)[: len(returns)]
    for begin in range(FEWEST, len(returns), _CHUNK):
        rows = slice(begin, min(begin + _CHUNK, len(returns)))
        bars = slice(rows.start + 1, rows.stop + 1)
        centre = np.nanmedian(before[rows], axis=1)
        deviation = np.nanmedian(np.abs(before[rows] - centre[:, np.newaxis]), axis=1)
        scale = np.maximum(_NORMAL * deviation, _LEAST_SCALE)
        body = logs[bars, 0], logs[bars, 3]
        moves = (
            np.abs(returns[rows] - centre),
            logs[bars, 1] - np.maximum(*body),
            np.minimum(*body) - logs[bars, 2],
        )
        scores[bars] = np.maximum.reduce(moves) / scale
    return scores
