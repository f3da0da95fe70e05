"""Datasets that are wrong on purpose are wrong in the way that they say, and in no other."""

from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.validation.perturb import with_lagged_features, with_shuffled_target


@pytest.fixture(scope="module")
def panel() -> Dataset:
    """A symbol of 900 bars and one that joins it for the last 400."""
    long = random_walk_bars(900, symbol="LONG", seed=1)
    late = random_walk_bars(400, symbol="LATE", seed=2, start=int(long.open_time[500]))
    progress = ProgressLines(Console(quiet=True))
    return build_dataset([late, long], feature_set=CORE, horizon=2, progress=progress)


def rows_of(dataset: Dataset, index: int) -> list[int]:
    return np.flatnonzero(dataset.series_index == index).tolist()


def test_lagged_features_are_those_of_the_symbols_bar_before(panel: Dataset) -> None:
    lagged = with_lagged_features(panel)
    for index in range(2):
        rows = rows_of(panel, index)
        for before, row in pairwise(rows):
            assert np.array_equal(lagged.features[row], panel.features[before])
        assert np.array_equal(lagged.features[rows[0]], panel.features[rows[0]])
    assert lagged.target is panel.target


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_targets_stay_with_their_symbol_and_leave_their_place(
    panel: Dataset, seed: int
) -> None:
    shuffled = with_shuffled_target(panel, seed=seed)
    assert shuffled.features is panel.features
    for index in range(2):
        rows = rows_of(panel, index)
        centred = panel.target[rows] - panel.target[rows].mean()
        assert np.sort(shuffled.target[rows]) == pytest.approx(np.sort(centred))
        moved = np.abs(shuffled.target[rows] - centred) > 1e-12
        # The symbol that was there all the time keeps not a single one.
        assert moved.all() if index == 1 else moved.mean() > 0.9


def test_neighbours_stay_neighbours(panel: Dataset) -> None:
    shuffled = with_shuffled_target(panel, seed=3)
    rows = rows_of(panel, 1)
    before, after = panel.target[rows] - panel.target[rows].mean(), shuffled.target[rows]
    came_from = np.array([int(np.argmin(np.abs(before - value))) for value in after])
    # Blocks of 20 times: at most one step in twenty leads to another block.
    assert np.mean(np.diff(came_from) == 1) > 0.93


def test_symbols_that_move_together_still_do() -> None:
    twins = [random_walk_bars(700, symbol=symbol, seed=5) for symbol in "AB"]
    progress = ProgressLines(Console(quiet=True))
    both = build_dataset(twins, feature_set=CORE, horizon=1, progress=progress)
    shuffled = with_shuffled_target(both, seed=3)
    assert np.array_equal(shuffled.target[0::2], shuffled.target[1::2])
    assert not np.array_equal(shuffled.target, both.target)


def test_another_seed_is_another_shuffle(panel: Dataset) -> None:
    one, other = (with_shuffled_target(panel, seed=seed).target for seed in (1, 2))
    again = with_shuffled_target(panel, seed=1).target
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
