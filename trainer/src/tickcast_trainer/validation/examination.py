"""What is looked at in every model besides its score."""

from dataclasses import dataclass, replace

from tickcast_trainer.estimator_settings import EstimatorName
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.evaluation import Comparison, Evaluator, OutOfFold
from tickcast_trainer.progress import Progress
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.validation.adaptive import Adaptation
from tickcast_trainer.validation.direction import DirectionSkill, measure_direction
from tickcast_trainer.validation.intervals import Intervals, measure_intervals
from tickcast_trainer.validation.leaks import LeakReport, Suspect, check_leaks
from tickcast_trainer.validation.nested import Chosen
from tickcast_trainer.validation.paths import PathScores, score_paths
from tickcast_trainer.validation.search import SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found."""

    leaks: LeakReport

    intervals: Intervals | None
    """None where the folds are too short for any."""

    paths: PathScores | None
    """None unless asked for."""

    searches: tuple[SearchResult, ...]
    """Of each fold, then of all rows; empty when nothing was searched."""

    direction: DirectionSkill | None
    """Of the probabilities of a rise; None of a model that estimates none itself."""


def examine(
    name: EstimatorName,
    settings: TrainSettings,
    evaluator: Evaluator,
    chosen: Chosen,
    forecast: OutOfFold,
    *,
    progress: Progress,
) -> Examination:
    """Examine a model by the estimators chosen for its folds and what they forecast."""
    dataset = evaluator.dataset
    suspect = Suspect(
        name=name,
        dataset=dataset,
        folds=evaluator.folds,
        estimators=chosen.folds,
        prediction=forecast.prediction,
        seed=settings.seed,
        engine=evaluator.engine,
    )
    paths = None
    if settings.paths:
        # Never with parameters that were searched in all rows: the paths test all rows.
        plain = make_estimator(name, settings, dataset.feature_set.names)
        paths = score_paths(name, plain, dataset, seed=settings.seed, progress=progress)
    return Examination(
        leaks=check_leaks(suspect, refit=settings.leak_check, progress=progress),
        intervals=measure_intervals(evaluator, forecast, Adaptation()),
        paths=paths,
        searches=chosen.searches,
        direction=measure_direction(evaluator, forecast),
    )


def with_suspicion(comparison: Comparison, leaks: LeakReport) -> Comparison:
    """Return the comparison as it is to be told: a suspect beats nothing, and its verdict says why.

    Flag and verdict are in the manifest, and servers show them: whoever asks for a prediction must
    see it too.
    """
    if not leaks.is_suspect:
        return comparison
    warning = (
        f"Not to be believed, as it is {leaks.verdict}; take it for a leak until proven otherwise"
    )
    verdict = f"{warning}. On its figures alone, {comparison.verdict}"
    return replace(comparison, beats_baselines=False, verdict=verdict)
