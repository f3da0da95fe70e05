"""The models that can be trained: name to estimator.

An estimator says how to fit, and a fitted model how to predict and how to become an ONNX graph. A
new one is a settings class, a class here and a line in ``make_estimator``. The libraries are
imported where they are used, as importing them takes seconds that ``--help`` does not have.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.settings import (
    EstimatorName,
    RidgeSettings,
    TrainSettings,
    XGBoostSettings,
)

if TYPE_CHECKING:
    from onnx import ModelProto

INPUT_NAME = "features"
"""Name of the graph's one input, float32 [N, F]."""


class FittedModel(Protocol):
    """A model after fitting."""

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return predicted log returns (n,) for features (n, F)."""
        ...

    def to_onnx(self) -> "ModelProto":
        """Return the model as a graph from ``features`` to one column; scaling included."""
        ...


class Estimator(Protocol):
    """A way to fit a model."""

    @property
    def parameters(self) -> dict[str, float | int]:
        """What the fit depends on besides the rows and the seed."""
        ...

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Fit features (n, F) to log returns (n,); the same rows and seed give the same model."""
        ...


@dataclass(frozen=True, slots=True)
class Ridge:
    """Linear regression on standardised features, shrunk towards zero."""

    settings: RidgeSettings

    @property
    def parameters(self) -> dict[str, float | int]:
        """The penalty."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Solve in float64, as long sums lose digits in float32; nothing here is random."""
        from sklearn.linear_model import Ridge as RidgeRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        pipeline = make_pipeline(StandardScaler(), RidgeRegression(alpha=self.settings.alpha))
        return _FittedRidge(pipeline.fit(features.astype(np.float64), target))


@dataclass(frozen=True, slots=True)
class _FittedRidge:
    pipeline: Any

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        predicted = self.pipeline.predict(features.astype(np.float64))
        return np.asarray(predicted, dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType

        inputs = [(INPUT_NAME, FloatTensorType([None, self.pipeline.n_features_in_]))]
        model: ModelProto = convert_sklearn(self.pipeline, "tickcast", inputs)
        return model


@dataclass(frozen=True, slots=True)
class XGBoost:
    """Boosted shallow trees, regularised for targets that are nearly all noise."""

    settings: XGBoostSettings

    @property
    def parameters(self) -> dict[str, float | int]:
        """Size of the ensemble and its regularisation."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Boost on one thread, so that the same seed gives the same trees on every machine."""
        from xgboost import XGBRegressor

        settings = self.settings
        regressor = XGBRegressor(
            n_estimators=settings.trees,
            max_depth=settings.depth,
            learning_rate=settings.learning_rate,
            subsample=settings.row_share,
            colsample_bytree=settings.feature_share,
            min_child_weight=settings.minimum_leaf_rows,
            reg_lambda=settings.penalty,
            random_state=seed,
            n_jobs=1,
        )
        return _FittedXGBoost(regressor.fit(features, target))


@dataclass(frozen=True, slots=True)
class _FittedXGBoost:
    regressor: Any

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self.regressor.predict(features), dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        inputs = [(INPUT_NAME, FloatTensorType([None, self.regressor.n_features_in_]))]
        # Without a name the graph gets a random one, and with it another digest each time.
        model: ModelProto = convert_xgboost(self.regressor, name="tickcast", initial_types=inputs)
        return model


def make_estimator(name: EstimatorName, settings: TrainSettings) -> Estimator:
    """Return the estimator of that name with the parameters that the settings give it."""
    estimators: dict[EstimatorName, Estimator] = {
        "ridge": Ridge(settings.ridge),
        "xgboost": XGBoost(settings.xgboost),
    }
    return estimators[name]
