"""Nothing trained on shares time with what is tested; every row is tested as often as promised."""

from collections.abc import Sequence
from math import comb
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.validation.combinatorial import Combinations
from tickcast_trainer.validation.kfold import purged_folds
from tickcast_trainer.validation.purging import require_training, time_groups
from tickcast_trainer.walkforward import Fold, expanding_folds, rolling_folds

DAY = 86_400
Times: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]


@st.composite
def panels(draw: st.DrawFn) -> Times:
    """As-of and target times of up to three symbols with gaps of their own, ordered by time."""
    horizon = draw(st.integers(1, 12))
    as_of, target = [], []
    for _ in range(draw(st.integers(1, 3))):
        random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        bars = DAY * np.flatnonzero(random.random(draw(st.integers(150, 300))) < 0.8)
        bars += DAY * draw(st.integers(0, 40))
        as_of.append(bars[:-horizon])
        target.append(bars[horizon:])
    order = np.argsort(np.concatenate(as_of), kind="stable")
    return np.concatenate(as_of)[order], np.concatenate(target)[order]


def spans_meet(times: Times, fold: Fold) -> bool:
    """Whether any training row's span shares an instant with any test row's."""
    as_of, target = times
    begins, ends = as_of[fold.train, None], target[fold.train, None]
    return bool(((begins <= target[fold.test]) & (as_of[fold.test] <= ends)).any())


def embargoed(
    times: Times, fold: Fold, stretches: Sequence[NDArray[np.intp]], embargo: int
) -> bool:
    """Whether a training row begins within the embargo after a tested stretch."""
    as_of, target = times
    every = np.unique(as_of)
    for stretch in stretches:
        after = every[every > target[stretch].max()][:embargo]
        if np.isin(as_of[fold.train], after).any():
            return True
    return False


def straddles(times: Times, fold: Fold) -> bool:
    """Whether an instant is trained on and tested."""
    return bool(np.isin(times[0][fold.train], times[0][fold.test]).any())


@given(times=panels(), count=st.integers(2, 8), embargo=st.integers(0, 20))
def test_purged_folds_test_each_row_once_and_train_apart_from_it(
    times: Times, count: int, embargo: int
) -> None:
    folds = list(purged_folds(*times, count=count, embargo=embargo))
    tested = np.concatenate([fold.test for fold in folds])
    assert np.sort(tested).tolist() == list(range(len(times[0])))
    for fold in folds:
        assert not spans_meet(times, fold)
        assert not embargoed(times, fold, [fold.test], embargo)
        assert not straddles(times, fold)


@given(times=panels(), count=st.integers(2, 8), embargo=st.integers(0, 5))
def test_purging_leaves_out_no_more_than_it_must(times: Times, count: int, embargo: int) -> None:
    as_of, target = times
    every = np.unique(as_of)
    for fold in purged_folds(*times, count=count, embargo=embargo):
        begin, end = as_of[fold.test].min(), target[fold.test].max()
        after = every[every > end][:embargo]
        apart = (target < begin) | ((as_of > end) & ~np.isin(as_of, after))
        assert fold.train.tolist() == np.flatnonzero(apart).tolist()


@given(
    times=panels(),
    cut=st.sampled_from([(4, 1), (4, 2), (5, 3), (6, 2)]),
    embargo=st.integers(0, 15),
)
def test_combinatorial_folds_test_each_row_on_every_path_and_train_apart_from_it(
    times: Times, cut: tuple[int, int], embargo: int
) -> None:
    scheme = Combinations(groups=cut[0], tested=cut[1])
    folds = list(scheme.folds(*times, embargo=embargo))
    assert len(folds) == scheme.fits == comb(*cut)
    counts = np.bincount(np.concatenate([fold.test for fold in folds]), minlength=len(times[0]))
    assert set(counts.tolist()) == {scheme.paths}
    group = time_groups(times[0], scheme.groups)
    for fold in folds:
        stretches = [fold.test[group[fold.test] == one] for one in np.unique(group[fold.test])]
        assert len(stretches) == scheme.tested
        assert not spans_meet(times, fold)
        assert not embargoed(times, fold, stretches, embargo)
        assert not straddles(times, fold)


def test_paths_use_every_fold_once_for_each_stretch_it_tests() -> None:
    # Each fold forecasts its own number, so that a path shows where its rows came from.
    as_of = DAY * np.arange(60, dtype=np.int64)
    scheme = Combinations(groups=6, tested=2)
    folds = list(scheme.folds(as_of, as_of + DAY, embargo=0))
    paths = scheme.assemble(
        as_of, [np.full(len(fold.test), float(number)) for number, fold in enumerate(folds)]
    )
    assert paths.shape == (5, 60)
    assert paths[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    for number, fold in enumerate(folds):
        assert np.count_nonzero(paths == number) == len(fold.test)
        assert set(np.flatnonzero((paths == number).any(axis=0))) == set(fold.test)


@pytest.mark.parametrize("tested", [0, 4])
def test_a_choice_that_leaves_nothing_to_test_or_train_is_refused(tested: int) -> None:
    with pytest.raises(ValueError, match=f"tested: was {tested}, needed 1 to 3"):
        Combinations(groups=4, tested=tested)


@given(times=panels(), count=st.integers(1, 9))
def test_stretches_follow_each_other_and_are_as_long(times: Times, count: int) -> None:
    as_of, _ = times
    group = time_groups(as_of, count)
    assert (np.diff(group) >= 0).all()
    lengths = [len(np.unique(as_of[group == index])) for index in range(count)]
    assert max(lengths) - min(lengths) <= 1


def test_more_stretches_than_times_are_refused() -> None:
    with pytest.raises(NotEnoughHistory, match="of 3 times to cut into stretches, needed 4"):
        time_groups(np.array([1, 1, 2, 3]), 4)


def test_folds_that_purging_starves_are_refused() -> None:
    as_of = DAY * np.arange(80, dtype=np.int64)
    few = list(purged_folds(as_of, as_of + DAY, count=2, embargo=0))
    with pytest.raises(NotEnoughHistory, match="were 39 rows to train on beside a test, needed 50"):
        require_training(few)
    require_training(list(purged_folds(as_of, as_of + DAY, count=4, embargo=0)))


@given(days=st.integers(600, 900), horizon=st.integers(1, 20), count=st.integers(2, 10))
def test_rolling_folds_test_the_same_rows_and_forget_the_oldest(
    days: int, horizon: int, count: int
) -> None:
    as_of = DAY * np.arange(days, dtype=np.int64)
    target = as_of + horizon * DAY
    expanding = expanding_folds(as_of, target, count=count)
    rolling = rolling_folds(as_of, target, count=count)
    for one, other in zip(rolling, expanding, strict=True):
        assert one.test.tolist() == other.test.tolist()
        assert not spans_meet((as_of, target), one)
        # One row a day: all training sets are of one size and end at the same place.
        assert len(one.train) == len(rolling[0].train)
        assert one.train[-1] == other.train[-1]


def test_a_gap_that_starves_a_rolling_fold_is_refused() -> None:
    as_of = DAY * np.delete(np.arange(2000, dtype=np.int64), slice(700, 1390))
    with pytest.raises(NotEnoughHistory, match="to train a rolling fold on, needed 100"):
        rolling_folds(as_of, as_of + DAY, count=10)
