"""Whatever is refused over gRPC is refused over Connect and gRPC-Web in the same words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from math import nan

import grpc
import httpx
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2
from grpc_status import rpc_status
from tickcast.v1 import feature_service_pb2 as features
from tickcast.v1 import market_data_service_pb2 as market
from tickcast.v1 import model_service_pb2 as models
from tickcast.v1 import prediction_service_pb2 as predictions
from tickcast.v1 import stream_pb2
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.rpc.listen import SERVICES
from tickcast_server.testing import bar_messages, start_local

from tests.conftest import write_linear_package
from tests.http_calls import (
    GRPC_WEB,
    JSON,
    PROTO,
    connect_status,
    frame,
    frames,
    grpc_web_status,
    url,
)

AS_OF = Timestamp(seconds=1_700_000_000)
ID = ("x-request-id", "the-same")
STREAMING = {
    f"{service.name}/{method.name}"
    for service in SERVICES.values()
    for method in service.methods
    if method.server_streaming
}

REFUSED: list[tuple[str, Message]] = [
    ("PredictionService/Predict", predictions.PredictRequest()),
    ("PredictionService/Predict", predictions.PredictRequest(model="tiny", symbol="a b")),
    ("PredictionService/Predict", predictions.PredictRequest(model="models/x", symbol="AAPL")),
    (
        "PredictionService/Predict",
        predictions.PredictRequest(model="models/tiny/versions/9", symbol="AAPL"),
    ),
    ("PredictionService/Predict", predictions.PredictRequest(model="models/tiny", symbol="NONE")),
    ("PredictionService/Predict", predictions.PredictRequest(model="models/tiny", symbol="YOUNG")),
    (
        "PredictionService/Predict",
        predictions.PredictRequest(
            model="models/tiny",
            symbol="AAPL",
            features=predictions.InlineFeatures(values=[nan, 1.0], as_of_time=AS_OF),
        ),
    ),
    ("PredictionService/BatchPredict", predictions.BatchPredictRequest()),
    (
        "PredictionService/PredictMatrix",
        predictions.PredictMatrixRequest(
            model="models/tiny", packed_values=b"\x00\x01\x02", as_of_time=AS_OF
        ),
    ),
    ("PredictionService/StreamPredictions", predictions.StreamPredictionsRequest()),
    (
        "PredictionService/StreamPredictions",
        predictions.StreamPredictionsRequest(model="models/tiny", minimum_move=-1.0),
    ),
    (
        "MarketDataService/StreamPrices",
        market.StreamPricesRequest(
            timeframe="1d",
            symbols=["AAPL"],
            resume_after=[
                stream_pb2.StreamPosition(
                    symbol="AAPL", timeframe="1d", epoch="another", sequence=-1
                )
            ],
        ),
    ),
    ("MarketDataService/StreamPrices", market.StreamPricesRequest(timeframe="soon")),
    ("MarketDataService/ListBars", market.ListBarsRequest(symbol="NONE", timeframe="1d")),
    ("MarketDataService/ListSymbols", market.ListSymbolsRequest(page_token="made up")),
    ("FeatureService/GetFeatures", features.GetFeaturesRequest(symbol="AAPL")),
    ("FeatureService/GetFeatureSet", features.GetFeatureSetRequest(name="featureSets/none")),
    ("ModelService/GetModel", models.GetModelRequest(name="models/none")),
    ("ModelService/GetModelVersion", models.GetModelVersionRequest(name="models/tiny")),
]


@pytest.fixture(scope="module")
async def web(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """A server with an HTTP port, one model, and two symbols, one with too few bars."""
    folder = tmp_path_factory.mktemp("web")
    write_linear_package(folder / "models")
    async with start_local(folder, http_address="127.0.0.1:0") as app:
        async with grpc.aio.insecure_channel(app.address) as channel:
            for symbol, count in {"AAPL": 90, "YOUNG": 5}.items():
                request = market.IngestBarsRequest(
                    bars=bar_messages(random_walk_bars(count, symbol=symbol))
                )
                path = "/tickcast.v1.MarketDataService/IngestBars"
                await channel.unary_unary(path, bytes, bytes)(request.SerializeToString())
        yield app


async def over_grpc(app: App, method: str, data: bytes) -> status_pb2.Status:
    async with grpc.aio.insecure_channel(app.address) as channel:
        path = f"/tickcast.v1.{method}"
        try:
            if method in STREAMING:
                await channel.unary_stream(path, bytes, bytes)(data, metadata=[ID]).read()
            else:
                await channel.unary_unary(path, bytes, bytes)(data, metadata=[ID])
        except grpc.aio.AioRpcError as error:
            status: status_pb2.Status | None = rpc_status.from_call(error)
            assert status is not None
            return status
    raise AssertionError("it was answered")


async def over_connect_json(app: App, method: str, message: Message) -> status_pb2.Status:
    data = json_format.MessageToJson(message).encode()
    return await _over_connect(app, method, data, "json")


async def over_connect(app: App, method: str, message: Message) -> status_pb2.Status:
    return await _over_connect(app, method, message.SerializeToString(), "proto")


async def _over_connect(app: App, method: str, data: bytes, form: str) -> status_pb2.Status:
    headers = dict([ID]) | (JSON if form == "json" else PROTO)
    if method in STREAMING:
        headers["content-type"] = f"application/connect+{form}"
        return connect_status(await _end(app, method, data, headers))
    async with httpx.AsyncClient() as client:
        response = await client.post(url(app.http_address, method), content=data, headers=headers)
    return connect_status(response.content)


async def over_grpc_web(app: App, method: str, message: Message) -> status_pb2.Status:
    data = message.SerializeToString()
    return grpc_web_status(await _end(app, method, data, GRPC_WEB | dict([ID])))


async def _end(app: App, method: str, data: bytes, headers: dict[str, str]) -> bytes:
    async with (
        httpx.AsyncClient() as client,
        client.stream(
            "POST", url(app.http_address, method), content=frame(data), headers=headers
        ) as response,
    ):
        (end,) = [item async for item in frames(response)]
        assert end.ends
        return end.data


Ask = Callable[[App, str, Message], Awaitable[status_pb2.Status]]


@pytest.mark.parametrize("ask", [over_connect_json, over_connect, over_grpc_web])
@pytest.mark.parametrize(
    ("method", "request_"), REFUSED, ids=[f"{i}-{m}" for i, (m, _) in enumerate(REFUSED)]
)
async def test_code_message_and_every_detail_are_the_same(
    web: App, ask: Ask, method: str, request_: Message
) -> None:
    assert await ask(web, method, request_) == await over_grpc(
        web, method, request_.SerializeToString()
    )


@pytest.mark.parametrize("method", ["PredictionService/Predict", "MarketDataService/StreamPrices"])
async def test_bytes_that_are_no_message_are_the_same(web: App, method: str) -> None:
    data = b"\xff\xff\xff"
    expected = await over_grpc(web, method, data)
    assert await _over_connect(web, method, data, "proto") == expected
    assert grpc_web_status(await _end(web, method, data, GRPC_WEB | dict([ID]))) == expected


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"{", b"\xff", b"1", b"null", b'{"symbl": "AAPL"}', b'{"symbol": 3}'),
        *(b'{"symbol": "\\ud800"}', b'{"symbol": "A", "symbol": "B"}', b"[" * 100_000),
    ],
    ids=repr,
)
async def test_json_that_is_no_message_is_refused_as_such_bytes_are(web: App, data: bytes) -> None:
    status = await _over_connect(web, "PredictionService/Predict", data, "json")
    like = await over_grpc(web, "PredictionService/Predict", b"\xff\xff\xff")
    assert status.code == like.code
    assert status.message.startswith("request: was ")
    assert status.message.endswith(", needed a tickcast.v1.PredictRequest")
    assert [item.type_url for item in status.details] == [item.type_url for item in like.details]
