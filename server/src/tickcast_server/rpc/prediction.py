"""PredictionService."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial

from tickcast.v1 import prediction_service_pb2 as pb

from tickcast_server.feeds.stream import StreamQuery, WhenBehind
from tickcast_server.feeds.streams import Streams
from tickcast_server.rpc import decode, encode
from tickcast_server.rpc.answers import Answers, Basis
from tickcast_server.rpc.batch import batch_response, read_batch
from tickcast_server.rpc.batched import Batcher
from tickcast_server.rpc.call import Call
from tickcast_server.rpc.form import BINARY
from tickcast_server.rpc.prediction_feed import PredictionFeed
from tickcast_server.rpc.violations import Violations
from tickcast_server.serving.batch_predictor import BatchPredictor
from tickcast_server.serving.matrix import MatrixPredictor
from tickcast_server.serving.models import ModelRef, Models
from tickcast_server.serving.predictor import Prediction, Predictor
from tickcast_server.turn import Turn

_BATCHER = Batcher(pb.StreamPredictionsResponse.DESCRIPTOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionServicer:
    """Decodes, asks the predictor, encodes."""

    predictor: Predictor
    batches: BatchPredictor
    matrices: MatrixPredictor
    answers: Answers
    models: Models
    feed: PredictionFeed
    streams: Streams

    def predict_at_once(self, data: bytes, turn: Turn) -> pb.PredictResponse | None:
        held = self.answers.find(data, turn)
        if held is not None:
            return held
        request = BINARY.read(data, pb.PredictRequest)
        if request.HasField("bars"):
            # They take long to read and to compute with: others shall not wait behind them.
            return None
        query = decode.predict_query(request)
        basis = self.answers.basis(query)
        answer = self.predictor.predict_at_once(query, turn)
        return None if answer is None else self._answered(data, basis, answer)

    async def predict(self, request: pb.PredictRequest, call: Call) -> pb.PredictResponse:
        query = decode.predict_query(request)
        basis = self.answers.basis(query)
        answer = await self.predictor.predict(query, call.turn)
        return self._answered(request.SerializeToString(), basis, answer)

    def _answered(
        self, request: bytes, basis: Basis | None, answer: Prediction
    ) -> pb.PredictResponse:
        response = pb.PredictResponse()
        encode.write_prediction(answer, response.prediction)
        if basis is not None:
            self.answers.keep(request, basis, response)
        return response

    async def batch_predict(
        self, request: pb.BatchPredictRequest, call: Call
    ) -> pb.BatchPredictResponse:
        batch, wrong = read_batch(request)
        answer = await self.batches.predict(batch, call.turn)
        call.turn.check()
        return batch_response(answer, wrong, request_id=call.request_id)

    async def predict_matrix(
        self, request: pb.PredictMatrixRequest, call: Call
    ) -> pb.PredictMatrixResponse:
        return encode.matrix(await self.matrices.predict(decode.matrix_query(request), call.turn))

    async def stream_predictions(
        self, request: pb.StreamPredictionsRequest, call: Call
    ) -> AsyncGenerator[bytes]:
        ref, query = self._stream_query(request)
        request_id = call.request_id
        async with self.streams.open(
            query,
            client=call.client,
            connection=call.connection,
            ready=partial(self.feed.is_ready, ref),
            watching=bool(self.models.resolve(ref).feature_set.ranks),
        ) as (stream, batches):
            async for batch in batches:
                responses: Sequence[bytes] = await self.feed.responses(
                    ref, batch, minimum_move=request.minimum_move, request_id=request_id
                )
                if request.batched:
                    responses = _BATCHER.together(responses)
                for response in responses:
                    stream.heard()
                    yield response

    def _stream_query(self, request: pb.StreamPredictionsRequest) -> tuple[ModelRef, StreamQuery]:
        wrong = Violations()
        ref = decode.model_ref(request.model, wrong)
        symbols = decode.symbols(request.symbols, wrong)
        resume_after = decode.resume_positions(request.resume_after, symbols, wrong)
        heartbeat = decode.heartbeat(
            request.heartbeat_interval if request.HasField("heartbeat_interval") else None, wrong
        )
        when_behind = decode.when_behind(request.slow_reader_policy, WhenBehind.CLOSE, wrong)
        decode.minimum_move(request.minimum_move, wrong)
        wrong.check()
        timeframe = self.models.resolve(ref).timeframe
        decode.resume_timeframes(request.resume_after, timeframe, wrong)
        wrong.check()
        return ref, StreamQuery(
            timeframe=timeframe,
            symbols=symbols,
            resume_after=resume_after,
            snapshot=request.snapshot,
            heartbeat=heartbeat,
            when_behind=when_behind,
        )
