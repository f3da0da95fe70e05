"""What the examination found, in plain sentences for the report."""

from collections.abc import Sequence

from tickcast_trainer.evaluation import Comparison
from tickcast_trainer.metrics import Proportion
from tickcast_trainer.validation.coverage import Coverage
from tickcast_trainer.validation.direction import DirectionSkill
from tickcast_trainer.validation.examination import Examination
from tickcast_trainer.validation.intervals import Intervals
from tickcast_trainer.validation.paths import PathScores
from tickcast_trainer.validation.search import SearchResult


def examination_sentences(comparison: Comparison, examination: Examination) -> list[str]:
    """Say how far a model leads, how its intervals held, and what else was looked at.

    A suspicion is not among them: the model's verdict speaks of it already.
    """
    gain = comparison.gain
    said = [] if examination.leaks.is_suspect else [f"leaks: {examination.leaks.verdict}"]
    said += [
        f"saves {gain.value:.2%} of {comparison.best_baseline}'s squared error "
        f"({100 * gain.low:.2f} to {100 * gain.high:.2f} with 95% confidence)",
    ]
    if examination.intervals:
        said += _intervals(examination.intervals)
    if examination.direction:
        said.append(_reliability(examination.direction))
    if examination.paths:
        said.append(_paths(examination.paths))
    if examination.searches:
        said.append(_searches(examination.searches))
    return said


def _reliability(skill: DirectionSkill) -> str:
    least, greatest = skill.reliability[0], skill.reliability[-1]
    return (
        f"probability of a rise: in the fifth of rows with the least it said {least.said:.1%} and "
        f"{_range(least.rose)} rose, in the fifth with the greatest {greatest.said:.1%} and "
        f"{_range(greatest.rose)}"
    )


def _range(share: Proportion) -> str:
    return f"{share.value:.1%} ({100 * share.low:.1f}-{100 * share.high:.1f})"


def _intervals(found: Intervals) -> list[str]:
    first, *others = found.kinds.items()
    return [
        f"{first[0]} intervals, as served, held {_coverage(first[1])}",
        *(f"{kind} intervals would have held {_coverage(held)}" for kind, held in others),
    ]


def _coverage(coverage: Coverage) -> str:
    symbol, least = min(coverage.by_symbol.items(), key=lambda item: item[1].value)
    regimes = ", ".join(f"{name} {_share(one)}" for name, one in coverage.by_regime.items())
    return (
        f"{_share(coverage.overall)} (least of a symbol: {symbol} {_share(least)}; "
        f"by volatility: {regimes}), median width {coverage.median_width:.2%}, "
        f"interval score {coverage.score:.2%}"
    )


def _share(proportion: Proportion) -> str:
    return f"{proportion.value:.1%}"


def _paths(paths: PathScores) -> str:
    return (
        f"R2 {paths.r2[0]:.2%} to {paths.r2[-1]:.2%} on {len(paths.r2)} paths, "
        f"{paths.median:.2%} in the middle; these also train on what came after"
    )


def _searches(searches: Sequence[SearchResult]) -> str:
    final = searches[-1]
    chosen = ", ".join(f"{name} {value:.4g}" for name, value in sorted(final.parameters.items()))
    return (
        f"searched {sum(one.trials for one in searches)} times in {len(searches)} searches, "
        f"{sum(one.seconds for one in searches):.0f} s: the last took the error inside its rows "
        f"from {final.first_error:.4%} to {final.error:.4%}, by {chosen}"
    )
