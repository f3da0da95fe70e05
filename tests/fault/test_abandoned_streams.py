"""Readers that open streams and leave without a word: the server gives back all that they took."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from tickcast.v1 import market_data_service_pb2 as pb
from tickcast.v1 import market_data_service_pb2_grpc as rpc
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import bar_messages, eventually, free_address, start_process

if TYPE_CHECKING:
    from tickcast.v1.market_data_service_pb2_grpc import MarketDataServiceAsyncStub

MEGABYTE = 1 << 20
BOUND = 25 * MEGABYTE
ROUND = 50
# Long watchlists: 300 readers of them that were forgotten would hold at least twice the bound.
SYMBOLS = [f"SYMBOL-{number}" for number in range(1_000)]
BARS = bar_messages(random_walk_bars(10, symbol=SYMBOLS[0]))


def resident_bytes(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    (kilobytes,) = re.findall(r"^VmRSS:\s*(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024


def streams_open(metrics_address: str) -> float:
    with urllib.request.urlopen(f"http://{metrics_address}/metrics", timeout=5) as answer:
        page = answer.read().decode()
    sample = 'tickcast_streams_open{method="tickcast.v1.MarketDataService/StreamPrices"} '
    (value,) = [line.removeprefix(sample) for line in page.splitlines() if line.startswith(sample)]
    return float(value)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
async def test_300_readers_that_left_hold_no_stream_and_no_memory(tmp_path: Path) -> None:
    address, metrics = free_address(), free_address()
    async with (
        start_process(tmp_path, address, TICKCAST_METRICS_ADDRESS=metrics) as server,
        grpc.aio.insecure_channel(address) as channel,
    ):
        market: MarketDataServiceAsyncStub = rpc.MarketDataServiceStub(channel)
        bars = iter(BARS)

        async def ingest_one() -> None:
            request = pb.IngestBarsRequest(bars=[next(bars)])
            response = await market.IngestBars(request, wait_for_ready=True, timeout=30)
            assert response.results[0].HasField("stored")

        async def readers_come_and_leave() -> None:
            request = pb.StreamPricesRequest(timeframe="1d", symbols=SYMBOLS, snapshot=True)
            streams = [market.StreamPrices(request, timeout=60) for _ in range(ROUND)]
            for stream in streams:
                events = aiter(stream)
                assert (await anext(events)).HasField("started")
                assert (await anext(events)).bar.symbol == SYMBOLS[0]
            assert streams_open(metrics) == ROUND
            for stream in streams:
                stream.cancel()
            await eventually(lambda: streams_open(metrics) == 0)
            # News, for whoever is still subscribed.
            await ingest_one()

        await ingest_one()
        await readers_come_and_leave()
        before = resident_bytes(server.pid)
        for _ in range(300 // ROUND):
            await readers_come_and_leave()
        grown = resident_bytes(server.pid) - before
        assert grown < BOUND, f"{grown / MEGABYTE:.1f} MB more than after the first {ROUND}"
