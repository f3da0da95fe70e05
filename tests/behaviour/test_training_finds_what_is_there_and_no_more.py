"""A planted signal is found; without one, no model is said to beat the baselines."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.package import read_package
from tickcast_modelkit.testing import bars_of
from tickcast_trainer.cli import main
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.evaluation import Comparison, Evaluator
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import EstimatorName, TrainSettings
from tickcast_trainer.walkforward import expanding_folds

QUIET = ProgressLines(Console(quiet=True))
PERSISTENCE = 0.25

CREDIBLE = 0.1
"""A persistence that a real market might have."""


def persistent_bars(symbol: str, seed: int, persistence: float = PERSISTENCE) -> BarSeries:
    """Bars whose every return repeats a share of the one before."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0, 0.01, 2500)
    for bar in range(1, len(returns)):
        returns[bar] += persistence * returns[bar - 1]
    close = 50.0 * np.exp(np.cumsum(returns))
    open_ = np.concatenate([[50.0], close[:-1]])
    high, low = 1.001 * np.maximum(open_, close), 0.999 * np.minimum(open_, close)
    volume = rng.lognormal(10.0, 0.5, len(close))
    return bars_of(np.column_stack([open_, high, low, close, volume]), symbol=symbol)


@pytest.fixture(scope="module")
def planted() -> Dataset:
    series = [persistent_bars(symbol, seed) for seed, symbol in enumerate(("A", "B"))]
    return build_dataset(series, feature_set=CORE, horizon=1, progress=QUIET)


@pytest.fixture(scope="module")
def shuffled(planted: Dataset) -> Dataset:
    order = np.random.default_rng(9).permutation(len(planted))
    return replace(planted, target=planted.target[order])


def judge(dataset: Dataset, name: EstimatorName) -> tuple[Evaluator, float, Comparison]:
    folds = expanding_folds(dataset.as_of_time, dataset.target_time, count=5)
    evaluator = Evaluator(dataset, folds, coverage=0.9)
    estimator = make_estimator(name, TrainSettings(name="planted"))
    forecast = evaluator.walk_forward(name, estimator, seed=7, progress=QUIET)
    return evaluator, evaluator.score(forecast).r2_vs_zero, evaluator.compare(forecast)


@pytest.mark.parametrize("name", ["ridge", "xgboost"])
def test_a_planted_signal_is_found(planted: Dataset, name: EstimatorName) -> None:
    _, r2, comparison = judge(planted, name)
    # The returns' own R2 is the squared persistence.
    assert 0.4 * PERSISTENCE**2 < r2 < 1.1 * PERSISTENCE**2
    assert comparison.beats_baselines
    assert comparison.p_value < 0.001
    assert "beats the baselines" in comparison.verdict


@pytest.mark.parametrize("name", ["ridge", "xgboost"])
def test_a_shuffled_target_is_said_to_be_beyond_the_model(
    shuffled: Dataset, name: EstimatorName
) -> None:
    _, r2, comparison = judge(shuffled, name)
    assert r2 < 0.002
    assert not comparison.beats_baselines
    assert "does not beat the baselines" in comparison.verdict


def test_the_band_of_a_model_that_knows_more_is_narrower(
    planted: Dataset, shuffled: Dataset
) -> None:
    knowing, _, _ = judge(planted, "ridge")
    estimator = make_estimator("ridge", TrainSettings(name="planted"))
    forecast = knowing.walk_forward("ridge", estimator, seed=7, progress=QUIET)
    (zero, *_) = knowing.baselines
    band, blind = knowing.band(forecast), knowing.band(zero)
    assert band.upper - band.lower < blind.upper - blind.lower
    assert band.scale_feature == "realised_volatility_20"
    assert band.scale_floor > 0.0


@pytest.mark.parametrize(
    ("persistence", "said"),
    [
        (0.0, "No model beats the baselines."),
        (CREDIBLE, "ridge beats the baselines"),
        (0.5, "take it for a leak until proven otherwise"),
    ],
)
def test_the_report_says_it_plainly(
    persistence: float, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(6):
        bars = persistent_bars(f"ACME{seed}", seed=seed, persistence=persistence)
        frame = pd.DataFrame(bars.ohlcv, columns=["open", "high", "low", "close", "volume"])
        frame.assign(time=bars.open_time).to_parquet(tmp_path / f"ACME{seed}.parquet")
    where = [
        "--ridge.alpha",
        "10",
        "--source",
        "parquet",
        str(tmp_path),
        "--models",
        str(tmp_path / "models"),
    ]
    assert (
        main(["--name", "m", "--estimators", "ridge", "--folds", "4", "--no-report", *where]) == 0
    )
    report = capsys.readouterr().out
    assert said in report
    # What is too good to be true beats nothing either.
    assert ("No model beats" in report) == (persistence != CREDIBLE)
    manifest = read_package(tmp_path / "models" / "m-ridge" / "1").manifest
    assert manifest.evaluation.beats_baselines is (persistence == CREDIBLE)
