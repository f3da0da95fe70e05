"""Which rows may be trained on beside a test: those that share no time with it.

A row's label spans the time from its as-of time to its target time. Lopez de Prado (2018),
"Advances in Financial Machine Learning", section 7.4: *purging* leaves out rows whose span overlaps
that of the test, *embargo* also those that begin shortly after it, as their features still hold the
test's prices. Times are compared as times, for all symbols together, so that no instant is on both
sides.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.walkforward import Fold

MINIMUM_TRAINING_ROWS = 50
"""Fewest rows that an inner fold trains on: half of what a step of the walk needs."""


def time_groups(as_of_time: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """Return for each row (n,) which of ``count`` stretches of time it lies in, from 0.

    Stretches have the same number of distinct as-of times, give or take one. Raises
    NotEnoughHistory when there are fewer times than stretches.
    """
    times, place = np.unique(as_of_time, return_inverse=True)
    if len(times) < count:
        raise NotEnoughHistory(
            f"bars: were of {len(times)} times to cut into stretches, needed {count} or more"
        )
    sizes = [len(part) for part in np.array_split(times, count)]
    groups: NDArray[np.intp] = np.repeat(np.arange(count), sizes)[place]
    return groups


def embargo_of(as_of_time: NDArray[np.int64]) -> int:
    """Return a hundredth of the distinct times, Lopez de Prado's choice (section 7.4.2), or one."""
    return max(1, len(np.unique(as_of_time)) // 100)


def require_training(folds: Sequence[Fold]) -> None:
    """Raise NotEnoughHistory when purging and embargo leave a fold too few rows to train on."""
    fewest = min(len(fold.train) for fold in folds)
    if fewest < MINIMUM_TRAINING_ROWS:
        raise NotEnoughHistory(
            f"bars: were {fewest} rows to train on beside a test, needed {MINIMUM_TRAINING_ROWS}; "
            "give a longer history, or neither search nor paths"
        )


def training_rows(
    as_of_time: NDArray[np.int64],
    target_time: NDArray[np.int64],
    tests: Sequence[NDArray[np.intp]],
    *,
    embargo: int,
) -> NDArray[np.intp]:
    """Return the rows that may be trained on beside ``tests``, each the rows of a stretch of time.

    ``embargo`` counts the distinct as-of times after the last target of each test that are left out
    as well. Spans count with both their ends.
    """
    times = np.unique(as_of_time)
    allowed = np.ones(len(as_of_time), dtype=np.bool_)
    for test in tests:
        begin, end = as_of_time[test].min(), target_time[test].max()
        after = int(np.searchsorted(times, end, side="right"))
        embargoed = times[after : after + embargo]
        last = embargoed[-1] if len(embargoed) else end
        allowed &= (target_time < begin) | (as_of_time > last)
    return np.flatnonzero(allowed)
