"""Several processes on one port look like one server, also while they are replaced."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tickcast import AsyncClient, AsyncEventStream, BarEvent, PredictionEvent
from tickcast.v1 import (
    market_data_service_pb2,
    market_data_service_pb2_grpc,
    prediction_pb2,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
)
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import bar_messages, eventually, free_address, start_workers

from tests.sdk_bars import sdk_bars

AddPackage = Callable[..., Path]

SERIES = random_walk_bars(80, symbol="AAPL")

# The system chooses the process of a connection: that one of three gets none of so many, once in
# 2 ** 33 times.
CONNECTIONS = 60

PREDICTED = 'tickcast_calls_total{code="OK",method="tickcast.v1.PredictionService/Predict"}'
BATCHES = 'tickcast_calls_total{code="OK",method="tickcast.v1.PredictionService/BatchPredict"}'

REQUEST = prediction_service_pb2.PredictRequest(model="models/tiny", symbol="AAPL")
BATCH = prediction_service_pb2.BatchPredictRequest(
    model="models/tiny", items=[prediction_service_pb2.BatchPredictItem(symbol="AAPL")]
)


@asynccontextmanager
async def connection(address: str) -> AsyncIterator[grpc.aio.Channel]:
    """A connection that no other channel shares."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options) as channel:
        yield channel


async def ingest(address: str, count: int = len(SERIES)) -> None:
    async with connection(address) as channel:
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        await market.IngestBars(
            market_data_service_pb2.IngestBarsRequest(bars=bar_messages(SERIES, 0, count))
        )


async def predictions(address: str) -> list[prediction_pb2.Prediction]:
    """One from each of many connections."""
    found = []
    for _ in range(CONNECTIONS):
        async with connection(address) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            found.append((await stub.Predict(REQUEST)).prediction)
    return found


async def healths(address: str, name: str) -> set[health_pb2.HealthCheckResponse.ServingStatus]:
    """What many connections are told of the health of a name."""
    found = set()
    for _ in range(CONNECTIONS):
        async with connection(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            found.add((await stub.Check(health_pb2.HealthCheckRequest(service=name))).status)
    return found


async def everybody_says(
    address: str, condition: Callable[[prediction_pb2.Prediction], bool]
) -> list[prediction_pb2.Prediction]:
    """Predictions of all workers, once each of them meets the condition."""
    async with asyncio.timeout(60):
        while True:
            try:
                found = await predictions(address)
            except grpc.aio.AioRpcError as error:
                # A worker may not have heard of the symbol yet.
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
            else:
                if all(map(condition, found)):
                    return found


def as_of(prediction: prediction_pb2.Prediction) -> int:
    return prediction.as_of_time.seconds


async def follow(stream: AsyncEventStream[Any], sequences: list[int]) -> None:
    """Notes the sequence of every bar, or of every prediction."""
    async with stream:
        async for event in stream:
            if isinstance(event, BarEvent | PredictionEvent):
                sequences += [event.position.sequence]


async def test_every_worker_gives_the_same_answer_and_metrics_are_of_all(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    async with start_workers(tmp_path, 3) as server:
        await ingest(server.address)
        answers = await everybody_says(server.address, lambda _: True)
        assert len({answer.predicted_return for answer in answers}) == 1
        for _ in range(CONNECTIONS):
            async with connection(server.address) as channel:
                await prediction_service_pb2_grpc.PredictionServiceStub(channel).BatchPredict(BATCH)
        await eventually(lambda: server.metric(BATCHES) == CONNECTIONS)
        assert server.metric("tickcast_workers_ready") == 3
        assert server.metric("tickcast_store_reachable") == 1
        assert server.metric('tickcast_model_versions{state="loaded"}') == 1
        encoded = 'model_version="models/tiny/versions/1",stage="encoding"'
        await eventually(
            lambda: (
                server.metric(f"tickcast_stage_seconds_count{{{encoded}}}")
                == server.metric(PREDICTED) + CONNECTIONS
            )
        )
        assert await healths(server.address, "") == {health_pb2.HealthCheckResponse.SERVING}


async def test_streams_of_all_workers_are_counted_together(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    sample = 'tickcast_streams_open{method="tickcast.v1.MarketDataService/StreamPrices"}'
    async with (
        start_workers(tmp_path, 2) as server,
        connection(server.address) as first,
        connection(server.address) as second,
    ):
        request = market_data_service_pb2.StreamPricesRequest(timeframe="1d")
        streams = [
            market_data_service_pb2_grpc.MarketDataServiceStub(channel).StreamPrices(request)
            for channel in (first, second)
        ]
        for stream in streams:
            await stream.read()
        assert server.metric(sample) == len(streams)
        for stream in streams:
            stream.cancel()
        await eventually(lambda: server.metric(sample) == 0)


async def test_every_worker_serves_a_new_version_and_a_new_bar(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    closes = SERIES.close_time.tolist()
    async with start_workers(tmp_path, 3) as server:
        await ingest(server.address, 70)
        await everybody_says(server.address, lambda answer: as_of(answer) == closes[69])
        await ingest(server.address)
        await everybody_says(server.address, lambda answer: as_of(answer) == closes[79])
        add_package(seed=1)
        await everybody_says(
            server.address, lambda answer: answer.model_version == "models/tiny/versions/2"
        )


async def test_the_registry_is_followed_once_and_every_worker_says_how_it_is(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    away = f"http://{free_address()}"
    async with start_workers(
        tmp_path, 3, TICKCAST_REGISTRY_URL=away, TICKCAST_REGISTRY_MODELS="tiny@champion"
    ) as server:
        for name in ("registry", "registry/tiny@champion"):
            assert await healths(server.address, name) == {
                health_pb2.HealthCheckResponse.NOT_SERVING
            }
        (said,) = [line for line in server.log if line["logger"] == "tickcast.registry"]
        assert "worker" not in said


async def test_sighup_replaces_every_worker_without_a_failed_call_or_a_missed_bar(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    bars = sdk_bars(random_walk_bars(400, symbol="AAPL"))
    done = asyncio.Event()
    priced: list[int] = []
    predicted_for: list[int] = []

    async def ask(client: AsyncClient) -> None:
        while not done.is_set():
            await client.predict("AAPL", model="models/tiny")

    async def send(client: AsyncClient) -> int:
        sent = 100
        while not done.is_set():
            await client.ingest_bars([bars[sent]])
            sent += 1
            await asyncio.sleep(0.1)
        return sent

    async with start_workers(tmp_path, 2) as server, AsyncClient(server.address) as client:
        await client.ingest_bars(bars[:100])
        asking = [asyncio.create_task(ask(client)) for _ in range(4)]
        following = [
            asyncio.create_task(follow(client.stream_prices("1d"), priced)),
            asyncio.create_task(follow(client.stream_predictions("models/tiny"), predicted_for)),
        ]
        sending = asyncio.create_task(send(client))
        await eventually(lambda: bool(priced and predicted_for))
        old = server.pids
        server.process.send_signal(signal.SIGHUP)
        await eventually(lambda: bool(server.said("every worker was replaced")), within=60)
        seen = len(priced)
        await eventually(lambda: len(priced) > seen + 3)
        done.set()
        await asyncio.gather(*asking)
        sent = await sending
        await eventually(lambda: priced[-1] == predicted_for[-1] == sent)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        assert server.metric("tickcast_workers_ready") == 2
        assert server.metric("tickcast_workers_died_total") == 0
    assert len(server.pids) == 4
    assert len({*server.pids, *old}) == 4
    assert priced == list(range(priced[0], sent + 1))
    assert predicted_for == list(range(predicted_for[0], sent + 1))
