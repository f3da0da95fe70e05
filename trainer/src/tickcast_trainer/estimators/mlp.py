"""A small neural network."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tickcast_trainer.estimator_settings import MLPSettings
from tickcast_trainer.estimators.estimator import FittedModel, Parameters
from tickcast_trainer.estimators.graph import INPUT_NAME, OUTPUT_NAME, make_model
from tickcast_trainer.estimators.scaling import CENTRED, Scaling
from tickcast_trainer.estimators.threads import one_thread

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True, slots=True)
class MLP:
    """One hidden layer of rectified linear units on standardised features."""

    settings: MLPSettings

    @property
    def parameters(self) -> Parameters:
        """Size of the layer, penalty and length of the descent."""
        return self.settings.model_dump()

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Descend by L-BFGS over all rows at once, in float64 on one thread.

        With the penalty that noise calls for, the descent ends where it does from any beginning;
        the seed changes the last digits.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        settings, scaling = self.settings, Scaling.fit(features)
        # The penalty is for targets of size one; returns are a fiftieth of that.
        unit = float(np.sqrt(np.mean(target**2)))
        network = MLPRegressor(
            hidden_layer_sizes=(settings.units,),
            solver="lbfgs",
            alpha=settings.penalty * np.sqrt(features.size),
            max_iter=settings.rounds,
            random_state=seed,
        )
        with one_thread(), warnings.catch_warnings():
            # The rounds are a parameter: to stop by them is no fault.
            warnings.simplefilter("ignore", ConvergenceWarning)
            network.fit(scaling.apply(features), target / (unit or 1.0))
        return _FittedMLP(scaling=scaling, network=network, unit=unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class _FittedMLP:
    scaling: Scaling
    network: Any
    unit: float

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        predicted = self.network.predict(self.scaling.apply(features))
        return np.asarray(predicted * self.unit, dtype=np.float32)

    def to_onnx(self) -> "ModelProto":
        from onnx import helper

        (hidden, outer), (hidden_bias, outer_bias) = self.network.coefs_, self.network.intercepts_
        constants = {
            "hidden_weights": hidden / self.scaling.deviation[:, None],
            "hidden_bias": hidden_bias,
            "weights": outer * self.unit,
            "bias": outer_bias * self.unit,
        }
        nodes = [
            *self.scaling.nodes(INPUT_NAME),
            helper.make_node("Gemm", [CENTRED, "hidden_weights", "hidden_bias"], ["hidden"]),
            helper.make_node("Relu", ["hidden"], ["active"]),
            helper.make_node("Gemm", ["active", "weights", "bias"], [OUTPUT_NAME]),
        ]
        held = {name: value.astype(np.float32) for name, value in constants.items()}
        return make_model(nodes, {**self.scaling.constants(), **held}, features=len(hidden))
