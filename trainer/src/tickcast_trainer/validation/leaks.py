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
from tickcast_trainer.engine import HERE, Engine
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

SHUFFLED_FOLDS = 4
"""Folds of each, spread over all: a leak shows in any, and every fit costs."""

_RARE = 0.01
_RECOMPUTED_ROWS = 200

# A row that is ranked takes the windows of all its peers. Of a large universe fewer rows do.
_RECOMPUTED_WINDOWS = 200_000
_LEAST_RECOMPUTED_ROWS = 40
_CLOSE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """How well a forecast did, in two figures that a leak lifts."""

    r2: float
    """Against a forecast of zero."""

    information_coefficient: float | None
    """None for a constant forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lagged:
    """What is left with the features of the bar before."""

    skill: Skill

    p_value: float
    """Chance of so large a gain by old features if they were no better than fresh ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shuffled:
    """What is left on targets that have changed places."""

    information_coefficients: tuple[float, ...]
    """One for each shuffle; 0 for a constant forecast."""

    p_value: float
    """Chance of so high a mean of these if nothing were left to know."""


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

    recomputed_rows: int
    different_rows: int
    """Of those recomputed: with another feature, target or time."""

    lagged: Lagged | None
    shuffled: Shuffled | None
    """Both None when the model was not to be fitted again."""

    findings: tuple[Finding, ...]
    """Of each check that was made."""

    @property
    def is_suspect(self) -> bool:
        """Whether any check found something."""
        return any(finding.is_suspect for finding in self.findings)

    @property
    def verdict(self) -> str:
        """One sentence: clean, or suspect with why."""
        if self.is_suspect:
            return "suspect: " + "; ".join(one.sentence for one in self.findings if one.is_suspect)
        if self.lagged is None:
            return "no leak in sight, and not looked for by fitting again"
        return f"clean: none of {len(self.findings)} checks found a leak"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Suspect:
    """A model to be checked."""

    name: str
    dataset: Dataset
    folds: Sequence[Fold]

    estimators: Sequence[Estimator]
    """That of each fold."""

    prediction: NDArray[np.float64]
    """(m,): what these forecast for the test rows, fold after fold."""

    seed: int
    """That they were fitted with."""

    engine: Engine = HERE
    """Where they are fitted again."""


def check_leaks(
    suspect: Suspect, *, refit: bool, progress: Progress, shuffles: int = SHUFFLES
) -> LeakReport:
    """Run the checks on a model: all of them, or without ``refit`` the two that cost nothing.

    The others fit once more for each fold and ``SHUFFLED_FOLDS`` times for each shuffle, of which
    there are at least 3. On a model without a leak each of them errs once in a hundred times.
    """
    dataset = suspect.dataset
    target = dataset.target[_tested_rows(suspect.folds)]
    original, ceiling = _skill(suspect.prediction, target), credible_ceiling(dataset)
    recomputed = np.linspace(0, len(dataset) - 1, _recomputed_rows(dataset)).astype(int)
    different = count_different_rows(dataset, recomputed.tolist())
    findings = [
        _judge_recomputed(len(recomputed), different),
        _judge_credible(original, ceiling, dataset),
    ]
    lagged, shuffled = None, None
    if refit:
        steps = len(suspect.folds) + shuffles * min(SHUFFLED_FOLDS, len(suspect.folds))
        with progress.step(f"{suspect.name}: leak check", steps) as advance:
            lagged = _lag(suspect, advance)
            shuffled = _shuffle(suspect, shuffles, advance)
        findings += [_judge_lagged(original, lagged, ceiling), _judge_shuffled(shuffled)]
    return LeakReport(
        original=original,
        ceiling=ceiling,
        recomputed_rows=len(recomputed),
        different_rows=different,
        lagged=lagged,
        shuffled=shuffled,
        findings=tuple(findings),
    )


def _recomputed_rows(dataset: Dataset) -> int:
    affordable = _RECOMPUTED_WINDOWS // max(len(dataset.members), 1)
    wanted = min(_RECOMPUTED_ROWS, max(affordable, _LEAST_RECOMPUTED_ROWS))
    return min(wanted, len(dataset))


