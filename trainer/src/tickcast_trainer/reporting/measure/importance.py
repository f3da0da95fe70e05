"""What each feature is worth: how much worse the model gets when it is told of other times.

Permutation importance (Breiman 2001, "Random Forests"; Fisher, Rudin and Dominici 2019, "All Models
are Wrong, but Many are Useful"), on rows that the models had not seen and for any kind of model.
As-of times change places, all symbols together, so that a cross-section stays one; a symbol keeps
to its own values, so that what tells symbols apart for ever is not measured. Features that tell the
same each look small, as the others step in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimators import Estimator
from tickcast_trainer.evaluation import Evaluator
from tickcast_trainer.progress import Advance
from tickcast_trainer.reporting.document import FeatureImportance, Importance
from tickcast_trainer.reporting.measure.estimates import ratio_of

REPEATS = 2
"""Permutations of each feature."""

MOST_PREDICTIONS = 400_000
"""Rows that models are asked for, over all features and repeats."""

LEAST_ROWS = 500
"""Test rows that are used even where that takes more predictions, as with many features."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Request:
    """What a worker needs for one fold."""

    estimator: Estimator
    seed: int
    train: NDArray[np.float32]
    train_target: NDArray[np.float64]
    test: NDArray[np.float32]
    """(n, F): of the rows that are used."""

    target: NDArray[np.float64]
    donors: Sequence[NDArray[np.intp]]
    """For each repeat, whose features a row is told instead of its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Growth:
    error: NDArray[np.float64]
    """(n,): squared, of the model as it is."""

    growth: NDArray[np.float64]
    """(F, n): by how much it grows, mean over repeats."""


def measure_importance(
    evaluator: Evaluator, estimators: Sequence[Estimator], *, seed: int, advance: Advance
) -> Importance:
    """Fit each fold once more and ask about its test rows with one feature after another permuted.

    Costs the fits of the walk forward, and at most ``MOST_PREDICTIONS`` predictions, or
    ``LEAST_ROWS`` for each feature and repeat where that is more. Folds are computed on the engine
    of the evaluator; ``advance`` is told of each. The same arguments give the same figures.
    """
    dataset = evaluator.dataset
    names = dataset.feature_set.names
    used = _used_rows(evaluator, max(LEAST_ROWS, MOST_PREDICTIONS // (len(names) * REPEATS)))
    requests = (
        _Request(
            estimator=estimator,
            seed=seed,
            train=dataset.features[fold.train],
            train_target=dataset.target[fold.train],
            test=dataset.features[rows],
            target=dataset.target[rows],
            donors=[
                permuted(
                    dataset.as_of_time[rows],
                    dataset.series_index[rows],
                    np.random.default_rng((seed, number, repeat)),
                )
                for repeat in range(REPEATS)
            ],
        )
        for number, (fold, estimator, rows) in enumerate(
            zip(evaluator.folds, estimators, used, strict=True)
        )
        if len(rows)
    )
    measured = []
    for one in evaluator.engine.map(_measure_fold, requests):
        measured.append(one)
        advance(1)
    error = np.concatenate([one.error for one in measured])
    growth = np.concatenate([one.growth for one in measured], axis=1)
    when = dataset.as_of_time[np.concatenate(used)]
    found = [
        FeatureImportance(
            feature=name, increase=ratio_of(growth[place], error, when, horizon=dataset.horizon)
        )
        for place, name in enumerate(names)
    ]
    found.sort(key=lambda one: one.increase.value, reverse=True)
    return Importance(rows=len(error), repeats=REPEATS, features=tuple(found))


def permuted(
    as_of_time: NDArray[np.int64], series_index: NDArray[np.intp], random: np.random.Generator
) -> NDArray[np.intp]:
    """Return for each row (n,) the row of the same symbol that it is to be told of instead.

    Times change places. A symbol that was not there all the time is matched by rank within its own
    rows.
    """
    times, time = np.unique(as_of_time, return_inverse=True)
    place = random.permutation(len(times))
    donor = np.empty(len(time), dtype=np.intp)
    donor[np.lexsort((time, series_index))] = np.lexsort((place[time], series_index))
    return donor


def _used_rows(evaluator: Evaluator, limit: int) -> list[NDArray[np.intp]]:
    """Return some test rows of each fold: all of every so many as-of times."""
    as_of_time = evaluator.dataset.as_of_time
    times = np.unique(as_of_time[evaluator.rows])
    kept = times[:: -(-len(evaluator.rows) // limit)]
    return [fold.test[np.isin(as_of_time[fold.test], kept)] for fold in evaluator.folds]


def _measure_fold(request: _Request) -> _Growth:
    model = request.estimator.fit(request.train, request.train_target, seed=request.seed)
    error = (request.target - model.predict(request.test)) ** 2
    growth = np.zeros((request.test.shape[1], len(request.test)))
    for donor in request.donors:
        for column in range(request.test.shape[1]):
            told = request.test.copy()
            told[:, column] = request.test[donor, column]
            growth[column] += (request.target - model.predict(told)) ** 2 - error
    return _Growth(error=error, growth=growth / len(request.donors))
