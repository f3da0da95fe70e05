"""Both kinds of interval on the same rows: bars of known noise, and bars whose noise breaks."""

import numpy as np
import pytest
from rich.console import Console
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import bars_of, random_walk_bars
from tickcast_trainer.dataset import build_dataset
from tickcast_trainer.evaluation import Evaluator
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.validation.adaptive import Adaptation
from tickcast_trainer.validation.intervals import Intervals, measure_intervals
from tickcast_trainer.walkforward import expanding_folds

QUIET = ProgressLines(Console(quiet=True))


def measure(series: list[BarSeries], *, folds: int = 5) -> Intervals | None:
    """The intervals of a forecast of zero, whose residuals are the returns themselves."""
    dataset = build_dataset(series, feature_set=CORE, horizon=1, progress=QUIET)
    cut = expanding_folds(dataset.as_of_time, dataset.target_time, count=folds)
    evaluator = Evaluator(dataset, cut, coverage=0.9)
    (zero, *_) = evaluator.baselines
    return measure_intervals(evaluator, zero, Adaptation())


@pytest.fixture(scope="module")
def steady() -> Intervals:
    series = [
        random_walk_bars(2500, symbol=symbol, seed=place) for place, symbol in enumerate("AB")
    ]
    found = measure(series)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["split", "adaptive"])
def test_known_noise_is_held_within_two_points(steady: Intervals, kind: str) -> None:
    found = getattr(steady, kind)
    assert found.overall.value == pytest.approx(0.9, abs=0.02)
    for share in found.by_symbol.values():
        assert share.value == pytest.approx(0.9, abs=0.03)
    # 90% of a normal distribution of 2% lie within 1.64 deviations to each side.
    assert found.median_width == pytest.approx(2 * 1.645 * 0.02, rel=0.1)


def test_both_kinds_are_measured_on_the_same_rows(steady: Intervals) -> None:
    assert steady.split.rows == steady.adaptive.rows
    assert list(steady.split.by_symbol) == ["A", "B"]
    assert list(steady.split.by_regime) == ["calm", "middling", "restless"]


def reshaped_bars() -> BarSeries:
    """Bars that turn from normal noise of 2% into few great moves; their volatility stays 2%."""
    random = np.random.default_rng(3)
    moves = random.normal(0.0, 0.02, 3000)
    moves[2000:] = random.choice([-1.0, 0.0, 1.0], 1000, p=[0.15, 0.7, 0.15]) * 0.02 / np.sqrt(0.3)
    close = 100.0 * np.exp(np.cumsum(moves))
    open_ = np.r_[100.0, close[:-1]]
    high, low = np.maximum(open_, close), np.minimum(open_, close)
    return bars_of(np.column_stack([open_, high, low, close, np.full(3000, 1e6)]))


def test_noise_of_another_shape_is_lost_by_split_and_regained_by_adaptive_intervals() -> None:
    # Three folds of 690 bars; split intervals of the last are calibrated on normal noise alone.
    found = measure([reshaped_bars()], folds=3)
    assert found is not None
    assert found.split.overall.value < 0.86
    assert found.adaptive.overall.value == pytest.approx(0.9, abs=0.02)


def test_folds_too_short_for_an_interval_have_none() -> None:
    dataset = build_dataset([random_walk_bars(600)], feature_set=CORE, horizon=1, progress=QUIET)
    cut = expanding_folds(dataset.as_of_time, dataset.target_time, count=100)
    evaluator = Evaluator(dataset, cut[:3], coverage=0.9)
    (zero, *_) = evaluator.baselines
    assert measure_intervals(evaluator, zero, Adaptation()) is None
