"""Workers are killed, or the process that keeps them is: callers go on, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from tickcast import AsyncClient, BarEvent
from tickcast.v1 import market_data_service_pb2 as pb
from tickcast.v1 import market_data_service_pb2_grpc as rpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import alive, bar_messages, eventually, start_workers

from tests.sdk_bars import sdk_bars

AddPackage = Callable[..., Path]

SERIES = random_walk_bars(400, symbol="AAPL")

PREDICTED = 'tickcast_calls_total{code="OK",method="tickcast.v1.PredictionService/Predict"}'


async def test_callers_do_not_notice_that_workers_are_killed(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    bars = sdk_bars(SERIES)
    done = asyncio.Event()
    acknowledged: list[int] = []
    streamed: list[int] = []

    async def ask(client: AsyncClient) -> None:
        while not done.is_set():
            await client.predict("AAPL", model="models/tiny")

    async def send(client: AsyncClient) -> None:
        while not done.is_set():
            at = 100 + len(acknowledged)
            (outcome,) = await client.ingest_bars([bars[at]])
            assert outcome.position is not None
            acknowledged.append(outcome.position.sequence)
            await asyncio.sleep(0.05)

    async def follow(client: AsyncClient) -> None:
        async with client.stream_prices("1d") as stream:
            async for event in stream:
                if isinstance(event, BarEvent):
                    streamed.extend([event.position.sequence])

    async with start_workers(tmp_path, 2) as server, AsyncClient(server.address) as client:
        await client.ingest_bars(bars[:100])
        asking = [asyncio.create_task(ask(client)) for _ in range(4)]
        sending = asyncio.create_task(send(client))
        following = asyncio.create_task(follow(client))
        await eventually(lambda: len(streamed) > 3)
        # One of them is the client's; when it is the first, the client goes to the second, perhaps.
        asked = server.metric(PREDICTED)
        for killed in server.pids:
            os.kill(killed, signal.SIGKILL)
            await server.ready(len(server.pids) + 1)
        assert server.metric(PREDICTED) >= asked
        seen = len(streamed)
        await eventually(lambda: len(streamed) > seen + 3)
        done.set()
        await asyncio.gather(*asking, sending)
        await eventually(lambda: streamed[-1] == acknowledged[-1])
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        listed = await client.list_bars("AAPL", "1d")
        deaths = server.said("a worker ended by itself; another one takes its place")
    assert acknowledged == list(range(101, 101 + len(acknowledged)))
    assert streamed == list(range(streamed[0], acknowledged[-1] + 1))
    assert len(listed) == acknowledged[-1]
    assert [line["ending"] for line in deaths] == ["signal SIGKILL"] * 2
    assert all(line["action"] for line in deaths)


async def test_a_call_that_dies_with_its_worker_is_unavailable(tmp_path: Path) -> None:
    async with (
        start_workers(tmp_path, 2) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        stream = rpc.MarketDataServiceStub(channel).StreamPrices(
            pb.StreamPricesRequest(timeframe="1d")
        )
        await stream.read()
        for worker in server.pids:
            os.kill(worker, signal.SIGKILL)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_workers_end_with_the_process_that_keeps_them_and_lose_nothing(
    tmp_path: Path,
) -> None:
    bars = bar_messages(SERIES, 0, 20)
    async with start_workers(tmp_path, 2) as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            await rpc.MarketDataServiceStub(channel).IngestBars(pb.IngestBarsRequest(bars=bars))
        server.process.kill()
        await server.process.wait()
        await eventually(lambda: not any(map(alive, server.pids)), within=20)
    async with (
        start_workers(tmp_path, 2, TICKCAST_ADDRESS=server.address) as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        listed = await rpc.MarketDataServiceStub(channel).ListBars(
            pb.ListBarsRequest(symbol="AAPL", timeframe="1d")
        )
        assert list(listed.bars) == bars


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_every_worker_ends_with_an_orderly_stop(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with start_workers(tmp_path, 2) as server:
        server.process.send_signal(number)
        async with asyncio.timeout(30):
            assert await server.process.wait() == 0
        assert not any(map(alive, server.pids))


async def test_a_server_whose_workers_never_become_ready_gives_up(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("raise RuntimeError('no features here')\n")
    async with start_workers(tmp_path, 2, TICKCAST_FEATURES=str(wrong)) as server:
        assert await server.process.wait() == 1
    assert "no features here" in server.said("the worker did not start")[0]["cause"]
    assert "exit code 1" in server.said("the server did not start")[0]["cause"]


async def test_a_port_where_another_server_listens_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with start_workers(tmp_path, 2, TICKCAST_ADDRESS=address) as server:
            assert await server.process.wait() == 1
    assert address in server.said("the server did not start")[0]["cause"]
