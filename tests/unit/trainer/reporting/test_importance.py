"""Permutation importance: what a model lives on comes first, and cross-sections stay together."""

from dataclasses import replace

import numpy as np
import pytest
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.evaluation import Evaluator
from tickcast_trainer.reporting.document import Importance
from tickcast_trainer.reporting.measure import importance
from tickcast_trainer.reporting.measure.importance import measure_importance, permuted
from tickcast_trainer.settings import TrainSettings

RIDGE = make_estimator("ridge", TrainSettings.model_validate({"name": "r", "ridge": {"alpha": 1}}))


def measured(evaluator: Evaluator, seed: int = 7) -> Importance:
    estimators = [RIDGE] * len(evaluator.folds)
    return measure_importance(evaluator, estimators, seed=seed, advance=lambda _: None)


@pytest.fixture(scope="module")
def told(evaluator: Evaluator) -> Evaluator:
    """The same rows; one feature is half of the target, and one is never anything but noise."""
    dataset = evaluator.dataset
    random = np.random.default_rng(3)
    features = dataset.features.copy()
    noise = random.normal(0.0, dataset.target.std(), (2, len(dataset)))
    features[:, 5] = dataset.target + noise[0]
    features[:, 6] = noise[1]
    return Evaluator(replace(dataset, features=features), evaluator.folds, coverage=0.9)


def test_the_feature_that_tells_comes_first_and_noise_counts_for_nothing(told: Evaluator) -> None:
    names = told.dataset.feature_set.names
    found = measured(told)
    assert found.features[0].feature == names[5]
    # It tells half of the target's variance. Told of another time, the best model errs by one and
    # a half variances instead of half of one: twice as much again, of which noise takes a part.
    assert 1.0 < found.features[0].increase.low < found.features[0].increase.high < 2.2
    (noise,) = (one.increase for one in found.features if one.feature == names[6])
    assert abs(noise.value) < 0.01


def test_the_same_seed_gives_the_same_figures_and_another_seed_others(told: Evaluator) -> None:
    assert measured(told) == measured(told)
    assert measured(told) != measured(told, seed=8)


def test_no_more_rows_are_used_than_the_bound_allows(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importance, "MOST_PREDICTIONS", 0)
    found = measured(evaluator)
    assert found.rows <= importance.LEAST_ROWS < len(evaluator.rows)
    assert len(found.features) == len(evaluator.dataset.feature_set.names)


def test_symbols_of_one_time_go_to_one_time_together() -> None:
    time = np.repeat(np.arange(50) * 60, 3)
    series = np.tile(np.arange(3), 50)
    donor = permuted(time, series, np.random.default_rng(1))
    assert (series[donor] == series).all()
    by_time = time[donor].reshape(50, 3)
    assert (by_time == by_time[:, :1]).all()
    assert sorted(by_time[:, 0]) == sorted(set(time.tolist()))
    assert (by_time[:, 0] != time[::3]).sum() > 40


def test_a_symbol_that_was_not_always_there_keeps_to_its_own_rows() -> None:
    time = np.array([0, 60, 60, 120, 120, 180])
    series = np.array([0, 0, 1, 0, 1, 0])
    donor = permuted(time, series, np.random.default_rng(2))
    assert (series[donor] == series).all()
    assert sorted(donor) == list(range(6))
