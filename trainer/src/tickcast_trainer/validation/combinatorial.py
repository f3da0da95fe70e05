"""Combinatorial purged cross-validation: many histories out of one.

Lopez de Prado (2018), "Advances in Financial Machine Learning", section 12.4. Time is cut into N
stretches, and every choice of k of them is tested once, purged and embargoed: C(N, k) fits. Each
stretch is tested C(N - 1, k - 1) times, so that as many whole *paths* can be put together, each
with a forecast of every row. Their scores say how much of a result hangs on which rows were trained
on. Like every k-fold it trains on what came after the test.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.validation.purging import time_groups, training_rows
from tickcast_trainer.walkforward import Fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Combinations:
    """How time is cut and how much of it is tested at once."""

    groups: int
    """Stretches of time, N."""

    tested: int
    """Of these in each test, k; at least one is left to train on."""

    def __post_init__(self) -> None:
        if not 1 <= self.tested < self.groups:
            raise ValueError(f"tested: was {self.tested}, needed 1 to {self.groups - 1}")

    @property
    def fits(self) -> int:
        """Number of folds."""
        return comb(self.groups, self.tested)

    @property
    def paths(self) -> int:
        """How often every row is tested."""
        return comb(self.groups - 1, self.tested - 1)

    def folds(
        self, as_of_time: NDArray[np.int64], target_time: NDArray[np.int64], *, embargo: int
    ) -> Iterator[Fold]:
        """Yield each choice of stretches as a fold, in lexicographic order.

        Rows (n,) may be in any order; test rows ascend. Raises NotEnoughHistory when there are
        fewer times than stretches.
        """
        group = time_groups(as_of_time, self.groups)
        rows = [np.flatnonzero(group == index) for index in range(self.groups)]
        for chosen in combinations(range(self.groups), self.tested):
            tests = [rows[index] for index in chosen]
            yield Fold(
                train=training_rows(as_of_time, target_time, tests, embargo=embargo),
                test=np.sort(np.concatenate(tests)),
            )

    def assemble(
        self, as_of_time: NDArray[np.int64], predictions: Sequence[NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Put the forecasts of all folds together: (paths, n), each row of it one whole history.

        ``predictions`` has one array for each fold, in the order of its test rows. The first path
        takes each stretch from the first fold that tests it, the second from the second, and so on.
        """
        group = time_groups(as_of_time, self.groups)
        whole = np.empty((self.paths, len(as_of_time)))
        taken = [0] * self.groups
        chosen = combinations(range(self.groups), self.tested)
        for tested, prediction in zip(chosen, predictions, strict=True):
            forecast = np.empty(len(as_of_time))
            forecast[np.isin(group, tested)] = prediction
            for index in tested:
                whole[taken[index], group == index] = forecast[group == index]
                taken[index] += 1
        return whole
