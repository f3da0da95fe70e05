"""A small market whose next move is told a little by the last, and the report of a run on it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from rich.console import Console
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import bars_of
from tickcast_trainer.dataset import build_dataset
from tickcast_trainer.evaluation import Evaluator
from tickcast_trainer.pipeline import TrainingRun, train
from tickcast_trainer.progress import Progress, ProgressLines
from tickcast_trainer.reporting.document import Report
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.walkforward import expanding_folds


@pytest.fixture(scope="session")
def quiet() -> Progress:
    """Progress that nobody sees."""
    return ProgressLines(Console(quiet=True))


def _bars(symbol: str, seed: int, persistence: float = 0.12) -> BarSeries:
    random = np.random.default_rng(seed)
    moves = random.normal(0.0, 0.01, 1200)
    for bar in range(1, len(moves)):
        moves[bar] += persistence * moves[bar - 1]
    close: NDArray[np.float64] = 50.0 * np.exp(np.cumsum(moves))
    open_ = np.concatenate([[50.0], close[:-1]])
    high, low = 1.001 * np.maximum(open_, close), 0.999 * np.minimum(open_, close)
    volume = random.lognormal(10.0, 0.5, len(close))
    return bars_of(np.column_stack([open_, high, low, close, volume]), symbol=symbol)


@pytest.fixture(scope="session")
def series() -> list[BarSeries]:
    """Two symbols, the second of them younger."""
    return [_bars("AAA", 1), _bars("BBB", 2).slice(300, 1200)]


@pytest.fixture(scope="session")
def evaluator(series: list[BarSeries], quiet: Progress) -> Evaluator:
    """Their rows in four folds."""
    dataset = build_dataset(series, feature_set=CORE, horizon=1, progress=quiet)
    folds = expanding_folds(dataset.as_of_time, dataset.target_time, count=4)
    return Evaluator(dataset, folds, coverage=0.9)


@pytest.fixture(scope="session")
def run(
    series: list[BarSeries], quiet: Progress, tmp_path_factory: pytest.TempPathFactory
) -> TrainingRun:
    """Ridge and a baseline-like elastic net, trained on them."""
    folder: Path = tmp_path_factory.mktemp("reported")
    (folder / "bars").mkdir()
    for one in series:
        frame = pd.DataFrame(one.ohlcv, columns=["open", "high", "low", "close", "volume"])
        frame.assign(time=one.open_time).to_parquet(folder / "bars" / f"{one.symbol}.parquet")
    settings = TrainSettings(
        name="small",
        source="parquet",
        path=str(folder / "bars"),
        models=folder / "models",
        estimators=("ridge", "elastic-net"),
        folds=4,
        leak_check=False,
    )
    return train(settings, quiet)


@pytest.fixture(scope="session")
def page(run: TrainingRun) -> str:
    """The page of the first model."""
    return run.reports[0].read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def report(run: TrainingRun) -> Report:
    """The figures of the first model, read from its JSON."""
    return Report.model_validate_json(run.reports[0].with_suffix(".json").read_bytes())
