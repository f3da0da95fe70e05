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
        # The model file in its documented form, whose thresholds are float32 in full.
        learner = json.loads(self.regressor.get_booster().save_raw("json"))["learner"]
        return sum_of_trees(
            [_tree(grown) for grown in learner["gradient_booster"]["model"]["trees"]],
            comparison="BRANCH_LT",
            # A list of one since XGBoost 3.1.
            base=float(learner["learner_model_param"]["base_score"].strip("[]")),
            features=self.regressor.n_features_in_,
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
