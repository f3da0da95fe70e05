"""Ensembles: members in one graph, and weights from rows that no member was fitted to."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import get_args

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tickcast_trainer.estimator_settings import (
    AverageSettings,
    MemberName,
    RidgeSettings,
    StackSettings,
)
from tickcast_trainer.estimators import Estimator, FittedModel, Parameters, make_estimator
from tickcast_trainer.estimators.ensemble import (
    Average,
    FittedEnsemble,
    Stack,
    stacking_weights,
    walk_forward,
)
from tickcast_trainer.export import export
from tickcast_trainer.settings import TrainSettings

RNG = np.random.default_rng(4)
ROWS = 1200
# The first column numbers the rows, so that whoever sees a row knows which it is.
FEATURES = np.column_stack([np.arange(ROWS), RNG.normal(size=(ROWS, 3))]).astype(np.float32)
TARGET = 0.01 * FEATURES[:, 1].astype(np.float64) + RNG.normal(0.0, 0.01, ROWS)


@dataclass(frozen=True)
class Fixed:
    """Forecasts a column of the features times a factor, whatever it is fitted to."""

    column: int
    factor: float = 0.01

    @property
    def parameters(self) -> Parameters:
        return {"column": self.column}

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        return self

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features[:, self.column] * np.float32(self.factor)

    def to_onnx(self) -> onnx.ModelProto:
        raise NotImplementedError


@dataclass
class Memory:
    """Knows the targets that it was fitted to by heart, and forecasts noise elsewhere."""

    known: dict[int, float] = field(default_factory=dict)

    @property
    def parameters(self) -> Parameters:
        return {}

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        return Memory(dict(zip(features[:, 0].astype(int).tolist(), target.tolist(), strict=True)))

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        noise = np.random.default_rng(len(self.known)).normal(0.0, 0.01, len(features)).tolist()
        rows = features[:, 0].astype(int).tolist()
        known = [self.known.get(row, guess) for row, guess in zip(rows, noise, strict=True)]
        return np.array(known, dtype=np.float32)

    def to_onnx(self) -> onnx.ModelProto:
        raise NotImplementedError


def weights_of(**members: Estimator) -> list[float]:
    model = Stack(members, folds=4, shrinkage=0.0).fit(FEATURES, TARGET, seed=1)
    assert isinstance(model, FittedEnsemble)
    return [float(weight) for weight in model.weights]


def test_the_average_is_the_mean_of_its_members() -> None:
    members = {"one": Fixed(1), "two": Fixed(2), "three": Fixed(3)}
    model = Average(members).fit(FEATURES, TARGET, seed=1)
    mean = 0.01 * FEATURES[:, 1:].astype(np.float64).mean(axis=1)
    assert model.predict(FEATURES) == pytest.approx(mean, abs=1e-8)


def test_the_stack_trusts_the_member_that_knows() -> None:
    knowing, blind = weights_of(knowing=Fixed(1), blind=Fixed(2))
    assert 0.9 < knowing <= 1.0
    assert 0.0 <= blind < 0.1


def test_a_member_that_learned_its_rows_by_heart_is_not_trusted_for_it() -> None:
    # Weights learned from fitted rows would give it everything.
    memory, modest = weights_of(memory=Memory(), modest=Fixed(1, factor=0.005))
    assert memory < 0.1
    assert modest > 0.8


def test_a_stack_of_members_that_know_nothing_forecasts_nearly_nothing() -> None:
    assert sum(weights_of(blind=Fixed(2), backwards=Fixed(1, factor=-0.01))) < 0.1


def test_a_forecast_that_is_too_timid_counts_once_and_no_more() -> None:
    assert sum(weights_of(timid=Fixed(1, factor=0.0001), blind=Fixed(2))) == pytest.approx(1.0)


def test_shrinkage_draws_the_weights_towards_equal_ones() -> None:
    members = {"knowing": Fixed(1), "blind": Fixed(2)}
    free, half, equal = (
        Stack(members, folds=4, shrinkage=shrinkage).fit(FEATURES, TARGET, seed=1)
        for shrinkage in (0.0, 0.5, 1.0)
    )
    assert isinstance(free, FittedEnsemble)
    assert isinstance(half, FittedEnsemble)
    assert isinstance(equal, FittedEnsemble)
    assert equal.weights.tolist() == [0.5, 0.5]
    assert half.weights == pytest.approx((free.weights + 0.5) / 2)


@given(rows=st.integers(100, 5000), folds=st.integers(1, 20))
def test_every_step_forecasts_rows_that_follow_those_trained_on_by_a_block(
    rows: int, folds: int
) -> None:
    steps = list(walk_forward(rows, folds=folds))
    assert len(steps) == folds
    block = rows // (folds + 2)
    for train, test in steps:
        assert train.start == 0
        assert train.stop >= block
        assert test.start - train.stop >= block
        assert test.stop - test.start >= block
    assert steps[-1][1].stop == rows
    assert all(one[1].stop == two[1].start for one, two in pairwise(steps))


@given(seed=st.integers(0, 200), members=st.integers(1, 5), size=st.floats(1e-6, 10.0))
def test_weights_are_at_least_zero_and_add_up_to_at_most_one(
    seed: int, members: int, size: float
) -> None:
    rng = np.random.default_rng(seed)
    outcomes = rng.normal(0.0, 0.02, 300)
    forecasts = size * (rng.normal(size=(300, members)) + rng.uniform(-30, 30) * outcomes[:, None])
    weights = stacking_weights(forecasts, outcomes)
    assert weights.shape == (members,)
    assert (weights >= 0.0).all()
    assert weights.sum() <= 1.0 + 1e-12
    # No other choice errs less: not each member alone, not none, not a mix of these and ours.
    best = np.sum((outcomes - forecasts @ weights) ** 2)
    for other in (*np.eye(members), np.zeros(members), np.full(members, 1.0 / members)):
        for share in (1.0, 0.1, 0.01):
            mixed = (1 - share) * weights + share * other
            assert best <= np.sum((outcomes - forecasts @ mixed) ** 2) * (1.0 + 1e-9)


def test_an_ensemble_of_every_family_is_one_graph() -> None:
    settings = TrainSettings(name="test", average=AverageSettings(members=get_args(MemberName)))
    model = make_estimator("average", settings).fit(FEATURES, TARGET, seed=1)
    exported = export(model)
    graph = onnx.load_from_string(exported.graph).graph
    assert [value.name for value in graph.input] == ["features"]
    assert [value.name for value in graph.output] == ["prediction"]
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("TreeEnsembleRegressor") == 3
    assert kinds[-2:] == ["Concat", "MatMul"]
    assert exported.predict(FEATURES) == pytest.approx(model.predict(FEATURES), abs=5e-8)


def test_parameters_name_the_member_that_they_belong_to() -> None:
    settings = TrainSettings(
        name="test",
        stack=StackSettings(members=("mlp", "ridge"), folds=3),
        ridge=RidgeSettings(alpha=5.0),
    )
    assert make_estimator("stack", settings).parameters == {
        "folds": 3,
        "shrinkage": 0.5,
        "members": "mlp,ridge",
        "mlp.units": 16,
        "mlp.penalty": 1.0,
        "mlp.rounds": 200,
        "ridge.alpha": 5.0,
    }
