"""Quantiles beside any model: what they learn, and that the graph answers the same."""

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from tickcast_trainer.estimator_settings import EstimatorName, QuantileSettings
from tickcast_trainer.estimators import FittedModel, make_estimator
from tickcast_trainer.estimators.quantiles import FittedTails, QuantileTails
from tickcast_trainer.export import OnnxModel, check_parity, export
from tickcast_trainer.settings import TrainSettings

VOLATILITY = 2
ROWS = 10_000
CORRECTIONS = (-0.125, 0.0625)
SETTINGS = QuantileSettings(trees=80, tail_rows=5)

Floats = NDArray[np.float32]


def rows(count: int, *, seed: int) -> tuple[Floats, NDArray[np.float64]]:
    """Features, and returns whose skew turns with the sign of the first."""
    random = np.random.default_rng(seed)
    features = random.normal(0.0, 1.0, (count, 8)).astype(np.float32)
    features[:, 3] = random.choice([-1e-30, 0.0, 1e-30], count)
    features[:, VOLATILITY] = random.uniform(0.005, 0.05, count)
    noise = np.where(features[:, 0] > 0.0, 1.0, -1.0) * (random.exponential(1.0, count) - 1.0)
    return features, features[:, VOLATILITY] * noise


FEATURES, TARGET = rows(6_000, seed=3)


def fit_tails(volatility: int | None = VOLATILITY, *, seed: int = 1) -> FittedTails:
    tails = QuantileTails(settings=SETTINGS, coverage=0.9, volatility=volatility)
    return tails.fit(FEATURES, TARGET, seed=seed).corrected(CORRECTIONS)


@pytest.fixture(scope="module")
def tails() -> FittedTails:
    return fit_tails()


@pytest.fixture(scope="module")
def model() -> FittedModel:
    settings = TrainSettings.model_validate({"name": "test", "lightgbm": {"penalty": 1.0}})
    return make_estimator("lightgbm", settings).fit(FEATURES, TARGET, seed=1)


def assert_parity(model: FittedModel, tails: FittedTails, given: Floats) -> None:
    """A leaf that was missed would differ by hundredths of the scale, rounding by millionths."""
    native = tails.ends(given, model.predict(given))
    exported = export(model, tails)
    difference = np.abs(exported.tails(given).astype(np.float64) - native)
    assert np.isfinite(native).all()
    assert len(np.unique(native)) > 20
    assert (difference / tails.scale.of(given)[:, None]).max() <= 3e-6
    singles = np.concatenate([exported.tails(given[row : row + 1]) for row in range(300)])
    assert np.abs(singles - native[:300]).max() <= 3e-6 * tails.scale.of(given[:300]).max()
    # The prediction is the same number as without tails.
    assert np.array_equal(exported.predict(given), export(model).predict(given))


def test_each_tail_is_as_long_as_the_skew_makes_it() -> None:
    defaults = QuantileTails(settings=QuantileSettings(), coverage=0.9, volatility=VOLATILITY)
    features, _ = rows(4_000, seed=9)
    fitted = defaults.fit(*rows(12_000, seed=2), seed=1)
    ends = fitted.quantiles(features) / features[:, [VOLATILITY]]
    right = features[:, 0] > 0.0
    # Of an exponential distribution less its mean: -0.95 at 5%, and 2.0 at 95%.
    long, short = -np.log(0.05) - 1.0, np.log(0.95) + 1.0
    assert np.median(ends[right], axis=0) == pytest.approx([-short, long], abs=0.2)
    assert np.median(ends[~right], axis=0) == pytest.approx([-long, short], abs=0.2)


def test_corrections_are_added_in_units_of_the_scale(tails: FittedTails) -> None:
    plain = tails.corrected((0.0, 0.0)).quantiles(FEATURES).astype(np.float64)
    moved = plain + np.array(CORRECTIONS) * tails.scale.of(FEATURES)[:, None]
    assert np.abs(tails.quantiles(FEATURES) - moved).max() < 1e-7


def test_without_volatility_quantiles_are_those_of_the_return() -> None:
    plain = fit_tails(None)
    assert (plain.scale.of(FEATURES) == 1.0).all()
    held = (plain.quantiles(FEATURES)[:, 0] < TARGET).mean()
    assert held > 0.93


@pytest.mark.parametrize("name", ["ridge", "xgboost", "mlp", "average"])
@pytest.mark.parametrize("target", ["log-return", "volatility-scaled"])
def test_any_model_may_have_tails(name: EstimatorName, target: str, tails: FittedTails) -> None:
    settings = TrainSettings.model_validate({"name": "test", "target": target})
    names = [f"feature_{column}" for column in range(FEATURES.shape[1])]
    names[VOLATILITY] = "realised_volatility_20"
    model = make_estimator(name, settings, names).fit(FEATURES, TARGET, seed=1)
    assert_parity(model, tails, FEATURES)
    deviation = float(TARGET.std())
    parity = check_parity(
        export(model, tails), model, FEATURES, tails=tails, target_deviation=deviation
    )
    assert parity.maximum_difference <= parity.limit == pytest.approx(1e-4 * deviation)


