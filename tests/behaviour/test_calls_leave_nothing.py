"""What a call holds is free when the call has ended, before the garbage collector looks.

A stream of the connection is held with it: gRPC refuses new ones while too many are.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import grpc
import pytest
from tickcast.v1 import market_data_service_pb2, market_data_service_pb2_grpc
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import prediction_service_pb2_grpc as rpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.rpc.call import Call
from tickcast_server.testing import bar_messages, eventually

BARS = bar_messages(random_walk_bars(90, symbol="AAPL"))
MANY = 1_000
"""Several times what a connection may have open."""

PREDICT = pb.PredictRequest(model="models/tiny", symbol="AAPL")


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def calls_held() -> int:
    return sum(isinstance(item, Call) for item in gc.get_objects())


@pytest.fixture
async def predictions(channel: grpc.aio.Channel) -> rpc.PredictionServiceAsyncStub:
    market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
    await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS))
    return rpc.PredictionServiceStub(channel)


async def test_a_unary_call_is_freed_with_its_answer(
    predictions: rpc.PredictionServiceAsyncStub, collector_off: None
) -> None:
    for _ in range(20):
        await predictions.Predict(PREDICT)
    await eventually(lambda: calls_held() == 0)


async def test_a_stream_is_freed_with_its_last_message(
    predictions: rpc.PredictionServiceAsyncStub, collector_off: None
) -> None:
    request = pb.StreamPredictionsRequest(model="models/tiny", snapshot=True)
    for _ in range(5):
        stream = predictions.StreamPredictions(request)
        await stream.read()
        stream.cancel()
    await eventually(lambda: calls_held() == 0)


async def test_a_burst_of_more_calls_than_a_connection_may_have_open_is_answered(
    predictions: rpc.PredictionServiceAsyncStub,
) -> None:
    async def ask() -> str:
        return (await predictions.Predict(PREDICT)).prediction.symbol

    assert set(await asyncio.gather(*(ask() for _ in range(MANY)))) == {"AAPL"}
