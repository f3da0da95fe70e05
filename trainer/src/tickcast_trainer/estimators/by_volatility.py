"""Any estimator, fitted to returns in units of the volatility that was known beforehand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimators.estimator import Estimator, FittedModel, Parameters
from tickcast_trainer.estimators.graph import scaled_by_feature

if TYPE_CHECKING:
    from onnx import ModelProto

# A quiet window is worth at least this share of the usual volatility, so that none of its rows
# outweighs all others.
_LEAST_SHARE = 0.1


def volatility_floor(volatility: NDArray[np.float32]) -> np.float32:
    """Return what a target is divided by at least, above 0, from the volatilities (n,) of rows."""
    moving = volatility[volatility > 0.0]
    return np.float32(_LEAST_SHARE * float(np.median(moving)) if len(moving) else _LEAST_SHARE)


@dataclass(frozen=True, slots=True)
class ByVolatility:
    """Fits the return over its volatility, and predicts the return again.

    Returns differ in size by symbol and by season, so that squared errors are those of the most
    restless rows; in units of volatility every row counts alike (Moskowitz, Ooi and Pedersen 2012,
    "Time Series Momentum", Journal of Financial Economics 104(2), scale so). The division is undone
    inside the model, and inside its graph: what it predicts is a log return as any other.
    """

    estimator: Estimator

    feature: int
    """Column of the feature that is the volatility."""

    @property
    def parameters(self) -> Parameters:
        """Those of the estimator."""
        return {**self.estimator.parameters, "target": "volatility-scaled"}

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Fit the estimator to the scaled target."""
        volatility = features[:, self.feature]
        floor = volatility_floor(volatility)
        scale = np.maximum(volatility, floor).astype(np.float64)
        model = self.estimator.fit(features, target / scale, seed=seed)
        return _FittedByVolatility(model, self.feature, floor)


@dataclass(frozen=True, slots=True)
class _FittedByVolatility:
    model: FittedModel
    feature: int
    floor: np.float32

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        scale = np.maximum(features[:, self.feature], self.floor)
        return self.model.predict(features) * scale

    def to_onnx(self) -> "ModelProto":
        return scaled_by_feature(self.model.to_onnx(), self.feature, self.floor)
