"""What a client can ask, without saying how a call is made: the one definition of both clients.

An operation is a generator: it yields calls, is sent their responses, and returns plain values.
`Client` runs it on a blocking channel, `AsyncClient` on an asyncio one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from google.protobuf.message import Message

from tickcast import _decode, _encode
from tickcast._errors import TickcastError
from tickcast._ingest import BarsRefused, IngestResult
from tickcast._models import Model, ModelVersion
from tickcast._types import (
    Bar,
    BatchItem,
    Features,
    FeatureSet,
    FeatureVector,
    Matrix,
    Prediction,
    PredictionMatrix,
    SymbolSummary,
)
from tickcast.v1 import (
    feature_service_pb2,
    market_data_service_pb2,
    model_service_pb2,
    prediction_service_pb2,
)

_MOST_ITEMS = 5_000
"""Bars or batch items that the contract allows in one request."""


@dataclass(frozen=True, slots=True)
class UnaryCall:
    """One call to make."""

    service: str
    """Name of the service, for example "PredictionService"."""

    method: str
    """Name of the method, for example "Predict"."""

    request: Message
    """What to send."""

    repeated: str = ""
    """The repeated field that the caller's items are in, when they are sent in several requests."""

    offset: int = 0
    """Place of this request's first item among the caller's."""

    writes: bool = False
    """Whether the server holds more afterwards, so that the call is not sent twice at once."""

    @property
    def path(self) -> str:
        """The method as gRPC names it."""
        return f"/tickcast.v1.{self.service}/{self.method}"


_Result = TypeVar("_Result")
_Item = TypeVar("_Item")

Operation: TypeAlias = Generator[UnaryCall, Any, _Result]
"""Yields calls and is sent the response of each."""


def predict(
    symbol: str,
    *,
    model: str,
    timeframe: str | None,
    features: Features | None,
    bars: Sequence[Bar] | None,
) -> Operation[Prediction]:
    """One symbol."""
    if features is not None and bars is not None:
        raise ValueError("features, bars: were both given, needed one of them or neither")
    request = prediction_service_pb2.PredictRequest(
        model=model,
        symbol=symbol,
        timeframe=timeframe or "",
        features=_encode.inline_features(features),
        bars=_encode.inline_bars(bars),
    )
    response = yield UnaryCall("PredictionService", "Predict", request)
    return _decode.prediction(response.prediction)


def batch_predict(
    items: Iterable[BatchItem | str], *, model: str | None
) -> Operation[list[Prediction | TickcastError]]:
    """Many symbols, in as many requests as it takes."""
    results: list[Prediction | TickcastError] = []
    for offset, chunk in _chunks(items):
        request = prediction_service_pb2.BatchPredictRequest(
            model=model or "",
            items=[
                _encode.batch_item(item, f"items[{offset + index}]")
                for index, item in enumerate(chunk)
            ],
        )
        response = yield UnaryCall("PredictionService", "BatchPredict", request, "items", offset)
        results += [_decode.batch_result(item, offset=offset) for item in response.results]
    return results


def predict_matrix(
    values: Matrix, *, model: str, as_of_time: datetime
) -> Operation[PredictionMatrix]:
    """Many rows of features."""
    request = prediction_service_pb2.PredictMatrixRequest(
        model=model,
        packed_values=_encode.matrix(values),
        as_of_time=_encode.instant(as_of_time, "as_of_time"),
    )
    return _decode.prediction_matrix(
        (yield UnaryCall("PredictionService", "PredictMatrix", request))
    )


def ingest_bars(bars: Iterable[Bar]) -> Operation[list[IngestResult]]:
    """Bars, in as many requests as it takes. Raises `BarsRefused`."""
    given = list(bars)
    results: list[IngestResult] = []
    for offset, chunk in _chunks(given):
        messages = [_encode.bar(bar, f"bars[{offset + index}]") for index, bar in enumerate(chunk)]
        request = market_data_service_pb2.IngestBarsRequest(bars=messages)
        response = yield UnaryCall(
            "MarketDataService", "IngestBars", request, "bars", offset, writes=True
        )
        results += [_decode.ingest_result(item, offset=offset) for item in response.results]
        # To go on would store bars behind a refused one, and make that one impossible.
        if any(result.error for result in results):
            raise BarsRefused(results, given=len(given))
    return results


