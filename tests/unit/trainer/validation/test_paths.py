"""Paths: every row forecast once on each, by a model that was fitted apart from it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from tickcast_modelkit.features import CORE
from tickcast_modelkit.testing import random_walk_bars
from tickcast_trainer.dataset import Dataset, build_dataset
from tickcast_trainer.errors import NotEnoughHistory
from tickcast_trainer.estimators import FittedModel, Parameters
from tickcast_trainer.metrics import r2_vs_zero
from tickcast_trainer.progress import ProgressLines
from tickcast_trainer.validation.paths import SCHEME, score_paths

if TYPE_CHECKING:
    from onnx import ModelProto

QUIET = ProgressLines(Console(quiet=True))


@dataclass
class Rows:
    """Forecasts how many rows it was fitted to."""

    count: int = 0

    @property
    def parameters(self) -> Parameters:
        return {}

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        return Rows(len(target))

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.full(len(features), self.count, dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        raise NotImplementedError


def dataset(bars: int) -> Dataset:
    series = [random_walk_bars(bars)]
    return build_dataset(series, feature_set=CORE, horizon=1, progress=QUIET)


def test_each_path_is_scored_over_all_rows() -> None:
    # Targets so large that one row more or less in training moves no R2.
    whole = dataset(1000)
    large = replace(whole, target=np.full(len(whole), 1e6))
    found = score_paths("rows", Rows(), large, seed=7, progress=QUIET)
    trained = [
        len(fold.train) for fold in SCHEME.folds(whole.as_of_time, whole.target_time, embargo=9)
    ]
    low, high = (
        r2_vs_zero(np.full(len(large), float(count)), large.target)
        for count in (min(trained), max(trained))
    )
    assert len(found.r2) == 5
    assert low <= found.r2[0] <= found.median <= found.r2[-1] <= high
    assert list(found.r2) == sorted(found.r2)


def test_a_history_too_short_for_paths_is_refused() -> None:
    with pytest.raises(NotEnoughHistory, match="needed 50"):
        score_paths("rows", Rows(), dataset(140), seed=7, progress=QUIET)
