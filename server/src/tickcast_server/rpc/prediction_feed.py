"""Events of a prediction stream to its responses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tickcast.v1 import prediction_service_pb2 as pb

from tickcast_server.errors import TickcastError
from tickcast_server.feeds.leaving_out import LeavingOutObserver, LeftOut, count_gaps
from tickcast_server.feeds.stream import ClosedBar, Event, Gap, Heartbeat, Started
from tickcast_server.rpc import encode
from tickcast_server.rpc.published import Message, Outcome, Published
from tickcast_server.rpc.status import status_of
from tickcast_server.serving.batch_predictor import BatchPredictor
from tickcast_server.serving.model import LoadedModel
from tickcast_server.serving.models import ModelRef, Models
from tickcast_server.serving.predictor import HeldBars, Prediction, PredictQuery
from tickcast_server.store.memory import Memory
from tickcast_server.store.store import SeriesKey
from tickcast_server.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionFeed:
    """What all streams of predictions share: the bars of a batch are predicted together."""

    batches: BatchPredictor
    models: Models
    memory: Memory
    published: Published
    observer: LeavingOutObserver
    now: Callable[[], float]

    def is_ready(self, ref: ModelRef, key: SeriesKey, sequence: int) -> bool:
        """Whether a bar need not wait for those of other symbols."""
        try:
            model = self.models.resolve(ref)
        except TickcastError:
            # Its refusal says why.
            return True
        return self.memory.section_ready(key, model.feature_set, sequence)

    async def responses(
        self, ref: ModelRef, batch: Sequence[Event], *, minimum_move: float, request_id: str
    ) -> list[bytes]:
        """What is sent of a batch, in its order, encoded."""
        bars = [event for event in batch if isinstance(event, ClosedBar)]
        outcomes = iter(await self._about(ref, bars))
        count_gaps(batch, self.observer)
        responses = []
        for event in batch:
            if not isinstance(event, ClosedBar):
                responses.append(self._sign(event).SerializeToString())
                continue
            outcome = next(outcomes)
            if event.position.epoch != self.memory.epoch:
                # Of a store that was replaced meanwhile: the gap that follows stands for it.
                continue
            if isinstance(outcome, TickcastError):
                responses.append(_refusal(event, outcome, request_id).SerializeToString())
            elif outcome.move >= minimum_move:
                responses.append(outcome.content)
            else:
                self.observer.bars_left_out(LeftOut.SMALL_MOVE, 1)
        return responses

    async def _about(self, ref: ModelRef, bars: Sequence[ClosedBar]) -> Sequence[Outcome]:
        if not bars:
            return []
        try:
            model = self.models.resolve(ref)
        except TickcastError as error:
            return [error] * len(bars)
        make = partial(self._predict, model)
        return await self.published.about(bars, of=model.name, source=model, make=make)

    async def _predict(self, model: LoadedModel, bars: Sequence[ClosedBar]) -> list[Outcome]:
        # The version is named, so that an alias that moves meanwhile changes nothing.
        ref = ModelRef(model.manifest.name, str(model.manifest.version))
        queries = [
            PredictQuery(
                model=ref,
                symbol=bar.key.symbol,
                timeframe=bar.key.timeframe,
                source=HeldBars(sequence=bar.position.sequence),
            )
            for bar in bars
        ]
        answers = await self.batches.predict_many(queries, Turn())
        return [
            answer if isinstance(answer, TickcastError) else _message(bar, answer)
            for bar, answer in zip(bars, answers, strict=True)
        ]

    def _sign(self, event: Started | Gap | Heartbeat) -> pb.StreamPredictionsResponse:
        match event:
            case Started():
                return pb.StreamPredictionsResponse(started=encode.started(event))
            case Gap():
                return pb.StreamPredictionsResponse(
                    gap=encode.gap(event), position=encode.position(event.key, event.position)
                )
            case _:
                return pb.StreamPredictionsResponse(heartbeat=encode.heartbeat(event, self.now()))


def _message(bar: ClosedBar, answer: Prediction) -> Message:
    response = pb.StreamPredictionsResponse()
    encode.write_prediction(answer, response.prediction)
    encode.write_position(bar.key, bar.position, response.position)
    return Message(response.SerializeToString(), abs(answer.outlook.predicted))


def _refusal(bar: ClosedBar, error: TickcastError, request_id: str) -> pb.StreamPredictionsResponse:
    return pb.StreamPredictionsResponse(
        refusal=pb.PredictionRefusal(
            symbol=bar.key.symbol, error=status_of(error, request_id=request_id)
        ),
        position=encode.position(bar.key, bar.position),
    )
