"""The server is killed while bars are replayed and watched: nobody misses a bar."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tickcast import (
    AsyncClient,
    AsyncEventStream,
    Bar,
    BarEvent,
    Client,
    PredictionEvent,
    PredictionStreamEvent,
    PriceStreamEvent,
    Refusal,
    ServerUnavailable,
    StreamStarted,
)
from tickcast_modelkit.testing import random_walk_bars
from tickcast_server.testing import eventually, free_address, start_process

from tests.sdk_bars import sdk_bars

SYMBOLS = ("AAPL", "IBM", "NEW")
COUNT = 150
# NEW has its first bar soon after the server is back, before all streams are.
FIRST_OF = {"AAPL": 0, "IBM": 0, "NEW": 90}

AddPackage = Callable[..., Path]


def bars() -> list[list[Bar]]:
    """Step by step."""
    steps: list[list[Bar]] = [[] for _ in range(COUNT)]
    for seed, symbol in enumerate(SYMBOLS):
        series = random_walk_bars(COUNT, symbol=symbol, seed=seed)
        sent = sdk_bars(series)[FIRST_OF[symbol] :]
        for step, bar in zip(steps[FIRST_OF[symbol] :], sent, strict=True):
            step.append(bar)
    return steps


async def until_it_answers(client: AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await client.list_models(timeout=1)
            except ServerUnavailable:
                await asyncio.sleep(0.1)
            else:
                return


async def send_all(client: AsyncClient, steps: list[list[Bar]]) -> None:
    for step in steps:
        while True:
            try:
                await client.ingest_bars(step)
            except ServerUnavailable:
                await asyncio.sleep(0.05)
            else:
                break


class Reader:
    """Keeps the sequences of each symbol, in the order of arrival, and how often it began."""

    def __init__(self) -> None:
        self.sequences: dict[str, list[int]] = {symbol: [] for symbol in SYMBOLS}
        self.begun = 0

    def take(self, event: PredictionStreamEvent | PriceStreamEvent) -> bool:
        """Whether everything has arrived."""
        if isinstance(event, StreamStarted):
            self.begun += 1
        elif isinstance(event, (BarEvent, PredictionEvent, Refusal)):
            self.sequences[event.position.symbol].append(event.position.sequence)
        return all(
            len(found) == COUNT - FIRST_OF[symbol] for symbol, found in self.sequences.items()
        )


async def read(stream: AsyncEventStream[Any], reader: Reader) -> None:
    async with stream:
        async for event in stream:
            if reader.take(event):
                return


def read_blocking(address: str, reader: Reader) -> None:
    with Client(address) as client, client.stream_prices("1d") as stream:
        for event in stream:
            if reader.take(event):
                return


async def test_streams_resume_and_the_sequence_has_no_hole(
    tmp_path: Path, add_package: AddPackage
) -> None:
    add_package()
    address = free_address()
    quiet = {"TICKCAST_LOG__LEVEL": "ERROR"}
    readers = [Reader(), Reader(), Reader()]
    async with AsyncClient(address) as client, asyncio.timeout(120):
        async with start_process(tmp_path, address, **quiet) as server:
            await until_it_answers(client)
            reading = [
                asyncio.create_task(read(client.stream_predictions("models/tiny"), readers[0])),
                asyncio.create_task(read(client.stream_prices("1d"), readers[1])),
                asyncio.create_task(asyncio.to_thread(read_blocking, address, readers[2])),
            ]
            await eventually(lambda: all(reader.begun for reader in readers))
            sending = asyncio.create_task(send_all(client, bars()))
            await eventually(lambda: len(readers[1].sequences["AAPL"]) >= 80)
            # With requests and events on their way.
            server.kill()
            await server.wait()
        # It ends in its orderly way, so that its store ends too.
        async with start_process(tmp_path, address, **quiet):
            await asyncio.gather(sending, *reading)
    for reader in readers:
        assert reader.begun >= 2
        for symbol, first in FIRST_OF.items():
            assert reader.sequences[symbol] == list(range(1, COUNT - first + 1)), symbol
