"""Corrected quantiles: by hand, and on skewed returns of which the truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from tickcast_modelkit.errors import TooFewResiduals
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.metrics import interval_score
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.tails import OutOfFoldTails, TrainedTails, train_tails
from tickcast_trainer.walkforward import expanding_folds

QUIET = ProgressLines(Console(quiet=True))
SETTINGS = TrainSettings(name="test", bands="quantile")


def test_corrections_are_ranks_of_how_far_outcomes_lie_outside() -> None:
    # 19 rows and 90%: the bounds are the least and the greatest in units of the scale.
    target = np.arange(19.0)
    tails = OutOfFoldTails(
        quantiles=np.stack([target - 1.0, target + 1.0], axis=1), scale=np.full(19, 2.0)
    )
    tails.quantiles[4] = [7.0, 9.0]  # 3 above the outcome
    tails.quantiles[8] = [5.0, 6.0]  # 2 below the outcome
    every = np.ones(19, dtype=np.bool_)
    assert tails.corrections(target, every, coverage=0.9) == (-1.5, 1.0)
    known = np.arange(19) != 4
    with pytest.raises(TooFewResiduals):
        tails.corrections(target, known, coverage=0.9)
    lower, upper = tails.bounds(np.zeros(19), ~known, (-1.5, 1.0))
    # The interval of row 4 would be from 4 to 11: it is widened to the prediction.
    assert (lower.tolist(), upper.tolist()) == ([0.0], [11.0])


@pytest.fixture(scope="module")
def skewed() -> Dataset:
    """Returns of known noise: its long tail is on the side that a feature tells."""
    series = [random_walk_bars(5_000, symbol=symbol, seed=seed) for seed, symbol in enumerate("AB")]
    found = build_dataset(series, feature_set=CORE, horizon=1, progress=QUIET)
    column = found.features[:, CORE.names.index("rsi_14")]
    side = np.where(column > np.median(column), 1.0, -1.0)
    noise = np.random.default_rng(5).exponential(1.0, len(found)) - 1.0
    return replace(found, target=0.02 * side * noise)


@pytest.fixture(scope="module")
def contest(skewed: Dataset) -> Evaluator:
    folds = expanding_folds(skewed.as_of_time, skewed.target_time, count=4)
    return Evaluator(skewed, folds, coverage=0.9)


@pytest.fixture(scope="module")
def trained(skewed: Dataset, contest: Evaluator) -> TrainedTails:
    return train_tails(SETTINGS, skewed, contest.folds, progress=QUIET)


def zero(contest: Evaluator, trained: TrainedTails | None = None) -> OutOfFold:
    (found,) = [baseline for baseline in contest.baselines if baseline.name == "zero"]
    return replace(found, tails=trained.out_of_fold) if trained else found


def test_skewed_returns_are_held_as_promised_by_better_intervals_than_the_split_band(
    contest: Evaluator, trained: TrainedTails
) -> None:
    scores = []
    for lower, upper in (
        contest.quantile_bounds(zero(contest), trained.out_of_fold),
        contest.split_bounds(zero(contest)),
    ):
        given = ~np.isnan(lower)
        assert given.sum() > 4_000
        ends, target = (lower[given], upper[given]), contest.target[given]
        assert np.mean((ends[0] <= target) & (target <= ends[1])) == pytest.approx(0.9, abs=0.02)
        scores.append(interval_score(*ends, target, coverage=0.9))
    assert scores[0] < 0.92 * scores[1]


def test_each_tail_misses_as_often_as_the_other(contest: Evaluator, trained: TrainedTails) -> None:
    lower, upper = contest.quantile_bounds(zero(contest), trained.out_of_fold)
    given = ~np.isnan(lower)
    assert np.mean(contest.target[given] < lower[given]) == pytest.approx(0.05, abs=0.012)
    assert np.mean(contest.target[given] > upper[given]) == pytest.approx(0.05, abs=0.012)


def test_a_forecast_with_tails_is_scored_by_the_intervals_that_are_served(
    contest: Evaluator, trained: TrainedTails
) -> None:
    plain, with_tails = contest.score(zero(contest)), contest.score(zero(contest, trained))
    lower, upper = contest.quantile_bounds(zero(contest), trained.out_of_fold)
    given = ~np.isnan(lower)
    held = ((lower <= contest.target) & (contest.target <= upper))[given].mean()
    assert with_tails.interval_coverage == pytest.approx(held)
    assert replace(with_tails, interval_coverage=plain.interval_coverage) == plain


def test_what_comes_later_corrects_no_interval(contest: Evaluator, trained: TrainedTails) -> None:
    tails = trained.out_of_fold
    before = contest.quantile_bounds(zero(contest), tails)
    last = np.flatnonzero(contest.rows >= contest.folds[-1].test[0])
    contest_of_fools = Evaluator(contest.dataset, contest.folds, coverage=0.9)
    contest_of_fools.target = contest.target.copy()
    contest_of_fools.target[last] *= 100.0
    after = contest_of_fools.quantile_bounds(zero(contest), tails)
    assert np.array_equal(before, after, equal_nan=True)
    assert not np.isnan(before[0][last]).any()


def test_the_manifest_says_how_they_were_made(contest: Evaluator, trained: TrainedTails) -> None:
    described = trained.described
    assert described.output_name == "tails"
    assert described.scale_feature == "realised_volatility_20"
    assert described.calibration_rows == len(contest.rows)
    assert described.parameters == SETTINGS.quantile.model_dump()
    found = (described.lower_correction, described.upper_correction)
    assert trained.fitted.corrections == found
    every = np.ones(len(contest.rows), dtype=np.bool_)
    assert found == trained.out_of_fold.corrections(contest.target, every, coverage=0.9)


def test_a_set_without_volatility_has_quantiles_of_the_return(skewed: Dataset) -> None:
    place = CORE.names.index("realised_volatility_20")
    others = [index for index in range(len(CORE.names)) if index != place]
    fewer = replace(
        skewed,
        feature_set=replace(CORE, features=tuple(CORE.features[index] for index in others)),
        features=skewed.features[:, others],
    )
    folds = expanding_folds(fewer.as_of_time, fewer.target_time, count=2)
    trained = train_tails(SETTINGS, fewer, folds, progress=QUIET)
    assert trained.described.scale_feature is None
    assert (trained.out_of_fold.scale == 1.0).all()
    contest = Evaluator(fewer, folds, coverage=0.9)
    score = contest.score(zero(contest, trained))
    assert score.interval_coverage == pytest.approx(0.9, abs=0.025)
