"""Many streams at once leave room for calls, and none of them waits in silence."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import grpc
import pytest
from grpc_status import rpc_status
from pydantic import ValidationError
from tickcast.v1 import market_data_service_pb2 as market_pb
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1.market_data_service_pb2_grpc import MarketDataServiceStub
from tickcast.v1.prediction_service_pb2_grpc import PredictionServiceStub
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.settings import describe, load_settings
from tickcast_server.testing import bar_messages, reason

from tests.stream_reading import take

BARS = bar_messages(random_walk_bars(71, symbol="AAPL"))
PREDICT = pb.PredictRequest(model="models/tiny", symbol="AAPL")


async def test_streams_beyond_those_of_a_connection_are_refused_and_calls_beside_them_answered(
    channel: grpc.aio.Channel,
) -> None:
    market = MarketDataServiceStub(channel)
    await market.IngestBars(market_pb.IngestBarsRequest(bars=BARS))

    async def opening(stream: Any) -> str:
        try:
            await take(stream, "started")
        except grpc.aio.AioRpcError as error:
            status = rpc_status.from_call(error)
            return reason(status) if status else error.code().name
        return "started"

    # More than a connection may have calls: the last wait with their client until some have ended.
    streams = [
        market.StreamPrices(market_pb.StreamPricesRequest(timeframe="1d")) for _ in range(150)
    ]
    became = Counter(await asyncio.gather(*map(opening, streams)))
    assert became == {"started": 100, "TOO_MANY_STREAMS": 50}
    await PredictionServiceStub(channel).Predict(PREDICT)
    for stream in streams:
        stream.cancel()


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["--calls-of-connection=100"], ("'100'", "100")),
        (["--stream.most-of-connection=500"], ("128", "500")),
    ],
)
def test_a_connection_has_more_calls_than_streams(flags: list[str], found: tuple[str, str]) -> None:
    calls, streams = found
    with pytest.raises(ValidationError) as caught:
        load_settings(flags, environ={})
    assert describe(caught.value).startswith(
        f"calls_of_connection: was {calls}, needed more than stream.most_of_connection, "
        f"which is {streams}"
    )
