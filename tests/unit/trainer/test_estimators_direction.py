"""Classifiers of rises: calibrated probabilities, honest returns, and the same from the graph."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from tickcast_modelkit.features import CORE
from tickcast_trainer.errors import ExportFailed
from tickcast_trainer.estimator_settings import EstimatorName
from tickcast_trainer.estimators import make_estimator
from tickcast_trainer.estimators.direction import FittedDirection, Moves
from tickcast_trainer.export import check_parity, export
from tickcast_trainer.settings import TrainSettings

NAMES: tuple[EstimatorName, ...] = ("logistic", "xgboost-direction")
VOLATILITY = CORE.names.index("realised_volatility_20")
SETTINGS = TrainSettings.model_validate(
    {
        "name": "test",
        "logistic": {"alpha": 10.0},
        "xgboost_direction": {"minimum_leaf_rows": 20, "penalty": 5.0},
    }
)
UP, DOWN = 1.2, 0.8
ROWS = 10_000

Floats = NDArray[np.float32]


def rows(
    count: int, *, seed: int, strength: float = 0.8
) -> tuple[Floats, NDArray[np.float64], NDArray[np.float64]]:
    """Features, returns, and the true probability of a rise behind each of them."""
    random = np.random.default_rng(seed)
    features = random.normal(0.0, 1.0, (count, len(CORE.names))).astype(np.float32)
    features[:, VOLATILITY] = random.uniform(0.005, 0.05, count)
    chance = expit(strength * np.tanh(features[:, 0]) + 0.1)
    rise = random.random(count) < chance
    size = np.where(rise, UP, -DOWN) * random.uniform(0.5, 1.5, count)
    return features, features[:, VOLATILITY] * size, chance


FEATURES, TARGET, _ = rows(12_000, seed=1)


def fit(name: EstimatorName, features: Floats, target: NDArray[np.float64]) -> FittedDirection:
    found = make_estimator(name, SETTINGS).fit(features, target, seed=3)
    assert isinstance(found, FittedDirection)
    return found


@pytest.fixture(scope="module")
def fitted() -> Callable[[EstimatorName], FittedDirection]:
    held: dict[EstimatorName, FittedDirection] = {}

    def get(name: EstimatorName) -> FittedDirection:
        if name not in held:
            held[name] = fit(name, FEATURES, TARGET)
        return held[name]

    return get


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_come_true_within_three_standard_errors(
    name: EstimatorName, fitted: Callable[[EstimatorName], FittedDirection]
) -> None:
    features, target, _ = rows(6_000, seed=2)
    said = fitted(name).probability(features)
    rose = target > 0.0
    for group in np.array_split(np.argsort(said), 5):
        share = rose[group].mean()
        error = np.sqrt(share * (1.0 - share) / len(group))
        assert abs(share - said[group].mean()) < 3.0 * error
    # They tell more than the base rate does: true chances spread from 33% to 71%.
    assert np.mean((said - rose) ** 2) < 0.97 * rose.var()


@pytest.mark.parametrize("name", NAMES)
def test_the_return_is_what_comes_of_it_on_average(
    name: EstimatorName, fitted: Callable[[EstimatorName], FittedDirection]
) -> None:
    features, target, chance = rows(6_000, seed=2)
    predicted = fitted(name).predict(features)
    true = features[:, VOLATILITY] * (chance * UP - (1.0 - chance) * DOWN)
    assert np.corrcoef(predicted, true)[0, 1] > 0.9
    slope = float(predicted @ true / (predicted @ predicted))
    assert slope == pytest.approx(1.0, abs=0.12)
    error = target.std() / np.sqrt(len(target))
    assert abs(predicted.mean() - target.mean()) < 3.0 * error


@pytest.mark.parametrize("name", NAMES)
def test_noise_has_the_base_rate(name: EstimatorName) -> None:
    features, target, _ = rows(6_000, seed=5, strength=0.0)
    said = make_estimator(name, TrainSettings(name="test")).fit(features, target, seed=3)
    assert isinstance(said, FittedDirection)
    fresh, later, _ = rows(4_000, seed=6, strength=0.0)
    assert np.abs(said.probability(fresh) - (later > 0.0).mean()).max() < 0.06


def test_moves_are_means_of_rises_and_of_the_rest() -> None:
    found = Moves.fit(np.array([1.0, 3.0, 0.0, -0.5, -1.0]))
    assert (found.up, found.down) == (2.0, 0.5)
    assert Moves.fit(np.array([1.0])) == Moves(up=1.0, down=0.0)
    assert Moves.fit(np.array([0.0, -1.0])) == Moves(up=0.0, down=0.5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sign", [1.0, -1.0, 0.0])
def test_a_market_of_one_direction_is_fitted_too(name: EstimatorName, sign: float) -> None:
    found = fit(name, FEATURES[:100], sign * np.abs(TARGET[:100]))
    said = found.probability(FEATURES)
    assert (said > 0.9).all() if sign > 0.0 else (said < 0.1).all()
    assert np.isfinite(found.predict(FEATURES)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_target_in_units_of_volatility_changes_nothing(name: EstimatorName) -> None:
    scaled = SETTINGS.model_copy(update={"target": "volatility-scaled"})
    one = export(fit(name, FEATURES[:2_000], TARGET[:2_000]))
    other = export(make_estimator(name, scaled).fit(FEATURES[:2_000], TARGET[:2_000], seed=3))
    assert one.graph == other.graph


@pytest.mark.parametrize("name", NAMES)
def test_a_set_without_volatility_has_moves_of_one_size(name: EstimatorName) -> None:
    found = make_estimator(name, SETTINGS, ["return_1"]).fit(FEATURES, TARGET, seed=3)
    assert isinstance(found, FittedDirection)
    ratio = np.diff(found.predict(FEATURES)) / np.diff(found.probability(FEATURES))
    assert np.nanmedian(ratio) == pytest.approx(found.moves.up + found.moves.down, rel=1e-3)
    assert_parity(found, FEATURES)


def assert_parity(model: FittedDirection, given: Floats) -> None:
    """A leaf that was missed would differ by thousandths, rounding by millionths."""
    exported = export(model)
    probability = exported.probability(given).astype(np.float64)
    assert len(np.unique(probability)) > 20
    assert np.isfinite(probability).all()
    assert np.abs(probability - model.probability(given)).max() <= 1e-6
    error = np.abs(exported.predict(given).astype(np.float64) - model.predict(given))
    assert (error / model.scale.of(given)).max() <= 3e-6


def neighbours(values: NDArray[np.float64]) -> Floats:
    """Return each value (k,) as float32 with the numbers right below and above it (3k,)."""
    nearest, infinity = values.astype(np.float32), np.float32(np.inf)
    return np.concatenate(
        [np.nextafter(nearest, -infinity), nearest, np.nextafter(nearest, infinity)]
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_answers_as_the_model_on_any_finite_row(
    name: EstimatorName, fitted: Callable[[EstimatorName], FittedDirection]
) -> None:
    random = np.random.default_rng(8)
    size = 10.0 ** random.uniform(-45.0, 38.0, (ROWS, FEATURES.shape[1]))
    huge = (random.choice([-1.0, 1.0], size.shape) * size).astype(np.float32)
    limit = np.finfo(np.float32)
    huge[0], huge[1], huge[2], huge[3] = limit.max, limit.min, 0.0, limit.smallest_subnormal
    for given in (FEATURES, huge):
        assert_parity(fitted(name), given)


def test_a_value_may_equal_a_threshold_or_lie_right_beside_it(
    fitted: Callable[[EstimatorName], FittedDirection],
) -> None:
    classifier: Any = fitted("xgboost-direction").classifier
    nodes = classifier.regressor.get_booster().trees_to_dataframe().dropna(subset=["Split"])
    columns = nodes["Feature"].str.removeprefix("f").astype(int).to_numpy()
    values = neighbours(nodes["Split"].to_numpy())
    assert len(columns) > 150
    turn = np.arange(max(ROWS, len(values))) % len(values)
    given = FEATURES[np.random.default_rng(4).integers(0, len(FEATURES), len(turn))].copy()
    given[np.arange(len(turn)), np.tile(columns, 3)[turn]] = values[turn]
    assert_parity(fitted("xgboost-direction"), given)


@pytest.mark.parametrize("name", NAMES)
def test_parity_looks_at_the_probability_too(
    name: EstimatorName, fitted: Callable[[EstimatorName], FittedDirection]
) -> None:
    model = fitted(name)
    exported = export(model)
    deviation = float(TARGET.std())
    parity = check_parity(exported, model, FEATURES, target_deviation=deviation)
    difference = np.abs(exported.probability(FEATURES) - model.probability(FEATURES)).max()
    assert parity.limit >= parity.maximum_difference >= difference * deviation
    other = fit(name, FEATURES, -TARGET)
    swapped = replace(model, platt=replace(model.platt, intercept=model.platt.intercept + 0.01))
    for wrong in (other, swapped):
        with pytest.raises(ExportFailed, match="parity: graph and model were"):
            check_parity(exported, wrong, FEATURES, target_deviation=deviation)


@pytest.mark.parametrize("name", NAMES)
def test_returns_of_minutes_are_no_harder_to_prove(name: EstimatorName) -> None:
    small = FEATURES[:3_000].copy()
    small[:, VOLATILITY] *= np.float32(1e-4)
    target = 1e-4 * TARGET[:3_000]
    model = fit(name, small, target)
    deviation = float(target.std())
    parity = check_parity(export(model), model, small, target_deviation=deviation)
    assert parity.maximum_difference <= parity.limit == pytest.approx(1e-4 * deviation)
