"""Recursive averages over a window as weighted sums, so that no feature loops over its bars.

An exponential average is a linear function of the values that it has seen: its last value is a sum
with fixed weights, found once by running the recursion on unit impulses. Arrays of weights are
cached and read-only.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.features.columns import row_sum

Weights = NDArray[np.float64]


def exponential_smoothing(span: int) -> float:
    """Return the share of the newest value in an exponential moving average of ``span`` bars."""
    return 2.0 / (span + 1.0)


def wilder_smoothing(span: int) -> float:
    """Return the share of the newest value in Wilder's average of ``span`` bars (Wilder 1978)."""
    return 1.0 / span


@lru_cache(maxsize=64)
def average_weights(length: int, smoothing: float) -> Weights:
    """Weights (length,), oldest first, of an exponential average seeded with the oldest value."""
    return _frozen(_averages(np.eye(length), smoothing)[-1])


@lru_cache(maxsize=16)
def macd_weights(length: int, fast: int, slow: int) -> Weights:
    """Weights (length,), oldest first, of the fast exponential average less the slow one."""
    return _frozen(_macd_averages(length, fast, slow)[-1])


@lru_cache(maxsize=16)
def macd_signal_weights(length: int, fast: int, slow: int, signal: int) -> Weights:
    """Weights (length,), oldest first, of the exponential average of the MACD line."""
    line = _macd_averages(length, fast, slow)
    return _frozen(_averages(line, exponential_smoothing(signal))[-1])


def weighted_sum(values: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Sum of each row under the weights, (n, k) to (n,)."""
    return row_sum(values * weights)


def _macd_averages(length: int, fast: int, slow: int) -> NDArray[np.float64]:
    impulses = np.eye(length)
    return _averages(impulses, exponential_smoothing(fast)) - _averages(
        impulses, exponential_smoothing(slow)
    )


def _averages(values: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    averages = values.copy()
    for before, row in pairwise(averages):
        np.add(row, (1.0 - smoothing) * (before - row), out=row)
    return averages


def _frozen(weights: NDArray[np.float64]) -> Weights:
    own = weights.copy()
    own.setflags(write=False)
    return own
