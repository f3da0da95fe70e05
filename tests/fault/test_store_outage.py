"""The store goes away: predictions go on from memory and say so, bars are refused, all recovers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from redis import Redis
from tickcast.v1 import (
    market_data_service_pb2,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from tickcast.v1.market_data_service_pb2_grpc import MarketDataServiceStub
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.testing import bar_messages, detail, eventually, reason, start_local

if TYPE_CHECKING:
    from tickcast.v1.market_data_service_pb2_grpc import MarketDataServiceAsyncStub

SERIES = random_walk_bars(90, symbol="AAPL")

AddPackage = Callable[..., Path]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    store = EmbeddedValkey(tmp_path / "own", fsync="always").start()
    yield store
    store.stop()


def process_of(store: EmbeddedValkey) -> int:
    with Redis.from_url(store.url) as client:
        return int(client.info("server")["process_id"])


async def ingest(stub: MarketDataServiceAsyncStub, start: int, stop: int) -> list[int]:
    request = market_data_service_pb2.IngestBarsRequest(bars=bar_messages(SERIES, start, stop))
    return [item.stored.position.sequence for item in (await stub.IngestBars(request)).results]


async def predict(app: App) -> prediction_service_pb2.PredictResponse:
    async with grpc.aio.insecure_channel(app.address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        request = prediction_service_pb2.PredictRequest(model="models/tiny", symbol="AAPL")
        return await stub.Predict(request, timeout=5)


async def test_a_paused_store_is_survived(
    tmp_path: Path, add_package: AddPackage, valkey: EmbeddedValkey
) -> None:
    add_package()
    process = process_of(valkey)
    options = {"redis_url": valkey.url, "store": {"timeout": 0.3}}
    async with (
        start_local(tmp_path, **options) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        market = MarketDataServiceStub(channel)
        health = health_pb2_grpc.HealthStub(channel)
        assert await ingest(market, 0, 70) == list(range(1, 71))
        fresh = (await predict(app)).prediction
        assert not fresh.feature_provenance.stale

        os.kill(process, signal.SIGSTOP)
        try:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ingest(market, 70, 71)
            status = rpc_status.from_call(caught.value)
            assert status is not None
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert reason(status) == "STORE_UNAVAILABLE"
            assert detail(status, error_details_pb2.RetryInfo).retry_delay.ToNanoseconds() > 0
            registry = app.metrics.registry
            await eventually(lambda: registry.get_sample_value("tickcast_store_reachable") == 0)

            stale = (await predict(app)).prediction
            assert stale.predicted_return == fresh.predicted_return
            assert stale.feature_provenance.stale
            request = health_pb2.HealthCheckRequest(service="tickcast.v1.MarketDataService")
            answer = await health.Check(request)
            assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
            answer = await health.Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        finally:
            os.kill(process, signal.SIGCONT)

        await eventually(lambda: registry.get_sample_value("tickcast_store_reachable") == 1)
        # Sent again, whether or not it was stored before the pause was over.
        assert await ingest(market, 70, 90) == list(range(71, 91))
        assert not (await predict(app)).prediction.feature_provenance.stale


async def test_a_store_that_lost_everything_is_told_from_the_one_before(
    tmp_path: Path, add_package: AddPackage, valkey: EmbeddedValkey
) -> None:
    add_package()
    async with (
        start_local(tmp_path, redis_url=valkey.url) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        market = MarketDataServiceStub(channel)
        await ingest(market, 0, 10)
        stream = market.StreamPrices(market_data_service_pb2.StreamPricesRequest(timeframe="1d"))
        following = aiter(stream)
        epoch = (await anext(following)).started.starts[0].position.epoch
        with Redis.from_url(valkey.url) as client:
            client.flushall()
        assert await ingest(market, 0, 3) == [1, 2, 3]
        events: list[market_data_service_pb2.StreamPricesResponse] = []
        async with asyncio.timeout(20):
            while len(events) < 4:
                event = await anext(following)
                if event.WhichOneof("event") in ("gap", "bar"):
                    events.append(event)
        assert [event.WhichOneof("event") for event in events] == ["gap", "bar", "bar", "bar"]
        assert [event.position.sequence for event in events[1:]] == [1, 2, 3]
        assert epoch not in {event.position.epoch for event in events}
        stream.cancel()


async def test_two_servers_on_one_store_see_each_others_bars(
    tmp_path: Path, add_package: AddPackage, valkey: EmbeddedValkey
) -> None:
    add_package()
    async with (
        start_local(tmp_path, redis_url=valkey.url) as one,
        start_local(tmp_path, redis_url=valkey.url) as two,
        grpc.aio.insecure_channel(one.address) as to_one,
        grpc.aio.insecure_channel(two.address) as to_two,
    ):
        stream = MarketDataServiceStub(to_two).StreamPrices(
            market_data_service_pb2.StreamPricesRequest(timeframe="1d", symbols=["AAPL"])
        )
        following = aiter(stream)
        assert (await anext(following)).HasField("started")
        assert await ingest(MarketDataServiceStub(to_one), 0, 40) == list(range(1, 41))
        assert await ingest(MarketDataServiceStub(to_two), 40, 80) == list(range(41, 81))
        assert await ingest(MarketDataServiceStub(to_one), 80, 90) == list(range(81, 91))
        sequences: list[int] = []
        async with asyncio.timeout(20):
            while len(sequences) < 90:
                event = await anext(following)
                if event.HasField("bar"):
                    sequences.append(event.position.sequence)
        assert sequences == list(range(1, 91))
        answers = [(await predict(app)).prediction for app in (one, two)]
        assert answers[0].as_of_time.seconds == SERIES.close_time[-1]
        assert answers[0].predicted_return == answers[1].predicted_return
        stream.cancel()
