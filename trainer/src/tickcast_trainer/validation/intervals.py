"""Every kind of interval of one forecast, walked forward over the same rows."""

from dataclasses import dataclass, replace

import numpy as np

from tickcast_trainer.evaluation import Bounds, Evaluator, OutOfFold
from tickcast_trainer.validation.adaptive import Adaptation, Outcomes, adaptive_bounds
from tickcast_trainer.validation.coverage import Coverage, measure_coverage
from tickcast_trainer.validation.regimes import trailing_volatility, volatility_regimes

_FLOOR_PROBABILITY = 0.05

# At least, of each symbol: a thousand rows of a wide panel are a single day, which moved as one.
_TIMES_REMEMBERED = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """How each kind held."""

    split: Coverage
    """As wide as volatility, calibrated anew for each fold: what models are served with."""

    adaptive: Coverage
    """What intervals would hold that learn from every outcome."""

    quantile: Coverage | None = None
    """Of fitted quantiles, corrected anew for each fold; served in place of the split kind."""

    @property
    def kinds(self) -> dict[str, Coverage]:
        """Each kind by its name, the one that the model is served with first."""
        fitted = {} if self.quantile is None else {"quantile": self.quantile}
        return fitted | {"split": self.split, "adaptive": self.adaptive}


def measure_intervals(
    evaluator: Evaluator, forecast: OutOfFold, adaptation: Adaptation
) -> Intervals | None:
    """Measure each kind where all can be given; None where the folds are too short for any."""
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
    tails = forecast.tails
    quantile = evaluator.quantile_bounds(forecast, tails) if tails else split
    given = ~np.any([np.isnan(lower) for lower, _ in (split, adaptive, quantile)], axis=0)
    regime = volatility_regimes(volatility, dataset.series_index)[rows]

    def measure(bounds: Bounds) -> Coverage | None:
        lower, upper = bounds
        return measure_coverage(
            np.where(given, lower, np.nan),
            upper,
            evaluator.target,
            outcomes.as_of_time,
            symbols=dataset.symbols,
            series_index=series_index,
            regime=regime,
            horizon=dataset.horizon,
            nominal=evaluator.coverage,
        )

    split_held, adaptive_held = measure(split), measure(adaptive)
    if split_held is None or adaptive_held is None:
        return None
    return Intervals(
        split=split_held,
        adaptive=adaptive_held,
        quantile=measure(quantile) if tails else None,
    )


def _floor(earlier: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    # Of rows before the first test alone, as everything that an interval is made of.
    moving = earlier[earlier > 0.0]
    return float(np.quantile(moving, _FLOOR_PROBABILITY)) if len(moving) else 1.0
