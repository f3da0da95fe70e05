"""Split and adaptive intervals of one forecast, walked forward over the same rows."""

from dataclasses import dataclass, replace

import numpy as np

from tickcast_trainer.evaluation import Evaluator, OutOfFold
from tickcast_trainer.validation.adaptive import Adaptation, Outcomes, adaptive_bounds
from tickcast_trainer.validation.coverage import Coverage, measure_coverage
from tickcast_trainer.validation.regimes import trailing_volatility, volatility_regimes

_FLOOR_PROBABILITY = 0.05

# At least, of each symbol: a thousand rows of a wide panel are a single day, which moved as one.
_TIMES_REMEMBERED = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How both kinds held."""

    split: Coverage
    """The kind that models are served with, calibrated anew for each fold."""

    adaptive: Coverage
    """What intervals would hold that learn from every outcome."""


def measure_intervals(
    evaluator: Evaluator, forecast: OutOfFold, adaptation: Adaptation
) -> Intervals | None:
    """Measure both kinds where both can be given; None where the folds are too short for any."""
    dataset, rows = evaluator.dataset, evaluator.rows
    volatility = trailing_volatility(dataset)
    series_index = dataset.series_index[rows]
    outcomes = Outcomes(
        prediction=forecast.prediction,
        target=evaluator.target,
        scale=np.maximum(volatility[rows], _floor(volatility[: int(rows[0])])),
        as_of_time=dataset.as_of_time[rows],
        target_time=dataset.target_time[rows],
        series_index=series_index,
    )
    split = evaluator.split_bounds(forecast)
    # Overlapping targets miss together: at a full step for each, levels would swing.
    adaptation = replace(
        adaptation,
        step=adaptation.step / dataset.horizon,
        memory=max(adaptation.memory, _TIMES_REMEMBERED * len(dataset.series)),
    )
    adaptive = adaptive_bounds(outcomes, adaptation, coverage=evaluator.coverage)
    both = ~np.isnan(split[0]) & ~np.isnan(adaptive[0])
    regime = volatility_regimes(volatility, dataset.series_index)[rows]
    found = [
        measure_coverage(
            np.where(both, lower, np.nan),
            upper,
            evaluator.target,
            outcomes.as_of_time,
            symbols=dataset.symbols,
            series_index=series_index,
            regime=regime,
            horizon=dataset.horizon,
        )
        for lower, upper in (split, adaptive)
    ]
    if found[0] is None or found[1] is None:
        return None
    return Intervals(split=found[0], adaptive=found[1])


def _floor(earlier: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    # Of rows before the first test alone, as everything that an interval is made of.
    moving = earlier[earlier > 0.0]
    return float(np.quantile(moving, _FLOOR_PROBABILITY)) if len(moving) else 1.0
