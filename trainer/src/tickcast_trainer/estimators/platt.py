"""Scores to probabilities: Platt's logistic curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 50
_DONE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Platt:
    """The probability is ``1 / (1 + exp(-(slope * score + intercept)))``.

    Platt (1999), "Probabilistic Outputs for Support Vector Machines", Advances in Large Margin
    Classifiers: maximum likelihood on scores of rows that the classifier was not fitted to, with
    outcomes drawn a little towards each other, so that few rows promise no certainty.
    """

    slope: float
    """0 or more: scores that told less than nothing count for nothing."""

    intercept: float

    @classmethod
    def fit(cls, scores: NDArray[np.float64], outcomes: NDArray[np.float64]) -> "Platt":
        """Fit to scores (n,) and outcomes (n,), ones and zeros, by Newton's method."""
        ones = float(outcomes.sum())
        zeros = len(outcomes) - ones
        drawn = np.where(outcomes > 0.0, (ones + 1.0) / (ones + 2.0), 1.0 / (zeros + 2.0))
        share = float(drawn.mean())
        alone = cls(slope=0.0, intercept=float(np.log(share / (1.0 - share))))
        spread = float(scores.std())
        if spread < _DONE:
            return alone
        # In units of their spread, in which one Newton step is as good as another.
        design = np.stack([scores / spread, np.ones_like(scores)], axis=1)
        weights = np.array([0.0, alone.intercept])
        for _ in range(_ROUNDS):
            probability = _logistic(design @ weights)
            curvature = design.T @ (design * (probability * (1.0 - probability))[:, None])
            step = np.linalg.lstsq(curvature, design.T @ (drawn - probability), rcond=None)[0]
            weights += step
            if np.abs(step).max() < _DONE:
                break
        slope = float(weights[0]) / spread
        return cls(slope=slope, intercept=float(weights[1])) if slope > 0.0 else alone

    def of(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the probabilities (n,) of scores (n,)."""
        return _logistic(self.slope * scores.astype(np.float64) + self.intercept)


def _logistic(value: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(value), dtype=np.float64)
