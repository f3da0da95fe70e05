"""Whether a price rises, as a calibrated probability, and the return that follows from it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimators.ensemble import walk_forward
from tickcast_trainer.estimators.estimator import Estimator, FittedModel, Parameters
from tickcast_trainer.estimators.graph import rise_and_return
from tickcast_trainer.estimators.platt import Platt
from tickcast_trainer.estimators.quantiles import Scale

if TYPE_CHECKING:
    from onnx import ModelProto

# Walk-forward steps inside the training rows that the calibration is learned from.
_STEPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How far prices go when they rise, and when they do not, in units of the scale."""

    up: float
    """Mean of the returns above zero; 0 when there was none."""

    down: float
    """Mean size of all others, 0 or more."""

    @classmethod
    def fit(cls, returns: NDArray[np.float64]) -> "Moves":
        """Average the returns (n,) over their scale."""
        up = returns > 0.0
        return cls(
            up=float(returns[up].mean()) if up.any() else 0.0,
            down=float(-returns[~up].mean()) if not up.all() else 0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """A classifier of rises, calibrated on rows that it was not fitted to, walked forward.

    Its expected return is the probability times the usual rise, less the rest times the usual fall,
    at the volatility of the row: where falls are larger than rises, it may be negative although a
    rise is the likelier.
    """

    classifier: Estimator
    """Fitted to ones for rises and zeros for the rest, it predicts the log of the odds."""

    volatility: int | None
    """Column of the feature that moves are proportional to; None where a set has none."""

    @property
    def parameters(self) -> Parameters:
        """Those of the classifier."""
        return self.classifier.parameters

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> "FittedDirection":
        """Learn the calibration and the usual moves walk-forward, then fit to all of the rows."""
        rises = (target > 0.0).astype(np.float64)
        scale = Scale.fit(features, self.volatility)
        steps = list(walk_forward(len(target), folds=_STEPS))
        odds = [
            self.classifier.fit(features[train], rises[train], seed=seed).predict(features[test])
            for train, test in steps
        ]
        tested = np.concatenate([np.arange(test.start, test.stop) for _, test in steps])
        return FittedDirection(
            classifier=self.classifier.fit(features, rises, seed=seed),
            platt=Platt.fit(np.concatenate(odds).astype(np.float64), rises[tested]),
            scale=scale,
            moves=Moves.fit(target[tested] / scale.of(features[tested])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedDirection:
    """The classifier after fitting, with what its odds are worth."""

    classifier: FittedModel
    platt: Platt
    scale: Scale
    moves: Moves

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of a rise (n,) for features (n, F)."""
        return self.platt.of(self.classifier.predict(features)).astype(np.float32)

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the expected log return (n,) for features (n, F)."""
        span, down = self._span_and_down()
        return (self.probability(features) * span - down) * self.scale.of(features)

    def to_onnx(self) -> "ModelProto":
        """Return a graph with two outputs, ``prediction`` and ``probability``."""
        scale = self.scale
        span, down = self._span_and_down()
        return rise_and_return(
            self.classifier.to_onnx(),
            slope=np.float32(self.platt.slope),
            intercept=np.float32(self.platt.intercept),
            span=span,
            down=down,
            volatility=scale.feature,
            limits=(scale.floor, scale.ceiling),
        )

    def _span_and_down(self) -> tuple[np.float32, np.float32]:
        moves = self.moves
        return np.float32(moves.up + moves.down), np.float32(moves.down)


def probability_of(model: FittedModel, features: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return a model's probability of a rise (n,); None of a model that estimates none itself."""
    return model.probability(features) if isinstance(model, FittedDirection) else None
