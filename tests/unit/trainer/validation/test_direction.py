"""Probabilities beside the base rate: scores by hand, and a verdict that says it plainly."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import build_dataset
from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.validation.direction import (
    DirectionSkill,
    describe_direction,
    measure_direction,
    with_direction,
)
from tickcast_trainer.walkforward import expanding_folds


@pytest.fixture(scope="module")
def contest() -> Evaluator:
    series = [random_walk_bars(1_500, symbol=symbol, seed=seed) for seed, symbol in enumerate("AB")]
    quiet = ProgressLines(Console(quiet=True))
    dataset = build_dataset(series, feature_set=CORE, horizon=1, progress=quiet)
    folds = expanding_folds(dataset.as_of_time, dataset.target_time, count=4)
    return Evaluator(dataset, folds, coverage=0.9)


def saying(contest: Evaluator, probability: np.ndarray) -> OutOfFold:
    return OutOfFold(
        name="sayer",
        is_baseline=False,
        prediction=np.zeros(len(contest.rows)),
        probability=probability,
    )


def skill(contest: Evaluator, probability: np.ndarray) -> DirectionSkill:
    found = measure_direction(contest, saying(contest, probability))
    assert found is not None
    return found


def base_rates(contest: Evaluator) -> np.ndarray:
    target = contest.dataset.target
    return np.concatenate(
        [np.full(len(fold.test), (target[fold.train] > 0).mean()) for fold in contest.folds]
    )


def test_a_forecast_without_probabilities_is_not_judged(contest: Evaluator) -> None:
    plain = replace(saying(contest, np.zeros(0)), probability=None)
    assert measure_direction(contest, plain) is None
    comparison = contest.compare(plain)
    assert with_direction(comparison, None) is comparison


def test_scores_are_those_of_their_definitions(contest: Evaluator) -> None:
    said = np.random.default_rng(2).uniform(0.3, 0.7, len(contest.rows))
    rose, base = contest.target > 0.0, base_rates(contest)
    found = skill(contest, said)
    assert found.brier == pytest.approx(np.mean((said - rose) ** 2))
    assert found.base_brier == pytest.approx(np.mean((base - rose) ** 2))
    assert found.log_loss == pytest.approx(-np.mean(np.log(np.where(rose, said, 1 - said))))
    assert found.base_log_loss == pytest.approx(-np.mean(np.log(np.where(rose, base, 1 - base))))
    assert not found.beats_base_rate
    described = describe_direction(found)
    assert (described.brier_score, described.base_rate_brier_score) == (
        found.brier,
        found.base_brier,
    )
    assert (described.log_loss, described.base_rate_log_loss) == (
        found.log_loss,
        found.base_log_loss,
    )
    assert described.output_name == "probability"


def test_reliability_is_what_was_said_and_what_came_by_fifths(contest: Evaluator) -> None:
    rose = contest.target > 0.0
    said = np.where(rose, 0.6, 0.4) + np.linspace(0.0, 1e-3, len(rose))
    least, *_, greatest = skill(contest, said).reliability
    assert least.said == pytest.approx(0.4, abs=2e-3)
    assert greatest.said == pytest.approx(0.6, abs=2e-3)
    assert (least.rose.value, greatest.rose.value) == (0.0, 1.0)


def test_whoever_knows_more_than_the_base_rate_beats_it(contest: Evaluator) -> None:
    found = skill(contest, np.where(contest.target > 0.0, 0.55, 0.45))
    assert found.beats_base_rate
    comparison = with_direction(contest.compare(saying(contest, np.zeros(0))), found)
    assert "Its probability of a rise beats the base rate (Brier 0.2025" in comparison.verdict


def test_whoever_says_the_base_rate_does_not_beat_it(contest: Evaluator) -> None:
    found = skill(contest, base_rates(contest))
    assert found.brier == found.base_brier
    assert not found.beats_base_rate
    assert found.verdict.startswith("Its probability of a rise does not beat the base rate")


def test_a_certainty_that_failed_costs_much_but_no_infinity(contest: Evaluator) -> None:
    found = skill(contest, np.zeros(len(contest.rows)))
    assert 10.0 < found.log_loss < 20.0
