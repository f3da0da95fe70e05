"""Golden rows: raw bars with the features and predictions that they gave when the model was made.

Replaying them when a package is loaded warms the model up, and proves at once that bars become the
same features here as in training and that the model file still gives the same answers. Ranks among
symbols are taken as they are stored: a row has the bars of one symbol, not those of its peers.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickcast_modelkit.errors import CorruptPackage, GoldenMismatch, InvalidArray
from tickcast_modelkit.features.feature_set import FeatureSet
from tickcast_modelkit.features.windows import Windows

GOLDEN_FILE = "golden.npz"

# Processors differ in the last bits of a logarithm; anything wider is another definition.
_FEATURE_RELATIVE, _FEATURE_ABSOLUTE = 1e-6, 1e-9
_PREDICTION_RELATIVE, _PREDICTION_ABSOLUTE = 1e-5, 1e-7

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Feature vectors (n, F) to predictions or probabilities (n,), or to ends of intervals (n, 2)."""

_TYPES = {
    "ohlcv": np.dtype(np.float64),
    "open_time": np.dtype(np.int64),
    "features": np.dtype(np.float32),
    "predictions": np.dtype(np.float32),
    "tails": np.dtype(np.float32),
    "probabilities": np.dtype(np.float32),
}
_OPTIONAL = {"tails", "probabilities"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoldenRows:
    """A few dozen rows from bars to predictions. Raises InvalidArray when they do not fit."""

    ohlcv: NDArray[np.float64]
    """Windows of bars, shape (k, W, 5), k at least 1."""

    open_time: NDArray[np.int64]
    """Open times of the bars, seconds since the epoch, shape (k, W)."""

    features: NDArray[np.float32]
    """Shape (k, F): what the bars give, and behind it ranks, if the set has any."""

    predictions: NDArray[np.float32]
    """Shape (k,)."""

    tails: NDArray[np.float32] | None = None
    """Ends of the intervals, shape (k, 2), around the predictions; None when the model has none."""

    probabilities: NDArray[np.float32] | None = None
    """Of a rise, shape (k,), from 0 to 1; None when the model answers none."""

    def __post_init__(self) -> None:
        for name, array in self._arrays().items():
            found, needed = array.dtype, _TYPES[name]
            if found != needed:
                raise InvalidArray(name, was=str(found), needed=str(needed))
        rows = len(Windows(self.ohlcv, self.open_time))
        if rows == 0:
            raise InvalidArray("ohlcv", was="0 rows", needed="at least 1")
        if self.features.ndim != 2 or len(self.features) != rows:
            was = f"shape {self.features.shape}"
            raise InvalidArray("features", was=was, needed=f"shape ({rows}, F)")
        if self.predictions.shape != (rows,):
            was = f"shape {self.predictions.shape}"
            raise InvalidArray("predictions", was=was, needed=f"shape ({rows},)")
        if self.tails is not None:
            _check_tails(self.tails, self.predictions)
        if self.probabilities is not None:
            _check_probabilities(self.probabilities, rows)

    @classmethod
    def make(
        cls,
        feature_set: FeatureSet,
        windows: Windows,
        predict: Predict,
        tails: Predict | None = None,
        probability: Predict | None = None,
        *,
        ranks: NDArray[np.float32] | None = None,
    ) -> GoldenRows:
        """Compute what the windows give: a few dozen, spread over the training rows.

        ``ranks`` (k, R) are those of the rows, for a feature set that has R of them.
        """
        own = feature_set.compute(windows)
        features = own if ranks is None else np.column_stack([own, ranks])
        return cls(
            ohlcv=np.ascontiguousarray(windows.ohlcv),
            open_time=np.ascontiguousarray(windows.open_time),
            features=features,
            predictions=np.asarray(predict(features), dtype=np.float32),
            tails=None if tails is None else np.asarray(tails(features), dtype=np.float32),
            probabilities=None
            if probability is None
            else np.asarray(probability(features), dtype=np.float32),
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> GoldenRows:
        """Read the file's content.

        Raises CorruptPackage.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                held = [name for name in _TYPES if name in arrays or name not in _OPTIONAL]
                return cls(**{name: arrays[name] for name in held})
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise CorruptPackage(
                GOLDEN_FILE,
                was=f"{len(content)} bytes ({error})",
                needed=f"the arrays {', '.join(name for name in _TYPES if name not in _OPTIONAL)}",
            ) from error

    def to_bytes(self) -> bytes:
        """Return the file's content; the same rows give the same bytes."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **self._arrays())
        return buffer.getvalue()

    def replay(
        self,
        feature_set: FeatureSet,
        predict: Predict,
        tails: Predict | None = None,
        probability: Predict | None = None,
    ) -> None:
        """Compute features, predictions, and tails and probabilities if any, again and compare.

        Ranks are not computed again. The model is asked with the stored features, so that a
        mismatch is its own: a tree may turn the last bit of a feature into another leaf. Raises
        GoldenMismatch.
        """
        if feature_set.window != self.ohlcv.shape[1]:
            raise GoldenMismatch(
                f"golden rows: was {self.ohlcv.shape[1]} bars in a window, "
                f"needed {feature_set.window}, as in {feature_set.id}"
            )
        needed = len(feature_set.names)
        if self.features.shape[1] != needed:
            raise GoldenMismatch(
                f"golden rows: was {self.features.shape[1]} features, "
                f"needed {needed}, as in {feature_set.id}"
            )
        features = feature_set.compute(Windows(self.ohlcv, self.open_time))
        self._compare_features(features, feature_set.names)
        _compare(np.asarray(predict(self.features)), self.predictions, "prediction")
        self._replay_optional(tails, self.tails, "tail")
        self._replay_optional(probability, self.probabilities, "probability")

    def _replay_optional(
        self, answer: Predict | None, needed: NDArray[np.float32] | None, name: str
    ) -> None:
        if needed is None:
            return
        if answer is None:
            raise GoldenMismatch(f"golden rows: were with a {name}, needed a model that has one")
        _compare(np.asarray(answer(self.features)), needed, name)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: array for name in _TYPES if (array := getattr(self, name)) is not None}

    def _compare_features(self, features: NDArray[np.float32], names: tuple[str, ...]) -> None:
        stored = self.features[:, : features.shape[1]]
        wrong = _differ(features, stored, _FEATURE_RELATIVE, _FEATURE_ABSOLUTE)
        if wrong.any():
            row, column = np.argwhere(wrong)[0].tolist()
            raise GoldenMismatch(
                f"golden row {row}, feature {names[column]}: was {features[row, column]!s} here, "
                f"needed {stored[row, column]!s}; {int(wrong.sum())} of {wrong.size} differ"
            )


def _check_tails(tails: NDArray[np.float32], predictions: NDArray[np.float32]) -> None:
    rows = len(predictions)
    if tails.shape != (rows, 2):
        raise InvalidArray("tails", was=f"shape {tails.shape}", needed=f"shape ({rows}, 2)")
    outside = ~((tails[:, 0] <= predictions) & (predictions <= tails[:, 1]))
    if outside.any():
        row = int(np.argmax(outside))
        raise InvalidArray(
            f"tails[{row}]", was=f"{tails[row]!s}", needed=f"around {predictions[row]!s}"
        )


def _check_probabilities(probabilities: NDArray[np.float32], rows: int) -> None:
    if probabilities.shape != (rows,):
        was = f"shape {probabilities.shape}"
        raise InvalidArray("probabilities", was=was, needed=f"shape ({rows},)")
    outside = ~((probabilities >= 0.0) & (probabilities <= 1.0))
    if outside.any():
        row = int(np.argmax(outside))
        raise InvalidArray(
            f"probabilities[{row}]", was=str(probabilities[row]), needed="from 0 to 1"
        )


def _compare(found: NDArray[np.float32], needed: NDArray[np.float32], name: str) -> None:
    if found.shape != needed.shape:
        raise GoldenMismatch(
            f"golden rows: was a {name} of shape {found.shape}, needed {needed.shape}"
        )
    wrong = _differ(found, needed, _PREDICTION_RELATIVE, _PREDICTION_ABSOLUTE)
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        raise GoldenMismatch(
            f"golden row {row}, {name}: was {found[row]!s} here, "
            f"needed {needed[row]!s}; {int(wrong.sum())} of {wrong.size} differ"
        )


def _differ(
    found: NDArray[np.float32], needed: NDArray[np.float32], relative: float, absolute: float
) -> NDArray[np.bool_]:
    # Written so that NaN counts as different, for which no comparison holds, and infinity too:
    # the smaller size of the two keeps it out of the tolerance.
    with np.errstate(invalid="ignore"):
        distance = np.abs(found.astype(np.float64) - needed)
        size = np.minimum(np.abs(found), np.abs(needed))
        return ~(distance <= absolute + relative * size)
