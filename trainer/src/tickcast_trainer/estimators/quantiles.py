"""The ends of an interval, fitted themselves: quantiles of the return, one model to each tail."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import GREATEST_PRICE, LEAST_PRICE

from tickcast_trainer.estimator_settings import LightGBMSettings, QuantileSettings
from tickcast_trainer.estimators.by_volatility import volatility_floor
from tickcast_trainer.estimators.estimator import FittedModel, Parameters
from tickcast_trainer.estimators.graph import with_tails
from tickcast_trainer.estimators.lightgbm import LightGBM

if TYPE_CHECKING:
    from onnx import ModelProto

Corrections: TypeAlias = tuple[float, float]
"""What is added to the lower and to the upper quantile, in scales."""

Float = TypeVar("Float", bound=np.floating[Any])

_LOWER, _UPPER = 0, 1

# No two prices are further apart, and no volatility that comes from prices is greater. It keeps
# finite what follows from features that somebody made up.
_CEILING = np.float32(math.log(GREATEST_PRICE / LEAST_PRICE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What returns are divided by before quantiles are fitted: volatility known beforehand."""

    feature: int | None
    """Column of the feature that is the volatility; None where a set has none."""

    floor: np.float32
    """Least scale, above 0."""

    ceiling: np.float32 = _CEILING
    """Greatest scale."""

    @classmethod
    def fit(cls, features: NDArray[np.float32], feature: int | None) -> "Scale":
        """Take the floor from the training rows (n, F)."""
        if feature is None:
            return cls(feature=None, floor=np.float32(1.0))
        return cls(feature=feature, floor=volatility_floor(features[:, feature]))

    def of(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the scale of each row (n, F), shape (n,): ones where there is no volatility."""
        if self.feature is None:
            return np.ones(len(features), dtype=np.float32)
        return np.clip(features[:, self.feature], self.floor, self.ceiling)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileTails:
    """Boosted trees for each tail, which know skew and shape where a band knows volatility alone.

    Koenker and Bassett (1978), "Regression Quantiles", Econometrica 46(1): the pinball loss is
    least at a quantile. Fitted to returns over their volatility, so that the trees need not learn
    how restless markets are.
    """

    settings: QuantileSettings
    coverage: float
    """Share of outcomes between the two quantiles."""

    volatility: int | None
    """Column of the feature that is the volatility; None where a set has none."""

    @property
    def parameters(self) -> Parameters:
        """Size of the ensembles and their regularisation."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> "FittedTails":
        """Fit both quantiles of log returns (n,), given features (n, F), without corrections."""
        scale = Scale.fit(features, self.volatility)
        scaled = target / scale.of(features).astype(np.float64)
        tail = (1.0 - self.coverage) / 2.0
        trees = self._trees(tail)
        lower, upper = (
            LightGBM(trees, quantile=quantile).fit(features, scaled, seed=seed)
            for quantile in (tail, 1.0 - tail)
        )
        return FittedTails(lower=lower, upper=upper, scale=scale)

    def _trees(self, tail: float) -> LightGBMSettings:
        settings = self.settings
        return LightGBMSettings(
            trees=settings.trees,
            leaves=settings.leaves,
            learning_rate=settings.learning_rate,
            minimum_leaf_rows=math.ceil(settings.tail_rows / tail),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedTails:
    """Both quantiles after fitting."""

    lower: FittedModel
    """Of the return over the scale."""

    upper: FittedModel
    """Of the return over the scale."""

    scale: Scale
    corrections: Corrections = (0.0, 0.0)

    def corrected(self, corrections: Corrections) -> "FittedTails":
        """Return the same quantiles with these corrections."""
        return replace(self, corrections=corrections)

    def quantiles(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the corrected quantiles (n, 2) of the log return for features (n, F)."""
        answers = [model.predict(features) for model in (self.lower, self.upper)]
        corrected = np.stack(answers, axis=1) + np.array(self.corrections, dtype=np.float32)
        return corrected * self.scale.of(features)[:, None]

    def ends(
        self, features: NDArray[np.float32], prediction: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the ends of the interval (n, 2) for features (n, F) and predictions (n,)."""
        return np.stack(enclosing(self.quantiles(features), prediction), axis=1)

    def to_onnx(self, model: "ModelProto") -> "ModelProto":
        """Return a model's graph with ``tails``, the ends of its interval, as second output."""
        scale = self.scale
        return with_tails(
            model,
            (self.lower.to_onnx(), self.upper.to_onnx()),
            corrections=self.corrections,
            volatility=scale.feature,
            limits=(scale.floor, scale.ceiling),
        )


def enclosing(
    quantiles: NDArray[Float], prediction: NDArray[Float]
) -> tuple[NDArray[Float], NDArray[Float]]:
    """Return quantiles (n, 2) as ends (n,), (n,), moved to the prediction (n,) if it lies outside.

    Quantiles are fitted one by one, and beside the prediction, so that they may cross. An end that
    moves to the prediction makes the interval wider and never loses an outcome.
    """
    return (
        np.minimum(quantiles[:, _LOWER], prediction),
        np.maximum(quantiles[:, _UPPER], prediction),
    )
