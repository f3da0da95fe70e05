"""Planted leaks are caught, honest signals are not, and noise wins as rarely as promised."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy import stats
from tickcast_modelkit.bars import BarSeries
from tickcast_modelkit.features import CORE, Rank
from tickcast_modelkit.testing import bars_of
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.estimators import Estimator, make_estimator
from tickcast_trainer.evaluation import Comparison, Evaluator
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.validation.leaks import (
    LeakReport,
    Suspect,
    check_leaks,
    count_different_rows,
)
from tickcast_trainer.walkforward import Fold, expanding_folds

QUIET = ProgressLines(Console(quiet=True))
SETTINGS = TrainSettings.model_validate(
    {
        "name": "leaks",
        "ridge": {"alpha": 1000.0},
        "xgboost": {"trees": 40, "depth": 5, "learning_rate": 0.1},
    }
)
RIDGE = make_estimator("ridge", SETTINGS)
VOLATILITY = 0.01


def returns(seed: int, *, persistence: float = 0.0, count: int = 2000) -> NDArray[np.float64]:
    """Returns that repeat a share of the one before: R2 is the square of that share."""
    found = np.random.default_rng(seed).normal(0.0, VOLATILITY, count)
    for bar in range(1, count):
        found[bar] += persistence * found[bar - 1]
    return found


def bars(moves: NDArray[np.float64], symbol: str, volume: NDArray[np.float64]) -> BarSeries:
    close = 50.0 * np.exp(np.cumsum(moves))
    open_ = np.concatenate([[50.0], close[:-1]])
    high, low = 1.001 * np.maximum(open_, close), 0.999 * np.minimum(open_, close)
    return bars_of(np.column_stack([open_, high, low, close, volume]), symbol=symbol)


def market(
    seed: int, *, persistence: float = 0.0, horizon: int = 1, told_by_volume: float = 0.0
) -> Dataset:
    """Two symbols; volume may tell the move of the bar to come."""
    series = []
    for place, symbol in enumerate("AB"):
        moves = returns(2 * seed + place, persistence=persistence)
        noise = np.random.default_rng(1000 + 2 * seed + place).normal(0.0, 0.5, len(moves))
        volume = np.exp(10.0 + noise + told_by_volume * np.append(moves[1:], 0.0) / VOLATILITY)
        series.append(bars(moves, symbol, volume))
    return build_dataset(series, feature_set=CORE, horizon=horizon, progress=QUIET)


def judge(
    dataset: Dataset,
    estimator: Estimator = RIDGE,
    folds: list[Fold] | None = None,
    *,
    refit: bool = True,
) -> tuple[Comparison, LeakReport]:
    cut = folds or expanding_folds(dataset.as_of_time, dataset.target_time, count=4)
    evaluator = Evaluator(dataset, cut, coverage=0.9)
    forecast = evaluator.walk_forward("model", estimator, seed=7, progress=QUIET)
    suspect = Suspect(
        name="model",
        dataset=dataset,
        folds=cut,
        estimators=[estimator] * len(cut),
        prediction=forecast.prediction,
        seed=7,
    )
    return evaluator.compare(forecast), check_leaks(suspect, refit=refit, progress=QUIET)


def suspicions(report: LeakReport) -> set[str]:
    return {finding.check for finding in report.findings if finding.is_suspect}


def peeking(dataset: Dataset, *, noise: float) -> Dataset:
    """The first feature is the target, under so many times its size of noise."""
    features = dataset.features.copy()
    random = np.random.default_rng(4).normal(0.0, noise * dataset.target.std(), len(dataset))
    features[:, 0] = dataset.target + random
    return replace(dataset, features=features)


def test_an_honest_signal_beats_the_baselines_and_is_clean() -> None:
    comparison, report = judge(market(1, persistence=0.1))
    assert comparison.beats_baselines
    assert 0.003 < report.original.r2 < report.ceiling.r2 / 2
    # Its news is one bar long and so is lost on older features, which is no sign of a leak.
    assert report.lagged is not None
    assert report.lagged.skill.r2 < report.original.r2 / 2
    assert not report.is_suspect
    assert report.verdict == "clean: none of 4 checks found a leak"


def test_a_feature_that_peeks_is_caught_by_its_strength_and_by_its_bars() -> None:
    _, report = judge(peeking(market(2), noise=2.0))
    assert suspicions(report) == {"recomputed", "credible", "lagged"}
    assert report.different_rows == report.recomputed_rows
    assert "not what the bars known at their time give" in report.verdict


def test_a_peek_too_weak_for_any_score_is_caught_by_its_bars() -> None:
    _, report = judge(peeking(market(3), noise=12.0))
    assert suspicions(report) == {"recomputed"}


def test_bars_that_hold_the_future_are_caught_by_strength_alone() -> None:
    # Features come from these bars rightly; it is the bars that know too much.
    comparison, report = judge(market(4, told_by_volume=0.2))
    assert comparison.beats_baselines
    assert report.different_rows == 0
    assert suspicions(report) == {"credible", "lagged"}
    assert "a peek one bar ahead looks so" in report.verdict
    assert "Sharpe ratio" in report.verdict


def test_a_strong_signal_that_lasts_is_only_too_good() -> None:
    # Not gone within a bar, so no peek of one bar; what it is, its user must find out.
    dataset = market(5)
    slow = np.repeat(np.random.default_rng(5).normal(size=len(dataset) // 40 + 1), 40)
    slow = slow[: len(dataset)]
    features = dataset.features.copy()
    features[:, 0] = slow
    _, report = judge(
        replace(dataset, features=features, target=dataset.target + 0.3 * VOLATILITY * slow)
    )
    assert suspicions(report) == {"recomputed", "credible"}


def test_targets_that_began_before_their_time_are_better_known_from_older_features() -> None:
    # Each row has the return of the bar two before its own, by a mistake in some script.
    dataset = market(6)
    target = np.zeros(len(dataset))
    for index in range(2):
        own = np.flatnonzero(dataset.series_index == index)
        target[own[3:]] = dataset.target[own[:-3]]
    _, report = judge(replace(dataset, target=target))
    assert suspicions(report) >= {"recomputed", "lagged"}
    assert "better with older features" in report.verdict


def test_folds_that_train_beside_what_they_test_are_caught_on_shuffled_targets() -> None:
    dataset = market(7, horizon=20)
    order = np.random.default_rng(7).permutation(len(dataset))
    careless = [
        Fold(train=np.setdiff1d(order, test), test=np.sort(test))
        for test in np.array_split(order, 3)
    ]
    trees = make_estimator("xgboost", SETTINGS)
    _, report = judge(dataset, trees, careless)
    assert "shuffled" in suspicions(report)
    assert "training has seen the tested rows" in report.verdict
    _, honest = judge(dataset, trees)
    assert not honest.is_suspect


def test_noise_wins_and_is_suspected_as_rarely_as_promised() -> None:
    # A model beats at p < 5%; two checks err once in a hundred each. The bounds are those that
    # chance passes once in a thousand times.
    judged = [judge(market(100 + seed)) for seed in range(20)]
    beats = sum(comparison.beats_baselines for comparison, _ in judged)
    suspect = sum(report.is_suspect for _, report in judged)
    assert beats <= stats.binom.ppf(0.999, 20, 0.05)
    assert suspect <= stats.binom.ppf(0.999, 20, 0.02)
    for comparison, _ in judged:
        assert comparison.beats_baselines or "does not beat" in comparison.verdict


def test_without_fitting_again_the_checks_that_cost_nothing_are_made() -> None:
    dataset = market(10)
    _, quick = judge(dataset, refit=False)
    assert quick.lagged is None
    assert quick.shuffled is None
    assert quick.verdict == "no leak in sight, and not looked for by fitting again"
    _, caught = judge(peeking(dataset, noise=2.0), refit=False)
    assert suspicions(caught) == {"recomputed", "credible"}


def test_times_that_are_not_those_of_the_bars_are_counted() -> None:
    dataset = market(8)
    early = replace(dataset, as_of_time=dataset.as_of_time - 1)
    assert count_different_rows(dataset, range(50)) == 0
    assert count_different_rows(early, range(50)) == 50


def test_every_check_speaks_with_figures_even_when_it_found_nothing() -> None:
    _, report = judge(market(9))
    assert [one.check for one in report.findings] == [
        "recomputed",
        "credible",
        "lagged",
        "shuffled",
    ]
    for finding in report.findings:
        assert not finding.is_suspect
        assert any(digit in finding.sentence for digit in "0123456789")


NAMES = ("return_1", "return_5", "realised_volatility_20")
PLAIN = replace(
    CORE, name="plain", features=tuple(one for one in CORE.features if one.name in NAMES)
)
RANKED = replace(PLAIN, ranks=(Rank("rank_return_1", of="return_1"),))


def herd(seed: int, *, told_by_rank: float, symbols: str = "ABCDEFGH") -> list[BarSeries]:
    """Symbols that move together, and those that rose least the more so at the next bar."""
    random = np.random.default_rng(seed)
    count = 2400
    moves = np.empty((count, len(symbols)))
    before = np.zeros(len(symbols))
    for bar, common in enumerate(random.normal(0.0, VOLATILITY, count)):
        own = random.normal(0.0, VOLATILITY / 2.0, len(symbols))
        moves[bar] = common + own - told_by_rank * VOLATILITY * before
        before = stats.rankdata(moves[bar]) / len(symbols) - 0.5
    return [
        bars(moves[:, place], symbol, random.lognormal(10.0, 1.0, count))
        for place, symbol in enumerate(symbols)
    ]


def ranked(series: list[BarSeries]) -> Dataset:
    return build_dataset(series, feature_set=RANKED, horizon=1, progress=QUIET)


def test_a_signal_that_only_a_rank_tells_is_found_and_is_clean() -> None:
    series = herd(1, told_by_rank=0.4)
    comparison, report = judge(ranked(series))
    assert comparison.beats_baselines
    assert not report.is_suspect
    assert report.different_rows == 0
    plain = build_dataset(series, feature_set=PLAIN, horizon=1, progress=QUIET)
    _, without = judge(plain, refit=False)
    assert report.original.r2 > 0.005
    assert without.original.r2 < 0.0


def test_a_rank_among_the_bars_to_come_is_caught_by_the_bars_of_all_peers() -> None:
    dataset = ranked(herd(2, told_by_rank=0.0))
    features = dataset.features.copy()
    for time in np.unique(dataset.as_of_time):
        chosen = dataset.as_of_time == time
        ahead = stats.rankdata(dataset.target[chosen]) - 1.0
        features[chosen, -1] = ahead / max(chosen.sum() - 1, 1) - 0.5
    _, report = judge(replace(dataset, features=features))
    assert {"recomputed", "credible"} <= suspicions(report)
    assert report.different_rows > 0.8 * report.recomputed_rows
    assert count_different_rows(dataset, list(range(0, len(dataset), 97))) == 0


def test_a_rank_among_fewer_than_the_peers_is_caught_by_their_bars() -> None:
    dataset = ranked(herd(3, told_by_rank=0.0))
    without_one = replace(dataset, members=dataset.members[1:])
    _, report = judge(replace(dataset, features=ranked_again(dataset, without_one)), refit=False)
    assert suspicions(report) == {"recomputed"}


def ranked_again(dataset: Dataset, other: Dataset) -> NDArray[np.float32]:
    """The features of a dataset, ranked among the members of another."""
    features = dataset.features.copy()
    rows = np.flatnonzero(dataset.series_index > 0)
    for time in np.unique(dataset.as_of_time[rows]):
        chosen = rows[dataset.as_of_time[rows] == time]
        features[chosen] = other.feature_set.complete(features[chosen, :-1])
    return features