def list_bars(
    symbol: str, timeframe: str, *, start: datetime | None, end: datetime | None
) -> Operation[list[Bar]]:
    """All pages."""

    def call(token: str) -> UnaryCall:
        request = market_data_service_pb2.ListBarsRequest(
            symbol=symbol,
            timeframe=timeframe,
            start_time=_encode.optional_instant(start, "start"),
            end_time=_encode.optional_instant(end, "end"),
            page_size=5_000,
            page_token=token,
        )
        return UnaryCall("MarketDataService", "ListBars", request)

    messages = yield from _pages(call, "bars")
    return [_decode.bar(message) for message in messages]


def list_symbols(timeframe: str | None) -> Operation[list[SymbolSummary]]:
    """All pages."""

    def call(token: str) -> UnaryCall:
        request = market_data_service_pb2.ListSymbolsRequest(
            timeframe=timeframe or "", page_size=5_000, page_token=token
        )
        return UnaryCall("MarketDataService", "ListSymbols", request)

    messages = yield from _pages(call, "symbols")
    return [_decode.symbol_summary(message) for message in messages]


def get_features(symbol: str, timeframe: str, *, feature_set: str) -> Operation[FeatureVector]:
    """One vector."""
    request = feature_service_pb2.GetFeaturesRequest(
        symbol=symbol, timeframe=timeframe, feature_set=feature_set
    )
    response = yield UnaryCall("FeatureService", "GetFeatures", request)
    return _decode.feature_vector(response.feature_vector)


def list_feature_sets() -> Operation[list[FeatureSet]]:
    """All pages."""

    def call(token: str) -> UnaryCall:
        request = feature_service_pb2.ListFeatureSetsRequest(page_size=1_000, page_token=token)
        return UnaryCall("FeatureService", "ListFeatureSets", request)

    messages = yield from _pages(call, "feature_sets")
    return [_decode.feature_set(message) for message in messages]


def get_feature_set(name: str) -> Operation[FeatureSet]:
    """One set."""
    request = feature_service_pb2.GetFeatureSetRequest(name=name)
    response = yield UnaryCall("FeatureService", "GetFeatureSet", request)
    return _decode.feature_set(response.feature_set)


def list_models() -> Operation[list[Model]]:
    """All pages."""

    def call(token: str) -> UnaryCall:
        request = model_service_pb2.ListModelsRequest(page_size=1_000, page_token=token)
        return UnaryCall("ModelService", "ListModels", request)

    messages = yield from _pages(call, "models")
    return [_decode.model(message) for message in messages]


def get_model(name: str) -> Operation[Model]:
    """One model."""
    request = model_service_pb2.GetModelRequest(name=name)
    response = yield UnaryCall("ModelService", "GetModel", request)
    return _decode.model(response.model)


def list_model_versions(model: str) -> Operation[list[ModelVersion]]:
    """All pages."""

    def call(token: str) -> UnaryCall:
        request = model_service_pb2.ListModelVersionsRequest(
            parent=model, page_size=1_000, page_token=token
        )
        return UnaryCall("ModelService", "ListModelVersions", request)

    messages = yield from _pages(call, "model_versions")
    return [_decode.model_version(message) for message in messages]


def get_model_version(name: str) -> Operation[ModelVersion]:
    """One version."""
    request = model_service_pb2.GetModelVersionRequest(name=name)
    response = yield UnaryCall("ModelService", "GetModelVersion", request)
    return _decode.model_version(response.model_version)


def _pages(call: Callable[[str], UnaryCall], field: str) -> Operation[list[Any]]:
    messages: list[Any] = []
    token = ""
    while True:
        response = yield call(token)
        messages += getattr(response, field)
        token = response.next_page_token
        if not token:
            return messages


def _chunks(items: Iterable[_Item]) -> Iterator[tuple[int, list[_Item]]]:
    """Each request's items, with the place of the first."""
    # One chunk at least: what is wrong with no items at all is for the server to say.
    remaining = iter(items)
    offset = 0
    chunk = list(islice(remaining, _MOST_ITEMS))
    yield offset, chunk
    while chunk := list(islice(remaining, _MOST_ITEMS)):
        offset += _MOST_ITEMS
        yield offset, chunk
