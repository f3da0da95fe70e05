"""Extremely randomised trees."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimator_settings import ExtraTreesSettings
from tickcast_trainer.estimators.estimator import FittedModel, Parameters
from tickcast_trainer.estimators.trees import Tree, round_down, sum_of_trees

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, slots=True)
class ExtraTrees:
    """Mean of shallow trees that draw their thresholds (Geurts, Ernst and Wehenkel 2006)."""

    settings: ExtraTreesSettings

    @property
    def parameters(self) -> Parameters:
        """Size of the forest and of its leaves."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Grow on one thread."""
        from sklearn.ensemble import ExtraTreesRegressor

        settings = self.settings
        regressor = ExtraTreesRegressor(
            n_estimators=settings.trees,
            max_depth=settings.depth,
            max_features=settings.feature_share,
            min_samples_leaf=settings.minimum_leaf_rows,
            random_state=seed,
            n_jobs=1,
        )
        return _FittedExtraTrees(regressor.fit(features, target))


@dataclass(frozen=True, slots=True)
class _FittedExtraTrees:
    regressor: Any

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        from sklearn import config_context

        # Its check for numbers that are not finite sums them all, and huge ones overflow.
        with config_context(assume_finite=True):
            return np.asarray(self.regressor.predict(features), dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        grown = [regressor.tree_ for regressor in self.regressor.estimators_]
        return sum_of_trees(
            [_tree(one, share=1.0 / len(grown)) for one in grown],
            comparison="BRANCH_LEQ",
            base=0.0,
            features=self.regressor.n_features_in_,
        )


def _tree(grown: Any, *, share: float) -> Tree:
    # scikit-learn marks leaves with -2, as feature and as threshold, and children with -1.
    return Tree(
        feature=np.maximum(grown.feature, -1).astype(np.int64),
        threshold=round_down(grown.threshold),
        lower=grown.children_left.astype(np.int64),
        upper=grown.children_right.astype(np.int64),
        value=grown.value[:, 0, 0] * share,
    )
