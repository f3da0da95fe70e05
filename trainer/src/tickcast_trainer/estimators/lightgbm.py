"""Trees boosted by LightGBM."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimator_settings import LightGBMSettings
from tickcast_trainer.estimators.estimator import FittedModel, Parameters
from tickcast_trainer.estimators.trees import LEAF, Tree, round_down, sum_of_trees

if TYPE_CHECKING:
    from onnx import ModelProto

# LightGBM takes values up to this size for zero (kZeroThreshold in its meta.h).
_ZERO = np.float32(1e-35)


@dataclass(frozen=True, slots=True)
class LightGBM:
    """Boosted trees that grow leaf by leaf (Ke et al. 2017)."""

    settings: LightGBMSettings

    quantile: float | None = None
    """Which quantile of the target is fitted, above 0 and below 1; None for the mean."""

    @property
    def parameters(self) -> Parameters:
        """Size of the ensemble and its regularisation."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Boost on one thread, so that the same seed gives the same trees on every machine."""
        import lightgbm

        settings = self.settings
        booster = lightgbm.train(
            {
                **self._objective(),
                "num_leaves": settings.leaves,
                "learning_rate": settings.learning_rate,
                "bagging_fraction": settings.row_share,
                "bagging_freq": 1,
                "feature_fraction": settings.feature_share,
                "min_data_in_leaf": settings.minimum_leaf_rows,
                "lambda_l2": settings.penalty,
                "seed": seed,
                "num_threads": 1,
                "deterministic": True,
                # Otherwise it times two ways and takes the faster, and their sums differ.
                "force_row_wise": True,
                "verbosity": -1,
            },
            lightgbm.Dataset(features, target),
            num_boost_round=settings.trees,
        )
        return _FittedLightGBM(booster)

    def _objective(self) -> dict[str, str | float]:
        if self.quantile is None:
            return {"objective": "regression"}
        return {"objective": "quantile", "alpha": self.quantile}


@dataclass(frozen=True, slots=True)
class _FittedLightGBM:
    booster: Any

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self.booster.predict(features, num_threads=1), dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        grown = self.booster.dump_model()["tree_info"]
        return sum_of_trees(
            [_tree(one["tree_structure"]) for one in grown],
            comparison="BRANCH_LEQ",
            base=0.0,
            features=self.booster.num_feature(),
        )


def _tree(root: dict[str, Any]) -> Tree:
    nodes = list(_walk(root))
    position = {id(node): index for index, node in enumerate(nodes)}

    def child(side: str) -> NDArray[np.int64]:
        return np.array(
            [position[id(node[side])] if side in node else LEAF for node in nodes], dtype=np.int64
        )

    return Tree(
        feature=np.array([node.get("split_feature", LEAF) for node in nodes], dtype=np.int64),
        threshold=_thresholds(np.array([node.get("threshold", 0.0) for node in nodes])),
        lower=child("left_child"),
        upper=child("right_child"),
        value=np.array([node.get("leaf_value", 0.0) for node in nodes]),
    )


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for side in ("left_child", "right_child"):
        if side in node:
            yield from _walk(node[side])


def _thresholds(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    # What LightGBM takes for zero must fall on zero's side of the threshold: the whole range from
    # -1e-35 to 1e-35, both ends included.
    near_zero = np.abs(threshold) <= _ZERO
    side = np.where(threshold < 0.0, np.nextafter(-_ZERO, np.float32(-np.inf)), _ZERO)
    return np.where(near_zero, side, round_down(threshold)).astype(np.float32)
