"""How often the validation errs: made-up markets where it is known what can be forecast."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import bars_of
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.estimator_settings import EstimatorName
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.evaluation import Evaluator
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.validation.leaks import CheckName, LeakReport, Suspect, check_leaks
from tickcast_trainer.walkforward import Fold, expanding_folds

QUIET = ProgressLines(Console(quiet=True))
BARS = 2000
VOLATILITY = 0.01
CHECKS: tuple[CheckName, ...] = ("recomputed", "credible", "lagged", "shuffled")

Random = np.random.Generator
Floats = NDArray[np.float64]


def noise(random: Random) -> Floats:
    return random.normal(0.0, VOLATILITY, BARS)


def storms(random: Random) -> Floats:
    """Noise with fat tails whose volatility comes in storms (a GARCH of Student's t)."""
    shocks, variance = random.standard_t(4, BARS) / np.sqrt(2.0), np.ones(BARS)
    for bar in range(1, BARS):
        past = variance[bar - 1]
        variance[bar] = 0.02 + 0.08 * past * shocks[bar - 1] ** 2 + 0.9 * past
    found: Floats = VOLATILITY * np.sqrt(variance) * shocks
    return found


def quick(random: Random) -> Floats:
    """A tenth of every return comes again: R2 of 1%, gone after a bar."""
    found = noise(random)
    for bar in range(1, BARS):
        found[bar] += 0.1 * found[bar - 1]
    return found


def slow(random: Random) -> Floats:
    """A drift that lasts for months: R2 of 4% for those who knew it, which nobody does."""
    drift = random.normal(size=BARS)
    for bar in range(1, BARS):
        drift[bar] = 0.98 * drift[bar - 1] + np.sqrt(1 - 0.98**2) * drift[bar]
    return noise(random) + 0.2 * VOLATILITY * drift


def bars(moves: Floats, told: float, random: Random, symbol: str) -> BarSeries:
    """Bars whose volume tells the next return, ``told`` times its deviation in that of volume."""
    close = 50.0 * np.exp(np.cumsum(moves))
    open_ = np.r_[50.0, close[:-1]]
    high, low = 1.001 * np.maximum(open_, close), 0.999 * np.minimum(open_, close)
    news = told * np.append(moves[1:], 0.0) / VOLATILITY
    volume = np.exp(10.0 + 0.5 * (random.normal(size=BARS) + news))
    return bars_of(np.column_stack([open_, high, low, close, volume]), symbol=symbol)


def careless_folds(dataset: Dataset) -> list[Fold]:
    """Shuffled folds: training rows on both sides of every test row."""
    order = np.random.default_rng(1).permutation(len(dataset))
    return [
        Fold(train=np.setdiff1d(order, test), test=np.sort(test))
        for test in np.array_split(order, 4)
    ]


def careful_folds(dataset: Dataset) -> list[Fold]:
    return expanding_folds(dataset.as_of_time, dataset.target_time, count=4)


@dataclass(frozen=True, kw_only=True)
class Market:
    """Something to be judged, and what a judge should say."""

    name: str
    right: str
    moves: Callable[[Random], Floats] = noise
    told: float = 0.0
    horizon: int = 1
    estimator: EstimatorName = "ridge"
    folds: Callable[[Dataset], list[Fold]] = careful_folds


MARKETS = (
    Market(name="noise", right="clean, beats 5%"),
    Market(name="noise, 10 bars ahead", right="clean, beats 5%", horizon=10),
    Market(name="storms", right="clean, beats 5%", moves=storms),
    Market(name="noise, trees", right="clean, beats 5%", estimator="xgboost"),
    Market(name="quick signal, R2 1%", right="clean, beats", moves=quick),
    Market(name="slow signal", right="clean, beats", moves=slow),
    Market(name="volume peeks, R2 1%", right="suspect", told=0.1),
    Market(name="volume peeks, R2 2%", right="suspect", told=0.15),
    Market(name="volume peeks, R2 4%", right="suspect", told=0.2),
    Market(name="volume peeks, R2 8%", right="suspect", told=0.3),
    Market(
        name="shuffled folds, 20 bars ahead",
        right="suspect",
        horizon=20,
        estimator="xgboost",
        folds=careless_folds,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    beats: bool
    leaks: LeakReport


def judge(market: Market, seed: int) -> Judgement:
    random = np.random.default_rng(seed)
    series = [bars(market.moves(random), market.told, random, symbol) for symbol in "AB"]
    dataset = build_dataset(series, feature_set=CORE, horizon=market.horizon, progress=QUIET)
    settings = TrainSettings.model_validate({"name": "judged", "ridge": {"alpha": 1000.0}})
    estimator, folds = make_estimator(market.estimator, settings), market.folds(dataset)
    evaluator = Evaluator(dataset, folds, coverage=0.9)
    forecast = evaluator.walk_forward("model", estimator, seed=seed, progress=QUIET)
    suspect = Suspect(
        name="model",
        dataset=dataset,
        folds=folds,
        estimators=[estimator] * len(folds),
        prediction=forecast.prediction,
        seed=seed,
    )
    return Judgement(
        beats=evaluator.compare(forecast).beats_baselines,
        leaks=check_leaks(suspect, refit=True, progress=QUIET),
    )


def add_row(table: Table, market: Market, judged: Sequence[Judgement], seconds: float) -> None:
    found = Counter(
        finding.check for one in judged for finding in one.leaks.findings if finding.is_suspect
    )
    shares = [
        sum(one.beats for one in judged),
        sum(one.leaks.is_suspect for one in judged),
        *(found[check] for check in CHECKS),
    ]
    r2 = np.mean([one.leaks.original.r2 for one in judged])
    table.add_row(
        market.name,
        market.right,
        f"{r2:.2%}",
        *(f"{share / len(judged):.0%}" for share in shares),
        f"{seconds / len(judged):.2f}",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="markets of each kind")
    options = parser.parse_args()
    table = Table("market", "right", "R2", "beats", "suspect", *CHECKS, "s each")
    for market in MARKETS:
        # Trees take thirty times as long as a ridge.
        count = options.seeds if market.estimator == "ridge" else max(1, options.seeds // 5)
        begin = time.perf_counter()
        judged = [judge(market, seed) for seed in range(count)]
        add_row(table, market, judged, time.perf_counter() - begin)
    Console(width=160).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
