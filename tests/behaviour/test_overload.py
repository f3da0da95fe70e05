"""More calls that wait for the store than may are refused at once; all others go on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from redis import Redis
from tickcast import AsyncClient, ServerOverloaded
from tickcast.v1 import market_data_service_pb2, market_data_service_pb2_grpc
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import prediction_service_pb2_grpc as rpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.testing import bar_messages, detail, eventually, reason, start_local

AddPackage = Callable[..., Path]

BARS = bar_messages(random_walk_bars(90, symbol="AAPL"))
LIST_BARS = market_data_service_pb2.ListBarsRequest(symbol="AAPL", timeframe="1d")
PREDICT = pb.PredictRequest(model="models/tiny", symbol="AAPL")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    store = EmbeddedValkey(tmp_path / "own", fsync="always").start()
    yield store
    store.stop()


@contextmanager
def paused(store: EmbeddedValkey) -> Iterator[None]:
    with Redis.from_url(store.url) as client:
        process = int(client.info("server")["process_id"])
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def metric(app: App, name: str) -> float | None:
    return app.metrics.registry.get_sample_value(f"tickcast_calls_waiting{name}")


async def test_a_burst_beyond_the_limit_is_refused_while_the_others_are_answered(
    tmp_path: Path, add_package: AddPackage, valkey: EmbeddedValkey
) -> None:
    add_package()
    options = {
        "redis_url": valkey.url,
        "store": {"timeout": 60},
        "waits": {"least": 2, "most": 4, "slow": 60},
    }
    async with (
        start_local(tmp_path, **options) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS))
        with paused(valkey):
            burst = [asyncio.ensure_future(market.ListBars(LIST_BARS)) for _ in range(10)]
            # While the store still says nothing.
            await eventually(lambda: sum(call.done() for call in burst) == 6)
            assert metric(app, "") == metric(app, "_limit") == 4
            assert metric(app, "_refused_total") == 6
            with pytest.raises(ServerOverloaded) as caught:
                async with AsyncClient(app.address) as client:
                    await client.list_bars("AAPL", "1d")
            assert caught.value.retryable
            assert caught.value.retry_after
            await everything_else_goes_on(channel)
        answers = await asyncio.gather(*burst, return_exceptions=True)
        refused = [item for item in answers if isinstance(item, grpc.aio.AioRpcError)]
        assert len(refused) == 6
        for error in refused:
            status = rpc_status.from_call(error)
            assert status is not None
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert reason(status) == "SERVER_OVERLOADED"
            assert detail(status, error_details_pb2.RetryInfo).retry_delay.ToNanoseconds() > 0
        assert metric(app, "") == 0


async def everything_else_goes_on(channel: grpc.aio.Channel) -> None:
    """What needs no wait: predictions from memory, health, reflection."""
    predictions = rpc.PredictionServiceStub(channel)
    assert (await predictions.Predict(PREDICT)).prediction.symbol == "AAPL"
    batch = pb.BatchPredictRequest(
        model="models/tiny", items=[pb.BatchPredictItem(symbol="AAPL")] * 5
    )
    results = (await predictions.BatchPredict(batch)).results
    assert all(result.HasField("prediction") for result in results)
    health = health_pb2_grpc.HealthStub(channel)
    answer = await health.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
    await reflection.write(reflection_pb2.ServerReflectionRequest(list_services="*"))
    assert (await reflection.read()).list_services_response.service
    await reflection.done_writing()


async def test_nothing_is_refused_at_low_load(tmp_path: Path, add_package: AddPackage) -> None:
    add_package()
    async with (
        start_local(tmp_path, waits={"least": 4, "most": 4}) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS))
        for _ in range(50):
            await asyncio.gather(*[market.ListBars(LIST_BARS) for _ in range(4)])
        assert metric(app, "_refused_total") == 0
        assert metric(app, "_limit") == 4


async def test_a_slow_store_lowers_the_limit_and_a_quick_one_raises_it(
    tmp_path: Path, add_package: AddPackage, valkey: EmbeddedValkey
) -> None:
    add_package()
    options = {
        "redis_url": valkey.url,
        "store": {"timeout": 60},
        "waits": {"least": 2, "most": 20, "slow": 0.2},
    }
    async with (
        start_local(tmp_path, **options) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS))
        with paused(valkey):
            slow = asyncio.ensure_future(market.ListBars(LIST_BARS))
            await eventually(lambda: metric(app, "") == 1)
            await asyncio.sleep(0.3)
        await slow
        assert metric(app, "_limit") == 18

        async def limit_is_back() -> None:
            while metric(app, "_limit") != 20:
                await asyncio.gather(*[market.ListBars(LIST_BARS) for _ in range(18)])

        await asyncio.wait_for(limit_is_back(), 20)
