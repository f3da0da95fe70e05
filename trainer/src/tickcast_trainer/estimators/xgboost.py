"""Trees boosted by XGBoost."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimator_settings import XGBoostSettings
from tickcast_trainer.estimators.estimator import FittedModel, Parameters
from tickcast_trainer.estimators.trees import LEAF, Tree, sum_of_trees

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, slots=True)
class XGBoost:
    """Boosted shallow trees (Chen and Guestrin 2016)."""

    settings: XGBoostSettings

    @property
    def parameters(self) -> Parameters:
        """Size of the ensemble and its regularisation."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Boost on one thread, so that the same seed gives the same trees on every machine."""
        return _FittedXGBoost(_boost(self.settings, features, target, seed=seed))


@dataclass(frozen=True, slots=True)
class XGBoostOdds:
    """The same trees, fitted to ones and zeros; they predict the log of the odds of a one."""

    settings: XGBoostSettings

    @property
    def parameters(self) -> Parameters:
        """Size of the ensemble and its regularisation."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Boost on one thread, beginning at even odds."""
        # Of the logistic loss a row weighs a quarter of what it does in squared error.
        settings = self.settings.model_copy(
            update={
                "minimum_leaf_rows": self.settings.minimum_leaf_rows / 4.0,
                "penalty": self.settings.penalty / 4.0,
            }
        )
        loss = {"objective": "binary:logistic", "base_score": 0.5}
        return _FittedOdds(_boost(settings, features, target, seed=seed, **loss))


@dataclass(frozen=True, slots=True)
class _FittedOdds:
    regressor: Any

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        odds = self.regressor.predict(features, output_margin=True)
        return np.asarray(odds, dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        return _graph(self.regressor, base=0.0)


@dataclass(frozen=True, slots=True)
class _FittedXGBoost:
    regressor: Any

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self.regressor.predict(features), dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        # A list of one since XGBoost 3.1.
        base = _learner(self.regressor)["learner_model_param"]["base_score"].strip("[]")
        return _graph(self.regressor, base=float(base))


def _boost(
    settings: XGBoostSettings,
    features: NDArray[np.float32],
    target: NDArray[np.float64],
    *,
    seed: int,
    **loss: Any,
) -> Any:
    from xgboost import XGBRegressor

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
        **loss,
    )
    return regressor.fit(features, target)


def _learner(regressor: Any) -> dict[str, Any]:
    # The model file in its documented form, whose thresholds are float32 in full.
    learner: dict[str, Any] = json.loads(regressor.get_booster().save_raw("json"))["learner"]
    return learner


def _graph(regressor: Any, *, base: float) -> "ModelProto":
    grown = _learner(regressor)["gradient_booster"]["model"]["trees"]
    return sum_of_trees(
        [_tree(one) for one in grown],
        comparison="BRANCH_LT",
        base=base,
        features=regressor.n_features_in_,
    )


def _tree(grown: dict[str, Any]) -> Tree:
    lower = np.array(grown["left_children"], dtype=np.int64)
    # At a leaf, what is the threshold elsewhere is the value.
    condition = np.array(grown["split_conditions"], dtype=np.float32)
    return Tree(
        feature=np.where(lower == -1, LEAF, np.array(grown["split_indices"], dtype=np.int64)),
        threshold=condition,
        lower=lower,
        upper=np.array(grown["right_children"], dtype=np.int64),
        value=condition.astype(np.float64),
    )
