"""Evaluation: every forecast on the same rows, and intervals measured on folds not seen."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from tickcast_modelkit.errors import TooFewResiduals
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.walkforward import expanding_folds


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    series = [random_walk_bars(1600, symbol=symbol, seed=seed) for seed, symbol in enumerate("AB")]
    progress = ProgressLines(Console(quiet=True))
    return build_dataset(series, feature_set=CORE, horizon=1, progress=progress)


def evaluator(dataset: Dataset, *, folds: int = 4, coverage: float = 0.9) -> Evaluator:
    cut = expanding_folds(dataset.as_of_time, dataset.target_time, count=folds)
    return Evaluator(dataset, cut, coverage=coverage)


def forecast_of(evaluator: Evaluator, name: str) -> OutOfFold:
    (found,) = [baseline for baseline in evaluator.baselines if baseline.name == name]
    return found


def test_baselines_forecast_the_rows_that_folds_test(dataset: Dataset) -> None:
    contest = evaluator(dataset)
    assert {len(baseline.prediction) for baseline in contest.baselines} == {len(contest.rows)}
    zero = contest.score(forecast_of(contest, "zero"))
    assert zero.rmse == pytest.approx(np.sqrt(np.mean(dataset.target[contest.rows] ** 2)))
    assert zero.r2_vs_zero == 0.0
    assert zero.information_coefficient is None
    assert zero.directional_accuracy is None
    assert zero.is_baseline


def test_always_up_scores_the_share_of_rises(dataset: Dataset) -> None:
    contest = evaluator(dataset)
    up = contest.always_up()
    assert up is not None
    assert up.value == pytest.approx(np.mean(contest.target > 0))


def test_intervals_hold_what_they_promise_while_the_market_stays_the_same(
    dataset: Dataset,
) -> None:
    contest = evaluator(dataset, coverage=0.8)
    coverage = contest.score(forecast_of(contest, "zero")).interval_coverage
    assert coverage == pytest.approx(0.8, abs=0.03)


def test_coverage_is_measured_on_a_fold_after_those_calibrated_on(dataset: Dataset) -> None:
    # The second of two folds moves four times as much: a band from the first cannot hold it, one
    # that had seen the second would.
    border = evaluator(dataset, folds=2).folds[1].test[0]
    wild = dataset.target * np.where(np.arange(len(dataset)) >= border, 4.0, 1.0)
    contest = evaluator(replace(dataset, target=wild), folds=2)
    zero = forecast_of(contest, "zero")
    honest = contest.score(zero).interval_coverage
    assert honest is not None
    assert honest < 0.45
    band = contest.band(zero)
    assert band.calibration_rows == len(contest.rows)
    scale = band.scales(dataset.features[contest.rows], CORE.names)
    lower, upper = band.bounds(zero.prediction, scale)
    assert np.mean((lower <= contest.target) & (contest.target <= upper)) == pytest.approx(
        0.9, abs=0.01
    )


def test_too_few_residuals_for_the_coverage_give_none(dataset: Dataset) -> None:
    cut = expanding_folds(dataset.as_of_time, dataset.target_time, count=2)
    short = [replace(fold, test=fold.test[:15]) for fold in cut]
    contest = Evaluator(dataset, short, coverage=0.9)
    assert contest.score(forecast_of(contest, "zero")).interval_coverage is None
    with pytest.raises(TooFewResiduals):
        Evaluator(dataset, short, coverage=0.99).band(forecast_of(contest, "zero"))


def test_a_rival_with_the_smallest_error_is_the_one_to_beat(dataset: Dataset) -> None:
    contest = evaluator(dataset)
    perfect = OutOfFold(name="oracle", is_baseline=False, prediction=0.5 * contest.target)
    comparison = contest.compare(perfect)
    assert comparison.best_baseline == "zero"
    assert comparison.beats_baselines
    assert comparison.p_value < 1e-6
    # Half of every target is known, and with it three quarters of the squared error.
    assert comparison.gain.value == pytest.approx(0.75)
    assert comparison.gain.low == pytest.approx(comparison.gain.high)


def test_a_lead_that_chance_may_give_is_no_win(dataset: Dataset) -> None:
    contest = evaluator(dataset)
    noise = np.random.default_rng(2).normal(0.0, 0.02, len(contest.target))
    # Shrunk so far that it errs a hair less than zero on these rows, and by luck alone.
    sign = np.sign(np.sum(noise * contest.target))
    lucky = OutOfFold(name="lucky", is_baseline=False, prediction=1e-4 * sign * noise)
    comparison = contest.compare(lucky)
    assert contest.score(lucky).r2_vs_zero > 0.0
    assert comparison.p_value > 0.05
    assert comparison.gain.low < 0.0 < comparison.gain.value < comparison.gain.high
    assert not comparison.beats_baselines
    assert "may be chance" in comparison.verdict
