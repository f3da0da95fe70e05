"""The families: what each does with the rows that it is fitted to."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tickcast_trainer.estimator_settings import ElasticNetSettings
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.settings import EstimatorName, TrainSettings

SINGLE: tuple[EstimatorName, ...] = (
    "ridge",
    "elastic-net",
    "extra-trees",
    "xgboost",
    "lightgbm",
    "mlp",
)
ALL: tuple[EstimatorName, ...] = (*SINGLE, "average", "stack")
DEFAULTS = TrainSettings(name="test")


def rows(
    count: int, *, signal: float, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return features (n, 12) and targets whose R2 in the first feature is the signal's square."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 12)).astype(np.float32)
    noise = rng.normal(0.0, np.sqrt(1.0 - signal**2), count)
    return features, 0.02 * (signal * features[:, 0] + noise)


def out_of_sample_r2(name: EstimatorName, *, signal: float) -> float:
    model = make_estimator(name, DEFAULTS).fit(*rows(6000, signal=signal, seed=1), seed=7)
    features, target = rows(20_000, signal=signal, seed=2)
    errors = target - model.predict(features)
    return float(1.0 - np.sum(errors**2) / np.sum(target**2))


@pytest.mark.parametrize("name", ALL)
def test_the_defaults_find_a_signal(name: EstimatorName) -> None:
    r2 = out_of_sample_r2(name, signal=0.3)
    assert 0.3 * 0.09 < r2 < 1.02 * 0.09


@pytest.mark.parametrize("name", ALL)
def test_the_defaults_make_little_of_noise(name: EstimatorName) -> None:
    # Least squares without a penalty would have -12 / 6000 = -0.2%.
    assert -0.01 < out_of_sample_r2(name, signal=0.0) <= 0.0


@pytest.mark.parametrize("name", ALL)
def test_a_feature_that_never_moves_does_no_harm(name: EstimatorName) -> None:
    features, target = rows(800, signal=0.3, seed=1)
    features[:, 4] = 0.1
    model = make_estimator(name, DEFAULTS).fit(features, target, seed=7)
    moved = features.copy()
    moved[:, 4] = 0.2
    assert np.isfinite(model.predict(features)).all()
    assert model.predict(moved).tolist() == model.predict(features).tolist()


@pytest.mark.parametrize("name", ALL)
def test_the_fewest_rows_that_a_fold_may_have_are_enough(name: EstimatorName) -> None:
    features, target = rows(100, signal=0.3, seed=1)
    model = make_estimator(name, DEFAULTS).fit(features, target, seed=7)
    assert np.abs(model.predict(features)).max() < 0.05


@pytest.mark.parametrize("name", ALL)
def test_a_market_that_stood_still_is_forecast_to_stand(name: EstimatorName) -> None:
    features, _ = rows(400, signal=0.3, seed=1)
    model = make_estimator(name, DEFAULTS).fit(features, np.zeros(400), seed=7)
    assert np.abs(model.predict(features)).max() < 1e-6


@pytest.mark.parametrize("name", ALL)
def test_what_was_never_seen_is_taken_for_the_nearest_that_was(name: EstimatorName) -> None:
    features, target = rows(800, signal=0.3, seed=1)
    model = make_estimator(name, DEFAULTS).fit(features, target, seed=7)
    edge = np.stack([features.min(axis=0), features.max(axis=0)])
    assert model.predict(edge * np.float32(1e6)).tolist() == model.predict(edge).tolist()


def test_the_elastic_net_drops_features_that_know_nothing() -> None:
    features, target = rows(6000, signal=0.3, seed=1)

    def kept(sparsity: float) -> list[int]:
        settings = TrainSettings(name="test", elastic_net=ElasticNetSettings(sparsity=sparsity))
        model: Any = make_estimator("elastic-net", settings).fit(features, target, seed=7)
        return np.flatnonzero(model.regression.coef_).tolist()

    assert len(kept(0.0)) == 12
    assert 1 < len(kept(1.0)) < 10
    assert kept(5.0) == [0]


def test_without_sparsity_the_elastic_net_is_ridge() -> None:
    features, target = rows(2000, signal=0.3, seed=1)
    settings = TrainSettings(name="test", elastic_net=ElasticNetSettings(sparsity=0.0))
    net = make_estimator("elastic-net", settings).fit(features, target, seed=7)
    ridge = make_estimator("ridge", settings).fit(features, target, seed=7)
    assert net.predict(features) == pytest.approx(ridge.predict(features), abs=1e-6)


@pytest.mark.parametrize("name", SINGLE)
def test_parameters_are_those_of_the_settings(name: EstimatorName) -> None:
    section = getattr(DEFAULTS, name.replace("-", "_"))
    assert make_estimator(name, DEFAULTS).parameters == section.model_dump()
