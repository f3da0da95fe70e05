"""Export: a graph of a fixed shape, the same bytes for the same model, and proof of parity."""

from dataclasses import dataclass

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from tickcast_trainer.errors import ExportFailed
from tickcast_trainer.estimators import Estimator, FittedModel, Ridge, XGBoost
from tickcast_trainer.export import check_parity, export
from tickcast_trainer.settings import RidgeSettings, XGBoostSettings

RNG = np.random.default_rng(3)
SCALES = np.logspace(-4, 3, 12)
FEATURES = (RNG.normal(5.0, 1.0, (900, 12)) * SCALES).astype(np.float32)
TARGET = 0.01 * (FEATURES[:, 0] / SCALES[0] - 5.0) + RNG.normal(0.0, 0.02, 900)

ESTIMATORS: dict[str, Estimator] = {
    "ridge": Ridge(RidgeSettings()),
    "xgboost": XGBoost(XGBoostSettings(trees=40)),
}


@pytest.fixture(params=ESTIMATORS)
def estimator(request: pytest.FixtureRequest) -> Estimator:
    return ESTIMATORS[request.param]


def test_the_graph_takes_features_and_gives_one_column(estimator: Estimator) -> None:
    exported = export(estimator.fit(FEATURES, TARGET, seed=1))
    graph = onnx.load_from_string(exported.graph).graph
    (given,), (answer,) = graph.input, graph.output
    assert (given.name, answer.name) == ("features", "prediction")
    for value, width in ((given, 12), (answer, 1)):
        assert value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        rows, columns = value.type.tensor_type.shape.dim
        assert not rows.HasField("dim_value")
        assert columns.dim_value == width


def test_the_same_rows_and_seed_give_the_same_bytes(estimator: Estimator) -> None:
    first, second = (export(estimator.fit(FEATURES, TARGET, seed=1)).graph for _ in range(2))
    assert first == second


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


def test_the_seed_changes_the_trees() -> None:
    trees = ESTIMATORS["xgboost"]
    one, two = (export(trees.fit(FEATURES, TARGET, seed=seed)).graph for seed in (1, 2))
    assert one != two
