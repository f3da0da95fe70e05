"""What tests of any room need: bars made to measure, and a small but complete package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE, FeatureSet, Windows, sliding_windows
from tickcast_modelkit.golden import GoldenRows, Predict
from tickcast_modelkit.intervals import ConformalBand
from tickcast_modelkit.manifest import (
    Evaluation,
    Fold,
    Manifest,
    Parity,
    ReferenceQuantiles,
    Score,
    Training,
)
from tickcast_modelkit.package import PackagePath, write_package
from tickcast_modelkit.timeframe import Timeframe

MONDAY = 1_704_067_200
"""2024-01-01T00:00:00Z, a Monday, and so on the grid of every common timeframe."""


def random_walk_bars(
    n: int,
    *,
    symbol: str = "TEST",
    timeframe: str = "1d",
    start: int = MONDAY,
    price: float = 100.0,
    volatility: float = 0.02,
    seed: int = 0,
) -> BarSeries:
    """Make ``n`` valid bars without gaps, the same for the same arguments.

    The log price is a random walk of ``volatility`` a bar, from ``price``, in ``start``'s slot on.
    """
    random = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(random.normal(0.0, volatility, n)))
    before = np.concatenate([[price], close[:-1]])
    open_ = before * np.exp(random.normal(0.0, volatility / 4.0, n))
    reach = np.exp(np.abs(random.normal(0.0, volatility / 2.0, (n, 2))))
    high = np.maximum(open_, close) * reach[:, 0]
    low = np.minimum(open_, close) / reach[:, 1]
    volume = np.round(random.lognormal(10.0, 1.0, n))
    return bars_of(
        np.column_stack([open_, high, low, close, volume]),
        symbol=symbol,
        timeframe=timeframe,
        start=start,
    )


def flat_bars(n: int, *, price: float = 100.0, volume: float = 0.0) -> BarSeries:
    """Make ``n`` daily bars whose price and volume never change."""
    return bars_of(np.tile([price, price, price, price, volume], (n, 1)))


def bars_of(
    ohlcv: NDArray[np.float64] | Sequence[Sequence[float]],
    *,
    symbol: str = "TEST",
    timeframe: str = "1d",
    start: int = MONDAY,
) -> BarSeries:
    """Make bars of values (n, 5), one slot after the other from ``start``'s on."""
    values = np.asarray(ohlcv, dtype=np.float64).reshape(-1, 5)
    frame = Timeframe.parse(timeframe)
    first = frame.floor(start)
    open_time = first + frame.seconds * np.arange(len(values), dtype=np.int64)
    return BarSeries.checked(symbol=symbol, timeframe=frame, open_time=open_time, ohlcv=values)


def write_tiny_package(
    repository: Path,
    *,
    onnx: bytes,
    predict: Predict,
    name: str = "tiny",
    alias: str | None = "champion",
    bars: BarSeries | None = None,
    feature_set: FeatureSet = CORE,
) -> PackagePath:
    """Write the next version of a model out of ``onnx``, which must answer as ``predict`` does.

    The graph takes ``features`` and gives ``prediction``. Golden rows and quantiles come from
    ``bars``, by default 300 daily ones of a random walk.
    """
    series = random_walk_bars(300) if bars is None else bars
    _, windows = next(sliding_windows(feature_set, series))
    return write_package(
        repository,
        tiny_manifest(name=name, bars=series, feature_set=feature_set),
        onnx,
        GoldenRows.make(feature_set, Windows(windows.ohlcv[:8], windows.open_time[:8]), predict),
        alias=alias,
    )


def tiny_manifest(
    *, name: str = "tiny", bars: BarSeries | None = None, feature_set: FeatureSet = CORE
) -> Manifest:
    """Make the manifest of a model of one bar ahead, whose band holds 80% of outcomes."""
    series = random_walk_bars(300) if bars is None else bars
    rows, windows = next(sliding_windows(feature_set, series, chunk_rows=len(series)))
    names = feature_set.names
    first, last = int(series.close_time[rows[0]]), int(series.close_time[-1])
    return Manifest(
        name=name,
        created_at="2024-01-01T00:00:00Z",
        estimator="ridge",
        feature_set=feature_set.id,
        features=feature_set.specification(),
        timeframe=series.timeframe,
        horizon_bars=1,
        input_name="features",
        output_name="prediction",
        training=Training(
            start=first,
            end=last,
            symbols=(series.symbol,),
            rows=len(rows) - 1,
            seed=0,
            parameters={"alpha": 1.0},
        ),
        evaluation=_evaluation(first, last, len(rows)),
        band=ConformalBand(
            coverage=0.8,
            lower=-1.25,
            upper=1.25,
            scale_feature="realised_volatility_20" if "realised_volatility_20" in names else None,
            scale_floor=1e-4,
            calibration_rows=len(rows),
            quantiles=tuple(np.linspace(-2.0, 2.0, 101).tolist()),
        ),
        parity=Parity(rows=len(rows), median_difference=0.0, maximum_difference=1e-9, limit=1e-6),
        reference_quantiles=ReferenceQuantiles.of(feature_set.compute(windows), names),
        libraries={"numpy": np.__version__},
    )


def _evaluation(first: int, last: int, rows: int) -> Evaluation:
    middle = (first + last) // 2
    fold = Fold(
        train_start=first,
        train_end=middle,
        test_start=middle,
        test_end=last,
        train_rows=rows // 2,
        test_rows=rows - rows // 2,
    )
    baseline = Score(
        estimator="zero",
        is_baseline=True,
        rmse=0.02,
        r2_vs_zero=0.0,
        information_coefficient=None,
        directional_accuracy=None,
        directional_accuracy_low=None,
        directional_accuracy_high=None,
        interval_coverage=None,
        rows=fold.test_rows,
    )
    score = Score(
        estimator="ridge",
        is_baseline=False,
        rmse=0.02,
        r2_vs_zero=0.001,
        information_coefficient=0.02,
        directional_accuracy=0.51,
        directional_accuracy_low=0.48,
        directional_accuracy_high=0.54,
        interval_coverage=0.8,
        rows=fold.test_rows,
    )
    return Evaluation(
        folds=(fold,),
        scores=(score, baseline),
        best_baseline="zero",
        beats_baselines=False,
        verdict="Made for tests: no better than predicting zero.",
    )
