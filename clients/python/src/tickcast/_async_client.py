"""The asyncio client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from tickcast import _operations
from tickcast._channel import DEFAULT_PATIENCE
from tickcast._connection import Connection, StreamCall
from tickcast._errors import TickcastError
from tickcast._events import PredictionStreamEvent, PriceStreamEvent, SlowReaderPolicy
from tickcast._hedging import Hedging
from tickcast._ingest import IngestResult
from tickcast._interceptors import Interceptor
from tickcast._models import Model, ModelVersion
from tickcast._operations import Operation, UnaryCall
from tickcast._status import from_rpc_error
from tickcast._streams import AsyncEventStream
from tickcast._subscription import (
    Event,
    Predictions,
    Prices,
    StreamKind,
    StreamRequest,
    Subscription,
)
from tickcast._tls import Tls
from tickcast._token import Token
from tickcast._types import (
    Bar,
    BatchItem,
    Features,
    FeatureSet,
    FeatureVector,
    Matrix,
    Prediction,
    PredictionMatrix,
    StreamPosition,
    SymbolSummary,
)

_Result = TypeVar("_Result")


class AsyncClient:
    """A connection to a Tickcast server, for asyncio.

    `target` is host:port, several of them separated by commas, or what gRPC takes as a target; by
    default that of TICKCAST_TARGET, or localhost:50051. Calls are spread over several addresses,
    and over all that a name has in dns:///name:port.

    `tls` encrypts the connection, which is plain without it; `credentials` are those that gRPC has
    beside TLS. `token` goes with every call, as a bearer token, in plain text only within this
    machine or with `insecure_token`. `channels` is how many connections calls and streams take in
    turn; more streams than they take open others. `hedging` sends what takes too long a second
    time. `interceptors` stand around every call, the first outermost.

    `timeout` is for every call that names none, in seconds; by default 2 s, for batches and bars
    10 s. Calls are repeated with growing waits while the server is unavailable, within their
    timeout. They raise `TickcastError`; `ValueError` for what cannot be sent. To be made
    and used within one event loop.
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        tls: Tls | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        token: Token | None = None,
        insecure_token: bool = False,
        timeout: float | None = None,
        channels: int = 1,
        hedging: Hedging | None = None,
        interceptors: Sequence[Interceptor] = (),
    ) -> None:
        self._connection = Connection(
            target,
            credentials=credentials,
            tls=tls,
            token=token,
            insecure_token=insecure_token,
            timeout=timeout,
            channels=channels,
            hedging=hedging,
            interceptors=interceptors,
        )
        self._channels = self._connection.open(grpc.aio)

    @property
    def target(self) -> str:
        """Where the server is, as it was given."""
        return self._connection.target.given

    async def close(self) -> None:
        """Closes every connection; calls and streams that are open end."""
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def predict(
        self,
        symbol: str,
        *,
        model: str,
        timeframe: str | None = None,
        features: Features | None = None,
        bars: Sequence[Bar] | None = None,
        timeout: float | None = None,
    ) -> Prediction:
        """Predicts one symbol from the bars that the server holds, or from what is given.

        `model` is models/{model} for its champion, models/{model}/versions/{version} for a
        version by number or alias. `features` or `bars` take the place of the bars held. A
        `timeframe` is checked against the model's.

        Raises `NotFound` for a model or symbol that is not held, `FailedPrecondition` when there
        are too few bars, `InvalidRequest` for what contradicts the contract.
        """
        return await self._run(
            _operations.predict(
                symbol, model=model, timeframe=timeframe, features=features, bars=bars
            ),
            timeout,
        )

    async def batch_predict(
        self,
        items: Iterable[BatchItem | str],
        *,
        model: str | None = None,
        timeout: float | None = None,
    ) -> list[Prediction | TickcastError]:
        """Predicts many symbols, and answers with a prediction or an error for each, in order.

        An item is a symbol or a `BatchItem`; `model` is that of items that name none. `timeout`
        is for each request of 5,000 items. Raises only what fails as a whole.
        """
        return await self._run(_operations.batch_predict(items, model=model), timeout)

    async def predict_matrix(
        self,
        values: Matrix,
        *,
        model: str,
        as_of_time: datetime,
        timeout: float | None = None,
    ) -> PredictionMatrix:
        """Predicts up to 100,000 rows of features, all as of one time, at once.

        `values` has a row of the model's feature set for each prediction: an array of float32 with
        two dimensions is sent as it is. A tenth of the time of `batch_predict` and less.
        """
        return await self._run(
            _operations.predict_matrix(values, model=model, as_of_time=as_of_time), timeout
        )

    def stream_predictions(
        self,
        model: str,
        *,
        symbols: Sequence[str] = (),
        resume_after: Iterable[StreamPosition] = (),
        snapshot: bool = False,
        heartbeat: timedelta | None = None,
        minimum_move: float = 0.0,
        when_behind: SlowReaderPolicy | None = None,
        patience: timedelta = DEFAULT_PATIENCE,
    ) -> AsyncEventStream[PredictionStreamEvent]:
        """Predictions as bars close: of `symbols`, or of all that the server holds.

        With `snapshot`, begins with the prediction of each symbol's last bar; with `resume_after`,
        after those positions. When the connection breaks, the stream goes on where it was, and
        yields `StreamStarted` again; an outage longer than `patience` raises its error.
        `heartbeat` is the longest silence, 0.1 s to 60 s; 5 s when it is not given. Predictions of
        a return smaller than `minimum_move`, up or down, are left out. `when_behind` says what
        becomes of a reader that is slower than the bars: nothing is missed when it is not given.
        """
        asked = StreamRequest(
            symbols, tuple(resume_after), snapshot, heartbeat, minimum_move, when_behind
        )
        return self._stream(Predictions(model), asked, patience)

    def stream_prices(
        self,
        timeframe: str,
        *,
        symbols: Sequence[str] = (),
        resume_after: Iterable[StreamPosition] = (),
        snapshot: bool = False,
        heartbeat: timedelta | None = None,
        minimum_move: float = 0.0,
        when_behind: SlowReaderPolicy | None = None,
        patience: timedelta = DEFAULT_PATIENCE,
    ) -> AsyncEventStream[PriceStreamEvent]:
        """Bars as they are stored: of `symbols`, or of all that the server holds.

        A reader that falls behind gets the latest bar of each symbol, and a `Gap` that says which
        were left out, unless it asks for another policy. Bars whose close moved less than
        `minimum_move` since the last one sent, as a natural log return, are left out. The other
        parameters are those of `stream_predictions`.
        """
        asked = StreamRequest(
            symbols, tuple(resume_after), snapshot, heartbeat, minimum_move, when_behind
        )
        return self._stream(Prices(timeframe), asked, patience)

    async def ingest_bars(
        self, bars: Iterable[Bar], *, timeout: float | None = None
    ) -> list[IngestResult]:
        """Stores closed bars, oldest first, and answers what became of each, in order.

        Safe to repeat: a bar that is stored already with the same values is acknowledged again.
        `timeout` is for each request of 5,000 bars. Raises `BarsRefused` when any was not stored.
        """
        return await self._run(_operations.ingest_bars(bars), timeout)

    async def list_bars(
        self,
        symbol: str,
        timeframe: str,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        timeout: float | None = None,
    ) -> list[Bar]:
        """The bars held of one symbol, oldest first: open_time from `start` to before `end`."""
        return await self._run(
            _operations.list_bars(symbol, timeframe, start=start, end=end), timeout
        )

    async def list_symbols(
        self, *, timeframe: str | None = None, timeout: float | None = None
    ) -> list[SymbolSummary]:
        """What is held, one for each symbol and timeframe, in alphabetical order."""
        return await self._run(_operations.list_symbols(timeframe), timeout)

    async def get_features(
        self, symbol: str, timeframe: str, *, feature_set: str, timeout: float | None = None
    ) -> FeatureVector:
        """The features of one symbol at its last bar; `feature_set` is featureSets/{id}."""
        return await self._run(
            _operations.get_features(symbol, timeframe, feature_set=feature_set), timeout
        )

    async def list_feature_sets(self, *, timeout: float | None = None) -> list[FeatureSet]:
        """The feature sets that the server can compute, by name."""
        return await self._run(_operations.list_feature_sets(), timeout)

    async def get_feature_set(self, name: str, *, timeout: float | None = None) -> FeatureSet:
        """One feature set: featureSets/{id}."""
        return await self._run(_operations.get_feature_set(name), timeout)

    async def list_models(self, *, timeout: float | None = None) -> list[Model]:
        """The models of the server's repository, by name."""
        return await self._run(_operations.list_models(), timeout)

    async def get_model(self, name: str, *, timeout: float | None = None) -> Model:
        """One model: models/{model}."""
        return await self._run(_operations.get_model(name), timeout)

    async def list_model_versions(
        self, model: str, *, timeout: float | None = None
    ) -> list[ModelVersion]:
        """The versions of models/{model}, newest first, loaded or not."""
        return await self._run(_operations.list_model_versions(model), timeout)

    async def get_model_version(self, name: str, *, timeout: float | None = None) -> ModelVersion:
        """One version: models/{model}/versions/{version}, by number or alias."""
        return await self._run(_operations.get_model_version(name), timeout)

    async def _run(self, operation: Operation[_Result], timeout: float | None) -> _Result:
        response = None
        while True:
            try:
                call = operation.send(response)
            except StopIteration as done:
                result: _Result = done.value
                return result
            response = await self._call(call, timeout)

    async def _call(self, call: UnaryCall, timeout: float | None) -> Any:
        seconds = self._connection.timeout(timeout, call.path)
        hedges = self._connection.hedges
        with self._connection.outgoing(call.path, streaming=False) as metadata:

            def start(seconds: float) -> Any:
                method = self._channels.method(call.path)
                return method(call.request, timeout=seconds, metadata=metadata)

            try:
                if hedges is None or call.writes:
                    return await _answer(start(seconds))
                return await hedges.first_answer_async(start, seconds)
            except grpc.RpcError as error:
                raise from_rpc_error(error, repeated=call.repeated, offset=call.offset) from error

    def _stream(
        self, kind: StreamKind[Event], asked: StreamRequest, patience: timedelta
    ) -> AsyncEventStream[Event]:
        def opened(request: Message) -> StreamCall:
            return StreamCall(self._connection, self._channels, kind.path, request)

        return AsyncEventStream(Subscription(kind, asked, patience=patience), opened)


async def _answer(call: Any) -> Any:
    try:
        return await call
    finally:
        # A task that is cancelled leaves nothing running on the server.
        call.cancel()
