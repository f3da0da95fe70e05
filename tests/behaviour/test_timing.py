"""A caller who asks is told where the time of its call went; an operator sees it in the metrics."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from redis import Redis
from tickcast.v1 import market_data_service_pb2, market_data_service_pb2_grpc
from tickcast.v1 import prediction_service_pb2 as pb
from tickcast.v1 import prediction_service_pb2_grpc as rpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.store.embedded import EmbeddedValkey
from tickcast_server.testing import bar_messages, start_local

AddPackage = Callable[..., Path]
Stages = dict[str, int]

BARS = bar_messages(random_walk_bars(90, symbol="AAPL"))
ASKED = (("tickcast-timing", "1"),)
STAGES = ["queue", "store", "features", "inference", "encoding"]
PREDICT = pb.PredictRequest(model="models/tiny", symbol="AAPL")
BATCH = pb.BatchPredictRequest(model="models/tiny", items=[pb.BatchPredictItem(symbol="AAPL")])


@pytest.fixture(scope="module")
async def stub(shared_channel: grpc.aio.Channel) -> rpc.PredictionServiceAsyncStub:
    market = market_data_service_pb2_grpc.MarketDataServiceStub(shared_channel)
    await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS))
    return rpc.PredictionServiceStub(shared_channel)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    store = EmbeddedValkey(tmp_path / "own", fsync="always").start()
    yield store
    store.stop()


async def stages(call: grpc.aio.UnaryUnaryCall[Any, Any]) -> Stages:
    await call
    return {
        key.removeprefix("tickcast-timing-").removesuffix("-us"): int(value)
        for key, value in await call.trailing_metadata()
        if key.startswith("tickcast-timing-")
    }


@pytest.mark.parametrize(("method", "request_"), [("Predict", PREDICT), ("BatchPredict", BATCH)])
async def test_a_caller_who_asks_is_told_every_stage(
    stub: rpc.PredictionServiceAsyncStub, method: str, request_: Message
) -> None:
    told = await stages(getattr(stub, method)(request_, metadata=ASKED))
    assert list(told) == STAGES
    assert told["store"] == 0
    assert told["inference"] > 0


@pytest.mark.parametrize("metadata", [(), (("tickcast-timing", "0"),)])
async def test_nobody_else_is_told(
    stub: rpc.PredictionServiceAsyncStub, metadata: tuple[tuple[str, str], ...]
) -> None:
    assert await stages(stub.Predict(PREDICT, metadata=metadata)) == {}


async def test_a_wait_for_the_store_is_told_as_such(
    tmp_path: Path, add_package: AddPackage, valkey: EmbeddedValkey
) -> None:
    add_package()
    async with start_local(tmp_path, redis_url=valkey.url) as app:
        await with_channel(app.address, ingest)
    # A server that begins holds no bars in memory yet.
    async with start_local(tmp_path, redis_url=valkey.url, store={"timeout": 20}) as app:
        with Redis.from_url(valkey.url) as client:
            process = int(client.info("server")["process_id"])
        os.kill(process, signal.SIGSTOP)
        try:
            told = asyncio.create_task(with_channel(app.address, ask))
            await asyncio.sleep(0.3)
        finally:
            os.kill(process, signal.SIGCONT)
        spent = await told
        assert max(STAGES, key=spent.__getitem__) == "store"


async def test_every_stage_is_in_the_metrics_unless_switched_off(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    for kept in (True, False):
        async with start_local(tmp_path, metrics={"stages": kept}) as app:
            await with_channel(app.address, ingest)
            await with_channel(app.address, ask)
            counts = [
                app.metrics.registry.get_sample_value(
                    "tickcast_stage_seconds_count",
                    {"model_version": "models/tiny/versions/1", "stage": stage},
                )
                for stage in STAGES
            ]
            # The bars are in memory: nobody waited for the store.
            assert counts == ([1, 0, 1, 1, 1] if kept else [None] * 5)


async def with_channel(address: str, do: Callable[[grpc.aio.Channel], Awaitable[Stages]]) -> Stages:
    async with grpc.aio.insecure_channel(address) as channel:
        return await do(channel)


async def ingest(channel: grpc.aio.Channel) -> Stages:
    market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
    return await stages(
        market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=BARS), metadata=ASKED)
    )


async def ask(channel: grpc.aio.Channel) -> Stages:
    return await stages(rpc.PredictionServiceStub(channel).Predict(PREDICT, metadata=ASKED))
