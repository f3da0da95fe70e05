"""What goes into a model package besides the graph: manifest and golden rows."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from tickcast_modelkit.golden import GoldenRows
from tickcast_modelkit.intervals import ConformalBand
from tickcast_modelkit.manifest import (
    BARRIER_RETURN,
    LOG_RETURN,
    Direction,
    Evaluation,
    Fold,
    Manifest,
    Parity,
    ReferenceQuantiles,
    Score,
    Tails,
    Training,
)

from tickcast_trainer import walkforward
from tickcast_trainer.dataset import Dataset
from tickcast_trainer.estimators import INPUT_NAME, OUTPUT_NAME, Parameters
from tickcast_trainer.estimators.graph import PROBABILITY_NAME, TAILS_NAME
from tickcast_trainer.evaluation import Comparison
from tickcast_trainer.export import OnnxModel

_SPREAD_GOLDEN_ROWS = 24
_YOUNG_GOLDEN_ROWS = 8
_LIBRARIES = (
    "lightgbm",
    "numpy",
    "onnx",
    "onnxruntime",
    "scikit-learn",
    "tickcast-modelkit",
    "tickcast-trainer",
    "xgboost",
    "xgboost-cpu",
)


def make_golden(dataset: Dataset, model: OnnxModel) -> GoldenRows:
    """Choose rows over the whole time and the first of some symbols, whose windows are padded."""
    spread = np.linspace(0, len(dataset) - 1, _SPREAD_GOLDEN_ROWS).astype(np.intp)
    _, young = np.unique(dataset.series_index, return_index=True)
    rows = np.unique(np.concatenate([spread, young[:_YOUNG_GOLDEN_ROWS]]))
    return GoldenRows.make(
        dataset.feature_set,
        dataset.windows(rows.tolist()),
        model.predict,
        model.tails if TAILS_NAME in model.outputs else None,
        model.probability if PROBABILITY_NAME in model.outputs else None,
        ranks=dataset.ranks(rows.tolist()),
    )


def make_manifest(
    *,
    name: str,
    estimator: str,
    parameters: Parameters,
    seed: int,
    dataset: Dataset,
    folds: Sequence[walkforward.Fold],
    scores: Sequence[Score],
    comparison: Comparison,
    band: ConformalBand,
    tails: Tails | None,
    direction: Direction | None,
    parity: Parity,
) -> Manifest:
    """Gather what a package says of itself; version and digests are set when it is written."""
    return Manifest(
        name=name,
        created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        estimator=estimator,
        feature_set=dataset.feature_set.id,
        features=dataset.feature_set.specification(),
        timeframe=dataset.timeframe,
        horizon_bars=dataset.horizon,
        target=LOG_RETURN if dataset.labels.barrier is None else BARRIER_RETURN,
        barrier=dataset.labels.barrier,
        input_name=INPUT_NAME,
        output_name=OUTPUT_NAME,
        training=Training(
            start=int(dataset.as_of_time[0]),
            end=int(dataset.target_time.max()),
            symbols=dataset.symbols,
            rows=len(dataset),
            seed=seed,
            parameters=parameters,
        ),
        evaluation=Evaluation(
            folds=tuple(_fold(dataset, fold) for fold in folds),
            scores=tuple(scores),
            best_baseline=comparison.best_baseline,
            beats_baselines=comparison.beats_baselines,
            verdict=comparison.verdict,
        ),
        band=band,
        tails=tails,
        direction=direction,
        parity=parity,
        reference_quantiles=ReferenceQuantiles.of(dataset.features, dataset.feature_set.names),
        libraries=_libraries(),
    )


def _fold(dataset: Dataset, fold: walkforward.Fold) -> Fold:
    return Fold(
        train_start=int(dataset.as_of_time[fold.train[0]]),
        train_end=int(dataset.target_time[fold.train].max()),
        test_start=int(dataset.as_of_time[fold.test[0]]),
        test_end=int(dataset.target_time[fold.test].max()),
        train_rows=len(fold.train),
        test_rows=len(fold.test),
    )


def _libraries() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            # xgboost is installed as one of two distributions.
            continue
    return found
