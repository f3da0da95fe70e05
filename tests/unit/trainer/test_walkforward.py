"""Folds walk forward: what is tested comes after what was trained on, and a gap lies between."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.walkforward import FIRST_TRAINING_SHARE, expanding_folds

DAY = 86_400


def days(count: int, horizon: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    as_of = DAY * np.arange(count, dtype=np.int64)
    return as_of, as_of + horizon * DAY


@given(count=st.integers(600, 900), horizon=st.integers(1, 20), folds=st.integers(2, 12))
def test_a_gap_of_the_horizon_lies_before_each_test(count: int, horizon: int, folds: int) -> None:
    as_of, target = days(count, horizon)
    for fold in expanding_folds(as_of, target, count=folds):
        # One row a bar, so that row numbers count bars.
        assert fold.test[0] - fold.train[-1] - 1 == horizon
        assert target[fold.train].max() < as_of[fold.test[0]]


@given(count=st.integers(600, 900), folds=st.integers(2, 12))
def test_each_later_row_is_tested_once_and_training_only_grows(count: int, folds: int) -> None:
    as_of, target = days(count, 1)
    found = expanding_folds(as_of, target, count=folds)
    tested = np.concatenate([fold.test for fold in found])
    assert tested.tolist() == list(range(int(found[0].test[0]), count))
    assert found[0].test[0] == pytest.approx(FIRST_TRAINING_SHARE * count, abs=2)
    for before, after in pairwise(found):
        assert set(before.train) < set(after.train)


def test_borders_are_set_by_the_calendar_for_all_symbols_together() -> None:
    # The second symbol begins late: it adds rows to late folds and moves no border.
    alone, _ = days(1000, 1)
    both = np.sort(np.concatenate([alone, alone[900:]]))
    one = expanding_folds(alone, alone + DAY, count=4)
    two = expanding_folds(both, both + DAY, count=4)
    assert [alone[fold.test[0]] for fold in one] == [both[fold.test[0]] for fold in two]
    assert len(two[-1].test) == len(one[-1].test) + 100


def test_rows_of_one_time_are_never_on_both_sides() -> None:
    as_of = np.repeat(days(500, 1)[0], 3)
    for fold in expanding_folds(as_of, as_of + DAY, count=7):
        assert not set(as_of[fold.train]) & set(as_of[fold.test])


def test_a_stretch_without_bars_gives_no_fold() -> None:
    as_of, _ = days(1000, 1)
    as_of = np.delete(as_of, slice(500, 900))
    assert len(expanding_folds(as_of, as_of + DAY, count=10)) == 5


def test_a_short_history_is_refused_with_figures() -> None:
    as_of, target = days(300, 1)
    with pytest.raises(NotEnoughHistory, match=r"300 usable rows in 8 folds.*89; needed.*100"):
        expanding_folds(as_of, target, count=8)
