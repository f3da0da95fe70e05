"""`python -m tests.serve_for_clients`: a real server for tests that are not written in Python.

Says `ready HTTP_ADDRESS` on standard output, and obeys one word a line on standard input: `bar`
stores the next bar of each symbol, `restart` stops the server and starts it again on the same
address, `remove-model` and `add-model` change what it finds in its model repository. Each is
answered with `done`. Ends with standard input.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
from tickcast.v1 import bar_pb2, market_data_service_pb2, market_data_service_pb2_grpc
from tickcast_modelkit.testing import MONDAY, random_walk_bars
from tickcast_server.app import App
from tickcast_server.testing import bar_messages, free_address, start_local

from tests.conftest import write_linear_package

SYMBOLS = ("AAPL", "MSFT", "GE")
HELD = 120
MOST = 300
# The model has seen the first bars in training, and not the others.
START = MONDAY + 200 * 86_400


async def main() -> None:
    """Serves until standard input ends."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        models = folder / "models"
        write_linear_package(models)
        address = free_address()
        coming = bars()
        async with AsyncExitStack() as running:
            app = await start(running, folder, address)
            for _ in range(HELD):
                await ingest(app, next(coming))
            print(f"ready {app.http_address}", flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                match line.strip():
                    case "bar":
                        await ingest(app, next(coming))
                    case "restart":
                        await running.aclose()
                        app = await start(running, folder, address)
                    case "remove-model":
                        shutil.rmtree(models / "tiny")
                    case "add-model":
                        write_linear_package(models)
                    case word:
                        raise ValueError(
                            f"word: was {word!r}, needed bar, restart, remove-model or add-model"
                        )
                print("done", flush=True)


async def start(running: AsyncExitStack, folder: Path, http_address: str) -> App:
    """A server on what the folder holds, stopped with `running`."""
    return await running.enter_async_context(
        start_local(folder, http_address=http_address, http_cors="*")
    )


def bars() -> Iterator[list[bar_pb2.Bar]]:
    """One bar of each symbol at a time."""
    series = [
        bar_messages(random_walk_bars(MOST, symbol=symbol, start=START, seed=seed))
        for seed, symbol in enumerate(SYMBOLS)
    ]
    return (list(row) for row in zip(*series, strict=True))


async def ingest(app: App, row: list[bar_pb2.Bar]) -> None:
    """Stores bars."""
    async with grpc.aio.insecure_channel(app.address) as channel:
        market = market_data_service_pb2_grpc.MarketDataServiceStub(channel)
        await market.IngestBars(market_data_service_pb2.IngestBarsRequest(bars=row))


if __name__ == "__main__":
    asyncio.run(main())