def test_a_set_without_volatility_has_a_graph_too(model: FittedModel) -> None:
    assert_parity(model, fit_tails(None), FEATURES)


def test_the_graph_has_two_outputs_and_the_same_bytes_each_time(model: FittedModel) -> None:
    first, second = (export(model, fit_tails()).graph for _ in range(2))
    assert first == second
    assert export(model, fit_tails(seed=2)).graph != first
    shapes = {
        output.name: [item.dim_value for item in output.type.tensor_type.shape.dim]
        for output in onnx.load_from_string(first).graph.output
    }
    assert shapes == {"prediction": [0, 1], "tails": [0, 2]}


def neighbours(values: NDArray[np.float64]) -> Floats:
    """Return each value (k,) as float32 with the numbers right below and above it (3k,)."""
    nearest, infinity = values.astype(np.float32), np.float32(np.inf)
    return np.concatenate(
        [np.nextafter(nearest, -infinity), nearest, np.nextafter(nearest, infinity)]
    )


def test_a_value_may_equal_a_threshold_or_lie_right_beside_it(
    model: FittedModel, tails: FittedTails
) -> None:
    grown: list[Any] = [tails.lower, tails.upper]
    found = [
        (int(node.split_feature.removeprefix("Column_")), float(node.threshold))
        for part in grown
        for node in part.booster.trees_to_dataframe().dropna(subset=["threshold"]).itertuples()
    ]
    assert len(found) > 150
    columns, thresholds = (np.array(part) for part in zip(*found, strict=True))
    values, places = neighbours(thresholds), np.tile(columns, 3)
    turn = np.arange(max(ROWS, len(values))) % len(values)
    given = FEATURES[np.random.default_rng(4).integers(0, len(FEATURES), len(turn))].copy()
    given[np.arange(len(turn)), places[turn]] = values[turn]
    assert_parity(model, tails, given)


def test_any_finite_row_has_finite_ends(model: FittedModel, tails: FittedTails) -> None:
    random = np.random.default_rng(8)
    size = 10.0 ** random.uniform(-45.0, 38.0, (ROWS, FEATURES.shape[1]))
    huge = (random.choice([-1.0, 1.0], size.shape) * size).astype(np.float32)
    limit = np.finfo(np.float32)
    huge[0], huge[1], huge[2], huge[3] = limit.max, limit.min, 0.0, limit.smallest_subnormal
    assert_parity(model, tails, huge)


def linear(weight: float) -> "Constant":
    return Constant(np.float32(weight))


class Constant:
    """A model that answers with one feature times a weight."""

    def __init__(self, weight: np.float32) -> None:
        self.weight = weight

    def predict(self, features: Floats) -> Floats:
        return features[:, 0] * self.weight

    def to_onnx(self) -> onnx.ModelProto:
        from tickcast_trainer.estimators.graph import make_model

        weights = np.zeros((FEATURES.shape[1], 1), dtype=np.float32)
        weights[0] = self.weight
        node = onnx.helper.make_node("MatMul", ["features", "weights"], ["prediction"])
        return make_model([node], {"weights": weights}, features=len(weights))


@pytest.mark.parametrize("crossed", [(1.0, 2.0), (-2.0, -1.0), (1.0, -1.0)])
def test_an_end_that_crosses_is_moved_to_the_prediction(
    crossed: tuple[float, float], tails: FittedTails
) -> None:
    both = FittedTails(
        lower=linear(crossed[0]),
        upper=linear(crossed[1]),
        scale=tails.scale,
        corrections=(0.0, 0.0),
    )
    model = linear(0.0)
    exported: OnnxModel = export(model, both)
    prediction, ends = exported.predict(FEATURES), exported.tails(FEATURES)
    assert (ends[:, 0] <= prediction).all()
    assert (prediction <= ends[:, 1]).all()
    assert np.array_equal(ends, both.ends(FEATURES, model.predict(FEATURES)))
    quantiles = both.quantiles(FEATURES)
    assert np.array_equal(ends[:, 0], np.minimum(quantiles[:, 0], 0.0))
    assert np.array_equal(ends[:, 1], np.maximum(quantiles[:, 1], 0.0))
    # Some rows cross and some do not, as the feature has both signs.
    assert 0 < np.sum(ends[:, 0] == prediction) < len(FEATURES)
