"""Features on one scale, held inside what was seen in training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto

CENTRED = "centred"
"""Name of what the nodes of a scaling end with, float32 [N, F]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """Holds features between the extremes of the training rows, then standardises them.

    Weights say nothing of what lies outside the training rows: without the hold, one feature far
    out of range would make a price of any size, and a huge one no number at all. Trees need none.
    """

    low: NDArray[np.float32]
    """(F,): least value of each feature in the training rows."""

    high: NDArray[np.float32]
    """(F,): greatest value of each feature in the training rows."""

    mean: NDArray[np.float64]
    """(F,)."""

    deviation: NDArray[np.float64]
    """(F,): standard deviation, 1 for a feature that is constant."""

    @classmethod
    def fit(cls, features: NDArray[np.float32]) -> "Scaling":
        """Measure the training rows (n, F), in float64, as long sums lose digits in float32."""
        from sklearn.preprocessing import StandardScaler

        # It knows a constant column from one whose deviation is a rounding error.
        scaler = StandardScaler().fit(features.astype(np.float64))
        return cls(
            low=features.min(axis=0),
            high=features.max(axis=0),
            mean=scaler.mean_,
            deviation=scaler.scale_,
        )

    def apply(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return features (n, F) held and standardised."""
        held = np.clip(features, self.low, self.high).astype(np.float64)
        return (held - self.mean) / self.deviation

    def nodes(self, features: str) -> "list[NodeProto]":
        """Return the nodes from ``features`` to ``centred``: held, less their mean.

        What follows divides its weights by ``deviation``, which saves a node.
        """
        from onnx import helper

        return [
            helper.make_node("Max", [features, "low"], ["not_below"]),
            helper.make_node("Min", ["not_below", "high"], ["held"]),
            helper.make_node("Sub", ["held", "mean"], [CENTRED]),
        ]

    def constants(self) -> dict[str, NDArray[np.float32]]:
        """Return the constants of the nodes, by name."""
        return {"low": self.low, "high": self.high, "mean": self.mean.astype(np.float32)}
