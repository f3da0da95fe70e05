"""How a packaged model did on bars that it was not trained on, as forecaster and as trader."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tickcast_modelkit.bars import BarSeries

from tickcast_trainer.backtest.costs import Costs
from tickcast_trainer.backtest.execution import Execution, execute
from tickcast_trainer.backtest.model import PackagedModel
from tickcast_trainer.backtest.panel import Panel
from tickcast_trainer.backtest.performance import measure
from tickcast_trainer.backtest.signals import PredictionRule
from tickcast_trainer.backtest.sizing import Limits, target_weights
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.metrics import directional_accuracy, r2_vs_zero, rmse
from tickcast_trainer.progress import Progress
from tickcast_trainer.targets import target_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The figures of one version. Returns are after costs."""

    version: int
    rows: int

    rmse: float
    """Root mean squared error of the predicted log return."""

    r2_vs_zero: float
    directional_accuracy: float | None

    coverage: float
    """Share of outcomes in its intervals."""

    nominal_coverage: float
    """Share that they are built to hold."""

    sharpe: float | None
    """Annualised, of a long-short account that follows the sign; None when it never moved."""

    total_return: float
    maximum_drawdown: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecasts:
    """What one version said of each row."""

    key: NDArray[np.int64]
    """(n, 2): as-of time, and number of the symbol."""

    prediction: NDArray[np.float64]
    """(n,), log return over the horizon."""

    target: NDArray[np.float64]
    """(n,), what it came to."""

    in_band: NDArray[np.bool_]
    """(n,), whether the target lay in the interval."""


def forecasts_of(
    model: PackagedModel, series: Sequence[BarSeries], *, start: int, progress: Progress
) -> Forecasts:
    """Return the forecasts as of ``start`` and later that have an outcome.

    Raises NotEnoughHistory.
    """
    dataset = build_dataset(
        series,
        feature_set=model.feature_set,
        horizon=model.manifest.horizon_bars,
        progress=progress,
        labels=target_of(model.manifest),
    )
    rows = np.flatnonzero(dataset.as_of_time >= start)
    features, target = dataset.features[rows], dataset.target[rows]
    prediction = model.predict(features).astype(np.float64)
    lower, upper = model.bounds(features)
    return Forecasts(
        key=_keys(dataset, series, rows),
        prediction=prediction,
        target=target,
        in_band=(lower <= target) & (target <= upper),
    )


def judge_forecasts(
    model: PackagedModel,
    forecasts: Forecasts,
    series: Sequence[BarSeries],
    *,
    start: int,
    costs: Costs,
    progress: Progress,
) -> Evidence:
    """Work out the figures, and trade on the predictions from ``start`` on."""
    panel = Panel.of(series)
    tested = slice(int(np.searchsorted(panel.close_time, start)), len(panel))
    signal = PredictionRule().signal(model.forecast(panel, series, progress))
    limits = Limits(symbol=1.0 / len(panel.symbols))
    performance = measure(
        execute(
            panel.slice(tested.start, tested.stop),
            target_weights(signal, limits)[tested],
            Execution(costs=costs),
        )
    )
    accuracy = directional_accuracy(
        forecasts.prediction,
        forecasts.target,
        forecasts.key[:, 0],
        horizon=model.manifest.horizon_bars,
    )
    return Evidence(
        version=model.manifest.version,
        rows=len(forecasts.target),
        rmse=rmse(forecasts.prediction, forecasts.target),
        r2_vs_zero=r2_vs_zero(forecasts.prediction, forecasts.target),
        directional_accuracy=accuracy.value if accuracy else None,
        coverage=float(forecasts.in_band.mean()),
        nominal_coverage=model.manifest.band.coverage,
        sharpe=performance.sharpe.value if performance.sharpe else None,
        total_return=performance.total_return,
        maximum_drawdown=performance.maximum_drawdown,
    )


def shared_rows(one: Forecasts, other: Forecasts) -> tuple[Forecasts, Forecasts]:
    """Return the forecasts of rows that both have: feature sets may begin at different bars."""
    _, rows, others = np.intersect1d(
        _one_number(one.key), _one_number(other.key), return_indices=True
    )
    return _take(one, rows), _take(other, others)


def _keys(
    dataset: Dataset, series: Sequence[BarSeries], rows: NDArray[np.intp]
) -> NDArray[np.int64]:
    # A dataset leaves short series out, so that its own numbers are not those of the series given.
    number = {one.symbol: index for index, one in enumerate(series)}
    numbers = np.array([number[symbol] for symbol in dataset.symbols], dtype=np.int64)
    return np.column_stack([dataset.as_of_time[rows], numbers[dataset.series_index[rows]]])


def _one_number(key: NDArray[np.int64]) -> NDArray[np.void]:
    contiguous = np.ascontiguousarray(key)
    return contiguous.view([("time", np.int64), ("symbol", np.int64)]).reshape(-1)


def _take(forecasts: Forecasts, rows: NDArray[np.intp]) -> Forecasts:
    return Forecasts(
        key=forecasts.key[rows],
        prediction=forecasts.prediction[rows],
        target=forecasts.target[rows],
        in_band=forecasts.in_band[rows],
    )
