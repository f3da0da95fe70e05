"""Export: a graph of a fixed shape, the same bytes for the same model, and proof of parity."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import get_args

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from tickcast_trainer.errors import ExportFailed
from tickcast_trainer.estimator_settings import (
    ExtraTreesSettings,
    LightGBMSettings,
    MLPSettings,
    XGBoostSettings,
)
from tickcast_trainer.estimators import Estimator, FittedModel, make_estimator
from tickcast_trainer.estimators.direction import Direction
from tickcast_trainer.export import check_parity, export
from tickcast_trainer.settings import EstimatorName, TrainSettings

NAMES: tuple[EstimatorName, ...] = get_args(EstimatorName)
SETTINGS = TrainSettings(
    name="test",
    extra_trees=ExtraTreesSettings(trees=20),
    xgboost=XGBoostSettings(trees=40),
    lightgbm=LightGBMSettings(trees=40),
    mlp=MLPSettings(penalty=0.1, rounds=20),
)
RNG = np.random.default_rng(3)
SCALES = np.logspace(-4, 3, 12)
FEATURES = (RNG.normal(5.0, 1.0, (900, 12)) * SCALES).astype(np.float32)
TARGET = 0.01 * (FEATURES[:, 0] / SCALES[0] - 5.0) + RNG.normal(0.0, 0.02, 900)


@pytest.fixture(params=NAMES)
def estimator(request: pytest.FixtureRequest) -> Estimator:
    return make_estimator(request.param, SETTINGS)


def test_the_graph_takes_features_and_gives_one_column(estimator: Estimator) -> None:
    exported = export(estimator.fit(FEATURES, TARGET, seed=1))
    graph = onnx.load_from_string(exported.graph).graph
    (given,), answers = graph.input, graph.output
    names = ["prediction", "probability"] if isinstance(estimator, Direction) else ["prediction"]
    assert (given.name, [answer.name for answer in answers]) == ("features", names)
    for value, width in ((given, 12), *((answer, 1) for answer in answers)):
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        rows, columns = value.type.tensor_type.shape.dim
        assert not rows.HasField("dim_value")
        assert columns.dim_value == width


def test_the_same_rows_and_seed_give_the_same_bytes(estimator: Estimator) -> None:
    first, second = (export(estimator.fit(FEATURES, TARGET, seed=1)).graph for _ in range(2))
    assert first == second


DIGESTS = """
import hashlib, numpy as np
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.export import export
from tickcast_trainer.estimator_settings import MLPSettings
from tickcast_trainer.settings import TrainSettings
rng = np.random.default_rng(0)
# Features that move together, so that a last digit grows until float32 shows it.
features = rng.normal(size=(9_000, 5)) @ rng.normal(size=(5, 35))
features = (features + 0.3 * rng.normal(size=features.shape)).astype(np.float32)
target = rng.normal(0.0, 0.02, 9_000)
settings = TrainSettings(name="test", mlp=MLPSettings(penalty=0.1, rounds=100))
for name in ("ridge", "elastic-net", "mlp", "logistic"):
    graph = export(make_estimator(name, settings).fit(features, target, seed=1)).graph
    print(name, hashlib.sha256(graph).hexdigest())
"""


def test_the_number_of_threads_allowed_changes_no_byte() -> None:
    def digests(threads: str) -> str:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", DIGESTS]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout

    one = digests("1")
    assert len(one.splitlines()) == 4
    assert digests("2") == one


@pytest.mark.parametrize("name", ["extra-trees", "xgboost", "lightgbm", "mlp", "average", "stack"])
def test_the_seed_changes_what_is_drawn(name: EstimatorName) -> None:
    estimator = make_estimator(name, SETTINGS)
    one, two = (
        hashlib.sha256(export(estimator.fit(FEATURES, TARGET, seed=seed)).graph).digest()
        for seed in (1, 2)
    )
    assert one != two


def test_graph_and_model_agree_on_every_row(estimator: Estimator) -> None:
    model = estimator.fit(FEATURES, TARGET, seed=1)
    exported = export(model)
    parity = check_parity(exported, model, FEATURES, target_deviation=float(TARGET.std()))
    assert parity.rows == 900
    assert parity.median_difference <= parity.maximum_difference <= parity.limit
    assert parity.limit == pytest.approx(1e-4 * TARGET.std())
    difference = np.abs(exported.predict(FEATURES) - model.predict(FEATURES))
    assert parity.maximum_difference >= difference.max()


def test_predictions_are_float32_on_both_sides(estimator: Estimator) -> None:
    model = estimator.fit(FEATURES, TARGET, seed=1)
    assert model.predict(FEATURES).dtype == np.float32
    assert export(model).predict(FEATURES).dtype == np.float32


@dataclass(frozen=True)
class Drifted:
    """A model whose graph is that of an older fit."""

    model: FittedModel
    older: FittedModel

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.model.predict(features)

    def to_onnx(self) -> onnx.ModelProto:
        return self.older.to_onnx()


def test_a_graph_that_computes_something_else_is_refused(estimator: Estimator) -> None:
    model = Drifted(
        model=estimator.fit(FEATURES, TARGET, seed=1),
        older=estimator.fit(FEATURES[:600], TARGET[:600], seed=1),
    )
    with pytest.raises(ExportFailed, match="parity: graph and model were"):
        check_parity(export(model), model, FEATURES, target_deviation=float(TARGET.std()))
