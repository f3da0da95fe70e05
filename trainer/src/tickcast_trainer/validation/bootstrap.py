"""Confidence intervals of ratios over time, by the stationary bootstrap.

Politis and Romano (1994), "The Stationary Bootstrap", Journal of the American Statistical
Association 89(428): histories of the same length are put together from blocks of random length and
place, so that neighbours stay together. What is drawn is a time with the rows of all its symbols.
"""

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.metrics import Proportion

_DRAWS = 2000
_CHUNK = 100


def bootstrap_ratio(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    as_of_time: NDArray[np.int64],
    *,
    horizon: int,
    seed: int = 0,
) -> Proportion:
    """Return the ratio of two sums over rows (n,) with its 95% percentile interval.

    ``denominator`` is above 0 in sum. Blocks have a mean length of the cube root of the number of
    times, which is the order that errs least (Politis and White 2004), and at least twice
    ``horizon``, the reach of overlapping targets. The same arguments give the same interval.
    """
    _, time = np.unique(as_of_time, return_inverse=True)
    above, below = (np.bincount(time, weights=values) for values in (numerator, denominator))
    count = len(above)
    block = max(2.0 * horizon, count ** (1 / 3))
    random = np.random.default_rng(seed)
    ratios = []
    for _ in range(0, _DRAWS, _CHUNK):
        drawn = stationary_draws(count, block, _CHUNK, random)
        ratios.append(above[drawn].sum(axis=1) / below[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(ratios), (0.025, 0.975))
    return Proportion(value=float(above.sum() / below.sum()), low=float(low), high=float(high))


def stationary_draws(
    count: int, block: float, draws: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return indices (draws, count) into a history of ``count`` times, which is taken as a ring.

    Each follows the one before, or with a chance of one in ``block`` begins a new block anywhere.
    """
    place = np.arange(count)
    begins = random.random((draws, count)) * block < 1.0
    begins[:, 0] = True
    start = random.integers(count, size=(draws, count))
    since = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    drawn: NDArray[np.int64] = (np.take_along_axis(start, since, axis=1) + place - since) % count
    return drawn
