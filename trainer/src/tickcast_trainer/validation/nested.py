"""Parameters chosen inside training rows alone, for each fold anew.

Whoever chooses parameters on the rows that a model is then judged by has trained on them (Cawley
and Talbot 2010, "On Over-fitting in Model Selection and Subsequent Selection Bias in Performance
Evaluation"). Here each fold has a search of its own, which is given the fold's training rows and
nothing else; it compares parameters by purged k-fold inside them. The score on the outer test rows
is then that of model and search together.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from tickcast_trainer.dataset import Dataset
from tickcast_trainer.estimator_settings import EstimatorName
from tickcast_trainer.estimators import Estimator, make_estimator
from tickcast_trainer.metrics import rmse
from tickcast_trainer.progress import Progress
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.validation.kfold import purged_folds
from tickcast_trainer.validation.purging import embargo_of, require_training
from tickcast_trainer.validation.search import Budget, Choice, SearchResult, SearchSpace, search
from tickcast_trainer.validation.spaces import SPACES
from tickcast_trainer.walkforward import Fold

MakeEstimator: TypeAlias = Callable[[Choice], Estimator]

INNER_FOLDS = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """What a search may see: some rows of a dataset, copied out of it."""

    features: NDArray[np.float32]
    """(n, F)."""

    target: NDArray[np.float64]
    as_of_time: NDArray[np.int64]
    target_time: NDArray[np.int64]

    @classmethod
    def of(cls, dataset: Dataset, rows: NDArray[np.intp]) -> "Rows":
        """Take out the rows with these indices."""
        return cls(
            features=dataset.features[rows],
            target=dataset.target[rows],
            as_of_time=dataset.as_of_time[rows],
            target_time=dataset.target_time[rows],
        )

    def digest(self) -> str:
        """Return a text that is another one for any other rows."""
        whole = hashlib.sha256(str(self.features.shape).encode())
        for part in (self.features, self.target, self.as_of_time, self.target_time):
            whole.update(np.ascontiguousarray(part).tobytes())
        return whole.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Searcher:
    """A search for one estimator's parameters, to be given rows."""

    name: str
    """Of the estimator."""

    make: MakeEstimator
    """Estimator of some parameters; what else it depends on is in ``identity``."""

    identity: str
    space: SearchSpace
    first: Choice
    budget: Budget
    seed: int

    file: Path | None
    """SQLite file that the search goes on from, if there is one."""

    def run(self, rows: Rows, *, step: str, progress: Progress) -> SearchResult:
        """Search by the error on ``INNER_FOLDS`` purged folds of the rows, each tested once.

        Raises NotEnoughHistory when one would train on too few.
        """
        folds = list(
            purged_folds(
                rows.as_of_time,
                rows.target_time,
                count=INNER_FOLDS,
                embargo=embargo_of(rows.as_of_time),
            )
        )
        require_training(folds)

        def error(parameters: Choice) -> float:
            estimator = self.make(parameters)
            prediction = np.empty(len(rows.target))
            for fold in folds:
                model = estimator.fit(
                    rows.features[fold.train], rows.target[fold.train], seed=self.seed
                )
                prediction[fold.test] = model.predict(rows.features[fold.test])
            return rmse(prediction, rows.target)

        with progress.step(f"{self.name}: {step}", self.budget.trials) as advance:
            return search(
                error,
                self.space,
                self.first,
                budget=self.budget,
                seed=self.seed,
                study=self._study(rows),
                file=self.file,
                advance=advance,
            )

    def _study(self, rows: Rows) -> str:
        # Another search must not be taken for this one: not with other rows, ranges or seed.
        told = (self.identity, sorted(self.space.items()), sorted(self.first.items()), self.seed)
        whole = hashlib.sha256(f"{told} {INNER_FOLDS} {rows.digest()}".encode())
        return f"{self.name}-{whole.hexdigest()[:16]}"


def searcher_of(
    name: EstimatorName, settings: TrainSettings, names: Sequence[str]
) -> Searcher | None:
    """Return the search that the settings ask for; None without trials or without a range.

    ``names`` are those of the features.
    """
    space = SPACES.get(name)
    if space is None or settings.search.trials == 0:
        return None
    section_name = name.replace("-", "_")
    section: BaseModel = getattr(settings, section_name)

    def make(chosen: Choice) -> Estimator:
        # Made anew instead of copied, so that it is checked as any other.
        changed = type(section).model_validate({**section.model_dump(), **chosen})
        return make_estimator(name, settings.model_copy(update={section_name: changed}), names)

    return Searcher(
        name=name,
        make=make,
        identity=f"{section.model_dump_json()} {settings.target}",
        space=space,
        first={parameter: getattr(section, parameter) for parameter in space},
        budget=Budget(trials=settings.search.trials, seconds=settings.search.seconds),
        seed=settings.seed,
        file=settings.search.file,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The estimators to evaluate and to keep."""

    folds: tuple[Estimator, ...]
    """For each fold, chosen in its training rows."""

    final: Estimator
    """For all rows, chosen in all of them."""

    searches: tuple[SearchResult, ...]
    """Of each fold, then of all rows; empty when the settings' parameters were taken."""


def choose_estimators(
    name: EstimatorName,
    settings: TrainSettings,
    dataset: Dataset,
    folds: Sequence[Fold],
    *,
    progress: Progress,
) -> Chosen:
    """Search for each fold and for all rows, or take the settings' parameters for all of them."""
    names = dataset.feature_set.names
    searcher = searcher_of(name, settings, names)
    if searcher is None:
        estimator = make_estimator(name, settings, names)
        return Chosen(folds=(estimator,) * len(folds), final=estimator, searches=())
    rows = [*(fold.train for fold in folds), np.arange(len(dataset))]
    searches = search_folds(searcher, dataset, rows, progress=progress)
    *inner, final = (searcher.make(found.parameters) for found in searches)
    return Chosen(folds=tuple(inner), final=final, searches=tuple(searches))


def search_folds(
    searcher: Searcher,
    dataset: Dataset,
    training: Sequence[NDArray[np.intp]],
    *,
    progress: Progress,
) -> list[SearchResult]:
    """Search once for each fold, in its training rows alone."""
    return [
        searcher.run(
            Rows.of(dataset, rows), step=f"search {number} of {len(training)}", progress=progress
        )
        for number, rows in enumerate(training, start=1)
    ]
