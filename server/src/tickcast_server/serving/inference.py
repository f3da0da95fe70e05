"""Tensors in, tensors out: models for callers who bring arrays and read arrays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tickcast_server.errors import TickcastError
from tickcast_server.serving.batch_predictor import BatchPredictor
from tickcast_server.serving.batching import Batching
from tickcast_server.serving.finite import check_finite
from tickcast_server.serving.foreign import ForeignModel
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import ModelRef
from tickcast_server.serving.predictor import HeldBars, Prediction, Predictor, PredictQuery
from tickcast_server.serving.runs import run_rows
from tickcast_server.serving.session import Answer
from tickcast_server.turn import Stage, Turn

Arrays = Mapping[str, NDArray[Any]]


class RunObserver(Protocol):
    """Counts runs."""

    def inference(self, model: LoadedModel | ForeignModel, rows: int, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """Runs models on tensors. Used by one event loop."""

    predictor: Predictor
    batches: BatchPredictor
    batching: Batching
    observer: RunObserver

    async def of_tensors(
        self,
        model: LoadedModel | ForeignModel,
        inputs: Arrays,
        outputs: Sequence[str],
        turn: Turn,
    ) -> Arrays:
        """Outputs by name, at least those asked for; inputs are as the model's signature says.

        Raises `InvalidRequest` for values that the model cannot compute with.
        """
        if isinstance(model, ForeignModel):
            turn.model_version = model.name
            turn.end(Stage.FEATURES)
            found = await self._foreign(model, inputs, outputs)
        else:
            features = _features(model, inputs, turn)
            found = model.session.tensors(await self._answers(model, features))
        turn.end(Stage.INFERENCE)
        return found

    def of_row(self, model: LoadedModel, inputs: Arrays, turn: Turn) -> Arrays:
        """All outputs for one row (1, F), without a wait: for a model that gathers none.

        Raises `InvalidRequest` for values that the model cannot compute with.
        """
        features = _features(model, inputs, turn)
        answer = self.batching.run_one(model, features[0])
        turn.end(Stage.INFERENCE)
        return model.session.tensors([answer])

    async def of_symbols(
        self, model: LoadedModel, symbols: Sequence[str], turn: Turn
    ) -> tuple[Arrays, Sequence[Prediction]]:
        """What the model says of the last bars of these symbols, and the predictions it is part of.

        Raises the first error of a symbol, as `Predictor.predict` does.
        """
        name, _, version = model.name.removeprefix("models/").partition("/versions/")
        queries = [
            PredictQuery(
                model=ModelRef(name, version), symbol=symbol, timeframe=None, source=HeldBars()
            )
            for symbol in symbols
        ]
        if len(queries) == 1:
            predictions = [await self.predictor.predict(queries[0], turn)]
        else:
            predictions = _all_or_error(await self.batches.predict_many(queries, turn))
        return model.session.tensors([_answer(one) for one in predictions]), predictions

    async def _answers(self, model: LoadedModel, rows: NDArray[np.float32]) -> list[Answer]:
        # One row by the same way as in Predict, many as in BatchPredict: the same bits.
        if len(rows) == 1:
            return [await self.batching.run(model, rows[0])]
        return (await run_rows(model, rows, self.observer)).each()

    async def _foreign(self, model: ForeignModel, inputs: Arrays, outputs: Sequence[str]) -> Arrays:
        # What such a graph costs nobody knows: it must not hold up the others.
        began = time.perf_counter()
        answers = await asyncio.to_thread(model.run, inputs, outputs)
        rows = max((len(array) for array in inputs.values() if array.ndim), default=1)
        self.observer.inference(model, rows, time.perf_counter() - began)
        return dict(zip(outputs, answers, strict=True))


def _features(model: LoadedModel, inputs: Arrays, turn: Turn) -> NDArray[np.float32]:
    turn.model_version = model.name
    (features,) = inputs.values()
    check_finite(features, "inputs.features", model.feature_set.names)
    turn.end(Stage.FEATURES)
    return features


def _answer(prediction: Prediction) -> Answer:
    outlook = prediction.outlook
    return Answer(outlook.predicted, (outlook.lower, outlook.upper), outlook.rise)


def _all_or_error(outcomes: Sequence[Prediction | TickcastError]) -> list[Prediction]:
    predictions = []
    for outcome in outcomes:
        if isinstance(outcome, TickcastError):
            raise outcome
        predictions.append(outcome)
    return predictions
