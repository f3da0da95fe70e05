"""Many streams at once leave room for calls, and none of them waits in silence."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_status import rpc_status
from pydantic import ValidationError
from tickcast import AsyncClient, BarEvent, Client, StreamStarted
from tickcast.v1 import market_data_service_pb2 as market_pb
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1.market_data_service_pb2_grpc import MarketDataServiceStub
from tickcast.v1.prediction_service_pb2_grpc import PredictionServiceStub
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.settings import describe, load_settings
from tickcast_server.testing import bar_messages, reason, start_local

from tests.sdk_bars import sdk_bars
from tests.stream_reading import take

WALK = random_walk_bars(71, symbol="AAPL")
BARS = bar_messages(WALK)
SERIES = sdk_bars(WALK)
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


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_300_streams_of_one_client_hear_of_a_bar_and_calls_beside_them_are_answered(
    server: App, kind: type[Client | AsyncClient]
) -> None:
    async with client_of(kind, server) as client:
        await done(client.ingest_bars, SERIES[:70])
        streams = [client.stream_prices("1d") for _ in range(300)]
        assert await next_events(streams) == {StreamStarted}
        prediction = await done(client.predict, "AAPL", model="models/tiny")
        assert prediction.symbol == "AAPL"
        await done(client.ingest_bars, SERIES[70:])
        assert await next_events(streams) == {BarEvent}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
async def test_a_client_finds_out_how_many_streams_a_connection_may_have(
    tmp_path: Path, kind: type[Client | AsyncClient]
) -> None:
    async with (
        start_local(tmp_path, stream={"most_of_connection": 5}) as app,
        client_of(kind, app) as client,
    ):
        for _ in range(2):
            # The second time, streams that have just ended still count with the server.
            streams = [client.stream_prices("1d") for _ in range(12)]
            assert await next_events(streams) == {StreamStarted}
            for stream in streams:
                await done(stream.close)


@asynccontextmanager
async def client_of(
    kind: type[Client | AsyncClient], app: App
) -> AsyncIterator[Client | AsyncClient]:
    client = kind(app.address)
    yield client
    await done(client.close)


async def next_events(streams: Sequence[Any]) -> set[type]:
    """The kinds of the next event in each stream."""
    coming = (getattr(stream, "__anext__", None) or stream.__next__ for stream in streams)
    return {type(event) for event in await asyncio.gather(*map(done, coming))}


async def done(method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Calls a method of either client, from outside the event loop where it would block that."""
    if inspect.iscoroutinefunction(method):
        return await method(*arguments, **options)
    return await asyncio.to_thread(method, *arguments, **options)


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
