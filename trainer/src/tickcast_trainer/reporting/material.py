"""What a report is made from: a run before its packages are written."""

from collections.abc import Sequence
from dataclasses import dataclass

from tickcast_modelkit.manifest import Manifest, Score

from tickcast_trainer.estimators import Estimator
from tickcast_trainer.evaluation import Comparison, OutOfFold
from tickcast_trainer.validation.examination import Examination


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A model of the run, and what is known of it."""

    manifest: Manifest
    score: Score
    comparison: Comparison
    examination: Examination
    forecast: OutOfFold

    estimators: Sequence[Estimator]
    """That of each fold, which made the forecast."""
