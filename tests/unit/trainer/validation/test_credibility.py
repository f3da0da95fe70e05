"""What is credible follows from the horizon in years of the market's own bars."""

import pytest
from rich.console import Console
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.validation.credibility import (
    Ceiling,
    credible_ceiling,
    implied_sharpe_ratio,
)


def dataset(timeframe: str, horizon: int) -> Dataset:
    series = [random_walk_bars(400, timeframe=timeframe)]
    progress = ProgressLines(Console(quiet=True))
    return build_dataset(series, feature_set=CORE, horizon=horizon, progress=progress)


@pytest.mark.parametrize(
    ("timeframe", "horizon", "r2"),
    [
        ("1m", 1, 0.02),
        ("1h", 1, 0.02),
        # A market without weekends has 365.25 daily bars a year.
        ("1d", 1, 9 / 365.25),
        ("1d", 2, 18 / 365.25),
        ("1d", 20, 0.05),
        ("1w", 1, 0.05),
    ],
)
def test_the_ceiling_rises_with_the_horizon_between_its_limits(
    timeframe: str, horizon: int, r2: float
) -> None:
    assert credible_ceiling(dataset(timeframe, horizon)).r2 == pytest.approx(r2)


def test_an_r2_at_the_daily_ceiling_is_an_annual_sharpe_ratio_of_three() -> None:
    daily = dataset("1d", 1)
    assert implied_sharpe_ratio(credible_ceiling(daily).r2, daily) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("r2", "correlation", "passed"),
    [(0.03, 0.1, False), (0.05, 0.1, True), (0.0, 0.2, True), (0.0, None, False)],
)
def test_either_figure_passes_the_ceiling(
    r2: float, correlation: float | None, passed: bool
) -> None:
    assert Ceiling(r2=0.04).is_passed(r2, correlation) == passed
