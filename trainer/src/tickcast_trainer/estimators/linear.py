"""Linear regressions on standardised features."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimator_settings import (
    ElasticNetSettings,
    LogisticSettings,
    RidgeSettings,
)
from tickcast_trainer.estimators.estimator import FittedModel, Parameters
from tickcast_trainer.estimators.graph import INPUT_NAME, OUTPUT_NAME, make_model
from tickcast_trainer.estimators.scaling import CENTRED, Scaling
from tickcast_trainer.estimators.threads import one_thread

if TYPE_CHECKING:
    from onnx import ModelProto

_ROUNDS = 10_000


@dataclass(frozen=True, slots=True)
class Ridge:
    """Linear regression, shrunk towards zero (Hoerl and Kennard 1970)."""

    settings: RidgeSettings

    @property
    def parameters(self) -> Parameters:
        """The penalty."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Solve in float64 on one thread; nothing here is random."""
        from sklearn.linear_model import Ridge as Regression

        return _fit(Regression(alpha=self.settings.alpha), features, target)


@dataclass(frozen=True, slots=True)
class ElasticNet:
    """Linear regression that also drops features (Zou and Hastie 2005)."""

    settings: ElasticNetSettings

    @property
    def parameters(self) -> Parameters:
        """Both penalties."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Descend coordinate by coordinate, in order; nothing here is random."""
        from sklearn.linear_model import ElasticNet as Regression

        rows, alpha = len(target), self.settings.alpha
        # scikit-learn's objective is a mean over rows: its penalties are ours by row.
        sizes = self.settings.sparsity * float(target.std()) / np.sqrt(rows)
        if sizes == 0.0:
            # The descent cannot tell when it is done; what it would find is ridge's.
            return Ridge(RidgeSettings(alpha=alpha)).fit(features, target, seed=seed)
        total = alpha / rows + sizes
        regression = Regression(alpha=total, l1_ratio=sizes / total, max_iter=_ROUNDS)
        return _fit(regression, features, target)


@dataclass(frozen=True, slots=True)
class Logistic:
    """Logistic regression, shrunk towards even odds (le Cessie and van Houwelingen 1992).

    The target is ones and zeros, and what is predicted the log of the odds of a one.
    """

    settings: LogisticSettings

    @property
    def parameters(self) -> Parameters:
        """The penalty."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Solve in float64 on one thread; nothing here is random."""
        return _fit(_LogOdds(alpha=self.settings.alpha), features, target)


class _LogOdds:
    """A logistic regression that looks like a linear one, of the log odds."""

    def __init__(self, *, alpha: float) -> None:
        self._alpha = alpha
        self.coef_: NDArray[np.float64] = np.zeros(0)
        self.intercept_ = 0.0

    def fit(self, features: NDArray[np.float64], target: NDArray[np.float64]) -> "_LogOdds":
        from sklearn.linear_model import LogisticRegression

        if target.min() == target.max():
            # There is nothing to tell apart, and scikit-learn refuses to.
            self.coef_ = np.zeros(features.shape[1])
            return self
        regression = LogisticRegression(
            C=1.0 / self._alpha, solver="newton-cholesky", tol=1e-10, max_iter=200
        ).fit(features, target)
        self.coef_, self.intercept_ = regression.coef_[0], float(regression.intercept_[0])
        return self

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(features @ self.coef_ + self.intercept_)


@dataclass(frozen=True, slots=True)
class _FittedLinear:
    scaling: Scaling
    regression: Any

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        predicted = self.regression.predict(self.scaling.apply(features))
        return np.asarray(predicted, dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        from onnx import helper

        weights = self.regression.coef_ / self.scaling.deviation
        answer = helper.make_node("Gemm", [CENTRED, "weights", "intercept"], [OUTPUT_NAME])
        constants = {
            **self.scaling.constants(),
            "weights": weights.astype(np.float32)[:, None],
            "intercept": np.array([self.regression.intercept_], dtype=np.float32),
        }
        nodes = [*self.scaling.nodes(INPUT_NAME), answer]
        return make_model(nodes, constants, features=len(weights))


def _fit(
    regression: Any, features: NDArray[np.float32], target: NDArray[np.float64]
) -> _FittedLinear:
    scaling = Scaling.fit(features)
    with one_thread():
        return _FittedLinear(scaling, regression.fit(scaling.apply(features), target))
