"""How much of a score hangs on the rows that were trained on: its spread over many histories."""

from dataclasses import dataclass

import numpy as np

from tickcast_trainer.dataset import Dataset
from tickcast_trainer.estimators import Estimator
from tickcast_trainer.evaluation import forecast_folds
from tickcast_trainer.metrics import r2_vs_zero
from tickcast_trainer.progress import Progress
from tickcast_trainer.validation.combinatorial import Combinations
from tickcast_trainer.validation.purging import embargo_of, require_training

SCHEME = Combinations(groups=6, tested=2)
"""15 fits, 5 paths: two thirds of all rows are trained on, as at the middle of a walk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathScores:
    """R2 against zero on each path of the combinatorial cross-validation, ascending."""

    r2: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.r2))


def score_paths(
    name: str, estimator: Estimator, dataset: Dataset, *, seed: int, progress: Progress
) -> PathScores:
    """Fit to every choice of stretches and score each path over all rows.

    These models also train on what came after the rows that they forecast: the spread of the scores
    says something, their height less than the walk forward's. Raises NotEnoughHistory.
    """
    times = dataset.as_of_time
    folds = list(SCHEME.folds(times, dataset.target_time, embargo=embargo_of(times)))
    require_training(folds)
    with progress.step(f"{name}: paths", len(folds)) as advance:
        predictions = [
            forecast_folds(dataset, [fold], [estimator], seed=seed, advance=advance)
            for fold in folds
        ]
    paths = SCHEME.assemble(times, predictions)
    return PathScores(r2=tuple(sorted(r2_vs_zero(path, dataset.target) for path in paths)))
