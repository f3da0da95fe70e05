"""Datasets that are wrong on purpose: what a sound model must lose on them is known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.dataset import Dataset

_LEAST_BLOCK = 20
_LEAST_BLOCKS = 10


def with_lagged_features(dataset: Dataset) -> Dataset:
    """Give each row the features of its symbol's row before; the first keeps its own."""
    order = _by_symbol(dataset, dataset.as_of_time)
    before = np.empty(len(dataset), dtype=np.intp)
    before[order[1:]] = order[:-1]
    first = np.r_[True, np.diff(dataset.series_index[order]) != 0]
    before[order[first]] = order[first]
    return replace(dataset, features=dataset.features[before])


def with_shuffled_target(dataset: Dataset, *, seed: int) -> Dataset:
    """Give each row the target that its symbol had at another time, less the symbol's mean.

    Blocks of time change places, all symbols together, and keep their order inside: neighbours stay
    neighbours, so that what a model learns from rows beside the tested one, with targets that
    overlap, survives. What it learns from features does not, be they fast or slow: no block stays
    where it was. Without the mean, knowing which symbol rises more is worth nothing.

    Blocks of time rather than single rows, as in the block bootstrap: Kuensch (1989), "The
    Jackknife and the Bootstrap for General Stationary Observations".
    """
    _, time = np.unique(dataset.as_of_time, return_inverse=True)
    count = int(time.max()) + 1
    length = max(1, min(max(_LEAST_BLOCK, 10 * dataset.horizon), count // _LEAST_BLOCKS))
    place = _places(count, length, np.random.default_rng(seed))
    # A symbol that was not there all the time is matched by rank within its own rows.
    rows, donors = _by_symbol(dataset, time), _by_symbol(dataset, place[time])
    centred = dataset.target - _mean_of_symbol(dataset)
    target = np.empty_like(centred)
    target[rows] = centred[donors]
    return replace(dataset, target=target)


def _places(count: int, length: int, random: np.random.Generator) -> NDArray[np.int64]:
    # Where each time goes. One cycle through all blocks in random order leaves none in place.
    block = np.arange(count) * (count // length) // count
    cycle = random.permutation(int(block[-1]) + 1)
    goes_to = np.empty_like(cycle)
    goes_to[cycle] = np.roll(cycle, 1)
    order: NDArray[np.int64] = np.argsort(np.argsort(goes_to[block], kind="stable"))
    return order


def _by_symbol(dataset: Dataset, key: NDArray[np.int64]) -> NDArray[np.intp]:
    keys: Sequence[NDArray[np.int64]] = (key, dataset.series_index)
    return np.lexsort(keys)


def _mean_of_symbol(dataset: Dataset) -> NDArray[np.float64]:
    total = np.bincount(dataset.series_index, weights=dataset.target)
    mean: NDArray[np.float64] = total / np.bincount(dataset.series_index)
    return mean[dataset.series_index]
