"""A target in units of volatility: rows count alike, and the model predicts a return again."""

import numpy as np
import pytest
from tickcast_modelkit.features import CORE
from tickcast_trainer.errors import InvalidSettings
from tickcast_trainer.estimator_settings import EstimatorName, RidgeSettings
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.estimators.catalog import VOLATILITY
from tickcast_trainer.export import export
from tickcast_trainer.settings import TrainSettings

COLUMN = CORE.names.index(VOLATILITY)
ROWS = 12_000


def panel(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Half the rows are calm and half are five times as restless; one feature tells."""
    random = np.random.default_rng(seed)
    features = random.normal(0.0, 1.0, (ROWS, len(CORE.names))).astype(np.float32)
    volatility = np.where(random.random(ROWS) < 0.5, 0.02, 0.1)
    features[:, COLUMN] = volatility
    target = volatility * (0.3 * features[:, 0] + random.normal(0.0, 1.0, ROWS))
    return features, target


def settings(target: str, **sections: object) -> TrainSettings:
    return TrainSettings.model_validate({"name": "test", "target": target, **sections})


def test_calm_rows_are_forecast_as_well_as_restless_ones() -> None:
    features, target = panel()
    calm = features[:, COLUMN] < 0.05
    errors = {}
    for kind in ("log-return", "volatility-scaled"):
        estimator = make_estimator("ridge", settings(kind, ridge=RidgeSettings(alpha=1.0)))
        predicted = estimator.fit(features[:6_000], target[:6_000], seed=1).predict(
            features[6_000:]
        )
        error = (target[6_000:] - predicted)[calm[6_000:]]
        errors[kind] = float((error**2).mean() / (target[6_000:][calm[6_000:]] ** 2).mean())
    assert errors["volatility-scaled"] == pytest.approx(1 - 0.09 / 1.09, abs=0.02)
    # Fitted to both kinds at once, it is worse than no forecast on the calm ones.
    assert errors["log-return"] > 1.1


@pytest.mark.parametrize("name", ["ridge", "xgboost", "lightgbm", "mlp", "average"])
def test_the_graph_undoes_the_scaling(name: EstimatorName) -> None:
    features, target = panel()
    features[::7, COLUMN] = 0.0
    model = make_estimator(name, settings("volatility-scaled")).fit(features, target, seed=1)
    exported = export(model)
    difference = np.abs(exported.predict(features).astype(np.float64) - model.predict(features))
    assert difference.max() < 1e-6 * np.abs(target).max()
    assert np.abs(model.predict(features)).max() < np.abs(target).max()
    again = make_estimator(name, settings("volatility-scaled")).fit(features, target, seed=1)
    assert export(again).graph == exported.graph


def test_a_set_without_volatility_is_refused_by_name() -> None:
    with pytest.raises(InvalidSettings, match=f"needed a feature set with {VOLATILITY}"):
        make_estimator("ridge", settings("volatility-scaled"), ["return_1"])


def test_the_manifest_tells_of_it() -> None:
    assert "target" not in make_estimator("ridge", settings("log-return")).parameters
    scaled = make_estimator("ridge", settings("volatility-scaled"))
    assert scaled.parameters["target"] == "volatility-scaled"