def count_different_rows(dataset: Dataset, rows: Sequence[int]) -> int:
    """Count those of ``rows`` whose features, target or times are not those of their bars.

    Features are computed from windows that end with the row's bar, ranks from those of all peers,
    as a server computes them.
    """
    again = dataset.recomputed(rows)
    differs = (again != dataset.features[list(rows)]).any(axis=1)
    for place, row in enumerate(rows):
        series, bar = dataset.series[dataset.series_index[row]], int(dataset.bar[row])
        after = bar + dataset.horizon
        close = series.ohlcv[: after + 1, _CLOSE]
        (label,) = dataset.labels.returns(close, np.array([bar]), dataset.horizon)
        differs[place] |= (
            not np.isclose(dataset.target[row], label, rtol=1e-12, atol=0.0)
            or dataset.as_of_time[row] != series.close_time[bar]
            or dataset.target_time[row] != series.close_time[after]
        )
    return int(differs.sum())


def _tested_rows(folds: Sequence[Fold]) -> NDArray[np.intp]:
    return np.concatenate([fold.test for fold in folds])


def _skill(prediction: NDArray[np.float64], target: NDArray[np.float64]) -> Skill:
    return Skill(
        r2=r2_vs_zero(prediction, target),
        information_coefficient=information_coefficient(prediction, target),
    )


def _lag(suspect: Suspect, advance: Advance) -> Lagged:
    dataset, rows = suspect.dataset, _tested_rows(suspect.folds)
    prediction = forecast_folds(
        with_lagged_features(dataset),
        suspect.folds,
        suspect.estimators,
        seed=suspect.seed,
        advance=advance,
        engine=suspect.engine,
    )
    target = dataset.target[rows]
    p_value = probability_of_no_gain(
        prediction,
        suspect.prediction,
        target,
        dataset.as_of_time[rows],
        horizon=dataset.horizon,
    )
    return Lagged(skill=_skill(prediction, target), p_value=p_value)


def _shuffle(suspect: Suspect, shuffles: int, advance: Advance) -> Shuffled:
    count = len(suspect.folds)
    places = np.unique(np.linspace(0, count - 1, min(SHUFFLED_FOLDS, count)).astype(int)).tolist()
    folds = [suspect.folds[place] for place in places]
    estimators = [suspect.estimators[place] for place in places]
    rows, found = _tested_rows(folds), []
    for seed in range(suspect.seed, suspect.seed + shuffles):
        shuffled = with_shuffled_target(suspect.dataset, seed=seed)
        prediction = forecast_folds(
            shuffled, folds, estimators, seed=seed, advance=advance, engine=suspect.engine
        )
        found.append(information_coefficient(prediction, shuffled.target[rows]) or 0.0)
    return Shuffled(information_coefficients=tuple(found), p_value=_probability_of_mean(found))


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


def _judge_lagged(original: Skill, lagged: Lagged, ceiling: Ceiling) -> Finding:
    left = lagged.skill.r2
    figures = f"R2 {original.r2:.2%}, and {left:.2%} with features one bar older"
    if lagged.p_value < _RARE:
        return Finding(
            check="lagged",
            is_suspect=True,
            sentence=f"better with older features ({figures}, p = {lagged.p_value:.3f}): "
            "rows and features are not aligned in time",
        )
    if original.r2 > ceiling.r2 / 2 and left < original.r2 / 2:
        return Finding(
            check="lagged",
            is_suspect=True,
            sentence=f"strong, and gone within one bar ({figures}): a peek one bar ahead looks so",
        )
    return Finding(check="lagged", is_suspect=False, sentence=f"no better with age: {figures}")


def _judge_shuffled(shuffled: Shuffled) -> Finding:
    found = shuffled.information_coefficients
    figures = f"mean IC {np.mean(found):.3f} over {len(found)} shuffles, p = {shuffled.p_value:.3f}"
    is_suspect = shuffled.p_value < _RARE
    if is_suspect:
        said = f"still ranks shuffled targets ({figures}): training has seen the tested rows"
    else:
        said = f"knows nothing of shuffled targets: {figures}"
    return Finding(check="shuffled", is_suspect=is_suspect, sentence=said)
