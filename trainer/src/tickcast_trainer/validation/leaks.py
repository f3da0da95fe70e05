"""Does a model know what it cannot know? Four checks, each with its figures and a plain sentence.

recomputed
    Features of sampled rows, computed again from bars that had closed by then, are the same to the
    bit, and so are the targets. The one check that proves something; it believes the bars.
credible
    The score is not above what markets allow at the horizon (``credibility``).
lagged
    Fitted and tested on the features of the bar before, the model does no better: old news holds
    nothing that fresh news lacks, so features that improve with age belong to another bar than
    they say, or the target began before the as-of time. And a model that was strong, with an R2
    above half the ceiling, keeps half of it: real predictability as strong as that does not vanish
    within a bar, a peek one bar ahead does. A *weak* score that vanishes means nothing, as an
    honest fast signal does the same.
shuffled
    On targets that have changed places in time (``perturb``) nothing is left to know; a model that
    still ranks them has seen the tested rows in training, through folds that overlap.

The reasoning is that of Lopez de Prado (2018), "Advances in Financial Machine Learning", chapters 7
and 11 to 14, and of Kaufman, Rosset, Perlich and Stitelman (2012), "Leakage in Data Mining".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from tickcast_trainer.dataset import Dataset
from tickcast_trainer.estimators import Estimator
from tickcast_trainer.evaluation import forecast_folds
from tickcast_trainer.metrics import information_coefficient, probability_of_no_gain, r2_vs_zero
from tickcast_trainer.progress import Advance, Progress
from tickcast_trainer.validation.credibility import (
    Ceiling,
    credible_ceiling,
    implied_sharpe_ratio,
)
from tickcast_trainer.validation.perturb import with_lagged_features, with_shuffled_target
from tickcast_trainer.walkforward import Fold

CheckName: TypeAlias = Literal["recomputed", "credible", "lagged", "shuffled"]

SHUFFLES = 5
"""Shuffled datasets that a model is fitted to."""

_RARE = 0.01
_RECOMPUTED_ROWS = 200
_CLOSE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """How well a forecast did, in two figures that a leak lifts."""

    r2: float
    """Against a forecast of zero."""

    information_coefficient: float | None
    """None for a constant forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check says."""

    check: CheckName
    is_suspect: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakReport:
    """Figures and findings of all checks of one model."""

    original: Skill
    ceiling: Ceiling

    lagged: Skill
    """On the features of the bar before."""

    lagged_p_value: float
    """Chance of so large a gain by old features if they were no better than fresh ones."""

    shuffled: tuple[float, ...]
    """Information coefficient on each shuffled dataset; 0 for a constant forecast."""

    shuffled_p_value: float
    """Chance of so high a mean of these if nothing were left to know."""

    recomputed_rows: int
    different_rows: int
    """Of those recomputed: with another feature, target or time."""

    findings: tuple[Finding, ...]

    @property
    def is_suspect(self) -> bool:
        """Whether any check found something."""
        return any(finding.is_suspect for finding in self.findings)

    @property
    def verdict(self) -> str:
        """One paragraph: clean, or suspect with why."""
        if not self.is_suspect:
            return "clean: no check found a leak"
        return "suspect: " + "; ".join(one.sentence for one in self.findings if one.is_suspect)


def check_leaks(
    dataset: Dataset,
    folds: Sequence[Fold],
    estimators: Sequence[Estimator],
    prediction: NDArray[np.float64],
    *,
    name: str,
    seed: int,
    progress: Progress,
    shuffles: int = SHUFFLES,
) -> LeakReport:
    """Run every check on a model, given as the estimator of each fold.

    ``prediction`` (m,) is what these forecast for the test rows, fold after fold. The cost is that
    of ``1 + shuffles`` more walks; ``shuffles`` is at least 3. On a model without a leak the lagged
    and the shuffled check err once in a hundred times each.
    """
    rows = np.concatenate([fold.test for fold in folds])
    target = dataset.target[rows]
    with progress.step(f"{name}: leak check", (1 + shuffles) * len(folds)) as advance:
        lagged = forecast_folds(
            with_lagged_features(dataset), folds, estimators, seed=seed, advance=advance
        )
        shuffled = tuple(
            _shuffled_skill(dataset, folds, estimators, rows, seed + draw, advance)
            for draw in range(shuffles)
        )
    original, old = _skill(prediction, target), _skill(lagged, target)
    lagged_p_value = probability_of_no_gain(
        lagged, prediction, target, dataset.as_of_time[rows], horizon=dataset.horizon
    )
    shuffled_p_value = _probability_of_mean(shuffled)
    ceiling = credible_ceiling(dataset)
    recomputed = np.linspace(0, len(dataset) - 1, min(_RECOMPUTED_ROWS, len(dataset))).astype(int)
    different = count_different_rows(dataset, recomputed.tolist())
    return LeakReport(
        original=original,
        ceiling=ceiling,
        lagged=old,
        lagged_p_value=lagged_p_value,
        shuffled=shuffled,
        shuffled_p_value=shuffled_p_value,
        recomputed_rows=len(recomputed),
        different_rows=different,
        findings=(
            _judge_recomputed(len(recomputed), different),
            _judge_credible(original, ceiling, dataset),
            _judge_lagged(original, old, lagged_p_value, ceiling),
            _judge_shuffled(shuffled, shuffled_p_value),
        ),
    )


def count_different_rows(dataset: Dataset, rows: Sequence[int]) -> int:
    """Count those of ``rows`` whose features, target or times are not those of their bars.

    Features are computed from windows that end with the row's bar, as a server computes them.
    """
    again = dataset.feature_set.compute(dataset.windows(rows))
    differs = (again != dataset.features[list(rows)]).any(axis=1)
    for place, row in enumerate(rows):
        series, bar = dataset.series[dataset.series_index[row]], int(dataset.bar[row])
        close, after = series.ohlcv[:, _CLOSE], bar + dataset.horizon
        differs[place] |= (
            dataset.target[row] != np.log(close[after] / close[bar])
            or dataset.as_of_time[row] != series.close_time[bar]
            or dataset.target_time[row] != series.close_time[after]
        )
    return int(differs.sum())


def _skill(prediction: NDArray[np.float64], target: NDArray[np.float64]) -> Skill:
    return Skill(
        r2=r2_vs_zero(prediction, target),
        information_coefficient=information_coefficient(prediction, target),
    )


def _shuffled_skill(
    dataset: Dataset,
    folds: Sequence[Fold],
    estimators: Sequence[Estimator],
    rows: NDArray[np.intp],
    seed: int,
    advance: Advance,
) -> float:
    shuffled = with_shuffled_target(dataset, seed=seed)
    prediction = forecast_folds(shuffled, folds, estimators, seed=seed, advance=advance)
    return information_coefficient(prediction, shuffled.target[rows]) or 0.0


def _probability_of_mean(values: Sequence[float]) -> float:
    # Student's one-sided test of a mean of zero or less.
    deviation = float(np.std(values, ddof=1))
    if deviation == 0.0:
        return 1.0 if np.mean(values) <= 0.0 else 0.0
    statistic = float(np.mean(values)) / deviation * np.sqrt(len(values))
    return float(stdtr(len(values) - 1, -statistic))


def _judge_recomputed(rows: int, different: int) -> Finding:
    if different:
        said = (
            f"{different} of {rows} sampled rows are not what the bars known at their time give: "
            "features or targets were made from other bars"
        )
    else:
        said = f"all of {rows} sampled rows are what the bars known at their time give"
    return Finding(check="recomputed", is_suspect=different > 0, sentence=said)


def _judge_credible(skill: Skill, ceiling: Ceiling, dataset: Dataset) -> Finding:
    passed = ceiling.is_passed(skill.r2, skill.information_coefficient)
    figures = (
        f"R2 {skill.r2:.2%} and IC {skill.information_coefficient or 0.0:.3f}, where "
        f"{ceiling.r2:.1%} and {ceiling.information_coefficient:.2f} are the most to believe"
    )
    if not passed:
        return Finding(check="credible", is_suspect=False, sentence=f"credible: {figures}")
    sharpe = implied_sharpe_ratio(
        max(skill.r2, (skill.information_coefficient or 0.0) ** 2), dataset
    )
    return Finding(
        check="credible",
        is_suspect=True,
        sentence=f"far better than real markets allow: {figures}; "
        f"traded without costs it would have a Sharpe ratio of {sharpe:.1f}",
    )


def _judge_lagged(original: Skill, lagged: Skill, p_value: float, ceiling: Ceiling) -> Finding:
    figures = f"R2 {original.r2:.2%}, and {lagged.r2:.2%} with features one bar older"
    if p_value < _RARE:
        return Finding(
            check="lagged",
            is_suspect=True,
            sentence=f"better with older features ({figures}, p = {p_value:.3f}): "
            "rows and features are not aligned in time",
        )
    if original.r2 > ceiling.r2 / 2 and lagged.r2 < original.r2 / 2:
        return Finding(
            check="lagged",
            is_suspect=True,
            sentence=f"strong, and gone within one bar ({figures}): a peek one bar ahead looks so",
        )
    return Finding(check="lagged", is_suspect=False, sentence=f"no better with age: {figures}")


def _judge_shuffled(shuffled: Sequence[float], p_value: float) -> Finding:
    figures = f"mean IC {np.mean(shuffled):.3f} over {len(shuffled)} shuffles, p = {p_value:.3f}"
    if p_value < _RARE:
        said = f"still ranks shuffled targets ({figures}): training has seen the tested rows"
    else:
        said = f"knows nothing of shuffled targets: {figures}"
    return Finding(check="shuffled", is_suspect=p_value < _RARE, sentence=said)
