"""The server as a process: it stops in an orderly way, and being killed loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from tickcast.v1 import market_data_service_pb2 as pb
from tickcast.v1 import market_data_service_pb2_grpc as rpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import (
    alive,
    bar_messages,
    detail,
    free_address,
    reason,
    start_process,
)

SERIES = random_walk_bars(200, symbol="AAPL")


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[rpc.MarketDataServiceAsyncStub]:
    async with grpc.aio.insecure_channel(address) as channel:
        async with asyncio.timeout(30):
            await channel.channel_ready()
        yield rpc.MarketDataServiceStub(channel)


async def ended(server: Process) -> int:
    """Its exit code, or the number of the signal that ended it, less than zero."""
    async with asyncio.timeout(20):
        return await server.wait()


def children_of(process: int) -> list[int]:
    # A child belongs to the thread that started it.
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for listed in lists for child in listed.read_text().split()]


async def test_sigterm_ends_streams_with_a_retry_and_leaves_nothing_behind(tmp_path: Path) -> None:
    address = free_address()
    async with start_process(tmp_path, address) as server:
        async with connected(address) as market:
            await market.IngestBars(pb.IngestBarsRequest(bars=bar_messages(SERIES, 0, 3)))
            stream = market.StreamPrices(pb.StreamPricesRequest(timeframe="1d"))
            await stream.read()
            children = children_of(server.pid)
            assert children
            server.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stream.read()
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            status = rpc_status.from_call(caught.value)
            assert status is not None
            assert reason(status) == "SHUTTING_DOWN"
            assert detail(status, error_details_pb2.RetryInfo).retry_delay.ToNanoseconds() > 0
        assert await ended(server) == 0
        assert not any(alive(child) for child in children)


async def test_kill_9_in_the_middle_loses_no_acknowledged_bar(tmp_path: Path) -> None:
    address = free_address()
    bars = bar_messages(SERIES)
    acknowledged = 0
    for kill_after in (40, 90):
        async with start_process(tmp_path, address) as server, connected(address) as market:
            while acknowledged < kill_after:
                response = await market.IngestBars(
                    pb.IngestBarsRequest(bars=bars[acknowledged : acknowledged + 1])
                )
                acknowledged = response.results[0].stored.position.sequence
            server.kill()
            assert await ended(server) == -signal.SIGKILL

    async with start_process(tmp_path, address) as server:
        async with connected(address) as market:
            listed = await market.ListBars(
                pb.ListBarsRequest(symbol="AAPL", timeframe="1d", page_size=5_000)
            )
            assert list(listed.bars) == bars[:acknowledged]
            # From one bar before the kill: the one after has the next number.
            response = await market.IngestBars(pb.IngestBarsRequest(bars=bars[acknowledged - 1 :]))
            sequences = [result.stored.position.sequence for result in response.results]
            assert sequences == list(range(acknowledged, len(bars) + 1))
        server.terminate()
        assert await ended(server) == 0


def run(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tickcast_server", *arguments],
        env={**os.environ, "TICKCAST_DATA": str(folder), **extra},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_settings_are_shown_with_secrets_masked(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        "--print-config",
        "--address=0.0.0.0:1",
        TICKCAST_REDIS_URL="redis://:hunter2@cache:6379",
    )
    assert result.returncode == 0
    assert "hunter2" not in result.stdout
    shown = json.loads(result.stdout)
    assert shown["address"] == "0.0.0.0:1"
    assert shown["store"]["retained_bars"] == 2048


@pytest.mark.parametrize(
    ("arguments", "variables", "named"),
    [
        (["--no-such-flag"], {}, "no-such-flag"),
        ([], {"TICKCAST_ADRESS": "x"}, "TICKCAST_ADRESS"),
        ([], {"TICKCAST_STORE__RETAINED": "5"}, "retained"),
        ([], {"TICKCAST_GRACE": "-1"}, "grace"),
        ([], {"TICKCAST_WORKERS": "0"}, "workers"),
        (["--config", "/no/such.toml"], {}, "no/such.toml"),
    ],
)
def test_unknown_or_impossible_settings_end_with_exit_code_2(
    tmp_path: Path, arguments: list[str], variables: dict[str, str], named: str
) -> None:
    result = run(tmp_path, *arguments, **variables)
    assert result.returncode == 2
    assert named in result.stderr


def test_a_settings_file_is_read_and_its_keys_are_checked(tmp_path: Path) -> None:
    config = tmp_path / "server.toml"
    config.write_text('address = "127.0.0.1:7"\n[stream]\nlimit = 9\n')
    shown = json.loads(run(tmp_path, "--config", str(config), "--print-config").stdout)
    assert (shown["address"], shown["stream"]["limit"]) == ("127.0.0.1:7", 9)
    config.write_text("[stream]\nlimits = 9\n")
    result = run(tmp_path, "--config", str(config), "--print-config")
    assert result.returncode == 2
    assert "limits" in result.stderr


def test_a_port_that_is_taken_is_named_and_ends_with_exit_code_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run(tmp_path, TICKCAST_ADDRESS=address, TICKCAST_METRICS_ADDRESS="")
    assert result.returncode == 1
    assert address in result.stderr


async def test_a_data_folder_serves_one_server_at_a_time(tmp_path: Path) -> None:
    address = free_address()
    async with start_process(tmp_path, address) as server, connected(address):
        second = await asyncio.to_thread(
            run, tmp_path, TICKCAST_ADDRESS=free_address(), TICKCAST_METRICS_ADDRESS=""
        )
        assert second.returncode == 1
        assert str(server.pid) in second.stderr
