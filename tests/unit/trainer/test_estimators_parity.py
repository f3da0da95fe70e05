"""Every family answers from its graph as from its library, on the rows where that is hardest."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast_trainer.estimator_settings import (
    ElasticNetSettings,
    ExtraTreesSettings,
    LightGBMSettings,
    MLPSettings,
    RidgeSettings,
    XGBoostSettings,
)
from tickcast_trainer.estimators import FittedModel, make_estimator
from tickcast_trainer.export import export
from tickcast_trainer.settings import EstimatorName, TrainSettings

TOLERANCE = 5e-8
"""Of a log return: sums in float32 differ from sums in float64 by less, other branches by more."""

ROWS = 10_000
SETTINGS = TrainSettings(
    name="test",
    ridge=RidgeSettings(alpha=10.0),
    elastic_net=ElasticNetSettings(alpha=10.0),
    extra_trees=ExtraTreesSettings(trees=50, minimum_leaf_rows=20),
    xgboost=XGBoostSettings(trees=60, minimum_leaf_rows=5, penalty=1.0),
    lightgbm=LightGBMSettings(trees=60, minimum_leaf_rows=5, penalty=1.0),
    mlp=MLPSettings(penalty=0.1, rounds=50),
)
LEARNED: tuple[EstimatorName, ...] = ("ridge", "elastic-net", "mlp")
TREES: tuple[EstimatorName, ...] = ("extra-trees", "xgboost", "lightgbm")
ENSEMBLES: tuple[EstimatorName, ...] = ("average", "stack")

Floats = NDArray[np.float32]


def training_rows() -> tuple[Floats, NDArray[np.float64]]:
    """Features of many sizes, some signs and counts, whose thresholds are where values are."""
    rng = np.random.default_rng(5)
    features = rng.normal(1.0, 1.0, (3000, 10)) * np.logspace(-4, 4, 10)
    features[:, 3] = rng.integers(-1, 2, len(features))
    features[:, 4] = rng.integers(0, 40, len(features)) / 7.0
    features[:, 5] = rng.choice([-1e-30, 0.0, 1e-30], len(features))
    signal = np.sign(features[:, 0]) + features[:, 3] + np.sign(features[:, 5])
    held = features.astype(np.float32)
    return held, 0.003 * signal + rng.normal(0.0, 0.02, len(features))


FEATURES, TARGET = training_rows()


@pytest.fixture(scope="module")
def fitted() -> Callable[[EstimatorName], FittedModel]:
    held: dict[EstimatorName, FittedModel] = {}

    def fit(name: EstimatorName) -> FittedModel:
        if name not in held:
            held[name] = make_estimator(name, SETTINGS).fit(FEATURES, TARGET, seed=2)
        return held[name]

    return fit


def assert_parity(model: FittedModel, rows: Floats) -> None:
    native, graph = model.predict(rows), export(model).predict(rows)
    assert len(np.unique(native)) > 20
    assert np.isfinite(native).all()
    assert np.abs(graph.astype(np.float64) - native).max() <= TOLERANCE


def places(values: Floats, columns: NDArray[np.intp] | None = None) -> Floats:
    """Return 10,000 training rows or more in which ``values`` stand in turn, in ``columns``."""
    rng = np.random.default_rng(11)
    count = max(ROWS, len(values))
    rows = FEATURES[rng.integers(0, len(FEATURES), count)].copy()
    turn = np.arange(count) % len(values)
    chosen = rng.integers(0, FEATURES.shape[1], count) if columns is None else columns[turn]
    rows[np.arange(count), chosen] = values[turn]
    return rows


def neighbours(values: NDArray[np.float64]) -> Floats:
    """Return each value (k,) as float32 with the numbers right below and above it (3k,)."""
    nearest = values.astype(np.float32)
    infinity = np.float32(np.inf)
    return np.concatenate(
        [np.nextafter(nearest, -infinity), nearest, np.nextafter(nearest, infinity)]
    )


@pytest.mark.parametrize("name", [*LEARNED, *TREES, *ENSEMBLES])
def test_one_value_of_a_row_may_be_anything_finite(
    name: EstimatorName, fitted: Callable[[EstimatorName], FittedModel]
) -> None:
    limits = np.finfo(np.float32)
    small = [0.0, limits.smallest_subnormal, 1e-40, limits.tiny, 1e-35, 1e-20]
    sizes = np.array([*small, 1.0, 1e20, 1e38, limits.max], dtype=np.float32)
    exact = np.concatenate([sizes, -sizes])
    around = neighbours(exact[np.abs(exact) < limits.max].astype(np.float64))
    assert_parity(fitted(name), places(np.concatenate([exact, around])))


@pytest.mark.parametrize("name", [*LEARNED, *TREES, *ENSEMBLES])
def test_every_value_of_a_row_may_be_huge(
    name: EstimatorName, fitted: Callable[[EstimatorName], FittedModel]
) -> None:
    rng = np.random.default_rng(8)
    sign = rng.choice([-1.0, 1.0], (ROWS, FEATURES.shape[1]))
    size = 10.0 ** rng.uniform(-45.0, 38.0, sign.shape)
    assert_parity(fitted(name), (sign * size).astype(np.float32))


def forest_thresholds(model: Any) -> Iterator[tuple[int, float]]:
    for tree in model.regressor.estimators_:
        for feature, threshold in zip(tree.tree_.feature, tree.tree_.threshold, strict=True):
            if feature >= 0:
                yield int(feature), float(threshold)


def xgboost_thresholds(model: Any) -> Iterator[tuple[int, float]]:
    nodes = model.regressor.get_booster().trees_to_dataframe().dropna(subset=["Split"])
    for feature, threshold in zip(nodes["Feature"], nodes["Split"], strict=True):
        yield int(feature.removeprefix("f")), float(threshold)


def lightgbm_thresholds(model: Any) -> Iterator[tuple[int, float]]:
    nodes = model.booster.trees_to_dataframe().dropna(subset=["threshold"])
    for feature, threshold in zip(nodes["split_feature"], nodes["threshold"], strict=True):
        yield int(feature.removeprefix("Column_")), float(threshold)


THRESHOLDS: dict[EstimatorName, Callable[[Any], Iterator[tuple[int, float]]]] = {
    "extra-trees": forest_thresholds,
    "xgboost": xgboost_thresholds,
    "lightgbm": lightgbm_thresholds,
}


@pytest.mark.parametrize("name", TREES)
def test_a_value_may_equal_a_threshold_or_lie_right_beside_it(
    name: EstimatorName, fitted: Callable[[EstimatorName], FittedModel]
) -> None:
    features, thresholds = zip(*THRESHOLDS[name](fitted(name)), strict=True)
    assert len(thresholds) > 150
    rows = places(neighbours(np.array(thresholds)), np.tile(features, 3))
    assert_parity(fitted(name), rows)


def test_lightgbm_takes_the_smallest_values_for_zero(
    fitted: Callable[[EstimatorName], FittedModel],
) -> None:
    thresholds = {threshold for _, threshold in lightgbm_thresholds(fitted("lightgbm"))}
    edge = float(np.float32(1e-35))
    assert {-edge, edge} <= thresholds
    rows = places(neighbours(np.array([-edge, edge])), np.full(6, 3))
    assert_parity(fitted("lightgbm"), rows)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensemble_keeps_the_thresholds_of_its_members(
    name: EstimatorName, fitted: Callable[[EstimatorName], FittedModel]
) -> None:
    model: Any = fitted(name)
    forest, boosted = model.models[1], model.models[2]
    found = [*forest_thresholds(forest), *lightgbm_thresholds(boosted)]
    features, thresholds = zip(*found, strict=True)
    assert_parity(model, places(neighbours(np.array(thresholds)), np.tile(features, 3)))
