"""Purged k-fold: every row is tested once, with training rows from before and after.

Lopez de Prado (2018), "Advances in Financial Machine Learning", section 7.4. It uses every row, but
trains on what came after the test, which no user of the model can. Fit to choose between settings
inside a training set; what a model is worth, the walk forward says.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.validation.purging import time_groups, training_rows
from tickcast_trainer.walkforward import Fold


def purged_folds(
    as_of_time: NDArray[np.int64], target_time: NDArray[np.int64], *, count: int, embargo: int
) -> Iterator[Fold]:
    """Test each of ``count`` stretches of time once; train on what ``training_rows`` leaves.

    Rows (n,) may be in any order. Raises NotEnoughHistory when there are fewer times than
    stretches.
    """
    group = time_groups(as_of_time, count)
    for index in range(count):
        test = np.flatnonzero(group == index)
        train = training_rows(as_of_time, target_time, [test], embargo=embargo)
        yield Fold(train=train, test=test)
