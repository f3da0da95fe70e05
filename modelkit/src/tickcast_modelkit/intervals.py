"""Split-conformal prediction intervals, as wide as the market is restless.

Lei, G'Sell, Rinaldo, Tibshirani, Wasserman (2018), "Distribution-Free Predictive Inference for
Regression", Journal of the American Statistical Association 113(523): residuals on rows that the
model was not fitted to are divided by a scale known beforehand, such as recent volatility; their
quantiles, corrected for the finite number of rows, bound the next residual with at least the stated
probability as long as the rows are exchangeable. Both tails are bounded separately, so that a
skewed target gets a skewed interval.

The same residuals, taken whole, are a distribution of the outcome (Vovk, Shen, Manokhin, Xie 2017,
"Nonparametric predictive distributions based on conformal prediction", Proceedings of Machine
Learning Research 60): the probability of a rise comes from it, calibrated as the intervals are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import overload

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.errors import InvalidArray, TooFewResiduals

Floats = NDArray[np.float64]

PROBABILITIES = np.linspace(0.0, 1.0, 101)
"""Of the quantiles that a band keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformalBand:
    """What turns a prediction and a scale into an interval."""

    coverage: float
    """Share of outcomes that the interval is built to hold, above 0 and below 1."""

    lower: float
    """Bound of the scaled residual (outcome less prediction) below, in scales."""

    upper: float
    """Bound of the scaled residual above, in scales."""

    scale_feature: str | None
    """Name of the feature that is the scale; None when every interval is equally wide."""

    scale_floor: float
    """Least scale, so that a quiet window does not promise a certain outcome; above 0."""

    calibration_rows: int
    """Residuals that the bounds were taken from."""

    quantiles: tuple[float, ...]
    """Scaled residuals at 101 even steps of probability from 0 to 1; empty when unknown."""

    @classmethod
    def fit(
        cls,
        residuals: Floats,
        scales: Floats,
        *,
        coverage: float,
        scale_feature: str | None,
        scale_floor: float,
    ) -> ConformalBand:
        """Take the bounds from residuals (n,), outcome less prediction, and their scales (n,).

        Raises TooFewResiduals when n rows cannot bound the coverage, InvalidArray when a residual
        is not finite or a scale is not above 0, and ValueError for a coverage that is not between
        0 and 1.
        """
        if not 0.0 < coverage < 1.0:
            raise ValueError(f"coverage: was {coverage}, needed above 0 and below 1")
        ordered = np.sort(_scaled(residuals, scales))
        rows = len(ordered)
        # Exact arithmetic: 1 - 0.9 in floating point would ask for one row more than needed.
        tail = (1 - Fraction(repr(float(coverage)))) / 2
        below, above = math.floor((rows + 1) * tail), math.ceil((rows + 1) * (1 - tail))
        if below < 1 or above > rows:
            raise TooFewResiduals(held=rows, needed=math.ceil(1 / tail) - 1, coverage=coverage)
        return cls(
            coverage=float(coverage),
            lower=float(ordered[below - 1]),
            upper=float(ordered[above - 1]),
            scale_feature=scale_feature,
            scale_floor=float(scale_floor),
            calibration_rows=rows,
            quantiles=tuple(np.quantile(ordered, PROBABILITIES).tolist()),
        )

    def scales(self, features: NDArray[np.float32], names: Sequence[str]) -> Floats:
        """Return the scale of each feature vector (n, F), shape (n,), float64.

        ``names`` are those of the features, in the order of the vector. Raises ValueError when the
        scale feature is not among them.
        """
        return conformal_scales(
            features, names, scale_feature=self.scale_feature, scale_floor=self.scale_floor
        )

    @overload
    def bounds(self, prediction: float, scale: float) -> tuple[float, float]: ...

    @overload
    def bounds(self, prediction: Floats, scale: Floats | float) -> tuple[Floats, Floats]: ...

    def bounds(
        self, prediction: float | Floats, scale: float | Floats
    ) -> tuple[float | Floats, float | Floats]:
        """Return the ends of the interval: of one prediction, or of each of many (n,)."""
        return prediction + self.lower * scale, prediction + self.upper * scale

    def probability_above_zero(self, prediction: Floats, scale: Floats) -> Floats | None:
        """Return the probability that each of n outcomes is above zero, shape (n,).

        Never nearer to 0 or 1 than the number of residuals can tell. None without quantiles.
        """
        if not self.quantiles:
            return None
        above = 1.0 - np.interp(-prediction / scale, self.quantiles, PROBABILITIES)
        least = 1.0 / (self.calibration_rows + 1)
        return np.clip(above, least, 1.0 - least)


def conformal_scales(
    features: NDArray[np.float32],
    names: Sequence[str],
    *,
    scale_feature: str | None,
    scale_floor: float,
) -> Floats:
    """Return the scale of each feature vector (n, F): its scale feature, or the floor if greater.

    Ones when ``scale_feature`` is None. Raises ValueError when it is not among ``names``.
    """
    if scale_feature is None:
        return np.ones(len(features))
    if scale_feature not in names:
        raise ValueError(f"scale_feature: was {scale_feature!r}, needed one of {', '.join(names)}")
    column = features[:, list(names).index(scale_feature)].astype(np.float64)
    return np.maximum(column, scale_floor)


def _scaled(residuals: Floats, scales: Floats) -> Floats:
    if residuals.ndim != 1 or residuals.shape != scales.shape:
        raise InvalidArray(
            "scales", was=f"shape {scales.shape}", needed=f"shape {residuals.shape}, as residuals"
        )
    for name, values, wrong in (
        ("residuals", residuals, ~np.isfinite(residuals)),
        ("scales", scales, ~(np.isfinite(scales) & (scales > 0.0))),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            needed = "finite numbers" if name == "residuals" else "finite numbers above 0"
            raise InvalidArray(f"{name}[{row}]", was=repr(float(values[row])), needed=needed)
    return residuals / scales
