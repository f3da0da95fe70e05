"""The rows that the folds tested, and the two forecasts that a report compares on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.reporting.document import Estimate
from tickcast_trainer.reporting.measure.estimates import ratio_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredRows:
    """Rows of all test folds, ordered by as-of time; arrays are (m,)."""

    target: NDArray[np.float64]
    prediction: NDArray[np.float64]
    baseline: NDArray[np.float64]
    """What the best baseline forecast."""

    as_of_time: NDArray[np.int64]
    series_index: NDArray[np.intp]
    fold: NDArray[np.intp]
    horizon: int

    @classmethod
    def of(cls, evaluator: Evaluator, forecast: OutOfFold, best_baseline: str) -> "ScoredRows":
        """Take a forecast and the baseline with the smallest error from an evaluation."""
        dataset, rows = evaluator.dataset, evaluator.rows
        (baseline,) = (one for one in evaluator.baselines if one.name == best_baseline)
        return cls(
            target=evaluator.target,
            prediction=forecast.prediction,
            baseline=baseline.prediction,
            as_of_time=dataset.as_of_time[rows],
            series_index=dataset.series_index[rows],
            fold=np.repeat(
                np.arange(len(evaluator.folds)), [len(fold.test) for fold in evaluator.folds]
            ),
            horizon=dataset.horizon,
        )

    @property
    def baseline_error(self) -> NDArray[np.float64]:
        """Squared error of the baseline."""
        error: NDArray[np.float64] = (self.target - self.baseline) ** 2
        return error

    @property
    def saved_error(self) -> NDArray[np.float64]:
        """Squared error of the baseline less that of the model, above 0 where that is nearer."""
        saved: NDArray[np.float64] = self.baseline_error - (self.target - self.prediction) ** 2
        return saved

    def saved(self, chosen: NDArray[np.bool_]) -> Estimate:
        """Return the share of the baseline's squared error on chosen rows that the model saves."""
        return ratio_of(
            self.saved_error[chosen],
            self.baseline_error[chosen],
            self.as_of_time[chosen],
            horizon=self.horizon,
        )
