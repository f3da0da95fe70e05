"""Conformalised quantile regression: quantiles of the return, corrected on rows not fitted to.

Romano, Patterson, Candes (2019), "Conformalized Quantile Regression", Advances in Neural
Information Processing Systems 32, theorem 2: how far outcomes lie outside the quantiles, on rows
that these were not fitted to, says by how much to move each of them so that the interval holds what
it promises. Each tail is corrected by itself, so that a skewed return keeps its skew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.intervals import ConformalBand
from tickcast_modelkit.manifest import Tails

from tickcast_trainer.dataset import Dataset
from tickcast_trainer.estimators.catalog import VOLATILITY
from tickcast_trainer.estimators.graph import TAILS_NAME
from tickcast_trainer.estimators.quantiles import (
    Corrections,
    FittedTails,
    QuantileTails,
    enclosing,
)
from tickcast_trainer.progress import Progress
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.walkforward import Fold

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFoldTails:
    """Quantiles for the rows of all test folds, each from models fitted to what came before."""

    quantiles: Floats
    """(m, 2): of the log return, not corrected, in the order of the tested rows."""

    scale: Floats
    """(m,): what corrections are in units of."""

    def corrections(
        self, target: Floats, known: NDArray[np.bool_], *, coverage: float
    ) -> Corrections:
        """Return what the known ones among the targets (m,) ask for.

        Raises TooFewResiduals when they cannot bound the coverage.
        """
        bands = [
            ConformalBand.fit(
                target[known] - quantile[known],
                self.scale[known],
                coverage=coverage,
                scale_feature=None,
                scale_floor=1.0,
            )
            for quantile in self.quantiles.T
        ]
        return bands[0].lower, bands[1].upper

    def bounds(
        self, prediction: Floats, rows: NDArray[np.bool_], corrections: Corrections
    ) -> tuple[Floats, Floats]:
        """Return the ends (k,), (k,) for some rows, around those of the predictions (m,)."""
        moved = self.quantiles[rows] + np.array(corrections) * self.scale[rows, None]
        return enclosing(moved, prediction[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedTails:
    """Tails that any model of the run can be served with."""

    out_of_fold: OutOfFoldTails

    fitted: FittedTails
    """On all rows, corrected by those out of fold."""

    described: Tails
    """What the manifest says of them."""


def train_tails(
    settings: TrainSettings, dataset: Dataset, folds: Sequence[Fold], *, progress: Progress
) -> TrainedTails:
    """Fit quantiles for each fold and to all rows, and take their corrections from the folds.

    Raises TooFewResiduals.
    """
    names = dataset.feature_set.names
    volatility = VOLATILITY if VOLATILITY in names else None
    tails = QuantileTails(
        settings=settings.quantile,
        coverage=settings.coverage,
        volatility=None if volatility is None else names.index(volatility),
    )
    with progress.step("quantiles: folds and all rows", len(folds) + 1) as advance:
        parts = []
        for fold in folds:
            fitted = tails.fit(
                dataset.features[fold.train], dataset.target[fold.train], seed=settings.seed
            )
            tested = dataset.features[fold.test]
            parts.append((fitted.quantiles(tested), fitted.scale.of(tested)))
            advance(1)
        final = tails.fit(dataset.features, dataset.target, seed=settings.seed)
        advance(1)
    out_of_fold = OutOfFoldTails(
        quantiles=np.concatenate([quantiles for quantiles, _ in parts]).astype(np.float64),
        scale=np.concatenate([scale for _, scale in parts]).astype(np.float64),
    )
    target = dataset.target[np.concatenate([fold.test for fold in folds])]
    every = np.ones(len(target), dtype=np.bool_)
    corrections = out_of_fold.corrections(target, every, coverage=settings.coverage)
    return TrainedTails(
        out_of_fold=out_of_fold,
        fitted=final.corrected(corrections),
        described=Tails(
            output_name=TAILS_NAME,
            lower_correction=corrections[0],
            upper_correction=corrections[1],
            scale_feature=volatility,
            calibration_rows=len(target),
            parameters=tails.parameters,
        ),
    )
