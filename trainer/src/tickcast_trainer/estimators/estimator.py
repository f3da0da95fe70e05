"""What every family has: a way to fit, and a fitted model that becomes a graph."""

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

Parameters: TypeAlias = dict[str, float | int | str]
"""What a fit depends on besides the rows and the seed, by name."""


class FittedModel(Protocol):
    """A model after fitting. Features are finite: modelkit makes no others."""

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return predicted log returns (n,) for features (n, F)."""
        ...

    def to_onnx(self) -> "ModelProto":
        """Return the model as one graph, as ``graph.make_model`` makes it; scaling included."""
        ...


class Estimator(Protocol):
    """A way to fit a model."""

    @property
    def parameters(self) -> Parameters:
        """What the fit depends on besides the rows and the seed."""
        ...

    def fit(
        self, features: NDArray[np.float32], target: NDArray[np.float64], *, seed: int
    ) -> FittedModel:
        """Fit features (n, F), ordered by time, to log returns (n,).

        The same rows and seed give the same model.
        """
        ...
