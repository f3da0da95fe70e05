"""Walk-forward folds: train on the past, leave a gap, test on what came next."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.errors import NotEnoughHistory

FIRST_TRAINING_SHARE = 0.3
"""Share of the calendar time that only ever serves for training."""

MINIMUM_TRAINING_ROWS = 100
"""Fewest rows that the first fold trains on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """One step of the walk: indices into rows ordered by as-of time."""

    train: NDArray[np.intp]
    """Rows whose target was known before the first test row's as-of time."""

    test: NDArray[np.intp]
    """Rows whose as-of times lie between this fold's border and the next."""


def expanding_folds(
    as_of_time: NDArray[np.int64], target_time: NDArray[np.int64], *, count: int
) -> list[Fold]:
    """Cut rows (n,) of all symbols into ``count`` folds of equal calendar time.

    A training row's target time lies strictly before the first as-of time tested: besides the rows
    whose targets overlap the test, this leaves out an embargo of as many bars as the horizon has.
    ``as_of_time`` must ascend. A stretch without rows gives no fold. Raises NotEnoughHistory when
    fewer than two folds are left or the first would train on too few rows.
    """
    first, last = int(as_of_time[0]), int(as_of_time[-1])
    start = first + FIRST_TRAINING_SHARE * (last - first)
    borders = np.linspace(start, last + 1, count + 1)
    starts = np.searchsorted(as_of_time, borders, side="left")
    folds = [
        Fold(train=np.flatnonzero(target_time < as_of_time[begin]), test=np.arange(begin, end))
        for begin, end in pairwise(starts.tolist())
        if begin < end
    ]
    if len(folds) < 2 or len(folds[0].train) < MINIMUM_TRAINING_ROWS:
        trained = len(folds[0].train) if folds else 0
        raise NotEnoughHistory(
            f"bars: were {len(as_of_time)} usable rows in {len(folds)} folds, the first of them "
            f"trained on {trained}; needed 2 folds and {MINIMUM_TRAINING_ROWS} rows; "
            "give a longer history or fewer folds"
        )
    return folds


def rolling_folds(
    as_of_time: NDArray[np.int64], target_time: NDArray[np.int64], *, count: int
) -> list[Fold]:
    """Cut rows (n,) into the folds of ``expanding_folds``, each trained on its recent past alone.

    Every fold looks back over as much calendar time as the first, so that the oldest rows are
    forgotten. Raises NotEnoughHistory as ``expanding_folds`` does, and when a gap in the bars
    leaves a fold with too few rows.
    """
    folds = expanding_folds(as_of_time, target_time, count=count)
    memory = as_of_time[folds[0].test[0]] - as_of_time[0]
    rolling = [
        Fold(
            train=fold.train[as_of_time[fold.train] >= as_of_time[fold.test[0]] - memory],
            test=fold.test,
        )
        for fold in folds
    ]
    fewest = min(len(fold.train) for fold in rolling)
    if fewest < MINIMUM_TRAINING_ROWS:
        raise NotEnoughHistory(
            f"bars: were {fewest} rows to train a rolling fold on, needed {MINIMUM_TRAINING_ROWS}; "
            "close the gap in the bars or use expanding folds"
        )
    return rolling
