"""Many rows of features at once: no object of its own for any of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickcast_server.errors import InvalidRequest
from tickcast_server.serving.finite import check_finite
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import ModelRef, Models
from tickcast_server.serving.outlook import Outlooks, outlooks_of
from tickcast_server.serving.runs import RunObserver, run_rows
from tickcast_server.turn import Stage, Turn

MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatrixQuery:
    """What to predict."""

    model: ModelRef
    values: NDArray[np.float32]
    """All features, row by row, (n * F,)."""

    as_of_time: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatrixPrediction:
    """The predictions of all rows, and what they have in common. Times in epoch seconds."""

    model: LoadedModel
    as_of_time: int
    outlooks: Outlooks

    @property
    def target_time(self) -> int:
        return self.as_of_time + self.model.horizon_seconds


class MatrixPredictor:
    """Answers matrices. Used by one event loop."""

    def __init__(self, models: Models, *, observer: RunObserver) -> None:
        self._models = models
        self._observer = observer

    async def predict(self, query: MatrixQuery, turn: Turn) -> MatrixPrediction:
        """All rows in one run of the model.

        Raises the errors of `Models.resolve`, `InvalidRequest` and, before the model is run,
        `NobodyWaits`.
        """
        model = self._models.resolve(query.model)
        rows = _rows_of(query.values, model)
        turn.model_version = model.name
        turn.end(Stage.FEATURES)
        turn.check()
        answers = await run_rows(model, rows, self._observer)
        turn.end(Stage.INFERENCE)
        return MatrixPrediction(
            model=model, as_of_time=query.as_of_time, outlooks=outlooks_of(model, rows, answers)
        )


def _rows_of(values: NDArray[np.float32], model: LoadedModel) -> NDArray[np.float32]:
    if len(values) % model.features:
        raise InvalidRequest.of(
            "packed_values",
            f"was {len(values)} values, needed a multiple of {model.features}: rows of "
            f"{model.feature_set_name}",
            "FEATURE_COUNT_MISMATCH",
        )
    rows = values.reshape(-1, model.features)
    if len(rows) > MOST_ROWS:
        raise InvalidRequest.of(
            "packed_values", f"was {len(rows)} rows, needed at most {MOST_ROWS}", "BATCH_TOO_LARGE"
        )
    check_finite(rows, "packed_values", model.feature_set.names)
    return rows
