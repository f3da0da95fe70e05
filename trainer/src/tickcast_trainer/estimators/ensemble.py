"""Several estimators as one: their mean, or weights learned from how they did out of sample."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimators.estimator import Estimator, FittedModel, Parameters
from tickcast_trainer.estimators.graph import weighted_sum

if TYPE_CHECKING:
    from onnx import ModelProto

Members: TypeAlias = Mapping[str, Estimator]
"""What an ensemble is made of, by name, in the order of the weights."""


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of the members: hard to beat where all that differs is luck (Timmermann 2006)."""

    members: Members

    @property
    def parameters(self) -> Parameters:
        """Those of the members, each after its member's name."""
        return _parameters(self.members)

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Fit each member to all rows."""
        equal = np.full(len(self.members), 1.0 / len(self.members))
        return _fit_all(self.members, equal, features, target, seed)


@dataclass(frozen=True, slots=True)
class Stack:
    """Weights from forecasts of rows that no member was fitted to (Breiman 1996).

    The weights are at least zero and add up to one together with that of forecasting no change, so
    that a stack of members that know nothing forecasts nothing. They are then drawn towards equal
    ones, as learned weights err more than equal ones when there is little to learn from (Stock and
    Watson 2004).
    """

    members: Members
    folds: int
    """Steps of the walk forward that the weights are learned from."""

    shrinkage: float
    """How far weights are drawn towards equal ones: 0 not at all, 1 all the way."""

    @property
    def parameters(self) -> Parameters:
        """How weights are learned, and the members' parameters, each after its member's name."""
        own = {"folds": self.folds, "shrinkage": self.shrinkage}
        return {**own, **_parameters(self.members)}

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Learn the weights walk-forward inside these rows, then fit each member to all of them."""
        forecasts, outcomes = [], []
        for train, test in walk_forward(len(target), folds=self.folds):
            models = [
                member.fit(features[train], target[train], seed=seed)
                for member in self.members.values()
            ]
            forecasts.append(_forecasts(models, features[test]))
            outcomes.append(target[test])
        learned = stacking_weights(np.concatenate(forecasts), np.concatenate(outcomes))
        weights = (1.0 - self.shrinkage) * learned + self.shrinkage / len(self.members)
        return _fit_all(self.members, weights, features, target, seed)


@dataclass(frozen=True, slots=True)
class FittedEnsemble:
    """Members after fitting, and what each counts."""

    models: Sequence[FittedModel]
    weights: NDArray[np.float64]
    """(k,): one for each model."""

    features: int
    """How many columns features have."""

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weighted sum of the members' predictions (n,)."""
        return (_forecasts(self.models, features) @ self.weights).astype(np.float32)

    def to_onnx(self) -> "ModelProto":
        """Return the members' graphs merged into one."""
        graphs = [model.to_onnx() for model in self.models]
        return weighted_sum(graphs, self.weights, features=self.features)


def walk_forward(rows: int, *, folds: int) -> Iterator[tuple[slice, slice]]:
    """Cut rows that are ordered by time into steps of training rows and the rows to forecast.

    A whole block of rows between the two is left out, one of ``folds + 2`` in all: an estimator is
    not told when the targets of its rows were known, and while the horizon is shorter than a block,
    all those trained on were known before the first forecast.
    """
    borders = np.linspace(0, rows, folds + 3).astype(int).tolist()
    for step in range(folds):
        yield slice(0, borders[step + 1]), slice(borders[step + 2], borders[step + 3])


def stacking_weights(
    forecasts: NDArray[np.float64], outcomes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights (k,) whose sum of forecasts (m, k) errs least on the outcomes (m,).

    They are at least zero and add up to at most one. Least squares over non-negative weights
    (Lawson and Hanson 1974, chapter 23), of the errors and one more row that asks the weights to
    add up to one: whatever they do add up to, their proportions are those that err least.
    """
    from sklearn.linear_model import LinearRegression

    # The last column is the forecast of no change, which takes what the members leave.
    errors = np.column_stack([outcomes[:, None] - forecasts, outcomes])
    size = float(np.linalg.norm(outcomes)) or 1.0
    rows = np.vstack([errors, np.full(errors.shape[1], size)])
    asked = np.append(np.zeros(len(errors)), size)
    regression = LinearRegression(fit_intercept=False, positive=True).fit(rows, asked)
    weights: NDArray[np.float64] = regression.coef_ / regression.coef_.sum()
    return weights[:-1]


def _fit_all(
    members: Members,
    weights: NDArray[np.float64],
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    seed: int,
) -> FittedEnsemble:
    models = [member.fit(features, target, seed=seed) for member in members.values()]
    return FittedEnsemble(models, weights, features.shape[1])


def _forecasts(models: Sequence[FittedModel], features: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.stack([model.predict(features) for model in models], axis=1).astype(np.float64)


def _parameters(members: Members) -> Parameters:
    named: Parameters = {"members": ",".join(members)}
    for name, member in members.items():
        named |= {f"{name}.{key}": value for key, value in member.parameters.items()}
    return named
