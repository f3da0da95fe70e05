"""Nested search: what a fold tests, its search has never touched."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.estimators import FittedModel, Parameters, make_estimator
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.settings import TrainSettings
from tickcast_trainer.validation.nested import Rows, Searcher, search_folds
from tickcast_trainer.validation.search import Budget, Choice, Range
from tickcast_trainer.validation.spaces import SPACES
from tickcast_trainer.walkforward import Fold, expanding_folds

if TYPE_CHECKING:
    from onnx import ModelProto

QUIET = ProgressLines(Console(quiet=True))
SPACE = {"size": Range(low=0.0, high=1.0)}


@dataclass
class Recorder:
    """Notes the rows that it is given: the first feature is the row's number, the target too."""

    size: float
    touched: set[int] = field(default_factory=set)

    @property
    def parameters(self) -> Parameters:
        return {"size": self.size}

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        self.touched.update(features[:, 0].astype(int).tolist(), target.astype(int).tolist())
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        self.touched.update(features[:, 0].astype(int).tolist())
        return np.full(len(features), self.size, dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        raise NotImplementedError


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    series = [random_walk_bars(700, symbol=symbol, seed=seed) for seed, symbol in enumerate("AB")]
    return build_dataset(series, feature_set=CORE, horizon=3, progress=QUIET)


@pytest.fixture(scope="module")
def folds(dataset: Dataset) -> list[Fold]:
    return expanding_folds(dataset.as_of_time, dataset.target_time, count=3)


def searcher(recorder: Recorder, *, file: Path | None = None) -> Searcher:
    def make(parameters: Choice) -> Recorder:
        return replace(recorder, size=float(parameters["size"]))

    return Searcher(
        name="recorder",
        make=make,
        identity="recorder",
        space=SPACE,
        first={"size": 0.5},
        budget=Budget(trials=4),
        seed=7,
        file=file,
    )


def test_a_search_touches_all_training_rows_and_no_test_row(
    dataset: Dataset, folds: list[Fold]
) -> None:
    features = dataset.features.copy()
    features[:, 0] = np.arange(len(dataset))
    numbered = replace(dataset, features=features, target=np.arange(len(dataset), dtype=np.float64))
    for fold in folds:
        # All of the past, and its later part as rolling folds have it.
        for train in (fold.train, fold.train[150:]):
            recorder = Recorder(size=0.0)
            search_folds(searcher(recorder), numbered, [train], progress=QUIET)
            assert recorder.touched == set(train.tolist())
            assert not recorder.touched & set(fold.test.tolist())


def test_its_error_is_that_of_purged_folds_inside_the_rows(
    dataset: Dataset, folds: list[Fold]
) -> None:
    rows = folds[-1].train
    (found,) = search_folds(searcher(Recorder(0.0)), dataset, [rows], progress=QUIET)
    # The recorder forecasts its size, whatever it was fitted to: every row is tested once.
    errors = [np.sqrt(np.mean((dataset.target[rows] - size) ** 2)) for size in (0.5, 0.0)]
    assert found.first_error == pytest.approx(errors[0])
    assert errors[1] < found.error <= found.first_error
    assert found.error == pytest.approx(
        np.sqrt(np.mean((dataset.target[rows] - found.parameters["size"]) ** 2))
    )


def test_what_a_fold_tests_changes_nothing_that_its_search_finds(
    dataset: Dataset, folds: list[Fold]
) -> None:
    test = folds[0].test
    target, features = dataset.target.copy(), dataset.features.copy()
    target[test], features[test] = 9.0, -9.0
    changed = replace(dataset, target=target, features=features)
    settings = TrainSettings(name="nested")
    ridge = Searcher(
        name="ridge",
        make=lambda chosen: make_estimator(
            "ridge",
            settings.model_copy(update={"ridge": settings.ridge.model_copy(update=dict(chosen))}),
        ),
        identity="ridge",
        space=SPACES["ridge"],
        first={"alpha": 1000.0},
        budget=Budget(trials=6),
        seed=7,
        file=None,
    )
    training = [fold.train for fold in folds]
    one = search_folds(ridge, dataset, training, progress=QUIET)
    other = search_folds(ridge, changed, training, progress=QUIET)
    assert (one[0].parameters, one[0].error) == (other[0].parameters, other[0].error)
    # The second fold trains on them, and its search errs otherwise.
    assert one[1].error != other[1].error


def test_a_search_goes_on_with_the_same_rows_alone(
    dataset: Dataset, folds: list[Fold], tmp_path: Path
) -> None:
    file = tmp_path / "search.sqlite"
    training = [fold.train for fold in folds]
    first = search_folds(searcher(Recorder(0.0), file=file), dataset, training, progress=QUIET)
    again = search_folds(searcher(Recorder(0.0), file=file), dataset, training, progress=QUIET)
    assert [one.resumed for one in first] == [0, 0, 0]
    assert [one.resumed for one in again] == [4, 4, 4]
    assert [one.parameters for one in first] == [one.parameters for one in again]
    moved = replace(dataset, target=dataset.target + 1e-9)
    elsewhere = search_folds(searcher(Recorder(0.0), file=file), moved, training, progress=QUIET)
    assert [one.resumed for one in elsewhere] == [0, 0, 0]
    other = replace(searcher(Recorder(0.0), file=file), seed=8)
    assert other.run(Rows.of(dataset, training[0]), step="", progress=QUIET).resumed == 0


def test_every_range_is_of_a_setting_and_holds_its_default() -> None:
    settings = TrainSettings(name="spaces")
    for name, space in SPACES.items():
        section = getattr(settings, name.replace("-", "_"))
        for parameter, wanted in space.items():
            default = getattr(section, parameter)
            assert wanted.low <= default <= wanted.high, f"{name}.{parameter}"
            assert isinstance(default, int) == isinstance(wanted.low, int), f"{name}.{parameter}"
            assert type(section)(**{parameter: wanted.low}) != type(section)(
                **{parameter: wanted.high}
            )
