"""Work for a caller who is gone, or whose deadline has passed, is not started; it is counted."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import grpc
import pytest
from redis import Redis
from tickcast.v1 import market_data_service_pb2, market_data_service_pb2_grpc
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import prediction_service_pb2_grpc as rpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.app import App
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.testing import bar_messages, eventually, start_local

AddPackage = Callable[..., Path]

BARS = bar_messages(random_walk_bars(90, symbol="AAPL"))
PREDICT = pb.PredictRequest(model="models/tiny", symbol="AAPL")
METHOD = "tickcast.v1.PredictionService/Predict"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    store = EmbeddedValkey(tmp_path / "own", fsync="always").start()
    yield store
    store.stop()


@pytest.fixture
async def slow(
    tmp_path: Path, add_package: AddPackage, valkey: EmbeddedValkey
) -> AsyncIterator[App]:
    """A server that has its bars to read from a store that does not answer until it is over."""
    add_package()
    async with (
        start_local(tmp_path, redis_url=valkey.url) as app,
        grpc.aio.insecure_channel(app.address) as channel,
    ):
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS))
    async with start_local(tmp_path, redis_url=valkey.url, store={"timeout": 20}) as app:
        with Redis.from_url(valkey.url) as client:
            process = int(client.info("server")["process_id"])
        os.kill(process, signal.SIGSTOP)
        try:
            yield app
        finally:
            os.kill(process, signal.SIGCONT)


def lost(app: App, reason: str) -> float | None:
    return app.metrics.registry.get_sample_value(
        "tickcast_calls_lost_total", {"method": METHOD, "reason": reason}
    )


def predictions(app: App) -> float | None:
    return app.metrics.registry.get_sample_value(
        "tickcast_predictions_total", {"model_version": "models/tiny/versions/1"}
    )


async def test_a_deadline_that_passes_ends_the_work(slow: App) -> None:
    async with grpc.aio.insecure_channel(slow.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rpc.PredictionServiceStub(channel).Predict(PREDICT, timeout=0.3)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        await eventually(lambda: lost(slow, "deadline") == 1)
        assert lost(slow, "cancelled") is None
        assert predictions(slow) is None


async def test_a_caller_that_leaves_ends_the_work(slow: App) -> None:
    async with grpc.aio.insecure_channel(slow.address) as channel:
        call = rpc.PredictionServiceStub(channel).Predict(PREDICT, timeout=60)
        await asyncio.sleep(0.3)
        call.cancel()
        await eventually(lambda: lost(slow, "cancelled") == 1)
        assert lost(slow, "deadline") is None
        assert predictions(slow) is None
